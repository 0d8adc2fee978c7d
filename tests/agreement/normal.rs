//! Answers in a form that two servers can share: what a server makes up is named by the order in which it appeared.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

static TIME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z").expect("a pattern"));
static RECORD: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"in record \(\d+\)|ResourceVersion in object meta: \d+").expect("a pattern"));
static UID: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").expect("a pattern"));
/// The certificate by which the caller is known.
static CERTIFICATE: LazyLock<Regex> = LazyLock::new(|| Regex::new("X509SHA256=[0-9a-f]{64}").expect("a pattern"));
static AGE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^(\d+[dhms])+$").expect("a pattern"));

/// An address of a service: of the range of the server, or of one that another script gave it.
static ADDRESS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b(10\.(96|[129])|172\.2[12])\.\d+\.\d+\b").expect("a pattern"));
/// A port of a service on nodes, in a cell of a table.
static NODE_PORT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(\d+:)(3\d{4})(/[A-Z]+)").expect("a pattern"));

/// The names of what was made up so far.
#[derive(Default)]
struct Names {
    uids: BTreeMap<String, usize>,
    versions: BTreeMap<String, usize>,
}

/// The name of something made up, by the order of its appearance.
fn named(what: &str, known: &mut BTreeMap<String, usize>, text: &str) -> String {
    let next = known.len();
    format!("{what}-{}", known.entry(text.to_owned()).or_insert(next))
}

/// The answers of a script, normalised.
pub(crate) fn answers(answers: &[Value]) -> Vec<Value> {
    let mut names = Names::default();
    answers.iter().map(|answer| names.value("", &settled(answer))).collect()
}

/// The answer without what a real server writes of a definition on its way out after the first time: it tries as often as it needs.
fn settled(answer: &Value) -> Value {
    const FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";
    let mut answer = answer.clone();
    let mut going = BTreeSet::new();
    if let Some(events) = answer.get_mut("events").and_then(Value::as_array_mut) {
        events.retain(|event| {
            let object = event["object"]["rows"].get(0).map_or(&event["object"], |row| &row["object"]);
            let metadata = &object["metadata"];
            let held =
                metadata["finalizers"].as_array().is_some_and(|names| names.iter().any(|name| name == FINALIZER));
            event["type"] != "MODIFIED" || !held || going.insert(metadata["uid"].to_string())
        });
    }
    answer
}

impl Names {
    fn value(&mut self, key: &str, value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                let list = map.contains_key("items") || map.get("rows").is_some();
                let mut read = Map::new();
                for (name, inner) in map {
                    // The version of a list is that of everything, which other scripts move.
                    if list && name == "metadata" {
                        let mut metadata = inner.clone();
                        metadata["resourceVersion"] = "LIST".into();
                        // Of custom resources an empty token is written or not, as the cache or the storage answers.
                        match metadata.get("continue").and_then(Value::as_str) {
                            Some("") => drop(metadata.as_object_mut().map(|fields| fields.remove("continue"))),
                            Some(_) => metadata["continue"] = "TOKEN".into(),
                            None => {}
                        }
                        read.insert(name.clone(), metadata);
                        continue;
                    }
                    read.insert(name.clone(), self.value(name, inner));
                }
                in_any_order(&mut read);
                Value::Object(read)
            }
            Value::Array(list) => {
                let mut read: Vec<Value> = list.iter().map(|inner| self.value(key, inner)).collect();
                if ["resourceRules", "nonResourceRules"].contains(&key) {
                    // A real server finds the bindings in any order.
                    read.sort_by_key(ToString::to_string);
                }
                if key == "managedFields" {
                    // They are in the order of their times, which the real clock makes.
                    read.sort_by_key(ToString::to_string);
                }
                Value::Array(read)
            }
            Value::String(text) if key == "resourceVersion" => named("VERSION", &mut self.versions, text).into(),
            Value::Number(port)
                if ["nodePort", "healthCheckNodePort"].contains(&key)
                    && port.as_i64().is_some_and(|port| port >= 30_000) =>
            {
                "PORT".into()
            }
            Value::String(text) if key == "cells" && AGE.is_match(text) => "AGE".into(),
            Value::String(text) => {
                let text = RECORD.replace_all(text, "in record (VERSION)");
                let text = TIME.replace_all(&text, "TIME");
                let text = CERTIFICATE.replace_all(&text, "X509SHA256=CERTIFICATE");
                let text = UID
                    .replace_all(&text, |found: &regex::Captures<'_>| named("UID", &mut self.uids, &found[0]))
                    .into_owned();
                // Which one is chance, and whether one that was freed comes again.
                let text = ADDRESS.replace_all(&text, "ADDRESS").into_owned();
                let text = NODE_PORT.replace_all(&text, "${1}PORT$3");
                text.into_owned().into()
            }
            other => other.clone(),
        }
    }
}

/// Conflicts of an apply sorted: a real server finds them in any order.
fn in_any_order(status: &mut Map<String, Value>) {
    let Some(message) =
        status.get("message").and_then(Value::as_str).filter(|text| text.starts_with("Apply failed with"))
    else {
        return;
    };
    let mut lines: Vec<&str> = message.split(['\n', ' ']).collect();
    lines.sort_unstable();
    let sorted = lines.join(" ");
    status.insert("message".to_owned(), sorted.into());
    if let Some(causes) = status.get_mut("details").and_then(|details| details["causes"].as_array_mut()) {
        causes.sort_by_key(ToString::to_string);
    }
}

/// What differs between two values, one line a place, path first.
pub(crate) fn differences(ours: &Value, theirs: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk("", ours, theirs, &mut found);
    found
}

fn walk(path: &str, ours: &Value, theirs: &Value, found: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(one), Value::Object(two)) => {
            for (key, value) in one {
                match two.get(key) {
                    Some(other) => walk(&format!("{path}.{key}"), value, other, found),
                    None => found.push(format!("{path}.{key} is only the simulator's: {value}")),
                }
            }
            for (key, value) in two.iter().filter(|(key, _)| !one.contains_key(*key)) {
                found.push(format!("{path}.{key} is only the real server's: {value}"));
            }
        }
        (Value::Array(one), Value::Array(two)) if one.len() == two.len() => {
            for (index, (value, other)) in one.iter().zip(two).enumerate() {
                walk(&format!("{path}[{index}]"), value, other, found);
            }
        }
        _ if ours == theirs => {}
        _ => found.push(format!("{path} simulator {ours} real {theirs}")),
    }
}
