//! The rules of apiregistration.k8s.io: API services.
//!
//! # Differences
//!
//! Nothing looks whether the service behind an API answers: only local ones become available. Groups that an API service adds are not
//! served, see [`crate::ApiServer::set_aggregated`].

use serde_json::{Value, json};

use super::pod_spec::read::{each, field, fill, given, number, required, yes};
use super::{Causes, Rules, Table, webhooks};
use crate::meta;
use crate::validate_name;

const STATUSES: [&str; 3] = ["True", "False", "Unknown"];

pub(super) const TABLE: Table = &[(
    "apiservices",
    Rules {
        default: |value| {
            if let Some(service) = value.pointer_mut("/spec/service") {
                fill(service, &json!({"port": 443}));
            }
        },
        prepare_create,
        validate,
        validate_update: |_, new, causes| validate(new, causes),
        validate_status_update: |_, new, causes| {
            causes.at("status", |causes| {
                each(field(new, "status"), "conditions", causes, |condition, causes| {
                    let status = meta::text(condition, "status");
                    if !STATUSES.contains(&status) {
                        causes.not_supported("status", status, &STATUSES);
                    }
                });
            });
        },
        ..Rules::NONE
    },
)];

/// A local service is there from the beginning.
fn prepare_create(value: &mut Value) {
    let now = meta::metadata(value).get("creationTimestamp").cloned().unwrap_or_default();
    value["status"] = if value.pointer("/spec/service").is_some() {
        json!({})
    } else {
        json!({"conditions": [{"type": "Available", "status": "True", "lastTransitionTime": now, "reason": "Local",
            "message": "Local APIServices are always available"}]})
    };
}

fn validate(value: &Value, causes: &mut Causes) {
    let spec = field(value, "spec");
    let (group, version) = (meta::text(spec, "group"), meta::text(spec, "version"));
    let whole = format!("{version}.{group}");
    for key in ["generateName", "name"] {
        let name = meta::meta_text(value, key);
        if !name.is_empty() && name != whole && validate_name::path_segment(name).is_empty() {
            let why = format!("must be `spec.version+\".\"+spec.group`: {whole:?}");
            causes.invalid(&format!("metadata.{key}"), &name.into(), &why);
        }
    }
    causes.at("spec", |causes| {
        if group.is_empty() && version != "v1" {
            causes.required("group", "only v1 may have an empty group and it better be legacy kube");
        }
        if !group.is_empty() {
            for why in validate_name::subdomain(group) {
                causes.invalid("group", &group.into(), &why);
            }
        }
        for why in validate_name::label_1035(version) {
            causes.invalid("version", &version.into(), &why);
        }
        for (key, limit) in [("groupPriorityMinimum", 20_000), ("versionPriority", 1000)] {
            let priority = number(spec, key);
            if !(1..=limit).contains(&priority) {
                causes.invalid(key, &priority.into(), &format!("must be positive and less than {limit}"));
            }
        }
        let bundle = meta::text(spec, "caBundle");
        let Some(service) = given(spec, "service") else {
            if !bundle.is_empty() {
                let bytes = bundle.trim_end_matches('=').len() * 3 / 4;
                causes.invalid(
                    "caBundle",
                    &format!("{bytes} bytes").into(),
                    "local APIServices may not have a caBundle",
                );
            }
            if yes(spec, "insecureSkipTLSVerify") {
                let why = "local APIServices may not have insecureSkipTLSVerify";
                causes.invalid("insecureSkipTLSVerify", &true.into(), why);
            }
            return;
        };
        causes.at("service", |causes| {
            required(service, "namespace", causes);
            required(service, "name", causes);
            webhooks::port(service, causes);
        });
        if yes(spec, "insecureSkipTLSVerify") && !bundle.is_empty() {
            causes.invalid("insecureSkipTLSVerify", &true.into(), "may not be true if caBundle is present");
        }
    });
}
