//! Job → Pod: runs pods until enough have succeeded, or too many have failed.
//!
//! Without a number of completions one success is enough, once no pod runs any more; with numbered pods ([`super::indexed`])
//! each number has to succeed once.
//!
//! Pods carry the finalizer `batch.kubernetes.io/job-tracking` until they are counted, as in a real cluster: a pod that
//! outlives its Job with the finalizer on would never go, so orphans lose it too.
//!
//! # Differences
//!
//! No back-off between attempts, no deadline, no policy of failures or success, no removal after `ttlSecondsAfterFinished`.
//! Counting and the removal of the finalizers are two writes without the intermediate list of uids.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::access::{Access, JOBS, PODS, controller, finalizers, is_deleting, items, number, set_condition, text};
use super::indexed::{self, is_indexed};
use super::ownership::claim;
use super::pods::{create, from_template, is_active, is_finished, is_ready, phase};
use super::replicaset::put_counts;
use super::selector::selects;
use crate::object::Object;
use crate::options::Propagation;

const TRACKING: &str = "batch.kubernetes.io/job-tracking";
const DEFAULT_BACKOFF: i64 = 6;
/// The most pods made for one job in one pass.
const BURST: i64 = 500;

pub(super) fn pass(access: Access<'_>) {
    for job in access.all(JOBS) {
        sync(access, &job);
    }
    let jobs = access.all(JOBS);
    for pod in access.all(PODS) {
        let owner = controller(pod.value()).filter(|owner| owner["kind"] == JOBS.kind);
        let alive = owner.is_some_and(|owner| {
            jobs.iter().any(|job| text(owner, "/uid") == Some(job.uid()) && !is_over(job) && !is_deleting(job))
        });
        if !alive && finalizers(&pod).contains(&TRACKING) {
            untrack(access, &pod);
        }
    }
}

fn is_over(job: &Object) -> bool {
    items(job.value(), "/status/conditions").iter().any(|condition| {
        (condition["type"] == "Complete" || condition["type"] == "Failed") && condition["status"] == "True"
    })
}

fn count(job: &Object, pointer: &str, default: i64) -> i64 {
    number(job.value(), pointer).unwrap_or(default).max(0)
}

fn sync(access: Access<'_>, job: &Object) {
    if is_over(job) || is_deleting(job) {
        return;
    }
    let pods = claim(access, JOBS, job, PODS, |pod| selects(&job.value()["spec"]["selector"], pod.labels()));
    let fresh = |wanted: &str| {
        let uncounted = pods.iter().filter(|pod| phase(pod) == wanted && finalizers(pod).contains(&TRACKING));
        uncounted.count() as i64
    };
    let indexes = is_indexed(job).then(|| {
        let mut indexes = indexed::completed(job);
        indexes.extend(pods.iter().filter(|pod| phase(pod) == "Succeeded").filter_map(indexed::index));
        indexes
    });
    let succeeded = match &indexes {
        Some(indexes) => indexes.len() as i64,
        None => count(job, "/status/succeeded", 0) + fresh("Succeeded"),
    };
    let failed = count(job, "/status/failed", 0) + fresh("Failed");
    let completions = number(job.value(), "/spec/completions").map(|completions| completions.max(0));
    let hopeless = failed > count(job, "/spec/backoffLimit", DEFAULT_BACKOFF);
    let active: Vec<&Object> = pods.iter().filter(|pod| is_active(pod)).collect();
    let running = active.len() as i64;
    let suspended = job.value()["spec"]["suspend"] == true;
    let parallel = if suspended || hopeless { 0 } else { count(job, "/spec/parallelism", 1) };
    let (done, wanted) = match completions {
        Some(completions) => (succeeded >= completions, parallel.min(completions - succeeded).max(0)),
        // No more are begun after the first success; those that run may end.
        None if succeeded > 0 => (running == 0, running.min(parallel)),
        None => (false, parallel),
    };
    let mut free = indexes.as_ref().map(|done| {
        let taken: BTreeSet<u64> = active.iter().filter_map(|pod| indexed::index(pod)).collect();
        let all = 0..u64::try_from(completions.unwrap_or(0)).unwrap_or(0);
        all.filter(|index| !done.contains(index) && !taken.contains(index)).take(BURST as usize).collect::<Vec<_>>()
    });
    if let Some(free) = &mut free {
        free.reverse();
    }
    let mut made = 0;
    for _ in 0..(wanted - running).clamp(0, BURST) {
        let mut pod = from_template(JOBS, job, &job.value()["spec"]["template"]);
        pod["metadata"]["finalizers"] = json!([TRACKING]);
        if let Some(free) = &mut free {
            let Some(index) = free.pop() else { break };
            indexed::number(&mut pod, job, index);
        }
        made += i64::from(create(access, job, pod).is_some());
    }
    for pod in active.iter().skip(usize::try_from(wanted).unwrap_or(0)) {
        access.delete(&PODS.target(pod.namespace(), Some(pod.name())), pod.uid(), Propagation::Background);
    }
    let mut status = status(
        access,
        job,
        &pods,
        Counts {
            succeeded,
            failed,
            active: running.min(wanted) + made,
            over: if done { Some(true) } else { hopeless.then_some(false) },
            suspended,
        },
    );
    if let Some(indexes) = indexes.filter(|indexes| !indexes.is_empty()) {
        status["completedIndexes"] = indexed::shown(&indexes).into();
    }
    let written = access.set_status(JOBS, job, status).is_some();
    for pod in pods.iter().filter(|pod| written && is_finished(pod) && finalizers(pod).contains(&TRACKING)) {
        untrack(access, pod);
    }
}

/// What a pass has counted.
#[derive(Clone, Copy)]
struct Counts {
    succeeded: i64,
    failed: i64,
    active: i64,
    /// Whether it has completed (`true`) or failed (`false`).
    over: Option<bool>,
    suspended: bool,
}

fn status(access: Access<'_>, job: &Object, pods: &[Object], counts: Counts) -> Value {
    let now = access.stamp();
    let terminating = pods.iter().filter(|pod| is_deleting(pod) && !is_finished(pod)).count();
    let ready = pods.iter().filter(|pod| is_active(pod) && is_ready(pod)).count();
    let mut status = json!({"ready": ready, "terminating": terminating, "uncountedTerminatedPods": {}});
    if !counts.suspended {
        status["startTime"] = text(job.value(), "/status/startTime").unwrap_or(&now).into();
    }
    let positive = |count: i64| usize::try_from(count).unwrap_or(0);
    let mut conditions = items(job.value(), "/status/conditions").to_vec();
    let mut end = |first: &str, last: &str, reason: &str, message: &str| {
        for kind in [first, last] {
            let condition = json!({
                "type": kind, "status": "True", "reason": reason, "message": message, "lastProbeTime": now,
            });
            set_condition(&mut conditions, condition, &now);
        }
    };
    let mut active = positive(counts.active);
    match counts.over {
        Some(true) => {
            end("SuccessCriteriaMet", "Complete", "CompletionsReached", "Reached expected number of succeeded pods");
            status["completionTime"] = now.clone().into();
            active = 0;
        }
        Some(false) => {
            end("FailureTarget", "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit");
            active = 0;
        }
        None => {}
    }
    put_counts(
        &mut status,
        &[("active", active), ("succeeded", positive(counts.succeeded)), ("failed", positive(counts.failed))],
    );
    if !conditions.is_empty() {
        status["conditions"] = conditions.into();
    }
    status
}

fn untrack(access: Access<'_>, pod: &Object) {
    let mut left = finalizers(pod);
    left.retain(|finalizer| *finalizer != TRACKING);
    access.set_finalizers(&PODS.target(pod.namespace(), Some(pod.name())), pod, &left);
}
