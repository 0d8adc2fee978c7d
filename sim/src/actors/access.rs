//! The server as an actor sees it: typed coordinates, lists without selectors, writes whose refusal is not an accident.
//!
//! A controller of a real cluster works on a cache, is refused when the cache was old, and tries again. An actor does the
//! same: a write that the server refuses (a conflict, an absent namespace, a terminating one) changes nothing, and the
//! next pass sees the world as it is then. Whether a pass did something is read off the store's revision.

use serde_json::{Map, Value, json};

use crate::clock::rfc3339;
use crate::object::Object;
use crate::options::{DeleteOptions, ListOptions, Patch, Propagation, Target, WriteOptions};
use crate::server::ApiServer;
use crate::status::Status;

/// Group, version, resource and kind of something that an actor works on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coordinates {
    pub(super) group: &'static str,
    pub(super) version: &'static str,
    pub(super) resource: &'static str,
    pub(super) kind: &'static str,
}

const fn core(resource: &'static str, kind: &'static str) -> Coordinates {
    Coordinates { group: "", version: "v1", resource, kind }
}

const fn apps(resource: &'static str, kind: &'static str) -> Coordinates {
    Coordinates { group: "apps", version: "v1", resource, kind }
}

pub(super) const NAMESPACES: Coordinates = core("namespaces", "Namespace");
pub(super) const NODES: Coordinates = core("nodes", "Node");
pub(super) const PODS: Coordinates = core("pods", "Pod");
pub(super) const CONFIG_MAPS: Coordinates = core("configmaps", "ConfigMap");
pub(super) const SECRETS: Coordinates = core("secrets", "Secret");
pub(super) const SERVICES: Coordinates = core("services", "Service");
pub(super) const SERVICE_ACCOUNTS: Coordinates = core("serviceaccounts", "ServiceAccount");
pub(super) const ENDPOINTS: Coordinates = core("endpoints", "Endpoints");
pub(super) const QUOTAS: Coordinates = core("resourcequotas", "ResourceQuota");
pub(super) const VOLUMES: Coordinates = core("persistentvolumes", "PersistentVolume");
pub(super) const CLAIMS: Coordinates = core("persistentvolumeclaims", "PersistentVolumeClaim");
pub(super) const DEPLOYMENTS: Coordinates = apps("deployments", "Deployment");
pub(super) const REPLICA_SETS: Coordinates = apps("replicasets", "ReplicaSet");
pub(super) const STATEFUL_SETS: Coordinates = apps("statefulsets", "StatefulSet");
pub(super) const DAEMON_SETS: Coordinates = apps("daemonsets", "DaemonSet");
pub(super) const REVISIONS: Coordinates = apps("controllerrevisions", "ControllerRevision");
pub(super) const JOBS: Coordinates = Coordinates { group: "batch", version: "v1", resource: "jobs", kind: "Job" };
pub(super) const STORAGE_CLASSES: Coordinates =
    Coordinates { group: "storage.k8s.io", version: "v1", resource: "storageclasses", kind: "StorageClass" };
pub(super) const ENDPOINT_SLICES: Coordinates =
    Coordinates { group: "discovery.k8s.io", version: "v1", resource: "endpointslices", kind: "EndpointSlice" };

impl Coordinates {
    /// `apiVersion` of its objects.
    pub(super) fn api_version(self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    pub(super) fn target(self, namespace: Option<&str>, name: Option<&str>) -> Target {
        Target {
            group: self.group.to_owned(),
            version: self.version.to_owned(),
            resource: self.resource.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.map(str::to_owned),
            subresource: None,
        }
    }

    /// An ownerReference to a controller of this kind.
    pub(super) fn controller_reference(self, owner: &Object) -> Value {
        json!({
            "apiVersion": self.api_version(),
            "kind": self.kind,
            "name": owner.name(),
            "uid": owner.uid(),
            "controller": true,
            "blockOwnerDeletion": true,
        })
    }
}

/// The direct mouth of one server, in an actor's words.
#[derive(Clone, Copy)]
pub(super) struct Access<'a> {
    pub(super) server: &'a ApiServer,
    /// The name that the actor writes under.
    manager: &'static str,
}

impl<'a> Access<'a> {
    pub(super) fn new(server: &'a ApiServer, manager: &'static str) -> Self {
        Self { server, manager }
    }

    /// The same under another name.
    pub(super) fn writing_as(self, manager: &'static str) -> Self {
        Self { manager, ..self }
    }

    fn options(self) -> WriteOptions {
        WriteOptions { field_manager: Some(self.manager.to_owned()), ..WriteOptions::default() }
    }

    /// The present time as Kubernetes writes it: RFC 3339, whole seconds.
    pub(super) fn stamp(self) -> String {
        rfc3339(self.server.clock().now())
    }

    /// Every object of a kind, in all namespaces, in the order of the store.
    pub(super) fn all(self, kind: Coordinates) -> Vec<Object> {
        self.list(&kind.target(None, None))
    }

    pub(super) fn list(self, target: &Target) -> Vec<Object> {
        self.server.list(target, &ListOptions::default()).map(|list| list.items).unwrap_or_default()
    }

    pub(super) fn get(self, kind: Coordinates, namespace: Option<&str>, name: &str) -> Option<Object> {
        self.server.get(&kind.target(namespace, Some(name))).ok()
    }

    /// Creates an object; `None` where the server refuses it.
    pub(super) fn create(self, kind: Coordinates, namespace: Option<&str>, body: Value) -> Option<Object> {
        self.try_create(kind, namespace, body).ok()
    }

    /// The same, with what the server says against it.
    pub(super) fn try_create(
        self,
        kind: Coordinates,
        namespace: Option<&str>,
        mut body: Value,
    ) -> Result<Object, Status> {
        body["apiVersion"] = kind.api_version().into();
        body["kind"] = kind.kind.into();
        self.server.create(&kind.target(namespace, None), body, &self.options())
    }

    /// Gives a pod its node through the `binding` subresource, as a scheduler does.
    pub(super) fn bind(self, pod: &Object, mut binding: Value) {
        binding["apiVersion"] = "v1".into();
        binding["kind"] = "Binding".into();
        let mut target = PODS.target(pod.namespace(), Some(pod.name()));
        target.subresource = Some("binding".to_owned());
        drop(self.server.create(&target, binding, &self.options()));
    }

    /// Writes `body` over the object that it was read from, at the revision it was read at.
    pub(super) fn update(self, kind: Coordinates, body: Value) -> Option<Object> {
        self.put(kind, None, body)
    }

    /// The same through the status subresource.
    pub(super) fn update_status(self, kind: Coordinates, body: Value) -> Option<Object> {
        self.put(kind, Some("status"), body)
    }

    pub(super) fn put(self, kind: Coordinates, subresource: Option<&str>, body: Value) -> Option<Object> {
        let mut target = kind.target(text(&body, "/metadata/namespace"), text(&body, "/metadata/name"));
        target.subresource = subresource.map(str::to_owned);
        self.server.update(&target, body, &self.options()).ok()
    }

    /// Sets the status of `object` where it differs.
    pub(super) fn set_status(self, kind: Coordinates, object: &Object, status: Value) -> Option<Object> {
        if object.value().get("status") == Some(&status) {
            return None;
        }
        let mut body = object.value().clone();
        body["status"] = status;
        self.update_status(kind, body)
    }

    pub(super) fn merge(self, target: &Target, patch: Value) -> Option<Object> {
        self.server.patch(target, &Patch::Merge(patch), &self.options()).ok()
    }

    /// Deletes this very object (by uid) with the policy given.
    pub(super) fn delete(self, target: &Target, uid: &str, propagation: Propagation) {
        self.delete_with(
            target,
            DeleteOptions { propagation: Some(propagation), uid: Some(uid.to_owned()), ..DeleteOptions::default() },
        );
    }

    /// A refused deletion (somebody else was faster) is seen again on the next pass.
    pub(super) fn delete_with(self, target: &Target, options: DeleteOptions) {
        drop(self.server.delete(target, &options));
    }

    /// Replaces the finalizers of an object.
    pub(super) fn set_finalizers(self, target: &Target, object: &Object, finalizers: &[&str]) {
        let mut body = object.value().clone();
        if finalizers.is_empty() {
            if let Some(metadata) = body["metadata"].as_object_mut() {
                metadata.remove("finalizers");
            }
        } else {
            body["metadata"]["finalizers"] = finalizers.into();
        }
        drop(self.server.update(target, body, &self.options()));
    }
}

/// The string at a JSON pointer.
pub(super) fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer).and_then(Value::as_str)
}

/// The number at a JSON pointer.
pub(super) fn number(value: &Value, pointer: &str) -> Option<i64> {
    value.pointer(pointer).and_then(Value::as_i64)
}

/// The list at a JSON pointer; an absent one is empty.
pub(super) fn items<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(super) fn annotation<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get("metadata")?.get("annotations")?.get(name)?.as_str()
}

/// Sets an annotation; says whether that changed anything.
pub(super) fn set_annotation(value: &mut Value, name: &str, to: &str) -> bool {
    if annotation(value, name) == Some(to) {
        return false;
    }
    entry(&mut value["metadata"], "annotations").insert(name.to_owned(), to.into());
    true
}

/// Removes an annotation; says whether it was there.
pub(super) fn remove_annotation(value: &mut Value, name: &str) -> bool {
    value
        .pointer_mut("/metadata/annotations")
        .and_then(Value::as_object_mut)
        .is_some_and(|annotations| annotations.remove(name).is_some())
}

/// The map under `key`, made if it is absent or null.
pub(super) fn entry<'v>(value: &'v mut Value, key: &str) -> &'v mut Map<String, Value> {
    let slot = &mut value[key];
    if !slot.is_object() {
        *slot = Value::Object(Map::new());
    }
    slot.as_object_mut().expect("made an object just above")
}

pub(super) fn is_deleting(object: &Object) -> bool {
    text(object.value(), "/metadata/deletionTimestamp").is_some()
}

pub(super) fn finalizers(object: &Object) -> Vec<&str> {
    items(object.value(), "/metadata/finalizers").iter().filter_map(Value::as_str).collect()
}

/// The reference of the managing controller, if there is one.
pub(super) fn controller(value: &Value) -> Option<&Value> {
    items(value, "/metadata/ownerReferences").iter().find(|owner| owner["controller"] == true)
}

/// Sets the condition of a type; keeps its transition time while its status stays.
pub(super) fn set_condition(conditions: &mut Vec<Value>, mut condition: Value, now: &str) {
    let found = conditions.iter_mut().find(|old| old["type"] == condition["type"]);
    let since = found
        .as_ref()
        .filter(|old| old["status"] == condition["status"])
        .and_then(|old| text(old, "/lastTransitionTime"))
        .unwrap_or(now)
        .to_owned();
    condition["lastTransitionTime"] = since.into();
    match found {
        Some(old) => *old = condition,
        None => conditions.push(condition),
    }
}
