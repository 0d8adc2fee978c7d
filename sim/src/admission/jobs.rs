//! Jobs: the selector and the labels that tie a job to its own pods.
//!
//! The server makes them from the job's uid. A job that brings those of another life (a restore that does not reset them)
//! is refused, as by a real server, unless it says `manualSelector`.

use serde_json::{Map, Value, json};

use crate::meta;
use crate::resource::ResourceDef;
use crate::status::{Cause, Status};

const CONTROLLER_UID: &str = "batch.kubernetes.io/controller-uid";
const JOB_NAME: &str = "batch.kubernetes.io/job-name";
const LEGACY_CONTROLLER_UID: &str = "controller-uid";
const LEGACY_JOB_NAME: &str = "job-name";

/// Fills in the labels of the template and the selector; refuses those of another job.
pub(super) fn create(def: &ResourceDef, value: &mut Value) -> Result<(), Status> {
    let name = meta::meta_text(value, "name").to_owned();
    let uid = meta::meta_text(value, "uid").to_owned();
    let manual = meta::at(value, "spec.manualSelector") == Some(&Value::Bool(true));
    if !manual {
        let Some(labels) = meta::object_at(value, "spec.template.metadata.labels") else {
            return Ok(());
        };
        let owned = [
            (CONTROLLER_UID, uid.as_str()),
            (JOB_NAME, name.as_str()),
            (LEGACY_CONTROLLER_UID, uid.as_str()),
            (LEGACY_JOB_NAME, name.as_str()),
        ];
        let mut causes = Vec::new();
        for (key, expected) in owned {
            let found = labels.entry(key).or_insert_with(|| expected.into());
            if found != expected {
                let field = format!("spec.template.metadata.labels[{key}]");
                causes.push(Cause::invalid(&field, found, &format!("must be '{expected}'")));
            }
        }
        let generated = json!({CONTROLLER_UID: uid});
        if let Some(selector) = meta::object_at(value, "spec.selector") {
            let equal = selector.entry("matchLabels").or_insert_with(|| Value::Object(Map::new()));
            if let Some(equal) = equal.as_object_mut() {
                equal.entry(CONTROLLER_UID).or_insert_with(|| uid.clone().into());
            }
            let expected = selector.len() == 1 && selector["matchLabels"] == generated;
            if !expected {
                let found = Value::Object(selector.clone());
                causes.push(Cause::invalid("spec.selector", &found, "`selector` not auto-generated"));
            }
        }
        if !causes.is_empty() {
            return Err(Status::invalid(&def.group, &def.kind, &name, &causes));
        }
    }
    if meta::at(value, "metadata.labels").and_then(Value::as_object).is_none_or(Map::is_empty)
        && let Some(labels) = meta::at(value, "spec.template.metadata.labels").cloned()
    {
        meta::set(value, "labels", labels);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(spec: Value) -> Value {
        json!({"metadata": {"name": "j", "uid": "u"}, "spec": spec})
    }

    fn admit(spec: Value) -> Result<Value, Status> {
        let mut job = job(spec);
        let def = ResourceDef::new("batch", "v1", "jobs", "Job", true);
        create(&def, &mut job).map(|()| job)
    }

    #[test]
    fn a_job_selects_its_own_pods() {
        let job = admit(json!({"template": {"spec": {}}})).expect("a new job");
        assert_eq!(job["spec"]["selector"], json!({"matchLabels": {CONTROLLER_UID: "u"}}));
        assert_eq!(job["spec"]["template"]["metadata"]["labels"][LEGACY_JOB_NAME], "j");
        assert_eq!(job["metadata"]["labels"], job["spec"]["template"]["metadata"]["labels"]);
    }

    #[test]
    fn a_job_of_another_life_is_refused() {
        let spec = json!({
            "selector": {"matchLabels": {CONTROLLER_UID: "old"}},
            "template": {"metadata": {"labels": {CONTROLLER_UID: "old", LEGACY_CONTROLLER_UID: "old"}}},
        });
        let status = admit(spec.clone()).expect_err("labels of another uid");
        assert_eq!(status.code, 422);
        assert!(status.message.contains("`selector` not auto-generated"));
        assert!(status.message.contains("must be 'u'"));
        let mut manual = spec;
        manual["manualSelector"] = true.into();
        assert!(admit(manual).is_ok());
    }
}
