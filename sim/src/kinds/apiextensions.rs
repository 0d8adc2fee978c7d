//! The rules of definitions of custom resources; those of their schemas are in [`crate::schema::definition`].
//!
//! A server keeps what all versions have in common once: messages name it so, as `spec.validation` instead of `spec.versions[0].schema`.
//!
//! # Differences
//!
//! Bundles of certificates are not read. Old definitions that break a rule of today are held to it when they are updated.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::definition_parts::{conversion, names, one_of, printed, scale, selectable, validation};
use super::pod_spec::read::{each, field, fill, given, inside, list};
use super::workloads::immutable;
use super::{Causes, Rules, Table};
use crate::meta;
use crate::schema::{definition, show};
use crate::status::Cause;
use crate::validate_name;

const WARNING_LENGTH: usize = 256;
const APPROVED: &str = "api-approved.kubernetes.io";

pub(super) const TABLE: Table = &[(
    "customresourcedefinitions",
    Rules {
        default,
        prepare_create,
        prepare_update: |old, new| {
            new["status"] = old["status"].clone();
            store_version(new);
        },
        validate: |value, causes| {
            name(value, causes);
            causes.at("spec", |causes| spec(field(value, "spec"), causes));
            rest(value, None, causes);
        },
        validate_update: |old, new, causes| {
            causes.at("spec", |causes| {
                let (before, now) = (field(old, "spec"), field(new, "spec"));
                spec(now, causes);
                if is_established(old) {
                    immutable(before, now, "scope", causes);
                    causes.at("names", |causes| immutable(field(before, "names"), field(now, "names"), "kind", causes));
                }
                immutable(before, now, "group", causes);
                causes.at("names", |causes| immutable(field(before, "names"), field(now, "names"), "plural", causes));
            });
            rest(new, Some(old), causes);
        },
        validate_status_update: |_, new, causes| {
            causes.at("status", |causes| inside(field(new, "status"), "acceptedNames", causes, names));
        },
        warn,
        ..Rules::NONE
    },
)];

/// What decoding fills in.
pub(crate) fn default(value: &mut Value) {
    let kind = value.pointer("/spec/names/kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(names) = meta::object_at(value, "spec.names") {
        let absent = |names: &serde_json::Map<String, Value>, key: &str| {
            names.get(key).and_then(Value::as_str).is_none_or(str::is_empty)
        };
        if absent(names, "singular") {
            names.insert("singular".to_owned(), kind.to_lowercase().into());
        }
        if absent(names, "listKind") && !kind.is_empty() {
            names.insert("listKind".to_owned(), format!("{kind}List").into());
        }
    }
    if let Some(spec) = meta::object_at(value, "spec") {
        spec.entry("conversion").or_insert_with(|| json!({"strategy": "None"}));
    }
    if let Some(service) = value.pointer_mut("/spec/conversion/webhook/clientConfig/service") {
        fill(service, &json!({"port": 443}));
    }
    if value.pointer("/status/storedVersions").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        store_version(value);
    }
}

/// A new definition has no status but the version that its objects will be stored in.
pub(crate) fn prepare_create(value: &mut Value) {
    value["status"] = json!({});
    store_version(value);
}

/// Notes the version that objects are stored in from now on.
pub(crate) fn store_version(value: &mut Value) {
    let stored = list(field(value, "spec"), "versions").iter().find(|version| version["storage"] == true);
    let Some(name) = stored.map(|version| meta::text(version, "name").to_owned()) else {
        return;
    };
    if let Some(status) = meta::object_at(value, "status") {
        let mut versions = meta::strings(status.get("storedVersions"));
        if !versions.contains(&name) {
            versions.push(name);
        }
        status.insert("storedVersions".to_owned(), versions.into());
    }
}

fn is_established(value: &Value) -> bool {
    let mut conditions = list(field(value, "status"), "conditions").iter();
    conditions.any(|condition| condition["type"] == "Established" && condition["status"] == "True")
}

fn name(value: &Value, causes: &mut Causes) {
    let spec = field(value, "spec");
    let whole = format!("{}.{}", meta::text(field(spec, "names"), "plural"), meta::text(spec, "group"));
    for key in ["generateName", "name"] {
        let name = meta::meta_text(value, key);
        if !name.is_empty() && name != whole {
            let why = "must be spec.names.plural+\".\"+spec.group";
            causes.invalid(&format!("metadata.{key}"), &name.into(), why);
        }
    }
}

/// What all versions have alike stands once; `None` where they differ.
fn common<'a>(versions: &'a [Value], key: &str) -> Option<&'a Value> {
    let first = versions.first()?;
    let nothing = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    let alike = |version: &Value| {
        let (one, other) = (field(version, key), field(first, key));
        one == other || nothing(one) && nothing(other)
    };
    versions.iter().all(alike).then(|| field(first, key))
}

fn has_status(subresources: &Value) -> bool {
    given(subresources, "status").is_some()
}

fn spec(spec: &Value, causes: &mut Causes) {
    let group = meta::text(spec, "group");
    let wrong = validate_name::subdomain(group);
    if group.is_empty() {
        causes.required("group", "");
    } else if !wrong.is_empty() {
        causes.invalid("group", &group.into(), &wrong.join(","));
    } else if !group.contains('.') {
        causes.invalid("group", &group.into(), "should be a domain with at least one dot");
    }
    one_of(spec, "scope", &["Cluster", "Namespaced"], causes);
    let versions = list(spec, "versions");
    each(spec, "versions", causes, |version, causes| {
        if !field(version, "schema")["openAPIV3Schema"].is_object() {
            causes.required("schema.openAPIV3Schema", "");
        }
    });
    let preserves = spec["preserveUnknownFields"] == true;
    if preserves && versions.iter().any(|version| has_default(&version["schema"]["openAPIV3Schema"])) {
        let why = "must be false in order to use defaults in the schema";
        causes.invalid("preserveUnknownFields", &true.into(), why);
    }
    let alike =
        ["schema", "subresources", "additionalPrinterColumns", "selectableFields"].map(|key| common(versions, key));
    each(spec, "versions", causes, |found, causes| {
        let name = meta::text(found, "name");
        let wrong = validate_name::label_1035(name);
        if !wrong.is_empty() {
            causes.invalid("name", &name.into(), &wrong.join(","));
        }
        version(found, alike, causes);
    });
    versions_together(field(spec, "versions"), alike, causes);
    let first = versions.first().map(|version| meta::text(version, "name")).unwrap_or_default();
    let wrong = validate_name::label_1035(first);
    if !first.is_empty() && !wrong.is_empty() {
        causes.invalid("version", &first.into(), &wrong.join(","));
    }
    let named = field(spec, "names");
    for key in ["plural", "singular", "kind", "listKind"] {
        if meta::text(named, key).is_empty() {
            causes.required(&format!("names.{key}"), "");
        }
    }
    causes.at("names", |causes| names(named, causes));
    let [schema, subresources, columns, fields] = alike.map(|value| value.unwrap_or(&Value::Null));
    let status = versions.iter().any(|version| has_status(field(version, "subresources")));
    causes.at("validation", |causes| validation(schema, status, causes));
    causes.at("subresources", |causes| scale(subresources, causes));
    printed(columns, "additionalPrinterColumns", causes);
    if schema.is_null() && fields.as_array().is_some_and(|fields| !fields.is_empty()) {
        causes.invalid("selectableFields", &"".into(), "may only be set when validations.schema is included");
    } else {
        selectable(fields, schema, "selectableFields", causes);
    }
    conversion(spec, preserves, causes);
}

fn has_default(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => map.contains_key("default") || map.values().any(has_default),
        Value::Array(list) => list.iter().any(has_default),
        _ => false,
    }
}

/// What a version says for itself.
fn version(version: &Value, alike: [Option<&Value>; 4], causes: &mut Causes) {
    if let Some(text) = version.get("deprecationWarning").and_then(Value::as_str) {
        let mut refuse = |why: &str| causes.invalid("deprecationWarning", &text.into(), why);
        if version["deprecated"] == true {
            if text.len() > WARNING_LENGTH {
                refuse("must be <= 256 characters long");
            }
            if text.is_empty() {
                refuse("must not be an empty string");
            }
            if let Some((place, _)) = text.char_indices().find(|(_, c)| c.is_control()) {
                refuse(&format!(
                    "must only contain printable UTF-8 characters; non-printable character found at index {place}"
                ));
            }
        } else {
            refuse("can only be set for deprecated versions");
        }
    }
    let own = |place: usize, key: &str| if alike[place].is_some() { &Value::Null } else { field(version, key) };
    let status = has_status(field(version, "subresources"));
    let schema = own(0, "schema");
    causes.at("schema", |causes| validation(schema, status, causes));
    causes.at("subresources", |causes| scale(own(1, "subresources"), causes));
    printed(own(2, "additionalPrinterColumns"), "additionalPrinterColumns", causes);
    let fields = own(3, "selectableFields");
    if fields.as_array().is_some_and(|fields| !fields.is_empty()) && !schema["openAPIV3Schema"].is_object() {
        let why = "may only be set when `version.schema.openAPIV3Schema` is not included";
        causes.invalid("selectableFields", &"".into(), why);
    } else {
        selectable(fields, schema, "selectableFields", causes);
    }
}

fn versions_together(given: &Value, alike: [Option<&Value>; 4], causes: &mut Causes) {
    let versions = given.as_array().map_or(&[][..], Vec::as_slice);
    let names: BTreeSet<&str> = versions.iter().map(|version| meta::text(version, "name")).collect();
    let stored = versions.iter().filter(|version| version["storage"] == true).count();
    let wrong = [
        (names.len() != versions.len(), "must contain unique version names"),
        (stored != 1, "must have exactly one version marked as storage version"),
    ];
    for (_, why) in wrong.iter().filter(|(wrong, _)| *wrong) {
        let shown = if versions.is_empty() { given.to_string() } else { shown(versions, alike) };
        let message = format!("Invalid value: {shown}: {why}");
        let field = causes.path("versions");
        causes.push(Cause { reason: "FieldValueInvalid".to_owned(), message, field });
    }
}

/// Versions as messages show them.
fn shown(versions: &[Value], alike: [Option<&Value>; 4]) -> String {
    let version = |version: &Value| {
        let own = |place: usize, key: &str| if alike[place].is_some() { &Value::Null } else { field(version, key) };
        let flag = |key: &str| version[key] == true;
        let text = |value: &Value, key: &str| Value::from(meta::text(value, key));
        let schema = match &own(0, "schema")["openAPIV3Schema"] {
            Value::Null => "null".to_owned(),
            schema => format!("{{\"OpenAPIV3Schema\":{}}}", show::schema(schema)),
        };
        let subresources = match own(1, "subresources") {
            Value::Null => "null".to_owned(),
            parts => {
                let scale = given(parts, "scale").map_or("null".to_owned(), |scale| {
                    let selector = field(scale, "labelSelectorPath");
                    let (spec, status) = (text(scale, "specReplicasPath"), text(scale, "statusReplicasPath"));
                    format!("{{\"SpecReplicasPath\":{spec},\"StatusReplicasPath\":{status},\"LabelSelectorPath\":{selector}}}")
                });
                format!("{{\"Status\":{},\"Scale\":{scale}}}", if has_status(parts) { "{}" } else { "null" })
            }
        };
        let many = |value: &Value, one: &dyn Fn(&Value) -> String| match value.as_array() {
            Some(list) => format!("[{}]", list.iter().map(one).collect::<Vec<_>>().join(",")),
            None => "null".to_owned(),
        };
        let columns = many(own(2, "additionalPrinterColumns"), &|column| {
            format!(
                "{{\"Name\":{},\"Type\":{},\"Format\":{},\"Description\":{},\"Priority\":{},\"JSONPath\":{}}}",
                text(column, "name"),
                text(column, "type"),
                text(column, "format"),
                text(column, "description"),
                column["priority"].as_i64().unwrap_or_default(),
                text(column, "jsonPath")
            )
        });
        let fields = many(own(3, "selectableFields"), &|field| format!("{{\"JSONPath\":{}}}", text(field, "jsonPath")));
        format!(
            "{{\"Name\":{},\"Served\":{},\"Storage\":{},\"Deprecated\":{},\"DeprecationWarning\":{},\"Schema\":{schema},\
             \"Subresources\":{subresources},\"AdditionalPrinterColumns\":{columns},\"SelectableFields\":{fields}}}",
            text(version, "name"),
            flag("served"),
            flag("storage"),
            flag("deprecated"),
            field(version, "deprecationWarning")
        )
    };
    format!("[{}]", versions.iter().map(version).collect::<Vec<_>>().join(","))
}

/// What is checked behind the spec.
fn rest(value: &Value, old: Option<&Value>, causes: &mut Causes) {
    let (spec, status) = (field(value, "spec"), field(value, "status"));
    causes.at("status", |causes| {
        inside(status, "acceptedNames", causes, names);
        stored_versions(spec, status, causes);
    });
    approval(value, old, causes);
    if spec["preserveUnknownFields"] == true && old.is_none_or(|old| old["spec"]["preserveUnknownFields"] != true) {
        let why =
            "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
        causes.invalid("spec.preserveUnknownFields", &true.into(), why);
    }
}

fn stored_versions(spec: &Value, status: &Value, causes: &mut Causes) {
    let stored = list(status, "storedVersions");
    if stored.is_empty() {
        let why = "must have at least one stored version";
        return causes.invalid("storedVersions", field(status, "storedVersions"), why);
    }
    for version in list(spec, "versions") {
        let name = field(version, "name");
        if version["storage"] == true && !stored.contains(name) {
            let why = format!("must have the storage version {}", name.as_str().unwrap_or_default());
            causes.invalid("storedVersions", &stored.into(), &why);
        }
    }
    for (index, version) in stored.iter().enumerate() {
        if !list(spec, "versions").iter().any(|known| field(known, "name") == version) {
            let name = version.as_str().unwrap_or_default();
            let why = format!(
                "missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions until a \
                 storage migration ensures no data remains persisted in {name} and removes {name} from status.storedVersions"
            );
            causes.invalid(&format!("storedVersions[{index}]"), version, &why);
        }
    }
}

/// Groups of the community ask who approved a new kind.
fn approval(value: &Value, old: Option<&Value>, causes: &mut Causes) {
    let group = meta::text(field(value, "spec"), "group");
    let protected = ["k8s.io", "kubernetes.io"]
        .into_iter()
        .any(|domain| group.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')));
    if !protected {
        return;
    }
    let annotation = |value: &Value| {
        let found = meta::metadata(value).get("annotations").and_then(|all| all.get(APPROVED)).cloned();
        found.and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default()
    };
    let state = |text: &str| match text {
        "" => "missing",
        text if text.starts_with("unapproved") => "bypassed",
        text if text.split_once("://").is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.is_empty()) => {
            "approved"
        }
        _ => "invalid",
    };
    let given = annotation(value);
    let now = state(&given);
    if old.is_some_and(|old| state(&annotation(old)) == now) {
        return;
    }
    let see = "see https://github.com/kubernetes/enhancements/pull/1111";
    let field = format!("metadata.annotations[{APPROVED}]");
    match now {
        "missing" => {
            causes.required(&field, &format!("protected groups must have approval annotation {APPROVED:?}, {see}"));
        }
        "invalid" => {
            let why = format!(
                "protected groups must have approval annotation {APPROVED:?} with either a URL or a reason starting with \
                 \"unapproved\", {see}"
            );
            causes.invalid(&field, &given.into(), &why);
        }
        _ => {}
    }
}

/// Formats that a server does not know; those that were there before are not told again.
fn warn(old: Option<&Value>, new: &Value) -> Vec<String> {
    let formats = |value: &Value| {
        let versions = list(field(value, "spec"), "versions");
        let mut found = Vec::new();
        match common(versions, "schema") {
            Some(schema) => definition::unknown_formats(&schema["openAPIV3Schema"], &mut found),
            None => versions
                .iter()
                .for_each(|version| definition::unknown_formats(&version["schema"]["openAPIV3Schema"], &mut found)),
        }
        found
    };
    let before = old.map(formats).unwrap_or_default();
    let now = formats(new).into_iter().filter(|format| !before.contains(format));
    now.map(|format| format!("unrecognized format {format:?}")).collect()
}
