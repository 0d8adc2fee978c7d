//! What holds for every write, whatever the kind: optimistic locking, fields that only the server sets, what never changes, and size.

use serde_json::Value;

use crate::meta;
use crate::object::Object;
use crate::options::Target;
use crate::resource::ResourceDef;
use crate::status::{Cause, Status};
use crate::store;
use crate::validate_name;

/// The largest object, as JSON: what the real storage takes in one request.
const MAX_OBJECT_BYTES: usize = 1_572_864;

/// 409 in the words of the storage, which was asked to write only under a condition.
fn unmet(def: &ResourceDef, target: &Target, name: &str, dry_run: bool, why: &str) -> Status {
    let (registry, path) = (registry(def, dry_run), store::key(target.namespace.as_deref(), name));
    let message = format!(
        "StorageError: invalid object, Code: 4, Key: {registry}/{path}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: {why}"
    );
    Status::conflict(&def.group, &def.plural, name, &message)
}

/// 409 when the writer means another object of the name.
pub(crate) fn same_object(
    def: &ResourceDef,
    target: &Target,
    old: &Object,
    new: &Value,
    dry_run: bool,
) -> Result<(), Status> {
    let (uid, stored) = (meta::meta_text(new, "uid"), old.uid());
    if uid.is_empty() || uid == stored {
        return Ok(());
    }
    let why = format!("UID in precondition: {uid}, UID in object meta: {stored}");
    Err(unmet(def, target, old.name(), dry_run, &why))
}

/// 409 when the writer has seen another version of the object.
pub(crate) fn seen_last(def: &ResourceDef, old: &Object, new: &Value) -> Result<(), Status> {
    let name = old.name();
    let seen = meta::meta_text(new, "resourceVersion");
    if !seen.is_empty() && seen != "0" && seen.parse() != Ok(old.resource_version()) {
        if seen.parse::<u64>().is_err() {
            let cause = Cause::invalid(
                "metadata.resourceVersion",
                &Value::from(seen),
                &format!("strconv.ParseUint: parsing {seen:?}: invalid syntax"),
            );
            return Err(Status::invalid(def.kind_group(), &def.kind, name, &[cause]));
        }
        return Err(Status::modified(&def.group, &def.plural, name));
    }
    Ok(())
}

/// The kinds that are replaced only by who says which version was seen.
pub(crate) fn asks_version(def: &ResourceDef) -> bool {
    def.is_custom()
        || matches!(
            (def.group.as_str(), def.plural.as_str()),
            ("admissionregistration.k8s.io" | "apiextensions.k8s.io" | "apiregistration.k8s.io", _)
                | ("coordination.k8s.io", "leases")
                | ("node.k8s.io", "runtimeclasses")
                | ("policy", "poddisruptionbudgets")
                | ("storage.k8s.io", "csidrivers" | "csinodes" | "csistoragecapacities" | "volumeattachments")
        )
}

/// 409 when whoever binds a pod has seen another one, or another version of it.
pub(crate) fn seen(
    def: &ResourceDef,
    target: &Target,
    old: &Object,
    body: &Value,
    dry_run: bool,
) -> Result<(), Status> {
    same_object(def, target, old, body, dry_run)?;
    let (version, stored) = (meta::meta_text(body, "resourceVersion"), old.resource_version());
    if version.is_empty() || version.parse() == Ok(stored) {
        return Ok(());
    }
    let why = format!("ResourceVersion in precondition: {version}, ResourceVersion in object meta: {stored}");
    Err(unmet(def, target, old.name(), dry_run, &why))
}

/// 422 for an update that does not say which version it has seen, where the kind asks for one.
pub(crate) fn versioned(def: &ResourceDef, old: &Object, new: &Value) -> Result<(), Status> {
    if !asks_version(def) || !matches!(meta::meta_text(new, "resourceVersion"), "" | "0") {
        return Ok(());
    }
    let cause = Cause::invalid("metadata.resourceVersion", &Value::from(0), "must be specified for an update");
    Err(Status::invalid(&def.group, &def.plural, old.name(), &[cause]))
}

/// 409 when a writer has seen an object that is not there at all.
pub(crate) fn absent(def: &ResourceDef, target: &Target, new: &Value, dry_run: bool) -> Result<(), Status> {
    let uid = meta::meta_text(new, "uid");
    if uid.is_empty() {
        return Ok(());
    }
    let why = format!("UID in precondition: {uid}, UID in object meta: ");
    Err(unmet(def, target, target.name.as_deref().unwrap_or_default(), dry_run, &why))
}

/// Where the real storage keeps the objects of a resource; a dry run is not told the first part.
fn registry(def: &ResourceDef, dry_run: bool) -> String {
    let folder = match (def.group.as_str(), def.plural.as_str()) {
        ("", "services") => "services/specs".to_owned(),
        ("", "endpoints") => "services/endpoints".to_owned(),
        ("", "nodes") => "minions".to_owned(),
        ("", "replicationcontrollers") => "controllers".to_owned(),
        ("networking.k8s.io", "ingresses") => "ingress".to_owned(),
        (group @ ("apiextensions.k8s.io" | "apiregistration.k8s.io"), plural) => format!("{group}/{plural}"),
        (group, plural) if def.is_custom() => format!("{group}/{plural}"),
        (_, plural) => plural.to_owned(),
    };
    if dry_run { format!("/{folder}") } else { format!("/registry/{folder}") }
}

/// Copies a top-level field, or its absence.
pub(crate) fn copy(from: &Value, to: &mut Value, key: &str) {
    let Some(to) = to.as_object_mut() else {
        return;
    };
    match from.get(key) {
        Some(value) => to.insert(key.to_owned(), value.clone()),
        None => to.remove(key),
    };
}

/// Whether a body says an empty list where a typed server keeps the difference to none until the object is stored, and counts
/// the change; the list is taken out.
pub(crate) fn emptied(def: &ResourceDef, body: &mut Value) -> bool {
    if !distinguishes_empty(def) || body.get("webhooks").and_then(Value::as_array).is_none_or(|list| !list.is_empty()) {
        return false;
    }
    body.as_object_mut().is_some_and(|fields| fields.remove("webhooks").is_some())
}

/// The kinds whose server compares lists so closely that an empty one is not none.
pub(crate) fn distinguishes_empty(def: &ResourceDef) -> bool {
    def.group == "admissionregistration.k8s.io" && def.plural.ends_with("webhookconfigurations")
}

/// `new` with what only the server sets as it was.
pub(crate) fn carried(old: &Value, mut new: Value) -> Value {
    let before = meta::metadata(old);
    for key in ["resourceVersion", "generation", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
        match before.get(key) {
            Some(value) => meta::set(&mut new, key, value.clone()),
            None => meta::unset(&mut new, key),
        }
    }
    for key in ["creationTimestamp", "uid"] {
        let given = meta::metadata(&new).get(key);
        if let Some(value) = before.get(key)
            && given.is_none_or(|given| given.is_null() || given == "")
        {
            meta::set(&mut new, key, value.clone());
        }
    }
    // An empty list of writers has a meaning; everything else that is empty has none.
    let reset =
        meta::metadata(&new).get("managedFields").filter(|list| list.as_array().is_some_and(Vec::is_empty)).cloned();
    meta::tidy(&mut new);
    if let Some(reset) = reset {
        meta::set(&mut new, "managedFields", reset);
    }
    new
}

/// What an update of any kind may not change.
pub(crate) fn changes(old: &Value, new: &Value) -> Vec<Cause> {
    let mut causes = validate_name::metadata(new);
    let uid = meta::meta_text(new, "uid");
    if uid != meta::meta_text(old, "uid") {
        let cause = Cause::invalid("metadata.uid", &Value::from(uid), "field is immutable");
        // Two validations find it: that of volumes does not look, that of nodes looks later.
        if !["Node", "PersistentVolume"].contains(&meta::text(new, "kind")) {
            causes.push(cause.clone());
        }
        causes.push(cause);
    }
    let time = meta::metadata(new).get("creationTimestamp");
    if time != meta::metadata(old).get("creationTimestamp") {
        let time = time.cloned().unwrap_or_default();
        causes.push(Cause::invalid("metadata.creationTimestamp", &time, "field is immutable"));
    }
    if meta::is_terminating(old) {
        let before = meta::finalizers(old);
        let added: Vec<_> = meta::finalizers(new)
            .into_iter()
            .filter(|finalizer| !before.contains(finalizer))
            .map(|finalizer| format!("{finalizer:?}"))
            .collect();
        if !added.is_empty() {
            let cause = Cause::forbidden(
                "metadata.finalizers",
                &format!(
                    "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                    added.join(", ")
                ),
            );
            // Said twice, as the real server does: two validations find it.
            causes.extend([cause.clone(), cause]);
        }
    }
    causes
}

/// The desired state: what `metadata.generation` counts the changes of.
pub(crate) fn desired<'a>(def: &ResourceDef, value: &'a Value) -> Vec<(&'a String, &'a Value)> {
    // Nothing works on a class of priorities.
    if def.group == "scheduling.k8s.io" && def.plural == "priorityclasses" {
        return Vec::new();
    }
    let observed = def.has_status() || !def.is_custom();
    // The annotations of a deployment are part of what its controller works on, but for its own, which it writes with the status.
    let annotated = def.group == "apps" && def.plural == "deployments";
    let annotations = meta::metadata(value).get("annotations").and_then(Value::as_object).filter(|_| annotated);
    let annotations = annotations.into_iter().flatten().filter(|(key, _)| *key != "deployment.kubernetes.io/revision");
    let fields = value.as_object().into_iter().flatten();
    annotations
        .chain(fields.filter(|(key, _)| match key.as_str() {
            "apiVersion" | "kind" | "metadata" => false,
            "status" => !observed,
            _ => true,
        }))
        .collect()
}

/// Refuses what the real storage would refuse.
pub(crate) fn bounded(value: &Value) -> Result<(), Status> {
    if length(value) > MAX_OBJECT_BYTES {
        return Err(Status::storage("etcdserver: request is too large"));
    }
    Ok(())
}

/// The bytes of a value as JSON.
pub(crate) fn length(value: &Value) -> usize {
    let mut count = Count(0);
    serde_json::to_writer(&mut count, value).expect("a JSON value always serialises");
    count.0
}

/// Counts what is written to it.
struct Count(usize);

impl std::io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
