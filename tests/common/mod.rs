//! What several test binaries need: the world of `fixtures/world` on a simulator.

use kube::CustomResourceExt;
use kubesim::actors::Actors;
use kubesim::{ApiServer, Patch, Target, WriteOptions, manifest};
use serde_json::{Value, json};

const FILES: [&str; 2] =
    [include_str!("../../fixtures/world/world.yaml"), include_str!("../../fixtures/world/widgets.yaml")];

/// Loads the world, adds what its files cannot say, and lets the cluster's controllers come to rest.
pub(crate) fn world(server: &ApiServer) {
    for text in FILES {
        let objects = manifest::parse(text).expect("a manifest").into_iter().map(|found| found.object).collect();
        load(server, objects);
    }
    let big = Target::new("shop.example.com", "v1", "widgets").in_namespace("shop").named("big");
    let status = json!({"status": {"phase": "Ready", "observedGeneration": 1}});
    let big = server.patch(&big.sub("status"), &Patch::Merge(status), &WriteOptions::default()).expect("a status");
    let settings = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "data": {"owner": "big"},
        "metadata": {"name": "big-settings", "namespace": "shop", "ownerReferences": [{
            "apiVersion": "shop.example.com/v1", "kind": "Widget", "name": "big", "uid": big.uid(),
            "controller": true, "blockOwnerDeletion": true,
        }]},
    });
    load(server, vec![settings]);
    Actors::all(server).settle();
}

/// Installs Ark's own kinds.
pub(crate) fn definitions(server: &ApiServer) {
    let definitions = [ark::api::Backup::crd(), ark::api::Restore::crd()];
    load(server, definitions.iter().map(|one| serde_json::to_value(one).expect("a definition")).collect());
}

/// Creates objects, all of them.
pub(crate) fn load(server: &ApiServer, objects: Vec<Value>) {
    for loaded in server.load(objects) {
        loaded.unwrap_or_else(|error| panic!("{error}"));
    }
}
