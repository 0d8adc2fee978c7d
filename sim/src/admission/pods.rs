//! Pods: their priority, and what every pod tolerates.

use serde_json::{Map, Value, json};

use crate::kinds::SYSTEM_CLASSES;
use crate::meta;
use crate::object::Object;
use crate::resource::{GroupResource, ResourceDef};
use crate::server::Core;
use crate::status::Status;

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
    if let Some(given) = spec.get("priority").and_then(Value::as_i64).filter(|given| *given != priority.value) {
        return refuse(&format!(
            "the integer value of priority ({given}) must not be provided in pod spec; priority admission controller \
             computed {} from the given PriorityClass name",
            priority.value
        ));
    }
    if asked.is_empty() && !priority.class.is_empty() {
        spec.insert("priorityClassName".to_owned(), priority.class.as_str().into());
    }
    spec.insert("priority".to_owned(), priority.value.into());
    let preemption = if priority.preemption.is_null() { "PreemptLowerPriority".into() } else { priority.preemption };
    if let Some(given) = spec.get("preemptionPolicy").and_then(Value::as_str).filter(|given| preemption != *given) {
        return refuse(&format!(
            "the string value of PreemptionPolicy ({given}) must not be provided in pod spec; priority admission \
             controller computed {} from the given PriorityClass name",
            preemption.as_str().unwrap_or_default()
        ));
    }
    spec.insert("preemptionPolicy".to_owned(), preemption);
    tolerate(spec.entry("tolerations").or_insert_with(|| json!([])));
    runtime(core, spec).map_or(Ok(()), |why| refuse(&format!("pod rejected: {why}")))
}

/// What a pod gets from the class of its runtime, or why there is no such pod.
fn runtime(core: &Core, spec: &mut Map<String, Value>) -> Option<String> {
    let given = spec.get("overhead").filter(|overhead| !overhead.is_null()).cloned();
    let Some(name) = spec.get("runtimeClassName").and_then(Value::as_str) else {
        return given.map(|_| "Pod Overhead set without corresponding RuntimeClass defined Overhead".to_owned());
    };
    let Some(class) = core.store.get(&GroupResource::new("node.k8s.io", "runtimeclasses"), name) else {
        return Some(format!("RuntimeClass {name:?} not found"));
    };
    let class = class.value();
    let overhead = meta::at(class, "overhead.podFixed").filter(|overhead| !overhead.is_null());
    match (overhead, given) {
        (Some(overhead), None) => drop(spec.insert("overhead".to_owned(), overhead.clone())),
        (Some(overhead), Some(given)) if *overhead != given => {
            return Some("Pod's Overhead doesn't match RuntimeClass's defined Overhead".to_owned());
        }
        (None, Some(_)) => {
            return Some("Pod Overhead set without corresponding RuntimeClass defined Overhead".to_owned());
        }
        _ => {}
    }
    let selected = meta::at(class, "scheduling.nodeSelector").and_then(Value::as_object);
    for (key, value) in selected.into_iter().flatten() {
        let selector = spec.entry("nodeSelector").or_insert_with(|| json!({}));
        if selector.get(key).is_some_and(|own| own != value) {
            return Some(format!(
                "conflict: runtimeClass.scheduling.nodeSelector[{key}] = {}; pod.spec.nodeSelector[{key}] = {}",
                value.as_str().unwrap_or_default(),
                selector[key].as_str().unwrap_or_default()
            ));
        }
        selector[key] = value.clone();
    }
    let tolerated = meta::at(class, "scheduling.tolerations").and_then(Value::as_array);
    if let Some(own) = spec.get_mut("tolerations").and_then(Value::as_array_mut) {
        for toleration in tolerated.into_iter().flatten() {
            if !own.contains(toleration) {
                own.push(toleration.clone());
            }
        }
    }
    None
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

/// The class for all pods that name none, the lowest if there are several.
fn default_class(core: &Core) -> Option<&Object> {
    let classes = GroupResource::new("scheduling.k8s.io", "priorityclasses");
    let defaults =
        core.store.all(&classes).map(|(_, class)| class).filter(|class| class.value()["globalDefault"] == true);
    defaults.min_by_key(|class| class.value()["value"].as_i64())
}

fn default_priority(core: &Core) -> Priority {
    default_class(core).map_or(Priority { class: String::new(), value: 0, preemption: Value::Null }, read)
}

/// 403 for a second class for all pods that name none.
pub(super) fn only_default(core: &Core, def: &ResourceDef, old: Option<&Object>, class: &Value) -> Result<(), Status> {
    let Some(default) = default_class(core).filter(|_| class["globalDefault"] == true) else {
        return Ok(());
    };
    if old.is_some_and(|old| old.name() == default.name()) {
        return Ok(());
    }
    let why = format!("PriorityClass {} is already marked as default. Only one default can exist", default.name());
    Err(Status::forbidden(&def.group, &def.plural, meta::meta_text(class, "name"), &why))
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
