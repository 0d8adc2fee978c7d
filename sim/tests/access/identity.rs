//! Tokens and impersonation: whom the server takes a request to be of.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kubesim::actors::Actors;
use kubesim::{ApiServer, DeleteOptions, Options, Target, WriteOptions};
use serde_json::{Value, json};

use super::{Answer, ask, clock, create, get, guarded, jane};

const WHOAMI: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

fn whoami(server: &ApiServer, headers: &[(&str, &str)]) -> Value {
    let answer = ask(server, "POST", WHOAMI, headers, Some(json!({})));
    assert_eq!(answer.code, 201, "{}", answer.body);
    answer.body["status"]["userInfo"].clone()
}

fn with_token(server: &ApiServer, token: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    ask(server, "POST", WHOAMI, &[("authorization", &bearer)], Some(json!({})))
}

fn account(server: &ApiServer) -> Target {
    let accounts = Target::new("", "v1", "serviceaccounts").in_namespace("default");
    create(server, &accounts, json!({"metadata": {"name": "web"}}));
    accounts.named("web")
}

fn request(server: &ApiServer, account: &Target, spec: Value) -> Value {
    let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec});
    let made = server.create(&account.clone().sub("token"), body, &WriteOptions::default());
    made.expect("a token").value().clone()
}

fn token(request: &Value) -> String {
    request["status"]["token"].as_str().expect("a token").to_owned()
}

fn claims(token: &str) -> Value {
    let parts: Vec<_> = token.split('.').collect();
    assert_eq!(parts.len(), 3);
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).expect("base64")).expect("JSON")
}

#[test]
fn who_says_nothing_is_the_administrator() {
    let server = guarded();
    let admin = json!({"username": "kubernetes-admin", "groups": ["system:masters", "system:authenticated"]});
    assert_eq!(whoami(&server, &[]), admin);
    assert_eq!(whoami(&server, &[("authorization", "Basic YTpi")]), admin);
    assert_eq!(server.user().username, "kubernetes-admin");
    let anonymous = server.acting_as(kubesim::UserInfo::anonymous());
    let refused = ask(&anonymous, "POST", WHOAMI, &[], Some(json!({})));
    assert_eq!(
        refused.message(),
        "selfsubjectreviews.authentication.k8s.io is forbidden: User \"system:anonymous\" cannot create resource \
         \"selfsubjectreviews\" in API group \"authentication.k8s.io\" at the cluster scope"
    );
    assert_eq!(get(&anonymous, "/version", &[]).code, 200, "the role of everybody");
    assert_eq!(whoami(&anonymous, &[("authorization", "bearer janes-token")])["username"], "jane");
}

#[test]
fn tokens_of_the_caller_are_known_and_no_others() {
    let server = guarded();
    let known = with_token(&server, "janes-token").body;
    assert_eq!(known["status"]["userInfo"], json!({"username": "jane", "groups": ["devs", "system:authenticated"]}));
    for wrong in ["other", "a.b.c", "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2t1YmVybmV0ZXMuZGVmYXVsdC5zdmMifQ."] {
        let refused = with_token(&server, wrong);
        let unauthorized = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "Unauthorized",
            "reason": "Unauthorized", "code": 401,
        });
        assert_eq!((refused.code, refused.body), (401, unauthorized));
    }
}

#[test]
fn an_account_has_a_token_that_says_who_it_is() {
    let server = guarded();
    let account = account(&server);
    let uid = server.get(&account).expect("the account").uid().to_owned();
    let made = request(&server, &account, json!({}));
    assert_eq!(made["spec"]["expirationSeconds"], 3600);
    assert_eq!(made["spec"]["audiences"], json!(["https://kubernetes.default.svc"]));
    assert_eq!(made["status"]["expirationTimestamp"], "2026-01-01T01:00:00Z");
    let token = token(&made);
    let claims = claims(&token);
    let start = 1_767_225_600;
    assert_eq!(claims["exp"], start + 3600);
    assert_eq!(claims["iat"], start);
    assert_eq!(claims["iss"], "https://kubernetes.default.svc");
    assert_eq!(claims["sub"], "system:serviceaccount:default:web");
    assert_eq!(claims["kubernetes.io"], json!({"namespace": "default", "serviceaccount": {"name": "web", "uid": uid}}));
    let known = with_token(&server, &token).body;
    let id = claims["jti"].as_str().expect("an id");
    assert_eq!(
        known["status"]["userInfo"],
        json!({
            "username": "system:serviceaccount:default:web", "uid": uid,
            "groups": ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"],
            "extra": {"authentication.kubernetes.io/credential-id": [format!("JTI={id}")]},
        })
    );
    let again = ApiServer::new(Options { clock: clock(), ..Options::default() });
    assert_eq!(with_token(&again, &token).code, 401, "another cluster has no such account");
}

#[test]
fn a_token_ends_with_its_time_and_its_account() {
    let clock = clock();
    let server = ApiServer::new(Options { clock: clock.clone(), ..Options::default() });
    let account = account(&server);
    let token = token(&request(&server, &account, json!({"expirationSeconds": 600})));
    clock.advance(Duration::from_mins(11));
    assert_eq!(with_token(&server, &token).code, 201, "clocks differ by a minute");
    clock.advance(Duration::from_secs(1));
    assert_eq!(with_token(&server, &token).code, 401);

    let token = self::token(&request(&server, &account, json!({})));
    assert_eq!(with_token(&server, &token).code, 201);
    server.delete(&account, &DeleteOptions::default()).expect("it goes");
    assert_eq!(with_token(&server, &token).code, 401);
    let accounts = Target { name: None, ..account };
    create(&server, &accounts, json!({"metadata": {"name": "web"}}));
    assert_eq!(with_token(&server, &token).code, 401, "another account of the same name");
}

#[test]
fn a_token_can_be_bound_to_a_pod() {
    let server = ApiServer::new(Options { clock: clock(), ..Options::default() });
    let account = account(&server);
    let pods = Target::new("", "v1", "pods").in_namespace("default");
    let pod = json!({
        "metadata": {"name": "web-0"},
        "spec": {"serviceAccountName": "web", "nodeName": "n", "containers": [{"name": "c", "image": "i"}]},
    });
    let pod = create(&server, &pods, pod);
    let to = |name: &str, kind: &str| json!({"boundObjectRef": {"apiVersion": "v1", "kind": kind, "name": name}});
    let made = request(&server, &account, {
        let mut spec = to("web-0", "Pod");
        spec["expirationSeconds"] = json!(3607);
        spec
    });
    let claims = claims(&token(&made));
    assert_eq!(claims["kubernetes.io"]["pod"], json!({"name": "web-0", "uid": pod.uid()}));
    assert_eq!(claims["kubernetes.io"]["node"], json!({"name": "n"}));
    assert_eq!(claims["exp"].as_i64(), claims["iat"].as_i64().map(|at| at + 365 * 24 * 3600));
    let known = with_token(&server, &token(&made)).body;
    let extra = &known["status"]["userInfo"]["extra"];
    assert_eq!(extra["authentication.kubernetes.io/pod-name"], json!(["web-0"]));
    assert_eq!(extra["authentication.kubernetes.io/node-name"], json!(["n"]));
    let now = DeleteOptions { grace_period_seconds: Some(0), ..DeleteOptions::default() };
    server.delete(&pods.clone().named("web-0"), &now).expect("it goes");
    assert_eq!(with_token(&server, &token(&made)).code, 401);

    let refused = |spec: Value| {
        let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec});
        server.create(&account.clone().sub("token"), body, &WriteOptions::default()).expect_err("a refusal").message
    };
    assert_eq!(refused(to("web-0", "Pod")), "pods \"web-0\" not found");
    assert_eq!(
        refused(json!({"expirationSeconds": 10})),
        "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: 10: may not specify a \
         duration less than 10 minutes"
    );
}

#[test]
fn a_token_in_a_secret_holds_while_it_lies_there() {
    let server = ApiServer::new(Options { clock: clock(), ..Options::default() });
    account(&server);
    let secrets = Target::new("", "v1", "secrets").in_namespace("default");
    let secret = json!({
        "metadata": {"name": "s", "annotations": {"kubernetes.io/service-account.name": "web"}},
        "type": "kubernetes.io/service-account-token",
    });
    create(&server, &secrets, secret);
    Actors::all(&server).settle();
    let secret = server.get(&secrets.clone().named("s")).expect("the secret");
    let token = secret.value()["data"]["token"].as_str().expect("a token");
    let token = base64::engine::general_purpose::STANDARD.decode(token).expect("base64");
    let token = String::from_utf8(token).expect("text");
    let known = with_token(&server, &token).body;
    assert_eq!(known["status"]["userInfo"]["username"], "system:serviceaccount:default:web");
    server.delete(&secrets.named("s"), &DeleteOptions::default()).expect("it goes");
    assert_eq!(with_token(&server, &token).code, 401);
}

#[test]
fn somebody_can_ask_as_somebody_else() {
    let server = guarded();
    let as_jane = [("impersonate-user", "joe"), ("impersonate-group", "devs"), ("impersonate-extra-Scopes%2fa", "x")];
    assert_eq!(
        whoami(&server, &as_jane),
        json!({"username": "joe", "groups": ["devs", "system:authenticated"], "extra": {"scopes/a": ["x"]}})
    );
    let account = [("impersonate-user", "system:serviceaccount:default:web")];
    assert_eq!(
        whoami(&server, &account)["groups"],
        json!(["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"])
    );
    assert_eq!(
        get(&server, "/version", &[("impersonate-group", "devs")]).message(),
        "requested &user.DefaultInfo{Name:\"\", UID:\"\", Groups:[]string{\"devs\"}, Extra:map[string][]string(nil)} \
         without impersonating a user name"
    );
    let bearer = [("authorization", "Bearer janes-token"), ("impersonate-user", "joe")];
    let refused = get(&server, "/api/v1/namespaces/default/pods", &bearer);
    assert_eq!(
        (refused.code, refused.message()),
        (
            403,
            "pods is forbidden: User \"jane\" cannot impersonate-on:user-info:list resource \"pods\" in API group \"\" \
             in the namespace \"default\""
        )
    );
}

#[test]
fn the_old_verb_is_enough_to_ask_as_somebody_else() {
    let server = guarded();
    super::give_everywhere(
        &server,
        "impersonator",
        json!([super::rule(&[""], &["users"], &["impersonate"])]),
        super::group("devs"),
    );
    let bearer = ("authorization", "Bearer janes-token");
    assert_eq!(whoami(&server, &[bearer, ("impersonate-user", "joe")])["username"], "joe");
    let more = [bearer, ("impersonate-user", "joe"), ("impersonate-group", "system:masters")];
    assert_eq!(get(&server, "/version", &more).code, 403);
    assert_eq!(server.acting_as(jane()).user().groups, ["devs", "system:authenticated"]);
}
