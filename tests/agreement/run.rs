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

/// Where a script runs.
pub(crate) enum Server {
    Simulated(ApiServer),
    Real(Client),
}

impl Server {
    /// What scripts need to be there: the definition of their custom resource.
    pub(crate) async fn prepare(&self) {
        let step = Step {
            what: "prepare",
            method: "POST",
            path: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions".to_owned(),
            content_type: "application/json",
            accept: None,
            body: kinds::definition().to_string(),
            until: None,
        };
        self.ask(&step, &step.body, &step.path).await;
        // The first create of a new kind is held back for two seconds; until then the path may not be served.
        let step =
            Step { method: "GET", path: "/apis/agree.example.com/v1/things".to_owned(), body: String::new(), ..step };
        while self.ask(&step, "", &step.path).await["code"] != 200 {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
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
            answers.push(answer);
        }
        answers
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
