//! Kinds of rbac.authorization.k8s.io.

use serde_json::{Value, json};

use super::{Kind, Poisons};
use crate::script::Dice;

/// What is wrong with the subjects and the role of either binding.
const BINDING: Poisons = &[
    ("/roleRef", "{\"kind\":\"ClusterRole\",\"name\":\"other\"}"),
    ("/roleRef", "{}"),
    ("/roleRef", "null"),
    ("/roleRef/apiGroup", "\"\""),
    ("/roleRef/apiGroup", "\"example.com\""),
    ("/roleRef/kind", "\"Odd\""),
    ("/roleRef/kind", "5"),
    ("/roleRef/name", "\"\""),
    ("/roleRef/name", "\"a/b\""),
    ("/roleRef/odd", "1"),
    ("/subjects", "null"),
    ("/subjects", "[]"),
    ("/subjects", "[{}]"),
    ("/subjects", "[null]"),
    ("/subjects", "{\"kind\":\"User\"}"),
    ("/subjects/0/kind", "\"Robot\""),
    ("/subjects/0/name", "\"\""),
    ("/subjects/0/apiGroup", "\"example.com\""),
    ("/subjects", "[{\"kind\":\"ServiceAccount\",\"name\":\"Not_A_Name\"}]"),
    (
        "/subjects",
        "[{\"kind\":\"ServiceAccount\",\"name\":\"a\",\"apiGroup\":\"rbac.authorization.k8s.io\",\"namespace\":\"b\"}]",
    ),
    ("/subjects", "[{\"kind\":\"Group\",\"name\":\"a\"},{\"kind\":\"Group\",\"name\":\"a\",\"namespace\":\"b\"}]"),
];

pub(super) const KINDS: &[Kind] = &[
    Kind {
        kind: "Role",
        api_version: "rbac.authorization.k8s.io/v1",
        plural: "roles",
        variant: role,
        poisons: &[
            ("/rules", "null"),
            ("/rules", "[]"),
            ("/rules", "[{}]"),
            ("/rules", "[{\"verbs\":[\"get\"],\"nonResourceURLs\":[\"/healthz\"]}]"),
            ("/rules", "{}"),
            ("/rules/0/verbs", "[\"get\"]"),
            ("/rules/0/verbs", "[]"),
            ("/rules/0/verbs", "[5]"),
            ("/rules/0/apiGroups", "null"),
            ("/rules/0/resources", "[]"),
            ("/rules/0/resourceNames", "[\"one\",\"two\"]"),
            ("/rules/0/nonResourceURLs", "[\"/a\",\"/b<c>\"]"),
            ("/rules/0/odd", "1"),
        ],
        ..Kind::DEFAULT
    },
    Kind {
        kind: "ClusterRole",
        api_version: "rbac.authorization.k8s.io/v1",
        plural: "clusterroles",
        namespaced: false,
        variant: cluster_role,
        poisons: &[
            ("/rules", "null"),
            ("/rules", "[{\"verbs\":[\"get\"],\"nonResourceURLs\":[\"/healthz\"]}]"),
            ("/rules", "[{\"verbs\":[],\"nonResourceURLs\":[\"/healthz\"]}]"),
            ("/rules/0/verbs", "[]"),
            ("/rules/0/nonResourceURLs", "[\"/a\"]"),
            ("/rules/0/resources", "\"pods\""),
            ("/aggregationRule", "{}"),
            ("/aggregationRule", "null"),
            ("/aggregationRule", "{\"clusterRoleSelectors\":[{}]}"),
            ("/aggregationRule", "{\"clusterRoleSelectors\":[{\"matchLabels\":{\"a b\":\"c\"}}]}"),
            (
                "/aggregationRule",
                "{\"clusterRoleSelectors\":[{\"matchLabels\":{\"a\":\"-\"}},{\"matchLabels\":{\"a\":\"b\"}}]}",
            ),
            (
                "/aggregationRule",
                "{\"clusterRoleSelectors\":[{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\"}]}]}",
            ),
            (
                "/aggregationRule",
                "{\"clusterRoleSelectors\":[{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Odd\"}]}]}",
            ),
            (
                "/aggregationRule",
                "{\"clusterRoleSelectors\":[{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Exists\",\"values\":[\"b\"]}]}]}",
            ),
        ],
        ..Kind::DEFAULT
    },
    Kind {
        kind: "RoleBinding",
        api_version: "rbac.authorization.k8s.io/v1",
        plural: "rolebindings",
        variant: |dice, _| {
            let role = *dice.one(&["Role", "ClusterRole"]);
            binding(dice, role)
        },
        poisons: BINDING,
        ..Kind::DEFAULT
    },
    Kind {
        kind: "ClusterRoleBinding",
        api_version: "rbac.authorization.k8s.io/v1",
        plural: "clusterrolebindings",
        namespaced: false,
        variant: |dice, _| binding(dice, "ClusterRole"),
        poisons: BINDING,
        ..Kind::DEFAULT
    },
];

fn role(dice: &mut Dice, _: &str) -> Value {
    json!({"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": [*dice.one(&["get", "list"]), "watch"]}]})
}

fn cluster_role(dice: &mut Dice, name: &str) -> Value {
    let mut role = role(dice, name);
    match dice.below(4) {
        0 => role["aggregationRule"] = json!({"clusterRoleSelectors": [{"matchLabels": {"into": "a"}}]}),
        1 => {
            let expression = json!({"key": "into", "operator": *dice.one(&["In", "NotIn"]), "values": ["a", "b"]});
            role["aggregationRule"] = json!({"clusterRoleSelectors": [{"matchExpressions": [expression]}, {}]});
        }
        2 => role["rules"][0] = json!({"nonResourceURLs": ["/metrics"], "verbs": ["get"]}),
        _ => {}
    }
    role
}

fn binding(dice: &mut Dice, role: &str) -> Value {
    let mut binding = json!({"roleRef": {"kind": role, "name": "reader"}});
    if dice.once_in(3) {
        binding["roleRef"]["apiGroup"] = "rbac.authorization.k8s.io".into();
    }
    let subjects = [
        json!({"kind": "User", "name": "ada"}),
        json!({"kind": "Group", "name": "writers", "apiGroup": "rbac.authorization.k8s.io"}),
        json!({"kind": "ServiceAccount", "name": "robot", "namespace": "default"}),
        json!({"kind": "User", "name": "system:odd name", "apiGroup": ""}),
    ];
    if !dice.once_in(5) {
        let first = dice.below(subjects.len());
        binding["subjects"] = subjects[first..].into();
    }
    binding
}
