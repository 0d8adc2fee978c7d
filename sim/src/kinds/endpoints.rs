//! Endpoints: where a service's pods are reached.

use serde_json::Value;

use super::pod_spec::read::{each, field, fill_text, list, list_mut, number, one_of, port_number, problems};
use super::{Causes, Rules, addresses};
use crate::meta;
use crate::validate_name;

pub(super) const RULES: Rules = Rules {
    default: |value| {
        for subset in list_mut(value, "subsets") {
            for port in list_mut(subset, "ports") {
                fill_text(port, "protocol", "TCP");
            }
        }
    },
    validate: subsets,
    validate_update: |old, new, causes| {
        // Its metadata is validated as that of a new object again.
        causes.extend(validate_name::metadata(new));
        if field(old, "subsets") != field(new, "subsets") {
            subsets(new, causes);
        }
    },
    warn: |_, value| told(value),
    ..Rules::NONE
};

const MANAGER: &str = "endpoints.kubernetes.io/managed-by";

fn subsets(value: &Value, causes: &mut Causes) {
    each(value, "subsets", causes, |subset, causes| {
        let lists = ["addresses", "notReadyAddresses"];
        if lists.iter().all(|key| list(subset, key).is_empty()) {
            causes.required("", "must specify `addresses` or `notReadyAddresses`");
        }
        for key in lists {
            each(subset, key, causes, address);
        }
        let several = list(subset, "ports").len() > 1;
        each(subset, "ports", causes, |port, causes| {
            match meta::text(port, "name") {
                "" if several => causes.required("name", ""),
                "" => {}
                name => problems("name", name, validate_name::label(name), causes),
            }
            port_number("port", number(port, "port"), causes);
            one_of(port, "protocol", &["SCTP", "TCP", "UDP"], causes);
            if let Some(protocol) = port.get("appProtocol").and_then(Value::as_str) {
                problems("appProtocol", protocol, validate_name::qualified_name(protocol), causes);
            }
        });
    });
}

fn address(entry: &Value, causes: &mut Causes) {
    let text = meta::text(entry, "ip");
    addresses::legacy("ip", text, &[], causes);
    match meta::text(entry, "hostname") {
        "" => {}
        name => problems("hostname", name, validate_name::label(name), causes),
    }
    if let Some(node) = entry.get("nodeName").and_then(Value::as_str) {
        problems("nodeName", node, validate_name::subdomain(node), causes);
    }
    addresses::refuse("ip", text, addresses::endpoint_problems(text), causes);
}

fn told(value: &Value) -> Vec<String> {
    let manager = meta::metadata(value).get("labels").map_or("", |labels| meta::text(labels, MANAGER));
    let mut told = Vec::new();
    if manager == "endpoint-controller" {
        return told;
    }
    for (index, subset) in list(value, "subsets").iter().enumerate() {
        for key in ["addresses", "notReadyAddresses"] {
            for (place, entry) in list(subset, key).iter().enumerate() {
                let path = format!("subsets[{index}].{key}[{place}].ip");
                told.extend(addresses::warning(&path, meta::text(entry, "ip")));
            }
        }
    }
    told
}
