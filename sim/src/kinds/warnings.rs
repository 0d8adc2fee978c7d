//! Warnings that several kinds share: names, claims and labels of nodes that are taken but better said otherwise.

use serde_json::Value;

use super::pod_spec::read::{entries, list};
use crate::meta;
use crate::quantity;
use crate::validate_name;

/// Labels of nodes that have a successor, or none.
const NODE_LABELS: [(&str, &str); 8] = [
    ("beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead"),
    ("beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead"),
    (
        "failure-domain.beta.kubernetes.io/region",
        "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead",
    ),
    ("failure-domain.beta.kubernetes.io/zone", "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead"),
    ("beta.kubernetes.io/instance-type", "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead"),
    ("app.kubernetes.io/created-by", "deprecated since v1.9"),
    ("scheduler.alpha.kubernetes.io/preferAvoidPods", "deprecated since v1.22; use Taints and Tolerations instead"),
    ("node-role.kubernetes.io/master", "use \"node-role.kubernetes.io/control-plane\" instead"),
];

/// What a writer who uses a label of nodes is told, if anything.
pub(crate) fn node_label(key: &str) -> Option<&'static str> {
    NODE_LABELS.iter().find(|(label, _)| *label == key).map(|(_, told)| *told)
}

/// What a writer who selects nodes by their labels is told.
pub(crate) fn node_selector(selector: &Value, path: &str) -> Vec<String> {
    let expressions = list(selector, "matchExpressions").iter().enumerate().filter_map(|(index, expression)| {
        let key = meta::text(expression, "key");
        node_label(key).map(|told| format!("{path}.matchExpressions[{index}].key: {key} is {told}"))
    });
    let labels = entries(selector, "matchLabels")
        .filter_map(|(key, _)| node_label(key).map(|told| format!("{path}.matchLabels.{key}: {told}")));
    expressions.chain(labels).collect()
}

/// The name of an object that becomes part of other names. `what` is what they are.
pub(crate) fn name(value: &Value, what: &str) -> Option<String> {
    let wrong = validate_name::label(meta::meta_text(value, "name"));
    (!wrong.is_empty()).then(|| {
        format!(
            "metadata.name: this is used in {what}, which can result in surprising behavior; a DNS label is recommended: [{}]",
            wrong.join(" ")
        )
    })
}

/// An amount of bytes that is no whole number.
pub(crate) fn fraction(path: &str, amount: Option<&Value>) -> Option<String> {
    let amount = amount.and_then(Value::as_str)?;
    quantity::milli(amount)
        .is_none_or(|milli| milli % 1000 != 0)
        .then(|| format!("{path}: fractional byte value {amount:?} is invalid, must be an integer"))
}

/// The spec of a claim of storage.
pub(crate) fn claim(path: &str, spec: &Value) -> Vec<String> {
    let amount = |which: &str| {
        let amount = meta::at(spec, &format!("resources.{which}.storage"));
        fraction(&format!("{path}.resources.{which}[storage]"), amount)
    };
    [amount("requests"), amount("limits")].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_whole() {
        for (amount, told) in [("1Gi", false), ("1500m", true), ("0.5", true), ("1k", false), ("100u", true)] {
            assert_eq!(fraction("x", Some(&amount.into())).is_some(), told, "{amount}");
        }
    }
}
