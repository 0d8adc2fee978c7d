//! What scripts are about: for each kind valid variants, and single changes that a server refuses, corrects or drops.
//!
//! To add a kind, add a row to [`ALL`]: a function from the dice to an object without type and metadata, and *poisons*, pairs of a pointer
//! and a JSON text that is put there.

use serde_json::{Value, json};

use crate::script::Dice;

/// A kind and what scripts do with it.
#[expect(clippy::struct_field_names, reason = "the word is Kubernetes'")]
pub(crate) struct Kind {
    pub(crate) kind: &'static str,
    pub(crate) api_version: &'static str,
    plural: &'static str,
    pub(crate) namespaced: bool,
    pub(crate) variant: fn(&mut Dice) -> Value,
    pub(crate) poisons: &'static [(&'static str, &'static str)],
}

impl Kind {
    /// The path of its collection.
    pub(crate) fn collection(&self, namespace: &str) -> String {
        let root = if self.api_version.contains('/') { "/apis" } else { "/api" };
        let place = if self.namespaced { format!("/namespaces/{namespace}") } else { String::new() };
        format!("{root}/{}{place}/{}", self.api_version, self.plural)
    }
}

/// Poisons of every kind.
pub(crate) const EVERYWHERE: &[(&str, &str)] = &[
    ("/metadata/name", "\"Not_A_Name\""),
    ("/metadata/name", "\"\""),
    ("/metadata/name", "5"),
    ("/metadata/namespace", "\"elsewhere\""),
    ("/metadata/labels", "{\"a b\":\"c\"}"),
    ("/metadata/labels", "{\"a\":\"b c\"}"),
    ("/metadata/labels", "{\"a\":5}"),
    ("/metadata/labels", "[]"),
    ("/metadata/annotations", "{\"A/B/C\":\"d\"}"),
    ("/metadata/finalizers", "[\"example.com/keep\"]"),
    ("/metadata/ownerReferences", "[{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"name\":\"a\",\"uid\":\"b\"}]"),
    ("/metadata/ownerReferences", "[{\"apiVersion\":\"v1\",\"kind\":\"\",\"name\":\"a\",\"uid\":\"\"}]"),
    ("/metadata/creationTimestamp", "null"),
    ("/metadata/uid", "\"mine\""),
    ("/metadata/odd", "1"),
    ("/odd", "{\"a\":1}"),
    ("/apiVersion", "\"v9\""),
    ("/kind", "\"Other\""),
];

/// The custom resource of the scripts.
pub(crate) fn definition() -> Value {
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "things.agree.example.com"},
        "spec": {"group": "agree.example.com", "scope": "Namespaced",
            "names": {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"},
            "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                    "spec": {"type": "object", "required": ["size"], "properties": {
                        "size": {"type": "integer", "minimum": 1, "maximum": 100},
                        "colour": {"type": "string", "enum": ["red", "blue"], "default": "red"},
                        "note": {"type": "string", "nullable": true, "maxLength": 20},
                        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                        "parts": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                            "items": {"type": "object", "required": ["name"], "properties": {
                                "name": {"type": "string"}, "weight": {"type": "integer", "default": 1}}}},
                        "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
                        "ratio": {"type": "number"}, "port": {"x-kubernetes-int-or-string": true}}},
                    "status": {"type": "object", "properties": {"phase": {"type": "string"}}}}}}}]}})
}

fn thing(dice: &mut Dice) -> Value {
    let mut spec = json!({"size": 1 + dice.below(9)});
    if dice.once_in(2) {
        spec["parts"] = json!([{"name": "a", "weight": dice.below(5)}, {"name": "b"}]);
    }
    if dice.once_in(3) {
        spec["tags"] = json!(["x", "y"]);
    }
    if dice.once_in(3) {
        spec["free"] = json!({"anything": [1, {"goes": true}]});
    }
    if dice.once_in(4) {
        spec["port"] = if dice.once_in(2) { json!("http") } else { json!(80) };
    }
    json!({"spec": spec})
}

fn config_map(dice: &mut Dice) -> Value {
    let mut map = json!({"data": {"a": *dice.one(&["1", "2"]), "b": "text"}});
    if dice.once_in(4) {
        map["binaryData"] = json!({"c": "AAEC"});
    }
    map
}

fn role(dice: &mut Dice) -> Value {
    json!({"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": [*dice.one(&["get", "list"]), "watch"]}]})
}

fn pod_template(dice: &mut Dice) -> Value {
    let mut container = json!({"name": "main", "image": *dice.one(&["nginx", "nginx:1.27"])});
    if dice.once_in(2) {
        container["ports"] = json!([{"containerPort": 80, "name": "http"}]);
    }
    if dice.once_in(2) {
        container["env"] = json!([{"name": "A", "value": *dice.one(&["1", "2"])}, {"name": "B", "value": ""}]);
    }
    if dice.once_in(3) {
        container["resources"] = json!({"limits": {"cpu": "1000m", "memory": "1024Mi"}});
    }
    if dice.once_in(4) {
        container["readinessProbe"] = json!({"httpGet": {"port": 80}});
    }
    let mut spec = json!({"containers": [container]});
    if dice.once_in(3) {
        spec["volumes"] = json!([{"name": "scratch", "emptyDir": {}}]);
    }
    json!({"metadata": {"labels": {"app": "x"}}, "spec": spec})
}

fn deployment(dice: &mut Dice) -> Value {
    json!({"spec": {"replicas": dice.below(4), "selector": {"matchLabels": {"app": "x"}}, "template": pod_template(dice)}})
}

fn pod(dice: &mut Dice) -> Value {
    json!({"spec": pod_template(dice)["spec"]})
}

fn cron_job(dice: &mut Dice) -> Value {
    let mut template = pod_template(dice);
    template["spec"]["restartPolicy"] = "Never".into();
    json!({"spec": {"schedule": *dice.one(&["0 3 * * *", "@daily"]), "jobTemplate": {"spec": {"template": template}}}})
}

/// Every kind that scripts are about.
pub(crate) const ALL: &[Kind] = &[
    Kind {
        kind: "ConfigMap",
        api_version: "v1",
        plural: "configmaps",
        namespaced: true,
        variant: config_map,
        poisons: &[
            ("/data", "{\"a/b\":\"c\"}"),
            ("/data", "{\"a\":5}"),
            ("/data", "5"),
            ("/data", "null"),
            ("/binaryData", "{\"a\":\"***\"}"),
            ("/binaryData", "{\"b\":\"AAEC\"}"),
            ("/immutable", "true"),
        ],
    },
    Kind {
        kind: "Thing",
        api_version: "agree.example.com/v1",
        plural: "things",
        namespaced: true,
        variant: thing,
        poisons: &[
            ("/spec/size", "0"),
            ("/spec/size", "1.5"),
            ("/spec/size", "\"x\""),
            ("/spec", "{}"),
            ("/spec", "null"),
            ("/spec/colour", "\"green\""),
            ("/spec/colour", "null"),
            ("/spec/note", "null"),
            ("/spec/note", "\"longer than twenty letters\""),
            ("/spec/tags", "[\"x\",\"x\"]"),
            ("/spec/unknown", "1"),
            ("/status", "{\"phase\":\"x\"}"),
        ],
    },
    Kind {
        kind: "Role",
        api_version: "rbac.authorization.k8s.io/v1",
        plural: "roles",
        namespaced: true,
        variant: role,
        poisons: &[("/rules", "null"), ("/rules/0/verbs", "[\"get\"]"), ("/rules/0/odd", "1")],
    },
    Kind {
        kind: "Deployment",
        api_version: "apps/v1",
        plural: "deployments",
        namespaced: true,
        variant: deployment,
        poisons: &[
            ("/spec/replicas", "-1"),
            ("/spec/replicas", "\"x\""),
            ("/spec/replicas", "null"),
            ("/spec/selector", "{\"matchLabels\":{\"app\":\"other\"}}"),
            ("/spec/selector", "{}"),
            ("/spec/strategy", "{\"type\":\"Odd\"}"),
            ("/spec/strategy", "{\"type\":\"Recreate\"}"),
            ("/spec/template/spec/containers", "[]"),
            ("/spec/template/spec/containers/0/name", "\"Not_A_Name\""),
            ("/spec/template/spec/containers/0/image", "\"\""),
            ("/spec/template/spec/containers/0/imagePullPolicy", "\"Odd\""),
            ("/spec/template/spec/restartPolicy", "\"Never\""),
            ("/spec/minReadySeconds", "-1"),
            ("/spec/paused", "true"),
        ],
    },
    Kind {
        kind: "Pod",
        api_version: "v1",
        plural: "pods",
        namespaced: true,
        variant: pod,
        poisons: &[
            ("/spec/containers", "[]"),
            ("/spec/containers/0/name", "\"\""),
            ("/spec/containers/0/ports", "[{\"containerPort\":99999}]"),
            ("/spec/containers/0/resources", "{\"limits\":{\"cpu\":\"abc\"}}"),
            ("/spec/restartPolicy", "\"Odd\""),
            ("/spec/dnsPolicy", "\"Odd\""),
            ("/spec/terminationGracePeriodSeconds", "5"),
            ("/spec/priorityClassName", "\"absent\""),
        ],
    },
    Kind {
        kind: "CronJob",
        api_version: "batch/v1",
        plural: "cronjobs",
        namespaced: true,
        variant: cron_job,
        poisons: &[
            ("/spec/schedule", "\"every night\""),
            ("/spec/schedule", "\"\""),
            ("/spec/concurrencyPolicy", "\"Odd\""),
            ("/spec/jobTemplate/spec/template/spec/restartPolicy", "\"Always\""),
            ("/spec/suspend", "true"),
        ],
    },
];
