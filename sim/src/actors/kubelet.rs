//! Scheduler and kubelets: pods get a node, run, complete, and go.
//!
//! Every pod goes to `node-1`, but for those whose affinity names another node. A node that says it is ready runs its pods.
//!
//! A pod is scheduled when its claims are bound; until then it says `PodScheduled: False` with the scheduler's words. It
//! starts when the ConfigMaps and Secrets it mounts are there; until then its containers wait. Pods that are not
//! restarted (`Never`, or `OnFailure` under a Job) run their command through [`crate::exec::emulate`] and end `Succeeded`
//! or `Failed` in the pass after they have started. A pod that is being deleted is killed at once and removed.
//!
//! # Differences
//!
//! Nothing is ever full, tainted or evicted; grace periods are not waited for; liveness and readiness always hold. The
//! status is that of the recorded cluster, whose kubelet was a fake too: no `PodReadyToStartContainers`, no `started`.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::{Value, json};

use super::access::{
    Access, CLAIMS, CONFIG_MAPS, Coordinates, NODES, PODS, SECRETS, controller, is_deleting, items, set_condition, text,
};
use super::placement::node_named;
use super::pods::{claim_names, is_finished, phase};
use crate::exec::emulate;
use crate::object::Object;
use crate::options::DeleteOptions;

/// The name of the one node.
pub(super) const NODE: &str = "node-1";
const NODE_IP: &str = "127.0.0.1";
/// Pod addresses are `10.244.x.y`; the lowest that no pod has is given next.
const POD_NETWORK: [u8; 2] = [10, 244];

pub(super) fn pass(access: Access<'_>, register: bool) {
    if register {
        register_node(access);
    }
    let nodes = access.all(NODES);
    if nodes.is_empty() {
        return;
    }
    let nodes = Nodes(nodes);
    for node in nodes.0.iter().filter(|node| nodes.runs(node.name())) {
        trust(access.writing_as("kube-controller-manager"), node);
    }
    let pods = access.all(PODS);
    let mut addresses = Addresses::new(&pods);
    for pod in &pods {
        match text(pod.value(), "/spec/nodeName").unwrap_or_default() {
            "" if !is_deleting(pod) && !is_finished(pod) => schedule(access.writing_as("kube-scheduler"), pod, &nodes),
            node if !nodes.runs(node) => {}
            _ if is_deleting(pod) => kill(access, pod),
            _ if is_finished(pod) => {}
            _ if phase(pod) == "Running" => complete(access, pod),
            _ => {
                let own = text(pod.value(), "/status/podIP");
                let address = own.map_or_else(|| addresses.free(), str::to_owned);
                if start(access, pod, &address) {
                    addresses.taken.insert(address);
                }
            }
        }
    }
}

/// The nodes of one pass.
struct Nodes(Vec<Object>);

impl Nodes {
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|node| node.name() == name)
    }

    /// Whether a node of this name has a kubelet: it says that it is ready.
    fn runs(&self, name: &str) -> bool {
        self.0.iter().find(|node| node.name() == name).is_some_and(|node| {
            let mut conditions = items(node.value(), "/status/conditions").iter();
            conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
        })
    }
}

/// The pod addresses of one pass.
struct Addresses {
    taken: BTreeSet<String>,
    /// Every host number below this one is taken.
    next: u16,
}

impl Addresses {
    fn new(pods: &[Object]) -> Self {
        let taken = pods.iter().filter_map(|pod| text(pod.value(), "/status/podIP"));
        Self { taken: taken.map(str::to_owned).collect(), next: 1 }
    }

    /// The lowest free address; the last one of the network if all are taken.
    fn free(&mut self) -> String {
        let [first, second] = POD_NETWORK;
        loop {
            let address = format!("{first}.{second}.{}.{}", self.next >> 8, self.next & 0xff);
            if self.next == u16::MAX || !self.taken.contains(&address) {
                return address;
            }
            self.next += 1;
        }
    }
}

fn register_node(access: Access<'_>) {
    let node = access.get(NODES, None, NODE).or_else(|| {
        let labels = json!({
            "beta.kubernetes.io/arch": "amd64",
            "beta.kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64",
            "kubernetes.io/hostname": NODE,
            "kubernetes.io/os": "linux",
        });
        access.create(NODES, None, json!({"metadata": {"name": NODE, "labels": labels}, "spec": {}}))
    });
    let Some(node) = node else { return };
    if items(node.value(), "/status/conditions").iter().any(|condition| condition["type"] == "Ready") {
        return;
    }
    let now = access.stamp();
    let condition = |kind: &str, status: &str, reason: &str, message: &str| {
        json!({
            "type": kind, "status": status, "reason": reason, "message": message,
            "lastHeartbeatTime": now, "lastTransitionTime": now,
        })
    };
    let resources = json!({"cpu": "64", "memory": "256Gi", "pods": "100000", "ephemeral-storage": "1Ti"});
    let status = json!({
        "addresses": [{"type": "InternalIP", "address": NODE_IP}, {"type": "Hostname", "address": NODE}],
        "allocatable": resources,
        "capacity": resources,
        "conditions": [
            condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
        ],
        "nodeInfo": {
            "architecture": "amd64", "bootID": "", "containerRuntimeVersion": "kubesim://1", "kernelVersion": "",
            "kubeProxyVersion": "", "kubeletVersion": "v1.36.0", "machineID": "", "operatingSystem": "linux",
            "osImage": "kubesim", "systemUUID": "",
        },
    });
    access.set_status(NODES, &node, status);
}

/// Takes the taint from a node that is ready, as the controller of nodes does.
fn trust(access: Access<'_>, node: &Object) {
    let not_ready = |taint: &Value| taint["key"] == "node.kubernetes.io/not-ready";
    if !items(node.value(), "/spec/taints").iter().any(not_ready) {
        return;
    }
    let mut body = node.value().clone();
    if let Some(taints) = body.pointer_mut("/spec/taints").and_then(Value::as_array_mut) {
        taints.retain(|taint| !not_ready(taint));
    }
    access.put(NODES, None, body);
}

/// Why a pod cannot be scheduled, if it cannot: its node or its claims.
fn unschedulable(access: Access<'_>, pod: &Object, nodes: &Nodes) -> Option<String> {
    if !nodes.has(node_of(pod)) {
        let count = nodes.0.len();
        return Some(format!(
            "0/{count} nodes are available: {count} node(s) didn't match Pod's node affinity/selector."
        ));
    }
    if !items(pod.value(), "/spec/schedulingGates").is_empty() {
        return Some("Scheduling is blocked due to non-empty scheduling gates".to_owned());
    }
    for name in claim_names(pod.value()) {
        let Some(claim) = access.get(CLAIMS, pod.namespace(), name) else {
            return Some(format!("0/1 nodes are available: persistentvolumeclaim \"{name}\" not found. not found"));
        };
        if is_deleting(&claim) {
            return Some(format!(
                "0/1 nodes are available: persistentvolumeclaim \"{name}\" is being deleted. not found"
            ));
        }
        match text(claim.value(), "/status/phase") {
            Some("Bound") => {}
            Some("Lost") => {
                let volume = text(claim.value(), "/spec/volumeName").unwrap_or_default();
                return Some(format!(
                    "0/1 nodes are available: persistentvolumeclaim \"{name}\" bound to non-existent persistentvolume \"{volume}\"."
                ));
            }
            _ => {
                return Some(
                    "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found".to_owned(),
                );
            }
        }
    }
    None
}

/// Where a pod belongs.
fn node_of(pod: &Object) -> &str {
    node_named(pod.value()).unwrap_or(NODE)
}

fn schedule(access: Access<'_>, pod: &Object, nodes: &Nodes) {
    let Some(message) = unschedulable(access, pod, nodes) else {
        let binding = json!({
            "metadata": {"name": pod.name(), "namespace": pod.namespace(), "uid": pod.uid()},
            "target": {"apiVersion": "v1", "kind": NODES.kind, "name": node_of(pod)},
        });
        return access.bind(pod, binding);
    };
    let gated = !items(pod.value(), "/spec/schedulingGates").is_empty();
    let condition = json!({
        "type": "PodScheduled",
        "status": "False",
        "reason": if gated { "SchedulingGated" } else { "Unschedulable" },
        "message": message,
        "lastProbeTime": null,
    });
    let mut status = status_of(pod);
    let mut conditions = items(pod.value(), "/status/conditions").to_vec();
    set_condition(&mut conditions, condition, &access.stamp());
    status["conditions"] = conditions.into();
    access.set_status(PODS, pod, status);
}

fn status_of(pod: &Object) -> Value {
    pod.value().get("status").cloned().unwrap_or_else(|| json!({"phase": "Pending"}))
}

/// The ConfigMap or Secret that a container waits for, if any.
fn missing(access: Access<'_>, pod: &Object) -> Option<String> {
    let mut wanted: Vec<(Coordinates, &Value, &str)> = Vec::new();
    for volume in items(pod.value(), "/spec/volumes") {
        wanted.push((CONFIG_MAPS, &volume["configMap"], "name"));
        wanted.push((SECRETS, &volume["secret"], "secretName"));
    }
    for container in items(pod.value(), "/spec/initContainers").iter().chain(items(pod.value(), "/spec/containers")) {
        for source in items(container, "/envFrom") {
            wanted.push((CONFIG_MAPS, &source["configMapRef"], "name"));
            wanted.push((SECRETS, &source["secretRef"], "name"));
        }
        for variable in items(container, "/env") {
            wanted.push((CONFIG_MAPS, &variable["valueFrom"]["configMapKeyRef"], "name"));
            wanted.push((SECRETS, &variable["valueFrom"]["secretKeyRef"], "name"));
        }
    }
    wanted.into_iter().find_map(|(kind, reference, key)| {
        let name = reference.get(key)?.as_str()?;
        let needed = reference["optional"] != true;
        let absent = needed && access.get(kind, pod.namespace(), name).is_none();
        absent.then(|| format!("{} \"{name}\" not found", kind.resource.trim_end_matches('s')))
    })
}

/// Starts the pod, or says what its containers wait for; whether it runs now.
fn start(access: Access<'_>, pod: &Object, address: &str) -> bool {
    let now = access.stamp();
    let waits_for = missing(access, pod);
    let runs = waits_for.is_none();
    let state = |init: bool| match &waits_for {
        Some(message) => {
            json!({"waiting": {"reason": if init { "PodInitializing" } else { "CreateContainerConfigError" }, "message": message}})
        }
        None if init => ended(0, &now),
        None => json!({"running": {"startedAt": now}}),
    };
    let mut status = status_of(pod);
    status["phase"] = if runs { "Running" } else { "Pending" }.into();
    status["hostIP"] = NODE_IP.into();
    status["hostIPs"] = json!([{"ip": NODE_IP}]);
    if status["startTime"].is_null() {
        status["startTime"] = now.clone().into();
    }
    if runs {
        status["podIP"] = address.into();
        status["podIPs"] = json!([{"ip": address}]);
    }
    let containers = |pointer: &str, init: bool| -> Vec<Value> {
        items(pod.value(), pointer)
            .iter()
            .map(|container| container_status(container, state(init), runs && !init))
            .collect()
    };
    status["containerStatuses"] = containers("/spec/containers", false).into();
    let init = containers("/spec/initContainers", true);
    if !init.is_empty() {
        status["initContainerStatuses"] = init.into();
    }
    set_pod_conditions(&mut status, runs, None, &now);
    access.set_status(PODS, pod, status);
    runs
}

fn container_status(container: &Value, state: Value, running: bool) -> Value {
    let name = text(container, "/name").unwrap_or_default();
    json!({
        "name": name,
        "image": container["image"],
        "imageID": "",
        "lastState": {},
        "ready": running,
        "restartCount": 0,
        "state": state,
    })
}

fn ended(exit_code: i32, now: &str) -> Value {
    let reason = if exit_code == 0 { "Completed" } else { "Error" };
    json!({"terminated": {"exitCode": exit_code, "reason": reason, "startedAt": now, "finishedAt": now}})
}

/// The conditions of a scheduled pod; `over` is the reason why a finished one is not ready.
fn set_pod_conditions(status: &mut Value, ready: bool, over: Option<&str>, now: &str) {
    const KINDS: [&str; 4] = ["Initialized", "Ready", "ContainersReady", "PodScheduled"];
    let yes_or_no = |yes: bool| if yes { "True" } else { "False" };
    let mut conditions = items(status, "/conditions").to_vec();
    for (kind, holds) in KINDS.into_iter().zip([true, ready, ready, true]) {
        let mut condition = json!({"type": kind, "status": yes_or_no(holds), "lastProbeTime": null});
        if let (Some(reason), true) = (over, kind == "Ready" || kind == "ContainersReady" || kind == "Initialized") {
            condition["reason"] = reason.into();
        }
        set_condition(&mut conditions, condition, now);
    }
    // In the order in which a kubelet lists them; what others wrote comes last.
    let place = |condition: &Value| KINDS.iter().position(|kind| condition["type"] == *kind).unwrap_or(KINDS.len());
    conditions.sort_by_key(place);
    status["conditions"] = conditions.into();
}

/// Ends a running pod that is not restarted.
fn complete(access: Access<'_>, pod: &Object) {
    let owned_by_job = controller(pod.value()).is_some_and(|owner| owner["kind"] == "Job");
    match text(pod.value(), "/spec/restartPolicy") {
        Some("Never") => {}
        Some("OnFailure") if owned_by_job => {}
        _ => return,
    }
    let now = access.stamp();
    let mut worst = 0;
    let statuses: Vec<Value> = items(pod.value(), "/spec/containers")
        .iter()
        .map(|container| {
            let words = items(container, "/command").iter().chain(items(container, "/args"));
            let command: Vec<String> = words.filter_map(Value::as_str).map(str::to_owned).collect();
            let exit_code = emulate(&command, &Bytes::new()).exit_code;
            worst = worst.max(exit_code);
            container_status(container, ended(exit_code, &now), false)
        })
        .collect();
    let mut status = status_of(pod);
    let (phase, reason) = if worst == 0 { ("Succeeded", "PodCompleted") } else { ("Failed", "PodFailed") };
    status["phase"] = phase.into();
    status["containerStatuses"] = statuses.into();
    set_pod_conditions(&mut status, false, Some(reason), &now);
    access.set_status(PODS, pod, status);
}

/// The containers are gone: the API server may forget the pod. One that finalizers hold is not asked for again.
fn kill(access: Access<'_>, pod: &Object) {
    if pod.metadata().get("deletionGracePeriodSeconds").and_then(Value::as_i64) == Some(0) {
        return;
    }
    access.delete_with(
        &PODS.target(pod.namespace(), Some(pod.name())),
        DeleteOptions { grace_period_seconds: Some(0), uid: Some(pod.uid().to_owned()), ..DeleteOptions::default() },
    );
}
