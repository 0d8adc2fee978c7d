//! [`ArchiveError`]: what is wrong with an archive.

use thiserror::Error;

use super::path::{EntryPath, EntryPathError};

/// What is wrong with an archive, an entry or an index. Never holds content.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ArchiveError {
    /// The path is none that the format has. The entry is left out; reading goes on.
    #[error(transparent)]
    Path(#[from] EntryPathError),
    /// The entry is a link, a device or something else that is no regular file. It is left out; reading goes on.
    #[error("{path} is {kind}, not a regular file")]
    NotAFile {
        /// Its path, shortened.
        path: String,
        /// What it is.
        kind: &'static str,
    },
    /// The path was there before. The second one is left out; reading goes on.
    #[error("{path} is in the archive twice")]
    Duplicate {
        /// The path.
        path: String,
    },
    /// The entry is larger than an object can be. It is left out; reading goes on.
    #[error("{path} has {bytes} bytes, more than the limit of {limit}")]
    EntryTooLarge {
        /// The path, shortened.
        path: String,
        /// What its header claims.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The content cannot be read as an object at all. It is left out; reading goes on, and who restores may restore the
    /// rest: nothing suggests that the archive is not what somebody meant to write.
    #[error("{path} cannot be read: {reason}")]
    Unreadable {
        /// The path.
        path: EntryPath,
        /// What is wrong with the text.
        reason: &'static str,
    },
    /// The content is another object than the path says. It is left out; reading goes on.
    #[error("{path} does not hold that object: {reason}")]
    Mismatch {
        /// The path.
        path: String,
        /// What does not agree.
        reason: &'static str,
    },
    /// A limit of the whole archive is exceeded. Reading ends.
    #[error("the archive exceeds the limit of {limit} {what}; raise the limit if it is to be trusted")]
    Limit {
        /// What is limited.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// The archive ends early. Reading ends.
    #[error("the archive is truncated after {bytes} bytes")]
    Truncated {
        /// How many compressed bytes there were.
        bytes: u64,
    },
    /// The bytes are no gzip-compressed tar file. Reading ends.
    #[error("the archive is damaged at byte {at} or before: {reason}")]
    Damaged {
        /// Compressed bytes read until then.
        at: u64,
        /// What was found.
        reason: &'static str,
    },
    /// The archive is of another format version. Reading ends.
    #[error("the archive is of a format version that this Ark does not read; it reads version 1")]
    Version,
    /// The index is unusable; the archive may be read without it.
    #[error("the index is unusable: {reason}")]
    Index {
        /// What is wrong.
        reason: &'static str,
    },
    /// The bytes could not be read.
    #[error("the archive could not be read: {message}")]
    Read {
        /// What the source of the bytes said.
        message: String,
        /// Whether the same read may succeed a little later.
        transient: bool,
    },
}

impl ArchiveError {
    /// Whether reading ends with this error; other errors concern one entry.
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Path(_)
            | Self::NotAFile { .. }
            | Self::Duplicate { .. }
            | Self::EntryTooLarge { .. }
            | Self::Unreadable { .. }
            | Self::Mismatch { .. } => false,
            Self::Limit { .. }
            | Self::Truncated { .. }
            | Self::Damaged { .. }
            | Self::Version
            | Self::Index { .. }
            | Self::Read { .. } => true,
        }
    }
}
