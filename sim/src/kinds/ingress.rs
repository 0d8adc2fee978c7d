//! Ingresses: hosts, paths and what is behind them.

use serde_json::{Value, json};

use super::networking::typed_reference;
use super::pod_spec::read::{each, field, given, inside, list, number, port_name, port_number, problems};
use super::{Causes, Rules, addresses};
use crate::meta;
use crate::status::Cause;
use crate::validate_name;

/// Where the class was given before it had a field.
pub(crate) const CLASS: &str = "kubernetes.io/ingress.class";

const WILDCARD: &str = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of \
    lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for \
    validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

pub(super) const RULES: Rules = Rules {
    default: |value| {
        if let Some(spec) = value.get_mut("spec").and_then(Value::as_object_mut)
            && spec.get("defaultBackend").is_some_and(|backend| !backend.is_null())
            && spec.get("rules").and_then(Value::as_array).is_some_and(Vec::is_empty)
        {
            spec.remove("rules");
        }
    },
    prepare_create: |value| value["status"] = json!({"loadBalancer": {}}),
    validate: |value, causes| {
        spec(field(value, "spec"), causes);
        let class = field(value, "spec").get("ingressClassName").and_then(Value::as_str);
        if let (Some(annotation), Some(class)) = (annotation(value), class)
            && annotation != class
        {
            let why = "must match `ingressClassName` when both are specified";
            causes.invalid(&format!("annotations.{CLASS}"), &annotation.into(), why);
        }
    },
    validate_update: |_, new, causes| spec(field(new, "spec"), causes),
    validate_status_update: status,
    warn: |old, value| {
        let told = old.is_none() && annotation(value).is_some();
        if told && field(value, "spec").get("ingressClassName").is_none_or(Value::is_null) {
            return vec![format!("annotation {CLASS:?} is deprecated, please use 'spec.ingressClassName' instead")];
        }
        Vec::new()
    },
    warn_status: |_, value| {
        let ips = entrances(value).iter().map(|entrance| meta::text(entrance, "ip")).enumerate();
        let ips = ips.filter(|(_, ip)| !ip.is_empty());
        ips.filter_map(|(index, ip)| addresses::warning(&format!("status.loadBalancer.ingress[{index}]"), ip)).collect()
    },
    ..Rules::NONE
};

/// The class of an ingress by the annotation.
pub(crate) fn annotation(value: &Value) -> Option<&str> {
    meta::metadata(value).get("annotations")?.get(CLASS)?.as_str()
}

fn spec(spec: &Value, causes: &mut Causes) {
    causes.at("spec", |causes| {
        if list(spec, "rules").is_empty() && given(spec, "defaultBackend").is_none() {
            let field = causes.path("");
            let shown = spec.get("rules").unwrap_or(&Value::Null);
            let message = format!("Invalid value: {shown}: either `defaultBackend` or `rules` must be specified");
            causes.push(Cause { reason: "FieldValueInvalid".to_owned(), message, field });
        }
        inside(spec, "defaultBackend", causes, backend);
        each(spec, "rules", causes, rule);
        each(spec, "tls", causes, |tls, causes| {
            each(tls, "hosts", causes, |host, causes| {
                let host = host.as_str().unwrap_or_default();
                problems("", host, host_problems(host), causes);
            });
            match meta::text(tls, "secretName") {
                "" => {}
                name => problems("secretName", name, validate_name::subdomain(name), causes),
            }
        });
        if let Some(class) = spec.get("ingressClassName").and_then(Value::as_str) {
            problems("ingressClassName", class, validate_name::subdomain(class), causes);
        }
    });
}

/// What is wrong with a host, which may stand for all below another.
fn host_problems(host: &str) -> Vec<String> {
    if !host.contains('*') {
        return validate_name::subdomain(host);
    }
    let mut wrong = Vec::new();
    if host.len() > 253 {
        wrong.push("must be no more than 253 characters".to_owned());
    }
    // The length is told once, for the whole.
    let rest = host.strip_prefix("*.").is_some_and(validate_name::is_subdomain);
    if !rest {
        wrong.push(WILDCARD.to_owned());
    }
    wrong
}

fn rule(rule: &Value, causes: &mut Causes) {
    let host = meta::text(rule, "host");
    if !host.is_empty() {
        if addresses::sloppy(host).is_some() {
            causes.invalid("host", &host.into(), "must be a DNS name, not an IP address");
        }
        problems("host", host, host_problems(host), causes);
    }
    inside(rule, "http", causes, |http, causes| {
        if list(http, "paths").is_empty() {
            causes.required("paths", "");
        }
        each(http, "paths", causes, path);
    });
}

fn path(value: &Value, causes: &mut Causes) {
    let Some(kind) = value.get("pathType").and_then(Value::as_str) else {
        causes.required("pathType", "pathType must be specified");
        return;
    };
    let text = meta::text(value, "path");
    let mut wrong = |why: &str| causes.invalid("path", &text.into(), why);
    match kind {
        "Exact" | "Prefix" => {
            if !text.starts_with('/') {
                wrong("must be an absolute path");
            }
            for part in ["//", "/./", "/../", "%2f", "%2F"].iter().filter(|part| text.contains(**part)) {
                wrong(&format!("must not contain '{part}'"));
            }
            for end in ["/..", "/."].iter().filter(|end| text.ends_with(**end)) {
                wrong(&format!("cannot end with '{end}'"));
            }
        }
        "ImplementationSpecific" => {
            if !text.is_empty() && !text.starts_with('/') {
                wrong("must be an absolute path");
            }
        }
        other => causes.not_supported("pathType", other, &["Exact", "ImplementationSpecific", "Prefix"]),
    }
    causes.at("backend", |causes| backend(field(value, "backend"), causes));
}

fn backend(value: &Value, causes: &mut Causes) {
    let nothing = Value::from("");
    match (given(value, "resource"), given(value, "service")) {
        (Some(_), Some(_)) => causes.invalid("", &nothing, "cannot set both resource and service backends"),
        (Some(resource), None) => causes.at("resource", |causes| typed_reference(resource, causes)),
        (None, Some(service)) => {
            match meta::text(service, "name") {
                "" => causes.required("service.name", ""),
                name => problems("service.name", name, validate_name::label(name), causes),
            }
            let port = field(service, "port");
            match (meta::text(port, "name"), number(port, "number")) {
                ("", 0) => causes.required("", "port name or number is required"),
                ("", number) => port_number("service.port.number", number, causes),
                (name, 0) => problems("service.port.name", name, port_name(name), causes),
                _ => causes.invalid("", &nothing, "cannot set both port name & port number"),
            }
        }
        (None, None) => causes.invalid("", &nothing, "resource or service backend is required"),
    }
}

fn entrances(value: &Value) -> &[Value] {
    meta::at(value, "status.loadBalancer").map_or(&[], |balancer| list(balancer, "ingress"))
}

fn status(old: &Value, new: &Value, causes: &mut Causes) {
    let known: Vec<_> = entrances(old).iter().map(|entrance| meta::text(entrance, "ip")).collect();
    causes.at("status.loadBalancer.ingress", |causes| {
        for (index, entrance) in entrances(new).iter().enumerate() {
            causes.index(index, |causes| {
                let ip = meta::text(entrance, "ip");
                if !ip.is_empty() && !known.contains(&ip) {
                    addresses::refuse("ip", ip, addresses::legacy_problems(ip), causes);
                }
                let host = meta::text(entrance, "hostname");
                if !host.is_empty() {
                    problems("hostname", host, validate_name::subdomain(host), causes);
                    if addresses::sloppy(host).is_some() {
                        causes.invalid("hostname", &host.into(), "must be a DNS name, not an IP address");
                    }
                }
            });
        }
    });
}
