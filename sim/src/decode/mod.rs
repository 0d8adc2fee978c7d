//! Bodies of built-in kinds, as a server with typed objects reads and shows them.
//!
//! Two functions on JSON values, guided by the Go types ([`crate::go_types`]):
//!
//! * [`read`] is what decoding does: a value of the wrong type is refused in the decoder's words, unknown fields are dropped and reported,
//!   nulls and empty values of fields that are no pointers vanish, quantities and times take their canonical form.
//! * [`show`] is what encoding does: fields that are always written (`status: {}`, `resources: {}`, `rules: null`) appear.
//!
//! Between the two the rules of the kind work on objects in which absent means absent. Both are idempotent.
//!
//! # Differences
//!
//! Of several wrong values the alphabetically first is reported, not the first of the text.

mod schema;
mod time;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use base64::Engine as _;
use serde_json::{Map, Value};

use crate::go_json::word;
use crate::go_types::{self, GoField, GoKind};
use crate::quantity;

/// A struct with the fields of its inlined structs among its own.
struct Struct {
    fields: BTreeMap<&'static str, Member>,
    /// The fields that are always written.
    shown: Vec<(&'static str, &'static GoField)>,
}

/// A field, and the struct that names it in errors.
struct Member {
    owner: &'static str,
    /// The inlined structs around it: errors name them too.
    within: Vec<&'static str>,
    field: &'static GoField,
}

static STRUCTS: LazyLock<BTreeMap<&'static str, Struct>> = LazyLock::new(|| {
    go_types::names()
        .map(|name| {
            let mut fields = BTreeMap::new();
            flatten(name, &[], &mut fields);
            let shown = fields.iter().map(|(key, member)| (*key, member.field)).filter(|(_, field)| is_shown(field));
            let shown = shown.collect();
            (name, Struct { fields, shown })
        })
        .collect()
});

fn flatten(name: &'static str, within: &[&'static str], into: &mut BTreeMap<&'static str, Member>) {
    let owner = name.rsplit('.').next().unwrap_or(name);
    for field in go_types::fields(name).into_iter().flatten() {
        match &field.kind {
            GoKind::Struct(inner) if field.name.is_empty() => {
                let inlined = inner.rsplit('.').next().unwrap_or(inner);
                flatten(inner, &[within, &[inlined]].concat(), into);
            }
            _ => drop(into.insert(&field.name, Member { owner, within: within.to_vec(), field })),
        }
    }
}

fn find(name: &str) -> &'static Struct {
    STRUCTS.get(name).expect("every struct that a field names is in the table")
}

/// Lists whose emptiness is told from their absence, by defaults or in messages. Where they are empty the object is refused, or its
/// defaults take them away: nobody owns them and nothing stores them.
const TELLING: [(&str, &str); 3] =
    [("HPAScalingRules", "policies"), ("IngressSpec", "rules"), ("ServiceCIDRSpec", "cidrs")];

/// What reading a body found beside the value.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    /// Paths of fields that the type does not have.
    pub(crate) unknown: Vec<String>,
    /// Whether the value is no text any more: numbers of the wrong kind are then told without the field.
    pub(crate) parsed: bool,
}

/// The value as the type `name` (see [`go_types::of_kind`]) holds it; `apiVersion` and `kind` at its top stay.
///
/// # Errors
/// What Go's decoder says about a value of the wrong type.
pub(crate) fn read(name: &str, value: Value, findings: &mut Findings) -> Result<Value, String> {
    let Value::Object(mut map) = value else {
        return Err(format!("json: cannot unmarshal {} into Go value of type v1.{}", word(&value), short(name)));
    };
    let types: Vec<_> = ["apiVersion", "kind"].iter().filter_map(|key| map.remove_entry(*key)).collect();
    let mut reader = Reader { findings, names: Vec::new(), path: String::new() };
    let mut map = reader.structure(name, map)?;
    map.extend(types);
    Ok(Value::Object(map))
}

fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

struct Reader<'a> {
    findings: &'a mut Findings,
    /// The names of the fields down to here: what errors show.
    names: Vec<&'static str>,
    /// The same with indexes and keys: what warnings show.
    path: String,
}

impl Reader<'_> {
    fn structure(&mut self, name: &str, map: Map<String, Value>) -> Result<Map<String, Value>, String> {
        let known = find(name);
        let mut read = Map::new();
        for (key, value) in map {
            let length = self.path.len();
            if length > 0 {
                self.path.push('.');
            }
            self.path.push_str(&key);
            if let Some((name, member)) = known.fields.get_key_value(key.as_str()) {
                let length = self.names.len();
                self.names.extend(member.within.iter().chain([name]));
                if let Some(value) = self.member(member, value)? {
                    read.insert(key, value);
                }
                self.names.truncate(length);
            } else if matches!(key.as_str(), "apiVersion" | "kind") && value.is_string() && go_types::is_kind(name) {
                // A whole object inside another, as the claims of a stateful set are.
                if value != "" {
                    read.insert(key, value);
                }
            } else {
                self.findings.unknown.push(self.path.clone());
            }
            self.path.truncate(length);
        }
        Ok(read)
    }

    /// The value of a field; `None` where it is absent, or empty and no pointer.
    fn member(&mut self, member: &Member, value: Value) -> Result<Option<Value>, String> {
        // What Go always writes stays as it is given.
        let always = !member.field.pointer && !member.field.omit_empty && !member.field.omit_zero;
        if value.is_null() {
            let nothing =
                matches!(member.field.kind, GoKind::Struct(_) | GoKind::Raw | GoKind::FieldsV1 | GoKind::Json);
            return Ok(Some(zero(&member.field.kind)).filter(|_| always && !nothing));
        }
        let value = self.value(member, &member.field.kind, &member.field.go, value)?;
        let kept = always || member.field.pointer || TELLING.contains(&(member.owner, member.field.name.as_str()));
        Ok(Some(value).filter(|value| kept || !is_empty(&member.field.kind, value)))
    }

    fn value(&mut self, member: &Member, kind: &GoKind, go: &str, value: Value) -> Result<Value, String> {
        let wrong = |value: &Value, go: &str| {
            let field = self.names.join(".");
            format!("json: cannot unmarshal {} into Go struct field {}.{field} of type {go}", word(value), member.owner)
        };
        let number = |value: &Value, go: &str| {
            let field = self.names.join(".");
            format!("json: cannot unmarshal number {value} into Go struct field {}.{field} of type {go}", member.owner)
        };
        if let GoKind::Struct(name) = kind
            && schema::is_union(name)
        {
            return schema::read(name, value);
        }
        Ok(match (kind, value) {
            (GoKind::Float, Value::Number(number)) => Value::Number(float(number)),
            (GoKind::Text | GoKind::IntOrString | GoKind::Duration, value @ Value::String(_))
            | (GoKind::Bool, value @ Value::Bool(_))
            | (GoKind::Raw | GoKind::FieldsV1 | GoKind::Json, value) => value,
            (GoKind::Int(bits), Value::Number(given)) => {
                let fits = given.as_i64().is_some_and(|given| *bits == 64 || i32::try_from(given).is_ok());
                let value = Value::Number(given);
                if !fits {
                    return Err(number(&value, go));
                }
                value
            }
            (GoKind::IntOrString, Value::Number(given)) => {
                let fits = given.as_i64().is_some_and(|given| i32::try_from(given).is_ok());
                let value = Value::Number(given);
                if !fits && self.findings.parsed {
                    return Err(format!("json: cannot unmarshal number {value} into Go value of type int32"));
                }
                if !fits {
                    return Err(number(&value, "int32"));
                }
                value
            }
            (GoKind::IntOrString, value) => return Err(wrong(&value, "int32")),
            (GoKind::Bytes, Value::String(text)) => base64(&text)?.into(),
            (GoKind::Bytes, value) => return Err(wrong(&value, "[]uint8")),
            (GoKind::Quantity, Value::String(text)) => quantity::canonical(&text)?.into(),
            (GoKind::Quantity, Value::Number(number)) => quantity::canonical(&number.to_string())?.into(),
            (GoKind::Quantity, _) => return Err(quantity::MALFORMED.to_owned()),
            (GoKind::Time, Value::String(text)) => time::seconds(&text)?.into(),
            (GoKind::MicroTime, Value::String(text)) => time::micros(&text)?.into(),
            (GoKind::Time | GoKind::MicroTime | GoKind::Duration, value) => return Err(wrong(&value, "string")),
            (GoKind::List(item), Value::Array(list)) => {
                let go = go.strip_prefix("[]").unwrap_or(go);
                let entries = list.into_iter().enumerate().map(|(index, entry)| {
                    self.inside(&format!("[{index}]"), |reader| reader.entry(member, item, go, entry))
                });
                Value::Array(entries.collect::<Result<_, _>>()?)
            }
            (GoKind::Map(inner), Value::Object(map)) => {
                let go = go.strip_prefix("map[string]").unwrap_or(go);
                let mut read = Map::new();
                for (key, entry) in map {
                    let path = format!(".{key}");
                    let entry = self.inside(&path, |reader| reader.entry(member, inner, go, entry))?;
                    read.insert(key, entry);
                }
                Value::Object(read)
            }
            (GoKind::Struct(name), Value::Object(map)) => Value::Object(self.structure(name, map)?),
            (_, value) => return Err(wrong(&value, go)),
        })
    }

    /// An entry of a list or a map: null is the empty value there.
    fn entry(&mut self, member: &Member, kind: &GoKind, go: &str, value: Value) -> Result<Value, String> {
        match (kind, value) {
            // Stored once, no bytes are an empty text.
            (GoKind::Bytes, Value::Null) => Ok("".into()),
            (kind, Value::Null) => Ok(zero(kind)),
            (kind, value) => self.value(member, kind, go, value),
        }
    }

    fn inside<T>(&mut self, segment: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        self.path.push_str(segment);
        let done = read(self);
        self.path.truncate(length);
        done
    }
}

/// A number as Go writes it: without a fraction where it has none.
fn float(number: serde_json::Number) -> serde_json::Number {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => (float as i64).into(),
        _ => number,
    }
}

fn base64(text: &str) -> Result<String, String> {
    let engine = base64::engine::general_purpose::STANDARD;
    // Line breaks are no part of it.
    let plain: String = text.chars().filter(|letter| !matches!(letter, '\n' | '\r')).collect();
    match engine.decode(&plain) {
        Ok(_) => Ok(plain),
        Err(base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _)) => {
            Err(format!("illegal base64 data at input byte {at}"))
        }
        Err(_) => Err(format!("illegal base64 data at input byte {}", plain.len() / 4 * 4)),
    }
}

/// Whether a field that is no pointer holds nothing.
fn is_empty(kind: &GoKind, value: &Value) -> bool {
    if matches!(kind, GoKind::Raw | GoKind::Json) {
        return value.is_null();
    }
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty() || (*kind == GoKind::Quantity && text == "0"),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

/// The empty value of a type as JSON shows it.
fn zero(kind: &GoKind) -> Value {
    match kind {
        GoKind::Text => "".into(),
        GoKind::Int(_) | GoKind::Float | GoKind::IntOrString => 0.into(),
        GoKind::Bool => false.into(),
        GoKind::Quantity => "0".into(),
        GoKind::Duration => "0s".into(),
        GoKind::Struct(name) if !schema::is_union(name) => {
            let mut map = Map::new();
            complete(name, &mut map);
            Value::Object(map)
        }
        _ => Value::Null,
    }
}

/// The value with the fields that are always written.
pub(crate) fn show(name: &str, value: &mut Value) {
    if let Some(map) = value.as_object_mut() {
        complete(name, map);
    }
}

/// Whether a field is written whatever it holds.
fn is_shown(field: &GoField) -> bool {
    let is_struct = matches!(
        field.kind,
        GoKind::Struct(_)
            | GoKind::Time
            | GoKind::MicroTime
            | GoKind::Quantity
            | GoKind::IntOrString
            | GoKind::Duration
    );
    // `omitempty` leaves out what is empty, and a struct never is.
    let left_out = field.omit_zero || (field.omit_empty && (field.pointer || !is_struct));
    // Fields that clients cannot leave out of a type of free form.
    let free = matches!(field.kind, GoKind::Raw | GoKind::FieldsV1 | GoKind::Json);
    !left_out && !free
}

fn complete(name: &str, map: &mut Map<String, Value>) {
    let known = find(name);
    for (key, value) in map.iter_mut().filter(|(_, value)| value.is_object() || value.is_array()) {
        if let Some(member) = known.fields.get(key.as_str()) {
            inner(&member.field.kind, value);
        }
    }
    for (key, field) in &known.shown {
        if !map.contains_key(*key) {
            let value = if field.pointer { Value::Null } else { zero(&field.kind) };
            map.insert((*key).to_owned(), value);
        }
    }
}

/// The value as it comes back from Protobuf, which does not tell a list without entries from one that is absent.
pub(crate) fn settle(name: &str, value: &mut Value) {
    let Some(map) = value.as_object_mut() else {
        return;
    };
    for (key, Member { field, .. }) in &find(name).fields {
        if let Some(value) = map.get_mut(*key) {
            settled(&field.kind, value);
            let empty = match (&field.kind, &*value) {
                (GoKind::List(_), Value::Array(list)) => list.is_empty(),
                (GoKind::Map(_), Value::Object(map)) => map.is_empty(),
                _ => false,
            };
            if empty && field.omit_empty {
                map.remove(*key);
            } else if empty {
                *value = Value::Null;
            }
        }
    }
}

fn settled(kind: &GoKind, value: &mut Value) {
    match (kind, value) {
        (GoKind::Struct(name), value) => settle(name, value),
        (GoKind::List(item), Value::Array(list)) => list.iter_mut().for_each(|entry| settled(item, entry)),
        (GoKind::Map(item), Value::Object(map)) => map.values_mut().for_each(|entry| settled(item, entry)),
        _ => {}
    }
}

fn inner(kind: &GoKind, value: &mut Value) {
    match (kind, value) {
        (GoKind::Struct(name), value) if schema::is_union(name) => schema::show(value),
        (GoKind::Struct(name), Value::Object(map)) => complete(name, map),
        (GoKind::List(item), Value::Array(list)) => list.iter_mut().for_each(|entry| inner(item, entry)),
        (GoKind::Map(item), Value::Object(map)) => map.values_mut().for_each(|entry| inner(item, entry)),
        _ => {}
    }
}

/// Numbers as a converter without a decoder reads them, that of applies and of strategic patches: what is too large for a field goes
/// round.
///
/// # Errors
/// What it says of a number with a fraction.
pub(crate) fn wrap(name: &str, value: &mut Value) -> Result<(), String> {
    let Some(map) = value.as_object_mut() else {
        return Ok(());
    };
    for (key, Member { field, .. }) in &find(name).fields {
        if let Some(value) = map.get_mut(*key) {
            round(&field.kind, value)?;
        }
    }
    Ok(())
}

fn round(kind: &GoKind, value: &mut Value) -> Result<(), String> {
    match (kind, &mut *value) {
        (GoKind::Int(bits), Value::Number(number)) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) if *bits == 32 => *value = (whole as i32).into(),
            (None, Some(float)) if float.fract() != 0.0 => return Err(format!("cannot convert float64 to int{bits}")),
            _ => {}
        },
        (GoKind::List(item), Value::Array(list)) => list.iter_mut().try_for_each(|entry| round(item, entry))?,
        (GoKind::Map(item), Value::Object(map)) => map.values_mut().try_for_each(|entry| round(item, entry))?,
        (GoKind::Struct(name), value) => wrap(name, value)?,
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn decoded(name: &str, value: Value) -> (Value, Vec<String>) {
        let mut findings = Findings::default();
        let value = read(name, value, &mut findings).unwrap();
        (value, findings.unknown)
    }

    fn refused(name: &str, value: Value) -> String {
        read(name, value, &mut Findings::default()).unwrap_err()
    }

    #[test]
    fn wrong_types_are_told_in_the_words_of_gos_decoder() {
        let wrong = |spec: Value| refused("apps/v1.Deployment", json!({"spec": spec}));
        let unmarshal = |rest: &str| format!("json: cannot unmarshal {rest}");
        for (spec, said) in [
            (json!({"replicas": "x"}), "string into Go struct field DeploymentSpec.spec.replicas of type int32"),
            (json!({"replicas": 1.5}), "number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32"),
            (
                json!({"replicas": 3_000_000_000_u64}),
                "number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32",
            ),
            (json!("x"), "string into Go struct field Deployment.spec of type v1.DeploymentSpec"),
            (
                json!({"template": []}),
                "array into Go struct field DeploymentSpec.spec.template of type v1.PodTemplateSpec",
            ),
            (
                json!({"template": {"spec": {"containers": {"a": 1}}}}),
                "object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container",
            ),
            (
                json!({"template": {"spec": {"containers": [{"livenessProbe": {"httpGet": {"port": {}}}}]}}}),
                "object into Go struct field \
                 HTTPGetAction.spec.template.spec.containers.livenessProbe.ProbeHandler.httpGet.port of type int32",
            ),
            (
                json!({"template": {"spec": {"containers": ["a"]}}}),
                "string into Go struct field PodSpec.spec.template.spec.containers of type v1.Container",
            ),
            (
                json!({"template": {"spec": {"containers": [{"name": 5}]}}}),
                "number into Go struct field Container.spec.template.spec.containers.name of type string",
            ),
        ] {
            assert_eq!(wrong(spec), unmarshal(said));
        }
        let port = |port: Value| refused("core/v1.Service", json!({"spec": {"ports": [port]}}));
        assert_eq!(
            port(json!({"protocol": 5})),
            unmarshal("number into Go struct field ServicePort.spec.ports.protocol of type v1.Protocol")
        );
        assert_eq!(
            port(json!({"targetPort": []})),
            unmarshal("array into Go struct field ServicePort.spec.ports.targetPort of type int32")
        );
        assert_eq!(
            refused("core/v1.Secret", json!({"data": {"a": 5}})),
            unmarshal("number into Go struct field Secret.data of type []uint8")
        );
        assert_eq!(refused("core/v1.Secret", json!({"data": {"a": "***"}})), "illegal base64 data at input byte 0");
        assert_eq!(
            refused("core/v1.Secret", json!({"metadata": {"labels": {"a": 1}}})),
            unmarshal("number into Go struct field ObjectMeta.metadata.labels of type string")
        );
        assert_eq!(
            refused("core/v1.Secret", json!({"metadata": {"creationTimestamp": "abc"}})),
            "parsing time \"abc\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"abc\" as \"2006\""
        );
    }

    #[test]
    fn what_is_empty_vanishes_and_what_is_a_pointer_stays() {
        let (pod, unknown) = decoded(
            "core/v1.Pod",
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "labels": {}, "annotations": null, "odd": 1},
                "spec": {"nodeSelector": {}, "hostNetwork": false, "terminationGracePeriodSeconds": 0,
                    "volumes": [{"name": "v", "emptyDir": {}}],
                    "containers": [{"name": "c", "env": [{"name": "A", "value": ""}], "ports": [], "lifecycle": {},
                        "resources": {"limits": {"cpu": "1000m", "memory": "1024Mi"}, "odd": 1}}]}}),
        );
        assert_eq!(
            pod,
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {"terminationGracePeriodSeconds": 0,
                "volumes": [{"name": "v", "emptyDir": {}}],
                "containers": [{"name": "c", "env": [{"name": "A"}], "lifecycle": {},
                    "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}]}})
        );
        assert_eq!(unknown, ["metadata.odd", "spec.containers[0].resources.odd"]);
    }

    #[test]
    fn storage_does_not_know_empty_lists() {
        let mut value = json!({"metadata": {}, "endpoints": [], "ports": [], "addressType": "IPv4"});
        settle("discovery/v1.EndpointSlice", &mut value);
        assert_eq!(value, json!({"metadata": {}, "endpoints": null, "ports": null, "addressType": "IPv4"}));
        let mut value = json!({"subsets": [{"addresses": []}]});
        settle("core/v1.Endpoints", &mut value);
        assert_eq!(value, json!({"subsets": [{}]}));
    }

    #[test]
    fn what_is_always_written_appears() {
        for (name, given, shown) in [
            (
                "networking/v1.NetworkPolicy",
                json!({"metadata": {"name": "x"}, "spec": {}}),
                json!({"metadata": {"name": "x"}, "spec": {"podSelector": {}}}),
            ),
            ("rbac/v1.ClusterRole", json!({"metadata": {}}), json!({"metadata": {}, "rules": null})),
            (
                "core/v1.Service",
                json!({"spec": {"ports": [{"port": 80, "targetPort": "http"}]}}),
                json!({"metadata": {}, "spec": {"ports": [{"port": 80, "targetPort": "http"}]},
                    "status": {"loadBalancer": {}}}),
            ),
        ] {
            let mut value = given;
            show(name, &mut value);
            assert_eq!(value, shown);
            let once = value.clone();
            show(name, &mut value);
            assert_eq!(value, once);
        }
    }
}
