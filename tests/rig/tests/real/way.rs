//! The whole way: a world on a real cluster is saved to a real bucket, destroyed, restored and restored again under another name, and
//! the cluster's own controllers find nothing to take away.

use std::collections::{BTreeMap, BTreeSet};

use ark::api::{BackupPhase, BackupSpec, RestorePhase, RestoreSpec};
use ark::object::ResourceMapper;
use ark::restore::{Outcome, RestoreOutcome};
use serde_json::{Value, json};

use crate::cluster::{Real, bring_back, nobody, save};
use crate::store::RealBucket;

const WORLD: &str = include_str!("../../../../fixtures/world/world.yaml");
const WIDGETS: &str = include_str!("../../../../fixtures/world/widgets.yaml");

/// The namespaces of the world, and what belongs to it beside them.
const NAMESPACES: [&str; 2] = ["shop", "blog"];
const BELONGINGS: [(&str, &str, &str); 8] = [
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "shop-widgets"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "widgets.shop.example.com"),
    ("v1", "PersistentVolume", "shop-db-csi"),
    ("v1", "PersistentVolume", "blog-files-intree"),
    ("scheduling.k8s.io/v1", "PriorityClass", "shop-critical"),
    ("storage.k8s.io/v1", "StorageClass", "shop-fast"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "shop-widgets"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole", "shop-widgets"),
];

/// Whether the pods of the shop in a namespace run. Those of its database need the one disk, which belongs to the shop itself.
async fn runs(real: &Real, namespace: &str) {
    let databases = usize::from(namespace == "shop");
    real.eventually(&format!("the pods of {namespace} run"), async || {
        let pods = real.items(&format!("/api/v1/namespaces/{namespace}/pods")).await;
        let running = |prefix: &str| {
            let mine =
                pods.iter().filter(|pod| pod["metadata"]["name"].as_str().unwrap_or_default().starts_with(prefix));
            mine.filter(|pod| pod["status"]["phase"] == "Running" && pod["metadata"].get("deletionTimestamp").is_none())
                .count()
        };
        (running("web-") == 2 && running("db-") == databases).then_some(())
    })
    .await;
}

/// A config map that a widget owns: its reference has to follow the widget's new uid.
async fn own(real: &Real, namespace: &str) {
    let path = format!("/apis/shop.example.com/v1/namespaces/{namespace}/widgets/small");
    let widget = real.get(&path).await.expect("the widget is there");
    let owner = json!({"apiVersion": "shop.example.com/v1", "kind": "Widget", "name": "small", "uid": widget["metadata"]["uid"]});
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"of": "small"},
        "metadata": {"name": "of-small", "namespace": namespace, "ownerReferences": [owner]}});
    real.create(&format!("/api/v1/namespaces/{namespace}/configmaps"), &map).await;
}

async fn destroy(real: &Real) {
    let mapper = real.mapper().await;
    let by_kind = |version: &str, kind: &str| mapper.by_kind(version, kind).expect("served").clone();
    real.destroy(&by_kind("shop.example.com/v1", "Widget"), Some("shop"), "big").await;
    for (version, kind, name) in BELONGINGS {
        if kind == "ValidatingWebhookConfiguration" {
            real.destroy(&by_kind(version, kind), None, name).await;
        }
    }
    for namespace in NAMESPACES {
        real.ask("DELETE", &format!("/api/v1/namespaces/{namespace}"), None).await;
    }
    for namespace in NAMESPACES {
        real.gone(&format!("/api/v1/namespaces/{namespace}")).await;
    }
    for (version, kind, name) in BELONGINGS {
        let resource = by_kind(version, kind);
        real.destroy(&resource, None, name).await;
        let group = if resource.group.is_empty() { "/api".to_owned() } else { format!("/apis/{}", resource.group) };
        real.gone(&format!("{group}/{}/{}/{name}", resource.version, resource.plural)).await;
    }
}

/// Waits until the garbage collector has looked at everything that was there when this was called: it takes away an object that names
/// an owner that never was, and it works in order.
async fn collected(real: &Real, namespace: &str) {
    let owner = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "nobody", "uid": "00000000-0000-4000-8000-000000000000"});
    let orphan = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "orphan", "namespace": namespace, "ownerReferences": [owner]}});
    real.create(&format!("/api/v1/namespaces/{namespace}/configmaps"), &orphan).await;
    real.gone(&format!("/api/v1/namespaces/{namespace}/configmaps/orphan")).await;
}

/// The path of a restored object on the API server.
fn path(mapper: &ResourceMapper, group: &str, plural: &str, namespace: Option<&str>, name: &str) -> String {
    let resource = mapper.find(&ark::object::GroupResource::new(group, plural)).expect("it was restored");
    let root = if group.is_empty() { "/api/v1".to_owned() } else { format!("/apis/{group}/{}", resource.version) };
    let place = namespace.map_or_else(String::new, |namespace| format!("/namespaces/{namespace}"));
    format!("{root}{place}/{plural}/{name}")
}

/// Everything that a restore says it created, with the uid that it has now.
async fn created(real: &Real, done: &RestoreOutcome) -> BTreeMap<String, String> {
    let mapper = real.mapper().await;
    let mut uids = BTreeMap::new();
    for item in done.items.iter().filter(|item| item.outcome == Outcome::Created) {
        let (group, plural) = (&item.resource.group, &item.resource.resource);
        let path = path(&mapper, group, plural, item.namespace.as_deref(), &item.name);
        let object = real.get(&path).await.unwrap_or_else(|| panic!("{path} was restored and is gone"));
        uids.insert(path, object["metadata"]["uid"].as_str().unwrap_or_default().to_owned());
    }
    uids
}

/// What has to be true of the shop after a restore.
async fn is_whole(real: &Real, namespace: &str) {
    runs(real, namespace).await;
    let deployment =
        real.get(&format!("/apis/apps/v1/namespaces/{namespace}/deployments/web")).await.expect("restored");
    let sets = real.items(&format!("/apis/apps/v1/namespaces/{namespace}/replicasets")).await;
    let of_web: Vec<&Value> =
        sets.iter().filter(|set| set["metadata"]["name"].as_str().unwrap_or_default().starts_with("web-")).collect();
    assert_eq!(of_web.len(), 1, "one ReplicaSet, adopted: {of_web:#?}");
    assert_eq!(of_web[0]["metadata"]["ownerReferences"][0]["uid"], deployment["metadata"]["uid"]);
    let pods = real.items(&format!("/api/v1/namespaces/{namespace}/pods")).await;
    for pod in pods.iter().filter(|pod| pod["metadata"]["name"].as_str().unwrap_or_default().starts_with("web-")) {
        assert_eq!(pod["metadata"]["ownerReferences"][0]["uid"], of_web[0]["metadata"]["uid"]);
    }
    let service = real.get(&format!("/api/v1/namespaces/{namespace}/services/web")).await.expect("restored");
    let address = service["spec"]["clusterIP"].as_str().unwrap_or_default();
    assert!(address.parse::<std::net::IpAddr>().is_ok(), "an address was allocated: {service:#}");
    assert!(service["spec"]["ports"][0]["nodePort"].as_u64().is_some_and(|port| (30_000..32_768).contains(&port)));
    let headless = real.get(&format!("/api/v1/namespaces/{namespace}/services/db")).await.expect("restored");
    assert_eq!(headless["spec"]["clusterIP"], "None");
    let widgets = format!("/apis/shop.example.com/v1/namespaces/{namespace}/widgets");
    let big = real.get(&format!("{widgets}/big")).await.expect("restored");
    assert_eq!(big["metadata"]["finalizers"], json!(["shop.example.com/keep"]));
    let small = real.get(&format!("{widgets}/small")).await.expect("restored");
    let map = real.get(&format!("/api/v1/namespaces/{namespace}/configmaps/of-small")).await.expect("restored");
    assert_eq!(map["metadata"]["ownerReferences"][0]["uid"], small["metadata"]["uid"], "the owner was rewritten");
}

async fn is_bound(real: &Real, namespace: &str, claim: &str, volume: &str) {
    real.eventually(&format!("{claim} is bound to {volume}"), async || {
        let claim = real.get(&format!("/api/v1/namespaces/{namespace}/persistentvolumeclaims/{claim}")).await?;
        let volume_now = real.get(&format!("/api/v1/persistentvolumes/{volume}")).await?;
        let bound = claim["status"]["phase"] == "Bound" && claim["spec"]["volumeName"] == volume;
        (bound && volume_now["spec"]["claimRef"]["uid"] == claim["metadata"]["uid"]).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_world_is_saved_destroyed_and_restored() {
    let (Some(real), Some(bucket)) = (rig::or_skip(Real::start().await), rig::or_skip(RealBucket::start().await))
    else {
        return;
    };
    // The world's database has its disk in a zone; every node is in it.
    let zone = json!({"topology.kubernetes.io/region": "us-east-1", "topology.kubernetes.io/zone": "us-east-1a"});
    for node in real.items("/api/v1/nodes").await {
        let path = format!("/api/v1/nodes/{}", node["metadata"]["name"].as_str().unwrap_or_default());
        real.ask("PATCH", &path, Some(&json!({"metadata": {"labels": zone}}))).await;
    }
    real.load(WORLD).await;
    real.load(WIDGETS).await;
    runs(&real, "shop").await;
    is_bound(&real, "shop", "data-db-0", "shop-db-csi").await;
    own(&real, "shop").await;

    let store = bucket.store("way");
    let saved = save(real.ark().await, &store, "world", BackupSpec::default(), nobody()).await.expect("an archive");
    assert_eq!(saved.status.phase, BackupPhase::Completed, "{:#?}", saved.results);
    destroy(&real).await;

    let spec = RestoreSpec { backup_name: "world".into(), ..RestoreSpec::default() };
    let done = bring_back(real.ark().await, &store, "first", spec.clone(), nobody()).await.expect("it starts");
    assert_eq!(done.status.phase, RestorePhase::Completed, "{:#?}", done.results);
    let before = created(&real, &done).await;
    assert!(before.len() > 25, "{before:#?}");
    is_whole(&real, "shop").await;
    is_bound(&real, "shop", "data-db-0", "shop-db-csi").await;
    is_bound(&real, "blog", "files", "blog-files-intree").await;
    collected(&real, "shop").await;
    assert_eq!(created(&real, &done).await, before, "the controllers took away or replaced what was restored");

    // A second restore finds nothing to do.
    let again = bring_back(real.ark().await, &store, "second", spec.clone(), nobody()).await.expect("it starts");
    assert_eq!(again.status.phase, RestorePhase::Completed, "{:#?}", again.results);
    let changed: Vec<_> = again.items.iter().filter(|item| item.outcome == Outcome::Created).collect();
    assert!(changed.is_empty(), "{changed:#?}");

    // The same beside the first, under another name: nothing collides.
    let spec = RestoreSpec {
        included_namespaces: vec!["shop".to_owned()],
        namespace_mapping: [("shop".to_owned(), "shop-copy".to_owned())].into(),
        ..spec
    };
    let copied = bring_back(real.ark().await, &store, "copy", spec, nobody()).await.expect("it starts");
    assert_eq!(copied.status.phase, RestorePhase::Completed, "{:#?}", copied.results);
    is_whole(&real, "shop-copy").await;
    is_whole(&real, "shop").await;
    let mut taken = BTreeSet::new();
    for namespace in ["shop", "shop-copy"] {
        let service = real.get(&format!("/api/v1/namespaces/{namespace}/services/web")).await.expect("restored");
        for value in [&service["spec"]["clusterIP"], &service["spec"]["ports"][0]["nodePort"]] {
            assert!(taken.insert(value.to_string()), "{value} is used twice");
        }
    }
    is_bound(&real, "shop", "data-db-0", "shop-db-csi").await;

    if real.plane.is_none() {
        real.ask("DELETE", "/api/v1/namespaces/shop-copy", None).await;
        let widget = real.mapper().await.by_kind("shop.example.com/v1", "Widget").expect("served").clone();
        real.destroy(&widget, Some("shop-copy"), "big").await;
        real.gone("/api/v1/namespaces/shop-copy").await;
        destroy(&real).await;
    }
}
