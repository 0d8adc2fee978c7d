//! [`Session`]: what every command starts from: global flags, environment, clock, and the way to a cluster and a bucket.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::args::GlobalArgs;
use super::error::CliError;
use super::objects::{Kind, Objects};
use crate::clock::{Clock, SystemClock};
use crate::cluster::{Cluster, KubeCluster};
use crate::storage::{self, BackupStore, Settings, StorageError, StorageErrorKind};

/// What a command does to a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Only reads what is there.
    Read,
    /// Adds to it.
    Write,
}

/// The start of a command.
#[derive(Debug)]
pub(crate) struct Session {
    global: GlobalArgs,
    environment: BTreeMap<String, String>,
    clock: Arc<dyn Clock>,
}

impl Session {
    /// A session of this process.
    pub(crate) fn new(global: GlobalArgs, environment: BTreeMap<String, String>) -> Self {
        Self { global, environment, clock: Arc::new(SystemClock) }
    }

    /// Time.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Namespace of Ark's own objects.
    pub(crate) fn namespace(&self) -> &str {
        &self.global.namespace
    }

    /// An environment variable.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str)
    }

    /// The cluster that the kubeconfig names.
    pub(crate) async fn cluster(&self) -> Result<Arc<dyn Cluster>, CliError> {
        let path = self.global.kubeconfig.as_deref();
        if let Some(path) = path.filter(|path| !path.is_file()) {
            return Err(CliError::usage(format!("the kubeconfig {} is not a file", path.display())));
        }
        let cluster = KubeCluster::connect(path, self.global.kubecontext.as_deref()).await.map_err(|error| {
            CliError::failed(error.to_string())
                .hint("`--kubeconfig FILE` or the variable KUBECONFIG names a kubeconfig file")
                .hint("`ark demo` needs no cluster")
        })?;
        Ok(Arc::new(cluster))
    }

    /// That cluster, once it has answered: the engines are patient with a cluster that is busy, a person at a shell wants
    /// to know at once that it is not there.
    pub(crate) async fn answering_cluster(&self) -> Result<Arc<dyn Cluster>, CliError> {
        let cluster = self.cluster().await?;
        cluster.discover().await?;
        Ok(cluster)
    }

    /// Ark's objects of one kind in that cluster.
    pub(crate) async fn objects<K: Kind>(&self) -> Result<Objects, CliError> {
        Objects::of::<K>(self.cluster().await?, self.clock(), self.namespace()).await
    }

    /// What the environment says of the cloud that `url` leads to.
    fn store_settings(&self, url: &str) -> Settings {
        let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
        let mut settings = Settings::new();
        for name in cloud_variables(scheme) {
            if let Some(value) = self.environment.get(*name) {
                settings.insert(name.to_lowercase(), value.clone());
            }
        }
        // An endpoint of one's own, such as MinIO: Ark's setting also allows plain HTTP where the address says so.
        if let (true, Some(endpoint)) = (scheme.starts_with("s3"), self.variable("AWS_ENDPOINT_URL")) {
            settings.insert("s3Url".to_owned(), endpoint.to_owned());
        }
        settings
    }

    /// Refuses what can be no bucket, without making or asking anything; the bucket itself where that makes nothing. A folder is
    /// made when it is opened.
    pub(crate) fn checked_store(&self, url: &str) -> Result<Option<BackupStore>, CliError> {
        if folder(url).is_some() { Ok(None) } else { self.store(url, Access::Write).map(Some) }
    }

    /// A bucket. Whether it can be reached shows with the first request; a folder to read from must be there, so that
    /// a misspelt one is not made.
    pub(crate) fn store(&self, url: &str, access: Access) -> Result<BackupStore, CliError> {
        if let Some(folder) = folder(url).filter(|folder| access == Access::Read && !Path::new(folder).is_dir()) {
            return Err(CliError::failed(format!("there is no folder {folder}"))
                .hint("`--store` names the folder or bucket that backups were written to"));
        }
        let bucket = storage::open(url, &self.store_settings(url)).map_err(|error| {
            CliError::usage(error.to_string())
                .hint("a bucket is a folder, file:///folder, s3://bucket/prefix, gs://bucket or az://container")
        })?;
        Ok(BackupStore::new(bucket))
    }
}

/// The folder that a URL or path names.
fn folder(url: &str) -> Option<&str> {
    url.strip_prefix("file://").or_else(|| (!url.contains(':') && !url.is_empty()).then_some(url))
}

/// The environment variables that a scheme's store knows, in the store's own spelling.
fn cloud_variables(scheme: &str) -> &'static [&'static str] {
    match scheme {
        "s3" | "s3a" => &[
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_REGION",
            "AWS_DEFAULT_REGION",
            "AWS_ROLE_ARN",
            "AWS_ROLE_SESSION_NAME",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        ],
        "gs" => &["GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_KEY", "GOOGLE_APPLICATION_CREDENTIALS"],
        "az" | "azure" => &[
            "AZURE_STORAGE_ACCOUNT_NAME",
            "AZURE_STORAGE_ACCOUNT_KEY",
            "AZURE_STORAGE_SAS_KEY",
            "AZURE_STORAGE_CLIENT_ID",
            "AZURE_STORAGE_CLIENT_SECRET",
            "AZURE_STORAGE_TENANT_ID",
            "AZURE_TENANT_ID",
            "AZURE_CLIENT_ID",
            "AZURE_FEDERATED_TOKEN_FILE",
        ],
        _ => &[],
    }
}

impl From<StorageError> for CliError {
    fn from(error: StorageError) -> Self {
        let failed = Self::failed(error.to_string());
        match error.kind {
            StorageErrorKind::Corrupt => {
                failed.hint("what lies in the bucket was changed or damaged; nothing was done")
            }
            StorageErrorKind::Retry => failed.hint("the bucket did not answer; try again"),
            _ => failed,
        }
    }
}
