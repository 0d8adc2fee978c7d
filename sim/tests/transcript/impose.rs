//! Brings the simulator to where the recorded server was after an exchange that cannot agree yet, so that the exchanges
//! after it are compared on the same ground, revision by revision.

use http::Uri;
use kubesim::{ApiServer, Target, WriteOptions};
use serde_json::Value;

use crate::compare::Names;

/// The request as a dry run: what it answers is seen, what it would do is not done.
pub(crate) fn dry_run(path: &str) -> String {
    let mark = if path.contains('?') { '&' } else { '?' };
    format!("{path}{mark}dryRun=All")
}

/// Writes the object that the recorded server answered a write with. Nothing for a refused write or a read.
pub(crate) fn impose(server: &ApiServer, request: &Value, answer: &Value, names: &mut Names) {
    let writes = request["method"] != "GET" && answer["status"].as_u64().is_some_and(|status| status < 300);
    let Some(name) = answer["body"]["metadata"]["name"].as_str().filter(|_| writes) else { return };
    let path: Uri = names.translate_path(request["path"].as_str().expect("a path")).parse().expect("a path");
    let collection = collection(path.path());
    let object = collection.clone().named(&names.translate(name));
    let mut wanted = names.translate_body(&answer["body"]);
    if let Some(metadata) = wanted["metadata"].as_object_mut() {
        metadata
            .retain(|key, _| matches!(key.as_str(), "name" | "namespace" | "labels" | "annotations" | "finalizers"));
    }
    let options = WriteOptions::default();
    let written = match server.get(&object) {
        Ok(_) => server.update(&object, wanted, &options),
        Err(_) => server.create(&collection, wanted, &options),
    };
    names.learn_object(&answer["body"], written.expect("the simulator stores what a real server stored").value());
}

/// The collection that a path is in.
fn collection(path: &str) -> Target {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (group, version, rest) = match parts.as_slice() {
        ["api", version, rest @ ..] => ("", *version, rest),
        ["apis", group, version, rest @ ..] => (*group, *version, rest),
        _ => panic!("{path} is no path of objects"),
    };
    match rest {
        ["namespaces", namespace, plural, ..] => Target::new(group, version, plural).in_namespace(namespace),
        [plural, ..] => Target::new(group, version, plural),
        [] => panic!("{path} is no path of objects"),
    }
}
