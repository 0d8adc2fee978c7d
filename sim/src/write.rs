//! Writing: create, update, patch.
//!
//! Owns what the server sets (uid, times, generation, resourceVersion), what it refuses, and optimistic locking. What is special to a
//! kind is in `admission`, names in `validate_name`, parts of objects in `subresource`.

use jiff::Timestamp;
use serde_json::Value;

use crate::access::{Attributes, escalation};
use crate::admission;
use crate::body::{check_kind, identified, typed};
use crate::clock::rfc3339;
use crate::convert;
use crate::crd;
use crate::delete;
use crate::kinds::{self, Causes};
use crate::managed::{self, Source};
use crate::meta;
use crate::object::Object;
use crate::options::{Patch, Target, WriteOptions};
use crate::patch;
use crate::quota;
use crate::reading;
use crate::resource::ResourceDef;
use crate::rules::{absent, bounded, carried, changes, copy, desired, emptied, same_object, seen_last, versioned};
use crate::server::{ApiServer, Core};
use crate::status::{Cause, Status};
use crate::store;
use crate::subresource;
use crate::validate_name;
use crate::webhook::{Operation, Request};

impl ApiServer {
    /// Creates an object, or posts to a subresource such as `binding`. Kinds that are only questions (access reviews) are answered.
    pub fn create(&self, target: &Target, body: Value, options: &WriteOptions) -> Result<Object, Status> {
        self.create_warning(target, body, options, &mut Vec::new())
    }

    /// [`ApiServer::create`], with what the writer is to be warned of.
    pub(crate) fn create_warning(
        &self,
        target: &Target,
        mut body: Value,
        options: &WriteOptions,
        warnings: &mut Vec<String>,
    ) -> Result<Object, Status> {
        options.check("CreateOptions")?;
        let now = self.now();
        self.transaction(|core| {
            self.may(core, "create", target)?;
            let def = core.registry.resolve(target)?;
            reading::read(core, &def, target, &mut body, options, warnings)?;
            match target.subresource.as_deref() {
                Some(name) => subresource::create(core, &def, target, name, body, options, now, warnings),
                None if !def.supports("create") => Err(Status::method_not_allowed()),
                None if !def.supports("get") => subresource::answer(core, &def, target, body, options, now, warnings),
                None => core.create(&def, target, body, options, now, warnings),
            }
        })
    }

    /// Replaces an object or the part of it that a subresource is.
    pub fn update(&self, target: &Target, body: Value, options: &WriteOptions) -> Result<Object, Status> {
        self.put(target, body, options, &mut Vec::new()).map(|(object, _)| object)
    }

    /// [`ApiServer::update`], and whether the object was created by it: some kinds are, where they are absent.
    pub(crate) fn put(
        &self,
        target: &Target,
        mut body: Value,
        options: &WriteOptions,
        warnings: &mut Vec<String>,
    ) -> Result<(Object, bool), Status> {
        options.check("UpdateOptions")?;
        let now = self.now();
        self.transaction(|core| {
            self.may(core, "update", target)?;
            let def = core.registry.resolve(target)?;
            allowed(&def, target, "update")?;
            reading::read(core, &def, target, &mut body, options, warnings)?;
            let mut body = identified(&def, target, body)?;
            let old = match core.existing(&def, target) {
                Ok(old) => old,
                Err(_) if creates_on_update(&def, target) => {
                    absent(&def, target, &body, options.dry_run)?;
                    // Whoever names a version of an absent object gets a new one all the same.
                    let version = meta::meta_text(&body, "resourceVersion").to_owned();
                    meta::unset(&mut body, "resourceVersion");
                    let mut created = core.create(&def, target, body, options, now, warnings)?;
                    if options.dry_run && !version.is_empty() {
                        let mut value = created.value().clone();
                        meta::set(&mut value, "resourceVersion", version);
                        created = Object::new(value);
                    }
                    return Ok((created, true));
                }
                Err(absent) => return Err(absent),
            };
            same_object(&def, target, &old, &body, options.dry_run)?;
            if core.admission {
                versioned(&def, &old, &body)?;
            }
            core.replace(&def, target, &old, body, options, now, warnings).map(|object| (object, false))
        })
    }

    /// Changes an object or the part of it that a subresource is; an apply creates what is absent.
    pub fn patch(&self, target: &Target, patch: &Patch, options: &WriteOptions) -> Result<Object, Status> {
        self.patch_or_create(target, patch, options, &mut Vec::new()).map(|(object, _)| object)
    }

    /// [`ApiServer::patch`], and whether the object was created by it, with what the writer is to be warned of.
    pub(crate) fn patch_or_create(
        &self,
        target: &Target,
        patch: &Patch,
        options: &WriteOptions,
        warnings: &mut Vec<String>,
    ) -> Result<(Object, bool), Status> {
        options.check("PatchOptions")?;
        let now = self.now();
        self.transaction(|core| {
            self.may(core, "patch", target)?;
            let def = core.registry.resolve(target)?;
            allowed(&def, target, "patch")?;
            patch::supported(&def, patch, options)?;
            if let Patch::Apply(config) = patch
                && target.subresource.as_deref() != Some("scale")
            {
                return core.apply(&def, target, config, options, now, warnings);
            }
            let old = core.existing(&def, target)?;
            let seen = match target.subresource.as_deref() {
                Some(name) => subresource::get(&def, name, &old)?,
                None => stored(&def, &old),
            };
            let source = Source::of(core, &def);
            let mut patched = match patch {
                Patch::Apply(config) => patch::apply(seen.value(), &Patch::Merge(config.clone()), source.form())?,
                patch => patch::apply(seen.value(), patch, source.form())?,
            };
            if matches!(patch, Patch::Strategic(_)) {
                // Its result is of the type that it began with, whatever it says.
                for key in ["apiVersion", "kind"] {
                    copy(seen.value(), &mut patched, key);
                }
                reading::wrap_patched(core, &def, target, &mut patched)?;
            }
            reading::read_patched(core, &def, target, &mut patched, options, warnings)?;
            let whole = target.subresource.as_deref() != Some("scale");
            let given = meta::text(&patched, "apiVersion").to_owned();
            let strange = def.is_custom() && whole && given != def.api_version();
            if strange {
                // Of a custom resource it is one of the values that are looked at last.
                patched["apiVersion"] = Value::from(def.api_version());
            }
            let patched = identified(&def, target, patched)?;
            seen_last(&def, &old, &patched)?;
            if core.admission && whole {
                versioned(&def, &old, &patched)?;
            }
            if strange {
                let why = format!("must be {}", def.api_version());
                let group = given.split_once('/').map_or("", |(group, _)| group);
                let cause = Cause::invalid("apiVersion", &Value::from(given.as_str()), &why);
                return Err(Status::invalid(group, &def.kind, old.name(), &[cause]));
            }
            core.replace(&def, target, &old, patched, options, now, warnings).map(|object| (object, false))
        })
    }
}

/// An object as a version of its resource shows it.
pub(crate) fn present(def: &ResourceDef, object: &Object) -> Object {
    let object = stored(def, object);
    match kinds::unseen(def, object.value()) {
        Some(seen) => Object::new(seen),
        None => object,
    }
}

/// An object as it is stored, in a version of its resource.
fn stored(def: &ResourceDef, object: &Object) -> Object {
    if object.api_version() == def.api_version() {
        object.clone()
    } else {
        Object::new(convert::to_version(object.value().clone(), &def.api_version()))
    }
}

/// How the owners of the fields of a written object are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owners {
    /// Whoever changed a field owns it.
    ByChange,
    /// The object says so already: it was applied.
    Known,
}

/// [`bounded`]; an object that is too large with its owners is written without them, unless they are what was asked for.
fn shortened(value: &mut Value, owners: Owners) -> Result<(), Status> {
    let refused = bounded(value);
    if refused.is_ok() || owners == Owners::Known {
        return refused;
    }
    meta::unset(value, "managedFields");
    bounded(value)
}

/// Whether the verb is allowed on the target.
fn allowed(def: &ResourceDef, target: &Target, verb: &str) -> Result<(), Status> {
    let supported = match &target.subresource {
        None => def.supports(verb),
        Some(name) => def.subresource(name).is_some_and(|sub| sub.verbs.iter().any(|known| known == verb)),
    };
    if supported { Ok(()) } else { Err(Status::method_not_allowed()) }
}

/// Whether an update of the target creates what is absent; of services one of the status does, too.
fn creates_on_update(def: &ResourceDef, target: &Target) -> bool {
    let status = target.subresource.as_deref() == Some("status") && def.group.is_empty() && def.plural == "services";
    if target.subresource.is_some() && !status {
        return false;
    }
    matches!(
        (def.group.as_str(), def.plural.as_str()),
        ("", "endpoints" | "events" | "limitranges" | "services")
            | ("coordination.k8s.io", "leases")
            | ("events.k8s.io", "events")
            | ("node.k8s.io", "runtimeclasses")
            | ("rbac.authorization.k8s.io", _)
    )
}

/// Whether the target is a status whose apply creates the whole object where it is absent.
fn created_by_status(def: &ResourceDef, target: &Target) -> bool {
    target.subresource.as_deref() == Some("status")
        && matches!(
            (def.group.as_str(), def.plural.as_str()),
            ("admissionregistration.k8s.io", "validatingadmissionpolicies")
        )
}

impl Core {
    pub(crate) fn create(
        &mut self,
        def: &ResourceDef,
        target: &Target,
        body: Value,
        options: &WriteOptions,
        now: Timestamp,
        warnings: &mut Vec<String>,
    ) -> Result<Object, Status> {
        self.insert(def, target, body, options, now, Owners::ByChange, warnings)
    }

    /// An apply: with its owners known, it is a create or an update like others.
    fn apply(
        &mut self,
        def: &ResourceDef,
        target: &Target,
        config: &Value,
        options: &WriteOptions,
        now: Timestamp,
        warnings: &mut Vec<String>,
    ) -> Result<(Object, bool), Status> {
        let write = managed::Write::new(def, target.subresource.as_deref(), options, now);
        let force = options.force.unwrap_or_default();
        let namespace = meta::meta_text(config, "namespace");
        let old = match self.existing(def, target) {
            Ok(old) => old,
            Err(_)
                if target.subresource.is_none() || creates_on_update(def, target) || created_by_status(def, target) =>
            {
                let mut new = managed::applied(self, &write, None, config, force)?;
                let uid = meta::meta_text(&new, "uid");
                if !uid.is_empty() {
                    return Err(Status::conflict(
                        &def.group,
                        &def.plural,
                        target.name.as_deref().unwrap_or_default(),
                        &format!(
                            "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
                        ),
                    ));
                }
                reading::read_applied(self, def, target, &mut new, options, warnings, namespace)?;
                let new = identified(def, target, new)?;
                let created = self.insert(def, target, new, options, now, Owners::Known, warnings);
                return created.map(|object| (object, true));
            }
            Err(absent) => return Err(absent),
        };
        let mut new = managed::applied(self, &write, Some(old.value()), config, force)?;
        reading::read_applied(self, def, target, &mut new, options, warnings, namespace)?;
        let new = identified(def, target, new)?;
        self.exchange(def, target, &old, new, options, now, Owners::Known, warnings).map(|object| (object, false))
    }

    #[expect(clippy::too_many_arguments, reason = "a write is all of these, and each is used once")]
    fn insert(
        &mut self,
        def: &ResourceDef,
        target: &Target,
        body: Value,
        options: &WriteOptions,
        now: Timestamp,
        owners: Owners,
        warnings: &mut Vec<String>,
    ) -> Result<Object, Status> {
        let mut body = typed(def, target, body)?;
        emptied(def, &mut body);
        if let Some(name) = &target.name
            && meta::meta_text(&body, "name").is_empty()
        {
            meta::set(&mut body, "name", name.as_str());
        }
        meta::tidy(&mut body);
        if !matches!(meta::meta_text(&body, "resourceVersion"), "" | "0") {
            return Err(Status::storage("resourceVersion should not be set on objects to be created"));
        }
        let storage = def.storage();
        let namespace = target.namespace.as_deref().filter(|_| def.namespaced);
        let named = ["name", "generateName"].map(|key| meta::meta_text(&body, key));
        let named = named.into_iter().find(|name| !name.is_empty()).unwrap_or("Unknown").to_owned();
        admission::namespace(self, def, namespace, &named)?;
        crd::creatable(self, def)?;
        check_kind(def, target, &body)?;

        for key in ["resourceVersion", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "uid"] {
            meta::unset(&mut body, key);
        }
        let mut body = convert::to_version(body, &def.stored_as());
        let unlabelled = meta::metadata(&body).get("labels").is_none_or(Value::is_null);
        admission::default(self, def, &mut body);
        self.show(def, &mut body);
        if owners == Owners::ByChange {
            let write = managed::Write::new(def, target.subresource.as_deref(), options, now);
            managed::note(self, &write, None, &mut body);
        }
        admission::plug_in(self, def, &mut body)?;
        let name = meta::meta_text(&body, "name").to_owned();
        let mut request = Request::write(def, target, &name, Operation::Create, options);
        self.mutate(&request, &mut body, None, warnings)?;
        escalation::check(self, def, target, None, &body)?;
        self.name(def, namespace, &mut body);
        let name = meta::meta_text(&body, "name").to_owned();
        meta::set(&mut body, "uid", self.rng.uid());
        meta::set(&mut body, "creationTimestamp", rfc3339(now));
        if def.generation || def.is_custom() {
            meta::set(&mut body, "generation", 1);
        }
        if self.admission {
            warnings.extend((kinds::rules(def).warn_first)(&body));
        }
        admission::prepare_create(self, def, target.subresource.as_deref(), &mut body, options.dry_run)?;
        if unlabelled && self.admission {
            (kinds::rules(def).label)(&mut body);
        }
        self.show(def, &mut body);
        if self.admission {
            let rules = kinds::rules(def);
            let mut causes = Causes::default();
            (rules.validate)(&body, &mut causes);
            if rules.metadata_later {
                kinds::refuse(def, &name, &std::mem::take(&mut causes).into_found())?;
            }
            let schema = reading::validate(self, def, None, &body, None);
            let causes = [validate_name::object(def, &body), causes.into_found(), schema].concat();
            kinds::refuse(def, &name, &causes)?;
            warnings.extend((rules.warn)(None, &body));
        }
        if target.name.is_some() {
            // A create by an update or an apply: only that has been allowed so far.
            self.authorize(&self.access.caller, &Attributes::of("create", target))?;
        }
        admission::create(self, def, &mut body)?;
        self.show(def, &mut body);
        request.named(&name);
        self.validate(&request, Some(&body), None, warnings)?;
        admission::charge(self, def, quota::Operation::Create, &body, options, now)?;
        let key = store::key(namespace, &name);
        if let Some(there) = self.store.get(&storage, &key) {
            let mut status = Status::already_exists(&def.group, &def.plural, &name);
            if there.is_terminating() {
                status.message.insert_str(0, "object is being deleted: ");
            }
            return Err(status);
        }
        self.settle(def, &mut body);
        if options.dry_run {
            return Ok(present(def, &Object::new(body)));
        }
        shortened(&mut body, owners)?;
        let object = self.commit(def, &key, body);
        crd::changed(self, def, &name, now);
        // The answer is the object as it was created, even where its creation led to a second write.
        Ok(present(def, &object))
    }

    /// Writes `new`, in the version of `def`, over `old`, within what the target's endpoint may change.
    #[expect(clippy::too_many_arguments, reason = "a write is all of these, and each is used once")]
    pub(crate) fn replace(
        &mut self,
        def: &ResourceDef,
        target: &Target,
        old: &Object,
        new: Value,
        options: &WriteOptions,
        now: Timestamp,
        warnings: &mut Vec<String>,
    ) -> Result<Object, Status> {
        self.exchange(def, target, old, new, options, now, Owners::ByChange, warnings)
    }

    #[expect(clippy::too_many_arguments, reason = "a write is all of these, and each is used once")]
    fn exchange(
        &mut self,
        def: &ResourceDef,
        target: &Target,
        old: &Object,
        mut new: Value,
        options: &WriteOptions,
        now: Timestamp,
        owners: Owners,
        warnings: &mut Vec<String>,
    ) -> Result<Object, Status> {
        let name = old.name().to_owned();
        let scale = target.subresource.as_deref() == Some("scale");
        if !scale {
            seen_last(def, old, &new)?;
        }
        check_kind(def, target, &new)?;
        let emptied = emptied(def, &mut new);
        let new = if let Some(sub) = target.subresource.as_deref() {
            if matches!(sub, "status" | "finalize" | "ephemeralcontainers") {
                // Its body is a whole object, which is read as one.
                new = convert::to_version(new, &def.stored_as());
                admission::default(self, def, &mut new);
            }
            let mut merged = subresource::merge(def, sub, old, &new)?;
            if scale {
                // What a scale says is looked at before its age.
                seen_last(def, old, &new)?;
            }
            if owners == Owners::Known
                && let Some(known) = meta::metadata(&new).get("managedFields")
            {
                meta::set(&mut merged, "managedFields", known.clone());
            }
            merged
        } else {
            convert::to_version(new, &def.stored_as())
        };
        let mut new = carried(old.value(), new);
        if target.subresource.is_none() {
            admission::default(self, def, &mut new);
        }
        // The stored object is in this form: what is not changed is equal.
        self.show(def, &mut new);
        if owners == Owners::ByChange {
            let write = managed::Write::new(def, target.subresource.as_deref(), options, now);
            managed::note(self, &write, Some(old.value()), &mut new);
        }
        let request = Request::write(def, target, &name, Operation::Update, options);
        self.mutate(&request, &mut new, Some(old.value()), warnings)?;
        if target.subresource.is_none() {
            // Only now: an older version may show parts of a status elsewhere, and whoever writes there owns that.
            if def.has_status() {
                copy(old.value(), &mut new, "status");
            }
            escalation::check(self, def, target, Some(old), &new)?;
        }
        let (dry_run, stamp) = (options.dry_run, rfc3339(now));
        admission::prepare_update(self, def, target.subresource.as_deref(), old, &mut new, (dry_run, &stamp))?;
        if target.subresource.is_none() {
            self.show(def, &mut new);
        } else if self.admission && def.group == "certificates.k8s.io" {
            let part = target.subresource.as_deref().unwrap_or_default();
            kinds::prepare_request_part(part, old.value(), &mut new, now);
        } else if self.admission && target.subresource.as_deref() == Some("status") {
            (kinds::rules(def).prepare_status_update)(old.value(), &mut new);
        }
        if target.subresource.as_deref() != Some("status")
            && (emptied || desired(def, old.value()) != desired(def, &new))
            && let Some(generation) = meta::metadata(old.value()).get("generation")
            && (def.generation || def.is_custom())
        {
            let next = generation.as_i64().unwrap_or_default() + 1;
            meta::set(&mut new, "generation", next);
        }
        if !self.admission {
            meta::set(&mut new, "uid", old.uid());
        }
        if self.admission {
            let rules = kinds::rules(def);
            let mut causes = Causes::default();
            match target.subresource.as_deref() {
                None => (rules.validate_update)(old.value(), &new, &mut causes),
                Some("status") => (rules.validate_status_update)(old.value(), &new, &mut causes),
                Some("approval") => kinds::approval_update(old.value(), &new, &mut causes),
                Some("finalize") => causes.extend(kinds::finalize_update(&new)),
                Some("resize") => kinds::resize_update(old.value(), &new, &mut causes),
                Some("ephemeralcontainers") => kinds::ephemeral_update(old.value(), &new, &mut causes),
                Some(_) => {}
            }
            let schema = reading::validate(self, def, target.subresource.as_deref(), &new, Some(old.value()));
            let causes = [changes(old.value(), &new), causes.into_found(), schema].concat();
            kinds::refuse(def, &name, &causes)?;
            match target.subresource.as_deref() {
                None => warnings.extend((rules.warn)(Some(old.value()), &new)),
                Some("status") => warnings.extend((rules.warn_status)(old.value(), &new)),
                Some(_) => {}
            }
        }
        admission::update(self, def, target.subresource.as_deref(), old, &mut new)?;
        self.show(def, &mut new);
        self.validate(&request, Some(&new), Some(old.value()), warnings)?;
        let operation = quota::Operation::Update { old: old.value(), subresource: target.subresource.as_deref() };
        admission::charge(self, def, operation, &new, options, now)?;
        let shown = |object: Object| match target.subresource.as_deref() {
            Some(sub) => subresource::get(def, sub, &object),
            None => Ok(present(def, &object)),
        };
        self.settle(def, &mut new);
        let same = new == *old.value() || managed::same_but_times(old.value(), &new);
        if same && !emptied && !self.untouched.contains(old.uid()) {
            return shown(old.clone());
        }
        let key = store::key(old.namespace(), &name);
        if delete::is_finished(def, &new) {
            if !options.dry_run {
                self.erase(def, &key);
                crd::changed(self, def, &name, now);
            }
            return shown(Object::new(new));
        }
        if options.dry_run {
            return shown(Object::new(new));
        }
        shortened(&mut new, owners)?;
        let object = self.commit(def, &key, new);
        crd::changed(self, def, &name, now);
        shown(object)
    }
}
