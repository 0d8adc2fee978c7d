//! The kinds that are questions about identities and rights.

use kubesim::{ApiServer, Options, Target, WriteOptions};
use serde_json::{Value, json};

use super::{create, give, give_everywhere, group, guarded, jane, rule, user};

fn status(server: &ApiServer, group: &str, resource: &str, namespace: Option<&str>, body: Value) -> Value {
    let target = Target { namespace: namespace.map(str::to_owned), ..Target::new(group, "v1", resource) };
    let answer = server.create(&target, body, &WriteOptions::default()).expect("an answer");
    answer.value()["status"].clone()
}

fn access(server: &ApiServer, spec: Value) -> Value {
    status(server, "authorization.k8s.io", "subjectaccessreviews", None, json!({"spec": spec}))
}

#[test]
fn access_reviews_say_what_roles_allow() {
    let server = guarded();
    give(&server, "r", json!([rule(&[""], &["pods"], &["list"])]), group("devs"));
    let pods = |namespace: &str| json!({"verb": "list", "resource": "pods", "namespace": namespace});
    let ask =
        |resource: Value| access(&server, json!({"user": "joe", "groups": ["devs"], "resourceAttributes": resource}));
    assert_eq!(
        ask(pods("default")),
        json!({"allowed": true, "reason": "RBAC: allowed by RoleBinding \"r/default\" of Role \"r\" to Group \"devs\""})
    );
    assert_eq!(ask(pods("shop")), json!({"allowed": false}));
    let path = json!({"user": "joe", "nonResourceAttributes": {"verb": "get", "path": "/metrics"}});
    assert_eq!(access(&server, path), json!({"allowed": false}));

    let own = |server: &ApiServer| {
        let body = json!({"spec": {"resourceAttributes": pods("default")}});
        status(server, "authorization.k8s.io", "selfsubjectaccessreviews", None, body)["allowed"].clone()
    };
    assert_eq!((own(&server.acting_as(jane())), own(&server)), (json!(true), json!(true)));
    let local = json!({
        "metadata": {"namespace": "default"}, "spec": {"user": "joe", "resourceAttributes": pods("default")},
    });
    let answer = status(&server, "authorization.k8s.io", "localsubjectaccessreviews", Some("default"), local);
    assert_eq!(answer, json!({"allowed": false}));
    let open = ApiServer::new(Options::default());
    assert_eq!(access(&open, json!({"user": "joe", "resourceAttributes": pods("a")})), json!({"allowed": true}));
}

#[test]
fn rules_reviews_list_the_rules_of_the_asker() {
    let server = guarded();
    give(
        &server,
        "r",
        json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], "resourceNames": ["a"]}]),
        user("jane"),
    );
    give_everywhere(&server, "p", json!([{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]), user("jane"));
    let body = json!({"spec": {"namespace": "default"}});
    let janes = server.acting_as(jane());
    let answer = status(&janes, "authorization.k8s.io", "selfsubjectrulesreviews", None, body);
    assert_eq!(answer["incomplete"], false);
    let rules = answer["resourceRules"].as_array().expect("rules");
    assert_eq!(
        rules.last(),
        Some(&json!({"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"]}))
    );
    assert!(rules.len() > 1, "and those of everybody known");
    let paths = answer["nonResourceRules"].as_array().expect("rules");
    assert!(paths.contains(&json!({"verbs": ["get"], "nonResourceURLs": ["/metrics"]})));
}

#[test]
fn token_reviews_say_whose_a_token_is() {
    let server = guarded();
    let review = |spec: Value| status(&server, "authentication.k8s.io", "tokenreviews", None, json!({"spec": spec}));
    assert_eq!(
        review(json!({"token": "janes-token"})),
        json!({
            "authenticated": true, "user": {"username": "jane", "groups": ["devs", "system:authenticated"]},
            "audiences": ["https://kubernetes.default.svc"],
        })
    );
    assert_eq!(review(json!({"token": "x"})), json!({"user": {}, "error": "invalid bearer token"}));
    let accounts = Target::new("", "v1", "serviceaccounts").in_namespace("default");
    create(&server, &accounts, json!({"metadata": {"name": "web"}}));
    let request = json!({"spec": {"audiences": ["vault"]}});
    let made = create(&server, &accounts.named("web").sub("token"), request);
    let token = &made.value()["status"]["token"];
    let found = review(json!({"token": token, "audiences": ["vault", "other"]}));
    assert_eq!((&found["authenticated"], &found["audiences"]), (&json!(true), &json!(["vault"])));
    assert_eq!(
        review(json!({"token": token}))["error"],
        "[invalid bearer token, token audiences [\"vault\"] is invalid for the target audiences \
         [\"https://kubernetes.default.svc\"]]"
    );
}
