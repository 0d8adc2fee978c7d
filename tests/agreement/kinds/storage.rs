//! Kinds of storage.k8s.io. No class here is the one for all claims: it would change what others see.

use serde_json::{Value, json};

use super::{Kind, Poisons};
use crate::script::Dice;

const STATUS_POISONS: Poisons = &[
    ("/status/attached", "\"yes\""),
    ("/status/attached", "null"),
    ("/status/attachError", "{\"errorCode\":-1}"),
    ("/status/attachError", "{\"time\":\"yesterday\"}"),
    ("/status/attachmentMetadata", "{\"a\":5}"),
    ("/status/detachError", "{}"),
    ("/status/odd", "1"),
    ("/status", "null"),
    ("/spec/nodeName", "\"another\""),
    ("/metadata/labels", "{\"app\":\"status\"}"),
];

pub(super) const KINDS: &[Kind] = &[
    Kind {
        kind: "StorageClass",
        api_version: "storage.k8s.io/v1",
        plural: "storageclasses",
        namespaced: false,
        variant: storage_class,
        poisons: &[
            ("/provisioner", "\"\""),
            ("/provisioner", "\"a b\""),
            ("/provisioner", "\"Example.COM/Disk\""),
            ("/provisioner", "\"/x\""),
            ("/provisioner", "5"),
            ("/parameters", "{\"\":\"x\"}"),
            ("/parameters", "{\"a\":5}"),
            ("/parameters", "{\"type\":\"other\"}"),
            ("/parameters", "null"),
            ("/reclaimPolicy", "\"Recycle\""),
            ("/reclaimPolicy", "\"\""),
            ("/reclaimPolicy", "\"Retain\""),
            ("/volumeBindingMode", "\"Odd\""),
            ("/volumeBindingMode", "\"\""),
            ("/volumeBindingMode", "\"WaitForFirstConsumer\""),
            ("/allowVolumeExpansion", "true"),
            ("/allowVolumeExpansion", "\"true\""),
            ("/mountOptions", "[]"),
            ("/allowedTopologies", "[{}]"),
            ("/allowedTopologies", "[{\"matchLabelExpressions\":[{\"key\":\"a b\",\"values\":[\"c\",\"c\"]}]}]"),
            (
                "/allowedTopologies",
                "[{\"matchLabelExpressions\":[{\"key\":\"a\"},{\"key\":\"a\",\"values\":[\"c\"]}]}]",
            ),
            (
                "/allowedTopologies",
                "[{\"matchLabelExpressions\":[{\"key\":\"beta.kubernetes.io/arch\",\"values\":[\"c\"]}]},{\"matchLabelExpressions\":[{\"key\":\"beta.kubernetes.io/arch\",\"values\":[\"c\"]}]}]",
            ),
        ],
        ..Kind::DEFAULT
    },
    Kind {
        kind: "CSIDriver",
        api_version: "storage.k8s.io/v1",
        plural: "csidrivers",
        namespaced: false,
        variant: driver,
        poisons: &[
            ("/spec", "null"),
            ("/spec", "{}"),
            ("/spec/attachRequired", "false"),
            ("/spec/attachRequired", "\"no\""),
            ("/spec/podInfoOnMount", "null"),
            ("/spec/podInfoOnMount", "true"),
            ("/spec/fsGroupPolicy", "\"Odd\""),
            ("/spec/fsGroupPolicy", "\"\""),
            ("/spec/volumeLifecycleModes", "[\"Odd\",\"Persistent\"]"),
            ("/spec/volumeLifecycleModes", "[\"Ephemeral\",\"Persistent\"]"),
            ("/spec/volumeLifecycleModes", "[]"),
            ("/spec/tokenRequests", "[{\"audience\":\"a\"},{\"audience\":\"a\"}]"),
            ("/spec/tokenRequests", "[{\"audience\":\"\",\"expirationSeconds\":599}]"),
            ("/spec/tokenRequests", "[{\"audience\":\"b\",\"expirationSeconds\":4294967297}]"),
            ("/spec/tokenRequests", "[{}]"),
            ("/spec/tokenRequests", "[]"),
            ("/spec/nodeAllocatableUpdatePeriodSeconds", "9"),
            ("/spec/nodeAllocatableUpdatePeriodSeconds", "60"),
            ("/spec/serviceAccountTokenInSecrets", "true"),
            ("/spec/preventPodSchedulingIfMissing", "true"),
            ("/spec/seLinuxMount", "true"),
            ("/spec/odd", "1"),
        ],
        ..Kind::DEFAULT
    },
    Kind {
        kind: "CSINode",
        api_version: "storage.k8s.io/v1",
        plural: "csinodes",
        namespaced: false,
        variant: node,
        poisons: &[
            ("/spec", "null"),
            ("/spec/drivers", "null"),
            ("/spec/drivers", "[]"),
            ("/spec/drivers", "[{}]"),
            ("/spec/drivers", "{\"name\":\"a\"}"),
            ("/spec/drivers", "[{\"name\":\"a.b\",\"nodeID\":\"1\"},{\"name\":\"a.b\",\"nodeID\":\"2\"}]"),
            ("/spec/drivers/0/name", "\"\""),
            ("/spec/drivers/0/name", "\"Not_A_Name\""),
            ("/spec/drivers/0/name", "\"a-name-of-a-driver-that-is-longer-than-sixty-three-letters.example.com\""),
            ("/spec/drivers/0/nodeID", "\"\""),
            ("/spec/drivers/0/nodeID", "\"another\""),
            ("/spec/drivers/0/topologyKeys", "[\"\",\"a b\"]"),
            ("/spec/drivers/0/topologyKeys", "[\"zone\",\"zone\"]"),
            ("/spec/drivers/0/topologyKeys", "[]"),
            ("/spec/drivers/0/allocatable", "{\"count\":-1}"),
            ("/spec/drivers/0/allocatable", "{}"),
            ("/spec/drivers/0/allocatable", "{\"count\":3}"),
            ("/spec/drivers/0/odd", "1"),
        ],
        ..Kind::DEFAULT
    },
    Kind {
        kind: "CSIStorageCapacity",
        api_version: "storage.k8s.io/v1",
        plural: "csistoragecapacities",
        variant: capacity,
        poisons: &[
            ("/storageClassName", "\"\""),
            ("/storageClassName", "\"Not_A_Name\""),
            ("/storageClassName", "\"other\""),
            ("/capacity", "\"-1Gi\""),
            ("/capacity", "\"much\""),
            ("/capacity", "5"),
            ("/capacity", "null"),
            ("/maximumVolumeSize", "\"-1\""),
            ("/maximumVolumeSize", "\"1024Mi\""),
            ("/nodeTopology", "null"),
            ("/nodeTopology", "{}"),
            ("/nodeTopology", "{\"matchLabels\":{\"a b\":\"c\"}}"),
            ("/nodeTopology", "{\"matchLabels\":{\"beta.kubernetes.io/os\":\"linux\"}}"),
            (
                "/nodeTopology",
                "{\"matchExpressions\":[{\"key\":\"failure-domain.beta.kubernetes.io/zone\",\"operator\":\"Exists\"}]}",
            ),
            ("/nodeTopology", "{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Odd\"}]}"),
            ("/nodeTopology", "{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\"}]}"),
        ],
        ..Kind::DEFAULT
    },
    Kind {
        kind: "VolumeAttachment",
        api_version: "storage.k8s.io/v1",
        plural: "volumeattachments",
        namespaced: false,
        variant: attachment,
        poisons: &[
            ("/spec", "null"),
            ("/spec/attacher", "\"\""),
            ("/spec/attacher", "\"Not_A_Name\""),
            ("/spec/attacher", "\"other.example.com\""),
            ("/spec/nodeName", "\"\""),
            ("/spec/nodeName", "\"a b\""),
            ("/spec/source", "{}"),
            ("/spec/source", "{\"persistentVolumeName\":\"\"}"),
            ("/spec/source", "{\"persistentVolumeName\":\"Not_A_Name\"}"),
            ("/spec/source", "{\"persistentVolumeName\":\"pv\",\"inlineVolumeSpec\":{}}"),
            ("/spec/source", "{\"inlineVolumeSpec\":{}}"),
            (
                "/spec/source",
                "{\"inlineVolumeSpec\":{\"accessModes\":[\"ReadWriteOnce\"],\"csi\":{\"driver\":\"\",\"volumeHandle\":\"\"}}}",
            ),
            (
                "/spec/source",
                "{\"inlineVolumeSpec\":{\"accessModes\":[\"ReadWriteOncePod\",\"ReadOnlyMany\",\"Odd\"],\"csi\":{\"driver\":\"a.b\",\"volumeHandle\":\"c\",\"nodePublishSecretRef\":{\"name\":\"A\"}},\"capacity\":{\"storage\":\"1Gi\"},\"storageClassName\":\"x\",\"persistentVolumeReclaimPolicy\":\"Delete\",\"volumeMode\":\"Block\",\"nodeAffinity\":{}}}",
            ),
            ("/status", "{\"attached\":true}"),
            ("/status", "5"),
            ("/spec/odd", "1"),
        ],
        status: Some(attachment_status),
        status_poisons: STATUS_POISONS,
        ..Kind::DEFAULT
    },
    Kind {
        kind: "VolumeAttributesClass",
        api_version: "storage.k8s.io/v1",
        plural: "volumeattributesclasses",
        namespaced: false,
        variant: |dice, _| {
            let driver = *dice.one(&["disk.example.com", "disk.example.com", "Disk.Example.com/a"]);
            json!({"driverName": driver, "parameters": {"iops": *dice.one(&["100", "100", "200"])}})
        },
        poisons: &[
            ("/driverName", "\"\""),
            ("/driverName", "\"a b\""),
            ("/driverName", "\"other.example.com\""),
            ("/driverName", "null"),
            ("/parameters", "{}"),
            ("/parameters", "null"),
            ("/parameters", "{\"\":\"x\"}"),
            ("/parameters", "{\"iops\":7}"),
            ("/parameters", "{\"iops\":\"7\"}"),
            ("/parameters", "[]"),
            ("/spec", "{}"),
        ],
        ..Kind::DEFAULT
    },
];

fn storage_class(dice: &mut Dice, _: &str) -> Value {
    let mut class = json!({"provisioner": *dice.one(&["disk.example.com", "disk.example.com", "example.com/nfs"])});
    if dice.once_in(2) {
        class["parameters"] = json!({"type": *dice.one(&["fast", "slow"]), "zone": "a"});
    }
    if dice.once_in(3) {
        class["reclaimPolicy"] = (*dice.one(&["Retain", "Delete"])).into();
    }
    if dice.once_in(3) {
        class["volumeBindingMode"] = (*dice.one(&["WaitForFirstConsumer", "Immediate"])).into();
    }
    if dice.once_in(3) {
        class["allowVolumeExpansion"] = dice.once_in(2).into();
        class["mountOptions"] = json!(["ro", "soft"]);
    }
    if dice.once_in(3) {
        let zones = json!({"key": "topology.kubernetes.io/zone", "values": ["a", "b"]});
        class["allowedTopologies"] = json!([{"matchLabelExpressions": [zones]}]);
    }
    class
}

fn driver(dice: &mut Dice, _: &str) -> Value {
    let mut spec = json!({});
    if dice.once_in(2) {
        spec["attachRequired"] = (!dice.once_in(3)).into();
        spec["podInfoOnMount"] = dice.once_in(2).into();
    }
    if dice.once_in(3) {
        spec["fsGroupPolicy"] = (*dice.one(&["None", "File", "ReadWriteOnceWithFSType"])).into();
    }
    if dice.once_in(3) {
        spec["volumeLifecycleModes"] = json!(["Persistent", "Ephemeral"]);
    }
    if dice.once_in(2) {
        spec["tokenRequests"] = json!([{"audience": "vault", "expirationSeconds": 3600}, {"audience": ""}]);
        spec["requiresRepublish"] = true.into();
        if dice.once_in(2) {
            spec["serviceAccountTokenInSecrets"] = dice.once_in(2).into();
        }
    }
    if dice.once_in(4) {
        spec["storageCapacity"] = true.into();
        spec["nodeAllocatableUpdatePeriodSeconds"] = 30.into();
    }
    json!({"spec": spec})
}

fn node(dice: &mut Dice, _: &str) -> Value {
    let mut drivers = json!([{"name": "disk.example.com", "nodeID": *dice.one(&["node-1", "node-1", "node-2"])}]);
    if dice.once_in(2) {
        drivers[0]["topologyKeys"] = json!(["topology.kubernetes.io/zone", "rack"]);
    }
    if dice.once_in(2) {
        drivers[0]["allocatable"] = json!({"count": dice.below(20)});
    }
    if dice.once_in(2) {
        drivers.as_array_mut().expect("a list").push(json!({"name": "Files.Example.com", "nodeID": "a/b"}));
    }
    json!({"spec": {"drivers": drivers}})
}

fn capacity(dice: &mut Dice, _: &str) -> Value {
    let mut capacity = json!({"storageClassName": *dice.one(&["fast", "fast", "slow"])});
    if !dice.once_in(4) {
        capacity["capacity"] = (*dice.one(&["1Gi", "1024Mi", "10G"])).into();
    }
    if dice.once_in(3) {
        capacity["maximumVolumeSize"] = "512Mi".into();
    }
    match dice.below(3) {
        0 => capacity["nodeTopology"] = json!({"matchLabels": {"zone": "a"}}),
        1 => {
            let expression = json!({"key": "zone", "operator": "In", "values": ["a", "b"]});
            capacity["nodeTopology"] = json!({"matchExpressions": [expression]});
        }
        _ => {}
    }
    capacity
}

fn attachment(dice: &mut Dice, _: &str) -> Value {
    let source = if dice.once_in(3) {
        let csi = json!({"driver": "disk.example.com", "volumeHandle": "v-1", "fsType": "ext4"});
        json!({"inlineVolumeSpec": {"accessModes": ["ReadWriteOnce"], "csi": csi}})
    } else {
        json!({"persistentVolumeName": "volume-1"})
    };
    let node = *dice.one(&["node-1", "node-1", "node-1", "node-2"]);
    json!({"spec": {"attacher": "disk.example.com", "nodeName": node, "source": source}})
}

fn attachment_status(dice: &mut Dice) -> Value {
    let mut status = json!({"attached": dice.once_in(2)});
    if dice.once_in(2) {
        status["attachmentMetadata"] = json!({"device": *dice.one(&["/dev/a", "/dev/b"])});
    }
    if dice.once_in(3) {
        let code = dice.below(20);
        status["attachError"] = json!({"time": "2026-01-01T00:00:00Z", "message": "too slow", "errorCode": code});
    }
    status
}
