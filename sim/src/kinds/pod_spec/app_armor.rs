//! The annotations that named the profiles of containers before there were fields for them: a server copies what they say.

use serde_json::{Value, json};

use super::read::{field, given, list, list_mut};
use crate::meta;

/// What the name of the container follows.
pub(crate) const ANNOTATION: &str = "container.apparmor.security.beta.kubernetes.io/";

/// What whoever uses one is told.
pub(crate) const TOLD: &str = "deprecated since v1.30; use the \"appArmorProfile\" field instead";

/// The longest name of a profile on a node.
const NAME_LENGTH: usize = 4095;

const SORTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// What the annotation of a container without a profile comes to.
pub(crate) struct Found {
    key: String,
    /// None where it means nothing.
    profile: Option<Value>,
    /// Whether the pod says the same already.
    repeated: bool,
}

impl Found {
    pub(crate) fn warning(&self) -> Option<String> {
        (!self.repeated).then(|| format!("metadata.annotations[{}]: {TOLD}", self.key))
    }
}

/// The profile that an annotation means; nothing when it means none.
pub(crate) fn profile(annotation: &str) -> Option<Value> {
    match annotation {
        "unconfined" => Some(json!({"type": "Unconfined"})),
        "runtime/default" => Some(json!({"type": "RuntimeDefault"})),
        other => {
            let name = other.strip_prefix("localhost/").filter(|name| !name.is_empty())?;
            Some(json!({"type": "Localhost", "localhostProfile": name}))
        }
    }
}

fn of_container(pod: &Value, container: &Value) -> Option<Found> {
    let key = format!("{ANNOTATION}{}", meta::text(container, "name"));
    let annotation = meta::metadata(pod).get("annotations")?.get(&key)?.as_str()?;
    if given(field(container, "securityContext"), "appArmorProfile").is_some() {
        return None;
    }
    let named = |profile: &Value| {
        let name = meta::text(profile, "localhostProfile");
        name.trim() == name && name.len() <= NAME_LENGTH
    };
    let profile = profile(annotation).filter(named);
    let own = meta::at(pod, "spec.securityContext.appArmorProfile");
    let repeated = profile.is_some() && profile.as_ref() == own;
    Some(Found { key, profile, repeated })
}

fn runs_windows(pod: &Value) -> bool {
    meta::at(pod, "spec.os.name").is_some_and(|name| name == "windows")
}

/// What the annotations of a new pod come to.
pub(crate) fn profiles(pod: &Value) -> Vec<Found> {
    if runs_windows(pod) {
        return Vec::new();
    }
    let containers = SORTS.iter().flat_map(|sort| list(field(pod, "spec"), sort));
    containers.filter_map(|container| of_container(pod, container)).collect()
}

/// Writes the profiles of a new pod into their fields.
pub(crate) fn set(pod: &mut Value) {
    if runs_windows(pod) {
        return;
    }
    let whole = pod.clone();
    let Some(spec) = pod.get_mut("spec") else {
        return;
    };
    for sort in SORTS {
        for container in list_mut(spec, sort) {
            if let Some(Found { profile: Some(profile), repeated: false, .. }) = of_container(&whole, container)
                && let Some(context) = meta::object_at(container, "securityContext")
            {
                context.insert("appArmorProfile".to_owned(), profile);
            }
        }
    }
}
