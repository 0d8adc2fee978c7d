//! Answers to the questions who somebody is and what somebody may do.
//!
//! Owns the status of access, rules, token and self reviews: they say what the authenticator and the authorizer would do.
//!
//! # Differences
//!
//! Selectors of an access review are only read to tell whether they can be: the rules of roles know no selectors.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Authorization;
use super::attributes::Attributes;
use super::rbac::rules_of;
use super::user::UserInfo;
use crate::clock::rfc3339;
use crate::kinds::{self, Causes};
use crate::meta;
use crate::resource::ResourceDef;
use crate::select::{FieldSelector, LabelSelector};
use crate::server::Core;
use crate::status::Status;

/// Fills in the answer to a review.
pub(crate) fn answer(core: &Core, def: &ResourceDef, review: &mut Value, now: Timestamp) -> Result<(), Status> {
    let asker = &*core.access.caller;
    let spec = &review["spec"].clone();
    let mut causes = Causes::default();
    (kinds::rules(def).validate)(review, &mut causes);
    let causes = causes.into_found();
    if !causes.is_empty() {
        // A real server has no name for a question in its own form, and its kind is empty there.
        return Err(Status::invalid(&def.group, "", "", &causes));
    }
    let status = match def.plural.as_str() {
        "selfsubjectreviews" => {
            // The answer is a new object, of now.
            review["metadata"] = json!({"creationTimestamp": rfc3339(now)});
            json!({"userInfo": asker.to_value()})
        }
        "tokenreviews" => token(core, review, now)?,
        "selfsubjectrulesreviews" => {
            let namespace = meta::text(spec, "namespace");
            if namespace.is_empty() {
                return Err(Status::bad_request("no namespace on request"));
            }
            let status = rules(core, asker, namespace);
            // The answer is a new object: only its kind and its status are there.
            review["spec"] = json!({});
            review["metadata"] = json!({});
            status
        }
        "selfsubjectaccessreviews" => access(core, asker, spec),
        _ => access(core, &subject(spec), spec),
    };
    review["status"] = status;
    Ok(())
}

/// Whose token it is. What the asker wrote into the answer stays where nothing was found out.
fn token(core: &Core, review: &Value, now: Timestamp) -> Result<Value, Status> {
    let spec = &review["spec"];
    let token = meta::text(spec, "token");
    if token.is_empty() {
        return Err(Status::bad_request("token is required for TokenReview in authentication"));
    }
    let mut status = review["status"].as_object().cloned().unwrap_or_default();
    status.remove("authenticated");
    match core.authenticate(token, &meta::strings(spec.get("audiences")), now) {
        Ok(found) => {
            status.insert("authenticated".to_owned(), true.into());
            status.insert("user".to_owned(), found.user.to_value());
            status.insert("audiences".to_owned(), json!(found.audiences));
        }
        Err(error) => {
            status.insert("error".to_owned(), error.into());
            status.entry("user").or_insert_with(|| json!({}));
        }
    }
    Ok(Value::Object(status))
}

/// Every rule that holds for a user in a namespace.
fn rules(core: &Core, user: &UserInfo, namespace: &str) -> Value {
    if core.access.authorization == Authorization::AlwaysAllow {
        return json!({
            "incomplete": false, "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
            "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
        });
    }
    let (found, error) = rules_of(&core.store, user, namespace, None);
    let part = |wanted: &str, keys: &[&str]| -> Value {
        let of_kind = found.iter().filter(|rule| !meta::strings(rule.get(wanted)).is_empty());
        let shown = of_kind.map(|rule| {
            let mut shown = Map::new();
            for key in keys {
                let texts = meta::strings(rule.get(key));
                if !texts.is_empty() {
                    shown.insert((*key).to_owned(), Value::from(texts));
                }
            }
            Value::Object(shown)
        });
        shown.collect()
    };
    let mut status = json!({
        "resourceRules": part("resources", &["verbs", "apiGroups", "resources", "resourceNames"]),
        "nonResourceRules": part("nonResourceURLs", &["verbs", "nonResourceURLs"]),
        "incomplete": false,
    });
    if let Some(error) = error {
        status["evaluationError"] = Value::from(error);
    }
    status
}

/// Whom an access review asks about.
fn subject(spec: &Value) -> UserInfo {
    let extra = spec.get("extra").and_then(Value::as_object);
    let extra: BTreeMap<_, _> =
        extra.into_iter().flatten().map(|(key, values)| (key.clone(), meta::strings(Some(values)))).collect();
    UserInfo {
        username: meta::text(spec, "user").to_owned(),
        uid: meta::text(spec, "uid").to_owned(),
        groups: meta::strings(spec.get("groups")),
        extra,
    }
}

/// Whether a user may do what the review asks.
fn access(core: &Core, user: &UserInfo, spec: &Value) -> Value {
    let resource = &spec["resourceAttributes"];
    let attributes = if resource.is_object() {
        let text = |key: &str| meta::text(resource, key).to_owned();
        Attributes {
            verb: text("verb"),
            path: None,
            group: text("group"),
            resource: text("resource"),
            subresource: text("subresource"),
            namespace: text("namespace"),
            name: text("name"),
        }
    } else {
        let path = &spec["nonResourceAttributes"];
        Attributes::of_path(meta::text(path, "verb"), meta::text(path, "path"))
    };
    let decision = core.decide(user, &attributes);
    let mut status = json!({"allowed": decision.allowed});
    if !decision.reason.is_empty() {
        status["reason"] = Value::from(decision.reason);
    }
    let errors: Vec<_> = [("fieldSelector", unread_fields(resource)), ("labelSelector", unread_labels(resource))]
        .into_iter()
        .filter_map(|(key, unread)| Some(format!("spec.resourceAttributes.{key} {} due to parse error", unread?)))
        .collect();
    if !errors.is_empty() {
        status["evaluationError"] = Value::from(errors.join("; "));
    }
    status
}

/// How much of the field selector is left out because it cannot be read.
fn unread_fields(resource: &Value) -> Option<&'static str> {
    let selector = &resource["fieldSelector"];
    let understood = |requirement: &Value| {
        let values = requirement["values"].as_array().map_or(0, Vec::len);
        matches!(meta::text(requirement, "operator"), "In" | "NotIn") && values == 1
    };
    unread(selector, FieldSelector::parse(meta::text(selector, "rawSelector")).is_err(), understood)
}

/// The same of the label selector.
fn unread_labels(resource: &Value) -> Option<&'static str> {
    let selector = &resource["labelSelector"];
    let understood =
        |requirement: &Value| matches!(meta::text(requirement, "operator"), "In" | "NotIn" | "Exists" | "DoesNotExist");
    unread(selector, meta::text(selector, "rawSelector").parse::<LabelSelector>().is_err(), understood)
}

fn unread(selector: &Value, raw: bool, understood: impl Fn(&Value) -> bool) -> Option<&'static str> {
    let requirements = selector["requirements"].as_array().map_or(&[][..], Vec::as_slice);
    let read = requirements.iter().filter(|requirement| understood(requirement)).count();
    match read {
        _ if requirements.is_empty() => raw.then_some("ignored"),
        0 => Some("ignored"),
        some if some < requirements.len() => Some("partially ignored"),
        _ => None,
    }
}
