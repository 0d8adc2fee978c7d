//! Volumes and claims.

use kubesim::Propagation::Background;
use serde_json::{Value, json};

use super::{World, claim, pod, volume};

const PV: &str = "v1/persistentvolumes";
const PVC: &str = "v1/persistentvolumeclaims";
const COMPLETED: &str = "pv.kubernetes.io/bind-completed";
const BY_CONTROLLER: &str = "pv.kubernetes.io/bound-by-controller";

fn phase(value: &Value) -> &str {
    value["status"]["phase"].as_str().unwrap_or("none")
}

fn annotations(value: &Value) -> Vec<&str> {
    let found = value["metadata"]["annotations"].as_object();
    found.map(|found| found.keys().map(String::as_str).collect()).unwrap_or_default()
}

#[test]
fn a_volume_becomes_available_and_is_protected() {
    let mut world = World::all();
    world.create(PV, "", volume("v", "5Gi", ""));
    assert_eq!(phase(&world.get(PV, "", "v")), "Pending");
    world.settle();
    let volume = world.get(PV, "", "v");
    assert_eq!(phase(&volume), "Available");
    assert_eq!(volume["metadata"]["finalizers"], json!(["kubernetes.io/pv-protection"]));
    world.delete(PV, "", "v", Background);
    world.settle();
    assert!(world.find(PV, "", "v").is_none());
}

#[test]
fn the_smallest_volume_that_fits_is_chosen() {
    let mut world = World::all();
    for (name, size, class) in
        [("huge", "1Ti", "fast"), ("fits", "6Gi", "fast"), ("small", "1Gi", "fast"), ("other", "5Gi", "slow")]
    {
        world.create(PV, "", volume(name, size, class));
    }
    world.create(PVC, "t", claim("c", "5Gi", "fast"));
    world.settle();
    let (claim, volume) = (world.get(PVC, "t", "c"), world.get(PV, "", "fits"));
    assert_eq!(claim["spec"]["volumeName"], "fits");
    assert_eq!(phase(&claim), "Bound");
    assert_eq!(claim["status"]["capacity"]["storage"], "6Gi");
    assert_eq!(annotations(&claim), [COMPLETED, BY_CONTROLLER]);
    assert_eq!(annotations(&volume), [BY_CONTROLLER]);
    assert_eq!(volume["spec"]["claimRef"]["uid"], claim["metadata"]["uid"]);
    assert_eq!(phase(&volume), "Bound");
    assert_eq!(phase(&world.get(PV, "", "huge")), "Available");
}

#[test]
fn a_volume_reserved_by_name_binds_even_before_the_first_consumer() {
    let mut world = World::all();
    world.create(
        "storage.k8s.io/v1/storageclasses",
        "",
        json!({
            "metadata": {"name": "late"}, "provisioner": "ebs.csi.aws.com", "volumeBindingMode": "WaitForFirstConsumer",
        }),
    );
    let mut reserved = volume("v", "5Gi", "late");
    reserved["spec"]["claimRef"] = json!({"namespace": "t", "name": "c"});
    world.create(PV, "", reserved);
    world.create(PV, "", volume("free", "5Gi", "late"));
    world.create(PVC, "t", claim("c", "5Gi", "late"));
    world.create(PVC, "t", claim("waits", "5Gi", "late"));
    world.settle();
    let (bound, volume) = (world.get(PVC, "t", "c"), world.get(PV, "", "v"));
    assert_eq!(phase(&bound), "Bound");
    assert_eq!(annotations(&bound), [COMPLETED, BY_CONTROLLER], "the controller chose the volume");
    assert_eq!(annotations(&volume), Vec::<&str>::new(), "a person reserved it");
    assert_eq!(phase(&world.get(PVC, "t", "waits")), "Pending");

    let mut consumer = pod("consumer");
    consumer["spec"]["volumes"] = json!([{"name": "d", "persistentVolumeClaim": {"claimName": "waits"}}]);
    world.create("v1/pods", "t", consumer);
    world.settle();
    assert_eq!(world.get(PVC, "t", "waits")["spec"]["volumeName"], "free");
    assert_eq!(phase(&world.get("v1/pods", "t", "consumer")), "Running");
}

#[test]
fn a_claim_that_names_its_volume_takes_it() {
    let mut world = World::all();
    let mut named = claim("c", "5Gi", "");
    named["spec"]["volumeName"] = "v".into();
    world.create(PVC, "t", named);
    world.settle();
    assert_eq!(phase(&world.get(PVC, "t", "c")), "Pending", "the volume is not there yet");
    let mut reserved = volume("v", "5Gi", "");
    reserved["spec"]["claimRef"] = json!({"namespace": "t", "name": "c"});
    world.create(PV, "", reserved);
    world.settle();
    let bound = world.get(PVC, "t", "c");
    assert_eq!(phase(&bound), "Bound");
    assert_eq!(annotations(&bound), [COMPLETED], "nobody but the person chose");
}

#[test]
fn a_volume_of_another_uid_does_not_bind() {
    let mut world = World::all();
    let mut foreign = volume("v", "5Gi", "");
    foreign["spec"]["claimRef"] = json!({"namespace": "t", "name": "c", "uid": "00000000-0000-0000-0000-000000000000"});
    world.create(PV, "", foreign);
    let mut named = claim("c", "5Gi", "");
    named["spec"]["volumeName"] = "v".into();
    world.create(PVC, "t", named);
    world.create(PVC, "t", claim("free", "1Gi", ""));
    world.settle();
    assert_eq!(phase(&world.get(PV, "", "v")), "Released");
    assert_eq!(phase(&world.get(PVC, "t", "c")), "Pending");
    assert_eq!(phase(&world.get(PVC, "t", "free")), "Pending");
}

#[test]
fn the_volume_of_a_deleted_claim_is_released_and_not_given_again() {
    let mut world = World::all();
    world.create(PV, "", volume("keep", "5Gi", ""));
    let mut throwaway = volume("drop", "2Gi", "");
    throwaway["spec"]["persistentVolumeReclaimPolicy"] = "Delete".into();
    world.create(PV, "", throwaway);
    world.create(PVC, "t", claim("small", "1Gi", ""));
    world.create(PVC, "t", claim("large", "4Gi", ""));
    world.settle();
    assert_eq!(world.get(PVC, "t", "small")["spec"]["volumeName"], "drop");
    for name in ["small", "large"] {
        world.delete(PVC, "t", name, Background);
    }
    world.create(PVC, "t", claim("again", "1Gi", ""));
    world.settle();
    assert_eq!(phase(&world.get(PV, "", "keep")), "Released");
    assert!(world.find(PV, "", "drop").is_none(), "its policy is Delete");
    assert_eq!(phase(&world.get(PVC, "t", "again")), "Pending");
}

#[test]
fn a_bound_claim_without_its_volume_is_lost() {
    let mut world = World::all();
    let mut restored = claim("c", "5Gi", "");
    restored["spec"]["volumeName"] = "gone".into();
    restored["metadata"]["annotations"] = json!({COMPLETED: "yes", BY_CONTROLLER: "yes"});
    world.create(PVC, "t", restored);
    world.settle();
    assert_eq!(phase(&world.get(PVC, "t", "c")), "Lost");
    let mut late = volume("gone", "5Gi", "");
    late["spec"]["claimRef"] = json!({"namespace": "t", "name": "c"});
    world.create(PV, "", late);
    world.settle();
    assert_eq!(
        phase(&world.get(PVC, "t", "c")),
        "Lost",
        "the volume's reference has no uid, the claim says it was bound"
    );
}

#[test]
fn a_claim_in_use_waits_for_its_pod() {
    let mut world = World::all();
    world.create(PV, "", volume("v", "5Gi", ""));
    world.create(PVC, "t", claim("c", "5Gi", ""));
    let mut user = pod("user");
    user["spec"]["volumes"] = json!([{"name": "d", "persistentVolumeClaim": {"claimName": "c"}}]);
    world.create("v1/pods", "t", user);
    world.settle();
    world.delete(PVC, "t", "c", Background);
    world.delete(PV, "", "v", Background);
    world.settle();
    assert!(world.find(PVC, "t", "c").is_some() && world.find(PV, "", "v").is_some());
    world.delete("v1/pods", "t", "user", Background);
    world.settle();
    assert!(world.find(PVC, "t", "c").is_none() && world.find(PV, "", "v").is_none());
}

#[test]
fn volumes_are_made_only_where_a_provisioner_runs() {
    for (mut world, provisions) in [(World::all(), false), (World::provisioning(), true)] {
        world.create(
            "storage.k8s.io/v1/storageclasses",
            "",
            json!({"metadata": {"name": "fast"}, "provisioner": "ebs.csi.aws.com"}),
        );
        world.create(PVC, "t", claim("c", "5Gi", "fast"));
        world.settle();
        let found = world.get(PVC, "t", "c");
        assert_eq!(phase(&found) == "Bound", provisions);
        if provisions {
            let name = format!("pvc-{}", found["metadata"]["uid"].as_str().expect("a uid"));
            let volume = world.get(PV, "", &name);
            assert_eq!(volume["spec"]["csi"]["driver"], "ebs.csi.aws.com");
            assert_eq!(volume["metadata"]["annotations"]["pv.kubernetes.io/provisioned-by"], "ebs.csi.aws.com");
            world.delete(PVC, "t", "c", Background);
            world.settle();
            assert!(world.find(PV, "", &name).is_none(), "what was made for a claim goes with it");
        }
    }
}
