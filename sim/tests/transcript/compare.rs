//! Compares an answer with the recorded one, up to what no two servers have in common.
//!
//! Mapped one to one, consistently over the whole transcript: uids, revisions, continue tokens, generated names and
//! hashes, allocated addresses. Not compared: times and ages, tokens and the certificate of the cluster.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// The alphabet of generated names and hashes.
const GENERATED: &str = "bcdfghjklmnpqrstvwxz2456789";

/// What the recorded values are called here. Revisions are kept apart: they are numbers and would be found in any text.
#[derive(Debug, Default)]
pub(crate) struct Names {
    forth: BTreeMap<String, String>,
    back: BTreeMap<String, String>,
    revisions: BTreeMap<String, String>,
    /// When the object of a uid was created here.
    created: BTreeMap<String, String>,
}

impl Names {
    /// The recorded text in the words of this run: uids, names, addresses.
    pub(crate) fn translate(&self, text: &str) -> String {
        self.forth.iter().fold(text.to_owned(), |text, (recorded, ours)| text.replace(recorded, ours))
    }

    /// The path of a recorded request in the words of this run.
    pub(crate) fn translate_path(&self, path: &str) -> String {
        let Some((path, query)) = path.split_once('?') else { return self.translate(path) };
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            Some(("resourceVersion", revision)) => format!("resourceVersion={}", self.revision(revision)),
            Some(("continue", token)) => format!("continue={}", self.token(token)),
            _ => self.translate(pair),
        });
        format!("{}?{}", self.translate(path), pairs.collect::<Vec<_>>().join("&"))
    }

    /// The body of a recorded request in the words of this run.
    pub(crate) fn translate_body(&self, body: &Value) -> Value {
        match body {
            Value::String(text) => self.translate(text).into(),
            Value::Array(list) => list.iter().map(|item| self.translate_body(item)).collect(),
            Value::Object(map) => {
                let uid = map.get("uid").and_then(Value::as_str).map(|uid| self.translate(uid));
                let created = uid.and_then(|uid| self.created.get(&uid));
                map.iter()
                    .map(|(key, value)| match (key.as_str(), value) {
                        ("resourceVersion", Value::String(text)) => (key.clone(), self.revision(text).into()),
                        ("creationTimestamp", _) if created.is_some() => (key.clone(), created.cloned().into()),
                        _ => (key.clone(), self.translate_body(value)),
                    })
                    .collect()
            }
            other => other.clone(),
        }
    }

    fn revision(&self, recorded: &str) -> String {
        self.revisions.get(recorded).map_or_else(|| recorded.to_owned(), Clone::clone)
    }

    /// A continue token with our revision and names; one that is none stays.
    fn token(&self, recorded: &str) -> String {
        let Some(mut token) = decode(recorded) else { return recorded.to_owned() };
        if let Some(revision) = token["rv"].as_u64() {
            token["rv"] = self.revision(&revision.to_string()).parse::<u64>().expect("a revision is a number").into();
        }
        let start = token["start"].as_str().map(|start| self.translate(start));
        token["start"] = start.into();
        URL_SAFE_NO_PAD.encode(token.to_string())
    }

    /// Notes that `recorded` is called `ours`; whether nothing else is, and nothing else is called so.
    fn learn(&mut self, recorded: &str, ours: &str) -> bool {
        let known = self.forth.entry(recorded.to_owned()).or_insert_with(|| ours.to_owned());
        let back = self.back.entry(ours.to_owned()).or_insert_with(|| recorded.to_owned());
        known == ours && back == recorded
    }

    fn learn_creation(&mut self, ours: &Value) {
        if let (Some(uid), Some(time)) = (ours["uid"].as_str(), ours["creationTimestamp"].as_str()) {
            self.created.insert(uid.to_owned(), time.to_owned());
        }
    }

    fn learn_revision(&mut self, recorded: &str, ours: &str) -> bool {
        let numbers = |text: &str| text.parse::<u64>().is_ok();
        // Of a list the revision may move while other things of the cluster are written: the last one counts.
        self.revisions.insert(recorded.to_owned(), ours.to_owned());
        numbers(recorded) && numbers(ours)
    }
}

fn decode(token: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token).ok()?).ok()
}

/// What differs, as `path: recorded ≠ ours` lines; learns the names on the way.
pub(crate) fn differences(recorded: &Value, ours: &Value, names: &mut Names) -> Vec<String> {
    let mut found = Vec::new();
    walk("", recorded, ours, names, &mut found);
    found
}

fn walk(path: &str, recorded: &Value, ours: &Value, names: &mut Names, found: &mut Vec<String>) {
    match (recorded, ours) {
        (Value::Object(recorded), Value::Object(ours)) => walk_maps(path, recorded, ours, names, found),
        (Value::Array(recorded), Value::Array(ours)) if recorded.len() == ours.len() => {
            for (place, (recorded, ours)) in recorded.iter().zip(ours).enumerate() {
                walk(&format!("{path}[{place}]"), recorded, ours, names, found);
            }
        }
        (Value::String(recorded), Value::String(ours)) => {
            if !same_text(path, recorded, ours, names) {
                found.push(format!("{path}: {recorded:?} ≠ {ours:?}"));
            }
        }
        (recorded, ours) if recorded == ours => {}
        (Value::Array(recorded), Value::Array(ours)) => {
            found.push(format!("{path}: {} items ≠ {} items: {}", recorded.len(), ours.len(), outline(ours)));
        }
        (recorded, ours) => found.push(format!("{path}: {} ≠ {}", short(recorded), short(ours))),
    }
}

fn walk_maps(
    path: &str,
    recorded: &Map<String, Value>,
    ours: &Map<String, Value>,
    names: &mut Names,
    found: &mut Vec<String>,
) {
    let ignored = |key: &str| key == "ca.crt" || (path == ".status" && key == "token");
    if let Some(metadata) = ours.get("metadata") {
        names.learn_creation(metadata);
    }
    // Metadata first: the names that it teaches are in the rest.
    let mut keys: Vec<&String> = recorded.keys().filter(|key| !ignored(key)).collect();
    keys.sort_by_key(|key| *key != "metadata");
    for key in keys {
        match ours.get(key) {
            Some(ours) => walk(&format!("{path}.{key}"), &recorded[key], ours, names, found),
            None => found.push(format!("{path}.{key}: {} is missing", short(&recorded[key]))),
        }
    }
    for (key, value) in ours.iter().filter(|(key, _)| !ignored(key) && !recorded.contains_key(*key)) {
        found.push(format!("{path}.{key}: {} is too much", short(value)));
    }
}

fn same_text(path: &str, recorded: &str, ours: &str, names: &mut Names) -> bool {
    if recorded == ours && path.rsplit('.').next() != Some("resourceVersion") {
        return true;
    }
    // How many states of a Deployment its controller got to see depends on how fast it was.
    if path.ends_with(".deployment.kubernetes.io/revision") {
        return recorded.parse::<u64>().is_ok() && ours.parse::<u64>().is_ok();
    }
    match path.rsplit('.').next().unwrap_or_default() {
        "resourceVersion" => return names.learn_revision(recorded, ours),
        "continue" => {
            return match (decode(recorded), decode(ours)) {
                (Some(recorded), Some(ours)) => {
                    recorded["v"] == ours["v"]
                        && names.translate(recorded["start"].as_str().unwrap_or_default())
                            == ours["start"].as_str().unwrap_or_default()
                        && Some(names.revision(&recorded["rv"].to_string()))
                            == ours["rv"].as_u64().map(|revision| revision.to_string())
                }
                _ => false,
            };
        }
        _ => {}
    }
    if (is_time(recorded) && is_time(ours)) || (is_age(path, recorded) && is_age(path, ours)) {
        return true;
    }
    let alike = (is_uid(recorded) && is_uid(ours))
        || (is_address(recorded) && is_address(ours))
        || (stem(recorded).is_some() && stem(recorded) == stem(ours));
    if alike {
        return names.learn(recorded, ours);
    }
    without_revision(&names.translate(recorded)) == without_revision(ours)
}

fn is_time(text: &str) -> bool {
    text.parse::<jiff::Timestamp>().is_ok()
}

/// A cell of a table like `5s`.
fn is_age(path: &str, text: &str) -> bool {
    let number = text.trim_end_matches(['s', 'm', 'h', 'd']);
    path.contains(".cells[") && number.len() + 1 == text.len() && number.parse::<u64>().is_ok()
}

fn is_uid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// An address that the cluster gave: of its service or its pod network.
fn is_address(text: &str) -> bool {
    text.starts_with("10.") && text.parse::<std::net::Ipv4Addr>().is_ok()
}

/// A generated name (`web-`, then a hash or five letters, or both) without what is generated.
fn stem(text: &str) -> Option<&str> {
    let generated = |part: &str| matches!(part.len(), 5..=10) && part.chars().all(|letter| GENERATED.contains(letter));
    let text = text.strip_suffix('-').unwrap_or(text);
    let (mut rest, last) = text.rsplit_once('-').unwrap_or(("", text));
    if !generated(last) {
        return None;
    }
    if let Some((front, part)) = rest.rsplit_once('-')
        && generated(part)
        && part.len() > 5
    {
        rest = front;
    }
    Some(rest)
}

/// A message without the revisions in it: where the server is, and where an object is.
fn without_revision(text: &str) -> String {
    let mut text = text.to_owned();
    for mark in ["current: ", "in record ("] {
        if let Some((front, rest)) = text.split_once(mark) {
            let rest = rest.trim_start_matches(|letter: char| letter.is_ascii_digit());
            text = format!("{front}{mark}N{rest}");
        }
    }
    text
}

/// The items of a list or a watch by name.
fn outline(items: &[Value]) -> String {
    let names = items.iter().map(|item| {
        let object = item.get("object").unwrap_or(item);
        let kind = item.get("type").and_then(Value::as_str).unwrap_or_default();
        format!("{kind} {}", object["metadata"]["name"].as_str().unwrap_or("?"))
    });
    names.collect::<Vec<_>>().join(", ")
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(160) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
