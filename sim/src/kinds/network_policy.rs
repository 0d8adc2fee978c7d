//! Network policies: who may talk to whom, and on which ports.
//!
//! # Differences
//!
//! A real server counts a new generation whenever a list without entries is written, which it stores as absent; the simulator counts
//! changes.

use serde_json::{Value, json};

use super::pod_spec::read::{
    each, field, given, known_if_given, list, list_mut, port_name, port_number, problems, selector, whole, whole_spec,
};
use super::{Causes, Rules, addresses};
use crate::meta;

/// The two directions of traffic, and where the peers of each are.
const DIRECTIONS: [(&str, &str); 2] = [("ingress", "from"), ("egress", "to")];

pub(super) const RULES: Rules = Rules {
    default,
    validate: |value, causes| spec(field(value, "spec"), &[], causes),
    validate_update: |old, new, causes| spec(field(new, "spec"), &blocks(old), causes),
    warn: |_, value| warnings(value),
    ..Rules::NONE
};

fn default(value: &mut Value) {
    let Some(spec) = whole_spec(value) else {
        return;
    };
    if list(spec, "policyTypes").is_empty() {
        let both = !list(spec, "egress").is_empty();
        spec["policyTypes"] = if both { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) };
    }
    for (direction, _) in DIRECTIONS {
        for rule in list_mut(spec, direction) {
            for port in list_mut(rule, "ports") {
                if let Some(port) = port.as_object_mut() {
                    port.entry("protocol").or_insert_with(|| "TCP".into());
                }
            }
        }
    }
}

/// Every range that a policy names: whatever they are, they may stay.
fn blocks(value: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    for (direction, peers) in DIRECTIONS {
        for rule in list(field(value, "spec"), direction) {
            for block in list(rule, peers).iter().filter_map(|peer| given(peer, "ipBlock")) {
                found.push(meta::text(block, "cidr"));
                found.extend(list(block, "except").iter().filter_map(Value::as_str));
            }
        }
    }
    found
}

fn spec(spec: &Value, known: &[&str], causes: &mut Causes) {
    causes.at("spec", |causes| {
        selector(spec, "podSelector", causes);
        for (direction, peers) in DIRECTIONS {
            each(spec, direction, causes, |rule, causes| {
                each(rule, "ports", causes, port);
                each(rule, peers, causes, |value, causes| peer(value, known, causes));
            });
        }
        let types = list(spec, "policyTypes");
        if types.len() > DIRECTIONS.len() {
            causes.invalid("policyTypes", &json!(types), "may not specify more than two policyTypes");
            return;
        }
        each(spec, "policyTypes", causes, |value, causes| match value.as_str().unwrap_or_default() {
            "Ingress" | "Egress" => {}
            other => causes.not_supported("", other, &["Ingress", "Egress"]),
        });
    });
}

fn port(value: &Value, causes: &mut Causes) {
    known_if_given(value, "protocol", &["TCP", "UDP", "SCTP"], causes);
    let end = whole(value, "endPort");
    match given(value, "port") {
        Some(Value::String(name)) => {
            if let Some(end) = end {
                causes.invalid("endPort", &end.into(), "may not be specified when `port` is non-numeric");
            }
            problems("port", name, port_name(name), causes);
        }
        Some(number) => {
            let number = number.as_i64().unwrap_or_default();
            port_number("port", number, causes);
            if let Some(end) = end {
                if end < number {
                    causes.invalid("endPort", &number.into(), "must be greater than or equal to `port`");
                }
                port_number("endPort", end, causes);
            }
        }
        None => {
            if let Some(end) = end {
                causes.invalid("endPort", &end.into(), "may not be specified when `port` is not specified");
            }
        }
    }
}

fn peer(value: &Value, known: &[&str], causes: &mut Causes) {
    let selectors = ["podSelector", "namespaceSelector"];
    for key in selectors {
        selector(value, key, causes);
    }
    let selects = selectors.iter().any(|key| given(value, key).is_some());
    match given(value, "ipBlock") {
        Some(block) => {
            causes.at("ipBlock", |causes| ip_block(block, known, causes));
            if selects {
                causes.forbidden("", "may not specify both ipBlock and another peer");
            }
        }
        None if !selects => causes.required("", "must specify a peer"),
        None => {}
    }
}

fn ip_block(block: &Value, known: &[&str], causes: &mut Causes) {
    let cidr = meta::text(block, "cidr");
    if cidr.is_empty() {
        causes.required("cidr", "");
        return;
    }
    let check = |field: &str, text: &str, causes: &mut Causes| {
        if !known.contains(&text) {
            addresses::refuse(field, text, addresses::legacy_range_problems(text), causes);
        }
    };
    check("cidr", cidr, causes);
    let Some(range) = addresses::Range::sloppy(cidr) else {
        return;
    };
    each(block, "except", causes, |except, causes| {
        let text = except.as_str().unwrap_or_default();
        check("", text, causes);
        if let Some(part) = addresses::Range::sloppy(text)
            && (!range.contains(part.network) || range.length >= part.length)
        {
            causes.invalid("", except, "must be a strict subset of `cidr`");
        }
    });
}

/// What a writer is warned of.
fn warnings(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (direction, peers) in DIRECTIONS {
        for (i, rule) in list(field(value, "spec"), direction).iter().enumerate() {
            for (j, peer) in list(rule, peers).iter().enumerate() {
                let Some(block) = given(peer, "ipBlock") else {
                    continue;
                };
                let path = format!("spec.{direction}[{i}].{peers}[{j}].ipBlock");
                found.extend(addresses::range_warnings(&format!("{path}.cidr"), meta::text(block, "cidr")));
                for (k, except) in list(block, "except").iter().enumerate() {
                    let text = except.as_str().unwrap_or_default();
                    found.extend(addresses::range_warnings(&format!("{path}.except[{k}]"), text));
                }
            }
        }
    }
    found
}
