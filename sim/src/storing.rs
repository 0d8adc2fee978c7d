//! The last steps of a write: a name, the form of the kind, the store and the books.

use serde_json::Value;

use crate::decode;
use crate::go_types;
use crate::meta;
use crate::object::Object;
use crate::resource::{GroupResource, ResourceDef};
use crate::server::Core;
use crate::store;

/// The longest name that `generateName` makes: five letters of room below the shortest limit of any kind.
const GENERATED_PREFIX: usize = 58;

/// How often a taken generated name is thrown again.
const GENERATE_ATTEMPTS: usize = 8;

impl Core {
    /// Makes a name from `generateName` where there is none.
    pub(crate) fn name(&mut self, def: &ResourceDef, namespace: Option<&str>, body: &mut Value) {
        let prefix = meta::meta_text(body, "generateName");
        let nameless = prefix.is_empty() && meta::meta_text(body, "name").is_empty();
        if nameless && def.group.is_empty() && def.plural == "limitranges" {
            // The one kind that needs no name of its writer's.
            let name = self.rng.uid();
            meta::set(body, "name", name);
            return;
        }
        if prefix.is_empty() || !meta::meta_text(body, "name").is_empty() {
            return;
        }
        let prefix: String = prefix.chars().take(GENERATED_PREFIX).collect();
        let storage = def.storage();
        let mut name = String::new();
        for _ in 0..GENERATE_ATTEMPTS {
            name = format!("{prefix}{}", self.rng.suffix());
            let key = store::key(namespace, &name);
            if self.store.get(&storage, &key).is_none() {
                break;
            }
        }
        meta::set(body, "name", name);
    }

    /// The fields that a typed server always writes.
    pub(crate) fn show(&self, def: &ResourceDef, value: &mut Value) {
        if self.admission
            && let Some(name) = go_types::of_kind(&def.stored_as(), &def.kind)
        {
            decode::show(name, value);
        }
    }

    /// What the storage makes of an object, in a dry run too: that of definitions and of API services is JSON, all other is Protobuf.
    pub(crate) fn settle(&self, def: &ResourceDef, value: &mut Value) {
        if self.admission
            && !["apiextensions.k8s.io", "apiregistration.k8s.io"].contains(&def.group.as_str())
            && let Some(name) = go_types::of_kind(&def.stored_as(), &def.kind)
        {
            decode::settle(name, value);
        }
    }

    /// Writes an object at the next revision, notes it and keeps the books.
    pub(crate) fn commit(&mut self, def: &ResourceDef, key: &str, value: Value) -> Object {
        let storage = def.storage();
        let old = self.store.get(&storage, key).cloned();
        let verb = if old.is_some() { "update" } else { "create" };
        let new = self.store.put(&storage, key, value);
        self.allocations.changed(&storage, old.as_ref(), Some(&new));
        if old.is_some() {
            self.untouched.remove(new.uid());
        } else if self.admission && def.group.is_empty() && def.plural == "persistentvolumeclaims" {
            self.untouched.insert(new.uid().to_owned());
        }
        self.note(verb, &storage, key);
        new
    }

    /// Removes an object at the next revision, notes it and keeps the books.
    pub(crate) fn erase(&mut self, def: &ResourceDef, key: &str) {
        let storage = def.storage();
        if let Some(old) = self.store.remove(&storage, key) {
            self.allocations.changed(&storage, Some(&old), None);
            self.untouched.remove(old.uid());
            self.note("delete", &storage, key);
            if self.admission && def.group.is_empty() && def.plural == "services" {
                self.erase_endpoints(key);
            }
        }
    }

    /// Endpoints go with their service, so that another one of its name does not begin with them.
    fn erase_endpoints(&mut self, key: &str) {
        let endpoints = GroupResource::new("", "endpoints");
        let free = |found: &Object| meta::finalizers(found.value()).is_empty();
        if self.store.get(&endpoints, key).is_some_and(free) {
            self.store.remove(&endpoints, key);
            self.note("delete", &endpoints, key);
        }
    }
}
