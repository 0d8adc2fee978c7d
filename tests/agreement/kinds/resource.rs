//! Devices that pods ask for: classes of them, and claims to them.

use serde_json::{Value, json};

use super::{Kind, Poisons};
use crate::script::Dice;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        kind: "DeviceClass",
        api_version: "resource.k8s.io/v1",
        plural: "deviceclasses",
        namespaced: false,
        variant: class,
        poisons: &[
            ("/spec/selectors", "[{}]"),
            ("/spec/selectors", "[{\"cel\":null}]"),
            ("/spec/selectors", "[]"),
            ("/spec/selectors", "null"),
            ("/spec/selectors", "5"),
            ("/spec/config", "[{}]"),
            ("/spec/config", "[{\"opaque\":{}}]"),
            ("/spec/config", "[{\"opaque\":{\"driver\":\"Not_A_Driver\",\"parameters\":{\"a\":1}}}]"),
            ("/spec/config", "[{\"opaque\":{\"driver\":\"gpu.example.com\",\"parameters\":[]}}]"),
            ("/spec/config", "[{\"opaque\":{\"driver\":\"gpu.example.com\",\"parameters\":\"x\"}}]"),
            ("/spec/config", "[{\"opaque\":{\"driver\":\"GPU.example.com\",\"parameters\":{}}}]"),
            ("/spec/config", "[{\"opaque\":null}]"),
            ("/spec/extendedResourceName", "\"cpu\""),
            ("/spec/extendedResourceName", "\"\""),
            ("/spec/extendedResourceName", "\"example.com/a b\""),
            ("/spec/extendedResourceName", "5"),
            ("/spec", "{}"),
            ("/spec", "null"),
            ("/spec/odd", "1"),
        ],
        ..Kind::DEFAULT
    },
    Kind {
        kind: "ResourceClaimTemplate",
        api_version: "resource.k8s.io/v1",
        plural: "resourceclaimtemplates",
        variant: |dice, _| json!({"spec": {"metadata": {"labels": {"app": "a"}}, "spec": claim(dice)}}),
        poisons: &[
            ("/spec/metadata/labels", "{\"a b\":\"c\"}"),
            ("/spec/metadata/labels", "{\"a\":\"b c\"}"),
            ("/spec/metadata/annotations", "{\"a\":\"b\"}"),
            ("/spec/metadata", "null"),
            ("/spec/spec/devices/requests", "[]"),
            ("/spec/spec/devices/requests", "[{\"name\":\"a\"}]"),
            ("/spec/spec/devices/requests", "[{\"name\":\"\",\"exactly\":{\"deviceClassName\":\"\"}}]"),
            ("/spec/spec/devices/requests/0/name", "\"A B\""),
            ("/spec/spec/devices/constraints", "[{\"requests\":[\"other\"],\"matchAttribute\":\"example.com/model\"}]"),
            ("/spec/spec", "{}"),
            ("/spec/spec", "null"),
            ("/spec", "{}"),
            ("/spec", "null"),
        ],
        ..Kind::DEFAULT
    },
    Kind {
        kind: "ResourceClaim",
        api_version: "resource.k8s.io/v1",
        plural: "resourceclaims",
        variant: |dice, _| json!({"spec": claim(dice)}),
        poisons: CLAIM,
        ..Kind::DEFAULT
    },
];

const CLAIM: Poisons = &[
    ("/spec/devices/requests", "[]"),
    ("/spec/devices/requests", "null"),
    ("/spec/devices/requests", "[{\"name\":\"a\"}]"),
    ("/spec/devices/requests", "[{\"name\":\"a\",\"exactly\":{}}]"),
    (
        "/spec/devices/requests",
        "[{\"name\":\"a\",\"exactly\":{\"deviceClassName\":\"A_B\",\"allocationMode\":\"Odd\"}}]",
    ),
    (
        "/spec/devices/requests",
        "[{\"name\":\"a\",\"exactly\":{\"deviceClassName\":\"a\",\"allocationMode\":\"All\",\"count\":2}}]",
    ),
    ("/spec/devices/requests", "[{\"name\":\"a\",\"exactly\":{\"deviceClassName\":\"a\",\"count\":-1}}]"),
    ("/spec/devices/requests", "[{\"name\":\"a\",\"exactly\":{\"deviceClassName\":\"a\",\"selectors\":[{}]}}]"),
    (
        "/spec/devices/requests",
        "[{\"name\":\"a\",\"exactly\":{\"deviceClassName\":\"a\",\"tolerations\":[{\"key\":\"a b\",\"operator\":\"Exists\",\"value\":\"x\"}]}}]",
    ),
    (
        "/spec/devices/requests",
        "[{\"name\":\"a\",\"exactly\":{\"deviceClassName\":\"a\",\"tolerations\":[{\"operator\":\"Odd\",\"effect\":\"Odd\"}]}}]",
    ),
    (
        "/spec/devices/requests",
        "[{\"name\":\"a\",\"exactly\":{\"deviceClassName\":\"a\",\"tolerations\":[{\"key\":\"a\",\"operator\":\"Equal\",\"value\":\"b c\"}]}}]",
    ),
    (
        "/spec/devices/requests",
        "[{\"name\":\"a\",\"firstAvailable\":[{\"name\":\"b\"},{\"name\":\"b\",\"deviceClassName\":\"a\"}]}]",
    ),
    ("/spec/devices/requests/0/name", "\"A B\""),
    ("/spec/devices/requests/0/exactly", "5"),
    ("/spec/devices/constraints", "[{}]"),
    ("/spec/devices/constraints", "[{\"requests\":[\"other\",\"other\"],\"matchAttribute\":\"model\"}]"),
    ("/spec/devices/constraints", "[{\"requests\":[\"a/b/c\",\"A B\"],\"matchAttribute\":\"Not_A/2 x\"}]"),
    ("/spec/devices/constraints", "[{\"distinctAttribute\":\"example.com/model\"}]"),
    ("/spec/devices/config", "[{\"requests\":[\"other\"]}]"),
    ("/spec/devices/config", "[{\"opaque\":{\"driver\":\"\",\"parameters\":7}}]"),
    ("/spec/devices", "null"),
    ("/spec", "{}"),
    ("/spec", "null"),
    ("/status", "{\"reservedFor\":[]}"),
];

fn class(dice: &mut Dice, _: &str) -> Value {
    let mut spec = json!({});
    if dice.once_in(2) {
        spec["selectors"] = json!([{"cel": {"expression": "device.driver == \"gpu.example.com\""}}]);
    }
    if dice.once_in(2) {
        spec["config"] = json!([{"opaque": {"driver": "gpu.example.com", "parameters": {"sharing": dice.below(3)}}}]);
    }
    if dice.once_in(3) {
        spec["extendedResourceName"] = (*dice.one(&["example.com/gpu", "example.com/nic"])).into();
    }
    json!({"spec": spec})
}

fn claim(dice: &mut Dice) -> Value {
    let mut exactly = json!({"deviceClassName": *dice.one(&["gpu", "nic.example.com"])});
    match dice.below(4) {
        0 => exactly["count"] = 2.into(),
        1 => exactly["allocationMode"] = "All".into(),
        2 => exactly["selectors"] = json!([{"cel": {"expression": "device.driver == \"gpu.example.com\""}}]),
        _ => {
            exactly["tolerations"] = json!([
                {"key": "example.com/broken", "operator": "Exists", "effect": "NoSchedule"},
                {"key": "example.com/slow", "operator": "Equal", "value": "yes"},
            ]);
        }
    }
    let mut devices = json!({"requests": [{"name": "first", "exactly": exactly}]});
    if dice.once_in(3) {
        let first = devices["requests"][0].take();
        let one_of = json!([
            {"name": "big", "deviceClassName": "gpu"}, {"name": "small", "deviceClassName": "gpu", "count": 2},
        ]);
        devices["requests"] = json!([first, {"name": "second", "firstAvailable": one_of}]);
        devices["constraints"] = json!([{"requests": ["first", "second/big"], "matchAttribute": "example.com/model"}]);
    }
    if dice.once_in(3) {
        devices["config"] = json!([
            {"requests": ["first"], "opaque": {"driver": "gpu.example.com", "parameters": {"mode": "fast"}}},
        ]);
    }
    json!({"devices": devices})
}
