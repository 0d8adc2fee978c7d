//! The `Status` answers of the API machinery.
//!
//! Owns reasons, codes, messages and details, word for word as a real API server gives them: clients tell retry, conflict, absent,
//! forbidden and invalid apart by them. Never holds the content of an object beyond the one field that a message quotes, and
//! of a Secret not even that.

use std::fmt::{self, Write as _};

use serde_json::{Map, Value, json};

/// One reason inside an answer: a field and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// A `FieldValue…` reason, or another machine-readable word.
    pub reason: String,
    /// For people.
    pub message: String,
    /// The path of the field, as `spec.ports[0].nodePort`.
    pub field: String,
}

/// A value as a message shows it: texts as they are, in lists and objects without the letters of HTML.
pub(crate) fn shown(value: &Value) -> String {
    let text = value.to_string();
    match value {
        Value::Array(_) | Value::Object(_) => plain(&text),
        _ => text,
    }
}

/// JSON without the letters of HTML, as Go writes it.
pub(crate) fn plain(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(text, "\\u{:04x}", u32::from(letter));
            }
            _ => text.push(letter),
        }
    }
    text
}

impl Cause {
    fn new(reason: &str, field: &str, message: String) -> Self {
        Self { reason: reason.to_owned(), message, field: field.to_owned() }
    }

    /// A field that must be given.
    pub fn required(field: &str, detail: &str) -> Self {
        let message = if detail.is_empty() { "Required value".to_owned() } else { format!("Required value: {detail}") };
        Self::new("FieldValueRequired", field, message)
    }

    /// A field with a value that is wrong.
    pub fn invalid(field: &str, value: &Value, detail: &str) -> Self {
        Self::new("FieldValueInvalid", field, format!("Invalid value: {}: {detail}", shown(value)))
    }

    /// A field that may not be set so.
    pub fn forbidden(field: &str, detail: &str) -> Self {
        Self::new("FieldValueForbidden", field, format!("Forbidden: {detail}"))
    }

    /// A value that is in its list twice.
    pub fn duplicate(field: &str, value: &Value) -> Self {
        Self::new("FieldValueDuplicate", field, format!("Duplicate value: {}", shown(value)))
    }

    /// A field with a value outside the known ones.
    pub fn not_supported(field: &str, value: &str, supported: &[&str]) -> Self {
        let supported: Vec<_> = supported.iter().map(|word| format!("{word:?}")).collect();
        Self::new(
            "FieldValueNotSupported",
            field,
            format!("Unsupported value: {value:?}: supported values: {}", supported.join(", ")),
        )
    }

    fn to_value(&self) -> Value {
        let mut cause = Map::new();
        for (key, text) in [("reason", &self.reason), ("message", &self.message), ("field", &self.field)] {
            if !text.is_empty() {
                cause.insert(key.to_owned(), Value::from(text.as_str()));
            }
        }
        Value::Object(cause)
    }
}

/// A `metav1.Status`: every error, and the success of some deletions.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub struct Status {
    /// The HTTP status code; 200 for a success.
    pub code: u16,
    /// The machine-readable reason, for example `NotFound`; empty where the server gives none.
    pub reason: String,
    /// For people; empty for a success.
    pub message: String,
    /// `details`, as the server gives it.
    pub details: Option<Value>,
    /// A fresh token in `metadata.continue`, of an expired list only.
    pub continue_token: Option<String>,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.reason.is_empty() {
            write!(f, "{} ({})", self.message, self.code)
        } else {
            write!(f, "{} ({} {})", self.message, self.code, self.reason)
        }
    }
}

/// `deployments.apps`, `configmaps`.
fn qualified(group: &str, name: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") }
}

fn details(group: &str, kind: &str, name: &str) -> Map<String, Value> {
    let mut details = Map::new();
    for (key, text) in [("name", name), ("group", group), ("kind", kind)] {
        if !text.is_empty() {
            details.insert(key.to_owned(), Value::from(text));
        }
    }
    details
}

impl Status {
    /// An answer without details.
    pub fn new(code: u16, reason: &str, message: impl Into<String>) -> Self {
        Self { code, reason: reason.to_owned(), message: message.into(), details: None, continue_token: None }
    }

    fn with(mut self, details: Map<String, Value>) -> Self {
        self.details = Some(Value::Object(details));
        self
    }

    /// The success of a deletion; `resource` is the plural name.
    pub fn deleted(group: &str, resource: &str, name: &str, uid: &str) -> Self {
        let mut details = details(group, resource, name);
        details.insert("uid".to_owned(), Value::from(uid));
        Self::new(200, "", "").with(details)
    }

    /// 404: no such object.
    pub fn not_found(group: &str, resource: &str, name: &str) -> Self {
        let message = format!("{} {name:?} not found", qualified(group, resource));
        Self::new(404, "NotFound", message).with(details(group, resource, name))
    }

    /// 404: no such resource in a group that exists.
    pub fn unknown_resource() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource").with(Map::new())
    }

    /// 404: no such group or version. The HTTP mouth answers a plain page for it (see [`Status::is_plain_404`]).
    pub fn unknown_group() -> Self {
        Self::new(404, "NotFound", "404 page not found")
    }

    /// Whether this is the answer for a group or version that is not served, which is no JSON on the wire.
    pub fn is_plain_404(&self) -> bool {
        self.code == 404 && self.details.is_none()
    }

    /// 409: the name is taken.
    pub fn already_exists(group: &str, resource: &str, name: &str) -> Self {
        let message = format!("{} {name:?} already exists", qualified(group, resource));
        Self::new(409, "AlreadyExists", message).with(details(group, resource, name))
    }

    /// 409: the write does not fit what is stored; `resource` is the plural name, or the kind for preconditions.
    pub fn conflict(group: &str, resource: &str, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} {name:?}: {why}", qualified(group, resource));
        Self::new(409, "Conflict", message).with(details(group, resource, name))
    }

    /// 409: the resourceVersion is not the stored one.
    pub fn modified(group: &str, resource: &str, name: &str) -> Self {
        Self::conflict(
            group,
            resource,
            name,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    /// 409: an apply would take fields from their owners.
    pub fn apply_conflict(message: String, causes: &[Cause]) -> Self {
        let mut details = Map::new();
        details.insert("causes".to_owned(), causes.iter().map(Cause::to_value).collect());
        Self::new(409, "Conflict", message).with(details)
    }

    /// 422: the object breaks a rule; `kind` is the kind, not the resource.
    pub fn invalid(group: &str, kind: &str, name: &str, causes: &[Cause]) -> Self {
        // Equal errors are said once, as a real server does; `details` keeps them all.
        let mut errors: Vec<String> = Vec::new();
        for cause in causes {
            let error = format!("{}: {}", cause.field, cause.message);
            if !errors.contains(&error) {
                errors.push(error);
            }
        }
        let errors = match errors.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let message = format!("{} {name:?} is invalid: {errors}", qualified(group, kind));
        let mut details = details(group, kind, name);
        details.insert("causes".to_owned(), causes.iter().map(Cause::to_value).collect());
        Self::new(422, "Invalid", message).with(details)
    }

    /// 422: the patch cannot be applied to the object, a `test` for example failed.
    pub fn unprocessable() -> Self {
        Self::new(422, "Invalid", "the server rejected our request due to an error in our request").with(Map::new())
    }

    /// 403: a rule of the cluster forbids it.
    pub fn forbidden(group: &str, resource: &str, name: &str, why: &str) -> Self {
        let message = match (resource, name) {
            ("", _) => format!("forbidden: {why}"),
            (_, "") => format!("{} is forbidden: {why}", qualified(group, resource)),
            _ => format!("{} {name:?} is forbidden: {why}", qualified(group, resource)),
        };
        Self::new(403, "Forbidden", message).with(details(group, resource, name))
    }

    /// 401: nobody knows who asks.
    pub fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    /// 403: the namespace is being deleted and takes nothing new.
    pub fn namespace_terminating(group: &str, resource: &str, name: &str, namespace: &str) -> Self {
        let mut status = Self::forbidden(
            group,
            resource,
            name,
            &format!("unable to create new content in namespace {namespace} because it is being terminated"),
        );
        if let Some(Value::Object(details)) = &mut status.details {
            let message = format!("namespace {namespace} is being terminated");
            details.insert(
                "causes".to_owned(),
                json!([{"reason": "NamespaceTerminating", "message": message, "field": "metadata.namespace"}]),
            );
        }
        status
    }

    /// 400.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 429: a disruption budget keeps a pod; `why` is the budget's own word.
    pub fn disruption(message: &str, retry_seconds: u64, why: &str) -> Self {
        let mut details = Map::new();
        if retry_seconds > 0 {
            details.insert("retryAfterSeconds".to_owned(), retry_seconds.into());
        }
        let cause = Cause::new("DisruptionBudget", "", why.to_owned());
        details.insert("causes".to_owned(), json!([cause.to_value()]));
        Self::new(429, "TooManyRequests", message).with(details)
    }

    /// 405.
    pub fn method_not_allowed() -> Self {
        Self::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
            .with(Map::new())
    }

    /// 415, with the media types that would be understood.
    pub fn unsupported_media_type(accepted: &[&str]) -> Self {
        Self::new(
            415,
            "UnsupportedMediaType",
            format!(
                "the body of the request was in an unknown format - accepted media types include: {}",
                accepted.join(", ")
            ),
        )
    }

    /// 410: the revision is no longer known; list again, or go on with the token.
    pub fn expired(message: impl Into<String>, continue_token: Option<String>) -> Self {
        Self { continue_token, ..Self::new(410, "Expired", message) }
    }

    /// 410 for a watch.
    pub fn too_old(asked: u64, oldest: u64) -> Self {
        Self::expired(format!("too old resource version: {asked} ({oldest})"), None)
    }

    /// 504: the revision has not been reached yet.
    pub fn too_large_resource_version(asked: u64, current: u64) -> Self {
        let mut details = Map::new();
        details.insert(
            "causes".to_owned(),
            json!([{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]),
        );
        details.insert("retryAfterSeconds".to_owned(), Value::from(1));
        Self::new(504, "Timeout", format!("Timeout: Too large resource version: {asked}, current: {current}"))
            .with(details)
    }

    /// 503: an aggregated API does not answer.
    pub fn unavailable() -> Self {
        Self::new(503, "ServiceUnavailable", "service unavailable")
    }

    /// 500: something went wrong on the server's side.
    pub fn internal(error: &str) -> Self {
        let mut details = Map::new();
        details.insert("causes".to_owned(), json!([{"message": error}]));
        Self::new(500, "InternalError", format!("Internal error occurred: {error}")).with(details)
    }

    /// 500 without a reason, as the storage answers.
    pub fn storage(message: impl Into<String>) -> Self {
        Self::new(500, "", message)
    }

    /// Whether this answer tells of a success.
    pub fn is_success(&self) -> bool {
        self.code < 400
    }

    /// The wire form.
    pub fn to_value(&self) -> Value {
        let mut metadata = Map::new();
        if let Some(token) = &self.continue_token {
            metadata.insert("continue".to_owned(), Value::from(token.as_str()));
        }
        let outcome = if self.is_success() { "Success" } else { "Failure" };
        let mut value = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": metadata, "status": outcome,
        });
        if !self.message.is_empty() {
            value["message"] = Value::from(self.message.as_str());
        }
        if !self.reason.is_empty() {
            value["reason"] = Value::from(self.reason.as_str());
        }
        if let Some(details) = &self.details {
            value["details"] = details.clone();
        }
        if !self.is_success() {
            value["code"] = Value::from(self.code);
        }
        value
    }
}

impl serde::Serialize for Status {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}
