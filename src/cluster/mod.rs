//! The first of Ark's three interfaces: a Kubernetes cluster.
//!
//! Engines and controllers see a cluster only through [`Cluster`]. Every backend passes one contract suite:
//! the in-memory API server called directly, and any API server through `kube::Client`.
//!
//! The trait speaks raw objects: what is listed and read comes back as the bytes the server sent, with `apiVersion`
//! and `kind` spliced in where list items lack them. It does not page, retry or interpret by itself: a page is one
//! request, and [`ClusterError`] says what a caller can do about a failure.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;

use crate::object::{ApiResource, RawObject};
pub use crate::object::{BrokenGroup, Discovery};

pub mod contract;
mod discovery;
mod error;
mod kube;
mod quoted;
mod request;
#[cfg(feature = "sim")]
mod sim;
mod status;
mod uncut;

pub use error::{ClusterError, ClusterErrorKind};
pub use kube::{ConnectError, KubeCluster};
#[cfg(feature = "sim")]
pub use sim::{SimClock, SimCluster};
pub use uncut::UncutPage;

/// A Kubernetes API server.
///
/// `namespace` is `None` for cluster-scoped resources and, in [`list`](Self::list) and [`watch`](Self::watch), for all
/// namespaces.
#[async_trait]
pub trait Cluster: Debug + Send + Sync {
    /// Everything the server serves, in a stable order. A broken group is reported beside the others.
    async fn discover(&self) -> Result<Discovery, ClusterError>;

    /// One page of a list.
    async fn list(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        options: &ListOptions,
    ) -> Result<ListPage, ClusterError>;

    /// The same page, whose objects are cut out later: for who asks for the next page first.
    async fn list_uncut(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        options: &ListOptions,
    ) -> Result<UncutPage, ClusterError> {
        self.list(resource, namespace, options).await.map(UncutPage::from)
    }

    /// One object.
    async fn get(&self, resource: &ApiResource, namespace: Option<&str>, name: &str)
    -> Result<RawObject, ClusterError>;

    /// Creates an object and returns it as stored.
    async fn create(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        object: &RawObject,
    ) -> Result<RawObject, ClusterError>;

    /// Replaces an object, or one of its subresources; a `resourceVersion` in `object` is a precondition.
    async fn update(&self, target: Target<'_>, object: &RawObject) -> Result<RawObject, ClusterError>;

    /// Patches an object, or one of its subresources.
    async fn patch(&self, target: Target<'_>, patch: &Patch) -> Result<RawObject, ClusterError>;

    /// Asks for a deletion. Returns when the server has accepted it, not when the object is gone.
    async fn delete(&self, target: Target<'_>, options: &DeleteOptions) -> Result<(), ClusterError>;

    /// Changes, from `options.resource_version` on. The stream ends when the server ends it; an error item is the last one.
    async fn watch(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        options: &WatchOptions,
    ) -> Result<BoxStream<'static, Result<WatchEvent, ClusterError>>, ClusterError>;

    /// Runs a command in a container and waits for it, at most `request.timeout`.
    async fn exec(&self, request: &ExecRequest) -> Result<ExecOutcome, ClusterError>;
}

/// How to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListOptions {
    /// Label selector in its text form.
    pub label_selector: Option<String>,
    /// Field selector in its text form.
    pub field_selector: Option<String>,
    /// At most so many items in this page; the server may give fewer.
    pub limit: Option<u32>,
    /// Where the last page ended.
    pub continue_token: Option<String>,
}

/// One page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListPage {
    /// The objects, each with `apiVersion` and `kind`, in the server's order.
    pub items: Vec<RawObject>,
    /// Present where there is a next page.
    pub continue_token: Option<String>,
    /// How many items follow this page, where the server says.
    pub remaining_item_count: Option<u64>,
    /// Revision of the list; all pages of a list show the same one.
    pub resource_version: String,
}

/// One object, or one subresource of it.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The resource.
    pub resource: &'a ApiResource,
    /// Its namespace, `None` where it is cluster-scoped.
    pub namespace: Option<&'a str>,
    /// Its name.
    pub name: &'a str,
    /// `Some("status")` and the like.
    pub subresource: Option<&'a str>,
}

/// A patch, as JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Patch {
    /// RFC 7386.
    Merge(RawObject),
    /// RFC 6902: a JSON array of operations.
    Json(RawObject),
}

/// How dependents go when their owner goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    /// The object first, its dependents after.
    Background,
    /// Dependents first.
    Foreground,
    /// Dependents stay and forget their owner.
    Orphan,
}

/// How to delete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteOptions {
    /// `None` leaves it to the resource's default.
    pub propagation: Option<Propagation>,
    /// Seconds the object may take to end; `None` leaves it to the object.
    pub grace_period_seconds: Option<u32>,
    /// Delete only the object with this uid.
    pub uid: Option<String>,
    /// Delete only this revision.
    pub resource_version: Option<String>,
}

/// How to watch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchOptions {
    /// Start after this revision, as a list gave it; `None` starts with what exists.
    pub resource_version: Option<String>,
    /// Label selector in its text form.
    pub label_selector: Option<String>,
    /// Field selector in its text form.
    pub field_selector: Option<String>,
    /// The server ends the stream after so long.
    pub timeout: Option<Duration>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchEvent {
    /// Created, or entered the selection.
    Added(RawObject),
    /// Changed.
    Modified(RawObject),
    /// Deleted, or left the selection; its last state.
    Deleted(RawObject),
    /// Nothing changed up to this revision.
    Bookmark(String),
}

/// A command to run in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecRequest {
    /// Namespace of the pod.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// The container; always named, since the server decides only where there is exactly one.
    pub container: String,
    /// Program and arguments; no shell.
    pub command: Vec<String>,
    /// After so long the caller gets [`ClusterErrorKind::Timeout`]; the process goes on.
    pub timeout: Duration,
}

/// What a command did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecOutcome {
    /// Exit code of the process.
    pub exit_code: i32,
    /// Standard output, at most [`EXEC_OUTPUT_BYTES_MAX`].
    pub stdout: Vec<u8>,
    /// Standard error, at most [`EXEC_OUTPUT_BYTES_MAX`].
    pub stderr: Vec<u8>,
}

/// Output of a hook is for a log line, not for data: what exceeds this is read and dropped.
pub const EXEC_OUTPUT_BYTES_MAX: usize = 64 * 1024;
