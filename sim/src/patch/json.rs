//! RFC 6902: a list of operations at JSON pointers.
//!
//! All or nothing. A pointer that leads nowhere and a `test` that fails are 422, a patch that is no patch is 400. A small patch
//! could build a huge or a deep value out of copies and moves: both are bounded while it is applied.

use serde_json::Value;

use crate::rules;
use crate::shape::{DEPTH_MAX, is_deeper};
use crate::status::Status;

/// As many operations as a real server takes.
const LIMIT: usize = 10_000;

/// How much all copies of a patch may add together, in bytes of JSON: as much as a request.
const COPIED_MAX: usize = 3 * 1024 * 1024;

pub(super) fn apply(mut value: Value, operations: &Value) -> Result<Value, Status> {
    let Some(operations) = operations.as_array() else {
        return Err(Status::bad_request("error decoding patch: a JSON patch must be an array of operations"));
    };
    if operations.len() > LIMIT {
        return Err(Status::new(
            413,
            "RequestEntityTooLarge",
            format!(
                "Request entity too large: The allowed maximum operations in a JSON patch is {LIMIT}, got {}",
                operations.len()
            ),
        ));
    }
    let mut growth = Growth { copied: 0, levels: 0 };
    for operation in operations {
        step(&mut value, operation, &mut growth)?;
    }
    Ok(value)
}

/// What copies and moves have added so far.
struct Growth {
    /// Bytes of JSON.
    copied: usize,
    /// Levels at most, since the depth was last looked at.
    levels: usize,
}

impl Growth {
    fn copy(&mut self, copied: &Value) -> Result<(), Status> {
        self.copied += rules::length(copied);
        if self.copied <= COPIED_MAX {
            return Ok(());
        }
        Err(Status::new(
            413,
            "RequestEntityTooLarge",
            format!("Request entity too large: the copies of a JSON patch may add {COPIED_MAX} bytes at most"),
        ))
    }

    /// Something was put below `pointer`. Looks at the whole value only when it may have become too deep: a patch of
    /// ten thousand moves must not walk it ten thousand times.
    fn deepen(&mut self, value: &Value, pointer: &str) -> Result<(), Status> {
        self.levels += pointer.bytes().filter(|byte| *byte == b'/').count();
        if self.levels <= DEPTH_MAX {
            return Ok(());
        }
        self.levels = 0;
        if is_deeper(value, DEPTH_MAX) {
            return Err(Status::bad_request(format!("the patched object is nested deeper than {DEPTH_MAX} levels")));
        }
        Ok(())
    }
}

fn step(value: &mut Value, operation: &Value, growth: &mut Growth) -> Result<(), Status> {
    let field = |name: &str| {
        let text = operation.get(name).and_then(Value::as_str);
        text.ok_or_else(|| Status::bad_request(format!("error decoding patch: an operation lacks the text {name:?}")))
    };
    let operand = || operation.get("value").cloned();
    let path = field("path")?;
    let done = match field("op")? {
        // A missing value is null, as in the library of the real server.
        "add" => add(value, path, operand().unwrap_or_default()),
        "remove" => remove(value, path).map(drop),
        "replace" => replace(value, path, operand().unwrap_or_default()),
        "move" => {
            let from = field("from")?;
            remove(value, from).and_then(|moved| add(value, path, moved))
        }
        "copy" => {
            let source = find(value, field("from")?).ok_or_else(Status::unprocessable)?;
            growth.copy(source)?;
            let copied = source.clone();
            add(value, path, copied)
        }
        "test" => {
            let expected = operation.get("value").unwrap_or(&Value::Null);
            find(value, path).map_or(expected.is_null(), |found| found == expected).then_some(())
        }
        other => {
            return Err(Status::bad_request(format!("error decoding patch: unexpected kind: {other}")));
        }
    };
    done.ok_or_else(Status::unprocessable)?;
    growth.deepen(value, path)
}

/// The unescaped parts of a pointer; `None` for one that does not begin with a slash.
fn parts(pointer: &str) -> Option<Vec<String>> {
    if pointer.is_empty() {
        return Some(Vec::new());
    }
    let parts = pointer.strip_prefix('/')?.split('/');
    Some(parts.map(|part| part.replace("~1", "/").replace("~0", "~")).collect())
}

fn find<'a>(value: &'a mut Value, pointer: &str) -> Option<&'a mut Value> {
    parts(pointer)?.iter().try_fold(value, |value, part| match value {
        Value::Object(map) => map.get_mut(part),
        Value::Array(list) => list.get_mut(index(part)?),
        _ => None,
    })
}

fn index(part: &str) -> Option<usize> {
    let canonical = part == "0" || !part.starts_with(['0', '+']);
    canonical.then(|| part.parse().ok())?
}

fn parent<'a>(value: &'a mut Value, pointer: &str) -> Option<(&'a mut Value, String)> {
    let (parent, last) = pointer.rsplit_once('/')?;
    let last = last.replace("~1", "/").replace("~0", "~");
    Some((find(value, parent)?, last))
}

fn add(value: &mut Value, pointer: &str, added: Value) -> Option<()> {
    if pointer.is_empty() {
        *value = added;
        return Some(());
    }
    match parent(value, pointer)? {
        (Value::Object(map), key) => {
            map.insert(key, added);
        }
        (Value::Array(list), key) if key == "-" => list.push(added),
        (Value::Array(list), key) => {
            let place = index(&key).filter(|place| *place <= list.len())?;
            list.insert(place, added);
        }
        _ => return None,
    }
    Some(())
}

/// A field that is not there is replaced too, as the library of the real server does it.
fn replace(value: &mut Value, pointer: &str, with: Value) -> Option<()> {
    if let Some((Value::Object(map), key)) = parent(value, pointer) {
        map.insert(key, with);
        return Some(());
    }
    find(value, pointer).map(|place| *place = with)
}

fn remove(value: &mut Value, pointer: &str) -> Option<Value> {
    match parent(value, pointer)? {
        (Value::Object(map), key) => map.remove(&key),
        (Value::Array(list), key) => {
            let place = index(&key).filter(|place| *place < list.len())?;
            Some(list.remove(place))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn done(value: Value, operations: Value) -> Option<Value> {
        apply(value, &operations).ok()
    }

    #[test]
    fn each_operation() {
        let value = json!({"a": {"b~/c": 1}, "list": [1, 2]});
        for (operation, result) in [
            (json!({"op": "add", "path": "/list/1", "value": 9}), json!({"a": {"b~/c": 1}, "list": [1, 9, 2]})),
            (json!({"op": "add", "path": "/list/-", "value": 9}), json!({"a": {"b~/c": 1}, "list": [1, 2, 9]})),
            (
                json!({"op": "replace", "path": "/a/b~0~1c", "value": null}),
                json!({"a": {"b~/c": null}, "list": [1, 2]}),
            ),
            (json!({"op": "remove", "path": "/list/0"}), json!({"a": {"b~/c": 1}, "list": [2]})),
            (json!({"op": "move", "from": "/list", "path": "/a/x"}), json!({"a": {"b~/c": 1, "x": [1, 2]}})),
            (json!({"op": "copy", "from": "/list/1", "path": "/list/0"}), json!({"a": {"b~/c": 1}, "list": [2, 1, 2]})),
            (json!({"op": "test", "path": "/list/0", "value": 1}), value.clone()),
        ] {
            assert_eq!(done(value.clone(), json!([operation])), Some(result));
        }
    }

    #[test]
    fn what_cannot_be_applied_is_422_and_what_is_no_patch_400() {
        let value = json!({"a": [1]});
        for (operations, code) in [
            (json!([{"op": "test", "path": "/a/0", "value": 2}]), 422),
            (json!([{"op": "remove", "path": "/b"}]), 422),
            (json!([{"op": "add", "path": "/a/2", "value": 1}]), 422),
            (json!([{"op": "add", "path": "/a/01", "value": 1}]), 422),
            (json!([{"op": "replace", "path": "/b/c", "value": 1}]), 422),
            (json!([{"op": "add", "path": "a", "value": 1}]), 422),
            (json!([{"op": "shuffle", "path": "/a"}]), 400),
            (json!({"op": "remove", "path": "/a"}), 400),
            (json!([{"path": "/a"}]), 400),
        ] {
            let status = apply(value.clone(), &operations).expect_err("a refusal");
            assert_eq!(status.code, code, "{operations}");
        }
    }
}
