//! Who may do what, measured: generated roles and bindings, and requests by those who have them, or do not.
//!
//! A script makes a namespace of its own with roles for users, groups and accounts whose names nobody else has, then asks as one of them
//! (by impersonation), gives rights away, and lets both servers review accesses, rules and tokens. Every answer has to be equal: the
//! refusals with their reasons above all.
//!
//! # Differences
//!
//! A real server looks at bindings in no order: roles of one script do not overlap, so that one of them is the reason, and the rules of a
//! rules review are compared as a set.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt as _;
use kubesim::http::Router;
use kubesim::{ApiServer, Authorization, Clock};
use serde_json::{Value, json};

use crate::normal;
use crate::run::Server;
use crate::script::Dice;

/// How long a real server may take to hear of new roles.
const HEARSAY: Duration = Duration::from_millis(500);

const RBAC: &str = "rbac.authorization.k8s.io";

/// One request.
struct Ask {
    method: &'static str,
    path: String,
    body: Option<Value>,
    /// Name and groups of whom it is asked as; the administrator where there is none.
    user: Option<(String, Vec<String>)>,
}

/// What is there before the first question, and the questions.
struct Script {
    given: Vec<Ask>,
    asked: Vec<Ask>,
}

/// Roles that do not overlap: groups, resources and names.
const PARTS: [(&str, &[&str], &[&str]); 4] = [
    ("", &["configmaps"], &[]),
    ("", &["secrets", "pods/log", "*/status"], &["one"]),
    ("apps", &["*"], &[]),
    (RBAC, &["roles", "rolebindings"], &[]),
];

const VERBS: [&str; 8] = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

/// Collections and kinds of what is asked for.
const ASKED: [(&str, &str, &str); 6] = [
    ("/api/v1", "configmaps", "ConfigMap"),
    ("/api/v1", "secrets", "Secret"),
    ("/api/v1", "pods", "Pod"),
    ("/apis/apps/v1", "deployments", "Deployment"),
    ("/apis/apps/v1", "nonesuch", "None"),
    ("/apis/batch/v1", "jobs", "Job"),
];

struct Writer {
    dice: Dice,
    place: String,
}

impl Writer {
    fn users(&self) -> [(String, Vec<String>); 3] {
        let (place, account) = (&self.place, format!("system:serviceaccount:{}:web", self.place));
        [
            (format!("{place}-jane"), vec![format!("{place}-devs"), "others".to_owned()]),
            (format!("{place}-joe"), Vec::new()),
            (account, Vec::new()),
        ]
    }

    fn subject(&mut self) -> Value {
        let place = self.place.clone();
        match self.dice.below(4) {
            0 => json!({"kind": "User", "apiGroup": RBAC, "name": format!("{place}-jane")}),
            1 => json!({"kind": "User", "apiGroup": RBAC, "name": format!("{place}-joe")}),
            2 => json!({"kind": "Group", "apiGroup": RBAC, "name": format!("{place}-devs")}),
            _ => json!({"kind": "ServiceAccount", "name": "web", "namespace": place}),
        }
    }

    fn verbs(&mut self) -> Vec<&'static str> {
        let mut verbs: Vec<_> = VERBS.into_iter().filter(|_| self.dice.once_in(2)).collect();
        if verbs.is_empty() {
            verbs.push("*");
        }
        verbs
    }

    fn rule(&mut self, part: usize) -> Value {
        let (group, resources, names) = PARTS[part];
        let mut rule = json!({"apiGroups": [group], "resources": resources, "verbs": self.verbs()});
        if !names.is_empty() && self.dice.once_in(2) {
            rule["resourceNames"] = json!(names);
        }
        rule
    }

    fn rbac(&self, resource: &str) -> String {
        let space = if resource.starts_with("cluster") { String::new() } else { format!("namespaces/{}/", self.place) };
        format!("/apis/{RBAC}/v1/{space}{resource}")
    }

    fn binding(name: &str, kind: &str, role: &str, subjects: &[Value]) -> Value {
        json!({
            "metadata": {"name": name}, "subjects": subjects, "roleRef": {"apiGroup": RBAC, "kind": kind, "name": role},
        })
    }

    fn script(&mut self) -> Script {
        let place = self.place.clone();
        let admin = |path: String, body: Value| Ask { method: "POST", path, body: Some(body), user: None };
        let account = json!({"metadata": {"name": "web"}});
        let mut given = vec![
            admin("/api/v1/namespaces".to_owned(), json!({"metadata": {"name": place}})),
            admin(format!("/api/v1/namespaces/{place}/serviceaccounts"), account),
        ];
        for part in 0..PARTS.len() {
            let everywhere = part < 3 && self.dice.once_in(3);
            let (roles, bindings, kind) = if everywhere {
                ("clusterroles", "clusterrolebindings", "ClusterRole")
            } else {
                ("roles", "rolebindings", "Role")
            };
            let name = format!("{place}-{part}");
            let rules: Vec<_> = (0..=self.dice.below(2)).map(|_| self.rule(part)).collect();
            given.push(admin(self.rbac(roles), json!({"metadata": {"name": name}, "rules": rules})));
            let subjects: Vec<_> = (0..=self.dice.below(2)).map(|_| self.subject()).collect();
            given.push(admin(self.rbac(bindings), Self::binding(&name, kind, &name, &subjects)));
        }
        if self.dice.once_in(3) {
            let subject = self.subject();
            let lost = Self::binding("lost", "ClusterRole", "none-such", &[subject]);
            given.push(admin(self.rbac("rolebindings"), lost));
        }
        let asked = (0..16).map(|_| self.question()).collect();
        Script { given, asked }
    }

    fn question(&mut self) -> Ask {
        let users = self.users();
        let user = Some(self.dice.one(&users).clone());
        let place = self.place.clone();
        let ask = |method, path: String, body| Ask { method, path, body, user: user.clone() };
        match self.dice.below(12) {
            0 => {
                let path = *self.dice.one(&["/metrics", "/apis/apps/v1", "/logs", "/openapi/v3"]);
                // Only whether it may be read: what is there is another comparison's business.
                let attributes = json!({"verb": "get", "path": path});
                let body = json!({"spec": {"nonResourceAttributes": attributes}});
                ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews".to_owned(), Some(body))
            }
            1 => {
                let attributes = self.attributes();
                let body = json!({"spec": {"resourceAttributes": attributes}});
                ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews".to_owned(), Some(body))
            }
            2 => {
                let (name, groups) = self.dice.one(&users).clone();
                let spec = json!({"user": name, "groups": groups, "resourceAttributes": self.attributes()});
                let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews".to_owned();
                Ask { method: "POST", path, body: Some(json!({"spec": spec})), user: None }
            }
            3 => {
                let body = json!({"spec": {"namespace": place}});
                ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews".to_owned(), Some(body))
            }
            4 => {
                let part = self.dice.below(PARTS.len());
                let rules = [self.rule(part)];
                ask("POST", self.rbac("roles"), Some(json!({"metadata": {"generateName": "r-"}, "rules": rules})))
            }
            5 => {
                let (kind, role) = match self.dice.below(3) {
                    0 => ("Role", format!("{place}-{}", self.dice.below(PARTS.len()))),
                    1 => {
                        ("ClusterRole", (*self.dice.one(&["system:monitoring", "system:volume-scheduler"])).to_owned())
                    }
                    _ => ("Role", "absent".to_owned()),
                };
                let subjects = [self.subject()];
                let body = Self::binding("given", kind, &role, &subjects);
                ask("POST", format!("{}?dryRun=All", self.rbac("rolebindings")), Some(body))
            }
            6 => {
                let (root, plural, _) = *self.dice.one(&ASKED);
                // Of the whole cluster, but nothing of other scripts.
                ask("GET", format!("{root}/{plural}?fieldSelector=metadata.namespace%3D{place}"), None)
            }
            _ => self.request(user.clone()),
        }
    }

    fn attributes(&mut self) -> Value {
        let (group, resources, _) = *self.dice.one(&PARTS);
        let resource = *self.dice.one(resources);
        let (resource, sub) = resource.split_once('/').unwrap_or((resource, ""));
        let resource = if resource == "*" { "deployments" } else { resource };
        let mut attributes = json!({"group": group, "resource": resource, "verb": *self.dice.one(&VERBS)});
        for (key, text) in [("subresource", sub), ("namespace", &self.place.clone()), ("name", "one")] {
            if !text.is_empty() && !self.dice.once_in(4) {
                attributes[key] = text.into();
            }
        }
        attributes
    }

    /// A plain request for something in the namespace.
    fn request(&mut self, user: Option<(String, Vec<String>)>) -> Ask {
        let (root, plural, kind) = *self.dice.one(&ASKED);
        let collection = format!("{root}/namespaces/{}/{plural}", self.place);
        let one = format!("{collection}/{}", *self.dice.one(&["one", "two"]));
        let version = root.trim_start_matches("/apis/").trim_start_matches("/api/");
        let body = || Some(json!({"apiVersion": version, "kind": kind, "metadata": {"name": "one"}}));
        let (method, path, body) = match self.dice.below(8) {
            0 => ("GET", collection, None),
            1 => ("GET", format!("{collection}?fieldSelector=metadata.name%3Done"), None),
            2 => ("POST", format!("{collection}?dryRun=All"), body()),
            3 => ("PUT", format!("{collection}/one?dryRun=All"), body()),
            4 => ("DELETE", one, None),
            5 => ("DELETE", collection, None),
            6 => ("GET", format!("{one}/status"), None),
            _ => ("GET", one, None),
        };
        Ask { method, path, body, user }
    }
}

/// Questions about a token that an earlier answer told.
fn tokens(place: &str) -> Vec<Ask> {
    let admin = |path: &str, body: Value| Ask { method: "POST", path: path.to_owned(), body: Some(body), user: None };
    let review = |spec: Value| admin("/apis/authentication.k8s.io/v1/tokenreviews", json!({ "spec": spec }));
    let request = format!("/api/v1/namespaces/{place}/serviceaccounts/web/token");
    vec![
        admin(&request, json!({"spec": {"expirationSeconds": 1200}})),
        review(json!({"token": "{token:0}"})),
        review(json!({"token": "{token:0}", "audiences": ["elsewhere"]})),
        review(json!({"token": "{token:0}x"})),
        review(json!({"token": "not-a-token"})),
        admin(&request, json!({"spec": {"audiences": ["a", "b"]}})),
        review(json!({"token": "{token:5}"})),
        review(json!({"token": "{token:5}", "audiences": ["b", "c"]})),
        admin(&request, json!({"spec": {"expirationSeconds": 5}})),
        admin(&request, json!({"spec": {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "absent"}}})),
        admin(&request, json!({"spec": {"boundObjectRef": {"kind": "ConfigMap", "apiVersion": "v1", "name": "a"}}})),
    ]
}

async fn send(server: &Server, ask: &Ask, body: String) -> Value {
    let mut request = Request::builder().method(ask.method).uri(&ask.path).header("user-agent", "agreement/1");
    if let Some((user, groups)) = &ask.user {
        request = request.header("impersonate-user", user);
        for group in groups {
            request = request.header("impersonate-group", group);
        }
    }
    if ask.body.is_some() {
        request = request.header("content-type", "application/json");
    }
    let (code, bytes) = match server {
        Server::Simulated(server) => {
            let request = request.body(Bytes::from(body)).expect("a request");
            let (parts, body) = Router::new(server.clone()).handle(request).into_parts();
            (parts.status, body.into_bytes().expect("no watch"))
        }
        Server::Real(client) => {
            let request = request.body(kube::client::Body::from(body.into_bytes())).expect("a request");
            let (parts, body) = client.send(request).await.expect("the server answers").into_parts();
            (parts.status, body.collect().await.expect("a whole answer").to_bytes())
        }
    };
    let told: Value =
        serde_json::from_slice(&bytes).unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into_owned().into());
    json!({"code": code.as_u16(), "body": told})
}

async fn run(server: &Server, script: &Script) -> Vec<Value> {
    for ask in &script.given {
        send(server, ask, ask.body.as_ref().map(Value::to_string).unwrap_or_default()).await;
    }
    if matches!(server, Server::Real(_)) {
        tokio::time::sleep(HEARSAY).await;
    }
    let mut answers: Vec<Value> = Vec::new();
    for ask in &script.asked {
        let mut body = ask.body.as_ref().map(Value::to_string).unwrap_or_default();
        for (index, answer) in answers.iter().enumerate() {
            let token = answer["body"]["status"]["token"].as_str().unwrap_or_default();
            body = body.replace(&format!("{{token:{index}}}"), token);
        }
        answers.push(send(server, ask, body).await);
    }
    answers
}

/// What a server makes up beyond what all answers have: tokens, generated names, the order of rules.
fn settled(answers: &mut [Value]) {
    for answer in answers {
        let body = &mut answer["body"];
        // What is read of a token's request and its review is more than the token.
        if let Some(token) = body.pointer_mut("/status/token") {
            *token = "TOKEN".into();
        }
        if let Some(token) = body.pointer_mut("/spec/token") {
            *token = "TOKEN".into();
        }
        if let Some(fields) = body.get_mut("metadata").and_then(Value::as_object_mut) {
            fields.remove("managedFields");
            if fields.contains_key("generateName") {
                fields.insert("name".to_owned(), "NAME".into());
            }
        }
        for rules in ["resourceRules", "nonResourceRules"] {
            if let Some(rules) = body["status"].get_mut(rules).and_then(Value::as_array_mut) {
                rules.sort_by_key(ToString::to_string);
            }
        }
    }
}

/// Runs `count` scripts; how many differ.
pub(crate) async fn compare(real: &Server, seed: u64, count: u64) -> usize {
    let mut different = 0;
    for number in 0..count {
        let place = format!("who{seed}-{number}");
        let mut writer = Writer { dice: Dice::named(seed, "access", number), place: place.clone() };
        let mut script = writer.script();
        if number % 4 == 0 {
            script.asked = tokens(&place);
        }
        let ours = Server::Simulated(ApiServer::new(kubesim::Options {
            clock: Clock::manual("2026-01-01T00:00:00Z".parse().expect("a time")),
            bootstrap: true,
            authorization: Authorization::Rbac,
            ..kubesim::Options::default()
        }));
        let (mut one, mut two) = (run(&ours, &script).await, run(real, &script).await);
        settled(&mut one);
        settled(&mut two);
        let (one, two) = (normal::answers(&one), normal::answers(&two));
        let found: Vec<_> = one
            .iter()
            .zip(&two)
            .enumerate()
            .flat_map(|(step, (one, two))| normal::differences(one, two).into_iter().map(move |found| (step, found)))
            .collect();
        if found.is_empty() {
            continue;
        }
        different += 1;
        println!("access script {number}");
        for (step, difference) in found.iter().take(6) {
            let Ask { method, path, body, user } = &script.asked[*step];
            let body = body.as_ref().map(Value::to_string).unwrap_or_default();
            println!("  {step}: {method} {path} {body} as {:?}\n    {difference}", user.as_ref().map(|(name, _)| name));
        }
    }
    println!("agreement: {count} scripts about access, {different} with differences");
    different
}
