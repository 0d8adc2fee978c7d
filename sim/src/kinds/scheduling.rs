//! The rules of scheduling.k8s.io: classes of priorities.

use serde_json::{Value, json};

use super::pod_spec::read::{field, fill, number, yes};
use super::workloads::immutable;
use super::{Causes, Rules, Table};
use crate::meta;

/// Above it are the priorities of the system itself.
const HIGHEST: i64 = 1_000_000_000;
const SYSTEM: &str = "system-";
/// The classes of the system, and their values.
pub(crate) const SYSTEM_CLASSES: [(&str, i64); 2] =
    [("system-node-critical", 2 * HIGHEST + 1000), ("system-cluster-critical", 2 * HIGHEST)];

pub(super) const TABLE: Table = &[(
    "priorityclasses",
    Rules {
        default: |value| fill(value, &json!({"preemptionPolicy": "PreemptLowerPriority"})),
        validate,
        validate_update: |old, new, causes| {
            if number(old, "value") != number(new, "value") {
                causes.forbidden("value", "may not be changed in an update.");
            }
            immutable(old, new, "preemptionPolicy", causes);
        },
        ..Rules::NONE
    },
)];

fn validate(value: &Value, causes: &mut Causes) {
    let name = meta::meta_text(value, "name");
    if name.starts_with(SYSTEM) {
        if let Err(why) = of_the_system(name, value) {
            let why =
                format!("priority class names with '{SYSTEM}' prefix are reserved for system use only. error: {why}");
            causes.forbidden("metadata.name", &why);
        }
    } else if number(value, "value") > HIGHEST {
        causes.forbidden("value", &format!("maximum allowed value of a user defined priority is {HIGHEST}"));
    }
    match field(value, "preemptionPolicy").as_str() {
        None | Some("PreemptLowerPriority" | "Never") => {}
        Some("") => causes.required("preemptionPolicy", ""),
        Some(other) => causes.not_supported("preemptionPolicy", other, &["PreemptLowerPriority", "Never"]),
    }
}

/// Whether a class is one of the system's own, to the letter.
fn of_the_system(name: &str, value: &Value) -> Result<(), String> {
    match SYSTEM_CLASSES.iter().find(|(known, _)| *known == name) {
        None => Err(format!("{name} is not a known system priority class")),
        Some((_, priority)) if number(value, "value") != *priority => {
            Err(format!("value of {name} PriorityClass must be {priority}"))
        }
        Some(_) if yes(value, "globalDefault") => Err(format!("globalDefault of {name} PriorityClass must be false")),
        Some(_) => Ok(()),
    }
}
