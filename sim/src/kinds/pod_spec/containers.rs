//! Containers of every sort: what all of them are checked for, and what only some may have.

use serde_json::Value;

use super::read::{
    each, given, inside, known_if_given, list, not_found, number, one_of, port_name, port_number, problems, required,
    too_many,
};
use super::{Pod, env, mounts, probes, resources, security};
use crate::kinds::Causes;
use crate::meta;
use crate::validate_name;

const POLICIES: [&str; 3] = ["Always", "Never", "OnFailure"];

/// What an ephemeral container may not have: it comes too late for it.
const NOT_EPHEMERAL: [&str; 10] = [
    "ports",
    "resources",
    "resizePolicy",
    "restartPolicy",
    "restartPolicyRules",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
    "securityContext",
];

fn name(container: &Value) -> &str {
    meta::text(container, "name")
}

/// The containers that run.
pub(super) fn regular(pod: &Pod<'_>, causes: &mut Causes) {
    if list(pod.spec, "containers").is_empty() {
        causes.required("containers", "");
        return;
    }
    let mut names = Vec::new();
    each(pod.spec, "containers", causes, |container, causes| {
        common(pod, container, causes);
        if names.contains(&name(container)) {
            causes.duplicate("name", &name(container).into());
        }
        names.push(name(container));
        running(pod, container, causes);
        restarts(container, causes);
    });
    let mut taken = Vec::new();
    each(pod.spec, "containers", causes, |container, causes| host_ports(container, &mut taken, causes));
}

/// The containers that run before, or beside, the others. Their ports of the host are told of the first, as in a real server.
pub(super) fn init(pod: &Pod<'_>, causes: &mut Causes) {
    let mut names: Vec<_> = list(pod.spec, "containers").iter().map(name).collect();
    causes.at("initContainers", |causes| {
        for (index, container) in list(pod.spec, "initContainers").iter().enumerate() {
            causes.index(index, |causes| {
                common(pod, container, causes);
                restarts(container, causes);
                if names.contains(&name(container)) {
                    causes.duplicate("name", &name(container).into());
                } else if !name(container).is_empty() {
                    names.push(name(container));
                }
            });
            causes.index(0, |causes| host_ports(container, &mut Vec::new(), causes));
            causes.index(index, |causes| {
                if meta::text(container, "restartPolicy") == "Always" {
                    running(pod, container, causes);
                } else {
                    ending(container, causes);
                }
            });
        }
    });
}

/// What a container that ends may not have.
fn ending(container: &Value, causes: &mut Causes) {
    for key in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
        if given(container, key).is_some() {
            causes.forbidden(key, "may not be set for init containers without restartPolicy=Always");
        }
    }
    each(container, "resizePolicy", causes, |policy, causes| {
        if meta::text(policy, "restartPolicy") == "RestartContainer" {
            let why = "must not be set to 'RestartContainer' for non-sidecar initContainers";
            causes.invalid("restartPolicy", &"RestartContainer".into(), why);
        }
    });
}

/// The containers that are added to a pod that runs.
pub(super) fn ephemeral(pod: &Pod<'_>, causes: &mut Causes) {
    let others: Vec<_> =
        ["containers", "initContainers"].iter().flat_map(|key| list(pod.spec, key)).map(name).collect();
    let mut names = others.clone();
    each(pod.spec, "ephemeralContainers", causes, |container, causes| {
        common(pod, container, causes);
        trimmed_image(container, causes);
        if names.contains(&name(container)) {
            causes.duplicate("name", &name(container).into());
        }
        names.push(name(container));
        let target = meta::text(container, "targetContainerName");
        if !target.is_empty() && !others.contains(&target) {
            not_found("targetContainerName", target, "", causes);
        }
        for key in NOT_EPHEMERAL {
            let set = given(container, key).is_some_and(|value| *value != serde_json::json!({}));
            if set && key != "securityContext" {
                causes.forbidden(key, "cannot be set for an Ephemeral Container");
            }
        }
        each(container, "volumeMounts", causes, |mount, causes| {
            for key in ["subPath", "subPathExpr"] {
                if !meta::text(mount, key).is_empty() {
                    causes.forbidden(key, "cannot be set for an Ephemeral Container");
                }
            }
        });
    });
}

/// An image of a pod has no spaces around it. Templates may.
pub(crate) fn trimmed_image(container: &Value, causes: &mut Causes) {
    let image = meta::text(container, "image");
    if image.trim() != image {
        causes.invalid("image", &image.into(), "must not have leading or trailing whitespace");
    }
}

/// What a container that keeps running may have.
fn running(pod: &Pod<'_>, container: &Value, causes: &mut Causes) {
    inside(container, "lifecycle", causes, |lifecycle, causes| probes::lifecycle(pod, lifecycle, causes));
    for key in ["livenessProbe", "readinessProbe", "startupProbe"] {
        inside(container, key, causes, |probe, causes| probes::probe(pod, key, probe, causes));
    }
}

fn restarts(container: &Value, causes: &mut Causes) {
    let rules = list(container, "restartPolicyRules");
    if given(container, "restartPolicy").is_none() {
        if !rules.is_empty() {
            causes.required("restartPolicy", "must specify restartPolicy when restart rules are used");
        }
    } else {
        known_if_given(container, "restartPolicy", &POLICIES, causes);
    }
    too_many("restartPolicyRules", rules.len(), 20, causes);
    each(container, "restartPolicyRules", causes, |rule, causes| {
        let action = meta::text(rule, "action");
        let known = ["Restart", "RestartAllContainers"];
        if !known.contains(&action) {
            causes.not_supported("action", action, &known);
        }
        let Some(codes) = given(rule, "exitCodes") else {
            causes.required("exitCodes", "must be specified");
            return;
        };
        causes.at("exitCodes", |causes| {
            let operator = meta::text(codes, "operator");
            if !["In", "NotIn"].contains(&operator) {
                causes.not_supported("operator", operator, &["In", "NotIn"]);
            }
            too_many("values", list(codes, "values").len(), 255, causes);
        });
    });
}

/// What every container is checked for.
fn common(pod: &Pod<'_>, container: &Value, causes: &mut Causes) {
    if name(container).is_empty() {
        causes.required("name", "");
    } else {
        problems("name", name(container), validate_name::label(name(container)), causes);
    }
    required(container, "image", causes);
    one_of(container, "terminationMessagePolicy", &["File", "FallbackToLogsOnError"], causes);
    ports(container, causes);
    env::variables(container, causes);
    env::sources(container, causes);
    mounts::mounts(pod, container, causes);
    mounts::devices(pod, container, causes);
    one_of(container, "imagePullPolicy", &["Always", "IfNotPresent", "Never"], causes);
    if let Some(amounts) = given(container, "resources") {
        causes.at("resources", |causes| resources::of_container(pod, amounts, causes));
    }
    resizing(pod, container, causes);
    inside(container, "securityContext", causes, |context, causes| security::of_container(pod, context, causes));
}

fn ports(container: &Value, causes: &mut Causes) {
    let mut names = Vec::new();
    each(container, "ports", causes, |port, causes| {
        let name = name(port);
        if !name.is_empty() {
            let wrong = port_name(name);
            if !wrong.is_empty() {
                problems("name", name, wrong, causes);
            } else if names.contains(&name) {
                causes.duplicate("name", &name.into());
            } else {
                names.push(name);
            }
        }
        match number(port, "containerPort") {
            0 => causes.required("containerPort", ""),
            number => port_number("containerPort", number, causes),
        }
        match number(port, "hostPort") {
            0 => {}
            number => port_number("hostPort", number, causes),
        }
        one_of(port, "protocol", &["SCTP", "TCP", "UDP"], causes);
    });
}

/// A port of the host is taken once.
fn host_ports(container: &Value, taken: &mut Vec<String>, causes: &mut Causes) {
    each(container, "ports", causes, |port, causes| {
        let number = number(port, "hostPort");
        let address = format!("{}/{}/{number}", meta::text(port, "protocol"), meta::text(port, "hostIP"));
        if number == 0 {
        } else if taken.contains(&address) {
            causes.duplicate("hostPort", &address.into());
        } else {
            taken.push(address);
        }
    });
}

fn resizing(pod: &Pod<'_>, container: &Value, causes: &mut Causes) {
    let mut seen = Vec::new();
    causes.at("resizePolicy", |causes| {
        for (index, policy) in list(container, "resizePolicy").iter().enumerate() {
            let resource = meta::text(policy, "resourceName");
            if seen.contains(&resource) {
                causes.index(index, |causes| causes.duplicate("", &resource.into()));
            }
            seen.push(resource);
            match resource {
                "" => causes.required("", ""),
                "cpu" | "memory" => {}
                other => causes.not_supported("", other, &["cpu", "memory"]),
            }
            let restart = meta::text(policy, "restartPolicy");
            match restart {
                "" => causes.required("", ""),
                "NotRequired" | "RestartContainer" => {}
                other => causes.not_supported("", other, &["NotRequired", "RestartContainer"]),
            }
            if pod.restart_policy() == "Never" && restart != "NotRequired" {
                let why = "must be 'NotRequired' when pod `restartPolicy` is 'Never'";
                causes.invalid("", &restart.into(), why);
            }
        }
    });
}
