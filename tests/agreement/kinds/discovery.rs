//! Kinds of discovery.

use serde_json::{Value, json};

use super::Kind;
use crate::script::Dice;

pub(super) const KINDS: &[Kind] = &[Kind {
    kind: "EndpointSlice",
    api_version: "discovery.k8s.io/v1",
    plural: "endpointslices",
    variant: slice,
    poisons: &[
        ("/addressType", "\"\""),
        ("/addressType", "\"Odd\""),
        ("/addressType", "\"FQDN\""),
        ("/addressType", "\"IPv6\""),
        ("/addressType", "null"),
        ("/endpoints", "null"),
        ("/endpoints", "[{\"addresses\":[]}]"),
        ("/endpoints", "[{\"addresses\":[\"10.0.0\",\"2001:db8::1\",\"::ffff:1.2.3.4\",\"10.0.0.01\"]}]"),
        ("/endpoints", "[{\"addresses\":[\"127.0.0.1\",\"0.0.0.0\",\"169.254.1.1\",\"224.0.0.1\"]}]"),
        ("/endpoints", "[{\"addresses\":[\"2001:DB8::1\",\"fe80::1\",\"ff02::1\",\"a.b\",\"a\",\"\"]}]"),
        ("/endpoints/0/nodeName", "\"Not_A_Node\""),
        ("/endpoints/0/hostname", "\"a.b\""),
        ("/endpoints/0/deprecatedTopology", "{\"kubernetes.io/hostname\":\"n1\",\"a b\":\"c\"}"),
        (
            "/endpoints/0/hints",
            "{\"forZones\":[{\"name\":\"a\"},{\"name\":\"a\"},{\"name\":\"b c\"}],\"forNodes\":[{\"name\":\"A_\"}]}",
        ),
        ("/endpoints/0/conditions", "{\"ready\":\"yes\"}"),
        ("/endpoints/0/conditions", "{\"ready\":null,\"odd\":1}"),
        ("/ports", "[{\"port\":80},{\"port\":81}]"),
        ("/ports", "[{\"name\":\"a.b\",\"protocol\":\"ICMP\",\"appProtocol\":\"a/b/c\"}]"),
        ("/ports", "[{\"name\":\"\",\"port\":null}]"),
        ("/metadata/labels", "{\"endpointslice.kubernetes.io/managed-by\":\"endpointslice-controller.k8s.io\"}"),
    ],
    ..Kind::DEFAULT
}];

fn slice(dice: &mut Dice, _: &str) -> Value {
    let kind = *dice.one(&["IPv4", "IPv4", "IPv4", "IPv6", "FQDN"]);
    let addresses: &[&str] = match kind {
        "IPv4" => &["10.0.0.1", "10.0.0.2", "10.0.0.3"],
        "IPv6" => &["2001:db8::1", "2001:db8::2", "2001:db8::3"],
        _ => &["a.example.com", "b.example.com.", "c.example.com"],
    };
    let endpoints: Vec<Value> = (0..dice.below(4))
        .map(|_| {
            let mut endpoint = json!({"addresses": [*dice.one(addresses)]});
            if dice.once_in(2) {
                endpoint["conditions"] = json!({"ready": dice.once_in(2), "serving": true, "terminating": false});
            }
            if dice.once_in(3) {
                endpoint["targetRef"] = json!({"kind": "Pod", "namespace": "a", "name": "b"});
            }
            if dice.once_in(3) {
                endpoint["nodeName"] = (*dice.one(&["n1", "n2"])).into();
                endpoint["zone"] = "z1".into();
            }
            if dice.once_in(4) {
                endpoint["hints"] = json!({"forZones": [{"name": "z1"}], "forNodes": [{"name": "n1"}]});
            }
            endpoint
        })
        .collect();
    let mut object = json!({"addressType": kind, "endpoints": endpoints});
    match dice.below(4) {
        0 => {}
        1 => object["ports"] = json!([{"port": 80}]),
        2 => {
            object["ports"] = json!([{"name": "http", "port": 80, "appProtocol": "example.com/http"}, {"name": "dns", "protocol": "UDP", "port": 53}]);
        }
        _ => {
            object["ports"] =
                json!([{"name": ""}, {"name": "b", "port": 8080}, {"name": "c"}, {"name": "d", "port": 1}]);
        }
    }
    object
}
