//! Events, by both groups that serve them.

use serde_json::{Value, json};

use super::Kind;
use crate::script::Dice;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        kind: "Event",
        api_version: "v1",
        plural: "events",
        variant: core,
        poisons: &[
            ("/involvedObject", "{}"),
            ("/involvedObject", "null"),
            ("/involvedObject/namespace", "\"elsewhere\""),
            ("/involvedObject/namespace", "\"\""),
            ("/count", "\"x\""),
            ("/count", "0"),
            ("/type", "\"Odd\""),
            ("/type", "\"\""),
            ("/firstTimestamp", "\"yesterday\""),
            ("/firstTimestamp", "null"),
            ("/eventTime", "\"2025-06-02T03:04:05Z\""),
            ("/eventTime", "\"2025-06-02T03:04:05.123456Z\""),
            ("/eventTime", "null"),
            ("/reportingComponent", "\"not a name\""),
            ("/reportingComponent", "\"\""),
            ("/reportingInstance", "\"\""),
            ("/action", "\"\""),
            ("/reason", "\"\""),
            ("/series", "{\"count\":1}"),
            ("/series", "{\"count\":3,\"lastObservedTime\":\"2025-06-02T03:04:05.000000Z\"}"),
            ("/message", "null"),
            ("/odd", "1"),
        ],
        ..Kind::DEFAULT
    },
    Kind {
        kind: "Event",
        api_version: "events.k8s.io/v1",
        plural: "events",
        variant: new,
        poisons: &[
            ("/regarding", "{}"),
            ("/regarding/namespace", "\"elsewhere\""),
            ("/regarding/name", "\"another\""),
            ("/eventTime", "null"),
            ("/eventTime", "\"2025-06-02T03:04:05.000009Z\""),
            ("/eventTime", "\"2025-06-02\""),
            ("/type", "\"Odd\""),
            ("/type", "\"\""),
            ("/reason", "\"\""),
            ("/reason", "\"Another\""),
            ("/action", "\"\""),
            ("/note", "\"another\""),
            ("/reportingController", "\"\""),
            ("/reportingController", "\"a/b/c\""),
            ("/reportingInstance", "\"\""),
            ("/deprecatedCount", "2"),
            ("/deprecatedFirstTimestamp", "\"2025-06-02T03:04:05Z\""),
            ("/deprecatedLastTimestamp", "\"2025-06-02T03:04:05Z\""),
            ("/deprecatedSource", "{\"component\":\"kubelet\"}"),
            ("/series", "{\"count\":1}"),
            ("/series", "{\"count\":3,\"lastObservedTime\":\"2025-06-02T03:04:05.000000Z\"}"),
            ("/related", "{\"kind\":\"Pod\",\"name\":\"b\"}"),
        ],
        ..Kind::DEFAULT
    },
];

fn core(dice: &mut Dice, name: &str) -> Value {
    let object = json!({"apiVersion": "v1", "kind": "Pod", "name": name, "namespace": "{place}"});
    let mut event = json!({"involvedObject": object, "reason": *dice.one(&["Pulled", "Started"]), "type": "Normal"});
    match dice.below(3) {
        0 => {
            event["message"] = "Container image pulled".into();
            event["source"] = json!({"component": "kubelet", "host": *dice.one(&["a", "b"])});
            event["firstTimestamp"] = "2025-06-02T03:04:05Z".into();
            event["lastTimestamp"] = "2025-06-02T03:04:06Z".into();
            event["count"] = (1 + dice.below(3)).into();
        }
        1 => {
            event["eventTime"] = "2025-06-02T03:04:05.000001Z".into();
            event["reportingComponent"] = "example.com/controller".into();
            event["reportingInstance"] = (*dice.one(&["one", "two"])).into();
            event["action"] = "Pulling".into();
        }
        _ => {}
    }
    event
}

fn new(dice: &mut Dice, _: &str) -> Value {
    let mut event = json!({
        "regarding": {"apiVersion": "v1", "kind": "Pod", "name": "a", "namespace": "{place}"}, "reason": "Pulled",
        "type": *dice.one(&["Normal", "Normal", "Warning"]), "eventTime": "2025-06-02T03:04:05.000001Z", "action": "Pulling",
        "reportingController": "example.com/controller", "reportingInstance": "one", "note": "Container image pulled",
    });
    if dice.once_in(3) {
        event["series"] = json!({"count": 2 + dice.below(3), "lastObservedTime": "2025-06-02T03:04:07.000001Z"});
    }
    event
}
