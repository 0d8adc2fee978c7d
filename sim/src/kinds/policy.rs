//! The rules of the kinds of policy: budgets of disruptions.

use serde_json::{Value, json};

use super::pod_spec::internal;
use super::pod_spec::read::{field, given, known_if_given, list, not_negative, selector};
use super::workloads::{at_most_all, number_or_percent};
use super::{Causes, Rules, Table, conditions};
use crate::meta;

/// How an older version told selectors of nothing from selectors of everything.
const EMPTY_SELECTOR: &str = "pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match";

pub(super) const TABLE: Table = &[(
    "poddisruptionbudgets",
    Rules {
        default: plain_selector,
        prepare_create: |value| {
            value["status"] =
                json!({"currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0});
        },
        validate: budget,
        validate_update: |_, new, causes| budget(new, causes),
        validate_status_update: |_, new, causes| {
            let status = field(new, "status");
            causes.at("status", |causes| {
                causes.at("conditions", |causes| conditions::check(list(status, "conditions"), causes));
                for key in ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"] {
                    not_negative(status, key, causes);
                }
            });
        },
        // The kind looks at its specification alone; names are checked as those of everything, and later.
        metadata_later: true,
        ..Rules::NONE
    },
)];

/// Requirements of the older version go, unless they are all that there is.
fn plain_selector(value: &mut Value) {
    let Some(selector) = value.pointer_mut("/spec/selector").and_then(Value::as_object_mut) else {
        return;
    };
    let alone = json!([{"key": EMPTY_SELECTOR, "operator": "Exists"}]);
    let labels = selector.get("matchLabels").and_then(Value::as_object).is_some_and(|labels| !labels.is_empty());
    if !labels && selector.get("matchExpressions") == Some(&alone) {
        return;
    }
    if let Some(Value::Array(requirements)) = selector.get_mut("matchExpressions") {
        requirements.retain(|requirement| meta::text(requirement, "key") != EMPTY_SELECTOR);
        if requirements.is_empty() {
            selector.remove("matchExpressions");
        }
    }
}

fn budget(value: &Value, causes: &mut Causes) {
    let spec = field(value, "spec");
    let bounds = ["minAvailable", "maxUnavailable"];
    if bounds.iter().all(|key| given(spec, key).is_some()) {
        let why = "minAvailable and maxUnavailable cannot be both set";
        internal::refuse("PodDisruptionBudgetSpec", "spec", spec, why, causes);
    }
    causes.at("spec", |causes| {
        for key in bounds {
            if let Some(bound) = given(spec, key) {
                causes.at(key, |causes| {
                    number_or_percent(bound, causes);
                    at_most_all(bound, causes);
                });
            }
        }
        selector(spec, "selector", causes);
        known_if_given(spec, "unhealthyPodEvictionPolicy", &["AlwaysAllow", "IfHealthyBudget"], causes);
    });
}
