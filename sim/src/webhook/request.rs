//! The write that webhooks are asked about.

use serde_json::{Map, Value, json};

use crate::access::UserInfo;
use crate::convert;
use crate::meta;
use crate::object::Object;
use crate::options::{DeleteOptions, Propagation, Target, WriteOptions};
use crate::resource::ResourceDef;
use crate::subresource;

/// What is done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    Update,
    Delete,
    Connect,
}

impl Operation {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }
}

/// One request, without the objects that it is about.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(super) def: &'a ResourceDef,
    pub(super) subresource: Option<&'a str>,
    /// That of a namespace is its own name.
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) operation: Operation,
    pub(super) options: Value,
    pub(super) dry_run: bool,
}

impl<'a> Request<'a> {
    fn new(def: &'a ResourceDef, target: &'a Target, name: &str, operation: Operation) -> Self {
        let itself = def.group.is_empty() && def.plural == "namespaces";
        let namespace = if itself { Some(name) } else { target.namespace.as_deref() };
        Self {
            def,
            subresource: target.subresource.as_deref(),
            namespace: namespace.unwrap_or_default().to_owned(),
            name: name.to_owned(),
            operation,
            options: Value::Null,
            dry_run: false,
        }
    }

    /// A create or an update; `name` is that of the object.
    pub(crate) fn write(
        def: &'a ResourceDef,
        target: &'a Target,
        name: &str,
        operation: Operation,
        options: &WriteOptions,
    ) -> Self {
        let mut said = Map::new();
        let kind = if operation == Operation::Create { "CreateOptions" } else { "UpdateOptions" };
        if options.dry_run {
            said.insert("dryRun".to_owned(), json!(["All"]));
        }
        if let Some(manager) = &options.field_manager {
            said.insert("fieldManager".to_owned(), Value::from(manager.as_str()));
        }
        let validation = match options.field_validation {
            crate::FieldValidation::Ignore => Some("Ignore"),
            crate::FieldValidation::Strict => Some("Strict"),
            crate::FieldValidation::Warn => None,
        };
        if let Some(validation) = validation {
            said.insert("fieldValidation".to_owned(), Value::from(validation));
        }
        Self { options: of_kind(kind, said), dry_run: options.dry_run, ..Self::new(def, target, name, operation) }
    }

    /// A deletion; without a name, of a collection.
    pub(crate) fn deletion(def: &'a ResourceDef, target: &'a Target, name: &str, options: &DeleteOptions) -> Self {
        let mut said = Map::new();
        if options.dry_run {
            said.insert("dryRun".to_owned(), json!(["All"]));
        }
        if let Some(seconds) = options.grace_period_seconds {
            said.insert("gracePeriodSeconds".to_owned(), Value::from(seconds));
        }
        let preconditions: Map<String, Value> = [("uid", &options.uid), ("resourceVersion", &options.resource_version)]
            .into_iter()
            .filter_map(|(key, text)| Some((key.to_owned(), Value::from(text.as_deref()?))))
            .collect();
        if !preconditions.is_empty() {
            said.insert("preconditions".to_owned(), Value::Object(preconditions));
        }
        if let Some(propagation) = options.propagation {
            let policy = match propagation {
                Propagation::Foreground => "Foreground",
                Propagation::Background => "Background",
                Propagation::Orphan => "Orphan",
            };
            said.insert("propagationPolicy".to_owned(), Value::from(policy));
        }
        Self {
            options: of_kind("DeleteOptions", said),
            dry_run: options.dry_run,
            ..Self::new(def, target, name, Operation::Delete)
        }
    }

    /// A connection to a subresource.
    pub(crate) fn connection(def: &'a ResourceDef, target: &'a Target) -> Self {
        Self::new(def, target, target.name.as_deref().unwrap_or_default(), Operation::Connect)
    }

    /// The object has got its name by now; a namespace is within itself.
    pub(crate) fn named(&mut self, name: &str) {
        if self.namespace.is_empty() && self.def.group.is_empty() && self.def.plural == "namespaces" {
            name.clone_into(&mut self.namespace);
        }
    }

    /// Version and kind of the objects, where the request is made in the version of `def`.
    pub(super) fn kind(&self, def: &ResourceDef) -> (String, String) {
        let part = self.subresource.and_then(|name| def.subresource(name));
        part.map_or_else(|| (def.api_version(), def.kind.clone()), |part| (part.api_version(), part.kind.clone()))
    }

    /// Whether no webhook of the store is asked about it: else nobody could mend the configurations.
    pub(super) fn is_exempt(&self) -> bool {
        self.def.group == "admissionregistration.k8s.io"
    }

    /// A stored object as a webhook sees it that is asked in the version of `def`.
    pub(super) fn shown(&self, def: &ResourceDef, stored: &Value) -> Value {
        if meta::text(stored, "kind") != self.def.kind {
            return stored.clone();
        }
        if let Some(name @ "scale") = self.subresource
            && let Ok(scale) = subresource::get(def, name, &Object::new(stored.clone()))
        {
            return scale.value().clone();
        }
        convert::to_version(stored.clone(), &def.api_version())
    }

    /// The whole review, in a version of `admission.k8s.io`, by the version of `def`.
    pub(super) fn review(
        &self,
        version: &str,
        uid: &str,
        user: &UserInfo,
        def: &ResourceDef,
        object: Option<&Value>,
        old: Option<&Value>,
    ) -> Value {
        let kind = |def: &ResourceDef| {
            let (version, kind) = self.kind(def);
            let (group, version) = version.rsplit_once('/').unwrap_or(("", &version));
            json!({"group": group, "version": version, "kind": kind})
        };
        let resource = |def: &ResourceDef| json!({"group": def.group, "version": def.version, "resource": def.plural});
        let shown = |value: Option<&Value>| value.map_or(Value::Null, |value| self.shown(def, value));
        let mut request = json!({
            "uid": uid, "kind": kind(def), "resource": resource(def), "requestKind": kind(self.def),
            "requestResource": resource(self.def), "operation": self.operation.name(), "userInfo": user.to_value(),
            "object": shown(object), "oldObject": shown(old), "dryRun": self.dry_run, "options": self.options,
        });
        let subresource = self.subresource.unwrap_or_default();
        let texts = [
            ("subResource", subresource),
            ("requestSubResource", subresource),
            ("name", self.name.as_str()),
            ("namespace", self.namespace.as_str()),
        ];
        for (key, text) in texts {
            if !text.is_empty() {
                request[key] = Value::from(text);
            }
        }
        json!({"apiVersion": format!("admission.k8s.io/{version}"), "kind": "AdmissionReview", "request": request})
    }
}

fn of_kind(kind: &str, mut options: Map<String, Value>) -> Value {
    options.insert("kind".to_owned(), Value::from(kind));
    options.insert("apiVersion".to_owned(), Value::from("meta.k8s.io/v1"));
    Value::Object(options)
}
