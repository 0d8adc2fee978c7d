//! Where a container sees its volumes.

use serde_json::Value;

use super::Pod;
use super::read::{each, given, list, no_steps_back, not_found, relative, yes};
use crate::kinds::Causes;
use crate::meta;

/// Volumes as directories. Some causes are at the whole list, as in a real server.
pub(super) fn mounts(pod: &Pod<'_>, container: &Value, causes: &mut Causes) {
    let devices = |key: &str, text: &str| {
        list(container, "volumeDevices").iter().any(|device| !text.is_empty() && meta::text(device, key) == text)
    };
    let mut paths = Vec::new();
    causes.at("volumeMounts", |causes| {
        for (index, mount) in list(container, "volumeMounts").iter().enumerate() {
            let (name, path) = (meta::text(mount, "name"), meta::text(mount, "mountPath"));
            let (sub, expression) = (meta::text(mount, "subPath"), meta::text(mount, "subPathExpr"));
            causes.index(index, |causes| {
                if name.is_empty() {
                    causes.required("name", "");
                }
                if pod.volume(name).is_none() {
                    not_found("name", name, "", causes);
                }
                if path.is_empty() {
                    causes.required("mountPath", "");
                }
                if paths.contains(&path) {
                    causes.invalid("mountPath", &path.into(), "must be unique");
                }
                paths.push(path);
                if devices("name", name) {
                    causes.invalid("name", &name.into(), "must not already exist in volumeDevices");
                }
                if devices("devicePath", path) {
                    causes.invalid("mountPath", &path.into(), "must not already exist as a path in volumeDevices");
                }
            });
            if !sub.is_empty() {
                relative("subPath", sub, causes);
            }
            if !expression.is_empty() {
                if !sub.is_empty() {
                    let why = "subPathExpr and subPath are mutually exclusive";
                    causes.index(index, |causes| causes.invalid("subPathExpr", &expression.into(), why));
                }
                relative("subPathExpr", expression, causes);
            }
            propagation(container, mount, causes);
            read_only(mount, causes);
        }
    });
}

fn propagation(container: &Value, mount: &Value, causes: &mut Causes) {
    let Some(mode) = mount.get("mountPropagation").and_then(Value::as_str) else {
        return;
    };
    let known = ["Bidirectional", "HostToContainer", "None"];
    if !known.contains(&mode) {
        causes.not_supported("mountPropagation", mode, &known);
    }
    let privileged = given(container, "securityContext").is_some_and(|context| yes(context, "privileged"));
    if mode == "Bidirectional" && !privileged {
        let why = "Bidirectional mount propagation is available only to privileged containers";
        causes.forbidden("mountPropagation", why);
    }
}

fn read_only(mount: &Value, causes: &mut Causes) {
    let Some(mode) = mount.get("recursiveReadOnly").and_then(Value::as_str) else {
        return;
    };
    let known = ["Disabled", "Enabled", "IfPossible"];
    match mode {
        "Disabled" => {}
        "Enabled" | "IfPossible" => {
            if !yes(mount, "readOnly") {
                causes.forbidden("recursiveReadOnly", "may only be specified when readOnly is true");
            }
            if !matches!(meta::text(mount, "mountPropagation"), "" | "None") {
                let why = "may only be specified when mountPropagation is None or not specified";
                causes.forbidden("recursiveReadOnly", why);
            }
        }
        other => causes.not_supported("recursiveReadOnly", other, &known),
    }
}

/// Volumes as devices.
pub(super) fn devices(pod: &Pod<'_>, container: &Value, causes: &mut Causes) {
    let mounts = |key: &str, text: &str| {
        list(container, "volumeMounts").iter().any(|mount| !text.is_empty() && meta::text(mount, key) == text)
    };
    let (mut names, mut paths) = (Vec::new(), Vec::new());
    each(container, "volumeDevices", causes, |device, causes| {
        let (name, path) = (meta::text(device, "name"), meta::text(device, "devicePath"));
        let volume = pod.volume(name);
        if name.is_empty() {
            causes.required("name", "");
        }
        if names.contains(&name) {
            causes.invalid("name", &name.into(), "must be unique");
        }
        let claims =
            |volume: &Value| given(volume, "persistentVolumeClaim").is_some() || given(volume, "ephemeral").is_some();
        match volume {
            None => not_found("name", name, "", causes),
            Some(volume) if !claims(volume) => {
                let why = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
                causes.invalid("name", &name.into(), why);
            }
            Some(_) => {}
        }
        if path.is_empty() {
            causes.required("devicePath", "");
        }
        if paths.contains(&path) {
            causes.invalid("devicePath", &path.into(), "must be unique");
        }
        let mut climbs = Causes::default();
        no_steps_back("", path, &mut climbs);
        if !path.is_empty() && !climbs.into_found().is_empty() {
            causes.invalid("devicePath", &path.into(), "can not contain backsteps ('..')");
        } else {
            paths.push(path);
        }
        if mounts("name", name) {
            causes.invalid("name", &name.into(), "must not already exist in volumeMounts");
        }
        if mounts("mountPath", path) {
            causes.invalid("devicePath", &path.into(), "must not already exist as a path in volumeMounts");
        }
        if !name.is_empty() {
            names.push(name);
        }
    });
}
