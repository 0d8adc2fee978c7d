//! The models of the built-in kinds: the schemas of the recorded documents, read at the first use and kept.

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use serde_json::{Map, Value};

use super::documents;
use crate::decode;
use crate::go_types;
use crate::meta;

/// Where a model keeps what Go writes of its empty value.
pub(crate) const ZERO: &str = "zero value";

/// Notes in a model what Go writes of its empty value: schemas do not say it.
fn note_zero(name: &str, schema: &mut Value) {
    let mut parts = name.rsplitn(4, '.');
    let (Some(kind), Some(version), Some(group)) = (parts.next(), parts.next(), parts.next()) else {
        return;
    };
    let name = format!("{group}/{version}.{kind}");
    if go_types::fields(&name).is_some() {
        let mut zero = Value::Object(Map::new());
        decode::show(&name, &mut zero);
        schema[ZERO] = zero;
    }
}

/// The models of one group version.
#[derive(Debug, Default)]
pub(crate) struct Models {
    /// By the name of the model, as `io.k8s.api.core.v1.Pod`.
    pub(crate) schemas: Value,
    /// The name of the model of a kind, by group, version and kind.
    kinds: BTreeMap<(String, String, String), String>,
}

impl Models {
    /// Of a document, as `api/v1`.
    pub(crate) fn of(key: &str) -> Option<&'static Self> {
        static DOCUMENTS: LazyLock<BTreeMap<&'static str, OnceLock<Models>>> =
            LazyLock::new(|| documents::RECORDED.iter().map(|(key, _)| (*key, OnceLock::new())).collect());
        let document = DOCUMENTS.get(key)?;
        Some(document.get_or_init(|| documents::parsed(key).map(Self::read).unwrap_or_default()))
    }

    /// The model of a kind.
    pub(crate) fn kind(&self, group: &str, version: &str, kind: &str) -> Option<&Value> {
        let name = self.kinds.get(&(group.to_owned(), version.to_owned(), kind.to_owned()))?;
        self.schemas.get(name)
    }

    fn read(mut document: Value) -> Self {
        let mut schemas = document.pointer_mut("/components/schemas").map(Value::take).unwrap_or_default();
        for (name, schema) in schemas.as_object_mut().into_iter().flatten() {
            note_zero(name, schema);
        }
        let mut kinds = BTreeMap::new();
        for (name, schema) in schemas.as_object().into_iter().flatten() {
            let marks = schema.get("x-kubernetes-group-version-kind").and_then(Value::as_array);
            for mark in marks.into_iter().flatten() {
                let text = |key| meta::text(mark, key).to_owned();
                kinds.insert((text("group"), text("version"), text("kind")), name.clone());
            }
        }
        Self { schemas, kinds }
    }
}
