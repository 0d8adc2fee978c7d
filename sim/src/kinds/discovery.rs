//! The rules of the kinds of discovery: the endpoints of services, in slices.

use serde_json::{Value, json};

use super::pod_spec::read::{each, field, fill, given, inside, known_if_given, list, list_mut, problems, too_many};
use super::{Causes, Rules, Table, addresses};
use crate::meta;
use crate::validate_name;

const ADDRESS_TYPES: [&str; 3] = ["FQDN", "IPv4", "IPv6"];
const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];

const ENDPOINTS_MAX: usize = 1_000;
const ADDRESSES_MAX: usize = 100;
const PORTS_MAX: usize = 20_000;
const HINTS_MAX: usize = 8;

/// Who makes slices of their own: they look after their addresses.
const CONTROLLERS: [&str; 2] = ["endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io"];

pub(super) const TABLE: Table = &[(
    "endpointslices",
    Rules {
        default: |value| {
            for port in list_mut(value, "ports") {
                fill(port, &json!({"name": "", "protocol": "TCP"}));
            }
        },
        prepare_create: drop_topology,
        prepare_update,
        validate: |value, causes| slice(None, value, causes),
        validate_update: |old, new, causes| {
            slice(Some(old), new, causes);
            if old.get("addressType") != new.get("addressType") {
                causes.invalid("addressType", &meta::text(new, "addressType").into(), "field is immutable");
            }
        },
        warn: warnings,
        ..Rules::NONE
    },
)];

/// A field of older versions, which may only stay.
fn drop_topology(value: &mut Value) {
    for endpoint in list_mut(value, "endpoints") {
        if let Some(fields) = endpoint.as_object_mut() {
            fields.remove("deprecatedTopology");
        }
    }
}

fn prepare_update(old: &Value, new: &mut Value) {
    let labels = |value: &Value| meta::metadata(value).get("labels").cloned();
    let parts = ["addressType", "endpoints", "ports"];
    // Labels are part of what a slice is, and so is what is dropped right after.
    if labels(old) != labels(new) || parts.iter().any(|key| old.get(key) != new.get(key)) {
        let generation = meta::metadata(old).get("generation").and_then(Value::as_i64).unwrap_or_default();
        meta::set(new, "generation", generation + 1);
    }
    if field(old, "endpoints") != field(new, "endpoints") {
        drop_topology(new);
    }
}

fn slice(old: Option<&Value>, value: &Value, causes: &mut Causes) {
    match meta::text(value, "addressType") {
        "" => causes.required("addressType", ""),
        known if ADDRESS_TYPES.contains(&known) => {}
        other => causes.not_supported("addressType", other, &ADDRESS_TYPES),
    }
    causes.at("ports", |causes| ports(list(value, "ports"), causes));
    // What is stored may stay, however it came there.
    if old.is_none_or(|old| field(old, "endpoints") != field(value, "endpoints")) {
        let kind = meta::text(value, "addressType");
        causes.at("endpoints", |causes| {
            let endpoints = list(value, "endpoints");
            too_many("", endpoints.len(), ENDPOINTS_MAX, causes);
            for (index, entry) in endpoints.iter().take_while(|_| endpoints.len() <= ENDPOINTS_MAX).enumerate() {
                causes.index(index, |causes| endpoint(entry, kind, causes));
            }
        });
    }
}

fn ports(ports: &[Value], causes: &mut Causes) {
    if ports.len() > PORTS_MAX {
        too_many("", ports.len(), PORTS_MAX, causes);
        return;
    }
    let mut names = std::collections::BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        causes.index(index, |causes| {
            let name = meta::text(port, "name");
            if !name.is_empty() {
                problems("name", name, validate_name::label(name), causes);
            }
            if !names.insert(name) {
                causes.duplicate("name", &name.into());
            }
            known_if_given(port, "protocol", &PROTOCOLS, causes);
            if let Some(protocol) = port.get("appProtocol").and_then(Value::as_str) {
                problems("appProtocol", protocol, validate_name::qualified_name(protocol), causes);
            }
        });
    }
}

fn endpoint(value: &Value, kind: &str, causes: &mut Causes) {
    let all = list(value, "addresses");
    causes.at("addresses", |causes| {
        if all.is_empty() {
            causes.required("", "must contain at least 1 address");
        }
        too_many("", all.len(), ADDRESSES_MAX, causes);
        for (index, entry) in all.iter().enumerate() {
            address(index, entry.as_str().unwrap_or_default(), kind, causes);
        }
    });
    if let Some(node) = value.get("nodeName").and_then(Value::as_str) {
        problems("nodeName", node, validate_name::subdomain(node), causes);
    }
    if let Some(host) = value.get("hostname").and_then(Value::as_str) {
        problems("hostname", host, validate_name::label(host), causes);
    }
    inside(value, "hints", causes, hints);
}

fn address(index: usize, text: &str, kind: &str, causes: &mut Causes) {
    let (wrong, family) = match kind {
        "IPv4" => (addresses::legacy_problems(text), "IPv4"),
        "IPv6" => (addresses::problems(text), "IPv6"),
        "FQDN" => {
            causes.index(index, |causes| domain(text, causes));
            return;
        }
        // A slice of a type that nobody knows is refused for its type.
        _ => return,
    };
    if wrong.is_empty() {
        if addresses::sloppy(text).is_some_and(|address| addresses::is_four(address) != (family == "IPv4")) {
            causes.invalid("", &text.into(), &format!("must be an {family} address"));
        }
        causes.index(index, |causes| addresses::refuse("", text, addresses::endpoint_problems(text), causes));
    } else {
        causes.index(index, |causes| addresses::refuse("", text, wrong, causes));
    }
}

/// A name of at least two labels.
fn domain(text: &str, causes: &mut Causes) {
    if text.is_empty() {
        causes.required("", "");
        return;
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    let wrong = validate_name::subdomain(name);
    if !wrong.is_empty() {
        causes.invalid("", &name.into(), &wrong.join(","));
    } else if !name.contains('.') {
        let why = "should be a domain with at least two segments separated by dots";
        causes.invalid("", &name.into(), why);
    } else if let Some(part) = name.split('.').find(|part| !validate_name::label(part).is_empty()) {
        causes.invalid("", &part.into(), &validate_name::label(part).join(","));
    }
}

fn hints(value: &Value, causes: &mut Causes) {
    for key in ["forZones", "forNodes"] {
        let check = if key == "forZones" { validate_name::label_value } else { validate_name::subdomain };
        let entries = list(value, key);
        if entries.len() > HINTS_MAX {
            too_many(key, entries.len(), HINTS_MAX, causes);
            return;
        }
        let mut names = Vec::new();
        each(value, key, causes, |entry, causes| {
            let name = meta::text(entry, "name");
            if names.contains(&name) {
                causes.duplicate("name", &name.into());
            } else {
                names.push(name);
            }
            problems("name", name, check(name), causes);
        });
    }
}

fn warnings(old: Option<&Value>, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if old.is_none() && meta::text(value, "addressType") == "FQDN" {
        found.push("spec.addressType: FQDN endpoints are deprecated".to_owned());
    }
    let by =
        meta::at(value, "metadata.labels").and_then(|labels| given(labels, "endpointslice.kubernetes.io/managed-by"));
    if by.and_then(Value::as_str).is_some_and(|by| CONTROLLERS.contains(&by)) {
        return found;
    }
    for (i, endpoint) in list(value, "endpoints").iter().enumerate() {
        for (j, address) in list(endpoint, "addresses").iter().enumerate() {
            let path = format!("endpoints[{i}].addresses[{j}]");
            found.extend(addresses::warning(&path, address.as_str().unwrap_or_default()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::Cause;

    fn found(value: &Value) -> Vec<Cause> {
        let mut causes = Causes::default();
        slice(None, value, &mut causes);
        causes.into_found()
    }

    #[test]
    fn addresses_are_of_the_type_of_the_slice() {
        let slice = |kind: &str, address: &str| {
            found(&json!({"addressType": kind, "endpoints": [{"addresses": [address]}]}))
                .into_iter()
                .map(|cause| (cause.field, cause.message))
                .collect::<Vec<_>>()
        };
        assert_eq!(slice("IPv4", "10.0.0.1"), []);
        assert_eq!(slice("FQDN", "example.com."), []);
        let (path, message) = &slice("IPv4", "2001:db8::1")[0];
        assert_eq!(
            (path.as_str(), message.as_str()),
            ("endpoints[0].addresses", "Invalid value: \"2001:db8::1\": must be an IPv4 address")
        );
        assert_eq!(slice("IPv6", "fe80::1").len(), 1);
        assert_eq!(slice("FQDN", "example").len(), 1);
        assert_eq!(slice("Odd", "anything").len(), 1);
    }
}
