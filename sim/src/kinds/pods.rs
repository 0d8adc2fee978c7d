//! The rules of pods, their templates and replication controllers.

use serde_json::{Map, Value, json};

use super::pod_spec::read::{each, entries, field, fill, given, list, not_negative, number, problems, reach};
use super::pod_spec::{self, app_armor, defaults, internal, scheduling};
use super::workloads::{self, counts};
use super::{Causes, Rules, Table, addresses, diff, warnings, workload_warnings};
use crate::meta;
use crate::validate_name;

pub(super) const TABLE: Table = &[
    (
        "pods",
        Rules {
            default,
            prepare_create,
            validate: |pod, causes| {
                pod_spec::check_pod(pod, causes);
                new(pod, causes);
            },
            validate_update: update,
            validate_status_update: status_update,
            warn_first: |pod| app_armor::profiles(pod).into_iter().filter_map(|found| found.warning()).collect(),
            // Nobody writes an update of a pod by hand.
            warn: |old, pod| match old {
                None => {
                    let name = warnings::name(pod, "the Pod's hostname");
                    name.into_iter().chain(pod_spec::warnings::of("", pod)).collect()
                }
                Some(_) => Vec::new(),
            },
            warn_status: |_, pod| addresses(pod),
            ..Rules::NONE
        },
    ),
    (
        "podtemplates",
        Rules {
            default: |value| workloads::default_template(value, "template"),
            validate: |value, causes| {
                causes.at("template", |causes| pod_spec::check_template(field(value, "template"), causes));
            },
            validate_update: |_, value, causes| {
                causes.at("template", |causes| pod_spec::check_template(field(value, "template"), causes));
            },
            warn: |old, new| match old {
                Some(old) if workload_warnings::same_generation(old, new) => Vec::new(),
                _ => workload_warnings::template("template", new),
            },
            ..Rules::NONE
        },
    ),
    (
        "replicationcontrollers",
        Rules {
            default: default_controller,
            prepare_create: |value| value["status"] = json!({"replicas": 0}),
            validate: controller,
            validate_update: |_, value, causes| controller(value, causes),
            validate_status_update: |_, value, causes| {
                counts(
                    field(value, "status"),
                    &["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration"],
                    &["fullyLabeledReplicas", "readyReplicas", "availableReplicas"],
                    "readyReplicas",
                    causes,
                );
            },
            // An update of it is warned of what it replaces.
            warn: |old, new| match old {
                Some(old) if workload_warnings::same_generation(old, new) => Vec::new(),
                Some(old) => workload_warnings::template("spec.template", old),
                None => workload_warnings::replicated(None, new),
            },
            ..Rules::NONE
        },
    ),
];

fn default(pod: &mut Value) {
    meta::object_at(pod, "spec");
    if let Some(spec) = pod.get_mut("spec") {
        defaults::spec(spec);
        defaults::pod(spec);
    }
}

/// A new pod waits, and says which service it may expect.
fn prepare_create(pod: &mut Value) {
    let class = quality_of_service(pod);
    pod["status"] = json!({"phase": "Pending", "qosClass": class});
    if !list(field(pod, "spec"), "schedulingGates").is_empty() {
        pod["status"]["conditions"] = json!([{
            "type": "PodScheduled", "status": "False", "reason": "SchedulingGated", "lastProbeTime": null,
            "lastTransitionTime": pod["metadata"]["creationTimestamp"], "message": "Scheduling is blocked due to non-empty scheduling gates",
        }]);
    }
    merge_label_keys(pod);
    app_armor::set(pod);
}

/// Keys of labels to match become requirements with the values of the pod's own labels.
fn merge_label_keys(pod: &mut Value) {
    let own = pod_spec::read::map_of(pod, "metadata.labels");
    let merge = |term: &mut Value| {
        let mut added = Vec::new();
        for (key, operator) in [("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn")] {
            for name in meta::strings(term.get(key)) {
                if let Some(value) = own.get(&name) {
                    added.push(json!({"key": name, "operator": operator, "values": [value]}));
                }
            }
        }
        let Some(selector) = term.get_mut("labelSelector").and_then(Value::as_object_mut).filter(|_| !added.is_empty())
        else {
            return;
        };
        if let Some(expressions) = selector.entry("matchExpressions").or_insert_with(|| json!([])).as_array_mut() {
            expressions.extend(added);
        }
    };
    let Some(spec) = pod.get_mut("spec") else {
        return;
    };
    pod_spec::read::list_mut(spec, "topologySpreadConstraints").for_each(merge);
    for kind in ["podAffinity", "podAntiAffinity"] {
        let Some(terms) = reach(spec, &["affinity", kind]) else {
            continue;
        };
        let (required, preferred) =
            ("requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution");
        pod_spec::read::list_mut(terms, required).for_each(merge);
        pod_spec::read::list_mut(terms, preferred).filter_map(|term| term.get_mut("podAffinityTerm")).for_each(merge);
    }
}

/// `Guaranteed`, `Burstable` or `BestEffort`, by the resources of the pod or of its containers.
fn quality_of_service(pod: &Value) -> &'static str {
    let spec = field(pod, "spec");
    let amounts = |holder: &Value, which: &str| {
        let mut amounts: Map<String, Value> = pod_spec::read::map_of(holder, which);
        amounts.retain(|name, amount| matches!(name.as_str(), "cpu" | "memory") && *amount != "0");
        amounts
    };
    let whole = given(spec, "resources").map(|_| spec);
    let holders: Vec<&Value> = match whole {
        Some(spec) => vec![spec],
        None => ["containers", "initContainers"].iter().flat_map(|key| list(spec, key)).collect(),
    };
    let (mut any, mut guaranteed) = (false, true);
    for holder in holders {
        let limits = amounts(holder, "resources.limits");
        let requests = amounts(holder, "resources.requests");
        any |= !limits.is_empty() || !requests.is_empty();
        // A request that is not said is the limit.
        guaranteed &= limits.len() == 2 && requests.iter().all(|(name, amount)| limits.get(name) == Some(amount));
    }
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

fn new(pod: &Value, causes: &mut Causes) {
    let spec = field(pod, "spec");
    if !list(spec, "ephemeralContainers").is_empty() {
        causes.forbidden("spec.ephemeralContainers", "cannot be set on create");
    }
    if !meta::text(spec, "nodeName").is_empty() && !list(spec, "schedulingGates").is_empty() {
        causes.forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared");
    }
}

const FORBIDDEN: &str = "pod updates may not change fields other than \
    `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only \
    additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was \
    previously negative)";

fn update(old: &Value, new: &Value, causes: &mut Causes) {
    // Its metadata is validated as that of a new pod again.
    causes.extend(validate_name::metadata(new));
    pod_spec::check_pod(new, causes);
    causes.at("spec", |causes| spec_update(field(old, "spec"), field(new, "spec"), causes));
}

fn spec_update(old: &Value, new: &Value, causes: &mut Causes) {
    for key in ["containers", "initContainers"] {
        if list(old, key).len() != list(new, key).len() {
            causes.forbidden(key, "pod updates may not add or remove containers");
            return;
        }
        each(new, key, causes, |container, causes| {
            if meta::text(container, "image").is_empty() {
                causes.required("image", "");
            }
            pod_spec::trimmed_image(container, causes);
        });
    }
    deadline(old, new, causes);
    tolerations(old, new, causes);
    let gates: Vec<_> = list(old, "schedulingGates").iter().map(|gate| meta::text(gate, "name")).collect();
    each(new, "schedulingGates", causes, |gate, causes| {
        let name = meta::text(gate, "name");
        if !gates.contains(&name) {
            let why = format!("only deletion is allowed, but found new scheduling gate '{name}'");
            causes.forbidden("name", &why);
        }
    });
    if old == new {
        return;
    }
    let munged = munged(old, new, causes);
    if munged != *old {
        let difference = diff::json(&internal::show("PodSpec", old), &internal::show("PodSpec", &munged));
        causes.forbidden("", &format!("{FORBIDDEN}\n{difference}"));
    }
}

fn deadline(old: &Value, new: &Value, causes: &mut Causes) {
    let key = "activeDeadlineSeconds";
    let seconds = |spec: &Value| spec.get(key).and_then(Value::as_i64);
    match (seconds(old), seconds(new)) {
        (_, Some(now)) if !(0..=i64::from(i32::MAX)).contains(&now) => {
            causes.invalid(key, &now.into(), &format!("must be between 0 and {}, inclusive", i32::MAX));
        }
        (Some(before), Some(now)) if before < now => {
            causes.invalid(key, &now.into(), "must be less than or equal to previous value");
        }
        (Some(_), None) => {
            causes.invalid(key, &Value::Null, "must not update from a positive integer to nil value");
        }
        _ => {}
    }
}

/// Tolerations may be added, and last shorter or longer.
fn tolerations(old: &Value, new: &Value, causes: &mut Causes) {
    let timeless = |toleration: &Value| {
        let mut toleration = toleration.clone();
        if let Some(fields) = toleration.as_object_mut() {
            fields.remove("tolerationSeconds");
        }
        toleration
    };
    let now: Vec<_> = list(new, "tolerations").iter().map(timeless).collect();
    for _ in list(old, "tolerations").iter().filter(|toleration| !now.contains(&timeless(toleration))) {
        causes.forbidden("tolerations", "existing toleration can not be modified except its tolerationSeconds");
    }
    scheduling::tolerations(new, causes);
}

/// The new spec with everything that may change as it was.
fn munged(old: &Value, new: &Value, causes: &mut Causes) -> Value {
    let mut munged = new.clone();
    for key in ["containers", "initContainers"] {
        let images: Vec<_> = list(old, key).iter().map(|container| field(container, "image").clone()).collect();
        for (container, image) in pod_spec::read::list_mut(&mut munged, key).zip(images) {
            container["image"] = image;
        }
    }
    let mut as_before = |key: &str| {
        if let Some(fields) = munged.as_object_mut() {
            match old.get(key) {
                Some(value) => fields.insert(key.to_owned(), value.clone()),
                None => fields.remove(key),
            };
        }
    };
    for key in ["activeDeadlineSeconds", "schedulingGates", "tolerations"] {
        as_before(key);
    }
    let grace = "terminationGracePeriodSeconds";
    if number(old, grace) < 0 && number(new, grace) == 1 {
        as_before(grace);
    }
    if !list(old, "schedulingGates").is_empty() {
        let kept = |key: &String, value: &Value| new.get("nodeSelector").and_then(|now| now.get(key)) == Some(value);
        if !entries(old, "nodeSelector").all(|(key, value)| kept(key, value)) {
            let why = "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
            causes.invalid("nodeSelector", &field(new, "nodeSelector").clone(), why);
        }
        as_before("nodeSelector");
        as_before("affinity");
    }
    munged
}

/// What the status subresource refuses.
fn status_update(old: &Value, new: &Value, causes: &mut Causes) {
    let (spec, before, now) = (field(old, "spec"), field(old, "status"), field(new, "status"));
    causes.at("status", |causes| {
        each(now, "conditions", causes, |condition, causes| {
            let generation = number(condition, "observedGeneration");
            if generation < 0 {
                causes.invalid("observedGeneration", &generation.into(), "must be a non-negative integer");
            }
            let kind = meta::text(condition, "type");
            if !["PodScheduled", "Ready", "Initialized"].contains(&kind) {
                problems("Type", kind, validate_name::qualified_name(kind), causes);
            }
        });
        let nominated = meta::text(now, "nominatedNodeName");
        if !nominated.is_empty() && nominated != meta::text(before, "nominatedNodeName") {
            problems("nominatedNodeName", nominated, validate_name::subdomain(nominated), causes);
            if !meta::text(spec, "nodeName").is_empty() {
                causes.forbidden("nominatedNodeName", "may not be set on pods that are already bound to a node");
            }
        }
        let generation = number(now, "observedGeneration");
        if generation < 0 {
            causes.invalid("observedGeneration", &generation.into(), "must be a non-negative integer");
        }
        if field(now, "qosClass") != field(before, "qosClass") && given(now, "qosClass").is_some() {
            causes.invalid("qosClass", field(now, "qosClass"), "field is immutable");
        }
        containers_stay_ended(spec, before, now, causes);
        let first = list(now, "hostIPs").first().map(|first| meta::text(first, "ip"));
        if let Some(first) = first.filter(|first| *first != meta::text(now, "hostIP")) {
            causes.invalid("hostIPs[0].ip", &first.into(), "must be equal to `hostIP`");
        }
        for key in ["podIPs", "hostIPs"] {
            // Those that are there already may stay as they are.
            let known: Vec<_> = list(before, key).iter().map(|entry| meta::text(entry, "ip")).collect();
            each(now, key, causes, |entry, causes| {
                if !known.contains(&meta::text(entry, "ip")) {
                    pod_spec::address("", field(entry, "ip"), causes);
                }
            });
            let v6 = |entry: &&Value| meta::text(entry, "ip").contains(':');
            let addresses = list(now, key);
            let sixes = addresses.iter().filter(v6).count();
            if addresses.len() > 1 && (sixes != 1 || addresses.len() != 2) {
                let shown: Vec<_> = addresses.iter().map(|entry| json!({"IP": field(entry, "ip")})).collect();
                causes.invalid(key, &Value::from(shown), "may specify no more than one IP for each IP family");
            }
        }
    });
}

/// Addresses in a status that are written oddly.
fn addresses(pod: &Value) -> Vec<String> {
    let told = ["podIPs", "hostIPs"].into_iter().flat_map(|key| {
        list(field(pod, "status"), key).iter().enumerate().filter_map(move |(index, entry)| {
            addresses::warning(&format!("status.{key}[{index}].ip"), meta::text(entry, "ip"))
        })
    });
    told.collect()
}

/// A container that ended and is not to be started again has ended.
fn containers_stay_ended(spec: &Value, before: &Value, now: &Value, causes: &mut Causes) {
    let policy = meta::text(spec, "restartPolicy");
    let key = "containerStatuses";
    causes.at(key, |causes| {
        for (index, old) in list(before, key).iter().enumerate() {
            let Some(ended) = meta::at(old, "state.terminated").filter(|ended| !ended.is_null()) else {
                continue;
            };
            let name = meta::text(old, "name");
            let own = list(spec, "containers").iter().find(|container| meta::text(container, "name") == name);
            let policy =
                own.map(|own| meta::text(own, "restartPolicy")).filter(|own| !own.is_empty()).unwrap_or(policy);
            if policy == "Always" || (policy == "OnFailure" && number(ended, "exitCode") != 0) {
                continue;
            }
            let runs = |new: &&Value| {
                meta::text(new, "name") == name && meta::at(new, "state.terminated").is_none_or(Value::is_null)
            };
            if list(now, key).iter().any(|new| runs(&new)) {
                let why = "may not be transitioned to non-terminated state";
                causes.index(index, |causes| causes.forbidden("state", why));
            }
        }
    });
}

/// What the subresource for containers of a running pod refuses.
pub(crate) fn ephemeral_update(old: &Value, new: &Value, causes: &mut Causes) {
    causes.extend(validate_name::metadata(new));
    pod_spec::check_pod(new, causes);
    let key = "ephemeralContainers";
    let (before, now) = (list(field(old, "spec"), key), list(field(new, "spec"), key));
    for container in before {
        let name = meta::text(container, "name");
        match now.iter().rev().find(|new| meta::text(new, "name") == name) {
            None => {
                let why = format!("existing ephemeral containers {name:?} may not be removed\n");
                causes.forbidden("spec.ephemeralContainers", &why);
            }
            Some(new) if new != container => {
                let show = |container| internal::show("EphemeralContainer", container);
                let difference = diff::json(&show(container), &show(new));
                let why = format!("existing ephemeral containers {name:?} may not be changed\n{difference}");
                causes.forbidden("spec.ephemeralContainers", &why);
            }
            Some(_) => {}
        }
    }
}

/// A status that is written: what it does not say of the pod's class stays, and one address is the first of all.
pub(crate) fn pod_status(old: &Value, pod: &mut Value) {
    let class = meta::at(old, "status.qosClass").cloned();
    let Some(status) = meta::object_at(pod, "status") else {
        return;
    };
    if let Some(class) = class {
        status.entry("qosClass").or_insert(class);
    }
    // The one address is the first of all; where they differ, it is the one that counts.
    let one = status.get("podIP").and_then(Value::as_str).filter(|one| !one.is_empty()).map(str::to_owned);
    let all = status.get("podIPs").and_then(Value::as_array).filter(|all| !all.is_empty());
    let first = all.map(|all| meta::text(&all[0], "ip").to_owned());
    match (one, first) {
        (Some(one), first) if first.as_ref() != Some(&one) => {
            status.insert("podIPs".to_owned(), json!([{"ip": one}]));
        }
        (None, Some(first)) => {
            status.insert("podIP".to_owned(), first.into());
        }
        _ => {}
    }
}

/// The resources of containers as another version of the pod has them; nothing else of it.
pub(crate) fn resized(new: &Value, pod: &mut Value) {
    let Some(spec) = pod.get_mut("spec") else {
        return;
    };
    for key in ["containers", "initContainers"] {
        for container in pod_spec::read::list_mut(spec, key) {
            let name = meta::text(container, "name").to_owned();
            let wanted = list(field(new, "spec"), key).iter().find(|wanted| meta::text(wanted, "name") == name);
            for part in ["resources", "resizePolicy"] {
                if let (Some(fields), Some(value)) = (container.as_object_mut(), wanted.and_then(|new| new.get(part))) {
                    fields.insert(part.to_owned(), value.clone());
                }
            }
        }
    }
    defaults::pod(spec);
}

/// What the subresource for resources refuses.
pub(crate) fn resize_update(old: &Value, new: &Value, causes: &mut Causes) {
    causes.extend(validate_name::metadata(new));
    pod_spec::check_pod(new, causes);
    if let Some(class) = meta::at(old, "status.qosClass").filter(|class| *class != quality_of_service(new)) {
        causes.invalid("spec", class, "Pod QOS Class may not change as a result of resizing");
    }
}

/// What is wrong with binding a pod to a node.
pub(crate) fn binding(body: &Value, causes: &mut Causes) {
    let target = field(body, "target");
    let kind = meta::text(target, "kind");
    if !matches!(kind, "" | "Node") {
        causes.not_supported("target.kind", kind, &["Node", "<empty>"]);
    }
    if meta::text(target, "name").is_empty() {
        causes.required("target.name", "");
    }
}

fn default_controller(value: &mut Value) {
    meta::object_at(value, "spec");
    if meta::at(value, "spec.template").is_some_and(Value::is_object) {
        workloads::default_template(value, "spec.template");
    }
    let labels = pod_spec::read::map_of(value, "spec.template.metadata.labels");
    if let Some(spec) = value.get_mut("spec") {
        fill(spec, &json!({"replicas": 1}));
        if !labels.is_empty() && entries(spec, "selector").next().is_none() {
            spec["selector"] = Value::Object(labels.clone());
        }
    }
    if !labels.is_empty() && meta::at(value, "metadata.labels").and_then(Value::as_object).is_none_or(Map::is_empty) {
        meta::set(value, "labels", labels);
    }
}

fn controller(value: &Value, causes: &mut Causes) {
    let spec = field(value, "spec");
    causes.at("spec", |causes| {
        not_negative(spec, "minReadySeconds", causes);
        if entries(spec, "selector").next().is_none() {
            causes.required("selector", "");
        }
        not_negative(spec, "replicas", causes);
        let Some(template) = given(spec, "template") else {
            causes.required("template", "");
            return;
        };
        let own = pod_spec::read::map_of(template, "metadata.labels");
        if entries(spec, "selector").any(|(key, value)| own.get(key) != Some(value)) {
            workloads::unmatched(template, causes);
        }
        causes.at("template", |causes| {
            pod_spec::check_template(template, causes);
            pod_spec::runs_on(template, "ReplicationController", causes);
        });
    });
}
