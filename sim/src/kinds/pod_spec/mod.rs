//! What pods and the templates of pods may say, for every kind that has one.
//!
//! Owns the defaults ([`defaults`]) and the validation of a pod spec: containers, volumes, scheduling, security, names. The kinds
//! that hold a spec call [`check_template`] or [`check_pod`]; every rule sees the spec through a [`Pod`].
//!
//! # Differences
//!
//! Options of Windows, pod certificates and profiles in annotations are taken as they are. Sums over containers count the regular ones.

use serde_json::Value;

use crate::kinds::Causes;
use crate::meta;
use crate::validate_name;

pub(crate) mod app_armor;
mod containers;
pub(crate) mod defaults;
mod env;
pub(crate) mod internal;
mod mounts;
mod network;
mod overlaps;
mod probes;
mod projected;
pub(crate) mod read;
pub(crate) mod resources;
pub(crate) mod scheduling;
mod security;
pub(crate) mod volumes;
pub(crate) mod warnings;

pub(crate) use containers::trimmed_image;
pub(crate) use network::address;
pub(crate) use resources::{fixed_overhead, name_in_container};

use read::{between, each, given, inside, list, one_of, problems, whole};

const POLICIES: [&str; 3] = ["Always", "OnFailure", "Never"];
const DNS_POLICIES: [&str; 4] = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];

/// A spec under check, and whose it is.
pub(crate) struct Pod<'a> {
    spec: &'a Value,
    /// The name of a pod; a template has none.
    name: Option<&'a str>,
    volumes: Vec<(&'a str, &'a Value)>,
}

impl<'a> Pod<'a> {
    fn new(spec: &'a Value, name: Option<&'a str>) -> Self {
        let mut pod = Self { spec, name, volumes: Vec::new() };
        // Only a volume that is right by itself can be mounted.
        let volumes = list(spec, "volumes").iter().filter(|volume| volumes::sound(&pod, volume));
        pod.volumes = volumes.map(|volume| (meta::text(volume, "name"), volume)).collect();
        pod
    }

    fn is_pod(&self) -> bool {
        self.name.is_some()
    }

    fn restart_policy(&self) -> &str {
        meta::text(self.spec, "restartPolicy")
    }

    fn volume(&self, name: &str) -> Option<&Value> {
        self.volumes.iter().find(|(known, _)| *known == name).map(|(_, volume)| *volume)
    }
}

/// The spec of a pod, at `spec`.
pub(crate) fn check_pod(pod: &Value, causes: &mut Causes) {
    let spec = read::field(pod, "spec");
    let name = meta::meta_text(pod, "name");
    pod_annotations("metadata", read::field(pod, "metadata"), spec, causes);
    causes.at("spec", |causes| check(&Pod::new(spec, Some(name)), causes));
    if meta::text(spec, "serviceAccountName").is_empty() {
        causes.at("spec.volumes", |causes| token_without_account(spec, causes));
    }
    causes.at("spec", |causes| {
        each(spec, "containers", causes, trimmed_image);
        each(spec, "initContainers", causes, trimmed_image);
    });
}

fn token_without_account(spec: &Value, causes: &mut Causes) {
    for (index, volume) in list(spec, "volumes").iter().enumerate() {
        let Some(projected) = given(volume, "projected") else {
            continue;
        };
        causes.index(index, |causes| {
            causes.at("projected", |causes| {
                each(projected, "sources", causes, |source, causes| {
                    if given(source, "serviceAccountToken").is_some() {
                        let why = "must not be specified when serviceAccountName is not set";
                        causes.forbidden("serviceAccountToken", why);
                    }
                });
            });
        });
    }
}

/// A template of pods, at the path where the check stands.
pub(crate) fn check_template(template: &Value, causes: &mut Causes) {
    let metadata = read::field(template, "metadata");
    read::labels(metadata, "labels", causes);
    annotations(metadata, causes);
    let spec = read::field(template, "spec");
    pod_annotations("", metadata, spec, causes);
    causes.at("spec", |causes| check(&Pod::new(spec, None), causes));
    if !list(spec, "ephemeralContainers").is_empty() {
        causes.forbidden("spec.ephemeralContainers", "ephemeral containers not allowed in pod template");
    }
}

/// Keys of annotations, at `annotations` below here.
pub(crate) fn annotations(metadata: &Value, causes: &mut Causes) {
    for (key, _) in read::entries(metadata, "annotations") {
        problems("annotations", key, validate_name::qualified_name(&key.to_lowercase()), causes);
    }
}

/// The annotations that mean something to a server.
pub(crate) fn pod_annotations(field: &str, metadata: &Value, spec: &Value, causes: &mut Causes) {
    let annotation = |key: &str| metadata.get("annotations")?.get(key)?.as_str();
    causes.at(field, |causes| {
        causes.at("annotations", |causes| {
            let mirror = "kubernetes.io/config.mirror";
            if let Some(value) = annotation(mirror)
                && meta::text(spec, "nodeName").is_empty()
            {
                let why = "must set spec.nodeName if mirror pod annotation is set";
                causes.key(mirror, |causes| causes.invalid("", &value.into(), why));
            }
            let cost = "controller.kubernetes.io/pod-deletion-cost";
            if let Some(value) = annotation(cost) {
                let plain = !value.starts_with('+') && (value == "0" || !value.starts_with('0'));
                if !plain || value.parse::<i32>().is_err() {
                    causes.key(cost, |causes| causes.invalid("", &value.into(), "must be a 32bit integer"));
                }
            }
        });
    });
}

/// A spec, in the order of a real server.
fn check(pod: &Pod<'_>, causes: &mut Causes) {
    let spec = pod.spec;
    volumes::check(pod, causes);
    resource_claims(pod, causes);
    containers::regular(pod, causes);
    containers::init(pod, causes);
    containers::ephemeral(pod, causes);
    resources::of_pod(pod, causes);
    probes::host_network(pod, causes);
    one_of(spec, "restartPolicy", &POLICIES, causes);
    one_of(spec, "dnsPolicy", &DNS_POLICIES, causes);
    scheduling::node_selector(pod, causes);
    security::of_pod(pod, causes);
    scheduling::affinity(pod, causes);
    network::dns(spec, causes);
    scheduling::gates(pod, causes);
    scheduling::spread(pod, causes);
    security::own_users(pod, causes);
    security::host_name(pod, causes);
    name(spec, "serviceAccountName", validate_name::subdomain, causes);
    name(spec, "nodeName", validate_name::subdomain, causes);
    between(spec, "activeDeadlineSeconds", 1, i64::from(i32::MAX), causes);
    name(spec, "hostname", validate_name::label, causes);
    name(spec, "subdomain", validate_name::label, causes);
    scheduling::tolerations(spec, causes);
    network::host_aliases(spec, causes);
    name(spec, "priorityClassName", validate_name::subdomain, causes);
    if let Some(class) = spec.get("runtimeClassName").and_then(Value::as_str) {
        problems("runtimeClassName", class, validate_name::subdomain(class), causes);
    }
    if given(spec, "preemptionPolicy").is_some() {
        one_of(spec, "preemptionPolicy", &["PreemptLowerPriority", "Never"], causes);
    }
    inside(spec, "overhead", causes, |overhead, causes| resources::overhead(pod, overhead, causes));
    security::operating_system(pod, causes);
}

/// A name that is right where it is not empty.
fn name(spec: &Value, key: &str, rule: fn(&str) -> Vec<String>, causes: &mut Causes) {
    let text = meta::text(spec, key);
    if !text.is_empty() {
        problems(key, text, rule(text), causes);
    }
}

fn resource_claims(pod: &Pod<'_>, causes: &mut Causes) {
    let mut names = Vec::new();
    each(pod.spec, "resourceClaims", causes, |claim, causes| {
        let name = meta::text(claim, "name");
        if name.is_empty() {
            causes.required("name", "");
        } else if names.contains(&name) {
            causes.duplicate("name", &name.into());
        } else {
            problems("name", name, validate_name::label(name), causes);
            names.push(name);
        }
        let keys = ["resourceClaimName", "resourceClaimTemplateName"];
        match keys.iter().filter(|key| given(claim, key).is_some()).count() {
            1 => {}
            0 => {
                let why = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`";
                internal::refuse("PodResourceClaim", "", claim, why, causes);
            }
            _ => {
                let why = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified";
                internal::refuse("PodResourceClaim", "", claim, why, causes);
            }
        }
        for key in keys {
            if let Some(text) = claim.get(key).and_then(Value::as_str) {
                problems(key, text, validate_name::subdomain(text), causes);
            }
        }
    });
}

/// Whether a template's pods restart as controllers need it, and end by nothing else.
pub(crate) fn runs_on(template: &Value, kind: &str, causes: &mut Causes) {
    let spec = read::field(template, "spec");
    causes.at("spec", |causes| {
        let policy = meta::text(spec, "restartPolicy");
        if policy != "Always" {
            causes.not_supported("restartPolicy", policy, &["Always"]);
        }
        if whole(spec, "activeDeadlineSeconds").is_some() {
            let why = format!("activeDeadlineSeconds in {kind} is not Supported");
            causes.forbidden("activeDeadlineSeconds", &why);
        }
    });
}
