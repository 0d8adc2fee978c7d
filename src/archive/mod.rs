//! The archive of format version 1: a gzip-compressed tar file with one JSON file for each object
//! (reference/output-file-format, ark-behaviour §2.8).
//!
//! [`ArchiveWriter`] writes one as a sequence of gzip members, which any gzip reader reads as one, and an index beside
//! it. [`Entries`] reads one as a stream, whoever wrote it, and treats it as hostile. [`Index`] finds one object without
//! reading the others. Nothing is ever unpacked to disk, and no whole archive is held in memory.
//!
//! # Differences
//! * Ark v0.6 extracted archives to disk without looking at paths, and loaded one object after the other from there.
//! * Content is the object as the API server sent it, byte for byte, status included; v0.6 parsed and printed it anew
//!   without the status.
//! * Paths beyond what a tar header has room for are written as POSIX extensions.

mod content;
mod error;
mod hash;
mod index;
mod path;
mod reader;
mod tar_stream;
mod writer;

pub use content::object_of;
pub use error::ArchiveError;
pub use hash::{Hash, HashError, hash_of};
pub use index::{EncodedIndex, Index, IndexEntry, Member};
pub use path::{EntryPath, EntryPathError};
pub use reader::{ArchiveDecoder, ArchiveLimits, Entries, decode_member};
pub use writer::{ArchiveWriter, Finished, FullMember, MEMBER_BYTES, PackedMember};

/// Longest content of one entry in bytes. API servers refuse objects beyond a few megabytes.
pub const ENTRY_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Mode of every file in an archive, as Ark v0.6 set it.
const ARCHIVE_MODE: u32 = 0o755;

/// Unit of a tar file in bytes.
const BLOCK_BYTES: usize = 512;
