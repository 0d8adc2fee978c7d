//! Writes the status of one object: by merge patch, through the status subresource, again where it did not arrive.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::api::status::{brief, whole_seconds};
use crate::clock::Clock;
use crate::cluster::{Cluster, ClusterError, ClusterErrorKind, Patch, Target};
use crate::object::{ApiResource, Head, RawObject};

/// How often a status is sent before the object is put off: with the pauses below, some four minutes, which an API server
/// needs at most to come back.
const TRIES: u32 = 10;

/// The first pause; each further one is twice as long.
const PAUSE_FIRST: Duration = Duration::from_millis(500);

/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_mins(1);

/// The field that says that somebody works on the object.
const HEARTBEAT: &str = "heartbeatTimestamp";

/// Writes the status of one object.
#[derive(Debug)]
pub(super) struct StatusWriter<'a> {
    pub(super) cluster: &'a dyn Cluster,
    pub(super) clock: &'a Arc<dyn Clock>,
    pub(super) resource: &'a ApiResource,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    /// Another object of the same name does not get this one's status.
    pub(super) uid: &'a str,
    /// The revision that was looked at.
    pub(super) revision: &'a str,
}

impl<'a> StatusWriter<'a> {
    /// The writer for this object; `None` where it is being deleted, which leaves nothing to do.
    pub(super) fn of(
        cluster: &'a dyn Cluster,
        clock: &'a Arc<dyn Clock>,
        resource: &'a ApiResource,
        head: &'a Head<'_>,
    ) -> Option<Self> {
        let metadata = &head.metadata;
        metadata.deletion_timestamp.is_none().then(|| Self {
            cluster,
            clock,
            resource,
            namespace: &metadata.namespace,
            name: &metadata.name,
            uid: &metadata.uid,
            revision: &metadata.resource_version,
        })
    }

    /// Reads the object. One that cannot be read is refused, unless it has been looked at before.
    pub(super) async fn read<T: DeserializeOwned>(&self, object: &RawObject) -> Result<Option<T>, ClusterError> {
        // Read from the tree, so that the reason names no place in the text: the server wrote that, not who is to mend it.
        let tree = object.value().unwrap_or_default();
        let phase = tree["status"]["phase"].as_str().map(str::to_owned);
        let error = match serde_json::from_value(tree) {
            Ok(read) => return Ok(Some(read)),
            Err(error) => error,
        };
        if phase.is_none_or(|phase| phase.is_empty() || phase == "New") {
            let reason = brief(&format!("The {} cannot be read: {error}", self.resource.kind));
            self.claim(&json!({"phase": "FailedValidation", "validationErrors": [reason]})).await?;
        }
        Ok(None)
    }

    /// Writes a whole status over the object of the revision that was looked at. Fails with a conflict where it has
    /// changed.
    pub(super) async fn claim(&self, status: &impl Serialize) -> Result<(), ClusterError> {
        let patch = json!({"metadata": {"uid": self.uid, "resourceVersion": self.revision}, "status": full(status)});
        self.send_patiently(&patch).await
    }

    /// Writes a whole status, whatever else has changed. An object that is gone needs none.
    pub(super) async fn write(&self, status: &impl Serialize) -> Result<(), ClusterError> {
        let patch = json!({"metadata": {"uid": self.uid}, "status": full(status)});
        match self.send_patiently(&patch).await {
            Err(error) if error.kind == ClusterErrorKind::NotFound => Ok(()),
            written => written,
        }
    }

    /// Writes that it is worked on, and how far it is where that is known; once, the next one tells more.
    pub(super) async fn progress(&self, progress: Option<&impl Serialize>) {
        let mut status = json!({HEARTBEAT: whole_seconds(self.clock.now())});
        if let Some(progress) = progress {
            status["progress"] = serde_json::to_value(progress).expect("API types always serialise");
        }
        let patch = json!({"metadata": {"uid": self.uid}, "status": status});
        if let Err(error) = self.send(&patch).await {
            tracing::debug!(%error, "progress was not written");
        }
    }

    async fn send_patiently(&self, patch: &Value) -> Result<(), ClusterError> {
        let mut pause = PAUSE_FIRST;
        for _ in 1..TRIES {
            match self.send(patch).await {
                Err(error) if error.kind.is_transient() => {
                    tracing::warn!(%error, "a status was not written; it is sent again");
                    self.clock.sleep(error.retry_after.unwrap_or_default().max(pause)).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
                answer => return answer,
            }
        }
        self.send(patch).await
    }

    async fn send(&self, patch: &Value) -> Result<(), ClusterError> {
        let target = Target {
            resource: self.resource,
            namespace: Some(self.namespace),
            name: self.name,
            subresource: Some("status"),
        };
        self.cluster.patch(target, &Patch::Merge(RawObject::from_value(patch))).await.map(|_| ())
    }
}

/// A whole status. A merge patch keeps what it does not name: the heartbeat of what is not worked on is taken away.
fn full(status: &impl Serialize) -> Value {
    let mut status = serde_json::to_value(status).expect("API types always serialise");
    if status.get(HEARTBEAT).is_none() {
        status[HEARTBEAT] = Value::Null;
    }
    status
}
