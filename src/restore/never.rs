//! What a restore leaves out whatever was asked, each with its reason (design decision 7).
//!
//! Three families: records of a moment (events, leases, finished pods), objects that the cluster or its controllers make
//! themselves (a restored copy would be stale or a duplicate), and Ark's own objects.
//!
//! # Differences
//! Ark v0.6 left out nodes only, and restored events, endpoints and its own Backups; later versions left out some of
//! these. Here every one is named with its reason instead of being dropped silently.

use std::borrow::Cow;

use serde::Deserialize;

use crate::api;
use crate::object::{GroupResource, Head, RawObject, RawObjectError};

/// The reason, or `None` where the object may be restored.
type Reason = Option<&'static str>;

/// Resources of which nothing is ever restored.
const RESOURCES: &[(&str, &str, &str)] = &[
    ("", "nodes", "nodes register themselves"),
    ("", "events", "events are records of the past"),
    ("events.k8s.io", "events", "events are records of the past"),
    ("coordination.k8s.io", "leases", "a lease belongs to the process that holds it"),
    ("storage.k8s.io", "csinodes", "nodes register themselves"),
    ("storage.k8s.io", "volumeattachments", "attachments are made by the attach controller"),
    ("resource.k8s.io", "resourceslices", "drivers publish them for the nodes that exist"),
    ("certificates.k8s.io", "certificatesigningrequests", "a certificate request is bound to who made it"),
    ("certificates.k8s.io", "podcertificaterequests", "a certificate request is bound to who made it"),
];

/// The names in [`RESOURCES`] and Ark's own kinds, as a user may write them in an include list.
pub(super) fn resource_names() -> impl Iterator<Item = String> {
    let fixed = RESOURCES.iter().map(|(group, name, _)| GroupResource::new(*group, *name).to_string());
    fixed.chain(["backups", "restores"].map(|name| GroupResource::new(api::GROUP, name).to_string()))
}

/// Fields beside the head that decide; each is absent from most kinds.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Pod {
    status: Option<PodStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PodStatus {
    phase: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Job {
    status: Option<JobStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct JobStatus {
    completion_time: Option<String>,
    conditions: Option<Vec<Condition>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
}

#[derive(Debug, Deserialize)]
struct Secret<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Definition {
    spec: DefinitionSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct DefinitionSpec {
    group: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ApiService {
    spec: ApiServiceSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ApiServiceSpec {
    service: Option<serde_json::Value>,
}

/// Why this object is never restored.
///
/// # Errors
/// Where a field that decides has a type that no API server gives it.
pub(super) fn reason(resource: &GroupResource, head: &Head<'_>, raw: &RawObject) -> Result<Reason, RawObjectError> {
    if let Some((_, _, why)) = RESOURCES.iter().find(|(g, r, _)| *g == resource.group && *r == resource.resource) {
        return Ok(Some(why));
    }
    if resource.group == api::GROUP || head.api_version.starts_with("ark.heptio.com/") {
        return Ok(Some("Ark's own objects are never restored"));
    }
    let metadata = &head.metadata;
    if metadata.deletion_timestamp.is_some() {
        return Ok(Some("it was being deleted"));
    }
    let label = |key: &str| metadata.labels.as_ref().and_then(|labels| labels.get(key)).map(String::as_str);
    let note = |key: &str| metadata.annotations.as_ref().and_then(|notes| notes.get(key)).map(String::as_str);
    let default_kubernetes = metadata.namespace == "default" && metadata.name == "kubernetes";
    Ok(match (resource.group.as_str(), resource.resource.as_str()) {
        ("", "pods") => {
            let pod: Pod = parse(raw)?;
            if note("kubernetes.io/config.mirror").is_some() {
                Some("it mirrors a static pod of a node")
            } else if matches!(pod.status.unwrap_or_default().phase.as_deref(), Some("Succeeded" | "Failed")) {
                Some("the pod has ended")
            } else {
                None
            }
        }
        ("batch", "jobs") => {
            let status = parse::<Job>(raw)?.status.unwrap_or_default();
            let ended = |c: &Condition| matches!(c.kind.as_str(), "Complete" | "Failed") && c.status == "True";
            (status.completion_time.is_some() || status.conditions.iter().flatten().any(ended))
                .then_some("the job has ended")
        }
        ("", "secrets") => generated_token(head, raw)?.then_some("the token is issued anew for its service account"),
        ("", "services") if default_kubernetes => Some("the API server makes its own service"),
        ("", "endpoints") if default_kubernetes || label("endpoints.kubernetes.io/managed-by").is_some() => {
            Some("the endpoints are made for their service")
        }
        ("discovery.k8s.io", "endpointslices")
            if default_kubernetes
                || label("endpointslice.kubernetes.io/managed-by").is_some_and(|by| by.ends_with(".k8s.io")) =>
        {
            Some("the endpoint slice is made for its service")
        }
        ("", "configmaps") if metadata.name == "kube-root-ca.crt" => Some("every namespace gets its own"),
        ("", "configmaps")
            if metadata.namespace == "kube-system"
                && matches!(
                    metadata.name.as_ref(),
                    "extension-apiserver-authentication" | "kube-apiserver-legacy-service-account-token-tracking"
                ) =>
        {
            Some("the API server makes its own")
        }
        ("rbac.authorization.k8s.io", _)
            if label("kubernetes.io/bootstrapping") == Some("rbac-defaults")
                && note("rbac.authorization.kubernetes.io/autoupdate") != Some("false") =>
        {
            Some("the API server keeps its own rules")
        }
        ("flowcontrol.apiserver.k8s.io", _) if note("apf.kubernetes.io/autoupdate-spec") == Some("true") => {
            Some("the API server keeps its own configuration")
        }
        ("scheduling.k8s.io", "priorityclasses") if metadata.name.starts_with("system-") => {
            Some("the API server makes its own")
        }
        ("networking.k8s.io", "ipaddresses")
            if label("ipaddress.kubernetes.io/managed-by") == Some("ipallocator.k8s.io") =>
        {
            Some("addresses are allocated anew")
        }
        ("networking.k8s.io", "servicecidrs") if metadata.name == "kubernetes" => Some("the API server makes its own"),
        ("apiregistration.k8s.io", "apiservices") => {
            let local = parse::<ApiService>(raw)?.spec.service.is_none();
            (local || label("kube-aggregator.kubernetes.io/automanaged").is_some())
                .then_some("the API server registers what it serves itself")
        }
        ("apiextensions.k8s.io", "customresourcedefinitions") => {
            (parse::<Definition>(raw)?.spec.group == api::GROUP).then_some("Ark's own objects are never restored")
        }
        _ => None,
    })
}

/// Whether a Secret is a token that a cluster before 1.24 made for a service account by itself.
fn generated_token(head: &Head<'_>, raw: &RawObject) -> Result<bool, RawObjectError> {
    if parse::<Secret<'_>>(raw)?.kind.as_deref() != Some("kubernetes.io/service-account-token") {
        return Ok(false);
    }
    let owner = head.metadata.annotations.as_ref().and_then(|notes| notes.get("kubernetes.io/service-account.name"));
    Ok(owner.is_some_and(|owner| is_generated_token(owner, &head.metadata.name)))
}

/// Whether a Secret of this name is the token that a cluster before 1.24 generated for the service account.
pub(super) fn is_generated_token(account: &str, secret: &str) -> bool {
    let suffix = secret.strip_prefix(account).and_then(|rest| rest.strip_prefix("-token-"));
    suffix.is_some_and(|suffix| suffix.len() == 5 && suffix.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn parse<'a, T: Deserialize<'a>>(raw: &'a RawObject) -> Result<T, RawObjectError> {
    Ok(serde_json::from_slice(raw.bytes())?)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::reason;
    use crate::object::{GroupResource, RawObject};

    fn why(resource: &str, object: Value) -> Option<&'static str> {
        let raw = RawObject::from_value(&object);
        reason(&GroupResource::from(resource.to_owned()), &raw.head().expect("an object"), &raw).expect("well typed")
    }

    #[test]
    fn moments_and_made_objects_are_left_out() {
        let named = |name: &str, namespace: &str| json!({"metadata": {"name": name, "namespace": namespace}});
        for (resource, object) in [
            ("events", named("a", "b")),
            ("nodes", named("a", "")),
            ("backups.ark.heptio.com", named("a", "heptio-ark")),
            ("configmaps", named("kube-root-ca.crt", "shop")),
            ("services", named("kubernetes", "default")),
            ("pods", json!({"metadata": {"name": "a"}, "status": {"phase": "Succeeded"}})),
            ("pods", json!({"metadata": {"name": "a", "annotations": {"kubernetes.io/config.mirror": "x"}}})),
            ("jobs.batch", json!({"metadata": {"name": "a"}, "status": {"completionTime": "2026-01-01T00:00:00Z"}})),
            (
                "jobs.batch",
                json!({"metadata": {"name": "a"}, "status": {"conditions": [{"type": "Failed", "status": "True"}]}}),
            ),
            ("widgets.example.com", json!({"metadata": {"name": "a", "deletionTimestamp": "2026-01-01T00:00:00Z"}})),
            (
                "secrets",
                json!({"type": "kubernetes.io/service-account-token", "metadata": {"name": "shop-token-abcde",
                "annotations": {"kubernetes.io/service-account.name": "shop"}}}),
            ),
            ("apiservices.apiregistration.k8s.io", json!({"metadata": {"name": "v1."}, "spec": {"version": "v1"}})),
            (
                "customresourcedefinitions.apiextensions.k8s.io",
                json!({"metadata": {"name": "x"}, "spec": {"group": "ark.heptio.com"}}),
            ),
        ] {
            assert!(why(resource, object.clone()).is_some(), "{resource} {object}");
        }
    }

    #[test]
    fn what_users_make_is_restored() {
        let label = json!({"metadata": {"name": "system:x", "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
            "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "false"}}});
        for (resource, object) in [
            ("clusterroles.rbac.authorization.k8s.io", label),
            ("configmaps", json!({"metadata": {"name": "a", "namespace": "kube-system"}})),
            (
                "secrets",
                json!({"type": "kubernetes.io/service-account-token", "metadata": {"name": "shop-token",
                "annotations": {"kubernetes.io/service-account.name": "shop"}}}),
            ),
            ("pods", json!({"metadata": {"name": "a"}, "status": {"phase": "Running"}})),
            ("jobs.batch", json!({"metadata": {"name": "a"}, "status": null})),
            ("endpoints", json!({"metadata": {"name": "external", "namespace": "shop"}})),
            (
                "apiservices.apiregistration.k8s.io",
                json!({"metadata": {"name": "v1.m"}, "spec": {"service": {"name": "m"}}}),
            ),
        ] {
            assert_eq!(why(resource, object.clone()), None, "{resource} {object}");
        }
    }
}
