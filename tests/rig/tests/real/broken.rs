//! Clusters on which not everything works: a token that lacks a permission, and an aggregated API that points nowhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use ark::api::{BackupPhase, BackupSpec, RestorePhase, RestoreSpec};
use ark::cluster::{Cluster, KubeCluster};
use kube::config::{KubeConfigOptions, Kubeconfig};
use rig::Options;
use serde_json::{Value, json};

use crate::cluster::{Real, bring_back, nobody, save};
use crate::store::RealBucket;

/// A cluster as a service account sees it that may do everything but touch secrets.
async fn without_secrets(real: &Real) -> Arc<dyn Cluster> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for resource in real.mapper().await.all() {
        if resource.plural != "secrets" {
            groups.entry(resource.group.clone()).or_default().push(resource.plural.clone());
        }
    }
    let rules: Vec<Value> = groups
        .iter()
        .map(|(group, resources)| json!({"apiGroups": [group], "resources": resources, "verbs": ["*"]}))
        .collect();
    real.make_namespace("limited").await;
    let accounts = "/api/v1/namespaces/limited/serviceaccounts";
    real.create(accounts, &json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "ark"}})).await;
    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    let version = "rbac.authorization.k8s.io/v1";
    let name = json!({"name": "limited-ark"});
    let role = json!({"apiVersion": version, "kind": "ClusterRole", "metadata": name, "rules": rules});
    real.create(&format!("{rbac}/clusterroles"), &role).await;
    let binding = json!({"apiVersion": version, "kind": "ClusterRoleBinding", "metadata": name,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "limited-ark"},
        "subjects": [{"kind": "ServiceAccount", "name": "ark", "namespace": "limited"}]});
    real.create(&format!("{rbac}/clusterrolebindings"), &binding).await;
    let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
    let answer = real.create(&format!("{accounts}/ark/token"), &request).await;
    let token = answer["status"]["token"].as_str().expect("a token").to_owned();
    let path = real.plane.as_ref().expect("our own cluster").kubeconfig();
    let text = std::fs::read_to_string(path).expect("a kubeconfig");
    let lines: Vec<String> = text
        .lines()
        .map(|line| {
            let user = line.starts_with("users:");
            if user { format!("users: [{{name: admin, user: {{token: '{token}'}}}}]") } else { line.to_owned() }
        })
        .collect();
    let kubeconfig = Kubeconfig::from_yaml(&lines.join("\n")).expect("a kubeconfig");
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    let client = kube::Client::try_from(config.expect("a configuration")).expect("a client");
    Arc::new(KubeCluster::new(client))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_permission_is_named_and_the_rest_is_saved() {
    let (Some(real), Some(bucket)) =
        (rig::or_skip(Real::own(Options::api()).await), rig::or_skip(RealBucket::start().await))
    else {
        return;
    };
    let limited = without_secrets(&real).await;
    let secret =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hidden"}, "stringData": {"a": "hush"}});
    real.create("/api/v1/namespaces/limited/secrets", &secret).await;
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "seen"}, "data": {"a": "b"}});
    real.create("/api/v1/namespaces/limited/configmaps", &map).await;
    let store = bucket.store("limited");
    let spec = BackupSpec { included_namespaces: vec!["limited".to_owned()], ..BackupSpec::default() };
    // A role takes a moment until the authorizer knows it.
    real.eventually("the role counts", async || {
        let mapper = real.mapper().await;
        let maps = mapper.by_kind("v1", "ConfigMap")?;
        limited.get(maps, Some("limited"), "seen").await.ok()
    })
    .await;

    let saved = save(Arc::clone(&limited), &store, "some", spec.clone(), nobody()).await.expect("an archive");
    assert_eq!(saved.status.phase, BackupPhase::PartiallyFailed);
    let errors: Vec<_> = saved.results.errors.messages().map(str::to_owned).collect();
    assert!(errors.iter().any(|error| error.contains("secrets") && error.contains("forbidden")), "{errors:#?}");
    let index = store.index("some").await.expect("an index");
    assert!(index.entries.iter().any(|entry| entry.path.to_string().ends_with("/seen.json")));
    assert!(!index.entries.iter().any(|entry| entry.path.to_string().ends_with("/hidden.json")));

    // A restore of everything by somebody who may not write secrets.
    let saved = save(real.ark().await, &store, "all", spec, nobody()).await.expect("an archive");
    assert_eq!(saved.status.phase, BackupPhase::Completed, "{:#?}", saved.results);
    for (plural, name) in [("secrets", "hidden"), ("configmaps", "seen")] {
        real.ask("DELETE", &format!("/api/v1/namespaces/limited/{plural}/{name}"), None).await;
    }
    let wanted = RestoreSpec { backup_name: "all".into(), ..RestoreSpec::default() };
    let done = bring_back(limited, &store, "some", wanted, nobody()).await.expect("it starts");
    assert_eq!(done.status.phase, RestorePhase::PartiallyFailed);
    let errors: Vec<_> = done.results.errors.messages().map(str::to_owned).collect();
    assert!(errors.iter().any(|error| error.contains("hidden") && error.contains("forbidden")), "{errors:#?}");
    assert!(!errors.iter().any(|error| error.contains("hush")), "no content is shown");
    assert!(real.get("/api/v1/namespaces/limited/configmaps/seen").await.is_some(), "the rest is restored");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_points_nowhere_is_a_warning() {
    let (Some(real), Some(bucket)) =
        (rig::or_skip(Real::own(Options::api()).await), rig::or_skip(RealBucket::start().await))
    else {
        return;
    };
    let service = json!({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
        "metadata": {"name": "v1beta1.metrics.k8s.io"},
        "spec": {"group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100,
            "insecureSkipTLSVerify": true, "service": {"namespace": "kube-system", "name": "nowhere"}}});
    real.create("/apis/apiregistration.k8s.io/v1/apiservices", &service).await;
    real.eventually("the API server knows that it does not answer", async || {
        let service = real.get("/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io").await?;
        let conditions = service["status"]["conditions"].as_array()?.clone();
        conditions
            .iter()
            .any(|condition| condition["type"] == "Available" && condition["status"] == "False")
            .then_some(())
    })
    .await;
    real.make_namespace("kept").await;
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "seen"}, "data": {"a": "b"}});
    real.create("/api/v1/namespaces/kept/configmaps", &map).await;

    let store = bucket.store("nowhere");
    let saved =
        save(real.ark().await, &store, "all", BackupSpec::default(), nobody()).await.expect("discovery goes on");
    let warnings: Vec<_> = saved.results.warnings.messages().collect();
    assert!(
        warnings.iter().any(|warning| warning.contains("metrics.k8s.io")),
        "{:?} {warnings:#?}",
        saved.status.phase
    );
    assert_eq!(saved.status.phase, BackupPhase::Completed, "{:#?}", saved.results.errors);
    // Not the namespace: a cluster with such an API finishes no namespace, since it cannot know what is in it.
    real.ask("DELETE", "/api/v1/namespaces/kept/configmaps/seen", None).await;
    let wanted = RestoreSpec { backup_name: "all".into(), ..RestoreSpec::default() };
    let done = bring_back(real.ark().await, &store, "all", wanted, nobody()).await.expect("it starts");
    assert_eq!(done.status.phase, RestorePhase::Completed, "{:#?}", done.results.errors);
    assert!(real.get("/api/v1/namespaces/kept/configmaps/seen").await.is_some());
}
