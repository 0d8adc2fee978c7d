//! The objects that a bare cluster has before anybody has done anything.
//!
//! Owns `data/bare-cluster.json.gz`: the objects of a real, empty cluster without what a server sets. They are written as they were
//! recorded, past admission.

use std::sync::LazyLock;

use jiff::Timestamp;
use serde_json::Value;

use crate::builtin;
use crate::clock::rfc3339;
use crate::meta;
use crate::server::Core;
use crate::store;

/// Unpacked once a process: tests make many servers.
static OBJECTS: LazyLock<Vec<Value>> =
    LazyLock::new(|| builtin::unpack(include_bytes!("../data/bare-cluster.json.gz")));

/// Writes the recorded objects, or of them only the namespaces.
pub(crate) fn load(core: &mut Core, everything: bool, now: Timestamp) {
    for object in &*OBJECTS {
        let kind = meta::text(object, "kind");
        if !everything && kind != "Namespace" {
            continue;
        }
        let api_version = meta::text(object, "apiVersion");
        let mut defs = core.registry.defs.iter();
        let def = defs
            .find(|def| def.kind == kind && def.api_version() == api_version)
            .cloned()
            .expect("the recorded objects are of recorded kinds");
        let mut object = object.clone();
        meta::set(&mut object, "uid", core.rng.uid());
        meta::set(&mut object, "creationTimestamp", rfc3339(now));
        let namespace = def.namespaced.then(|| meta::meta_text(&object, "namespace"));
        let key = store::key(namespace, meta::meta_text(&object, "name"));
        core.commit(&def, &key, object);
    }
}
