//! What the Go types of the built-in kinds say and their JSON schemas do not: which fields are pointers, which are left out when they
//! are empty, and the numbers of Protobuf.
//!
//! The data are written by a small Go program that lies with the tools of the tests and asks the published types themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::sync::LazyLock;

use serde::Deserialize;

static PACKED: &[u8] = include_bytes!("../data/go-types.json.gz");

/// More than the table has: a guard against a broken build.
const LENGTH_MAX: u64 = 4 << 20;

/// All types, and the type of each kind by `apiVersion/kind`.
#[derive(Debug, Deserialize)]
struct GoTypes {
    kinds: BTreeMap<String, String>,
    types: BTreeMap<String, Vec<GoField>>,
}

static TYPES: LazyLock<GoTypes> = LazyLock::new(|| {
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(PACKED)
        .take(LENGTH_MAX)
        .read_to_end(&mut text)
        .expect("the embedded table of Go types unpacks");
    serde_json::from_slice(&text).expect("the embedded table of Go types is in the right form")
});

/// One field of a struct.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "(String, u64, String, String, String)")]
pub(crate) struct GoField {
    /// The name in JSON; empty for a struct whose fields stand among those of its parent.
    pub(crate) name: String,
    /// The number in Protobuf.
    pub(crate) number: u64,
    /// What it holds.
    pub(crate) kind: GoKind,
    /// Whether absence differs from zero.
    pub(crate) pointer: bool,
    /// Whether the empty value is left out of JSON.
    pub(crate) omit_empty: bool,
    /// Whether the zero struct is left out of JSON.
    pub(crate) omit_zero: bool,
    /// The type as Go's decoder names it in errors, as `[]v1.Container`.
    pub(crate) go: String,
}

/// The type of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GoKind {
    /// A text, enumerations included.
    Text,
    /// A whole number of so many bits, signed.
    Int(u8),
    /// A number.
    Float,
    /// A boolean.
    Bool,
    /// Base64 in JSON.
    Bytes,
    /// RFC 3339 in JSON, of whole seconds.
    Time,
    /// RFC 3339 in JSON, with microseconds.
    MicroTime,
    /// A text as `1h0m0s` in JSON.
    Duration,
    /// A text as `100m` in JSON.
    Quantity,
    /// Either.
    IntOrString,
    /// Any object: its JSON is inside.
    Raw,
    /// A set of fields: its JSON is inside.
    FieldsV1,
    /// Any JSON.
    Json,
    /// One entry after another.
    List(Box<Self>),
    /// Keys are texts.
    Map(Box<Self>),
    /// A struct, by its name: see [`fields`].
    Struct(String),
}

impl GoKind {
    fn parse(word: &str) -> Self {
        if let Some(item) = word.strip_prefix("[]") {
            return Self::List(Box::new(Self::parse(item)));
        }
        if let Some(value) = word.strip_prefix("map:") {
            return Self::Map(Box::new(Self::parse(value)));
        }
        match word {
            "string" => Self::Text,
            "int32" => Self::Int(32),
            "int" | "int64" | "uint8" | "uint32" | "uint64" => Self::Int(64),
            "float64" => Self::Float,
            "bool" => Self::Bool,
            "bytes" => Self::Bytes,
            "time" => Self::Time,
            "microtime" => Self::MicroTime,
            "duration" => Self::Duration,
            "quantity" => Self::Quantity,
            "intorstring" => Self::IntOrString,
            "raw" => Self::Raw,
            "fieldsv1" => Self::FieldsV1,
            "json" => Self::Json,
            name => Self::Struct(name.to_owned()),
        }
    }
}

impl From<(String, u64, String, String, String)> for GoField {
    fn from((name, number, kind, flags, go): (String, u64, String, String, String)) -> Self {
        let flag = |letter| flags.contains(letter);
        Self {
            name,
            number,
            kind: GoKind::parse(&kind),
            pointer: flag('p'),
            omit_empty: flag('o'),
            omit_zero: flag('z'),
            go,
        }
    }
}

/// The name of a built-in kind's type, as `apps/v1.Deployment`.
pub(crate) fn of_kind(api_version: &str, kind: &str) -> Option<&'static str> {
    TYPES.kinds.get(&format!("{api_version}/{kind}")).map(String::as_str)
}

/// The fields of a struct; `None` where there is no such type.
pub(crate) fn fields(name: &str) -> Option<&'static [GoField]> {
    TYPES.types.get(name).map(Vec::as_slice)
}

/// Whether a type is that of a whole object.
pub(crate) fn is_kind(name: &str) -> bool {
    static KINDS: LazyLock<BTreeSet<&str>> = LazyLock::new(|| TYPES.kinds.values().map(String::as_str).collect());
    KINDS.contains(name)
}

/// The names of all structs.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    TYPES.types.keys().map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_that_is_named_is_there() {
        let mut names: Vec<&str> = TYPES.kinds.values().map(String::as_str).collect();
        for field in TYPES.types.values().flatten() {
            let mut kind = &field.kind;
            while let GoKind::List(inner) | GoKind::Map(inner) = kind {
                kind = inner;
            }
            if let GoKind::Struct(name) = kind {
                names.push(name);
            }
        }
        assert!(names.len() > 500, "{} names", names.len());
        for name in names {
            assert!(fields(name).is_some(), "{name} is unknown");
        }
        let replicas = &fields(of_kind("apps/v1", "Deployment").unwrap()).unwrap()[1];
        assert_eq!(
            (replicas.name.as_str(), &replicas.kind),
            ("spec", &GoKind::Struct("apps/v1.DeploymentSpec".to_owned()))
        );
    }
}
