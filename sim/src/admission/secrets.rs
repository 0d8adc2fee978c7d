//! Secrets: what is written in plain becomes data. Errors never quote a value.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::meta;
use crate::resource::ResourceDef;
use crate::status::Status;

/// Turns `stringData` into `data`, checks that data is base64, and gives a secret a type.
pub(super) fn admit(def: &ResourceDef, value: &mut Value) -> Result<(), Status> {
    let plain = value.as_object_mut().and_then(|fields| fields.remove("stringData"));
    if let Some(Value::Object(plain)) = plain
        && let Some(data) = meta::object_at(value, "data")
    {
        for (key, text) in plain {
            let encoded = STANDARD.encode(text.as_str().unwrap_or_default());
            data.insert(key, Value::from(encoded));
        }
    }
    let data = value.get("data").and_then(Value::as_object);
    for text in data.into_iter().flatten().map(|(_, text)| text) {
        let text = text.as_str().unwrap_or_default();
        if let Err(base64::DecodeError::InvalidByte(place, _)) = STANDARD.decode(text) {
            return Err(not_base64(def, place));
        }
        if STANDARD.decode(text).is_err() {
            return Err(not_base64(def, text.len() / 4 * 4));
        }
    }
    if meta::text(value, "type").is_empty() {
        value["type"] = Value::from("Opaque");
    }
    Ok(())
}

fn not_base64(def: &ResourceDef, place: usize) -> Status {
    let (kind, version) = (&def.kind, &def.version);
    Status::bad_request(format!(
        "{kind} in version {version:?} cannot be handled as a {kind}: illegal base64 data at input byte {place}"
    ))
}
