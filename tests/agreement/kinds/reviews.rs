//! Kinds that are only questions: who somebody is, and what somebody may do.

use serde_json::{Value, json};

use super::Kind;
use crate::script::Dice;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        kind: "SelfSubjectReview",
        api_version: "authentication.k8s.io/v1",
        plural: "selfsubjectreviews",
        namespaced: false,
        variant: |_, _| json!({}),
        poisons: &[
            ("/status", "{\"userInfo\":{\"username\":\"eve\"}}"),
            ("/status", "null"),
            ("/status/userInfo/extra", "{\"a\":[\"b\"]}"),
            ("/status/userInfo/groups", "5"),
            ("/spec", "{}"),
        ],
        question: true,
        ..Kind::DEFAULT
    },
    Kind {
        kind: "TokenReview",
        api_version: "authentication.k8s.io/v1",
        plural: "tokenreviews",
        namespaced: false,
        variant: |dice, _| {
            let mut review = json!({"spec": {"token": *dice.one(&["unknown", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])}});
            if dice.once_in(3) {
                review["spec"]["audiences"] = json!(["https://kubernetes.default.svc", "other"]);
            }
            review
        },
        poisons: &[
            ("/spec/token", "\"\""),
            ("/spec/token", "null"),
            ("/spec/token", "7"),
            ("/spec/audiences", "[]"),
            ("/spec/audiences", "\"other\""),
            ("/spec", "{}"),
            ("/spec", "null"),
            ("/status", "{\"authenticated\":true,\"error\":\"none\"}"),
            ("/status/user/username", "\"eve\""),
            ("/spec/odd", "1"),
        ],
        question: true,
        ..Kind::DEFAULT
    },
    Kind {
        kind: "SelfSubjectAccessReview",
        api_version: "authorization.k8s.io/v1",
        plural: "selfsubjectaccessreviews",
        namespaced: false,
        variant: |dice, _| json!({"spec": attributes(dice, false)}),
        poisons: ACCESS,
        question: true,
        ..Kind::DEFAULT
    },
    Kind {
        kind: "SubjectAccessReview",
        api_version: "authorization.k8s.io/v1",
        plural: "subjectaccessreviews",
        namespaced: false,
        variant: |dice, _| json!({"spec": subject(dice, false)}),
        poisons: ACCESS,
        question: true,
        ..Kind::DEFAULT
    },
    Kind {
        kind: "LocalSubjectAccessReview",
        api_version: "authorization.k8s.io/v1",
        plural: "localsubjectaccessreviews",
        variant: |dice, _| json!({"spec": subject(dice, true)}),
        poisons: ACCESS,
        question: true,
        ..Kind::DEFAULT
    },
    Kind {
        kind: "SelfSubjectRulesReview",
        api_version: "authorization.k8s.io/v1",
        plural: "selfsubjectrulesreviews",
        namespaced: false,
        variant: |dice, _| json!({"spec": {"namespace": *dice.one(&["default", "kube-system", "nowhere"])}}),
        poisons: &[
            ("/spec/namespace", "\"\""),
            ("/spec/namespace", "null"),
            ("/spec/namespace", "\"Not_A_Name\""),
            ("/spec/namespace", "5"),
            ("/spec", "{}"),
            ("/spec", "null"),
            ("/status", "{\"incomplete\":true}"),
            ("/status/resourceRules", "[{}]"),
            ("/status/resourceRules", "[{\"verbs\":null}]"),
            ("/spec/odd", "1"),
        ],
        question: true,
        ..Kind::DEFAULT
    },
];

const ACCESS: super::Poisons = &[
    ("/spec/resourceAttributes", "null"),
    ("/spec/resourceAttributes", "{}"),
    ("/spec/resourceAttributes", "{\"verb\":\"get\",\"namespace\":\"elsewhere\",\"resource\":\"pods\"}"),
    ("/spec/resourceAttributes", "5"),
    ("/spec/nonResourceAttributes", "null"),
    ("/spec/nonResourceAttributes", "{}"),
    ("/spec/nonResourceAttributes", "{\"verb\":\"get\",\"path\":\"/apis\"}"),
    ("/spec/resourceAttributes/namespace", "\"elsewhere\""),
    ("/spec/resourceAttributes/fieldSelector", "{}"),
    (
        "/spec/resourceAttributes/fieldSelector",
        "{\"rawSelector\":\"a=b\",\"requirements\":[{\"key\":\"a\",\"operator\":\"In\",\"values\":[\"b\"]}]}",
    ),
    ("/spec/resourceAttributes/fieldSelector", "{\"rawSelector\":\"a\"}"),
    ("/spec/resourceAttributes/fieldSelector", "{\"requirements\":[{\"key\":\"\",\"operator\":\"In\",\"values\":[]}]}"),
    (
        "/spec/resourceAttributes/fieldSelector",
        "{\"requirements\":[{\"key\":\"a\",\"operator\":\"Exists\",\"values\":[\"b\"]}]}",
    ),
    (
        "/spec/resourceAttributes/fieldSelector",
        "{\"requirements\":[{\"key\":\"a\",\"operator\":\"Exists\"},{\"key\":\"b\",\"operator\":\"In\",\"values\":[\"c\"]}]}",
    ),
    ("/spec/resourceAttributes/labelSelector", "{}"),
    ("/spec/resourceAttributes/labelSelector", "{\"rawSelector\":\"a in (\"}"),
    (
        "/spec/resourceAttributes/labelSelector",
        "{\"rawSelector\":\"a\",\"requirements\":[{\"key\":\"a\",\"operator\":\"Exists\"}]}",
    ),
    ("/spec/resourceAttributes/labelSelector", "{\"requirements\":[{\"key\":\"a b\",\"operator\":\"In\"}]}"),
    (
        "/spec/resourceAttributes/labelSelector",
        "{\"requirements\":[{\"key\":\"a\",\"operator\":\"Exists\",\"values\":[\"b c\"]}]}",
    ),
    ("/spec/resourceAttributes/labelSelector", "{\"requirements\":[{\"key\":\"a\",\"operator\":\"Odd\"}]}"),
    ("/spec/user", "\"\""),
    ("/spec/user", "null"),
    ("/spec/groups", "[]"),
    ("/spec/groups", "\"a\""),
    ("/spec/extra", "{\"a\":\"b\"}"),
    ("/spec/extra", "{\"a\":[\"b\"]}"),
    ("/spec", "{}"),
    ("/spec", "null"),
    ("/status", "{\"allowed\":true,\"reason\":\"mine\"}"),
    ("/spec/odd", "1"),
];

/// What is asked about: a resource, or a path where that may be.
fn attributes(dice: &mut Dice, local: bool) -> Value {
    if !local && dice.once_in(3) {
        return json!({"nonResourceAttributes": {"verb": "get", "path": *dice.one(&["/apis", "/metrics", "/api"])}});
    }
    let mut resource =
        json!({"verb": *dice.one(&["get", "list", "*"]), "resource": *dice.one(&["pods", "secrets", "nodes"])});
    if local {
        resource["namespace"] = "{place}".into();
    } else if dice.once_in(2) {
        resource["namespace"] = "kube-system".into();
    }
    if dice.once_in(3) {
        resource["group"] = (*dice.one(&["apps", "*", ""])).into();
        resource["version"] = (*dice.one(&["v1", "*"])).into();
    }
    if dice.once_in(3) {
        resource["subresource"] = "status".into();
        resource["name"] = "one".into();
    }
    match dice.below(6) {
        0 => resource["fieldSelector"] = json!({"rawSelector": "spec.nodeName=one"}),
        1 => {
            resource["labelSelector"] =
                json!({"requirements": [{"key": "app", "operator": "In", "values": ["a", "b"]}]});
        }
        _ => {}
    }
    json!({"resourceAttributes": resource})
}

/// Whom is asked about, and what.
fn subject(dice: &mut Dice, local: bool) -> Value {
    let mut spec = attributes(dice, local);
    match dice.below(4) {
        0 => spec["groups"] = json!(["system:masters"]),
        1 => spec["groups"] = json!(["system:authenticated", "others"]),
        _ => spec["user"] = (*dice.one(&["jane", "system:kube-scheduler", "system:anonymous"])).into(),
    }
    if dice.once_in(3) {
        spec["uid"] = "7".into();
        spec["extra"] = json!({"scopes": ["a", "b"]});
    }
    spec
}
