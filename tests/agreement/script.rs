//! Scripts: what is asked, in which order, from a seed.

use std::fmt;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::kinds::{self, Kind};

/// One request. `{rv:N}`, `{uid:N}` and `{continue:N}` in its text stand for what answer N told, `{rv:start}` for the revision at which the
/// script began.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// A word for reports.
    pub(crate) what: &'static str,
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) content_type: &'static str,
    pub(crate) accept: Option<&'static str>,
    pub(crate) body: String,
    /// A watch is read until an object of this name appears.
    pub(crate) until: Option<String>,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.what, self.method, self.path, self.body)
    }
}

/// A list of requests about objects of one kind.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) number: u64,
    pub(crate) kind: &'static str,
    /// Its namespace; cluster-scoped names begin with it.
    pub(crate) place: String,
    pub(crate) steps: Vec<Step>,
}

const JSON: &str = "application/json";
const JSON_PATCH: &str = "application/json-patch+json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
const METADATA: &str = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json";
const METADATA_LIST: &str = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json";

/// The choices of one script.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    /// The choices of a kind's script: those of other kinds are independent of them.
    fn new(seed: u64, kind: &Kind, round: u64) -> Self {
        Self::named(seed, &format!("{} {}", kind.api_version, kind.kind), round)
    }

    /// The choices of a script of something that has this name.
    pub(crate) fn named(seed: u64, named: &str, round: u64) -> Self {
        // FNV-1a: the same on every platform.
        let hash = named
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let mut bytes = [0; 32];
        for (place, number) in bytes.chunks_exact_mut(8).zip([seed, round, hash]) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(bytes))
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0.next_u32() as usize % end.max(1)
    }

    /// One of these.
    pub(crate) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// True once in `times`.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

struct Writer<'a> {
    kind: &'a Kind,
    place: &'a str,
    dice: Dice,
    steps: Vec<Step>,
    /// Steps whose answer may tell versions.
    told: Vec<usize>,
}

impl Script {
    pub(crate) fn generate(seed: u64, number: u64) -> Self {
        let all = kinds::all();
        let (kind, round) = (all[number as usize % all.len()], number / all.len() as u64);
        let place = format!("a{seed}-{number}");
        let dice = Dice::new(seed, kind, round);
        let mut writer = Writer { kind, place: &place, dice, steps: Vec::new(), told: Vec::new() };
        let length = 6 + writer.dice.below(9);
        writer.create();
        while writer.steps.len() < length {
            if kind.question {
                writer.create();
            } else {
                writer.step();
            }
        }
        if !kind.question && writer.dice.once_in(4) {
            writer.watch();
        }
        let steps = writer.steps;
        Self { number, kind: kind.kind, place, steps }
    }
}

impl Writer<'_> {
    fn collection(&self) -> String {
        self.kind.collection(self.place)
    }

    fn name(&mut self) -> String {
        let word = *self.dice.one(&["one", "two", "three"]);
        self.named(word)
    }

    /// The whole name of an object; those of cluster-scoped ones are of their script.
    fn named(&self, word: &str) -> String {
        match self.kind.name {
            Some(name) => name(self.place, word),
            None if self.kind.namespaced => word.to_owned(),
            None => format!("{}-{word}", self.place),
        }
    }

    /// A query that selects objects of this script only, of which there may be others in the cluster.
    fn selected(&self, query: &str) -> String {
        if self.kind.namespaced {
            return if query.is_empty() { String::new() } else { format!("?{query}") };
        }
        let mine = format!("script%3D{}", self.place);
        match query.split_once("labelSelector=") {
            Some((before, rest)) => format!("?{before}labelSelector={mine},{rest}"),
            None if query.is_empty() => format!("?labelSelector={mine}"),
            None => format!("?{query}&labelSelector={mine}"),
        }
    }

    fn object(&mut self, name: &str) -> Value {
        let mut object = (self.kind.variant)(&mut self.dice, name);
        object["apiVersion"] = self.kind.api_version.into();
        object["kind"] = self.kind.kind.into();
        object["metadata"] = json!({"name": name});
        if self.kind.question && !self.dice.once_in(4) {
            // A question is about no object of its own, and some must not say that they are.
            object["metadata"] = json!({});
            return object;
        }
        if self.dice.once_in(2) {
            object["metadata"]["labels"] = json!({"app": *self.dice.one(&["a", "b"]), "tier": "x"});
        }
        if !self.kind.namespaced && !self.kind.question {
            object["metadata"]["labels"]["script"] = self.place.into();
        }
        if self.dice.once_in(4) {
            object["metadata"]["annotations"] = json!({"note": "some text"});
        }
        object
    }

    fn push(
        &mut self,
        what: &'static str,
        method: &'static str,
        path: String,
        content_type: &'static str,
        body: String,
    ) {
        self.told.push(self.steps.len());
        let body = body.replace("{place}", self.place);
        self.steps.push(Step { what, method, path, content_type, accept: None, body, until: None });
    }

    fn options(&mut self, more: &[&str]) -> String {
        let mut options: Vec<String> = more.iter().map(|&option| option.to_owned()).collect();
        if self.dice.once_in(6) {
            options.push("dryRun=All".to_owned());
        }
        if self.dice.once_in(3) {
            options.push(format!("fieldManager={}", self.dice.one(&["ada", "bob"])));
        }
        if self.dice.once_in(5) {
            options.push(format!("fieldValidation={}", self.dice.one(&["Strict", "Ignore", "Warn"])));
        }
        if options.is_empty() { String::new() } else { format!("?{}", options.join("&")) }
    }

    fn create(&mut self) {
        let name = self.name();
        let mut object = self.object(&name);
        if self.dice.once_in(3) {
            self.poison(&mut object);
        }
        let path = format!("{}{}", self.collection(), self.options(&[]));
        self.push("create", "POST", path, JSON, object.to_string());
    }

    /// One thing is made wrong, or odd.
    fn poison(&mut self, object: &mut Value) {
        // A kind's own poisons are half of what is tried, however few they are.
        let poisons = match self.kind.poisons {
            [] => kinds::EVERYWHERE,
            own if self.dice.once_in(2) => own,
            _ => kinds::EVERYWHERE,
        };
        let (pointer, value) = *self.dice.one(poisons);
        let mut value: Value = serde_json::from_str(value).expect("a poison is JSON");
        if pointer == "/metadata/name" && value == "Not_A_Name" && !self.kind.namespaced {
            // Some kinds take it, and there is one cluster for all scripts.
            value = format!("{}-Not_A_Name", self.place).into();
        }
        put(object, pointer, value);
    }

    /// What an earlier step told, or nothing.
    fn told(&mut self) -> usize {
        let at = self.dice.below(self.told.len());
        self.told[at]
    }

    fn step(&mut self) {
        let name = self.name();
        let path = format!("{}/{name}", self.collection());
        match self.dice.below(34) {
            0..=3 => self.create(),
            5 => {
                let query = *self.dice.one(&[
                    "",
                    "labelSelector=app%3Da",
                    "labelSelector=app+in+(a,b),tier",
                    "labelSelector=app!%3Da",
                    "fieldSelector=metadata.name%3Done",
                    "limit=1",
                    "labelSelector=a+in+(b",
                    "fieldSelector=data%3Dx",
                    "limit=x",
                    "resourceVersion=x",
                    "resourceVersionMatch=Exact",
                    "continue=abc",
                    "labelSelector=!app",
                ]);
                // Where pages of the whole cluster end depends on what other scripts have there.
                let query = if query == "limit=1" && !self.kind.namespaced { "" } else { query };
                let path = format!("{}{}", self.collection(), self.selected(query));
                self.push("list", "GET", path, JSON, String::new());
            }
            6..=8 => {
                let mut object = self.object(&name);
                match self.dice.below(4) {
                    0 => {}
                    1 => object["metadata"]["resourceVersion"] = "1".into(),
                    _ => object["metadata"]["resourceVersion"] = format!("{{rv:{}}}", self.told()).into(),
                }
                if self.dice.once_in(6) {
                    object["metadata"]["uid"] = format!("{{uid:{}}}", self.told()).into();
                }
                if self.dice.once_in(4) {
                    self.poison(&mut object);
                }
                let path = format!("{path}{}", self.options(&[]));
                self.push("update", "PUT", path, JSON, object.to_string());
            }
            9..=11 => {
                let mut patch = self.part();
                if self.dice.once_in(4) {
                    patch["metadata"]["resourceVersion"] = format!("{{rv:{}}}", self.told()).into();
                }
                if self.dice.once_in(3) {
                    self.poison(&mut patch);
                }
                let path = format!("{path}{}", self.options(&[]));
                self.push("merge patch", "PATCH", path, MERGE, patch.to_string());
            }
            12..=13 => {
                let mut patch = self.part();
                if self.dice.once_in(3) {
                    self.poison(&mut patch);
                }
                let path = format!("{path}{}", self.options(&[]));
                self.push("strategic patch", "PATCH", path, STRATEGIC, patch.to_string());
            }
            14..=15 => {
                let patch = *self.dice.one(&[
                    r#"[{"op":"add","path":"/metadata/labels","value":{"app":"b"}}]"#,
                    r#"[{"op":"replace","path":"/metadata/labels/app","value":"c"}]"#,
                    r#"[{"op":"remove","path":"/metadata/annotations/note"}]"#,
                    r#"[{"op":"test","path":"/metadata/name","value":"one"}]"#,
                    r#"[{"op":"copy","from":"/metadata/name","path":"/metadata/labels/name"}]"#,
                    r#"[{"op":"add","path":"/metadata/finalizers","value":["example.com/keep"]}]"#,
                    r#"[{"op":"remove","path":"/metadata/finalizers"}]"#,
                    "[]",
                ]);
                let path = format!("{path}{}", self.options(&[]));
                self.push("json patch", "PATCH", path, JSON_PATCH, patch.to_owned());
            }
            16..=18 => {
                let mut object = self.object(&name);
                if self.dice.once_in(4) {
                    self.poison(&mut object);
                }
                let manager = format!("fieldManager={}", self.dice.one(&["ada", "bob", "eve"]));
                let mut options = vec![manager];
                if self.dice.once_in(3) {
                    options.push("force=true".to_owned());
                }
                if self.dice.once_in(6) {
                    options.push("dryRun=All".to_owned());
                }
                let path = format!("{path}?{}", options.join("&"));
                self.push("apply", "PATCH", path, APPLY, object.to_string());
            }
            19..=20 => {
                let body = *self.dice.one(&[
                    "",
                    r#"{"propagationPolicy":"Foreground"}"#,
                    r#"{"propagationPolicy":"Background"}"#,
                    r#"{"propagationPolicy":"Orphan"}"#,
                    r#"{"propagationPolicy":"Sideways"}"#,
                    r#"{"preconditions":{"uid":"not-this-one"}}"#,
                    r#"{"preconditions":{"resourceVersion":"1"}}"#,
                    r#"{"gracePeriodSeconds":0}"#,
                    r#"{"dryRun":["All"]}"#,
                ]);
                self.push("delete", "DELETE", path, JSON, body.to_owned());
            }
            21 => {
                let path = format!("{}{}", self.collection(), self.selected("labelSelector=app%3Da"));
                self.push("delete collection", "DELETE", path, JSON, String::new());
            }
            22 => {
                let (body, content_type) = *self.dice.one(&[
                    ("{", JSON),
                    ("[]", JSON),
                    ("", JSON),
                    ("{\"kind\":\"Other\",\"apiVersion\":\"v1\"}", JSON),
                    ("{}", "text/plain"),
                    ("{\"metadata\":{\"name\":\"twice\"},\"metadata\":{\"name\":\"twice\"},\"odd\":1}", JSON),
                ]);
                let path = self.collection();
                let body = body.replace("twice", &self.named("twice"));
                self.push("bad create", "POST", path, content_type, body);
            }
            23 => {
                let query = *self.dice.one(&["dryRun=Some", "fieldValidation=Odd", "fieldManager=%01"]);
                let object = self.object(&name).to_string();
                let path = format!("{}?{query}", self.collection());
                self.push("bad query", "POST", path, JSON, object);
            }
            24 => {
                self.push("get in a form", "GET", path, JSON, String::new());
                let accept = *self.dice.one(&[METADATA, TABLE]);
                self.steps.last_mut().expect("just pushed").accept = Some(accept);
            }
            25 => {
                let path = format!("{}{}", self.collection(), self.selected(""));
                self.push("list in a form", "GET", path, JSON, String::new());
                let accept = *self.dice.one(&[METADATA_LIST, TABLE]);
                self.steps.last_mut().expect("just pushed").accept = Some(accept);
            }
            26 if self.kind.namespaced => self.pages(),
            27..=29 if self.kind.status.is_some() => self.status(&name, &path),
            30 if self.kind.scale => self.scale(&name, &path),
            31 if self.kind.namespaced && self.dice.once_in(4) => {
                let path = format!("/api/v1/namespaces/{}", self.place);
                self.push("delete namespace", "DELETE", path, JSON, String::new());
                self.create();
            }
            32 | 33 if !self.kind.extras.is_empty() => {
                let extra = self.dice.one(self.kind.extras);
                let path = match extra.path.strip_prefix("..") {
                    Some(rest) => format!("{}{rest}", self.collection()),
                    None if extra.path.starts_with("/api") => extra.path.to_owned(),
                    None => format!("{path}{}", extra.path),
                };
                let filled = |text: &str| text.replace("{name}", &name).replace("{place}", self.place);
                let (path, body) = (filled(&path), filled(extra.body));
                self.push(extra.what, extra.method, path, extra.content_type, body);
            }
            _ => self.push("get", "GET", path, JSON, String::new()),
        }
    }

    /// A list in pages, each asked with the token of the last. Only in a namespace: of a whole cluster the objects of other scripts
    /// decide whether there is a next page.
    fn pages(&mut self) {
        if !self.kind.namespaced {
            let path = format!("{}{}", self.collection(), self.selected(""));
            return self.push("list", "GET", path, JSON, String::new());
        }
        let base = format!("{}{}", self.collection(), self.selected("limit=1"));
        self.push("page", "GET", base.clone(), JSON, String::new());
        for _ in 0..self.dice.below(3) {
            let last = self.steps.len() - 1;
            self.push("page", "GET", format!("{base}&continue={{continue:{last}}}"), JSON, String::new());
        }
    }

    /// A write of the status, or a look at it.
    fn status(&mut self, name: &str, path: &str) {
        let status = self.kind.status.expect("the kind has a status")(&mut self.dice);
        let path = format!("{path}/status");
        let poisoned = self.dice.once_in(3);
        let poison = |writer: &mut Self, object: &mut Value| {
            if poisoned && !writer.kind.status_poisons.is_empty() {
                let (pointer, value) = *writer.dice.one(writer.kind.status_poisons);
                put(object, pointer, serde_json::from_str(value).expect("a poison is JSON"));
            }
        };
        let options = self.options(&[]);
        match self.dice.below(5) {
            0 => self.push("get status", "GET", path, JSON, String::new()),
            1 | 2 => {
                let mut object = self.object(name);
                object["status"] = status;
                object["metadata"]["resourceVersion"] = format!("{{rv:{}}}", self.told()).into();
                poison(self, &mut object);
                self.push("status update", "PUT", format!("{path}{options}"), JSON, object.to_string());
            }
            3 => {
                let mut patch = json!({"status": status});
                poison(self, &mut patch);
                let content_type = *self.dice.one(&[MERGE, STRATEGIC]);
                self.push("status patch", "PATCH", format!("{path}{options}"), content_type, patch.to_string());
            }
            _ => {
                let mut object = json!({"apiVersion": self.kind.api_version, "kind": self.kind.kind, "metadata": {"name": name}, "status": status});
                poison(self, &mut object);
                let path = format!("{path}?fieldManager={}", self.dice.one(&["ada", "bob"]));
                self.push("status apply patch", "PATCH", path, APPLY, object.to_string());
            }
        }
    }

    /// A look at the scale, or a change of it.
    fn scale(&mut self, name: &str, path: &str) {
        let path = format!("{path}/scale");
        let replicas = *self.dice.one(&["0", "1", "3", "-1", "\"x\""]);
        match self.dice.below(3) {
            0 => self.push("get scale", "GET", path, JSON, String::new()),
            1 => {
                let version = self.told();
                let body = format!(
                    r#"{{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{{"name":"{name}","namespace":"{}","resourceVersion":"{{rv:{version}}}"}},"spec":{{"replicas":{replicas}}}}}"#,
                    self.place
                );
                self.push("scale update", "PUT", path, JSON, body);
            }
            _ => self.push("scale patch", "PATCH", path, MERGE, format!(r#"{{"spec":{{"replicas":{replicas}}}}}"#)),
        }
    }

    /// A last object, and everything that happened until then as a watch tells it.
    fn watch(&mut self) {
        let name = self.named("zz-last");
        let mut object = self.object(&name);
        object["metadata"]["labels"]["app"] = "a".into();
        let path = self.collection();
        self.push("create the last", "POST", path.clone(), JSON, object.to_string());
        let query = *self.dice.one(&[
            "watch=1&resourceVersion={rv:start}",
            "watch=1&resourceVersion={rv:start}&labelSelector=app%3Da",
            "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true",
        ]);
        let path = format!("{path}{}&timeoutSeconds=20", self.selected(query));
        self.push("watch", "GET", path, JSON, String::new());
        let forms = [None, None, Some(METADATA), Some(TABLE)];
        let step = self.steps.last_mut().expect("just pushed");
        step.accept = *self.dice.one(&forms);
        step.until = Some(name);
    }

    /// A part of an object, as patches have it.
    fn part(&mut self) -> Value {
        let name = self.named("one");
        let object = (self.kind.variant)(&mut self.dice, &name);
        let mut part = json!({"metadata": {"labels": {"app": *self.dice.one(&["a", "b", "c"])}}});
        let keys: Vec<&String> = object.as_object().expect("a variant is an object").keys().collect();
        if !keys.is_empty() && self.dice.once_in(2) {
            let key = (*self.dice.one(&keys)).clone();
            part[&key] = object[&key].clone();
        }
        if self.dice.once_in(5) {
            part["metadata"]["annotations"] = Value::Null;
        }
        part
    }
}

/// Sets the value at a pointer, through lists that are there and objects that are made.
fn put(object: &mut Value, pointer: &str, value: Value) {
    let mut place = object;
    let mut keys = pointer.split('/').skip(1).peekable();
    while let Some(key) = keys.next() {
        let last = keys.peek().is_none();
        match place {
            Value::Array(list) => {
                let Some(entry) = key.parse::<usize>().ok().and_then(|index| list.get_mut(index)) else {
                    return;
                };
                place = entry;
                if last {
                    *place = value;
                    return;
                }
            }
            Value::Object(map) => {
                if last {
                    map.insert(key.to_owned(), value);
                    return;
                }
                place = map.entry(key.to_owned()).or_insert_with(|| json!({}));
            }
            _ => return,
        }
    }
}
