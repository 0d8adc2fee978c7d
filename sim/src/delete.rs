//! Deleting.
//!
//! Owns the way of an object out of the store: preconditions, propagation as finalizers, grace, and the moment when nothing holds
//! it any more. What follows from a deletion elsewhere (dependents, the content of a namespace) is the business of actors.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::clock::rfc3339;
use crate::crd;
use crate::meta;
use crate::object::{List, Object};
use crate::options::{DeleteOptions, Deleted, ListOptions, Propagation, Target};
use crate::resource::ResourceDef;
use crate::server::{ApiServer, Core};
use crate::status::Status;
use crate::store;
use crate::webhook::Request;
use crate::write::present;

/// The grace of a pod that names none.
const POD_GRACE_SECONDS: i64 = 30;

/// Namespaces that a cluster cannot be without.
const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];

/// The finalizer of an object that waits for its dependents to go.
const FOREGROUND: &str = "foregroundDeletion";

/// The finalizer of an object that waits for its dependents to be released.
const ORPHAN: &str = "orphan";

/// How a deletion was asked for. The collection of definitions is deleted like any other: only a deletion by name lets a definition hold
/// itself until its objects are gone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    ByName,
    OfCollection,
}

/// What whoever deletes objects of a kind is to be told.
fn preserved(def: &ResourceDef, options: &DeleteOptions) -> Vec<String> {
    if def.group == "batch" && def.plural == "jobs" && options.propagation.is_none() {
        let why = "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set \
            propagationPolicy=Orphan to suppress this warning";
        return vec![why.to_owned()];
    }
    Vec::new()
}

impl ApiServer {
    /// Deletes an object: it is gone, or it waits, being deleted, for its finalizers or its grace.
    pub fn delete(&self, target: &Target, options: &DeleteOptions) -> Result<Deleted, Status> {
        self.delete_warning(target, options, &mut Vec::new())
    }

    /// [`ApiServer::delete`], with what the caller is to be warned of.
    pub(crate) fn delete_warning(
        &self,
        target: &Target,
        options: &DeleteOptions,
        warnings: &mut Vec<String>,
    ) -> Result<Deleted, Status> {
        let now = self.now();
        self.transaction(|core| {
            self.may(core, "delete", target)?;
            let def = core.registry.resolve(target)?;
            if !def.supports("delete") || target.subresource.is_some() {
                return Err(Status::method_not_allowed());
            }
            warnings.extend(preserved(&def, options));
            let name = target.name.as_deref().unwrap_or_default();
            let request = Request::deletion(&def, target, name, options);
            core.delete(&def, target, options, Asked::ByName, now, |core, old| {
                core.review(&request, None, Some(old.value()), warnings)
            })
        })
    }

    /// Deletes every object that a list would give; answers them as they were.
    pub fn delete_collection(
        &self,
        target: &Target,
        list: &ListOptions,
        options: &DeleteOptions,
    ) -> Result<List, Status> {
        self.delete_collection_warning(target, list, options, &mut Vec::new())
    }

    /// [`ApiServer::delete_collection`], with what the caller is to be warned of.
    pub(crate) fn delete_collection_warning(
        &self,
        target: &Target,
        list: &ListOptions,
        options: &DeleteOptions,
        warnings: &mut Vec<String>,
    ) -> Result<List, Status> {
        let now = self.now();
        self.transaction(|core| {
            self.may(core, "deletecollection", target)?;
            let def = core.registry.resolve(target)?;
            if !def.supports("deletecollection") {
                return Err(Status::method_not_allowed());
            }
            warnings.extend(preserved(&def, options));
            let list = core.list(&def, target, list)?;
            let request = Request::deletion(&def, target, "", options);
            for object in &list.items {
                let mut target = target.clone();
                target.name = Some(object.name().to_owned());
                target.namespace = object.namespace().map(str::to_owned);
                let deleted = core.delete(&def, &target, options, Asked::OfCollection, now, |core, old| {
                    core.review(&request, None, Some(old.value()), warnings)
                });
                match deleted {
                    // Gone with another one of the list: that is what was asked for.
                    Err(status) if status.code == 404 => {}
                    other => drop(other?),
                }
            }
            Ok(List { resource_version: core.store.revision(), ..list })
        })
    }
}

impl Core {
    /// Deletes an object that `agreed` lets go.
    pub(crate) fn delete(
        &mut self,
        def: &ResourceDef,
        target: &Target,
        options: &DeleteOptions,
        asked: Asked,
        now: Timestamp,
        agreed: impl FnOnce(&mut Self, &Object) -> Result<(), Status>,
    ) -> Result<Deleted, Status> {
        let old = self.existing(def, target)?;
        let name = old.name().to_owned();
        if is_namespace(def) && IMMORTAL.contains(&name.as_str()) {
            return Err(Status::forbidden(&def.group, &def.plural, &name, "this namespace may not be deleted"));
        }
        check_preconditions(def, &old, options, asked)?;
        agreed(self, &old)?;

        let key = store::key(old.namespace(), &name);
        let mut marked = mark(def, &old, options, asked, now);
        // A namespace is there once more after the first request, whatever holds it.
        let waits = is_namespace(def) && !old.is_terminating();
        if !waits && is_finished(def, &marked) {
            if !is_pod(def) && !old.is_terminating() && meta::finalizers(old.value()).is_empty() {
                // It goes at once, and is never marked.
                marked = old.value().clone();
            }
            if !options.dry_run {
                if is_pod(def) && marked != *old.value() {
                    // That a pod is to go is written before it goes.
                    self.commit(def, &key, marked.clone());
                }
                self.erase(def, &key);
                // What is answered is the last state, at the revision of its end.
                meta::set(&mut marked, "resourceVersion", self.store.revision().to_string());
                crd::changed(self, def, &name, now);
            }
            return Ok(if answers_object(def) {
                if !is_pod(def) && !old.is_terminating() {
                    // Only what ends gracefully is marked before it is gone.
                    let version = meta::meta_text(&marked, "resourceVersion").to_owned();
                    marked = old.value().clone();
                    meta::set(&mut marked, "resourceVersion", version);
                }
                Deleted::Object(present(def, &Object::new(marked)))
            } else {
                Deleted::Status(Status::deleted(&def.group, &def.plural, &name, old.uid()))
            });
        }
        if marked == *old.value() || options.dry_run {
            return Ok(Deleted::Object(present(def, &Object::new(marked))));
        }
        let object = self.commit(def, &key, marked);
        crd::changed(self, def, &name, now);
        Ok(Deleted::Object(present(def, &object)))
    }
}

fn is_namespace(def: &ResourceDef) -> bool {
    def.group.is_empty() && def.plural == "namespaces"
}

fn is_pod(def: &ResourceDef) -> bool {
    def.group.is_empty() && def.plural == "pods"
}

fn is_definition(def: &ResourceDef) -> bool {
    def.group == "apiextensions.k8s.io" && def.plural == "customresourcedefinitions"
}

/// The kinds that answer their last state instead of a `Status`.
fn answers_object(def: &ResourceDef) -> bool {
    def.group == "resource.k8s.io"
        || (def.group == "storage.k8s.io" && def.plural != "csistoragecapacities")
        || def.group.is_empty()
            && matches!(
                def.plural.as_str(),
                "namespaces"
                    | "pods"
                    | "podtemplates"
                    | "persistentvolumes"
                    | "persistentvolumeclaims"
                    | "resourcequotas"
                    | "serviceaccounts"
                    | "services"
            )
}

pub(crate) fn check_preconditions(
    def: &ResourceDef,
    old: &Object,
    options: &DeleteOptions,
    asked: Asked,
) -> Result<(), Status> {
    let name = old.name();
    if is_definition(def) && asked == Asked::ByName {
        return check_as_stored(def, old, options);
    }
    if is_namespace(def) {
        // They are looked at twice.
        check_as_stored(def, old, options)?;
    }
    if let Some(uid) = &options.uid
        && uid != old.uid()
    {
        let record = old.uid();
        return Err(Status::conflict(
            def.kind_group(),
            &def.kind,
            name,
            &format!(
                "the UID in the precondition ({uid}) does not match the UID in record ({record}). The object might \
                    have been deleted and then recreated"
            ),
        ));
    }
    if let Some(version) = &options.resource_version
        && version.parse() != Ok(old.resource_version())
    {
        let record = old.resource_version();
        return Err(Status::conflict(
            def.kind_group(),
            &def.kind,
            name,
            &format!(
                "the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record \
                    ({record}). The object might have been modified"
            ),
        ));
    }
    Ok(())
}

/// The same in the words of the storage, which is asked first about definitions and namespaces.
fn check_as_stored(def: &ResourceDef, old: &Object, options: &DeleteOptions) -> Result<(), Status> {
    let version = old.resource_version().to_string();
    for (what, asked, record) in
        [("UID", &options.uid, old.uid()), ("ResourceVersion", &options.resource_version, version.as_str())]
    {
        if let Some(asked) = asked.as_deref().filter(|asked| *asked != record) {
            let why = format!("Precondition failed: {what} in precondition: {asked}, {what} in object meta: {record}");
            return Err(Status::conflict(&def.group, &def.plural, old.name(), &why));
        }
    }
    Ok(())
}

/// The object as the request leaves it: being deleted, with the finalizers that the propagation asks for.
fn mark(def: &ResourceDef, old: &Object, options: &DeleteOptions, asked: Asked, now: Timestamp) -> Value {
    let mut new = old.value().clone();
    if is_pod(def) && old.is_terminating() {
        match sooner(old.value(), options) {
            Sooner::No => return new,
            Sooner::In(grace, end) => {
                meta::set(&mut new, "deletionTimestamp", rfc3339(end));
                meta::set(&mut new, "deletionGracePeriodSeconds", grace);
            }
            Sooner::Over => {}
        }
        meta::set_finalizers(&mut new, finalizers(def, old.value(), options.propagation));
        return new;
    }
    let terminating = old.is_terminating();
    // The first deletion of a definition asks for no policy.
    let holds = is_definition(def) && asked == Asked::ByName;
    let policy = options.propagation.filter(|_| terminating || !holds);
    let mut finalizers = finalizers(def, old.value(), policy);
    if holds && !terminating {
        finalizers.push(crd::FINALIZER.to_owned());
    }
    meta::set_finalizers(&mut new, finalizers);

    if is_namespace(def) && terminating && meta::at(old.value(), "spec.finalizers").is_some() {
        return old.value().clone();
    }
    if is_namespace(def) && !terminating {
        meta::set(&mut new, "deletionTimestamp", rfc3339(now));
        if let Some(status) = meta::object_at(&mut new, "status") {
            status.insert("phase".to_owned(), Value::from("Terminating"));
        }
        return new;
    }
    if holds {
        if !terminating {
            meta::set(&mut new, "deletionTimestamp", rfc3339(now));
            crd::terminating(&mut new, now);
        }
        return new;
    }

    if terminating {
        return new;
    }
    let grace = grace(def, old.value(), options);
    let end = now.checked_add(SignedDuration::from_secs(grace)).unwrap_or(now);
    meta::set(&mut new, "deletionTimestamp", rfc3339(end));
    meta::set(&mut new, "deletionGracePeriodSeconds", grace);
    let generation = meta::metadata(&new).get("generation").and_then(Value::as_i64);
    if let Some(generation) = generation.filter(|generation| *generation > 0 && !terminating) {
        meta::set(&mut new, "generation", generation + 1);
    }
    new
}

/// What another deletion does to a pod that goes already.
enum Sooner {
    /// Nothing: it may only be shortened.
    No,
    /// It goes so many seconds after the first request, which is then.
    In(i64, Timestamp),
    /// Its time is over.
    Over,
}

fn sooner(old: &Value, options: &DeleteOptions) -> Sooner {
    let metadata = meta::metadata(old);
    let pending = metadata.get("deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or_default();
    let end = metadata.get("deletionTimestamp").and_then(Value::as_str).and_then(|time| time.parse::<Timestamp>().ok());
    match (pending, options.grace_period_seconds, end) {
        (0, ..) => Sooner::Over,
        (pending, Some(grace), Some(end)) if grace < pending => {
            let end = end.checked_sub(SignedDuration::from_secs(pending - grace)).unwrap_or(end);
            Sooner::In(grace, end)
        }
        _ => Sooner::No,
    }
}

/// The seconds that the object keeps running.
fn grace(def: &ResourceDef, old: &Value, options: &DeleteOptions) -> i64 {
    if !is_pod(def) {
        return 0;
    }
    let scheduled = meta::at(old, "spec.nodeName").and_then(Value::as_str).is_some_and(|node| !node.is_empty());
    let phase = meta::at(old, "status.phase").and_then(Value::as_str);
    if !scheduled || matches!(phase, Some("Failed" | "Succeeded")) {
        return 0;
    }
    let own = meta::at(old, "spec.terminationGracePeriodSeconds").and_then(Value::as_i64);
    let grace = options.grace_period_seconds.or(own);
    match grace.unwrap_or(POD_GRACE_SECONDS) {
        // A negative one is the shortest.
        grace if grace < 0 => 1,
        grace => grace,
    }
}

/// The finalizers after the request. Without a policy, those that are there decide, then the default of the kind.
fn finalizers(def: &ResourceDef, old: &Value, policy: Option<Propagation>) -> Vec<String> {
    let mut finalizers = meta::finalizers(old);
    if def.plural == "events" && def.storage().group.is_empty() {
        // Nothing depends on an event.
        return finalizers;
    }
    let has = |name: &str| finalizers.iter().any(|finalizer| finalizer == name);
    let wanted = match policy {
        Some(Propagation::Orphan) => Some(ORPHAN),
        Some(Propagation::Foreground) => Some(FOREGROUND),
        Some(Propagation::Background) => None,
        None if has(ORPHAN) => Some(ORPHAN),
        None if has(FOREGROUND) => Some(FOREGROUND),
        // Kept by the real server for the oldest clients.
        None => matches!((def.group.as_str(), def.plural.as_str()), ("", "replicationcontrollers") | ("batch", "jobs"))
            .then_some(ORPHAN),
    };
    finalizers.retain(|name| name != ORPHAN && name != FOREGROUND || Some(name.as_str()) == wanted);
    if let Some(wanted) = wanted
        && !finalizers.iter().any(|name| name == wanted)
    {
        finalizers.push(wanted.to_owned());
    }
    finalizers
}

/// Whether nothing holds an object that is being deleted.
pub(crate) fn is_finished(def: &ResourceDef, value: &Value) -> bool {
    if !meta::is_terminating(value) || !meta::finalizers(value).is_empty() {
        return false;
    }
    if is_namespace(def) {
        let held = meta::at(value, "spec.finalizers");
        return meta::strings(held).is_empty();
    }
    let grace = meta::metadata(value).get("deletionGracePeriodSeconds");
    grace.and_then(Value::as_i64).unwrap_or_default() == 0
}
