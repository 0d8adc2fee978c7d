//! What the writers of the kinds that run pods are warned of: their templates, their names, and numbers that will not do what they say.
//!
//! An update that leaves the generation as it was is not warned of again.

use serde_json::Value;

use super::pod_spec;
use super::pod_spec::read::{field, list, number};
use super::warnings;
use crate::meta;

/// What the name of a workload becomes part of.
const NAMES: &str = "Pod names and hostnames";

/// Completions and pods at once beyond which the indexes of failed pods may not fit.
const MANY_COMPLETIONS: i64 = 100_000;
const MANY_AT_ONCE: i64 = 10_000;

/// Whether an update leaves the generation as it was.
pub(super) fn same_generation(old: &Value, new: &Value) -> bool {
    meta::metadata(old).get("generation") == meta::metadata(new).get("generation")
}

/// The template at a path.
pub(super) fn template(path: &str, value: &Value) -> Vec<String> {
    pod_spec::warnings::of(path, meta::at(value, path).unwrap_or(&Value::Null))
}

/// A kind whose name becomes that of its pods.
pub(super) fn replicated(old: Option<&Value>, new: &Value) -> Vec<String> {
    named(old, new, |new| template("spec.template", new))
}

/// A new object with its name; a changed one without.
fn named(old: Option<&Value>, new: &Value, rest: impl FnOnce(&Value) -> Vec<String>) -> Vec<String> {
    match old {
        Some(old) if same_generation(old, new) => Vec::new(),
        Some(_) => rest(new),
        None => warnings::name(new, NAMES).into_iter().chain(rest(new)).collect(),
    }
}

/// A stateful set.
pub(super) fn stateful_set(old: Option<&Value>, new: &Value) -> Vec<String> {
    let unchanged = old.is_some_and(|old| same_generation(old, new));
    let mut told = if unchanged { Vec::new() } else { template("spec.template", new) };
    let spec = field(new, "spec");
    // Updates say the path in their own way.
    let part = if old.is_none() { "" } else { ".Spec" };
    for (index, claim) in list(spec, "volumeClaimTemplates").iter().enumerate() {
        told.extend(warnings::claim(&format!("spec.volumeClaimTemplates[{index}]{part}"), field(claim, "spec")));
    }
    if number(spec, "revisionHistoryLimit") < 0 {
        let why = "a negative value retains all historical revisions; a value >= 0 is recommended";
        told.push(format!("spec.revisionHistoryLimit: {why}"));
    }
    told
}

/// A job.
pub(super) fn job(old: Option<&Value>, new: &Value) -> Vec<String> {
    named(old, new, |new| job_spec("spec", new))
}

/// A cron job.
pub(super) fn cron_job(old: Option<&Value>, new: &Value) -> Vec<String> {
    let mut told = named(old, new, |new| job_spec("spec.jobTemplate.spec", new));
    if old.is_some() && meta::text(field(new, "spec"), "schedule").contains("TZ") {
        told.push(
            "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see \
             https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"
                .to_owned(),
        );
    }
    told
}

fn job_spec(path: &str, value: &Value) -> Vec<String> {
    let spec = meta::at(value, path).unwrap_or(&Value::Null);
    let many = meta::text(spec, "completionMode") == "Indexed"
        && number(spec, "completions") > MANY_COMPLETIONS
        && number(spec, "parallelism") > MANY_AT_ONCE;
    let why = "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might \
        not be able to track completedIndexes when a big number of indexes fail";
    let of_spec = many.then(|| format!("{path}: {why}"));
    of_spec.into_iter().chain(template(&format!("{path}.template"), value)).collect()
}
