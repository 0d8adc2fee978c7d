//! What became of every entry of the archive, and how that is told: results, log and status.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::api::status::{first_few, succeeded, whole_seconds};
use crate::api::{RestorePhase, RestoreProgress, RestoreStatus};
use crate::archive::EntryPath;
use crate::object::GroupResource;
use crate::results::{JobLog, Results, Scope};

/// What became of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was created.
    Created,
    /// It exists and is identical.
    Unchanged,
    /// It exists, differs at these paths, and was kept.
    Different(Vec<String>),
    /// It existed, differed at these paths, and was changed: by policy, or because it is a service account.
    Updated(Vec<String>),
    /// It was left out for this reason.
    Skipped(String),
    /// It could not be restored for this reason.
    Failed(String),
}

impl Outcome {
    /// One word for tables and logs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Unchanged => "unchanged",
            Self::Different(_) => "different",
            Self::Updated(_) => "updated",
            Self::Skipped(_) => "skipped",
            Self::Failed(_) => "failed",
        }
    }

    /// The reason, or the paths that differ; empty where there is nothing to add.
    pub fn detail(&self) -> String {
        match self {
            Self::Created | Self::Unchanged => String::new(),
            Self::Different(paths) | Self::Updated(paths) => paths.join(", "),
            Self::Skipped(reason) | Self::Failed(reason) => reason.clone(),
        }
    }
}

/// One object of a restore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoredItem {
    /// Its path in the archive; for a namespace that the archive lacks, the path it would have.
    pub path: EntryPath,
    /// Whether the archive holds it. A namespace that only its contents imply is not in it.
    pub in_archive: bool,
    /// The resource it is restored as.
    pub resource: GroupResource,
    /// The namespace it is restored into; `None` where it is cluster-scoped.
    pub namespace: Option<String>,
    /// Its name in the cluster.
    pub name: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// How many objects of one resource have which outcome, by [`Outcome::word`].
pub type Counts = BTreeMap<GroupResource, BTreeMap<&'static str, u64>>;

/// What a restore did.
#[derive(Clone, Debug, PartialEq)]
pub struct RestoreOutcome {
    /// The status to publish.
    pub status: RestoreStatus,
    /// Warnings and errors, as they lie in the bucket.
    pub results: Results,
    /// Counts by resource and outcome.
    pub counts: Counts,
    /// Every object, in the order of the archive.
    pub items: Vec<RestoredItem>,
}

/// Counts by resource and outcome.
pub(super) fn counts(items: &[RestoredItem]) -> Counts {
    let mut counts = Counts::new();
    for item in items {
        *counts.entry(item.resource.clone()).or_default().entry(item.outcome.word()).or_default() += 1;
    }
    counts
}

/// Takes one more outcome into account.
pub(super) fn count(progress: &mut RestoreProgress, outcome: &Outcome) {
    *match outcome {
        Outcome::Created => &mut progress.created,
        Outcome::Unchanged => &mut progress.unchanged,
        Outcome::Different(_) => &mut progress.different,
        Outcome::Updated(_) => &mut progress.updated,
        Outcome::Skipped(_) => &mut progress.skipped,
        Outcome::Failed(_) => &mut progress.failed,
    } += 1;
}

/// The status of a restore that ran to its end.
pub(super) fn status(
    started: Timestamp,
    ended: Timestamp,
    progress: RestoreProgress,
    results: &Results,
) -> RestoreStatus {
    let nothing = progress.created + progress.updated + progress.unchanged + progress.different == 0;
    let failed = results.errors.count() > 0;
    let phase = match (failed, nothing && progress.failed > 0) {
        (false, _) => RestorePhase::Completed,
        (true, false) => RestorePhase::PartiallyFailed,
        (true, true) => RestorePhase::Failed,
    };
    let messages = first_few(results.errors.messages());
    let (errors, warnings) = (results.errors.count(), results.warnings.count());
    let restored = progress.created + progress.updated;
    let message =
        format!("{restored} of {} objects restored, {errors} errors, {warnings} warnings", progress.total_items);
    let reason = match phase {
        RestorePhase::Completed => "Completed",
        RestorePhase::PartiallyFailed => "PartiallyFailed",
        _ => "Failed",
    };
    RestoreStatus {
        phase,
        warnings: i64::try_from(warnings).unwrap_or(i64::MAX),
        errors: i64::try_from(errors).unwrap_or(i64::MAX),
        start_timestamp: Some(whole_seconds(started)),
        completion_timestamp: Some(whole_seconds(ended)),
        progress: Some(progress),
        failure_reason: if phase == RestorePhase::Failed {
            messages.first().cloned().unwrap_or_default()
        } else {
            String::new()
        },
        messages,
        conditions: vec![succeeded(ended, !failed, reason, &message)],
        ..RestoreStatus::default()
    }
}

/// Where messages about objects go while a restore runs.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) results: Results,
    pub(super) log: JobLog,
    pub(super) progress: RestoreProgress,
}

impl Ledger {
    /// A warning about one object.
    pub(super) fn warn(&mut self, path: &EntryPath, namespace: Option<&str>, message: &str) {
        let text = format!("{path}: {message}");
        self.log.warning(&text, &[]);
        self.results.warning(Scope::of(namespace), text);
    }

    /// The outcome of one object: counted, logged, and in the results where a person should look at it.
    pub(super) fn record(&mut self, path: &EntryPath, namespace: Option<&str>, outcome: &Outcome) {
        count(&mut self.progress, outcome);
        let resource = path.resource().to_string();
        let fields = [
            ("groupResource", resource.as_str()),
            ("namespace", namespace.unwrap_or_default()),
            ("name", path.name()),
            ("detail", &outcome.detail()),
        ];
        match outcome {
            Outcome::Different(paths) => {
                self.log.warning("different", &fields);
                let text = format!("{path}: kept as it is: it exists and differs in {}", paths.join(", "));
                self.results.warning(Scope::of(namespace), text);
            }
            Outcome::Failed(reason) => {
                self.log.error("failed", &fields);
                self.results.error(Scope::of(namespace), format!("error restoring {path}: {reason}"));
            }
            _ => self.log.info(outcome.word(), &fields),
        }
    }
}
