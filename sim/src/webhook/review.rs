//! One conversation with a webhook.
//!
//! Owns what is sent, what may come back, and what a refusal looks like to the client.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::request::Request;
use super::{Webhook, unreached};
use crate::meta;
use crate::resource::ResourceDef;
use crate::server::Core;
use crate::status::Status;

/// The versions of reviews that the server speaks.
const VERSIONS: [&str; 2] = ["v1", "v1beta1"];

/// Why a webhook did not allow.
pub(super) enum Failure {
    /// It did not answer, or not as it should: its policy decides.
    Call(String),
    /// It refused.
    Refused(Status),
}

/// What a webhook is asked about.
pub(super) struct Question<'a> {
    pub(super) request: &'a Request<'a>,
    /// In whose version it is asked.
    pub(super) def: &'a ResourceDef,
    pub(super) object: Option<&'a Value>,
    pub(super) old: Option<&'a Value>,
}

/// Asks a webhook, and gives the operations of the JSON patch that it wants; one that validates may not have any.
pub(super) fn ask(
    core: &mut Core,
    hook: &Value,
    backend: Option<&Arc<dyn Webhook>>,
    question: &Question<'_>,
    mutating: bool,
    warnings: &mut Vec<String>,
) -> Result<Option<Value>, Failure> {
    let Question { request, def, object, old } = *question;
    let name = meta::text(hook, "name");
    if request.dry_run && !["None", "NoneOnDryRun"].contains(&meta::text(hook, "sideEffects")) {
        let message = format!("admission webhook {name:?} does not support dry run");
        return Err(Failure::Refused(Status::bad_request(message)));
    }
    let understood = meta::strings(hook.get("admissionReviewVersions"));
    let Some(version) = understood.iter().find(|version| VERSIONS.contains(&version.as_str())) else {
        let why = "webhook does not accept known AdmissionReview versions (v1, v1beta1)";
        return Err(Failure::Call(format!("could not create admission objects: {why}")));
    };
    let failed = |why: String| Failure::Call(format!("failed to call webhook: {why}"));
    let uid = core.rng.uid();
    let review = request.review(version, &uid, &core.access.caller, def, object, old);
    let Some(backend) = backend else {
        return Err(failed(unreached::why(core, hook)));
    };
    let answer = backend.review(&review).map_err(failed)?;
    let invalid = |why: String| Failure::Call(format!("received invalid webhook response: {why}"));
    let response = verified(version, &uid, &answer, mutating).map_err(invalid)?;
    warnings.extend(meta::strings(response.get("warnings")));
    if response.get("allowed") != Some(&Value::Bool(true)) {
        return Err(Failure::Refused(refusal(name, response.get("status"))));
    }
    let encoded = meta::text(response, "patch");
    if !mutating || encoded.is_empty() {
        return Ok(None);
    }
    let bytes = STANDARD.decode(encoded).map_err(|error| failed(error.to_string()))?;
    let undecodable = |error| Failure::Call(format!("received undecodable patch in webhook response: {error}"));
    let patch: Value = serde_json::from_slice(&bytes).map_err(undecodable)?;
    let kind = meta::text(response, "patchType");
    if version == "v1" && kind != "JSONPatch" {
        return Err(Failure::Call(format!("unsupported patch type {kind:?}")));
    }
    Ok(Some(patch).filter(|patch| patch.as_array().is_none_or(|operations| !operations.is_empty())))
}

/// The response of an answer that fits its review.
fn verified<'a>(version: &str, uid: &str, answer: &'a Value, mutating: bool) -> Result<&'a Value, String> {
    let response = answer.get("response").filter(|response| response.is_object());
    let response = response.ok_or("webhook response was absent")?;
    if version != "v1" {
        return Ok(response);
    }
    let given = meta::text(response, "uid");
    if given != uid {
        return Err(format!("expected response.uid={uid:?}, got {given:?}"));
    }
    let (group, kind) = (meta::text(answer, "apiVersion"), meta::text(answer, "kind"));
    if (group, kind) != ("admission.k8s.io/v1", "AdmissionReview") {
        return Err(format!(
            "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got {group}, Kind={kind}"
        ));
    }
    let patch = !meta::text(response, "patch").is_empty();
    let kind = response.get("patchType").is_some_and(|kind| !kind.is_null());
    match (mutating, patch, kind) {
        (true, true, false) => Err("webhook returned response.patch but not response.patchType".to_owned()),
        (true, false, true) => Err("webhook returned response.patchType but not response.patch".to_owned()),
        (false, true, _) => Err("validating webhook may not return response.patch".to_owned()),
        (false, false, true) => Err("validating webhook may not return response.patchType".to_owned()),
        _ => Ok(response),
    }
}

/// What a client hears of a webhook that refused.
fn refusal(name: &str, result: Option<&Value>) -> Status {
    let text = |key: &str| result.map(|result| meta::text(result, key)).unwrap_or_default();
    let code = result.and_then(|result| result.get("code")).and_then(Value::as_u64);
    let code = code.and_then(|code| u16::try_from(code).ok()).unwrap_or_default().max(400);
    let denied = format!("admission webhook {name:?} denied the request");
    let message = match (text("message"), text("reason")) {
        ("", "") => format!("{denied} without explanation"),
        ("", why) | (why, _) => format!("{denied}: {why}"),
    };
    let mut status = Status::new(code, text("reason"), message);
    status.details = result.and_then(|result| result.get("details")).filter(|details| details.is_object()).cloned();
    status
}
