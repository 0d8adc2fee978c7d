//! Admission webhooks as functions of the caller.
//!
//! Owns the [`Webhook`] that a caller gives, and where it stands for the backend of a webhook in a `MutatingWebhookConfiguration` or a
//! `ValidatingWebhookConfiguration` of the store ([`Webhooks`]). Which webhooks a request is for is in `rules`, the conversation with
//! them in `review`, its order in `dispatch`.
//!
//! Without [`Options::webhooks`](crate::Options) the configurations are only stored, as in a cluster whose backends nobody has started
//! yet. With it they hold: a webhook that no function stands for cannot be reached, and its `failurePolicy` decides.
//!
//! # Differences
//!
//! A webhook is called within the write, which is one transaction: it must not call the server that calls it. It takes no time.
//! `matchConditions` are not evaluated: all hold. The options of a request say no `fieldManager` but the effective one. Fields that
//! a webhook changes get no owner, and those that it makes wrong in `managedFields` stay wrong. Webhooks that validate are called one
//! after the other, and the first that refuses is told.

mod dispatch;
mod request;
mod review;
mod rules;
mod unreached;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::meta;

pub(crate) use request::{Operation, Request};

/// The backend of a webhook.
pub trait Webhook: Send + Sync + 'static {
    /// Answers an `AdmissionReview` that has a request with one that has a response: see [`allow`], [`deny`] and [`patch`]. An error is
    /// what the server says of a call that failed. Called within a write: it must not call the server.
    fn review(&self, review: &Value) -> Result<Value, String>;
}

impl<F> Webhook for F
where
    F: Fn(&Value) -> Result<Value, String> + Send + Sync + 'static,
{
    fn review(&self, review: &Value) -> Result<Value, String> {
        self(review)
    }
}

/// What a function stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Backend {
    /// The webhook of this name, wherever its configuration says that it is.
    Name(String),
    /// Every webhook of this URL.
    Url(String),
    /// Every webhook of this path of a service.
    Service { namespace: String, name: String, path: String },
}

/// The webhooks that can be reached.
#[derive(Clone, Default)]
pub struct Webhooks(BTreeMap<Backend, Arc<dyn Webhook>>);

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Webhooks {
    /// None can be reached.
    pub fn new() -> Self {
        Self::default()
    }

    /// The webhook of this name (`webhooks[].name`) can be reached.
    #[must_use]
    pub fn with_name(self, name: &str, webhook: impl Webhook) -> Self {
        self.with(Backend::Name(name.to_owned()), webhook)
    }

    /// Whatever webhook has this `clientConfig.url` can be reached.
    #[must_use]
    pub fn with_url(self, url: &str, webhook: impl Webhook) -> Self {
        self.with(Backend::Url(url.to_owned()), webhook)
    }

    /// Whatever webhook has this `clientConfig.service` can be reached; an absent path is empty.
    #[must_use]
    pub fn with_service(self, namespace: &str, name: &str, path: &str, webhook: impl Webhook) -> Self {
        let [namespace, name, path] = [namespace, name, path].map(str::to_owned);
        self.with(Backend::Service { namespace, name, path }, webhook)
    }

    fn with(mut self, backend: Backend, webhook: impl Webhook) -> Self {
        self.0.insert(backend, Arc::new(webhook));
        self
    }

    /// What stands for a webhook of a configuration.
    fn find(&self, hook: &Value) -> Option<&Arc<dyn Webhook>> {
        let config = &hook["clientConfig"];
        let text = |value: &Value, key: &str| meta::text(value, key).to_owned();
        let service = &config["service"];
        let backends = [
            Backend::Name(text(hook, "name")),
            Backend::Url(text(config, "url")),
            Backend::Service {
                namespace: text(service, "namespace"),
                name: text(service, "name"),
                path: text(service, "path"),
            },
        ];
        backends.iter().find_map(|backend| self.0.get(backend))
    }
}

/// The answer to a review with these fields beside the uid, as `{"allowed": true, "warnings": ["…"]}`.
pub fn respond(review: &Value, mut response: Value) -> Value {
    response["uid"] = review["request"]["uid"].clone();
    json!({"apiVersion": review["apiVersion"], "kind": "AdmissionReview", "response": response})
}

/// The answer that allows.
pub fn allow(review: &Value) -> Value {
    respond(review, json!({"allowed": true}))
}

/// The answer that refuses, with a code and a message.
pub fn deny(review: &Value, code: u16, message: &str) -> Value {
    respond(review, json!({"allowed": false, "status": {"code": code, "message": message}}))
}

/// The answer that allows and changes the object by a JSON patch: a list of operations.
pub fn patch(review: &Value, operations: &Value) -> Value {
    let encoded = STANDARD.encode(operations.to_string());
    respond(review, json!({"allowed": true, "patchType": "JSONPatch", "patch": encoded}))
}
