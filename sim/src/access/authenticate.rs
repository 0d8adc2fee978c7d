//! From a bearer token to the one who carries it.
//!
//! Owns the tokens that the caller of the library gives, those of service accounts (of requests, and those in Secrets), and why a
//! token is not taken: it is too old, or what it is bound to is gone.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::Value;

use super::token::{ISSUER, LEGACY_ISSUER};
use super::user::{UserInfo, account, account_groups, account_name};
use crate::meta;
use crate::object::Object;
use crate::resource::GroupResource;
use crate::server::Core;
use crate::store::{self, Store};

/// How many seconds a token outlives its expiry or the deletion of what it is bound to: clocks differ.
const LEEWAY_SECONDS: i64 = 60;

/// What is said of a token that nobody knows.
const INVALID: &str = "invalid bearer token";

/// Whom a token is of, and for which of the audiences that were asked for.
#[derive(Debug)]
pub(crate) struct Authenticated {
    pub(crate) user: UserInfo,
    pub(crate) audiences: Vec<String>,
}

impl Core {
    /// Whose token it is, or why it is not taken. Without audiences, that of the server is asked for.
    pub(crate) fn authenticate(
        &self,
        token: &str,
        audiences: &[String],
        now: Timestamp,
    ) -> Result<Authenticated, String> {
        let own = [ISSUER.to_owned()];
        let asked = if audiences.is_empty() { &own } else { audiences };
        if let Some(user) = self.access.tokens.get(token) {
            let audiences = asked.iter().filter(|audience| *audience == ISSUER).cloned().collect();
            return Ok(Authenticated { user: user.clone().authenticated(), audiences });
        }
        // Nobody else knows the token either, which is told before why an account's is not taken.
        let invalid = |why: String| format!("[{INVALID}, {why}]");
        let claims = self.access.key.read(token).map_err(invalid)?.ok_or_else(|| INVALID.to_owned())?;
        let given = match &claims["aud"] {
            Value::Array(_) => meta::strings(claims.get("aud")),
            _ => own.to_vec(),
        };
        let audiences: Vec<String> = given.iter().filter(|audience| asked.contains(audience)).cloned().collect();
        if audiences.is_empty() {
            let (given, asked) = (go(&given), go(asked));
            return Err(invalid(format!("token audiences {given} is invalid for the target audiences {asked}")));
        }
        let user = if claims["iss"] == LEGACY_ISSUER {
            legacy(&self.store, token, &claims)
        } else {
            bound(&self.store, &claims, now)
        };
        let user = user.map_err(invalid)?;
        Ok(Authenticated { user: user.authenticated(), audiences })
    }
}

/// A list as Go's `%q` prints it.
fn go(texts: &[String]) -> String {
    let quoted: Vec<_> = texts.iter().map(|text| format!("{text:?}")).collect();
    format!("[{}]", quoted.join(" "))
}

fn find<'a>(store: &'a Store, resource: &str, namespace: Option<&str>, name: &str) -> Option<&'a Object> {
    store.get(&GroupResource::new("", resource), &store::key(namespace, name))
}

/// Whether something has been deleted for so long that nothing bound to it holds any more.
fn is_past(object: &Object, now: Timestamp) -> bool {
    let deleted = object.metadata().get("deletionTimestamp").and_then(Value::as_str);
    let deleted = deleted.and_then(|time| time.parse::<Timestamp>().ok());
    deleted.is_some_and(|deleted| deleted.as_second() < now.as_second() - LEEWAY_SECONDS)
}

/// The account of a token that a request for tokens was answered with.
fn bound(store: &Store, claims: &Value, now: Timestamp) -> Result<UserInfo, String> {
    let seconds = |key: &str| claims[key].as_i64();
    let now_seconds = now.as_second();
    if seconds("nbf").is_some_and(|from| now_seconds < from - LEEWAY_SECONDS) {
        return Err("service account token is not valid yet".to_owned());
    }
    if seconds("exp").is_some_and(|end| now_seconds > end + LEEWAY_SECONDS) {
        return Err("service account token has expired".to_owned());
    }
    if seconds("iat").is_some_and(|issued| now_seconds < issued - LEEWAY_SECONDS) {
        return Err("service account token is issued in the future".to_owned());
    }
    let private = &claims["kubernetes.io"];
    let (namespace, reference) = (meta::text(private, "namespace"), &private["serviceaccount"]);
    let (name, uid) = (meta::text(reference, "name"), meta::text(reference, "uid"));
    let Some(account) = find(store, "serviceaccounts", Some(namespace), name) else {
        return Err(format!("serviceaccounts {name:?} not found"));
    };
    if account.uid() != uid {
        return Err(format!("service account UID ({}) does not match claim ({uid})", account.uid()));
    }
    if is_past(account, now) {
        return Err(format!("service account {namespace}/{name} has been deleted"));
    }
    let mut extra = BTreeMap::new();
    let mut tell = |key: &str, value: &str| {
        extra.insert(format!("authentication.kubernetes.io/{key}"), vec![value.to_owned()]);
    };
    let to_pod = private.get("pod").is_some();
    for (key, resource) in [("secret", "secrets"), ("pod", "pods"), ("node", "nodes")] {
        let Some(reference) = private.get(key) else {
            continue;
        };
        let (name, uid) = (meta::text(reference, "name"), meta::text(reference, "uid"));
        // The node of a pod is told, not asked.
        if key != "node" || !to_pod {
            let namespace = (key != "node").then_some(namespace);
            let invalidated = || "service account token has been invalidated".to_owned();
            let found = find(store, resource, namespace, name).ok_or_else(invalidated)?;
            if found.uid() != uid {
                let found = found.uid();
                return Err(format!("{key} UID ({found}) does not match service account {key} ref claim ({uid})"));
            }
            if is_past(found, now) {
                return Err(invalidated());
            }
        }
        if key != "secret" && !name.is_empty() {
            tell(&format!("{key}-name"), name);
            if !uid.is_empty() {
                tell(&format!("{key}-uid"), uid);
            }
        }
    }
    if let Some(id) = claims["jti"].as_str() {
        tell("credential-id", &format!("JTI={id}"));
    }
    Ok(UserInfo {
        username: account_name(namespace, name),
        uid: uid.to_owned(),
        groups: account_groups(namespace),
        extra,
    })
}

/// The account of a token that lies in a Secret.
fn legacy(store: &Store, token: &str, claims: &Value) -> Result<UserInfo, String> {
    let claim = |key: &str| claims[format!("kubernetes.io/serviceaccount/{key}")].as_str().unwrap_or_default();
    let (namespace, secret) = (claim("namespace"), claim("secret.name"));
    let (name, uid) = (claim("service-account.name"), claim("service-account.uid"));
    if account(claims["sub"].as_str().unwrap_or_default()) != Some((namespace, name)) {
        return Err("sub claim is invalid".to_owned());
    }
    let Some(secret) = find(store, "secrets", Some(namespace), secret).filter(|secret| !secret.is_terminating()) else {
        return Err("Token has been invalidated".to_owned());
    };
    if meta::at(secret.value(), "data.token").and_then(Value::as_str) != Some(&STANDARD.encode(token)) {
        return Err("Token does not match server's copy".to_owned());
    }
    let Some(found) = find(store, "serviceaccounts", Some(namespace), name) else {
        return Err(format!("serviceaccounts {name:?} not found"));
    };
    if found.is_terminating() {
        return Err(format!("ServiceAccount {namespace}/{name} has been deleted"));
    }
    if found.uid() != uid {
        return Err(format!("ServiceAccount UID ({}) does not match claim ({uid})", found.uid()));
    }
    Ok(UserInfo {
        uid: uid.to_owned(),
        groups: account_groups(namespace),
        ..UserInfo::new(&account_name(namespace, name))
    })
}
