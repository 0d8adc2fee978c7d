//! [`VerifyReport`]: whether a backup is still what was stored.

use std::collections::BTreeMap;

use super::backup_store::archive_error;
use super::{BackupFile, BackupStore, StorageError, StorageErrorKind};
use crate::archive::{Hash, Index, hash_of};

/// Problems beyond this are counted, not listed: a destroyed archive has one for each object.
const PROBLEMS_MAX: usize = 100;

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// Objects that were read and are sound.
    pub items: u64,
    /// Length of the archive.
    pub bytes: u64,
    /// SHA-256 of the archive.
    pub sha256: Hash,
    /// Whether there is an index, as Ark v0.6 wrote none.
    pub indexed: bool,
    /// Whether the Backup object recorded what the archive must be, as Ark v0.6 did not.
    pub recorded: bool,
    /// What is wrong; at most the first hundred problems.
    pub problems: Vec<String>,
    /// How many problems there are in all.
    pub problem_count: usize,
}

impl VerifyReport {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.problem_count == 0
    }

    fn problem(&mut self, text: impl Into<String>) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(text.into());
        }
        self.problem_count += 1;
    }
}

impl BackupStore {
    /// Reads a whole backup and compares it with its index and with what its Backup object recorded.
    ///
    /// # Errors
    /// Where there is no such backup or the store fails; what is wrong with the backup is in the report.
    pub async fn verify(&self, name: &str) -> Result<VerifyReport, StorageError> {
        let backup = self.metadata(name).await?;
        let recorded = backup.status.and_then(|status| status.archive);
        let mut report = VerifyReport {
            items: 0,
            bytes: 0,
            sha256: Hash::default(),
            indexed: false,
            recorded: recorded.is_some(),
            problems: Vec::new(),
            problem_count: 0,
        };
        let index = self.verified_index(name, &mut report).await?;
        let mut hashes: BTreeMap<String, Hash> =
            index.iter().flat_map(|index| &index.entries).map(|entry| (entry.path.to_string(), entry.sha256)).collect();
        let mut entries = match self.entries(name).await {
            Ok(entries) => entries,
            Err(error) if error.kind == StorageErrorKind::NotFound => {
                report.problem("the archive is missing");
                return Ok(report);
            }
            Err(error) => return Err(error),
        };
        while let Some(entry) = entries.next().await {
            match entry {
                Ok((path, object)) => {
                    report.items += 1;
                    if report.indexed {
                        match hashes.remove(&path.to_string()) {
                            None => report.problem(format!("{path} is not in the index")),
                            Some(hash) if hash != hash_of(object.bytes()) => {
                                report.problem(format!("{path} has another SHA-256 than the index says"));
                            }
                            Some(_) => {}
                        }
                    }
                }
                Err(error) => {
                    let error = archive_error(&error, format!("verify backup {name}"));
                    if error.kind == StorageErrorKind::Retry {
                        return Err(error);
                    }
                    report.problem(error.message);
                }
            }
        }
        (report.bytes, report.sha256) = entries.digest();
        for path in hashes.keys() {
            report.problem(format!("{path} is in the index and not in the archive"));
        }
        if let Some(index) = index
            && (index.bytes, index.sha256) != (report.bytes, report.sha256)
        {
            report.problem("the index is that of another archive");
        }
        if let Some(recorded) = recorded {
            if recorded.sha256 != report.sha256.to_string() || recorded.bytes != report.bytes {
                report.problem("the archive has another SHA-256 or length than the backup recorded");
            }
            if recorded.items != report.items {
                let (found, items) = (report.items, recorded.items);
                report.problem(format!("the archive holds {found} readable objects, the backup recorded {items}"));
            }
        }
        self.verify_files(name, &mut report).await?;
        Ok(report)
    }

    async fn verified_index(&self, name: &str, report: &mut VerifyReport) -> Result<Option<Index>, StorageError> {
        match self.index(name).await {
            Ok(index) => {
                report.indexed = true;
                Ok(Some(index))
            }
            Err(error) if error.kind == StorageErrorKind::NotFound => Ok(None),
            Err(error) if error.kind == StorageErrorKind::Corrupt => {
                report.problem(error.message);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// A backup that recorded its archive was written with an index, a log and results.
    async fn verify_files(&self, name: &str, report: &mut VerifyReport) -> Result<(), StorageError> {
        if !report.recorded {
            return Ok(());
        }
        for (file, what) in
            [(BackupFile::Index, "index"), (BackupFile::Log, "log"), (BackupFile::Results, "results file")]
        {
            if !self.bucket().exists(&file.key(name)?).await? {
                report.problem(format!("the {what} is missing"));
            }
        }
        Ok(())
    }
}
