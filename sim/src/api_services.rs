//! API services that no service stands behind: the server itself says that they are available.

use jiff::Timestamp;
use serde_json::Value;

use crate::crd::set_condition;
use crate::managed;
use crate::options::WriteOptions;
use crate::resource::ResourceDef;
use crate::server::Core;

/// Says so again after a write to `name` that said otherwise.
pub(crate) fn changed(core: &mut Core, def: &ResourceDef, name: &str, now: Timestamp) {
    if def.group != "apiregistration.k8s.io" || !core.auto_establish || !core.admission {
        return;
    }
    let Some(old) = core.store.get(&def.storage(), name).cloned() else {
        return;
    };
    if old.value().pointer("/spec/service").is_some() {
        return;
    }
    let mut value: Value = old.value().clone();
    let message = "Local APIServices are always available";
    set_condition(&mut value, "Available", "True", "Local", message, now);
    if value == *old.value() {
        return;
    }
    let options = WriteOptions { field_manager: Some("kube-apiserver".to_owned()), ..WriteOptions::default() };
    let write = managed::Write::new(def, Some("status"), &options, now);
    managed::note(core, &write, Some(old.value()), &mut value);
    core.commit(def, name, value);
}
