//! Reading archives as streams, whoever wrote them.
//!
//! [`ArchiveDecoder`] does no IO: it takes compressed bytes and gives objects, one at a time; it holds one entry and one
//! buffer, whatever the bytes claim. [`Entries`] drives it from a stream of chunks. What concerns one entry is an error
//! that names it, and reading goes on; what makes everything after it a guess ends the reading
//! ([`ArchiveError::is_fatal`]). An archive that ends before its own end marker is an error, never a short archive.
//!
//! Gzip's checksum stands at the end of a member, so an object may be given before its member turns out damaged. Who cannot
//! undo compares [`Entries::digest`] with what was recorded before acting, or reads by the index, whose hashes are checked first.

use bytes::{Buf, Bytes};
use flate2::{Decompress, FlushDecompress, Status};
use futures::stream::{self, Stream, StreamExt};
use sha2::{Digest, Sha256};

use super::content::object_of;
use super::hash::Hash;
use super::tar_stream::TarStream;
use super::{ArchiveError, ENTRY_BYTES_MAX, EntryPath, Member};
use crate::object::RawObject;

/// How much is inflated at a time.
const SCRATCH_BYTES: usize = 64 * 1024;

/// Window of gzip's compression, as a power of two.
const WINDOW_BITS: u8 = 15;

/// How much an archive may demand of its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// Entries of every sort. The largest clusters have some millions of objects.
    pub entries: u64,
    /// Bytes of one entry.
    pub entry_bytes: u64,
    /// Uncompressed bytes in all.
    pub total_bytes: u64,
    /// Uncompressed bytes for each compressed one, once [`ratio_from`](Self::ratio_from) is reached.
    pub ratio: u64,
    /// Archives up to so many uncompressed bytes may be compressed as well as they like.
    pub ratio_from: u64,
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self {
            entries: 20_000_000,
            entry_bytes: ENTRY_BYTES_MAX,
            total_bytes: 1 << 40,
            // Gzip's own bound is 1032. Objects that are alike reach some hundred; nothing but padding reaches this.
            ratio: 800,
            ratio_from: 1 << 30,
        }
    }
}

/// An archive as a machine: compressed bytes in, objects out.
#[derive(Debug)]
pub struct ArchiveDecoder {
    limits: ArchiveLimits,
    /// `None` between two members.
    inflate: Option<Decompress>,
    /// The inflater may hold more output than the scratch had room for.
    pending: bool,
    scratch: Vec<u8>,
    /// What of the scratch was not read yet.
    unread: std::ops::Range<usize>,
    consumed: u64,
    produced: u64,
    tar: TarStream,
    failed: bool,
}

impl ArchiveDecoder {
    /// A decoder at the start of an archive.
    pub fn new(limits: ArchiveLimits) -> Self {
        Self {
            limits,
            inflate: None,
            pending: false,
            scratch: vec![0; SCRATCH_BYTES],
            unread: 0..0,
            consumed: 0,
            produced: 0,
            tar: TarStream::new(limits),
            failed: false,
        }
    }

    /// Reads on in `input` until there is an object or an error; `None` where `input` is used up. After a fatal error
    /// there is nothing more.
    pub fn read(&mut self, input: &mut Bytes) -> Option<Result<(EntryPath, RawObject), ArchiveError>> {
        while !self.failed {
            if self.unread.is_empty() {
                if input.is_empty() && !self.pending {
                    return None;
                }
                if let Err(error) = self.inflate(input) {
                    self.failed = true;
                    return Some(Err(error));
                }
            }
            let (used, event) = self.tar.read(&self.scratch[self.unread.clone()], self.consumed);
            self.unread.start += used;
            match event {
                None => {}
                Some(Ok((path, content))) => {
                    return Some(object_of(&path, content.into()).map(|object| (path, object)));
                }
                Some(Err(error)) => {
                    self.failed = error.is_fatal();
                    return Some(Err(error));
                }
            }
        }
        None
    }

    /// Says that there is no more input.
    ///
    /// # Errors
    /// [`ArchiveError::Truncated`] where the archive should have gone on.
    pub fn end(&mut self) -> Result<(), ArchiveError> {
        if self.failed || (self.inflate.is_none() && self.tar.is_complete()) {
            return Ok(());
        }
        self.failed = true;
        Err(ArchiveError::Truncated { bytes: self.consumed })
    }

    /// Fills the scratch, as far as input and member go.
    fn inflate(&mut self, input: &mut Bytes) -> Result<(), ArchiveError> {
        let inflate = self.inflate.get_or_insert_with(|| Decompress::new_gzip(WINDOW_BITS));
        let (before_in, before_out) = (inflate.total_in(), inflate.total_out());
        let damaged = |reason| ArchiveError::Damaged { at: self.consumed, reason };
        let status = inflate
            .decompress(input, &mut self.scratch, FlushDecompress::None)
            .map_err(|_| damaged("it is no gzip file, or a checksum does not fit"))?;
        let taken = (inflate.total_in() - before_in) as usize;
        let given = (inflate.total_out() - before_out) as usize;
        if taken == 0 && given == 0 && !input.is_empty() && status != Status::StreamEnd {
            return Err(damaged("the compressed bytes lead nowhere"));
        }
        input.advance(taken);
        self.consumed += taken as u64;
        self.produced += given as u64;
        self.unread = 0..given;
        self.pending = given == self.scratch.len() && status != Status::StreamEnd;
        if status == Status::StreamEnd {
            self.inflate = None;
        }
        if self.produced > self.limits.total_bytes {
            return Err(ArchiveError::Limit { what: "uncompressed bytes", limit: self.limits.total_bytes });
        }
        if self.produced > self.limits.ratio_from && self.produced / self.limits.ratio > self.consumed {
            return Err(ArchiveError::Limit {
                what: "uncompressed bytes for each compressed one",
                limit: self.limits.ratio,
            });
        }
        Ok(())
    }
}

/// The objects of an archive that arrives in chunks.
#[derive(Debug)]
pub struct Entries<S> {
    source: S,
    decoder: ArchiveDecoder,
    chunk: Bytes,
    hasher: Sha256,
    bytes: u64,
    ended: bool,
}

impl<S, E> Entries<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Into<ArchiveError>,
{
    /// Reads an archive from `source`, whose chunks may be cut anywhere.
    pub fn new(source: S, limits: ArchiveLimits) -> Self {
        Self {
            source,
            decoder: ArchiveDecoder::new(limits),
            chunk: Bytes::new(),
            hasher: Sha256::new(),
            bytes: 0,
            ended: false,
        }
    }

    /// The next object, or what is wrong with it; `None` at the end and after a fatal error.
    pub async fn next(&mut self) -> Option<Result<(EntryPath, RawObject), ArchiveError>> {
        while !self.ended {
            if let Some(item) = self.decoder.read(&mut self.chunk) {
                self.ended = matches!(&item, Err(error) if error.is_fatal());
                return Some(item);
            }
            match self.source.next().await {
                Some(Ok(chunk)) => {
                    self.hasher.update(&chunk);
                    self.bytes += chunk.len() as u64;
                    self.chunk = chunk;
                }
                Some(Err(error)) => {
                    self.ended = true;
                    return Some(Err(error.into()));
                }
                None => {
                    self.ended = true;
                    return self.decoder.end().err().map(Err);
                }
            }
        }
        None
    }

    /// The objects as a stream.
    pub fn into_stream(self) -> impl Stream<Item = Result<(EntryPath, RawObject), ArchiveError>> {
        stream::unfold(self, |mut entries| async move { entries.next().await.map(|item| (item, entries)) })
    }

    /// Length and SHA-256 of the compressed bytes so far; those of the archive once [`next`](Self::next) gave `None`.
    pub fn digest(&self) -> (u64, Hash) {
        (self.bytes, self.hasher.clone().into())
    }
}

/// The uncompressed bytes of one member of an archive.
///
/// # Errors
/// [`ArchiveError::Damaged`] where the bytes are no gzip member of the length that the index says.
pub fn decode_member(member: &Member, compressed: &[u8]) -> Result<Vec<u8>, ArchiveError> {
    let damaged = |reason| ArchiveError::Damaged { at: member.offset, reason };
    if compressed.len() as u64 != member.length {
        return Err(damaged("the member is shorter than the index says"));
    }
    let length = usize::try_from(member.uncompressed).map_err(|_| damaged("the member is too long"))?;
    // One byte more than is expected, so that a longer member shows.
    let mut output = Vec::with_capacity(length + 1);
    let mut inflate = Decompress::new_gzip(WINDOW_BITS);
    let status = inflate
        .decompress_vec(compressed, &mut output, FlushDecompress::Finish)
        .map_err(|_| damaged("the member is no gzip file, or its checksum does not fit"))?;
    if status != Status::StreamEnd || output.len() != length || inflate.total_in() != member.length {
        return Err(damaged("the member has another length than the index says"));
    }
    Ok(output)
}

#[cfg(test)]
mod tests;
