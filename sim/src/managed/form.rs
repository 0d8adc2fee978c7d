//! How the values of a type divide into fields that writers own, and into lists that patches merge.
//!
//! Owns what the `x-kubernetes-` marks of lists and maps mean, in the models of built-in kinds and in the schemas of
//! definitions. A [`Form`] is a cursor on such a schema: nothing is copied.

use serde_json::{Map, Value};

use super::element::Element;
use crate::meta;
use crate::object::Object;
use crate::resource::{GroupResource, Origin, ResourceDef};
use crate::schema::models::{Models, ZERO};
use crate::server::Core;

/// The model of the metadata of every object.
const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// Where the form of a resource comes from. Holds what a [`Form`] points into.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    BuiltIn {
        models: &'static Value,
        schema: &'static Value,
    },
    Custom {
        definition: Object,
        version: String,
    },
    /// Nobody described it: values speak for themselves.
    Unknown,
}

impl Source {
    /// Of a resource, or of the kind that one of its subresources takes.
    pub(crate) fn of(core: &Core, def: &ResourceDef) -> Self {
        if let Origin::Custom(name) = &def.origin {
            let definitions = GroupResource::new("apiextensions.k8s.io", "customresourcedefinitions");
            return match core.store.get(&definitions, name) {
                Some(definition) => Self::Custom { definition: definition.clone(), version: def.version.clone() },
                None => Self::Unknown,
            };
        }
        let key = if def.group.is_empty() { "api/".to_owned() } else { format!("apis/{}/", def.group) };
        let found = Models::of(&(key + &def.version)).and_then(|models| {
            let schema = models.kind(&def.group, &def.version, &def.kind)?;
            Some(Self::BuiltIn { models: &models.schemas, schema })
        });
        found.unwrap_or(Self::Unknown)
    }

    /// The form of the whole object.
    pub(crate) fn form(&self) -> Form<'_> {
        match self {
            Self::BuiltIn { models, schema } => {
                Form { schema: Some(schema), models: Some(models), open: false, root: false, built_in: true }
            }
            Self::Custom { definition, version } => {
                let versions = meta::at(definition.value(), "spec.versions").and_then(Value::as_array);
                let mut versions = versions.into_iter().flatten();
                let schema = versions
                    .find(|known| meta::text(known, "name") == version)
                    .and_then(|version| version.pointer("/schema/openAPIV3Schema"));
                let models = Models::of("api/v1").map(|models| &models.schemas);
                Form { schema, models, open: schema.is_some_and(preserves), root: true, built_in: false }
            }
            Self::Unknown => Form { schema: None, models: None, open: true, root: false, built_in: false },
        }
    }
}

/// A schema, or nothing where values speak for themselves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form<'a> {
    schema: Option<&'a Value>,
    models: Option<&'a Value>,
    /// Whether fields that the schema does not name are kept.
    open: bool,
    /// Whether this is a whole custom resource or an embedded one, whose metadata is that of every object.
    root: bool,
    /// Whether the kind is built in: fields that Go always writes count as there.
    built_in: bool,
}

/// How a value of a form divides.
#[derive(Clone, Debug)]
pub(crate) enum Parts<'a> {
    /// Not at all: one writer owns it as a whole.
    Leaf,
    /// A list of scalars, each owned for itself.
    Set,
    /// A list of objects that are known by these keys.
    Keyed(Vec<&'a str>, Form<'a>),
    /// An object.
    Fields,
}

/// How a strategic merge patch treats a list or an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PatchStrategy<'a> {
    /// Whether it is merged; else the patch replaces it.
    pub(crate) merges: bool,
    /// Whether the patch replaces an object as a whole.
    pub(crate) replaces: bool,
    /// The key of the objects in a list that is merged.
    pub(crate) key: Option<&'a str>,
}

fn preserves(schema: &Value) -> bool {
    schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true))
}

impl<'a> Form<'a> {
    /// Whether the schema is that of a kind with Go types.
    pub(crate) fn is_built_in(self) -> bool {
        self.built_in
    }

    /// Whether it is an object of a built-in kind that a server does not look into.
    pub(crate) fn is_opaque(self) -> bool {
        self.built_in
            && self.resolved().is_some_and(|schema| {
                let divided = ["properties", "additionalProperties"].iter().any(|key| schema.get(key).is_some());
                schema.get("type").is_some_and(|kind| kind == "object") && !divided
            })
    }

    fn deduced(self) -> Self {
        Self { schema: None, open: true, root: false, ..self }
    }

    fn inner(self, schema: &'a Value) -> Self {
        let root = schema.get("x-kubernetes-embedded-resource") == Some(&Value::Bool(true));
        Self { schema: Some(schema), open: self.open || preserves(schema), root, ..self }
    }

    /// The schema that a reference leads to, or itself.
    fn resolved(self) -> Option<&'a Value> {
        let schema = self.schema?;
        let reference = schema.get("$ref").or_else(|| {
            let all = schema.get("allOf").and_then(Value::as_array).filter(|all| all.len() == 1)?;
            all[0].get("$ref")
        });
        let Some(reference) = reference.and_then(Value::as_str) else {
            return Some(schema);
        };
        self.models?.get(reference.rsplit('/').next()?)
    }

    /// How this value divides.
    pub(crate) fn parts(self, value: &Value) -> Parts<'a> {
        let Some(schema) = self.resolved() else {
            return if value.is_object() { Parts::Fields } else { Parts::Leaf };
        };
        let mark = |key: &str| {
            let outer = self.schema.and_then(|schema| schema.get(key));
            outer.or_else(|| schema.get(key)).and_then(Value::as_str).unwrap_or_default()
        };
        match schema.get("type").and_then(Value::as_str) {
            Some("array") => match (mark("x-kubernetes-list-type"), schema.get("items")) {
                ("set", _) => Parts::Set,
                ("map", Some(items)) => {
                    let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
                    Parts::Keyed(keys.into_iter().flatten().filter_map(Value::as_str).collect(), self.inner(items))
                }
                _ => Parts::Leaf,
            },
            Some("object") if mark("x-kubernetes-map-type") == "atomic" => Parts::Leaf,
            // What a server does not look into is one's as a whole.
            Some("object") if self.is_opaque() => Parts::Leaf,
            Some("object") => Parts::Fields,
            None if value.is_object() && mark("x-kubernetes-map-type") != "atomic" => Parts::Fields,
            _ => Parts::Leaf,
        }
    }

    /// The form of a field, and whether the schema names it: the keys of a map have no names of their own.
    pub(crate) fn child(self, name: &str) -> (Self, bool) {
        if self.root {
            match (name, self.models.and_then(|models| models.get(OBJECT_META))) {
                ("metadata", Some(schema)) => return (Self { open: false, ..self.inner(schema) }, true),
                ("apiVersion" | "kind", _) => return (self.deduced(), true),
                _ => {}
            }
        }
        let Some(schema) = self.resolved() else {
            return (self.deduced(), false);
        };
        if let Some(field) = schema.get("properties").and_then(|fields| fields.get(name)) {
            return (self.inner(field), true);
        }
        match schema.get("additionalProperties") {
            Some(rest) if rest.is_object() => (self.inner(rest), false),
            _ => (self.deduced(), false),
        }
    }

    /// Whether a field may be there: named, of a map, or of an open object.
    pub(crate) fn declares(self, name: &str) -> bool {
        if self.root && matches!(name, "metadata" | "apiVersion" | "kind") {
            return true;
        }
        let Some(schema) = self.resolved() else {
            return true;
        };
        let fields = schema.get("properties").and_then(Value::as_object);
        let none = fields.is_none_or(Map::is_empty);
        fields.is_some_and(|fields| fields.contains_key(name))
            || schema.get("additionalProperties").is_some_and(|rest| *rest != Value::Bool(false))
            || self.open
            || none
    }

    /// What a field that is not there counts as: Go writes structures, and fields without `omitempty`, always.
    pub(crate) fn zero(self, name: &str) -> Option<&'a Value> {
        if !self.built_in {
            return None;
        }
        self.resolved()?.get(ZERO)?.get(name)
    }

    /// The step to an item of a list with keys, or why it has none.
    pub(crate) fn key(self, keys: &[&str], item: &Value) -> Result<Element, String> {
        let Some(fields) = item.as_object() else {
            let what = if item.is_null() { "a null element" } else { "non-map elements" };
            return Err(format!("associative list with keys may not have {what}"));
        };
        let mut found = Vec::new();
        for key in keys {
            let default = || self.resolved()?.get("properties")?.get(key)?.get("default");
            if let Some(value) = fields.get(*key).or_else(default) {
                found.push(((*key).to_owned(), value.clone()));
            }
        }
        if found.is_empty() {
            let keys: Vec<_> = keys.iter().map(|key| format!("{key:?}")).collect();
            return Err(format!(
                "associative list with keys has an element that omits all key fields [{}] (and doesn't have default \
                    values for any key fields)",
                keys.join(" ")
            ));
        }
        found.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(Element::Key(found))
    }

    /// How a strategic merge patch treats the value.
    pub(crate) fn strategy(self) -> PatchStrategy<'a> {
        let mark = |key: &str| {
            let outer = self.schema.and_then(|schema| schema.get(key));
            outer.or_else(|| self.resolved()?.get(key)).and_then(Value::as_str)
        };
        let words = mark("x-kubernetes-patch-strategy").unwrap_or_default();
        let has = |wanted: &str| words.split(',').any(|word| word == wanted);
        PatchStrategy { merges: has("merge"), replaces: has("replace"), key: mark("x-kubernetes-patch-merge-key") }
    }

    /// The form of the items of a list.
    pub(crate) fn items(self) -> Self {
        match self.resolved().and_then(|schema| schema.get("items")) {
            Some(items) => self.inner(items),
            None => self.deduced(),
        }
    }

    /// The type that the schema declares, as `array`; empty where any value is good.
    pub(crate) fn declared(self) -> &'a str {
        self.resolved().and_then(|schema| schema.get("type")).and_then(Value::as_str).unwrap_or_default()
    }
}

/// The items of a list that divides, each with its step; items without one are left out.
pub(crate) fn steps<'v>(parts: &Parts<'_>, list: &'v [Value]) -> Vec<(Element, &'v Value)> {
    let step = |item: &'v Value| match parts {
        Parts::Keyed(keys, form) => form.key(keys, item).ok(),
        Parts::Set => (!item.is_null() && !item.is_object() && !item.is_array()).then(|| Element::Value(item.clone())),
        Parts::Leaf | Parts::Fields => None,
    };
    list.iter().filter_map(|item| Some((step(item)?, item))).collect()
}
