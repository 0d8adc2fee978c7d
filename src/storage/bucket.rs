//! [`Bucket`]: one place in one object store, and what Ark asks of it.

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};

use super::{StorageError, StorageErrorKind};

/// Longest key that is listed for one backup: restores leave two files each.
const KEYS_MAX: usize = 100_000;

/// The bytes of an object as they arrive.
pub type ByteStream = BoxStream<'static, Result<Bytes, StorageError>>;

/// Makes URLs that let their bearer read one object for a while.
#[async_trait]
pub trait UrlSigner: Debug + Send + Sync {
    /// A URL to read `path`, valid for `valid`.
    async fn sign_get(&self, path: &Path, valid: Duration) -> Result<String, StorageError>;
}

/// One place in one object store: everything Ark writes lies under its prefix. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Bucket {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    signer: Option<Arc<dyn UrlSigner>>,
    url: String,
}

impl Bucket {
    /// The root of `store`. `url` is for people and holds no secrets.
    pub fn new(store: Arc<dyn ObjectStore>, url: impl Into<String>) -> Self {
        Self { store, prefix: Path::default(), signer: None, url: url.into() }
    }

    /// A bucket in memory, empty.
    pub fn memory() -> Self {
        Self::new(Arc::new(InMemory::new()), "memory:")
    }

    /// The same store, with everything under `prefix`.
    pub fn with_prefix(self, prefix: impl Into<Path>) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    /// The same bucket, with a maker of URLs.
    pub fn with_signer(self, signer: Arc<dyn UrlSigner>) -> Self {
        Self { signer: Some(signer), ..self }
    }

    /// The same bucket under another name for people.
    pub(super) fn named(self, url: impl Into<String>) -> Self {
        Self { url: url.into(), ..self }
    }

    /// Where it is, for people; no secrets.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The store below, for what Ark itself never does.
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// The path of `key` in the store.
    pub fn path(&self, key: &str) -> Path {
        self.prefix.parts().chain(Path::from(key).parts()).collect()
    }

    fn relative(&self, path: &Path) -> Option<String> {
        let parts: Vec<_> = path.prefix_match(&self.prefix)?.collect();
        (!parts.is_empty()).then(|| parts.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join("/"))
    }

    /// A URL that lets its bearer read `key` for as long as `valid`.
    pub(super) async fn sign_get(&self, key: &str, valid: Duration) -> Result<String, StorageError> {
        match &self.signer {
            Some(signer) => signer.sign_get(&self.path(key), valid).await,
            None => Err(StorageError::new(
                StorageErrorKind::Unsupported,
                format!("make a URL for {key}"),
                format!("{} cannot be read by URL; use a bucket of a cloud, or --store", self.url),
            )),
        }
    }

    /// The whole object, which must not be larger than `limit` bytes.
    pub(super) async fn read(&self, key: &str, limit: u64) -> Result<Bytes, StorageError> {
        let operation = || format!("read {key}");
        let error = |error: object_store::Error| StorageError::of(&error, operation());
        let found = self.store.get(&self.path(key)).await.map_err(error)?;
        if found.meta.size > limit {
            let message = format!("it has {} bytes, more than the limit of {limit}", found.meta.size);
            return Err(StorageError::new(StorageErrorKind::Corrupt, operation(), message));
        }
        found.bytes().await.map_err(error)
    }

    /// Whether there is such an object.
    pub(super) async fn exists(&self, key: &str) -> Result<bool, StorageError> {
        match self.store.head(&self.path(key)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(StorageError::of(&error, format!("look for {key}"))),
        }
    }

    /// The object as it arrives, and its length.
    pub(super) async fn stream(&self, key: &str) -> Result<(ByteStream, u64), StorageError> {
        let operation = format!("read {key}");
        let found = self.store.get(&self.path(key)).await.map_err(|error| StorageError::of(&error, &*operation))?;
        let size = found.meta.size;
        Ok((found.into_stream().map_err(move |error| StorageError::of(&error, &*operation)).boxed(), size))
    }

    /// A part of the object.
    pub(super) async fn read_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, StorageError> {
        let operation = format!("read bytes {}-{} of {key}", range.start, range.end);
        self.store.get_range(&self.path(key), range).await.map_err(|error| StorageError::of(&error, operation))
    }

    /// Writes an object that must not exist.
    pub(super) async fn create(&self, key: &str, content: impl Into<PutPayload>) -> Result<(), StorageError> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let written = self.store.put_opts(&self.path(key), content.into(), options).await;
        written.map(drop).map_err(|error| StorageError::of(&error, format!("create {key}")))
    }

    /// Writes an object, whatever was there.
    pub(super) async fn overwrite(&self, key: &str, content: impl Into<PutPayload>) -> Result<(), StorageError> {
        let written = self.store.put(&self.path(key), content.into()).await;
        written.map(drop).map_err(|error| StorageError::of(&error, format!("write {key}")))
    }

    /// Begins an object that is written in parts.
    pub(super) async fn multipart(&self, key: &str) -> Result<Box<dyn MultipartUpload>, StorageError> {
        let upload = self.store.put_multipart(&self.path(key)).await;
        upload.map_err(|error| StorageError::of(&error, format!("begin to write {key}")))
    }

    /// Deletes an object and says whether there was one, as far as the store tells.
    pub(super) async fn delete(&self, key: &str) -> Result<bool, StorageError> {
        match self.store.delete(&self.path(key)).await {
            Ok(()) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(StorageError::of(&error, format!("delete {key}"))),
        }
    }

    /// The keys below directory `directory`, sorted.
    pub(super) async fn keys(&self, directory: &str) -> Result<Vec<String>, StorageError> {
        let operation = || format!("list {directory}/");
        let mut found = self.store.list(Some(&self.path(directory)));
        let mut keys = Vec::new();
        while let Some(object) = found.next().await {
            let object = object.map_err(|error| StorageError::of(&error, operation()))?;
            keys.extend(self.relative(&object.location));
            if keys.len() > KEYS_MAX {
                let message = format!("there are more than {KEYS_MAX} files");
                return Err(StorageError::new(StorageErrorKind::Corrupt, operation(), message));
            }
        }
        keys.sort();
        Ok(keys)
    }

    /// The directories right below the prefix, sorted.
    pub(super) async fn directories(&self) -> Result<Vec<String>, StorageError> {
        let prefix = Some(&self.prefix).filter(|prefix| !prefix.as_ref().is_empty());
        let listed = self.store.list_with_delimiter(prefix).await;
        let listed = listed.map_err(|error| StorageError::of(&error, format!("list {}", self.url)))?;
        let mut names: Vec<String> = listed.common_prefixes.iter().filter_map(|path| self.relative(path)).collect();
        names.sort();
        Ok(names)
    }
}
