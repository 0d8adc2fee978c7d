//! What each resource uses of quotas, and which quotas are for it.
//!
//! # Differences
//!
//! Devices that pods claim as extended resources are counted for the pod alone.

use jiff::Timestamp;
use serde_json::Value;

use super::pods;
use super::resource_list::ResourceList;
use crate::meta;
use crate::quantity::Quantity;
use crate::resource::GroupResource;

/// What a quota names of a storage class: `<class>.storageclass.storage.k8s.io/<resource>`.
const CLASS: &str = ".storageclass.storage.k8s.io/";
const CLAIM_RESOURCES: [&str; 2] = ["persistentvolumeclaims", "requests.storage"];
const SERVICE_RESOURCES: [&str; 4] = ["count/services", "services", "services.nodeports", "services.loadbalancers"];
/// Resources that quotas know without `count/`, too.
const ALIASES: [&str; 4] = ["configmaps", "replicationcontrollers", "resourcequotas", "secrets"];
const DEVICES: &str = ".deviceclass.resource.k8s.io/devices";
/// The most devices that a claim can get.
const ALL_DEVICES: usize = 32;

/// How the objects of one resource are measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Evaluator {
    Pods,
    Services,
    /// Claims of volumes.
    Claims,
    /// Claims of devices.
    ResourceClaims,
    /// One each, under these names.
    Count(Vec<String>),
}

/// What is done to an object.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation<'a> {
    Create,
    Update { old: &'a Value, subresource: Option<&'a str> },
}

impl Evaluator {
    /// `None` for what quotas never count.
    pub(crate) fn of(resource: &GroupResource) -> Option<Self> {
        let (group, plural) = (resource.group.as_str(), resource.resource.as_str());
        Some(match (group, plural) {
            ("" | "events.k8s.io", "events")
            | ("", "bindings" | "componentstatuses")
            | ("authentication.k8s.io" | "authorization.k8s.io", _) => return None,
            ("", "pods") => Self::Pods,
            ("", "services") => Self::Services,
            ("", "persistentvolumeclaims") => Self::Claims,
            ("resource.k8s.io", "resourceclaims") => Self::ResourceClaims,
            ("", plural) if ALIASES.contains(&plural) => {
                Self::Count(vec![format!("count/{plural}"), plural.to_owned()])
            }
            _ => Self::Count(vec![format!("count/{resource}")]),
        })
    }

    /// Whether the operation can change what is used.
    pub(super) fn handles(&self, operation: Operation<'_>, new: &Value) -> bool {
        match (self, operation) {
            (_, Operation::Create) => true,
            (Self::Pods, Operation::Update { old, subresource: None }) => {
                pods::is_terminating(old) != pods::is_terminating(new)
            }
            (Self::Pods, Operation::Update { subresource, .. }) => subresource == Some("resize"),
            (Self::Claims, Operation::Update { subresource, .. }) => matches!(subresource, None | Some("status")),
            (Self::Services | Self::ResourceClaims, Operation::Update { subresource, .. }) => subresource.is_none(),
            (Self::Count(_), Operation::Update { .. }) => false,
        }
    }

    /// Whether an amount of a quota is one of this resource.
    pub(crate) fn limits(&self, name: &str) -> bool {
        match self {
            Self::Pods => pods::is_limited(name),
            Self::Services => SERVICE_RESOURCES.contains(&name),
            Self::Claims => {
                let of_class = name.rfind(CLASS).is_some_and(|at| CLAIM_RESOURCES.contains(&&name[at + CLASS.len()..]));
                name == "count/persistentvolumeclaims" || CLAIM_RESOURCES.contains(&name) || of_class
            }
            Self::ResourceClaims => name == "count/resourceclaims.resource.k8s.io" || name.ends_with(DEVICES),
            Self::Count(names) => names.iter().any(|known| known == name),
        }
    }

    /// What one object uses.
    pub(crate) fn usage(&self, object: &Value, now: Timestamp) -> ResourceList {
        match self {
            Self::Pods => pods::usage(object, now),
            Self::Services => service(object),
            Self::Claims => claim(object),
            Self::ResourceClaims => devices(object),
            Self::Count(names) => names.iter().map(|name| (name.clone(), Quantity::whole(1))).collect(),
        }
    }

    /// Whether an object is what a scope of a quota means.
    pub(super) fn is_in_scope(&self, scope: &Scope<'_>, object: &Value) -> bool {
        let text = |path: &str| meta::at(object, path).and_then(Value::as_str).filter(|text| !text.is_empty());
        match (self, scope.name) {
            (Self::Pods, "Terminating") => pods::is_terminating(object),
            (Self::Pods, "NotTerminating") => !pods::is_terminating(object),
            (Self::Pods, "BestEffort") => text("status.qosClass") == Some("BestEffort"),
            (Self::Pods, "NotBestEffort") => text("status.qosClass") != Some("BestEffort"),
            (Self::Pods, "PriorityClass") => scope.selects(text("spec.priorityClassName").as_slice()),
            (Self::Pods, "CrossNamespacePodAffinity") => pods::looks_across_namespaces(object),
            (Self::Claims, "VolumeAttributesClass") => {
                let classes = [
                    "spec.volumeAttributesClassName",
                    "status.currentVolumeAttributesClassName",
                    "status.modifyVolumeStatus.targetVolumeAttributesClassName",
                ];
                scope.selects(&classes.into_iter().filter_map(text).collect::<Vec<_>>())
            }
            _ => false,
        }
    }
}

/// One scope of a quota.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'a> {
    pub(super) name: &'a str,
    pub(super) operator: &'a str,
    pub(super) values: &'a [Value],
}

impl Scope<'_> {
    /// Whether one of the classes of an object, or that it has none, is meant.
    fn selects(&self, classes: &[&str]) -> bool {
        let listed = |class: &&str| self.values.iter().any(|value| value == class);
        match self.operator {
            "Exists" => !classes.is_empty(),
            "DoesNotExist" => classes.is_empty(),
            "In" => classes.iter().any(listed),
            "NotIn" => classes.is_empty() || classes.iter().any(|class| !listed(class)),
            _ => false,
        }
    }
}

fn service(service: &Value) -> ResourceList {
    let ports = pods::list(service, "spec.ports");
    let allocates = meta::at(service, "spec.allocateLoadBalancerNodePorts") != Some(&Value::Bool(false));
    let asked = ports.iter().filter(|port| port.get("nodePort").and_then(Value::as_i64).unwrap_or_default() != 0);
    let (node_ports, balancers) = match meta::at(service, "spec.type").and_then(Value::as_str) {
        Some("NodePort") => (ports.len(), 0),
        Some("LoadBalancer") if allocates => (ports.len(), 1),
        Some("LoadBalancer") => (asked.count(), 1),
        _ => (0, 0),
    };
    let counts = SERVICE_RESOURCES.into_iter().zip([1, 1, node_ports, balancers]);
    counts.map(|(name, count)| (name.to_owned(), Quantity::whole(count))).collect()
}

fn claim(claim: &Value) -> ResourceList {
    let annotations = meta::metadata(claim).get("annotations");
    let class = annotations
        .and_then(|annotations| annotations.get("volume.beta.kubernetes.io/storage-class"))
        .or_else(|| meta::at(claim, "spec.storageClassName"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut usage = ResourceList::default();
    let mut charge = |resource: &str, amount: &Quantity| {
        usage.set(resource, amount.clone());
        if !class.is_empty() {
            usage.set(format!("{class}{CLASS}{resource}"), amount.clone());
        }
    };
    charge("persistentvolumeclaims", &Quantity::whole(1));
    let amount = |path: &str| ResourceList::read(meta::at(claim, path)).get("storage").map(Quantity::rounded_up);
    if let Some(asked) = amount("spec.resources.requests") {
        // A volume that is being made larger counts with the larger size.
        let allocated = amount("status.allocatedResources").filter(|allocated| *allocated > asked);
        charge("requests.storage", &allocated.unwrap_or(asked));
    }
    usage.set("count/persistentvolumeclaims", Quantity::whole(1));
    usage
}

/// A claim of devices: of a choice, the most of each class.
fn devices(claim: &Value) -> ResourceList {
    let mut usage = ResourceList::default();
    usage.set("count/resourceclaims.resource.k8s.io", Quantity::whole(1));
    let of_request = |request: &Value| {
        let count = request.get("count").and_then(Value::as_u64).and_then(|count| usize::try_from(count).ok());
        let count = match meta::text(request, "allocationMode") {
            "ExactCount" => count.unwrap_or_default(),
            "All" => ALL_DEVICES,
            _ => 0,
        };
        let mut devices = ResourceList::default();
        devices.set(format!("{}{DEVICES}", meta::text(request, "deviceClassName")), Quantity::whole(count));
        devices
    };
    for request in pods::list(claim, "spec.devices.requests") {
        let choice = pods::list(request, "firstAvailable");
        let mut most = ResourceList::default();
        for one in choice {
            most.raise(&of_request(one));
        }
        if let Some(exactly) = request.get("exactly").filter(|exactly| choice.is_empty() && exactly.is_object()) {
            most = of_request(exactly);
        }
        usage.add(&most);
    }
    usage
}
