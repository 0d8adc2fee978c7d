//! Ark in a cluster: checks that it can work there, then runs the controllers until it is told to stop.
//!
//! Owns the order of the start: its namespace exists, its own kinds are served, then backups and restores are worked on.
//! Told to stop, it takes no new object and finishes the one at hand. What it cannot finish, because it is killed, the
//! next start settles.
//!
//! # Differences
//! * Ark v0.6 waited for a Config object and retried for ever without its definitions; this server says what is missing.
//! * v0.6 knew no signal: it was killed in the middle of its work.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use serde_json::json;
use thiserror::Error;
use tracing::{info, warn};

use crate::api::{API_VERSION, GROUP};
use crate::backup::{BackupContext, Unobserved};
use crate::clock::Clock;
use crate::cluster::{Cluster, ClusterError, ClusterErrorKind};
use crate::controller::{BackupController, RestoreController, runtime};
use crate::object::{ApiResource, RawObject};
use crate::restore::{self, RestoreContext, RestoreSettings};
use crate::storage::BackupStore;

/// The kinds that the controllers work on.
const KINDS: [&str; 2] = ["backups", "restores"];

/// How often the start asks before it gives up: definitions need a moment until they are served.
const START_TRIES: u32 = 10;

/// Pause between two tries.
const START_PAUSE: Duration = Duration::from_secs(2);

/// How the server runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerOptions {
    /// Where Ark's own objects are.
    pub namespace: String,
}

/// Why the server cannot start.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ServerError {
    /// The cluster does not answer, or refuses what the server needs.
    #[error("start the server: {0}")]
    Cluster(#[from] ClusterError),
    /// The cluster does not know Ark's kinds.
    #[error(
        "start the server: the cluster does not serve {}; install the definitions with `ark crds | kubectl apply -f -`",
        missing.join(", ")
    )]
    MissingDefinitions {
        /// What is missing, as `backups.ark.heptio.com`.
        missing: Vec<String>,
    },
}

/// Works on Backup and Restore objects until `shutdown` resolves.
///
/// # Errors
/// Where it cannot start. Once it runs, failures are in the status of the objects they concern.
pub async fn run(
    cluster: Arc<dyn Cluster>,
    store: BackupStore,
    clock: Arc<dyn Clock>,
    options: ServerOptions,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServerError> {
    let shutdown = shutdown.shared();
    let namespace = options.namespace.as_str();
    tokio::select! {
        biased;
        () = shutdown.clone() => return Ok(()),
        started = start(cluster.as_ref(), clock.as_ref(), namespace) => started?,
    }
    let backups = BackupController::new(BackupContext {
        cluster: Arc::clone(&cluster),
        store: store.clone(),
        clock: Arc::clone(&clock),
        own_namespace: options.namespace.clone(),
        progress: Arc::new(Unobserved),
    });
    let restores = RestoreController::new(RestoreContext {
        cluster: Arc::clone(&cluster),
        store,
        clock: Arc::clone(&clock),
        own_namespace: options.namespace.clone(),
        settings: RestoreSettings::default(),
        observer: Arc::new(restore::Unobserved),
    });
    info!(namespace, "the server runs");
    tokio::join!(
        runtime::run(Arc::clone(&cluster), Arc::clone(&clock), namespace, &backups, shutdown.clone()),
        runtime::run(Arc::clone(&cluster), Arc::clone(&clock), namespace, &restores, shutdown.clone()),
    );
    info!(namespace, "the server has stopped");
    Ok(())
}

/// Makes sure that the server can work, patiently: a cluster that comes up answers late.
async fn start(cluster: &dyn Cluster, clock: &dyn Clock, namespace: &str) -> Result<(), ServerError> {
    for _ in 1..START_TRIES {
        match try_start(cluster, namespace).await {
            Ok(()) => return Ok(()),
            Err(ServerError::Cluster(error)) if !error.kind.is_transient() => return Err(error.into()),
            Err(error) => {
                warn!(%error, "the server cannot start yet");
                clock.sleep(START_PAUSE).await;
            }
        }
    }
    try_start(cluster, namespace).await
}

async fn try_start(cluster: &dyn Cluster, namespace: &str) -> Result<(), ServerError> {
    let found = cluster.discover().await?;
    let missing: Vec<String> = KINDS
        .into_iter()
        .filter(|plural| !found.resources.iter().any(|served| served.plural == *plural && is_own(served)))
        .map(|plural| format!("{plural}.{GROUP}"))
        .collect();
    if !missing.is_empty() {
        return Err(ServerError::MissingDefinitions { missing });
    }
    for broken in found.broken {
        warn!(group = broken.group_version, reason = broken.reason, "a group of the API does not answer");
    }
    let namespaces = found.resources.iter().find(|served| served.group.is_empty() && served.plural == "namespaces");
    let Some(namespaces) = namespaces else { return Ok(()) };
    ensure_namespace(cluster, namespaces, namespace).await?;
    Ok(())
}

fn is_own(resource: &ApiResource) -> bool {
    resource.api_version() == API_VERSION && resource.subresources.contains("status")
}

/// A server that may not look at namespaces was given one: it finds out soon enough whether it is there.
async fn ensure_namespace(cluster: &dyn Cluster, namespaces: &ApiResource, name: &str) -> Result<(), ClusterError> {
    match cluster.get(namespaces, None, name).await {
        Err(error) if error.kind == ClusterErrorKind::NotFound => {}
        Err(error) if error.kind == ClusterErrorKind::Forbidden => return Ok(()),
        answer => return answer.map(|_| ()),
    }
    let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    match cluster.create(namespaces, None, &RawObject::from_value(&object)).await {
        Err(error) if error.kind == ClusterErrorKind::AlreadyExists => Ok(()),
        created => created.map(|_| ()),
    }
}
