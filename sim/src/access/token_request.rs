//! The `token` subresource of service accounts: a token for who runs as the account.
//!
//! Owns the checks of a request, what the token is bound to and how long it holds.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::token::ISSUER;
use super::user::account_name;
use crate::clock::rfc3339;
use crate::meta;
use crate::object::Object;
use crate::resource::GroupResource;
use crate::server::Core;
use crate::status::{Cause, Status};
use crate::store;

/// How long a token holds when the request does not say, and the shortest and longest that one may ask for.
const SECONDS: i64 = 3600;
const SECONDS_MIN: i64 = 600;
const SECONDS_MAX: i64 = 1 << 32;

/// What a kubelet asks for, for pods that read their token only once: such a token holds longer than it says.
const SECONDS_OF_PODS: i64 = 3607;

/// How long that is: a year.
const SECONDS_EXTENDED: i64 = 365 * 24 * 3600;

const GROUP: &str = "authentication.k8s.io";
const KIND: &str = "TokenRequest";

/// What a token is bound to beside its account.
#[derive(Default)]
struct Bound {
    /// Claims by name: `pod`, `secret`, `node`.
    claims: Map<String, Value>,
    to_pod: bool,
}

/// Answers a request for a token of an account.
pub(crate) fn answer(core: &mut Core, account: &Object, mut request: Value, now: Timestamp) -> Result<Object, Status> {
    let namespace = account.namespace().unwrap_or_default();
    let name = account.name();
    for (key, own, what) in [("name", name, "name"), ("namespace", namespace, "namespace")] {
        let given = meta::meta_text(&request, key);
        if !given.is_empty() && given != own {
            let detail = format!("must match the service account {what} if specified");
            let cause = Cause::invalid(&format!("metadata.{key}"), &Value::from(given), &detail);
            return Err(Status::invalid(GROUP, KIND, name, &[cause]));
        }
    }
    let uid = meta::meta_text(&request, "uid");
    if !uid.is_empty() && uid != account.uid() {
        return Err(Status::conflict(
            GROUP,
            KIND,
            name,
            &format!(
                "the UID in the token request ({uid}) does not match the UID of the service account ({})",
                account.uid()
            ),
        ));
    }
    let seconds = meta::at(&request, "spec.expirationSeconds").and_then(Value::as_i64).unwrap_or(SECONDS);
    let refused = match seconds {
        _ if seconds < SECONDS_MIN => Some("may not specify a duration less than 10 minutes"),
        _ if seconds > SECONDS_MAX => Some("may not specify a duration larger than 2^32 seconds"),
        _ => None,
    };
    if let Some(detail) = refused {
        let cause = Cause::invalid("spec.expirationSeconds", &Value::from(seconds), detail);
        return Err(Status::invalid(GROUP, KIND, "", &[cause]));
    }
    let mut audiences = meta::strings(meta::at(&request, "spec.audiences"));
    if audiences.is_empty() {
        audiences = vec![ISSUER.to_owned()];
    }
    let reference = meta::at(&request, "spec.boundObjectRef").filter(|reference| reference.is_object());
    let bound = reference.map_or_else(|| Ok(Bound::default()), |reference| bind(core, account, reference))?;

    let seconds_now = now.as_second();
    let mut private = bound.claims;
    let own = audiences.iter().all(|audience| audience == ISSUER);
    let holds = if bound.to_pod && own && seconds == SECONDS_OF_PODS {
        private.insert("warnafter".to_owned(), Value::from(seconds_now + seconds));
        SECONDS_EXTENDED
    } else {
        seconds
    };
    private.insert("namespace".to_owned(), Value::from(namespace));
    private.insert("serviceaccount".to_owned(), json!({"name": name, "uid": account.uid()}));
    let claims = json!({
        "aud": audiences, "exp": seconds_now + holds, "iat": seconds_now, "nbf": seconds_now, "iss": ISSUER,
        "jti": core.rng.uid(), "kubernetes.io": private, "sub": account_name(namespace, name),
    });
    let expires = now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);

    if let Some(spec) = meta::object_at(&mut request, "spec") {
        spec.insert("expirationSeconds".to_owned(), Value::from(seconds));
        spec.insert("audiences".to_owned(), Value::from(audiences));
        spec.entry("boundObjectRef").or_insert(Value::Null);
    }
    request["apiVersion"] = Value::from(format!("{GROUP}/v1"));
    request["kind"] = Value::from(KIND);
    for (key, value) in [("name", name), ("namespace", namespace), ("uid", account.uid())] {
        meta::set(&mut request, key, value);
    }
    meta::set(&mut request, "creationTimestamp", rfc3339(now));
    request["status"] = json!({"token": core.access.key.sign(&claims), "expirationTimestamp": rfc3339(expires)});
    Ok(Object::new(request))
}

/// The claims of what a token is to be bound to, or why it cannot be.
fn bind(core: &Core, account: &Object, reference: &Value) -> Result<Bound, Status> {
    let namespace = account.namespace();
    let (version, kind) = (meta::text(reference, "apiVersion"), meta::text(reference, "kind"));
    let name = meta::text(reference, "name");
    let find = |resource: &str, namespace: Option<&str>, name: &str| {
        core.store.get(&GroupResource::new("", resource), &store::key(namespace, name))
    };
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    let (resource, namespace) = match (group, kind) {
        ("", "Pod") => ("pods", namespace),
        ("", "Secret") => ("secrets", namespace),
        ("", "Node") => ("nodes", None),
        _ => {
            return Err(Status::bad_request(format!(
                "cannot bind token to object of type {group}/{version}, Kind={kind}"
            )));
        }
    };
    let found = find(resource, namespace, name).ok_or_else(|| Status::not_found("", resource, name))?;
    let claim = |object: &Object| json!({"name": object.name(), "uid": object.uid()});
    let mut claims = Map::new();
    claims.insert(kind.to_lowercase(), claim(found));
    if kind == "Pod" {
        let text = |path| meta::at(found.value(), path).and_then(Value::as_str).unwrap_or_default();
        if text("spec.serviceAccountName") != account.name() {
            return Err(Status::bad_request(format!(
                "cannot bind token for serviceaccount {:?} to pod running with different serviceaccount name.",
                account.name()
            )));
        }
        match text("spec.nodeName") {
            "" => {}
            node => {
                let absent = || json!({"name": node});
                claims.insert("node".to_owned(), find("nodes", None, node).map_or_else(absent, claim));
            }
        }
    }
    let uid = meta::text(reference, "uid");
    if !uid.is_empty() && uid != found.uid() {
        return Err(Status::conflict(
            "",
            kind,
            name,
            &format!(
                "the UID in the bound object reference ({uid}) does not match the UID in record. The object might have \
                 been deleted and then recreated"
            ),
        ));
    }
    Ok(Bound { claims, to_pod: kind == "Pod" })
}
