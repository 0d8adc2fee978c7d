//! Services: their defaults, what their type means for their fields, and what they may say.
//!
//! Addresses and families are in `service_addresses`; what is allocated is in `admission::services`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::pod_spec::internal;
use super::pod_spec::read::{
    each, entries, field, fill, fill_text, given, known_if_given, list, list_mut, number, one_of, port_name,
    port_number, problems,
};
use super::{Causes, Rules, addresses, service_addresses};
use crate::meta;
use crate::status::Cause;
use crate::validate_name;

pub(super) const RULES: Rules = Rules {
    default,
    prepare_create: |value| value["status"] = json!({"loadBalancer": {}}),
    prepare_update,
    validate: |value, causes| service(value, None, causes),
    validate_update: |old, new, causes| {
        service_addresses::update(old, new, causes);
        class(Some(old), new, causes);
        if needs_health_check(old) && needs_health_check(new) && health_port(old) != health_port(new) {
            causes.forbidden("spec.healthCheckNodePort", "field is immutable");
        }
        service(new, Some(old), causes);
    },
    validate_status_update,
    warn: |_, value| told(value),
    warn_status: |_, value| {
        let told = ingress(value).iter().enumerate().filter_map(|(index, entry)| {
            let path = format!("status.loadBalancer.ingress[{index}]");
            addresses::warning(&path, meta::text(entry, "ip"))
        });
        told.collect()
    },
    ..Rules::NONE
};

const TYPES: [&str; 4] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const HINTS: &str = "service.kubernetes.io/topology-aware-hints";
const MODE: &str = "service.kubernetes.io/topology-mode";
const RANGES: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";
/// How long a client stays with its pod where the service does not say.
const AFFINITY_SECONDS: i64 = 10_800;
const AFFINITY_SECONDS_MAX: i64 = 86_400;

pub(crate) fn spec(value: &Value) -> &Value {
    field(value, "spec")
}

pub(crate) fn type_of(value: &Value) -> &str {
    meta::text(spec(value), "type")
}

/// Whether the type of the service has an address in the cluster.
pub(crate) fn needs_address(value: &Value) -> bool {
    type_of(value) != "ExternalName"
}

/// Whether the load balancer asks each node for its health.
pub(crate) fn needs_health_check(value: &Value) -> bool {
    type_of(value) == "LoadBalancer" && meta::text(spec(value), "externalTrafficPolicy") == "Local"
}

fn health_port(value: &Value) -> i64 {
    number(spec(value), "healthCheckNodePort")
}

/// Whether anybody outside can reach it.
fn is_accessible(value: &Value) -> bool {
    match type_of(value) {
        "LoadBalancer" | "NodePort" => true,
        "ClusterIP" => !list(spec(value), "externalIPs").is_empty(),
        _ => false,
    }
}

pub(crate) fn cluster_ips(value: &Value) -> Vec<&str> {
    list(spec(value), "clusterIPs").iter().filter_map(Value::as_str).collect()
}

/// Whether it has no address, but its pods are found by name.
pub(crate) fn is_headless(value: &Value) -> bool {
    cluster_ips(value) == ["None"]
}

fn annotation<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    meta::metadata(value).get("annotations")?.get(key)?.as_str()
}

fn ingress(value: &Value) -> &[Value] {
    meta::at(value, "status.loadBalancer.ingress").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A service that is only a name, without the policy that it may have kept from before.
pub(super) fn unseen(value: &Value) -> Option<Value> {
    let key = "internalTrafficPolicy";
    if type_of(value) != "ExternalName" || given(spec(value), key).is_none() {
        return None;
    }
    let mut seen = value.clone();
    if let Some(fields) = seen["spec"].as_object_mut() {
        fields.remove(key);
    }
    Some(seen)
}

fn default(value: &mut Value) {
    meta::object_at(value, "spec");
    let accessible = {
        let Some(spec) = value.get_mut("spec").filter(|spec| spec.is_object()) else {
            return;
        };
        fill_text(spec, "sessionAffinity", "None");
        match meta::text(spec, "sessionAffinity") {
            "None" => drop(spec.as_object_mut().map(|fields| fields.remove("sessionAffinityConfig"))),
            "ClientIP"
                if meta::at(spec, "sessionAffinityConfig.clientIP.timeoutSeconds").is_none_or(Value::is_null) =>
            {
                spec["sessionAffinityConfig"] = json!({"clientIP": {"timeoutSeconds": AFFINITY_SECONDS}});
            }
            _ => {}
        }
        fill_text(spec, "type", "ClusterIP");
        for port in list_mut(spec, "ports") {
            fill_text(port, "protocol", "TCP");
            let target = field(port, "targetPort");
            if target.is_null() || *target == 0 || *target == "" {
                port["targetPort"] = number(port, "port").into();
            }
        }
        is_accessible(value)
    };
    let kind = type_of(value).to_owned();
    let spec = &mut value["spec"];
    if accessible {
        fill_text(spec, "externalTrafficPolicy", "Cluster");
    }
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer" | "ClusterIP") {
        fill(spec, &json!({"internalTrafficPolicy": "Cluster"}));
    }
    if kind == "LoadBalancer" {
        fill(spec, &json!({"allocateLoadBalancerNodePorts": true}));
        if let Some(balancer) = value.pointer_mut("/status/loadBalancer") {
            for ingress in list_mut(balancer, "ingress").filter(|ingress| !meta::text(ingress, "ip").is_empty()) {
                fill(ingress, &json!({"ipMode": "VIP"}));
            }
        }
    }
}

/// What the new type has no use for goes, where the writer has not said it anew.
fn prepare_update(old: &Value, new: &mut Value) {
    let (before, now) = (spec(old).clone(), spec(new).clone());
    let same = |key: &str| field(&before, key) == field(&now, key);
    let node_ports = |spec: &Value| -> BTreeSet<i64> {
        list(spec, "ports").iter().map(|port| number(port, "nodePort")).filter(|port| *port != 0).collect()
    };
    let on_nodes = |value: &Value| matches!(type_of(value), "NodePort" | "LoadBalancer");
    let balanced = |value: &Value| type_of(value) == "LoadBalancer";
    let mut gone = Vec::new();
    if needs_address(old) && !needs_address(new) {
        if same("clusterIP") && same("clusterIPs") {
            gone.extend(["clusterIP", "clusterIPs"]);
        }
        gone.extend(["ipFamilies", "ipFamilyPolicy"].into_iter().filter(|key| same(key)));
    }
    if on_nodes(old) && !on_nodes(new) && node_ports(&before).is_superset(&node_ports(&now)) {
        for port in list_mut(&mut new["spec"], "ports").filter_map(Value::as_object_mut) {
            port.remove("nodePort");
        }
    }
    if needs_health_check(old) && !needs_health_check(new) && same("healthCheckNodePort") {
        gone.push("healthCheckNodePort");
    }
    if balanced(old) && !balanced(new) {
        let keys = ["allocateLoadBalancerNodePorts", "loadBalancerClass"];
        gone.extend(keys.into_iter().filter(|key| same(key)));
    }
    if is_accessible(old) && !is_accessible(new) && same("externalTrafficPolicy") {
        gone.push("externalTrafficPolicy");
    }
    if let Some(fields) = new["spec"].as_object_mut() {
        for key in gone {
            fields.remove(key);
        }
    }
    if !balanced(new) {
        new["status"]["loadBalancer"] = json!({});
    }
}

fn service(value: &Value, old: Option<&Value>, causes: &mut Causes) {
    if let (Some(hints), Some(mode)) = (annotation(value, HINTS), annotation(value, MODE))
        && hints != mode
    {
        let why = format!("must match annotations[{HINTS}] when both are specified");
        causes.at("metadata.annotations", |causes| causes.key(MODE, |causes| causes.invalid("", &mode.into(), &why)));
    }
    let kind = type_of(value);
    causes.at("spec", |causes| {
        let spec = spec(value);
        by_type(value, causes);
        ports(spec, causes);
        for (name, text) in entries(spec, "selector") {
            problems("selector", name, validate_name::qualified_name(name), causes);
            let text = text.as_str().unwrap_or_default();
            problems("selector", text, validate_name::label_value(text), causes);
        }
        one_of(spec, "sessionAffinity", &["ClientIP", "None"], causes);
        let seconds = "sessionAffinityConfig.clientIP.timeoutSeconds";
        if meta::text(spec, "sessionAffinity") == "ClientIP"
            && let Some(found) = meta::at(spec, seconds).and_then(Value::as_i64)
            && !(1..=AFFINITY_SECONDS_MAX).contains(&found)
        {
            let why = format!("must be greater than 0 and less than {AFFINITY_SECONDS_MAX}");
            causes.invalid(seconds, &found.into(), &why);
        }
        service_addresses::check(value, old, causes);
        external_addresses(spec, old, causes);
        one_of(spec, "type", &TYPES, causes);
        if kind == "ClusterIP" {
            each(spec, "ports", causes, |port, causes| {
                if number(port, "nodePort") != 0 {
                    causes.forbidden("nodePort", "may not be used when `type` is 'ClusterIP'");
                }
            });
        }
        doubled(spec, causes);
    });
    source_ranges(value, old, causes);
    causes.at("spec", |causes| {
        if kind != "LoadBalancer" && given(spec(value), "allocateLoadBalancerNodePorts").is_some() {
            causes.forbidden("allocateLoadBalancerNodePorts", "may only be used when `type` is 'LoadBalancer'");
        }
    });
    class(None, value, causes);
    causes.at("spec", |causes| traffic(value, causes));
}

/// What each type must and may not have.
fn by_type(value: &Value, causes: &mut Causes) {
    let (spec, kind, headless) = (spec(value), type_of(value), is_headless(value));
    if list(spec, "ports").is_empty() && !headless && kind != "ExternalName" {
        causes.required("ports", "");
    }
    match kind {
        "LoadBalancer" | "NodePort" if headless => {
            let why = format!("may not be set to 'None' for {kind} services");
            causes.invalid("clusterIPs[0]", &"None".into(), &why);
        }
        "ExternalName" => {
            for (key, set) in [
                ("clusterIPs", !cluster_ips(value).is_empty()),
                ("ipFamilies", !list(spec, "ipFamilies").is_empty()),
                ("ipFamilyPolicy", given(spec, "ipFamilyPolicy").is_some()),
            ] {
                if set {
                    causes.forbidden(key, "may not be set for ExternalName services");
                }
            }
            let name = meta::text(spec, "externalName");
            match name.strip_suffix('.').unwrap_or(name) {
                "" => causes.required("externalName", ""),
                name => problems("externalName", name, validate_name::subdomain(name), causes),
            }
        }
        _ => {}
    }
}

fn ports(spec: &Value, causes: &mut Causes) {
    let several = list(spec, "ports").len() > 1;
    let mut names = BTreeSet::new();
    each(spec, "ports", causes, |port, causes| {
        match meta::text(port, "name") {
            "" if several => causes.required("name", ""),
            "" => {}
            name => {
                problems("name", name, validate_name::label(name), causes);
                if !names.insert(name) {
                    causes.duplicate("name", &name.into());
                }
            }
        }
        port_number("port", number(port, "port"), causes);
        one_of(port, "protocol", &["SCTP", "TCP", "UDP"], causes);
        match field(port, "targetPort") {
            Value::String(name) => problems("targetPort", name, port_name(name), causes),
            target => port_number("targetPort", target.as_i64().unwrap_or_default(), causes),
        }
        if let Some(protocol) = port.get("appProtocol").and_then(Value::as_str) {
            problems("appProtocol", protocol, validate_name::qualified_name(protocol), causes);
        }
    });
}

/// Ports that are in the list twice.
fn doubled(spec: &Value, causes: &mut Causes) {
    let mut known = BTreeSet::new();
    each(spec, "ports", causes, |port, causes| {
        let found = number(port, "nodePort");
        if found != 0 && !known.insert((meta::text(port, "protocol"), found)) {
            causes.duplicate("nodePort", &found.into());
        }
    });
    let mut known = BTreeSet::new();
    each(spec, "ports", causes, |port, causes| {
        let (protocol, found) = (meta::text(port, "protocol"), number(port, "port"));
        if !known.insert((protocol, found)) {
            let shown = internal::show("ServicePort", &json!({"protocol": protocol, "port": found}));
            let field = causes.path("");
            causes.push(Cause {
                reason: "FieldValueDuplicate".to_owned(),
                message: format!("Duplicate value: {shown}"),
                field,
            });
        }
    });
}

fn external_addresses(new: &Value, old: Option<&Value>, causes: &mut Causes) {
    let before: Vec<&str> =
        old.map_or(&[][..], |old| list(spec(old), "externalIPs")).iter().filter_map(Value::as_str).collect();
    each(new, "externalIPs", causes, |entry, causes| {
        let text = entry.as_str().unwrap_or_default();
        if addresses::legacy("", text, &before, causes) {
            addresses::refuse("", text, addresses::endpoint_problems(text), causes);
        }
    });
}

/// Whom a load balancer lets in: a field, or the annotation that it began as.
fn source_ranges(value: &Value, old: Option<&Value>, causes: &mut Causes) {
    let balanced = type_of(value) == "LoadBalancer";
    let why = "may only be used when `type` is 'LoadBalancer'";
    let key = "loadBalancerSourceRanges";
    let ranges = |value| list(spec(value), key).iter().filter_map(Value::as_str).map(str::trim).collect::<Vec<&str>>();
    let now = ranges(value);
    if !now.is_empty() {
        causes.at("spec.LoadBalancerSourceRanges", |causes| {
            if !balanced {
                causes.forbidden("", why);
            }
            let before = old.map(ranges).unwrap_or_default();
            for (index, range) in now.iter().enumerate() {
                causes.index(index, |causes| addresses::legacy_range("", range, &before, causes));
            }
        });
    } else if let Some(ranges) = annotation(value, RANGES) {
        causes.at("metadata.annotations", |causes| {
            causes.key(RANGES, |causes| {
                if !balanced {
                    causes.forbidden("", why);
                }
                let kept = old.and_then(|old| annotation(old, RANGES)) == Some(ranges);
                if !kept && !ranges.trim().is_empty() {
                    for range in ranges.trim().split(',') {
                        addresses::legacy_range("", range.trim(), &[], causes);
                    }
                }
            });
        });
    }
}

/// Which load balancer it is for; a load balancer keeps it.
fn class(old: Option<&Value>, new: &Value, causes: &mut Causes) {
    let key = "loadBalancerClass";
    let balanced = |value: &Value| type_of(value) == "LoadBalancer";
    let now = given(spec(new), key);
    causes.at("spec", |causes| {
        if let Some(old) = old
            && balanced(old)
            && balanced(new)
            && given(spec(old), key) != now
        {
            causes.invalid(key, now.unwrap_or(&Value::Null), "may not change once set");
        }
        match now.and_then(Value::as_str) {
            Some(class) if balanced(new) => problems(key, class, validate_name::qualified_name(class), causes),
            Some(_) => causes.forbidden(key, "may only be used when `type` is 'LoadBalancer'"),
            None => {}
        }
    });
}

/// Which way traffic may come, from outside and from inside.
fn traffic(value: &Value, causes: &mut Causes) {
    let spec = spec(value);
    let (key, policy) = ("externalTrafficPolicy", meta::text(spec, "externalTrafficPolicy"));
    if is_accessible(value) {
        one_of(spec, key, &["Cluster", "Local"], causes);
    } else if !policy.is_empty() {
        causes.invalid(key, &policy.into(), "may only be set for externally-accessible services");
    }
    let (key, port) = ("healthCheckNodePort", health_port(value));
    match (needs_health_check(value), port) {
        (false, 0) => {}
        (false, port) => {
            let why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
            causes.invalid(key, &port.into(), why);
        }
        (true, 0) => causes.required(key, ""),
        (true, port) => port_number(key, port, causes),
    }
    known_if_given(spec, "internalTrafficPolicy", &["Cluster", "Local"], causes);
    let known = ["PreferClose", "PreferSameZone", "PreferSameNode"];
    known_if_given(spec, "trafficDistribution", &known, causes);
}

fn validate_status_update(old: &Value, new: &Value, causes: &mut Causes) {
    let before: Vec<&str> = ingress(old).iter().map(|entry| meta::text(entry, "ip")).collect();
    causes.at("status.loadBalancer", |causes| {
        if type_of(new) != "LoadBalancer" {
            if !ingress(new).is_empty() {
                causes.forbidden("ingress", "may only be used when `spec.type` is 'LoadBalancer'");
            }
            return;
        }
        let balancer = meta::at(new, "status.loadBalancer").unwrap_or(&Value::Null);
        each(balancer, "ingress", causes, |entry, causes| balanced_at(entry, &before, causes));
    });
}

/// One place at which a load balancer listens.
pub(crate) fn balanced_at(entry: &Value, before: &[&str], causes: &mut Causes) {
    let (address, name) = (meta::text(entry, "ip"), meta::text(entry, "hostname"));
    if !address.is_empty() {
        addresses::legacy("ip", address, before, causes);
    }
    match (given(entry, "ipMode"), address.is_empty()) {
        (None, false) => causes.required("ipMode", "must be specified when `ip` is set"),
        (None, true) => {}
        (Some(_), true) => causes.forbidden("ipMode", "may not be specified when `ip` is not set"),
        (Some(_), false) => known_if_given(entry, "ipMode", &["Proxy", "VIP"], causes),
    }
    if !name.is_empty() {
        problems("hostname", name, validate_name::subdomain(name), causes);
        if addresses::sloppy(name).is_some() {
            causes.invalid("hostname", &name.into(), "must be a DNS name, not an IP address");
        }
    }
}

fn told(value: &Value) -> Vec<String> {
    let mut told = Vec::new();
    let spec = spec(value);
    let address = meta::text(spec, "clusterIP");
    let headless = type_of(value) == "ClusterIP" && address == "None";
    let outside = list(spec, "externalIPs");
    let named = type_of(value) == "ExternalName";
    if annotation(value, HINTS).is_some() {
        told.push(format!("annotation {HINTS} is deprecated, please use {MODE} instead"));
    }
    let texts = |key: &'static str| list(spec, key).iter().filter_map(Value::as_str).enumerate();
    if !named && !matches!(address, "" | "None") {
        for (index, address) in texts("clusterIPs") {
            told.extend(addresses::warning(&format!("spec.clusterIPs[{index}]"), address));
        }
    }
    if headless {
        for (key, ignored) in [
            ("loadBalancerIP", !meta::text(spec, "loadBalancerIP").is_empty()),
            ("externalIPs", !outside.is_empty()),
            ("SessionAffinity", meta::text(spec, "sessionAffinity") != "None"),
        ] {
            if ignored {
                told.push(format!("spec.{key} is ignored for headless services"));
            }
        }
    }
    for (index, address) in texts("externalIPs") {
        told.extend(addresses::warning(&format!("spec.externalIPs[{index}]"), address));
    }
    if !outside.is_empty() && !headless && !named {
        told.push("spec.externalIPs is deprecated and may no longer be implemented in some clusters".to_owned());
    }
    told.extend(addresses::warning("spec.loadBalancerIP", meta::text(spec, "loadBalancerIP")));
    for (index, range) in texts("loadBalancerSourceRanges") {
        told.extend(addresses::range_warnings(&format!("spec.loadBalancerSourceRanges[{index}]"), range));
    }
    if named && !outside.is_empty() {
        told.push("spec.externalIPs is ignored when spec.type is \"ExternalName\"".to_owned());
    }
    if !named && !meta::text(spec, "externalName").is_empty() {
        told.push("spec.externalName is ignored when spec.type is not \"ExternalName\"".to_owned());
    }
    if meta::text(spec, "trafficDistribution") == "PreferClose" {
        told.push("spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"".to_owned());
    }
    told
}
