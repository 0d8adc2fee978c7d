//! The 132 recorded answers of a real kube-apiserver 1.36, replayed in order on the simulator.
//!
//! The request goes through the in-process service; the actors settle after each, as the controllers of the recorded
//! cluster did between requests. Status, headers and body must agree up to what no two servers have in common (see
//! `compare`). The owners of fields are compared but for [`OTHER_OWNERS`].
//!
//! Exchange 18 was asked again of a real server: in the first recording its answer held what the recorder itself changed later.

mod compare;

use std::io::Read;

use bytes::Bytes;
use compare::{Names, differences};
use flate2::read::GzDecoder;
use http::Request;
use http_body_util::{BodyExt, Full};
use kubesim::actors::Actors;
use kubesim::{ApiServer, Clock, Options};
use serde_json::Value;
use tower_service::Service;

const TRANSCRIPT: &[u8] = include_bytes!("../data/transcript.json.gz");

/// Exchanges whose `managedFields` are not compared, and why.
const OTHER_OWNERS: &[(&[usize], &str)] = &[
    (&[93, 94, 103], "the recorded node was played by kwok, with conditions and addresses of its own"),
    (&[125], "a request for a token is answered without owners"),
];

/// After these the actors hold still: the next request was faster than the recorded cluster's controllers.
const AT_ONCE: [usize; 6] = [85, 86, 87, 88, 122, 123];

fn transcript() -> Vec<Value> {
    let mut text = String::new();
    GzDecoder::new(TRANSCRIPT).read_to_string(&mut text).expect("the transcript is gzip of text");
    serde_json::from_str(&text).expect("the transcript is JSON")
}

fn request(recorded: &Value, names: &Names) -> Request<Full<Bytes>> {
    let path = names.translate_path(recorded["path"].as_str().expect("a path"));
    let mut request = Request::builder().method(recorded["method"].as_str().expect("a method")).uri(path);
    for (header, key) in [("accept", "accept"), ("content-type", "contentType")] {
        if let Some(value) = recorded[key].as_str() {
            request = request.header(header, value);
        }
    }
    let body = match &recorded["body"] {
        Value::Null => Bytes::new(),
        Value::String(text) => names.translate(text).into(),
        body => names.translate_body(body).to_string().into(),
    };
    request.body(Full::new(body)).expect("a recorded request is one")
}

/// The body as it was recorded: JSON, a list of JSON lines for a watch, or text.
fn parse(recorded: &Value, body: &Bytes) -> Value {
    let text = String::from_utf8_lossy(body);
    let json = if recorded.is_array() {
        text.lines().map(serde_json::from_str::<Value>).collect::<Result<Value, _>>()
    } else {
        serde_json::from_str(&text)
    };
    match json {
        Ok(json) if !recorded.is_string() => json,
        _ => text.into_owned().into(),
    }
}

/// Replays everything; what differs in each exchange.
async fn replay() -> Vec<Vec<String>> {
    let start = "2026-11-22T23:16:47Z".parse().expect("a valid time");
    let server = ApiServer::new(Options { bootstrap: true, clock: Clock::tokio(start), ..Options::default() });
    let mut actors = Actors::all(&server);
    actors.settle();
    let mut service = server.service();
    let mut names = Names::default();
    let mut found = Vec::new();
    for (number, exchange) in transcript().iter().enumerate() {
        let answer = &exchange["answer"];
        let response = service.call(request(&exchange["request"], &names)).await.expect("the service does not fail");
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a body without errors").to_bytes();
        let mut wrong = Vec::new();
        if answer["status"] != head.status.as_u16() {
            wrong.push(format!("status: {} ≠ {}", answer["status"], head.status.as_u16()));
        }
        for header in ["Content-Type", "Warning", "Retry-After"] {
            let ours = head.headers.get(header).and_then(|value| value.to_str().ok());
            if answer["headers"][header].as_str() != ours {
                wrong.push(format!("{header}: {} ≠ {ours:?}", answer["headers"][header]));
            }
        }
        wrong.extend(differences(&answer["body"], &parse(&answer["body"], &body), &mut names));
        if OTHER_OWNERS.iter().any(|(numbers, _)| numbers.contains(&number)) {
            wrong.retain(|line| !line.contains(".managedFields"));
        }
        found.push(wrong);
        if !AT_ONCE.contains(&number) {
            actors.settle();
        }
    }
    found
}

#[tokio::test(start_paused = true)]
async fn the_simulator_answers_as_a_real_server_did() {
    let found = replay().await;
    let notes: Vec<Value> = transcript().into_iter().map(|exchange| exchange["note"].clone()).collect();
    let wrong = found.iter().zip(&notes).enumerate().filter(|(_, (wrong, _))| !wrong.is_empty());
    let report: Vec<String> =
        wrong.map(|(number, (wrong, note))| format!("{number} {note}:\n    {}", wrong.join("\n    "))).collect();
    assert!(report.is_empty(), "{} of {} differ\n{}", report.len(), found.len(), report.join("\n"));
    assert_eq!(found.len(), 132);
}
