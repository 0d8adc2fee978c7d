//! What a write does to the writers of an object.
//!
//! [`update`] is for a write that has its result already: whoever changed a field owns it, and nobody else. [`apply`] is for a
//! configuration: it owns what it names together with those who agree, is refused where it differs from another's, unless
//! forced, and takes away what it named last time and nobody else owns. Both are pure.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::compare::{Comparison, compare, field_set};
use super::element::{Element, path_text};
use super::form::Form;
use super::managers::{Manager, Managers, Owned};
use super::merge::{merge, with_ways, without};
use super::set::FieldSet;
use crate::status::{Cause, Status};

/// One object through the eyes of the versions that it is served in.
pub(crate) trait Versions {
    /// The form of a version, and the value in it; `None` where it is not served.
    fn view(&self, value: &Value, api_version: &str) -> Option<(Form<'_>, Value)>;
}

/// What every write of one request has in common.
pub(crate) struct Scene<'a> {
    pub(crate) versions: &'a dyn Versions,
    pub(crate) form: Form<'a>,
    /// The version of the request.
    pub(crate) api_version: &'a str,
    /// The fields that the endpoint does not change.
    pub(crate) reset: &'a FieldSet,
}

/// Takes what changed from everybody but `writer`; without force, a conflict is an error.
fn take(
    scene: &Scene<'_>,
    (old, new): (&Value, &Value),
    managers: &mut Managers,
    writer: &Manager,
    force: bool,
) -> Result<Comparison, Vec<(Manager, Vec<Element>)>> {
    let changed = compare(scene.form, old, new).without(scene.reset);
    let mut others: BTreeMap<String, Option<Comparison>> = BTreeMap::new();
    let mut conflicts = Vec::new();
    let mut left = Managers::default();
    for (manager, owned) in &managers.0 {
        if manager == writer {
            left.0.insert(manager.clone(), owned.clone());
            continue;
        }
        let comparison = if owned.api_version == scene.api_version {
            Some(&changed)
        } else {
            let other = others.entry(owned.api_version.clone()).or_insert_with(|| {
                let (form, old) = scene.versions.view(old, &owned.api_version)?;
                let (_, new) = scene.versions.view(new, &owned.api_version)?;
                Some(compare(form, &old, &new).without(scene.reset))
            });
            other.as_ref()
        };
        // A version that is no longer served has no owners.
        let Some(comparison) = comparison else {
            continue;
        };
        let touched = owned.set.intersection(&comparison.modified.union(&comparison.added));
        conflicts.extend(touched.paths().into_iter().map(|path| (manager.clone(), path)));
        let set = owned.set.difference(&touched).difference(&comparison.removed);
        left.0.insert(manager.clone(), Owned { set, ..owned.clone() });
    }
    if !force && !conflicts.is_empty() {
        return Err(conflicts);
    }
    left.tidy();
    *managers = left;
    Ok(changed)
}

/// The fields that nobody owns: the server sets them, or they name the object.
static NOBODYS: LazyLock<FieldSet> = LazyLock::new(|| {
    let mut set = FieldSet::default();
    for name in ["apiVersion", "kind", "metadata"] {
        set.insert_path(&[name]);
    }
    for name in [
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
    ] {
        set.insert_path(&["metadata", name]);
    }
    set
});

/// Notes a write whose result is `new`.
pub(crate) fn update(
    scene: &Scene<'_>,
    old: &Value,
    new: &Value,
    managers: &mut Managers,
    writer: &Manager,
    now: &str,
) {
    // As someone of its own first: so it shows whether this very write changed anything.
    let this = Manager { name: "current-operation".to_owned(), subresource: "\0".to_owned(), ..writer.clone() };
    let Ok(changed) = take(scene, (old, new), managers, &this, true) else {
        return;
    };
    let mut set = changed.modified.union(&changed.added).without_below(scene.reset).difference(&NOBODYS);
    if set.is_empty() {
        return;
    }
    if let Some(before) = managers.0.get(writer) {
        set = set.union(&before.set);
    }
    let owned = Owned { set, api_version: scene.api_version.to_owned(), time: Some(now.to_owned()) };
    managers.0.insert(writer.clone(), owned);
}

/// The object after an apply of `config`; `None` where nothing changes. An error is the fields that others own.
pub(crate) fn apply(
    scene: &Scene<'_>,
    live: &Value,
    config: &Value,
    managers: &mut Managers,
    writer: &Manager,
    force: bool,
) -> Result<Option<Value>, Vec<(Manager, Vec<Element>)>> {
    let merged = merge(scene.form, live, config);
    let last = managers.0.get(writer).cloned();
    let set = field_set(scene.form, config).without_below(scene.reset);
    let time = last.as_ref().and_then(|last| last.time.clone());
    let owned = Owned { set, api_version: scene.api_version.to_owned(), time };
    managers.0.insert(writer.clone(), owned);
    let new = match last.filter(|last| !last.set.is_empty()) {
        Some(last) => prune(scene, merged, managers, &last),
        None => merged,
    };
    take(scene, (live, &new), managers, writer, force)?;
    if let Some(owned) = managers.0.get_mut(writer) {
        owned.set = owned.set.difference(&NOBODYS);
    }
    managers.tidy();
    Ok((new != *live).then_some(new))
}

/// Takes away what the last configuration named and this one does not, unless another owns it.
fn prune(scene: &Scene<'_>, merged: Value, managers: &Managers, last: &Owned) -> Value {
    let Some((form, merged)) = scene.versions.view(&merged, &last.api_version) else {
        return merged;
    };
    let named = with_ways(form, &merged, &last.set);
    let mut pruned = without(form, &merged, &named);
    let mut at_version: BTreeMap<&str, FieldSet> = BTreeMap::new();
    for owned in managers.0.values() {
        let all = at_version.entry(&owned.api_version).or_default();
        *all = all.union(&owned.set);
    }
    // What others own comes back, those of the same version first.
    let mut versions: Vec<_> = at_version.into_iter().collect();
    versions.sort_by_key(|(version, _)| *version != last.api_version);
    for (version, managed) in versions {
        let (Some((form, whole)), Some((_, part))) =
            (scene.versions.view(&merged, version), scene.versions.view(&pruned, version))
        else {
            continue;
        };
        let all = with_ways(form, &whole, &field_set(form, &whole));
        let part = with_ways(form, &part, &field_set(form, &part));
        let managed = with_ways(form, &whole, &managed);
        let kept = without(form, &whole, &all.difference(&part.union(&managed)));
        let Some((_, kept)) = scene.versions.view(&kept, &last.api_version) else {
            continue;
        };
        pruned = kept;
    }
    // And what nobody ever named, such as defaults beside a field that was named.
    let all = with_ways(form, &merged, &field_set(form, &merged));
    let part = with_ways(form, &pruned, &field_set(form, &pruned));
    let kept = without(form, &merged, &all.difference(&part).intersection(&named));
    scene.versions.view(&kept, scene.api_version).map_or(kept, |(_, kept)| kept)
}

/// 409 with the fields that others own.
pub(crate) fn conflict(conflicts: &[(Manager, Vec<Element>)]) -> Status {
    let causes: Vec<Cause> = conflicts
        .iter()
        .map(|(manager, path)| Cause {
            reason: "FieldManagerConflict".to_owned(),
            message: format!("conflict with {manager}"),
            field: path_text(path),
        })
        .collect();
    let message = if let [(manager, path)] = conflicts {
        format!("Apply failed with 1 conflict: conflict with {manager}: {}", path_text(path))
    } else {
        let mut lines = Vec::new();
        for (place, (manager, path)) in conflicts.iter().enumerate() {
            if place == 0 || conflicts[place - 1].0 != *manager {
                lines.push(format!("conflicts with {manager}:"));
            }
            lines.push(format!("- {}", path_text(path)));
        }
        format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
    };
    Status::apply_conflict(message, &causes)
}
