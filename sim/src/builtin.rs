//! The resources that a bare cluster serves, from the recorded discovery of a real one.
//!
//! Owns `data/resources.json.gz`: groups and resources in discovery order with verbs, short names, subresources, table columns, and
//! which of them count generations. Nothing of it is written by hand.

use std::io::Read as _;
use std::sync::{Arc, LazyLock};

use serde::de::DeserializeOwned;

use crate::resource::ResourceDef;

/// More than the unpacked data: a guard against a broken build, not against an attacker.
const LIMIT: u64 = 16 << 20;

/// Unpacks one of the embedded files.
pub(crate) fn unpack<T: DeserializeOwned>(packed: &[u8]) -> T {
    let mut json = Vec::new();
    flate2::read::GzDecoder::new(packed).take(LIMIT).read_to_end(&mut json).expect("the embedded data is whole");
    serde_json::from_slice(&json).expect("the embedded data has the expected form")
}

/// Every built-in definition, in discovery order.
pub(crate) fn resources() -> Vec<Arc<ResourceDef>> {
    static RESOURCES: LazyLock<Vec<Arc<ResourceDef>>> = LazyLock::new(|| {
        let mut resources: Vec<ResourceDef> = unpack(include_bytes!("../data/resources.json.gz"));
        for resource in &mut resources {
            // The two kinds that a bare cluster serves in more than one form.
            resource.storage_version = match (resource.group.as_str(), resource.plural.as_str()) {
                ("events.k8s.io", "events") => "v1".to_owned(),
                ("autoscaling", "horizontalpodautoscalers") => "autoscaling/v2".to_owned(),
                _ => String::new(),
            };
        }
        resources.into_iter().map(Arc::new).collect()
    });
    RESOURCES.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recorded_cluster_is_whole() {
        let resources = resources();
        assert_eq!(resources.len(), 68);
        let find = |group: &str, plural: &str| {
            resources.iter().find(|def| def.group == group && def.plural == plural).expect("a served resource")
        };
        let deployments = find("apps", "deployments");
        assert!(deployments.has_status() && deployments.generation && deployments.namespaced);
        assert_eq!(deployments.short_names, ["deploy"]);
        assert_eq!(deployments.subresource("scale").expect("a scale").kind, "Scale");
        assert_eq!(find("", "pods").columns[2].name, "Status");
        assert!(!find("", "configmaps").generation);
    }
}
