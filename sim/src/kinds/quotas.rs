//! Resource quotas: what may be counted, and which objects a quota is about.

use serde_json::{Value, json};

use super::pod_spec::internal;
use super::pod_spec::read::{entries, field, list};
use super::pod_spec::resources::{STANDARD, WHOLE, extended, huge, name_of_any};
use super::{Causes, Rules};
use crate::meta;
use crate::quantity::milli;

pub(super) const RULES: Rules = Rules {
    prepare_create: |value| value["status"] = json!({}),
    validate: |quota, causes| spec(field(quota, "spec"), causes),
    validate_update: |old, new, causes| {
        let (before, now) = (field(old, "spec"), field(new, "spec"));
        spec(now, causes);
        if scopes(before) != scopes(now) {
            causes.invalid("spec.scopes", field(now, "scopes"), "field is immutable");
        }
    },
    validate_status_update: |_, quota, causes| {
        causes.at("status", |causes| {
            for key in ["hard", "used"] {
                amounts(field(quota, "status"), key, causes);
            }
        });
    },
    warn: |old, quota| if old.is_none() { warnings(field(quota, "spec")) } else { Vec::new() },
    ..Rules::NONE
};

const TERMINATING: [&str; 2] = ["Terminating", "NotTerminating"];
const BEST_EFFORT: [&str; 2] = ["BestEffort", "NotBestEffort"];

fn scopes(spec: &Value) -> std::collections::BTreeSet<&str> {
    list(spec, "scopes").iter().filter_map(Value::as_str).collect()
}

/// Whether a quota knows what the name of a resource without a prefix means.
fn standard(name: &str) -> bool {
    (STANDARD.contains(&name) && name != "storage") || huge(name) || name.starts_with("requests.hugepages-")
}

fn amounts(holder: &Value, key: &str, causes: &mut Causes) {
    causes.at(key, |causes| {
        for (name, amount) in entries(holder, key) {
            causes.key(name, |causes| {
                name_of_any(name, causes);
                if !name.contains('/') && !standard(name) {
                    causes.invalid("", &name.as_str().into(), "must be a standard resource for quota");
                }
                let thousandths = amount.as_str().and_then(milli).unwrap_or_default();
                if thousandths < 0 {
                    causes.invalid("", amount, "must be greater than or equal to 0");
                }
                if (WHOLE.contains(&name.as_str()) || extended(name)) && thousandths % 1000 != 0 {
                    causes.invalid("", amount, "must be an integer");
                }
            });
        }
    });
}

/// Whether a scope chooses among objects that use a resource.
fn applies(scope: &str, resource: &str) -> bool {
    let compute =
        ["cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"].contains(&resource);
    match scope {
        "BestEffort" => resource == "pods",
        "Terminating" | "NotTerminating" | "NotBestEffort" | "PriorityClass" | "CrossNamespacePodAffinity" => {
            resource == "pods" || compute
        }
        "VolumeAttributesClass" => ["persistentvolumeclaims", "requests.storage"].contains(&resource),
        _ => true,
    }
}

fn known(scope: &str) -> bool {
    TERMINATING.contains(&scope)
        || BEST_EFFORT.contains(&scope)
        || ["PriorityClass", "VolumeAttributesClass", "CrossNamespacePodAffinity"].contains(&scope)
}

fn conflicts(scopes: &[&str]) -> usize {
    [BEST_EFFORT, TERMINATING].iter().filter(|pair| pair.iter().all(|scope| scopes.contains(scope))).count()
}

fn spec(spec: &Value, causes: &mut Causes) {
    causes.at("spec", |causes| {
        amounts(spec, "hard", causes);
        let misplaced =
            |scope: &str| entries(spec, "hard").filter(|(name, _)| standard(name) && !applies(scope, name)).count();
        let given = field(spec, "scopes");
        let scopes: Vec<_> = list(spec, "scopes").iter().filter_map(Value::as_str).collect();
        for scope in &scopes {
            if !known(scope) {
                causes.invalid("scopes", given, "unsupported scope");
            }
            for _ in 0..misplaced(scope) {
                causes.invalid("scopes", given, "unsupported scope applied to resource");
            }
        }
        for _ in 0..conflicts(&scopes) {
            causes.invalid("scopes", given, "conflicting scopes");
        }
        let selector = field(spec, "scopeSelector");
        causes.at("scopeSelector.matchExpressions", |causes| {
            let expressions = list(selector, "matchExpressions");
            for expression in expressions {
                let scope = meta::text(expression, "scopeName");
                if !known(scope) {
                    causes.invalid("scopeName", &scope.into(), "unsupported scope");
                }
                for _ in 0..misplaced(scope) {
                    internal::refuse("ScopeSelector", "", selector, "unsupported scope applied to resource", causes);
                }
                requirement(scope, expression, causes);
            }
            let scopes: Vec<_> = expressions.iter().map(|expression| meta::text(expression, "scopeName")).collect();
            for _ in 0..conflicts(&scopes) {
                causes.invalid("", given, "conflicting scopes");
            }
        });
    });
}

fn requirement(scope: &str, expression: &Value, causes: &mut Causes) {
    let operator = meta::text(expression, "operator");
    let shown = Value::from(operator);
    let bare = TERMINATING.contains(&scope) || BEST_EFFORT.contains(&scope) || scope == "CrossNamespacePodAffinity";
    if bare && operator != "Exists" {
        let why = "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, \
            ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
        causes.invalid("operator", &shown, why);
    }
    let empty = list(expression, "values").is_empty();
    match operator {
        "In" | "NotIn" if empty => {
            let why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
            causes.required("values", why);
        }
        "Exists" | "DoesNotExist" if !empty => {
            let why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
            causes.invalid("values", field(expression, "values"), why);
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        _ => causes.invalid("operator", &shown, "not a valid selector operator"),
    }
}

/// More may be asked for than may be used.
fn warnings(spec: &Value) -> Vec<String> {
    let amount = |name: &str| field(spec, "hard").get(name).and_then(Value::as_str);
    let mut told = Vec::new();
    for name in ["cpu", "memory", "storage", "ephemeral-storage"] {
        let (long, limited) = (format!("requests.{name}"), format!("limits.{name}"));
        let bare = amount(name).filter(|_| ["cpu", "memory"].contains(&name)).map(|asked| (name, asked));
        let asked = amount(&long).map(|asked| (long.as_str(), asked)).or(bare);
        if let (Some((name, asked)), Some(most)) = (asked, amount(&limited))
            && milli(asked) > milli(most)
        {
            told.push(format!("ResourceQuota {name} ({asked}) should be less than {limited} ({most})"));
        }
    }
    told
}
