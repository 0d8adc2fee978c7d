//! Backups: from the request to its phase (ark-behaviour §2.1, design decisions 1 and 5).

use std::sync::Arc;

use async_trait::async_trait;
use tracing::{info, warn};

use super::progress::Reporter;
use super::silence::Listener;
use super::status::StatusWriter;
use super::{Action, ControllerError, Reconciler, own_resource};
use crate::api::status::{brief, refusal, succeeded, whole_seconds};
use crate::api::{Backup, BackupPhase, BackupStatus};
use crate::backup::{self, BackupContext};
use crate::object::{ApiResource, RawObject};
use crate::storage::StorageErrorKind;

/// Why a backup that nobody runs any more has failed.
const STOPPED: &str = "the server stopped while the backup was running; create a new one";

/// Carries out Backup objects.
#[derive(Debug)]
pub struct BackupController {
    context: BackupContext,
    resource: ApiResource,
    listener: Listener,
}

impl BackupController {
    /// A controller that works in this context. The context's observer is not used: progress goes to the status.
    pub fn new(context: BackupContext) -> Self {
        let listener = Listener::new(Arc::clone(&context.clock));
        Self { context, resource: own_resource("backups", "Backup"), listener }
    }

    async fn start(&self, mut backup: Backup, status: &StatusWriter<'_>) -> Result<Action, ControllerError> {
        let now = self.context.clock.now();
        let mut begun = backup::started(&backup, now);
        begun.validation_errors = refusal(&backup::validate(&backup.spec));
        if !begun.validation_errors.is_empty() {
            begun.phase = BackupPhase::FailedValidation;
            info!(backup = status.name, errors = ?begun.validation_errors, "the backup is refused");
            status.claim(&begun).await?;
            return Ok(Action::Done);
        }
        begun.heartbeat_timestamp = Some(whole_seconds(now));
        status.claim(&begun).await?;
        info!(backup = status.name, "the backup starts");
        backup.status = Some(begun.clone());
        let reporter = Arc::new(Reporter::new());
        let context = BackupContext { progress: Arc::clone(&reporter) as _, ..self.context.clone() };
        let job = async {
            let outcome = backup::run(&context, &backup).await;
            reporter.end();
            outcome
        };
        let (outcome, ()) = tokio::join!(job, reporter.write_to(status));
        let ended = match outcome {
            Ok(outcome) => outcome.status,
            Err(error) => self.failed(begun, "Failed", &error.to_string()),
        };
        info!(backup = status.name, phase = ?ended.phase, "the backup ended");
        status.write(&ended).await?;
        Ok(Action::Done)
    }

    /// Settles what an earlier process left behind: the bucket knows whether it was published.
    async fn recover(
        &self,
        backup: &Backup,
        begun: BackupStatus,
        status: &StatusWriter<'_>,
    ) -> Result<Action, ControllerError> {
        if let Some(left) = self.listener.wait(status.uid, status.revision, begun.heartbeat_timestamp.is_some()) {
            return Ok(Action::RequeueAfter(left));
        }
        let ended = match self.context.store.metadata(status.name).await {
            Ok(published) if published.metadata.uid == backup.metadata.uid => {
                info!(backup = status.name, "the backup was published by an earlier process");
                published.status.unwrap_or_default()
            }
            Ok(_) => self.failed(begun, "NameTaken", "the bucket holds another backup of this name; choose another"),
            Err(error) if error.kind == StorageErrorKind::NotFound => self.failed(begun, "Interrupted", STOPPED),
            Err(error) if error.kind.is_transient() => return Err(error.into()),
            Err(error) => self.failed(begun, "Interrupted", &format!("{STOPPED} ({error})")),
        };
        warn!(backup = status.name, phase = ?ended.phase, "a backup was found that nobody runs");
        status.claim(&ended).await?;
        Ok(Action::Done)
    }

    fn failed(&self, begun: BackupStatus, reason: &str, message: &str) -> BackupStatus {
        let now = self.context.clock.now();
        BackupStatus {
            phase: BackupPhase::Failed,
            completion_timestamp: Some(whole_seconds(now)),
            heartbeat_timestamp: None,
            errors: Some(1),
            messages: vec![brief(message)],
            conditions: vec![succeeded(now, false, reason, message)],
            ..begun
        }
    }
}

#[async_trait]
impl Reconciler for BackupController {
    fn resource(&self) -> &ApiResource {
        &self.resource
    }

    async fn reconcile(&self, object: &RawObject) -> Result<Action, ControllerError> {
        let Ok(head) = object.head() else { return Ok(Action::Done) };
        let (cluster, clock) = (self.context.cluster.as_ref(), &self.context.clock);
        let Some(status) = StatusWriter::of(cluster, clock, &self.resource, &head) else { return Ok(Action::Done) };
        let Some(backup) = status.read::<Backup>(object).await? else { return Ok(Action::Done) };
        let begun = backup.status.clone().unwrap_or_default();
        match begun.phase {
            BackupPhase::New => self.start(backup, &status).await,
            BackupPhase::InProgress => self.recover(&backup, begun, &status).await,
            _ => Ok(Action::Done),
        }
    }
}
