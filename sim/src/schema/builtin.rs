//! The types of built-in kinds, from the recorded documents.
//!
//! What the documents do not say – which fields are pointers, what is left out when empty, what Go calls a type – is in a table that
//! was made from the struct tags of the same release.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, OnceLock};

use serde_json::Value;

use super::{Field, Go, ListMerge, ListType, MapType, ObjectType, PatchMerge, Scalar, Type, documents};

const PREFIX: &str = "#/components/schemas/";

/// The only types that contain themselves are there.
const EXTENSIONS: &str = "apis/apiextensions.k8s.io/v1";

type GoFields = BTreeMap<String, BTreeMap<String, String>>;

static GO_FIELDS: LazyLock<GoFields> = LazyLock::new(|| {
    let packed = include_bytes!("../../data/go-fields.json.gz");
    serde_json::from_slice(&documents::unpack(packed)).expect("the embedded table is JSON of this form")
});

/// The types of one group version.
#[derive(Default)]
struct Document {
    types: BTreeMap<String, Arc<Type>>,
    kinds: BTreeMap<String, String>,
}

/// The types by the keys of the documents, each made when it is first asked for.
static DOCUMENTS: LazyLock<BTreeMap<&'static str, OnceLock<Document>>> =
    LazyLock::new(|| documents::RECORDED.iter().map(|(key, _)| (*key, OnceLock::new())).collect());

fn document(key: &str) -> Option<&'static Document> {
    let (key, document) = DOCUMENTS.get_key_value(key)?;
    Some(document.get_or_init(|| Document::read(key)))
}

/// The type of a kind.
pub(super) fn of(group: &str, version: &str, kind: &str) -> Option<Arc<Type>> {
    let key = if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") };
    let document = document(&key)?;
    document.types.get(document.kinds.get(kind)?).cloned()
}

/// `metav1.ObjectMeta`, as every object has it.
pub(super) fn object_meta() -> Arc<Type> {
    let document = document("api/v1").expect("the core group is recorded");
    let meta = document.types.get("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
    Arc::clone(meta.expect("every object has metadata"))
}

/// A type that contains itself.
pub(super) fn named(name: &str) -> &'static Type {
    let document = document(EXTENSIONS).expect("definitions are recorded");
    document.types.get(name).map_or(&Type::Any, |ty| &**ty)
}

impl Document {
    fn read(key: &str) -> Self {
        let bytes = documents::recorded(key).expect("the key is of the list of documents");
        let document: Value = serde_json::from_slice(&bytes).expect("the embedded document is JSON");
        let Some(schemas) = document.pointer("/components/schemas").and_then(Value::as_object) else {
            return Self::default();
        };
        let mut reader = Reader { schemas, done: BTreeMap::new(), open: Vec::new() };
        let mut kinds = BTreeMap::new();
        for (name, schema) in schemas {
            reader.named(name);
            let listed = schema["x-kubernetes-group-version-kind"].as_array();
            for kind in listed.into_iter().flatten().filter_map(|kind| kind["kind"].as_str()) {
                kinds.insert(kind.to_owned(), name.clone());
            }
        }
        Self { types: reader.done, kinds }
    }
}

struct Reader<'a> {
    schemas: &'a serde_json::Map<String, Value>,
    done: BTreeMap<String, Arc<Type>>,
    open: Vec<String>,
}

impl Reader<'_> {
    fn named(&mut self, name: &str) -> Arc<Type> {
        if let Some(done) = self.done.get(name) {
            return Arc::clone(done);
        }
        if self.open.iter().any(|open| open == name) {
            return Arc::new(Type::Ref(name.to_owned()));
        }
        self.open.push(name.to_owned());
        let ty = Arc::new(self.of_name(name));
        self.open.pop();
        self.done.insert(name.to_owned(), Arc::clone(&ty));
        ty
    }

    fn of_name(&mut self, name: &str) -> Type {
        let short = name.rsplit('.').next().unwrap_or_default();
        match short {
            "Quantity" => Type::Scalar(Scalar::Quantity),
            "IntOrString" => Type::Scalar(Scalar::IntOrString),
            "Time" => Type::Scalar(Scalar::Time),
            "MicroTime" => Type::Scalar(Scalar::MicroTime),
            "FieldsV1" | "RawExtension" | "Patch" => Type::Any,
            _ => {
                let schemas = self.schemas;
                match schemas.get(name) {
                    Some(schema) if schema["type"] == "object" => self.object(name, short, schema),
                    _ => Type::Any,
                }
            }
        }
    }

    fn object(&mut self, name: &str, short: &str, schema: &Value) -> Type {
        let go = GO_FIELDS.get(name);
        let properties = schema["properties"].as_object();
        let fields = properties.into_iter().flatten().map(|(key, schema)| {
            let go = go.and_then(|fields| fields.get(key)).map(|tag| Go::read(tag)).unwrap_or_default();
            let field =
                Field { ty: self.ty(schema), default: schema.get("default").cloned(), patch: patch(schema), go };
            (key.clone(), field)
        });
        Type::Object(ObjectType {
            name: short.to_owned(),
            fields: fields.collect(),
            atomic: is_atomic(schema),
            preserve_unknown: false,
            embedded: false,
            required: strings(&schema["required"]),
        })
    }

    fn ty(&mut self, schema: &Value) -> Arc<Type> {
        let reference = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
        if let Some(name) = reference.and_then(|reference| reference.strip_prefix(PREFIX)) {
            return self.named(name);
        }
        Arc::new(match schema["type"].as_str() {
            Some("array") => Type::List(ListType {
                item: self.ty(&schema["items"]),
                merge: list_merge(schema),
                patch: patch(schema),
            }),
            Some("object") => match schema.get("additionalProperties") {
                Some(value) => Type::Map(MapType { value: self.ty(value), atomic: is_atomic(schema) }),
                None => Type::Any,
            },
            Some(scalar) => scalar_type(scalar, schema["format"].as_str()),
            None => Type::Any,
        })
    }
}

impl Go {
    /// From `FLAGS TYPE` or `FLAGS TYPE EMBEDDED`, the flags being `o` (omitempty), `z` (omitzero) and `p` (pointer).
    fn read(tag: &str) -> Self {
        let mut parts = tag.split(' ');
        let flags = parts.next().unwrap_or_default();
        Self {
            ty: parts.next().unwrap_or_default().to_owned(),
            within: parts.next().map(str::to_owned),
            pointer: flags.contains('p'),
            omit_empty: flags.contains('o'),
            omit_zero: flags.contains('z'),
        }
    }
}

/// A type without parts, or anything.
pub(super) fn scalar_type(name: &str, format: Option<&str>) -> Type {
    Type::Scalar(match (name, format) {
        ("boolean", _) => Scalar::Bool,
        ("integer", Some("int32")) => Scalar::Int(32),
        ("integer", _) => Scalar::Int(64),
        ("number", _) => Scalar::Float,
        ("string", Some("byte")) => Scalar::Bytes,
        ("string", _) => Scalar::Text,
        _ => return Type::Any,
    })
}

/// `x-kubernetes-list-type` and its keys.
pub(super) fn list_merge(schema: &Value) -> ListMerge {
    match schema["x-kubernetes-list-type"].as_str() {
        Some("set") => ListMerge::Set,
        Some("map") => ListMerge::Map(strings(&schema["x-kubernetes-list-map-keys"])),
        _ => ListMerge::Atomic,
    }
}

/// `x-kubernetes-map-type: atomic`.
pub(super) fn is_atomic(schema: &Value) -> bool {
    schema["x-kubernetes-map-type"] == "atomic"
}

fn patch(schema: &Value) -> PatchMerge {
    let strategy = schema["x-kubernetes-patch-strategy"].as_str().unwrap_or_default();
    let has = |word: &str| strategy.split(',').any(|given| given == word);
    PatchMerge {
        merge: has("merge"),
        retain_keys: has("retainKeys"),
        key: schema["x-kubernetes-patch-merge-key"].as_str().map(str::to_owned),
    }
}

/// The texts of a list.
pub(super) fn strings(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field<'a>(ty: &'a Type, path: &str) -> &'a Field {
        let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
        let mut ty = super::super::resolve(ty);
        while let Type::List(ListType { item, .. }) | Type::Map(MapType { value: item, .. }) = ty {
            ty = super::super::resolve(item);
        }
        let Type::Object(object) = ty else { panic!("no object at {path}") };
        let field = &object.fields[first];
        rest.map_or(field, |rest| self::field(&field.ty, rest))
    }

    #[test]
    fn every_recorded_kind_has_a_type_and_every_field_is_in_the_table() {
        for (key, _) in documents::RECORDED {
            let document = document(key).unwrap();
            assert!(document.kinds.values().all(|name| document.types.contains_key(name)), "{key}");
            for (name, ty) in &document.types {
                let Type::Object(object) = &**ty else { continue };
                for (field, of) in &object.fields {
                    assert!(!of.go.ty.is_empty(), "{name}.{field}");
                }
            }
        }
    }

    #[test]
    fn fields_are_known_with_how_they_merge() {
        let pod = of("", "v1", "Pod").unwrap();
        let containers = field(&pod, "spec.containers");
        let Type::List(list) = &*containers.ty else { panic!("containers are a list") };
        assert_eq!(list.merge, ListMerge::Map(vec!["name".to_owned()]));
        assert_eq!(list.patch.key.as_deref(), Some("name"));
        assert!(field(&pod, "spec.containers.livenessProbe.timeoutSeconds").go.omit_empty);
        assert_eq!(field(&pod, "spec.containers.imagePullPolicy").go.ty, "v1.PullPolicy");
        assert_eq!(*field(&pod, "spec.containers.ports.containerPort").ty, Type::Scalar(Scalar::Int(32)));
        let deployment = of("apps", "v1", "Deployment").unwrap();
        assert!(field(&deployment, "spec.replicas").go.pointer);
        assert!(field(&deployment, "spec.strategy").patch.retain_keys);
        let definition = of("apiextensions.k8s.io", "v1", "CustomResourceDefinition").unwrap();
        let schema = "spec.versions.schema.openAPIV3Schema.properties.properties.minLength";
        assert_eq!(*field(&definition, schema).ty, Type::Scalar(Scalar::Int(64)));
    }
}
