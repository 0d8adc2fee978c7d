//! What changed between two values of one form, and all the fields of one value.
//!
//! Pure functions over borrowed values. An absent value is `None`; null is a value.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::element::Element;
use super::form::{Form, Parts, steps};
use super::set::FieldSet;

/// The fields that differ. No field is in two of the sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Comparison {
    pub(crate) removed: FieldSet,
    pub(crate) modified: FieldSet,
    pub(crate) added: FieldSet,
}

/// What happened to a field itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Removed,
    Modified,
    Added,
}

impl Comparison {
    fn insert(&mut self, element: Element, change: Option<Change>, below: Self) {
        for (set, own, below) in [
            (&mut self.removed, Change::Removed, below.removed),
            (&mut self.modified, Change::Modified, below.modified),
            (&mut self.added, Change::Added, below.added),
        ] {
            if change == Some(own) || !below.is_empty() {
                set.insert(element.clone(), change == Some(own), below);
            }
        }
    }

    /// Without the fields of `excluded` and what is below them.
    pub(crate) fn without(self, excluded: &FieldSet) -> Self {
        Self {
            removed: self.removed.without_below(excluded),
            modified: self.modified.without_below(excluded),
            added: self.added.without_below(excluded),
        }
    }
}

/// What leads from `old` to `new`.
pub(crate) fn compare(form: Form<'_>, old: &Value, new: &Value) -> Comparison {
    walk(form, Some(old), Some(new)).1
}

fn walk(form: Form<'_>, old: Option<&Value>, new: Option<&Value>) -> (Option<Change>, Comparison) {
    let presence = match (old, new) {
        (None, Some(_)) => Some(Change::Added),
        (Some(_), None) => Some(Change::Removed),
        _ => None,
    };
    let leaf = || match presence {
        Some(change) => (Some(change), Comparison::default()),
        None => ((old != new).then_some(Change::Modified), Comparison::default()),
    };
    // An empty object or list is a leaf beside another or nothing: so is the difference between empty and null kept.
    let empty = |value: Option<&Value>| match value {
        None | Some(Value::Null) => true,
        Some(Value::Array(list)) => list.is_empty(),
        Some(Value::Object(map)) => map.is_empty(),
        Some(_) => false,
    };
    let Some(shown) = new.filter(|value| !value.is_null()).or(old) else {
        return leaf();
    };
    let parts = form.parts(shown);
    if matches!(parts, Parts::Leaf) || (empty(old) && empty(new)) {
        return leaf();
    }
    let mut below = Comparison::default();
    match parts {
        Parts::Leaf => {}
        Parts::Fields => fields(form, old, new, &mut below),
        Parts::Set | Parts::Keyed(..) => items(&parts, old, new, &mut below),
    }
    (presence, below)
}

fn fields(form: Form<'_>, old: Option<&Value>, new: Option<&Value>, found: &mut Comparison) {
    static NONE: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
    let (old, new) = (old.and_then(Value::as_object), new.and_then(Value::as_object));
    // A custom resource holds a null, a field of Go is then only empty: where its object is, it is there.
    let zero = |map: Option<&Map<String, Value>>, name: &str, other: &Value| {
        let null = || (form.is_built_in() && other.is_null()).then_some(&Value::Null);
        map.and_then(|_| form.zero(name).or_else(null))
    };
    for (name, value) in old.unwrap_or(&*NONE) {
        let other = new.and_then(|new| new.get(name));
        if other == Some(value) {
            continue;
        }
        let other = other.or_else(|| zero(new, name, value));
        let (change, below) = walk(form.child(name).0, Some(value), other);
        found.insert(Element::field(name), change, below);
    }
    for (name, value) in new.unwrap_or(&*NONE) {
        if old.is_some_and(|old| old.contains_key(name)) {
            continue;
        }
        let (change, below) = walk(form.child(name).0, zero(old, name, value), Some(value));
        found.insert(Element::field(name), change, below);
    }
}

fn items(parts: &Parts<'_>, old: Option<&Value>, new: Option<&Value>, found: &mut Comparison) {
    let mut all: BTreeMap<Element, (Vec<&Value>, Vec<&Value>)> = BTreeMap::new();
    let list = |value: Option<&'_ Value>| value.and_then(Value::as_array).map_or(&[][..], Vec::as_slice).to_vec();
    let (old, new) = (list(old), list(new));
    for (element, item) in steps(parts, &old) {
        all.entry(element).or_default().0.push(item);
    }
    for (element, item) in steps(parts, &new) {
        all.entry(element).or_default().1.push(item);
    }
    let one = |old: Option<&Value>, new: Option<&Value>| match parts {
        Parts::Keyed(_, form) => walk(*form, old, new),
        _ => match (old, new) {
            (None, Some(_)) => (Some(Change::Added), Comparison::default()),
            (Some(_), None) => (Some(Change::Removed), Comparison::default()),
            _ => (None, Comparison::default()),
        },
    };
    for (element, (old, new)) in all {
        match (old.as_slice(), new.as_slice()) {
            // What is there twice is owned as a whole.
            ([_, _, ..], [_, _, ..]) => {
                let change = (old != new).then_some(Change::Modified);
                found.insert(element, change, Comparison::default());
            }
            ([_, _, ..], new) => {
                if let Some(new) = new.first() {
                    let (change, below) = one(None, Some(new));
                    found.insert(element.clone(), change, below);
                }
                found.insert(element, Some(Change::Removed), Comparison::default());
            }
            (old, [_, _, ..]) => {
                if let Some(old) = old.first() {
                    let (change, below) = one(Some(old), None);
                    found.insert(element.clone(), change, below);
                }
                found.insert(element, Some(Change::Added), Comparison::default());
            }
            (old, new) => {
                let (change, below) = one(old.first().copied(), new.first().copied());
                found.insert(element, change, below);
            }
        }
    }
}

/// All the fields of a value: what an apply of it owns.
pub(crate) fn field_set(form: Form<'_>, value: &Value) -> FieldSet {
    all_fields(form, value).1
}

/// Whether the value itself is a field of its own, and the fields below.
fn all_fields(form: Form<'_>, value: &Value) -> (bool, FieldSet) {
    let mut set = FieldSet::default();
    let parts = form.parts(value);
    match (&parts, value) {
        (Parts::Leaf, _) => return (true, set),
        (Parts::Fields, Value::Object(map)) => {
            for (name, value) in map {
                let (child, named) = form.child(name);
                let (own, below) = all_fields(child, value);
                let bare = value.is_null() || value.as_object().is_some_and(Map::is_empty);
                set.insert(Element::field(name), own || bare || !named, below);
            }
        }
        (Parts::Set | Parts::Keyed(..), Value::Array(list)) => {
            let found = steps(&parts, list);
            for (place, (element, item)) in found.iter().enumerate() {
                let twice = found.iter().enumerate().any(|(other, (known, _))| other != place && known == element);
                let below = match &parts {
                    Parts::Keyed(_, form) if !twice => all_fields(*form, item).1,
                    _ => FieldSet::default(),
                };
                set.insert(element.clone(), true, below);
            }
        }
        _ => {}
    }
    (false, set)
}
