//! The rules of the parts of a definition: names, schema, scale, columns, selectable fields, conversion.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::pod_spec::read::{each, field, given, inside, list, too_many};
use super::{Causes, webhooks};
use crate::meta;
use crate::schema::definition;
use crate::validate_name;

const COLUMN_TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS: [&str; 8] = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];
const SELECTABLE_FIELDS: usize = 8;

/// A text that must be one of these.
pub(super) fn one_of(value: &Value, key: &str, known: &[&str], causes: &mut Causes) {
    match meta::text(value, key) {
        "" => causes.required(key, ""),
        word if known.contains(&word) => {}
        word => causes.not_supported(key, word, known),
    }
}

/// The schema of a version, or of all.
pub(super) fn validation(schema: &Value, status: bool, causes: &mut Causes) {
    if let Some(schema) = given(schema, "openAPIV3Schema") {
        definition::check(schema, status, causes);
    }
}

/// The names of a kind.
pub(super) fn names(names: &Value, causes: &mut Causes) {
    let check = |key: &str, text: &str, mixed: bool, causes: &mut Causes| {
        let wrong = validate_name::label_1035(&if mixed { text.to_lowercase() } else { text.to_owned() });
        if !text.is_empty() && !wrong.is_empty() {
            let also = if mixed { "may have mixed case, but should otherwise match: " } else { "" };
            causes.invalid(key, &text.into(), &format!("{also}{}", wrong.join(",")));
        }
    };
    for (key, mixed) in [("plural", false), ("singular", false), ("kind", true), ("listKind", true)] {
        check(key, meta::text(names, key), mixed, causes);
    }
    let words = |key: &str, causes: &mut Causes| {
        each(names, key, causes, |word, causes| {
            let word = word.as_str().unwrap_or_default();
            let wrong = validate_name::label_1035(word);
            if !wrong.is_empty() {
                causes.invalid("", &word.into(), &wrong.join(","));
            }
        });
    };
    words("shortNames", causes);
    let kind = meta::text(names, "kind");
    if !kind.is_empty() && kind == meta::text(names, "listKind") {
        causes.invalid("listKind", &kind.into(), "kind and listKind may not be the same");
    }
    words("categories", causes);
}

/// A path as `.spec.replicas`, below one of these.
fn path(value: &Value, key: &str, places: &[&str], words: &str, causes: &mut Causes) {
    let text = meta::text(value, key);
    if text.starts_with('.') {
        if !places.is_empty() && !places.iter().any(|place| text.starts_with(place)) {
            causes.invalid(key, &text.into(), &format!("should be a json path under {words}"));
        }
    } else {
        causes.invalid(key, &text.into(), "must be a simple json path starting with .");
    }
}

/// Where a scale finds its numbers.
pub(super) fn scale(subresources: &Value, causes: &mut Causes) {
    inside(subresources, "scale", causes, |scale, causes| {
        for (key, place, words) in
            [("specReplicasPath", ".spec.", ".spec"), ("statusReplicasPath", ".status.", ".status")]
        {
            if meta::text(scale, key).is_empty() {
                causes.required(key, "");
            } else {
                path(scale, key, &[place], words, causes);
            }
        }
        if !meta::text(scale, "labelSelectorPath").is_empty() {
            path(scale, "labelSelectorPath", &[".spec.", ".status."], "either .spec or .status", causes);
        }
    });
}

/// The columns of tables.
pub(super) fn printed(columns: &Value, key: &str, causes: &mut Causes) {
    let holder = json!({ key: columns });
    each(&holder, key, causes, |column, causes| {
        if meta::text(column, "name").is_empty() {
            causes.required("name", "");
        }
        let kinds = format!("must be one of {}", COLUMN_TYPES.join(","));
        match meta::text(column, "type") {
            "" => causes.required("type", &kinds),
            kind if COLUMN_TYPES.contains(&kind) => {}
            kind => causes.invalid("type", &kind.into(), &kinds),
        }
        let format = meta::text(column, "format");
        if !format.is_empty() && !COLUMN_FORMATS.contains(&format) {
            let why = format!("must be one of {}", COLUMN_FORMATS.join(","));
            causes.invalid("format", &format.into(), &why);
        }
        let written = json!({"JSONPath": meta::text(column, "jsonPath")});
        if meta::text(column, "jsonPath").is_empty() {
            causes.required("JSONPath", "");
        } else {
            path(&written, "JSONPath", &[], "", causes);
        }
    });
}

/// The fields that selectors may name.
pub(super) fn selectable(fields: &Value, schema: &Value, key: &str, causes: &mut Causes) {
    let holder = json!({ key: fields });
    let mut seen = BTreeSet::new();
    each(&holder, key, causes, |entry, causes| {
        let path = meta::text(entry, "jsonPath");
        if path.is_empty() {
            return causes.required("jsonPath", "");
        }
        let found = match find(path, &schema["openAPIV3Schema"]) {
            Ok(found) => found,
            Err(why) => return causes.invalid("jsonPath", &path.into(), &format!("is an invalid path: {why}")),
        };
        if path.split('.').nth(1) == Some("metadata") {
            causes.invalid("jsonPath", &path.into(), "must not point to fields in metadata");
        }
        if !matches!(meta::text(found, "type"), "string" | "boolean" | "integer") {
            let why = "must point to a field of type string, boolean or integer. Enum string fields and strings with formats \
                are allowed.";
            causes.invalid("jsonPath", &path.into(), why);
        }
        if !seen.insert(path.to_owned()) {
            causes.duplicate("jsonPath", &path.into());
        }
    });
    too_many(key, seen.len(), SELECTABLE_FIELDS, causes);
}

/// The schema at a path as `.spec.colour`.
fn find<'a>(path: &str, schema: &'a Value) -> Result<&'a Value, String> {
    let Some(rest) = path.strip_prefix('.') else {
        let token = path.split(['.', '[', ']']).next().unwrap_or_default();
        return Err(if path.starts_with('[') {
            "array notation is not allowed".to_owned()
        } else {
            format!("expected [ or . but got: {token}")
        });
    };
    if rest.contains('[') {
        return Err("array notation is not allowed".to_owned());
    }
    rest.split('.').try_fold(schema, |schema, key| {
        if key.is_empty() {
            return Err("unexpected end of JSON path".to_owned());
        }
        let properties = schema["properties"].as_object().filter(|properties| !properties.is_empty());
        let found = match properties {
            Some(properties) => properties.get(key),
            None => Some(&schema["additionalProperties"]).filter(|others| others.is_object()),
        };
        found.ok_or_else(|| "does not refer to a valid field".to_owned())
    })
}

/// How versions become one another.
pub(super) fn conversion(spec: &Value, preserves: bool, causes: &mut Causes) {
    let conversion = field(spec, "conversion");
    let strategy = meta::text(conversion, "strategy");
    if strategy != "None" && preserves {
        let why = "must be None if spec.preserveUnknownFields is true";
        causes.invalid("conversion.strategy", &strategy.into(), why);
    }
    let webhook = field(conversion, "webhook");
    let versions = list(webhook, "conversionReviewVersions");
    causes.at("conversion", |causes| {
        one_of(conversion, "strategy", &["None", "Webhook"], causes);
        let config = given(webhook, "clientConfig");
        if strategy == "Webhook" {
            match config {
                None => causes.required("webhookClientConfig", "required when strategy is set to Webhook"),
                Some(config) => webhooks::client(config, "webhookClientConfig", causes),
            }
            webhooks::review_versions(versions, "conversionReviewVersions", "", causes);
            return;
        }
        let why = "should not be set when strategy is not set to Webhook";
        if config.is_some() {
            causes.forbidden("webhookClientConfig", why);
        }
        if !versions.is_empty() {
            causes.forbidden("conversionReviewVersions", why);
        }
    });
}
