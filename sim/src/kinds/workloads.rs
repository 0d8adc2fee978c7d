//! What the kinds that run pods from a template share.

use serde_json::{Map, Value, json};

use super::Causes;
use super::pod_spec::read::{field, given, selector, selects};
use super::pod_spec::{self, defaults};
use crate::meta;
use crate::select::matches_object;
use crate::status::Cause;

/// The defaults of a template at a dotted path; what is absent on the way is empty, as in a typed server.
pub(super) fn default_template(value: &mut Value, path: &str) {
    if let Some(template) = meta::object_at(value, path) {
        for part in ["metadata", "spec"] {
            let part = template.entry(part).or_insert_with(|| json!({}));
            if part.is_null() {
                *part = json!({});
            }
        }
        template.get_mut("spec").map(defaults::spec);
    }
}

/// Labels of a template that its selector does not find; the check stands beside the template.
pub(super) fn unmatched(template: &Value, causes: &mut Causes) {
    let labels = meta::metadata(template).get("labels").cloned().unwrap_or_default();
    causes.invalid("template.metadata.labels", &labels, "`selector` does not match template `labels`");
}

/// Whether a template has what a selector asks for; no selector finds nothing.
pub(super) fn selects_template(spec: &Value) -> bool {
    let empty = Map::new();
    let template = field(spec, "template");
    let labels = meta::metadata(template).get("labels").and_then(Value::as_object).unwrap_or(&empty);
    given(spec, "selector").is_some_and(|selector| matches_object(selector, labels))
}

/// A selector that says nothing would take the pods of everybody.
pub(super) fn is_empty(selector: &Value) -> bool {
    let says = |key| match selector.get(key) {
        Some(Value::Object(map)) => !map.is_empty(),
        Some(Value::Array(list)) => !list.is_empty(),
        _ => false,
    };
    !says("matchLabels") && !says("matchExpressions")
}

/// A selector that must be given and say something.
pub(super) fn required_selector(spec: &Value, kind: &str, causes: &mut Causes) {
    let Some(found) = given(spec, "selector") else {
        causes.required("selector", "");
        return;
    };
    selector(spec, "selector", causes);
    if is_empty(found) {
        show_selector(found, &format!("empty selector is invalid for {kind}"), causes);
    }
}

/// A cause at the selector.
pub(super) fn show_selector(found: &Value, why: &str, causes: &mut Causes) {
    let field = causes.path("selector");
    let shown = if found.is_null() { "null".to_owned() } else { pod_spec::internal::show("LabelSelector", found) };
    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
    causes.push(Cause {
        reason: "FieldValueInvalid".to_owned(),
        message: format!("Invalid value: {shown}{why}"),
        field,
    });
}

/// The template of a workload whose selector must find it.
pub(super) fn template(spec: &Value, unusable: &str, causes: &mut Causes) {
    let found = field(spec, "selector");
    if !found.is_null() && !selects(found) {
        show_selector(found, unusable, causes);
        return;
    }
    if !selects_template(spec) {
        unmatched(field(spec, "template"), causes);
    }
    causes.at("template", |causes| pod_spec::check_template(field(spec, "template"), causes));
}

/// A field that never changes.
pub(super) fn immutable(old: &Value, new: &Value, key: &str, causes: &mut Causes) {
    let (before, now) = (field(old, key), field(new, key));
    if before == now {
        return;
    }
    if key == "selector" {
        show_selector(now, "field is immutable", causes);
    } else {
        causes.invalid(key, now, "field is immutable");
    }
}

/// The numbers of a status: none below 0, none above all replicas, no more available than ready. `ready` is how the message calls
/// the ready ones.
pub(super) fn counts(status: &Value, all: &[&str], parts: &[&str], ready: &str, causes: &mut Causes) {
    let number = |key: &str| status.get(key).and_then(Value::as_i64);
    let total = number("replicas").unwrap_or_default();
    causes.at("status", |causes| {
        for key in all {
            if let Some(count) = number(key).filter(|count| *count < 0) {
                causes.invalid(key, &count.into(), "must be greater than or equal to 0");
            }
        }
        for key in parts {
            let count = number(key).unwrap_or_default();
            if count > total {
                causes.invalid(key, &count.into(), "cannot be greater than status.replicas");
            }
        }
        if let Some(count) = number("availableReplicas")
            && count > number("readyReplicas").unwrap_or_default()
        {
            causes.invalid("availableReplicas", &count.into(), &format!("cannot be greater than {ready}"));
        }
    });
}

/// A counter that only goes up.
pub(super) fn collisions(old: &Value, new: &Value, causes: &mut Causes) {
    let count = |value: &Value| meta::at(value, "status.collisionCount").and_then(Value::as_i64);
    if let Some(before) = count(old)
        && count(new).unwrap_or_default() < before
    {
        let now = count(new).unwrap_or_default();
        causes.invalid("status.collisionCount", &now.into(), "cannot be decremented");
    }
}

/// What a number or a percentage is wrong with.
pub(super) fn number_or_percent(value: &Value, causes: &mut Causes) {
    match value {
        Value::String(_) if percent(value).is_none() => {
            let why = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or \
                '93%', regex used for validation is '[0-9]+%')";
            causes.invalid("", value, why);
        }
        Value::Number(number) if number.as_i64().is_some_and(|number| number < 0) => {
            causes.invalid("", value, "must be greater than or equal to 0");
        }
        _ => {}
    }
}

/// The number of a percentage.
pub(super) fn percent(value: &Value) -> Option<i64> {
    let digits = value.as_str()?.strip_suffix('%')?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// A number, or that of a percentage; a text that is neither is read as far as it is a number.
pub(super) fn amount(value: &Value) -> i64 {
    let text = || value.as_str().and_then(|text| text.parse().ok());
    percent(value).or_else(|| value.as_i64()).or_else(text).unwrap_or_default()
}

/// No share is more than all.
pub(super) fn at_most_all(value: &Value, causes: &mut Causes) {
    if percent(value).is_some_and(|percent| percent > 100) {
        causes.invalid("", value, "must not be greater than 100%");
    }
}
