//! Endpoints and EndpointSlices of Services with a selector: the addresses of the pods behind them.
//!
//! Both are made for every such Service, as a real cluster does, and are there in its backups. A Service without
//! selector is left to whoever made it.
//!
//! # Differences
//!
//! One slice a Service, IPv4 only. The slice's name is generated once and found again by its labels. Neither carries the
//! time of the last change.

use serde_json::{Map, Value, json};

use super::access::{Access, ENDPOINT_SLICES, ENDPOINTS, PODS, SERVICES, controller, is_deleting, items, text};
use super::pods::{is_active, is_ready};
use super::selector::selects_map;
use crate::object::Object;
use crate::options::Propagation;

const SERVICE_NAME: &str = "kubernetes.io/service-name";
const HEADLESS: &str = "service.kubernetes.io/headless";

pub(super) fn pass(access: Access<'_>) {
    for service in access.all(SERVICES) {
        let Some(selector) = service.value()["spec"]["selector"].as_object().filter(|found| !found.is_empty()) else {
            continue;
        };
        if is_deleting(&service) {
            continue;
        }
        let pods = access.list(&PODS.target(service.namespace(), None));
        let behind: Vec<&Object> = pods
            .iter()
            .filter(|pod| {
                selects_map(selector, pod.labels()) && is_active(pod) && text(pod.value(), "/status/podIP").is_some()
            })
            .collect();
        sync_endpoints(access, &service, &behind);
        sync_slice(access, &service, &behind);
    }
    // Endpoints have no owner reference: their controller deletes them itself when the Service is gone.
    for endpoints in access.all(ENDPOINTS) {
        let managed =
            endpoints.labels().is_some_and(|labels| labels.contains_key("endpoints.kubernetes.io/managed-by"));
        if managed && access.get(SERVICES, endpoints.namespace(), endpoints.name()).is_none() {
            let target = ENDPOINTS.target(endpoints.namespace(), Some(endpoints.name()));
            access.delete(&target, endpoints.uid(), Propagation::Background);
        }
    }
}

fn is_headless(service: &Object) -> bool {
    text(service.value(), "/spec/clusterIP") == Some("None")
}

/// The ports of the Service as the pods behind it have them: names resolved.
fn ports(service: &Object, pods: &[&Object]) -> Vec<Value> {
    let ports = items(service.value(), "/spec/ports").iter();
    ports
        .filter_map(|port| {
            let number = match &port["targetPort"] {
                Value::String(name) => named_port(pods, name)?,
                Value::Null => port["port"].clone(),
                number => number.clone(),
            };
            let mut entry = json!({"port": number, "protocol": text(port, "/protocol").unwrap_or("TCP")});
            for key in ["name", "appProtocol"] {
                if let Some(value) = port.get(key).filter(|value| !value.is_null()) {
                    entry[key] = value.clone();
                }
            }
            Some(entry)
        })
        .collect()
}

fn named_port(pods: &[&Object], name: &str) -> Option<Value> {
    let containers = pods.iter().flat_map(|pod| items(pod.value(), "/spec/containers"));
    let mut ports = containers.flat_map(|container| items(container, "/ports"));
    ports.find(|port| port["name"] == name).map(|port| port["containerPort"].clone())
}

fn target_reference(pod: &Object) -> Value {
    json!({"kind": PODS.kind, "namespace": pod.namespace(), "name": pod.name(), "uid": pod.uid()})
}

/// Whether a pod is to be reached: it is ready, or the Service does not ask.
fn is_published(service: &Object, pod: &Object) -> bool {
    is_ready(pod) || service.value()["spec"]["publishNotReadyAddresses"] == true
}

/// The name of the pod in the Service's domain, if it has one there.
fn hostname<'p>(service: &Object, pod: &'p Object) -> Option<&'p str> {
    let here = text(pod.value(), "/spec/subdomain") == Some(service.name());
    text(pod.value(), "/spec/hostname").filter(|_| here)
}

fn sync_endpoints(access: Access<'_>, service: &Object, pods: &[&Object]) {
    let addresses = |ready: bool| -> Vec<Value> {
        let chosen = pods.iter().filter(|pod| is_published(service, pod) == ready);
        let address = chosen.map(|pod| {
            let mut address = json!({
                "ip": pod.value()["status"]["podIP"],
                "nodeName": pod.value()["spec"]["nodeName"],
                "targetRef": target_reference(pod),
            });
            if let Some(name) = hostname(service, pod) {
                address["hostname"] = name.into();
            }
            address
        });
        address.collect()
    };
    let mut subset = Map::new();
    for (key, list) in [("addresses", addresses(true)), ("notReadyAddresses", addresses(false))] {
        if !list.is_empty() {
            subset.insert(key.to_owned(), list.into());
        }
    }
    let mut body = json!({"metadata": {
        "name": service.name(),
        "namespace": service.namespace(),
        "labels": labels(service, &[("endpoints.kubernetes.io/managed-by", "endpoint-controller")]),
    }});
    if !subset.is_empty() {
        subset.insert("ports".to_owned(), ports(service, pods).into());
        body["subsets"] = json!([subset]);
    }
    match access.get(ENDPOINTS, service.namespace(), service.name()) {
        None => drop(access.create(ENDPOINTS, service.namespace(), body)),
        Some(found) if found.value().get("subsets") == body.get("subsets") => {}
        Some(found) => {
            body["metadata"] = Value::Object(found.metadata().clone());
            access.update(ENDPOINTS, body);
        }
    }
}

/// The labels of the Service and ours.
fn labels(service: &Object, more: &[(&str, &str)]) -> Value {
    let mut labels = service.labels().cloned().unwrap_or_default();
    for (key, value) in more {
        labels.insert((*key).to_owned(), (*value).into());
    }
    if is_headless(service) {
        labels.insert(HEADLESS.to_owned(), "".into());
    }
    Value::Object(labels)
}

fn sync_slice(access: Access<'_>, service: &Object, pods: &[&Object]) {
    let endpoints: Vec<Value> = pods
        .iter()
        .map(|pod| {
            let mut endpoint = json!({
                "addresses": [pod.value()["status"]["podIP"]],
                "conditions": {"ready": is_published(service, pod), "serving": is_ready(pod), "terminating": false},
                "nodeName": pod.value()["spec"]["nodeName"],
                "targetRef": target_reference(pod),
            });
            if let Some(name) = hostname(service, pod) {
                endpoint["hostname"] = name.into();
            }
            endpoint
        })
        .collect();
    let mut list = ports(service, pods);
    for port in list.iter_mut().filter_map(Value::as_object_mut) {
        // A slice says a name even where there is none.
        port.entry("name").or_insert_with(|| "".into());
    }
    let ports = if pods.is_empty() { Value::Null } else { list.into() };
    let found = access
        .list(&ENDPOINT_SLICES.target(service.namespace(), None))
        .into_iter()
        .find(|slice| controller(slice.value()).is_some_and(|owner| text(owner, "/uid") == Some(service.uid())));
    match found {
        None => {
            let managed = ("endpointslice.kubernetes.io/managed-by", "endpointslice-controller.k8s.io");
            let body = json!({
                "addressType": "IPv4",
                "endpoints": endpoints,
                "metadata": {
                    "generateName": format!("{}-", service.name()),
                    "namespace": service.namespace(),
                    "labels": labels(service, &[(SERVICE_NAME, service.name()), managed]),
                    "ownerReferences": [SERVICES.controller_reference(service)],
                },
                "ports": ports,
            });
            access.create(ENDPOINT_SLICES, service.namespace(), body);
        }
        Some(slice) if items(slice.value(), "/endpoints") == endpoints && slice.value()["ports"] == ports => {}
        Some(slice) => {
            let mut body = slice.value().clone();
            body["endpoints"] = endpoints.into();
            body["ports"] = ports;
            access.update(ENDPOINT_SLICES, body);
        }
    }
}
