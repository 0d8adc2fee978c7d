//! `DaemonSet` → one Pod on every node that fits.
//!
//! A pod names its node in a required node affinity and is bound there by the scheduler. It tolerates what befalls nodes. The version of
//! the template is a ControllerRevision, whose hash the pods carry; pods of an older version are replaced as the update strategy allows.
//!
//! # Differences
//!
//! A failed pod is replaced at once, without back-off. A pod is available as soon as it is ready (`minReadySeconds` is not timed).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::access::{Access, DAEMON_SETS, NODES, PODS, annotation, entry, is_deleting, items, text};
use super::deployment::share;
use super::ownership::{claim, selected};
use super::placement::{node_named, tolerates, wants};
use super::pods::{create, from_template, is_finished, is_ready, label, phase};
use super::replicaset::put_counts;
use super::revisions;
use crate::object::Object;
use crate::options::Propagation;

const REVISION_HASH: &str = "controller-revision-hash";
const GENERATION: &str = "pod-template-generation";
const GENERATION_OF_SET: &str = "deprecated.daemonset.template.generation";

/// What every pod of a daemon set tolerates: key and effect.
const TOLERATED: [(&str, &str); 6] = [
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
];
const TOLERATED_ON_HOST_NETWORK: (&str, &str) = ("node.kubernetes.io/network-unavailable", "NoSchedule");

pub(super) fn pass(access: Access<'_>) {
    let nodes = access.all(NODES);
    for set in access.all(DAEMON_SETS) {
        let pods = claim(access, DAEMON_SETS, &set, PODS, |pod| selected(&set, pod));
        let revision = revisions::sync(access, DAEMON_SETS, &set, REVISION_HASH);
        let hash = revision.as_ref().map_or("", |revision| revisions::hash(revision, REVISION_HASH));
        let plan = Plan { access, set: &set, nodes: &nodes, pods: by_node(&pods), hash };
        if revision.is_some() && !is_deleting(&set) {
            plan.manage();
            revisions::forget_old(access, DAEMON_SETS, &set, |revision| {
                let own = revisions::hash(revision, REVISION_HASH);
                own == hash || pods.iter().any(|pod| version(pod) == Some(own))
            });
        }
        plan.write_status();
    }
}

/// The pods of each node, the oldest first; those that are bound before those that are not yet.
fn by_node(pods: &[Object]) -> BTreeMap<&str, Vec<&Object>> {
    let mut nodes: BTreeMap<&str, Vec<&Object>> = BTreeMap::new();
    for pod in pods {
        let bound = text(pod.value(), "/spec/nodeName").filter(|node| !node.is_empty());
        nodes.entry(bound.or_else(|| node_named(pod.value())).unwrap_or_default()).or_default().push(pod);
    }
    for pods in nodes.values_mut() {
        pods.sort_by_key(|pod| {
            let created = text(pod.value(), "/metadata/creationTimestamp").unwrap_or_default();
            (text(pod.value(), "/spec/nodeName").is_none(), created.to_owned(), pod.name().to_owned())
        });
    }
    nodes
}

fn version(pod: &Object) -> Option<&str> {
    pod.labels()?.get(REVISION_HASH)?.as_str()
}

fn limit(set: &Object, key: &str, of: usize, default: usize) -> usize {
    match &set.value()["spec"]["updateStrategy"]["rollingUpdate"][key] {
        Value::Null => default,
        value => share(value, of, true),
    }
}

/// One daemon set, where its pods are and where they may be.
struct Plan<'a> {
    access: Access<'a>,
    set: &'a Object,
    nodes: &'a [Object],
    pods: BTreeMap<&'a str, Vec<&'a Object>>,
    hash: &'a str,
}

impl Plan<'_> {
    fn on(&self, node: &str) -> &[&Object] {
        self.pods.get(node).map_or(&[], Vec::as_slice)
    }

    /// Whether a pod should run on a node, and whether one that is there may stay.
    fn fits(&self, node: &Object) -> (bool, bool) {
        let pod = self.pod(node.name());
        if !wants(&pod, node)
            || text(&pod, "/spec/nodeName").is_some_and(|name| !name.is_empty() && name != node.name())
        {
            return (false, false);
        }
        (tolerates(&pod, node, &["NoSchedule", "NoExecute"]), tolerates(&pod, node, &["NoExecute"]))
    }

    /// The pod for a node.
    fn pod(&self, node: &str) -> Value {
        let mut pod = from_template(DAEMON_SETS, self.set, &self.set.value()["spec"]["template"]);
        label(&mut pod, REVISION_HASH, self.hash);
        if let Some(generation) = annotation(self.set.value(), GENERATION_OF_SET) {
            label(&mut pod, GENERATION, generation);
        }
        let field = json!({"key": "metadata.name", "operator": "In", "values": [node]});
        let affinity = entry(&mut pod["spec"], "affinity").entry("nodeAffinity").or_insert_with(|| json!({}));
        let required = entry(affinity, "requiredDuringSchedulingIgnoredDuringExecution");
        let terms = required.entry("nodeSelectorTerms").or_insert_with(|| json!([]));
        // The labels that the template asks for still hold, beside the name.
        match terms.as_array_mut().filter(|terms| !terms.is_empty()) {
            Some(terms) => terms.iter_mut().for_each(|term| term["matchFields"] = json!([field])),
            None => *terms = json!([{"matchFields": [field]}]),
        }
        let on_host_network = pod["spec"]["hostNetwork"] == true;
        let mut tolerations = items(&pod, "/spec/tolerations").to_vec();
        for (key, effect) in TOLERATED.into_iter().chain(on_host_network.then_some(TOLERATED_ON_HOST_NETWORK)) {
            let toleration = json!({"key": key, "operator": "Exists", "effect": effect});
            if !tolerations.contains(&toleration) {
                tolerations.push(toleration);
            }
        }
        pod["spec"]["tolerations"] = tolerations.into();
        pod
    }

    fn create(&self, node: &str) {
        create(self.access, self.set, self.pod(node));
    }

    fn delete(&self, pod: &Object) {
        let target = PODS.target(pod.namespace(), Some(pod.name()));
        self.access.delete(&target, pod.uid(), Propagation::Background);
    }

    fn delete_all<'p>(&self, pods: impl IntoIterator<Item = &'p &'p Object>) {
        for pod in pods {
            self.delete(pod);
        }
    }

    fn is_new(&self, pod: &Object) -> bool {
        let generation = annotation(self.set.value(), GENERATION_OF_SET);
        let of_generation = pod.labels().and_then(|labels| labels.get(GENERATION)).and_then(Value::as_str);
        version(pod) == Some(self.hash) || (generation.is_some() && of_generation == generation)
    }

    fn manage(&self) {
        let fitting = self.nodes.iter().filter(|node| self.fits(node).0).count();
        let rolls = text(self.set.value(), "/spec/updateStrategy/type") != Some("OnDelete");
        let surge = if rolls { limit(self.set, "maxSurge", fitting, 0) } else { 0 };
        let before = self.access.server.revision();
        for node in self.nodes {
            let (runs, stays) = self.fits(node);
            let here = self.on(node.name());
            if runs && here.is_empty() {
                self.create(node.name());
            } else if stays {
                self.prune(node.name(), here, runs, surge > 0);
            } else {
                self.delete_all(here.iter().filter(|pod| !is_deleting(pod)));
            }
        }
        // Their node is gone, and they would wait for it for ever.
        for (node, pods) in &self.pods {
            if !self.nodes.iter().any(|known| known.name() == *node) {
                let waiting =
                    pods.iter().filter(|pod| text(pod.value(), "/spec/nodeName").is_none() && !is_deleting(pod));
                self.delete_all(waiting);
            }
        }
        // What has just been made or ended is not known here: old pods are replaced when nothing else is to do.
        if self.access.server.revision() != before {
            return;
        }
        if rolls && surge == 0 {
            // Nobody may be missing and nobody may be more: then one may be missing.
            self.replace(limit(self.set, "maxUnavailable", fitting, 1).max(1));
        } else if rolls {
            self.surge(surge);
        }
    }

    /// Ends what is over and what is too much on a node.
    fn prune(&self, node: &str, pods: &[&Object], runs: bool, surges: bool) {
        let living = pods.iter().filter(|pod| !is_deleting(pod));
        let (over, running): (Vec<&&Object>, Vec<&&Object>) = living.partition(|pod| is_finished(pod));
        self.delete_all(over);
        if !surges {
            return self.delete_all(running.into_iter().skip(1));
        }
        if running.is_empty() && runs {
            return self.create(node);
        }
        let (new, old): (Vec<&&Object>, Vec<&&Object>) = running.into_iter().partition(|pod| self.is_new(pod));
        let replaced = new.first().zip(old.first()).is_some_and(|(new, old)| !is_ready(old) || is_ready(new));
        self.delete_all(new.into_iter().skip(1));
        self.delete_all(old.into_iter().skip(usize::from(!replaced)));
    }

    /// Deletes old pods, so that no more than `most` are missing.
    fn replace(&self, most: usize) {
        let (mut missing, mut candidates) = (0, Vec::new());
        for pods in self.pods.values() {
            let living: Vec<_> = pods.iter().filter(|pod| !is_deleting(pod)).collect();
            match living.as_slice() {
                [pod] if self.is_new(pod) => missing += usize::from(!is_ready(pod)),
                [pod] if !is_ready(pod) => {
                    missing += 1;
                    self.delete(pod);
                }
                [pod] => candidates.push(*pod),
                _ => missing += 1,
            }
        }
        self.delete_all(candidates.into_iter().take(most.saturating_sub(missing)));
    }

    /// Makes new pods beside old ones, at most so many at a time.
    fn surge(&self, most: usize) {
        let (mut more, mut candidates) = (0, Vec::new());
        for (node, pods) in &self.pods {
            let living: Vec<_> = pods.iter().filter(|pod| !is_deleting(pod) && !is_finished(pod)).collect();
            let fits = self.nodes.iter().any(|known| known.name() == *node && self.fits(known).0);
            match living.as_slice() {
                [pod] if self.is_new(pod) || !fits => {}
                [pod] if !is_ready(pod) => self.create(node),
                [_] => candidates.push(*node),
                [] => {}
                _ => more += 1,
            }
        }
        for node in candidates.into_iter().take(most.saturating_sub(more)) {
            self.create(node);
        }
    }

    fn write_status(&self) {
        let (mut desired, mut current, mut wrong, mut ready, mut updated) =
            (0_usize, 0_usize, 0_usize, 0_usize, 0_usize);
        for node in self.nodes {
            let oldest = self.on(node.name()).first();
            if !self.fits(node).0 {
                wrong += usize::from(oldest.is_some());
                continue;
            }
            desired += 1;
            if let Some(pod) = oldest {
                current += 1;
                ready += usize::from(is_ready(pod) && phase(pod) == "Running");
                updated += usize::from(self.is_new(pod));
            }
        }
        let mut status = json!({
            "currentNumberScheduled": current,
            "numberMisscheduled": wrong,
            "desiredNumberScheduled": desired,
            "numberReady": ready,
            "observedGeneration": self.set.value()["metadata"]["generation"],
        });
        put_counts(
            &mut status,
            &[("updatedNumberScheduled", updated), ("numberAvailable", ready), ("numberUnavailable", desired - ready)],
        );
        self.access.set_status(DAEMON_SETS, self.set, status);
    }
}
