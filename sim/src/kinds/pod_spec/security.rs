//! Security contexts of pods and containers.
//!
//! # Differences
//!
//! Options of Windows are taken as they are.

use serde_json::Value;

use super::read::{between, each, given, inside, known_if_given, list, problems, relative, required, too_long, yes};
use super::{Pod, internal};
use crate::kinds::Causes;
use crate::meta;

/// The largest identifier of a user or a group.
const LARGEST_ID: i64 = i32::MAX as i64;
const PROFILE_LENGTH: usize = 4095;
const SYSCTL_LENGTH: usize = 253;
const PROFILES: [&str; 3] = ["Localhost", "RuntimeDefault", "Unconfined"];

/// The context of a pod.
pub(super) fn of_pod(pod: &Pod<'_>, causes: &mut Causes) {
    inside(pod.spec, "securityContext", causes, |context, causes| {
        for key in ["fsGroup", "runAsUser", "runAsGroup"] {
            between(context, key, 0, LARGEST_ID, causes);
        }
        each(context, "supplementalGroups", causes, |group, causes| {
            if let Some(group) = group.as_i64().filter(|group| !(0..=LARGEST_ID).contains(group)) {
                causes.invalid("", &group.into(), &format!("must be between 0 and {LARGEST_ID}, inclusive"));
            }
        });
        if yes(pod.spec, "shareProcessNamespace") && yes(pod.spec, "hostPID") {
            let why = "ShareProcessNamespace and HostPID cannot both be enabled";
            causes.invalid("shareProcessNamespace", &true.into(), why);
        }
        sysctls(pod, context, causes);
        known_if_given(context, "fsGroupChangePolicy", &["Always", "OnRootMismatch"], causes);
        inside(context, "seccompProfile", causes, seccomp);
        inside(context, "appArmorProfile", causes, app_armor);
        known_if_given(context, "supplementalGroupsPolicy", &["Merge", "Strict"], causes);
        known_if_given(context, "seLinuxChangePolicy", &["Recursive"], causes);
    });
}

fn sysctls(pod: &Pod<'_>, context: &Value, causes: &mut Causes) {
    let mut names = Vec::new();
    each(context, "sysctls", causes, |entry, causes| {
        let name = meta::text(entry, "name");
        if name.is_empty() {
            causes.required("name", "");
        } else if name.len() > SYSCTL_LENGTH || !is_sysctl(name) {
            let why = "must have at most 253 characters and match regex \
                ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";
            causes.invalid("name", &name.into(), why);
        } else if names.contains(&name) {
            causes.duplicate("name", &name.into());
        }
        names.push(name);
        let dotted = name.replace('/', ".");
        let message = ["kernel.shm", "kernel.msg", "fs.mqueue."].iter().any(|start| dotted.starts_with(start));
        if yes(pod.spec, "hostNetwork") && dotted.starts_with("net.") {
            causes.invalid("name", &name.into(), "may not be specified when 'hostNetwork' is true");
        } else if yes(pod.spec, "hostIPC") && (message || dotted == "kernel.sem") {
            causes.invalid("name", &name.into(), "may not be specified when 'hostIPC' is true");
        }
    });
}

fn is_sysctl(name: &str) -> bool {
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.split(['.', '/']).all(|part| {
        part.starts_with(edge) && part.ends_with(edge) && part.chars().all(|c| edge(c) || matches!(c, '-' | '_'))
    })
}

/// The context of a container.
pub(super) fn of_container(pod: &Pod<'_>, context: &Value, causes: &mut Causes) {
    for key in ["runAsUser", "runAsGroup"] {
        between(context, key, 0, LARGEST_ID, causes);
    }
    known_if_given(context, "procMount", &["Default", "Unmasked"], causes);
    let own_users = pod.spec.get("hostUsers") == Some(&Value::Bool(false));
    if !own_users && meta::text(context, "procMount") == "Unmasked" {
        causes.invalid("procMount", &"Unmasked".into(), "`hostUsers` must be false to use `Unmasked`");
    }
    inside(context, "seccompProfile", causes, seccomp);
    if context.get("allowPrivilegeEscalation") == Some(&Value::Bool(false)) {
        if yes(context, "privileged") {
            let why = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
            internal::refuse("SecurityContext", "", context, why, causes);
        }
        let added = given(context, "capabilities").map_or(&[][..], |capabilities| list(capabilities, "add"));
        for _ in added.iter().filter(|capability| *capability == "CAP_SYS_ADMIN") {
            let why = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN";
            internal::refuse("SecurityContext", "", context, why, causes);
        }
    }
    inside(context, "appArmorProfile", causes, app_armor);
}

fn seccomp(profile: &Value, causes: &mut Causes) {
    match meta::text(profile, "type") {
        "" => causes.required("type", "type is required when seccompProfile is set"),
        kind if PROFILES.contains(&kind) => {}
        kind => causes.not_supported("type", kind, &PROFILES),
    }
    let place = profile.get("localhostProfile").and_then(Value::as_str);
    match (meta::text(profile, "type"), place) {
        ("Localhost", None) => causes.required("localhostProfile", "must be set when seccomp type is Localhost"),
        ("Localhost", Some(place)) => relative("localhostProfile", place, causes),
        (_, Some(_)) => {
            let why = "can only be set when seccomp type is Localhost";
            internal::refuse("SeccompProfile", "localhostProfile", profile, why, causes);
        }
        (_, None) => {}
    }
}

fn app_armor(profile: &Value, causes: &mut Causes) {
    let place = profile.get("localhostProfile").and_then(Value::as_str);
    let missing = "must be set when AppArmor type is Localhost";
    match (meta::text(profile, "type"), place) {
        ("Localhost", None) => causes.required("localhostProfile", missing),
        ("Localhost", Some(place)) => {
            if place.trim() != place {
                causes.invalid("localhostProfile", &place.into(), "must not be padded with whitespace");
            } else if place.is_empty() {
                causes.required("localhostProfile", missing);
            }
            if place.len() > PROFILE_LENGTH {
                too_long("localhostProfile", PROFILE_LENGTH, causes);
            }
        }
        ("RuntimeDefault" | "Unconfined", Some(place)) => {
            let why = "can only be set when AppArmor type is Localhost";
            causes.invalid("localhostProfile", &place.into(), why);
        }
        ("RuntimeDefault" | "Unconfined", None) => {}
        ("", _) => causes.required("type", "type is required when appArmorProfile is set"),
        (kind, _) => causes.not_supported("type", kind, &PROFILES),
    }
}

/// What a pod with users of its own may not share with its host.
pub(super) fn own_users(pod: &Pod<'_>, causes: &mut Causes) {
    if pod.spec.get("hostUsers") != Some(&Value::Bool(false)) {
        return;
    }
    for (key, path) in [("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")] {
        if yes(pod.spec, key) {
            causes.forbidden(path, "when `hostUsers` is false");
        }
    }
    for key in ["initContainers", "containers", "ephemeralContainers"] {
        each(pod.spec, key, causes, |container, causes| {
            if !list(container, "volumeDevices").is_empty() {
                causes.forbidden("volumeDevices", "when `hostUsers` is false");
            }
        });
    }
}

/// Secrets for images need only a name; the list itself is not checked further.
pub(super) fn operating_system(pod: &Pod<'_>, causes: &mut Causes) {
    let Some(system) = given(pod.spec, "os") else {
        return;
    };
    let name = meta::text(system, "name");
    if name.is_empty() {
        causes.at("os", |causes| required(system, "name", causes));
        return;
    }
    if !["linux", "windows"].contains(&name) {
        causes.not_supported("os", name, &["linux", "windows"]);
        return;
    }
    let (fields, why): (&[&str], _) = if name == "linux" {
        (&["windowsOptions"], "windows options cannot be set for a linux pod")
    } else {
        (&WINDOWS_REFUSES, "cannot be set for a windows pod")
    };
    refuse_fields(field_of(pod.spec), fields, why, causes);
    if name == "windows" {
        for key in ["hostUsers", "hostPID", "hostIPC", "shareProcessNamespace"] {
            if given(pod.spec, key).is_some_and(|value| *value != false || key == "hostUsers") {
                causes.forbidden(key, why);
            }
        }
    }
    for key in ["initContainers", "containers", "ephemeralContainers"] {
        each(pod.spec, key, causes, |container, causes| refuse_fields(field_of(container), fields, why, causes));
    }
}

const WINDOWS_REFUSES: [&str; 17] = [
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "fsGroup",
    "fsGroupChangePolicy",
    "sysctls",
    "capabilities",
    "readOnlyRootFilesystem",
    "privileged",
    "allowPrivilegeEscalation",
    "procMount",
    "runAsUser",
    "runAsGroup",
    "supplementalGroups",
    "supplementalGroupsPolicy",
    "seLinuxChangePolicy",
    "hostUsers",
];

fn field_of(value: &Value) -> &Value {
    super::read::field(value, "securityContext")
}

fn refuse_fields(context: &Value, fields: &[&str], why: &str, causes: &mut Causes) {
    causes.at("securityContext", |causes| {
        for field in fields.iter().filter(|field| given(context, field).is_some()) {
            causes.forbidden(field, why);
        }
    });
}

/// The host names of a pod are labels.
pub(super) fn host_name(pod: &Pod<'_>, causes: &mut Causes) {
    let Some(name) = pod.spec.get("hostnameOverride").and_then(Value::as_str) else {
        return;
    };
    for (key, why) in [("setHostnameAsFQDN", "setHostnameAsFQDN"), ("hostNetwork", "hostNetwork")] {
        if yes(pod.spec, key) {
            causes.forbidden("hostnameOverride", &format!("may not be specified when {why} is true"));
        }
    }
    if name.len() > 64 {
        too_long("hostnameOverride", 64, causes);
    }
    problems("hostnameOverride", name, crate::validate_name::subdomain(name), causes);
}
