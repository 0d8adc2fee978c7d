//! When to try a request again, and how long to wait before.

use std::time::Duration;

use crate::cluster::{ClusterError, ClusterErrorKind};

/// Tries of one request after the first, each after a longer wait: about a minute in all, which outlives the restart of
/// an API server.
pub(super) const ATTEMPTS_MAX: u32 = 7;

/// Rounds at the end, for what was rejected, after which nothing more is expected to come through.
pub(super) const IDLE_ROUNDS_MAX: u32 = 4;

/// Rounds at the end in all: a chain of owners that are each let through late must end some time.
pub(super) const LATE_ROUNDS_MAX: u32 = 64;

/// First wait; each following one is twice as long.
const DELAY_FIRST: Duration = Duration::from_millis(500);

/// Longest wait that a server may ask for.
const DELAY_MAX: Duration = Duration::from_secs(30);

/// The wait before the next try.
pub(super) fn delay(attempt: u32, error: &ClusterError) -> Duration {
    let own = DELAY_FIRST.saturating_mul(1 << attempt.min(16));
    error.retry_after.unwrap_or(own).clamp(Duration::from_millis(1), DELAY_MAX)
}

/// The wait before a round of late tries.
pub(super) fn late_delay(round: u32) -> Duration {
    Duration::from_secs(1 << round.min(16))
}

/// Whether the reason may pass once the rest of the restore is there: quotas and webhooks reject with 403 or 400, a
/// namespace that is going refuses, a parent may be missing, and what was transient may have lasted longer.
pub(super) fn worth_a_late_try(error: &ClusterError) -> bool {
    match error.kind {
        ClusterErrorKind::Invalid => error.message.contains("webhook"),
        ClusterErrorKind::Forbidden
        | ClusterErrorKind::NamespaceTerminating
        | ClusterErrorKind::Conflict
        | ClusterErrorKind::NotFound => true,
        other => other.is_transient(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{DELAY_MAX, delay, worth_a_late_try};
    use crate::cluster::{ClusterError, ClusterErrorKind};

    fn error(kind: ClusterErrorKind, message: &str) -> ClusterError {
        let operation = "create pods a/b".to_owned();
        ClusterError { kind, operation, message: message.into(), code: 0, retry_after: None, causes: Vec::new() }
    }

    #[test]
    fn waits_grow_and_the_server_decides_within_a_limit() {
        let mut busy = error(ClusterErrorKind::Retry, "busy");
        assert!(delay(0, &busy) < delay(3, &busy) && delay(60, &busy) == DELAY_MAX);
        busy.retry_after = Some(Duration::from_secs(7));
        assert_eq!(delay(0, &busy), Duration::from_secs(7));
        busy.retry_after = Some(Duration::from_hours(24));
        assert_eq!(delay(0, &busy), DELAY_MAX);
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        assert!(worth_a_late_try(&error(ClusterErrorKind::Forbidden, "exceeded quota: shop")));
        assert!(worth_a_late_try(&error(ClusterErrorKind::Invalid, "admission webhook \"x\" denied the request")));
        assert!(!worth_a_late_try(&error(ClusterErrorKind::Invalid, "spec.size: must be at most 100")));
    }
}
