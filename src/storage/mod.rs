//! The second of Ark's three interfaces: the bucket.
//!
//! The trait is `object_store`'s [`ObjectStore`](object_store::ObjectStore); [`open`] finds one by URL, and [`Bucket`] adds a
//! prefix and signed URLs. [`BackupStore`] is what the rest of Ark sees: whole backups in the layout of Ark v0.6 (ark-behaviour
//! §3.1). Every store passes one suite, [`contract`].
//!
//! A backup exists if and only if `B/ark-backup.json` does. An upload writes everything else first and that file last,
//! create-only; a deletion removes it first (design decision 2). What lies in a directory without it are the remains of an
//! upload or of a deletion: invisible, and cleared when the name is used again.
//!
//! # Differences
//! * Ark v0.6 wrote `ark-backup.json` first and took it back when the archive failed.
//! * The name of a directory, the name in its `ark-backup.json` and the names of its files must agree; v0.6 believed the JSON.
//! * Versions other than 1 are refused; v0.6 never looked.
//! * `B/B-index.json.gz` and `B/B-results.gz` are new, and `B/ark-upload.json` while an upload is running.

mod backup_store;
mod bucket;
pub mod contract;
mod error;
pub mod faulty;
mod layout;
mod providers;
mod restores;
mod upload;
mod verify;

pub use backup_store::{BackupListing, BackupStore};
pub use bucket::{Bucket, ByteStream, UrlSigner};
pub use error::{StorageError, StorageErrorKind};
pub use layout::BackupFile;
pub use providers::{Settings, open};
pub use restores::StoredRestore;
pub use upload::BackupUpload;
pub use verify::VerifyReport;
