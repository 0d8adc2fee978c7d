//! What a persistent volume is made of: one source, and what each source must say.
//!
//! Sources that volumes of pods have in the same form are checked with them, in `pod_spec::volumes`.

use serde_json::Value;

use super::Causes;
use super::pod_spec::read::{between, field, given, inside, no_steps_back, problems, required, yes};
use super::pod_spec::volumes::{initiator, shared, storage_os_names};
use crate::meta;
use crate::validate_name;

type Check = fn(&Value, &mut Causes);

/// Every source in the order of its check: its field, the name by which it is refused beside another, the name under which its own
/// causes are, and its own check where pods have another form of it.
const SOURCES: [(&str, &str, &str, Option<Check>); 22] = [
    ("hostPath", "hostPath", "hostPath", None),
    ("gcePersistentDisk", "gcePersistentDisk", "persistentDisk", None),
    ("awsElasticBlockStore", "awsElasticBlockStore", "awsElasticBlockStore", None),
    ("glusterfs", "glusterfs", "glusterfs", Some(gluster)),
    ("flocker", "flocker", "flocker", None),
    ("nfs", "nfs", "nfs", None),
    ("rbd", "rbd", "rbd", None),
    ("quobyte", "quobyte", "quobyte", None),
    ("cephfs", "cephFS", "cephfs", None),
    ("iscsi", "iscsi", "iscsi", Some(iscsi)),
    ("cinder", "cinder", "cinder", Some(cinder)),
    ("fc", "fc", "fc", None),
    ("flexVolume", "flexVolume", "flexVolume", None),
    ("azureFile", "azureFile", "azureFile", Some(azure_file)),
    ("vsphereVolume", "vsphereVolume", "vsphereVolume", None),
    ("photonPersistentDisk", "photonPersistentDisk", "photonPersistentDisk", None),
    ("portworxVolume", "portworxVolume", "portworxVolume", None),
    ("azureDisk", "azureDisk", "azureDisk", None),
    ("scaleIO", "scaleIO", "scaleIO", None),
    ("local", "local", "local", Some(local)),
    ("storageos", "storageos", "storageos", Some(storage_os)),
    ("csi", "csi", "csi", Some(csi)),
];

/// Those that are mounted with options.
const MOUNTED: [&str; 13] = [
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "nfs",
    "rbd",
    "quobyte",
    "iscsi",
    "cinder",
    "cephfs",
    "azureFile",
    "vsphereVolume",
    "azureDisk",
    "photonPersistentDisk",
];

/// Whether the volume is mounted with options.
pub(super) fn is_mounted(spec: &Value) -> bool {
    MOUNTED.iter().any(|key| given(spec, key).is_some())
}

/// The source of a volume; the check stands at its spec. `placed` is whether the volume says which nodes reach it.
pub(super) fn check(name: &str, spec: &Value, placed: bool, causes: &mut Causes) {
    let mut found = 0;
    for (key, refused, path, own) in SOURCES {
        let Some(source) = given(spec, key) else {
            continue;
        };
        found += 1;
        // One of them stands beside others.
        if found > 1 && key != "flexVolume" {
            causes.forbidden(refused, "may not specify more than 1 volume type");
            continue;
        }
        causes.at(path, |causes| {
            if key == "iscsi" {
                portal(name, source, causes);
            }
            match own {
                Some(check) => check(source, causes),
                None => shared(key, source, causes),
            }
        });
        if key == "local" && !placed {
            causes.required("nodeAffinity", "Local volume requires node affinity");
        }
    }
    if found == 0 {
        causes.required("", "must specify a volume type");
    }
    let root = given(spec, "hostPath").map(|source| meta::text(source, "path")).is_some_and(is_root);
    if root && meta::text(spec, "persistentVolumeReclaimPolicy") == "Recycle" {
        causes.forbidden("persistentVolumeReclaimPolicy", "may not be 'recycle' for a hostPath mount of '/'");
    }
}

/// Whether a path leads to the top.
fn is_root(path: &str) -> bool {
    let mut depth = 0_usize;
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => depth = depth.saturating_sub(1),
            _ => depth += 1,
        }
    }
    path.starts_with('/') && depth == 0
}

fn gluster(source: &Value, causes: &mut Causes) {
    required(source, "endpoints", causes);
    required(source, "path", causes);
    let key = "endpointsNamespace";
    match source.get(key).and_then(Value::as_str) {
        None => {}
        Some("") => {
            causes.invalid(key, &"".into(), "if the endpointnamespace is set, it must be a valid namespace name");
        }
        Some(name) => problems(key, name, validate_name::label(name), causes),
    }
}

/// Where a target is reached, with the name of the volume before it.
fn portal(name: &str, source: &Value, causes: &mut Causes) {
    let portal = meta::text(source, "targetPortal");
    required(source, "targetPortal", causes);
    if given(source, "initiatorName").is_some() && name.len() + 1 + portal.len() > 64 {
        let why = "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is \
            specified.";
        causes.invalid("targetportal", &portal.into(), why);
    }
}

fn iscsi(source: &Value, causes: &mut Causes) {
    match meta::text(source, "iqn") {
        "" => causes.required("iqn", ""),
        name if !initiator(name) => causes.invalid("iqn", &name.into(), "must be valid format"),
        _ => {}
    }
    between(source, "lun", 0, 255, causes);
    if (yes(source, "chapAuthDiscovery") || yes(source, "chapAuthSession")) && given(source, "secretRef").is_none() {
        causes.required("secretRef", "");
    }
    inside(source, "secretRef", causes, |secret, causes| required(secret, "name", causes));
    if let Some(name) = source.get("initiatorName").and_then(Value::as_str)
        && !initiator(name)
    {
        causes.invalid("initiatorname", &name.into(), "must be valid format");
    }
}

fn secret(source: &Value, causes: &mut Causes) {
    inside(source, "secretRef", causes, |secret, causes| {
        required(secret, "name", causes);
        required(secret, "namespace", causes);
    });
}

fn cinder(source: &Value, causes: &mut Causes) {
    required(source, "volumeID", causes);
    secret(source, causes);
}

fn azure_file(source: &Value, causes: &mut Causes) {
    required(source, "secretName", causes);
    required(source, "shareName", causes);
    if *field(source, "secretNamespace") == "" {
        causes.required("secretNamespace", "");
    }
}

fn local(source: &Value, causes: &mut Causes) {
    match meta::text(source, "path") {
        "" => causes.required("path", ""),
        path => no_steps_back("path", path, causes),
    }
}

fn storage_os(source: &Value, causes: &mut Causes) {
    storage_os_names(source, causes);
    secret(source, causes);
}

fn csi(source: &Value, causes: &mut Causes) {
    let driver = meta::text(source, "driver");
    if driver.is_empty() {
        causes.required("driver", "");
    } else {
        if driver.len() > 63 {
            super::pod_spec::read::too_long("driver", 63, causes);
        }
        problems("driver", driver, validate_name::subdomain(&driver.to_lowercase()), causes);
    }
    required(source, "volumeHandle", causes);
    for key in
        ["controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef"]
    {
        inside(source, key, causes, |secret, causes| {
            match meta::text(secret, "name") {
                "" => causes.required("name", ""),
                name => problems("name", name, validate_name::subdomain(name), causes),
            }
            match meta::text(secret, "namespace") {
                "" => causes.required("namespace", ""),
                namespace => problems("namespace", namespace, validate_name::label(namespace), causes),
            }
        });
    }
}
