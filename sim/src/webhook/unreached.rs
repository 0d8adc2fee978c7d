//! What a server says of a webhook that nobody answers for.
//!
//! # Differences
//!
//! There is no network: a service that is there refuses the connection, and no other host has an address.

use serde_json::Value;

use crate::meta;
use crate::resource::GroupResource;
use crate::server::Core;
use crate::store;

/// The port of a service that a configuration does not name.
const PORT: u64 = 443;

/// How long a call may take that says nothing, in seconds.
const TIMEOUT_SECONDS: u64 = 10;

/// Why the call failed.
pub(super) fn why(core: &Core, hook: &Value) -> String {
    let seconds = hook.get("timeoutSeconds").and_then(Value::as_u64).unwrap_or(TIMEOUT_SECONDS);
    let config = &hook["clientConfig"];
    let service = &config["service"];
    if service.is_object() {
        let (namespace, name) = (meta::text(service, "namespace"), meta::text(service, "name"));
        let port = service.get("port").and_then(Value::as_u64).unwrap_or(PORT);
        let path = meta::text(service, "path").trim_start_matches('/');
        let url = format!("https://{name}.{namespace}.svc:{port}/{path}?timeout={seconds}s");
        return format!("Post {url:?}: {}", unserved(core, namespace, name, port));
    }
    let url = meta::text(config, "url");
    let host = url.split("://").nth(1).unwrap_or_default().split('/').next().unwrap_or_default();
    let slash = if url.ends_with(host) { "/" } else { "" };
    let bare = host.rsplit_once(':').map_or(host, |(bare, _)| bare);
    let refused = if bare.parse::<std::net::IpAddr>().is_ok() || bare == "localhost" {
        let port = if bare == host { format!(":{PORT}") } else { String::new() };
        format!("dial tcp {host}{port}: connect: connection refused")
    } else {
        format!("dial tcp: lookup {bare}: no such host")
    };
    format!("Post \"{url}{slash}?timeout={seconds}s\": {refused}")
}

/// Why a service cannot be reached.
fn unserved(core: &Core, namespace: &str, name: &str, port: u64) -> String {
    let services = GroupResource::new("", "services");
    let Some(service) = core.store.get(&services, &store::key(Some(namespace), name)) else {
        return format!("service {name:?} not found");
    };
    let spec = &service.value()["spec"];
    if meta::text(spec, "type") == "ExternalName" {
        return format!("dial tcp: lookup {}: no such host", meta::text(spec, "externalName"));
    }
    let address = meta::text(spec, "clusterIP");
    if address == "None" {
        return "cannot route to service with ClusterIP \"None\"".to_owned();
    }
    let ports = spec.get("ports").and_then(Value::as_array).into_iter().flatten();
    if !ports.into_iter().any(|known| known.get("port").and_then(Value::as_u64) == Some(port)) {
        return format!("no service port {port} found for service {name:?}");
    }
    format!("dial tcp {address}:{port}: connect: connection refused")
}
