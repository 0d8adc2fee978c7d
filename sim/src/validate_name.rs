//! What names, labels, annotations, finalizers and owner references may be.
//!
//! Owns the rules of object metadata with the messages of a real server, and which kind has which rule for its name.

use serde_json::Value;

use crate::kinds;
use crate::meta;
use crate::resource::ResourceDef;
use crate::status::Cause;

const LABEL_LENGTH: usize = 63;
const SUBDOMAIN_LENGTH: usize = 253;
/// What the keys and values of all annotations of one object may take together.
const ANNOTATIONS_LENGTH: usize = 256 * 1024;
/// Leaves room for the eleven letters that a cron job's jobs append.
const CRON_JOB_LENGTH: usize = 52;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or \
    '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
    start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an \
    alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for \
    validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const NAME_PART: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end \
    with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
    '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or \
    '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex \
    used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const QUALIFIED: &str = "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and \
    end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
    '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. \
    'example.com/MyName')";

fn too_long(limit: usize) -> String {
    format!("must be no more than {limit} bytes")
}

/// The same complaint of names, in the words of the older check.
fn too_long_name(limit: usize) -> String {
    format!("must be no more than {limit} characters")
}

fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    !text.is_empty()
        && text.bytes().all(|byte| inner(byte) || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn is_word(text: &str) -> bool {
    let outer = |c: char| c.is_ascii_alphanumeric();
    !text.is_empty()
        && text.chars().all(|c| outer(c) || matches!(c, '-' | '_' | '.'))
        && text.starts_with(outer)
        && text.ends_with(outer)
}

/// Whether it is made of labels, however many.
pub(crate) fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

pub(crate) fn subdomain(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if text.len() > SUBDOMAIN_LENGTH {
        problems.push(too_long_name(SUBDOMAIN_LENGTH));
    }
    if !is_subdomain(text) {
        problems.push(SUBDOMAIN.to_owned());
    }
    problems
}

pub(crate) fn label(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if text.len() > LABEL_LENGTH {
        problems.push(too_long_name(LABEL_LENGTH));
    }
    if !is_label(text) {
        let dotted = text.split('.').all(is_label);
        problems.push(if dotted { "must not contain dots" } else { LABEL }.to_owned());
    }
    problems
}

pub(crate) fn label_1035(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if text.len() > LABEL_LENGTH {
        problems.push(too_long_name(LABEL_LENGTH));
    }
    if !is_label(text) || text.starts_with(|c: char| c.is_ascii_digit()) {
        problems.push(LABEL_1035.to_owned());
    }
    problems
}

pub(crate) fn path_segment(text: &str) -> Vec<String> {
    if matches!(text, "." | "..") {
        return vec![format!("may not be '{text}'")];
    }
    ['/', '%'].into_iter().filter(|c| text.contains(*c)).map(|c| format!("may not contain '{c}'")).collect()
}

/// The problems of a qualified name, as keys of labels are.
pub(crate) fn qualified_name(text: &str) -> Vec<String> {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    if name.contains('/') {
        return vec![QUALIFIED.to_owned()];
    }
    let mut problems = Vec::new();
    match prefix {
        Some("") => problems.push("prefix part must be non-empty".to_owned()),
        Some(prefix) => {
            let wrong = subdomain(prefix);
            problems.extend(wrong.into_iter().map(|why| format!("prefix part {why}")));
        }
        None => {}
    }
    if name.is_empty() {
        problems.push("name part must be non-empty".to_owned());
    } else if name.len() > LABEL_LENGTH {
        problems.push(format!("name part {}", too_long(LABEL_LENGTH)));
    }
    if !is_word(name) {
        problems.push(NAME_PART.to_owned());
    }
    problems
}

/// The problems of a label's value.
pub(crate) fn label_value(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if text.len() > LABEL_LENGTH {
        problems.push(too_long(LABEL_LENGTH));
    }
    if !text.is_empty() && !is_word(text) {
        problems.push(LABEL_VALUE.to_owned());
    }
    problems
}

/// The problems of an object's name by the rule of its kind.
fn name(def: &ResourceDef, text: &str) -> Vec<String> {
    match (def.group.as_str(), def.plural.as_str()) {
        ("", "namespaces" | "services") | ("apps", "statefulsets") => label(text),
        ("rbac.authorization.k8s.io" | "apiregistration.k8s.io" | "certificates.k8s.io", _)
        | ("policy", "poddisruptionbudgets")
        | ("", "events") => path_segment(text),
        ("networking.k8s.io", "ipaddresses") => kinds::address_problems(text),
        ("batch", "cronjobs") if text.len() > CRON_JOB_LENGTH => {
            vec![format!("must be no more than {CRON_JOB_LENGTH} characters")]
        }
        _ => subdomain(text),
    }
}

/// Everything that is wrong with the metadata of a new object, its name included.
pub(crate) fn object(def: &ResourceDef, value: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let given = meta::meta_text(value, "name");
    if given.is_empty() {
        causes.push(Cause::required("metadata.name", "name or generateName is required"));
    } else {
        let prefix = meta::meta_text(value, "generateName");
        let generated = !prefix.is_empty() && given.starts_with(prefix);
        // A bad prefix is the fault of the prefix.
        let field = if generated && !name(def, &format!("{prefix}x")).is_empty() {
            "metadata.generateName"
        } else {
            "metadata.name"
        };
        let shown = if field == "metadata.name" { given } else { prefix };
        for problem in name(def, given) {
            causes.push(Cause::invalid(field, &Value::from(shown), &problem));
        }
    }
    causes.extend(metadata(value));
    causes
}

/// Everything that is wrong with the metadata but the name.
pub(crate) fn metadata(value: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let metadata = meta::metadata(value);
    for (key, value) in entries(metadata.get("labels")) {
        for problem in qualified_name(key) {
            let key = Value::from(key.as_str());
            causes.push(Cause::invalid("metadata.labels", &key, &problem));
        }
        for problem in label_value(value.as_str().unwrap_or_default()) {
            causes.push(Cause::invalid("metadata.labels", value, &problem));
        }
    }
    let mut length = 0;
    for (key, value) in entries(metadata.get("annotations")) {
        length += key.len() + value.as_str().unwrap_or_default().len();
        // Annotations may have upper case in the prefix.
        for problem in qualified_name(&key.to_lowercase()) {
            let key = Value::from(key.as_str());
            causes.push(Cause::invalid("metadata.annotations", &key, &problem));
        }
    }
    if length > ANNOTATIONS_LENGTH {
        causes.push(Cause {
            reason: "FieldValueTooLong".to_owned(),
            message: format!("Too long: may not be more than {ANNOTATIONS_LENGTH} bytes"),
            field: "metadata.annotations".to_owned(),
        });
    }
    for finalizer in meta::finalizers(value) {
        for problem in qualified_name(&finalizer) {
            let finalizer = Value::from(finalizer.as_str());
            causes.push(Cause::invalid("metadata.finalizers", &finalizer, &problem));
        }
    }
    causes.extend(owners(metadata.get("ownerReferences")));
    causes
}

fn entries(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten()
}

fn owners(owners: Option<&Value>) -> Vec<Cause> {
    let mut causes = Vec::new();
    let owners = owners.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for owner in owners {
        for (key, detail) in [
            ("apiVersion", "version must not be empty"),
            ("kind", "must not be empty"),
            ("name", "must not be empty"),
            ("uid", "must not be empty"),
        ] {
            if meta::text(owner, key).is_empty() {
                let field = format!("metadata.ownerReferences.{key}");
                causes.push(Cause::invalid(&field, &Value::from(""), detail));
            }
        }
    }
    let controllers: Vec<_> =
        owners.iter().filter(|owner| owner.get("controller") == Some(&Value::Bool(true))).collect();
    if let [first, second, ..] = controllers.as_slice() {
        let (first, second) = (meta::text(first, "name"), meta::text(second, "name"));
        causes.push(Cause {
            reason: "FieldValueInvalid".to_owned(),
            message: format!(
                "Invalid value: Only one reference can have Controller set to true. Found \"true\" in references for {first} and {second}"
            ),
            field: "metadata.ownerReferences".to_owned(),
        });
    }
    causes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn def(group: &str, plural: &str) -> ResourceDef {
        ResourceDef { group: group.to_owned(), plural: plural.to_owned(), ..ResourceDef::default() }
    }

    #[test]
    fn each_kind_has_its_rule() {
        let rbac = def("rbac.authorization.k8s.io", "roles");
        for (def, good, bad) in [
            (def("", "configmaps"), "a.b-c", "Bad_Name"),
            (def("", "configmaps"), "1", "a..b"),
            (def("", "namespaces"), "a-b", "a.b"),
            (def("", "services"), "1a", "a.b"),
            (rbac.clone(), "system:Node-Proxier_x", "a/b"),
            (rbac, "...", ".."),
            (def("networking.k8s.io", "ipaddresses"), "10.96.0.1", "10.96.0.01"),
        ] {
            assert_eq!(name(&def, good), Vec::<String>::new(), "{good}");
            assert_eq!(name(&def, bad).len(), 1, "{bad}");
        }
        assert_eq!(label(&"a".repeat(64)), ["must be no more than 63 characters"]);
        assert_eq!(subdomain(&"a".repeat(253)), Vec::<String>::new());
        assert_eq!(subdomain(&"a".repeat(254)).len(), 1);
    }

    #[test]
    fn metadata_is_checked_field_by_field() {
        let causes = metadata(&json!({"metadata": {
            "labels": {"ok/x": "v", "-bad": "x", "y": "-"},
            "annotations": {"Example.COM/x": "anything at all"},
            "finalizers": ["example.com/x", "a//b"],
            "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p"}],
        }}));
        let fields: Vec<_> = causes.iter().map(|cause| cause.field.as_str()).collect();
        assert_eq!(
            fields,
            ["metadata.labels", "metadata.labels", "metadata.finalizers", "metadata.ownerReferences.uid"]
        );
    }
}
