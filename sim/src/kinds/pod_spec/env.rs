//! The environment of a container.

use serde_json::Value;

use super::read::{data_key, each, given, list, no_steps_back, problems};
use crate::kinds::Causes;
use crate::meta;
use crate::validate_name;

/// The fields of the pod that a variable can show, in the order in which they are named.
const ENV_FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

/// The fields that a file of a volume can show.
pub(super) const VOLUME_FIELDS: [&str; 5] =
    ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];

/// Further fields that have a name, and that nothing shows whole.
const LABELS: [&str; 5] =
    ["metadata.annotations", "metadata.labels", "status.phase", "spec.restartPolicy", "spec.schedulerName"];

const RESOURCES: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];

const BYTES: [&str; 13] = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];

fn variable_name(name: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if name.is_empty() {
        wrong.push("environment variable name must be non-empty".to_owned());
    }
    if name.chars().any(|c| !(c == ' ' || c.is_ascii_graphic()) || c == '=') {
        wrong.push(
            "a valid environment variable name must consist only of printable ASCII characters other than '='"
                .to_owned(),
        );
    }
    wrong
}

/// The variables one by one.
pub(super) fn variables(container: &Value, causes: &mut Causes) {
    each(container, "env", causes, |variable, causes| {
        let name = meta::text(variable, "name");
        if name.is_empty() {
            causes.required("name", "");
        } else {
            problems("name", name, variable_name(name), causes);
        }
        if let Some(from) = given(variable, "valueFrom") {
            causes.at("valueFrom", |causes| value_from(variable, from, causes));
        }
    });
}

fn value_from(variable: &Value, from: &Value, causes: &mut Causes) {
    let mut sources = 0;
    for key in ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"] {
        let Some(source) = given(from, key) else {
            continue;
        };
        sources += 1;
        causes.at(key, |causes| match key {
            "fieldRef" => pod_field(source, &ENV_FIELDS, causes),
            "resourceFieldRef" => resource(source, false, causes),
            "fileKeyRef" => file_key(source, causes),
            _ => {
                let name = meta::text(source, "name");
                problems("name", name, validate_name::subdomain(name), causes);
                match meta::text(source, "key") {
                    "" => causes.required("key", ""),
                    key => problems("key", key, data_key(key), causes),
                }
            }
        });
    }
    if sources == 0 {
        let why =
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
        causes.invalid("", &"".into(), why);
    } else if !meta::text(variable, "value").is_empty() {
        causes.invalid("", &"".into(), "may not be specified when `value` is not empty");
    } else if sources > 1 {
        causes.invalid("", &"".into(), "may not have more than one field specified at a time");
    }
}

fn file_key(source: &Value, causes: &mut Causes) {
    match meta::text(source, "key") {
        "" => causes.required("key", ""),
        key => problems("key", key, variable_name(key), causes),
    }
    match meta::text(source, "volumeName") {
        "" => causes.required("volumeName", ""),
        name => problems("volumeName", name, validate_name::label(name), causes),
    }
    match meta::text(source, "path") {
        "" => causes.required("path", ""),
        path => no_steps_back("path", path, causes),
    }
}

/// Whole sets of variables.
pub(super) fn sources(container: &Value, causes: &mut Causes) {
    causes.at("envFrom", |causes| {
        for (index, entry) in list(container, "envFrom").iter().enumerate() {
            let mut sources = 0;
            causes.index(index, |causes| {
                let prefix = meta::text(entry, "prefix");
                if !prefix.is_empty() {
                    problems("prefix", prefix, variable_name(prefix), causes);
                }
                for key in ["configMapRef", "secretRef"] {
                    if let Some(source) = given(entry, key) {
                        sources += 1;
                        causes.at(key, |causes| match meta::text(source, "name") {
                            "" => causes.required("name", ""),
                            name => problems("name", name, validate_name::subdomain(name), causes),
                        });
                    }
                }
            });
            match sources {
                0 => causes.invalid("", &"".into(), "must specify one of: `configMapRef` or `secretRef`"),
                1 => {}
                _ => causes.invalid("", &"".into(), "may not have more than one field specified at a time"),
            }
        }
    });
}

/// A field of the pod itself.
pub(super) fn pod_field(source: &Value, known: &[&str], causes: &mut Causes) {
    let version = meta::text(source, "apiVersion");
    let path = meta::text(source, "fieldPath");
    if version.is_empty() {
        causes.required("apiVersion", "");
        return;
    }
    if path.is_empty() {
        causes.required("fieldPath", "");
        return;
    }
    let convert = |why: String, causes: &mut Causes| {
        causes.invalid("fieldPath", &path.into(), &format!("error converting fieldPath: {why}"));
    };
    if version != "v1" {
        return convert(format!("unsupported pod version: {version}"), causes);
    }
    let subscript = path.strip_suffix("']").and_then(|path| path.split_once("['"));
    if let Some((path, subscript)) = subscript {
        let name = match path {
            "metadata.annotations" => subscript.to_lowercase(),
            "metadata.labels" => subscript.to_owned(),
            _ => return convert(format!("field label does not support subscript: {path}['{subscript}']"), causes),
        };
        return problems("", &name, validate_name::qualified_name(&name), causes);
    }
    if path == "spec.host" {
        return causes.not_supported("fieldPath", "spec.nodeName", known);
    }
    if !ENV_FIELDS.contains(&path) && !LABELS.contains(&path) {
        return convert(format!("field label not supported: {path}"), causes);
    }
    if !known.contains(&path) {
        causes.not_supported("fieldPath", path, known);
    }
}

/// An amount of a container.
pub(super) fn resource(source: &Value, volume: bool, causes: &mut Causes) {
    let name = meta::text(source, "resource");
    if volume && meta::text(source, "containerName").is_empty() {
        causes.required("containerName", "");
    } else if name.is_empty() {
        causes.required("resource", "");
    } else if !RESOURCES.contains(&name)
        && !name.starts_with("limits.hugepages-")
        && !name.starts_with("requests.hugepages-")
    {
        causes.not_supported("resource", name, &RESOURCES);
    }
    let divisor = meta::text(source, "divisor");
    if matches!(divisor, "" | "0") {
        return;
    }
    let all = BYTES.join(", ");
    let wrong = match name {
        "limits.cpu" | "requests.cpu" => (!["1m", "1"].contains(&divisor))
            .then(|| "only divisor's values 1m and 1 are supported with the cpu resource".to_owned()),
        name => {
            let what = match name.split_once('.').map(|(_, what)| what) {
                Some("memory") => "memory",
                Some("ephemeral-storage") => "local ephemeral storage",
                Some(what) if what.starts_with("hugepages-") => "hugepages",
                _ => return,
            };
            (!BYTES.contains(&divisor))
                .then(|| format!("only divisor's values {all} are supported with the {what} resource"))
        }
    };
    if let Some(why) = wrong {
        causes.invalid("divisor", &name.into(), &why);
    }
}
