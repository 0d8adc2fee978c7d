//! Kinds of batch.

use serde_json::{Value, json};

use super::Kind;
use super::template::pod_template;
use crate::script::Dice;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        kind: "CronJob",
        api_version: "batch/v1",
        plural: "cronjobs",
        variant: cron_job,
        poisons: &[
            ("/spec/schedule", "\"every night\""),
            ("/spec/schedule", "\"\""),
            ("/spec/concurrencyPolicy", "\"Odd\""),
            ("/spec/jobTemplate/spec/template/spec/restartPolicy", "\"Always\""),
            ("/spec/suspend", "true"),
        ],
        status: Some(|dice| {
            json!({
                "lastScheduleTime": *dice.one(&["2025-06-02T03:00:00Z", "2025-06-03T03:00:00Z"]),
                "active": [{"apiVersion": "batch/v1", "kind": "Job", "name": *dice.one(&["a", "b"])}],
            })
        }),
        status_poisons: &[
            ("/status/active", "[{}]"),
            ("/status/active", "[{\"name\":\"a\"},{\"name\":\"a\"}]"),
            ("/status/active", "null"),
            ("/status/lastScheduleTime", "\"yesterday\""),
            ("/status/lastScheduleTime", "null"),
            ("/status", "null"),
            ("/spec/suspend", "true"),
            ("/metadata/labels", "{\"from\":\"status\"}"),
        ],
        ..Kind::DEFAULT
    },
    Kind {
        kind: "Job",
        api_version: "batch/v1",
        plural: "jobs",
        variant: job,
        poisons: &[
            ("/spec/parallelism", "-1"),
            ("/spec/parallelism", "3"),
            ("/spec/completions", "-1"),
            ("/spec/completions", "7"),
            ("/spec/completionMode", "\"Odd\""),
            ("/spec/completionMode", "\"Indexed\""),
            ("/spec/suspend", "true"),
            ("/spec/suspend", "null"),
            ("/spec/backoffLimit", "-1"),
            ("/spec/backoffLimit", "2"),
            ("/spec/backoffLimitPerIndex", "1"),
            ("/spec/maxFailedIndexes", "1"),
            ("/spec/activeDeadlineSeconds", "0"),
            ("/spec/ttlSecondsAfterFinished", "-1"),
            ("/spec/manualSelector", "true"),
            ("/spec/selector", "{\"matchLabels\":{\"app\":\"x\"}}"),
            ("/spec/selector", "{}"),
            ("/spec/template/spec/restartPolicy", "\"Always\""),
            ("/spec/template/spec/restartPolicy", "\"Odd\""),
            ("/spec/template/spec/nodeSelector", "{\"a\":\"b\"}"),
            ("/spec/template/metadata/labels", "{\"job-name\":\"other\"}"),
            ("/spec/template/metadata/labels", "null"),
            ("/spec/podReplacementPolicy", "\"Odd\""),
            ("/spec/podFailurePolicy", "{\"rules\":[]}"),
            ("/spec/podFailurePolicy", "{\"rules\":[{\"action\":\"Ignore\"}]}"),
            ("/spec/successPolicy", "{\"rules\":[{\"succeededCount\":1}]}"),
            ("/spec/managedBy", "\"example.com/own\""),
            ("/spec/managedBy", "\"own\""),
        ],
        status: Some(|dice| {
            let mut status = json!({"active": dice.below(3), "startTime": "2025-06-02T03:00:00Z", "ready": 0});
            match dice.below(4) {
                0 => {
                    status = json!({
                        "startTime": "2025-06-02T03:00:00Z", "completionTime": "2025-06-02T03:04:00Z", "succeeded": 1, "ready": 0,
                        "conditions": [{"type": "SuccessCriteriaMet", "status": "True"}, {"type": "Complete", "status": "True"}],
                    });
                }
                1 => {
                    status["failed"] = dice.below(3).into();
                    status["uncountedTerminatedPods"] = json!({"succeeded": ["a"], "failed": ["b"]});
                }
                2 => status["conditions"] = json!([{"type": "Suspended", "status": *dice.one(&["True", "False"])}]),
                _ => {}
            }
            status
        }),
        status_poisons: &[
            ("/status/active", "-1"),
            ("/status/failed", "5"),
            ("/status/succeeded", "5"),
            ("/status/ready", "9"),
            ("/status/terminating", "1"),
            ("/status/startTime", "null"),
            ("/status/startTime", "\"2025-06-05T03:00:00Z\""),
            ("/status/completionTime", "\"2025-06-01T03:00:00Z\""),
            ("/status/completedIndexes", "\"1\""),
            ("/status/failedIndexes", "\"1\""),
            ("/status/conditions", "[{\"type\":\"Complete\",\"status\":\"True\"}]"),
            ("/status/conditions", "[{\"type\":\"Failed\",\"status\":\"True\"}]"),
            (
                "/status/conditions",
                "[{\"type\":\"FailureTarget\",\"status\":\"True\"},{\"type\":\"Failed\",\"status\":\"True\"}]",
            ),
            ("/status/conditions", "null"),
            ("/status/uncountedTerminatedPods", "{\"succeeded\":[\"\",\"a\",\"a\"]}"),
            ("/status", "null"),
            ("/spec/suspend", "true"),
            ("/metadata/labels", "{\"from\":\"status\"}"),
        ],
        ..Kind::DEFAULT
    },
];

fn template(dice: &mut Dice) -> Value {
    let mut template = pod_template(dice);
    template["spec"]["restartPolicy"] = "Never".into();
    template
}

fn cron_job(dice: &mut Dice, _: &str) -> Value {
    let template = template(dice);
    json!({"spec": {"schedule": *dice.one(&["0 3 * * *", "@daily"]), "jobTemplate": {"spec": {"template": template}}}})
}

fn job(dice: &mut Dice, _: &str) -> Value {
    let mut spec = json!({"template": template(dice)});
    match dice.below(7) {
        0 => spec["suspend"] = true.into(),
        1 => {
            spec["completionMode"] = "Indexed".into();
            spec["completions"] = (2 + dice.below(2)).into();
            spec["parallelism"] = 2.into();
            spec["backoffLimitPerIndex"] = 1.into();
            spec["successPolicy"] = json!({"rules": [{"succeededIndexes": "0-1", "succeededCount": 1}]});
        }
        2 => {
            let codes = json!({"operator": "In", "values": [1, 2]});
            let conditions = json!([{"type": "DisruptionTarget"}]);
            spec["podFailurePolicy"] = json!({"rules": [
                {"action": "FailJob", "onExitCodes": codes}, {"action": "Ignore", "onPodConditions": conditions}]});
        }
        3 => {
            spec["manualSelector"] = true.into();
            spec["selector"] = json!({"matchLabels": {"app": "x"}});
        }
        4 => spec["parallelism"] = (1 + dice.below(3)).into(),
        _ => {}
    }
    json!({"spec": spec})
}
