//! Services: addresses and ports that the cluster allocates anew.

use serde_json::{Map, Value};

/// What `kubectl apply` last sent: the only record of which fields a person chose.
const LAST_APPLIED: &str = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";

/// Takes allocated addresses away, and node ports unless a person chose them.
pub(super) fn reset(object: &mut Value, notes: &mut Vec<String>) {
    let applied: Value = object
        .pointer(LAST_APPLIED)
        .and_then(Value::as_str)
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else { return };
    // A headless service says so in this field.
    if spec.get("clusterIP").and_then(Value::as_str) != Some("None") {
        spec.remove("clusterIP");
        spec.remove("clusterIPs");
    }
    if applied.pointer("/spec/healthCheckNodePort").is_none() {
        spec.remove("healthCheckNodePort");
    }
    let chosen = applied.pointer("/spec/ports").and_then(Value::as_array).cloned().unwrap_or_default();
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(port) = port.as_object_mut() else { continue };
        if port.contains_key("nodePort") && !chosen.iter().any(|other| chose_node_port(other, port)) {
            port.remove("nodePort");
            notes.push("its node port is allocated anew".into());
        }
    }
}

/// Whether the applied port is this one and names a node port.
fn chose_node_port(applied: &Value, port: &Map<String, Value>) -> bool {
    let same = |key: &str, default: &str| {
        let text = |value: Option<&Value>| value.map_or_else(|| default.to_owned(), Value::to_string);
        text(applied.get(key)) == text(port.get(key))
    };
    let explicit = applied.get("nodePort").and_then(Value::as_i64).is_some_and(|number| number > 0);
    explicit && same("name", "\"\"") && same("port", "0") && same("protocol", "\"TCP\"")
}

/// Takes every node port away, for where one that a person chose is taken; whether there was any.
pub(in crate::restore) fn without_node_ports(object: &mut Value) -> bool {
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else { return false };
    let mut any = spec.remove("healthCheckNodePort").is_some();
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        any |= port.as_object_mut().is_some_and(|port| port.remove("nodePort").is_some());
    }
    any
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{reset, without_node_ports};

    fn after(mut service: Value) -> Value {
        reset(&mut service, &mut Vec::new());
        service
    }

    #[test]
    fn allocated_addresses_go_and_headless_stays() {
        assert_eq!(after(json!({"spec": {"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"]}})), json!({"spec": {}}));
        let headless = json!({"spec": {"clusterIP": "None", "clusterIPs": ["None"], "ports": [{"port": 1}]}});
        assert_eq!(after(headless.clone()), headless);
        let external = json!({"spec": {"type": "ExternalName", "externalName": "example.com"}});
        assert_eq!(after(external.clone()), external);
    }

    #[test]
    fn node_ports_stay_where_a_person_chose_them() {
        let ports = |a: Value, b: Value| json!([{"name": "a", "port": 1, "protocol": "TCP", "nodePort": a}, {"name": "b", "port": 2, "nodePort": b}]);
        let applied =
            json!({"spec": {"ports": [{"name": "a", "port": 1, "nodePort": 30080}, {"name": "b", "port": 2}]}})
                .to_string();
        let notes = json!({"kubectl.kubernetes.io/last-applied-configuration": applied});
        let mut service =
            after(json!({"metadata": {"annotations": notes}, "spec": {"ports": ports(json!(30080), json!(31000))}}));
        assert_eq!(service["spec"]["ports"][0]["nodePort"], 30080);
        assert_eq!(service["spec"]["ports"][1].get("nodePort"), None);
        assert!(without_node_ports(&mut service));
        assert!(!without_node_ports(&mut service));
        let broken = json!({"kubectl.kubernetes.io/last-applied-configuration": "{"});
        let service = after(json!({"metadata": {"annotations": broken}, "spec": {"ports": [{"nodePort": 1}]}}));
        assert_eq!(service["spec"]["ports"][0], json!({}));
    }
}
