//! What the status of a job may say: a job that is done stays done, and its numbers fit each other.

use serde_json::Value;

use super::Causes;
use super::batch_policy::indexes;
use super::pod_spec::internal;
use super::pod_spec::read::{each, field, given, list, not_negative, number, whole, wrong, yes};
use crate::meta;

/// The update of a status.
pub(super) fn check(old: &Value, new: &Value, causes: &mut Causes) {
    causes.at("status", |causes| {
        state(old, new, causes);
        change(old, new, causes);
    });
}

fn is(job: &Value, condition: &str) -> bool {
    list(field(job, "status"), "conditions")
        .iter()
        .any(|known| meta::text(known, "type") == condition && meta::text(known, "status") == "True")
}

fn finished(job: &Value) -> bool {
    is(job, "Complete") || is(job, "Failed")
}

/// Whether a field of the status is another one now.
fn changed(old: &Value, new: &Value, key: &str) -> bool {
    field(field(old, "status"), key) != field(field(new, "status"), key)
}

fn state(old: &Value, new: &Value, causes: &mut Causes) {
    let (spec, status) = (field(new, "spec"), field(new, "status"));
    for key in ["active", "succeeded", "failed", "ready", "terminating"] {
        not_negative(status, key, causes);
    }
    if let Some(uncounted) = given(status, "uncountedTerminatedPods") {
        causes.at("uncountedTerminatedPods", |causes| {
            for key in ["succeeded", "failed"] {
                let mut seen = Vec::new();
                each(uncounted, key, causes, |uid, causes| {
                    if *uid == "" {
                        causes.invalid("", uid, "must not be empty");
                    } else if seen.contains(&uid) {
                        causes.duplicate("", uid);
                    }
                    seen.push(uid);
                });
            }
        });
    }
    let turns = |condition: &str| is(old, condition) != is(new, condition);
    let (complete, failed) = (is(new, "Complete"), is(new, "Failed"));
    let (target, met) = (is(new, "FailureTarget"), is(new, "SuccessCriteriaMet"));
    let ends = finished(old) != finished(new);
    let (start, end) = (given(status, "startTime"), given(status, "completionTime"));
    let times = changed(old, new, "startTime") || changed(old, new, "completionTime");
    let rules = [
        (
            (turns("Complete") || turns("Failed")) && complete && failed,
            "conditions",
            "cannot set Complete=True and Failed=true conditions",
        ),
        (
            (turns("Complete") || turns("FailureTarget")) && complete && target,
            "conditions",
            "cannot set Complete=True and FailureTarget=true conditions",
        ),
    ];
    for (_, key, why) in rules.iter().filter(|(breaks, _, _)| *breaks) {
        wrong(key, why, causes);
    }
    if let Some(end) = end {
        if (turns("Complete") || changed(old, new, "completionTime")) && !complete {
            causes.invalid("completionTime", end, "cannot set completionTime when there is no Complete=True condition");
        }
    } else if (turns("Complete") || changed(old, new, "completionTime")) && complete {
        causes.required("completionTime", "completionTime is required for Complete jobs");
    }
    if let (Some(start), Some(end)) = (start, end)
        && times
        && end.as_str() < start.as_str()
    {
        causes.invalid("completionTime", end, "must be equal to or after `startTime`");
    }
    if (turns("Failed") || changed(old, new, "failedIndexes")) && failed && !target {
        wrong("conditions", "cannot set Failed=True condition without the FailureTarget=true condition", causes);
    }
    if (turns("Complete") || turns("SuccessCriteriaMet")) && complete && !met {
        wrong("conditions", "cannot set Complete=True condition without the SuccessCriteriaMet=true condition", causes);
    }
    ended(old, new, ends, causes);
    index_lists(old, new, causes);
    let terminating = number(status, "terminating");
    if (ends || changed(old, new, "terminating")) && finished(new) && terminating > 0 {
        causes.invalid("terminating", &terminating.into(), "terminating>0 is invalid for finished job");
    }
    if let Some(ready) = whole(status, "ready").filter(|ready| *ready > number(status, "active"))
        && (changed(old, new, "ready") || changed(old, new, "active"))
    {
        causes.invalid("ready", &ready.into(), "cannot set more ready pods than active");
    }
    if met && failed {
        wrong("conditions", "cannot set SuccessCriteriaMet=True and Failed=true conditions", causes);
    }
    if met && target {
        wrong("conditions", "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions", causes);
    }
    if given(spec, "successPolicy").is_some() && !met && complete {
        let why = "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True";
        wrong("conditions", why, causes);
    }
}

/// A job that is done has no pods, and had a beginning.
fn ended(old: &Value, new: &Value, ends: bool, causes: &mut Causes) {
    let status = field(new, "status");
    if !finished(new) {
        return;
    }
    let active = number(status, "active");
    if (ends || changed(old, new, "active")) && active > 0 {
        causes.invalid("active", &active.into(), "active>0 is invalid for finished job");
    }
    let nothing = yes(field(new, "spec"), "suspend") && whole(field(new, "spec"), "completions") == Some(0);
    if (ends || changed(old, new, "startTime")) && !nothing && given(status, "startTime").is_none() {
        causes.required("startTime", "startTime is required for finished job");
    }
    let uncounted = field(status, "uncountedTerminatedPods");
    let left = list(uncounted, "failed").len() + list(uncounted, "succeeded").len();
    if (ends || changed(old, new, "uncountedTerminatedPods")) && left > 0 {
        let why = "must be empty for finished job";
        internal::refuse("UncountedTerminatedPods", "uncountedTerminatedPods", uncounted, why, causes);
    }
}

fn index_lists(old: &Value, new: &Value, causes: &mut Causes) {
    let (spec, status) = (field(new, "spec"), field(new, "status"));
    let completed = meta::text(status, "completedIndexes");
    let failed = status.get("failedIndexes").and_then(Value::as_str);
    let (completed_new, failed_new) = (changed(old, new, "completedIndexes"), changed(old, new, "failedIndexes"));
    let completions = whole(spec, "completions");
    if let Some(completions) = completions {
        if completed_new && let Err(why) = indexes(completed, completions) {
            let why = format!("error parsing completedIndexes: {why}");
            causes.invalid("completedIndexes", &completed.into(), &why);
        }
        if let Some(failed) = failed
            && failed_new
            && whole(spec, "backoffLimitPerIndex").is_some()
            && let Err(why) = indexes(failed, completions)
        {
            causes.invalid("failedIndexes", &failed.into(), &format!("error parsing failedIndexes: {why}"));
        }
    }
    if completed_new && !completed.is_empty() && meta::text(spec, "completionMode") != "Indexed" {
        let why = "cannot set non-empty completedIndexes when non-indexed completion mode";
        causes.invalid("completedIndexes", &completed.into(), why);
    }
    if let Some(failed) = failed
        && failed_new
        && whole(spec, "backoffLimitPerIndex").is_none()
    {
        let why = "cannot set non-null failedIndexes when backoffLimitPerIndex is null";
        causes.invalid("failedIndexes", &failed.into(), why);
    }
}

/// What a status may not take back.
fn change(old: &Value, new: &Value, causes: &mut Causes) {
    let (spec, before, now) = (field(new, "spec"), field(old, "status"), field(new, "status"));
    for condition in ["Failed", "Complete", "FailureTarget"] {
        if is(old, condition) && !is(new, condition) {
            wrong("conditions", &format!("cannot disable the terminal {condition}=True condition"), causes);
        }
    }
    if number(now, "failed") < number(before, "failed") {
        causes.invalid("failed", &number(now, "failed").into(), "cannot decrease the failed counter");
    }
    let elastic =
        meta::text(spec, "completionMode") == "Indexed" && field(spec, "completions") == field(spec, "parallelism");
    if !elastic && number(now, "succeeded") < number(before, "succeeded") {
        causes.invalid("succeeded", &number(now, "succeeded").into(), "cannot decrease the succeeded counter");
    }
    let key = "completionTime";
    if given(before, key).is_some() && given(now, key).is_some() && changed(old, new, key) {
        causes.invalid(key, field(now, key), "field is immutable");
    }
    let resuming = list(before, "conditions").iter().any(|known| suspended(known, "True"))
        && list(now, "conditions").iter().any(|known| suspended(known, "False"));
    if given(before, "startTime").is_some() && changed(old, new, "startTime") && !yes(spec, "suspend") && !resuming {
        let why = "field is immutable for unsuspended job once set";
        causes.invalid("startTime", field(now, "startTime"), why);
    }
    let met = "SuccessCriteriaMet";
    if is(old, met) && !is(new, met) {
        wrong("conditions", "cannot disable the SuccessCriteriaMet=True condition", causes);
    }
    if is(old, "Complete") && !is(old, met) && is(new, met) {
        let why = "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions";
        wrong("conditions", why, causes);
    }
}

fn suspended(condition: &Value, status: &str) -> bool {
    meta::text(condition, "type") == "Suspended" && meta::text(condition, "status") == status
}
