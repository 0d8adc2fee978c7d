//! Objects out of the archive: once all of them, to know what is there; later those of one level.

use std::collections::BTreeMap;

use futures::StreamExt;
use futures::stream::{self, BoxStream};

use super::RestoreError;
use super::catalog::Catalog;
use super::select::Item;
use crate::archive::{ArchiveError, EntryPath};
use crate::object::{LabelSelector, RawObject};
use crate::storage::BackupStore;

/// Problems of an archive that an error names; the rest is counted.
const PROBLEMS_MAX: usize = 10;

/// One backup's archive.
#[derive(Debug)]
pub(super) struct Source<'a> {
    store: &'a BackupStore,
    backup: &'a str,
    /// Bytes of objects to keep in memory.
    room: usize,
}

impl<'a> Source<'a> {
    pub(super) fn new(store: &'a BackupStore, backup: &'a str, room: usize) -> Self {
        Self { store, backup, room }
    }

    /// Reads the whole archive. One entry that leads elsewhere, is no file, comes twice, is too large or holds another
    /// object than its path says is enough to refuse it, as is another checksum than was recorded: it is not what a backup
    /// wrote. An entry whose text is no object is one object that is lost; it is listed as such.
    pub(super) async fn catalog(
        &self,
        selector: &LabelSelector,
        sha256: Option<&str>,
    ) -> Result<Catalog, RestoreError> {
        let mut entries = self.store.entries(self.backup).await?;
        let mut catalog = Catalog::with_room(self.room);
        let mut problems: Vec<String> = Vec::new();
        let mut omitted = 0;
        while let Some(entry) = entries.next().await {
            let problem = match entry {
                Ok((path, raw)) => {
                    catalog.add(path, &raw, selector);
                    None
                }
                Err(ArchiveError::Unreadable { path, reason }) => {
                    catalog.add_unreadable(path, reason);
                    None
                }
                Err(error) => Some(error.to_string()),
            };
            match problem {
                Some(problem) if problems.len() < PROBLEMS_MAX => problems.push(problem),
                Some(_) => omitted += 1,
                None => {}
            }
        }
        let (_, digest) = entries.digest();
        if problems.is_empty() && sha256.is_some_and(|recorded| recorded != digest.to_string()) {
            problems.push("its SHA-256 is not the one that was recorded when it was written".to_owned());
        }
        if problems.is_empty() {
            return Ok(catalog);
        }
        if omitted > 0 {
            problems.push(format!("{omitted} more"));
        }
        Err(RestoreError::Archive { backup: self.backup.to_owned(), problems })
    }

    /// The objects of these items: first those in memory, then the others as the archive is read again.
    pub(super) fn objects<'s>(
        &'s self,
        items: &'s [Item],
        chosen: &'s [usize],
    ) -> BoxStream<'s, Result<(usize, RawObject), ArchiveError>> {
        let held = chosen.iter().filter_map(|index| Some(Ok((*index, items[*index].entry.held.clone()?))));
        let held = stream::iter(held);
        let mut rest: BTreeMap<&EntryPath, usize> = BTreeMap::new();
        for index in chosen.iter().filter(|index| items[**index].entry.held.is_none()) {
            rest.insert(&items[*index].entry.path, *index);
        }
        if rest.is_empty() {
            return held.boxed();
        }
        let again = stream::once(self.store.entries(self.backup)).flat_map(move |entries| match entries {
            Err(error) => stream::iter([Err(error.into())]).boxed(),
            Ok(entries) => {
                let rest = rest.clone();
                let found = entries.into_stream().filter_map(move |entry| {
                    let found = match entry {
                        Ok((path, raw)) => rest.get(&path).map(|index| Ok((*index, raw))),
                        Err(error) if error.is_fatal() => Some(Err(error)),
                        // What is wrong with one entry was found at the first reading.
                        Err(_) => None,
                    };
                    futures::future::ready(found)
                });
                found.boxed()
            }
        });
        held.chain(again).boxed()
    }
}
