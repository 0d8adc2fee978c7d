//! ControllerRevisions: the versions of the template of a set.
//!
//! A revision is found by its content, not by its name, so that those which a restore brought back are used as they are. A template that
//! was had before gets its old revision back under a new number.

use serde_json::{Value, json};

use super::access::{Access, Coordinates, REVISIONS, is_deleting, number};
use super::hash::short;
use super::ownership::{claim, selected};
use crate::object::Object;
use crate::options::Propagation;

/// How many old revisions are kept where the set does not say.
const DEFAULT_HISTORY: i64 = 10;

/// The revision of the present template, made where there is none with this content. `hash_label` is where its hash goes. `None` where it
/// could not be made, or need not be because the set is going.
pub(super) fn sync(access: Access<'_>, kind: Coordinates, set: &Object, hash_label: &str) -> Option<Object> {
    let mut template = set.value()["spec"]["template"].clone();
    template["$patch"] = "replace".into();
    let data = json!({"spec": {"template": template}});
    let revisions = claim(access, kind, set, REVISIONS, |revision| selected(set, revision));
    let latest = revisions.iter().filter_map(|revision| number(revision.value(), "/revision")).max().unwrap_or(0);
    if let Some(found) = revisions.iter().find(|revision| revision.value()["data"] == data) {
        if number(found.value(), "/revision") != Some(latest) {
            let mut body = found.value().clone();
            body["revision"] = latest.saturating_add(1).into();
            access.update(REVISIONS, body);
        }
        return Some(found.clone());
    }
    if is_deleting(set) {
        return None;
    }
    let hash = short(&data);
    let mut labels = set.value()["spec"]["template"]["metadata"]["labels"].clone();
    if let Some(labels) = labels.as_object_mut() {
        labels.insert(hash_label.to_owned(), hash.clone().into());
    }
    let mut metadata = json!({
        "name": format!("{}-{hash}", set.name()),
        "namespace": set.namespace(),
        "labels": labels,
        "ownerReferences": [kind.controller_reference(set)],
    });
    if let Some(annotations) = set.metadata().get("annotations") {
        metadata["annotations"] = annotations.clone();
    }
    let body = json!({"metadata": metadata, "data": data, "revision": latest.saturating_add(1)});
    access.create(REVISIONS, set.namespace(), body)
}

/// Deletes the oldest revisions beyond the limit of the set, but for those in use.
pub(super) fn forget_old(access: Access<'_>, kind: Coordinates, set: &Object, in_use: impl Fn(&Object) -> bool) {
    let mut old = claim(access, kind, set, REVISIONS, |revision| selected(set, revision));
    old.retain(|revision| !in_use(revision) && !is_deleting(revision));
    old.sort_by_key(|revision| number(revision.value(), "/revision"));
    let kept = number(set.value(), "/spec/revisionHistoryLimit").unwrap_or(DEFAULT_HISTORY);
    let surplus = old.len().saturating_sub(usize::try_from(kept).unwrap_or(0));
    for revision in old.iter().take(surplus) {
        let target = REVISIONS.target(revision.namespace(), Some(revision.name()));
        access.delete(&target, revision.uid(), Propagation::Background);
    }
}

/// The hash of a revision, as the label says it.
pub(super) fn hash<'r>(revision: &'r Object, label: &str) -> &'r str {
    revision.labels().and_then(|labels| labels.get(label)).and_then(Value::as_str).unwrap_or_default()
}
