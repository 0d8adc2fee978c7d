//! The rules of the kinds of apps.

use serde_json::{Value, json};

use super::pod_spec::read::{
    each, field, fill, fill_text, given, inside, known_if_given, list, not_negative, problems,
};
use super::pod_spec::{self, internal};
use super::workloads::{
    amount, at_most_all, collisions, counts, default_template, immutable, is_empty, number_or_percent,
    required_selector, selects_template, show_selector, template, unmatched,
};
use super::{Causes, Rules, Table, claims, workload_warnings};
use crate::meta;
use crate::status::Cause;
use crate::validate_name;

pub(super) const TABLE: Table = &[
    (
        "deployments",
        Rules {
            default: default_deployment,
            prepare_create: |value| value["status"] = json!({}),
            validate: deployment,
            validate_update: |old, new, causes| {
                deployment(new, causes);
                selector_stays(old, new, causes);
            },
            validate_status_update: |old, new, causes| {
                let parts = ["updatedReplicas", "readyReplicas", "availableReplicas"];
                let all = [
                    "observedGeneration",
                    "replicas",
                    "updatedReplicas",
                    "readyReplicas",
                    "availableReplicas",
                    "unavailableReplicas",
                    "terminatingReplicas",
                    "collisionCount",
                ];
                counts(field(new, "status"), &all, &parts, "readyReplicas", causes);
                collisions(old, new, causes);
            },
            warn: workload_warnings::replicated,
            ..Rules::NONE
        },
    ),
    (
        "replicasets",
        Rules {
            default: |value| {
                default_template(value, "spec.template");
                if let Some(spec) = value.get_mut("spec") {
                    fill(spec, &json!({"replicas": 1}));
                }
            },
            prepare_create: |value| value["status"] = json!({"replicas": 0}),
            validate: replica_set,
            validate_update: |old, new, causes| {
                replica_set(new, causes);
                selector_stays(old, new, causes);
            },
            validate_status_update: |_, new, causes| {
                let parts = ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"];
                let all = [
                    "replicas",
                    "fullyLabeledReplicas",
                    "readyReplicas",
                    "availableReplicas",
                    "observedGeneration",
                    "terminatingReplicas",
                ];
                counts(field(new, "status"), &all, &parts, "readyReplicas", causes);
            },
            warn: workload_warnings::replicated,
            ..Rules::NONE
        },
    ),
    (
        "daemonsets",
        Rules {
            default: default_daemon_set,
            prepare_update: |old, new| {
                let changed = meta::at(old, "spec.template") != meta::at(new, "spec.template");
                set_generation(new, template_generation(old).unwrap_or_default() + i64::from(changed));
            },
            prepare_create: |value| {
                set_generation(value, template_generation(value).unwrap_or_default().max(1));
                value["status"] = json!({
                    "currentNumberScheduled": 0, "desiredNumberScheduled": 0, "numberMisscheduled": 0, "numberReady": 0,
                });
            },
            prepare_status_update: |old, new| set_generation(new, template_generation(old).unwrap_or_default()),
            validate: daemon_set,
            validate_update: |old, new, causes| {
                selector_stays(old, new, causes);
                daemon_set(new, causes);
            },
            validate_status_update: |old, new, causes| {
                let all = [
                    "currentNumberScheduled",
                    "numberMisscheduled",
                    "desiredNumberScheduled",
                    "numberReady",
                    "observedGeneration",
                    "updatedNumberScheduled",
                    "numberAvailable",
                    "numberUnavailable",
                    "collisionCount",
                ];
                causes.at("status", |causes| {
                    for key in all {
                        not_negative(field(new, "status"), key, causes);
                    }
                });
                collisions(old, new, causes);
            },
            warn: |old, new| match old {
                // The generation of its template is in an annotation.
                Some(old) if template_generation(old) == template_generation(new) => Vec::new(),
                _ => workload_warnings::template("spec.template", new),
            },
            ..Rules::NONE
        },
    ),
    (
        "statefulsets",
        Rules {
            default: default_stateful_set,
            prepare_create: |value| {
                value["status"] = json!({"replicas": 0, "availableReplicas": 0});
                switched_off(value);
            },
            prepare_update: |_, value| switched_off(value),
            validate: |value, causes| stateful_set(value, true, true, causes),
            validate_update: stateful_set_update,
            validate_status_update: |old, new, causes| {
                let all = [
                    "replicas",
                    "readyReplicas",
                    "currentReplicas",
                    "updatedReplicas",
                    "availableReplicas",
                    "observedGeneration",
                    "collisionCount",
                ];
                let parts = ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"];
                counts(field(new, "status"), &all, &parts, "status.readyReplicas", causes);
                collisions(old, new, causes);
            },
            warn: workload_warnings::stateful_set,
            ..Rules::NONE
        },
    ),
    (
        "controllerrevisions",
        Rules {
            validate: |value, causes| {
                not_negative(value, "revision", causes);
                match given(value, "data") {
                    None => causes.required("data", "data is mandatory"),
                    Some(Value::Object(_)) => {}
                    Some(_) => causes.required("data", "data must be a valid JSON object"),
                }
            },
            validate_update: |old, new, causes| {
                causes.extend(validate_name::metadata(new));
                not_negative(new, "revision", causes);
                immutable(old, new, "data", causes);
            },
            ..Rules::NONE
        },
    ),
];

/// How often the template of a daemon set changed, in an annotation.
pub(crate) const GENERATION: &str = "deprecated.daemonset.template.generation";

fn set_generation(value: &mut Value, generation: i64) {
    if let Some(annotations) = meta::object_at(value, "metadata.annotations") {
        annotations.insert(GENERATION.to_owned(), generation.to_string().into());
    }
}

fn selector_stays(old: &Value, new: &Value, causes: &mut Causes) {
    causes.at("spec", |causes| immutable(field(old, "spec"), field(new, "spec"), "selector", causes));
}

fn default_deployment(value: &mut Value) {
    default_template(value, "spec.template");
    if let Some(spec) = value.get_mut("spec") {
        fill(spec, &json!({"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600, "strategy": {}}));
        rolling(spec, "strategy", &json!({"maxSurge": "25%", "maxUnavailable": "25%"}));
    }
}

/// How often the template of a daemon set changed, as it says itself.
///
/// # Errors
/// What Go says of a text that is no number.
pub(crate) fn template_generation(value: &Value) -> Result<i64, String> {
    let text = meta::at(value, "metadata.annotations").and_then(|known| known.get(GENERATION)).and_then(Value::as_str);
    let Some(text) = text else {
        return Ok(0);
    };
    text.parse().map_err(|error: std::num::ParseIntError| {
        let why = match error.kind() {
            std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => "value out of range",
            _ => "invalid syntax",
        };
        format!("strconv.ParseInt: parsing {text:?}: {why}")
    })
}

fn default_daemon_set(value: &mut Value) {
    // Inside a server it is a field, which is always there.
    set_generation(value, template_generation(value).unwrap_or_default());
    default_template(value, "spec.template");
    if let Some(spec) = value.get_mut("spec") {
        fill(spec, &json!({"revisionHistoryLimit": 10, "updateStrategy": {}}));
        rolling(spec, "updateStrategy", &json!({"maxSurge": 0, "maxUnavailable": 1}));
        if let Some(rolling) = spec["updateStrategy"].get_mut("rollingUpdate") {
            fill(rolling, &json!({"maxSurge": 0, "maxUnavailable": 0}));
        }
    }
}

/// How many pods of a stateful set may be missing is not switched on by default.
fn switched_off(value: &mut Value) {
    if let Some(rolling) = value.pointer_mut("/spec/updateStrategy/rollingUpdate").and_then(Value::as_object_mut) {
        rolling.remove("maxUnavailable");
    }
}

fn default_stateful_set(value: &mut Value) {
    default_template(value, "spec.template");
    let Some(spec) = value.get_mut("spec") else {
        return;
    };
    fill_text(spec, "podManagementPolicy", "OrderedReady");
    fill(
        spec,
        &json!({
            "replicas": 1, "revisionHistoryLimit": 10, "updateStrategy": {}, "persistentVolumeClaimRetentionPolicy": {},
            "serviceName": "",
        }),
    );
    if let Some(ordinals) = spec.get_mut("ordinals") {
        fill(ordinals, &json!({"start": 0}));
    }
    for key in ["whenDeleted", "whenScaled"] {
        fill_text(&mut spec["persistentVolumeClaimRetentionPolicy"], key, "Retain");
    }
    let untold = meta::text(&spec["updateStrategy"], "type").is_empty();
    if untold {
        rolling(spec, "updateStrategy", &json!({"partition": 0}));
    } else if spec["updateStrategy"]["type"] == "RollingUpdate"
        && let Some(rolling) = spec["updateStrategy"].get_mut("rollingUpdate")
    {
        fill(rolling, &json!({"partition": 0}));
    }
    for claim in pod_spec::read::list_mut(spec, "volumeClaimTemplates") {
        fill(claim, &json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {}, "status": {}}));
        if let Some(spec) = claim.get_mut("spec") {
            fill(spec, &json!({"volumeMode": "Filesystem"}));
        }
        fill_text(&mut claim["status"], "phase", "Pending");
    }
}

fn rolling(spec: &mut Value, key: &str, fields: &Value) {
    let Some(strategy) = spec.get_mut(key).filter(|strategy| strategy.is_object()) else {
        return;
    };
    fill_text(strategy, "type", "RollingUpdate");
    if strategy["type"] == "RollingUpdate" {
        fill(strategy, &json!({"rollingUpdate": {}}));
        fill(&mut strategy["rollingUpdate"], fields);
    }
}

/// A strategy of a type that nobody knows.
fn unknown_strategy(kind: &str, field: &str, value: &Value, known: &[&str], causes: &mut Causes) {
    let known: Vec<_> = known.iter().map(|word| format!("{word:?}")).collect();
    let shown = internal::show(kind, value);
    let message = format!("Unsupported value: {shown}: supported values: {}", known.join(", "));
    let field = causes.path(field);
    causes.push(Cause { reason: "FieldValueNotSupported".to_owned(), message, field });
}

fn deployment(value: &Value, causes: &mut Causes) {
    let spec = field(value, "spec");
    causes.at("spec", |causes| {
        not_negative(spec, "replicas", causes);
        required_selector(spec, "deployment", causes);
        replicated_template(spec, causes);
        let strategy = field(spec, "strategy");
        let known = ["Recreate", "RollingUpdate"];
        match meta::text(strategy, "type") {
            "Recreate" => {
                if given(strategy, "rollingUpdate").is_some() {
                    let why = "may not be specified when strategy `type` is 'Recreate'";
                    causes.forbidden("strategy.rollingUpdate", why);
                }
            }
            "RollingUpdate" => {
                causes.at("strategy", |causes| inside(strategy, "rollingUpdate", causes, roll_deployment));
            }
            _ => unknown_strategy("DeploymentStrategy", "strategy", strategy, &known, causes),
        }
        not_negative(spec, "minReadySeconds", causes);
        not_negative(spec, "revisionHistoryLimit", causes);
        not_negative(spec, "progressDeadlineSeconds", causes);
        if let Some(deadline) = spec.get("progressDeadlineSeconds").and_then(Value::as_i64)
            && deadline <= spec.get("minReadySeconds").and_then(Value::as_i64).unwrap_or_default()
        {
            causes.invalid("progressDeadlineSeconds", &deadline.into(), "must be greater than minReadySeconds");
        }
    });
}

fn roll_deployment(rolling: &Value, causes: &mut Causes) {
    let (unavailable, surge) = (field(rolling, "maxUnavailable"), field(rolling, "maxSurge"));
    causes.at("maxUnavailable", |causes| number_or_percent(unavailable, causes));
    causes.at("maxSurge", |causes| number_or_percent(surge, causes));
    if amount(unavailable) == 0 && amount(surge) == 0 {
        causes.invalid("maxUnavailable", unavailable, "may not be 0 when `maxSurge` is 0");
    }
    causes.at("maxUnavailable", |causes| at_most_all(unavailable, causes));
}

/// The template of a replica set, or of what makes replica sets.
fn replicated_template(spec: &Value, causes: &mut Causes) {
    template(spec, "invalid label selector", causes);
    if pod_spec::read::selects(field(spec, "selector")) {
        causes.at("template", |causes| pod_spec::runs_on(field(spec, "template"), "ReplicaSet", causes));
    }
}

fn replica_set(value: &Value, causes: &mut Causes) {
    let spec = field(value, "spec");
    causes.at("spec", |causes| {
        not_negative(spec, "replicas", causes);
        not_negative(spec, "minReadySeconds", causes);
        required_selector(spec, "deployment", causes);
        replicated_template(spec, causes);
    });
}

fn daemon_set(value: &Value, causes: &mut Causes) {
    let spec = field(value, "spec");
    let found = field(spec, "selector");
    causes.at("spec", |causes| {
        pod_spec::read::selector(spec, "selector", causes);
        if pod_spec::read::selects(found) && !selects_template(spec) {
            unmatched(field(spec, "template"), causes);
        }
        if !found.is_null() && is_empty(found) {
            show_selector(found, "empty selector is invalid for daemonset", causes);
        }
        causes.at("template", |causes| {
            pod_spec::check_template(field(spec, "template"), causes);
            pod_spec::runs_on(field(spec, "template"), "DaemonSet", causes);
        });
        not_negative(spec, "minReadySeconds", causes);
        let strategy = field(spec, "updateStrategy");
        match meta::text(strategy, "type") {
            "OnDelete" => {}
            "RollingUpdate" => {
                causes.at("updateStrategy", |causes| inside(strategy, "rollingUpdate", causes, roll_daemons));
            }
            _ => {
                let known = ["RollingUpdate", "OnDelete"];
                unknown_strategy("DaemonSetUpdateStrategy", "updateStrategy", strategy, &known, causes);
            }
        }
        not_negative(spec, "revisionHistoryLimit", causes);
    });
}

fn roll_daemons(rolling: &Value, causes: &mut Causes) {
    let (unavailable, surge) = (field(rolling, "maxUnavailable"), field(rolling, "maxSurge"));
    let both = [("maxUnavailable", unavailable), ("maxSurge", surge)];
    for (key, value) in both {
        causes.at(key, |causes| number_or_percent(value, causes));
    }
    for (key, value) in both {
        causes.at(key, |causes| at_most_all(value, causes));
    }
    match (amount(unavailable) != 0, amount(surge) != 0) {
        (true, true) => causes.invalid("maxSurge", surge, "may not be set when maxUnavailable is non-zero"),
        (false, false) => causes.required("maxUnavailable", "cannot be 0 when maxSurge is 0"),
        _ => {}
    }
}

/// A stateful set; a stored one is not asked again for what never changes.
fn stateful_set(value: &Value, named: bool, whole: bool, causes: &mut Causes) {
    let spec = field(value, "spec");
    causes.at("spec", |causes| {
        let policy = meta::text(spec, "podManagementPolicy");
        if !["OrderedReady", "Parallel"].contains(&policy) {
            causes.invalid("podManagementPolicy", &policy.into(), "must be 'OrderedReady' or 'Parallel'");
        }
        stateful_strategy(field(spec, "updateStrategy"), causes);
        inside(spec, "persistentVolumeClaimRetentionPolicy", causes, |policy, causes| {
            for key in ["whenDeleted", "whenScaled"] {
                known_if_given(policy, key, &["Retain", "Delete"], causes);
            }
        });
        if named {
            each(spec, "volumeClaimTemplates", causes, |claim, causes| {
                causes.at("spec", |causes| claims::spec(field(claim, "spec"), causes));
            });
        }
        not_negative(spec, "replicas", causes);
        not_negative(spec, "minReadySeconds", causes);
        inside(spec, "ordinals", causes, |ordinals, causes| not_negative(ordinals, "start", causes));
        let service = meta::text(spec, "serviceName");
        if named && !service.is_empty() {
            problems("serviceName", service, validate_name::label(service), causes);
        }
        required_selector(spec, "statefulset", causes);
        stateful_template(spec, whole, causes);
        let template = field(field(spec, "template"), "spec");
        let policy = meta::text(template, "restartPolicy");
        causes.at("template.spec", |causes| {
            if policy != "Always" {
                causes.not_supported("restartPolicy", policy, &["Always"]);
            }
            if given(template, "activeDeadlineSeconds").is_some() {
                causes.forbidden("activeDeadlineSeconds", "activeDeadlineSeconds in StatefulSet is not Supported");
            }
        });
    });
}

fn stateful_strategy(strategy: &Value, causes: &mut Causes) {
    match meta::text(strategy, "type") {
        "OnDelete" => {
            if let Some(rolling) = given(strategy, "rollingUpdate") {
                let why = "only allowed for updateStrategy 'RollingUpdate'";
                let kind = "RollingUpdateStatefulSetStrategy";
                internal::refuse(kind, "updateStrategy.rollingUpdate", rolling, why, causes);
            }
        }
        "RollingUpdate" => causes.at("updateStrategy", |causes| {
            inside(strategy, "rollingUpdate", causes, |rolling, causes| not_negative(rolling, "partition", causes));
        }),
        _ => {
            let why = "must be 'RollingUpdate' or 'OnDelete'";
            internal::refuse("StatefulSetUpdateStrategy", "updateStrategy", strategy, why, causes);
        }
    }
}

/// The template without the names that the set gives, and with the claims that it makes.
fn stateful_template(spec: &Value, whole: bool, causes: &mut Causes) {
    let mut checked = spec.clone();
    let claims: Vec<_> =
        list(spec, "volumeClaimTemplates").iter().map(|claim| meta::meta_text(claim, "name")).collect();
    let claimed = claims.iter().map(|name| json!({"name": name, "persistentVolumeClaim": {"claimName": name}}));
    if let Some(pod) = checked.get_mut("template").and_then(|template| template.get_mut("spec"))
        && let Some(pod) = pod.as_object_mut()
    {
        pod.remove("subdomain");
        pod.remove("hostname");
        let own = pod.get("volumes").and_then(Value::as_array).into_iter().flatten();
        let others = own.filter(|volume| !claims.contains(&meta::text(volume, "name"))).cloned();
        let volumes: Vec<Value> = claimed.chain(others).collect();
        pod.insert("volumes".to_owned(), volumes.into());
    }
    if !whole {
        if !selects_template(spec) {
            unmatched(field(spec, "template"), causes);
        }
        return;
    }
    template(&checked, "", causes);
    let template = field(&checked, "template");
    let metadata = field(template, "metadata");
    causes.at("template", |causes| {
        // Said twice, as a real server does.
        pod_spec::read::labels(metadata, "labels", causes);
        pod_spec::annotations(metadata, causes);
        pod_spec::pod_annotations("", metadata, field(template, "spec"), causes);
    });
}

fn stateful_set_update(old: &Value, new: &Value, causes: &mut Causes) {
    let mut stored = Causes::default();
    stateful_set(old, false, true, &mut stored);
    stateful_set(new, false, stored.into_found().is_empty(), causes);
    let fixed = |value: &Value| {
        let mut spec = field(value, "spec").clone();
        if let Some(spec) = spec.as_object_mut() {
            for key in [
                "replicas",
                "template",
                "updateStrategy",
                "minReadySeconds",
                "ordinals",
                "revisionHistoryLimit",
                "persistentVolumeClaimRetentionPolicy",
            ] {
                spec.remove(key);
            }
        }
        spec
    };
    if fixed(old) != fixed(new) {
        let why = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
            'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' \
            are forbidden";
        causes.forbidden("spec", why);
    }
}
