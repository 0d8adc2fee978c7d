//! Conditions in the form that newer kinds share.

use serde_json::Value;

use super::Causes;
use super::pod_spec::read::{given, known_if_given, problems, too_long};
use crate::meta;
use crate::validate_name;

const REASON_LENGTH: usize = 1024;
const MESSAGE_LENGTH: usize = 32 * 1024;

const REASON: &str = "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric \
    characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or \
    'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')";

/// What is wrong with a list of conditions; the check stands at the list.
pub(super) fn check(conditions: &[Value], causes: &mut Causes) {
    for (index, condition) in conditions.iter().enumerate() {
        causes.index(index, |causes| {
            let kind = meta::text(condition, "type");
            if conditions[..index].iter().any(|earlier| meta::text(earlier, "type") == kind) {
                causes.duplicate("type", &kind.into());
            }
            one(condition, causes);
        });
    }
}

fn one(condition: &Value, causes: &mut Causes) {
    let kind = meta::text(condition, "type");
    problems("type", kind, validate_name::qualified_name(kind), causes);
    let known = ["False", "True", "Unknown"];
    match meta::text(condition, "status") {
        "" => causes.not_supported("status", "", &known),
        _ => known_if_given(condition, "status", &known, causes),
    }
    if let Some(generation) = condition.get("observedGeneration").and_then(Value::as_i64).filter(|number| *number < 0) {
        causes.invalid("observedGeneration", &generation.into(), "must be greater than or equal to zero");
    }
    if given(condition, "lastTransitionTime").is_none() {
        causes.required("lastTransitionTime", "");
    }
    match meta::text(condition, "reason") {
        "" => causes.required("reason", ""),
        reason => {
            if !is_reason(reason) {
                causes.invalid("reason", &reason.into(), REASON);
            }
            if reason.len() > REASON_LENGTH {
                too_long("reason", REASON_LENGTH, causes);
            }
        }
    }
    if meta::text(condition, "message").len() > MESSAGE_LENGTH {
        too_long("message", MESSAGE_LENGTH, causes);
    }
}

fn is_reason(text: &str) -> bool {
    let last = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text.ends_with(last)
        && text.chars().all(|letter| last(letter) || matches!(letter, ',' | ':'))
}
