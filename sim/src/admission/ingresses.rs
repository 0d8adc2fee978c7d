//! Ingresses: the class of those that name none.

use serde_json::Value;

use crate::kinds;
use crate::meta;
use crate::object::Object;
use crate::resource::GroupResource;
use crate::server::Core;

/// Marks the class of ingresses that name none.
const DEFAULT: &str = "ingressclass.kubernetes.io/is-default-class";

/// Before an ingress is created: the newest of the default classes, if there is one, is its own.
pub(super) fn create(core: &Core, value: &mut Value) {
    let named = meta::at(value, "spec.ingressClassName").is_some_and(|name| !name.is_null());
    if named || kinds::ingress_class(value).is_some() {
        return;
    }
    let classes = GroupResource::new("networking.k8s.io", "ingressclasses");
    let mut defaults: Vec<&Object> = core
        .store
        .all(&classes)
        .map(|(_, class)| class)
        .filter(|class| {
            meta::at(class.value(), "metadata.annotations").is_some_and(|all| meta::text(all, DEFAULT) == "true")
        })
        .collect();
    let created = |class: &Object| meta::meta_text(class.value(), "creationTimestamp").to_owned();
    defaults.sort_by(|one, other| created(other).cmp(&created(one)).then_with(|| one.name().cmp(other.name())));
    if let Some(class) = defaults.first()
        && let Some(spec) = meta::object_at(value, "spec")
    {
        spec.insert("ingressClassName".to_owned(), class.name().into());
    }
}
