//! Namespaces and jobs: names and labels that the server derives from identity.

use serde_json::Value;

use crate::restore::clean::remove_nested;

/// Labels that hold the uid of a job.
pub(in crate::restore) const CONTROLLER_UIDS: [&str; 2] = ["controller-uid", "batch.kubernetes.io/controller-uid"];

/// The server sets the label to the name, which a mapping may change, and the finalizer by itself.
pub(super) fn reset_namespace(object: &mut Value) {
    remove_nested(object, "/metadata/labels", "kubernetes.io/metadata.name");
    if object.pointer("/spec/finalizers") == Some(&serde_json::json!(["kubernetes"])) {
        remove_nested(object, "/spec", "finalizers");
    }
    if object.get("spec").is_some_and(|spec| spec.as_object().is_none_or(serde_json::Map::is_empty)) {
        remove_nested(object, "", "spec");
    }
}

/// A job's selector names its uid, unless a person manages the selector.
pub(super) fn reset_job(object: &mut Value) {
    if object.pointer("/spec/manualSelector").and_then(Value::as_bool) == Some(true) {
        return;
    }
    for label in CONTROLLER_UIDS {
        for parent in ["/metadata/labels", "/spec/selector/matchLabels", "/spec/template/metadata/labels"] {
            remove_nested(object, parent, label);
        }
    }
    if object.pointer("/spec/selector").and_then(Value::as_object).is_some_and(serde_json::Map::is_empty) {
        remove_nested(object, "/spec", "selector");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{reset_job, reset_namespace};

    #[test]
    fn a_job_forgets_its_uid_unless_its_selector_is_managed() {
        let job = |manual: bool| {
            json!({"metadata": {"labels": {"app": "x", "controller-uid": "1"}}, "spec": {"manualSelector": manual,
                "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": "1"}},
                "template": {"metadata": {"labels": {"controller-uid": "1", "job-name": "j"}}}}})
        };
        let mut reset = job(false);
        reset_job(&mut reset);
        assert_eq!(
            reset,
            json!({"metadata": {"labels": {"app": "x"}}, "spec": {"manualSelector": false, "template": {"metadata": {"labels": {"job-name": "j"}}}}})
        );
        let mut managed = job(true);
        reset_job(&mut managed);
        assert_eq!(managed, job(true));
    }

    #[test]
    fn a_namespace_keeps_its_own_labels() {
        let mut namespace = json!({"metadata": {"labels": {"team": "a", "kubernetes.io/metadata.name": "shop"}}, "spec": {"finalizers": ["kubernetes"]}});
        reset_namespace(&mut namespace);
        assert_eq!(namespace, json!({"metadata": {"labels": {"team": "a"}}}));
    }
}
