//! Volume attachments: a volume, given by name or in place, that is to be attached to a node.

use serde_json::{Value, json};

use super::pod_spec::internal;
use super::pod_spec::read::{entries, field, given, inside, list, number, problems, too_long};
use super::storage::driver_name;
use super::{Causes, Rules};
use crate::meta;
use crate::validate_name;

/// What the keys and values of the metadata of an attachment may take together.
const METADATA_LENGTH: usize = 256 * 1024;
const MESSAGE_LENGTH: usize = 1024;

const ACCESS_MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

/// What a volume may be made of, in the order in which a real server looks; the CSI kind comes last.
const SOURCES: [&str; 21] = [
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "flocker",
    "nfs",
    "rbd",
    "quobyte",
    "cephfs",
    "iscsi",
    "cinder",
    "fc",
    "flexVolume",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "scaleIO",
    "local",
    "storageos",
];

pub(super) const RULES: Rules = Rules {
    prepare_create: |value| value["status"] = json!({"attached": false}),
    validate,
    validate_update,
    validate_status_update: validate_update,
    ..Rules::NONE
};

fn validate(value: &Value, causes: &mut Causes) {
    let (spec, status) = (field(value, "spec"), field(value, "status"));
    causes.at("spec", |causes| {
        driver_name(spec, "attacher", causes);
        causes.at("source", |causes| source(field(spec, "source"), causes));
        let node = meta::text(spec, "nodeName");
        problems("nodeName", node, validate_name::subdomain(node), causes);
    });
    causes.at("status", |causes| {
        let length = |(key, text): (&String, &Value)| key.len() + text.as_str().map_or(0, str::len);
        if entries(status, "attachmentMetadata").map(length).sum::<usize>() > METADATA_LENGTH {
            too_long("attachmentMetadata", METADATA_LENGTH, causes);
        }
        for key in ["attachError", "detachError"] {
            inside(status, key, causes, |error, causes| {
                if meta::text(error, "message").len() > MESSAGE_LENGTH {
                    // The limit of the metadata is what a real server names here.
                    too_long("message", METADATA_LENGTH, causes);
                }
                let code = number(error, "errorCode");
                if code < 0 {
                    let why = format!("must be between 0 and {}, inclusive", i32::MAX);
                    causes.invalid("errorCode", &code.into(), &why);
                }
            });
        }
    });
    if let Some(volume) = meta::at(spec, "source.persistentVolumeName").and_then(Value::as_str) {
        problems("spec.source.persistentVolumeName", volume, validate_name::subdomain(volume), causes);
    }
}

fn validate_update(old: &Value, new: &Value, causes: &mut Causes) {
    validate(new, causes);
    if field(old, "spec") != field(new, "spec") {
        internal::refuse("VolumeAttachmentSpec", "spec", field(new, "spec"), "field is immutable", causes);
    }
}

fn source(source: &Value, causes: &mut Causes) {
    let why = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
    match (given(source, "inlineVolumeSpec"), given(source, "persistentVolumeName")) {
        (None, None) => causes.required("", why),
        (Some(_), Some(_)) => causes.forbidden("", why),
        (None, Some(name)) if name == "" => {
            causes.required("persistentVolumeName", "must specify non empty persistentVolumeName");
        }
        (None, Some(_)) => {}
        (Some(volume), None) => causes.at("inlineVolumeSpec", |causes| inline(volume, causes)),
    }
}

/// A volume that is given in place.
fn inline(volume: &Value, causes: &mut Causes) {
    let inside_only = "may not be specified in the context of inline volumes";
    let csi = given(volume, "csi");
    if given(volume, "claimRef").is_some() {
        causes.forbidden("claimRef", inside_only);
    }
    if entries(volume, "capacity").next().is_some() {
        causes.forbidden("capacity", inside_only);
    }
    if csi.is_none() {
        causes.required("csi", "has to be specified in the context of inline volumes");
    }
    access_modes(volume, causes);
    if !matches!(meta::text(volume, "persistentVolumeReclaimPolicy"), "" | "Retain") {
        let why = "may only be Retain in the context of inline volumes";
        causes.forbidden("persistentVolumeReclaimPolicy", why);
    }
    if given(volume, "nodeAffinity").is_some() {
        causes.forbidden("nodeAffinity", inside_only);
    }
    let mut others = SOURCES.iter().filter(|source| given(volume, source).is_some());
    let other = others.next().is_some();
    for second in others {
        let name = if *second == "cephfs" { "cephFS" } else { second };
        causes.forbidden(name, "may not specify more than 1 volume type");
    }
    match csi {
        Some(_) if other => causes.forbidden("csi", "may not specify more than 1 volume type"),
        Some(csi) => causes.at("csi", |causes| csi_source(csi, causes)),
        None if other => {}
        None => causes.required("", "must specify a volume type"),
    }
    if !meta::text(volume, "storageClassName").is_empty() {
        causes.forbidden("storageClassName", inside_only);
    }
    if field(volume, "volumeMode").as_str().is_some_and(|mode| mode != "Filesystem") {
        let why = "may not specify volumeMode other than Filesystem in the context of inline volumes";
        causes.forbidden("volumeMode", why);
    }
}

fn access_modes(volume: &Value, causes: &mut Causes) {
    let modes: Vec<_> = list(volume, "accessModes").iter().filter_map(Value::as_str).collect();
    if modes.is_empty() {
        causes.required("accessModes", "");
    }
    for mode in modes.iter().filter(|mode| !ACCESS_MODES.contains(mode)) {
        causes.not_supported("accessModes", mode, &ACCESS_MODES);
    }
    let alone = "ReadWriteOncePod";
    if modes.contains(&alone) && modes.iter().any(|mode| *mode != alone && ACCESS_MODES.contains(mode)) {
        causes.forbidden("accessModes", "may not use ReadWriteOncePod with other access modes");
    }
}

fn csi_source(csi: &Value, causes: &mut Causes) {
    driver_name(csi, "driver", causes);
    if meta::text(csi, "volumeHandle").is_empty() {
        causes.required("volumeHandle", "");
    }
    let secrets =
        ["controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef"];
    for key in secrets {
        inside(csi, key, causes, |secret, causes| {
            for (key, check) in
                [("name", validate_name::subdomain as fn(&str) -> _), ("namespace", validate_name::label)]
            {
                match meta::text(secret, key) {
                    "" => causes.required(key, ""),
                    text => problems(key, text, check(text), causes),
                }
            }
        });
    }
}
