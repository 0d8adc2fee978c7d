//! Nodes.

use serde_json::{Value, json};

use super::Kind;
use crate::script::Dice;

pub(super) const KINDS: &[Kind] = &[Kind {
    kind: "Node",
    api_version: "v1",
    plural: "nodes",
    namespaced: false,
    variant: node,
    poisons: &[
        ("/spec", "null"),
        ("/spec", "{}"),
        ("/spec/podCIDR", "\"10.9.0.0/24\""),
        ("/spec/podCIDRs", "[\"10.8.0.0/24\"]"),
        ("/spec/podCIDRs", "[\"x\"]"),
        ("/spec/podCIDRs", "[\"10.8.0.1/24\"]"),
        ("/spec/podCIDRs", "[\"10.8.0.0/24\",\"10.7.0.0/24\"]"),
        ("/spec/podCIDRs", "[\"10.8.0.0/24\",\"2001:0db8::/64\"]"),
        ("/spec/providerID", "\"other://1\""),
        ("/spec/taints", "[{\"key\":\"a b\",\"value\":\"c d\",\"effect\":\"Odd\"}]"),
        ("/spec/taints", "[{\"key\":\"a\",\"effect\":\"NoSchedule\"},{\"key\":\"a\",\"effect\":\"NoSchedule\"}]"),
        ("/spec/taints", "[{\"key\":\"a\"}]"),
        ("/spec/taints", "[]"),
        ("/spec/unschedulable", "true"),
        ("/spec/unschedulable", "\"yes\""),
        ("/spec/externalID", "\"x\""),
        ("/spec/configSource", "{\"configMap\":{\"name\":\"a\",\"namespace\":\"b\",\"kubeletConfigKey\":\"c\"}}"),
        ("/status/capacity", "{\"cpu\":\"-1\"}"),
        ("/status/capacity", "{\"pods\":\"1500m\"}"),
        ("/status/capacity", "{\"cpu\":\"x\"}"),
        ("/status/declaredFeatures", "[\"B\",\"A\"]"),
        ("/status/declaredFeatures", "[\"not one\"]"),
        ("/status", "null"),
        ("/spec/odd", "1"),
    ],
    status: Some(status),
    status_poisons: &[
        ("/status/capacity", "{\"cpu\":\"-1\"}"),
        ("/status/capacity", "{\"example.com/x\":\"1500m\"}"),
        ("/status/allocatable", "{\"memory\":\"-5Gi\"}"),
        ("/status/addresses", "[{\"type\":\"Hostname\",\"address\":\"a\"},{\"type\":\"Hostname\",\"address\":\"a\"}]"),
        ("/status/declaredFeatures", "[\"A\",\"A\"]"),
        ("/status/nodeInfo", "{\"swap\":{\"capacity\":-1}}"),
        ("/status/conditions", "[{\"type\":\"Ready\",\"status\":5}]"),
        ("/status/config", "{}"),
        ("/spec/taints", "[{\"key\":\"b\",\"effect\":\"NoExecute\"}]"),
        ("/status", "null"),
    ],
    ..Kind::DEFAULT
}];

fn node(dice: &mut Dice, _: &str) -> Value {
    let mut spec = json!({});
    if dice.once_in(2) {
        spec["podCIDR"] = (*dice.one(&["10.1.0.0/24", "10.2.0.0/24"])).into();
    }
    if dice.once_in(3) {
        spec["podCIDRs"] = json!(["10.1.0.0/24", "2001:db8::/64"]);
    }
    if dice.once_in(3) {
        spec["providerID"] = (*dice.one(&["example://1", "example://2"])).into();
    }
    if dice.once_in(3) {
        spec["taints"] = json!([{"key": "example.com/a", "value": *dice.one(&["b", "c"]), "effect": "NoExecute"},
            {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]);
    }
    if dice.once_in(4) {
        spec["unschedulable"] = true.into();
    }
    let mut node = json!({"spec": spec});
    if dice.once_in(3) {
        node["status"] = status(dice);
    }
    node
}

fn status(dice: &mut Dice) -> Value {
    let mut status = json!({"capacity": {"cpu": *dice.one(&["4", "4000m"]), "memory": "8192Mi", "pods": "110"},
        "conditions": [{"type": "Ready", "status": *dice.one(&["True", "False", "Unknown"]), "reason": "R", "message": "m",
            "lastHeartbeatTime": "2026-01-01T00:00:00Z", "lastTransitionTime": "2026-01-01T00:00:00Z"}]});
    if dice.once_in(2) {
        status["addresses"] =
            json!([{"type": "InternalIP", "address": "10.0.0.1"}, {"type": "Hostname", "address": "a"}]);
    }
    if dice.once_in(2) {
        status["allocatable"] = json!({"cpu": "3500m", "example.com/gpu": "2"});
    }
    if dice.once_in(2) {
        status["nodeInfo"] = json!({"architecture": "amd64", "kubeletVersion": "v1.36.3", "kernelVersion": "6.1", "osImage": "Linux",
            "bootID": "", "machineID": "", "systemUUID": "", "containerRuntimeVersion": "containerd://2", "kubeProxyVersion": "",
            "operatingSystem": "linux"});
    }
    if dice.once_in(3) {
        status["images"] = json!([{"names": ["a:1"], "sizeBytes": 5}]);
        status["volumesInUse"] = json!(["a"]);
        status["declaredFeatures"] = json!(["A", "B/c"]);
    }
    status
}
