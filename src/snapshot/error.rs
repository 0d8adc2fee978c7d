//! [`SnapshotError`]: why a provider of disks refused, in the terms a caller decides by.

use thiserror::Error;

/// A call that failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{operation}: {message}")]
pub struct SnapshotError {
    /// What a caller can do about it.
    pub kind: SnapshotErrorKind,
    /// What was asked, such as `create snapshot of vol-1`.
    pub operation: String,
    /// What the provider said.
    pub message: String,
}

/// The kinds of failure that callers tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SnapshotErrorKind {
    /// There is no such disk or snapshot.
    NotFound,
    /// The token was used for another request.
    Conflict,
    /// The snapshot is not ready to be used.
    NotReady,
    /// The same request can never succeed.
    Invalid,
    /// The credentials do not allow it.
    Forbidden,
    /// A quota is used up: nothing but deleting or asking for more helps.
    Quota,
    /// Too many calls, or the provider is down: try again later.
    Retry,
    /// No answer. What was asked may have happened; the same token tells.
    Timeout,
}

impl SnapshotErrorKind {
    /// Whether the same call may succeed a little later.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::NotReady | Self::Retry | Self::Timeout)
    }
}
