//! The rules of the kinds of batch.
//!
//! # Differences
//!
//! The template of a suspended job may change where a real server lets it: resources, and where its pods may run.

use serde_json::{Map, Value, json};

use super::pod_spec::read::{
    field, fill, fill_text, given, inside, list, map_of, not_negative, number, one_of, selector, selects, too_long,
    whole, yes,
};
use super::pod_spec::{self, internal};
use super::workloads::{default_template, immutable, selects_template, show_selector, unmatched};
use super::{Causes, Rules, Table, batch_policy, batch_status, cron, workload_warnings};
use crate::meta;
use crate::select::matches_object;
use crate::validate_name;

pub(super) const TABLE: Table = &[
    (
        "jobs",
        Rules {
            default: default_job,
            prepare_create: |job| {
                generate(job);
                job["status"] = json!({});
            },
            label: default_labels,
            validate: job,
            validate_update: job_update,
            validate_status_update: batch_status::check,
            warn: workload_warnings::job,
            ..Rules::NONE
        },
    ),
    (
        "cronjobs",
        Rules {
            default: default_cron_job,
            prepare_create: |job| job["status"] = json!({}),
            validate: |value, causes| cron_job(None, value, causes),
            validate_update: |old, new, causes| cron_job(Some(old), new, causes),
            warn: workload_warnings::cron_job,
            ..Rules::NONE
        },
    ),
];

const CONTROLLER_UID: &str = "batch.kubernetes.io/controller-uid";
const JOB_NAME: &str = "batch.kubernetes.io/job-name";
const LEGACY_CONTROLLER_UID: &str = "controller-uid";
const LEGACY_JOB_NAME: &str = "job-name";

/// The most pods at once of an indexed job, and the most of its indexes that may fail.
const INDEXED: i64 = 100_000;
/// The most of both where there are more completions than that.
const MANY_INDEXED: i64 = 10_000;

fn default_job(job: &mut Value) {
    default_template(job, "spec.template");
    if map_of(job, "metadata.labels").is_empty() {
        default_labels(job);
    }
    let Some(spec) = job.get_mut("spec") else {
        return;
    };
    if given(spec, "parallelism").is_none() && given(spec, "completions").is_none() {
        // A job that names neither runs one pod; one that names only its parallelism is a work queue.
        fill(spec, &json!({"completions": 1}));
    }
    let backoff = if given(spec, "backoffLimitPerIndex").is_some() { i32::MAX } else { 6 };
    let replacement = if given(spec, "podFailurePolicy").is_some() { "Failed" } else { "TerminatingOrFailed" };
    fill(
        spec,
        &json!({
            "parallelism": 1, "backoffLimit": backoff, "completionMode": "NonIndexed", "manualSelector": false,
            "suspend": false, "podReplacementPolicy": replacement,
        }),
    );
    default_failures(spec);
}

fn default_failures(spec: &mut Value) {
    let Some(policy) = spec.get_mut("podFailurePolicy") else {
        return;
    };
    for rule in pod_spec::read::list_mut(policy, "rules") {
        for pattern in pod_spec::read::list_mut(rule, "onPodConditions") {
            fill_text(pattern, "status", "True");
        }
    }
}

/// A job without labels has those of its pods.
fn default_labels(job: &mut Value) {
    let labels = map_of(job, "spec.template.metadata.labels");
    if !labels.is_empty() {
        meta::set(job, "labels", labels);
    }
}

/// The labels and the selector that tie a job to its own pods.
fn generate(job: &mut Value) {
    let (name, uid) = (meta::meta_text(job, "name").to_owned(), meta::meta_text(job, "uid").to_owned());
    if meta::at(job, "spec.manualSelector") == Some(&Value::Bool(true)) {
        return;
    }
    let Some(labels) = meta::object_at(job, "spec.template.metadata.labels") else {
        return;
    };
    let own = [(LEGACY_JOB_NAME, &name), (JOB_NAME, &name), (LEGACY_CONTROLLER_UID, &uid), (CONTROLLER_UID, &uid)];
    for (key, value) in own {
        labels.entry(key).or_insert_with(|| value.as_str().into());
    }
    if let Some(equal) = meta::object_at(job, "spec.selector.matchLabels") {
        equal.entry(CONTROLLER_UID).or_insert_with(|| uid.into());
    }
}

/// Whether labels and selector are those of this job, and not of another life.
fn generated(job: &Value, prefixed: bool, causes: &mut Causes) {
    let spec = field(job, "spec");
    let Some(found) = given(spec, "selector").filter(|_| !yes(spec, "manualSelector")) else {
        return;
    };
    let (name, uid) = (meta::meta_text(job, "name"), meta::meta_text(job, "uid"));
    let labels = map_of(spec, "template.metadata.labels");
    let mut own = vec![(LEGACY_CONTROLLER_UID, uid), (LEGACY_JOB_NAME, name)];
    if prefixed {
        own.extend([(CONTROLLER_UID, uid), (JOB_NAME, name)]);
    }
    causes.at("spec.template.metadata.labels", |causes| {
        for (key, expected) in &own {
            let why = format!("must be '{expected}'");
            causes.key(key, |causes| match labels.get(*key).and_then(Value::as_str) {
                None => causes.required("", &why),
                Some(label) if label != *expected => causes.invalid("", &Value::Object(labels.clone()), &why),
                Some(_) => {}
            });
        }
    });
    let own: Map<String, Value> = own.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
    if selects(found) && !matches_object(found, &own) {
        causes.at("spec", |causes| show_selector(found, "`selector` not auto-generated", causes));
    }
}

fn job(job: &Value, causes: &mut Causes) {
    whole_job(job, true, causes);
}

fn whole_job(job: &Value, prefixed: bool, causes: &mut Causes) {
    generated(job, prefixed, causes);
    let spec = field(job, "spec");
    causes.at("spec", |causes| selected_spec(spec, causes));
    if meta::text(spec, "completionMode") == "Indexed"
        && let Some(completions) = whole(spec, "completions").filter(|completions| *completions > 0)
    {
        let name = meta::meta_text(job, "name");
        let host = format!("{name}-{}", completions - 1);
        if !validate_name::label(&host).is_empty() {
            let why = format!("will not able to create pod with invalid DNS label: {host}");
            causes.invalid("metadata.name", &name.into(), &why);
        }
    }
}

fn selected_spec(spec: &Value, causes: &mut Causes) {
    job_spec(spec, causes);
    if given(spec, "selector").is_none() {
        causes.required("selector", "");
    } else {
        selector(spec, "selector", causes);
    }
    if selects(field(spec, "selector")) && !selects_template(spec) {
        unmatched(field(spec, "template"), causes);
    }
}

/// The spec of a job, of its own or in a cron job.
fn job_spec(spec: &Value, causes: &mut Causes) {
    for key in [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ] {
        not_negative(spec, key, causes);
    }
    let (per_index, failed) = (whole(spec, "backoffLimitPerIndex"), whole(spec, "maxFailedIndexes"));
    if failed.is_some() && per_index.is_none() {
        causes.required("backoffLimitPerIndex", "when maxFailedIndexes is specified");
    }
    managed(spec, causes);
    let mode = spec.get("completionMode").and_then(Value::as_str).unwrap_or("NonIndexed");
    match mode {
        "Indexed" => indexed(spec, causes),
        "NonIndexed" => {
            for (key, value) in [("backoffLimitPerIndex", per_index), ("maxFailedIndexes", failed)] {
                if let Some(value) = value {
                    causes.invalid(key, &value.into(), "requires indexed completion mode");
                }
            }
        }
        other => causes.not_supported("completionMode", other, &["NonIndexed", "Indexed"]),
    }
    inside(spec, "podFailurePolicy", causes, |policy, causes| batch_policy::failures(spec, policy, causes));
    if let Some(policy) = given(spec, "successPolicy") {
        if mode == "Indexed" {
            causes.at("successPolicy", |causes| batch_policy::success(spec, policy, causes));
        } else {
            internal::refuse("SuccessPolicy", "successPolicy", policy, "requires indexed completion mode", causes);
        }
    }
    replacement(spec, causes);
    let template = field(spec, "template");
    causes.at("template", |causes| pod_spec::check_template(template, causes));
    causes.at("template.spec", |causes| {
        let policy = meta::text(field(template, "spec"), "restartPolicy");
        match policy {
            "" | "Always" => causes.required("restartPolicy", r#"valid values: "OnFailure", "Never""#),
            "Never" => {}
            "OnFailure" => {
                if given(spec, "podFailurePolicy").is_some() {
                    let why = r#"only "Never" is supported when podFailurePolicy is specified"#;
                    causes.invalid("restartPolicy", &policy.into(), why);
                }
            }
            other => causes.not_supported("restartPolicy", other, &["OnFailure", "Never"]),
        }
    });
}

fn replacement(spec: &Value, causes: &mut Causes) {
    let Some(policy) = spec.get("podReplacementPolicy").and_then(Value::as_str) else {
        return;
    };
    let known: &[&str] =
        if given(spec, "podFailurePolicy").is_some() { &["Failed"] } else { &["Failed", "TerminatingOrFailed"] };
    if !known.contains(&policy) {
        causes.not_supported("podReplacementPolicy", policy, known);
    }
}

fn managed(spec: &Value, causes: &mut Causes) {
    let Some(name) = spec.get("managedBy").and_then(Value::as_str) else {
        return;
    };
    match name.split_once('/') {
        _ if name.is_empty() => causes.required("managedBy", ""),
        Some((host, path)) if !host.is_empty() && !path.is_empty() => {
            pod_spec::read::problems("managedBy", host, validate_name::subdomain(host), causes);
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&byte);
            if !path.bytes().all(fits) {
                let why = "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')";
                causes.invalid("managedBy", &path.into(), why);
            }
        }
        _ => {
            let why = "must be a domain-prefixed path (such as \"acme.io/foo\")";
            causes.invalid("managedBy", &name.into(), why);
        }
    }
    if name.len() > 63 {
        too_long("managedBy", 63, causes);
    }
}

fn indexed(spec: &Value, causes: &mut Causes) {
    let number = |key: &str| whole(spec, key);
    let (completions, parallelism, failed) = (number("completions"), number("parallelism"), number("maxFailedIndexes"));
    if completions.is_none() {
        causes.required("completions", "when completion mode is Indexed");
    }
    if let Some(parallelism) = parallelism.filter(|parallelism| *parallelism > INDEXED) {
        let why = format!("must be less than or equal to {INDEXED} when completion mode is Indexed");
        causes.invalid("parallelism", &parallelism.into(), &why);
    }
    if let Some(failed) = failed {
        if completions.is_some_and(|completions| failed > completions) {
            causes.invalid("maxFailedIndexes", &failed.into(), "must be less than or equal to completions");
        }
        if failed > INDEXED {
            causes.invalid("maxFailedIndexes", &failed.into(), &format!("must be less than or equal to {INDEXED}"));
        }
    }
    if completions.is_some_and(|completions| completions > INDEXED) && number("backoffLimitPerIndex").is_some() {
        let why = format!(
            "must be less than or equal to {MANY_INDEXED} when completions are above {INDEXED} and used with backoff \
             limit per index"
        );
        if failed.is_none() {
            let why = format!("must be specified when completions is above {INDEXED}");
            causes.required("maxFailedIndexes", &why);
        }
        for (key, value) in [("parallelism", parallelism), ("maxFailedIndexes", failed)] {
            if let Some(value) = value.filter(|value| *value > MANY_INDEXED) {
                causes.invalid(key, &value.into(), &why);
            }
        }
    }
}

fn job_update(old: &Value, new: &Value, causes: &mut Causes) {
    let labels = map_of(old, "spec.template.metadata.labels");
    whole_job(new, labels.contains_key(JOB_NAME) && labels.contains_key(CONTROLLER_UID), causes);
    causes.extend(validate_name::metadata(new));
    let (before, now) = (field(old, "spec"), field(new, "spec"));
    causes.at("spec", |causes| {
        selected_spec(now, causes);
        if meta::text(now, "completionMode") != "Indexed" {
            immutable(before, now, "completions", causes);
        } else if field(before, "completions") != field(now, "completions")
            && let Some(completions) = whole(now, "completions")
            && completions != number(now, "parallelism")
        {
            let why = "can only be modified in tandem with spec.parallelism";
            causes.invalid("completions", &completions.into(), why);
        }
        immutable(before, now, "selector", causes);
        template_update(old, now, causes);
        immutable(before, now, "completionMode", causes);
        for (key, kind) in [("podFailurePolicy", "PodFailurePolicy"), ("successPolicy", "SuccessPolicy")] {
            if key == "successPolicy" {
                immutable(before, now, "backoffLimitPerIndex", causes);
                immutable(before, now, "managedBy", causes);
            }
            if field(before, key) != field(now, key) {
                match given(now, key) {
                    Some(policy) => internal::refuse(kind, key, policy, "field is immutable", causes),
                    None => immutable(before, now, key, causes),
                }
            }
        }
    });
}

/// The template stays, but for what a suspended job may still decide.
fn template_update(old: &Value, now: &Value, causes: &mut Causes) {
    let before = field(old, "spec");
    let (mut expected, new) = (field(before, "template").clone(), field(now, "template"));
    let status = field(old, "status");
    let suspended = yes(before, "suspend");
    let paused = list(status, "conditions")
        .iter()
        .any(|condition| meta::text(condition, "type") == "Suspended" && meta::text(condition, "status") == "True");
    let free = suspended && (given(status, "startTime").is_none() || paused) && number(status, "active") == 0;
    if free {
        for key in ["nodeSelector", "tolerations", "schedulingGates"] {
            put(&mut expected["spec"], key, field(new, "spec").get(key));
        }
        for key in ["labels", "annotations"] {
            put(&mut expected["metadata"], key, field(new, "metadata").get(key));
        }
        let affinity = meta::at(new, "spec.affinity.nodeAffinity").cloned();
        if affinity.is_some() || meta::at(&expected, "spec.affinity").is_some() {
            put(&mut expected["spec"]["affinity"], "nodeAffinity", affinity.as_ref());
            let empty = expected["spec"]["affinity"].as_object().is_none_or(Map::is_empty);
            if empty && meta::at(new, "spec.affinity").is_none() {
                put(&mut expected["spec"], "affinity", None);
            }
        }
        for key in ["containers", "initContainers"] {
            let containers = list(field(new, "spec"), key);
            for (container, new) in pod_spec::read::list_mut(&mut expected["spec"], key).zip(containers) {
                if container["name"] == new["name"] {
                    put(container, "resources", new.get("resources"));
                }
            }
        }
        if expected["spec"] != *field(new, "spec") {
            internal::refuse("PodSpec", "template.spec", field(new, "spec"), "field is immutable", causes);
        }
    } else if expected != *new {
        internal::refuse("PodTemplateSpec", "template", new, "field is immutable", causes);
    }
}

fn put(target: &mut Value, key: &str, value: Option<&Value>) {
    if target.is_null() && value.is_some() {
        *target = json!({});
    }
    if let Some(fields) = target.as_object_mut() {
        match value {
            Some(value) => fields.insert(key.to_owned(), value.clone()),
            None => fields.remove(key),
        };
    }
}

fn default_cron_job(job: &mut Value) {
    default_template(job, "spec.jobTemplate.spec.template");
    let Some(spec) = job.get_mut("spec") else {
        return;
    };
    fill_text(spec, "concurrencyPolicy", "Allow");
    fill(spec, &json!({"suspend": false, "successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1}));
    if let Some(template) = spec.get_mut("jobTemplate").filter(|template| template.is_object()) {
        fill(template, &json!({"metadata": {}}));
        if let Some(spec) = template.get_mut("spec") {
            default_failures(spec);
        }
    }
}

fn cron_job(old: Option<&Value>, job: &Value, causes: &mut Causes) {
    let spec = field(job, "spec");
    let before = old.map(|old| field(old, "spec"));
    causes.at("spec", |causes| {
        schedule(before, spec, causes);
        not_negative(spec, "startingDeadlineSeconds", causes);
        if before.is_none_or(|before| field(before, "timeZone") != field(spec, "timeZone")) {
            time_zone(spec, causes);
        }
        one_of(spec, "concurrencyPolicy", &["Allow", "Forbid", "Replace"], causes);
        causes.at("jobTemplate.spec", |causes| {
            let inner = field(field(spec, "jobTemplate"), "spec");
            job_spec(inner, causes);
            if let Some(found) = given(inner, "selector") {
                show_selector(found, "`selector` will be auto-generated", causes);
            }
            if yes(inner, "manualSelector") {
                let field = causes.path("manualSelector");
                let message = r#"Unsupported value: true: supported values: "nil", "false""#.to_owned();
                causes.push(crate::status::Cause { reason: "FieldValueNotSupported".to_owned(), message, field });
            }
        });
        not_negative(spec, "successfulJobsHistoryLimit", causes);
        not_negative(spec, "failedJobsHistoryLimit", causes);
    });
}

fn schedule(before: Option<&Value>, spec: &Value, causes: &mut Causes) {
    let text = meta::text(spec, "schedule");
    if text.is_empty() {
        causes.required("schedule", "");
        return;
    }
    if let Err(why) = cron::check(text) {
        causes.invalid("schedule", &text.into(), &why);
    }
    if !text.contains("TZ") {
        return;
    }
    if !before.is_some_and(|before| meta::text(before, "schedule").contains("TZ")) {
        let why = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
        causes.invalid("schedule", &text.into(), why);
    } else if given(spec, "timeZone").is_some() {
        let why = "cannot use both timeZone field and TZ or CRON_TZ in schedule";
        causes.invalid("schedule", &text.into(), why);
    }
}

fn time_zone(spec: &Value, causes: &mut Causes) {
    let Some(zone) = spec.get("timeZone").and_then(Value::as_str) else {
        return;
    };
    if zone.is_empty() {
        causes.invalid("timeZone", &zone.into(), "timeZone must be nil or non-empty string");
        return;
    }
    let fits = |part: &str| {
        (1..=14).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_+".contains(&byte))
            && !matches!(part, "." | "..")
            && !part.starts_with('-')
    };
    if zone.split('/').all(fits) && zone.eq_ignore_ascii_case("local") {
        let why = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
        causes.invalid("timeZone", &zone.into(), why);
    }
    if !zone.split('/').all(fits) || !(is_zone(zone) || zone == "Local") {
        causes.invalid("timeZone", &zone.into(), &format!("unknown time zone {zone}"));
    }
}

/// Whether a zone of that name is known.
pub(super) fn is_zone(zone: &str) -> bool {
    matches!(zone, "" | "UTC") || include_str!("zones.txt").lines().any(|known| known == zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(spec: Value) -> Result<Value, String> {
        let mut value = json!({"metadata": {"name": "j", "uid": "u"}, "spec": spec});
        value["spec"]["template"]["spec"] =
            json!({"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]});
        let rules = TABLE[0].1;
        (rules.default)(&mut value);
        (rules.prepare_create)(&mut value);
        (rules.label)(&mut value);
        let mut causes = Causes::default();
        (rules.validate)(&value, &mut causes);
        let found: Vec<_> = causes.into_found().into_iter().map(|cause| cause.message).collect();
        if found.is_empty() { Ok(value) } else { Err(found.join("\n")) }
    }

    #[test]
    fn a_job_selects_its_own_pods() {
        let job = admit(json!({"template": {}})).expect("a new job");
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
        let found = admit(spec.clone()).expect_err("labels of another uid");
        assert!(found.contains("`selector` not auto-generated"), "{found}");
        assert!(found.contains("must be 'u'"), "{found}");
        let mut manual = spec;
        manual["manualSelector"] = true.into();
        admit(manual).expect("a job that chooses its pods");
    }
}
