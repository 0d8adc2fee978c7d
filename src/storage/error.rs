//! [`StorageError`]: why the bucket did not do what was asked, in the terms a caller decides by.

use thiserror::Error;

use crate::archive::ArchiveError;

/// An operation on the bucket that failed. Never holds content, credentials or signed URLs.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{operation}: {message}")]
pub struct StorageError {
    /// What a caller can do about it.
    pub kind: StorageErrorKind,
    /// What was asked, such as `read nightly/ark-backup.json`.
    pub operation: String,
    /// What went wrong.
    pub message: String,
}

/// The kinds of failure that callers tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StorageErrorKind {
    /// There is no such backup, or no such file of it.
    NotFound,
    /// It is there already, and what is there is never overwritten.
    AlreadyExists,
    /// Another upload of the same name took over.
    Conflict,
    /// The credentials are missing, wrong, or not allowed to do this.
    Forbidden,
    /// The store did not answer or could not serve; the same may succeed a little later.
    Retry,
    /// What lies in the bucket is not what Ark wrote.
    Corrupt,
    /// It is of a format version that this Ark does not read.
    Version,
    /// The name, location or setting can never be right.
    Invalid,
    /// This store, or this build of Ark, cannot do it.
    Unsupported,
}

impl StorageErrorKind {
    /// Whether the same operation may succeed a little later.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Retry)
    }
}

impl StorageError {
    pub(super) fn new(kind: StorageErrorKind, operation: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, operation: operation.into(), message: message.into() }
    }

    /// The error of a store, with what was asked of it.
    pub(super) fn of(error: &object_store::Error, operation: impl Into<String>) -> Self {
        use object_store::Error as E;
        let (kind, message) = match error {
            E::NotFound { .. } => (StorageErrorKind::NotFound, "it does not exist".to_owned()),
            E::AlreadyExists { .. } | E::Precondition { .. } => {
                (StorageErrorKind::AlreadyExists, "it exists already and is never overwritten".to_owned())
            }
            E::PermissionDenied { .. } | E::Unauthenticated { .. } => (
                StorageErrorKind::Forbidden,
                format!("{}; check the credentials and their rights", without_query(error)),
            ),
            E::NotSupported { .. } | E::NotImplemented { .. } => (StorageErrorKind::Unsupported, without_query(error)),
            E::InvalidPath { .. } | E::UnknownConfigurationKey { .. } => {
                (StorageErrorKind::Invalid, without_query(error))
            }
            _ => (StorageErrorKind::Retry, without_query(error)),
        };
        Self { kind, operation: operation.into(), message }
    }
}

/// The text of an error without the query of any URL in it: that is where signatures are.
fn without_query(error: &object_store::Error) -> String {
    /// Longer texts are whole answers of a server.
    const MESSAGE_BYTES_MAX: usize = 1000;
    let mut text = String::new();
    for word in error.to_string().split_inclusive(char::is_whitespace) {
        match word.split_once('?') {
            Some((front, _)) if front.contains("://") => {
                text.push_str(front);
                text.push(' ');
            }
            _ => text.push_str(word),
        }
    }
    if let Some((end, _)) = text.char_indices().find(|(at, _)| *at >= MESSAGE_BYTES_MAX) {
        text.truncate(end);
    }
    text
}

impl From<StorageError> for ArchiveError {
    fn from(error: StorageError) -> Self {
        Self::Read { transient: error.kind.is_transient(), message: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_apart_and_signatures_stay_out() {
        let source = || "no luck at https://b.example/key?X-Amz-Signature=s3cret today".into();
        let path = || "a/b".to_owned();
        for (error, kind) in [
            (object_store::Error::NotFound { path: path(), source: source() }, StorageErrorKind::NotFound),
            (object_store::Error::AlreadyExists { path: path(), source: source() }, StorageErrorKind::AlreadyExists),
            (object_store::Error::PermissionDenied { path: path(), source: source() }, StorageErrorKind::Forbidden),
            (object_store::Error::NotSupported { source: source() }, StorageErrorKind::Unsupported),
            (object_store::Error::Generic { store: "S3", source: source() }, StorageErrorKind::Retry),
        ] {
            let error = StorageError::of(&error, "read a/b");
            assert_eq!(error.kind, kind);
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
            assert!(error.to_string().starts_with("read a/b: "));
        }
    }
}
