//! Custom resource definitions: the life of a definition, and what it serves.
//!
//! Owns the way from the object to served resources: a new definition gets its defaults, then, in a write of its own, its names are
//! accepted and it is established; from then on its versions are served. A deleted definition holds itself with a finalizer until
//! its objects are gone, then leaves discovery.
//!
//! # Differences
//!
//! Conversion webhooks are not called: every conversion is `None`.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::api_services;
use crate::clock::rfc3339;
use crate::delete::Asked;
use crate::kinds;
use crate::managed;
use crate::meta;
use crate::object::Object;
use crate::options::{DeleteOptions, Target, WriteOptions};
use crate::resource::{Column, GroupResource, Origin, ResourceDef, ScalePaths, Subresource};
use crate::server::{ApiServer, Core};
use crate::status::Status;
use crate::store;

/// Holds a definition until its objects are gone.
pub(crate) const FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";

/// The verbs in the order in which discovery names them for custom resources.
const VERBS: [&str; 8] = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];

const GROUP: &str = "apiextensions.k8s.io";
const PLURAL: &str = "customresourcedefinitions";

fn is_definition(def: &ResourceDef) -> bool {
    def.group == GROUP && def.plural == PLURAL
}

fn definitions() -> GroupResource {
    GroupResource::new(GROUP, PLURAL)
}

impl ApiServer {
    /// Moves definitions on: establishes the new ones, removes the objects of those that are being deleted and then the definitions
    /// themselves. Says whether anything was done. Without effect where [`crate::Options::auto_establish`] does it at once.
    pub fn establish_definitions(&self) -> bool {
        let now = self.now();
        self.transaction(|core| {
            let moved = step(core, now);
            // The names of a definition are accepted in a write of their own.
            while step(core, now) {}
            moved
        })
    }
}

/// What even a server without rules fills in of a definition: it could not serve it otherwise.
pub(crate) fn fill(def: &ResourceDef, old: Option<&Value>, value: &mut Value) {
    if !is_definition(def) {
        return;
    }
    kinds::default_definition(value);
    match old {
        None if !value["status"]["storedVersions"].is_array() => kinds::prepare_definition(value),
        _ => kinds::store_version(value),
    }
}

/// The schema of one version of a definition, as the definition gives it.
pub(crate) fn schema<'a>(core: &'a Core, definition: &str, version: &str) -> Option<&'a Value> {
    let definition = core.store.get(&definitions(), definition)?;
    let versions = definition.value().pointer("/spec/versions")?.as_array()?;
    let version = versions.iter().find(|known| known["name"] == version)?;
    version.pointer("/schema/openAPIV3Schema").filter(|schema| schema.is_object())
}

/// 405 for new objects of a definition that is being deleted.
pub(crate) fn creatable(core: &Core, def: &ResourceDef) -> Result<(), Status> {
    let Origin::Custom(definition) = &def.origin else {
        return Ok(());
    };
    match core.store.get(&definitions(), definition) {
        Some(definition) if definition.is_terminating() => Err(Status::new(
            405,
            "MethodNotAllowed",
            "create not allowed while custom resource definition is terminating",
        )),
        _ => Ok(()),
    }
}

fn condition(value: &Value, kind: &str) -> bool {
    let conditions = meta::at(value, "status.conditions").and_then(Value::as_array);
    let mut conditions = conditions.into_iter().flatten();
    conditions.any(|condition| condition["type"] == kind && condition["status"] == "True")
}

/// Sets a condition of a status in its place, or behind the others.
pub(crate) fn set_condition(value: &mut Value, kind: &str, status: &str, reason: &str, message: &str, now: Timestamp) {
    let Some(fields) = meta::object_at(value, "status") else {
        return;
    };
    let conditions = fields.entry("conditions").or_insert(Value::Null);
    if !conditions.is_array() {
        *conditions = json!([]);
    }
    let Some(conditions) = conditions.as_array_mut() else {
        return;
    };
    let mut new = json!({
        "type": kind, "status": status, "lastTransitionTime": rfc3339(now), "reason": reason, "message": message,
    });
    match conditions.iter_mut().find(|condition| condition["type"] == kind) {
        Some(known) => {
            if known["status"] == status && !known["lastTransitionTime"].is_null() {
                new["lastTransitionTime"] = known["lastTransitionTime"].take();
            }
            *known = new;
        }
        None => conditions.push(new),
    }
}

/// Notes in a definition that its deletion has begun.
pub(crate) fn terminating(value: &mut Value, now: Timestamp) {
    set_condition(
        value,
        "Terminating",
        "True",
        "InstanceDeletionPending",
        "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
        now,
    );
}

/// Keeps served resources in step with the definitions after a write to `name`.
pub(crate) fn changed(core: &mut Core, def: &ResourceDef, name: &str, now: Timestamp) {
    api_services::changed(core, def, name, now);
    match &def.origin {
        Origin::BuiltIn if is_definition(def) => serve(core, name),
        // The last object of a definition that is being deleted may have gone.
        Origin::Custom(definition) => {
            let definition = core.store.get(&definitions(), definition);
            if !definition.is_some_and(Object::is_terminating) {
                return;
            }
        }
        _ => return,
    }
    if core.auto_establish {
        while step(core, now) {}
    }
}

/// Puts the versions of one definition into the registry, or takes them out.
fn serve(core: &mut Core, name: &str) {
    let origin = Origin::Custom(name.to_owned());
    let served = core
        .store
        .get(&definitions(), name)
        .filter(|definition| condition(definition.value(), "Established"))
        .map(|definition| resources(definition.value()))
        .unwrap_or_default();
    let defs = &mut core.registry.defs;
    let place = defs.iter().position(|def| def.origin == origin);
    defs.retain(|def| def.origin != origin);
    let place = place.unwrap_or_else(|| {
        // Custom groups stand before the aggregated ones, in order of their definitions.
        defs.iter()
            .position(|def| match &def.origin {
                Origin::BuiltIn => false,
                Origin::Custom(other) => group_first(other) > group_first(name),
                Origin::Aggregated => true,
            })
            .unwrap_or(defs.len())
    });
    for def in served.into_iter().rev() {
        defs.insert(place, Arc::new(def));
    }
}

/// Sorts the definitions of one group together.
fn group_first(definition: &str) -> (&str, &str) {
    let (plural, group) = definition.split_once('.').unwrap_or((definition, ""));
    (group, plural)
}

/// The served versions of a definition.
fn resources(definition: &Value) -> Vec<ResourceDef> {
    let spec = &definition["spec"];
    let names = &spec["names"];
    let group = meta::text(spec, "group");
    let versions = spec["versions"].as_array().map_or(&[][..], Vec::as_slice);
    let storage = versions.iter().find(|version| version["storage"] == true);
    let storage = storage.map(|version| meta::text(version, "name"));
    versions
        .iter()
        .filter(|version| version["served"] == true)
        .map(|version| {
            let name = meta::text(version, "name");
            let kind = meta::text(names, "kind");
            ResourceDef {
                group: group.to_owned(),
                version: name.to_owned(),
                plural: meta::text(names, "plural").to_owned(),
                singular: meta::text(names, "singular").to_owned(),
                kind: kind.to_owned(),
                list_kind: meta::text(names, "listKind").to_owned(),
                namespaced: meta::text(spec, "scope") == "Namespaced",
                short_names: meta::strings(names.get("shortNames")),
                categories: meta::strings(names.get("categories")),
                verbs: VERBS.map(str::to_owned).to_vec(),
                subresources: subresources(group, name, kind, &version["subresources"]),
                storage_version_hash: Some(storage_version_hash(group, storage.unwrap_or(name), kind)),
                columns: columns(version),
                generation: true,
                selectable_fields: version["selectableFields"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|field| meta::text(field, "jsonPath").trim_start_matches('.').to_owned())
                    .collect(),
                origin: Origin::Custom(meta::meta_text(definition, "name").to_owned()),
                storage_version: format!("{group}/{}", storage.unwrap_or(name)),
            }
        })
        .collect()
}

/// A fingerprint of what objects are stored as, computed as the real server does it.
fn storage_version_hash(group: &str, version: &str, kind: &str) -> String {
    let hash = Sha256::digest(format!("{group}/{version}/{kind}"));
    STANDARD.encode(&hash[..8])
}

fn subresources(group: &str, version: &str, kind: &str, given: &Value) -> Vec<Subresource> {
    let verbs = ["get", "patch", "update"].map(str::to_owned).to_vec();
    let mut subresources = Vec::new();
    if given.get("status").is_some() {
        subresources.push(Subresource {
            name: "status".to_owned(),
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            verbs: verbs.clone(),
            ..Subresource::default()
        });
    }
    if let Some(scale) = given.get("scale") {
        let path = |key: &str| meta::text(scale, key).trim_start_matches('.').to_owned();
        subresources.push(Subresource {
            name: "scale".to_owned(),
            group: "autoscaling".to_owned(),
            version: "v1".to_owned(),
            kind: "Scale".to_owned(),
            verbs,
            scale: ScalePaths {
                spec_replicas: path("specReplicasPath"),
                status_replicas: path("statusReplicasPath"),
                selector: path("labelSelectorPath"),
            },
        });
    }
    subresources
}

/// What a table says of the age of an object whose definition names no columns.
const AGE: &str = "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed \
    to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form \
    and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: \
    https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";

fn columns(version: &Value) -> Vec<Column> {
    let mut columns = vec![Column {
        name: "Name".to_owned(),
        kind: "string".to_owned(),
        format: "name".to_owned(),
        description: "Name must be unique within a namespace. Is required when creating resources, although some \
            resources may allow a client to request the generation of an appropriate name automatically. Name is \
            primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: \
            https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names"
            .to_owned(),
        ..Column::default()
    }];
    let extra = version["additionalPrinterColumns"].as_array();
    let mut extra: Vec<Column> = extra
        .into_iter()
        .flatten()
        .map(|column| {
            let path = meta::text(column, "jsonPath");
            let description = match meta::text(column, "description") {
                "" => format!("Custom resource definition column (in JSONPath format): {path}"),
                given => given.to_owned(),
            };
            Column {
                name: meta::text(column, "name").to_owned(),
                kind: meta::text(column, "type").to_owned(),
                format: meta::text(column, "format").to_owned(),
                description,
                priority: column["priority"].as_i64().unwrap_or_default() as i32,
                json_path: Some(path.to_owned()),
            }
        })
        .collect();
    if extra.is_empty() {
        extra.push(Column {
            name: "Age".to_owned(),
            kind: "date".to_owned(),
            description: AGE.to_owned(),
            json_path: Some(".metadata.creationTimestamp".to_owned()),
            ..Column::default()
        });
    }
    columns.append(&mut extra);
    columns
}

/// One step of one definition that has one to make.
fn step(core: &mut Core, now: Timestamp) -> bool {
    let Some(def) = core.registry.find(GROUP, "v1", PLURAL).cloned() else {
        return false;
    };
    let all: Vec<Object> = core.store.all(&definitions()).map(|(_, definition)| definition.clone()).collect();
    all.iter().any(|definition| {
        if definition.is_terminating() {
            finish(core, &def, definition, now)
        } else {
            establish(core, &def, definition, now)
        }
    })
}

/// Accepts the names of a definition, or with accepted names establishes it.
fn establish(core: &mut Core, def: &ResourceDef, definition: &Object, now: Timestamp) -> bool {
    let mut value = definition.value().clone();
    if value["spec"]["names"] != value["status"]["acceptedNames"] {
        accept(core, definition, &mut value, now);
        // Nothing to do for names that were refused before.
        if !same_names(definition.value(), &value) {
            write_status(core, def, definition, value, now);
            return true;
        }
        value = definition.value().clone();
    }
    if !condition(&value, "NamesAccepted") || condition(&value, "Established") {
        return false;
    }
    let message = "the initial names have been accepted";
    set_condition(&mut value, "Established", "True", "InitialNamesAccepted", message, now);
    write_status(core, def, definition, value, now);
    true
}

/// Whether the names are accepted or refused as before.
fn same_names(old: &Value, new: &Value) -> bool {
    let told = |value: &Value| {
        let conditions = value["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let accepted = conditions.into_iter().find(|condition| condition["type"] == "NamesAccepted");
        accepted.map(|condition| ["status", "reason", "message"].map(|key| condition[key].clone()))
    };
    old["status"]["acceptedNames"] == new["status"]["acceptedNames"] && told(old) == told(new)
}

/// Accepts the names that nobody else in the group has.
fn accept(core: &Core, definition: &Object, value: &mut Value, now: Timestamp) {
    let group = meta::text(&value["spec"], "group").to_owned();
    let (mut resources, mut kinds) = (BTreeSet::new(), BTreeSet::new());
    for (_, other) in core.store.all(&definitions()) {
        if meta::text(&other.value()["spec"], "group") != group {
            continue;
        }
        let names = &other.value()["status"]["acceptedNames"];
        resources.extend(["plural", "singular"].map(|key| meta::text(names, key).to_owned()));
        resources.extend(meta::strings(names.get("shortNames")));
        kinds.extend(["kind", "listKind"].map(|key| meta::text(names, key).to_owned()));
    }
    let (asked, known) = (value["spec"]["names"].clone(), value["status"]["acceptedNames"].clone());
    let mut accepted = known.clone();
    let mut conflict = None;
    let taken = |name: &str, own: &str, used: &BTreeSet<String>| {
        (name != own && used.contains(name)).then(|| format!("{name:?} is already in use"))
    };
    for (key, used, reason) in [
        ("plural", &resources, "PluralConflict"),
        ("singular", &resources, "SingularConflict"),
        ("shortNames", &resources, "ShortNamesConflict"),
        ("kind", &kinds, "KindConflict"),
        ("listKind", &kinds, "ListKindConflict"),
    ] {
        let why = if key == "shortNames" {
            let own = meta::strings(known.get(key));
            let names = meta::strings(asked.get(key)).into_iter().filter(|name| !own.contains(name));
            let found: Vec<_> = names.filter_map(|name| taken(&name, "", used)).collect();
            match found.as_slice() {
                [] => None,
                [one] => Some(one.clone()),
                many => Some(format!("[{}]", many.join(", "))),
            }
        } else {
            taken(meta::text(&asked, key), meta::text(&known, key), used)
        };
        match why {
            Some(why) => conflict = Some((reason, why)),
            None => put(&asked, &mut accepted, key),
        }
    }
    put(&asked, &mut accepted, "categories");
    value["status"]["acceptedNames"] = accepted;
    match &conflict {
        None => set_condition(value, "NamesAccepted", "True", "NoConflicts", "no conflicts found", now),
        Some((reason, why)) => set_condition(value, "NamesAccepted", "False", reason, why, now),
    }
    if condition(definition.value(), "Established") {
        return;
    }
    let known = value["status"]["conditions"].as_array();
    let known = known.is_some_and(|conditions| conditions.iter().any(|condition| condition["type"] == "Established"));
    if conflict.is_none() {
        let message = "the initial names have been accepted";
        set_condition(value, "Established", "False", "Installing", message, now);
    } else if !known {
        set_condition(value, "Established", "False", "NotAccepted", "not all names are accepted", now);
    }
}

/// Copies a name, or its absence.
fn put(from: &Value, to: &mut Value, key: &str) {
    crate::rules::copy(from, to, key);
}

/// Writes the status of a definition as the server does it for itself.
fn write_status(core: &mut Core, def: &ResourceDef, definition: &Object, mut value: Value, now: Timestamp) {
    let options = WriteOptions { field_manager: Some("kube-apiserver".to_owned()), ..WriteOptions::default() };
    let write = managed::Write::new(def, Some("status"), &options, now);
    managed::note(core, &write, Some(definition.value()), &mut value);
    core.commit(def, definition.name(), value);
    serve(core, definition.name());
}

/// Deletes the objects of a definition that is being deleted; when none is left, the definition.
fn finish(core: &mut Core, def: &ResourceDef, definition: &Object, now: Timestamp) -> bool {
    let finalizers = meta::finalizers(definition.value());
    if !finalizers.iter().any(|finalizer| finalizer == FINALIZER) {
        return false;
    }
    let mut value = definition.value().clone();
    let message = "CustomResource deletion is in progress";
    set_condition(&mut value, "Terminating", "True", "InstanceDeletionInProgress", message, now);
    if value != *definition.value() {
        write_status(core, def, definition, value, now);
        return true;
    }
    let origin = Origin::Custom(definition.name().to_owned());
    let mut served = core.registry.defs.iter();
    let custom = served.find(|def| def.origin == origin).cloned();
    let (mut left, mut done) = (0, false);
    if let Some(custom) = custom {
        let objects: Vec<Object> = core.store.all(&custom.storage()).map(|(_, object)| object.clone()).collect();
        left = objects.len();
        for object in objects.iter().filter(|object| !object.is_terminating()) {
            let mut target = Target::new(&custom.group, &custom.version, &custom.plural);
            target.namespace = object.namespace().map(str::to_owned);
            let target = target.named(object.name());
            let deleted =
                core.delete(&custom, &target, &DeleteOptions::default(), Asked::OfCollection, now, |_, _| Ok(()));
            done |= deleted.is_ok();
        }
        if done {
            return true;
        }
    }
    if left > 0 {
        return false;
    }
    if condition(&value, "Established") {
        let message = "removed all instances";
        set_condition(&mut value, "Terminating", "False", "InstanceDeletionCompleted", message, now);
    } else {
        let message = "resource was never established";
        set_condition(&mut value, "Terminating", "False", "NeverEstablished", message, now);
    }
    let rest = finalizers.into_iter().filter(|name| name != FINALIZER);
    meta::set_finalizers(&mut value, rest.collect());
    let key = store::key(None, definition.name());
    if meta::finalizers(&value).is_empty() {
        core.erase(def, &key);
        serve(core, definition.name());
    } else {
        write_status(core, def, definition, value, now);
    }
    true
}
