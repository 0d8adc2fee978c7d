//! Backup and Restore objects in a cluster, for commands that talk to a server.
//!
//! The command line writes an object, the server does the work, the command line watches the object's status. It uses
//! the same [`Cluster`] interface as the engines, so the same code serves a person's cluster and the demo's.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::{CliError, Exit};
use crate::api::{Backup, BackupPhase, Restore, RestorePhase};
use crate::clock::Clock;
use crate::cluster::{Cluster, ClusterError, ClusterErrorKind, ListOptions, WatchEvent, WatchOptions};
use crate::object::{ApiResource, RawObject};

/// Objects a page of a list asks for.
const PAGE_ITEMS: u32 = 500;

/// Pages a list may have: a server that never ends one must not fill the memory.
const PAGES_MAX: usize = 2_000;

/// How long one watch lasts before the object is read again.
const WATCH_SPAN: Duration = Duration::from_mins(1);

/// Pause between two watches, so that a server that ends them at once is not flooded.
const WATCH_PAUSE: Duration = Duration::from_millis(500);

/// Failures in a row after which waiting gives up.
const WATCH_FAILURES_MAX: u32 = 20;

/// Where the work behind an object stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// No server has taken it up.
    Waiting,
    /// It runs: items done and announced.
    Running(u64, u64),
    /// It has ended.
    Ended(Exit),
}

/// A kind of Ark's that the command line works with.
pub(crate) trait Kind: Serialize + DeserializeOwned + Send {
    /// Plural name of the resource.
    const PLURAL: &'static str;
    /// Singular name.
    const SINGULAR: &'static str;
    /// The kind.
    const KIND: &'static str;
    /// The metadata.
    fn metadata(&self) -> &ObjectMeta;
    /// Where the work stands.
    fn stage(&self) -> Stage;

    /// The name; empty where there is none.
    fn name(&self) -> &str {
        self.metadata().name.as_deref().unwrap_or_default()
    }
}

impl Kind for Backup {
    const PLURAL: &'static str = "backups";
    const SINGULAR: &'static str = "backup";
    const KIND: &'static str = "Backup";

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn stage(&self) -> Stage {
        let Some(status) = &self.status else { return Stage::Waiting };
        let progress = status.progress.unwrap_or_default();
        match status.phase {
            BackupPhase::New => Stage::Waiting,
            BackupPhase::InProgress => Stage::Running(progress.items_backed_up, progress.total_items),
            BackupPhase::Completed => Stage::Ended(Exit::Done),
            BackupPhase::PartiallyFailed => Stage::Ended(Exit::Partly),
            BackupPhase::FailedValidation | BackupPhase::Failed | BackupPhase::Deleting => Stage::Ended(Exit::Failed),
        }
    }
}

impl Kind for Restore {
    const PLURAL: &'static str = "restores";
    const SINGULAR: &'static str = "restore";
    const KIND: &'static str = "Restore";

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn stage(&self) -> Stage {
        let Some(status) = &self.status else { return Stage::Waiting };
        let progress = status.progress.as_ref();
        match status.phase {
            RestorePhase::New => Stage::Waiting,
            RestorePhase::InProgress => Stage::Running(
                progress.map_or(0, super::progress::restored),
                progress.map_or(0, |progress| progress.total_items),
            ),
            RestorePhase::Completed => Stage::Ended(Exit::Done),
            RestorePhase::PartiallyFailed => Stage::Ended(Exit::Partly),
            RestorePhase::FailedValidation | RestorePhase::Failed => Stage::Ended(Exit::Failed),
        }
    }
}

/// The objects of one kind in Ark's namespace.
#[derive(Debug)]
pub(crate) struct Objects {
    cluster: Arc<dyn Cluster>,
    clock: Arc<dyn Clock>,
    resource: ApiResource,
    namespace: String,
}

impl Objects {
    /// Finds the kind in the cluster.
    pub(crate) async fn of<K: Kind>(
        cluster: Arc<dyn Cluster>,
        clock: Arc<dyn Clock>,
        namespace: &str,
    ) -> Result<Self, CliError> {
        let discovery = cluster.discover().await?;
        let resource = discovery
            .resources
            .into_iter()
            .find(|resource| resource.group == crate::api::GROUP && resource.plural == K::PLURAL);
        let Some(resource) = resource else {
            let absent = format!("the cluster does not serve {}.{}", K::PLURAL, crate::api::GROUP);
            return Err(CliError::failed(absent)
                .hint("`ark crds | kubectl apply -f -` installs Ark's kinds, `ark server` runs its server")
                .hint("`--store URL` works on a bucket directly, without a server"));
        };
        Ok(Self { cluster, clock, resource, namespace: namespace.to_owned() })
    }

    /// One object.
    pub(crate) async fn get<K: Kind>(&self, name: &str) -> Result<K, CliError> {
        match self.cluster.get(&self.resource, Some(&self.namespace), name).await {
            Ok(object) => read(&object, name),
            Err(error) if error.kind == ClusterErrorKind::NotFound => Err(self.absent::<K>(name)),
            Err(error) => Err(error.into()),
        }
    }

    /// All objects whose labels match, in the server's order.
    pub(crate) async fn list<K: Kind>(&self, selector: Option<String>) -> Result<Vec<K>, CliError> {
        let mut options = ListOptions { label_selector: selector, limit: Some(PAGE_ITEMS), ..ListOptions::default() };
        let mut objects = Vec::new();
        for _ in 0..PAGES_MAX {
            let page = self.cluster.list(&self.resource, Some(&self.namespace), &options).await?;
            for item in &page.items {
                objects.push(read(item, K::PLURAL)?);
            }
            options.continue_token = page.continue_token;
            if options.continue_token.is_none() {
                return Ok(objects);
            }
        }
        Err(CliError::failed(format!("the list of {} does not end", K::PLURAL)))
    }

    /// Creates an object.
    pub(crate) async fn create<K: Kind>(&self, object: &K) -> Result<K, CliError> {
        let name = object.name();
        let raw = RawObject::from_value(&value_of(object)?);
        match self.cluster.create(&self.resource, Some(&self.namespace), &raw).await {
            Ok(stored) => read(&stored, name),
            Err(error) if error.kind == ClusterErrorKind::AlreadyExists => {
                Err(CliError::failed(format!("the {} \"{name}\" exists already", K::SINGULAR))
                    .hint(format!("nothing was changed; choose another name, or see `ark {} get`", K::SINGULAR)))
            }
            Err(error) if error.kind == ClusterErrorKind::NotFound => Err(CliError::from(error)
                .hint(format!("the namespace {} may be absent: a running server makes it", self.namespace))),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until the work behind an object has ended; `seen` is told every state on the way.
    pub(crate) async fn wait<K: Kind>(&self, name: &str, mut seen: impl FnMut(Stage)) -> Result<K, CliError> {
        let mut failures = 0;
        loop {
            let version = match self.cluster.get(&self.resource, Some(&self.namespace), name).await {
                Ok(raw) => {
                    let object: K = read(&raw, name)?;
                    seen(object.stage());
                    if matches!(object.stage(), Stage::Ended(_)) {
                        return Ok(object);
                    }
                    object.metadata().resource_version.clone()
                }
                Err(error) => {
                    self.tolerate::<K>(name, error, &mut failures)?;
                    None
                }
            };
            let options = WatchOptions {
                resource_version: version,
                field_selector: Some(format!("metadata.name={name}")),
                timeout: Some(WATCH_SPAN),
                ..WatchOptions::default()
            };
            match self.cluster.watch(&self.resource, Some(&self.namespace), &options).await {
                Ok(mut changes) => {
                    while let Some(change) = changes.next().await {
                        match change {
                            Ok(WatchEvent::Added(raw) | WatchEvent::Modified(raw)) => {
                                failures = 0;
                                let object: K = read(&raw, name)?;
                                seen(object.stage());
                                if matches!(object.stage(), Stage::Ended(_)) {
                                    return Ok(object);
                                }
                            }
                            Ok(WatchEvent::Deleted(_)) => {
                                let gone =
                                    format!("the {} \"{name}\" was deleted while it was waited for", K::SINGULAR);
                                return Err(CliError::failed(gone));
                            }
                            Ok(WatchEvent::Bookmark(_)) => {}
                            Err(error) => {
                                self.tolerate::<K>(name, error, &mut failures)?;
                                break;
                            }
                        }
                    }
                }
                Err(error) => self.tolerate::<K>(name, error, &mut failures)?,
            }
            self.clock.sleep(WATCH_PAUSE).await;
        }
    }

    /// Lets a failure pass that the next try may not have.
    fn tolerate<K: Kind>(&self, name: &str, error: ClusterError, failures: &mut u32) -> Result<(), CliError> {
        *failures += 1;
        match error.kind {
            ClusterErrorKind::Expired => Ok(()),
            ClusterErrorKind::NotFound => Err(self.absent::<K>(name)),
            kind if kind.is_transient() && *failures < WATCH_FAILURES_MAX => Ok(()),
            _ => Err(CliError::from(error).while_doing(format!("waiting for the {} \"{name}\"", K::SINGULAR))),
        }
    }

    fn absent<K: Kind>(&self, name: &str) -> CliError {
        CliError::failed(format!("{} \"{name}\" not found in namespace {}", K::SINGULAR, self.namespace))
            .hint(format!("`ark {} get` lists what there is", K::SINGULAR))
    }
}

/// An object as a tree, with `apiVersion` and `kind`.
pub(crate) fn value_of<K: Kind>(object: &K) -> Result<Value, CliError> {
    serde_json::to_value(object)
        .map_err(|error| CliError::failed(format!("the {} cannot be written: {error}", K::SINGULAR)))
}

fn read<K: Kind>(raw: &RawObject, name: &str) -> Result<K, CliError> {
    serde_json::from_slice(raw.bytes()).map_err(|error| {
        CliError::failed(format!("the {} \"{name}\" in the cluster cannot be read: {error}", K::SINGULAR))
    })
}
