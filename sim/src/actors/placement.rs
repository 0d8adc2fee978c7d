//! Whether a pod may be on a node: node selectors, required node affinity, taints and tolerations.

use serde_json::{Map, Value};

use super::access::{items, text};
use crate::object::Object;

/// Whether the node is one of those that the pod wants to be on.
pub(super) fn wants(pod: &Value, node: &Object) -> bool {
    let label = |key: &String| node.labels().and_then(|labels| labels.get(key));
    let selected = pod["spec"]["nodeSelector"].as_object().into_iter().flatten();
    let required = &pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    selected.clone().all(|(key, value)| label(key) == Some(value))
        && (required.is_null() || items(required, "/nodeSelectorTerms").iter().any(|term| is_of(term, node)))
}

/// Whether a term of a node selector holds; one that says nothing does not.
fn is_of(term: &Value, node: &Object) -> bool {
    let (expressions, fields) = (items(term, "/matchExpressions"), items(term, "/matchFields"));
    let name = Value::from(node.name());
    let empty = Map::new();
    let labels = node.labels().unwrap_or(&empty);
    !(expressions.is_empty() && fields.is_empty())
        && expressions.iter().all(|one| holds(one, one["key"].as_str().and_then(|key| labels.get(key))))
        && fields.iter().all(|one| holds(one, Some(&name).filter(|_| one["key"] == "metadata.name")))
}

fn holds(requirement: &Value, value: Option<&Value>) -> bool {
    let values = items(requirement, "/values");
    let listed = value.is_some_and(|value| values.contains(value));
    let compared = || {
        let number = |value: &Value| value.as_str()?.parse::<i64>().ok();
        Some(number(value?)?.cmp(&number(values.first()?)?))
    };
    match requirement["operator"].as_str() {
        Some("In") => listed,
        Some("NotIn") => !listed,
        Some("Exists") => value.is_some(),
        Some("DoesNotExist") => value.is_none(),
        Some("Gt") => compared().is_some_and(std::cmp::Ordering::is_gt),
        Some("Lt") => compared().is_some_and(std::cmp::Ordering::is_lt),
        _ => false,
    }
}

/// Whether the pod tolerates every taint of the node with one of these effects.
pub(super) fn tolerates(pod: &Value, node: &Object, effects: &[&str]) -> bool {
    let tolerations = items(pod, "/spec/tolerations");
    items(node.value(), "/spec/taints")
        .iter()
        .filter(|taint| text(taint, "/effect").is_some_and(|effect| effects.contains(&effect)))
        .all(|taint| tolerations.iter().any(|toleration| is_tolerated(taint, toleration)))
}

fn is_tolerated(taint: &Value, toleration: &Value) -> bool {
    let said = |pointer: &str| text(toleration, pointer).filter(|text| !text.is_empty());
    said("/effect").is_none_or(|effect| taint["effect"] == effect)
        && said("/key").is_none_or(|key| taint["key"] == key)
        && match said("/operator") {
            Some("Exists") => true,
            None | Some("Equal") => {
                text(taint, "/value").unwrap_or_default() == text(toleration, "/value").unwrap_or_default()
            }
            Some(_) => false,
        }
}

/// The one node that a pod is meant for, if its affinity names it: how a daemon set says where its pods go.
pub(super) fn node_named(pod: &Value) -> Option<&str> {
    let required = pod.pointer("/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution")?;
    let terms = items(required, "/nodeSelectorTerms");
    let field = terms.iter().find_map(|term| match items(term, "/matchFields") {
        [field] if field["key"] == "metadata.name" && field["operator"] == "In" => Some(field),
        _ => None,
    })?;
    match items(field, "/values") {
        [name] => name.as_str(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node() -> Object {
        Object::new(json!({
            "metadata": {"name": "n", "labels": {"disk": "ssd", "cores": "8"}},
            "spec": {"taints": [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]},
        }))
    }

    #[test]
    fn selectors_and_affinity_must_both_hold() {
        let with = |selector: Value, terms: Value| {
            let required = json!({"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}});
            wants(&json!({"spec": {"nodeSelector": selector, "affinity": {"nodeAffinity": required}}}), &node())
        };
        let term = |key: &str, operator: &str, values: Value| json!([{"matchExpressions": [{"key": key, "operator": operator, "values": values}]}]);
        assert!(with(json!({"disk": "ssd"}), term("cores", "Gt", json!(["4"]))));
        assert!(!with(json!({"disk": "hdd"}), term("cores", "Gt", json!(["4"]))));
        assert!(!with(json!({}), term("cores", "Lt", json!(["4"]))));
        assert!(!with(json!({}), json!([{}])));
        let named = json!([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]}]);
        assert!(with(json!({}), named));
        assert!(wants(&json!({"spec": {}}), &node()));
    }

    #[test]
    fn taints_keep_off_what_does_not_tolerate_them() {
        let with =
            |tolerations: Value| tolerates(&json!({"spec": {"tolerations": tolerations}}), &node(), &["NoSchedule"]);
        assert!(!with(json!([])));
        assert!(with(json!([{"operator": "Exists"}])));
        assert!(with(json!([{"key": "gpu", "value": "yes"}])));
        assert!(!with(json!([{"key": "gpu", "value": "no"}])));
        assert!(!with(json!([{"key": "gpu", "operator": "Exists", "effect": "NoExecute"}])));
    }
}
