//! The order in which webhooks are asked.
//!
//! Owns both rounds of those that change objects, and the one of those that only look: configurations by name, webhooks as they stand
//! in them; what a patch makes of an object; what becomes of a call that fails.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::request::{Operation, Request};
use super::review::{Failure, Question, ask};
use super::{Webhooks, rules};
use crate::admission;
use crate::convert;
use crate::managed::Source;
use crate::meta;
use crate::object::Object;
use crate::options::{FieldValidation, Patch, Target, WriteOptions};
use crate::patch;
use crate::reading;
use crate::resource::{GroupResource, ResourceDef};
use crate::server::Core;
use crate::status::Status;
use crate::subresource;

const GROUP: &str = "admissionregistration.k8s.io";

/// Which webhooks are asked a second time: those that want it, and were asked before something changed.
#[derive(Default)]
struct Again {
    asked: BTreeSet<usize>,
    due: BTreeSet<usize>,
}

impl Core {
    /// Asks the webhooks that may change what is written. `object` is in its stored form and stays in it.
    pub(crate) fn mutate(
        &mut self,
        request: &Request<'_>,
        object: &mut Value,
        old: Option<&Value>,
        warnings: &mut Vec<String>,
    ) -> Result<(), Status> {
        let Some((webhooks, hooks)) = self.hooks(request, "mutatingwebhookconfigurations") else {
            return Ok(());
        };
        let mut again = Again::default();
        if !self.round(request, &webhooks, &hooks, object, old, &mut again, false, warnings)? {
            return Ok(());
        }
        // The server's own plugins look at what the webhooks made, and then those webhooks do that want to.
        let before = object.clone();
        if request.operation == Operation::Create && request.subresource.is_none() {
            admission::plug_in(self, request.def, object)?;
        }
        if *object != before {
            again.due.append(&mut again.asked);
        }
        self.round(request, &webhooks, &hooks, object, old, &mut again, true, warnings).map(drop)
    }

    /// One round; whether something changed.
    #[expect(clippy::too_many_arguments, reason = "both rounds are all of these, and each is used once")]
    fn round(
        &mut self,
        request: &Request<'_>,
        webhooks: &Webhooks,
        hooks: &[Value],
        object: &mut Value,
        old: Option<&Value>,
        again: &mut Again,
        second: bool,
        warnings: &mut Vec<String>,
    ) -> Result<bool, Status> {
        let mut ever = false;
        for (index, hook) in hooks.iter().enumerate() {
            let Some(def) = rules::called_in(self, request, hook, Some(object), old)? else {
                continue;
            };
            if second && !again.due.contains(&index) {
                continue;
            }
            let question = Question { request, def: &def, object: Some(object), old };
            let asked = ask(self, hook, webhooks.find(hook), &question, true, warnings);
            let mut changed = false;
            if let Some(operations) = settled(hook, asked)? {
                let patched = self.patched(request, &def, object, old, operations)?;
                changed = patched != *object;
                *object = patched;
            }
            if changed {
                ever = true;
                again.due.append(&mut again.asked);
            }
            if hook.get("reinvocationPolicy").and_then(Value::as_str) == Some("IfNeeded") {
                again.asked.insert(index);
            }
        }
        Ok(ever)
    }

    /// Asks the webhooks that only look, all of them; the first that refuses is told.
    pub(crate) fn validate(
        &mut self,
        request: &Request<'_>,
        object: Option<&Value>,
        old: Option<&Value>,
        warnings: &mut Vec<String>,
    ) -> Result<(), Status> {
        let Some((webhooks, hooks)) = self.hooks(request, "validatingwebhookconfigurations") else {
            return Ok(());
        };
        let mut called = Vec::new();
        for hook in &hooks {
            if let Some(def) = rules::called_in(self, request, hook, object, old)? {
                called.push((hook, def));
            }
        }
        let mut refused = None;
        for (hook, def) in called {
            let question = Question { request, def: &def, object, old };
            let asked = ask(self, hook, webhooks.find(hook), &question, false, warnings);
            if let Err(status) = settled(hook, asked) {
                refused.get_or_insert(status);
            }
        }
        refused.map_or(Ok(()), Err)
    }

    /// Asks all webhooks about what writes no object: a deletion, or a connection with its options as `object`.
    pub(crate) fn review(
        &mut self,
        request: &Request<'_>,
        object: Option<&Value>,
        old: Option<&Value>,
        warnings: &mut Vec<String>,
    ) -> Result<(), Status> {
        if let Some((webhooks, hooks)) = self.hooks(request, "mutatingwebhookconfigurations") {
            for hook in &hooks {
                let Some(def) = rules::called_in(self, request, hook, object, old)? else {
                    continue;
                };
                let question = Question { request, def: &def, object, old };
                let asked = ask(self, hook, webhooks.find(hook), &question, true, warnings);
                if settled(hook, asked)?.is_some() {
                    return Err(Status::internal(&format!(
                        "admission webhook {:?} attempted to modify the object, which is not supported for this operation",
                        meta::text(hook, "name")
                    )));
                }
            }
        }
        self.validate(request, object, old, warnings)
    }

    /// The webhooks of all configurations of a kind, in order; `None` where nobody is asked.
    fn hooks(&self, request: &Request<'_>, resource: &str) -> Option<(Arc<Webhooks>, Vec<Value>)> {
        let webhooks = self.webhooks.as_ref().filter(|_| !request.is_exempt())?;
        let kind = GroupResource::new(GROUP, resource);
        let configurations = self.store.all(&kind);
        let hooks = configurations.filter_map(|(_, object)| object.value().get("webhooks")?.as_array());
        let hooks: Vec<_> = hooks.flatten().cloned().collect();
        (!hooks.is_empty()).then(|| (Arc::clone(webhooks), hooks))
    }

    /// The stored form of what a patch makes of an object that a webhook saw in the version of `def`.
    fn patched(
        &self,
        request: &Request<'_>,
        def: &ResourceDef,
        object: &Value,
        old: Option<&Value>,
        operations: Value,
    ) -> Result<Value, Status> {
        let internal = |status: Status| Status::internal(&status.message);
        let seen = request.shown(def, object);
        let source = Source::of(self, def);
        let mut new = patch::apply(&seen, &Patch::Json(operations), source.form()).map_err(internal)?;
        let own = request.def;
        let whole = meta::text(object, "kind") == own.kind;
        if whole && request.subresource != Some("scale") {
            new = convert::to_version(new, &own.api_version());
        }
        let target = Target {
            namespace: Some(request.namespace.clone()).filter(|_| own.namespaced),
            name: Some(request.name.clone()),
            subresource: request.subresource.map(str::to_owned),
            ..Target::new(&own.group, &own.version, &own.plural)
        };
        // What the kind does not know is lost silently.
        let options = WriteOptions { field_validation: FieldValidation::Ignore, ..WriteOptions::default() };
        reading::read(self, own, &target, &mut new, &options, &mut Vec::new()).map_err(internal)?;
        match (request.subresource, old) {
            (Some(name), Some(old)) if whole => {
                let owners = meta::metadata(object).get("managedFields").cloned();
                let mut merged = subresource::merge(own, name, &Object::new(old.clone()), &new)?;
                if let Some(owners) = owners {
                    meta::set(&mut merged, "managedFields", owners);
                }
                Ok(merged)
            }
            (None, _) => {
                let mut stored = convert::to_version(new, &own.stored_as());
                admission::default(self, own, &mut stored);
                self.show(own, &mut stored);
                Ok(stored)
            }
            _ => Ok(new),
        }
    }
}

/// The patch of a webhook that allowed, or of one whose failure is to be ignored none.
fn settled(hook: &Value, asked: Result<Option<Value>, Failure>) -> Result<Option<Value>, Status> {
    match asked {
        Ok(patch) => Ok(patch),
        Err(Failure::Refused(status)) => Err(status),
        Err(Failure::Call(_)) if hook.get("failurePolicy").and_then(Value::as_str) == Some("Ignore") => Ok(None),
        Err(Failure::Call(why)) => {
            Err(Status::internal(&format!("failed calling webhook {:?}: {why}", meta::text(hook, "name"))))
        }
    }
}
