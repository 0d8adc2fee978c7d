//! The objects of one resource, in order of their keys.
//!
//! A sorted list in pieces: finding, adding and removing cost little at any size, and so does counting how many keys lie between two,
//! which is what a page of a list has to say of those that follow it.

use std::sync::Arc;

use crate::object::Object;

pub(crate) type Key = Arc<str>;

/// The longest piece; a longer one is halved.
const PIECE: usize = 512;

#[derive(Debug, Default)]
pub(crate) struct Table {
    /// None of them is empty.
    pieces: Vec<Vec<(Key, Object)>>,
}

/// A place in a table: the piece, and the place in it. Behind the last object it is behind the last piece.
type Place = (usize, usize);

impl Table {
    pub(crate) fn get(&self, key: &str) -> Option<&Object> {
        self.at(self.seek(|known| known < key), key).map(|(_, object)| object)
    }

    /// Adds an object, or replaces the one that is there and gives that.
    pub(crate) fn insert(&mut self, key: Key, object: Object) -> Option<Object> {
        let place = self.seek(|known| known < key.as_ref());
        if self.at(place, &key).is_some() {
            return Some(std::mem::replace(&mut self.pieces[place.0][place.1].1, object));
        }
        // A key behind all others goes to the end of the last piece.
        let (piece, at) = match self.pieces.len().checked_sub(1) {
            Some(last) if place.0 > last => (last, self.pieces[last].len()),
            Some(_) => place,
            None => {
                self.pieces.push(Vec::new());
                (0, 0)
            }
        };
        self.pieces[piece].insert(at, (key, object));
        if self.pieces[piece].len() > PIECE {
            let half = self.pieces[piece].split_off(PIECE / 2);
            self.pieces.insert(piece + 1, half);
        }
        None
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<(Key, Object)> {
        let place = self.seek(|known| known < key);
        self.at(place, key)?;
        let removed = self.pieces[place.0].remove(place.1);
        if self.pieces[place.0].is_empty() {
            self.pieces.remove(place.0);
        }
        Some(removed)
    }

    /// The objects from the first key on that is not less than `key`.
    pub(crate) fn starting_at(&self, key: &str) -> impl Iterator<Item = (&Key, &Object)> + use<'_> {
        let (piece, at) = self.seek(|known| known < key);
        let first = self.pieces.get(piece).map_or(&[][..], |piece| &piece[at..]);
        let rest = self.pieces.get(piece + 1..).unwrap_or_default();
        first.iter().chain(rest.iter().flatten()).map(|(key, object)| (key, object))
    }

    /// How many keys there are before the first that is not `before`; all for which it holds come first.
    pub(crate) fn rank(&self, before: impl Fn(&str) -> bool) -> usize {
        let (piece, at) = self.seek(before);
        self.pieces[..piece].iter().map(Vec::len).sum::<usize>() + at
    }

    fn seek(&self, before: impl Fn(&str) -> bool) -> Place {
        let piece = self.pieces.partition_point(|piece| piece.last().is_some_and(|(key, _)| before(key)));
        let at = self.pieces.get(piece).map_or(0, |piece| piece.partition_point(|(key, _)| before(key)));
        (piece, at)
    }

    /// What is at a place, if it has this key.
    fn at(&self, (piece, at): Place, key: &str) -> Option<&(Key, Object)> {
        self.pieces.get(piece)?.get(at).filter(|(known, _)| known.as_ref() == key)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    proptest! {
        /// It holds what a map holds, in its order, and counts as if one had walked.
        #[test]
        fn a_table_is_a_sorted_map(writes in proptest::collection::vec((0..2_000_u16, any::<bool>()), 0..3_000), from in 0..2_000_u16) {
            let (mut table, mut map) = (Table::default(), BTreeMap::new());
            for (number, remove) in writes {
                let key: Key = Arc::from(format!("{number:05}"));
                // Mostly additions, so that pieces are halved.
                if remove && number % 4 == 0 {
                    prop_assert_eq!(table.remove(&key).is_some(), map.remove(&key).is_some());
                } else {
                    let object = Object::new(json!({"n": number}));
                    prop_assert_eq!(table.insert(Arc::clone(&key), object.clone()), map.insert(key, object));
                }
            }
            let from = format!("{from:05}");
            let seen: Vec<_> = table.starting_at(&from).map(|(key, _)| Arc::clone(key)).collect();
            let expected: Vec<_> = map.keys().filter(|key| key.as_ref() >= from.as_str()).cloned().collect();
            prop_assert_eq!(table.rank(|key| key < from.as_str()), map.len() - expected.len());
            prop_assert_eq!(seen, expected);
            prop_assert!(table.pieces.iter().all(|piece| !piece.is_empty() && piece.len() <= PIECE));
            for (key, object) in &map {
                prop_assert_eq!(table.get(key), Some(object));
            }
        }
    }
}
