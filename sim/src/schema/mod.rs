//! The types of the wire.
//!
//! Owns the model of what each field of an object may hold: of built-in kinds from the recorded `OpenAPI` documents and the table of Go
//! fields, of custom resources from the structural schema of their definition. Reading, defaulting, pruning, validating and
//! patching by schema all walk this model.
//!
//! Built-in types are made once a process, for a group version when it is first asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::resource::{Origin, ResourceDef};
use crate::server::Core;

mod builtin;
mod custom;
pub(crate) mod documents;

/// What a value may be.
#[derive(Debug, PartialEq)]
pub(crate) enum Type {
    /// Anything: embedded JSON, objects of unknown kind.
    Any,
    Scalar(Scalar),
    List(ListType),
    Map(MapType),
    Object(ObjectType),
    /// A type that contains itself, by its name; see [`resolve`].
    Ref(String),
}

/// A value without parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    Bool,
    /// A whole number of so many bits.
    Int(u8),
    Float,
    Text,
    /// Bytes in base64.
    Bytes,
    Time,
    MicroTime,
    IntOrString,
    Quantity,
}

/// A list and how it is merged.
#[derive(Debug, PartialEq)]
pub(crate) struct ListType {
    pub(crate) item: Arc<Type>,
    /// `x-kubernetes-list-type`: how server-side apply merges.
    pub(crate) merge: ListMerge,
    /// `x-kubernetes-patch-strategy`: how strategic merge patch merges.
    pub(crate) patch: PatchMerge,
}

/// How the entries of a list are told apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum ListMerge {
    #[default]
    Atomic,
    Set,
    /// By these fields.
    Map(Vec<String>),
}

/// What a strategic merge patch does with a list or an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PatchMerge {
    /// Merged, else replaced.
    pub(crate) merge: bool,
    /// Fields that the patch does not name are removed.
    pub(crate) retain_keys: bool,
    /// What tells the entries of a list apart; none for lists of scalars.
    pub(crate) key: Option<String>,
}

/// An object with any keys.
#[derive(Debug, PartialEq)]
pub(crate) struct MapType {
    pub(crate) value: Arc<Type>,
    /// `x-kubernetes-map-type: atomic`.
    pub(crate) atomic: bool,
}

/// An object with known keys.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ObjectType {
    /// The type's name in Go without its package, as `Container`; empty for custom resources.
    pub(crate) name: String,
    pub(crate) fields: BTreeMap<String, Field>,
    /// `x-kubernetes-map-type: atomic`.
    pub(crate) atomic: bool,
    /// Unknown keys are kept: `x-kubernetes-preserve-unknown-fields`.
    pub(crate) preserve_unknown: bool,
    /// An object of any kind with `apiVersion`, `kind` and metadata: `x-kubernetes-embedded-resource`.
    pub(crate) embedded: bool,
    pub(crate) required: Vec<String>,
}

/// A known key of an object.
#[derive(Debug, PartialEq)]
pub(crate) struct Field {
    pub(crate) ty: Arc<Type>,
    /// The default of the schema; for built-in kinds it is the zero value that Go writes.
    pub(crate) default: Option<Value>,
    /// Strategic merge patch of a field that is an object; that of a list is in its type.
    pub(crate) patch: PatchMerge,
    /// How Go holds the field; built-in kinds only.
    pub(crate) go: Go,
}

/// How Go holds and writes a field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Go {
    /// The type without its pointer, as `v1.PullPolicy`, for errors.
    pub(crate) ty: String,
    /// The embedded struct that the field stands in, as errors name it.
    pub(crate) within: Option<String>,
    /// An absent value is not the zero value.
    pub(crate) pointer: bool,
    /// Not written when empty: `omitempty`.
    pub(crate) omit_empty: bool,
    /// Not written when zero: `omitzero`.
    pub(crate) omit_zero: bool,
}

/// The type of an object of a resource, or of one of its subresources; `None` where nothing is known of it.
pub(crate) fn of(core: &Core, def: &ResourceDef, subresource: Option<&str>) -> Option<Arc<Type>> {
    if let Some(sub) = subresource.and_then(|name| def.subresource(name))
        && (&sub.group, &sub.version, &sub.kind) != (&def.group, &def.version, &def.kind)
    {
        return builtin::of(&sub.group, &sub.version, &sub.kind);
    }
    match &def.origin {
        Origin::BuiltIn => builtin::of(&def.group, &def.version, &def.kind),
        Origin::Custom(definition) => custom::of(core, definition, &def.version),
        Origin::Aggregated => None,
    }
}

/// The type itself where this is only its name.
pub(crate) fn resolve(ty: &Type) -> &Type {
    match ty {
        Type::Ref(name) => builtin::named(name),
        known => known,
    }
}
