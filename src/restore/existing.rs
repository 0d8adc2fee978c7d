//! What exists already: compared after both sides were cleaned and reset, then kept or, by policy, changed.
//!
//! Service accounts are the exception: the cluster makes some of them itself, so what the backup adds to one (image pull
//! secrets, labels) is merged into it, and what the cluster has wins.
//!
//! # Differences
//! Ark v0.6 warned about everything that existed; later versions said that an object differed but not in what.

use serde_json::{Map, Value, json};

use super::compare;
use super::engine::{End, Engine, Prepared, Report};
use super::outcome::Outcome;
use super::reset::{self, Mapping};
use super::retry;
use super::select::Item;
use super::{ExistingResourcePolicy, clean};
use crate::api::RESTORE_LABEL;
use crate::cluster::{ClusterError, ClusterErrorKind, Patch, Target};
use crate::object::{ApiResource, RawObject};

/// How often a namespace that is going is looked at before its contents are put off: about a minute in all.
const GOING_LOOKS: u32 = 6;

impl Engine<'_> {
    /// What a create would do.
    pub(super) async fn preview(
        &self,
        index: usize,
        item: &Item,
        resource: &ApiResource,
        prepared: Prepared,
    ) -> Report {
        match self.get(item, resource).await {
            Err(error) if error.kind == ClusterErrorKind::NotFound => {
                let Prepared { warnings, notes, .. } = prepared;
                let uid = Some(item.entry.uid.clone()).filter(|uid| !uid.is_empty());
                Report { index, end: End::Done(Outcome::Created), uid, warnings, notes }
            }
            Err(error) => report(index, None, End::Done(Outcome::Failed(error.reason()))),
            Ok(existing) => self.compare(index, item, resource, prepared, &existing, false).await,
        }
    }

    /// A create said that the object exists.
    pub(super) async fn exists(
        &self,
        index: usize,
        item: &Item,
        resource: &ApiResource,
        prepared: Prepared,
        uncertain: bool,
    ) -> Report {
        for look in 0..GOING_LOOKS {
            let existing = match self.get(item, resource).await {
                Ok(existing) => existing,
                Err(error) => return report(index, None, End::Late(error.reason())),
            };
            let going = existing.head().is_ok_and(|head| head.metadata.deletion_timestamp.is_some());
            if !going {
                return self.compare(index, item, resource, prepared, &existing, uncertain).await;
            }
            if resource.plural != "namespaces" {
                break;
            }
            self.ctx.clock.sleep(retry::late_delay(look)).await;
            let object = RawObject::from_value(&prepared.object);
            if let Ok(stored) = self.ctx.cluster.create(resource, item.namespace.as_deref(), &object).await {
                let uid = stored.head().ok().map(|head| head.metadata.uid.into_owned());
                let Prepared { warnings, notes, .. } = prepared;
                return Report { index, end: End::Done(Outcome::Created), uid, warnings, notes };
            }
        }
        report(index, None, End::Late("an object of this name is being deleted".to_owned()))
    }

    /// Whether there is an object of this name.
    pub(super) async fn is_there(&self, item: &Item, resource: &ApiResource) -> bool {
        self.get(item, resource).await.is_ok()
    }

    async fn get(&self, item: &Item, resource: &ApiResource) -> Result<RawObject, ClusterError> {
        let mut attempt = 0;
        loop {
            match self.ctx.cluster.get(resource, item.namespace.as_deref(), &item.name).await {
                Err(error) if error.kind.is_transient() && attempt < retry::ATTEMPTS_MAX => {
                    self.ctx.clock.sleep(retry::delay(attempt, &error)).await;
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    async fn compare(
        &self,
        index: usize,
        item: &Item,
        resource: &ApiResource,
        prepared: Prepared,
        existing: &RawObject,
        uncertain: bool,
    ) -> Report {
        let live = match existing.value() {
            Ok(live) => live,
            Err(error) => return report(index, None, End::Done(Outcome::Failed(error.to_string()))),
        };
        let uid = live.pointer("/metadata/uid").and_then(Value::as_str).map(ToOwned::to_owned);
        let name = resource.group_resource();
        let own =
            live.pointer(&format!("/metadata/labels/{RESTORE_LABEL}")).and_then(Value::as_str) == Some(&self.label);
        if self.is_made_by_restored_owner(&live) && !(uncertain && own) {
            return report(index, uid, End::Done(Outcome::Unchanged));
        }
        let mut wanted = prepared.object.clone();
        let mut present = live;
        clean::clean(&mut present, item.namespace.as_deref(), &item.name);
        reset::apply(&name, &mut present, &Mapping::new());
        if name.group.is_empty()
            && name.resource == "persistentvolumeclaims"
            && wanted.pointer("/spec/volumeName").is_none()
        {
            reset::unbind(&mut present);
        }
        let mut patch = None;
        if name.group.is_empty() && name.resource == "serviceaccounts" {
            let merged = merge_account(&wanted, &present);
            patch = Some(compare::merge_patch(&merged, &present)).filter(|patch| patch != &json!({}));
            wanted = merged;
        }
        let marked = wanted.clone();
        compare::neutralise(&mut wanted);
        compare::neutralise(&mut present);
        let paths = compare::differences(&wanted, &present);
        let outcome = match (paths.is_empty(), patch) {
            (true, None) if uncertain && own => Outcome::Created,
            (true, None) => Outcome::Unchanged,
            // A namespace that a mapping names is there to be restored into, not to be compared.
            (false, None) if name.resource == "namespaces" && item.name != item.entry.path.name() => Outcome::Unchanged,
            (_, Some(patch)) => self.update(item, resource, patch, paths).await,
            (false, None) if self.ctx.settings.existing == ExistingResourcePolicy::Update => {
                let mut patch = compare::merge_patch(&wanted, &present);
                if let Some(label) = marked.pointer(&format!("/metadata/labels/{RESTORE_LABEL}")) {
                    clean::mark(&mut patch, label.as_str().unwrap_or_default());
                }
                self.update(item, resource, patch, paths).await
            }
            (false, None) => Outcome::Different(paths),
        };
        let mut report = report(index, uid, End::Done(outcome));
        report.notes = prepared.notes;
        report.warnings = prepared.warnings;
        report
    }

    async fn update(&self, item: &Item, resource: &ApiResource, patch: Value, paths: Vec<String>) -> Outcome {
        if self.dry_run {
            return Outcome::Updated(paths);
        }
        let target = Target { resource, namespace: item.namespace.as_deref(), name: &item.name, subresource: None };
        match self.patch(target, &Patch::Merge(RawObject::from_value(&patch))).await {
            Ok(_) => Outcome::Updated(paths),
            Err(error) => {
                Outcome::Failed(format!("it exists and differs, and could not be updated: {}", error.reason()))
            }
        }
    }

    /// Patches, patiently: a merge patch that is sent twice does the same as once.
    pub(super) async fn patch(&self, target: Target<'_>, patch: &Patch) -> Result<RawObject, ClusterError> {
        let mut attempt = 0;
        loop {
            match self.ctx.cluster.patch(target, patch).await {
                Err(error) if retry::worth_another_try(&error, attempt) => {
                    self.ctx.clock.sleep(retry::delay(attempt, &error)).await;
                    attempt += 1;
                }
                answer => return answer,
            }
        }
    }
}

fn report(index: usize, uid: Option<String>, end: End) -> Report {
    Report { index, end, uid, warnings: Vec::new(), notes: Vec::new() }
}

/// The live account with what only the backup has: secrets by name, labels and annotations by key.
fn merge_account(wanted: &Value, live: &Value) -> Value {
    let mut merged = live.clone();
    for list in ["secrets", "imagePullSecrets"] {
        let has = |name: &Value| {
            live.get(list).and_then(Value::as_array).into_iter().flatten().any(|other| other.get("name") == Some(name))
        };
        let missing = wanted.get(list).and_then(Value::as_array).into_iter().flatten();
        let missing: Vec<Value> =
            missing.filter(|entry| !has(entry.get("name").unwrap_or(&Value::Null))).cloned().collect();
        if !missing.is_empty() {
            let mut all = live.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
            all.extend(missing);
            merged[list] = Value::Array(all);
        }
    }
    for map in ["labels", "annotations"] {
        let mut all: Map<String, Value> =
            wanted.pointer(&format!("/metadata/{map}")).and_then(Value::as_object).cloned().unwrap_or_default();
        // The account is not one that this restore made.
        all.remove(RESTORE_LABEL);
        all.extend(live.pointer(&format!("/metadata/{map}")).and_then(Value::as_object).cloned().unwrap_or_default());
        if !all.is_empty() {
            merged["metadata"][map] = Value::Object(all);
        }
    }
    for (key, value) in wanted.as_object().into_iter().flatten() {
        if live.get(key).is_none() {
            merged[key] = value.clone();
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::merge_account;

    #[test]
    fn an_account_gains_what_it_lacks_and_keeps_what_it_has() {
        let wanted = json!({"metadata": {"name": "default", "labels": {"a": "backup", "b": "backup", "ark-restore": "r"}},
            "imagePullSecrets": [{"name": "one"}, {"name": "two"}]});
        let live =
            json!({"metadata": {"name": "default", "labels": {"a": "live"}}, "imagePullSecrets": [{"name": "one"}]});
        let merged = merge_account(&wanted, &live);
        assert_eq!(
            merged,
            json!({"metadata": {"name": "default", "labels": {"a": "live", "b": "backup"}}, "imagePullSecrets": [{"name": "one"}, {"name": "two"}]})
        );
        assert_eq!(merge_account(&wanted, &merged), merged);
    }
}
