//! What a backup's status says, at its start and at its end.

use jiff::{SignedDuration, Timestamp};

use crate::api::status::{first_few, succeeded, whole_seconds};
use crate::api::{ArchiveSummary, Backup, BackupPhase, BackupStatus, FORMAT_VERSION, Progress};
use crate::results::Results;

/// The status of a backup that starts at `now`, or did start when the status it has says so.
///
/// It expires its `ttl` after its start; a `ttl` of zero or less means never (ark-behaviour §2.1).
pub fn started(backup: &Backup, now: Timestamp) -> BackupStatus {
    let earlier = backup.status.as_ref();
    let start = earlier.and_then(|status| status.start_timestamp.clone()).unwrap_or_else(|| whole_seconds(now));
    let ttl = backup.spec.ttl;
    let expiration = ttl
        .is_positive()
        .then(|| start.0.checked_add(SignedDuration::from_nanos(ttl.nanoseconds())).ok())
        .flatten()
        .map(whole_seconds);
    BackupStatus {
        version: FORMAT_VERSION,
        expiration: earlier.and_then(|status| status.expiration.clone()).or(expiration),
        phase: BackupPhase::InProgress,
        start_timestamp: Some(start),
        ..BackupStatus::default()
    }
}

/// The status of a backup whose archive is complete.
pub(super) fn ended(
    start: BackupStatus,
    now: Timestamp,
    archive: ArchiveSummary,
    progress: Progress,
    results: &Results,
) -> BackupStatus {
    let (errors, warnings) = (results.errors.count(), results.warnings.count());
    let phase = if errors == 0 { BackupPhase::Completed } else { BackupPhase::PartiallyFailed };
    let (yes, reason) = if errors == 0 { (true, "Completed") } else { (false, "PartiallyFailed") };
    let message = format!("{} objects saved, {errors} errors, {warnings} warnings", archive.items);
    BackupStatus {
        phase,
        completion_timestamp: Some(whole_seconds(now)),
        progress: Some(progress),
        warnings: Some(i64::try_from(warnings).unwrap_or(i64::MAX)),
        errors: Some(i64::try_from(errors).unwrap_or(i64::MAX)),
        messages: first_few(results.errors.messages()),
        archive: Some(archive),
        conditions: vec![succeeded(now, yes, reason, &message)],
        ..start
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Timestamp, ended, started};
    use crate::api::{ArchiveSummary, Backup, BackupPhase, Progress};
    use crate::results::{Results, Scope};

    fn backup(spec: serde_json::Value, status: serde_json::Value) -> Backup {
        serde_json::from_value(json!({"metadata": {"name": "b"}, "spec": spec, "status": status})).expect("a backup")
    }

    #[test]
    fn it_expires_its_ttl_after_its_start() {
        let now: Timestamp = "2026-01-02T03:04:05.6Z".parse().expect("a time");
        let expiration = |spec, status| started(&backup(spec, status), now).expiration.map(|time| time.0.to_string());
        assert_eq!(expiration(json!({"ttl": "24h"}), json!(null)).as_deref(), Some("2026-01-03T03:04:05Z"));
        assert_eq!(expiration(json!({"ttl": "0s"}), json!(null)), None);
        assert_eq!(expiration(json!({"ttl": "-1h"}), json!(null)), None);
        assert_eq!(expiration(json!({}), json!(null)), None);
        let earlier = json!({"startTimestamp": "2026-01-01T00:00:00Z"});
        assert_eq!(expiration(json!({"ttl": "1h"}), earlier).as_deref(), Some("2026-01-01T01:00:00Z"));
    }

    #[test]
    fn errors_make_it_partial_and_the_first_few_are_shown() {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().expect("a time");
        let start = started(&backup(json!({}), json!(null)), now);
        let mut results = Results::default();
        let end =
            |results: &Results| ended(start.clone(), now, ArchiveSummary::default(), Progress::default(), results);
        results.warning(Scope::Ark, "look");
        assert_eq!((end(&results).phase, end(&results).warnings), (BackupPhase::Completed, Some(1)));
        for _ in 0..20 {
            results.error(Scope::Cluster, "x".repeat(2000));
        }
        let status = end(&results);
        assert_eq!((status.phase, status.errors), (BackupPhase::PartiallyFailed, Some(20)));
        assert!(status.messages.len() == 10 && status.messages.iter().all(|message| message.len() < 1100));
    }
}
