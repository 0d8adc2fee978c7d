//! Hooks: commands that run in a pod before and after it and its volumes are saved.
//!
//! [`Hooks`] decides which commands a pod gets (ark-behaviour §2.7, §13.1), [`exec`] runs them. Annotations of the pod
//! come before the hooks of the Backup, for each of the two moments by itself; the annotation keys without `pre.` or
//! `post.` are those of v0.6 and run before.
//!
//! Hooks are balanced: where a command was started before a pod is saved, all commands for afterwards run, whatever
//! failed in between, for they are what thaws a file system.
//!
//! # Differences
//! * A hook is copied for each pod, so the container that one pod defaults to does not stick to the next one's.
//! * A hook without `onError` fails on an unknown container or an empty command as it does on everything else.
//! * A pod whose hook failed is saved all the same, and the failure is an error of the backup: the archive is good and
//!   the operator is told. v0.6 dropped the pod.
//! * A timeout of zero or less means the default; v0.6 took a negative one as none at all.
//! * An empty command annotation means absent; v0.6 crashed.
//! * Pods that ran to their end have no process to run a command in: their hooks are skipped and the log says so.
//! * A sidecar, an init container that restarts always, can be named as the container.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::api::go::GoDuration;
use crate::api::{BackupSpec, Hook, HookErrorMode};
use crate::object::{
    GroupResource, Head, IncludesExcludes, LabelSelector, RawObject, RawObjectError, ResourceFilter, ResourceMapper,
};

use super::BackupError;

pub(super) mod exec;

/// How long a command may take where nobody says.
pub(super) const TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);

/// How long a command may take at most, whatever an annotation says: a day.
const TIMEOUT_MAX: Duration = Duration::from_hours(24);

/// The name that a hook from an annotation has in the log, as in v0.6.
const FROM_ANNOTATION: &str = "<from-annotation>";

const PRE: &str = "pre.hook.backup.ark.heptio.com/";
const POST: &str = "post.hook.backup.ark.heptio.com/";
const PLAIN: &str = "hook.backup.ark.heptio.com/";

/// One command for one pod, defaults not yet filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    /// Name of the hook, for the log.
    pub(super) name: String,
    /// The container; empty means the pod's first.
    pub(super) container: String,
    /// Program and arguments.
    pub(super) words: Vec<String>,
    /// Whether a failure is an error of the backup.
    pub(super) fail: bool,
    /// How long it may take.
    pub(super) timeout: Duration,
}

/// The commands of one pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PodHooks {
    /// Before the pod is saved.
    pub(super) pre: Vec<Command>,
    /// After the pod's volumes are saved.
    pub(super) post: Vec<Command>,
}

impl PodHooks {
    /// Whether there is nothing to run.
    pub(super) fn is_empty(&self) -> bool {
        self.pre.is_empty() && self.post.is_empty()
    }
}

/// The hooks of a Backup, their selections resolved.
#[derive(Debug)]
pub(super) struct Hooks(Vec<SpecHook>);

#[derive(Debug)]
struct SpecHook {
    namespaces: IncludesExcludes,
    resources: ResourceFilter,
    labels: LabelSelector,
    pre: Vec<Command>,
    post: Vec<Command>,
}

impl Hooks {
    /// Resolves the hooks of `spec`. A resource name that nobody serves selects nothing, and is returned with the hook's
    /// name.
    ///
    /// # Errors
    /// Where a label selector cannot be read.
    pub(super) fn new(spec: &BackupSpec, mapper: &ResourceMapper) -> Result<(Self, Vec<String>), BackupError> {
        let mut unresolved = Vec::new();
        let mut hooks = Vec::with_capacity(spec.hooks.resources.len());
        for hook in &spec.hooks.resources {
            let (resources, unknown) =
                ResourceFilter::resolve(&hook.included_resources, &hook.excluded_resources, mapper);
            unresolved.extend(unknown.into_iter().map(|resource| format!("hook {:?}: resource {resource}", hook.name)));
            let labels =
                LabelSelector::from_api(hook.label_selector.as_ref()).map_err(|error| BackupError::Invalid {
                    messages: vec![format!("invalid label selector of hook {:?}: {error}", hook.name)],
                })?;
            let pre = if hook.pre.is_empty() { &hook.hooks } else { &hook.pre };
            hooks.push(SpecHook {
                namespaces: IncludesExcludes::new(&hook.included_namespaces, &hook.excluded_namespaces),
                resources,
                labels,
                pre: commands(&hook.name, pre),
                post: commands(&hook.name, &hook.post),
            });
        }
        Ok((Self(hooks), unresolved))
    }

    /// The commands for a pod.
    pub(super) fn of(&self, pods: &GroupResource, head: &Head<'_>) -> PodHooks {
        let none = BTreeMap::new();
        let annotations = head.metadata.annotations.as_ref().unwrap_or(&none);
        let labels = head.metadata.labels.as_ref().unwrap_or(&none);
        let matching: Vec<&SpecHook> = self
            .0
            .iter()
            .filter(|hook| {
                hook.namespaces.includes(&head.metadata.namespace)
                    && hook.resources.includes(pods)
                    && hook.labels.matches(labels)
            })
            .collect();
        let pre = from_annotations(annotations, PRE).or_else(|| from_annotations(annotations, PLAIN));
        let post = from_annotations(annotations, POST);
        PodHooks {
            pre: pre.map_or_else(|| matching.iter().flat_map(|hook| hook.pre.clone()).collect(), |one| vec![one]),
            post: post.map_or_else(|| matching.iter().flat_map(|hook| hook.post.clone()).collect(), |one| vec![one]),
        }
    }
}

fn commands(name: &str, hooks: &[Hook]) -> Vec<Command> {
    hooks
        .iter()
        .filter_map(|hook| hook.exec.as_ref())
        .map(|exec| Command {
            name: name.to_owned(),
            container: exec.container.clone(),
            words: exec.command.clone(),
            fail: exec.on_error != Some(HookErrorMode::Continue),
            timeout: timeout(exec.timeout),
        })
        .collect()
}

fn timeout(given: GoDuration) -> Duration {
    given.to_std().filter(|length| !length.is_zero()).map_or(TIMEOUT_DEFAULT, |length| length.min(TIMEOUT_MAX))
}

/// The hook that annotations under `prefix` describe; only a command makes one.
fn from_annotations(annotations: &BTreeMap<String, String>, prefix: &str) -> Option<Command> {
    let get = |key: &str| annotations.get(&format!("{prefix}{key}")).map(String::as_str);
    let text = get("command").filter(|text| !text.is_empty())?;
    let list = if text.starts_with('[') { serde_json::from_str(text).ok() } else { None };
    Some(Command {
        name: FROM_ANNOTATION.to_owned(),
        container: get("container").unwrap_or_default().to_owned(),
        words: list.unwrap_or_else(|| vec![text.to_owned()]),
        fail: get("on-error") != Some("Continue"),
        timeout: timeout(get("timeout").and_then(|text| text.parse().ok()).unwrap_or_default()),
    })
}

/// The parts of a pod that its backup reads.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Pod {
    spec: Option<PodSpec>,
    status: Option<PodStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodSpec {
    containers: Option<Vec<Container>>,
    init_containers: Option<Vec<Container>>,
    volumes: Option<Vec<PodVolume>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Container {
    name: String,
    restart_policy: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodVolume {
    name: String,
    persistent_volume_claim: Option<ClaimSource>,
    ephemeral: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ClaimSource {
    claim_name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PodStatus {
    phase: Option<String>,
}

impl Pod {
    /// Reads a pod.
    ///
    /// # Errors
    /// Where the text has other types than a pod.
    pub(super) fn read(raw: &RawObject) -> Result<Self, RawObjectError> {
        Ok(serde_json::from_slice(raw.bytes())?)
    }

    /// Names of the claims that its volumes use, in order, each once. A generic ephemeral volume's claim is named after
    /// the pod and the volume.
    pub(super) fn claims(&self, pod: &str) -> Vec<String> {
        let mut names = Vec::new();
        for volume in self.spec.iter().flat_map(|spec| spec.volumes.iter().flatten()) {
            let name = match (&volume.persistent_volume_claim, &volume.ephemeral) {
                (Some(claim), _) => claim.claim_name.clone(),
                (None, Some(_)) => format!("{pod}-{}", volume.name),
                (None, None) => continue,
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// Whether its processes are over.
    pub(super) fn ended(&self) -> bool {
        let phase = self.status.as_ref().and_then(|status| status.phase.as_deref());
        matches!(phase, Some("Succeeded" | "Failed"))
    }

    /// The container a command runs in: the one named, else the first.
    ///
    /// # Errors
    /// Where there is no such container; the message is v0.6's.
    pub(super) fn container(&self, named: &str) -> Result<String, String> {
        let spec = self.spec.as_ref();
        let mut containers = spec.iter().flat_map(|spec| spec.containers.iter().flatten());
        if named.is_empty() {
            return containers
                .next()
                .map(|first| first.name.clone())
                .ok_or_else(|| "need at least 1 container".to_owned());
        }
        let sidecars = spec.iter().flat_map(|spec| spec.init_containers.iter().flatten());
        let mut all = containers.chain(sidecars.filter(|one| one.restart_policy.as_deref() == Some("Always")));
        all.find(|one| one.name == named)
            .map(|one| one.name.clone())
            .ok_or_else(|| format!("no such container: {named:?}"))
    }
}

#[cfg(test)]
mod tests;
