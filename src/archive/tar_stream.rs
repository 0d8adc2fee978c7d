//! [`TarStream`]: a tar file as a machine, for [`ArchiveDecoder`](super::ArchiveDecoder).
//!
//! It is fed uncompressed bytes in pieces of any size and gives paths and contents of regular files. Everything else is
//! left out: directories silently, since they say nothing, other sorts of entries with an error. Of the extensions it knows
//! long paths in the ways of POSIX and GNU; a size in an extension header is refused, since only files beyond 8 GiB need one.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::path::{EntryPathError, PATH_BYTES_MAX};
use super::reader::ArchiveLimits;
use super::{ArchiveError, BLOCK_BYTES, EntryPath};

/// Longest extension header in bytes: a long path and what else tools put beside it.
const EXTENSION_BYTES_MAX: u64 = 64 * 1024;

/// So much is set aside for an entry before its bytes have arrived.
const RESERVED_BYTES_MAX: u64 = 1024 * 1024;

/// Where later versions of Ark say what format the archive is of.
const VERSION_PATH: &[u8] = b"metadata/version";

/// Longest content of the version file.
const VERSION_BYTES_MAX: u64 = 64;

/// A path and its content, or what is wrong.
pub(super) type Event = Result<(EntryPath, Vec<u8>), ArchiveError>;

#[derive(Debug)]
pub(super) struct TarStream {
    limits: ArchiveLimits,
    state: State,
    /// The block or content that is being collected.
    collected: Vec<u8>,
    extensions: Extensions,
    entries: u64,
    paths: BTreeSet<u128>,
}

#[derive(Debug)]
enum State {
    /// A header block, or an empty block.
    Header,
    /// The second of two empty blocks.
    End,
    /// After the end: nothing but padding.
    Complete,
    /// Content that is wanted.
    Collect { remaining: u64, padding: u64, purpose: Purpose },
    /// Content or padding that is not.
    Skip { remaining: u64 },
}

#[derive(Debug)]
enum Purpose {
    Object(EntryPath),
    Version,
    PaxHeader,
    GnuLongName,
}

/// What extension headers said of the entry that follows.
#[derive(Debug, Default)]
struct Extensions {
    path: Option<Vec<u8>>,
    sparse: bool,
}

impl TarStream {
    pub(super) fn new(limits: ArchiveLimits) -> Self {
        Self {
            limits,
            state: State::Header,
            collected: Vec::new(),
            extensions: Extensions::default(),
            entries: 0,
            paths: BTreeSet::new(),
        }
    }

    /// Whether the end marker was read.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self.state, State::Complete)
    }

    /// Reads a part of `input`, up to the next event, and says how much of it. `at` is a place to name in errors.
    pub(super) fn read(&mut self, input: &[u8], at: u64) -> (usize, Option<Event>) {
        let damaged = |reason| Some(Err(ArchiveError::Damaged { at, reason }));
        match &mut self.state {
            State::Complete if input.iter().any(|byte| *byte != 0) => {
                (input.len(), damaged("the tar file goes on after its end"))
            }
            State::Complete => (input.len(), None),
            State::Skip { remaining } => {
                let used = input.len().min(usize::try_from(*remaining).unwrap_or(usize::MAX));
                *remaining -= used as u64;
                if *remaining == 0 {
                    self.state = State::Header;
                }
                (used, None)
            }
            State::Header | State::End => {
                let used = input.len().min(BLOCK_BYTES - self.collected.len());
                self.collected.extend_from_slice(&input[..used]);
                if self.collected.len() < BLOCK_BYTES {
                    return (used, None);
                }
                let block = std::mem::take(&mut self.collected);
                let empty = block.iter().all(|byte| *byte == 0);
                let event = match (&self.state, empty) {
                    (State::Header, true) => {
                        self.state = State::End;
                        None
                    }
                    (State::End, true) => {
                        self.state = State::Complete;
                        None
                    }
                    (State::End, false) => damaged("an empty block stands between entries"),
                    (_, _) => self.header(&block, at).err().map(Err),
                };
                (used, event)
            }
            State::Collect { remaining, padding, .. } => {
                let used = input.len().min(usize::try_from(*remaining).unwrap_or(usize::MAX));
                self.collected.extend_from_slice(&input[..used]);
                *remaining -= used as u64;
                if *remaining > 0 {
                    return (used, None);
                }
                let next = if *padding > 0 { State::Skip { remaining: *padding } } else { State::Header };
                let State::Collect { purpose, .. } = std::mem::replace(&mut self.state, next) else {
                    unreachable!("the state was just matched")
                };
                let content = std::mem::take(&mut self.collected);
                (used, self.collected_all(purpose, content, at))
            }
        }
    }

    fn collected_all(&mut self, purpose: Purpose, content: Vec<u8>, at: u64) -> Option<Event> {
        match purpose {
            Purpose::Object(path) => return Some(Ok((path, content))),
            Purpose::Version if content.trim_ascii() == b"1" => {}
            Purpose::Version => return Some(Err(ArchiveError::Version)),
            Purpose::GnuLongName => {
                let end = content.iter().position(|byte| *byte == 0).unwrap_or(content.len());
                self.extensions.path = Some(content[..end].to_vec());
            }
            Purpose::PaxHeader => {
                if let Err(reason) = self.extensions.read_pax(&content) {
                    return Some(Err(ArchiveError::Damaged { at, reason }));
                }
            }
        }
        None
    }

    /// Reads a header block and sets the state for what follows it.
    fn header(&mut self, block: &[u8], at: u64) -> Result<(), ArchiveError> {
        let damaged = |reason| ArchiveError::Damaged { at, reason };
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(ArchiveError::Limit { what: "entries", limit: self.limits.entries });
        }
        let mut header = tar::Header::new_old();
        header.as_mut_bytes().copy_from_slice(block);
        let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
        // The checksum counts its own eight bytes as spaces.
        let expected = sum(&block[..148]) + 8 * u32::from(b' ') + sum(&block[156..]);
        if header.cksum().ok() != Some(expected) {
            return Err(damaged("a tar header's checksum does not fit"));
        }
        let size = header.entry_size().map_err(|_| damaged("a tar header has no readable size"))?;
        let whole = size.checked_next_multiple_of(BLOCK_BYTES as u64).filter(|whole| *whole <= self.limits.total_bytes);
        let whole = whole.ok_or(ArchiveError::Limit { what: "uncompressed bytes", limit: self.limits.total_bytes })?;
        let padding = whole - size;

        let kind = header.entry_type();
        let purpose = match kind {
            tar::EntryType::XHeader => Some(Purpose::PaxHeader),
            tar::EntryType::GNULongName => Some(Purpose::GnuLongName),
            _ => None,
        };
        if let Some(purpose) = purpose {
            if size > EXTENSION_BYTES_MAX {
                return Err(ArchiveError::Limit { what: "bytes of an extension header", limit: EXTENSION_BYTES_MAX });
            }
            self.collect(size, padding, purpose);
            return Ok(());
        }
        if matches!(kind, tar::EntryType::XGlobalHeader | tar::EntryType::GNULongLink) {
            self.skip(whole);
            return Ok(());
        }
        let extensions = std::mem::take(&mut self.extensions);
        let path = extensions.path.unwrap_or_else(|| header.path_bytes().into_owned());
        // Entries of these sorts have no content, whatever their size says; that is how everybody reads them.
        let bodiless = kind.is_dir() || other_kind(kind).is_some_and(|(_, bodiless)| bodiless);
        self.skip(if bodiless { 0 } else { whole });
        if kind.is_dir() {
            return Ok(());
        }
        let sparse = extensions.sparse.then_some(("a sparse file", false));
        if let Some((kind, _)) = other_kind(kind).or(sparse) {
            return Err(ArchiveError::NotAFile { path: EntryPathError::new(&path, "").path, kind });
        }
        if path.strip_prefix(b"./").unwrap_or(&path) == VERSION_PATH {
            if size > VERSION_BYTES_MAX {
                return Err(ArchiveError::Version);
            }
            self.collect(size, padding, Purpose::Version);
            return Ok(());
        }
        if path.len() > PATH_BYTES_MAX {
            return Err(EntryPathError::new(&path, "it is too long").into());
        }
        let text = std::str::from_utf8(&path).map_err(|_| EntryPathError::new(&path, "it is not UTF-8"))?;
        let path: EntryPath = text.parse()?;
        if size > self.limits.entry_bytes {
            let limit = self.limits.entry_bytes;
            return Err(ArchiveError::EntryTooLarge { path: path.to_string(), bytes: size, limit });
        }
        let digest = Sha256::digest(path.to_string());
        if !self.paths.insert(u128::from_be_bytes(digest[..16].try_into().expect("a digest has 32 bytes"))) {
            return Err(ArchiveError::Duplicate { path: path.to_string() });
        }
        self.collect(size, padding, Purpose::Object(path));
        Ok(())
    }

    fn collect(&mut self, remaining: u64, padding: u64, purpose: Purpose) {
        self.collected = Vec::with_capacity(remaining.min(RESERVED_BYTES_MAX) as usize);
        self.state = State::Collect { remaining, padding, purpose };
    }

    fn skip(&mut self, remaining: u64) {
        self.state = if remaining > 0 { State::Skip { remaining } } else { State::Header };
    }
}

/// What an entry is that is neither file nor directory, and whether it never has content.
fn other_kind(kind: tar::EntryType) -> Option<(&'static str, bool)> {
    match kind {
        tar::EntryType::Regular | tar::EntryType::Directory => None,
        tar::EntryType::Link => Some(("a hard link", true)),
        tar::EntryType::Symlink => Some(("a symbolic link", true)),
        tar::EntryType::Char => Some(("a character device", true)),
        tar::EntryType::Block => Some(("a block device", true)),
        tar::EntryType::Fifo => Some(("a named pipe", true)),
        tar::EntryType::GNUSparse => Some(("a sparse file", false)),
        _ => Some(("an entry of an unknown sort", false)),
    }
}

impl Extensions {
    /// Reads `LENGTH KEY=VALUE\n` records.
    fn read_pax(&mut self, mut content: &[u8]) -> Result<(), &'static str> {
        const MALFORMED: &str = "an extension header is malformed";
        while !content.is_empty() {
            let space = content.iter().position(|byte| *byte == b' ').ok_or(MALFORMED)?;
            let length = std::str::from_utf8(&content[..space]).ok().and_then(|text| text.parse::<usize>().ok());
            let length = length.filter(|length| *length > space + 1 && *length <= content.len()).ok_or(MALFORMED)?;
            let record = content[space + 1..length].strip_suffix(b"\n").ok_or(MALFORMED)?;
            let equals = record.iter().position(|byte| *byte == b'=').ok_or(MALFORMED)?;
            match &record[..equals] {
                b"path" => self.path = Some(record[equals + 1..].to_vec()),
                b"size" => return Err("an extension header changes the size of an entry"),
                key if key.starts_with(b"GNU.sparse.") => self.sparse = true,
                _ => {}
            }
            content = &content[length..];
        }
        Ok(())
    }
}
