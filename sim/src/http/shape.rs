//! Objects and lists in the shape that a client asked for, as bytes.

use std::borrow::Cow;

use bytes::Bytes;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};

use super::negotiate::{Encoding, Form, Shape};
use super::table::{IncludeObject, Tabler};
use crate::convert;
use crate::kinds::TEMPLATE_GENERATION;
use crate::{ApiServer, List, Object, ResourceDef, Status};

/// Turns what the server answers into the bytes of a response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shaper<'a> {
    pub(crate) server: &'a ApiServer,
    pub(crate) def: &'a ResourceDef,
    pub(crate) form: Form,
    pub(crate) include: IncludeObject,
}

/// What a real server has inside, whichever version is asked for: what tables and bare metadata are made of.
pub(crate) fn inner<'a>(def: &ResourceDef, object: &'a Object) -> Cow<'a, Value> {
    let stored = def.stored_as();
    if def.is_custom() || object.api_version() != def.api_version() || stored == def.api_version() {
        return Cow::Borrowed(object.value());
    }
    Cow::Owned(convert::to_version(object.value().clone(), &stored))
}

impl Shaper<'_> {
    /// One object.
    pub(crate) fn object(&self, object: &Object) -> Result<Bytes, Status> {
        match (self.form.shape, self.form.encoding) {
            (Shape::Plain | Shape::Aggregated, Encoding::Json) => Ok(object.json()),
            (Shape::Plain | Shape::Aggregated, Encoding::Yaml) => encode(self.form.encoding, object.value()),
            (Shape::Table, encoding) => {
                let mut metadata = Map::new();
                let revision = object.resource_version();
                if revision > 0 {
                    metadata.insert("resourceVersion".to_owned(), revision.to_string().into());
                }
                let objects = std::slice::from_ref(object);
                encode(encoding, &self.tabler().table(metadata, objects, true))
            }
            (Shape::Partial, encoding) => encode(encoding, &partial(&inner(self.def, object))),
            (Shape::PartialList, _) => Err(not_acceptable(&format!(
                "you requested PartialObjectMetadataList, but the requested object is not a list ({})",
                self.def.kind
            ))),
        }
    }

    /// One page of a list.
    pub(crate) fn list(&self, list: &List) -> Result<Bytes, Status> {
        match (self.form.shape, self.form.encoding) {
            (Shape::Plain | Shape::Aggregated, Encoding::Json) => Ok(self.list_json(list)),
            (Shape::Plain | Shape::Aggregated, Encoding::Yaml) => {
                let value: Value =
                    serde_json::from_slice(&self.list_json(list)).expect("what was serialised a line ago parses");
                encode(Encoding::Yaml, &value)
            }
            (Shape::Table, encoding) => encode(encoding, &self.tabler().table(list_metadata(list), &list.items, true)),
            (Shape::PartialList, encoding) => {
                let items: Vec<Value> = list.items.iter().map(|object| partial(&inner(self.def, object))).collect();
                let value = json!({
                    "kind": "PartialObjectMetadataList",
                    "apiVersion": "meta.k8s.io/v1",
                    "metadata": list_metadata(list),
                    "items": if items.is_empty() { Value::Null } else { Value::Array(items) },
                });
                encode(encoding, &value)
            }
            (Shape::Partial, _) => Err(not_acceptable(&format!(
                "you requested PartialObjectMetadata, but the requested object is a list ({})",
                list.kind
            ))),
        }
    }

    /// The object of one event of a watch.
    pub(crate) fn event(&self, object: &Object, first: bool) -> Value {
        match self.form.shape {
            Shape::Table => {
                let mut metadata = Map::new();
                metadata.insert("resourceVersion".to_owned(), object.resource_version().to_string().into());
                self.tabler().table(metadata, std::slice::from_ref(object), first)
            }
            Shape::Partial | Shape::PartialList => partial(&inner(self.def, object)),
            Shape::Plain | Shape::Aggregated => object.value().clone(),
        }
    }

    /// A table without rows, for a bookmark.
    pub(crate) fn empty_table(&self, metadata: Value, headings: bool) -> Value {
        let metadata = match metadata {
            Value::Object(metadata) => metadata,
            _ => Map::new(),
        };
        self.tabler().table(metadata, &[], headings)
    }

    fn tabler(&self) -> Tabler<'_> {
        Tabler { def: self.def, now: self.server.clock().now(), include: self.include }
    }

    /// The list with each object written once, into one buffer.
    fn list_json(&self, list: &List) -> Bytes {
        let mut out = Vec::with_capacity(256 + list.items.len() * 512);
        let head = json!({
            "kind": list.kind, "apiVersion": list.api_version, "metadata": list_metadata(list),
        });
        let head = head.to_string();
        // Without its closing brace: the items follow.
        out.extend_from_slice(&head.as_bytes()[..head.len() - 1]);
        out.extend_from_slice(b",\"items\":[");
        for (index, object) in list.items.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            match object.value() {
                // Items of built-in kinds do not say what they are; custom resources do.
                Value::Object(map) if !self.def.is_custom() => {
                    serde_json::to_writer(&mut out, &Untyped(map)).expect("a JSON value always serialises");
                }
                _ => out.extend_from_slice(&object.json()),
            }
        }
        out.extend_from_slice(b"]}");
        out.into()
    }
}

/// An object without `kind` and `apiVersion`.
struct Untyped<'a>(&'a Map<String, Value>);

impl Serialize for Untyped<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in self.0 {
            if key != "kind" && key != "apiVersion" {
                map.serialize_entry(key, value)?;
            }
        }
        map.end()
    }
}

/// `metadata` of a list.
pub(crate) fn list_metadata(list: &List) -> Map<String, Value> {
    let mut metadata = Map::new();
    metadata.insert("resourceVersion".to_owned(), list.resource_version.to_string().into());
    if let Some(token) = &list.continue_token {
        metadata.insert("continue".to_owned(), token.as_str().into());
    }
    if let Some(count) = list.remaining_item_count {
        metadata.insert("remainingItemCount".to_owned(), count.into());
    }
    metadata
}

/// The metadata of an object as an object of its own.
pub(crate) fn partial(object: &Value) -> Value {
    let mut metadata = object.get("metadata").cloned().unwrap_or_else(|| json!({}));
    if object.get("kind").is_some_and(|kind| kind == "DaemonSet")
        && let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut)
    {
        // Inside a server it is a field of the spec.
        annotations.remove(TEMPLATE_GENERATION);
        if annotations.is_empty() {
            metadata.as_object_mut().map(|metadata| metadata.remove("annotations"));
        }
    }
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata})
}

/// The bytes of a value.
pub(crate) fn encode(encoding: Encoding, value: &Value) -> Result<Bytes, Status> {
    match encoding {
        Encoding::Json => Ok(value.to_string().into()),
        Encoding::Yaml => serde_saphyr::to_string(value)
            .map(Bytes::from)
            .map_err(|error| Status::new(500, "InternalError", format!("the answer has no YAML form: {error}"))),
    }
}

/// 406.
pub(crate) fn not_acceptable(message: &str) -> Status {
    Status::new(406, "NotAcceptable", message)
}
