//! From the bytes of a request to a value, with the real server's words for what cannot be read.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::negotiate::BodyType;
use super::protobuf;
use crate::Status;
use crate::go_json::complaint;
use crate::manifest;

/// Bytes of a broken body that the error quotes.
const SUMMARY_LENGTH_MAX: usize = 30;

/// The object of a create or update. `kind` is what the path asks for.
pub(crate) fn object(bytes: &[u8], body_type: BodyType, kind: &str) -> Result<Value, Status> {
    let unread = |why: String| {
        Status::bad_request(format!(
            "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; \
             {why} ({})",
            summary(bytes)
        ))
    };
    let head = |value: Value| {
        let word = match value {
            Value::Object(_) | Value::Null => return Ok(value),
            Value::Array(_) => "array",
            Value::String(_) => "string",
            Value::Number(_) => "number",
            Value::Bool(_) => "bool",
        };
        Err(unread(format!(
            "json parse error: json: cannot unmarshal {word} into Go value of type struct {{ APIVersion string \
             \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}"
        )))
    };
    match body_type {
        BodyType::Json => serde_json::from_slice(bytes)
            .map_err(|error| unread(format!("json parse error: {}", complaint(bytes, &error))))
            .and_then(head),
        BodyType::Yaml => yaml(bytes).map_err(|error| unread(format!("error converting YAML to JSON: {error}"))),
        BodyType::Protobuf => protobuf::decode(bytes),
        _ => Err(Status::unsupported_media_type(&[
            "application/json",
            "application/yaml",
            "application/vnd.kubernetes.protobuf",
        ])),
    }
}

/// 400 for a custom resource that does not say its kind: nothing else could tell it.
pub(crate) fn has_kind(object: &Value, bytes: &[u8], kind: &str) -> Result<(), Status> {
    if object.get("kind").and_then(Value::as_str).is_some_and(|given| !given.is_empty()) {
        return Ok(());
    }
    Err(Status::bad_request(format!(
        "the object provided is unrecognized (must be of type {kind}): Object 'Kind' is missing in '{}' ({})",
        String::from_utf8_lossy(bytes),
        summary(bytes)
    )))
}

/// The paths of fields that a body of JSON has twice: they are lost in a value.
pub(crate) fn duplicates(bytes: &[u8], body_type: BodyType) -> Vec<String> {
    let mut found = Vec::new();
    if body_type == BodyType::Json {
        // What cannot be read has been refused before.
        let _ = Scan { path: String::new(), found: &mut found }
            .deserialize(&mut serde_json::Deserializer::from_slice(bytes));
    }
    found
}

/// Walks JSON and keeps only the paths of fields that were seen before in the same object.
struct Scan<'a> {
    path: String,
    found: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Scan<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scan<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut index = 0;
        while list.next_element_seed(Scan { path: format!("{}[{index}]", self.path), found: self.found })?.is_some() {
            index += 1;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let path = if self.path.is_empty() { key.clone() } else { format!("{}.{key}", self.path) };
            if !seen.insert(key) {
                self.found.push(path.clone());
            }
            map.next_value_seed(Scan { path, found: self.found })?;
        }
        Ok(())
    }
}

/// The body of a patch or of a deletion.
pub(crate) fn value(bytes: &[u8]) -> Result<Value, Status> {
    serde_json::from_slice(bytes)
        .map_err(|error| Status::bad_request(format!("error decoding the body: {}", complaint(bytes, &error))))
}

/// A YAML body.
pub(crate) fn yaml(bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    manifest::yaml(text)
}

/// The beginning of a body that starts like an object, as text; of any other, in hexadecimal.
fn summary(bytes: &[u8]) -> String {
    let (head, more) = match bytes.len() {
        0 => return "<empty>".to_owned(),
        length if length > SUMMARY_LENGTH_MAX => (&bytes[..SUMMARY_LENGTH_MAX], " ..."),
        _ => (bytes, ""),
    };
    if head[0] == b'{' {
        format!("{}{more}", String::from_utf8_lossy(head))
    } else {
        let mut hex = String::with_capacity(2 * head.len() + more.len());
        for byte in head {
            write!(hex, "{byte:02x}").expect("a string takes everything");
        }
        hex + more
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_bodies_are_told_in_the_words_of_the_real_server() {
        let message = |body: &str| object(body.as_bytes(), BodyType::Json, "ConfigMap").unwrap_err().message;
        assert_eq!(
            message("{not json"),
            "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; \
             json parse error: invalid character 'n' looking for beginning of object key string ({not json)"
        );
        assert!(message("[1,]").ends_with("(5b312c5d)"));
        assert!(message("").ends_with("json parse error: unexpected end of JSON input (<empty>)"));
        assert!(message("{\"a\" 1}").contains("invalid character '1' after object key ("));
        let long = format!("{{\"a\": {}", "x".repeat(100));
        assert!(message(&long).ends_with(" ...)"));
    }

    #[test]
    fn fields_that_are_there_twice_are_found() {
        let found = |body: &str| duplicates(body.as_bytes(), BodyType::Json);
        assert_eq!(
            found(r#"{"a": {"b": 1, "c": [{"d": 1, "d": null}], "b": "x"}, "e": true, "a": 1.5}"#),
            ["a.c[0].d", "a.b", "a"]
        );
        assert!(found(r#"{"a": {"b": 1}, "b": 1}"#).is_empty());
    }

    #[test]
    fn yaml_is_read() {
        let value = object(b"a: 1\nb: [x]\n", BodyType::Yaml, "ConfigMap").unwrap();
        assert_eq!(value, serde_json::json!({"a": 1, "b": ["x"]}));
        assert_eq!(object(b"{}", BodyType::Other, "ConfigMap").unwrap_err().code, 415);
    }
}
