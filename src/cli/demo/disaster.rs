//! The disaster: a namespace and what belongs to it are deleted, and are waited for until they are gone.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::picture::{self, Key, Picture};
use crate::cli::error::CliError;
use crate::clock::Clock;
use crate::cluster::{Cluster, ClusterErrorKind, DeleteOptions, Discovery, Patch, Target};
use crate::object::{ApiResource, GroupResource, RawObject};

/// How often the cluster is asked whether something is gone.
const PAUSE: Duration = Duration::from_millis(50);

/// How often it is asked before giving up: one minute.
const TRIES_MAX: u32 = 1_200;

/// Asked so often, an object that is still there is held by a finalizer that no controller here will take off.
const TRIES_BEFORE_FINALIZERS: u32 = 10;

/// Deletes the namespace and its belongings. Returns the objects whose finalizers had to be taken off by hand.
pub(crate) async fn strike(
    cluster: &dyn Cluster,
    clock: &dyn Clock,
    before: &Picture,
    namespace: &str,
    belongings: &[Key],
) -> Result<Vec<Key>, CliError> {
    let discovery = cluster.discover().await?;
    let space = Key { resource: GroupResource::new("", "namespaces"), namespace: None, name: namespace.to_owned() };
    let first: Vec<&Key> =
        belongings.iter().filter(|key| key.resource.group == "admissionregistration.k8s.io").collect();
    let rest = belongings.iter().filter(|key| key.resource.group != "admissionregistration.k8s.io");
    let mut freed = Vec::new();
    for key in first.into_iter().chain([&space]).chain(rest) {
        let resource = served(&discovery, &key.resource)?;
        delete(cluster, resource, key).await?;
        let inside: Vec<&Key> = if *key == space {
            before.keys().filter(|key| key.namespace.as_deref() == Some(namespace)).collect()
        } else {
            vec![key]
        };
        wait_until_gone(cluster, clock, &discovery, key, &inside, &mut freed).await?;
    }
    Ok(freed)
}

fn served<'a>(discovery: &'a Discovery, name: &GroupResource) -> Result<&'a ApiResource, CliError> {
    let mut resources = discovery.resources.iter();
    resources
        .find(|resource| resource.preferred && resource.group_resource() == *name)
        .ok_or_else(|| CliError::failed(format!("the cluster does not serve {name}")))
}

async fn delete(cluster: &dyn Cluster, resource: &ApiResource, key: &Key) -> Result<(), CliError> {
    let target = Target { resource, namespace: key.namespace.as_deref(), name: &key.name, subresource: None };
    match cluster.delete(target, &DeleteOptions::default()).await {
        Err(error) if error.kind != ClusterErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

async fn wait_until_gone(
    cluster: &dyn Cluster,
    clock: &dyn Clock,
    discovery: &Discovery,
    key: &Key,
    inside: &[&Key],
    freed: &mut Vec<Key>,
) -> Result<(), CliError> {
    let resource = served(discovery, &key.resource)?;
    for tries in 1..=TRIES_MAX {
        match cluster.get(resource, key.namespace.as_deref(), &key.name).await {
            Err(error) if error.kind == ClusterErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error.into()),
            Ok(_) => {}
        }
        if tries == TRIES_BEFORE_FINALIZERS {
            for key in inside {
                if free(cluster, served(discovery, &key.resource)?, key).await? {
                    freed.push((*key).clone());
                }
            }
        }
        clock.sleep(PAUSE).await;
    }
    Err(CliError::failed(format!("{key} is still there a minute after it was deleted")))
}

/// Takes the finalizers off an object that is being deleted, as the operator that put them there would.
async fn free(cluster: &dyn Cluster, resource: &ApiResource, key: &Key) -> Result<bool, CliError> {
    let value = match cluster.get(resource, key.namespace.as_deref(), &key.name).await {
        Ok(raw) => raw.value().map_err(|error| CliError::failed(format!("{key}: {error}")))?,
        Err(error) if error.kind == ClusterErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let metadata = &value["metadata"];
    let held = metadata["finalizers"].as_array().is_some_and(|list| !list.is_empty());
    if metadata["deletionTimestamp"].is_null() || !held {
        return Ok(false);
    }
    let patch = Patch::Merge(RawObject::from_value(&json!({"metadata": {"finalizers": null}})));
    let target = Target { resource, namespace: key.namespace.as_deref(), name: &key.name, subresource: None };
    match cluster.patch(target, &patch).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind == ClusterErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// How many objects of which resource are in `before` and not in `after`.
pub(crate) fn gone(before: &Picture, after: &Picture) -> BTreeMap<GroupResource, u64> {
    let mut counts = BTreeMap::new();
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        *counts.entry(key.resource.clone()).or_default() += 1;
    }
    counts
}

/// Waits until at least `wanted` pods run and none is on its way; returns how many run.
pub(crate) async fn pods_running(
    cluster: &dyn Cluster,
    clock: &dyn Clock,
    namespace: Option<&str>,
    wanted: usize,
) -> Result<usize, CliError> {
    let pods = Key { resource: GroupResource::new("", "pods"), namespace: None, name: String::new() };
    let resource = picture::resource_of(cluster, &pods)
        .await?
        .ok_or_else(|| CliError::failed("the cluster does not serve pods"))?;
    let mut seen = (0, 0);
    let mut steady = 0;
    for _ in 0..TRIES_MAX {
        let pods = picture::list(cluster, &resource, namespace).await?;
        let phase = |pod: &Value, phase: &str| pod["status"]["phase"].as_str() == Some(phase);
        let running = pods.iter().filter(|(_, pod)| phase(pod, "Running") && is_ready(pod)).count();
        let ended = pods.iter().filter(|(_, pod)| phase(pod, "Succeeded") || phase(pod, "Failed")).count();
        // Controllers make pods one after the other: only a state that lasts is the end.
        steady = if seen == (running, pods.len()) { steady + 1 } else { 0 };
        seen = (running, pods.len());
        if running >= wanted && running + ended == pods.len() && steady >= 3 {
            return Ok(running);
        }
        clock.sleep(PAUSE).await;
    }
    Err(CliError::failed(format!("after a minute only {} of {} pods run", seen.0, seen.1.max(wanted))))
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}
