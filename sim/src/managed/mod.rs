//! Who owns which field: `metadata.managedFields`, and server-side apply.
//!
//! Owns the sets of fields (`set`, of `element`s), how a type divides into fields (`form`), what changed between two objects (`compare`),
//! the writers of an object (`managers`), and what a write does to them (`update`, with `merge`). This file joins them to the
//! write path: [`note`] after every create, update and patch, [`applied`] for an apply.
//!
//! # Differences
//!
//! A list or map that changes between atomic and divided in a new version of a definition keeps its old owners.

mod apply;
mod compare;
mod element;
mod form;
mod managers;
mod merge;
mod reset;
mod scale;
mod set;
mod typed;
mod update;

pub(crate) use apply::applied;
pub(crate) use form::{Form, Source};
pub(crate) use managers::same_but_times;

use jiff::Timestamp;
use serde_json::Value;

use self::managers::{Manager, Managers, is_reset};
use self::update::{Scene, Versions, update};
use crate::clock::rfc3339;
use crate::convert;
use crate::meta;
use crate::options::WriteOptions;
use crate::resource::{GroupResource, ResourceDef};
use crate::server::Core;

/// The versions of a resource, with what their forms point into.
struct Served(Vec<(String, Source)>);

impl Served {
    /// The versions that the owners of an object speak of, besides that of the request.
    fn of(core: &Core, def: &ResourceDef, managers: &Managers) -> Self {
        let mut served = Vec::new();
        for owned in managers.0.values() {
            let version = &owned.api_version;
            if *version == def.api_version() || served.iter().any(|(known, _)| known == version) {
                continue;
            }
            let storage: GroupResource = def.storage();
            let other =
                core.registry.defs.iter().find(|other| other.api_version() == *version && other.storage() == storage);
            if let Some(other) = other {
                served.push((version.clone(), Source::of(core, other)));
            }
        }
        served.push((def.api_version(), Source::of(core, def)));
        Self(served)
    }

    /// The form of the request's version.
    fn form(&self) -> Form<'_> {
        self.0.last().expect("the version of the request is in it").1.form()
    }
}

impl Versions for Served {
    fn view(&self, value: &Value, api_version: &str) -> Option<(Form<'_>, Value)> {
        let (_, source) = self.0.iter().find(|(known, _)| known == api_version)?;
        Some((source.form(), convert::to_version(value.clone(), api_version)))
    }
}

/// The write that is noted.
pub(crate) struct Write<'a> {
    pub(crate) def: &'a ResourceDef,
    pub(crate) subresource: Option<&'a str>,
    pub(crate) manager: Option<&'a str>,
    pub(crate) now: Timestamp,
}

impl<'a> Write<'a> {
    pub(crate) fn new(
        def: &'a ResourceDef,
        subresource: Option<&'a str>,
        options: &'a WriteOptions,
        now: Timestamp,
    ) -> Self {
        Self { def, subresource, manager: options.field_manager.as_deref(), now }
    }
}

/// Sets `metadata.managedFields` of `new`, which a create (without `old`), an update or a patch made.
pub(crate) fn note(core: &Core, write: &Write<'_>, old: Option<&Value>, new: &mut Value) {
    if !core.admission {
        let kept = old.and_then(|old| meta::metadata(old).get("managedFields"));
        if let Some(kept) = kept.filter(|_| !meta::metadata(new).contains_key("managedFields")) {
            meta::set(new, "managedFields", kept.clone());
        }
        return;
    }
    let reset_asked = write.subresource.is_none() && is_reset(new);
    let mut managers = match old {
        _ if reset_asked => Managers::default(),
        // The endpoints of parts do not take the list.
        Some(old) if write.subresource.is_some() => Managers::of(old),
        old => {
            let given = Managers::of(new);
            match old {
                Some(old) if given.0.is_empty() => Managers::of(old),
                _ => given,
            }
        }
    };
    meta::unset(new, "managedFields");
    // An object that nobody is known to own is not looked after until it is applied.
    if old.is_some() && managers.0.is_empty() {
        return;
    }
    let api_version = write.def.api_version();
    if write.subresource == Some("scale") {
        let entries = scale::note(write, &managers, old.unwrap_or(&Value::Null), new);
        meta::set(new, "managedFields", entries);
        return;
    }
    let served = Served::of(core, write.def, &managers);
    if typed::divides(served.form(), new).is_err() || old.is_some_and(|old| typed::divides(served.form(), old).is_err())
    {
        // A list whose items cannot be told apart: a real server forgets the owners then.
        return;
    }
    let reset = reset::fields(write.def, write.subresource);
    let scene = Scene { versions: &served, form: served.form(), api_version: &api_version, reset: &reset };
    let writer = Manager::updater(write.manager, &api_version, write.subresource);
    let now = rfc3339(write.now);
    let empty = Value::Object(serde_json::Map::from_iter([
        ("apiVersion".to_owned(), Value::Null),
        ("kind".to_owned(), Value::Null),
    ]));
    let mut before = old.unwrap_or(&empty);
    let (seen, shown);
    if meta::text(new, "apiVersion") == api_version {
        update(&scene, before, new, &mut managers, &writer, &now);
    } else {
        if let Some(old) = old {
            seen = convert::to_version(old.clone(), &api_version);
            before = &seen;
        }
        shown = convert::to_version(new.clone(), &api_version);
        update(&scene, before, &shown, &mut managers, &writer, &now);
    }
    managers.cap();
    if !managers.0.is_empty() {
        meta::set(new, "managedFields", managers.encode());
    }
}
