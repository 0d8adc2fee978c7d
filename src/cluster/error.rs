//! [`ClusterError`]: why a request failed, in the terms a caller decides by.

use std::time::Duration;

use thiserror::Error;

use super::quoted::without_values;

/// A request that failed: what was asked, and what the server or the connection said.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{operation}: {message}")]
pub struct ClusterError {
    /// What a caller can do about it.
    pub kind: ClusterErrorKind,
    /// What was asked, such as `create configmaps shop/settings`.
    pub operation: String,
    /// What the server said. Never content of an object beyond what the server quotes.
    pub message: String,
    /// HTTP status code; zero where there was no answer.
    pub code: u16,
    /// How long the server asks to wait before the next try.
    pub retry_after: Option<Duration>,
    /// The server's `details.causes`, as `field: message` or `message`.
    pub causes: Vec<String>,
}

impl ClusterError {
    /// What the server said, fit for logs and results: without the values of fields that it quotes.
    pub fn reason(&self) -> String {
        without_values(&self.message)
    }
}

/// The kinds of failure that callers tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClusterErrorKind {
    /// 404: the object, its namespace or its resource is absent.
    NotFound,
    /// 409 on create: an object of this name exists.
    AlreadyExists,
    /// 409: somebody else wrote first, or a precondition does not hold.
    Conflict,
    /// 410: the continue token or revision is too old; list again.
    Expired,
    /// 401 or 403.
    Forbidden,
    /// 403 because the namespace is being deleted.
    NamespaceTerminating,
    /// 400, 405, 406, 413, 415, 422: the same request can never succeed.
    Invalid,
    /// 429 and 503 and the like: try again later.
    Retry,
    /// 504, or no answer in time. A write may have happened.
    Timeout,
    /// The connection failed before or during the answer. A write may have happened.
    Connection,
    /// The answer was not what the API promises.
    Corrupt,
    /// 500 and everything else.
    Server,
}

impl ClusterErrorKind {
    /// Whether the same request may succeed a little later.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Retry | Self::Timeout | Self::Connection | Self::Server)
    }
}
