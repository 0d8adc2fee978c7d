//! Rows of what leads traffic, and of what scales for it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::row::{NONE, Row, UNSET, shortened, string, strings};

/// Entries of a list of hosts, and of metrics.
const HOSTS_MAX: usize = 3;
const METRICS_MAX: usize = 2;

const UNKNOWN_METRIC: &str = "<unknown type>";

pub(super) fn endpoint_slice(row: Row<'_>) -> Vec<Value> {
    let ports = row.list("/ports").iter().map(|port| match port.get("port").and_then(Value::as_i64) {
        Some(number) => number.to_string(),
        None => string(port, "name").to_owned(),
    });
    let ports: Vec<String> = ports.collect();
    let addresses: Vec<String> =
        row.list("/endpoints").iter().flat_map(|endpoint| strings(endpoint, "addresses")).map(str::to_owned).collect();
    let joined = |entries: &[String]| match shortened(entries, "") {
        text if text.is_empty() => UNSET.to_owned(),
        text => text,
    };
    vec![
        json!(row.name()),
        json!(row.text("/addressType")),
        json!(joined(&ports)),
        json!(joined(&addresses)),
        json!(row.age()),
    ]
}

pub(super) fn ingress(row: Row<'_>) -> Vec<Value> {
    let addresses: BTreeSet<&str> = row
        .list("/status/loadBalancer/ingress")
        .iter()
        .map(|entry| match string(entry, "ip") {
            "" => string(entry, "hostname"),
            address => address,
        })
        .filter(|address| !address.is_empty())
        .collect();
    let addresses: Vec<&str> = addresses.into_iter().collect();
    let class = row.at("/spec/ingressClassName").and_then(Value::as_str);
    vec![
        json!(row.name()),
        json!(class.unwrap_or(NONE)),
        json!(hosts(row.list("/spec/rules"))),
        json!(addresses.join(",")),
        json!(if row.count("/spec/tls") > 0 { "80, 443" } else { "80" }),
        json!(row.age()),
    ]
}

/// The first hosts, and how many rules there are more than hosts are shown.
fn hosts(rules: &[Value]) -> String {
    let mut shown: Vec<&str> = Vec::new();
    let mut more = false;
    for host in rules.iter().map(|rule| string(rule, "host")) {
        more |= shown.len() == HOSTS_MAX;
        if !more && !host.is_empty() {
            shown.push(host);
        }
    }
    match (shown.is_empty(), more) {
        (true, _) => "*".to_owned(),
        (_, true) => format!("{} + {} more...", shown.join(","), rules.len() - HOSTS_MAX),
        _ => shown.join(","),
    }
}

pub(super) fn autoscaler(row: Row<'_>) -> Vec<Value> {
    let kind = row.text("/spec/scaleTargetRef/kind");
    let target = row.text("/spec/scaleTargetRef/name");
    vec![
        json!(row.name()),
        json!(format!("{kind}/{target}")),
        json!(targets(row)),
        json!(row.scalar_or("/spec/minReplicas", UNSET)),
        json!(row.number("/spec/maxReplicas")),
        json!(row.number("/status/currentReplicas")),
        json!(row.age()),
    ]
}

/// `cpu: 10%/80%` for each of the first metrics.
fn targets(row: Row<'_>) -> String {
    let current = row.list("/status/currentMetrics");
    let metrics: Vec<String> = row
        .list("/spec/metrics")
        .iter()
        .enumerate()
        .map(|(index, metric)| target(metric, current.get(index)))
        .collect();
    match metrics.len() {
        0 => NONE.to_owned(),
        1..=METRICS_MAX => metrics.join(", "),
        all => format!("{} + {} more...", metrics[..METRICS_MAX].join(", "), all - METRICS_MAX),
    }
}

fn target(metric: &Value, current: Option<&Value>) -> String {
    let (source, named) = match string(metric, "type") {
        "Resource" => ("resource", true),
        "ContainerResource" => ("containerResource", true),
        "Pods" => ("pods", false),
        "Object" => ("object", false),
        "External" => ("external", false),
        _ => return UNKNOWN_METRIC.to_owned(),
    };
    let text = |value: Option<&Value>| match value {
        Some(Value::String(text)) => Some(text.clone()),
        Some(value @ Value::Number(_)) => Some(value.to_string()),
        _ => None,
    };
    let now = current.and_then(|current| current.get(source)).filter(|source| !source.is_null());
    let field = |source: Option<&Value>, side: &str, name: &str| {
        text(source.and_then(|source| source.get(side)).and_then(|side| side.get(name)))
    };
    let wanted = |name: &str| field(metric.get(source), "target", name);
    // What is not measured of a metric that is reported prints as Go prints nothing.
    let nothing = || if now.is_some() { "<nil>" } else { "<unknown>" }.to_owned();
    let unknown = || "<unknown>".to_owned();
    let label = metric.pointer(&format!("/{source}/name")).and_then(Value::as_str).unwrap_or_default();
    if named {
        if let Some(average) = wanted("averageValue") {
            let now = field(now, "current", "averageValue").unwrap_or_else(nothing);
            return format!("{label}: {now}/{average}");
        }
        let now = field(now, "current", "averageUtilization").map_or_else(unknown, |now| now + "%");
        let share = wanted("averageUtilization").map_or_else(|| "<auto>".to_owned(), |share| share + "%");
        return format!("{label}: {now}/{share}");
    }
    match wanted("averageValue") {
        Some(average) if source == "pods" => {
            format!("{}/{average}", field(now, "current", "averageValue").unwrap_or_else(nothing))
        }
        Some(average) => format!("{}/{average} (avg)", field(now, "current", "averageValue").unwrap_or_else(unknown)),
        None => {
            let value = wanted("value").unwrap_or_else(|| "<nil>".to_owned());
            format!("{}/{value}", field(now, "current", "value").unwrap_or_else(nothing))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(object: &Value) -> Row<'_> {
        Row { object, now: "2026-01-01T00:01:00Z".parse().unwrap() }
    }

    #[test]
    fn an_autoscaler_has_its_first_metrics() {
        let share = |name: &str| {
            json!({"type": "Resource", "resource": {
                "name": name, "target": {"type": "Utilization", "averageUtilization": 80}}})
        };
        let object = json!({
            "metadata": {"name": "h"},
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "maxReplicas": 3,
                     "metrics": [share("cpu"), share("memory"), share("disk")]},
            "status": {"currentMetrics": [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 7}}}]},
        });
        let targets = "cpu: 7%/80%, memory: <unknown>/80% + 1 more...";
        assert_eq!(autoscaler(row(&object))[1..4], [json!("Deployment/web"), json!(targets), json!(UNSET)]);
    }

    #[test]
    fn an_ingress_has_its_first_hosts() {
        let rules: Vec<_> = ["a", "", "b", "c", "d"].iter().map(|host| json!({"host": host})).collect();
        let object = json!({"spec": {"rules": rules}});
        assert_eq!(ingress(row(&object))[2], json!("a,b,c + 2 more..."));
        assert_eq!(ingress(row(&json!({})))[2], json!("*"));
    }
}
