//! What a pod asks for and may use, as limit ranges and quotas count it.
//!
//! The containers run together; the init containers run before them one by one, beside those of them that keep running. A pod needs the
//! larger of the two; what is said for the whole pod counts instead of both.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::resource_list::ResourceList;
use crate::meta;
use crate::quantity::Quantity;
use crate::validate_name;

/// Which amounts are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counting {
    /// What the spec says: limit ranges.
    Spec,
    /// The larger of what is wanted and what the node has given, with the overhead of the runtime: quotas.
    Usage,
}

/// What a quota can limit of pods, but for extended resources and huge pages.
pub(super) const RESOURCES: [&str; 11] = [
    "count/pods",
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
];

/// What every container has to say something of where a quota limits it.
const REQUIRED: [&str; 6] = ["cpu", "limits.cpu", "limits.memory", "memory", "requests.cpu", "requests.memory"];

const DEVICE_CLASS: &str = "deviceclass.resource.kubernetes.io/";

pub(super) fn list<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    meta::at(value, path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The sum of the `requests` or `limits` of a pod.
pub(crate) fn sum(pod: &Value, which: &str, counting: Counting) -> ResourceList {
    let mut sum = ResourceList::default();
    for container in list(pod, "spec.containers") {
        sum.add(&of_container(pod, container, which, counting, true));
    }
    let (mut running, mut most) = (ResourceList::default(), ResourceList::default());
    for container in list(pod, "spec.initContainers") {
        let stays = meta::text(container, "restartPolicy") == "Always";
        let mut amounts = of_container(pod, container, which, counting, stays);
        if stays {
            sum.add(&amounts);
            running.add(&amounts);
            amounts = running.clone();
        } else {
            amounts.add(&running);
        }
        most.raise(&amounts);
    }
    sum.raise(&most);
    let whole = ResourceList::read(meta::at(pod, &format!("spec.resources.{which}")));
    for (name, amount) in whole.iter().filter(|(name, _)| is_of_pods(name, counting)) {
        sum.set(name, amount.clone());
    }
    if counting == Counting::Usage {
        let overhead = ResourceList::read(meta::at(pod, "spec.overhead"));
        // An absent limit is none, and stays none.
        let limited = sum.clone();
        let applies = |name: &str| which == "requests" || limited.get(name).is_some_and(|limit| !limit.is_zero());
        sum.add(&overhead.only(applies));
    }
    sum
}

/// Whether it can be said for a whole pod.
fn is_of_pods(name: &str, counting: Counting) -> bool {
    matches!(name, "cpu" | "memory") || (counting == Counting::Usage && name.starts_with("hugepages-"))
}

fn of_container(pod: &Value, container: &Value, which: &str, counting: Counting, resizable: bool) -> ResourceList {
    let mut wanted = ResourceList::read(meta::at(container, &format!("resources.{which}")));
    let name = meta::text(container, "name");
    let statuses = [list(pod, "status.containerStatuses"), list(pod, "status.initContainerStatuses")].concat();
    let status = statuses.iter().find(|status| meta::text(status, "name") == name);
    let Some(status) = status.filter(|status| {
        counting == Counting::Usage && resizable && meta::at(status, "resources").is_some_and(Value::is_object)
    }) else {
        return wanted;
    };
    let mut given = ResourceList::read(meta::at(status, &format!("resources.{which}")));
    if which == "requests" {
        given.raise(&ResourceList::read(status.get("allocatedResources")));
    }
    let impossible = list(pod, "status.conditions").iter().any(|condition| {
        meta::text(condition, "type") == "PodResizePending" && meta::text(condition, "reason") == "Infeasible"
    });
    if impossible {
        return given;
    }
    wanted.raise(&given);
    wanted
}

/// The names under which quotas know requests and limits.
fn named(requests: &ResourceList, limits: &ResourceList) -> ResourceList {
    let mut usage = ResourceList::default();
    usage.set("pods", Quantity::whole(1));
    for name in ["cpu", "memory", "ephemeral-storage"] {
        if let Some(request) = requests.get(name) {
            usage.set(name, request.clone());
            usage.set(format!("requests.{name}"), request.clone());
        }
        if let Some(limit) = limits.get(name) {
            usage.set(format!("limits.{name}"), limit.clone());
        }
    }
    for (name, request) in requests.iter() {
        if name.starts_with("hugepages-") {
            usage.set(name, request.clone());
        }
        if name.starts_with("hugepages-") || is_extended(name) {
            usage.set(format!("requests.{name}"), request.clone());
        }
    }
    usage
}

fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

fn is_extended(name: &str) -> bool {
    let qualified = || validate_name::qualified_name(&format!("requests.{name}")).is_empty();
    name.starts_with(DEVICE_CLASS) || (!is_native(name) && !name.starts_with("requests.") && qualified())
}

/// Whether a quota can limit it by pods.
pub(super) fn is_limited(name: &str) -> bool {
    RESOURCES.contains(&name)
        || ["hugepages-", "requests.hugepages-"].iter().any(|prefix| name.starts_with(prefix))
        || name.strip_prefix("requests.").is_some_and(|extended| !is_native(name) || extended.starts_with(DEVICE_CLASS))
}

/// What a pod uses of the quotas of its namespace.
pub(super) fn usage(pod: &Value, now: Timestamp) -> ResourceList {
    let mut usage = ResourceList::default();
    usage.set("count/pods", Quantity::whole(1));
    if is_charged(pod, now) {
        let (requests, limits) = (sum(pod, "requests", Counting::Usage), sum(pod, "limits", Counting::Usage));
        usage.add(&named(&requests, &limits));
    }
    usage
}

/// A pod at its end, or that should be gone by now, uses nothing but its place.
fn is_charged(pod: &Value, now: Timestamp) -> bool {
    if matches!(meta::at(pod, "status.phase").and_then(Value::as_str), Some("Failed" | "Succeeded")) {
        return false;
    }
    let deletion = meta::meta_text(pod, "deletionTimestamp").parse::<Timestamp>();
    let grace = meta::metadata(pod).get("deletionGracePeriodSeconds").and_then(Value::as_i64);
    match (deletion, grace) {
        (Ok(deletion), Some(grace)) => {
            now <= deletion.checked_add(SignedDuration::from_secs(grace)).unwrap_or(Timestamp::MAX)
        }
        _ => true,
    }
}

/// Why a pod cannot be counted: containers that do not say how much of a limited resource they want.
pub(super) fn constraints(pod: &Value, limited: &[&str]) -> Result<(), String> {
    let whole =
        ["requests", "limits"].map(|which| ResourceList::read(meta::at(pod, &format!("spec.resources.{which}"))));
    if whole.iter().any(|amounts| amounts.names().any(|name| is_of_pods(name, Counting::Usage))) {
        return Ok(());
    }
    let containers: Vec<_> =
        ["spec.containers", "spec.initContainers"].iter().flat_map(|path| list(pod, path)).collect();
    let mut wrong = Vec::new();
    for required in REQUIRED.iter().filter(|required| limited.contains(required)) {
        let silent = containers.iter().filter(|container| {
            let amounts = |which: &str| ResourceList::read(meta::at(container, &format!("resources.{which}")));
            named(&amounts("requests"), &amounts("limits")).get(required).is_none()
        });
        let mut silent: Vec<_> = silent.map(|container| meta::text(container, "name")).collect();
        silent.sort_unstable();
        silent.dedup();
        if !silent.is_empty() {
            wrong.push(format!("{required} for: {}", silent.join(",")));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("must specify {}", wrong.join("; "))) }
}

/// Whether a pod runs for a limited time.
pub(super) fn is_terminating(pod: &Value) -> bool {
    meta::at(pod, "spec.activeDeadlineSeconds").and_then(Value::as_i64).is_some_and(|seconds| seconds >= 0)
}

/// Whether a pod wants to be near, or far from, pods of other namespaces.
pub(super) fn looks_across_namespaces(pod: &Value) -> bool {
    let across = |term: &Value| {
        !list(term, "namespaces").is_empty()
            || term.get("namespaceSelector").is_some_and(|selector| !selector.is_null())
    };
    ["spec.affinity.podAffinity", "spec.affinity.podAntiAffinity"].iter().any(|path| {
        let Some(affinity) = meta::at(pod, path) else {
            return false;
        };
        let preferred = list(affinity, "preferredDuringSchedulingIgnoredDuringExecution").iter();
        list(affinity, "requiredDuringSchedulingIgnoredDuringExecution").iter().any(across)
            || preferred.filter_map(|weighted| weighted.get("podAffinityTerm")).any(across)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn init_containers_count_where_they_need_more() {
        let pod = json!({"spec": {
            "containers": [{"name": "a", "resources": {"requests": {"cpu": "1"}}}],
            "initContainers": [
                {"name": "side", "restartPolicy": "Always", "resources": {"requests": {"cpu": "1"}}},
                {"name": "init", "resources": {"requests": {"cpu": "3"}}},
            ],
            "overhead": {"cpu": "250m"},
        }});
        assert_eq!(sum(&pod, "requests", Counting::Spec).pretty(), "cpu=4");
        assert_eq!(sum(&pod, "requests", Counting::Usage).pretty(), "cpu=4250m");
        assert_eq!(sum(&pod, "limits", Counting::Usage).pretty(), "");
    }

    #[test]
    fn what_is_said_for_the_whole_pod_counts() {
        let pod = json!({"spec": {
            "resources": {"requests": {"cpu": "5"}},
            "containers": [{"name": "a", "resources": {"requests": {"cpu": "1", "memory": "1Gi"}}}],
        }});
        assert_eq!(sum(&pod, "requests", Counting::Usage).pretty(), "cpu=5,memory=1Gi");
        assert_eq!(constraints(&pod, &["limits.cpu"]), Ok(()));
    }

    #[test]
    fn a_finished_pod_keeps_its_place_only() {
        let pod = json!({
            "status": {"phase": "Succeeded"},
            "spec": {"containers": [{"name": "a", "resources": {"requests": {"cpu": "1"}}}]},
        });
        assert_eq!(usage(&pod, Timestamp::MIN).pretty(), "count/pods=1");
    }
}
