//! The recent past of the store: what a watch replays and what an old snapshot is computed from.
//!
//! Owns a ring of changes, oldest first, each with the object before and after. Promises: every revision from [`History::floor`] on
//! can be replayed and undone; older ones are forgotten, and asking for them is an error that the caller turns into 410. It is bounded by
//! the number of changes and by the memory that their objects hold.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;

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

impl Change {
    /// About how many bytes of memory its objects hold.
    fn weight(&self) -> usize {
        weight(self.new.value()) + self.old.as_ref().map_or(0, |old| weight(old.value()))
    }
}

/// About how many bytes of memory a value holds. Stored values are not deeper than the server reads.
fn weight(value: &Value) -> usize {
    size_of::<Value>()
        + match value {
            Value::String(text) => text.len(),
            Value::Array(list) => list.iter().map(weight).sum(),
            Value::Object(fields) => {
                fields.iter().map(|(key, field)| size_of::<String>() + key.len() + weight(field)).sum()
            }
            _ => 0,
        }
}

#[derive(Debug)]
pub(crate) struct History {
    /// With the weight of each.
    changes: VecDeque<(Change, usize)>,
    floor: u64,
    limit: usize,
    /// The most bytes that the objects may hold.
    bytes_limit: usize,
    bytes: usize,
}

impl History {
    pub(crate) fn new(limit: usize, bytes_limit: usize) -> Self {
        Self { changes: VecDeque::new(), floor: 0, limit, bytes_limit, bytes: 0 }
    }

    /// The oldest revision whose state is still known.
    pub(crate) fn floor(&self) -> u64 {
        self.floor
    }

    pub(crate) fn push(&mut self, change: Change) {
        let weight = change.weight();
        self.bytes += weight;
        self.changes.push_back((change, weight));
        while self.changes.len() > self.limit || self.bytes > self.bytes_limit {
            let Some((forgotten, weight)) = self.changes.pop_front() else {
                break;
            };
            self.bytes -= weight;
            self.floor = forgotten.revision;
        }
    }

    /// The changes after `revision`, oldest first.
    pub(crate) fn after(&self, revision: u64) -> impl Iterator<Item = &Change> {
        let first = self.changes.partition_point(|(change, _)| change.revision <= revision);
        self.changes.range(first..).map(|(change, _)| change)
    }

    /// Forgets everything up to `revision`.
    pub(crate) fn compact(&mut self, revision: u64) {
        self.changes.clear();
        self.bytes = 0;
        self.floor = revision;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn change(revision: u64, bytes: usize) -> Change {
        let new = Object::new(json!({"data": "x".repeat(bytes)}));
        let resource = GroupResource::new("", "things");
        Change { revision, resource, key: Arc::from("a"), old: None, new, deleted: false }
    }

    #[test]
    fn large_objects_are_forgotten_sooner() {
        let mut history = History::new(100, 10_000);
        for revision in 1..=20 {
            history.push(change(revision, 1_000));
        }
        assert!((8..10).contains(&history.after(0).count()), "{}", history.after(0).count());
        assert_eq!(history.floor(), 20 - history.after(0).count() as u64);
        history.push(change(21, 1_000_000));
        assert_eq!((history.floor(), history.after(0).count(), history.bytes), (21, 0, 0));
    }
}
