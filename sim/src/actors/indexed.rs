//! Jobs whose pods are numbered: which number a pod has, and which numbers are done.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::access::{annotation, entry, set_annotation, text};
use super::pods::label;
use crate::object::Object;

const INDEX: &str = "batch.kubernetes.io/job-completion-index";
const VARIABLE: &str = "JOB_COMPLETION_INDEX";
/// The largest number of completions of such a job.
const MOST: u64 = 100_000;

pub(super) fn is_indexed(job: &Object) -> bool {
    text(job.value(), "/spec/completionMode") == Some("Indexed")
}

/// The number of a pod.
pub(super) fn index(pod: &Object) -> Option<u64> {
    annotation(pod.value(), INDEX)?.parse().ok()
}

/// The numbers that the status of a job has as done: `0-2,4`.
pub(super) fn completed(job: &Object) -> BTreeSet<u64> {
    let ranges = text(job.value(), "/status/completedIndexes").unwrap_or_default().split(',');
    let ranges = ranges.filter_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.parse().ok()?..=last.parse().ok().filter(|last| *last < MOST)?)
    });
    ranges.flatten().collect()
}

/// The same as text.
pub(super) fn shown(indexes: &BTreeSet<u64>) -> String {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for index in indexes {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *index => *last = *index,
            _ => ranges.push((*index, *index)),
        }
    }
    let mut parts = Vec::new();
    for (first, last) in ranges {
        match last - first {
            0 => parts.push(first.to_string()),
            // Two numbers are no range yet.
            1 => parts.push(format!("{first},{last}")),
            _ => parts.push(format!("{first}-{last}")),
        }
    }
    parts.join(",")
}

/// Gives a pod that is not stored yet its number, which its containers find in a variable.
pub(super) fn number(pod: &mut Value, job: &Object, index: u64) {
    let name = format!("{}-{index}", job.name());
    pod["metadata"]["generateName"] = format!("{name}-").into();
    pod["spec"]["hostname"] = name.into();
    label(pod, INDEX, &index.to_string());
    set_annotation(pod, INDEX, &index.to_string());
    let variable = json!({
        "name": VARIABLE, "valueFrom": {"fieldRef": {"fieldPath": format!("metadata.labels['{INDEX}']")}},
    });
    for key in ["initContainers", "containers"] {
        for container in entry(pod, "spec").get_mut(key).and_then(Value::as_array_mut).into_iter().flatten() {
            let mut variables = container["env"].as_array().cloned().unwrap_or_default();
            if !variables.iter().any(|known| known["name"] == VARIABLE) {
                variables.push(variable.clone());
                container["env"] = variables.into();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_a_row_are_a_range() {
        for text in ["", "3", "0,1", "0-2", "0-2,4,6-9"] {
            let job = Object::new(json!({"status": {"completedIndexes": text}}));
            assert_eq!(shown(&completed(&job)), text);
        }
        let hostile = Object::new(json!({"status": {"completedIndexes": "0-99999999999999,x,5-2,7"}}));
        assert_eq!(shown(&completed(&hostile)), "7");
    }
}
