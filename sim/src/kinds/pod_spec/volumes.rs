//! Volumes: one source each, and what each source must say.

use serde_json::Value;

use super::Pod;
use super::env::{self, VOLUME_FIELDS};
use super::projected;
use super::read::{
    between, each, given, inside, known_if_given, list, mode, no_steps_back, not_reserved, number, problems, relative,
    required, whole, yes,
};
use crate::kinds::{Causes, claims};
use crate::meta;
use crate::quantity::milli;
use crate::validate_name;

type Check = fn(&Pod<'_>, &Value, &Value, &mut Causes);

/// Every source in the order of its check: its field, the name by which it is refused beside another, and the name
/// under which its own causes are. The last two are as a real server spells them.
const SOURCES: [(&str, &str, &str, Check); 29] = [
    ("emptyDir", "emptyDir", "emptyDir", empty_dir),
    ("hostPath", "hostPath", "hostPath", host_path),
    ("gitRepo", "gitRepo", "gitRepo", git_repo),
    ("gcePersistentDisk", "gcePersistentDisk", "persistentDisk", |_, _, source, causes| disk("pdName", source, causes)),
    ("awsElasticBlockStore", "awsElasticBlockStore", "awsElasticBlockStore", |_, _, source, causes| {
        disk("volumeID", source, causes);
    }),
    ("secret", "secret", "secret", |_, _, source, causes| keys("secretName", source, causes)),
    ("nfs", "nfs", "nfs", nfs),
    ("iscsi", "iscsi", "iscsi", iscsi),
    ("glusterfs", "glusterfs", "glusterfs", |_, _, source, causes| all(&["endpoints", "path"], source, causes)),
    ("flocker", "flocker", "flocker", flocker),
    ("persistentVolumeClaim", "persistentVolumeClaim", "persistentVolumeClaim", |_, _, source, causes| {
        required(source, "claimName", causes);
    }),
    ("rbd", "rbd", "rbd", |_, _, source, causes| {
        some("monitors", source, causes);
        required(source, "image", causes);
    }),
    ("cinder", "cinder", "cinder", |_, _, source, causes| {
        required(source, "volumeID", causes);
        secret_name(source, causes);
    }),
    ("cephfs", "cephFS", "cephfs", |_, _, source, causes| some("monitors", source, causes)),
    ("quobyte", "quobyte", "quobyte", quobyte),
    ("downwardAPI", "downwarAPI", "downwardAPI", downward),
    ("fc", "fc", "fc", fibre),
    ("flexVolume", "flexVolume", "flexVolume", flex),
    ("configMap", "configMap", "configMap", |_, _, source, causes| keys("name", source, causes)),
    ("azureFile", "azureFile", "azureFile", |_, _, source, causes| all(&["secretName", "shareName"], source, causes)),
    ("vsphereVolume", "vsphereVolume", "vsphereVolume", |_, _, source, causes| required(source, "volumePath", causes)),
    ("photonPersistentDisk", "photonPersistentDisk", "photonPersistentDisk", |_, _, source, causes| {
        required(source, "pdID", causes);
    }),
    ("portworxVolume", "portworxVolume", "portworxVolume", |_, _, source, causes| required(source, "volumeID", causes)),
    ("azureDisk", "azureDisk", "azureDisk", azure_disk),
    ("storageos", "storageos", "storageos", storage_os),
    ("projected", "projected", "projected", |_, _, source, causes| projected::check(source, causes)),
    ("scaleIO", "scaleIO", "scaleIO", |_, _, source, causes| all(&["gateway", "system", "volumeName"], source, causes)),
    ("csi", "csi", "csi", csi),
    ("ephemeral", "ephemeral", "ephemeral", ephemeral),
];

/// All volumes of a pod.
pub(super) fn check(pod: &Pod<'_>, causes: &mut Causes) {
    let own = pod.name.unwrap_or_default();
    let mut names = Vec::new();
    each(pod.spec, "volumes", causes, |volume, causes| {
        let name = meta::text(volume, "name");
        let mut wrong = Causes::default();
        source(pod, volume, &mut wrong);
        if name.is_empty() {
            wrong.required("name", "");
        } else {
            problems("name", name, validate_name::label(name), &mut wrong);
            if names.contains(&name) {
                wrong.duplicate("name", &name.into());
            }
        }
        let wrong = wrong.into_found();
        if wrong.is_empty() {
            names.push(name);
        }
        for mut cause in wrong {
            cause.field = causes.path(&cause.field);
            causes.push(cause);
        }
        let claim = meta::at(volume, "persistentVolumeClaim.claimName").and_then(Value::as_str).unwrap_or_default();
        let created = |volume: &Value| {
            given(volume, "ephemeral").is_some() && claim == format!("{own}-{}", meta::text(volume, "name"))
        };
        if !own.is_empty() && !claim.is_empty() && list(pod.spec, "volumes").iter().any(created) {
            let why = "must not reference a PVC that gets created for an ephemeral volume";
            causes.invalid("persistentVolumeClaim.claimName", &claim.into(), why);
        }
    });
}

/// Whether nothing is wrong with a volume by itself: only such a volume can be mounted.
pub(super) fn sound(pod: &Pod<'_>, volume: &Value) -> bool {
    let mut wrong = Causes::default();
    source(pod, volume, &mut wrong);
    let name = meta::text(volume, "name");
    wrong.into_found().is_empty() && !name.is_empty() && validate_name::label(name).is_empty()
}

fn source(pod: &Pod<'_>, volume: &Value, causes: &mut Causes) {
    let mut sources = 0;
    for (key, refused, path, check) in SOURCES {
        let Some(source) = given(volume, key) else {
            continue;
        };
        sources += 1;
        if sources > 1 {
            causes.forbidden(refused, "may not specify more than 1 volume type");
            continue;
        }
        causes.at(path, |causes| check(pod, volume, source, causes));
        named(pod, key, volume, source, causes);
    }
    if let Some(image) = given(volume, "image") {
        sources += 1;
        if sources > 1 {
            causes.forbidden("image", "may not specify more than 1 volume type");
        } else {
            causes.at("image", |causes| {
                if pod.is_pod() {
                    required(image, "reference", causes);
                }
                super::read::one_of(image, "pullPolicy", &["Always", "IfNotPresent", "Never"], causes);
            });
        }
    }
    if sources == 0 {
        causes.required("", "must specify a volume type");
    }
}

/// A source that a persistent volume has in the same form.
pub(crate) fn shared(key: &str, source: &Value, causes: &mut Causes) {
    let nobody = Pod::new(&Value::Null, None);
    if let Some((.., check)) = SOURCES.iter().find(|(known, ..)| *known == key) {
        check(&nobody, &Value::Null, source, causes);
    }
}

/// What the name of a volume means to its source.
fn named(pod: &Pod<'_>, key: &str, volume: &Value, source: &Value, causes: &mut Causes) {
    let name = meta::text(volume, "name");
    if key == "iscsi"
        && given(source, "initiatorName").is_some()
        && name.len() + 1 + meta::text(source, "targetPortal").len() > 64
    {
        let why = "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if \
            iscsi.initiatorName is specified.";
        causes.invalid("name", &name.into(), why);
    }
    if key == "ephemeral"
        && !name.is_empty()
        && let Some(own) = pod.name.filter(|own| !own.is_empty())
    {
        let claim = format!("{own}-{name}");
        for why in validate_name::subdomain(&claim) {
            causes.invalid("name", &name.into(), &format!("PVC name {claim:?}: {why}"));
        }
    }
}

fn all(keys: &[&str], source: &Value, causes: &mut Causes) {
    for key in keys {
        required(source, key, causes);
    }
}

fn some(key: &str, source: &Value, causes: &mut Causes) {
    if list(source, key).is_empty() {
        causes.required(key, "");
    }
}

fn secret_name(source: &Value, causes: &mut Causes) {
    inside(source, "secretRef", causes, |secret, causes| required(secret, "name", causes));
}

fn empty_dir(_: &Pod<'_>, _: &Value, source: &Value, causes: &mut Causes) {
    let limit = source.get("sizeLimit").and_then(Value::as_str).and_then(milli);
    if limit.is_some_and(|limit| limit < 0) {
        causes.forbidden("sizeLimit", "SizeLimit field must be a valid resource quantity");
    }
}

fn host_path(_: &Pod<'_>, _: &Value, source: &Value, causes: &mut Causes) {
    let path = meta::text(source, "path");
    if path.is_empty() {
        causes.required("path", "");
        return;
    }
    no_steps_back("path", path, causes);
    let known = ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];
    known_if_given(source, "type", &known, causes);
}

fn git_repo(_: &Pod<'_>, _: &Value, source: &Value, causes: &mut Causes) {
    required(source, "repository", causes);
    relative("directory", meta::text(source, "directory"), causes);
}

fn disk(key: &str, source: &Value, causes: &mut Causes) {
    required(source, key, causes);
    let partition = number(source, "partition");
    if !(0..=255).contains(&partition) {
        causes.invalid("partition", &partition.into(), "must be between 1 and 255, inclusive");
    }
}

/// A secret or config map: its name, the mode of the files, and which keys are files.
fn keys(name: &str, source: &Value, causes: &mut Causes) {
    required(source, name, causes);
    mode(source, "defaultMode", causes);
    each(source, "items", causes, key_to_path);
}

/// One key as a file.
pub(super) fn key_to_path(item: &Value, causes: &mut Causes) {
    required(item, "key", causes);
    required(item, "path", causes);
    not_reserved("path", meta::text(item, "path"), causes);
    mode(item, "mode", causes);
}

fn nfs(_: &Pod<'_>, _: &Value, source: &Value, causes: &mut Causes) {
    all(&["server", "path"], source, causes);
    let path = meta::text(source, "path");
    if !path.starts_with('/') {
        causes.invalid("path", &path.into(), "must be an absolute path");
    }
}

fn iscsi(_: &Pod<'_>, _: &Value, source: &Value, causes: &mut Causes) {
    required(source, "targetPortal", causes);
    match meta::text(source, "iqn") {
        "" => causes.required("iqn", ""),
        name if !["iqn", "eui", "naa"].iter().any(|start| name.starts_with(start)) => {
            causes.invalid("iqn", &name.into(), "must be valid format starting with iqn, eui, or naa");
        }
        name if !initiator(name) => causes.invalid("iqn", &name.into(), "must be valid format"),
        _ => {}
    }
    between(source, "lun", 0, 255, causes);
    if (yes(source, "chapAuthDiscovery") || yes(source, "chapAuthSession")) && given(source, "secretRef").is_none() {
        causes.required("secretRef", "");
    }
}

/// The names of storage by the rules of their three registries.
pub(crate) fn initiator(name: &str) -> bool {
    let letters = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match name.get(..4) {
        Some("eui.") => letters(&name[4..], 16),
        Some("naa.") => letters(&name[4..], 32),
        Some("iqn.") => {
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            let date = name.get(4..12).is_some_and(|date| {
                date.as_bytes()[4] == b'-' && date.as_bytes()[7] == b'.' && digits(&date[..4]) && digits(&date[5..7])
            });
            date && name[4..].split_once(':').is_some_and(|(_, unit)| {
                !unit.is_empty()
                    && !unit.contains([',', ';', '*', '&', '$', '|'])
                    && !unit.contains(char::is_whitespace)
            })
        }
        _ => false,
    }
}

fn flocker(_: &Pod<'_>, _: &Value, source: &Value, causes: &mut Causes) {
    let (name, id) = (meta::text(source, "datasetName"), meta::text(source, "datasetUUID"));
    if name.is_empty() && id.is_empty() {
        causes.required("", "one of datasetName and datasetUUID is required");
    }
    if !name.is_empty() && !id.is_empty() {
        causes.invalid("", &"resource".into(), "datasetName and datasetUUID can not be specified simultaneously");
    }
    if name.contains('/') {
        causes.invalid("datasetName", &name.into(), "must not contain '/'");
    }
}

fn quobyte(_: &Pod<'_>, _: &Value, source: &Value, causes: &mut Causes) {
    let registry = meta::text(source, "registry");
    let why = "must be a host:port pair or multiple pairs separated by commas";
    if registry.is_empty() {
        causes.required("registry", why);
    } else if meta::text(source, "tenant").len() >= 65 {
        causes.required("tenant", "must be a UUID and may not exceed a length of 64 characters");
    } else {
        for _ in registry.split(',').filter(|pair| pair.matches(':').count() != 1) {
            causes.invalid("registry", &registry.into(), why);
        }
    }
    required(source, "volume", causes);
}

fn downward(_: &Pod<'_>, _: &Value, source: &Value, causes: &mut Causes) {
    mode(source, "defaultMode", causes);
    for item in list(source, "items") {
        downward_file(item, causes);
    }
}

/// A field of the pod as a file; its causes name no place in the list, as in a real server.
pub(super) fn downward_file(item: &Value, causes: &mut Causes) {
    required(item, "path", causes);
    not_reserved("path", meta::text(item, "path"), causes);
    let (field, resource) = (given(item, "fieldRef"), given(item, "resourceFieldRef"));
    if let Some(field) = field {
        causes.at("fieldRef", |causes| env::pod_field(field, &VOLUME_FIELDS, causes));
        if resource.is_some() {
            let why = "fieldRef and resourceFieldRef can not be specified simultaneously";
            causes.invalid("", &"resource".into(), why);
        }
    } else if let Some(resource) = resource {
        causes.at("resourceFieldRef", |causes| env::resource(resource, true, causes));
    } else {
        causes.required("", "one of fieldRef and resourceFieldRef is required");
    }
    mode(item, "mode", causes);
}

fn fibre(_: &Pod<'_>, _: &Value, source: &Value, causes: &mut Causes) {
    let (targets, names) = (list(source, "targetWWNs"), list(source, "wwids"));
    if targets.is_empty() && names.is_empty() {
        causes.required("targetWWNs", "must specify either targetWWNs or wwids, but not both");
    }
    if targets.is_empty() {
        return;
    }
    if !names.is_empty() {
        let why = "targetWWNs and wwids can not be specified simultaneously";
        causes.invalid("targetWWNs", &Value::from(targets), why);
    }
    match whole(source, "lun") {
        None => causes.required("lun", "lun is required if targetWWNs is specified"),
        Some(_) => between(source, "lun", 0, 255, causes),
    }
}

fn flex(_: &Pod<'_>, _: &Value, source: &Value, causes: &mut Causes) {
    required(source, "driver", causes);
    for (key, _) in super::read::entries(source, "options") {
        let space = format!(".{}", key.split_once('/').map_or(key.as_str(), |(space, _)| space).to_lowercase());
        if space.ends_with(".kubernetes.io") || space.ends_with(".k8s.io") {
            let why = "kubernetes.io and k8s.io namespaces are reserved";
            causes.at("options", |causes| causes.key(key, |causes| causes.invalid("", &key.as_str().into(), why)));
        }
    }
}

fn azure_disk(_: &Pod<'_>, _: &Value, source: &Value, causes: &mut Causes) {
    all(&["diskName", "diskURI"], source, causes);
    known_if_given(source, "cachingMode", &["None", "ReadOnly", "ReadWrite"], causes);
    known_if_given(source, "kind", &["Dedicated", "Managed", "Shared"], causes);
    let (place, kind) = (meta::text(source, "diskURI"), meta::text(source, "kind"));
    let managed = "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}";
    let blob = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd";
    if kind == "Managed" && !place.starts_with("/subscriptions/") {
        causes.not_supported("diskURI", place, &[managed]);
    }
    if kind != "Managed" && !place.starts_with("https://") {
        causes.not_supported("diskURI", place, &[blob]);
    }
}

fn storage_os(_: &Pod<'_>, _: &Value, source: &Value, causes: &mut Causes) {
    storage_os_names(source, causes);
    secret_name(source, causes);
}

/// A volume of `StorageOS` and its namespace, in a pod as in a persistent volume.
pub(crate) fn storage_os_names(source: &Value, causes: &mut Causes) {
    match meta::text(source, "volumeName") {
        "" => causes.required("volumeName", ""),
        name => problems("volumeName", name, validate_name::label(name), causes),
    }
    match meta::text(source, "volumeNamespace") {
        "" => {}
        name => problems("volumeNamespace", name, validate_name::label(name), causes),
    }
}

fn csi(_: &Pod<'_>, _: &Value, source: &Value, causes: &mut Causes) {
    let driver = meta::text(source, "driver");
    if driver.is_empty() {
        causes.required("driver", "");
        return;
    }
    if driver.len() > 63 {
        super::read::too_long("driver", 63, causes);
    }
    problems("driver", driver, validate_name::subdomain(&driver.to_lowercase()), causes);
    if let Some(secret) = given(source, "nodePublishSecretRef") {
        match meta::text(secret, "name") {
            "" => causes.required("nodePublishSecretRef.name", ""),
            name => problems("name", name, validate_name::subdomain(name), causes),
        }
    }
}

fn ephemeral(_: &Pod<'_>, _: &Value, source: &Value, causes: &mut Causes) {
    let Some(template) = given(source, "volumeClaimTemplate") else {
        causes.required("volumeClaimTemplate", "");
        return;
    };
    causes.at("volumeClaimTemplate", |causes| {
        causes.at("metadata", |causes| {
            let metadata = super::read::field(template, "metadata");
            super::annotations(metadata, causes);
            super::read::labels(metadata, "labels", causes);
            for (key, value) in super::read::entries(template, "metadata") {
                if !["annotations", "labels"].contains(&key.as_str()) && !value.is_null() {
                    causes.forbidden(key, "cannot be set");
                }
            }
        });
        inside(template, "spec", causes, claims::spec);
    });
}
