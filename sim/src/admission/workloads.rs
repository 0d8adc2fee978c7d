//! Workloads: selectors fit their templates and never change.

use serde_json::{Map, Value, json};

use super::unchangeable;
use crate::meta;
use crate::object::Object;
use crate::resource::ResourceDef;
use crate::select::matches_object;
use crate::status::{Cause, Status};

fn refuse(def: &ResourceDef, value: &Value, causes: &[Cause]) -> Result<(), Status> {
    if causes.is_empty() {
        return Ok(());
    }
    Err(Status::invalid(&def.group, &def.kind, meta::meta_text(value, "name"), causes))
}

/// 422 where the selector of a workload would not find its own pods.
pub(super) fn selects_its_template(def: &ResourceDef, value: &mut Value) -> Result<(), Status> {
    if !matches!(def.plural.as_str(), "deployments" | "replicasets" | "statefulsets" | "daemonsets") {
        return Ok(());
    }
    let selector = meta::at(value, "spec.selector").filter(|selector| !selector.is_null());
    let Some(selector) = selector else {
        return refuse(def, value, &[Cause::required("spec.selector", "")]);
    };
    // It would take the pods of everybody.
    let selects = |key| {
        selector.get(key).is_some_and(|part| !matches!(part, Value::Null) && part != &json!({}) && part != &json!([]))
    };
    if !selects("matchLabels") && !selects("matchExpressions") {
        let kind = def.kind.to_lowercase();
        let detail = format!("empty selector is invalid for {kind}");
        return refuse(def, value, &[Cause::invalid("spec.selector", selector, &detail)]);
    }
    let template = meta::at(value, "spec.template").unwrap_or(&Value::Null);
    let empty = Map::new();
    let labels = meta::metadata(template).get("labels").and_then(Value::as_object).unwrap_or(&empty);
    if matches_object(selector, labels) {
        return Ok(());
    }
    let labels = Value::Object(labels.clone());
    let detail = "`selector` does not match template `labels`";
    refuse(def, value, &[Cause::invalid("spec.template.metadata.labels", &labels, detail)])
}

/// 422 where an update changes what a workload is.
pub(super) fn update(def: &ResourceDef, old: &Object, value: &mut Value) -> Result<(), Status> {
    let fields: &[&str] = match def.plural.as_str() {
        "deployments" | "replicasets" | "daemonsets" => &["spec.selector"],
        "statefulsets" => &["spec.selector", "spec.serviceName", "spec.podManagementPolicy"],
        "jobs" => &["spec.selector", "spec.template", "spec.completionMode"],
        _ => &[],
    };
    let causes: Vec<_> = fields
        .iter()
        .filter(|field| meta::at(old.value(), field) != meta::at(value, field))
        .map(|field| unchangeable(field, meta::at(value, field).unwrap_or(&Value::Null)))
        .collect();
    if causes.is_empty() && def.group == "apps" {
        return selects_its_template(def, value);
    }
    refuse(def, value, &causes)
}
