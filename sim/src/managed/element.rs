//! One step of a path to a field, as `fieldsV1` writes it.
//!
//! Owns the four forms (`f:name`, `k:{"name":"c"}`, `v:"text"`, `i:3`), their order and their text in messages. A path is a slice of
//! steps. The order is that of the real server, so that the conflicts of an apply are told in the same order.

use std::cmp::Ordering;
use std::fmt::{self, Write as _};

use serde_json::{Map, Value};

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Element {
    /// A field of an object, or a key of a map.
    Field(String),
    /// The item of a list with these values at its keys, in order of the names.
    Key(Vec<(String, Value)>),
    /// The item of a set.
    Value(Value),
    /// The place in a list.
    Index(i64),
}

impl Element {
    /// A field's name.
    pub(crate) fn field(name: &str) -> Self {
        Self::Field(name.to_owned())
    }

    /// The step in its wire form; `None` is a form that is not known and to be left out.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, String> {
        let Some((kind, rest)) = text.split_once(':').filter(|(kind, _)| kind.len() == 1) else {
            return Err(if text.len() < 2 {
                "key must be 2 characters long:".to_owned()
            } else {
                format!("missing colon: {text}")
            });
        };
        Ok(Some(match kind {
            "f" => Self::field(rest),
            "v" => Self::Value(serde_json::from_str(rest).map_err(|error| error.to_string())?),
            "k" => {
                let keys: Map<String, Value> = serde_json::from_str(rest).map_err(|error| error.to_string())?;
                Self::Key(keys.into_iter().collect())
            }
            "i" => Self::Index(rest.parse().map_err(|_| format!("{rest:?} is no place in a list"))?),
            _ => return Ok(None),
        }))
    }

    /// The wire form.
    pub(crate) fn to_wire(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Value(value) => format!("v:{}", escaped(value)),
            Self::Index(index) => format!("i:{index}"),
            Self::Key(keys) => {
                let mut text = "k:{".to_owned();
                for (place, (name, value)) in keys.iter().enumerate() {
                    let comma = if place == 0 { "" } else { "," };
                    let name = Value::from(name.as_str());
                    write!(text, "{comma}{}:{}", escaped(&name), escaped(value)).expect("a string takes everything");
                }
                text.push('}');
                text
            }
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Field(_) => 0,
            Self::Key(_) => 1,
            Self::Value(_) => 2,
            Self::Index(_) => 3,
        }
    }
}

/// A value as JSON with the three characters escaped that mean something in HTML, as Go writes it.
fn escaped(value: &Value) -> String {
    value.to_string().replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e")
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Value(value) => write!(f, "[={value}]"),
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Key(keys) => {
                let keys: Vec<_> = keys.iter().map(|(name, value)| format!("{name}={value}")).collect();
                write!(f, "[{}]", keys.join(","))
            }
        }
    }
}

/// A path as messages show it: `.spec.containers[name="c"].image`.
pub(crate) fn path_text(path: &[Element]) -> String {
    path.iter().map(Element::to_string).collect()
}

impl Eq for Element {}

impl PartialOrd for Element {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Element {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Field(one), Self::Field(other)) => one.cmp(other),
            (Self::Key(one), Self::Key(other)) => {
                let pairs = one
                    .iter()
                    .zip(other)
                    .map(|(one, other)| one.0.cmp(&other.0).then_with(|| compare(&one.1, &other.1)));
                pairs.fold(Ordering::Equal, Ordering::then).then_with(|| one.len().cmp(&other.len()))
            }
            (Self::Value(one), Self::Value(other)) => compare(one, other),
            (Self::Index(one), Self::Index(other)) => one.cmp(other),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

/// An order of values: numbers, texts, booleans, lists, objects, null.
fn compare(one: &Value, other: &Value) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Number(_) => 0,
        Value::String(_) => 1,
        Value::Bool(_) => 2,
        Value::Array(_) => 3,
        Value::Object(_) => 4,
        Value::Null => 5,
    };
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            if let (Some(one), Some(other)) = (one.as_i64(), other.as_i64()) {
                return one.cmp(&other);
            }
            let float = |number: &serde_json::Number| number.as_f64().unwrap_or_default();
            float(one).total_cmp(&float(other)).then_with(|| one.to_string().cmp(&other.to_string()))
        }
        (Value::String(one), Value::String(other)) => one.cmp(other),
        (Value::Bool(one), Value::Bool(other)) => one.cmp(other),
        (Value::Array(_), Value::Array(_)) | (Value::Object(_), Value::Object(_)) => {
            one.to_string().cmp(&other.to_string())
        }
        _ => rank(one).cmp(&rank(other)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_wire_form_is_read_back() {
        for text in
            ["f:data", "f:", "f:a.b/c", "k:{\"name\":\"c\"}", "k:{\"port\":80,\"protocol\":\"TCP\"}", "v:\"x\"", "i:3"]
        {
            let element = Element::parse(text).unwrap().unwrap();
            assert_eq!(element.to_wire(), text);
        }
        assert_eq!(Element::parse("z:new").unwrap(), None);
        for broken in ["", "f", "field", "i:x", "v:{", "k:[]"] {
            assert!(Element::parse(broken).is_err(), "{broken}");
        }
        assert_eq!(Element::Value(json!("a&b<>")).to_wire(), "v:\"a\\u0026b\\u003c\\u003e\"");
    }

    #[test]
    fn paths_in_messages() {
        let key = Element::Key(vec![("port".to_owned(), json!(80)), ("protocol".to_owned(), json!("TCP"))]);
        let path = [Element::field("spec"), Element::field("ports"), key, Element::field("name")];
        assert_eq!(path_text(&path), ".spec.ports[port=80,protocol=\"TCP\"].name");
        assert_eq!(path_text(&[Element::field("finalizers"), Element::Value(json!("a/b"))]), ".finalizers[=\"a/b\"]");
        let key = Element::Key(vec![("a".to_owned(), json!(9))]);
        assert!(
            Element::field("z") < key
                && key < Element::Value(json!(1))
                && Element::Value(json!(2)) < Element::Value(json!("1"))
        );
    }
}
