//! A bucket on a real S3.

use std::sync::atomic::{AtomicU64, Ordering};

use ark::storage::{BackupStore, Settings, open};
use rig::{Bucket, Minio, RigError};

/// The given bucket, or one of a MinIO that runs as long as this is held.
pub(crate) struct RealBucket {
    bucket: Bucket,
    pub(crate) minio: Option<Minio>,
}

impl RealBucket {
    pub(crate) async fn start() -> Result<Self, RigError> {
        match rig::given::bucket() {
            Some(bucket) => Ok(Self { bucket, minio: None }),
            None => Self::own().await,
        }
    }

    /// One that may be killed.
    pub(crate) async fn own() -> Result<Self, RigError> {
        let minio = Minio::start().await?;
        Ok(Self { bucket: minio.bucket(), minio: Some(minio) })
    }

    /// A place of its own in the bucket.
    pub(crate) fn store(&self, place: &str) -> BackupStore {
        store(&self.bucket, place)
    }
}

/// A place of its own in a bucket, other for each call.
pub(crate) fn store(bucket: &Bucket, place: &str) -> BackupStore {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let settings: Settings = [
        ("s3Url", bucket.endpoint.as_str()),
        ("s3ForcePathStyle", "true"),
        ("region", bucket.region.as_str()),
        ("access_key_id", bucket.access_key.as_str()),
        ("secret_access_key", bucket.secret_key.as_str()),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect();
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let run = std::process::id();
    let prefix = [bucket.prefix.as_str(), &format!("{place}-{run}-{number}")].join("/");
    let url = format!("s3://{}/{}", bucket.name, prefix.trim_start_matches('/'));
    BackupStore::new(open(&url, &settings).expect("the settings of a bucket"))
}
