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
        };
        self.ask(&step, &step.body, &step.path).await;
        let mut answers: Vec<Value> = Vec::new();
        for step in &script.steps {
            let body = filled(&step.body, &answers);
            let path = filled(&step.path, &answers);
            let answer = self.ask(step, &body, &path).await;
            answers.push(answer);
        }
        answers
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
    for (word, key) in [("rv", "resourceVersion"), ("uid", "uid")] {
        for (index, answer) in answers.iter().enumerate() {
            // The version of a list is that of everything, which other scripts move.
            let list = answer["body"].get("items").is_some() || answer["body"].get("rows").is_some();
            let told = answer["body"]["metadata"][key].as_str().filter(|_| !list).unwrap_or("1");
            filled = filled.replace(&format!("{{{word}:{index}}}"), told);
        }
    }
    filled
}
