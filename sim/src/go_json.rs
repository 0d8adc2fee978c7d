//! JSON in Go's words: what its decoder says of texts that cannot be read, and how it prints values and their types.

use serde_json::Value;

/// What a text says; a text that is no JSON is told as Go's decoder tells it.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(bytes).map_err(|error| complaint(bytes, &error))
}

/// How Go's decoder calls the type of a value.
pub(crate) fn word(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A value as Go prints it.
pub(crate) fn printed(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(list) => printed_list(list),
        Value::Object(map) => {
            let fields: Vec<_> = map.iter().map(|(key, value)| format!("{key}:{}", printed(value))).collect();
            format!("map[{}]", fields.join(" "))
        }
        other => other.to_string(),
    }
}

/// A list as Go prints it.
pub(crate) fn printed_list(list: &[Value]) -> String {
    let items: Vec<_> = list.iter().map(printed).collect();
    format!("[{}]", items.join(" "))
}

/// What Go calls the type of a value that it has read into no type of its own.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// What Go's decoder says where serde's found the error.
pub(crate) fn complaint(bytes: &[u8], error: &serde_json::Error) -> String {
    if error.is_eof() || bytes.is_empty() {
        return "unexpected end of JSON input".to_owned();
    }
    let said = error.to_string();
    let where_to = [
        ("key must be a string", "looking for beginning of object key string"),
        ("expected value", "looking for beginning of value"),
        ("expected ident", "looking for beginning of value"),
        ("expected `:`", "after object key"),
        ("expected `,` or `}`", "after object key:value pair"),
        ("expected `,` or `]`", "after array element"),
        ("trailing characters", "after top-level value"),
        ("control character", "in string literal"),
    ];
    let found = where_to.iter().find(|(serde, _)| said.starts_with(serde));
    match (found, byte_at(bytes, error)) {
        (Some((_, go)), Some(byte)) => format!("invalid character {} {go}", quoted(byte)),
        _ => said,
    }
}

/// The byte that an error points at.
fn byte_at(bytes: &[u8], error: &serde_json::Error) -> Option<u8> {
    let line = bytes.split(|byte| *byte == b'\n').nth(error.line().checked_sub(1)?)?;
    line.get(error.column().checked_sub(1)?).copied()
}

fn quoted(byte: u8) -> String {
    match byte {
        b'\'' => "'\\''".to_owned(),
        b' '..=b'~' => format!("'{}'", char::from(byte)),
        _ => format!("'\\x{byte:02x}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_character() {
        let told = |text: &str| parse(text.as_bytes()).expect_err("no JSON");
        assert_eq!(told(""), "unexpected end of JSON input");
        assert_eq!(told("{\"a\":x}"), "invalid character 'x' looking for beginning of value");
        assert_eq!(told("{} {}"), "invalid character '{' after top-level value");
        assert_eq!(told("{not"), "invalid character 'n' looking for beginning of object key string");
    }
}
