//! [`ArchiveWriter`]: objects in, compressed bytes and an index out.
//!
//! The writer is synchronous and does no IO: append an object, take what is ready, upload it, go on. Its memory is one
//! gzip member, the compressed index, and sixteen bytes for each path to refuse duplicates by.
//!
//! Compressing is most of its work, and members do not depend on each other. Who has threads to spare takes members as they
//! fill ([`full`](ArchiveWriter::full)), packs each wherever it likes ([`pack`](FullMember::pack)) and hands them back
//! in their order ([`store`](ArchiveWriter::store)); who has none calls [`take`](ArchiveWriter::take). The bytes are the same.

use std::collections::{BTreeSet, VecDeque};
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::hash::{Hash, hash_of};
use super::index::{self, EncodedIndex, IndexEncoder};
use super::{ARCHIVE_MODE, ArchiveError, BLOCK_BYTES, ENTRY_BYTES_MAX, EntryPath};

/// A gzip member is closed when it holds so many uncompressed bytes: small enough that reading one object is cheap,
/// large enough that compression loses nothing.
pub const MEMBER_BYTES: u64 = 1024 * 1024;

/// How hard to compress: as little as there is. The API server works beside the compressor, on a small machine on the same two processors,
/// and a backup should take little longer than it. Level 2 takes twice the time for a fifth fewer bytes, the usual level 6 four times for a
/// quarter fewer.
const LEVEL: Compression = Compression::new(1);

/// Writes the tarball of format version 1 as a sequence of gzip members.
///
/// Every entry lies in one member whole, header and content. The same entries and the same time give the same bytes.
#[derive(Debug)]
pub struct ArchiveWriter {
    mtime_seconds: u64,
    open: FullMember,
    /// Members that nobody took yet, oldest first.
    full: VecDeque<FullMember>,
    /// How many members were stored.
    stored: u64,
    /// Compressed bytes that were handed out.
    taken: u64,
    hasher: Sha256,
    index: IndexEncoder,
    paths: BTreeSet<u128>,
}

/// A member of the archive before it is compressed.
#[derive(Debug, Default)]
pub struct FullMember {
    /// Its place among the members.
    number: u64,
    bytes: Vec<u8>,
    entries: Vec<Content>,
}

/// Where in a member the content of one entry lies.
#[derive(Debug)]
struct Content {
    path: String,
    offset: usize,
    length: usize,
}

/// A member of the archive as it is stored.
#[derive(Debug)]
pub struct PackedMember {
    number: u64,
    uncompressed: u64,
    bytes: Vec<u8>,
    /// What the index says of its entries.
    entries: Vec<u8>,
}

impl FullMember {
    /// Compresses it, and what the index says of its entries.
    pub fn pack(self) -> PackedMember {
        let mut encoder = GzEncoder::new(Vec::with_capacity(self.bytes.len() / 3), LEVEL);
        encoder.write_all(&self.bytes).expect("writing to memory does not fail");
        let bytes = encoder.finish().expect("writing to memory does not fail");
        let entries = self.entries.iter().map(|Content { path, offset, length }| {
            (path.as_str(), *offset as u64, *length as u64, hash_of(&self.bytes[*offset..offset + length]))
        });
        let entries = index::compressed(entries);
        PackedMember { number: self.number, uncompressed: self.bytes.len() as u64, bytes, entries }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(BLOCK_BYTES), 0);
    }
}

/// What a path is remembered by: half of its SHA-256, so that no two paths of any cluster are taken for one.
fn key_of(path: &str) -> u128 {
    let digest = Sha256::digest(path);
    u128::from_be_bytes(digest[..16].try_into().expect("a digest has 32 bytes"))
}

/// What is left when the last entry was appended.
#[derive(Debug)]
pub struct Finished {
    /// The last compressed bytes.
    pub tail: Vec<u8>,
    /// The index, ready to be stored.
    pub index: EncodedIndex,
    /// Length of the whole archive, compressed.
    pub bytes: u64,
    /// SHA-256 of the whole archive, compressed.
    pub sha256: Hash,
    /// Entries in it.
    pub items: u64,
}

impl ArchiveWriter {
    /// An empty archive whose entries all carry this modification time, in seconds since 1970.
    pub fn new(mtime_seconds: u64) -> Self {
        Self {
            mtime_seconds,
            open: FullMember::default(),
            full: VecDeque::new(),
            stored: 0,
            taken: 0,
            hasher: Sha256::new(),
            index: IndexEncoder::new(),
            paths: BTreeSet::new(),
        }
    }

    /// Adds one object.
    ///
    /// # Errors
    /// [`ArchiveError::Duplicate`] for a path that is there already, [`ArchiveError::EntryTooLarge`] for more than
    /// [`ENTRY_BYTES_MAX`]. The archive is as it was and can be gone on with.
    pub fn append(&mut self, path: &EntryPath, content: &[u8]) -> Result<(), ArchiveError> {
        let bytes = content.len() as u64;
        if bytes > ENTRY_BYTES_MAX {
            return Err(ArchiveError::EntryTooLarge { path: path.to_string(), bytes, limit: ENTRY_BYTES_MAX });
        }
        let path = path.to_string();
        if !self.paths.insert(key_of(&path)) {
            return Err(ArchiveError::Duplicate { path });
        }
        self.write_header(&path, bytes);
        self.open.entries.push(Content { path, offset: self.open.bytes.len(), length: content.len() });
        self.open.write(content);
        self.open.pad();
        if self.open.bytes.len() as u64 >= MEMBER_BYTES {
            self.close_member();
        }
        Ok(())
    }

    /// Whether an entry of this path is in the archive.
    pub fn contains(&self, path: &EntryPath) -> bool {
        self.paths.contains(&key_of(&path.to_string()))
    }

    /// Entries so far.
    pub fn items(&self) -> u64 {
        self.paths.len() as u64
    }

    /// The oldest member that is full and was not handed out yet. Each must come back by [`store`](Self::store).
    pub fn full(&mut self) -> Option<FullMember> {
        self.full.pop_front()
    }

    /// Takes a member back and returns its bytes, the next ones of the archive.
    ///
    /// # Panics
    /// Where members come back in another order than they were handed out in.
    pub fn store(&mut self, member: PackedMember) -> Vec<u8> {
        assert_eq!(member.number, self.stored, "members are stored in their order");
        self.stored += 1;
        let length = member.bytes.len() as u64;
        self.index.member(member.entries, self.taken, length, member.uncompressed);
        self.hasher.update(&member.bytes);
        self.taken += length;
        member.bytes
    }

    /// Packs the full members here and now and returns their bytes; may be empty.
    pub fn take(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while let Some(member) = self.full() {
            bytes.append(&mut self.store(member.pack()));
        }
        bytes
    }

    /// Ends the archive. Every member that was handed out must be back.
    pub fn finish(mut self) -> Finished {
        // Two empty blocks end a tar file.
        self.open.write(&[0; 2 * BLOCK_BYTES]);
        self.close_member();
        let tail = self.take();
        let items = self.items();
        let sha256 = Hash::from(self.hasher);
        let index = self.index.finish(self.taken, &sha256, items);
        Finished { tail, index, bytes: self.taken, sha256, items }
    }

    fn write_header(&mut self, path: &str, bytes: u64) {
        let mut header = tar::Header::new_ustar();
        header.set_mode(ARCHIVE_MODE);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(self.mtime_seconds);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(bytes);
        if header.set_path(path).is_err() {
            self.write_long_path(path);
            // What a reader sees that knows no extensions: some name, unique enough.
            let shortened = hash_of(path.as_bytes()).to_string();
            header.set_path(shortened).expect("sixty-four digits fit");
        }
        header.set_cksum();
        self.open.write(header.as_bytes());
    }

    /// The extension of POSIX for paths beyond what the header has room for.
    fn write_long_path(&mut self, path: &str) {
        let content = pax_record("path", path);
        let mut header = tar::Header::new_ustar();
        header.set_path("PaxHeaders.0/path").expect("a short path fits");
        header.set_mode(ARCHIVE_MODE);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(self.mtime_seconds);
        header.set_entry_type(tar::EntryType::XHeader);
        header.set_size(content.len() as u64);
        header.set_cksum();
        self.open.write(header.as_bytes());
        self.open.write(content.as_bytes());
        self.open.pad();
    }

    fn close_member(&mut self) {
        let next = FullMember { number: self.open.number + 1, ..FullMember::default() };
        self.full.push_back(std::mem::replace(&mut self.open, next));
    }
}

/// `LENGTH KEY=VALUE\n`, where the length counts itself.
fn pax_record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length.to_string().len() + rest != length {
        length = length.to_string().len() + rest;
    }
    format!("{length} {key}={value}\n")
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::MultiGzDecoder;

    use super::*;
    use crate::object::GroupResource;

    fn path(namespace: Option<&str>, name: &str) -> EntryPath {
        EntryPath::new(GroupResource::new("apps", "deployments"), namespace, name).expect("a path")
    }

    #[test]
    fn any_tar_reader_reads_it_and_headers_are_those_of_ark() {
        let mut writer = ArchiveWriter::new(1_795_387_840);
        let long = "x".repeat(250);
        let entries = [
            (path(Some("shop"), "web"), b"{}".to_vec()),
            (path(None, &long), vec![b'y'; 512]),
            (path(Some("shop"), "empty"), Vec::new()),
        ];
        for (path, content) in &entries {
            writer.append(path, content).expect("new");
        }
        let finished = writer.finish();
        assert_eq!((finished.items, finished.bytes), (3, finished.tail.len() as u64));
        let mut archive = tar::Archive::new(MultiGzDecoder::new(finished.tail.as_slice()));
        let mut read = Vec::new();
        for entry in archive.entries().expect("an archive") {
            let mut entry = entry.expect("an entry");
            let header = entry.header().clone();
            assert_eq!(header.mode().expect("a mode"), 0o755);
            assert_eq!((header.uid().expect("uid"), header.gid().expect("gid")), (0, 0));
            assert_eq!(header.mtime().expect("mtime"), 1_795_387_840);
            assert_eq!(header.entry_type(), tar::EntryType::Regular);
            let mut content = Vec::new();
            let path = entry.path().expect("a path").to_string_lossy().into_owned();
            entry.read_to_end(&mut content).expect("content");
            read.push((path.parse::<EntryPath>().expect("own path"), content));
        }
        assert_eq!(read, entries);
    }

    #[test]
    fn a_duplicate_and_an_oversized_entry_are_refused_and_leave_no_trace() {
        let mut writer = ArchiveWriter::new(0);
        writer.append(&path(None, "a"), b"{}").expect("new");
        assert!(matches!(writer.append(&path(None, "a"), b"{}"), Err(ArchiveError::Duplicate { .. })));
        let large = vec![0; usize::try_from(ENTRY_BYTES_MAX).expect("fits") + 1];
        assert!(matches!(writer.append(&path(None, "b"), &large), Err(ArchiveError::EntryTooLarge { .. })));
        writer.append(&path(None, "b"), b"{}").expect("an error left nothing behind");
        assert_eq!(writer.finish().items, 2);
    }

    #[test]
    fn taking_often_or_never_or_packing_elsewhere_gives_the_same_bytes() {
        enum How {
            Often,
            Never,
            Elsewhere,
        }
        let write = |how: How| {
            let (mut writer, mut bytes, mut away) = (ArchiveWriter::new(7), Vec::new(), Vec::new());
            for number in 0..600_u32 {
                let content: Vec<u8> = (0..5000_u32).map(|at| (at.wrapping_mul(number + 1) >> 3) as u8).collect();
                writer.append(&path(Some("shop"), &format!("web-{number}")), &content).expect("new");
                match how {
                    How::Often => bytes.extend(writer.take()),
                    How::Never => {}
                    How::Elsewhere => away.extend(writer.full()),
                }
            }
            let mut packed: Vec<PackedMember> = away.into_iter().rev().map(FullMember::pack).collect();
            while let Some(member) = packed.pop() {
                bytes.extend(writer.store(member));
            }
            let finished = writer.finish();
            bytes.extend(&finished.tail);
            assert_eq!(hash_of(&bytes), finished.sha256);
            assert_eq!(bytes.len() as u64, finished.bytes);
            (bytes, finished.index)
        };
        let often = write(How::Often);
        assert_eq!(often, write(How::Never));
        assert_eq!(often, write(How::Elsewhere));
    }

    #[test]
    #[should_panic(expected = "in their order")]
    fn members_in_another_order_are_refused() {
        let mut writer = ArchiveWriter::new(0);
        for name in ["a", "b"] {
            writer.append(&path(None, name), &vec![0; MEMBER_BYTES as usize]).expect("new");
        }
        let (_, second) = (writer.full().expect("full"), writer.full().expect("full"));
        writer.store(second.pack());
    }

    #[test]
    fn a_pax_record_counts_its_own_length() {
        assert_eq!(pax_record("path", "x"), "9 path=x\n");
        for length in 80..110 {
            let record = pax_record("path", &"x".repeat(length));
            assert_eq!(record.split_once(' ').expect("a space").0.parse::<usize>().expect("a number"), record.len());
        }
    }
}
