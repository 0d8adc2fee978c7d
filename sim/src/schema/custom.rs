//! The types of custom resources, from the structural schemas of their definitions.

use std::sync::Arc;

use serde_json::Value;

use super::builtin::{is_atomic, list_merge, object_meta, scalar_type, strings};
use super::{Field, Go, ListType, MapType, ObjectType, PatchMerge, Scalar, Type};
use crate::crd;
use crate::server::Core;

/// The type of one version of a definition; `None` where the version has no schema.
pub(super) fn of(core: &Core, definition: &str, version: &str) -> Option<Arc<Type>> {
    let schema = crd::schema(core, definition, version)?;
    Some(Arc::new(root(schema)))
}

/// The type of a whole object.
pub(super) fn root(schema: &Value) -> Type {
    match ty(schema) {
        Type::Object(mut object) => {
            every_object_has(&mut object);
            Type::Object(object)
        }
        Type::Any => {
            let mut object = ObjectType { preserve_unknown: true, ..ObjectType::default() };
            every_object_has(&mut object);
            Type::Object(object)
        }
        other => other,
    }
}

fn every_object_has(object: &mut ObjectType) {
    for (key, ty) in [
        ("apiVersion", Arc::new(Type::Scalar(Scalar::Text))),
        ("kind", Arc::new(Type::Scalar(Scalar::Text))),
        ("metadata", object_meta()),
    ] {
        object.fields.insert(key.to_owned(), field(ty, None));
    }
}

fn field(ty: Arc<Type>, default: Option<Value>) -> Field {
    Field { ty, default, patch: PatchMerge::default(), go: Go::default() }
}

fn ty(schema: &Value) -> Type {
    let preserve_unknown = schema["x-kubernetes-preserve-unknown-fields"] == true;
    if schema["x-kubernetes-int-or-string"] == true {
        return Type::Scalar(Scalar::IntOrString);
    }
    match schema["type"].as_str() {
        Some("array") => Type::List(ListType {
            item: Arc::new(ty(&schema["items"])),
            merge: list_merge(schema),
            patch: PatchMerge::default(),
        }),
        Some("object") | None if schema["properties"].is_object() || preserve_unknown => {
            let properties = schema["properties"].as_object();
            let fields = properties.into_iter().flatten();
            let mut object = ObjectType {
                fields: fields
                    .map(|(key, schema)| (key.clone(), field(Arc::new(ty(schema)), schema.get("default").cloned())))
                    .collect(),
                atomic: is_atomic(schema),
                preserve_unknown,
                embedded: schema["x-kubernetes-embedded-resource"] == true,
                required: strings(&schema["required"]),
                ..ObjectType::default()
            };
            if object.embedded {
                every_object_has(&mut object);
            } else if preserve_unknown && object.fields.is_empty() && schema["type"].is_null() {
                return Type::Any;
            }
            Type::Object(object)
        }
        Some("object") => match &schema["additionalProperties"] {
            Value::Object(_) => {
                Type::Map(MapType { value: Arc::new(ty(&schema["additionalProperties"])), atomic: is_atomic(schema) })
            }
            Value::Bool(true) => Type::Map(MapType { value: Arc::new(Type::Any), atomic: is_atomic(schema) }),
            _ => Type::Object(ObjectType { atomic: is_atomic(schema), ..ObjectType::default() }),
        },
        Some(scalar) => match scalar_type(scalar, schema["format"].as_str()) {
            // The format of a text is checked, not read.
            Type::Scalar(Scalar::Bytes) => Type::Scalar(Scalar::Text),
            known => known,
        },
        None => Type::Any,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::ListMerge;

    #[test]
    fn a_structural_schema_is_a_type() {
        let root = root(&json!({
            "type": "object",
            "properties": {"spec": {"type": "object", "properties": {
                "ports": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                    "items": {"type": "object", "properties": {"name": {"type": "string", "default": "x"}}}},
                "any": {"x-kubernetes-preserve-unknown-fields": true},
                "port": {"x-kubernetes-int-or-string": true},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            }}},
        }));
        let Type::Object(root) = root else { panic!("an object") };
        assert!(matches!(&*root.fields["metadata"].ty, Type::Object(meta) if meta.name == "ObjectMeta"));
        let Type::Object(spec) = &*root.fields["spec"].ty else { panic!("an object") };
        let Type::List(ports) = &*spec.fields["ports"].ty else { panic!("a list") };
        assert_eq!(ports.merge, ListMerge::Map(vec!["name".to_owned()]));
        let Type::Object(port) = &*ports.item else { panic!("an object") };
        assert_eq!(port.fields["name"].default, Some(json!("x")));
        assert_eq!(*spec.fields["any"].ty, Type::Any);
        assert_eq!(*spec.fields["port"].ty, Type::Scalar(Scalar::IntOrString));
        assert!(matches!(&*spec.fields["labels"].ty, Type::Map(_)));
    }
}
