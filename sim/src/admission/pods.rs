//! Pods: their priority, and what every pod tolerates.

use serde_json::{Value, json};

use crate::meta;
use crate::object::Object;
use crate::resource::{GroupResource, ResourceDef};
use crate::server::Core;
use crate::status::Status;

/// Two classes that every cluster has, and their values.
const SYSTEM_CLASSES: [(&str, i64); 2] =
    [("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)];

/// How long a pod stays on a node that is gone, in seconds.
const TOLERATION_SECONDS: i64 = 300;

/// A priority and what it may displace.
struct Priority {
    class: String,
    value: i64,
    preemption: Value,
}

/// Before a pod is created: 403 where its class is absent or its numbers are not those of its class.
pub(super) fn create(core: &Core, def: &ResourceDef, value: &mut Value) -> Result<(), Status> {
    let name = meta::meta_text(value, "name").to_owned();
    let refuse = |why: &str| Err(Status::forbidden(&def.group, &def.plural, &name, why));
    let Some(spec) = value.get_mut("spec").and_then(Value::as_object_mut) else {
        return Ok(());
    };
    let asked = spec.get("priorityClassName").and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(priority) = (if asked.is_empty() { Some(default_priority(core)) } else { named(core, &asked) }) else {
        return refuse(&format!("no PriorityClass with name {asked} was found"));
    };
    let given = spec.get("priority").and_then(Value::as_i64);
    if given.is_some_and(|given| given != priority.value) {
        return refuse(
            "the integer value of priority must not be provided in pod spec; priority admission controller \
            computed {} from the given PriorityClass name"
                .replace("{}", &priority.value.to_string())
                .as_str(),
        );
    }
    if asked.is_empty() && !priority.class.is_empty() {
        spec.insert("priorityClassName".to_owned(), priority.class.as_str().into());
    }
    spec.insert("priority".to_owned(), priority.value.into());
    let preemption = if priority.preemption.is_null() { "PreemptLowerPriority".into() } else { priority.preemption };
    let given = spec.get("preemptionPolicy").filter(|policy| !policy.is_null());
    if given.is_some_and(|given| *given != preemption) {
        return refuse(
            "the string value of PreemptionPolicy must not be provided in pod spec; priority admission \
            controller computed {} from the given PriorityClass name"
                .replace("{}", preemption.as_str().unwrap_or_default())
                .as_str(),
        );
    }
    spec.insert("preemptionPolicy".to_owned(), preemption);
    tolerate(spec.entry("tolerations").or_insert_with(|| json!([])));
    Ok(())
}

/// Every pod lives with a node that is gone for some time.
fn tolerate(tolerations: &mut Value) {
    if tolerations.is_null() {
        *tolerations = json!([]);
    }
    let Some(tolerations) = tolerations.as_array_mut() else {
        return;
    };
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let lives = |known: &Value| {
            (known["key"] == key || meta::text(known, "key").is_empty())
                && matches!(meta::text(known, "effect"), "" | "NoExecute")
        };
        if !tolerations.iter().any(lives) {
            tolerations.push(json!({
                "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": TOLERATION_SECONDS,
            }));
        }
    }
}

fn read(class: &Object) -> Priority {
    let value = class.value();
    Priority {
        class: class.name().to_owned(),
        value: value["value"].as_i64().unwrap_or_default(),
        preemption: value["preemptionPolicy"].clone(),
    }
}

fn named(core: &Core, class: &str) -> Option<Priority> {
    let classes = GroupResource::new("scheduling.k8s.io", "priorityclasses");
    let system = SYSTEM_CLASSES.iter().find(|(name, _)| *name == class);
    core.store.get(&classes, class).map(read).or_else(|| {
        system.map(|(name, value)| Priority { class: (*name).to_owned(), value: *value, preemption: Value::Null })
    })
}

/// The priority of a pod that names none: of the class that is for all such pods, the lowest if there are several.
fn default_priority(core: &Core) -> Priority {
    let classes = GroupResource::new("scheduling.k8s.io", "priorityclasses");
    let defaults = core
        .store
        .all(&classes)
        .map(|(_, class)| class)
        .filter(|class| class.value()["globalDefault"] == true)
        .map(read);
    defaults.min_by_key(|priority| priority.value).unwrap_or(Priority {
        class: String::new(),
        value: 0,
        preemption: Value::Null,
    })
}

/// Before a pod is replaced: what the server set once stays, where the update does not say it.
pub(super) fn update(old: &Object, value: &mut Value) {
    for key in ["priority", "preemptionPolicy"] {
        if let Some(kept) = meta::at(old.value(), &format!("spec.{key}"))
            && let Some(spec) = value.get_mut("spec").and_then(Value::as_object_mut)
        {
            spec.entry(key).or_insert_with(|| kept.clone());
        }
    }
    if let Some(spec) = value.get_mut("spec").and_then(Value::as_object_mut) {
        tolerate(spec.entry("tolerations").or_insert_with(|| json!([])));
    }
}
