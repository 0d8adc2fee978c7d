//! What the writer of a pod, or of a template of pods, is warned of: fields that do nothing any more, and entries that hide each other.

use std::collections::BTreeMap;

use serde_json::Value;

use super::read::{entries, field, given, list, number};
use super::{app_armor, overlaps};
use crate::kinds::{addresses, warnings};
use crate::meta;
use crate::validate_name;

/// Annotations that nobody reads any more.
const ANNOTATIONS: [(&str, &str); 3] = [
    (
        "scheduler.alpha.kubernetes.io/critical-pod",
        "non-functional in v1.16+; use the \"priorityClassName\" field instead",
    ),
    ("security.alpha.kubernetes.io/sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead"),
    ("security.alpha.kubernetes.io/unsafe-sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead"),
];

/// Volumes that nobody mounts any more.
const VOLUMES: [(&str, &str); 7] = [
    ("photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
    ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("flocker", "deprecated in v1.22, non-functional in v1.25+"),
    ("storageos", "deprecated in v1.22, non-functional in v1.25+"),
    ("quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
];
const LATER_VOLUMES: [(&str, &str); 2] = [
    ("cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
];

const SECCOMP: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";
const SECCOMP_TOLD: &str = "non-functional in v1.27+; use the \"seccompProfile\" field instead";

const NO_SELECTOR: &str = "a null labelSelector results in matching no pod";

/// A template at a path, or a pod at none.
struct Subject<'a> {
    path: &'a str,
    spec: &'a Value,
    annotations: &'a Value,
    told: Vec<String>,
}

/// All of a pod (`path` is empty) or of the template at `path`.
pub(crate) fn of(path: &str, template: &Value) -> Vec<String> {
    let metadata = field(template, "metadata");
    let spec = field(template, "spec");
    let mut subject = Subject { path, spec, annotations: field(metadata, "annotations"), told: Vec::new() };
    subject.node_labels();
    subject.annotations();
    subject.volumes();
    subject.names();
    subject.amounts();
    subject.containers();
    subject.ports();
    subject.port_names();
    if number(spec, "terminationGracePeriodSeconds") < 0 {
        let why = "must be >= 0; negative values are invalid and will be treated as 1";
        subject.tell(&subject.at("spec.terminationGracePeriodSeconds"), why);
    }
    subject.affinities();
    subject.addresses();
    subject.told
}

impl Subject<'_> {
    fn at(&self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) }
    }

    fn tell(&mut self, path: &str, why: &str) {
        self.told.push(format!("{path}: {why}"));
    }

    fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.get(key).and_then(Value::as_str)
    }

    fn tell_annotation(&mut self, key: &str, why: &str) {
        let path = self.at(&format!("metadata.annotations[{key}]"));
        self.tell(&path, why);
    }

    /// Containers of all sorts, with their paths.
    fn each_container(&self) -> Vec<(String, &Value)> {
        let sorts = ["initContainers", "containers", "ephemeralContainers"];
        let all = sorts.iter().flat_map(|sort| {
            list(self.spec, sort)
                .iter()
                .enumerate()
                .map(move |(index, container)| (self.at(&format!("spec.{sort}[{index}]")), container))
        });
        all.collect()
    }

    fn node_labels(&mut self) {
        let spec = self.spec;
        for (key, _) in entries(spec, "nodeSelector") {
            if let Some(why) = warnings::node_label(key) {
                self.tell(&self.at(&format!("spec.nodeSelector[{key}]")), why);
            }
        }
        let affinity = meta::at(spec, "affinity.nodeAffinity").unwrap_or(&Value::Null);
        let path = self.at("spec.affinity.nodeAffinity");
        let (required, preferred) =
            ("requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution");
        for (index, term) in list(field(affinity, required), "nodeSelectorTerms").iter().enumerate() {
            self.node_term(&format!("{path}.{required}.nodeSelectorTerms[{index}]"), term, false);
        }
        for (index, term) in list(affinity, preferred).iter().enumerate() {
            self.node_term(&format!("{path}.{preferred}[{index}].preference"), field(term, "preference"), true);
        }
        for (index, constraint) in list(spec, "topologySpreadConstraints").iter().enumerate() {
            let path = self.at(&format!("spec.topologySpreadConstraints[{index}]"));
            let key = meta::text(constraint, "topologyKey");
            if let Some(why) = warnings::node_label(key) {
                self.tell(&format!("{path}.topologyKey"), &format!("{key} is {why}"));
            }
            if given(constraint, "labelSelector").is_none() {
                self.tell(&format!("{path}.labelSelector"), NO_SELECTOR);
            }
        }
    }

    fn node_term(&mut self, path: &str, term: &Value, values: bool) {
        for (index, expression) in list(term, "matchExpressions").iter().enumerate() {
            let path = format!("{path}.matchExpressions[{index}]");
            let key = meta::text(expression, "key");
            if let Some(why) = warnings::node_label(key) {
                self.tell(&format!("{path}.key"), &format!("{key} is {why}"));
            }
            for (index, value) in list(expression, "values").iter().enumerate().filter(|_| values) {
                let text = value.as_str().unwrap_or_default();
                for why in validate_name::label_value(text) {
                    self.tell(&format!("{path}.values[{index}]"), &format!("{text} is invalid, {why}"));
                }
            }
        }
    }

    fn annotations(&mut self) {
        for (key, why) in ANNOTATIONS {
            if self.annotation(key).is_some() {
                self.tell_annotation(key, why);
            }
        }
    }

    fn volumes(&mut self) {
        let volumes = list(self.spec, "volumes");
        for (index, volume) in volumes.iter().enumerate() {
            let path = self.at(&format!("spec.volumes[{index}]"));
            for (key, why) in VOLUMES {
                if given(volume, key).is_some() {
                    // The one whose name in messages is not the one on the wire.
                    let key = if key == "storageos" { "storageOS" } else { key };
                    self.tell(&format!("{path}.{key}"), why);
                }
            }
            if let Some(spec) = meta::at(volume, "ephemeral.volumeClaimTemplate.spec") {
                self.told.extend(warnings::claim(&format!("{path}.ephemeral.volumeClaimTemplate.spec"), spec));
            }
            for (key, why) in LATER_VOLUMES {
                if given(volume, key).is_some() {
                    self.tell(&format!("{path}.{key}"), why);
                }
            }
        }
        self.told.extend(volumes.iter().flat_map(overlaps::of));
    }

    fn names(&mut self) {
        for (key, part) in [("hostAliases", "ip"), ("imagePullSecrets", "name")] {
            let mut known = Vec::new();
            for (index, entry) in list(self.spec, key).iter().enumerate() {
                let text = meta::text(entry, part);
                if known.contains(&text) {
                    self.tell(&self.at(&format!("spec.{key}[{index}].{part}")), &format!("duplicate {part} {text:?}"));
                }
                known.push(text);
            }
        }
        for (index, entry) in list(self.spec, "imagePullSecrets").iter().enumerate() {
            if meta::text(entry, "name").is_empty() {
                self.tell(&self.at(&format!("spec.imagePullSecrets[{index}].name")), "invalid empty name \"\"");
            }
        }
    }

    fn amounts(&mut self) {
        for name in ["memory", "ephemeral-storage"] {
            let amount = field(self.spec, "overhead").get(name);
            self.told.extend(warnings::fraction(&self.at(&format!("spec.overhead[{name}]")), amount));
        }
    }

    fn containers(&mut self) {
        if meta::at(self.spec, "securityContext.seccompProfile").is_none() && self.annotation(SECCOMP).is_some() {
            self.tell_annotation(SECCOMP, SECCOMP_TOLD);
        }
        let own = meta::at(self.spec, "securityContext.appArmorProfile").cloned();
        let containers: Vec<_> =
            self.each_container().into_iter().map(|(path, container)| (path, container.clone())).collect();
        for (path, container) in &containers {
            let name = meta::text(container, "name");
            let context = field(container, "securityContext");
            let key = format!("{SECCOMP_CONTAINER}{name}");
            if given(context, "seccompProfile").is_none() && self.annotation(&key).is_some() {
                self.tell_annotation(&key, SECCOMP_TOLD);
            }
            let key = format!("{}{name}", app_armor::ANNOTATION);
            // Those of pods become fields, and are told of there.
            if !self.path.is_empty()
                && given(context, "appArmorProfile").is_none()
                && let Some(annotation) = self.annotation(&key)
                && (own.is_none() || own != app_armor::profile(annotation))
            {
                self.tell_annotation(&key, app_armor::TOLD);
            }
            for name in ["memory", "ephemeral-storage"] {
                for which in ["limits", "requests"] {
                    let amount = field(field(container, "resources"), which).get(name);
                    self.told.extend(warnings::fraction(&format!("{path}.resources.{which}[{name}]"), amount));
                }
            }
            self.variables(path, container);
        }
    }

    fn variables(&mut self, path: &str, container: &Value) {
        let mut known = Vec::new();
        for (index, variable) in list(container, "env").iter().enumerate() {
            let name = meta::text(variable, "name");
            if !known.contains(&name) {
                known.push(name);
                continue;
            }
            let (value, reference) = (meta::text(variable, "value"), format!("$({name})"));
            if given(variable, "valueFrom").is_some() || value == reference || !value.contains(&reference) {
                let why = format!("hides previous definition of {name:?}, which may be dropped when using apply");
                self.tell(&format!("{path}.env[{index}]"), &why);
            }
        }
    }

    fn ports(&mut self) {
        let mut told = Vec::new();
        let mut known: BTreeMap<String, Vec<(String, &Value)>> = BTreeMap::new();
        for (path, container) in self.each_container() {
            for (index, port) in list(container, "ports").iter().enumerate() {
                let path = format!("{path}.ports[{index}]");
                let part = |port: &Value| (meta::text(port, "hostIP").to_owned(), number(port, "hostPort"));
                let (address, host) = part(port);
                let (name, protocol) = (meta::text(port, "name"), meta::text(port, "protocol"));
                let inner = number(port, "containerPort");
                if !address.is_empty() && host == 0 {
                    told.push(format!(
                        "{path}: hostIP set without hostPort: {{Name:{name} HostPort:0 ContainerPort:{inner} \
                         Protocol:{protocol} HostIP:{address}}}"
                    ));
                }
                let others = known.entry(format!("{inner}/{protocol}")).or_default();
                for (other, port) in others.iter() {
                    let (other_address, other_host) = part(port);
                    let how = if (&address, host) == (&other_address, other_host) {
                        "duplicate"
                    } else if host == 0 || other_host == 0 {
                        "overlapping"
                    } else if host == other_host && address.is_empty() != other_address.is_empty() {
                        "dangerously ambiguous"
                    } else {
                        continue;
                    };
                    told.push(format!("{path}: {how} port definition with {other}"));
                }
                others.push((path, port));
            }
        }
        self.told.extend(told);
    }

    fn port_names(&mut self) {
        let mut told = Vec::new();
        let mut known: BTreeMap<&str, String> = BTreeMap::new();
        for (path, container) in self.each_container() {
            for (index, port) in list(container, "ports").iter().enumerate() {
                let (name, path) = (meta::text(port, "name"), format!("{path}.ports[{index}]"));
                if let Some(other) = known.get(name) {
                    told.push(format!(
                        "{path}: duplicate port name {name:?} with {other}, services and probes that select ports by name \
                         will use {other}"
                    ));
                } else if !name.is_empty() {
                    known.insert(name, path);
                }
            }
        }
        self.told.extend(told);
    }

    fn affinities(&mut self) {
        for kind in ["podAffinity", "podAntiAffinity"] {
            let affinity = field(field(self.spec, "affinity"), kind);
            for (key, inner) in [
                ("requiredDuringSchedulingIgnoredDuringExecution", ""),
                ("preferredDuringSchedulingIgnoredDuringExecution", "podAffinityTerm"),
            ] {
                for (index, term) in list(affinity, key).iter().enumerate() {
                    let (term, inner) = if inner.is_empty() {
                        (term, String::new())
                    } else {
                        (field(term, inner), format!(".{inner}"))
                    };
                    if given(term, "labelSelector").is_none() {
                        let path = self.at(&format!("spec.affinity.{kind}.{key}[{index}]{inner}.labelSelector"));
                        self.tell(&path, NO_SELECTOR);
                    }
                }
            }
        }
    }

    fn addresses(&mut self) {
        for (index, server) in list(field(self.spec, "dnsConfig"), "nameservers").iter().enumerate() {
            let path = self.at(&format!("spec.dnsConfig.nameservers[{index}]"));
            self.told.extend(addresses::warning(&path, server.as_str().unwrap_or_default()));
        }
        for (index, alias) in list(self.spec, "hostAliases").iter().enumerate() {
            let path = self.at(&format!("spec.hostAliases[{index}].ip"));
            self.told.extend(addresses::warning(&path, meta::text(alias, "ip")));
        }
    }
}
