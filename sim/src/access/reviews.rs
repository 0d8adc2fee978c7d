//! Answers to the questions who somebody is and what somebody may do.
//!
//! Owns the status of access, rules, token and self reviews: they say what the authenticator and the authorizer would do.
//!
//! # Differences
//!
//! Requirements of the selectors of an access review are not read, only their raw form is: the rules of roles know no selectors.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Authorization;
use super::attributes::Attributes;
use super::rbac::rules_of;
use super::user::UserInfo;
use crate::clock::rfc3339;
use crate::meta;
use crate::options::Target;
use crate::resource::ResourceDef;
use crate::select::{FieldSelector, LabelSelector};
use crate::server::Core;
use crate::status::Status;

/// Fills in the answer to a review.
pub(crate) fn answer(
    core: &Core,
    def: &ResourceDef,
    target: &Target,
    review: &mut Value,
    now: Timestamp,
) -> Result<(), Status> {
    let asker = &*core.access.caller;
    let spec = &review["spec"].clone();
    let status = match def.plural.as_str() {
        "selfsubjectreviews" => {
            meta::set(review, "creationTimestamp", rfc3339(now));
            json!({"userInfo": asker.to_value()})
        }
        "tokenreviews" => token(core, spec, now)?,
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
        _ => {
            let namespace = target.namespace.as_deref().unwrap_or_default();
            if def.namespaced && meta::meta_text(review, "namespace") != namespace {
                return Err(Status::bad_request(format!(
                    "spec.resourceAttributes.namespace must match namespace: {namespace}"
                )));
            }
            access(core, &subject(spec), spec)
        }
    };
    review["status"] = status;
    Ok(())
}

/// Whose token it is.
fn token(core: &Core, spec: &Value, now: Timestamp) -> Result<Value, Status> {
    let token = meta::text(spec, "token");
    if token.is_empty() {
        return Err(Status::bad_request("token is required for TokenReview in authentication"));
    }
    Ok(match core.authenticate(token, &meta::strings(spec.get("audiences")), now) {
        Ok(found) => {
            json!({"authenticated": true, "user": found.user.to_value(), "audiences": found.audiences})
        }
        Err(error) => json!({"user": {}, "error": error}),
    })
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
    let raw = |key: &str| meta::text(&resource[key], "rawSelector");
    let unread = [
        ("fieldSelector", FieldSelector::parse(raw("fieldSelector")).is_err()),
        ("labelSelector", raw("labelSelector").parse::<LabelSelector>().is_err()),
    ];
    let errors: Vec<_> = unread
        .into_iter()
        .filter(|(_, unread)| *unread)
        .map(|(key, _)| format!("spec.resourceAttributes.{key} ignored due to parse error"))
        .collect();
    if !errors.is_empty() {
        status["evaluationError"] = Value::from(errors.join("; "));
    }
    status
}
