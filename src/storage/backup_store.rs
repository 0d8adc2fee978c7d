//! [`BackupStore`]: the backups in a bucket.

use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use std::time::Duration;

use super::layout::{self, BackupFile, CLAIM, METADATA};
use super::upload::BackupUpload;
use super::{Bucket, ByteStream, StorageError, StorageErrorKind};
use crate::api::{API_VERSION, Backup, BackupSpec, BackupStatus, FORMAT_VERSION};
use crate::archive::{ArchiveError, ArchiveLimits, Entries, EntryPath, Index, Member, decode_member, object_of};
use crate::object::RawObject;

/// Largest `ark-backup.json` that is read, in bytes: a Backup object, which etcd bounds at a tenth of this.
const METADATA_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Largest log or results file that is read whole, in bytes.
const TEXT_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Largest stored index that is read, in bytes: some millions of entries.
const INDEX_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// How many `ark-backup.json` a listing reads at the same time.
const LIST_CONCURRENCY: usize = 16;

/// A directory of the bucket that holds a backup, or claims to.
#[derive(Clone, Debug, PartialEq)]
pub struct BackupListing {
    /// Name of the directory.
    pub name: String,
    /// What its `ark-backup.json` says, or why it is not to be believed (design decision 14).
    pub backup: Result<Backup, StorageError>,
}

/// The backups in a bucket. Cloning shares it.
#[derive(Clone, Debug)]
pub struct BackupStore {
    bucket: Bucket,
}

impl BackupStore {
    /// The backups in `bucket`.
    pub fn new(bucket: Bucket) -> Self {
        Self { bucket }
    }

    /// The bucket.
    pub fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    /// Every backup, sorted by name. A backup that cannot be believed is listed with the reason; a directory without
    /// `ark-backup.json` is none and is not listed.
    ///
    /// # Errors
    /// Where the bucket cannot be listed, or a store fails in a way that says nothing about the backup: half a list
    /// would look like a deletion.
    pub async fn list(&self) -> Result<Vec<BackupListing>, StorageError> {
        let names = self.bucket.directories().await?;
        let read = |name: String| async move {
            match self.read_metadata(&name).await {
                Err(error) if error.kind == StorageErrorKind::NotFound => Ok(None),
                Err(error) if error.kind == StorageErrorKind::Retry => Err(error),
                backup => Ok(Some(BackupListing { name, backup })),
            }
        };
        let listings = stream::iter(names).map(read).buffered(LIST_CONCURRENCY);
        listings.try_filter_map(|listing| async move { Ok(listing) }).try_collect().await
    }

    /// What `B/ark-backup.json` says.
    ///
    /// # Errors
    /// [`StorageErrorKind::NotFound`] where there is no such backup, [`StorageErrorKind::Corrupt`] where it is not what
    /// Ark wrote, [`StorageErrorKind::Version`] where it is of another format version.
    pub async fn metadata(&self, name: &str) -> Result<Backup, StorageError> {
        layout::check_name("backup", name)?;
        self.read_metadata(name).await
    }

    async fn read_metadata(&self, directory: &str) -> Result<Backup, StorageError> {
        let key = format!("{directory}/{METADATA}");
        let content = self.bucket.read(&key, METADATA_BYTES_MAX).await?;
        parse_metadata(directory, &content)
    }

    /// Whether there is a backup of this name, without reading it.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn exists(&self, name: &str) -> Result<bool, StorageError> {
        self.bucket.exists(&BackupFile::Metadata.key(name)?).await
    }

    /// Begins a backup. `run` is unique to this attempt, such as the Backup's uid and the time it started: by it an upload
    /// recognises that another one of the same name has taken over. Remains of an earlier attempt are cleared.
    ///
    /// # Errors
    /// [`StorageErrorKind::AlreadyExists`] where a backup of this name is in the bucket.
    pub async fn begin(&self, name: &str, run: &str) -> Result<BackupUpload, StorageError> {
        BackupUpload::begin(self.bucket.clone(), name, run).await
    }

    /// A file of a backup, whole and as it is stored.
    ///
    /// # Errors
    /// [`StorageErrorKind::NotFound`] where there is none.
    pub async fn file(&self, name: &str, file: &BackupFile) -> Result<Bytes, StorageError> {
        self.bucket.read(&file.key(name)?, TEXT_BYTES_MAX).await
    }

    /// A file of a backup as it arrives.
    ///
    /// # Errors
    /// [`StorageErrorKind::NotFound`] where there is none.
    pub async fn stream(&self, name: &str, file: &BackupFile) -> Result<ByteStream, StorageError> {
        Ok(self.bucket.stream(&file.key(name)?).await?.0)
    }

    /// A URL by which its bearer can read a file of a backup, valid as long as `valid`. Whether the file exists is not
    /// looked at.
    ///
    /// # Errors
    /// [`StorageErrorKind::Unsupported`] where the store makes none.
    pub async fn url(&self, name: &str, file: &BackupFile, valid: Duration) -> Result<String, StorageError> {
        self.bucket.sign_get(&file.key(name)?, valid).await
    }

    /// The log of a backup, gzip-compressed.
    ///
    /// # Errors
    /// Those of [`file`](Self::file).
    pub async fn log(&self, name: &str) -> Result<Bytes, StorageError> {
        self.file(name, &BackupFile::Log).await
    }

    /// The results of a backup, gzip-compressed JSON.
    ///
    /// # Errors
    /// Those of [`file`](Self::file).
    pub async fn results(&self, name: &str) -> Result<Bytes, StorageError> {
        self.file(name, &BackupFile::Results).await
    }

    /// The log of a restore, gzip-compressed.
    ///
    /// # Errors
    /// Those of [`file`](Self::file).
    pub async fn restore_log(&self, backup: &str, restore: &str) -> Result<Bytes, StorageError> {
        self.file(backup, &BackupFile::RestoreLog(restore.to_owned())).await
    }

    /// The results of a restore, gzip-compressed JSON.
    ///
    /// # Errors
    /// Those of [`file`](Self::file).
    pub async fn restore_results(&self, backup: &str, restore: &str) -> Result<Bytes, StorageError> {
        self.file(backup, &BackupFile::RestoreResults(restore.to_owned())).await
    }

    /// Stores the log of a restore.
    ///
    /// # Errors
    /// [`StorageErrorKind::AlreadyExists`] where it is there already.
    pub async fn put_restore_log(&self, backup: &str, restore: &str, content: Vec<u8>) -> Result<(), StorageError> {
        self.bucket.create(&BackupFile::RestoreLog(restore.to_owned()).key(backup)?, content).await
    }

    /// Stores the results of a restore.
    ///
    /// # Errors
    /// [`StorageErrorKind::AlreadyExists`] where they are there already.
    pub async fn put_restore_results(&self, backup: &str, restore: &str, content: Vec<u8>) -> Result<(), StorageError> {
        self.bucket.create(&BackupFile::RestoreResults(restore.to_owned()).key(backup)?, content).await
    }

    /// Deletes the log and the results of a restore; absent ones are fine.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn delete_restore(&self, backup: &str, restore: &str) -> Result<(), StorageError> {
        for file in [BackupFile::RestoreLog(restore.to_owned()), BackupFile::RestoreResults(restore.to_owned())] {
            self.bucket.delete(&file.key(backup)?).await?;
        }
        Ok(())
    }

    /// The index of a backup.
    ///
    /// # Errors
    /// [`StorageErrorKind::NotFound`] where there is none, as in backups of Ark v0.6.
    pub async fn index(&self, name: &str) -> Result<Index, StorageError> {
        let key = BackupFile::Index.key(name)?;
        let stored = self.bucket.read(&key, INDEX_BYTES_MAX).await?;
        Index::parse(&stored, &ArchiveLimits::default()).map_err(|error| archive_error(&error, format!("read {key}")))
    }

    /// The archive of a backup as it arrives, compressed.
    ///
    /// # Errors
    /// [`StorageErrorKind::NotFound`] where there is none.
    pub async fn archive(&self, name: &str) -> Result<ByteStream, StorageError> {
        self.stream(name, &BackupFile::Archive).await
    }

    /// The objects of a backup, in the order of the archive.
    ///
    /// # Errors
    /// [`StorageErrorKind::NotFound`] where there is no archive.
    pub async fn entries(&self, name: &str) -> Result<Entries<ByteStream>, StorageError> {
        Ok(Entries::new(self.archive(name).await?, ArchiveLimits::default()))
    }

    /// The uncompressed bytes of one member of the archive, by one ranged read; [`Index::cut`] cuts objects out of them.
    ///
    /// # Errors
    /// [`StorageErrorKind::Corrupt`] where the archive is not the index's.
    pub async fn member(&self, name: &str, member: &Member) -> Result<Vec<u8>, StorageError> {
        let key = BackupFile::Archive.key(name)?;
        let compressed = self.bucket.read_range(&key, member.offset..member.offset + member.length).await?;
        decode_member(member, &compressed).map_err(|error| archive_error(&error, format!("read {key}")))
    }

    /// One object of a backup: one ranged read where there is an index, else a search through the archive.
    ///
    /// # Errors
    /// [`StorageErrorKind::NotFound`] where the backup has no such object, [`StorageErrorKind::Corrupt`] where its bytes
    /// are not those that were stored.
    pub async fn entry(&self, name: &str, path: &EntryPath) -> Result<RawObject, StorageError> {
        match self.index(name).await {
            Ok(index) => self.entry_by(name, &index, path).await,
            Err(error) if error.kind == StorageErrorKind::NotFound => self.search(name, path).await,
            Err(error) => Err(error),
        }
    }

    /// One object of a backup, with an index that was read before.
    ///
    /// # Errors
    /// Those of [`entry`](Self::entry).
    pub async fn entry_by(&self, name: &str, index: &Index, path: &EntryPath) -> Result<RawObject, StorageError> {
        let operation = || format!("read {path} of backup {name}");
        let entry = index.find(path).ok_or_else(|| no_entry(operation()))?;
        let member = self.member(name, &index.members[entry.member]).await?;
        let object = index.cut(entry, &member).and_then(|content| object_of(path, Bytes::copy_from_slice(content)));
        object.map_err(|error| archive_error(&error, operation()))
    }

    async fn search(&self, name: &str, path: &EntryPath) -> Result<RawObject, StorageError> {
        let operation = || format!("read {path} of backup {name}");
        let mut entries = self.entries(name).await?;
        while let Some(entry) = entries.next().await {
            match entry {
                Ok((found, object)) if found == *path => return Ok(object),
                Err(error) if error.is_fatal() || is_about(&error, path) => {
                    return Err(archive_error(&error, operation()));
                }
                Ok(_) | Err(_) => {}
            }
        }
        Err(no_entry(operation()))
    }

    /// Deletes a backup and everything beside it, restores' files included: `ark-backup.json` first, so that a deletion
    /// that is interrupted leaves no backup, and can be repeated. Returns how many files there were.
    ///
    /// # Errors
    /// The first failure, after everything else was tried.
    pub async fn delete(&self, name: &str) -> Result<usize, StorageError> {
        let metadata = BackupFile::Metadata.key(name)?;
        let keys = self.bucket.keys(name).await?;
        self.bucket.delete(&metadata).await?;
        let mut first_error = None;
        // The claim goes last: as long as it is there, an upload of the name knows what to clear.
        let claim = format!("{name}/{CLAIM}");
        for key in keys.iter().filter(|key| **key != metadata && **key != claim).chain([&claim]) {
            if let Err(error) = self.bucket.delete(key).await {
                first_error.get_or_insert(error);
            }
        }
        first_error.map_or(Ok(keys.len()), Err)
    }
}

/// Whether this entry is the one that cannot be read.
fn is_about(error: &ArchiveError, path: &EntryPath) -> bool {
    matches!(error, ArchiveError::Unreadable { path: found, .. } if found == path)
}

fn no_entry(operation: String) -> StorageError {
    StorageError::new(StorageErrorKind::NotFound, operation, "the backup has no such object")
}

/// What an unreadable archive means to who asked the bucket.
pub(super) fn archive_error(error: &ArchiveError, operation: String) -> StorageError {
    let kind = match error {
        ArchiveError::Read { transient: true, .. } => StorageErrorKind::Retry,
        ArchiveError::Version => StorageErrorKind::Version,
        _ => StorageErrorKind::Corrupt,
    };
    StorageError::new(kind, operation, error.to_string())
}

/// Kind and apiVersion before everything else, as Ark v0.6 wrote them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stored<'a> {
    kind: &'a str,
    api_version: &'a str,
    metadata: &'a ObjectMeta,
    spec: &'a BackupSpec,
    status: &'a BackupStatus,
}

/// A Backup as it is stored: pretty-printed, status always present, without the bookkeeping of field managers.
pub(super) fn print_metadata(backup: &Backup) -> Vec<u8> {
    let metadata = ObjectMeta { managed_fields: None, ..backup.metadata.clone() };
    let status = backup.status.clone().unwrap_or_default();
    let stored =
        Stored { kind: "Backup", api_version: API_VERSION, metadata: &metadata, spec: &backup.spec, status: &status };
    serde_json::to_vec_pretty(&stored).expect("API types always serialise")
}

fn parse_metadata(directory: &str, content: &[u8]) -> Result<Backup, StorageError> {
    let error = |kind, message: String| StorageError::new(kind, format!("read {directory}/{METADATA}"), message);
    let corrupt = |message: String| error(StorageErrorKind::Corrupt, message);
    let object = RawObject::new(Bytes::copy_from_slice(content));
    let head = object.head().map_err(|error| corrupt(error.to_string()))?;
    if head.kind != "Backup" || head.api_version != API_VERSION {
        return Err(corrupt(format!("it is not a Backup of {API_VERSION}")));
    }
    if head.metadata.name != directory || !layout::is_name(directory) {
        return Err(corrupt(
            "the directory and the backup in it have different names; it was copied or renamed".to_owned(),
        ));
    }
    let backup: Backup = serde_json::from_slice(content).map_err(|error| {
        corrupt(format!("a field has a wrong type (line {}, column {})", error.line(), error.column()))
    })?;
    let version = backup.status.as_ref().map_or(0, |status| status.version);
    if version != FORMAT_VERSION {
        let message = format!("the backup is of format version {version}; this Ark reads version {FORMAT_VERSION}");
        return Err(error(StorageErrorKind::Version, message));
    }
    Ok(backup)
}

#[cfg(test)]
mod tests;
