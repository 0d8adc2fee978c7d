//! Definitions of custom resources. Each is of a group of its script's own: none is in another's way.

use serde_json::{Value, json};

use super::Kind;
use crate::script::Dice;

pub(super) const KINDS: &[Kind] = &[Kind {
    kind: "CustomResourceDefinition",
    api_version: "apiextensions.k8s.io/v1",
    plural: "customresourcedefinitions",
    namespaced: false,
    name: Some(|place, word| format!("{word}s.{place}.example.com")),
    variant: definition,
    poisons: &[
        ("/spec", "null"),
        ("/spec", "{}"),
        ("/spec/group", "\"\""),
        ("/spec/group", "\"single\""),
        ("/spec/group", "\"Not A Group\""),
        ("/spec/group", "\"apps.k8s.io\""),
        ("/spec/scope", "\"Galaxy\""),
        ("/spec/scope", "\"\""),
        ("/spec/preserveUnknownFields", "true"),
        ("/spec/names", "{}"),
        ("/spec/names/plural", "\"\""),
        ("/spec/names/plural", "\"Not_Plural\""),
        ("/spec/names/kind", "\"a b\""),
        ("/spec/names/kind", "\"OtherKind\""),
        ("/spec/names/listKind", "\"\""),
        ("/spec/names/singular", "\"A\""),
        ("/spec/names/shortNames", "[\"a b\",\"ok\"]"),
        ("/spec/names/shortNames", "[\"sh\",\"shrt\"]"),
        ("/spec/names/categories", "[\"All\"]"),
        ("/spec/versions", "[]"),
        ("/spec/versions", "null"),
        ("/spec/versions/0/name", "\"V1\""),
        ("/spec/versions/0/name", "\"\""),
        ("/spec/versions/0/name", "\"v2\""),
        ("/spec/versions/0/storage", "false"),
        ("/spec/versions/0/storage", "\"yes\""),
        ("/spec/versions/0/served", "false"),
        ("/spec/versions/0/deprecationWarning", "\"old\""),
        ("/spec/versions/0/deprecated", "true"),
        ("/spec/versions/0/schema", "null"),
        ("/spec/versions/0/schema", "{}"),
        ("/spec/versions/0/subresources", "{\"status\":{},\"scale\":{}}"),
        (
            "/spec/versions/0/subresources",
            "{\"scale\":{\"specReplicasPath\":\"spec.x\",\"statusReplicasPath\":\".spec.x\",\"labelSelectorPath\":\".x\"}}",
        ),
        ("/spec/versions/0/additionalPrinterColumns", "[{}]"),
        (
            "/spec/versions/0/additionalPrinterColumns",
            "[{\"name\":\"a\",\"type\":\"text\",\"format\":\"odd\",\"jsonPath\":\"spec\"}]",
        ),
        (
            "/spec/versions/0/selectableFields",
            "[{\"jsonPath\":\".spec.nothing\"},{\"jsonPath\":\"spec\"},{\"jsonPath\":\"\"}]",
        ),
        (
            "/spec/versions/0/selectableFields",
            "[{\"jsonPath\":\".spec\"},{\"jsonPath\":\".spec.text\"},{\"jsonPath\":\".spec.text\"}]",
        ),
        ("/spec/conversion", "{}"),
        ("/spec/conversion", "{\"strategy\":\"Magic\"}"),
        ("/spec/conversion", "{\"strategy\":\"Webhook\"}"),
        (
            "/spec/conversion",
            "{\"strategy\":\"None\",\"webhook\":{\"conversionReviewVersions\":[\"v1\"],\"clientConfig\":{\"url\":\"https://a/b\"}}}",
        ),
        (
            "/spec/conversion",
            "{\"strategy\":\"Webhook\",\"webhook\":{\"conversionReviewVersions\":[\"v7\"],\"clientConfig\":{\"service\":{\"name\":\"a\"}}}}",
        ),
        ("/spec/odd", "1"),
        ("/status", "{\"storedVersions\":[\"v7\"]}"),
        ("/spec/versions/0/schema/openAPIV3Schema/type", "\"\""),
        ("/spec/versions/0/schema/openAPIV3Schema/type", "\"string\""),
        ("/spec/versions/0/schema/openAPIV3Schema/nullable", "true"),
        ("/spec/versions/0/schema/openAPIV3Schema/additionalProperties", "true"),
        ("/spec/versions/0/schema/openAPIV3Schema/additionalProperties", "5"),
        ("/spec/versions/0/schema/openAPIV3Schema/minProperties", "1"),
        ("/spec/versions/0/schema/openAPIV3Schema/$ref", "\"#/x\""),
        (
            "/spec/versions/0/schema/openAPIV3Schema/properties/metadata",
            "{\"type\":\"object\",\"properties\":{\"labels\":{\"type\":\"object\"}}}",
        ),
        ("/spec/versions/0/schema/openAPIV3Schema/properties/kind", "{\"type\":\"integer\"}"),
        ("/spec/versions/0/schema/openAPIV3Schema/properties/f", "{}"),
        ("/spec/versions/0/schema/openAPIV3Schema/properties/f", "{\"type\":\"text\"}"),
        ("/spec/versions/0/schema/openAPIV3Schema/properties/f", "{\"type\":\"null\"}"),
        ("/spec/versions/0/schema/openAPIV3Schema/properties/f", "{\"type\":\"string\",\"format\":\"mood\"}"),
        ("/spec/versions/0/schema/openAPIV3Schema/properties/f", "{\"type\":\"string\",\"pattern\":\"[a\"}"),
        ("/spec/versions/0/schema/openAPIV3Schema/properties/f", "{\"type\":\"array\"}"),
        (
            "/spec/versions/0/schema/openAPIV3Schema/properties/f",
            "{\"type\":\"array\",\"items\":[{\"type\":\"string\"}]}",
        ),
        (
            "/spec/versions/0/schema/openAPIV3Schema/properties/f",
            "{\"type\":\"array\",\"uniqueItems\":true,\"items\":{\"type\":\"string\",\"odd\":1}}",
        ),
        (
            "/spec/versions/0/schema/openAPIV3Schema/properties/f",
            "{\"type\":\"object\",\"additionalProperties\":true,\"properties\":{\"a\":{\"type\":\"string\"}}}",
        ),
        (
            "/spec/versions/0/schema/openAPIV3Schema/properties/f",
            "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"a\":{\"type\":\"string\"}}}",
        ),
        ("/spec/versions/0/schema/openAPIV3Schema/properties/f", "{\"type\":\"integer\",\"default\":\"x\"}"),
        ("/spec/versions/0/schema/openAPIV3Schema/properties/f", "{\"type\":\"object\",\"default\":{\"u\":1}}"),
        (
            "/spec/versions/0/schema/openAPIV3Schema/properties/f",
            "{\"type\":\"object\",\"anyOf\":[{\"type\":\"object\",\"properties\":{\"a\":{\"minLength\":1}}}]}",
        ),
        (
            "/spec/versions/0/schema/openAPIV3Schema/properties/f",
            "{\"type\":\"object\",\"not\":{\"properties\":{\"metadata\":{}}}}",
        ),
        (
            "/spec/versions/0/schema/openAPIV3Schema/properties/f",
            "{\"x-kubernetes-int-or-string\":true,\"x-kubernetes-preserve-unknown-fields\":true}",
        ),
        (
            "/spec/versions/0/schema/openAPIV3Schema/properties/f",
            "{\"x-kubernetes-preserve-unknown-fields\":false,\"type\":\"object\"}",
        ),
        (
            "/spec/versions/0/schema/openAPIV3Schema/properties/f",
            "{\"type\":\"object\",\"x-kubernetes-embedded-resource\":true}",
        ),
        (
            "/spec/versions/0/schema/openAPIV3Schema/properties/f",
            "{\"x-kubernetes-embedded-resource\":true,\"x-kubernetes-preserve-unknown-fields\":true}",
        ),
        (
            "/spec/versions/0/schema/openAPIV3Schema/properties/f",
            "{\"type\":\"string\",\"x-kubernetes-list-type\":\"pile\"}",
        ),
        (
            "/spec/versions/0/schema/openAPIV3Schema/properties/f",
            "{\"type\":\"array\",\"items\":{\"type\":\"object\"},\"x-kubernetes-list-type\":\"set\"}",
        ),
        (
            "/spec/versions/0/schema/openAPIV3Schema/properties/f",
            "{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"x-kubernetes-list-type\":\"map\"}",
        ),
        (
            "/spec/versions/0/schema/openAPIV3Schema/properties/f",
            "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}}},\"x-kubernetes-list-type\":\"map\",\"x-kubernetes-list-map-keys\":[\"a\"]}",
        ),
        (
            "/spec/versions/0/schema/openAPIV3Schema/properties/f",
            "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"default\":\"b\"}}},\"x-kubernetes-list-type\":\"map\",\"x-kubernetes-list-map-keys\":[\"a\",\"b\"]}",
        ),
        (
            "/spec/versions/0/schema/openAPIV3Schema/properties/f",
            "{\"type\":\"string\",\"x-kubernetes-map-type\":\"odd\"}",
        ),
    ],
    status: Some(status),
    status_poisons: &[
        ("/status/acceptedNames", "{\"plural\":\"A B\",\"kind\":\"c d\"}"),
        ("/status/storedVersions", "[]"),
        ("/status/storedVersions", "5"),
        ("/status/odd", "1"),
        ("/status", "null"),
        ("/metadata/labels", "{\"new\":\"label\"}"),
        ("/spec/scope", "\"Cluster\""),
    ],
    ..Kind::DEFAULT
}];

fn definition(dice: &mut Dice, name: &str) -> Value {
    let (plural, group) = name.split_once('.').unwrap_or((name, ""));
    let word = plural.strip_suffix('s').unwrap_or(plural);
    let kind = format!("{}{}", word[..1].to_uppercase(), &word[1..]);
    let mut names = json!({"plural": plural, "kind": kind});
    match dice.below(4) {
        0 => names["singular"] = word.into(),
        1 => names["shortNames"] = json!([format!("x{word}"), format!("y{word}")]),
        2 => names["categories"] = json!(["all", "mine"]),
        _ => {}
    }
    let mut versions = vec![version(dice, "v1", true)];
    if dice.once_in(3) {
        versions.push(version(dice, "v1beta1", false));
    }
    let mut spec =
        json!({"group": group, "scope": *dice.one(&["Namespaced", "Cluster"]), "names": names, "versions": versions});
    match dice.below(5) {
        0 => spec["conversion"] = json!({"strategy": "None"}),
        1 => {
            spec["conversion"] = json!({"strategy": "Webhook", "webhook": {"conversionReviewVersions": ["v1"],
                "clientConfig": {"service": {"namespace": "default", "name": "converter"}}}});
        }
        _ => {}
    }
    json!({ "spec": spec })
}

fn version(dice: &mut Dice, name: &str, storage: bool) -> Value {
    let fields = json!({"text": {"type": "string", "maxLength": 5 + dice.below(3)}, "count": {"type": "integer", "default": dice.below(3)},
        "any": {"x-kubernetes-preserve-unknown-fields": true}, "either": {"x-kubernetes-int-or-string": true},
        "map": {"type": "object", "additionalProperties": {"type": "number", "minimum": 0.5}}});
    let schema = json!({"type": "object", "description": "words", "properties": {"spec": {"type": "object", "properties": fields},
        "status": {"type": "object", "properties": {"phase": {"type": "string", "enum": ["a", "b"]}}}}});
    let mut version = json!({"name": name, "served": true, "storage": storage, "schema": {"openAPIV3Schema": schema}});
    match dice.below(4) {
        0 => version["subresources"] = json!({"status": {}}),
        1 => {
            version["subresources"] = json!({"status": {}, "scale": {"specReplicasPath": ".spec.count", "statusReplicasPath": ".status.count"}});
        }
        _ => {}
    }
    match dice.below(5) {
        0 => {
            version["additionalPrinterColumns"] = json!([{"name": "Text", "type": "string", "jsonPath": ".spec.text"}]);
        }
        1 => version["selectableFields"] = json!([{"jsonPath": ".spec.text"}]),
        2 => {
            version["deprecated"] = true.into();
            version["deprecationWarning"] = "use another".into();
        }
        _ => {}
    }
    version
}

fn status(dice: &mut Dice) -> Value {
    json!({"acceptedNames": {"plural": "others", "kind": "Other"}, "storedVersions": ["v1"],
        "conditions": [{"type": *dice.one(&["Mine", "Yours"]), "status": "True", "reason": "Said"}]})
}
