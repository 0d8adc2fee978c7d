//! The rules of the kinds of autoscaling: horizontal autoscalers, in the form of `autoscaling/v2`.

use serde_json::{Value, json};

use super::autoscaler_versions::drop_annotations;
use super::pod_spec::name_in_container;
use super::pod_spec::read::{
    each, field, fill, given, inside, known_if_given, list, not_negative, number, problems, whole, whole_spec,
};
use super::{Causes, Rules, Table};
use crate::meta;
use crate::validate_name;

/// The longest period of a policy, in seconds.
const PERIOD_MAX: i64 = 1800;
/// The longest time for which older wishes count, in seconds.
const WINDOW_MAX: i64 = 3600;

const SOURCES: [&str; 5] = ["ContainerResource", "External", "Object", "Pods", "Resource"];

pub(super) const TABLE: Table = &[(
    "horizontalpodautoscalers",
    Rules {
        default,
        prepare_create: |value| value["status"] = json!({"currentMetrics": null, "desiredReplicas": 0}),
        validate: |value, causes| spec(None, field(value, "spec"), causes),
        validate_update: |old, new, causes| spec(Some(field(old, "spec")), field(new, "spec"), causes),
        validate_status_update: |_, new, causes| {
            causes.at("status", |causes| {
                for key in ["currentReplicas", "desiredReplicas"] {
                    not_negative(field(new, "status"), key, causes);
                }
            });
        },
        ..Rules::NONE
    },
)];

/// The metric of an autoscaler that names none.
pub(super) fn default_metric(utilization: &Value) -> Value {
    json!({"type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": utilization}}})
}

fn default(value: &mut Value) {
    drop_annotations(value);
    let Some(spec) = whole_spec(value) else {
        return;
    };
    fill(spec, &json!({"minReplicas": 1}));
    if list(spec, "metrics").is_empty() {
        spec["metrics"] = json!([default_metric(&json!(80))]);
    }
    if let Some(behavior) = spec.get_mut("behavior").filter(|behavior| behavior.is_object()) {
        let percent = json!({"type": "Percent", "value": 100, "periodSeconds": 15});
        let pods = json!({"type": "Pods", "value": 4, "periodSeconds": 15});
        let up = json!({"stabilizationWindowSeconds": 0, "selectPolicy": "Max", "policies": [pods, percent]});
        let down = json!({"selectPolicy": "Max", "policies": [percent]});
        fill(behavior, &json!({"scaleUp": {}, "scaleDown": {}}));
        fill(&mut behavior["scaleUp"], &up);
        fill(&mut behavior["scaleDown"], &down);
    }
}

fn spec(old: Option<&Value>, spec: &Value, causes: &mut Causes) {
    let least = |spec: &Value| whole(spec, "minReplicas");
    // None is as few as one may ask for, but where it was asked for before.
    let bound = i64::from(old.is_none_or(|old| least(old) != Some(0)));
    let most = number(spec, "maxReplicas");
    causes.at("spec", |causes| {
        if let Some(least) = least(spec).filter(|least| *least < bound) {
            causes.invalid("minReplicas", &least.into(), &format!("must be greater than or equal to {bound}"));
        }
        match most {
            0 => causes.required("maxReplicas", "must be set and greater than 0"),
            ..0 => causes.invalid("maxReplicas", &most.into(), "must be greater than or equal to 1"),
            _ => {}
        }
        if least(spec).is_some_and(|least| most < least) {
            causes.invalid("maxReplicas", &most.into(), "must be greater than or equal to `minReplicas`");
        }
        let target = field(spec, "scaleTargetRef");
        let same =
            |key| old.is_some_and(|old| meta::text(field(old, "scaleTargetRef"), key) == meta::text(target, key));
        let group = if same("apiVersion") && same("kind") {
            Group::Any
        } else if meta::text(target, "kind") == "ReplicationController" {
            Group::Readable
        } else {
            Group::Named
        };
        causes.at("scaleTargetRef", |causes| reference(target, group, causes));
        let known = old.is_some_and(|old| {
            let objects = list(old, "metrics").iter().filter(|metric| meta::text(metric, "type") == "Object");
            let mut objects = objects.filter_map(|metric| given(metric, "object"));
            objects.any(|object| group_problem(field(object, "describedObject"), Group::Readable).is_some())
        });
        let group = if known { Group::Any } else { Group::Readable };
        each(spec, "metrics", causes, |value, causes| metric(value, group, causes));
        let counts = |metric: &Value| matches!(meta::text(metric, "type"), "Object" | "External");
        if least(spec) == Some(0) && !list(spec, "metrics").iter().any(counts) {
            let why = "must specify at least one Object or External metric to support scaling to zero replicas";
            causes.forbidden("metrics", why);
        }
        inside(spec, "behavior", causes, |behavior, causes| {
            inside(behavior, "scaleUp", causes, rules);
            inside(behavior, "scaleDown", causes, rules);
        });
    });
}

/// What the version in a reference must be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    Any,
    Readable,
    /// Of a group that has a name.
    Named,
}

fn group_problem(reference: &Value, group: Group) -> Option<String> {
    let version = meta::text(reference, "apiVersion");
    if group == Group::Any {
        return None;
    }
    if version != "/" && version.matches('/').count() > 1 {
        return Some(format!("unexpected GroupVersion string: {version}"));
    }
    let named = version.split_once('/').is_some_and(|(name, _)| !name.is_empty());
    (group == Group::Named && !named).then(|| "apiVersion must specify API group".to_owned())
}

fn reference(value: &Value, group: Group, causes: &mut Causes) {
    for key in ["kind", "name"] {
        match meta::text(value, key) {
            "" => causes.required(key, ""),
            text => problems(key, text, validate_name::path_segment(text), causes),
        }
    }
    if let Some(why) = group_problem(value, group) {
        causes.invalid("apiVersion", &meta::text(value, "apiVersion").into(), &why);
    }
}

fn metric(value: &Value, group: Group, causes: &mut Causes) {
    let kind = meta::text(value, "type");
    if kind.is_empty() {
        causes.required("type", "must specify a metric source type");
    }
    let known = SOURCES.contains(&kind);
    if !known {
        causes.not_supported("type", kind, &SOURCES);
    }
    let sources = ["object", "external", "pods", "resource", "containerResource"];
    let mut there = sources.into_iter().filter(|source| given(value, source).is_some());
    // Of several sources the first is looked at.
    if let Some(first) = there.next() {
        causes.at(first, |causes| source(first, field(value, first), group, causes));
    }
    let mut letters = kind.chars();
    let small: String = letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect();
    if known {
        if given(value, &small).is_none() {
            causes.required(&small, "must populate information for the given metric source");
        }
    } else {
        causes.not_supported("type", kind, &SOURCES);
    }
    let there: Vec<_> = sources.into_iter().filter(|source| given(value, source).is_some()).collect();
    if there.len() != 1 {
        for other in there.into_iter().filter(|source| *source != small) {
            causes.forbidden(other, "must populate the given metric source only");
        }
    }
}

fn source(source: &str, value: &Value, group: Group, causes: &mut Causes) {
    let aim = field(value, "target");
    let (whole, average) = (given(aim, "value").is_some(), given(aim, "averageValue").is_some());
    let share = given(aim, "averageUtilization").is_some();
    let identifier = |causes: &mut Causes| {
        causes.at("metric", |causes| match meta::text(field(value, "metric"), "name") {
            "" => causes.required("name", "must specify a metric name"),
            name => problems("name", name, validate_name::path_segment(name), causes),
        });
        causes.at("target", |causes| target(aim, causes));
    };
    match source {
        "object" => {
            causes.at("describedObject", |causes| reference(field(value, "describedObject"), group, causes));
            identifier(causes);
            if !whole && !average {
                causes.required("target.averageValue", "must set either a target value or averageValue");
            }
        }
        "external" => {
            identifier(causes);
            if !whole && !average {
                let why = "must set either a target value for metric or a per-pod target";
                causes.required("target.averageValue", why);
            }
            if whole && average {
                let why = "may not set both a target value for metric and a per-pod target";
                causes.forbidden("target.value", why);
            }
        }
        "pods" => {
            identifier(causes);
            if !average {
                causes.required("target.averageValue", "must specify a positive target averageValue");
            }
        }
        _ => {
            match meta::text(value, "name") {
                "" => causes.required("name", "must specify a resource name"),
                name if source == "containerResource" => causes.at("name", |causes| name_in_container(name, causes)),
                _ => {}
            }
            if source == "containerResource" {
                match meta::text(value, "container") {
                    "" => causes.required("container", "must specify a container"),
                    name => problems("container", name, validate_name::label(name), causes),
                }
            }
            causes.at("target", |causes| target(aim, causes));
            if !share && !average {
                let why = "must set either a target raw value or a target utilization";
                causes.required("target.averageUtilization", why);
            }
            if share && average {
                let why = "may not set both a target raw value and a target utilization";
                causes.forbidden("target.averageValue", why);
            }
        }
    }
}

fn target(value: &Value, causes: &mut Causes) {
    let kind = meta::text(value, "type");
    if kind.is_empty() {
        causes.required("type", "must specify a metric target type");
    }
    if !["Utilization", "Value", "AverageValue"].contains(&kind) {
        causes.invalid("type", &kind.into(), "must be either Utilization, Value, or AverageValue");
    }
    for key in ["value", "averageValue"] {
        if let Some(amount) = value.get(key).filter(|amount| amount.as_str().is_some_and(|text| !is_positive(text))) {
            causes.invalid(key, amount, "must be positive");
        }
    }
    if let Some(share) = whole(value, "averageUtilization").filter(|share| *share < 1) {
        causes.invalid("averageUtilization", &share.into(), "must be greater than 0");
    }
}

/// Whether an amount in canonical form is more than nothing.
fn is_positive(amount: &str) -> bool {
    amount != "0" && !amount.starts_with('-')
}

fn rules(value: &Value, causes: &mut Causes) {
    if let Some(window) = whole(value, "stabilizationWindowSeconds") {
        if window < 0 {
            let why = "must be greater than or equal to zero";
            causes.invalid("stabilizationWindowSeconds", &window.into(), why);
        }
        if window > WINDOW_MAX {
            let why = format!("must be less than or equal to {WINDOW_MAX}");
            causes.invalid("stabilizationWindowSeconds", &window.into(), &why);
        }
    }
    known_if_given(value, "selectPolicy", &["Disabled", "Max", "Min"], causes);
    if list(value, "policies").is_empty() {
        causes.required("policies", "must specify at least one Policy");
    }
    each(value, "policies", causes, |policy, causes| {
        match meta::text(policy, "type") {
            "Pods" | "Percent" => {}
            other => causes.not_supported("type", other, &["Percent", "Pods"]),
        }
        for key in ["value", "periodSeconds"] {
            if number(policy, key) <= 0 {
                causes.invalid(key, &number(policy, key).into(), "must be greater than zero");
            }
        }
        if number(policy, "periodSeconds") > PERIOD_MAX {
            let why = format!("must be less than or equal to {PERIOD_MAX}");
            causes.invalid("periodSeconds", &number(policy, "periodSeconds").into(), &why);
        }
    });
    if let Some(tolerance) =
        value.get("tolerance").filter(|amount| amount.as_str().is_some_and(|text| text.starts_with('-')))
    {
        causes.invalid("tolerance", tolerance, "must be greater than or equal to 0");
    }
}
