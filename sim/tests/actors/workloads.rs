//! Deployments, sets, jobs, services.

use kubesim::Propagation::{Background, Orphan};
use serde_json::{Value, json};

use super::{World, deployment};

const DEPLOYMENTS: &str = "apps/v1/deployments";
const SETS: &str = "apps/v1/replicasets";
const STATEFUL: &str = "apps/v1/statefulsets";
const PODS: &str = "v1/pods";
const JOBS: &str = "batch/v1/jobs";
const CLAIMS: &str = "v1/persistentvolumeclaims";

fn revision(value: &Value) -> &Value {
    &value["metadata"]["annotations"]["deployment.kubernetes.io/revision"]
}

fn stateful_set(replicas: u64) -> Value {
    json!({
        "metadata": {"name": "db"},
        "spec": {
            "serviceName": "db",
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "db"}},
            "template": {
                "metadata": {"labels": {"app": "db"}},
                "spec": {"containers": [{"name": "c", "image": "postgres"}]},
            },
            "volumeClaimTemplates": [{
                "metadata": {"name": "data"},
                "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "resources": {"requests": {"storage": "1Gi"}}},
            }],
        },
    })
}

#[test]
fn a_deployment_makes_a_set_and_pods() {
    let mut world = World::all();
    world.create(DEPLOYMENTS, "t", deployment("web", 2, "nginx"));
    world.settle();
    let web = world.get(DEPLOYMENTS, "t", "web");
    let sets = world.list(SETS, "t");
    let set = sets[0].value();
    let hash = set["metadata"]["labels"]["pod-template-hash"].as_str().expect("a hash");
    assert_eq!(sets[0].name(), format!("web-{hash}"));
    assert_eq!(set["spec"]["selector"]["matchLabels"]["pod-template-hash"], hash);
    assert_eq!(
        set["metadata"]["ownerReferences"],
        json!([{
            "apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": web["metadata"]["uid"],
            "controller": true, "blockOwnerDeletion": true,
        }])
    );
    assert_eq!(
        set["metadata"]["annotations"],
        json!({
            "deployment.kubernetes.io/revision": "1",
            "deployment.kubernetes.io/desired-replicas": "2",
            "deployment.kubernetes.io/max-replicas": "3",
        })
    );
    assert_eq!(revision(&web), "1");
    let status = &web["status"];
    for count in ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"] {
        assert_eq!(status[count], 2, "{count}");
    }
    assert_eq!(world.condition(DEPLOYMENTS, "t", "web", "Available")["status"], "True");
    assert_eq!(world.condition(DEPLOYMENTS, "t", "web", "Progressing")["reason"], "NewReplicaSetAvailable");
    let pods = world.list(PODS, "t");
    assert_eq!(pods.len(), 2);
    for pod in &pods {
        assert!(pod.name().starts_with(&format!("web-{hash}-")));
        assert_eq!(pod.value()["metadata"]["ownerReferences"][0]["uid"], sets[0].uid());
    }
}

#[test]
fn of_two_sets_with_the_template_the_older_one_stays() {
    let mut world = World::all();
    world.create(DEPLOYMENTS, "t", deployment("web", 2, "nginx"));
    world.settle();
    let first = world.list(SETS, "t")[0].clone();
    // As a restore brings it back: the same template under the hash that another cluster gave it.
    let mut twin = first.value().clone();
    twin["metadata"] = json!({
        "name": "web-twin",
        "labels": twin["metadata"]["labels"],
        "ownerReferences": twin["metadata"]["ownerReferences"],
        "annotations": {"deployment.kubernetes.io/revision": "1"},
    });
    for labels in ["/metadata/labels", "/spec/selector/matchLabels", "/spec/template/metadata/labels"] {
        twin.pointer_mut(labels).expect("labels")["pod-template-hash"] = "twin".into();
    }
    world.server.clock().advance(std::time::Duration::from_secs(1));
    world.create(SETS, "t", twin);
    world.settle();
    let pods: Vec<String> = world.list(PODS, "t").iter().map(|pod| pod.name().to_owned()).collect();
    assert!(pods.len() == 2 && pods.iter().all(|name| name.starts_with(first.name())), "{pods:?}");
    assert_eq!(world.get(SETS, "t", "web-twin")["spec"]["replicas"], 0);
}

#[test]
fn a_new_template_rolls_out_and_an_old_one_comes_back() {
    let mut world = World::all();
    world.create(DEPLOYMENTS, "t", deployment("web", 3, "nginx:1"));
    world.settle();
    let image = |image: &str| json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}});
    world.patch(DEPLOYMENTS, "t", "web", image("nginx:2"));
    let mut fewest = usize::MAX;
    while world.actors.step() {
        let pods = world.list(PODS, "t");
        let ready = pods.iter().filter(|pod| pod.value()["status"]["phase"] == "Running" && !pod.is_terminating());
        fewest = fewest.min(ready.count());
    }
    assert!(fewest >= 3, "25 % of three may be missing, rounded down: none, but only {fewest} ran");
    assert_eq!(world.list(SETS, "t").len(), 2);
    assert_eq!(revision(&world.get(DEPLOYMENTS, "t", "web")), "2");
    for pod in world.list(PODS, "t") {
        assert_eq!(pod.value()["spec"]["containers"][0]["image"], "nginx:2");
    }
    world.patch(DEPLOYMENTS, "t", "web", image("nginx:1"));
    world.settle();
    assert_eq!(world.list(SETS, "t").len(), 2, "the first set is used again");
    assert_eq!(revision(&world.get(DEPLOYMENTS, "t", "web")), "3");
}

#[test]
fn scaling_and_recreating() {
    let mut world = World::all();
    let mut recreated = deployment("web", 1, "nginx:1");
    recreated["spec"]["strategy"] = json!({"type": "Recreate"});
    world.create(DEPLOYMENTS, "t", recreated);
    world.settle();
    for count in [4, 2, 0, 1] {
        world.patch(DEPLOYMENTS, "t", "web", json!({"spec": {"replicas": count}}));
        world.settle();
        assert_eq!(world.list(PODS, "t").len(), count);
    }
    world.patch(
        DEPLOYMENTS,
        "t",
        "web",
        json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "nginx:2"}]}}}}),
    );
    while world.actors.step() {
        assert!(world.list(PODS, "t").len() <= 1, "never two at once");
    }
    assert_eq!(world.list(PODS, "t")[0].value()["spec"]["containers"][0]["image"], "nginx:2");
}

#[test]
fn orphans_that_match_are_adopted() {
    let mut world = World::all();
    world.create(DEPLOYMENTS, "t", deployment("web", 2, "nginx"));
    world.settle();
    let (sets, pods) = (world.list(SETS, "t"), world.list(PODS, "t"));
    world.delete(DEPLOYMENTS, "t", "web", Orphan);
    world.settle();
    assert!(world.find(DEPLOYMENTS, "t", "web").is_none());
    assert_eq!(world.get(SETS, "t", sets[0].name())["metadata"].get("ownerReferences"), None);
    let again = world.create(DEPLOYMENTS, "t", deployment("web", 2, "nginx"));
    world.settle();
    let adopted = world.list(SETS, "t");
    assert_eq!(adopted.len(), 1);
    assert_eq!(adopted[0].uid(), sets[0].uid());
    assert_eq!(adopted[0].value()["metadata"]["ownerReferences"][0]["uid"], again.uid());
    let uids = |pods: &[kubesim::Object]| pods.iter().map(|pod| pod.uid().to_owned()).collect::<Vec<_>>();
    assert_eq!(uids(&world.list(PODS, "t")), uids(&pods), "no pod was restarted");
}

#[test]
fn a_pod_that_no_longer_matches_is_released_and_replaced() {
    let mut world = World::all();
    world.create(DEPLOYMENTS, "t", deployment("web", 1, "nginx"));
    world.settle();
    let name = world.list(PODS, "t")[0].name().to_owned();
    world.patch(PODS, "t", &name, json!({"metadata": {"labels": {"app": "debug"}}}));
    world.settle();
    assert_eq!(world.list(PODS, "t").len(), 2);
    assert_eq!(world.get(PODS, "t", &name)["metadata"].get("ownerReferences"), None);
}

#[test]
fn a_stateful_set_makes_pods_in_order_with_claims() {
    let mut world = World::provisioning();
    world.create(
        "storage.k8s.io/v1/storageclasses",
        "",
        json!({"metadata": {"name": "fast"}, "provisioner": "ebs.csi.aws.com"}),
    );
    world.create(STATEFUL, "t", stateful_set(3));
    let mut most = 0;
    while world.actors.step() {
        let pods = world.list(PODS, "t");
        let pending = pods.iter().filter(|pod| pod.value()["status"]["phase"] == "Pending").count();
        most = most.max(pending);
    }
    assert_eq!(most, 1, "one after the other");
    let pods = world.list(PODS, "t");
    let names: Vec<&str> = pods.iter().map(kubesim::Object::name).collect();
    assert_eq!(names, ["db-0", "db-1", "db-2"]);
    let labels = pods[1].labels().expect("labels");
    assert_eq!(labels["statefulset.kubernetes.io/pod-name"], "db-1");
    assert_eq!(labels["apps.kubernetes.io/pod-index"], "1");
    assert_eq!(pods[1].value()["spec"]["hostname"], "db-1");
    assert_eq!(world.get(CLAIMS, "t", "data-db-1")["metadata"]["labels"], json!({"app": "db"}));
    let status = world.get(STATEFUL, "t", "db")["status"].clone();
    assert_eq!(status["readyReplicas"], 3);
    assert_eq!(status["currentRevision"], status["updateRevision"]);
    assert_eq!(world.list("apps/v1/controllerrevisions", "t").len(), 1);

    world.patch(STATEFUL, "t", "db", json!({"spec": {"replicas": 1}}));
    world.settle();
    assert_eq!(world.list(PODS, "t").len(), 1);
    assert_eq!(world.list(CLAIMS, "t").len(), 3, "claims stay");
    let before = world.get(PODS, "t", "db-0")["metadata"]["uid"].clone();
    world.patch(STATEFUL, "t", "db", json!({"spec": {"template": {"metadata": {"annotations": {"v": "2"}}}}}));
    world.settle();
    assert_ne!(world.get(PODS, "t", "db-0")["metadata"]["uid"], before, "a new template replaces the pods");
    assert_eq!(world.list("apps/v1/controllerrevisions", "t").len(), 2);
}

#[test]
fn a_restored_stateful_set_keeps_its_pods() {
    let mut world = World::provisioning();
    world.create(
        "storage.k8s.io/v1/storageclasses",
        "",
        json!({"metadata": {"name": "fast"}, "provisioner": "ebs.csi.aws.com"}),
    );
    world.create(STATEFUL, "t", stateful_set(1));
    world.settle();
    let before = world.get(PODS, "t", "db-0")["metadata"]["uid"].clone();
    world.delete(STATEFUL, "t", "db", Orphan);
    world.settle();
    world.create(STATEFUL, "t", stateful_set(1));
    world.settle();
    assert_eq!(world.get(PODS, "t", "db-0")["metadata"]["uid"], before);
    assert_eq!(world.list("apps/v1/controllerrevisions", "t").len(), 1, "the revision was adopted by its content");
}

#[test]
fn claims_go_where_the_retention_policy_says_so() {
    let mut world = World::provisioning();
    let class = json!({"metadata": {"name": "fast"}, "provisioner": "ebs.csi.aws.com"});
    world.create("storage.k8s.io/v1/storageclasses", "", class);
    let mut set = stateful_set(2);
    set["spec"]["ordinals"] = json!({"start": 3});
    set["spec"]["persistentVolumeClaimRetentionPolicy"] = json!({"whenDeleted": "Delete", "whenScaled": "Delete"});
    world.create(STATEFUL, "t", set);
    world.settle();
    let names = |world: &World| world.list(CLAIMS, "t").iter().map(|claim| claim.name().to_owned()).collect::<Vec<_>>();
    assert_eq!(names(&world), ["data-db-3", "data-db-4"]);
    let owner = world.get(CLAIMS, "t", "data-db-3")["metadata"]["ownerReferences"][0].clone();
    assert_eq!((&owner["kind"], &owner["controller"]), (&json!("StatefulSet"), &json!(true)));
    world.patch(STATEFUL, "t", "db", json!({"spec": {"replicas": 1}}));
    world.settle();
    assert_eq!(names(&world), ["data-db-3"]);
    world.delete(STATEFUL, "t", "db", Background);
    world.settle();
    assert_eq!(names(&world), [""; 0]);
}

fn job(command: &str) -> Value {
    json!({
        "metadata": {"name": "j"},
        "spec": {
            "backoffLimit": 1,
            "template": {"spec": {
                "restartPolicy": "Never",
                "containers": [{"name": "c", "image": "busybox", "command": ["sh", "-c", command]}],
            }},
        },
    })
}

#[test]
fn a_job_runs_to_completion() {
    let mut world = World::all();
    let mut twice = job("echo done");
    twice["spec"]["completions"] = 2.into();
    world.create(JOBS, "t", twice);
    world.settle();
    let job = world.get(JOBS, "t", "j");
    assert_eq!(job["status"]["succeeded"], 2);
    assert_eq!(world.condition(JOBS, "t", "j", "Complete")["status"], "True");
    assert!(job["status"]["completionTime"].is_string());
    let pods = world.list(PODS, "t");
    assert_eq!(pods.len(), 2);
    for pod in &pods {
        assert_eq!(pod.value()["metadata"].get("finalizers"), None, "counted");
        assert_eq!(pod.labels().expect("labels")["job-name"], "j");
    }
    world.delete(JOBS, "t", "j", Background);
    world.settle();
    assert!(world.list(PODS, "t").is_empty());
}

#[test]
fn the_pods_of_an_indexed_job_are_numbered() {
    let mut world = World::all();
    let mut indexed = job("echo done");
    indexed["spec"]["completionMode"] = "Indexed".into();
    indexed["spec"]["completions"] = 3.into();
    indexed["spec"]["parallelism"] = 2.into();
    world.create(JOBS, "t", indexed);
    world.settle();
    let status = world.get(JOBS, "t", "j")["status"].clone();
    assert_eq!((&status["succeeded"], &status["completedIndexes"]), (&json!(3), &json!("0-2")));
    assert_eq!(world.condition(JOBS, "t", "j", "Complete")["status"], "True");
    let pods = world.list(PODS, "t");
    let hosts: Vec<_> = pods.iter().map(|pod| pod.value()["spec"]["hostname"].clone()).collect();
    assert_eq!(hosts, ["j-0", "j-1", "j-2"]);
    assert!(pods[1].name().starts_with("j-1-"));
    assert_eq!(pods[1].labels().expect("labels")["batch.kubernetes.io/job-completion-index"], "1");
    assert_eq!(pods[1].value()["spec"]["containers"][0]["env"][0]["name"], "JOB_COMPLETION_INDEX");
}

#[test]
fn without_completions_one_success_is_enough() {
    let mut world = World::all();
    let mut queue = job("echo done");
    queue["spec"]["parallelism"] = 3.into();
    world.create(JOBS, "t", queue);
    world.settle();
    assert_eq!(world.list(PODS, "t").len(), 3);
    assert_eq!(world.condition(JOBS, "t", "j", "Complete")["status"], "True");
    assert_eq!(world.get(JOBS, "t", "j")["status"]["succeeded"], 3);
}

#[test]
fn a_job_gives_up() {
    let mut world = World::all();
    world.create(JOBS, "t", job("exit 1"));
    world.settle();
    assert_eq!(world.get(JOBS, "t", "j")["status"]["failed"], 2);
    assert_eq!(world.condition(JOBS, "t", "j", "Failed")["reason"], "BackoffLimitExceeded");
}

#[test]
fn a_suspended_job_has_no_pods() {
    let mut world = World::all();
    let mut suspended = job("echo done");
    suspended["spec"]["suspend"] = true.into();
    world.create(JOBS, "t", suspended);
    world.settle();
    assert!(world.list(PODS, "t").is_empty());
    world.patch(JOBS, "t", "j", json!({"spec": {"suspend": false}}));
    world.settle();
    assert_eq!(world.get(JOBS, "t", "j")["status"]["succeeded"], 1);
}

#[test]
fn services_have_endpoints_of_ready_pods() {
    let mut world = World::all();
    let mut web = deployment("web", 2, "nginx");
    web["spec"]["template"]["spec"]["containers"][0]["ports"] = json!([{"name": "http", "containerPort": 8080}]);
    world.create(DEPLOYMENTS, "t", web);
    world.create(
        "v1/services",
        "t",
        json!({
            "metadata": {"name": "web"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]},
        }),
    );
    world.create("v1/services", "t", json!({"metadata": {"name": "manual"}, "spec": {"ports": [{"port": 80}]}}));
    world.settle();
    let endpoints = world.get("v1/endpoints", "t", "web");
    assert_eq!(endpoints["subsets"][0]["addresses"].as_array().expect("addresses").len(), 2);
    assert_eq!(endpoints["subsets"][0]["ports"], json!([{"port": 8080, "protocol": "TCP"}]));
    let slices = world.list("discovery.k8s.io/v1/endpointslices", "t");
    assert_eq!(slices.len(), 1);
    assert_eq!(slices[0].value()["endpoints"].as_array().expect("endpoints").len(), 2);
    assert_eq!(slices[0].value()["ports"], json!([{"name": "", "port": 8080, "protocol": "TCP"}]));
    assert!(world.find("v1/endpoints", "t", "manual").is_none());
    world.delete("v1/services", "t", "web", Background);
    world.settle();
    assert!(world.find("v1/endpoints", "t", "web").is_none());
    assert!(world.list("discovery.k8s.io/v1/endpointslices", "t").is_empty());
}
