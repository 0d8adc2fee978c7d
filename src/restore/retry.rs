//! When to try a request again, and how long to wait before.

use std::time::Duration;

use crate::cluster::{ClusterError, ClusterErrorKind};

/// Tries of one request after the first, each after a longer wait: about a minute in all, which outlives the restart of
/// an API server.
pub(super) const ATTEMPTS_MAX: u32 = 7;

/// Rounds at the end, for what was rejected, after which nothing more is expected to come through.
const IDLE_ROUNDS_MAX: u32 = 4;

/// The same where a webhook did not answer: its pods may be part of the restore and need a minute to start.
const IDLE_ROUNDS_FOR_WEBHOOKS: u32 = 6;

/// Rounds at the end in all: a chain of owners that are each let through late must end some time.
pub(super) const LATE_ROUNDS_MAX: u32 = 64;

/// How an API server says that a webhook did not answer it.
const WEBHOOK_SILENT: &str = "failed calling webhook";

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

/// How many rounds may pass without anything coming through while these are the reasons.
pub(super) fn idle_rounds<'a>(mut reasons: impl Iterator<Item = &'a String>) -> u32 {
    if reasons.any(|reason| reason.contains(WEBHOOK_SILENT)) { IDLE_ROUNDS_FOR_WEBHOOKS } else { IDLE_ROUNDS_MAX }
}

/// Whether the same request may succeed a moment later. One that a webhook did not answer may not: whatever keeps the
/// webhook away, it keeps away every object of that kind, and waiting for each of them would take hours.
pub(super) fn worth_another_try(error: &ClusterError, attempt: u32) -> bool {
    attempt < ATTEMPTS_MAX && error.kind.is_transient() && !error.message.contains(WEBHOOK_SILENT)
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

    use super::{DELAY_MAX, delay, idle_rounds, worth_a_late_try, worth_another_try};
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
    fn a_silent_webhook_is_waited_for_once_and_not_at_every_object() {
        let silent = "failed calling webhook \"x\": failed to call webhook: service \"x\" not found";
        let silent = error(ClusterErrorKind::Server, silent);
        assert!(!worth_another_try(&silent, 0) && worth_a_late_try(&silent));
        assert!(worth_another_try(&error(ClusterErrorKind::Server, "etcdserver: leader changed"), 0));
        assert!(idle_rounds([&silent.message].into_iter()) > idle_rounds(std::iter::empty()));
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        assert!(worth_a_late_try(&error(ClusterErrorKind::Forbidden, "exceeded quota: shop")));
        assert!(worth_a_late_try(&error(ClusterErrorKind::Invalid, "admission webhook \"x\" denied the request")));
        assert!(!worth_a_late_try(&error(ClusterErrorKind::Invalid, "spec.size: must be at most 100")));
    }
}
