//! Persistent volumes and their claims.

use serde_json::{Value, json};

use super::Kind;
use crate::script::Dice;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        kind: "PersistentVolume",
        api_version: "v1",
        plural: "persistentvolumes",
        namespaced: false,
        variant: volume,
        poisons: &[
            ("/spec", "null"),
            ("/spec", "{}"),
            ("/spec/capacity", "null"),
            ("/spec/capacity", "{\"storage\":\"0\"}"),
            ("/spec/capacity", "{\"storage\":\"-1Gi\"}"),
            ("/spec/capacity", "{\"cpu\":\"1\"}"),
            ("/spec/capacity", "{\"storage\":\"x\"}"),
            ("/spec/capacity", "{\"storage\":\"2Gi\"}"),
            ("/spec/accessModes", "[]"),
            ("/spec/accessModes", "[\"Odd\"]"),
            ("/spec/accessModes", "[\"ReadWriteOncePod\",\"ReadWriteMany\"]"),
            ("/spec/persistentVolumeReclaimPolicy", "\"Odd\""),
            ("/spec/persistentVolumeReclaimPolicy", "\"Recycle\""),
            ("/spec/persistentVolumeReclaimPolicy", "\"Delete\""),
            ("/spec/volumeMode", "\"Odd\""),
            ("/spec/volumeMode", "\"Block\""),
            ("/spec/hostPath", "{\"path\":\"/a/../b\"}"),
            ("/spec/hostPath", "{\"path\":\"/\",\"type\":\"Odd\"}"),
            ("/spec/nfs", "{\"server\":\"\",\"path\":\"rel\"}"),
            ("/spec/local", "{\"path\":\"\"}"),
            ("/spec/csi", "{\"driver\":\"Not_A_Name\"}"),
            (
                "/spec/csi",
                "{\"driver\":\"csi.example.com\",\"volumeHandle\":\"1\",\"controllerExpandSecretRef\":{\"name\":\"s\"}}",
            ),
            (
                "/spec/csi",
                "{\"driver\":\"csi.example.com\",\"volumeHandle\":\"a\",\"controllerExpandSecretRef\":{\"name\":\"s\",\"namespace\":\"n\"}}",
            ),
            ("/spec/iscsi", "{\"targetPortal\":\"a\",\"iqn\":\"odd\",\"lun\":300}"),
            ("/spec/storageClassName", "\"Not A Class\""),
            ("/spec/storageClassName", "\"slow\""),
            ("/spec/volumeAttributesClassName", "\"gold\""),
            ("/spec/volumeAttributesClassName", "\"\""),
            ("/spec/nodeAffinity", "{\"required\":{\"nodeSelectorTerms\":[]}}"),
            ("/spec/nodeAffinity", "{}"),
            (
                "/spec/nodeAffinity",
                "{\"required\":{\"nodeSelectorTerms\":[{\"matchExpressions\":[{\"key\":\"beta.kubernetes.io/os\",\"operator\":\"Odd\"}]}]}}",
            ),
            (
                "/spec/nodeAffinity",
                "{\"required\":{\"nodeSelectorTerms\":[{\"matchExpressions\":[{\"key\":\"beta.kubernetes.io/os\",\"operator\":\"Exists\"}]}]}}",
            ),
            ("/spec/mountOptions", "[\"ro\"]"),
            ("/spec/claimRef", "{\"kind\":\"PersistentVolumeClaim\",\"name\":\"a\",\"namespace\":\"b\"}"),
            ("/metadata/annotations", "{\"volume.beta.kubernetes.io/mount-options\":\"ro\"}"),
            ("/metadata/annotations", "{\"volume.beta.kubernetes.io/storage-class\":\"old\"}"),
            ("/status", "{\"phase\":\"Bound\"}"),
            ("/spec/odd", "1"),
        ],
        status: Some(volume_status),
        status_poisons: &[
            ("/status/phase", "\"Odd\""),
            ("/status/phase", "5"),
            ("/status", "null"),
            ("/status/lastPhaseTransitionTime", "\"2025-05-05T00:00:00Z\""),
            ("/metadata/labels", "{\"a b\":\"c\"}"),
            ("/spec/capacity", "{\"storage\":\"5Gi\"}"),
        ],
        ..Kind::DEFAULT
    },
    Kind {
        kind: "PersistentVolumeClaim",
        api_version: "v1",
        plural: "persistentvolumeclaims",
        variant: claim,
        poisons: &[
            ("/spec", "null"),
            ("/spec", "{}"),
            ("/spec/accessModes", "null"),
            ("/spec/accessModes", "[\"Odd\"]"),
            ("/spec/accessModes", "[\"ReadWriteOncePod\",\"ReadOnlyMany\"]"),
            ("/spec/accessModes", "[\"ReadWriteMany\"]"),
            ("/spec/resources", "{}"),
            ("/spec/resources", "{\"requests\":{\"storage\":\"0\"}}"),
            ("/spec/resources", "{\"requests\":{\"storage\":\"-1\"}}"),
            ("/spec/resources", "{\"requests\":{\"storage\":\"1500m\"}}"),
            ("/spec/resources", "{\"requests\":{\"storage\":\"9Gi\"}}"),
            ("/spec/resources", "{\"requests\":{\"storage\":\"100Mi\"}}"),
            ("/spec/resources", "{\"requests\":{\"storage\":\"x\"}}"),
            ("/spec/storageClassName", "\"Not A Class\""),
            ("/spec/storageClassName", "\"\""),
            ("/spec/storageClassName", "\"slow\""),
            ("/spec/storageClassName", "null"),
            ("/spec/volumeMode", "\"Odd\""),
            ("/spec/volumeMode", "\"Block\""),
            ("/spec/volumeName", "\"v\""),
            ("/spec/volumeAttributesClassName", "\"gold\""),
            ("/spec/volumeAttributesClassName", "\"Not A Class\""),
            ("/spec/selector", "{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Odd\"}]}"),
            ("/spec/selector", "{\"matchLabels\":{\"a\":\"b\"}}"),
            ("/spec/dataSource", "{\"kind\":\"Odd\",\"name\":\"x\"}"),
            ("/spec/dataSource", "{\"kind\":\"PersistentVolumeClaim\",\"name\":\"\"}"),
            ("/spec/dataSourceRef", "{\"kind\":\"Odd\",\"name\":\"x\"}"),
            ("/spec/dataSourceRef", "{\"apiGroup\":\"a b\",\"kind\":\"Odd\",\"name\":\"x\"}"),
            ("/spec/dataSourceRef", "{\"apiGroup\":\"example.com\",\"kind\":\"Odd\",\"name\":\"x\"}"),
            (
                "/spec/dataSourceRef",
                "{\"apiGroup\":\"example.com\",\"kind\":\"Odd\",\"name\":\"x\",\"namespace\":\"y\"}",
            ),
            ("/metadata/annotations", "{\"volume.beta.kubernetes.io/storage-class\":\"slow\"}"),
            ("/status", "{\"phase\":\"Bound\"}"),
            ("/spec/odd", "1"),
        ],
        status: Some(claim_status),
        status_poisons: &[
            ("/status/phase", "\"Odd\""),
            ("/status/capacity", "{\"storage\":\"-1\"}"),
            ("/status/allocatedResources", "{\"storage\":\"-1\"}"),
            ("/status/allocatedResources", "{\"cpu\":\"1\"}"),
            ("/status/allocatedResources", "{\"a b\":\"1\"}"),
            ("/status/allocatedResourceStatuses", "{\"storage\":\"Odd\"}"),
            ("/status/allocatedResourceStatuses", "{\"storage\":\"NodeResizePending\"}"),
            ("/status/currentVolumeAttributesClassName", "\"gold\""),
            ("/status/conditions", "[{\"type\":\"Resizing\",\"status\":5}]"),
            ("/status", "null"),
            ("/spec/volumeName", "\"v\""),
            ("/metadata/labels", "{\"a b\":\"c\"}"),
        ],
        ..Kind::DEFAULT
    },
];

fn volume(dice: &mut Dice, _: &str) -> Value {
    let mut spec = json!({"capacity": {"storage": *dice.one(&["1Gi", "1024Mi"])}, "accessModes": ["ReadWriteOnce"]});
    match dice.below(5) {
        0 => spec["hostPath"] = json!({"path": *dice.one(&["/a", "/"])}),
        1 => spec["nfs"] = json!({"server": "nfs.example.com", "path": "/a"}),
        2 => {
            spec["local"] = json!({"path": "/mnt/a"});
            spec["nodeAffinity"] = json!({"required": {"nodeSelectorTerms": [
                {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["a"]}]}]}});
        }
        3 => {
            spec["csi"] = json!({"driver": "csi.example.com", "volumeHandle": *dice.one(&["a", "b"]), "fsType": "ext4",
                "volumeAttributes": {"k": "v"}, "nodeStageSecretRef": {"name": "s", "namespace": "n"}});
        }
        _ => {
            spec["iscsi"] =
                json!({"targetPortal": "10.0.0.1:3260", "iqn": "iqn.2001-04.com.example:storage", "lun": 0});
        }
    }
    if dice.once_in(2) {
        spec["storageClassName"] = "fast".into();
    }
    if dice.once_in(3) {
        spec["persistentVolumeReclaimPolicy"] = (*dice.one(&["Retain", "Delete"])).into();
    }
    if dice.once_in(3) {
        spec["claimRef"] = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": "c", "namespace": "n"});
    }
    json!({"spec": spec})
}

fn volume_status(dice: &mut Dice) -> Value {
    let mut status = json!({"phase": *dice.one(&["Available", "Bound", "Released", "Pending"])});
    if dice.once_in(3) {
        status["reason"] = "R".into();
        status["message"] = "m".into();
    }
    status
}

fn claim(dice: &mut Dice, _: &str) -> Value {
    let mut spec = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": *dice.one(&["1Gi", "1024Mi", "2Gi"])}}});
    if dice.once_in(2) {
        spec["storageClassName"] = "fast".into();
    }
    match dice.below(5) {
        0 => spec["dataSource"] = json!({"kind": "PersistentVolumeClaim", "name": "other"}),
        1 => {
            spec["dataSourceRef"] =
                json!({"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "s"});
        }
        2 => spec["selector"] = json!({"matchLabels": {"app": "x"}}),
        _ => {}
    }
    if dice.once_in(3) {
        spec["resources"]["limits"] = json!({"storage": "5Gi"});
    }
    json!({"spec": spec})
}

fn claim_status(dice: &mut Dice) -> Value {
    let mut status = json!({"phase": *dice.one(&["Bound", "Bound", "Pending", "Lost"])});
    if dice.once_in(2) {
        status["capacity"] = json!({"storage": *dice.one(&["1Gi", "500Mi"])});
        status["accessModes"] = json!(["ReadWriteOnce"]);
    }
    if dice.once_in(3) {
        status["conditions"] = json!([{"type": "Resizing", "status": "True", "lastProbeTime": null,
            "lastTransitionTime": "2026-01-01T00:00:00Z"}]);
    }
    status
}
