//! The recent past of the store: what a watch replays and what an old snapshot is computed from.
//!
//! Owns a ring of changes, oldest first, each with the object before and after. Promises: every revision from [`History::floor`] on
//! can be replayed and undone; older ones are forgotten, and asking for them is an error that the caller turns into 410.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::object::Object;
use crate::resource::GroupResource;

/// One write.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) revision: u64,
    pub(crate) resource: GroupResource,
    pub(crate) key: Arc<str>,
    /// The object before; `None` for a creation.
    pub(crate) old: Option<Object>,
    /// The object after; of a deletion the last state at the deletion's revision.
    pub(crate) new: Object,
    pub(crate) deleted: bool,
}

#[derive(Debug)]
pub(crate) struct History {
    changes: VecDeque<Change>,
    floor: u64,
    limit: usize,
}

impl History {
    pub(crate) fn new(limit: usize) -> Self {
        Self { changes: VecDeque::new(), floor: 0, limit }
    }

    /// The oldest revision whose state is still known.
    pub(crate) fn floor(&self) -> u64 {
        self.floor
    }

    pub(crate) fn push(&mut self, change: Change) {
        self.changes.push_back(change);
        while self.changes.len() > self.limit {
            if let Some(forgotten) = self.changes.pop_front() {
                self.floor = forgotten.revision;
            }
        }
    }

    /// The changes after `revision`, oldest first.
    pub(crate) fn after(&self, revision: u64) -> impl Iterator<Item = &Change> {
        let first = self.changes.partition_point(|change| change.revision <= revision);
        self.changes.range(first..)
    }

    /// Forgets everything up to `revision`.
    pub(crate) fn compact(&mut self, revision: u64) {
        self.changes.clear();
        self.floor = revision;
    }
}
