//! Reading the body of a write by the schema of its kind.
//!
//! Owns what becomes of unknown fields (`fieldValidation`) and the answers for what cannot be read. How built-in kinds are read is in
//! `decode`, how custom resources are in `schema::structural`. A server without admission takes what is written as it is.
//!
//! # Differences
//!
//! Fields that stand twice in a body are told before unknown ones, and these in the order of their names. Where a patch makes an object
//! that cannot be read, the answer does not quote it. Custom resources are validated in their stored version.

use serde_json::Value;

use crate::decode::{self, Findings};
use crate::go_json::type_name;
use crate::go_types;
use crate::kinds;
use crate::meta;
use crate::options::{FieldValidation, Target, WriteOptions};
use crate::resource::{Origin, ResourceDef, ScalePaths};
use crate::rules;
use crate::schema::structural::{self, Nulls};
use crate::schema::validate as schema_check;
use crate::server::Core;
use crate::status::{Cause, Status};

/// The most warnings of one answer.
const WARNINGS_MAX: usize = 100;

/// Why a body is not taken, in the words of the decoder.
struct Unread(String);

/// Reads the body of a create or an update in place.
pub(crate) fn read(
    core: &Core,
    def: &ResourceDef,
    target: &Target,
    body: &mut Value,
    options: &WriteOptions,
    warnings: &mut Vec<String>,
) -> Result<(), Status> {
    decode(core, def, target, body, options, warnings, Nulls::Go).map_err(|Unread(why)| {
        let part = target.subresource.as_deref().and_then(|name| def.subresource(name));
        let (version, kind) = part.map_or((&def.version, &def.kind), |part| (&part.version, &part.kind));
        Status::bad_request(format!("{kind} in version {version:?} cannot be handled as a {kind}: {why}"))
    })
}

/// Reads what a patch has made of an object in place.
pub(crate) fn read_patched(
    core: &Core,
    def: &ResourceDef,
    target: &Target,
    body: &mut Value,
    options: &WriteOptions,
    warnings: &mut Vec<String>,
) -> Result<(), Status> {
    let part = target.subresource.as_deref().and_then(|name| def.subresource(name));
    let (version, kind) = part.map_or_else(|| (def.api_version(), &def.kind), |part| (part.api_version(), &part.kind));
    let (given, other) = (meta::text(body, "apiVersion"), meta::text(body, "kind"));
    let decoded = if core.admission && !def.is_custom() && (given, other) != (version.as_str(), kind.as_str()) {
        Err(Unread(format!(
            "no kind {other:?} is registered for version {given:?} in scheme \"pkg/runtime/scheme.go:111\""
        )))
    } else {
        decode(core, def, target, body, options, warnings, Nulls::Go)
    };
    decoded.map_err(unpatched)
}

/// A real server quotes the whole object here; no object of ours stands in an error.
fn unpatched(Unread(why): Unread) -> Status {
    Status::invalid("", "", "", &[Cause::invalid("patch", &Value::from(""), &why)])
}

/// Makes numbers fit that a strategic patch has brought, before it is read.
pub(crate) fn wrap_patched(core: &Core, def: &ResourceDef, target: &Target, body: &mut Value) -> Result<(), Status> {
    wrap(core, def, target, body).map_err(unpatched)
}

/// Makes numbers fit that no decoder has seen.
fn wrap(core: &Core, def: &ResourceDef, target: &Target, body: &mut Value) -> Result<(), Unread> {
    let own = target.subresource.as_deref().is_none_or(|name| name == "status");
    match go_types::of_kind(&def.api_version(), &def.kind).filter(|_| core.admission && own) {
        Some(name) => decode::wrap(name, body).map_err(Unread),
        None => Ok(()),
    }
}

/// Reads what an apply has made of an object in place; `namespace` is that of the applied text.
pub(crate) fn read_applied(
    core: &Core,
    def: &ResourceDef,
    target: &Target,
    body: &mut Value,
    options: &WriteOptions,
    warnings: &mut Vec<String>,
    namespace: &str,
) -> Result<(), Status> {
    let name = meta::meta_text(body, "name").to_owned();
    let read =
        wrap(core, def, target, body).and_then(|()| decode(core, def, target, body, options, warnings, Nulls::Stay));
    read.map_err(|Unread(why)| {
        let kind = format!("{}/{}, Kind={}", def.group, def.version, def.kind);
        let why = if why.starts_with("illegal base64") { format!("error decoding from json: {why}") } else { untyped(why) };
        if why.starts_with("strconv.") {
            return Status::new(500, "", format!("failed to convert to unversioned ({namespace}/{name}; {kind}): {why}"));
        }
        let message = format!(
            "failed to convert new object ({namespace}/{name}; {kind}) to proper version: unable to convert unstructured object to \
             {kind}: {why}"
        );
        Status::new(500, "", message)
    })
}

/// A wrong number in the words of the converter, which reads no text; what reads itself, as an int-or-string does, has its own.
fn untyped(why: String) -> String {
    let number =
        why.strip_prefix("json: cannot unmarshal number ").and_then(|rest| rest.split_once(" into Go struct field "));
    match (number, why.rsplit_once(" of type ")) {
        (Some((number, _)), Some((_, kind))) if number.contains('.') => format!("cannot convert float64 to {kind}"),
        _ => why,
    }
}

fn decode(
    core: &Core,
    def: &ResourceDef,
    target: &Target,
    body: &mut Value,
    options: &WriteOptions,
    warnings: &mut Vec<String>,
    nulls: Nulls,
) -> Result<(), Unread> {
    // Bodies of another shape or kind are refused with words of their own.
    if !core.admission || !body.is_object() || crate::shape::is_deeper(body, crate::shape::DEPTH_MAX) {
        return Ok(());
    }
    let subresource = target.subresource.as_deref();
    let own = subresource.is_none_or(|name| name == "status");
    let unknown = match &def.origin {
        Origin::Custom(definition) if own => match crate::crd::schema(core, definition, &def.version) {
            Some(schema) => structural::read(schema, body, nulls).map_err(Unread)?,
            None => Vec::new(),
        },
        _ => {
            let part = subresource.and_then(|name| def.subresource(name));
            let (version, kind) =
                part.map_or_else(|| (def.api_version(), &def.kind), |part| (part.api_version(), &part.kind));
            match go_types::of_kind(&version, kind) {
                Some(name) => {
                    // An empty list of owners is a wish, see `managed`.
                    let disowned = meta::metadata(body).get("managedFields") == Some(&Value::Array(Vec::new()));
                    let no_webhooks = rules::distinguishes_empty(def) && body["webhooks"] == Value::Array(Vec::new());
                    let mut findings = Findings { parsed: nulls == Nulls::Stay, ..Findings::default() };
                    *body = decode::read(name, body.take(), &mut findings).map_err(Unread)?;
                    if no_webhooks {
                        body["webhooks"] = Value::Array(Vec::new());
                    }
                    if disowned {
                        meta::set(body, "managedFields", Vec::<Value>::new());
                    }
                    if own && def.group == "apps" && def.plural == "daemonsets" {
                        kinds::template_generation(body).map_err(Unread)?;
                    }
                    findings.unknown
                }
                None => Vec::new(),
            }
        }
    };
    let twice = options.duplicates.iter().map(|field| format!("duplicate field {field:?}"));
    let mut told = twice.chain(unknown.iter().map(|field| format!("unknown field {field:?}"))).peekable();
    match options.field_validation {
        FieldValidation::Strict if told.peek().is_some() => {
            Err(Unread(format!("strict decoding error: {}", told.collect::<Vec<_>>().join(", "))))
        }
        FieldValidation::Warn => {
            warnings.extend(told.take(WARNINGS_MAX));
            Ok(())
        }
        FieldValidation::Ignore | FieldValidation::Strict => Ok(()),
    }
}

/// What is wrong with a custom resource, in its stored version, by the schema of that version; `old` is what it replaces. A write of the
/// status is held to the status alone.
pub(crate) fn validate(
    core: &Core,
    def: &ResourceDef,
    subresource: Option<&str>,
    value: &Value,
    old: Option<&Value>,
) -> Vec<Cause> {
    let Origin::Custom(definition) = &def.origin else {
        return Vec::new();
    };
    let stored = def.stored_as();
    let version = stored.rsplit('/').next().unwrap_or_default();
    let none = Value::Null;
    let schema = crate::crd::schema(core, definition, version).unwrap_or(&none);
    let mut causes = match (subresource, old) {
        (Some("status"), Some(old)) => schema_check::status(schema, value, old),
        _ => schema_check::validate(schema, value, old),
    };
    if let Some(scale) = def.subresource("scale") {
        let at = causes.iter().position(|cause| cause.reason == "FieldValueDuplicate").unwrap_or(causes.len());
        causes.splice(at..at, scaled(&scale.scale, subresource, value));
    }
    causes
}

/// What is wrong with the numbers that a scale shows.
fn scaled(paths: &ScalePaths, subresource: Option<&str>, value: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let spec = Some(&paths.spec_replicas).filter(|_| subresource != Some("status"));
    for path in spec.into_iter().chain([&paths.status_replicas]) {
        let Some(found) = meta::at(value, path) else {
            continue;
        };
        let field = format!(".{path}");
        match found.as_i64() {
            None => {
                let kind = type_name(found);
                let why = format!(".{path} accessor error: {} is of the type {kind}, expected int64", go_value(found));
                causes.push(Cause::invalid(&field, &0.into(), &why));
            }
            Some(count) if count < 0 => causes.push(Cause::invalid(&field, found, "should be a non-negative integer")),
            Some(count) if count > i64::from(i32::MAX) => {
                causes.push(Cause::invalid(&field, found, "should be less than or equal to 2147483647"));
            }
            Some(_) => {}
        }
    }
    if let Some(found) =
        meta::at(value, &paths.selector).filter(|found| !paths.selector.is_empty() && !found.is_string())
    {
        let kind = type_name(found);
        let path = &paths.selector;
        let why = format!(".{path} accessor error: {} is of the type {kind}, expected string", go_value(found));
        causes.push(Cause::invalid(&format!(".{path}"), &"".into(), &why));
    }
    causes
}

fn go_value(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
