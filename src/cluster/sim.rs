//! The in-memory API server, called directly: [`Cluster`] without a network and without a copy.
//!
//! Objects cross as the bytes the server keeps of them, shared. Everything else is translation of options and of
//! errors, by the same classification as every backend's.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};
use jiff::Timestamp;
use kubesim::exec::ExecOptions;
use kubesim::{ApiServer, Object, ResourceDef, Status};
use serde::Deserialize;
use serde_json::Value;

use super::discovery::{ServedGroup, ServedVersion, assemble, group_version};
use super::request::{check_names, check_segment, exec_operation, operation, refused, target_operation, whole_seconds};
use super::status::{StatusBody, StatusDetails};
use super::{
    BrokenGroup, Cluster, ClusterError, ClusterErrorKind, DeleteOptions, Discovery, EXEC_OUTPUT_BYTES_MAX, ExecOutcome,
    ExecRequest, ListOptions, ListPage, Patch, Propagation, Target, WatchEvent, WatchOptions,
};
use crate::clock::Clock;
use crate::object::{ApiResource, RawObject};

/// A [`Cluster`] over an [`ApiServer`]; clones share it.
#[derive(Clone, Debug)]
pub struct SimCluster {
    server: ApiServer,
}

impl SimCluster {
    /// A cluster that is this server.
    pub fn new(server: ApiServer) -> Self {
        Self { server }
    }

    /// The server behind it.
    pub fn server(&self) -> &ApiServer {
        &self.server
    }
}

#[async_trait]
impl Cluster for SimCluster {
    async fn discover(&self) -> Result<Discovery, ClusterError> {
        let aggregated = self.server.aggregated().into_iter().filter(|(_, _, healthy)| !healthy);
        let broken: Vec<BrokenGroup> = aggregated
            .map(|(group, version, _)| {
                let group_version = group_version(&group, &version);
                BrokenGroup { reason: format!("stale GroupVersion discovery: {group_version}"), group_version }
            })
            .collect();
        let mut groups: Vec<ServedGroup> = Vec::new();
        for def in self.server.resources() {
            let name = group_version(&def.group, &def.version);
            if broken.iter().any(|broken| broken.group_version == name) {
                continue;
            }
            let at = groups.iter().position(|group| group.name == def.group).unwrap_or(groups.len());
            if at == groups.len() {
                groups.push(ServedGroup { name: def.group.clone(), versions: Vec::new() });
            }
            let versions = &mut groups[at].versions;
            let at = versions.iter().position(|version| version.version == def.version).unwrap_or(versions.len());
            if at == versions.len() {
                versions.push(ServedVersion { version: def.version.clone(), resources: Vec::new() });
            }
            versions[at].resources.push(described(&def));
        }
        Ok(assemble(groups, broken))
    }

    async fn list(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        options: &ListOptions,
    ) -> Result<ListPage, ClusterError> {
        let operation = operation("list", resource, namespace, None);
        check_names(&operation, namespace, None)?;
        let options = kubesim::ListOptions {
            label_selector: options.label_selector.clone(),
            field_selector: options.field_selector.clone(),
            limit: options.limit.map(u64::from),
            continue_token: options.continue_token.clone(),
            ..kubesim::ListOptions::default()
        };
        let list = self.server.list(&on(resource, namespace, None, None), &options);
        let list = list.map_err(|status| failed(&operation, status))?;
        Ok(ListPage {
            items: list.items.iter().map(raw).collect(),
            continue_token: list.continue_token,
            remaining_item_count: list.remaining_item_count,
            resource_version: list.resource_version.to_string(),
        })
    }

    async fn get(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<RawObject, ClusterError> {
        let operation = operation("get", resource, namespace, Some(name));
        check_names(&operation, namespace, Some(name))?;
        let object = self.server.get(&on(resource, namespace, Some(name), None));
        object.map(|object| raw(&object)).map_err(|status| failed(&operation, status))
    }

    async fn create(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        object: &RawObject,
    ) -> Result<RawObject, ClusterError> {
        let name = object.head().ok().map(|head| head.metadata.name.into_owned()).filter(|name| !name.is_empty());
        let operation = operation("create", resource, namespace, name.as_deref());
        check_names(&operation, namespace, None)?;
        let body = body(&operation, object)?;
        let created = self.server.create(&on(resource, namespace, None, None), body, &writing());
        created.map(|object| raw(&object)).map_err(|status| failed(&operation, status))
    }

    async fn update(&self, target: Target<'_>, object: &RawObject) -> Result<RawObject, ClusterError> {
        let operation = target_operation("update", &target);
        let on = on_target(&operation, &target)?;
        let updated = self.server.update(&on, body(&operation, object)?, &writing());
        updated.map(|object| raw(&object)).map_err(|status| failed(&operation, status))
    }

    async fn patch(&self, target: Target<'_>, patch: &Patch) -> Result<RawObject, ClusterError> {
        let operation = target_operation("patch", &target);
        let on = on_target(&operation, &target)?;
        let patch = match patch {
            Patch::Merge(text) => kubesim::Patch::Merge(body(&operation, text)?),
            Patch::Json(text) => kubesim::Patch::Json(body(&operation, text)?),
        };
        let patched = self.server.patch(&on, &patch, &writing());
        patched.map(|object| raw(&object)).map_err(|status| failed(&operation, status))
    }

    async fn delete(&self, target: Target<'_>, options: &DeleteOptions) -> Result<(), ClusterError> {
        let operation = target_operation("delete", &target);
        let on = on_target(&operation, &target)?;
        let options = kubesim::DeleteOptions {
            propagation: options.propagation.map(|propagation| match propagation {
                Propagation::Background => kubesim::Propagation::Background,
                Propagation::Foreground => kubesim::Propagation::Foreground,
                Propagation::Orphan => kubesim::Propagation::Orphan,
            }),
            grace_period_seconds: options.grace_period_seconds.map(i64::from),
            uid: options.uid.clone(),
            resource_version: options.resource_version.clone(),
            dry_run: false,
        };
        self.server.delete(&on, &options).map(|_| ()).map_err(|status| failed(&operation, status))
    }

    async fn watch(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        options: &WatchOptions,
    ) -> Result<BoxStream<'static, Result<WatchEvent, ClusterError>>, ClusterError> {
        let operation = operation("watch", resource, namespace, None);
        check_names(&operation, namespace, None)?;
        let options = kubesim::WatchOptions {
            resource_version: options.resource_version.clone(),
            label_selector: options.label_selector.clone(),
            field_selector: options.field_selector.clone(),
            timeout_seconds: options.timeout.map(whole_seconds),
            allow_bookmarks: true,
            ..kubesim::WatchOptions::default()
        };
        let watch = self.server.watch(&on(resource, namespace, None, None), &options);
        let watch = watch.map_err(|status| failed(&operation, status))?;
        let events = stream::unfold(Some((watch, operation)), |state| async move {
            let (mut watch, operation) = state?;
            let event = match watch.next().await? {
                kubesim::WatchEvent::Added(object) => WatchEvent::Added(raw(&object)),
                kubesim::WatchEvent::Modified(object) => WatchEvent::Modified(raw(&object)),
                kubesim::WatchEvent::Deleted(object) => WatchEvent::Deleted(raw(&object)),
                kubesim::WatchEvent::Bookmark { revision, .. } => WatchEvent::Bookmark(revision.to_string()),
                kubesim::WatchEvent::Error(status) => return Some((Err(failed(&operation, status)), None)),
            };
            Some((Ok(event), Some((watch, operation))))
        });
        Ok(events.boxed())
    }

    async fn exec(&self, request: &ExecRequest) -> Result<ExecOutcome, ClusterError> {
        let operation = exec_operation(request);
        check_segment(&operation, "namespace", &request.namespace)?;
        check_segment(&operation, "pod", &request.pod)?;
        check_segment(&operation, "container", &request.container)?;
        let options = ExecOptions {
            container: Some(request.container.clone()),
            command: request.command.clone(),
            ..ExecOptions::default()
        };
        let process = self.server.exec(&request.namespace, &request.pod, &options);
        let process = process.map_err(|status| failed(&operation, status))?;
        if process.delay > request.timeout {
            self.server.clock().sleep(request.timeout).await;
            return Err(ClusterError {
                kind: ClusterErrorKind::Timeout,
                message: format!("timed out after {:?}; the process may still run", request.timeout),
                ..refused(&operation, "")
            });
        }
        self.server.clock().sleep(process.delay).await;
        let kept = |output: &[u8]| output[..output.len().min(EXEC_OUTPUT_BYTES_MAX)].to_vec();
        Ok(ExecOutcome { exit_code: process.exit_code, stdout: kept(&process.stdout), stderr: kept(&process.stderr) })
    }
}

/// The server's clock as Ark's [`Clock`].
#[derive(Clone, Debug)]
pub struct SimClock(pub kubesim::Clock);

#[async_trait]
impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }
}

fn described(def: &Arc<ResourceDef>) -> ApiResource {
    ApiResource {
        group: def.group.clone(),
        version: def.version.clone(),
        plural: def.plural.clone(),
        singular: def.singular.clone(),
        kind: def.kind.clone(),
        namespaced: def.namespaced,
        preferred: false,
        short_names: def.short_names.clone(),
        verbs: def.verbs.iter().cloned().collect(),
        subresources: def.subresources.iter().map(|subresource| subresource.name.clone()).collect(),
    }
}

fn on(
    resource: &ApiResource,
    namespace: Option<&str>,
    name: Option<&str>,
    subresource: Option<&str>,
) -> kubesim::Target {
    kubesim::Target {
        group: resource.group.clone(),
        version: resource.version.clone(),
        resource: resource.plural.clone(),
        namespace: namespace.map(str::to_owned),
        name: name.map(str::to_owned),
        subresource: subresource.map(str::to_owned),
    }
}

fn on_target(operation: &str, target: &Target<'_>) -> Result<kubesim::Target, ClusterError> {
    check_names(operation, target.namespace, Some(target.name))?;
    Ok(on(target.resource, target.namespace, Some(target.name), target.subresource))
}

/// What the server keeps of an object, shared. It always holds `apiVersion` and `kind`.
fn raw(object: &Object) -> RawObject {
    RawObject::new(object.json())
}

fn body(operation: &str, text: &RawObject) -> Result<Value, ClusterError> {
    text.value().map_err(|error| refused(operation, error.to_string()))
}

fn writing() -> kubesim::WriteOptions {
    kubesim::WriteOptions { field_manager: Some("ark".to_owned()), ..kubesim::WriteOptions::default() }
}

fn failed(operation: &str, status: Status) -> ClusterError {
    let details = status.details.as_ref().and_then(|details| StatusDetails::deserialize(details).ok());
    let body = StatusBody {
        kind: None,
        code: Some(status.code),
        reason: Some(status.reason),
        message: Some(status.message),
        details,
    };
    body.into_error(operation, status.code)
}
