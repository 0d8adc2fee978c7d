//! Protobuf bodies of built-in kinds, as `kubectl create KIND` and client-go send them.
//!
//! The body is an envelope with type and raw message; the message is read by the numbers of the Go types ([`crate::go_types`]) and
//! becomes the object that JSON would have given. Zero values of fields that are no pointers are left out: a writer writes them
//! whether they were set or not.
//!
//! # Differences
//!
//! Answers are never Protobuf: clients take JSON as well. The few types with a JSON form of their own (the schemas of definitions) are
//! refused with 415 and a message that says to send JSON. A field that no type knows is refused too: nothing is dropped silently.

use base64::Engine as _;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::Status;
use crate::clock::rfc3339;
use crate::go_types::{self, GoField, GoKind};

/// What the envelope begins with.
const MAGIC: &[u8] = b"k8s\0";

/// Messages inside messages: more than any known kind has.
const DEPTH_MAX: usize = 32;

/// The object of a Protobuf body; 415 where it would not come out whole, 400 where the bytes are broken.
pub(super) fn decode(body: &[u8]) -> Result<Value, Status> {
    let broken = || Status::bad_request("the Protobuf body is broken");
    let envelope = body.strip_prefix(MAGIC).and_then(entries).ok_or_else(broken)?;
    let (mut meta, mut raw) = (&[][..], &[][..]);
    for entry in envelope {
        match entry {
            (1, Wire::Bytes(bytes)) => meta = bytes,
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let (mut api_version, mut kind) = ("", "");
    for entry in entries(meta).ok_or_else(broken)? {
        match entry {
            (1, Wire::Bytes(bytes)) => api_version = text(bytes).ok_or_else(broken)?,
            (2, Wire::Bytes(bytes)) => kind = text(bytes).ok_or_else(broken)?,
            _ => {}
        }
    }
    let name =
        go_types::of_kind(api_version, kind).ok_or_else(|| as_json(&format!("kind {kind:?} of {api_version:?}")))?;
    let mut object = Reader { path: kind.to_owned() }.message(raw, name, DEPTH_MAX)?;
    object.insert("apiVersion".to_owned(), api_version.into());
    object.insert("kind".to_owned(), kind.into());
    Ok(Value::Object(object))
}

fn as_json(what: &str) -> Status {
    Status::new(
        415,
        "UnsupportedMediaType",
        format!("{what} is not read from Protobuf by kubesim: send JSON, for example with kubectl create -f"),
    )
}

/// One value on the wire.
#[derive(Debug, Clone, Copy)]
enum Wire<'a> {
    Varint(u64),
    Fixed(u64),
    Bytes(&'a [u8]),
}

/// The fields of a message, in order; `None` where it is broken or holds a wire type that no kind uses.
fn entries(mut bytes: &[u8]) -> Option<Vec<(u64, Wire<'_>)>> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let value = match tag & 7 {
            0 => Wire::Varint(varint(&mut bytes)?),
            1 => {
                let (value, rest) = bytes.split_first_chunk()?;
                bytes = rest;
                Wire::Fixed(u64::from_le_bytes(*value))
            }
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                let (value, rest) = bytes.split_at_checked(length)?;
                bytes = rest;
                Wire::Bytes(value)
            }
            _ => return None,
        };
        entries.push((tag >> 3, value));
    }
    Some(entries)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Reads messages and knows where it stands, for errors.
struct Reader {
    path: String,
}

impl Reader {
    fn broken(&self) -> Status {
        Status::bad_request(format!("the Protobuf message of {} is broken", self.path))
    }

    fn message(&mut self, bytes: &[u8], name: &str, depth: usize) -> Result<Map<String, Value>, Status> {
        let fields = go_types::fields(name).ok_or_else(|| as_json(&self.path))?;
        if depth == 0 {
            return Err(self.broken());
        }
        let mut object = Map::new();
        for (number, wire) in entries(bytes).ok_or_else(|| self.broken())? {
            let Some(field) = fields.iter().find(|known| known.number == number) else {
                return Err(as_json(&format!("field {number} of {}", self.path)));
            };
            let length = self.path.len();
            if !field.name.is_empty() {
                self.path.push('.');
                self.path.push_str(&field.name);
            }
            self.field(&mut object, field, wire, depth)?;
            self.path.truncate(length);
        }
        Ok(object)
    }

    fn field(
        &mut self,
        object: &mut Map<String, Value>,
        field: &GoField,
        wire: Wire<'_>,
        depth: usize,
    ) -> Result<(), Status> {
        if let (GoKind::Struct(name), true, Wire::Bytes(bytes)) = (&field.kind, field.name.is_empty(), wire) {
            object.append(&mut self.message(bytes, name, depth - 1)?);
            return Ok(());
        }
        match (&field.kind, wire) {
            (GoKind::List(item), _) => {
                let value = self.value(item, wire, depth)?;
                let list = object.entry(field.name.clone()).or_insert_with(|| json!([]));
                list.as_array_mut().expect("a field has one kind").push(value);
            }
            (GoKind::Map(kind), Wire::Bytes(bytes)) => {
                let (mut key, mut inner) = (String::new(), Wire::Bytes(&[]));
                for entry in entries(bytes).ok_or_else(|| self.broken())? {
                    match entry {
                        (1, Wire::Bytes(bytes)) => text(bytes).ok_or_else(|| self.broken())?.clone_into(&mut key),
                        (2, wire) => inner = wire,
                        _ => return Err(self.broken()),
                    }
                }
                let value = self.map_value(kind, inner, depth)?;
                let map = object.entry(field.name.clone()).or_insert_with(|| json!({}));
                map.as_object_mut().expect("a field has one kind").insert(key, value);
            }
            (kind, wire) => {
                let value = self.value(kind, wire, depth)?;
                if field.pointer || !is_zero(&value) {
                    object.insert(field.name.clone(), value);
                }
            }
        }
        Ok(())
    }

    /// A map's value: a list is wrapped in a message of its own.
    fn map_value(&mut self, kind: &GoKind, wire: Wire<'_>, depth: usize) -> Result<Value, Status> {
        let (GoKind::List(item), Wire::Bytes(bytes)) = (kind, wire) else {
            return self.value(kind, wire, depth);
        };
        let entries = entries(bytes).ok_or_else(|| self.broken())?;
        entries.into_iter().map(|(_, wire)| self.value(item, wire, depth)).collect()
    }

    fn value(&mut self, kind: &GoKind, wire: Wire<'_>, depth: usize) -> Result<Value, Status> {
        Ok(match (kind, wire) {
            (GoKind::Int(_), Wire::Varint(number)) => json!(number as i64),
            (GoKind::Bool, Wire::Varint(number)) => json!(number != 0),
            (GoKind::Float, Wire::Fixed(bits)) => json!(f64::from_bits(bits)),
            (GoKind::Text, Wire::Bytes(bytes)) => text(bytes).ok_or_else(|| self.broken())?.into(),
            (GoKind::Bytes, Wire::Bytes(bytes)) => base64::engine::general_purpose::STANDARD.encode(bytes).into(),
            (GoKind::Quantity, Wire::Bytes(bytes)) => {
                wrapped(bytes).and_then(text).ok_or_else(|| self.broken())?.into()
            }
            (GoKind::Raw | GoKind::FieldsV1, Wire::Bytes(bytes)) => {
                let raw = wrapped(bytes).ok_or_else(|| self.broken())?;
                if raw.is_empty() { Value::Null } else { serde_json::from_slice(raw).map_err(|_| self.broken())? }
            }
            (GoKind::IntOrString, Wire::Bytes(bytes)) => int_or_string(bytes).ok_or_else(|| self.broken())?,
            (GoKind::Time | GoKind::MicroTime, Wire::Bytes(bytes)) => time(kind, bytes).ok_or_else(|| self.broken())?,
            (GoKind::Struct(name), Wire::Bytes(bytes)) => Value::Object(self.message(bytes, name, depth - 1)?),
            (GoKind::Json | GoKind::Duration, _) => return Err(as_json(&self.path)),
            _ => return Err(self.broken()),
        })
    }
}

/// What a field that is no pointer holds when nobody set it.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// The one field of a message that only wraps bytes; empty where it is not written.
fn wrapped(bytes: &[u8]) -> Option<&[u8]> {
    match entries(bytes)?.as_slice() {
        [] => Some(&[]),
        [(1, Wire::Bytes(inner))] => Some(inner),
        _ => None,
    }
}

/// Seconds and nanoseconds; null where neither is written, which is the zero time.
fn time(kind: &GoKind, bytes: &[u8]) -> Option<Value> {
    let (mut seconds, mut nanoseconds) = (0, 0);
    let entries = entries(bytes)?;
    if entries.is_empty() {
        return Some(Value::Null);
    }
    for entry in entries {
        match entry {
            (1, Wire::Varint(value)) => seconds = value as i64,
            (2, Wire::Varint(value)) => nanoseconds = i32::try_from(value as i64).ok()?,
            _ => return None,
        }
    }
    let time = Timestamp::new(seconds, nanoseconds).ok()?;
    Some(if *kind == GoKind::Time { rfc3339(time).into() } else { format!("{time:.6}").into() })
}

fn int_or_string(bytes: &[u8]) -> Option<Value> {
    let (mut is_text, mut number, mut word) = (false, 0, "");
    for entry in entries(bytes)? {
        match entry {
            (1, Wire::Varint(kind)) => is_text = kind == 1,
            (2, Wire::Varint(value)) => number = value as i64,
            (3, Wire::Bytes(bytes)) => word = text(bytes)?,
            _ => return None,
        }
    }
    Some(if is_text { word.into() } else { number.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2, u8::try_from(bytes.len()).unwrap()];
        out.extend_from_slice(bytes);
        out
    }

    fn envelope(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let meta = [field(1, api_version.as_bytes()), field(2, kind.as_bytes())].concat();
        [MAGIC.to_vec(), field(1, &meta), field(2, raw), field(3, b""), field(4, b"")].concat()
    }

    #[test]
    fn a_config_map() {
        let metadata = [field(1, b"one"), field(2, b""), field(8, b"")].concat();
        let entry = |key: &[u8], value: &[u8]| [field(1, key), field(2, value)].concat();
        let raw = [
            field(1, &metadata),
            field(2, &entry(b"a", b"1")),
            field(2, &entry(b"b", b"")),
            field(3, &entry(b"c", b"\xff")),
        ];
        assert_eq!(
            decode(&envelope("v1", "ConfigMap", &raw.concat())).unwrap(),
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"},
                   "data": {"a": "1", "b": ""}, "binaryData": {"c": "/w=="}})
        );
    }

    #[test]
    fn pointers_keep_their_zeros_and_inlined_fields_their_place() {
        // A pod with a volume (whose source is inlined), a grace of 0 seconds, and an init-less container port number or name.
        let empty_dir = field(1, &[field(1, b"scratch"), field(2, &field(2, b""))].concat());
        let grace = vec![4 << 3, 0];
        let port = field(2, &[vec![1 << 3, 1], field(3, b"http")].concat());
        let probe = field(10, &field(1, &field(2, &port)));
        let container = field(2, &[field(1, b"c"), probe].concat());
        let spec = field(2, &[empty_dir, container, grace].concat());
        assert_eq!(
            decode(&envelope("v1", "Pod", &spec)).unwrap(),
            json!({"apiVersion": "v1", "kind": "Pod", "spec": {
                "volumes": [{"name": "scratch", "emptyDir": {}}], "terminationGracePeriodSeconds": 0,
                "containers": [{"name": "c", "livenessProbe": {"httpGet": {"port": "http"}}}],
            }})
        );
    }

    #[test]
    fn what_would_be_lost_is_refused() {
        let refused = decode(&envelope("v1", "Nosuch", b"")).unwrap_err();
        assert_eq!(refused.code, 415);
        let unknown = field(13, &field(15, b"owner"));
        let refused = decode(&envelope("v1", "ConfigMap", &unknown)).unwrap_err();
        assert!(refused.code == 415 && refused.message.contains("field 13 of ConfigMap"), "{refused}");
    }

    #[test]
    fn broken_bytes_are_told() {
        let whole = envelope("v1", "ConfigMap", &field(1, &field(1, b"one")));
        for length in 0..whole.len() {
            // Cut anywhere, it is an error or a smaller message, never a panic.
            drop(decode(&whole[..length]));
        }
        for bytes in [&b""[..], b"k8s", b"{}", b"k8s\0\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"k8s\0\x0b"] {
            assert_eq!(decode(bytes).unwrap_err().code, 400, "{bytes:?}");
        }
    }
}
