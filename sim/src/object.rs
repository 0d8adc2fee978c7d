//! One stored object and one page of a list.
//!
//! Owns the immutable, shared form of an object: a JSON value and, made once and kept, its bytes. A clone is a reference count, so
//! that a list of thirty thousand objects copies nothing and serialises nothing twice.

use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::meta;

/// One version of an object, as it was stored at its resourceVersion.
#[derive(Clone)]
pub struct Object(Arc<Inner>);

struct Inner {
    value: Value,
    json: OnceLock<Bytes>,
}

impl fmt::Debug for Object {
    // The name only: the content may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Object({} {}/{} @{})",
            self.kind(),
            self.namespace().unwrap_or_default(),
            self.name(),
            self.resource_version()
        )
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.value == other.0.value
    }
}

impl Object {
    /// Wraps a value that is a JSON object.
    pub fn new(value: Value) -> Self {
        Self(Arc::new(Inner { value, json: OnceLock::new() }))
    }

    /// The whole object.
    pub fn value(&self) -> &Value {
        &self.0.value
    }

    /// The object as JSON with sorted keys; made at the first call.
    pub fn json(&self) -> Bytes {
        self.0
            .json
            .get_or_init(|| {
                let bytes = serde_json::to_vec(&self.0.value);
                Bytes::from(bytes.expect("a JSON value always serialises"))
            })
            .clone()
    }

    /// `metadata`, empty when there is none.
    pub fn metadata(&self) -> &Map<String, Value> {
        meta::metadata(&self.0.value)
    }

    /// `apiVersion`.
    pub fn api_version(&self) -> &str {
        meta::text(&self.0.value, "apiVersion")
    }

    /// `kind`.
    pub fn kind(&self) -> &str {
        meta::text(&self.0.value, "kind")
    }

    /// `metadata.name`.
    pub fn name(&self) -> &str {
        self.text("name")
    }

    /// `metadata.namespace`, of namespaced objects.
    pub fn namespace(&self) -> Option<&str> {
        self.metadata().get("namespace").and_then(Value::as_str)
    }

    /// `metadata.uid`.
    pub fn uid(&self) -> &str {
        self.text("uid")
    }

    /// `metadata.resourceVersion`: the revision of the last write; 0 when it was never stored.
    pub fn resource_version(&self) -> u64 {
        self.text("resourceVersion").parse().unwrap_or_default()
    }

    /// `metadata.labels`.
    pub fn labels(&self) -> Option<&Map<String, Value>> {
        self.metadata().get("labels").and_then(Value::as_object)
    }

    /// Whether the object is being deleted.
    pub fn is_terminating(&self) -> bool {
        meta::is_terminating(&self.0.value)
    }

    fn text(&self, key: &str) -> &str {
        self.metadata().get(key).and_then(Value::as_str).unwrap_or_default()
    }
}

/// One page of a list: see `ApiServer::list`.
#[derive(Clone, Debug, PartialEq)]
pub struct List {
    /// `apiVersion` of the list.
    pub api_version: String,
    /// `kind` of the list, for example `PodList`.
    pub kind: String,
    /// The objects of this page, in order of namespace and name.
    pub items: Vec<Object>,
    /// The revision that the whole list was read at.
    pub resource_version: u64,
    /// Where the next page starts; `None` on the last page.
    pub continue_token: Option<String>,
    /// How many objects follow; `None` on the last page and where a selector hides it.
    pub remaining_item_count: Option<u64>,
}
