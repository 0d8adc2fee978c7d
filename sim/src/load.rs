//! Loading manifests: objects of any kind, created in the order given, as `kubectl create` does it.

use serde_json::Value;

use crate::meta;
use crate::object::Object;
use crate::options::{Target, WriteOptions};
use crate::server::ApiServer;
use crate::status::Status;

/// Why an object was not loaded.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LoadError {
    /// The kind is not served.
    #[error("no kind {kind:?} is served in version {api_version:?} (object {name:?}): load its definition first")]
    UnknownKind {
        /// As written.
        api_version: String,
        /// As written.
        kind: String,
        /// As written.
        name: String,
    },
    /// The server refused it.
    #[error("{kind} {name:?} was not created: {status}")]
    Refused {
        /// As written.
        kind: String,
        /// As written.
        name: String,
        /// Its answer.
        status: Box<Status>,
    },
}

impl ApiServer {
    /// The target that a manifest belongs to: its kind resolved, its namespace `default` where a namespaced kind names none.
    pub fn target_of(&self, object: &Value) -> Option<Target> {
        let (api_version, kind) = (meta::text(object, "apiVersion"), meta::text(object, "kind"));
        let def = self
            .resources()
            .into_iter()
            .find(|def| def.kind == kind && def.api_version() == api_version && def.supports("create"))?;
        let mut target = Target::new(&def.group, &def.version, &def.plural);
        if def.namespaced {
            target = target.in_namespace(match meta::meta_text(object, "namespace") {
                "" => "default",
                namespace => namespace,
            });
        }
        let name = meta::meta_text(object, "name");
        if !name.is_empty() {
            target = target.named(name);
        }
        Some(target)
    }

    /// Creates the objects one after the other, those of a `List` one by one; an error stops nothing.
    pub fn load(&self, objects: Vec<Value>) -> Vec<Result<Object, LoadError>> {
        let mut loaded = Vec::new();
        for mut object in objects {
            if meta::text(&object, "kind") == "List" {
                let items = object.get_mut("items").map(Value::take);
                if let Some(Value::Array(items)) = items {
                    loaded.extend(self.load(items));
                }
            } else {
                loaded.push(self.load_one(object));
            }
        }
        loaded
    }

    fn load_one(&self, object: Value) -> Result<Object, LoadError> {
        let kind = meta::text(&object, "kind").to_owned();
        let name = meta::meta_text(&object, "name").to_owned();
        let Some(mut target) = self.target_of(&object) else {
            return Err(LoadError::UnknownKind {
                api_version: meta::text(&object, "apiVersion").to_owned(),
                kind,
                name,
            });
        };
        target.name = None;
        self.create(&target, object, &WriteOptions::default()).map_err(|status| LoadError::Refused {
            kind,
            name,
            status: Box::new(status),
        })
    }
}
