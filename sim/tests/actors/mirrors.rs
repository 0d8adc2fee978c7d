//! Endpoint slices of endpoints that somebody wrote by hand.

use kubesim::Propagation::Background;
use serde_json::{Value, json};

use super::World;

const ENDPOINTS: &str = "v1/endpoints";
const SLICES: &str = "discovery.k8s.io/v1/endpointslices";

fn world(service: Value) -> World {
    let world = World::all();
    world.create("v1/services", "t", json!({"metadata": {"name": "db"}, "spec": service}));
    world.create(
        ENDPOINTS,
        "t",
        json!({
            "metadata": {"name": "db", "labels": {"own": "label"}, "annotations": {"own": "annotation"}},
            "subsets": [{
                "addresses": [{"ip": "192.0.2.1"}, {"ip": "2001:db8::1"}],
                "notReadyAddresses": [{"ip": "192.0.2.2", "hostname": "two"}],
                "ports": [{"port": 5432, "protocol": "TCP"}],
            }],
        }),
    );
    world
}

#[test]
fn endpoints_of_a_service_without_selector_are_mirrored() {
    let mut world = world(json!({"ports": [{"port": 5432}]}));
    world.settle();
    let slices = world.list(SLICES, "t");
    assert_eq!(slices.len(), 2, "one for each kind of address");
    let slice = slices.iter().find(|slice| slice.value()["addressType"] == "IPv4").expect("a slice").value();
    assert_eq!(
        slice["metadata"]["labels"],
        json!({
            "own": "label",
            "kubernetes.io/service-name": "db",
            "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
        })
    );
    assert_eq!(slice["metadata"]["annotations"], json!({"own": "annotation"}));
    assert_eq!(slice["metadata"]["ownerReferences"][0]["kind"], "Endpoints");
    assert_eq!(slice["ports"], json!([{"name": "", "port": 5432, "protocol": "TCP"}]));
    assert_eq!(
        slice["endpoints"],
        json!([
            {"addresses": ["192.0.2.1"], "conditions": {"ready": true}},
            {"addresses": ["192.0.2.2"], "conditions": {"ready": false}, "hostname": "two"},
        ])
    );
}

#[test]
fn mirrors_change_and_go_with_the_endpoints() {
    let mut world = world(json!({"ports": [{"port": 5432}]}));
    world.settle();
    let subset = json!({"addresses": [{"ip": "192.0.2.9"}], "ports": [{"port": 5432, "protocol": "TCP"}]});
    world.patch(ENDPOINTS, "t", "db", json!({"subsets": [subset]}));
    world.settle();
    let slices = world.list(SLICES, "t");
    assert_eq!(slices.len(), 1);
    assert_eq!(slices[0].value()["endpoints"][0]["addresses"][0], "192.0.2.9");
    world.delete(ENDPOINTS, "t", "db", Background);
    world.settle();
    assert!(world.list(SLICES, "t").is_empty());
}

#[test]
fn endpoints_that_want_none_have_no_mirror() {
    let mut world = world(json!({"ports": [{"port": 5432}]}));
    let skip = json!({"metadata": {"labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}}});
    world.patch(ENDPOINTS, "t", "db", skip);
    world.settle();
    assert!(world.list(SLICES, "t").is_empty());
}
