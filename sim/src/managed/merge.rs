//! Laying an applied configuration over an object, and taking fields away: the two halves of an apply.
//!
//! Pure functions. Lists that divide keep the order of the object, with the order of the configuration among the items that both have,
//! as the real server does it.

use serde_json::{Map, Value};

use super::element::Element;
use super::form::{Form, Parts, steps};
use super::set::FieldSet;

/// The live object with the configuration laid over it.
pub(crate) fn merge(form: Form<'_>, live: &Value, config: &Value) -> Value {
    walk(form, Some(live), Some(config)).unwrap_or(Value::Null)
}

fn walk(form: Form<'_>, live: Option<&Value>, config: Option<&Value>) -> Option<Value> {
    let (Some(live), Some(config)) = (live, config) else {
        return config.or(live).cloned();
    };
    match (form.parts(config), live, config) {
        (Parts::Fields, Value::Object(live), Value::Object(config)) if !(live.is_empty() && config.is_empty()) => {
            let mut merged = Map::new();
            for name in live.keys().chain(config.keys().filter(|name| !live.contains_key(*name))) {
                if let Some(value) = walk(form.child(name).0, live.get(name), config.get(name)) {
                    merged.insert(name.clone(), value);
                }
            }
            Some(Value::Object(merged))
        }
        (Parts::Fields, Value::Object(live), Value::Null) if !live.is_empty() => Some(Value::Object(live.clone())),
        (parts @ (Parts::Set | Parts::Keyed(..)), Value::Array(live), Value::Array(config))
            if !(live.is_empty() && config.is_empty()) =>
        {
            Some(Value::Array(lists(&parts, live, config)))
        }
        (Parts::Set | Parts::Keyed(..), Value::Array(live), Value::Null) if !live.is_empty() => {
            Some(Value::Array(live.clone()))
        }
        (_, _, config) => Some(config.clone()),
    }
}

/// Both lists in one.
fn lists(parts: &Parts<'_>, live: &[Value], config: &[Value]) -> Vec<Value> {
    let (live, config) = (steps(parts, live), steps(parts, config));
    let in_config = |element: &Element| config.iter().find(|(known, _)| known == element).map(|(_, item)| *item);
    let in_live = |element: &Element| {
        let mut found = live.iter().filter(|(known, _)| known == element).map(|(_, item)| *item);
        // What is there twice is not merged with the new one.
        let first = found.next();
        first.filter(|_| found.next().is_none())
    };
    let both = |element: &Element| match parts {
        Parts::Keyed(_, form) => walk(*form, in_live(element), in_config(element)),
        _ => in_config(element).or_else(|| in_live(element)).cloned(),
    };
    let mut merged = Vec::new();
    let mut rest = live.iter().peekable();
    // The items of the configuration that the object has too give the places; what only the object has goes before the next of them.
    for (element, _) in &config {
        if live.iter().any(|(known, _)| known == element) {
            let ahead = rest.clone().any(|(known, _)| known == element);
            while ahead && let Some((known, item)) = rest.next() {
                if known == element {
                    break;
                }
                if in_config(known).is_none() {
                    merged.push((*item).clone());
                }
            }
        } else if !rest.clone().any(|(known, _)| in_config(known).is_some()) {
            // New ones at the end come after everything that the object has.
            merged.extend(rest.by_ref().map(|(_, item)| (*item).clone()));
        } else {
            while let Some((_, item)) = rest.next_if(|(known, _)| in_config(known).is_none()) {
                merged.push((*item).clone());
            }
        }
        merged.extend(both(element));
    }
    merged.extend(rest.filter(|(known, _)| in_config(known).is_none()).map(|(_, item)| (*item).clone()));
    merged
}

/// A value without the fields of a set. Null where nothing is left of an object or a list.
pub(crate) fn without(form: Form<'_>, value: &Value, set: &FieldSet) -> Value {
    match (form.parts(value), value) {
        (Parts::Fields, Value::Object(map)) => {
            let mut kept = Map::new();
            for (name, value) in map {
                let element = Element::field(name);
                if set.has(&element) {
                    continue;
                }
                let value = match set.below(&element) {
                    Some(below) => without(form.child(name).0, value, below),
                    None => value.clone(),
                };
                kept.insert(name.clone(), value);
            }
            if kept.is_empty() { Value::Null } else { Value::Object(kept) }
        }
        (parts @ (Parts::Set | Parts::Keyed(..)), Value::Array(list)) => {
            let kept = steps(&parts, list).into_iter().filter(|(element, _)| !set.has(element));
            let kept: Vec<_> = kept
                .map(|(element, item)| match (set.below(&element), &parts) {
                    (Some(below), Parts::Keyed(_, form)) => without(*form, item, below),
                    _ => item.clone(),
                })
                .collect();
            if kept.is_empty() { Value::Null } else { Value::Array(kept) }
        }
        (Parts::Leaf, value) => value.clone(),
        _ => Value::Null,
    }
}

/// The set, and every field with a name that something in the set is below: whoever owns a part owns the way to it.
pub(crate) fn with_ways(form: Form<'_>, value: &Value, set: &FieldSet) -> FieldSet {
    let mut all = FieldSet::default();
    let parts = form.parts(value);
    let found = match (&parts, value) {
        (Parts::Set | Parts::Keyed(..), Value::Array(list)) => steps(&parts, list),
        _ => Vec::new(),
    };
    for (element, member, below) in set.entries() {
        let (child, named, value) = if let Element::Field(name) = element {
            let (child, named) = form.child(name);
            (child, named, value.get(name))
        } else {
            let child = if let Parts::Keyed(_, item) = &parts { *item } else { form };
            (child, false, found.iter().find(|(known, _)| known == element).map(|(_, item)| *item))
        };
        let inner = with_ways(child, value.unwrap_or(&Value::Null), below);
        all.insert(element.clone(), member || (named && !below.is_empty()), inner);
    }
    all
}
