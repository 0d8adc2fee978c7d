//! Rows of the kinds that run pods.

use serde_json::{Value, json};

use super::row::{NONE, Row, UNSET, human_duration};

const TEMPLATE: &str = "/spec/template";

fn wide(row: Row<'_>, mut cells: Vec<Value>, template: &str, selector: Option<String>) -> Vec<Value> {
    let (names, images) = row.containers(template);
    cells.extend([json!(names), json!(images)]);
    cells.extend(selector.map(Value::from));
    cells
}

pub(super) fn deployment(row: Row<'_>) -> Vec<Value> {
    let ready = format!("{}/{}", row.number("/status/readyReplicas"), row.number("/spec/replicas"));
    let cells = vec![
        json!(row.name()),
        json!(ready),
        json!(row.number("/status/updatedReplicas")),
        json!(row.number("/status/availableReplicas")),
        json!(row.age()),
    ];
    wide(row, cells, TEMPLATE, Some(row.selector("/spec/selector")))
}

fn replicas(row: Row<'_>) -> Vec<Value> {
    vec![
        json!(row.name()),
        json!(row.number("/spec/replicas")),
        json!(row.number("/status/replicas")),
        json!(row.number("/status/readyReplicas")),
        json!(row.age()),
    ]
}

pub(super) fn replica_set(row: Row<'_>) -> Vec<Value> {
    wide(row, replicas(row), TEMPLATE, Some(row.selector("/spec/selector")))
}

pub(super) fn replication_controller(row: Row<'_>) -> Vec<Value> {
    wide(row, replicas(row), TEMPLATE, Some(row.labels("/spec/selector")))
}

pub(super) fn stateful_set(row: Row<'_>) -> Vec<Value> {
    let ready = format!("{}/{}", row.number("/status/readyReplicas"), row.number("/spec/replicas"));
    let cells = vec![json!(row.name()), json!(ready), json!(row.age())];
    wide(row, cells, TEMPLATE, None)
}

pub(super) fn daemon_set(row: Row<'_>) -> Vec<Value> {
    let cells = vec![
        json!(row.name()),
        json!(row.number("/status/desiredNumberScheduled")),
        json!(row.number("/status/currentNumberScheduled")),
        json!(row.number("/status/numberReady")),
        json!(row.number("/status/updatedNumberScheduled")),
        json!(row.number("/status/numberAvailable")),
        json!(row.labels("/spec/template/spec/nodeSelector")),
        json!(row.age()),
    ];
    wide(row, cells, TEMPLATE, Some(row.selector("/spec/selector")))
}

pub(super) fn job(row: Row<'_>) -> Vec<Value> {
    let has = |kind| row.condition(kind) == "True";
    let status = if has("Complete") {
        "Complete"
    } else if has("Failed") {
        "Failed"
    } else if row.at("/metadata/deletionTimestamp").is_some() {
        "Terminating"
    } else if has("Suspended") {
        "Suspended"
    } else if has("FailureTarget") {
        "FailureTarget"
    } else if has("SuccessCriteriaMet") {
        "SuccessCriteriaMet"
    } else {
        "Running"
    };
    let succeeded = row.number("/status/succeeded");
    let completions = match (row.at("/spec/completions"), row.number("/spec/parallelism")) {
        (Some(completions), _) => format!("{succeeded}/{completions}"),
        (None, parallelism) if parallelism > 1 => format!("{succeeded}/1 of {parallelism}"),
        (None, _) => format!("{succeeded}/1"),
    };
    let duration = row.time("/status/startTime").map_or_else(String::new, |start| {
        let end = row.time("/status/completionTime").unwrap_or(row.now);
        human_duration(end.duration_since(start).as_secs())
    });
    let cells = vec![json!(row.name()), json!(status), json!(completions), json!(duration), json!(row.age())];
    wide(row, cells, TEMPLATE, Some(row.selector("/spec/selector")))
}

pub(super) fn cron_job(row: Row<'_>) -> Vec<Value> {
    let last = match row.time("/status/lastScheduleTime") {
        Some(_) => row.since("/status/lastScheduleTime"),
        None => NONE.to_owned(),
    };
    let suspend = match row.flag("/spec/suspend") {
        Some(true) => "True",
        Some(false) => "False",
        None => UNSET,
    };
    let cells = vec![
        json!(row.name()),
        json!(row.text("/spec/schedule")),
        json!(row.text_or("/spec/timeZone", NONE)),
        json!(suspend),
        json!(row.count("/status/active")),
        json!(last),
        json!(row.age()),
    ];
    let selector = row.selector("/spec/jobTemplate/spec/selector");
    wide(row, cells, "/spec/jobTemplate/spec/template", Some(selector))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(object: &Value) -> Row<'_> {
        Row { object, now: "2026-01-01T00:01:00Z".parse().unwrap() }
    }

    #[test]
    fn a_deployment_has_its_wide_columns() {
        let object = json!({
            "metadata": {"name": "web", "creationTimestamp": "2026-01-01T00:00:58Z"},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}},
                     "template": {"spec": {"containers": [{"name": "c", "image": "nginx"}, {"name": "d", "image": "x"}]}}},
            "status": {"readyReplicas": 1, "updatedReplicas": 2, "availableReplicas": 1},
        });
        let expected = json!(["web", "1/2", 2, 1, "2s", "c,d", "nginx,x", "app=web"]);
        assert_eq!(json!(deployment(row(&object))), expected);
    }

    #[test]
    fn a_job_has_its_progress() {
        let object = json!({
            "metadata": {"name": "j", "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"completions": 3},
            "status": {"succeeded": 1, "startTime": "2026-01-01T00:00:00Z"},
        });
        assert_eq!(job(row(&object))[1..4], [json!("Running"), json!("1/3"), json!("60s")]);
    }
}
