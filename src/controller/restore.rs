//! Restores: from the request to its phase (ark-behaviour §4.1, design decisions 1 and 5).

use std::sync::Arc;

use async_trait::async_trait;
use tracing::{info, warn};

use super::progress::Reporter;
use super::silence::Listener;
use super::status::StatusWriter;
use super::{Action, ControllerError, Reconciler, own_resource};
use crate::api::status::{refusal, succeeded, whole_seconds};
use crate::api::{Restore, RestorePhase, RestoreStatus};
use crate::object::{ApiResource, RawObject};
use crate::restore::{self, RestoreContext};

/// Why a restore that nobody runs any more has failed. A new one finds what exists and goes on from there.
const STOPPED: &str = "the server stopped while the restore was running; \
    what it restored is in the cluster, and a new restore of the same backup does the rest";

/// Carries out Restore objects.
#[derive(Debug)]
pub struct RestoreController {
    context: RestoreContext,
    resource: ApiResource,
    listener: Listener,
}

impl RestoreController {
    /// A controller that works in this context. The context's observer is not used: progress goes to the status.
    pub fn new(context: RestoreContext) -> Self {
        let listener = Listener::new(Arc::clone(&context.clock));
        Self { context, resource: own_resource("restores", "Restore"), listener }
    }

    async fn start(&self, mut restore: Restore, status: &StatusWriter<'_>) -> Result<Action, ControllerError> {
        let now = self.context.clock.now();
        let mut begun = RestoreStatus {
            phase: RestorePhase::InProgress,
            start_timestamp: Some(whole_seconds(now)),
            validation_errors: refusal(&restore::validate(&restore.spec)),
            ..RestoreStatus::default()
        };
        if !begun.validation_errors.is_empty() {
            begun.phase = RestorePhase::FailedValidation;
            info!(restore = status.name, errors = ?begun.validation_errors, "the restore is refused");
            status.claim(&begun).await?;
            return Ok(Action::Done);
        }
        begun.heartbeat_timestamp = Some(whole_seconds(now));
        status.claim(&begun).await?;
        info!(restore = status.name, backup = restore.spec.backup_name, "the restore starts");
        restore.status = Some(begun);
        let reporter = Arc::new(Reporter::new());
        let context = RestoreContext { observer: Arc::clone(&reporter) as _, ..self.context.clone() };
        let job = async {
            let outcome = restore::run(&context, &restore).await;
            reporter.end();
            outcome
        };
        let (outcome, ()) = tokio::join!(job, reporter.write_to(status));
        let ended = match outcome {
            Ok(outcome) => outcome.status,
            Err(error) => restore::failed_status(now, self.context.clock.now(), &error),
        };
        info!(restore = status.name, phase = ?ended.phase, "the restore ended");
        status.write(&ended).await?;
        Ok(Action::Done)
    }

    /// Ends what an earlier process left behind.
    async fn recover(&self, begun: RestoreStatus, status: &StatusWriter<'_>) -> Result<Action, ControllerError> {
        if let Some(left) = self.listener.wait(status.uid, status.revision, begun.heartbeat_timestamp.is_some()) {
            return Ok(Action::RequeueAfter(left));
        }
        let now = self.context.clock.now();
        warn!(restore = status.name, "a restore was found that nobody runs");
        let ended = RestoreStatus {
            phase: RestorePhase::Failed,
            completion_timestamp: Some(whole_seconds(now)),
            heartbeat_timestamp: None,
            errors: begun.errors.max(1),
            messages: vec![STOPPED.to_owned()],
            failure_reason: STOPPED.to_owned(),
            conditions: vec![succeeded(now, false, "Interrupted", STOPPED)],
            ..begun
        };
        status.claim(&ended).await?;
        Ok(Action::Done)
    }
}

#[async_trait]
impl Reconciler for RestoreController {
    fn resource(&self) -> &ApiResource {
        &self.resource
    }

    async fn reconcile(&self, object: &RawObject) -> Result<Action, ControllerError> {
        let Ok(head) = object.head() else { return Ok(Action::Done) };
        let (cluster, clock) = (self.context.cluster.as_ref(), &self.context.clock);
        let Some(status) = StatusWriter::of(cluster, clock, &self.resource, &head) else { return Ok(Action::Done) };
        let Some(restore) = status.read::<Restore>(object).await? else { return Ok(Action::Done) };
        let begun = restore.status.clone().unwrap_or_default();
        match begun.phase {
            RestorePhase::New => self.start(restore, &status).await,
            RestorePhase::InProgress => self.recover(begun, &status).await,
            _ => Ok(Action::Done),
        }
    }
}
