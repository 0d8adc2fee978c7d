//! When a job has failed and when it has succeeded, by rules of its own.

use serde_json::Value;

use super::Causes;
use super::pod_spec::read::{
    each, field, given, list, not_negative, number, problems, too_long, too_many, whole, wrong,
};
use crate::meta;
use crate::validate_name;

const RULES: usize = 20;
const CODES: usize = 255;
const INDEXES_LENGTH: usize = 64 * 1024;

/// Values as a message lists them.
fn listed(words: &[&str]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("{word:?}")).collect();
    format!("valid values: [{}]", words.join(" "))
}

fn known(value: &Value, key: &str, words: &[&str], causes: &mut Causes) {
    match meta::text(value, key) {
        "" => causes.required(key, &listed(words)),
        word if words.contains(&word) => {}
        word => causes.not_supported(key, word, words),
    }
}

/// What the failure of a pod means.
pub(super) fn failures(spec: &Value, policy: &Value, causes: &mut Causes) {
    too_many("rules", list(policy, "rules").len(), RULES, causes);
    each(policy, "rules", causes, |rule, causes| {
        if meta::text(rule, "action") == "FailIndex" {
            if whole(spec, "backoffLimitPerIndex").is_none() {
                causes.invalid("action", &"FailIndex".into(), "requires the backoffLimitPerIndex to be set");
            }
        } else {
            known(rule, "action", &["Count", "FailIndex", "FailJob", "Ignore"], causes);
        }
        let (codes, conditions) = (given(rule, "onExitCodes"), list(rule, "onPodConditions"));
        if let Some(codes) = codes {
            causes.at("onExitCodes", |causes| exit_codes(spec, codes, causes));
        }
        too_many("onPodConditions", conditions.len(), RULES, causes);
        each(rule, "onPodConditions", causes, |pattern, causes| {
            let kind = meta::text(pattern, "type");
            problems("type", kind, validate_name::qualified_name(kind), causes);
            known(pattern, "status", &["False", "True", "Unknown"], causes);
        });
        match (codes.is_some(), conditions.is_empty()) {
            (true, false) => wrong("", "specifying both OnExitCodes and OnPodConditions is not supported", causes),
            (false, true) => wrong("", "specifying one of OnExitCodes and OnPodConditions is required", causes),
            _ => {}
        }
    });
}

fn exit_codes(spec: &Value, codes: &Value, causes: &mut Causes) {
    known(codes, "operator", &["In", "NotIn"], causes);
    let pod = field(field(spec, "template"), "spec");
    if let Some(name) = codes.get("containerName").and_then(Value::as_str) {
        let named = |container: &Value| meta::text(container, "name") == name;
        if !["containers", "initContainers"].iter().any(|key| list(pod, key).iter().any(named)) {
            let why = "must be one of the container or initContainer names in the pod template";
            causes.invalid("containerName", &name.into(), why);
        }
    }
    let values = list(codes, "values");
    if values.is_empty() {
        causes.invalid("values", field(codes, "values"), "at least one value is required");
    }
    too_many("values", values.len(), CODES, causes);
    for (index, value) in values.iter().enumerate() {
        causes.at("values", |causes| {
            causes.index(index, |causes| {
                if meta::text(codes, "operator") == "In" && *value == 0 {
                    causes.invalid("", value, "must not be 0 for the In operator");
                }
                if values[..index].contains(value) {
                    causes.duplicate("", value);
                }
            });
        });
    }
    if values.windows(2).any(|pair| pair[0].as_i64() > pair[1].as_i64()) {
        causes.invalid("values", field(codes, "values"), "must be ordered");
    }
}

/// When enough indexes are done.
pub(super) fn success(spec: &Value, policy: &Value, causes: &mut Causes) {
    let rules = list(policy, "rules");
    if rules.is_empty() {
        causes.required("rules", "at least one rules must be specified when the successPolicy is specified");
    }
    too_many("rules", rules.len(), RULES, causes);
    let completions = number(spec, "completions");
    each(policy, "rules", causes, |rule, causes| {
        let indexes = rule.get("succeededIndexes").and_then(Value::as_str);
        let count = whole(rule, "succeededCount");
        if indexes.is_none() && count.is_none() {
            causes.required("", "at least one of succeededCount or succeededIndexes must be specified");
        }
        let mut total = 0;
        if let Some(indexes) = indexes {
            if indexes.len() > INDEXES_LENGTH {
                too_long("succeededIndexes", INDEXES_LENGTH, causes);
            }
            match self::indexes(indexes, completions) {
                Ok(found) => total = found,
                Err(why) => {
                    let why = format!("error parsing succeededIndexes: {why}");
                    causes.invalid("succeededIndexes", &indexes.into(), &why);
                }
            }
        }
        let Some(count) = count else {
            return;
        };
        not_negative(rule, "succeededCount", causes);
        if count > completions {
            let why = format!("must be less than or equal to {completions} (the number of specified completions)");
            causes.invalid("succeededCount", &count.into(), &why);
        }
        if indexes.is_some() && count > total {
            let why = format!(
                "must be less than or equal to {total} (the number of indexes in the specified succeededIndexes field)"
            );
            causes.invalid("succeededCount", &count.into(), &why);
        }
    });
}

/// How many indexes a text as `1,3-5` names.
pub(super) fn indexes(text: &str, completions: i64) -> Result<i64, String> {
    let (mut last, mut total) = (None, 0);
    if text.is_empty() {
        return Ok(0);
    }
    for part in text.split(',') {
        let (low, high) = interval(part, completions)?;
        if let Some(last) = last.filter(|last| *last >= low) {
            return Err(format!("non-increasing order, previous: {last}, current: {low}"));
        }
        total += high - low + 1;
        last = Some(high);
    }
    Ok(total)
}

/// The ends of one part of it.
pub(super) fn interval(part: &str, completions: i64) -> Result<(i64, i64), String> {
    let ends: Vec<_> = part.split('-').collect();
    if ends.len() > 2 {
        return Err(format!(
            "the fragment {part:?} violates the requirement that an index interval can have at most two parts \
             separated by '-'"
        ));
    }
    let number = |text: &str| {
        let number =
            text.parse::<i64>().map_err(|_| format!("cannot convert string to integer for index: {text:?}"))?;
        if number >= completions { Err(format!("too large index: {text:?}")) } else { Ok(number) }
    };
    let low = number(ends[0])?;
    let Some(end) = ends.get(1) else {
        return Ok((low, low));
    };
    let high = number(end)?;
    if low >= high { Err(format!("non-increasing order, previous: {low}, current: {high}")) } else { Ok((low, high)) }
}
