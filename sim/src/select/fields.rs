//! The grammar of field selectors, and which fields a resource can be selected by.
//!
//! # Differences
//!
//! The fields are read from the stored object, so a field that a real server would default in memory is only found when it is there.

use serde_json::Value;

use crate::meta;
use crate::resource::ResourceDef;

/// A conjunction of equalities on fields; the empty one matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSelector(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    field: String,
    value: String,
    equal: bool,
}

impl FieldSelector {
    /// Parses `a=b,c!=d`; a backslash keeps `,`, `=` and itself in a value.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut requirements = Vec::new();
        for part in split(text, ',') {
            if part.is_empty() {
                continue;
            }
            let misunderstood = || format!("invalid selector: '{text}'; can't understand '{part}'");
            let place = operator(&part).ok_or_else(misunderstood)?;
            let (field, rest) = part.split_at(place);
            let (equal, value) = match rest.strip_prefix("!=") {
                Some(value) => (false, value),
                None => (true, rest.strip_prefix("==").unwrap_or(&rest[1..])),
            };
            requirements.push(Requirement { field: field.to_owned(), value: unescape(value)?, equal });
        }
        Ok(Self(requirements))
    }

    /// Whether it matches everything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value that the field must have.
    pub(crate) fn exactly(&self, field: &str) -> Option<&str> {
        let found = self.0.iter().find(|requirement| requirement.equal && requirement.field == field);
        found.map(|requirement| requirement.value.as_str())
    }

    /// The message for the first field that the resource cannot be selected by.
    pub(super) fn check(&self, def: &ResourceDef) -> Result<(), String> {
        let extra = selectable(def);
        for Requirement { field, .. } in &self.0 {
            let known = ["metadata.name", "metadata.namespace"].contains(&field.as_str())
                || extra.contains(&field.as_str())
                || def.selectable_fields.contains(field);
            if known {
                continue;
            }
            return Err(if extra.is_empty() && !def.is_custom() {
                format!("{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
            } else if def.group == "batch" && def.plural == "jobs" {
                format!("field label {field:?} not supported for Job")
            } else {
                format!("field label not supported: {field}")
            });
        }
        Ok(())
    }

    /// Whether every requirement holds; an absent field is the empty text.
    pub fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|requirement| {
            let value = field(object, &requirement.field);
            (value == requirement.value) == requirement.equal
        })
    }
}

/// The fields that a built-in resource offers beyond name and namespace.
fn selectable(def: &ResourceDef) -> &'static [&'static str] {
    match (def.group.as_str(), def.plural.as_str()) {
        ("", "pods") => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        ("", "nodes") => &["spec.unschedulable"],
        ("", "namespaces") => &["status.phase", "name"],
        ("", "secrets") => &["type"],
        ("", "services") => &["spec.clusterIP", "spec.type"],
        ("", "replicationcontrollers") => &["status.replicas"],
        ("batch", "jobs") => &["status.successful"],
        ("certificates.k8s.io", "certificatesigningrequests") => &["spec.signerName"],
        ("", "events") => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        ("events.k8s.io", "events") => &[
            "regarding.kind",
            "regarding.namespace",
            "regarding.name",
            "regarding.uid",
            "regarding.apiVersion",
            "regarding.resourceVersion",
            "regarding.fieldPath",
            "reason",
            "reportingController",
            "type",
        ],
        ("resource.k8s.io", "resourceslices") => &["spec.nodeName", "spec.driver"],
        _ => &[],
    }
}

/// The text of a field as selectors see it.
fn field(object: &Value, path: &str) -> String {
    let value = match path {
        "name" => meta::at(object, "metadata.name"),
        "source" => meta::at(object, "source.component").or_else(|| object.get("reportingComponent")),
        "status.successful" => meta::at(object, "status.succeeded"),
        "reportingController" => object.get("reportingController").or_else(|| object.get("reportingComponent")),
        _ => match path.strip_prefix("regarding.") {
            // Events are stored in their older form.
            Some(rest) => object.get("involvedObject").and_then(|regarding| regarding.get(rest)),
            None => meta::at(object, path),
        },
    };
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(value)) => value.to_string(),
        Some(Value::Number(value)) => value.to_string(),
        _ => match path {
            "spec.unschedulable" | "spec.hostNetwork" => "false".to_owned(),
            "status.replicas" | "status.successful" => "0".to_owned(),
            _ => String::new(),
        },
    }
}

/// Splits at a separator that no backslash precedes; keeps the backslashes.
fn split(text: &str, separator: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in text.chars() {
        if c == separator && !escaped {
            parts.push(String::new());
            continue;
        }
        escaped = c == '\\' && !escaped;
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts
}

/// Where the operator of a requirement begins.
fn operator(part: &str) -> Option<usize> {
    let mut escaped = false;
    for (place, c) in part.char_indices() {
        if !escaped && (c == '=' || part[place..].starts_with("!=")) {
            return Some(place);
        }
        escaped = c == '\\' && !escaped;
    }
    None
}

fn unescape(value: &str) -> Result<String, String> {
    let mut plain = String::new();
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(c @ ('\\' | ',' | '=')) => plain.push(c),
                other => {
                    let sequence: String = std::iter::once('\\').chain(other).collect();
                    return Err(format!("invalid field selector: invalid escape sequence: {sequence}"));
                }
            },
            ',' | '=' => {
                return Err(format!("invalid field selector: unescaped character in value: {c}"));
            }
            c => plain.push(c),
        }
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_it_holds_of() {
        let object = json!({
            "metadata": {"name": "a,b"}, "spec": {"nodeName": "n1", "hostNetwork": true}, "status": {},
        });
        for (selector, holds) in [
            ("", true),
            ("metadata.name=a\\,b", true),
            ("metadata.name!=a\\,b", false),
            ("spec.nodeName==n1,status.phase=", true),
            ("spec.nodeName=", false),
            ("spec.hostNetwork=true", true),
            ("metadata.namespace!=x", true),
        ] {
            let selector = FieldSelector::parse(selector).expect("a valid selector");
            assert_eq!(selector.matches(&object), holds, "{selector:?}");
        }
        assert!(FieldSelector::parse("nonsense").is_err());
        assert!(FieldSelector::parse("a=b\\c").is_err());
        assert!(FieldSelector::parse("a=b=c").is_err());
    }

    #[test]
    fn only_some_fields_can_be_selected_by() {
        let def = |group: &str, plural: &str| ResourceDef {
            group: group.to_owned(),
            plural: plural.to_owned(),
            ..ResourceDef::default()
        };
        let check =
            |def: &ResourceDef, selector: &str| FieldSelector::parse(selector).and_then(|selector| selector.check(def));
        assert_eq!(
            check(&def("", "configmaps"), "data.a=1").expect_err("an unknown field"),
            "\"data.a\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
        );
        assert_eq!(
            check(&def("", "pods"), "spec.x=1").expect_err("an unknown field"),
            "field label not supported: spec.x"
        );
        assert!(check(&def("", "pods"), "status.phase=Running").is_ok());
    }
}
