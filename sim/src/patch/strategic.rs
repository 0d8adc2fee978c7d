//! Strategic merge: a patch that knows which lists are merged by a key, and that carries directives.
//!
//! Owns `$patch` (`replace`, `delete`, `merge`), `$retainKeys`, `$setElementOrder/…`, `$deleteFromPrimitiveList/…` and deletion by null.
//! Which list is merged, and by which key, comes from the schema of the kind. The order of lists is in `order`. A pure function.

use serde_json::{Map, Value};

use super::order::{ordered, partition};
use crate::go_json::{printed, printed_list, type_name, word};
use crate::managed::Form;
use crate::status::Status;

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const ORDER: &str = "$setElementOrder/";
const DELETE_FROM: &str = "$deleteFromPrimitiveList/";

const BAD_PRIMITIVE_LIST: &str = "invalid patch format of primitive list";
const BAD_RETAIN_KEYS: &str = "invalid patch format of retainKeys";

/// The patched object.
pub(super) fn apply(form: Form<'_>, value: &Value, patch: &Value) -> Result<Value, Status> {
    let (Value::Object(original), Value::Object(patch)) = (value, patch) else {
        return Err(Status::bad_request(format!(
            "json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
            word(patch)
        )));
    };
    Ok(Value::Object(objects(form, original.clone(), patch.clone())?))
}

fn objects(
    form: Form<'_>,
    mut original: Map<String, Value>,
    mut patch: Map<String, Value>,
) -> Result<Map<String, Value>, Status> {
    if let Some(directive) = patch.remove(DIRECTIVE) {
        return match directive.as_str() {
            Some("replace") => Ok(patch),
            Some("delete") => Ok(Map::new()),
            _ => Err(unknown_directive(&directive, patch)),
        };
    }
    retain(&mut original, &mut patch)?;
    let orders: Vec<String> = patch.keys().filter(|key| key.starts_with(ORDER)).cloned().collect();
    for key in orders {
        let wanted = patch.remove(&key).unwrap_or_default();
        let name = &key[ORDER.len()..];
        reorder(form.child(name).0, name, &wanted, &mut original, &mut patch)?;
    }
    for (key, change) in patch {
        if let Some(name) = key.strip_prefix(DELETE_FROM) {
            delete_from(&mut original, name, &change)?;
        } else if key == DELETE_FROM.trim_end_matches('/') {
            return Err(Status::bad_request(BAD_PRIMITIVE_LIST));
        } else if change.is_null() {
            original.remove(&key);
        } else {
            let merged = match (original.remove(&key), change) {
                (Some(Value::Object(_)), Value::Object(_)) | (Some(Value::Array(_)), Value::Array(_))
                    if form.is_opaque() =>
                {
                    // Its type has no such field to merge by.
                    let why = format!("unable to find api field in struct RawExtension for the json field {key:?}");
                    return Err(Status::new(500, "", why));
                }
                (Some(Value::Object(old)), Value::Object(new)) => {
                    let child = form.child(&key).0;
                    let replaced = child.strategy().replaces;
                    Some(Value::Object(if replaced { new } else { objects(child, old, new)? }))
                }
                (Some(Value::Array(old)), Value::Array(new)) => {
                    Some(Value::Array(lists(form.child(&key).0, &key, old, new)?))
                }
                (_, new) => without_directives(without_nulls(new)),
            };
            if let Some(merged) = merged {
                original.insert(key, merged);
            }
        }
    }
    Ok(original)
}

/// Keeps only the keys that `$retainKeys` names.
fn retain(original: &mut Map<String, Value>, patch: &mut Map<String, Value>) -> Result<(), Status> {
    let Some(retained) = patch.remove(RETAIN_KEYS) else {
        return Ok(());
    };
    let Some(retained) = retained.as_array() else {
        return Err(Status::bad_request(BAD_RETAIN_KEYS));
    };
    let kept = |key: &str| retained.iter().any(|name| name == key);
    let special = |key: &str| key.starts_with(ORDER) || key.starts_with(DELETE_FROM);
    if patch.iter().any(|(key, value)| !value.is_null() && !special(key) && !kept(key)) {
        return Err(Status::bad_request(BAD_RETAIN_KEYS));
    }
    original.retain(|key, _| kept(key));
    Ok(())
}

/// Merges a list that comes with `$setElementOrder`, and puts it in that order.
fn reorder(
    form: Form<'_>,
    name: &str,
    wanted: &Value,
    original: &mut Map<String, Value>,
    patch: &mut Map<String, Value>,
) -> Result<(), Status> {
    let list = |value: &Value| match value {
        Value::Array(list) => Ok(list.clone()),
        other => {
            // Of nothing there is no type to print.
            let kind = if other.is_null() { "%!s(<nil>)" } else { type_name(other) };
            Err(Status::storage(format!("expected a []interface {{}}, but received a {kind}")))
        }
    };
    let wanted = list(wanted)?;
    let strategy = form.strategy();
    let (old, new) = (original.get(name).map(list).transpose()?, patch.remove(name));
    let new = new.as_ref().map(list).transpose()?;
    follows(new.as_deref().unwrap_or_default(), &wanted, strategy.key)?;
    let merged = match (&old, &new) {
        (None, None) => return Ok(()),
        (Some(old), None) => old.clone(),
        (None, Some(new)) => match without_directives(Value::Array(new.clone())) {
            Some(Value::Array(list)) => list,
            _ => return Ok(()),
        },
        (Some(old), Some(new)) => lists(form, name, old.clone(), new.clone())?,
    };
    let (named, rest) = partition(merged, &wanted, strategy.key);
    let ordered = ordered(named, rest, &wanted, old.as_deref().unwrap_or_default(), strategy.key);
    original.insert(name.to_owned(), Value::Array(ordered));
    Ok(())
}

/// Refuses a patch list whose items are not among the wanted order, or not in it.
fn follows(patch: &[Value], wanted: &[Value], key: Option<&str>) -> Result<(), Status> {
    if patch.is_empty() || wanted.is_empty() {
        return Ok(());
    }
    let mut order = wanted.iter();
    for item in patch.iter().filter(|item| item.get(DIRECTIVE).is_none()) {
        let same = |other: &Value| match key {
            Some(key) => item.get(key).is_some() && item.get(key) == other.get(key),
            None => item == other,
        };
        if let Some(key) = key
            && item.get(key).is_none()
        {
            return Err(no_key(item, key));
        }
        if !order.by_ref().any(same) {
            return Err(Status::storage(format!(
                "The order in patch list:\n{}\n doesn't match $setElementOrder list:\n{}\n",
                printed_list(patch),
                printed_list(wanted)
            )));
        }
    }
    Ok(())
}

fn delete_from(original: &mut Map<String, Value>, name: &str, doomed: &Value) -> Result<(), Status> {
    let Some(Value::Array(list)) = original.get_mut(name) else {
        return Ok(());
    };
    let Some(doomed) = doomed.as_array() else {
        return Ok(());
    };
    alike(list, doomed)?;
    list.retain(|item| !doomed.contains(item));
    Ok(())
}

/// Two lists of one field.
fn lists(form: Form<'_>, name: &str, original: Vec<Value>, patch: Vec<Value>) -> Result<Vec<Value>, Status> {
    let strategy = form.strategy();
    if !strategy.merges {
        return Ok(patch);
    }
    if original.is_empty() && patch.is_empty() {
        return Ok(original);
    }
    alike(&original, &patch)?;
    let order = patch.clone();
    let before = original.clone();
    let of_objects = original.first().or(patch.first()).is_some_and(Value::is_object);
    let merged = if of_objects {
        let Some(key) = strategy.key else {
            return Err(Status::storage(format!("cannot merge lists without merge key for {name}")));
        };
        keyed(form, key, original, patch)?
    } else {
        let mut merged = original;
        for item in patch {
            if !merged.contains(&item) {
                merged.push(item);
            }
        }
        merged
    };
    let order: Vec<Value> = order.into_iter().filter(|item| item.get(DIRECTIVE).is_none()).collect();
    let (named, rest) = partition(merged, &order, strategy.key);
    Ok(ordered(named, rest, &order, &before, strategy.key))
}

fn keyed(form: Form<'_>, key: &str, mut original: Vec<Value>, patch: Vec<Value>) -> Result<Vec<Value>, Status> {
    let mut replaced = false;
    let mut plain = Vec::new();
    for item in patch {
        match item.get(DIRECTIVE) {
            None => plain.push(item),
            Some(Value::String(word)) if word == "delete" => {
                let Some(doomed) = item.get(key) else {
                    return Err(no_key(&item, key));
                };
                original.retain(|known| known.get(key) != Some(doomed));
            }
            Some(Value::String(word)) if word == "replace" => replaced = true,
            Some(Value::String(word)) if word == "merge" => {
                return Err(Status::storage("merging lists cannot yet be specified in the patch"));
            }
            Some(directive) => {
                let fields = item.as_object().cloned().unwrap_or_default();
                return Err(unknown_directive(directive, fields));
            }
        }
    }
    if replaced {
        return Ok(plain);
    }
    for item in plain {
        let Some(wanted) = item.get(key).cloned() else {
            return Err(no_key(&item, key));
        };
        let known = original.iter_mut().find(|known| known.get(key) == Some(&wanted));
        match (known, item) {
            (Some(known), Value::Object(item)) => {
                let old = known.as_object().cloned().unwrap_or_default();
                *known = Value::Object(objects(form.items(), old, item)?);
            }
            (_, item) => original.push(item),
        }
    }
    Ok(original)
}

/// Refuses lists whose items are of several kinds, or lists.
fn alike(one: &[Value], other: &[Value]) -> Result<(), Status> {
    let mut kinds = one.iter().chain(other).map(type_name);
    let Some(first) = kinds.next() else {
        return Err(Status::storage("no elements in any of the given slices"));
    };
    if first == "[]interface {}" {
        let mut status = Status::unprocessable();
        "lists of lists are not supported".clone_into(&mut status.message);
        return Err(status);
    }
    if kinds.any(|kind| kind != first) {
        let both = format!("[{} {}]", printed_list(one), printed_list(other));
        return Err(Status::storage(format!("list element types are not identical: {both}")));
    }
    Ok(())
}

/// A new value without the nulls that would delete something.
fn without_nulls(mut value: Value) -> Value {
    match &mut value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(|value| *value = without_nulls(value.take()));
        }
        Value::Array(list) => list.iter_mut().for_each(|value| *value = without_nulls(value.take())),
        _ => {}
    }
    value
}

/// A new value without what is a directive; nothing where it is one itself.
fn without_directives(value: Value) -> Option<Value> {
    Some(match value {
        Value::Object(map) if map.contains_key(DIRECTIVE) => return None,
        Value::Object(map) => {
            let kept = map.into_iter().filter_map(|(key, value)| Some((key, without_directives(value)?)));
            Value::Object(kept.collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().filter_map(without_directives).collect()),
        other => other,
    })
}

fn unknown_directive(directive: &Value, mut fields: Map<String, Value>) -> Status {
    fields.insert(DIRECTIVE.to_owned(), directive.clone());
    Status::storage(format!("unknown patch type: {} in map: {}", printed(directive), printed(&Value::Object(fields))))
}

fn no_key(item: &Value, key: &str) -> Status {
    Status::storage(format!("map: {} does not contain declared merge key: {key}", printed(item)))
}
