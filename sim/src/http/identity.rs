//! Who sends a request, and whether it is let in at all.
//!
//! Owns the headers that say so: `Authorization: Bearer`, and `Impersonate-User` with its companions. Nothing of a request is looked at
//! before.
//!
//! # Differences
//!
//! Whoever sends no token is whom the handle of the server acts as, not anonymous. Other schemes than `Bearer` are passed over, as
//! are tokens in the subprotocols of a WebSocket.

use http::{HeaderMap, Method, header, request};

use super::route::{Query, Route};
use crate::access::{Attributes, Caller, UserInfo, impersonation};
use crate::{ApiServer, Status, Target};

/// What the names of the headers of extra parts begin with.
const EXTRA: &str = "impersonate-extra-";

/// The server as the sender of an allowed request sees it.
pub(super) fn admitted(
    server: &ApiServer,
    parts: &request::Parts,
    route: &Route,
    query: &Query,
) -> Result<ApiServer, Status> {
    let core = server.lock();
    let mut user = server.user().clone();
    if let Some(token) = bearer(&parts.headers) {
        let found = core.authenticate(token, &[], server.now());
        user = found.map_err(|_| Status::unauthorized())?.user;
    }
    let attributes = attributes(parts, route, query);
    if let Some(wanted) = impersonated(&parts.headers)? {
        user = impersonation::impersonate(&core, &user, &wanted, &attributes)?;
    }
    if !server.caller().allowed {
        core.authorize(&user, &attributes)?;
    }
    drop(core);
    Ok(server.for_caller(Caller { allowed: true, ..Caller::new(user) }))
}

/// The token of a request, where it has one.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim();
    let (scheme, rest) = value.split_once(' ')?;
    // A second space begins the next part, as a real server reads it.
    let token = rest.split(' ').next().unwrap_or_default();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// Whom a request wants to be taken for.
fn impersonated(headers: &HeaderMap) -> Result<Option<UserInfo>, Status> {
    let texts = |name: &str| -> Vec<String> {
        headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).map(str::to_owned).collect()
    };
    let first = |name: &str| texts(name).into_iter().next().unwrap_or_default();
    let mut wanted = UserInfo {
        username: first("impersonate-user"),
        uid: first("impersonate-uid"),
        groups: texts("impersonate-group"),
        ..UserInfo::default()
    };
    for name in headers.keys() {
        if let Some(key) = name.as_str().strip_prefix(EXTRA) {
            let key = super::route::decode(key, false).unwrap_or_else(|| key.to_owned());
            wanted.extra.insert(key, texts(name.as_str()));
        }
    }
    match wanted.username.as_str() {
        "" if wanted == UserInfo::default() => Ok(None),
        "" => Err(impersonation::nameless(&wanted)),
        _ => Ok(Some(wanted)),
    }
}

/// What a request wants to do.
fn attributes(parts: &request::Parts, route: &Route, query: &Query) -> Attributes {
    let Route::Resource { target, watch } = route else {
        return Attributes::of_path(&parts.method.as_str().to_lowercase(), parts.uri.path());
    };
    let watching = *watch || query.flag("watch").unwrap_or_default();
    let verb = match parts.method {
        _ if *watch => "watch",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE if target.name.is_some() => "delete",
        Method::DELETE => "deletecollection",
        Method::GET | Method::HEAD if target.name.is_some() => "get",
        Method::GET | Method::HEAD if watching => "watch",
        Method::GET | Method::HEAD => "list",
        _ => "",
    };
    let mut target = Target::from(target.clone());
    if let Some(sub) = &mut target.subresource {
        // What follows is the subresource's own.
        sub.truncate(sub.find('/').unwrap_or(sub.len()));
    }
    let fields = query.get("fieldSelector").filter(|_| !*watch);
    Attributes::of(verb, &target).selecting(fields)
}
