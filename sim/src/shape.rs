//! The outermost shape of a body: what every reader behind it may rely on.
//!
//! Owns the refusal of bodies that no typed server could hold: metadata of the wrong types for every kind, and for built-in kinds
//! the parts that admission and the controllers look into. Depth is bounded here too, whatever way a body came.
//!
//! # Differences
//!
//! These are for servers without admission and for custom resources without a schema; all others read bodies by their types
//! before, see `reading`. The message names JSON types, not those of Go. A null where a text of a map or list is expected is
//! refused, where a real server reads the empty
//! text. A real server reads a body of 10,000 levels; here 120 are the end, so that every reader of JSON takes
//! the object, inside a list too.

use serde_json::Value;

use crate::go_json::word;
use crate::meta;
use crate::resource::{Origin, ResourceDef};
use crate::status::Status;

/// The most levels of an object. Readers of JSON commonly end at 128, and a list or a table adds some around it.
pub(crate) const DEPTH_MAX: usize = 120;

/// What a field holds where it is there at all.
#[derive(Clone, Copy)]
enum Shape {
    /// A whole number of 32 bits, as counts are.
    Count,
    Text,
    Texts,
    TextMap,
    Object,
    Objects,
}

use Shape::{Count, Object, Objects, Text, TextMap, Texts};

impl Shape {
    /// The value that is not of this shape, with the name of what was expected.
    fn misfit(self, value: &Value) -> Option<(&Value, &'static str)> {
        let whole = |fits: bool, expected| (!fits).then_some((value, expected));
        match (self, value) {
            (_, Value::Null) => None,
            (Count, _) => whole(value.as_i64().is_some_and(|count| i32::try_from(count).is_ok()), "int32"),
            (Text, _) => whole(value.is_string(), "string"),
            (Object, _) => whole(value.is_object(), "object"),
            (Texts, Value::Array(list)) => list.iter().find(|entry| !entry.is_string()).map(|entry| (entry, "string")),
            (TextMap, Value::Object(map)) => {
                map.values().find(|entry| !entry.is_string()).map(|entry| (entry, "string"))
            }
            (Objects, Value::Array(list)) => {
                list.iter().find(|entry| !entry.is_object()).map(|entry| (entry, "object"))
            }
            (TextMap, _) => whole(false, "object"),
            (Texts | Objects, _) => whole(false, "array"),
        }
    }
}

const METADATA: [(&str, Shape); 12] = [
    ("metadata", Object),
    ("metadata.name", Text),
    ("metadata.generateName", Text),
    ("metadata.namespace", Text),
    ("metadata.uid", Text),
    ("metadata.resourceVersion", Text),
    ("metadata.creationTimestamp", Text),
    ("metadata.deletionTimestamp", Text),
    ("metadata.labels", TextMap),
    ("metadata.annotations", TextMap),
    ("metadata.finalizers", Texts),
    ("metadata.ownerReferences", Objects),
];

/// Fields of built-in kinds. Where two kinds have a field of the same path, it has the same shape in both.
const BUILT_IN: [(&str, Shape); 39] = [
    ("spec.backoffLimit", Count),
    ("spec.completions", Count),
    ("spec.minReadySeconds", Count),
    ("spec.parallelism", Count),
    ("spec.replicas", Count),
    ("spec.revisionHistoryLimit", Count),
    ("status.availableReplicas", Count),
    ("status.collisionCount", Count),
    ("status.currentReplicas", Count),
    ("status.failed", Count),
    ("status.readyReplicas", Count),
    ("status.replicas", Count),
    ("status.succeeded", Count),
    ("status.updatedReplicas", Count),
    ("spec", Object),
    ("status", Object),
    ("status.conditions", Objects),
    ("spec.capacity", Object),
    ("spec.claimRef", Object),
    ("spec.containers", Objects),
    ("spec.finalizers", Texts),
    ("spec.initContainers", Objects),
    ("spec.jobTemplate", Object),
    ("spec.jobTemplate.spec", Object),
    ("spec.jobTemplate.spec.template", Object),
    ("spec.names", Object),
    ("spec.ports", Objects),
    ("spec.selector", Object),
    ("spec.selector.matchLabels", TextMap),
    ("spec.template", Object),
    ("spec.template.metadata", Object),
    ("spec.template.metadata.labels", TextMap),
    ("spec.template.metadata.annotations", TextMap),
    ("spec.template.spec", Object),
    ("spec.tolerations", Objects),
    ("spec.versions", Objects),
    ("spec.volumeClaimTemplates", Objects),
    ("spec.volumes", Objects),
    ("template", Object),
];

/// 400 for a body that a typed server could not read.
pub(crate) fn check(def: &ResourceDef, body: &Value) -> Result<(), Status> {
    if is_deeper(body, DEPTH_MAX) {
        return Err(Status::bad_request(format!("the body of the request is nested deeper than {DEPTH_MAX} levels")));
    }
    let built_in: &[_] = if def.origin == Origin::BuiltIn { &BUILT_IN } else { &[] };
    // The metadata of a claim template becomes that of a claim.
    for (path, shape) in METADATA.iter().chain(built_in) {
        misfit(def, path, *shape, body)?;
    }
    let claims = meta::at(body, "spec.volumeClaimTemplates").and_then(Value::as_array).filter(|_| !built_in.is_empty());
    for claim in claims.into_iter().flatten() {
        for (path, shape) in METADATA.iter().chain([&("spec", Object)]) {
            misfit(def, path, *shape, claim)?;
        }
    }
    Ok(())
}

fn misfit(def: &ResourceDef, path: &str, shape: Shape, body: &Value) -> Result<(), Status> {
    let Some((found, expected)) = meta::at(body, path).and_then(|value| shape.misfit(value)) else {
        return Ok(());
    };
    let found = word(found);
    let (kind, version) = (&def.kind, &def.version);
    Err(Status::bad_request(format!(
        "{kind} in version {version:?} cannot be handled as a {kind}: json: cannot unmarshal {found} into Go struct field \
            {kind}.{path} of type {expected}"
    )))
}

/// Whether anything in a value stands below more than `levels` objects and lists. Looks no deeper than that.
pub(crate) fn is_deeper(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(list) => levels == 0 || list.iter().any(|entry| is_deeper(entry, levels - 1)),
        Value::Object(map) => levels == 0 || map.values().any(|entry| is_deeper(entry, levels - 1)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_no_typed_server_could_hold_is_refused() {
        let service = ResourceDef::new("", "v1", "services", "Service", true);
        let custom = ResourceDef { origin: Origin::Custom("x".to_owned()), ..service.clone() };
        for (body, taken, taken_of_custom) in [
            (json!({"metadata": {"name": "a", "labels": null, "finalizers": null}}), true, true),
            (json!({"metadata": {"labels": {"a": null}}}), false, false),
            (json!({"metadata": {"labels": {"a": 1}}}), false, false),
            (json!({"metadata": {"name": 5}}), false, false),
            (json!({"metadata": {"ownerReferences": ["x"]}}), false, false),
            (json!({"metadata": []}), false, false),
            (json!({"spec": "x"}), false, true),
            (json!({"spec": {"ports": [1]}}), false, true),
            (json!({"spec": {"replicas": 1e3}}), false, true),
            (json!({"spec": {"replicas": 2_147_483_648_u64}}), false, true),
            (json!({"spec": {"volumeClaimTemplates": [{"metadata": 1}]}}), false, true),
        ] {
            assert_eq!(check(&service, &body).is_ok(), taken, "{body}");
            assert_eq!(check(&custom, &body).is_ok(), taken_of_custom, "{body}");
        }
        let refused = check(&service, &json!({"spec": "secret"})).expect_err("a text is no spec");
        assert_eq!(
            refused.message,
            "Service in version \"v1\" cannot be handled as a Service: json: cannot unmarshal string into Go struct field \
                Service.spec of type object"
        );
    }

    #[test]
    fn depth_is_counted_in_objects_and_lists() {
        let nested = (0..3).fold(json!(1), |inner, _| json!([inner]));
        assert!(!is_deeper(&nested, 3) && is_deeper(&nested, 2));
    }
}
