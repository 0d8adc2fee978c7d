//! Limit ranges: the defaults that follow from each other, and which amounts fit together.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::pod_spec::read::{each, entries, field, list_mut, problems};
use super::pod_spec::resources::{name_in_container, name_of_any, overcommits};
use super::{Causes, Rules};
use crate::meta;
use crate::quantity::milli;
use crate::validate_name;

pub(super) const RULES: Rules = Rules {
    default,
    validate,
    validate_update: |_, new, causes| {
        causes.extend(validate_name::metadata(new));
        validate(new, causes);
    },
    ..Rules::NONE
};

/// Beyond that many units thousandths are not counted.
const MILLI_MAX: i128 = i64::MAX as i128 / 1000;

fn default(range: &mut Value) {
    let Some(spec) = range.get_mut("spec") else {
        return;
    };
    for limit in list_mut(spec, "limits").filter(|limit| limit["type"] == "Container") {
        let given = |key: &str| field(limit, key).as_object().cloned().unwrap_or_default();
        let mut most = given("default");
        fill(&mut most, &given("max"));
        let mut asked = given("defaultRequest");
        fill(&mut asked, &most);
        fill(&mut asked, &given("min"));
        for (key, amounts) in [("default", most), ("defaultRequest", asked)] {
            if let Some(limit) = limit.as_object_mut().filter(|_| !amounts.is_empty()) {
                limit.insert(key.to_owned(), Value::Object(amounts));
            }
        }
    }
}

fn fill(amounts: &mut Map<String, Value>, others: &Map<String, Value>) {
    for (name, amount) in others {
        amounts.entry(name.clone()).or_insert_with(|| amount.clone());
    }
}

fn validate(range: &Value, causes: &mut Causes) {
    let mut seen = Vec::new();
    causes.at("spec", |causes| {
        each(field(range, "spec"), "limits", causes, |limit, causes| {
            let kind = meta::text(limit, "type");
            let wrong = validate_name::qualified_name(kind);
            let plain = wrong.is_empty() && !kind.contains('/');
            problems("type", kind, wrong, causes);
            if plain && !["Pod", "Container", "PersistentVolumeClaim"].contains(&kind) {
                causes.invalid("type", &kind.into(), "must be a standard limit type or fully qualified");
            }
            if seen.contains(&kind) {
                causes.duplicate("type", &kind.into());
            }
            seen.push(kind);
            item(kind, limit, causes);
        });
    });
}

fn item(kind: &str, limit: &Value, causes: &mut Causes) {
    let mut names = BTreeSet::new();
    let mut named = |key: &'static str, causes: &mut Causes| {
        for (name, _) in entries(limit, key) {
            causes.at(key, |causes| {
                causes.key(name, |causes| match kind {
                    "Pod" | "Container" => name_in_container(name, causes),
                    _ => drop(name_of_any(name, causes)),
                });
            });
            names.insert(name.as_str());
        }
    };
    named("max", causes);
    named("min", causes);
    for key in ["default", "defaultRequest"] {
        if kind != "Pod" {
            named(key, causes);
        } else if entries(limit, key).next().is_some() {
            causes.forbidden(key, "may not be specified when `type` is 'Pod'");
        }
    }
    let has_storage = |key: &str| field(limit, key).get("storage").is_some();
    if kind == "PersistentVolumeClaim" && !has_storage("min") && !has_storage("max") {
        let why = "either minimum or maximum storage value is required, but neither was provided";
        causes.required("limits", why);
    }
    named("maxLimitRequestRatio", causes);
    for name in names {
        amounts(kind, limit, name, causes);
    }
}

/// An amount as it is shown, and in thousandths.
struct Amount<'a>(&'a Value, i128);

impl Amount<'_> {
    fn text(&self) -> &str {
        self.0.as_str().unwrap_or_default()
    }
}

/// The amounts of one resource.
fn amounts(kind: &str, limit: &Value, name: &str, causes: &mut Causes) {
    let of = |key: &str| {
        let amount = field(limit, key).get(name)?;
        Some(Amount(amount, milli(amount.as_str()?)?))
    };
    let own = |key: &str| if kind == "Pod" { None } else { of(key) };
    let (min, max, ratio) = (of("min"), of("max"), of("maxLimitRequestRatio"));
    let (most, asked) = (own("default"), own("defaultRequest"));
    // Where the cause is, which amount it shows, and the two that are in the wrong order with their words.
    let pairs = [
        ("min", &min, (&min, "min"), (&max, "max")),
        ("defaultRequest", &asked, (&min, "min"), (&asked, "default request")),
        ("defaultRequest", &asked, (&asked, "default request"), (&max, "max")),
        ("defaultRequest", &asked, (&asked, "default request"), (&most, "default limit")),
        ("default", &min, (&min, "min"), (&most, "default")),
        ("default", &max, (&most, "default"), (&max, "max")),
    ];
    for (key, shown, (low, low_word), (high, high_word)) in pairs {
        if let (Some(shown), Some(low), Some(high)) = (shown, low, high)
            && low.1 > high.1
        {
            let (less, more) = (low.text(), high.text());
            let why = format!("{low_word} value {less} is greater than {high_word} value {more}");
            causes.at(key, |causes| causes.key(name, |causes| causes.invalid("", shown.0, &why)));
        }
    }
    if let Some(ratio) = &ratio {
        causes.at("maxLimitRequestRatio", |causes| {
            causes.key(name, |causes| share(ratio, min.as_ref(), max.as_ref(), causes));
        });
    }
    if let (Some(most), Some(asked)) = (&most, &asked)
        && most.1 != asked.1
        && !overcommits(name)
    {
        let (default, request) = (most.text(), asked.text());
        let why = format!("default value {default} must equal to defaultRequest value {request} in {name}");
        causes.at("defaultRequest", |causes| causes.key(name, |causes| causes.invalid("", asked.0, &why)));
    }
}

/// How many times its request a limit may be.
#[expect(clippy::cast_precision_loss, reason = "a real server divides so")]
fn share(ratio: &Amount<'_>, min: Option<&Amount<'_>>, max: Option<&Amount<'_>>, causes: &mut Causes) {
    let text = ratio.text();
    if ratio.1 < 1000 {
        causes.invalid("", ratio.0, &format!("ratio {text} is less than 1"));
    }
    let (Some(min), Some(max)) = (min, max) else {
        return;
    };
    let units = |amount: &Amount<'_>| amount.1.div_euclid(1000) + i128::from(amount.1.rem_euclid(1000) > 0);
    let all = [ratio, min, max];
    let (given, bound) = if all.iter().all(|amount| units(amount) < MILLI_MAX) {
        (ratio.1 as f64 / 1000.0, max.1 as f64 / min.1 as f64)
    } else {
        (units(ratio) as f64, units(max) as f64 / units(min) as f64)
    };
    if given > bound {
        causes.invalid("", ratio.0, &format!("ratio {text} is greater than max/min = {bound:.6}"));
    }
}
