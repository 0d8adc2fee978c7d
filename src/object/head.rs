//! [`RawObject`]: one object as text, and [`Head`]: the fields of it that selection reads.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

/// The text was not a Kubernetes object. It never quotes the text: objects hold secrets.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("not a Kubernetes object: {reason} (at byte {at})")]
pub struct RawObjectError {
    /// What is wrong, without content.
    pub reason: &'static str,
    /// Column of the first line where reading stopped; zero where there is no place to name.
    pub at: usize,
}

impl From<serde_json::Error> for RawObjectError {
    fn from(error: serde_json::Error) -> Self {
        let reason = match error.classify() {
            serde_json::error::Category::Eof => "the JSON text ends early",
            serde_json::error::Category::Syntax => "the text is not JSON",
            serde_json::error::Category::Data => "a field has another type than every Kubernetes object gives it",
            serde_json::error::Category::Io => "it could not be read",
        };
        Self { reason, at: error.column() }
    }
}

/// The JSON text of one object: compact or not, exactly as it came. Cloning shares the bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct RawObject(Bytes);

impl std::fmt::Debug for RawObject {
    /// Length only: objects hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RawObject({} bytes)", self.0.len())
    }
}

impl RawObject {
    /// Takes the text as it is; nothing is checked.
    pub fn new(json: impl Into<Bytes>) -> Self {
        Self(json.into())
    }

    /// Serialises a tree; keys come out sorted.
    pub fn from_value(value: &Value) -> Self {
        Self(serde_json::to_vec(value).expect("a Value always serialises").into())
    }

    /// The text.
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// The fields that selection needs, borrowed from the text.
    ///
    /// # Errors
    /// Where the text is not a JSON object with well-typed metadata.
    pub fn head(&self) -> Result<Head<'_>, RawObjectError> {
        Ok(serde_json::from_slice(&self.0)?)
    }

    /// The whole object as a tree.
    ///
    /// # Errors
    /// Where the text is not JSON.
    pub fn value(&self) -> Result<Value, RawObjectError> {
        Ok(serde_json::from_slice(&self.0)?)
    }

    /// The same object with `apiVersion` and `kind` in front where its text lacks them: list items of built-in kinds
    /// come without (rust-stack §1.4). Text that has both is returned as it is, unread fields and all.
    ///
    /// # Errors
    /// Where the text is not a JSON object.
    pub fn with_type(self, api_version: &str, kind: &str) -> Result<Self, RawObjectError> {
        let bytes = self.0.clone();
        let head: ObjectType<'_> = serde_json::from_slice(&bytes)?;
        self.typed(&head, api_version, kind)
    }

    /// [`with_type`](Self::with_type) of a text whose type was read already.
    pub(crate) fn typed(self, head: &ObjectType<'_>, api_version: &str, kind: &str) -> Result<Self, RawObjectError> {
        let mut front = String::with_capacity(64);
        if head.api_version.is_empty() {
            front.push_str("\"apiVersion\":");
            front.push_str(&Value::from(api_version).to_string());
        }
        if head.kind.is_empty() {
            if !front.is_empty() {
                front.push(',');
            }
            front.push_str("\"kind\":");
            front.push_str(&Value::from(kind).to_string());
        }
        if front.is_empty() {
            return Ok(self);
        }
        let text = self.0.trim_ascii_start();
        let rest = text.strip_prefix(b"{").ok_or(RawObjectError { reason: "the text is not a JSON object", at: 0 })?;
        let mut whole = Vec::with_capacity(text.len() + front.len() + 2);
        whole.push(b'{');
        whole.extend_from_slice(front.as_bytes());
        if rest.trim_ascii_start().first() != Some(&b'}') {
            whole.push(b',');
        }
        whole.extend_from_slice(rest);
        Ok(Self(whole.into()))
    }
}

/// The type that an object says it has; nothing else of it is looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ObjectType<'a> {
    #[serde(borrow, deserialize_with = "or_empty")]
    api_version: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "or_empty")]
    kind: Cow<'a, str>,
}

/// What every object says of itself. Absent and `null` fields read as empty.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Head<'a> {
    /// `v1`, `apps/v1`; empty in items of typed lists.
    #[serde(borrow, deserialize_with = "or_empty")]
    pub api_version: Cow<'a, str>,
    /// Kind; empty in items of typed lists.
    #[serde(borrow, deserialize_with = "or_empty")]
    pub kind: Cow<'a, str>,
    /// The metadata.
    #[serde(borrow)]
    pub metadata: HeadMetadata<'a>,
}

/// The metadata that selection reads.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HeadMetadata<'a> {
    /// Name.
    #[serde(borrow, deserialize_with = "or_empty")]
    pub name: Cow<'a, str>,
    /// Namespace; empty where the object is cluster-scoped.
    #[serde(borrow, deserialize_with = "or_empty")]
    pub namespace: Cow<'a, str>,
    /// Unique id the server gave it.
    #[serde(borrow, deserialize_with = "or_empty")]
    pub uid: Cow<'a, str>,
    /// Revision of the last write, opaque.
    #[serde(borrow, deserialize_with = "or_empty")]
    pub resource_version: Cow<'a, str>,
    /// Set while the object is being deleted; RFC 3339.
    #[serde(borrow)]
    pub deletion_timestamp: Option<Cow<'a, str>>,
    /// Labels.
    pub labels: Option<BTreeMap<String, String>>,
    /// Annotations.
    pub annotations: Option<BTreeMap<String, String>>,
    /// Owners, in the order of the object.
    pub owner_references: Option<Vec<OwnerReference>>,
}

/// One entry of `metadata.ownerReferences`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OwnerReference {
    /// API version of the owner.
    pub api_version: String,
    /// Kind of the owner.
    pub kind: String,
    /// Name of the owner, in the dependent's namespace or cluster-scoped.
    pub name: String,
    /// Unique id of the owner.
    pub uid: String,
    /// Whether this owner is the managing controller.
    pub controller: Option<bool>,
}

fn or_empty<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Cow<'de, str>, D::Error> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    Ok(Option::<Text<'de>>::deserialize(input)?.map_or(Cow::Borrowed(""), |text| text.0))
}

#[cfg(test)]
mod tests {
    use super::RawObject;

    #[test]
    fn a_head_reads_escapes_nulls_and_absent_fields() {
        let raw = RawObject::new(
            r#"{"kind":"ConfigMap","metadata":{"name":"a\u002db","namespace":null,"labels":null,"x":[1e400]},"data":{}}"#,
        );
        let head = raw.head().expect("an object");
        assert_eq!((head.metadata.name.as_ref(), head.metadata.namespace.as_ref()), ("a-b", ""));
        assert_eq!((head.kind.as_ref(), head.api_version.as_ref()), ("ConfigMap", ""));
        assert_eq!(head.metadata.labels, None);
    }

    #[test]
    fn the_type_is_spliced_in_front_and_the_rest_stays_as_it_was() {
        let typed = |text: &'static str| {
            let raw = RawObject::new(text).with_type("v1", "Secret").expect("an object");
            String::from_utf8(raw.bytes().to_vec()).expect("text")
        };
        assert_eq!(typed("{}"), r#"{"apiVersion":"v1","kind":"Secret"}"#);
        assert_eq!(typed(r#"{ "n":1.50}"#), r#"{"apiVersion":"v1","kind":"Secret", "n":1.50}"#);
        assert_eq!(typed(r#"{"kind":"Own","n":1}"#), r#"{"apiVersion":"v1","kind":"Own","n":1}"#);
        assert!(RawObject::new("[1]").with_type("v1", "Secret").is_err());
    }

    #[test]
    fn errors_and_debug_output_hold_no_content() {
        let raw = RawObject::new(r#"{"metadata":{"name":{"s3cret":1}}}"#);
        let error = raw.head().expect_err("a name is a string");
        assert!(!format!("{error} {error:?} {raw:?}").contains("s3cret"));
    }
}
