//! A set of fields, and its wire form `fieldsV1`.
//!
//! Owns the tree and its algebra. A field may be in the set without what is below it, and what is below without the field itself: they
//! are owned one by one. Promises: no branch is empty, so that equal sets are equal values.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::element::Element;

/// How deep the sets of a client are read: as deep as any object.
const DEPTH_MAX: usize = crate::shape::DEPTH_MAX;

/// A set of fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldSet(BTreeMap<Element, Node>);

/// A field and what is below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Node {
    /// Whether the field itself is in the set.
    member: bool,
    below: FieldSet,
}

impl Node {
    fn is_empty(&self) -> bool {
        !self.member && self.below.is_empty()
    }
}

impl FieldSet {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts a field, what is below it, or both, in.
    pub(crate) fn insert(&mut self, element: Element, member: bool, below: Self) {
        if !member && below.is_empty() {
            return;
        }
        let node = self.0.entry(element).or_default();
        node.member |= member;
        if node.below.is_empty() {
            node.below = below;
        } else {
            node.below = node.below.union(&below);
        }
    }

    /// Puts the field at a path in.
    pub(crate) fn insert_path(&mut self, path: &[&str]) {
        let Some((first, rest)) = path.split_first() else {
            return;
        };
        let mut below = Self::default();
        below.insert_path(rest);
        self.insert(Element::field(first), rest.is_empty(), below);
    }

    /// Whether the field itself is in the set.
    pub(crate) fn has(&self, element: &Element) -> bool {
        self.0.get(element).is_some_and(|node| node.member)
    }

    /// What is below a field.
    pub(crate) fn below(&self, element: &Element) -> Option<&Self> {
        self.0.get(element).map(|node| &node.below).filter(|below| !below.is_empty())
    }

    /// The steps at the top: each with whether it is in the set itself, and what is below it.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&Element, bool, &Self)> {
        self.0.iter().map(|(element, node)| (element, node.member, &node.below))
    }

    /// What is in either.
    pub(crate) fn union(&self, other: &Self) -> Self {
        let mut all = self.clone();
        for (element, node) in &other.0 {
            all.insert(element.clone(), node.member, node.below.clone());
        }
        all
    }

    /// What is in both.
    pub(crate) fn intersection(&self, other: &Self) -> Self {
        self.combined(|element, node| {
            let other = other.0.get(element)?;
            Some(Node { member: node.member && other.member, below: node.below.intersection(&other.below) })
        })
    }

    /// What is in this and not in the other, each field for itself.
    pub(crate) fn difference(&self, other: &Self) -> Self {
        self.combined(|element, node| {
            Some(match other.0.get(element) {
                None => node.clone(),
                Some(other) => {
                    Node { member: node.member && !other.member, below: node.below.difference(&other.below) }
                }
            })
        })
    }

    /// What is in this, and neither in the other nor below a field of it.
    pub(crate) fn without_below(&self, other: &Self) -> Self {
        if other.is_empty() {
            return self.clone();
        }
        self.combined(|element, node| match other.0.get(element) {
            None => Some(node.clone()),
            Some(other) if other.member => None,
            Some(other) => Some(Node { member: node.member, below: node.below.without_below(&other.below) }),
        })
    }

    fn combined(&self, combine: impl Fn(&Element, &Node) -> Option<Node>) -> Self {
        let kept = self.0.iter().filter_map(|(element, node)| {
            let node = combine(element, node)?;
            (!node.is_empty()).then(|| (element.clone(), node))
        });
        Self(kept.collect())
    }

    /// The paths of all fields: those at the top before those below, as the real server tells them.
    pub(crate) fn paths(&self) -> Vec<Vec<Element>> {
        let mut paths = Vec::new();
        self.collect(&mut Vec::new(), &mut paths);
        paths
    }

    fn collect(&self, prefix: &mut Vec<Element>, paths: &mut Vec<Vec<Element>>) {
        for (element, _) in self.0.iter().filter(|(_, node)| node.member) {
            paths.push([prefix.as_slice(), std::slice::from_ref(element)].concat());
        }
        for (element, node) in &self.0 {
            prefix.push(element.clone());
            node.below.collect(prefix, paths);
            prefix.pop();
        }
    }

    /// The wire form.
    pub(crate) fn to_value(&self) -> Value {
        let mut fields = Map::new();
        for (element, node) in &self.0 {
            let mut below = node.below.to_value();
            if node.member
                && let Value::Object(below) = &mut below
                && !below.is_empty()
            {
                below.insert(".".to_owned(), Value::Object(Map::new()));
            }
            fields.insert(element.to_wire(), below);
        }
        Value::Object(fields)
    }

    /// The set of a wire form.
    pub(crate) fn from_value(value: &Value) -> Result<Self, String> {
        let (set, _) = Self::read(value, DEPTH_MAX)?;
        Ok(set)
    }

    /// The set below a field, and whether the field itself is in.
    fn read(value: &Value, levels: usize) -> Result<(Self, bool), String> {
        let Some(fields) = value.as_object() else {
            return Err("a set of fields is a JSON object".to_owned());
        };
        if levels == 0 {
            return Err(format!("a set of fields is not deeper than {DEPTH_MAX} levels"));
        }
        let mut set = Self::default();
        let mut member = false;
        for (key, value) in fields {
            if key == "." {
                member = true;
            } else if let Some(element) = Element::parse(key)? {
                let (below, member) = Self::read(value, levels - 1)?;
                set.insert(element, member, below);
            }
        }
        let member = member || set.is_empty();
        Ok((set, member))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn element() -> impl Strategy<Value = Element> {
        prop_oneof![
            "[a-c]".prop_map(Element::Field),
            "[a-b]".prop_map(|name| Element::Key(vec![("name".to_owned(), Value::from(name))])),
            (0..2_i64).prop_map(|value| Element::Value(Value::from(value))),
        ]
    }

    fn set() -> impl Strategy<Value = FieldSet> {
        let paths = proptest::collection::vec(proptest::collection::vec(element(), 1..4), 0..8);
        paths.prop_map(|paths| {
            let mut set = FieldSet::default();
            for path in paths {
                let inner = path.into_iter().rev().fold(None, |inner: Option<FieldSet>, element| {
                    let mut outer = FieldSet::default();
                    let member = inner.is_none();
                    outer.insert(element, member, inner.unwrap_or_default());
                    Some(outer)
                });
                set = set.union(&inner.unwrap_or_default());
            }
            set
        })
    }

    fn has_path(set: &FieldSet, path: &[Element]) -> bool {
        match path {
            [] => false,
            [last] => set.has(last),
            [first, rest @ ..] => set.below(first).is_some_and(|below| has_path(below, rest)),
        }
    }

    proptest! {
        #[test]
        fn the_wire_form_is_read_back(set in set()) {
            prop_assert_eq!(FieldSet::from_value(&set.to_value()), Ok(set));
        }

        /// Membership of every path decides what the operations give: the algebra of sets.
        #[test]
        fn operations_are_those_of_sets(one in set(), other in set()) {
            let (union, both, less) = (one.union(&other), one.intersection(&other), one.difference(&other));
            let bare = one.without_below(&other);
            for path in one.paths().iter().chain(&other.paths()) {
                let (in_one, in_other) = (has_path(&one, path), has_path(&other, path));
                prop_assert_eq!(has_path(&union, path), in_one || in_other);
                prop_assert_eq!(has_path(&both, path), in_one && in_other);
                prop_assert_eq!(has_path(&less, path), in_one && !in_other);
                let covered = (1..=path.len()).any(|length| has_path(&other, &path[..length]));
                prop_assert_eq!(has_path(&bare, path), in_one && !covered);
            }
            // Equal sets are equal values, however they were made.
            prop_assert_eq!(less.union(&both), one.clone());
            prop_assert_eq!(one.union(&other), other.union(&one));
            prop_assert_eq!(one.union(&other).difference(&other), one.difference(&other));
            prop_assert_eq!(one.intersection(&other), other.intersection(&one));
            prop_assert!(one.difference(&one).is_empty());
            prop_assert_eq!(union.paths().len(), one.paths().len() + other.paths().len() - both.paths().len());
        }
    }

    #[test]
    fn a_field_is_in_without_what_is_below_and_the_other_way_round() {
        let wire = json!({"f:a": {".": {}, "f:b": {}}, "f:c": {"f:d": {}}, "z:later": {}});
        let set = FieldSet::from_value(&wire).unwrap();
        let paths: Vec<_> = set.paths().iter().map(|path| super::super::element::path_text(path)).collect();
        assert_eq!(paths, [".a", ".a.b", ".c.d"]);
        assert_eq!(FieldSet::from_value(&json!({"nonsense": {}})).unwrap_err(), "missing colon: nonsense");
        assert!(FieldSet::from_value(&json!({"f:a": 1})).is_err());
    }
}
