//! Label selectors as objects carry them: `matchLabels` and `matchExpressions`.

use serde_json::{Map, Value};

use super::access::items;

/// Whether a `metav1.LabelSelector` selects these labels. An absent or empty selector selects nothing here, since no
/// controller may adopt everything.
pub(super) fn selects(selector: &Value, labels: Option<&Map<String, Value>>) -> bool {
    let empty = Map::new();
    let labels = labels.unwrap_or(&empty);
    let equal = selector.get("matchLabels").and_then(Value::as_object).unwrap_or(&empty);
    let expressions = items(selector, "/matchExpressions");
    if equal.is_empty() && expressions.is_empty() {
        return false;
    }
    equal.iter().all(|(key, value)| labels.get(key) == Some(value))
        && expressions.iter().all(|expression| holds(expression, labels))
}

/// Whether a plain map selector (of a Service) selects these labels; an empty one selects nothing.
pub(super) fn selects_map(selector: &Map<String, Value>, labels: Option<&Map<String, Value>>) -> bool {
    !selector.is_empty() && selector.iter().all(|(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value))
}

fn holds(expression: &Value, labels: &Map<String, Value>) -> bool {
    let value = expression["key"].as_str().and_then(|key| labels.get(key));
    let among = || value.is_some_and(|value| items(expression, "/values").contains(value));
    match expression["operator"].as_str() {
        Some("In") => among(),
        Some("NotIn") => !among(),
        Some("Exists") => value.is_some(),
        Some("DoesNotExist") => value.is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_and_expressions_must_both_hold() {
        let labels = json!({"app": "web", "tier": "front"});
        let expression = |key: &str, operator: &str, values: Value| json!({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": key, "operator": operator, "values": values}]});
        assert!(selects(&json!({"matchLabels": {"app": "web"}}), labels.as_object()));
        assert!(selects(&expression("tier", "In", json!(["front", "back"])), labels.as_object()));
        assert!(!selects(&expression("tier", "NotIn", json!(["front"])), labels.as_object()));
        assert!(selects(&expression("none", "NotIn", json!(["front"])), labels.as_object()));
        assert!(selects(&expression("tier", "Exists", json!([])), labels.as_object()));
        assert!(selects(&expression("none", "DoesNotExist", json!([])), labels.as_object()));
        assert!(!selects(&expression("tier", "Gt", json!(["1"])), labels.as_object()));
        assert!(!selects(&json!({"matchLabels": {"app": "db"}}), labels.as_object()));
    }

    #[test]
    fn an_empty_selector_selects_nothing() {
        assert!(!selects(&json!({}), json!({"a": "b"}).as_object()));
        assert!(!selects(&Value::Null, None));
        assert!(!selects_map(&Map::new(), json!({"a": "b"}).as_object()));
    }
}
