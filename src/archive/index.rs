//! [`Index`]: where in the archive every object lies, so that one object is one ranged read.
//!
//! It is stored beside the archive as gzip-compressed JSON lines: a first line with the version, then for each gzip
//! member its entries and after them the member itself, and a last line about the whole archive. The entries of each member
//! are compressed by themselves, by whoever compressed the member. Readers of format
//! version 1 do not need it, and an index that does not fit its archive is an error, never a wrong answer: every content
//! carries its SHA-256.

use std::io::{BufRead, BufReader, Read, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use super::hash::Hash;
use super::reader::ArchiveLimits;
use super::writer::MEMBER_BYTES;
use super::{ArchiveError, BLOCK_BYTES, ENTRY_BYTES_MAX, EntryPath};

/// The version of the index that this Ark writes and reads.
const INDEX_VERSION: u32 = 1;

/// Longest line of an index in bytes: the longest path, escaped, and its numbers.
const LINE_BYTES_MAX: u64 = 16 * 1024;

/// A member ends with the entry that fills it, so it is never longer than this: members that claim more are refused.
const MEMBER_BYTES_MAX: u64 = MEMBER_BYTES + ENTRY_BYTES_MAX + 64 * BLOCK_BYTES as u64;

/// What an archive holds and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    /// SHA-256 of the archive as it lies in the bucket.
    pub sha256: Hash,
    /// Its length in the bucket.
    pub bytes: u64,
    /// Its gzip members, in order and without gaps.
    pub members: Vec<Member>,
    /// Its entries, in the order of the archive.
    pub entries: Vec<IndexEntry>,
}

/// One gzip member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Where it starts in the archive.
    pub offset: u64,
    /// Its length there.
    pub length: u64,
    /// Its length uncompressed.
    pub uncompressed: u64,
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// Its path.
    pub path: EntryPath,
    /// Which member it is in, counted from zero.
    pub member: usize,
    /// Where its content starts in the uncompressed member.
    pub offset: u64,
    /// Length of its content.
    pub length: u64,
    /// SHA-256 of its content.
    pub sha256: Hash,
}

/// An index as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncodedIndex(Vec<u8>);

impl EncodedIndex {
    /// The bytes to store.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes to store.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The index that they hold.
    ///
    /// # Errors
    /// See [`Index::parse`].
    pub fn decode(&self) -> Result<Index, ArchiveError> {
        Index::parse(&self.0, &ArchiveLimits::default())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Line<'a> {
    Version(u32),
    #[serde(borrow)]
    Entry(EntryLine<'a>),
    Member(Member),
    Archive(ArchiveLine),
}

#[derive(Serialize, Deserialize)]
struct EntryLine<'a> {
    #[serde(borrow)]
    path: std::borrow::Cow<'a, str>,
    offset: u64,
    length: u64,
    sha256: Hash,
}

#[derive(Serialize, Deserialize)]
struct ArchiveLine {
    bytes: u64,
    sha256: Hash,
    items: u64,
}

/// How hard to compress: half of a line is a hash, which nothing makes smaller.
const LEVEL: Compression = Compression::new(2);

/// The lines of the entries of one member, compressed: path, offset, length and hash of each.
pub(super) fn compressed<'e>(entries: impl Iterator<Item = (&'e str, u64, u64, Hash)>) -> Vec<u8> {
    let mut lines = Vec::new();
    for (path, offset, length, sha256) in entries {
        push_line(&mut lines, &Line::Entry(EntryLine { path: path.into(), offset, length, sha256 }));
    }
    gzip(&lines)
}

fn push_line(lines: &mut Vec<u8>, line: &Line<'_>) {
    serde_json::to_writer(&mut *lines, line).expect("writing to memory does not fail");
    lines.push(b'\n');
}

fn gzip(lines: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(lines.len() / 2), LEVEL);
    encoder.write_all(lines).expect("writing to memory does not fail");
    let mut bytes = encoder.finish().expect("writing to memory does not fail");
    // It is kept until the archive ends.
    bytes.shrink_to_fit();
    bytes
}

/// Writes an index as the archive grows; holds it compressed, in pieces, which are never moved while they grow in number.
#[derive(Debug)]
pub(super) struct IndexEncoder(Vec<Vec<u8>>);

impl IndexEncoder {
    pub(super) fn new() -> Self {
        let mut encoder = Self(Vec::new());
        encoder.line(&Line::Version(INDEX_VERSION));
        encoder
    }

    /// Adds a member, behind its entries as [`compressed`] gave them.
    pub(super) fn member(&mut self, entries: Vec<u8>, offset: u64, length: u64, uncompressed: u64) {
        self.0.push(entries);
        self.line(&Line::Member(Member { offset, length, uncompressed }));
    }

    pub(super) fn finish(mut self, bytes: u64, sha256: &Hash, items: u64) -> EncodedIndex {
        self.line(&Line::Archive(ArchiveLine { bytes, sha256: *sha256, items }));
        EncodedIndex(self.0.concat())
    }

    fn line(&mut self, line: &Line<'_>) {
        let mut lines = Vec::new();
        push_line(&mut lines, line);
        self.0.push(gzip(&lines));
    }
}

impl Index {
    /// Reads a stored index, which may be anything at all.
    ///
    /// # Errors
    /// [`ArchiveError::Index`] where it is of another version, damaged, contradicts itself, or is larger than `limits`.
    pub fn parse(stored: &[u8], limits: &ArchiveLimits) -> Result<Self, ArchiveError> {
        let mut lines = Lines { input: BufReader::new(MultiGzDecoder::new(stored)), line: Vec::new() };
        match lines.next()? {
            Some(Line::Version(INDEX_VERSION)) => {}
            Some(Line::Version(_)) => return Err(corrupt("it is of another version than this Ark reads")),
            _ => return Err(corrupt("its first line names no version")),
        }
        let mut index = Self::default();
        loop {
            match lines.next()? {
                Some(Line::Entry(entry)) => {
                    if index.entries.len() as u64 >= limits.entries {
                        return Err(corrupt("it has more entries than the limit"));
                    }
                    let path = entry.path.parse().map_err(|_| corrupt("an entry has an impossible path"))?;
                    let (member, offset, length) = (index.members.len(), entry.offset, entry.length);
                    index.entries.push(IndexEntry { path, member, offset, length, sha256: entry.sha256 });
                }
                Some(Line::Member(member)) => index.push_member(member)?,
                Some(Line::Archive(archive)) => {
                    index.bytes = archive.bytes;
                    index.sha256 = archive.sha256;
                    if archive.items != index.entries.len() as u64 {
                        return Err(corrupt("it counts other entries than it has"));
                    }
                    break;
                }
                Some(Line::Version(_)) => return Err(corrupt("it names its version twice")),
                None => return Err(corrupt("it ends early")),
            }
        }
        if lines.next()?.is_some() {
            return Err(corrupt("it goes on after its end"));
        }
        if index.members.last().map_or(0, |last| last.offset + last.length) != index.bytes {
            return Err(corrupt("its members are not the whole archive"));
        }
        if index.entries.last().is_some_and(|last| last.member >= index.members.len()) {
            return Err(corrupt("an entry is in no member"));
        }
        Ok(index)
    }

    /// Takes a member that must follow the last one and hold the entries since then, in order and without overlap.
    fn push_member(&mut self, member: Member) -> Result<(), ArchiveError> {
        let expected = self.members.last().map_or(0, |last| last.offset + last.length);
        let end = member.offset.checked_add(member.length);
        if member.offset != expected || member.length == 0 || end.is_none() {
            return Err(corrupt("its members have gaps or overlap"));
        }
        if member.uncompressed > MEMBER_BYTES_MAX {
            return Err(corrupt("a member is longer than any that is written"));
        }
        let own = self.entries.iter().rev().take_while(|entry| entry.member == self.members.len()).count();
        let mut end = 0;
        for entry in &self.entries[self.entries.len() - own..] {
            let stop = entry.offset.checked_add(entry.length).filter(|stop| *stop <= member.uncompressed);
            match stop {
                Some(stop) if entry.offset >= end => end = stop,
                _ => return Err(corrupt("an entry lies outside its member or over another entry")),
            }
        }
        self.members.push(member);
        Ok(())
    }

    /// The entry of `path`.
    pub fn find(&self, path: &EntryPath) -> Option<&IndexEntry> {
        self.entries.iter().find(|entry| entry.path == *path)
    }

    /// The content of `entry`, cut out of its uncompressed member and checked.
    ///
    /// # Errors
    /// [`ArchiveError::Mismatch`] where the member holds other content than the index says.
    pub fn cut<'m>(&self, entry: &IndexEntry, member: &'m [u8]) -> Result<&'m [u8], ArchiveError> {
        let range = usize::try_from(entry.offset).ok().zip(usize::try_from(entry.offset + entry.length).ok());
        let content = range.and_then(|(start, end)| member.get(start..end));
        content.filter(|content| super::hash_of(content) == entry.sha256).ok_or_else(|| ArchiveError::Mismatch {
            path: entry.path.to_string(),
            reason: "its content has another SHA-256 than the index says",
        })
    }
}

fn corrupt(reason: &'static str) -> ArchiveError {
    ArchiveError::Index { reason }
}

/// Reads line by line and holds one line.
struct Lines<R> {
    input: BufReader<R>,
    line: Vec<u8>,
}

impl<R: Read> Lines<R> {
    fn next(&mut self) -> Result<Option<Line<'_>>, ArchiveError> {
        self.line.clear();
        (&mut self.input)
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut self.line)
            .map_err(|_| corrupt("it is truncated or no gzip file"))?;
        if self.line.is_empty() {
            return Ok(None);
        }
        if self.line.pop() != Some(b'\n') {
            return Err(corrupt("a line is too long or ends early"));
        }
        serde_json::from_slice(&self.line).map(Some).map_err(|_| corrupt("a line is none of an index"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::archive::{ArchiveWriter, hash_of};

    fn parse(lines: &str) -> Result<Index, ArchiveError> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(lines.as_bytes()).expect("memory");
        Index::parse(&encoder.finish().expect("memory"), &ArchiveLimits::default())
    }

    type Written = (Vec<u8>, EncodedIndex, Vec<(EntryPath, Vec<u8>)>);

    fn written() -> Written {
        let mut writer = ArchiveWriter::new(0);
        let entries: Vec<_> = (0..40_u32)
            .map(|number| {
                let name = if number == 7 { "n".repeat(300) } else { format!("n{number}") };
                let path = format!("resources/pods/namespaces/shop/{name}.json").parse().expect("a path");
                (path, vec![(number % 251) as u8; 100_003 * (number as usize % 3)])
            })
            .collect();
        for (path, content) in &entries {
            writer.append(path, content).expect("new");
        }
        let finished = writer.finish();
        (finished.tail, finished.index, entries)
    }

    #[test]
    fn every_object_is_found_in_its_own_member() {
        let (archive, stored, entries) = written();
        let index = stored.decode().expect("own index");
        assert!(index.members.len() > 2);
        assert_eq!((index.bytes, index.sha256), (archive.len() as u64, hash_of(&archive)));
        for (path, content) in &entries {
            let entry = index.find(path).expect("an entry");
            let member = index.members[entry.member];
            let range = member.offset as usize..(member.offset + member.length) as usize;
            let mut bytes = Vec::new();
            flate2::read::GzDecoder::new(&archive[range]).read_to_end(&mut bytes).expect("a member");
            assert_eq!(bytes.len() as u64, member.uncompressed);
            assert_eq!(index.cut(entry, &bytes).expect("content"), content);
            if !content.is_empty() {
                bytes[usize::try_from(entry.offset).expect("fits")] ^= 1;
                assert!(matches!(index.cut(entry, &bytes), Err(ArchiveError::Mismatch { .. })));
            }
        }
    }

    #[test]
    fn an_index_that_contradicts_itself_is_refused() {
        let hash = hash_of(b"");
        let entry = |offset: u64, length: u64| {
            format!(
                r#"{{"entry":{{"path":"resources/pods/cluster/a.json","offset":{offset},"length":{length},"sha256":"{hash}"}}}}"#
            )
        };
        let member = |offset: u64, length: u64, bytes: u64| {
            format!(r#"{{"member":{{"offset":{offset},"length":{length},"uncompressed":{bytes}}}}}"#)
        };
        let archive =
            |bytes: u64, items: u64| format!(r#"{{"archive":{{"bytes":{bytes},"sha256":"{hash}","items":{items}}}}}"#);
        let version = r#"{"version":1}"#.to_owned();
        let lines = |lines: &[String]| parse(&(lines.join("\n") + "\n"));
        assert!(lines(&[version.clone(), entry(512, 2), member(0, 9, 2048), archive(9, 1)]).is_ok());
        for (broken, why) in [
            (vec![], "empty"),
            (vec![r#"{"version":2}"#.to_owned(), archive(0, 0)], "version"),
            (vec![version.clone()], "no end"),
            (vec![version.clone(), version.clone(), archive(0, 0)], "twice"),
            (vec![version.clone(), member(1, 9, 1), archive(10, 0)], "gap"),
            (vec![version.clone(), member(0, 0, 1), archive(0, 0)], "empty member"),
            (vec![version.clone(), member(0, u64::MAX, 1), member(u64::MAX, 2, 1), archive(1, 0)], "overflow"),
            (vec![version.clone(), member(0, 9, u64::MAX), archive(9, 0)], "huge member"),
            (vec![version.clone(), member(0, 9, 1), archive(8, 0)], "bytes"),
            (vec![version.clone(), member(0, 9, 1), archive(9, 1)], "items"),
            (vec![version.clone(), entry(512, 2), archive(0, 1)], "no member"),
            (vec![version.clone(), entry(512, u64::MAX), member(0, 9, 2048), archive(9, 1)], "length"),
            (vec![version.clone(), entry(512, 9), entry(515, 2), member(0, 9, 2048), archive(9, 2)], "overlap"),
            (vec![version.clone(), archive(0, 0), archive(0, 0)], "after the end"),
            (vec![version.clone(), "x".repeat(LINE_BYTES_MAX as usize + 1)], "long line"),
        ] {
            assert!(matches!(lines(&broken), Err(ArchiveError::Index { .. })), "{why}");
        }
    }

    #[test]
    fn more_entries_than_the_limit_are_refused() {
        let (_, stored, _) = written();
        let limits = ArchiveLimits { entries: 39, ..ArchiveLimits::default() };
        assert!(Index::parse(stored.bytes(), &limits).is_err());
    }

    proptest! {
        #[test]
        fn no_damage_panics(at in 0_usize..600, bit in 0_u8..8) {
            let (_, stored, _) = written();
            let mut bytes = stored.into_bytes();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            let _ = Index::parse(&bytes, &ArchiveLimits::default());
            let _ = Index::parse(&bytes[..at], &ArchiveLimits::default());
        }
    }
}
