//! Promises about commands in containers.

use std::time::Duration;

use serde_json::json;

use super::{World, fails, resource};
use crate::clock::Clock;
use crate::cluster::{Cluster, ClusterErrorKind as Kind, ExecRequest};

/// Asserts what [`Cluster::exec`] promises, in a pod of `image` that it starts in a namespace of its own. The image needs
/// `sh`, `echo` and `sleep`.
pub async fn exec_contract(cluster: &dyn Cluster, clock: &dyn Clock, namespace: &str, image: &str) {
    let world = World::new(cluster, clock, namespace);
    world.create_namespace(namespace).await;
    let pods = resource("", "v1", "pods", "Pod", true);
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "shell", "namespace": namespace},
        "spec": {"terminationGracePeriodSeconds": 0, "serviceAccountName": "default", "containers": [
            {"name": "main", "image": image, "command": ["sleep", "3600"]},
            {"name": "other", "image": image, "command": ["sleep", "3600"]},
        ]},
    });
    // The service account comes by itself, a moment after its namespace.
    let accounts = resource("", "v1", "serviceaccounts", "ServiceAccount", true);
    world.eventually("the default service account exists", async || world.get(&accounts, "default").await.ok()).await;
    world.create(&pods, &pod).await;
    world
        .eventually("the pod runs", async || {
            let pod = world.get(&pods, "shell").await.expect("the pod is there");
            (pod["status"]["phase"] == "Running").then_some(())
        })
        .await;

    let request = |command: &[&str]| ExecRequest {
        namespace: namespace.to_owned(),
        pod: "shell".to_owned(),
        container: "other".to_owned(),
        command: command.iter().map(|&word| word.to_owned()).collect(),
        timeout: Duration::from_secs(30),
    };
    let outcome = cluster.exec(&request(&["echo", "a b", "c"])).await.expect("a command runs");
    assert_eq!(
        (outcome.exit_code, outcome.stdout.as_slice(), outcome.stderr.as_slice()),
        (0, &b"a b c\n"[..], &b""[..])
    );
    let outcome = cluster.exec(&request(&["sh", "-c", "echo out; echo err >&2; exit 7"])).await.expect("it runs");
    assert_eq!(outcome.exit_code, 7, "the exit code comes back");
    assert_eq!(
        (outcome.stdout.as_slice(), outcome.stderr.as_slice()),
        (&b"out\n"[..], &b"err\n"[..]),
        "both outputs too"
    );
    let outcome = cluster.exec(&request(&["true"])).await.expect("a silent command runs");
    assert_eq!((outcome.exit_code, outcome.stdout.len() + outcome.stderr.len()), (0, 0));

    let slow = ExecRequest { timeout: Duration::from_secs(2), ..request(&["sleep", "60"]) };
    fails(cluster.exec(&slow).await, Kind::Timeout, "a command that takes too long");
    let absent = ExecRequest { pod: "absent".to_owned(), ..request(&["true"]) };
    fails(cluster.exec(&absent).await, Kind::NotFound, "a command in no pod");
    let absent = ExecRequest { container: "absent".to_owned(), ..request(&["true"]) };
    fails(cluster.exec(&absent).await, Kind::Invalid, "a command in no container");
    world.delete_namespace(namespace).await;
}
