//! The row of a pod: its one-word status is the most telling reason among phase, containers and
//! deletion, by the rules of the server's printer.

use serde_json::{Value, json};

use super::row::{NONE, Row, human_duration, string};

/// Name, ready, status, restarts, age; wide: address, node, nominated node, readiness gates.
pub(super) fn pod(row: Row<'_>) -> Vec<Value> {
    let seen = Containers::look(row);
    vec![
        json!(row.name()),
        json!(format!("{}/{}", seen.ready, seen.total)),
        json!(seen.reason),
        json!(seen.restarts(row)),
        json!(row.age()),
        json!(row.text_or("/status/podIPs/0/ip", row.text_or("/status/podIP", NONE))),
        json!(row.text_or("/spec/nodeName", NONE)),
        json!(row.text_or("/status/nominatedNodeName", NONE)),
        json!(gates(row)),
    ]
}

/// What the containers of a pod amount to.
struct Containers {
    ready: usize,
    total: usize,
    reason: String,
    restart_count: i64,
    /// When the container that restarted last had ended.
    restarted: Option<jiff::Timestamp>,
}

impl Containers {
    fn look(row: Row<'_>) -> Self {
        let mut seen = Self {
            ready: 0,
            total: row.count("/spec/containers"),
            reason: row.text_or("/status/reason", row.text("/status/phase")).to_owned(),
            restart_count: 0,
            restarted: None,
        };
        let gated = row
            .list("/status/conditions")
            .iter()
            .any(|c| string(c, "type") == "PodScheduled" && string(c, "reason") == "SchedulingGated");
        if gated {
            "SchedulingGated".clone_into(&mut seen.reason);
        }
        let initialising = seen.init(row);
        if !initialising || row.condition("Initialized") == "True" {
            seen.restart_count = 0;
            seen.main(row);
        }
        seen.deletion(row);
        seen
    }

    /// Init containers, in order, up to the first that has not done its part. Says whether there was one.
    fn init(&mut self, row: Row<'_>) -> bool {
        let specs = row.list("/spec/initContainers");
        let sidecar = |name: &str| {
            specs.iter().any(|spec| string(spec, "name") == name && string(spec, "restartPolicy") == "Always")
        };
        self.total += specs.iter().filter(|spec| string(spec, "restartPolicy") == "Always").count();
        for (index, status) in row.list("/status/initContainerStatuses").iter().enumerate() {
            self.count_restarts(status);
            let sidecar = sidecar(string(status, "name"));
            if sidecar && status.get("ready") == Some(&json!(true)) {
                self.ready += 1;
            }
            if (sidecar && status.get("started") == Some(&json!(true))) || exit_code(status) == Some(0) {
                continue;
            }
            self.reason = match (terminated(status), waiting(status)) {
                (Some(end), _) => format!("Init:{}", end_reason(end)),
                (None, Some(reason)) if reason != "PodInitializing" => format!("Init:{reason}"),
                _ => format!("Init:{index}/{}", specs.len()),
            };
            return true;
        }
        false
    }

    fn main(&mut self, row: Row<'_>) {
        let mut running = false;
        for status in row.list("/status/containerStatuses").iter().rev() {
            self.count_restarts(status);
            if let Some(reason) = waiting(status) {
                reason.clone_into(&mut self.reason);
            } else if let Some(end) = terminated(status) {
                self.reason = end_reason(end);
            } else if status.get("ready") == Some(&json!(true)) && status.pointer("/state/running").is_some() {
                running = true;
                self.ready += 1;
            }
        }
        if self.reason == "Completed" && running {
            let ready = row.condition("Ready") == "True";
            if ready { "Running" } else { "NotReady" }.clone_into(&mut self.reason);
        }
    }

    fn deletion(&mut self, row: Row<'_>) {
        if row.at("/metadata/deletionTimestamp").is_none() {
            return;
        }
        if row.text("/status/reason") == "NodeLost" {
            "Unknown".clone_into(&mut self.reason);
        } else if !matches!(row.text("/status/phase"), "Succeeded" | "Failed") {
            "Terminating".clone_into(&mut self.reason);
        }
    }

    fn count_restarts(&mut self, status: &Value) {
        self.restart_count += status.get("restartCount").and_then(Value::as_i64).unwrap_or_default();
        let ended = status
            .pointer("/lastState/terminated/finishedAt")
            .and_then(Value::as_str)
            .and_then(|time| time.parse().ok());
        self.restarted = self.restarted.max(ended);
    }

    fn restarts(&self, row: Row<'_>) -> String {
        match self.restarted {
            Some(time) if self.restart_count > 0 => {
                let ago = human_duration(row.now.duration_since(time).as_secs());
                format!("{} ({ago} ago)", self.restart_count)
            }
            _ => self.restart_count.to_string(),
        }
    }
}

fn terminated(status: &Value) -> Option<&Value> {
    status.pointer("/state/terminated").filter(|end| !end.is_null())
}

fn exit_code(status: &Value) -> Option<i64> {
    terminated(status).map(|end| end.get("exitCode").and_then(Value::as_i64).unwrap_or_default())
}

fn waiting(status: &Value) -> Option<&str> {
    status.pointer("/state/waiting/reason").and_then(Value::as_str).filter(|reason| !reason.is_empty())
}

fn end_reason(end: &Value) -> String {
    let number = |field| end.get(field).and_then(Value::as_i64).unwrap_or_default();
    match (string(end, "reason"), number("signal")) {
        ("", 0) => format!("ExitCode:{}", number("exitCode")),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

fn gates(row: Row<'_>) -> String {
    let gates = row.list("/spec/readinessGates");
    if gates.is_empty() {
        return NONE.to_owned();
    }
    let open = gates.iter().filter(|gate| row.condition(string(gate, "conditionType")) == "True").count();
    format!("{open}/{}", gates.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(pod_value: &Value) -> Vec<Value> {
        pod(Row { object: pod_value, now: "2026-01-01T01:00:00Z".parse().unwrap() })
    }

    fn a_pod(status: Value) -> Value {
        json!({
            "metadata": {"name": "p", "creationTimestamp": "2026-01-01T00:59:58Z"},
            "spec": {"containers": [{"name": "a"}, {"name": "b"}], "nodeName": "n"},
            "status": status,
        })
    }

    #[test]
    fn running_waiting_and_done() {
        let ready = json!({"ready": true, "state": {"running": {}}});
        let running =
            a_pod(json!({"phase": "Running", "containerStatuses": [ready, ready], "podIPs": [{"ip": "10.0.0.1"}]}));
        assert_eq!(
            cells(&running),
            [
                json!("p"),
                json!("2/2"),
                json!("Running"),
                json!("0"),
                json!("2s"),
                json!("10.0.0.1"),
                json!("n"),
                json!(NONE),
                json!(NONE)
            ]
        );
        let crashing = a_pod(json!({"phase": "Running", "containerStatuses": [ready, {
            "ready": false, "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"finishedAt": "2026-01-01T00:59:00Z"}},
        }]}));
        assert_eq!(cells(&crashing)[1..4], [json!("1/2"), json!("CrashLoopBackOff"), json!("3 (60s ago)")]);
        let done = json!({"ready": false, "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}});
        let completed = a_pod(json!({"phase": "Succeeded", "containerStatuses": [done, done]}));
        assert_eq!(cells(&completed)[1..3], [json!("0/2"), json!("Completed")]);
    }

    #[test]
    fn initialising_and_terminating() {
        let mut pod = a_pod(json!({"phase": "Pending", "initContainerStatuses": [
            {"name": "i", "state": {"terminated": {"exitCode": 0}}},
            {"name": "j", "state": {"waiting": {"reason": "PodInitializing"}}},
        ]}));
        pod["spec"]["initContainers"] = json!([{"name": "i"}, {"name": "j"}]);
        assert_eq!(cells(&pod)[2], json!("Init:1/2"));
        pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:59:59Z");
        assert_eq!(cells(&pod)[2], json!("Terminating"));
        assert_eq!(cells(&a_pod(json!({"phase": "Pending"})))[1..3], [json!("0/2"), json!("Pending")]);
    }
}
