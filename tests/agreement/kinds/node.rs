//! Kinds of node.k8s.io.

use serde_json::{Value, json};

use super::Kind;
use crate::script::Dice;

pub(super) const KINDS: &[Kind] = &[Kind {
    kind: "RuntimeClass",
    api_version: "node.k8s.io/v1",
    plural: "runtimeclasses",
    namespaced: false,
    variant: runtime_class,
    poisons: &[
        ("/handler", "\"\""),
        ("/handler", "null"),
        ("/handler", "\"Not_A_Name\""),
        ("/handler", "\"a.b\""),
        ("/handler", "\"other\""),
        ("/overhead", "{\"podFixed\":{\"cpu\":\"-1\"}}"),
        ("/overhead", "{\"podFixed\":{\"odd\":\"1\"}}"),
        ("/overhead", "{\"podFixed\":{\"example.com/odd\":\"1500m\"}}"),
        ("/overhead", "{\"podFixed\":{\"hugepages-2Mi\":\"4Mi\"}}"),
        ("/overhead", "{\"podFixed\":{\"memory\":\"x\"}}"),
        ("/overhead", "{}"),
        ("/overhead", "null"),
        ("/scheduling", "{}"),
        ("/scheduling", "{\"nodeSelector\":{\"a b\":\"c\"}}"),
        ("/scheduling", "{\"nodeSelector\":{\"a\":\"-\"}}"),
        ("/scheduling", "{\"nodeSelector\":{\"beta.kubernetes.io/os\":\"linux\"}}"),
        ("/scheduling", "{\"tolerations\":[{\"key\":\"a\",\"operator\":\"Odd\"}]}"),
        ("/scheduling", "{\"tolerations\":[{\"operator\":\"Exists\",\"value\":\"x\"}]}"),
        ("/scheduling", "{\"tolerations\":[{\"key\":\"a\",\"effect\":\"Odd\"},{\"effect\":\"NoSchedule\"}]}"),
        ("/scheduling", "{\"tolerations\":[{\"key\":\"a\",\"tolerationSeconds\":5}]}"),
        (
            "/scheduling",
            "{\"tolerations\":[{\"key\":\"a\",\"effect\":\"NoExecute\"},{\"key\":\"a\",\"effect\":\"NoExecute\",\"tolerationSeconds\":5}]}",
        ),
        ("/spec", "{\"runtimeHandler\":\"x\"}"),
    ],
    ..Kind::DEFAULT
}];

fn runtime_class(dice: &mut Dice, _: &str) -> Value {
    let mut class = json!({"handler": *dice.one(&["runc", "runc", "runc", "kata-1"])});
    if dice.once_in(2) {
        class["overhead"] = json!({"podFixed": {"cpu": *dice.one(&["100m", "0.1", "1"]), "memory": "1024Mi"}});
    }
    if dice.once_in(2) {
        let seconds = json!({"key": "slow", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60});
        class["scheduling"] = json!({"tolerations": [{"key": "kind", "value": "b"}, seconds]});
    }
    if dice.once_in(3) {
        class["scheduling"]["nodeSelector"] = json!({"disk": *dice.one(&["fast", "slow"]), "zone": ""});
    }
    class
}
