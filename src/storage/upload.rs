//! [`BackupUpload`]: a backup on its way into the bucket.

use bytes::Bytes;
use object_store::{MultipartUpload, PutPayload};
use tokio::task::JoinHandle;

use super::backup_store::print_metadata;
use super::layout::{BackupFile, CLAIM, UNCOMMITTED};
use super::{Bucket, StorageError, StorageErrorKind};
use crate::api::Backup;
use crate::archive::EncodedIndex;

/// Size of a part in bytes. S3 wants 5 MiB at least and 10,000 parts at most, which makes 80 GiB.
const PART_BYTES: usize = 8 * 1024 * 1024;

/// Largest claim that is read, in bytes.
const CLAIM_BYTES_MAX: u64 = 4096;

/// A backup on its way into the bucket. It is no backup before [`publish`](Self::publish), and never half of one.
///
/// Memory is bounded by two parts: one is uploaded while the next one fills. Every path ends in `publish` or
/// [`abort`](Self::abort): dropping an upload leaves parts behind that clouds charge for, until the name is used again
/// or a lifecycle rule of the bucket removes them.
// Its methods take `&mut self` throughout: the upload of a store may be sent to another thread, not shared with it, and
// a future that holds `&self` could not be spawned.
#[derive(Debug)]
pub struct BackupUpload {
    bucket: Bucket,
    name: String,
    run: String,
    archive_key: String,
    /// Bytes that are not yet a part.
    buffer: Vec<u8>,
    multipart: Option<Multipart>,
    archive_done: bool,
}

#[derive(Debug)]
struct Multipart {
    upload: Box<dyn MultipartUpload>,
    in_flight: Option<JoinHandle<object_store::Result<()>>>,
}

impl BackupUpload {
    pub(super) async fn begin(bucket: Bucket, name: &str, run: &str) -> Result<Self, StorageError> {
        let archive_key = BackupFile::Archive.key(name)?;
        let mut upload = Self {
            bucket,
            name: name.to_owned(),
            run: run.to_owned(),
            archive_key,
            buffer: Vec::new(),
            multipart: None,
            archive_done: false,
        };
        upload.refuse_published().await?;
        // From here on an earlier upload of this name sees that it lost.
        upload.bucket.overwrite(&upload.claim_key(), run.as_bytes().to_vec()).await?;
        upload.clear().await?;
        // It may have been published in between; its files were then cleared only if it had lost its claim.
        upload.refuse_published().await?;
        Ok(upload)
    }

    /// The name of the backup.
    pub fn name(&self) -> &str {
        &self.name
    }

    async fn refuse_published(&mut self) -> Result<(), StorageError> {
        let key = BackupFile::Metadata.key(&self.name)?;
        if self.bucket.exists(&key).await? {
            return Err(StorageError::new(
                StorageErrorKind::AlreadyExists,
                format!("begin backup {}", self.name),
                "a backup of this name is in the bucket and is never overwritten; use another name",
            ));
        }
        Ok(())
    }

    fn claim_key(&self) -> String {
        format!("{}/{CLAIM}", self.name)
    }

    /// Adds bytes to the archive.
    ///
    /// # Errors
    /// Where the store refuses; the upload must then be aborted.
    pub async fn write(&mut self, chunk: Vec<u8>) -> Result<(), StorageError> {
        let mut chunk = chunk.as_slice();
        while !chunk.is_empty() {
            let (now, later) = chunk.split_at(chunk.len().min(PART_BYTES - self.buffer.len()));
            self.fill(now);
            chunk = later;
            if self.buffer.len() == PART_BYTES {
                let part = std::mem::take(&mut self.buffer);
                self.put_part(part).await?;
            }
        }
        Ok(())
    }

    /// Adds what fits into the part. It grows as every vector does, but never has room for more than a part.
    fn fill(&mut self, bytes: &[u8]) {
        let length = self.buffer.len() + bytes.len();
        if length > self.buffer.capacity() {
            let capacity = (2 * self.buffer.capacity()).clamp(length, PART_BYTES);
            self.buffer.reserve_exact(capacity - self.buffer.len());
        }
        self.buffer.extend_from_slice(bytes);
    }

    async fn put_part(&mut self, part: Vec<u8>) -> Result<(), StorageError> {
        let error = |error: object_store::Error| StorageError::of(&error, format!("write {}", self.archive_key));
        if self.multipart.is_none() {
            self.multipart =
                Some(Multipart { upload: self.bucket.multipart(&self.archive_key).await?, in_flight: None });
        }
        let multipart = self.multipart.as_mut().expect("it was just made");
        multipart.settle().await.map_err(error)?;
        multipart.in_flight = Some(tokio::spawn(multipart.upload.put_part(PutPayload::from(part))));
        Ok(())
    }

    /// Ends the archive and stores its index beside it.
    ///
    /// # Errors
    /// Where the store refuses, or [`StorageErrorKind::Conflict`] where another upload took over; the upload must then
    /// be aborted.
    pub async fn finish_archive(&mut self, index: &EncodedIndex) -> Result<(), StorageError> {
        let rest = std::mem::take(&mut self.buffer);
        if self.multipart.is_some() && !rest.is_empty() {
            self.put_part(rest).await?;
            self.complete().await?;
        } else if self.multipart.is_some() {
            self.complete().await?;
        } else {
            self.bucket.create(&self.archive_key, rest).await?;
        }
        self.archive_done = true;
        self.bucket.create(&BackupFile::Index.key(&self.name)?, index.bytes().to_vec()).await
    }

    async fn complete(&mut self) -> Result<(), StorageError> {
        let multipart = self.multipart.as_mut().expect("the caller looked");
        let key = &self.archive_key;
        multipart.settle().await.map_err(|error| StorageError::of(&error, format!("write {key}")))?;
        // Completing overwrites whatever lies there: the last moment to see that the name is no longer ours.
        self.check_claim().await?;
        let multipart = self.multipart.as_mut().expect("the caller looked");
        multipart
            .upload
            .complete()
            .await
            .map_err(|error| StorageError::of(&error, format!("write {}", self.archive_key)))?;
        self.multipart = None;
        Ok(())
    }

    async fn check_claim(&mut self) -> Result<(), StorageError> {
        match self.bucket.read(&self.claim_key(), CLAIM_BYTES_MAX).await {
            Ok(claim) if claim == self.run.as_bytes() => Ok(()),
            Err(error) if error.kind != StorageErrorKind::NotFound => Err(error),
            Ok(_) | Err(_) => Err(StorageError::new(
                StorageErrorKind::Conflict,
                format!("upload backup {}", self.name),
                "another upload of this name has taken over",
            )),
        }
    }

    /// Stores the log, gzip-compressed.
    ///
    /// # Errors
    /// Where the store refuses.
    pub async fn put_log(&mut self, content: Vec<u8>) -> Result<(), StorageError> {
        self.bucket.create(&BackupFile::Log.key(&self.name)?, content).await
    }

    /// Stores the results, gzip-compressed JSON.
    ///
    /// # Errors
    /// Where the store refuses.
    pub async fn put_results(&mut self, content: Vec<u8>) -> Result<(), StorageError> {
        self.bucket.create(&BackupFile::Results.key(&self.name)?, content).await
    }

    /// Makes it a backup: `backup` becomes `ark-backup.json`, create-only. Where that fails nothing is visible and what was
    /// uploaded is cleared, as far as the store still answers.
    ///
    /// # Errors
    /// [`StorageErrorKind::Conflict`] or [`StorageErrorKind::AlreadyExists`] where another upload was faster, or
    /// why the store refused.
    pub async fn publish(mut self, backup: &Backup) -> Result<(), StorageError> {
        match self.commit(backup).await {
            Ok(()) => {
                // A claim on a published backup means nothing; the next deletion takes it along.
                let _ = self.bucket.delete(&self.claim_key()).await;
                Ok(())
            }
            Err(error) => {
                self.abort().await;
                Err(error)
            }
        }
    }

    async fn commit(&mut self, backup: &Backup) -> Result<(), StorageError> {
        let invalid = |message: &str| {
            Err(StorageError::new(StorageErrorKind::Invalid, format!("publish backup {}", self.name), message))
        };
        if backup.metadata.name.as_deref() != Some(&self.name) {
            return invalid("the Backup object has another name than the upload");
        }
        if !self.archive_done {
            return invalid("the archive was not finished");
        }
        self.check_claim().await?;
        let key = BackupFile::Metadata.key(&self.name)?;
        let content = Bytes::from(print_metadata(backup));
        let Err(error) = self.bucket.create(&key, content.clone()).await else { return Ok(()) };
        // A reply may have been lost after the write: what is there decides, not what was answered.
        match self.bucket.read(&key, content.len() as u64).await {
            Ok(stored) if stored == content => Ok(()),
            _ => Err(error),
        }
    }

    /// Gives up and clears what was uploaded, unless another upload of the name has taken over. What cannot be cleared
    /// now is cleared when the name is used again; it never was visible.
    pub async fn abort(mut self) {
        if let Some(mut multipart) = self.multipart.take() {
            let _ = multipart.settle().await;
            let _ = multipart.upload.abort().await;
        }
        if self.check_claim().await.is_ok() && self.clear().await.is_ok() {
            let _ = self.bucket.delete(&self.claim_key()).await;
        }
    }

    /// Deletes what an upload of this name may have left, but nothing that is not Ark's and nothing of a backup that was
    /// published.
    async fn clear(&mut self) -> Result<(), StorageError> {
        self.refuse_published().await?;
        let mut own: Vec<String> = UNCOMMITTED.iter().map(|file| file.key(&self.name)).collect::<Result<_, _>>()?;
        own.sort();
        let restores = format!("{}/restore-", self.name);
        for key in self.bucket.keys(&self.name).await? {
            if own.binary_search(&key).is_ok() || key.starts_with(&restores) {
                self.bucket.delete(&key).await?;
            }
        }
        Ok(())
    }
}

impl Multipart {
    /// Waits for the part that is on its way.
    async fn settle(&mut self) -> object_store::Result<()> {
        match self.in_flight.take() {
            Some(part) => part.await?,
            None => Ok(()),
        }
    }
}
