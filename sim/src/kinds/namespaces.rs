//! Namespaces: the label with their name, the finalizer that stands for their content, and the phase that follows their deletion.

use serde_json::{Map, Value, json};

use super::{Causes, Rules};
use crate::meta;
use crate::status::Cause;
use crate::validate_name;

/// The finalizer that stands for the content of a namespace.
const CONTENT: &str = "kubernetes";
const NAME: &str = "kubernetes.io/metadata.name";

pub(super) const RULES: Rules = Rules {
    default: |value| {
        label(value);
        if let Some(status) = meta::object_at(value, "status")
            && status.get("phase").is_none_or(|phase| phase.is_null() || phase == "")
        {
            status.insert("phase".to_owned(), "Active".into());
        }
    },
    prepare_create: |value| {
        value["status"] = json!({"phase": "Active"});
        if let Some(spec) = meta::object_at(value, "spec") {
            let mut finalizers = meta::strings(spec.get("finalizers"));
            if !finalizers.iter().any(|name| name == CONTENT) {
                finalizers.push(CONTENT.to_owned());
            }
            spec.insert("finalizers".to_owned(), finalizers.into());
        }
    },
    prepare_update: |old, value| {
        // They have an endpoint of their own.
        let kept = meta::at(old, "spec.finalizers").cloned();
        if let Some(spec) = meta::object_at(value, "spec") {
            match kept {
                Some(finalizers) => spec.insert("finalizers".to_owned(), finalizers),
                None => spec.remove("finalizers"),
            };
        }
    },
    validate: |value, causes| content("spec.finalizers", false, value, causes),
    validate_update: |_, value, causes| {
        causes.extend(validate_name::metadata(value));
        content("spec.finalizers", false, value, causes);
    },
    validate_status_update: |_, value, causes| {
        let phase = meta::at(value, "status.phase").cloned().unwrap_or_default();
        let (wanted, why) = if meta::is_terminating(value) {
            ("Terminating", "may only be 'Terminating' if `deletionTimestamp` is not empty")
        } else {
            ("Active", "may only be 'Active' if `deletionTimestamp` is empty")
        };
        if phase != wanted {
            causes.invalid("status.Phase", &phase, why);
        }
    },
    ..Rules::NONE
};

/// What is wrong with a namespace whose finalizers were written.
pub(crate) fn finalize_update(value: &Value) -> Vec<Cause> {
    let mut causes = Causes::default();
    content("spec.finalizers", true, value, &mut causes);
    causes.into_found()
}

/// Every namespace can be selected by its name.
fn label(value: &mut Value) {
    let name = meta::meta_text(value, "name").to_owned();
    if let Some(metadata) = meta::metadata_mut(value).filter(|_| !name.is_empty()) {
        let labels = metadata.entry("labels").or_insert_with(|| Value::Object(Map::new()));
        if labels.is_null() {
            *labels = Value::Object(Map::new());
        }
        if let Some(labels) = labels.as_object_mut() {
            labels.insert(NAME.to_owned(), name.into());
        }
    }
}

/// What the finalizers of the content may be called. Only one endpoint says which one of them is wrong.
fn content(field: &str, counted: bool, value: &Value, causes: &mut Causes) {
    let names = meta::strings(meta::at(value, field));
    causes.at(field, |causes| {
        for (index, name) in names.iter().enumerate() {
            let check = |causes: &mut Causes| {
                let shown = Value::from(name.as_str());
                for problem in validate_name::qualified_name(name) {
                    causes.invalid("", &shown, &problem);
                }
                let standard = [CONTENT, "orphan", "foregroundDeletion"].contains(&name.as_str());
                if !name.contains('/') && !standard {
                    let why = "name is neither a standard finalizer name nor is it fully qualified";
                    causes.invalid("", &shown, why);
                }
            };
            if counted { causes.index(index, check) } else { check(causes) }
        }
    });
}
