//! Whether somebody holds every right of some rules, and which are missing.
//!
//! Owns the breaking of rules into single rights (one verb, one resource or path, one name), what a rule covers, and how missing
//! rights are told.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::rbac::texts;

/// One verb on one resource or path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Right<'a> {
    Resource { group: &'a str, resource: &'a str, name: Option<&'a str>, verb: &'a str },
    Path { url: &'a str, verb: &'a str },
}

/// The single rights of a rule.
fn rights(rule: &Value) -> Vec<Right<'_>> {
    let mut all = Vec::new();
    for group in texts(rule, "apiGroups") {
        for resource in texts(rule, "resources") {
            for verb in texts(rule, "verbs") {
                let mut names = texts(rule, "resourceNames").peekable();
                if names.peek().is_none() {
                    all.push(Right::Resource { group, resource, name: None, verb });
                }
                all.extend(names.map(|name| Right::Resource { group, resource, name: Some(name), verb }));
            }
        }
    }
    for url in texts(rule, "nonResourceURLs") {
        all.extend(texts(rule, "verbs").map(|verb| Right::Path { url, verb }));
    }
    all
}

/// Whether a rule gives a right.
fn covers(rule: &Value, right: &Right<'_>) -> bool {
    let has = |key: &str, wanted: &str| texts(rule, key).any(|text| text == "*" || text == wanted);
    match *right {
        Right::Resource { group, resource, name, verb } => {
            let everywhere = resource.split_once('/').map(|(_, sub)| format!("*/{sub}"));
            let resource = has("resources", resource)
                || everywhere.is_some_and(|all| texts(rule, "resources").any(|text| text == all));
            let mut names = texts(rule, "resourceNames").peekable();
            let name = names.peek().is_none() || name.is_some_and(|name| names.any(|text| text == name));
            has("verbs", verb) && has("apiGroups", group) && resource && name
        }
        Right::Path { url, verb } => {
            has("verbs", verb)
                && texts(rule, "nonResourceURLs")
                    .any(|own| own == url || own.ends_with('*') && url.starts_with(own.trim_end_matches('*')))
        }
    }
}

/// The rights of `asked` that no rule of `held` gives, a line each kind; empty where all are held.
pub(super) fn missing(held: &[&Value], asked: &[Value]) -> Vec<String> {
    let mut lines = BTreeSet::new();
    // Verbs on the same resource are told together, in their order.
    let mut verbs: BTreeMap<(&str, &str, Option<&str>), Vec<&str>> = BTreeMap::new();
    for right in asked.iter().flat_map(rights).filter(|right| !held.iter().any(|rule| covers(rule, right))) {
        match right {
            Right::Resource { group, resource, name, verb } => {
                verbs.entry((group, resource, name)).or_default().push(verb);
            }
            Right::Path { url, verb } => {
                lines.insert(format!("{{NonResourceURLs:[{url:?}], Verbs:[{verb:?}]}}"));
            }
        }
    }
    for ((group, resource, name), verbs) in verbs {
        let name = name.map_or_else(String::new, |name| format!(", ResourceNames:[{name:?}]"));
        let verbs: Vec<_> = verbs.iter().map(|verb| format!("{verb:?}")).collect();
        let verbs = verbs.join(" ");
        lines.insert(format!("{{APIGroups:[{group:?}], Resources:[{resource:?}]{name}, Verbs:[{verbs}]}}"));
    }
    lines.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_right_is_covered_by_one_rule() {
        let held = [
            json!({"apiGroups": [""], "resources": ["pods", "*/scale"], "verbs": ["get", "list"]}),
            json!({"apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["web"], "verbs": ["*"]}),
            json!({"nonResourceURLs": ["/healthz/*"], "verbs": ["get"]}),
        ];
        let held: Vec<_> = held.iter().collect();
        let covered = [
            json!({"apiGroups": [""], "resources": ["pods", "things/scale"], "verbs": ["list"]}),
            json!({"apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["web"], "verbs": ["patch"]}),
            json!({"nonResourceURLs": ["/healthz/etcd"], "verbs": ["get"]}),
        ];
        assert!(missing(&held, &covered).is_empty());
        let more = [
            json!({"apiGroups": [""], "resources": ["pods", "secrets"], "verbs": ["get", "watch", "delete"]}),
            json!({"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]}),
            json!({"apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["db"], "verbs": ["get"]}),
            json!({"nonResourceURLs": ["/metrics"], "verbs": ["get"]}),
        ];
        assert_eq!(
            missing(&held, &more),
            [
                r#"{APIGroups:[""], Resources:["pods"], Verbs:["watch" "delete"]}"#,
                r#"{APIGroups:[""], Resources:["secrets"], Verbs:["get" "watch" "delete"]}"#,
                r#"{APIGroups:["apps"], Resources:["deployments"], ResourceNames:["db"], Verbs:["get"]}"#,
                r#"{APIGroups:["apps"], Resources:["deployments"], Verbs:["get"]}"#,
                r#"{NonResourceURLs:["/metrics"], Verbs:["get"]}"#,
            ]
        );
    }
}
