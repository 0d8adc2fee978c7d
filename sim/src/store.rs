//! The revisioned store.
//!
//! Owns every object, one revision for all of them, and the history. A revision is one write. A table is ordered by key, and the
//! key is `namespace/name` as in the real storage, so that lists come in the same order.
//!
//! An old snapshot is the present with the later changes undone: pages of a list cost one walk over the page and one over the
//! changes since, not a copy of the store, nor a walk over what follows the page.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::sync::Arc;

use serde_json::Value;

use crate::history::{Change, History};
use crate::meta;
use crate::object::Object;
use crate::resource::GroupResource;
use crate::table::{Key, Table};

/// The most memory that the past may hold, in bytes.
const HISTORY_BYTES: usize = 256 << 20;

/// The key of an object.
pub(crate) fn key(namespace: Option<&str>, name: &str) -> String {
    match namespace {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.to_owned(),
    }
}

#[derive(Debug)]
pub(crate) struct Store {
    revision: u64,
    tables: BTreeMap<GroupResource, Table>,
    pub(crate) history: History,
}

impl Store {
    /// An empty store at revision 1, as the real storage begins.
    pub(crate) fn new(history_limit: usize) -> Self {
        Self { revision: 1, tables: BTreeMap::new(), history: History::new(history_limit, HISTORY_BYTES) }
    }

    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn get(&self, resource: &GroupResource, key: &str) -> Option<&Object> {
        self.tables.get(resource)?.get(key)
    }

    /// All objects of a resource in order of their keys.
    pub(crate) fn all<'a>(&'a self, resource: &GroupResource) -> impl Iterator<Item = (&'a Key, &'a Object)> + use<'a> {
        self.tables.get(resource).into_iter().flat_map(|table| table.starting_at(""))
    }

    /// The objects of a resource in one namespace, in order of their names.
    pub(crate) fn within(&self, resource: &GroupResource, namespace: &str) -> impl Iterator<Item = &Object> + use<'_> {
        let prefix = key(Some(namespace), "");
        let table = self.tables.get(resource).map(|table| table.starting_at(&prefix));
        table.into_iter().flatten().take_while(move |(key, _)| key.starts_with(&prefix)).map(|(_, object)| object)
    }

    /// Writes an object at the next revision.
    pub(crate) fn put(&mut self, resource: &GroupResource, key: &str, mut value: Value) -> Object {
        self.revision += 1;
        meta::set(&mut value, "resourceVersion", self.revision.to_string());
        let new = Object::new(value);
        let key: Key = Arc::from(key);
        let table = self.tables.entry(resource.clone()).or_default();
        let old = table.insert(Arc::clone(&key), new.clone());
        self.history.push(Change {
            revision: self.revision,
            resource: resource.clone(),
            key,
            old,
            new: new.clone(),
            deleted: false,
        });
        new
    }

    /// Removes an object at the next revision and gives its last state.
    pub(crate) fn remove(&mut self, resource: &GroupResource, key: &str) -> Option<Object> {
        let table = self.tables.get_mut(resource)?;
        let (key, old) = table.remove(key)?;
        self.revision += 1;
        let mut last = old.value().clone();
        meta::set(&mut last, "resourceVersion", self.revision.to_string());
        self.history.push(Change {
            revision: self.revision,
            resource: resource.clone(),
            key,
            old: Some(old.clone()),
            new: Object::new(last),
            deleted: true,
        });
        Some(old)
    }

    /// The objects whose key begins with `prefix`, from `start` on, as they were at revision `at`, in order.
    ///
    /// `at` must not be below the history's floor.
    pub(crate) fn snapshot<'a>(
        &'a self,
        resource: &'a GroupResource,
        prefix: &'a str,
        start: &str,
        at: u64,
    ) -> Snapshot<'a, impl Iterator<Item = (&'a Key, &'a Object)>> {
        let undone = self.undone(resource, prefix, at, |key| key >= start);
        let from = if start < prefix { prefix } else { start };
        let present = self.tables.get(resource).map(|table| table.starting_at(from));
        let present = present.into_iter().flatten().take_while(move |(key, _)| key.starts_with(prefix));
        Snapshot { present: present.peekable(), undone: undone.into_iter().peekable() }
    }

    /// How many objects such a snapshot has behind a key, without walking over them.
    pub(crate) fn count_behind(&self, resource: &GroupResource, prefix: &str, last: &str, at: u64) -> usize {
        let Some(table) = self.tables.get(resource) else {
            return 0;
        };
        let within = |key: &str| key < prefix || key.starts_with(prefix);
        let mut count = table.rank(within).saturating_sub(table.rank(|key| key <= last));
        for (key, old) in self.undone(resource, prefix, at, |key| key > last) {
            match (old.is_some(), table.get(key).is_some()) {
                (true, false) => count += 1,
                (false, true) => count = count.saturating_sub(1),
                _ => {}
            }
        }
        count
    }

    /// What the wanted keys with a prefix were at revision `at`, if they have changed since.
    fn undone(&self, resource: &GroupResource, prefix: &str, at: u64, wanted: impl Fn(&str) -> bool) -> Changes<'_> {
        let mut undone = Changes::new();
        for change in self.history.after(at) {
            if change.resource == *resource && change.key.starts_with(prefix) && wanted(&change.key) {
                // The first change after `at` knows the state at `at`.
                undone.entry(change.key.as_ref()).or_insert_with(|| change.old.as_ref().map(|old| (&change.key, old)));
            }
        }
        undone
    }

    /// Forgets the past.
    pub(crate) fn compact(&mut self) {
        self.history.compact(self.revision);
    }
}

type Changes<'a> = BTreeMap<&'a str, Option<(&'a Key, &'a Object)>>;
type Undone<'a> = std::collections::btree_map::IntoIter<&'a str, Option<(&'a Key, &'a Object)>>;

/// A walk over an old state: the present, with the keys that changed since replaced by what they were.
pub(crate) struct Snapshot<'a, P: Iterator<Item = (&'a Key, &'a Object)>> {
    present: Peekable<P>,
    undone: Peekable<Undone<'a>>,
}

impl<'a, P: Iterator<Item = (&'a Key, &'a Object)>> Iterator for Snapshot<'a, P> {
    type Item = (&'a Key, &'a Object);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let present = self.present.peek().map(|(key, _)| key.as_ref());
            let undone = self.undone.peek().map(|(key, _)| *key);
            match (present, undone) {
                (Some(present), Some(undone)) if undone <= present => {
                    if undone == present {
                        self.present.next();
                    }
                }
                (None, Some(_)) => {}
                (_, _) => return self.present.next(),
            }
            if let Some((_, Some(old))) = self.undone.next() {
                return Some(old);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    proptest! {
        /// Every old state that the history reaches equals the copy made at the time.
        #[test]
        fn a_snapshot_is_the_state_of_its_revision(
            writes in proptest::collection::vec((0..6_u8, any::<bool>(), 0..3_u8), 0..40),
            start in 0..6_u8,
        ) {
            let resource = GroupResource::new("", "things");
            let other = GroupResource::new("", "others");
            let mut store = Store::new(1000);
            let mut copies = vec![(store.revision(), Vec::new())];
            for (name, remove, elsewhere) in writes {
                let key = format!("a/n{name}");
                let table = if elsewhere == 0 { &other } else { &resource };
                if remove {
                    store.remove(table, &key);
                } else {
                    store.put(table, &key, json!({"metadata": {"name": key}}));
                }
                let copy: Vec<_> = store.all(&resource).map(|(key, object)| (key.to_string(), object.clone())).collect();
                copies.push((store.revision(), copy));
            }
            let start = format!("a/n{start}");
            for (revision, copy) in copies {
                let seen: Vec<_> = store
                    .snapshot(&resource, "a/", &start, revision)
                    .map(|(key, object)| (key.to_string(), object.clone()))
                    .collect();
                let expected: Vec<_> = copy.into_iter().filter(|(key, _)| *key >= start).collect();
                prop_assert_eq!(store.count_behind(&resource, "a/", &start, revision), {
                    seen.iter().filter(|(key, _)| *key > start).count()
                });
                prop_assert_eq!(seen, expected);
            }
        }
    }

    #[test]
    fn a_short_history_forgets_the_oldest_first() {
        let resource = GroupResource::new("", "things");
        let mut store = Store::new(2);
        for name in ["a", "b", "c"] {
            store.put(&resource, name, json!({}));
        }
        assert_eq!((store.revision(), store.history.floor()), (4, 2));
        assert_eq!(store.history.after(2).count(), 2);
        store.compact();
        assert_eq!(store.history.floor(), 4);
    }
}
