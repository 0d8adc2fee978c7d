//! Where a pod may run: affinity, tolerations, spread, gates.

use serde_json::Value;

use super::Pod;
use super::read::{
    each, entries, given, inside, known_if_given, label_values, labels, list, number, problems, selector, whole,
};
use crate::kinds::Causes;
use crate::meta;
use crate::validate_name;

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

fn qualified(value: &Value, key: &str, causes: &mut Causes) {
    let name = meta::text(value, key);
    problems(key, name, validate_name::qualified_name(name), causes);
}

fn weight(term: &Value, causes: &mut Causes) {
    let weight = number(term, "weight");
    if !(1..=100).contains(&weight) {
        causes.invalid("weight", &weight.into(), "must be in the range 1-100");
    }
}

/// Affinity to nodes and to, or against, other pods.
pub(super) fn affinity(pod: &Pod<'_>, causes: &mut Causes) {
    inside(pod.spec, "affinity", causes, |affinity, causes| {
        inside(affinity, "nodeAffinity", causes, node_affinity);
        for key in ["podAffinity", "podAntiAffinity"] {
            inside(affinity, key, causes, |terms, causes| {
                each(terms, REQUIRED, causes, pod_term);
                each(terms, PREFERRED, causes, |term, causes| {
                    weight(term, causes);
                    let inner = super::read::field(term, "podAffinityTerm");
                    causes.at("podAffinityTerm", |causes| pod_term(inner, causes));
                });
            });
        }
    });
}

/// Affinity to nodes.
pub(crate) fn node_affinity(affinity: &Value, causes: &mut Causes) {
    inside(affinity, REQUIRED, causes, required_nodes);
    each(affinity, PREFERRED, causes, |term, causes| {
        weight(term, causes);
        let inner = super::read::field(term, "preference");
        causes.at("preference", |causes| node_term(inner, false, causes));
    });
}

/// The nodes that will do, and no others.
pub(crate) fn required_nodes(required: &Value, causes: &mut Causes) {
    if list(required, "nodeSelectorTerms").is_empty() {
        causes.required("nodeSelectorTerms", "must have at least one node selector term");
    }
    each(required, "nodeSelectorTerms", causes, |term, causes| node_term(term, true, causes));
}

fn node_term(term: &Value, values_are_labels: bool, causes: &mut Causes) {
    each(term, "matchExpressions", causes, |requirement, causes| {
        let values = list(requirement, "values");
        match meta::text(requirement, "operator") {
            "In" | "NotIn" if values.is_empty() => {
                causes.required("values", "must be specified when `operator` is 'In' or 'NotIn'");
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                causes.forbidden("values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
            }
            "Gt" | "Lt" if values.len() != 1 => {
                causes.required("values", "must be specified single value when `operator` is 'Lt' or 'Gt'");
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
            other => causes.invalid("operator", &other.into(), "not a valid selector operator"),
        }
        qualified(requirement, "key", causes);
        if values_are_labels {
            label_values(requirement, causes);
        }
    });
    each(term, "matchFields", causes, |requirement, causes| {
        match meta::text(requirement, "operator") {
            "In" | "NotIn" if list(requirement, "values").len() != 1 => {
                let why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
                causes.required("values", why);
            }
            "In" | "NotIn" => {}
            other => causes.invalid("operator", &other.into(), "not a valid selector operator"),
        }
        let key = meta::text(requirement, "key");
        if key != "metadata.name" {
            causes.invalid("key", &key.into(), "not a valid field selector key");
            return;
        }
        each(requirement, "values", causes, |value, causes| {
            let name = value.as_str().unwrap_or_default();
            problems("", name, validate_name::subdomain(name), causes);
        });
    });
}

fn pod_term(term: &Value, causes: &mut Causes) {
    selector(term, "labelSelector", causes);
    selector(term, "namespaceSelector", causes);
    for namespace in list(term, "namespaces").iter().filter_map(Value::as_str) {
        problems("namespace", namespace, validate_name::label(namespace), causes);
    }
    label_keys(term, causes);
    if meta::text(term, "topologyKey").is_empty() {
        causes.required("topologyKey", "can not be empty");
    }
    qualified(term, "topologyKey", causes);
}

/// Labels whose values are taken from the pod itself.
fn label_keys(term: &Value, causes: &mut Causes) {
    let selector = given(term, "labelSelector");
    for key in ["matchLabelKeys", "mismatchLabelKeys"] {
        if !list(term, key).is_empty() && selector.is_none() {
            causes.forbidden(key, "must not be specified when labelSelector is not set");
        } else {
            each(term, key, causes, |name, causes| {
                let name = name.as_str().unwrap_or_default();
                problems("", name, validate_name::qualified_name(name), causes);
            });
        }
    }
    let matched: Vec<_> = list(term, "matchLabelKeys").iter().filter_map(Value::as_str).collect();
    if let Some(selector) = selector {
        let mut known: Vec<_> = entries(selector, "matchLabels").map(|(key, _)| key.as_str()).collect();
        for expression in list(selector, "matchExpressions") {
            let key = meta::text(expression, "key");
            if let Some(index) = matched.iter().rposition(|name| *name == key)
                && known.contains(&key)
            {
                let why = "exists in both matchLabelKeys and labelSelector";
                causes.index(index, |causes| causes.invalid("", &key.into(), why));
            }
            known.push(key);
        }
    }
    let mismatched: Vec<_> = list(term, "mismatchLabelKeys").iter().filter_map(Value::as_str).collect();
    for (index, key) in matched.iter().enumerate().filter(|(_, key)| mismatched.contains(key)) {
        let why = "exists in both matchLabelKeys and mismatchLabelKeys";
        causes.at("matchLabelKeys", |causes| causes.index(index, |causes| causes.invalid("", &(*key).into(), why)));
    }
}

/// The taints of nodes that a pod lives with.
pub(crate) fn tolerations(spec: &Value, causes: &mut Causes) {
    each(spec, "tolerations", causes, |toleration, causes| {
        let text = |key| meta::text(toleration, key);
        let (key, operator, value, effect) = (text("key"), text("operator"), text("value"), text("effect"));
        if !key.is_empty() {
            qualified(toleration, "key", causes);
        } else if operator != "Exists" {
            let why = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            causes.invalid("operator", &operator.into(), why);
        }
        if whole(toleration, "tolerationSeconds").is_some() && effect != "NoExecute" {
            let why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
            causes.invalid("effect", &effect.into(), why);
        }
        match operator {
            "Equal" | "" => {
                let wrong = validate_name::label_value(value);
                if !wrong.is_empty() {
                    causes.invalid("operator", &value.into(), &wrong.join(";"));
                }
            }
            "Exists" if value.is_empty() => {}
            "Exists" => causes.invalid("operator", &value.into(), "value must be empty when `operator` is 'Exists'"),
            "Lt" | "Gt" => causes.not_supported("operator", operator, &["Equal", "Exists", "Lt", "Gt"]),
            other => causes.not_supported("operator", other, &["Equal", "Exists"]),
        }
        if !effect.is_empty() {
            known_if_given(toleration, "effect", &["NoSchedule", "PreferNoSchedule", "NoExecute"], causes);
        }
    });
}

/// How the pods of a workload are spread.
pub(super) fn spread(pod: &Pod<'_>, causes: &mut Causes) {
    let constraints = list(pod.spec, "topologySpreadConstraints");
    causes.at("topologySpreadConstraints", |causes| {
        for (index, constraint) in constraints.iter().enumerate() {
            causes.index(index, |causes| constrain(constraint, &constraints[index + 1..], causes));
        }
    });
}

fn constrain(constraint: &Value, rest: &[Value], causes: &mut Causes) {
    let (key, action) = (meta::text(constraint, "topologyKey"), meta::text(constraint, "whenUnsatisfiable"));
    let positive = |key: &str, number: i64, causes: &mut Causes| {
        if number <= 0 {
            causes.invalid(key, &number.into(), "must be greater than zero");
        }
    };
    positive("maxSkew", number(constraint, "maxSkew"), causes);
    if key.is_empty() {
        causes.required("topologyKey", "can not be empty");
    }
    let actions = ["DoNotSchedule", "ScheduleAnyway"];
    if !actions.contains(&action) {
        causes.not_supported("whenUnsatisfiable", action, &actions);
    }
    let same =
        |other: &Value| meta::text(other, "topologyKey") == key && meta::text(other, "whenUnsatisfiable") == action;
    if rest.iter().any(same) {
        causes.duplicate("{topologyKey, whenUnsatisfiable}", &format!("{{{key}, {action}}}").into());
    }
    if let Some(domains) = whole(constraint, "minDomains") {
        positive("minDomains", domains, causes);
        if action != "DoNotSchedule" {
            let why = format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}");
            causes.invalid("minDomains", &domains.into(), &why);
        }
    }
    for key in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
        known_if_given(constraint, key, &["Honor", "Ignore"], causes);
    }
    label_keys(constraint, causes);
    selector(constraint, "labelSelector", causes);
}

/// Conditions and gates have qualified names; a gate is named once.
pub(super) fn gates(pod: &Pod<'_>, causes: &mut Causes) {
    each(pod.spec, "readinessGates", causes, |gate, causes| qualified(gate, "conditionType", causes));
    let mut seen = Vec::new();
    each(pod.spec, "schedulingGates", causes, |gate, causes| {
        let name = meta::text(gate, "name");
        problems("", name, validate_name::qualified_name(name), causes);
        if seen.contains(&name) {
            causes.duplicate("", &name.into());
        }
        seen.push(name);
    });
}

/// The labels that a node must have.
pub(super) fn node_selector(pod: &Pod<'_>, causes: &mut Causes) {
    labels(pod.spec, "nodeSelector", causes);
}
