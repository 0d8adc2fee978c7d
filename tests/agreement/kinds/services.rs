//! Services of the core group, and their endpoints.

use serde_json::{Value, json};

use super::Kind;
use crate::script::Dice;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        kind: "Service",
        api_version: "v1",
        plural: "services",
        variant: service,
        poisons: &[
            ("/spec", "{}"),
            ("/spec", "null"),
            ("/spec/type", "\"Odd\""),
            ("/spec/type", "\"ExternalName\""),
            ("/spec/type", "\"NodePort\""),
            ("/spec/type", "\"LoadBalancer\""),
            ("/spec/type", "\"ClusterIP\""),
            ("/spec/clusterIP", "\"None\""),
            ("/spec/clusterIP", "\"x\""),
            ("/spec/clusterIP", "\"8.8.8.8\""),
            ("/spec/clusterIP", "\"10.96.0.1\""),
            ("/spec/clusterIP", "\"010.096.0.7\""),
            ("/spec/clusterIP", "\"fd00::1\""),
            ("/spec/clusterIP", "null"),
            ("/spec/clusterIPs", "[\"None\",\"None\"]"),
            ("/spec/clusterIPs", "[\"8.8.8.8\"]"),
            ("/spec/clusterIPs", "[\"a\",\"b\",\"c\"]"),
            ("/spec/clusterIPs", "[]"),
            ("/spec/ipFamilies", "[\"IPv6\"]"),
            ("/spec/ipFamilies", "[\"IPv4\",\"IPv6\"]"),
            ("/spec/ipFamilies", "[\"IPv4\",\"IPv4\"]"),
            ("/spec/ipFamilies", "[\"IPv5\"]"),
            ("/spec/ipFamilyPolicy", "\"Odd\""),
            ("/spec/ipFamilyPolicy", "\"RequireDualStack\""),
            ("/spec/ipFamilyPolicy", "\"PreferDualStack\""),
            ("/spec/ports", "[]"),
            ("/spec/ports", "[{\"port\":80},{\"port\":80}]"),
            ("/spec/ports", "[{\"name\":\"a\",\"port\":80},{\"name\":\"a\",\"port\":81}]"),
            ("/spec/ports/0/port", "0"),
            ("/spec/ports/0/port", "70000"),
            ("/spec/ports/0/port", "\"x\""),
            ("/spec/ports/0/name", "\"Not_A_Name\""),
            ("/spec/ports/0/protocol", "\"ODD\""),
            ("/spec/ports/0/targetPort", "\"a--b\""),
            ("/spec/ports/0/targetPort", "0"),
            ("/spec/ports/0/nodePort", "80"),
            ("/spec/ports/0/appProtocol", "\"a b\""),
            ("/spec/selector", "{\"a b\":\"c\"}"),
            ("/spec/selector", "null"),
            ("/spec/sessionAffinity", "\"Odd\""),
            ("/spec/sessionAffinity", "\"ClientIP\""),
            ("/spec/sessionAffinityConfig", "{\"clientIP\":{\"timeoutSeconds\":99999}}"),
            ("/spec/externalIPs", "[\"127.0.0.1\"]"),
            ("/spec/externalIPs", "[\"1.2.3.4\",\"x\"]"),
            ("/spec/externalName", "\"not a name\""),
            ("/spec/externalTrafficPolicy", "\"Local\""),
            ("/spec/externalTrafficPolicy", "\"Odd\""),
            ("/spec/internalTrafficPolicy", "\"Odd\""),
            ("/spec/internalTrafficPolicy", "\"Local\""),
            ("/spec/healthCheckNodePort", "70000"),
            ("/spec/allocateLoadBalancerNodePorts", "false"),
            ("/spec/loadBalancerClass", "\"example.com/other\""),
            ("/spec/loadBalancerClass", "\"not a class\""),
            ("/spec/loadBalancerIP", "\"2001:0db8::1\""),
            ("/spec/loadBalancerSourceRanges", "[\"10.0.0.0/8\",\"10.1.2.3/8\"]"),
            ("/spec/loadBalancerSourceRanges", "[\"x\"]"),
            ("/spec/trafficDistribution", "\"PreferClose\""),
            ("/spec/trafficDistribution", "\"Odd\""),
            ("/metadata/annotations", "{\"service.beta.kubernetes.io/load-balancer-source-ranges\":\"10.0.0.0/8, y\"}"),
            ("/metadata/annotations", "{\"service.kubernetes.io/topology-aware-hints\":\"auto\"}"),
            ("/spec/odd", "1"),
        ],
        status: Some(service_status),
        status_poisons: &[
            ("/status/loadBalancer/ingress", "[{\"ip\":\"x\"}]"),
            ("/status/loadBalancer/ingress", "[{\"ip\":\"010.1.1.1\"}]"),
            ("/status/loadBalancer/ingress", "[{\"ip\":\"2001:0db8::1\"}]"),
            ("/status/loadBalancer/ingress", "[{\"hostname\":\"1.2.3.4\"}]"),
            ("/status/loadBalancer/ingress", "[{\"hostname\":\"Not A Name\"}]"),
            ("/status/loadBalancer/ingress", "[{\"ip\":\"1.2.3.4\",\"ipMode\":\"Odd\"}]"),
            ("/status/loadBalancer/ingress", "[{\"hostname\":\"a.b\",\"ipMode\":\"VIP\"}]"),
            ("/status/conditions", "5"),
            ("/status", "null"),
            ("/spec/type", "\"LoadBalancer\""),
            ("/metadata/labels", "{\"a b\":\"c\"}"),
        ],
        ..Kind::DEFAULT
    },
    Kind {
        kind: "Endpoints",
        api_version: "v1",
        plural: "endpoints",
        variant: endpoints,
        poisons: &[
            ("/subsets", "null"),
            ("/subsets", "[{}]"),
            ("/subsets", "[{\"addresses\":[],\"ports\":[{\"port\":80}]}]"),
            ("/subsets", "[{\"addresses\":[{\"ip\":\"2001:0db8::1\"}]}]"),
            ("/subsets/0/addresses", "[{\"ip\":\"x\"}]"),
            ("/subsets/0/addresses", "[{\"ip\":\"127.0.0.1\"}]"),
            ("/subsets/0/addresses", "[{\"ip\":\"010.1.2.3\"}]"),
            ("/subsets/0/addresses", "[{\"ip\":\"fe80::1\"},{\"ip\":\"224.0.0.1\"}]"),
            ("/subsets/0/addresses", "[{\"ip\":\"1.2.3.4\",\"hostname\":\"Not_A_Name\"}]"),
            ("/subsets/0/addresses", "[{\"ip\":\"1.2.3.4\",\"nodeName\":\"Not_A_Name\"}]"),
            ("/subsets/0/notReadyAddresses", "[{\"ip\":\"0.0.0.0\"}]"),
            ("/subsets/0/ports", "[{\"port\":80},{\"port\":81}]"),
            ("/subsets/0/ports", "[{\"port\":0}]"),
            ("/subsets/0/ports", "[{\"port\":80,\"protocol\":\"ODD\"}]"),
            ("/subsets/0/ports", "[{\"name\":\"Not_A_Name\",\"port\":80,\"appProtocol\":\"a b\"}]"),
            ("/subsets/0/ports", "5"),
            ("/subsets/0/odd", "1"),
            ("/metadata/labels", "{\"endpoints.kubernetes.io/managed-by\":\"endpoint-controller\"}"),
        ],
        ..Kind::DEFAULT
    },
];

fn service(dice: &mut Dice, _: &str) -> Value {
    let mut port = json!({"port": *dice.one(&[80, 8080])});
    if dice.once_in(2) {
        port["name"] = "http".into();
    }
    if dice.once_in(2) {
        port["targetPort"] = if dice.once_in(2) { json!("web") } else { json!(9376) };
    }
    let mut ports = json!([port]);
    if dice.once_in(3) {
        ports[0]["name"] = "http".into();
        ports = json!([ports[0], {"name": "dns", "port": 53, "protocol": "UDP", "appProtocol": "example.com/dns"}]);
    }
    let mut spec = json!({"selector": {"app": *dice.one(&["x", "y"])}, "ports": ports});
    match dice.below(9) {
        0 => spec["type"] = "NodePort".into(),
        1 => {
            spec["type"] = "LoadBalancer".into();
            if dice.once_in(2) {
                spec["loadBalancerSourceRanges"] = json!(["10.0.0.0/8"]);
            }
            if dice.once_in(2) {
                spec["externalTrafficPolicy"] = "Local".into();
            }
            if dice.once_in(3) {
                spec["loadBalancerClass"] = "example.com/class".into();
            }
            if dice.once_in(4) {
                spec["allocateLoadBalancerNodePorts"] = false.into();
            }
        }
        2 => spec["clusterIP"] = "None".into(),
        3 => {
            spec["clusterIP"] = "None".into();
            spec["selector"] = Value::Null;
        }
        4 => spec = json!({"type": "ExternalName", "externalName": *dice.one(&["example.com", "example.com."])}),
        5 => {
            spec["sessionAffinity"] = "ClientIP".into();
            if dice.once_in(2) {
                spec["sessionAffinityConfig"] = json!({"clientIP": {"timeoutSeconds": 60}});
            }
        }
        6 => {
            spec["ipFamilyPolicy"] = (*dice.one(&["PreferDualStack", "SingleStack"])).into();
            spec["ipFamilies"] = json!(["IPv4"]);
            spec["externalIPs"] = json!(["1.2.3.4"]);
        }
        _ => spec["type"] = "ClusterIP".into(),
    }
    json!({"spec": spec})
}

fn service_status(dice: &mut Dice) -> Value {
    let mut status = match dice.below(3) {
        0 => json!({"loadBalancer": {"ingress": [{"ip": *dice.one(&["1.2.3.4", "2001:db8::1"])}]}}),
        1 => {
            json!({"loadBalancer": {"ingress": [{"hostname": "a.example.com", "ports": [{"port": 80, "protocol": "TCP"}]}]}})
        }
        _ => json!({"loadBalancer": {}}),
    };
    if dice.once_in(2) {
        status["conditions"] = json!([{"type": "example.com/Ready", "status": *dice.one(&["True", "False"]), "reason": "R",
            "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}]);
    }
    status
}

fn endpoints(dice: &mut Dice, _: &str) -> Value {
    let address = |dice: &mut Dice| {
        let mut address = json!({"ip": *dice.one(&["10.1.2.3", "10.1.2.4", "2001:db8::1"])});
        if dice.once_in(3) {
            address["hostname"] = "a".into();
            address["nodeName"] = "node-1".into();
        }
        if dice.once_in(3) {
            address["targetRef"] = json!({"kind": "Pod", "name": "p", "namespace": "n"});
        }
        address
    };
    let mut subset = json!({"addresses": [address(dice)]});
    match dice.below(3) {
        0 => subset["ports"] = json!([{"port": 80}]),
        1 => subset["ports"] = json!([{"name": "a", "port": 80}, {"name": "b", "port": 53, "protocol": "UDP"}]),
        _ => {}
    }
    if dice.once_in(3) {
        subset["notReadyAddresses"] = json!([address(dice), {"ip": "10.1.2.9"}]);
    }
    json!({"subsets": [subset]})
}
