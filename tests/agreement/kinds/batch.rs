//! Kinds of batch.

use serde_json::{Value, json};

use super::Kind;
use super::template::pod_template;
use crate::script::Dice;

pub(super) const KINDS: &[Kind] = &[Kind {
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
    ..Kind::DEFAULT
}];

fn cron_job(dice: &mut Dice, _: &str) -> Value {
    let mut template = pod_template(dice);
    template["spec"]["restartPolicy"] = "Never".into();
    json!({"spec": {"schedule": *dice.one(&["0 3 * * *", "@daily"]), "jobTemplate": {"spec": {"template": template}}}})
}
