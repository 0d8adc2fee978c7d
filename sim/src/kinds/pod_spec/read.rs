//! Reading the fields of a spec, and the checks that several parts of it share.
//!
//! A field that is absent, null or of another type reads as its zero value, as in a typed server after decoding.

use serde_json::{Map, Value};

use crate::kinds::Causes;
use crate::meta;
use crate::status::Cause;
use crate::validate_name;

/// What a file mode out of range is told.
const MODE: &str = "must be a number between 0 and 0777 (octal), both inclusive";

/// A field that is there and not null.
pub(crate) fn given<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    value.get(key).filter(|value| !value.is_null())
}

/// A field, or null.
pub(crate) fn field<'a>(value: &'a Value, key: &str) -> &'a Value {
    value.get(key).unwrap_or(&Value::Null)
}

/// The entries of a list.
pub(crate) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The entries of a map.
pub(crate) fn entries<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value.get(key).and_then(Value::as_object).into_iter().flatten()
}

/// A whole number that may be absent.
pub(crate) fn whole(value: &Value, key: &str) -> Option<i64> {
    value.get(key).and_then(Value::as_i64)
}

/// A whole number, 0 when absent.
pub(crate) fn number(value: &Value, key: &str) -> i64 {
    whole(value, key).unwrap_or_default()
}

/// Whether a flag is given and true.
pub(crate) fn yes(value: &Value, key: &str) -> bool {
    value.get(key) == Some(&Value::Bool(true))
}

/// Runs a check on every entry of a list, each at its path.
pub(crate) fn each<'a>(
    value: &'a Value,
    key: &str,
    causes: &mut Causes,
    mut check: impl FnMut(&'a Value, &mut Causes),
) {
    causes.at(key, |causes| {
        for (index, entry) in list(value, key).iter().enumerate() {
            causes.index(index, |causes| check(entry, causes));
        }
    });
}

/// Runs a check on an object where it is given, at its path.
pub(crate) fn inside<'a>(value: &'a Value, key: &str, causes: &mut Causes, check: impl FnOnce(&'a Value, &mut Causes)) {
    if let Some(entry) = given(value, key) {
        causes.at(key, |causes| check(entry, causes));
    }
}

/// Every problem of a text as a cause at the field.
pub(crate) fn problems(field: &str, text: &str, problems: Vec<String>, causes: &mut Causes) {
    for problem in problems {
        causes.invalid(field, &Value::from(text), &problem);
    }
}

/// A text that must be given.
pub(crate) fn required(value: &Value, key: &str, causes: &mut Causes) {
    if meta::text(value, key).is_empty() {
        causes.required(key, "");
    }
}

/// A text that is one of the known ones; absent is missing.
pub(crate) fn one_of(value: &Value, key: &str, known: &[&str], causes: &mut Causes) {
    match meta::text(value, key) {
        "" => causes.required(key, ""),
        text if known.contains(&text) => {}
        text => causes.not_supported(key, text, known),
    }
}

/// A text that is one of the known ones where it is given; the empty text is given.
pub(crate) fn known_if_given(value: &Value, key: &str, known: &[&str], causes: &mut Causes) {
    if let Some(text) = value.get(key).and_then(Value::as_str)
        && !known.contains(&text)
    {
        causes.not_supported(key, text, known);
    }
}

/// A number that is not below 0.
pub(crate) fn not_negative(value: &Value, key: &str, causes: &mut Causes) {
    if let Some(found) = whole(value, key).filter(|number| *number < 0) {
        causes.invalid(key, &found.into(), "must be greater than or equal to 0");
    }
}

/// A number within bounds, where it is given.
pub(crate) fn between(value: &Value, key: &str, low: i64, high: i64, causes: &mut Causes) {
    if let Some(found) = whole(value, key).filter(|number| !(low..=high).contains(number)) {
        causes.invalid(key, &found.into(), &format!("must be between {low} and {high}, inclusive"));
    }
}

/// The mode of a file.
pub(crate) fn mode(value: &Value, key: &str, causes: &mut Causes) {
    if let Some(found) = whole(value, key).filter(|mode| !(0..=0o777).contains(mode)) {
        causes.invalid(key, &found.into(), MODE);
    }
}

/// A path that does not climb.
pub(crate) fn no_steps_back(field: &str, path: &str, causes: &mut Causes) {
    if path.split('/').any(|part| part == "..") {
        causes.invalid(field, &path.into(), "must not contain '..'");
    }
}

/// A path below some directory.
pub(crate) fn relative(field: &str, path: &str, causes: &mut Causes) {
    if path.starts_with('/') {
        causes.invalid(field, &path.into(), "must be a relative path");
    }
    no_steps_back(field, path, causes);
}

/// A path below a directory whose names beginning with two dots are taken.
pub(crate) fn not_reserved(field: &str, path: &str, causes: &mut Causes) {
    relative(field, path, causes);
    if path.starts_with("..") && !path.starts_with("../") {
        causes.invalid(field, &path.into(), "must not start with '..'");
    }
}

/// The number of a port.
pub(crate) fn port_number(field: &str, port: i64, causes: &mut Causes) {
    if !(1..=65535).contains(&port) {
        causes.invalid(field, &port.into(), "must be between 1 and 65535, inclusive");
    }
}

/// What is wrong with the name of a port.
pub(crate) fn port_name(name: &str) -> Vec<String> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    [
        (name.len() > 15, "must be no more than 15 characters"),
        (
            name.is_empty() || !name.bytes().all(allowed),
            "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
        ),
        (!name.bytes().any(|byte| byte.is_ascii_lowercase()), "must contain at least one letter (a-z)"),
        (name.contains("--"), "must not contain consecutive hyphens"),
        (name.starts_with('-') || name.ends_with('-'), "must not begin or end with a hyphen"),
    ]
    .into_iter()
    .filter(|(wrong, _)| *wrong)
    .map(|(_, why)| why.to_owned())
    .collect()
}

/// A port by number or by name.
pub(crate) fn port(value: &Value, key: &str, causes: &mut Causes) {
    match value.get(key).and_then(Value::as_str) {
        Some(name) => problems(key, name, port_name(name), causes),
        None => port_number(key, number(value, key), causes),
    }
}

/// What is wrong with a key of a config map or secret.
pub(crate) fn data_key(key: &str) -> Vec<String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let mut wrong = Vec::new();
    if key.len() > 253 {
        wrong.push("must be no more than 253 characters".to_owned());
    }
    if key.is_empty() || !key.bytes().all(allowed) {
        wrong.push(
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or \
             'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
                .to_owned(),
        );
    }
    match key {
        "." | ".." => wrong.push(format!("must not be '{key}'")),
        key if key.starts_with("..") => wrong.push("must not start with '..'".to_owned()),
        _ => {}
    }
    wrong
}

/// Keys and values of labels, as in a node selector.
pub(crate) fn labels(value: &Value, key: &str, causes: &mut Causes) {
    for (name, text) in entries(value, key) {
        problems(key, name, validate_name::qualified_name(name), causes);
        let text = text.as_str().unwrap_or_default();
        problems(key, text, validate_name::label_value(text), causes);
    }
}

/// A label selector, where it is given.
pub(crate) fn selector(value: &Value, key: &str, causes: &mut Causes) {
    inside(value, key, causes, |selector, causes| {
        labels(selector, "matchLabels", causes);
        each(selector, "matchExpressions", causes, |requirement, causes| {
            let values = list(requirement, "values");
            match meta::text(requirement, "operator") {
                "In" | "NotIn" if values.is_empty() => {
                    causes.required("values", "must be specified when `operator` is 'In' or 'NotIn'");
                }
                "Exists" | "DoesNotExist" if !values.is_empty() => {
                    causes.forbidden("values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
                }
                "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
                other => causes.invalid("operator", &other.into(), "not a valid selector operator"),
            }
            let name = meta::text(requirement, "key");
            problems("key", name, validate_name::qualified_name(name), causes);
            label_values(requirement, causes);
        });
    });
}

/// The `values` of a requirement on labels.
pub(crate) fn label_values(requirement: &Value, causes: &mut Causes) {
    each(requirement, "values", causes, |value, causes| {
        let text = value.as_str().unwrap_or_default();
        problems("", text, validate_name::label_value(text), causes);
    });
}

/// Whether a selector can be evaluated at all.
pub(crate) fn selects(selector: &Value) -> bool {
    let mut causes = Causes::default();
    self::selector(&serde_json::json!({"": selector}), "", &mut causes);
    causes.into_found().is_empty()
}

/// Something that is named and not there.
pub(crate) fn not_found(field: &str, name: &str, detail: &str, causes: &mut Causes) {
    let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
    let message = format!("Not found: {}{detail}", Value::from(name));
    let field = causes.path(field);
    causes.push(Cause { reason: "FieldValueNotFound".to_owned(), message, field });
}

/// A text of more bytes than fit.
pub(crate) fn too_long(field: &str, limit: usize, causes: &mut Causes) {
    let field = causes.path(field);
    let message = format!("Too long: may not be more than {limit} bytes");
    causes.push(Cause { reason: "FieldValueTooLong".to_owned(), message, field });
}

/// A list of more entries than fit.
pub(crate) fn too_many(field: &str, found: usize, limit: usize, causes: &mut Causes) {
    if found > limit {
        let field = causes.path(field);
        let message = format!("Too many: {found}: must have at most {limit} items");
        causes.push(Cause { reason: "FieldValueTooMany".to_owned(), message, field });
    }
}

/// A cause that shows no value.
pub(crate) fn wrong(field: &str, detail: &str, causes: &mut Causes) {
    let field = causes.path(field);
    let message = format!("Invalid value: {detail}");
    causes.push(Cause { reason: "FieldValueInvalid".to_owned(), message, field });
}

/// Fields that are absent or null are filled.
pub(crate) fn fill(value: &mut Value, fields: &Value) {
    let (Some(target), Some(fields)) = (value.as_object_mut(), fields.as_object()) else {
        return;
    };
    for (key, default) in fields {
        if target.get(key).is_none_or(Value::is_null) {
            target.insert(key.clone(), default.clone());
        }
    }
}

/// The specification of an object, for writing; absent is empty, as in a typed server.
pub(crate) fn whole_spec(value: &mut Value) -> Option<&mut Value> {
    let spec = value.as_object_mut()?.entry("spec").or_insert_with(|| Map::new().into());
    if spec.is_null() {
        *spec = Map::new().into();
    }
    Some(spec).filter(|spec| spec.is_object())
}

/// A text that is absent or empty becomes the given one.
pub(crate) fn fill_text(value: &mut Value, key: &str, default: &str) {
    if let Some(target) = value.as_object_mut()
        && target.get(key).and_then(Value::as_str).is_none_or(str::is_empty)
    {
        target.insert(key.to_owned(), default.into());
    }
}

/// The value at a path of keys, for writing.
pub(crate) fn reach<'a>(value: &'a mut Value, path: &[&str]) -> Option<&'a mut Value> {
    path.iter().try_fold(value, |value, key| value.get_mut(key))
}

/// The entries of a list, for writing.
pub(crate) fn list_mut<'a>(value: &'a mut Value, key: &str) -> impl Iterator<Item = &'a mut Value> {
    value.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten()
}

/// The entries of a map, empty when absent.
pub(crate) fn map_of(value: &Value, path: &str) -> Map<String, Value> {
    meta::at(value, path).and_then(Value::as_object).cloned().unwrap_or_default()
}
