//! Rows of the kinds whose cells need thought: nodes, services, volumes, events, endpoints, quotas.

use serde_json::{Value, json};

use super::row::{NONE, Row, UNKNOWN, UNSET, shortened, string};

pub(super) fn node(row: Row<'_>) -> Vec<Value> {
    let mut status = match row.condition("Ready") {
        "True" => "Ready".to_owned(),
        "" => "Unknown".to_owned(),
        _ => "NotReady".to_owned(),
    };
    if row.flag("/spec/unschedulable") == Some(true) {
        status.push_str(",SchedulingDisabled");
    }
    let kernel = row.text_or("/status/nodeInfo/kernelVersion", UNKNOWN);
    let kernel = match row.text("/status/nodeInfo/architecture") {
        "" => kernel.to_owned(),
        architecture => format!("{kernel} ({architecture})"),
    };
    let address = |kind: &str| {
        row.list("/status/addresses")
            .iter()
            .find(|address| string(address, "type") == kind)
            .map_or(NONE, |address| string(address, "address"))
    };
    vec![
        json!(row.name()),
        json!(status),
        json!(roles(row)),
        json!(row.age()),
        json!(row.text("/status/nodeInfo/kubeletVersion")),
        json!(address("InternalIP")),
        json!(address("ExternalIP")),
        json!(row.text_or("/status/nodeInfo/osImage", UNKNOWN)),
        json!(kernel),
        json!(row.text_or("/status/nodeInfo/containerRuntimeVersion", UNKNOWN)),
    ]
}

fn roles(row: Row<'_>) -> String {
    let Some(Value::Object(labels)) = row.at("/metadata/labels") else {
        return NONE.to_owned();
    };
    let mut roles: Vec<&str> = labels
        .iter()
        .filter_map(|(key, value)| match key.strip_prefix("node-role.kubernetes.io/") {
            Some(role) => Some(role).filter(|role| !role.is_empty()),
            None => value.as_str().filter(|_| key == "kubernetes.io/role"),
        })
        .collect();
    roles.sort_unstable();
    roles.dedup();
    if roles.is_empty() { NONE.to_owned() } else { roles.join(",") }
}

pub(super) fn service(row: Row<'_>) -> Vec<Value> {
    let kind = row.text("/spec/type");
    let mut addresses: Vec<&str> = Vec::new();
    if kind == "LoadBalancer" {
        for ingress in row.list("/status/loadBalancer/ingress") {
            let address = string(ingress, "ip");
            addresses.push(if address.is_empty() { string(ingress, "hostname") } else { address });
        }
    }
    addresses.extend(row.list("/spec/externalIPs").iter().filter_map(Value::as_str));
    let external = match (kind, addresses.is_empty()) {
        ("ExternalName", _) => row.text("/spec/externalName").to_owned(),
        ("LoadBalancer", true) => "<pending>".to_owned(),
        (_, true) => NONE.to_owned(),
        (_, false) => addresses.join(","),
    };
    let ports: Vec<String> = row.list("/spec/ports").iter().map(port).collect();
    vec![
        json!(row.name()),
        json!(kind),
        json!(row.text_or("/spec/clusterIP", NONE)),
        json!(external),
        json!(if ports.is_empty() { NONE.to_owned() } else { ports.join(",") }),
        json!(row.age()),
        json!(row.labels("/spec/selector")),
    ]
}

fn port(port: &Value) -> String {
    let number = |field| port.get(field).and_then(Value::as_i64).unwrap_or_default();
    let protocol = match string(port, "protocol") {
        "" => "TCP",
        protocol => protocol,
    };
    match number("nodePort") {
        0 => format!("{}/{protocol}", number("port")),
        node => format!("{}:{node}/{protocol}", number("port")),
    }
}

/// `RWO,ROX`, in the printer's order, each once.
fn access_modes(row: Row<'_>, pointer: &str) -> String {
    let modes: Vec<&str> = row.list(pointer).iter().filter_map(Value::as_str).collect();
    let short =
        [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")];
    let shown: Vec<&str> = short.into_iter().filter(|(mode, _)| modes.contains(mode)).map(|(_, short)| short).collect();
    shown.join(",")
}

fn phase(row: Row<'_>) -> &str {
    match row.at("/metadata/deletionTimestamp") {
        Some(_) => "Terminating",
        None => row.text("/status/phase"),
    }
}

fn storage_class(row: Row<'_>) -> &str {
    row.text_or("/metadata/annotations/volume.beta.kubernetes.io~1storage-class", row.text("/spec/storageClassName"))
}

pub(super) fn claim(row: Row<'_>) -> Vec<Value> {
    let volume = row.text("/spec/volumeName");
    let (modes, capacity) = if volume.is_empty() {
        (String::new(), String::new())
    } else {
        (access_modes(row, "/status/accessModes"), row.scalar_or("/status/capacity/storage", "0"))
    };
    vec![
        json!(row.name()),
        json!(phase(row)),
        json!(volume),
        json!(capacity),
        json!(modes),
        json!(storage_class(row)),
        json!(row.text_or("/spec/volumeAttributesClassName", UNSET)),
        json!(row.age()),
        json!(row.text_or("/spec/volumeMode", UNSET)),
    ]
}

pub(super) fn volume(row: Row<'_>) -> Vec<Value> {
    let claim = match row.at("/spec/claimRef") {
        Some(claim) => format!("{}/{}", string(claim, "namespace"), string(claim, "name")),
        None => String::new(),
    };
    vec![
        json!(row.name()),
        json!(row.scalar_or("/spec/capacity/storage", "0")),
        json!(access_modes(row, "/spec/accessModes")),
        json!(row.text("/spec/persistentVolumeReclaimPolicy")),
        json!(phase(row)),
        json!(claim),
        json!(storage_class(row)),
        json!(row.text_or("/spec/volumeAttributesClassName", UNSET)),
        json!(row.text("/status/reason")),
        json!(row.age()),
        json!(row.text_or("/spec/volumeMode", UNSET)),
    ]
}

/// Events of both groups: the same object, its fields named differently.
pub(super) fn event(row: Row<'_>) -> Vec<Value> {
    let first_of = |pointers: [&'static str; 2]| {
        pointers.into_iter().find(|pointer| row.time(pointer).is_some()).unwrap_or("/eventTime")
    };
    let first = first_of(["/firstTimestamp", "/deprecatedFirstTimestamp"]);
    let last = match row.time("/series/lastObservedTime") {
        Some(_) => "/series/lastObservedTime",
        None => first_of(["/lastTimestamp", "/deprecatedLastTimestamp"]),
    };
    let object = row.at("/involvedObject").or_else(|| row.at("/regarding")).unwrap_or(&Value::Null);
    let source = row.at("/source").or_else(|| row.at("/deprecatedSource")).unwrap_or(&Value::Null);
    let component = match string(source, "component") {
        "" => row.text_or("/reportingController", row.text("/reportingComponent")),
        component => component,
    };
    let host = match string(source, "host") {
        "" => row.text("/reportingInstance"),
        host => host,
    };
    let source = match host {
        "" => component.to_owned(),
        host => format!("{component}, {host}"),
    };
    let count = ["/series/count", "/count", "/deprecatedCount"]
        .into_iter()
        .map(|pointer| row.number(pointer))
        .find(|count| *count > 0)
        .unwrap_or(1);
    vec![
        json!(row.since(last)),
        json!(row.text("/type")),
        json!(row.text("/reason")),
        json!(format!("{}/{}", string(object, "kind").to_lowercase(), string(object, "name"))),
        json!(string(object, "fieldPath")),
        json!(source),
        json!(row.text_or("/message", row.text("/note")).trim()),
        json!(row.since(first)),
        json!(count),
        json!(row.name()),
    ]
}

pub(super) fn endpoints(row: Row<'_>) -> Vec<Value> {
    let mut all = Vec::new();
    for subset in row.list("/subsets") {
        let list = |field| subset.get(field).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let (addresses, ports) = (list("addresses"), list("ports"));
        if ports.is_empty() {
            all.extend(addresses.iter().map(|address| string(address, "ip").to_owned()));
        }
        for port in ports {
            let number = port.get("port").and_then(Value::as_i64).unwrap_or_default();
            all.extend(addresses.iter().map(|address| match string(address, "ip") {
                address if address.contains(':') => format!("[{address}]:{number}"),
                address => format!("{address}:{number}"),
            }));
        }
    }
    vec![json!(row.name()), json!(shortened(&all, NONE)), json!(row.age())]
}

pub(super) fn quota(row: Row<'_>) -> Vec<Value> {
    let mut requests = Vec::new();
    let mut limits = Vec::new();
    if let Some(Value::Object(hard)) = row.at("/status/hard") {
        for (resource, most) in hard {
            let used = row.at("/status/used").and_then(|used| used.get(resource));
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let used = used.map_or_else(|| "0".to_owned(), text);
            let entry = format!("{resource}: {used}/{}", text(most));
            if resource.starts_with("limits") { &mut limits } else { &mut requests }.push(entry);
        }
    }
    vec![json!(row.name()), json!(requests.join(", ")), json!(limits.join(", ")), json!(row.age())]
}

/// Role bindings of both scopes.
pub(super) fn binding(row: Row<'_>) -> Vec<Value> {
    let subjects = |kind: &str| {
        let names: Vec<String> = row
            .list("/subjects")
            .iter()
            .filter(|subject| string(subject, "kind") == kind)
            .map(|subject| match (kind, string(subject, "namespace")) {
                ("ServiceAccount", namespace) => format!("{namespace}/{}", string(subject, "name")),
                _ => string(subject, "name").to_owned(),
            })
            .collect();
        names.join(", ")
    };
    vec![
        json!(row.name()),
        json!(format!("{}/{}", row.text("/roleRef/kind"), row.text("/roleRef/name"))),
        json!(row.age()),
        json!(subjects("User")),
        json!(subjects("Group")),
        json!(subjects("ServiceAccount")),
    ]
}

pub(super) fn signing_request(row: Row<'_>) -> Vec<Value> {
    let has = |kind| row.condition(kind) == "True";
    let mut condition = if has("Denied") {
        "Denied"
    } else if has("Approved") {
        "Approved"
    } else {
        "Pending"
    }
    .to_owned();
    if has("Failed") {
        condition.push_str(",Failed");
    }
    if !row.text("/status/certificate").is_empty() {
        condition.push_str(",Issued");
    }
    let duration = match row.at("/spec/expirationSeconds") {
        Some(_) => super::row::human_duration(row.number("/spec/expirationSeconds")),
        None => NONE.to_owned(),
    };
    vec![
        json!(row.name()),
        json!(row.age()),
        json!(row.text_or("/spec/signerName", NONE)),
        json!(row.text("/spec/username")),
        json!(duration),
        json!(condition),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(object: &Value) -> Row<'_> {
        Row { object, now: "2026-01-01T00:01:00Z".parse().unwrap() }
    }

    #[test]
    fn services() {
        let object = json!({
            "metadata": {"name": "s"},
            "spec": {"type": "NodePort", "clusterIP": "10.0.0.1", "selector": {"a": "b"},
                     "ports": [{"port": 80, "nodePort": 30080, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]},
        });
        let expected = json!(["s", "NodePort", "10.0.0.1", "<none>", "80:30080/TCP,53/UDP", "<unknown>", "a=b"]);
        assert_eq!(json!(service(row(&object))), expected);
        let pending = json!({"metadata": {"name": "s"}, "spec": {"type": "LoadBalancer"}});
        assert_eq!(service(row(&pending))[3], json!("<pending>"));
    }

    #[test]
    fn volumes_and_claims() {
        let object = json!({
            "metadata": {"name": "v"},
            "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteMany", "ReadWriteOnce"],
                     "persistentVolumeReclaimPolicy": "Retain", "claimRef": {"namespace": "n", "name": "c"}},
            "status": {"phase": "Bound"},
        });
        let cells = volume(row(&object));
        assert_eq!(cells[1..6], [json!("1Gi"), json!("RWO,RWX"), json!("Retain"), json!("Bound"), json!("n/c")]);
        let unbound = json!({"metadata": {"name": "c"}, "spec": {"accessModes": ["ReadWriteOnce"]}, "status": {"phase": "Pending"}});
        assert_eq!(claim(row(&unbound))[1..5], [json!("Pending"), json!(""), json!(""), json!("")]);
    }

    #[test]
    fn nodes_quotas_and_endpoints() {
        let object = json!({
            "metadata": {"name": "n", "labels": {"node-role.kubernetes.io/worker": "", "kubernetes.io/role": "a"}},
            "spec": {"unschedulable": true},
            "status": {"conditions": [{"type": "Ready", "status": "True"}], "addresses": [{"type": "InternalIP", "address": "1.2.3.4"}]},
        });
        let cells = node(row(&object));
        assert_eq!(cells[1..3], [json!("Ready,SchedulingDisabled"), json!("a,worker")]);
        assert_eq!(cells[5..7], [json!("1.2.3.4"), json!(NONE)]);
        let object = json!({"metadata": {"name": "q"}, "status": {"hard": {"pods": "5", "limits.cpu": "2"}, "used": {"pods": "1"}}});
        assert_eq!(quota(row(&object))[1..3], [json!("pods: 1/5"), json!("limits.cpu: 0/2")]);
        let subset = json!({"addresses": [{"ip": "1.1.1.1"}, {"ip": "2.2.2.2"}], "ports": [{"port": 80}]});
        let object = json!({"metadata": {"name": "e"}, "subsets": [subset]});
        assert_eq!(endpoints(row(&object))[1], json!("1.1.1.1:80,2.2.2.2:80"));
    }
}
