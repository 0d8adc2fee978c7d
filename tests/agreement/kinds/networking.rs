//! Kinds of networking.

use std::net::Ipv6Addr;

use serde_json::{Value, json};

use super::Kind;
use crate::script::Dice;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        kind: "Ingress",
        api_version: "networking.k8s.io/v1",
        plural: "ingresses",
        variant: ingress,
        poisons: &[
            ("/spec", "{}"),
            ("/spec", "null"),
            ("/spec/rules", "null"),
            ("/spec/rules", "[]"),
            ("/spec/rules/0/host", "\"10.0.0.1\""),
            ("/spec/rules/0/host", "\"*.Example.com\""),
            ("/spec/rules/0/host", "\"*.example.com\""),
            ("/spec/rules/0/host", "\"under_score\""),
            ("/spec/rules/0/http/paths", "[]"),
            ("/spec/rules/0/http/paths/0/pathType", "\"Odd\""),
            ("/spec/rules/0/http/paths/0/pathType", "null"),
            ("/spec/rules/0/http/paths/0/path", "\"relative//%2f/..\""),
            ("/spec/rules/0/http/paths/0/path", "\"\""),
            ("/spec/rules/0/http/paths/0/backend", "{}"),
            ("/spec/rules/0/http/paths/0/backend/resource", "{\"kind\":\"\",\"name\":\"a/b\",\"apiGroup\":\"A_b\"}"),
            ("/spec/defaultBackend", "{\"resource\":{\"kind\":\"Bucket\",\"name\":\"x\",\"apiGroup\":\"\"}}"),
            ("/spec/defaultBackend", "{\"service\":{\"name\":\"Bad_\",\"port\":{\"name\":\"x\",\"number\":5}}}"),
            ("/spec/defaultBackend", "{\"service\":{\"name\":\"\",\"port\":{\"number\":70000}}}"),
            ("/spec/defaultBackend", "{\"service\":{\"name\":\"1a\",\"port\":{\"name\":\"Not--a-port-name\"}}}"),
            ("/spec/defaultBackend", "{\"service\":{\"name\":\"a\"}}"),
            ("/spec/tls", "[{\"hosts\":[\"*.a\",\"B\",\"*b\"],\"secretName\":\"S_\"}]"),
            ("/spec/ingressClassName", "\"Not_A_Class\""),
            ("/spec/ingressClassName", "\"\""),
            ("/metadata/annotations", "{\"kubernetes.io/ingress.class\":\"other\"}"),
            ("/spec/odd", "1"),
            ("/status", "{\"loadBalancer\":{\"ingress\":[{\"ip\":\"10.0.0.1\"}]}}"),
        ],
        status: Some(ingress_status),
        status_poisons: &[
            ("/status/loadBalancer/ingress", "[{\"ip\":\"10.0.0\"},{\"hostname\":\"1.2.3.4\"}]"),
            ("/status/loadBalancer/ingress", "[{\"ip\":\"010.0.0.1\"},{\"ip\":\"::ffff:1.2.3.4\"}]"),
            ("/status/loadBalancer/ingress", "[{\"ip\":\"2001:DB8::1\",\"hostname\":\"A\"}]"),
            ("/status/loadBalancer", "null"),
            ("/status", "{}"),
            ("/spec/rules", "[]"),
            ("/metadata/labels", "{\"app\":\"c\"}"),
        ],
        ..Kind::DEFAULT
    },
    Kind {
        kind: "IngressClass",
        api_version: "networking.k8s.io/v1",
        plural: "ingressclasses",
        namespaced: false,
        variant: ingress_class,
        poisons: &[
            ("/spec/controller", "\"other.example.com/controller\""),
            ("/spec/controller", "\"\""),
            ("/spec/controller", "\"plain\""),
            ("/spec/controller", "\"Bad_/{}\""),
            ("/spec", "null"),
            ("/spec/parameters", "null"),
            ("/spec/parameters", "{}"),
            ("/spec/parameters", "{\"kind\":\"A/B\",\"name\":\"..\",\"apiGroup\":\"-\"}"),
            ("/spec/parameters", "{\"kind\":\"A\",\"name\":\"b\",\"scope\":\"Odd\"}"),
            ("/spec/parameters", "{\"kind\":\"A\",\"name\":\"b\",\"scope\":\"Namespace\"}"),
            ("/spec/parameters", "{\"kind\":\"A\",\"name\":\"b\",\"scope\":\"Namespace\",\"namespace\":\"a.b\"}"),
            ("/spec/parameters", "{\"kind\":\"A\",\"name\":\"b\",\"namespace\":\"c\"}"),
        ],
        ..Kind::DEFAULT
    },
    Kind {
        kind: "NetworkPolicy",
        api_version: "networking.k8s.io/v1",
        plural: "networkpolicies",
        variant: network_policy,
        poisons: &[
            ("/spec", "null"),
            ("/spec", "{}"),
            ("/spec/podSelector", "null"),
            ("/spec/podSelector", "{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\"}]}"),
            ("/spec/podSelector", "{\"matchExpressions\":[{\"key\":\"-\",\"operator\":\"Odd\",\"values\":[\"-\"]}]}"),
            ("/spec/podSelector", "{\"matchLabels\":{\"a\":\"b c\"}}"),
            ("/spec/policyTypes", "[\"Odd\"]"),
            ("/spec/policyTypes", "[\"Ingress\",\"Egress\",\"Ingress\"]"),
            ("/spec/policyTypes", "null"),
            ("/spec/ingress/0/ports", "[{\"port\":0,\"endPort\":70000},{\"protocol\":\"ICMP\"}]"),
            (
                "/spec/ingress/0/ports",
                "[{\"port\":80,\"endPort\":79},{\"port\":\"web\",\"endPort\":5},{\"endPort\":5}]",
            ),
            ("/spec/ingress/0/ports", "[{\"port\":\"Not_A_Port_Name_At_All\"}]"),
            ("/spec/ingress/0/from", "[{}]"),
            ("/spec/ingress/0/from", "[{\"ipBlock\":{\"cidr\":\"\"}}]"),
            ("/spec/ingress/0/from", "[{\"ipBlock\":{\"cidr\":\"10.0.0.1/8\"}}]"),
            (
                "/spec/ingress/0/from",
                "[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\",\"except\":[\"11.0.0.0/16\",\"10.0.0.0/8\",\"x\"]}}]",
            ),
            ("/spec/ingress/0/from", "[{\"ipBlock\":{\"cidr\":\"2001:DB8::/32\",\"except\":[\"2001:db8:0::/48\"]}}]"),
            ("/spec/ingress/0/from", "[{\"ipBlock\":{\"cidr\":\"010.0.0.0/08\"},\"podSelector\":{}}]"),
            ("/spec/ingress/0/from", "[{\"namespaceSelector\":{},\"podSelector\":{\"matchLabels\":{\"a\":\"b\"}}}]"),
            ("/spec/ingress/0/odd", "1"),
        ],
        ..Kind::DEFAULT
    },
    Kind {
        kind: "IPAddress",
        api_version: "networking.k8s.io/v1",
        plural: "ipaddresses",
        namespaced: false,
        variant: ip_address,
        name: Some(address),
        poisons: &[
            ("/metadata/name", "\"010.0.0.1\""),
            ("/metadata/name", "\"2001:DB8::1\""),
            ("/metadata/name", "\"::ffff:1.2.3.4\""),
            ("/spec", "null"),
            ("/spec", "{}"),
            ("/spec/parentRef", "null"),
            ("/spec/parentRef", "{}"),
            ("/spec/parentRef", "{\"group\":\"A_\",\"resource\":\"a/b\",\"namespace\":\"a%b\",\"name\":\"..\"}"),
            ("/spec/parentRef/name", "\"another\""),
            ("/spec/parentRef/group", "\"example.com\""),
        ],
        ..Kind::DEFAULT
    },
    Kind {
        kind: "ServiceCIDR",
        api_version: "networking.k8s.io/v1",
        plural: "servicecidrs",
        namespaced: false,
        variant: service_cidr,
        poisons: &[
            ("/spec", "null"),
            ("/spec/cidrs", "null"),
            ("/spec/cidrs", "[]"),
            ("/spec/cidrs", "[\"10.1.0.0/16\",\"10.2.0.0/16\"]"),
            ("/spec/cidrs", "[\"10.1.0.0/16\",\"2001:db8::/64\",\"10.2.0.0/16\"]"),
            ("/spec/cidrs", "[\"10.1.0.1/16\"]"),
            ("/spec/cidrs", "[\"010.1.0.0/16\"]"),
            ("/spec/cidrs", "[\"2001:DB8::/64\"]"),
            ("/spec/cidrs", "[\"all\",\"\"]"),
            ("/spec/cidrs", "[\"172.21.0.0/16\",\"fd00::/112\"]"),
            ("/spec/cidrs", "[\"172.22.0.0/16\"]"),
            ("/status", "{\"conditions\":[]}"),
        ],
        status: Some(conditions),
        status_poisons: &[
            ("/status/conditions", "[{\"type\":\"\",\"status\":\"Odd\"}]"),
            ("/status/conditions", "null"),
            ("/status", "null"),
            ("/spec/cidrs", "[\"10.9.0.0/16\"]"),
            ("/metadata/labels", "{\"app\":\"c\"}"),
        ],
        ..Kind::DEFAULT
    },
];

fn backend(dice: &mut Dice) -> Value {
    match dice.below(3) {
        0 => json!({"service": {"name": "web", "port": {"number": 80 + dice.below(3)}}}),
        1 => json!({"service": {"name": "1-web", "port": {"name": "http"}}}),
        _ => json!({"resource": {"apiGroup": "example.com", "kind": "Bucket", "name": *dice.one(&["a", "b"])}}),
    }
}

fn ingress(dice: &mut Dice, _: &str) -> Value {
    let mut spec = json!({});
    if dice.once_in(3) {
        spec["defaultBackend"] = backend(dice);
    }
    if dice.once_in(2) {
        spec["ingressClassName"] = (*dice.one(&["fast", "slow.example.com"])).into();
    }
    if dice.once_in(3) {
        spec["tls"] = json!([{"hosts": ["a.example.com"], "secretName": "certificate"}]);
    }
    if spec.get("defaultBackend").is_none() || dice.once_in(2) {
        let rules = (0..=dice.below(4)).map(|number| {
            let path = json!({"path": *dice.one(&["/", "/a/b", "/x"]), "pathType": *dice.one(&["Prefix", "Exact"]), "backend": backend(dice)});
            match dice.below(4) {
                0 => json!({"http": {"paths": [path]}}),
                1 => json!({"host": "*.example.com", "http": {"paths": [path,
                    {"pathType": "ImplementationSpecific", "backend": backend(dice)}]}}),
                2 => json!({"host": format!("h{number}.example.com")}),
                _ => json!({"host": format!("h{number}.example.com"), "http": {"paths": [path]}}),
            }
        });
        spec["rules"] = rules.collect::<Vec<_>>().into();
    }
    json!({"spec": spec})
}

fn ingress_status(dice: &mut Dice) -> Value {
    match dice.below(4) {
        0 => json!({"loadBalancer": {"ingress": [{"ip": *dice.one(&["10.0.0.1", "10.0.0.2"])}]}}),
        1 => {
            json!({"loadBalancer": {"ingress": [{"hostname": "lb.example.com"}, {"ip": "2001:db8::1"}, {"ip": "10.0.0.1"}]}})
        }
        2 => {
            json!({"loadBalancer": {"ingress": [{"ip": "10.0.0.1", "ports": [{"port": 80, "protocol": "TCP"}, {"port": 443, "protocol": "TCP", "error": "Closed"}]}]}})
        }
        _ => json!({"loadBalancer": {}}),
    }
}

fn ingress_class(dice: &mut Dice, _: &str) -> Value {
    let mut spec = json!({"controller": "example.com/controller"});
    match dice.below(4) {
        0 => {
            spec["parameters"] = json!({"apiGroup": "example.com", "kind": "Settings", "name": *dice.one(&["a", "b"])});
        }
        1 => {
            spec["parameters"] =
                json!({"kind": "ConfigMap", "name": "a", "scope": "Namespace", "namespace": *dice.one(&["a", "b"])});
        }
        2 => spec["parameters"] = json!({"kind": "Settings", "name": "a", "scope": "Cluster"}),
        _ => {}
    }
    json!({"spec": spec})
}

fn peer(dice: &mut Dice) -> Value {
    match dice.below(4) {
        0 => json!({"podSelector": {"matchLabels": {"app": *dice.one(&["a", "b"])}}}),
        1 => json!({"namespaceSelector": {}, "podSelector": {}}),
        2 => json!({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}),
        _ => json!({"ipBlock": {"cidr": *dice.one(&["0.0.0.0/0", "2001:db8::/32"])}}),
    }
}

fn network_policy(dice: &mut Dice, _: &str) -> Value {
    let selectors = [
        json!({}),
        json!({"matchLabels": {"tier": "db", "app": "a"}}),
        json!({"matchExpressions": [{"key": "b", "operator": "NotIn", "values": ["z", "y"]}, {"key": "a", "operator": "Exists"}],
            "matchLabels": {"aa": "x"}}),
    ];
    let mut spec = json!({"podSelector": dice.one(&selectors).clone()});
    let ports = |dice: &mut Dice| match dice.below(3) {
        0 => json!([{"port": 80}, {"port": "http", "protocol": "UDP"}]),
        1 => json!([{"port": 1000, "endPort": 2000, "protocol": "TCP"}]),
        _ => json!([{"protocol": "SCTP"}, {}]),
    };
    if dice.once_in(2) {
        spec["ingress"] = json!([{"from": [peer(dice), peer(dice)], "ports": ports(dice)}]);
    }
    if dice.once_in(3) {
        spec["egress"] = json!([{"to": [peer(dice)]}, {"ports": ports(dice)}]);
    }
    if dice.once_in(3) {
        spec["policyTypes"] = json!(*dice.one(&[&["Ingress", "Egress"][..], &["Egress"]]));
    }
    json!({"spec": spec})
}

fn ip_address(dice: &mut Dice, _: &str) -> Value {
    let parents = [
        json!({"resource": "services", "namespace": "default", "name": "web"}),
        json!({"group": "gateway.example.com", "resource": "Gateways", "name": "one"}),
    ];
    json!({"spec": {"parentRef": dice.one(&parents).clone()}})
}

/// An address of its own for every place and word.
fn address(place: &str, word: &str) -> String {
    let number: u32 = place.rsplit_once('-').and_then(|(_, number)| number.parse().ok()).unwrap_or_default();
    let [_, high, middle, low] = number.to_be_bytes();
    let last = match word {
        "one" => 1,
        "two" => 2,
        "three" => 3,
        _ => 4,
    };
    if word == "two" {
        // Far from the addresses of services.
        return std::net::Ipv4Addr::new(100, 64 + high % 64, middle, low).to_string();
    }
    let (high, low) = (u16::from(high), u16::from_be_bytes([middle, low]));
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, high, low, last).to_string()
}

fn service_cidr(dice: &mut Dice, _: &str) -> Value {
    let ranges = [json!(["172.21.0.0/16"]), json!(["fd00::/112"]), json!(["172.21.0.0/16", "fd00::/112"])];
    json!({"spec": {"cidrs": dice.one(&ranges).clone()}})
}

fn conditions(dice: &mut Dice) -> Value {
    json!({"conditions": [{"type": *dice.one(&["Known", "Seen"]), "status": *dice.one(&["True", "False"]), "reason": "Because",
        "message": *dice.one(&["", "so it is"]), "lastTransitionTime": "2026-01-01T00:00:00Z"}]})
}
