//! Nodes: their networks, taints, amounts and addresses. A node brings its status with it.
//!
//! # Differences
//!
//! Taints and avoided pods in annotations of the first days are not looked at.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::pod_spec::internal;
use super::pod_spec::read::{each, entries, field, given, list, problems, whole};
use super::pod_spec::resources::WHOLE;
use super::{Causes, Rules, addresses};
use crate::meta;
use crate::quantity::milli;
use crate::status::Cause;
use crate::validate_name;

pub(super) const RULES: Rules = Rules {
    default,
    prepare_create: without_config,
    prepare_update: |_, value| without_config(value),
    validate: node,
    validate_update: |old, new, causes| {
        causes.extend(validate_name::metadata(new));
        node(new, causes);
        update(old, new, causes);
    },
    validate_status_update: update,
    warn: |_, value| warnings(value),
    ..Rules::NONE
};

const FEATURE_LENGTH_MAX: usize = 253;

fn default(value: &mut Value) {
    if let Some(spec) = value.get_mut("spec") {
        // The older field of one network decides.
        let first = meta::text(spec, "podCIDR").to_owned();
        let all = meta::strings(spec.get("podCIDRs"));
        if !first.is_empty() && all.first() != Some(&first) {
            spec["podCIDRs"] = json!([first]);
        } else if let Some(known) = all.first() {
            spec["podCIDR"] = known.as_str().into();
        }
    }
    if let Some(status) = value.get_mut("status")
        && given(status, "allocatable").is_none()
        && let Some(capacity) = given(status, "capacity").cloned()
    {
        status["allocatable"] = capacity;
    }
}

/// How a kubelet is configured is no longer said here.
pub(crate) fn without_config(value: &mut Value) {
    for (part, key) in [("spec", "configSource"), ("status", "config")] {
        if let Some(part) = value.get_mut(part).and_then(Value::as_object_mut) {
            part.remove(key);
        }
    }
}

fn networks(value: &Value) -> Vec<&str> {
    list(field(value, "spec"), "podCIDRs").iter().filter_map(Value::as_str).collect()
}

fn node(value: &Value, causes: &mut Causes) {
    taints(value, causes);
    amounts(value, causes);
    let swap = meta::at(value, "status.nodeInfo.swap").unwrap_or(&Value::Null);
    if let Some(capacity) = whole(swap, "capacity").filter(|capacity| *capacity <= 0) {
        causes.invalid("metadata.nodeSwapStatus.capacity", &capacity.into(), "must be greater than zero");
    }
    features(value, causes);
    let networks = networks(value);
    causes.at("spec.podCIDRs", |causes| {
        for (index, network) in networks.iter().enumerate() {
            causes.index(index, |causes| addresses::legacy_range("", network, &[], causes));
        }
        if networks.len() > 2 || (networks.len() == 2 && !are_both_families(&networks)) {
            let shown = Value::from(networks.clone());
            causes.invalid("", &shown, "may specify no more than one CIDR for each IP family");
        }
    });
}

/// Whether two networks are one of each family.
fn are_both_families(networks: &[&str]) -> bool {
    let six = |text: &&&str| text.split_once('/').is_some_and(|(address, _)| addresses::is_six(address));
    let count = networks.iter().filter(six).count();
    count > 0 && count < networks.len()
}

/// Taints, whose causes are where a real server puts them: under the metadata.
fn taints(value: &Value, causes: &mut Causes) {
    let mut known = BTreeSet::new();
    causes.at("metadata", |causes| {
        each(field(value, "spec"), "taints", causes, |taint, causes| {
            let (key, text, effect) =
                (meta::text(taint, "key"), meta::text(taint, "value"), meta::text(taint, "effect"));
            problems("key", key, validate_name::qualified_name(key), causes);
            let wrong = validate_name::label_value(text);
            if !wrong.is_empty() {
                causes.invalid("value", &text.into(), &wrong.join(";"));
            }
            let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
            if effect.is_empty() {
                causes.required("effect", "");
            } else if !effects.contains(&effect) {
                causes.not_supported("effect", effect, &effects);
            }
            if !known.insert((key, effect)) {
                let field = causes.path("");
                let shown = internal::show("Taint", taint);
                let message = format!("Duplicate value: {shown}: taints must be unique by key and effect pair");
                causes.push(Cause { reason: "FieldValueDuplicate".to_owned(), message, field });
            }
        });
    });
}

fn amounts(value: &Value, causes: &mut Causes) {
    for key in ["capacity", "allocatable"] {
        for (name, amount) in entries(field(value, "status"), key) {
            let path = format!("status.{key}.{name}");
            let Some(thousandths) = amount.as_str().and_then(milli) else {
                continue;
            };
            if thousandths < 0 {
                causes.invalid(&path, amount, "must be greater than or equal to 0");
            }
            let native = !name.contains('/') || name.contains("kubernetes.io/");
            let extended = !native && !name.starts_with("requests.");
            if (WHOLE.contains(&name.as_str()) || extended) && thousandths % 1000 != 0 {
                causes.invalid(&path, amount, "must be an integer");
            }
        }
    }
}

/// What a node says it can do, in order and once each.
fn features(value: &Value, causes: &mut Causes) {
    let names: Vec<&str> = list(field(value, "status"), "declaredFeatures").iter().filter_map(Value::as_str).collect();
    causes.at("status.declaredFeatures", |causes| {
        for (index, name) in names.iter().enumerate() {
            if let Some(why) = feature(name) {
                causes.index(index, |causes| causes.invalid("", &(*name).into(), &why));
            }
            if let Some(next) = names.get(index + 1) {
                causes.index(index + 1, |causes| match name.cmp(next) {
                    std::cmp::Ordering::Equal => causes.duplicate("", &(*next).into()),
                    std::cmp::Ordering::Greater => {
                        causes.invalid("", &(*next).into(), "list must be sorted alphabetically");
                    }
                    std::cmp::Ordering::Less => {}
                });
            }
        }
    });
}

fn feature(name: &str) -> Option<String> {
    if name.len() > FEATURE_LENGTH_MAX {
        return Some(format!("invalid feature name {name:?}: must be no more than {FEATURE_LENGTH_MAX} characters"));
    }
    let word = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let fine = name.starts_with(|c: char| c.is_ascii_uppercase()) && name.split('/').all(word);
    (!fine).then(|| {
        format!(
            "invalid feature name {name:?}: must start with an UpperCamelCase segment, with subsequent segments separated by '/' \
             (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes"
        )
    })
}

fn update(old: &Value, new: &Value, causes: &mut Causes) {
    let uid = meta::meta_text(new, "uid");
    if uid != meta::meta_text(old, "uid") {
        causes.invalid("metadata.uid", &uid.into(), "field is immutable");
    }
    amounts(new, causes);
    features(new, causes);
    let mut known: Vec<&Value> = Vec::new();
    causes.at("status", |causes| {
        each(field(new, "status"), "addresses", causes, |address, causes| {
            if known.contains(&address) {
                let field = causes.path("");
                let message = format!("Duplicate value: {}", internal::show("NodeAddress", address));
                causes.push(Cause { reason: "FieldValueDuplicate".to_owned(), message, field });
            }
            known.push(address);
        });
    });
    let (before, now) = (networks(old), networks(new));
    if !before.is_empty() {
        let why = "node updates may not change podCIDR except from \"\" to valid";
        if before.len() == now.len() {
            for _ in before.iter().zip(&now).filter(|(before, now)| before != now) {
                causes.forbidden("spec.podCIDRs", why);
            }
        } else {
            causes.forbidden("spec.podCIDRs", why);
        }
    }
    let text = |value, key| meta::text(field(value, "spec"), key);
    let provider = text(old, "providerID");
    if !provider.is_empty() && provider != text(new, "providerID") {
        causes.forbidden("spec.providerID", "node updates may not change providerID except from \"\" to valid");
    }
    taints(new, causes);
    if text(old, "externalID") != text(new, "externalID") {
        causes.forbidden("spec.externalID", "may not be updated");
    }
}

fn warnings(value: &Value) -> Vec<String> {
    let mut warnings = Vec::new();
    if !meta::text(field(value, "spec"), "externalID").is_empty() {
        warnings.push("spec.externalID: this field is deprecated, and is unused by Kubernetes".to_owned());
    }
    for (index, network) in networks(value).iter().enumerate() {
        warnings.extend(addresses::range_warnings(&format!("spec.podCIDRs[{index}]"), network));
    }
    warnings
}
