//! EndpointSlices of Endpoints that somebody wrote by hand, for a Service without selector.
//!
//! One slice for every set of ports and kind of address. Endpoints that are a lock of a leader election, or say that they want no mirror,
//! have none.
//!
//! # Differences
//!
//! At most 1,000 addresses of a subset are mirrored, as in a real cluster, but no event says so.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::access::{Access, ENDPOINT_SLICES, ENDPOINTS, SERVICES, annotation, controller, is_deleting, items, text};
use crate::object::Object;
use crate::options::Propagation;

const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const MANAGER: &str = "endpointslicemirroring-controller.k8s.io";
const SERVICE_NAME: &str = "kubernetes.io/service-name";
const SKIP: &str = "endpointslice.kubernetes.io/skip-mirror";
const LEADER: &str = "control-plane.alpha.kubernetes.io/leader";
/// Annotations that are about the Endpoints themselves.
const OWN_ANNOTATIONS: [&str; 2] =
    ["endpoints.kubernetes.io/last-change-trigger-time", "kubectl.kubernetes.io/last-applied-configuration"];
/// The most addresses of one subset that are mirrored.
const MOST: usize = 1_000;

pub(super) fn pass(access: Access<'_>) {
    for endpoints in access.all(ENDPOINTS) {
        let found = existing(access, &endpoints);
        if is_mirrored(access, &endpoints) {
            sync(access, &endpoints, found);
        } else {
            delete_all(access, &found);
        }
    }
}

fn delete_all(access: Access<'_>, slices: &[Object]) {
    for slice in slices {
        let target = ENDPOINT_SLICES.target(slice.namespace(), Some(slice.name()));
        access.delete(&target, slice.uid(), Propagation::Background);
    }
}

/// The mirrors that there are.
fn existing(access: Access<'_>, endpoints: &Object) -> Vec<Object> {
    let mut slices = access.list(&ENDPOINT_SLICES.target(endpoints.namespace(), None));
    slices.retain(|slice| {
        let label = |key: &str| slice.labels().and_then(|labels| labels.get(key)).and_then(Value::as_str);
        label(MANAGED_BY) == Some(MANAGER) && label(SERVICE_NAME) == Some(endpoints.name()) && !is_deleting(slice)
    });
    slices
}

fn is_mirrored(access: Access<'_>, endpoints: &Object) -> bool {
    let skipped = endpoints.labels().and_then(|labels| labels.get(SKIP)).is_some_and(|skip| skip == "true");
    let service = access.get(SERVICES, endpoints.namespace(), endpoints.name());
    !skipped
        && annotation(endpoints.value(), LEADER).is_none()
        && !is_deleting(endpoints)
        && service.is_some_and(|service| {
            service.value()["spec"]["selector"].as_object().is_none_or(Map::is_empty) && !is_deleting(&service)
        })
}

/// What slices there should be: by kind of address and ports.
fn wanted(endpoints: &Object) -> BTreeMap<(&'static str, String), (Value, Vec<Value>)> {
    let mut slices: BTreeMap<_, (Value, Vec<Value>)> = BTreeMap::new();
    for subset in items(endpoints.value(), "/subsets") {
        let mut ports: Vec<Value> = items(subset, "/ports").to_vec();
        for port in &mut ports {
            if let Some(port) = port.as_object_mut() {
                // A name is said even where there is none.
                port.entry("name").or_insert_with(|| "".into());
            }
        }
        let ready = items(subset, "/addresses").iter().map(|address| (address, true));
        let addresses = ready.chain(items(subset, "/notReadyAddresses").iter().map(|address| (address, false)));
        for (address, ready) in addresses.take(MOST) {
            let Some(ip) = text(address, "/ip").and_then(|ip| ip.parse::<IpAddr>().ok()) else { continue };
            let mut endpoint = json!({"addresses": [ip.to_string()], "conditions": {"ready": ready}});
            for key in ["targetRef", "nodeName", "hostname"] {
                if let Some(value) = address.get(key).filter(|value| !value.is_null() && *value != "") {
                    endpoint[key] = value.clone();
                }
            }
            let family = if ip.is_ipv4() { "IPv4" } else { "IPv6" };
            let ports = Value::from(ports.clone());
            slices.entry((family, ports.to_string())).or_insert_with(|| (ports, Vec::new())).1.push(endpoint);
        }
    }
    slices
}

fn sync(access: Access<'_>, endpoints: &Object, mut found: Vec<Object>) {
    let mut labels = endpoints.labels().cloned().unwrap_or_default();
    labels.insert(SERVICE_NAME.to_owned(), endpoints.name().into());
    labels.insert(MANAGED_BY.to_owned(), MANAGER.into());
    let mut annotations =
        endpoints.metadata().get("annotations").and_then(Value::as_object).cloned().unwrap_or_default();
    annotations.retain(|key, _| !OWN_ANNOTATIONS.contains(&key.as_str()));
    for ((family, _), (ports, list)) in wanted(endpoints) {
        let place = found.iter().position(|slice| {
            slice.value()["addressType"] == family && items(slice.value(), "/ports") == items(&ports, "")
        });
        let mut body = json!({
            "addressType": family,
            "endpoints": list,
            "metadata": {
                "namespace": endpoints.namespace(),
                "labels": labels,
                "ownerReferences": [ENDPOINTS.controller_reference(endpoints)],
            },
            "ports": ports,
        });
        if !annotations.is_empty() {
            body["metadata"]["annotations"] = annotations.clone().into();
        }
        let Some(slice) = place.map(|place| found.remove(place)) else {
            body["metadata"]["generateName"] = format!("{}-", endpoints.name()).into();
            access.create(ENDPOINT_SLICES, endpoints.namespace(), body);
            continue;
        };
        let same = ["labels", "annotations"].iter().all(|key| slice.metadata().get(*key) == body["metadata"].get(*key))
            && controller(slice.value()).is_some_and(|owner| text(owner, "/uid") == Some(endpoints.uid()))
            && slice.value()["endpoints"] == body["endpoints"];
        if !same {
            let mut metadata = slice.metadata().clone();
            for key in ["labels", "annotations", "ownerReferences"] {
                match body["metadata"].get(key) {
                    Some(value) => metadata.insert(key.to_owned(), value.clone()),
                    None => metadata.remove(key),
                };
            }
            body["metadata"] = metadata.into();
            body["apiVersion"] = slice.api_version().into();
            body["kind"] = slice.kind().into();
            access.update(ENDPOINT_SLICES, body);
        }
    }
    delete_all(access, &found);
}
