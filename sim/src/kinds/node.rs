//! The rules of node.k8s.io: classes of runtimes.

use serde_json::Value;

use super::pod_spec::read::{entries, field, inside, labels, list, problems};
use super::pod_spec::scheduling::tolerations;
use super::pod_spec::{fixed_overhead, internal};
use super::workloads::immutable;
use super::{Causes, Rules, Table, warnings};
use crate::meta;
use crate::status::Cause;
use crate::validate_name;

pub(super) const TABLE: Table = &[(
    "runtimeclasses",
    Rules {
        validate,
        validate_update: |old, new, causes| {
            validate(new, causes);
            immutable(old, new, "handler", causes);
        },
        warn: |_, class| {
            let labels = entries(field(class, "scheduling"), "nodeSelector");
            let told = labels.filter_map(|(key, _)| warnings::node_label(key));
            told.map(|why| format!("scheduling.nodeSelector: {why}")).collect()
        },
        ..Rules::NONE
    },
)];

fn validate(value: &Value, causes: &mut Causes) {
    match meta::text(value, "handler") {
        "" => causes.required("handler", ""),
        handler => problems("handler", handler, validate_name::label(handler), causes),
    }
    inside(value, "overhead", causes, |overhead, causes| fixed_overhead(field(overhead, "podFixed"), causes));
    inside(value, "scheduling", causes, |scheduling, causes| {
        labels(scheduling, "nodeSelector", causes);
        tolerations(scheduling, causes);
        unique(list(scheduling, "tolerations"), causes);
    });
}

/// No toleration is in the list twice, whatever its seconds.
fn unique(tolerations: &[Value], causes: &mut Causes) {
    let key =
        |toleration: &Value| ["key", "operator", "value", "effect"].map(|key| meta::text(toleration, key).to_owned());
    let mut seen = Vec::new();
    for (index, toleration) in tolerations.iter().enumerate() {
        if seen.contains(&key(toleration)) {
            let field = causes.path(&format!("tolerations[{index}]"));
            let message = format!("Duplicate value: {}", internal::show("Toleration", toleration));
            causes.push(Cause { reason: "FieldValueDuplicate".to_owned(), message, field });
        } else {
            seen.push(key(toleration));
        }
    }
}
