//! Running a script on either server.

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt as _;
use kube::Client;
use kubesim::ApiServer;
use kubesim::http::Router;
use serde_json::{Value, json};

use crate::kinds;
use crate::script::{Script, Step};

/// How long the end of a watch is waited for.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// How often it is looked whether a server has settled, and how long it has to stay so.
const SETTLE_TRIES: usize = 200;
const SETTLE_PAUSE: std::time::Duration = std::time::Duration::from_millis(60);

/// Where a script runs.
pub(crate) enum Server {
    Simulated(ApiServer),
    Real(Client),
}

impl Server {
    /// What scripts need to be there: the definitions of their custom resources.
    pub(crate) async fn prepare(&self) {
        let definitions = kinds::definitions();
        let step = |method, path: String, body: String| Step {
            what: "prepare",
            method,
            path,
            content_type: "application/json",
            accept: None,
            body,
            until: None,
        };
        for definition in &definitions {
            let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions".to_owned();
            let step = step("POST", path, definition.to_string());
            let answer = self.ask(&step, &step.body, &step.path).await;
            assert_eq!(answer["code"], 201, "{definition}: {answer}");
        }
        for definition in &definitions {
            let word =
                |pointer: &str| definition.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
            let (group, plural) = (word("/spec/group"), word("/spec/names/plural"));
            // The first create of a new kind is held back for two seconds; until then the path may not be served.
            let step = step("GET", format!("/apis/{group}/v1/{plural}"), String::new());
            while self.ask(&step, "", &step.path).await["code"] != 200 {
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            }
        }
    }

    /// The answers to all steps.
    pub(crate) async fn run(&self, script: &Script) -> Vec<Value> {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": script.place}});
        let step = Step {
            what: "prepare",
            method: "POST",
            path: "/api/v1/namespaces".to_owned(),
            content_type: "application/json",
            accept: None,
            body: namespace.to_string(),
            until: None,
        };
        let begun = self.ask(&step, &step.body, &step.path).await;
        let start = begun["body"]["metadata"]["resourceVersion"].as_str().unwrap_or("0").to_owned();
        let mut answers: Vec<Value> = Vec::new();
        for step in &script.steps {
            let body = filled(&step.body, &answers);
            let path = filled(&step.path, &answers).replace("{rv:start}", &start);
            let last = answers.last().is_some_and(|answer| answer["code"] == 201);
            let answer = match &step.until {
                Some(_) if !last => json!({"code": 0}),
                Some(name) => self.watch(step, &path, name).await,
                None => self.ask(step, &body, &path).await,
            };
            if step.method != "GET" && answer["code"].as_u64().is_some_and(|code| code < 300) {
                self.settle(&path, &answer).await;
            }
            answers.push(answer);
        }
        answers
    }

    /// Waits for what a real server does by itself after a write, a moment later: definitions are accepted and established, or go; local
    /// API services become available. The simulator does it at once.
    async fn settle(&self, path: &str, answer: &Value) {
        let ready: fn(&Value) -> bool = match path {
            path if path.contains("/customresourcedefinitions") => is_established,
            path if path.contains("/apiservices") => is_available,
            _ => return,
        };
        let collection = path.split('?').next().unwrap_or_default();
        let (collection, rest) = match collection.split_once("/v1/") {
            Some((root, rest)) => {
                let (plural, rest) = rest.split_once('/').unwrap_or((rest, ""));
                (format!("{root}/v1/{plural}"), rest)
            }
            None => return,
        };
        let named = rest.split('/').next().unwrap_or_default();
        let created = answer["body"]["metadata"]["name"].as_str().unwrap_or_default();
        let deleted = answer["body"]["items"].as_array().into_iter().flatten();
        let mut names: Vec<&str> = deleted.filter_map(|object| object["metadata"]["name"].as_str()).collect();
        names.push(if named.is_empty() { created } else { named });
        for name in names.into_iter().filter(|name| !name.is_empty()) {
            let step = Step {
                what: "settle",
                method: "GET",
                path: format!("{collection}/{name}"),
                content_type: "application/json",
                accept: None,
                body: String::new(),
                until: None,
            };
            let mut last = Value::Null;
            for _ in 0..SETTLE_TRIES {
                let now = self.ask(&step, "", &step.path).await;
                let version = now["body"]["metadata"]["resourceVersion"].clone();
                // What is ready may still be on its way to something else: it has to stay as it is for a moment.
                if now["code"] != 200 || (ready(&now["body"]) && version == last) {
                    break;
                }
                last = version;
                if matches!(self, Self::Real(_)) {
                    tokio::time::sleep(SETTLE_PAUSE).await;
                }
            }
        }
    }

    /// The events of a watch until one of an object of this name; an error is the whole answer.
    async fn watch(&self, step: &Step, path: &str, name: &str) -> Value {
        let request = Request::builder().method(step.method).uri(path).header("user-agent", "agreement/1");
        let request = request.header("accept", step.accept.unwrap_or("application/json"));
        let (parts, body) = match self {
            Self::Simulated(server) => {
                let request = request.body(Bytes::new()).expect("a request");
                let (parts, body) = Router::new(server.clone()).handle(request).into_parts();
                (parts, body.map_err(|error| error.to_string()).boxed_unsync())
            }
            Self::Real(client) => {
                let request = request.body(kube::client::Body::empty()).expect("a request");
                let (parts, body) = client.send(request).await.expect("the server answers").into_parts();
                (parts, body.map_err(|error| error.to_string()).boxed_unsync())
            }
        };
        let mut lines = Vec::new();
        let mut rest = Vec::new();
        let mut body = body;
        let reading = async {
            while let Some(Ok(frame)) = body.frame().await {
                rest.extend_from_slice(&frame.into_data().unwrap_or_default());
                while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = rest.drain(..=end).collect();
                    let event: Value = serde_json::from_slice(&line).expect("a line of a watch is JSON");
                    let object = event["object"]["rows"].get(0).map_or(&event["object"], |row| &row["object"]);
                    let last = event["type"] == "ADDED" && object["metadata"]["name"] == name;
                    if event["type"] != "BOOKMARK" {
                        lines.push(event);
                    }
                    if last {
                        return;
                    }
                }
            }
        };
        // A real server may be late; the end of the script is then a difference.
        let _ = tokio::time::timeout(PATIENCE, reading).await;
        if parts.status.is_success() {
            json!({"code": 200, "events": lines})
        } else {
            json!({"code": parts.status.as_u16(), "body": serde_json::from_slice::<Value>(&rest).unwrap_or_default()})
        }
    }

    async fn ask(&self, step: &Step, body: &str, path: &str) -> Value {
        let mut request = Request::builder().method(step.method).uri(path).header("user-agent", "agreement/1");
        if !step.body.is_empty() || step.method == "POST" {
            request = request.header("content-type", step.content_type);
        }
        request = request.header("accept", step.accept.unwrap_or("application/json"));
        let (parts, bytes) = match self {
            Self::Simulated(server) => {
                let request = request.body(Bytes::from(body.to_owned())).expect("a request");
                let (parts, body) = Router::new(server.clone()).handle(request).into_parts();
                (parts, body.into_bytes().expect("no watch"))
            }
            Self::Real(client) => {
                let request = request.body(kube::client::Body::from(body.as_bytes().to_vec())).expect("a request");
                let (parts, body) = client.send(request).await.expect("the server answers").into_parts();
                (parts, body.collect().await.expect("a whole answer").to_bytes())
            }
        };
        let warnings: Vec<Value> = parts
            .headers
            .get_all("warning")
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned().into())
            .collect();
        let told: Value =
            serde_json::from_slice(&bytes).unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into_owned().into());
        json!({"code": parts.status.as_u16(), "warnings": warnings, "body": told})
    }
}

fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    let mut conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    conditions.find(|condition| condition["type"] == kind).unwrap_or(&Value::Null)
}

/// Whether a definition is served, or refused for good, or waits for somebody else's finalizer.
fn is_established(definition: &Value) -> bool {
    if definition["metadata"]["deletionTimestamp"].is_string() {
        let mut finalizers = definition["metadata"]["finalizers"].as_array().into_iter().flatten();
        return finalizers.all(|name| name != "customresourcecleanup.apiextensions.k8s.io");
    }
    let (accepted, established) = (condition(definition, "NamesAccepted"), condition(definition, "Established"));
    accepted["status"] == "False" && established["status"].is_string()
        || established["status"] == "True" && definition["status"]["acceptedNames"] == definition["spec"]["names"]
        || established["reason"] == "InvalidCABundle"
}

/// Whether an API service is available, or not for the server to say.
fn is_available(service: &Value) -> bool {
    let condition = condition(service, "Available");
    service["spec"]["service"].is_object() || condition["status"] == "True" && condition["reason"] == "Local"
}

/// The text with what earlier answers told.
fn filled(text: &str, answers: &[Value]) -> String {
    let mut filled = text.to_owned();
    for (word, key) in [("rv", "resourceVersion"), ("uid", "uid"), ("continue", "continue")] {
        for (index, answer) in answers.iter().enumerate() {
            // The version of a list is that of everything, which other scripts move.
            let list = answer["body"].get("items").is_some() || answer["body"].get("rows").is_some();
            let told = answer["body"]["metadata"][key].as_str().filter(|_| !list || word == "continue");
            let told = told.unwrap_or(if word == "continue" { "" } else { "1" });
            filled = filled.replace(&format!("{{{word}:{index}}}"), told);
        }
    }
    filled
}
