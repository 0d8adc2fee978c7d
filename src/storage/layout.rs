//! Where things lie in a bucket (ark-behaviour §3.1): keys, and the names they are made of.

use super::{StorageError, StorageErrorKind};

/// The file that commits a backup: what has none is no backup.
pub(super) const METADATA: &str = "ark-backup.json";

/// The file by which an upload in progress claims its name.
pub(super) const CLAIM: &str = "ark-upload.json";

/// Longest name in bytes; Kubernetes' own limit.
const NAME_BYTES_MAX: usize = 253;

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BackupFile {
    /// `B/ark-backup.json`: the Backup object.
    Metadata,
    /// `B/B.tar.gz`: the archive.
    Archive,
    /// `B/B-logs.gz`: the log.
    Log,
    /// `B/B-results.gz`: warnings and errors. Ark v0.6 wrote none.
    Results,
    /// `B/B-index.json.gz`: where in the archive every object lies. Ark v0.6 wrote none.
    Index,
    /// `B/restore-R-logs.gz`: the log of the restore named.
    RestoreLog(String),
    /// `B/restore-R-results.gz`: warnings and errors of the restore named.
    RestoreResults(String),
}

impl BackupFile {
    /// The key of this file of `backup`, relative to the bucket's prefix.
    ///
    /// # Errors
    /// [`StorageErrorKind::Invalid`] where the backup's or restore's name is none that Kubernetes allows.
    pub fn key(&self, backup: &str) -> Result<String, StorageError> {
        check_name("backup", backup)?;
        if let Self::RestoreLog(restore) | Self::RestoreResults(restore) = self {
            check_name("restore", restore)?;
        }
        Ok(match self {
            Self::Metadata => format!("{backup}/{METADATA}"),
            Self::Archive => format!("{backup}/{backup}.tar.gz"),
            Self::Log => format!("{backup}/{backup}-logs.gz"),
            Self::Results => format!("{backup}/{backup}-results.gz"),
            Self::Index => format!("{backup}/{backup}-index.json.gz"),
            Self::RestoreLog(restore) => format!("{backup}/restore-{restore}-logs.gz"),
            Self::RestoreResults(restore) => format!("{backup}/restore-{restore}-results.gz"),
        })
    }
}

/// The files that an upload writes before the backup is committed.
pub(super) const UNCOMMITTED: [BackupFile; 4] =
    [BackupFile::Archive, BackupFile::Index, BackupFile::Log, BackupFile::Results];

/// Refuses what is no name of a Kubernetes object: it becomes part of a key.
pub(super) fn check_name(what: &str, name: &str) -> Result<(), StorageError> {
    if is_name(name) {
        return Ok(());
    }
    let shown: String = name.chars().take(80).flat_map(char::escape_debug).collect();
    Err(StorageError::new(
        StorageErrorKind::Invalid,
        format!("name a {what} '{shown}'"),
        "a name has lower-case letters, digits, dashes and dots, begins and ends with a letter or digit, and has at most \
         253 characters",
    ))
}

/// Whether this is a DNS subdomain, as the names of all custom resources are.
pub(super) fn is_name(name: &str) -> bool {
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let label =
        |label: &str| label.starts_with(edge) && label.ends_with(edge) && label.chars().all(|c| edge(c) || c == '-');
    name.len() <= NAME_BYTES_MAX && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_ark() {
        for (file, key) in [
            (BackupFile::Metadata, "b-1/ark-backup.json"),
            (BackupFile::Archive, "b-1/b-1.tar.gz"),
            (BackupFile::Log, "b-1/b-1-logs.gz"),
            (BackupFile::RestoreLog("r".to_owned()), "b-1/restore-r-logs.gz"),
            (BackupFile::RestoreResults("r".to_owned()), "b-1/restore-r-results.gz"),
        ] {
            assert_eq!(file.key("b-1").as_deref(), Ok(key));
        }
    }

    #[test]
    fn names_that_would_lead_elsewhere_are_refused() {
        for name in ["", ".", "..", "a/b", "../a", "a..b", "A", "-a", "a-", "a b", "a%2fb", "a\\b", "é", "a\n"] {
            assert!(BackupFile::Archive.key(name).is_err(), "{name:?}");
            assert!(BackupFile::RestoreLog(name.to_owned()).key("b").is_err(), "{name:?}");
        }
        assert!(is_name("nightly-20261122.0") && is_name(&"a".repeat(253)) && !is_name(&"a".repeat(254)));
    }
}
