//! A real API server: [`Cluster`] over `kube::Client`, with raw requests and raw answers.
//!
//! `kube`'s own object types lose what they do not know (rust-stack §1.4), so only its transport is used here: TLS,
//! credentials, kubeconfig, the upgrade of a connection. Paths, queries and bodies are written and read in this folder.
//! Items of a page and events of a watch are slices of the bytes that arrived.
//!
//! Promises what [`Cluster`] asks for. Does not retry and does not hold requests back: the engines decide that, and the
//! API server's own priority and fairness answers 429.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use futures::stream::BoxStream;
use http::Method;
use kube::Client;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use thiserror::Error;

use self::http_io::{Http, Query, object_path};
use super::request::{check_names, operation, target_operation};
use super::{
    Cluster, ClusterError, DeleteOptions, Discovery, ExecOutcome, ExecRequest, ListOptions, ListPage, Patch,
    Propagation, Target, UncutPage, WatchEvent, WatchOptions,
};
use crate::object::{ApiResource, RawObject};

mod connect;
mod discover;
mod exec;
mod http_io;
mod page;
mod watch;

/// A cluster behind a `kube::Client`.
#[derive(Clone)]
pub struct KubeCluster {
    client: Client,
}

impl std::fmt::Debug for KubeCluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KubeCluster").field("default_namespace", &self.client.default_namespace()).finish()
    }
}

/// No client could be made: nothing was asked of any server yet.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The kubeconfig cannot be read, or does not name what was asked for.
    #[error("read kubeconfig {}: {reason}; name another file or context, or check this one with `kubectl config view`", path.display())]
    Kubeconfig {
        /// The file that was named.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No kubeconfig was named, the usual places hold none, and this is no pod.
    #[error("find a cluster: {reason}; name a kubeconfig file, or run inside a cluster")]
    NoCluster {
        /// What is wrong with each place.
        reason: String,
    },
    /// The configuration names a key, certificate or address that cannot be used.
    #[error("prepare the connection to {server}: {reason}")]
    Client {
        /// Address of the API server.
        server: String,
        /// What is wrong.
        reason: String,
    },
}

impl KubeCluster {
    /// A cluster behind this client. Its own retries, if any, come on top of the caller's.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// The cluster that a kubeconfig names: this file, or the usual places, or the pod that this process runs in.
    ///
    /// # Errors
    /// Where no usable configuration is found. The server itself is not asked.
    pub async fn connect(kubeconfig: Option<&Path>, context: Option<&str>) -> Result<Self, ConnectError> {
        let options = KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
        let mut config = if let Some(path) = kubeconfig {
            let failed = |reason: String| ConnectError::Kubeconfig { path: path.to_owned(), reason };
            let parsed = Kubeconfig::read_from(path).map_err(|error| failed(chain(&error)))?;
            Config::from_custom_kubeconfig(parsed, &options).await.map_err(|error| failed(chain(&error)))?
        } else if context.is_some() {
            Config::from_kubeconfig(&options)
                .await
                .map_err(|error| ConnectError::NoCluster { reason: chain(&error) })?
        } else {
            Config::infer().await.map_err(|error| ConnectError::NoCluster { reason: chain(&error) })?
        };
        // It repeats writes whose answer was lost without saying so; the engines know what may be repeated.
        config.default_retry = false;
        let server = config.cluster_url.to_string();
        let client = connect::client(config).map_err(|error| ConnectError::Client { server, reason: chain(&error) })?;
        Ok(Self::new(client))
    }

    /// The namespace of the context, or of the pod that this process runs in.
    pub fn default_namespace(&self) -> &str {
        self.client.default_namespace()
    }

    fn http(&self) -> Http<'_> {
        Http { client: &self.client }
    }
}

/// An error with its sources, each said once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let more = source.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        next = source.source();
    }
    text
}

#[async_trait]
impl Cluster for KubeCluster {
    async fn discover(&self) -> Result<Discovery, ClusterError> {
        discover::discover(&self.http()).await
    }

    async fn list(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        options: &ListOptions,
    ) -> Result<ListPage, ClusterError> {
        self.list_uncut(resource, namespace, options).await?.cut()
    }

    async fn list_uncut(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        options: &ListOptions,
    ) -> Result<UncutPage, ClusterError> {
        let operation = operation("list", resource, namespace, None);
        check_names(&operation, namespace, None)?;
        let mut query = Query::default();
        query.add("labelSelector", options.label_selector.as_deref());
        query.add("fieldSelector", options.field_selector.as_deref());
        query.add("limit", options.limit.map(|limit| limit.to_string()).as_deref());
        query.add("continue", options.continue_token.as_deref());
        let path = query.on(object_path(resource, namespace, None, None));
        let body = self.http().ask(&operation, Method::GET, &path, None).await?;
        page::uncut(operation, resource, body)
    }

    async fn get(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<RawObject, ClusterError> {
        let operation = operation("get", resource, namespace, Some(name));
        check_names(&operation, namespace, Some(name))?;
        let path = object_path(resource, namespace, Some(name), None);
        let body = self.http().ask(&operation, Method::GET, &path, None).await?;
        page::object(&operation, resource, body)
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
        let path = object_path(resource, namespace, None, None);
        let body = Some((http_io::JSON, object.bytes().clone()));
        let body = self.http().ask(&operation, Method::POST, &path, body).await?;
        page::object(&operation, resource, body)
    }

    async fn update(&self, target: Target<'_>, object: &RawObject) -> Result<RawObject, ClusterError> {
        let operation = target_operation("update", &target);
        let path = target_path(&operation, &target)?;
        let body = Some((http_io::JSON, object.bytes().clone()));
        let body = self.http().ask(&operation, Method::PUT, &path, body).await?;
        page::object(&operation, target.resource, body)
    }

    async fn patch(&self, target: Target<'_>, patch: &Patch) -> Result<RawObject, ClusterError> {
        let operation = target_operation("patch", &target);
        let path = target_path(&operation, &target)?;
        let (media_type, text) = match patch {
            Patch::Merge(text) => ("application/merge-patch+json", text),
            Patch::Json(text) => ("application/json-patch+json", text),
        };
        let body = Some((media_type, text.bytes().clone()));
        let body = self.http().ask(&operation, Method::PATCH, &path, body).await?;
        page::object(&operation, target.resource, body)
    }

    async fn delete(&self, target: Target<'_>, options: &DeleteOptions) -> Result<(), ClusterError> {
        let operation = target_operation("delete", &target);
        let path = target_path(&operation, &target)?;
        let body = Some((http_io::JSON, delete_body(options).into()));
        self.http().ask(&operation, Method::DELETE, &path, body).await?;
        Ok(())
    }

    async fn watch(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        options: &WatchOptions,
    ) -> Result<BoxStream<'static, Result<WatchEvent, ClusterError>>, ClusterError> {
        watch::watch(&self.http(), resource, namespace, options).await
    }

    async fn exec(&self, request: &ExecRequest) -> Result<ExecOutcome, ClusterError> {
        exec::exec(&self.client, request).await
    }
}

fn target_path(operation: &str, target: &Target<'_>) -> Result<String, ClusterError> {
    check_names(operation, target.namespace, Some(target.name))?;
    Ok(object_path(target.resource, target.namespace, Some(target.name), target.subresource))
}

fn delete_body(options: &DeleteOptions) -> Vec<u8> {
    let mut body = serde_json::json!({"kind": "DeleteOptions", "apiVersion": "v1"});
    if let Some(propagation) = options.propagation {
        body["propagationPolicy"] = match propagation {
            Propagation::Background => "Background",
            Propagation::Foreground => "Foreground",
            Propagation::Orphan => "Orphan",
        }
        .into();
    }
    if let Some(seconds) = options.grace_period_seconds {
        body["gracePeriodSeconds"] = seconds.into();
    }
    if let Some(uid) = &options.uid {
        body["preconditions"]["uid"] = uid.as_str().into();
    }
    if let Some(resource_version) = &options.resource_version {
        body["preconditions"]["resourceVersion"] = resource_version.as_str().into();
    }
    serde_json::to_vec(&body).expect("a Value always serialises")
}

#[cfg(test)]
mod tests;
