//! The rules of the kinds of flowcontrol.apiserver.k8s.io.
//!
//! # Differences
//!
//! The schemas and levels that every real server makes by itself are not there, and so nothing holds whoever writes their like to them.

use serde_json::{Value, json};

use super::pod_spec::read::{each, field, fill, given, list, number, problems, required, whole, yes};
use super::{Causes, Rules, Table};
use crate::meta;
use crate::status::Cause;
use crate::validate_name;

pub(super) const TABLE: Table = &[
    (
        "flowschemas",
        Rules {
            default: |value| {
                meta::object_at(value, "spec");
                if number(&value["spec"], "matchingPrecedence") == 0 {
                    value["spec"]["matchingPrecedence"] = PRECEDENCE.into();
                }
            },
            prepare_create: |value| value["status"] = json!({}),
            validate: schema,
            validate_update: |_, value, causes| schema(value, causes),
            validate_status_update: |_, value, causes| conditions(value, causes),
            ..Rules::NONE
        },
    ),
    (
        "prioritylevelconfigurations",
        Rules {
            default: default_level,
            prepare_create: |value| value["status"] = json!({}),
            validate: level,
            validate_update: |_, value, causes| level(value, causes),
            validate_status_update: |_, value, causes| conditions(value, causes),
            ..Rules::NONE
        },
    ),
];

/// The precedence of a schema that says none, and the largest number.
const PRECEDENCE: i64 = 1000;
const PRECEDENCE_MAX: i64 = 10_000;

/// The name of the one schema, and of the one level, that nobody waits for.
const EXEMPT: &str = "exempt";

/// An annotation of an older version of the group.
const PRESERVES_ZERO: &str = "flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares";

const VERBS: [&str; 9] = ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];

const QUEUES_MAX: i64 = 10_000_000;

/// How many bits of a hash choose the queues of a flow.
const HASH_BITS: i64 = 60;

fn default_level(value: &mut Value) {
    let Some(spec) = value.get_mut("spec") else {
        return;
    };
    if let Some(limited) = spec.get_mut("limited") {
        fill(limited, &json!({"nominalConcurrencyShares": 30, "lendablePercent": 0}));
        if let Some(queuing) = limited.get_mut("limitResponse").and_then(|response| response.get_mut("queuing")) {
            for (key, default) in [("handSize", 8), ("queues", 64), ("queueLengthLimit", 50)] {
                if number(queuing, key) == 0 {
                    queuing[key] = default.into();
                }
            }
        }
    }
    if let Some(exempt) = spec.get_mut("exempt") {
        fill(exempt, &json!({"nominalConcurrencyShares": 0, "lendablePercent": 0}));
    }
}

fn schema(value: &Value, causes: &mut Causes) {
    let spec = field(value, "spec");
    causes.at("spec", |causes| {
        let precedence = number(spec, "matchingPrecedence");
        let mut wrong = |why: &str| causes.invalid("matchingPrecedence", &precedence.into(), why);
        if precedence <= 0 {
            wrong("must be a positive value");
        }
        if precedence > PRECEDENCE_MAX {
            wrong(&format!("must not be greater than {PRECEDENCE_MAX}"));
        }
        if precedence == 1 && meta::meta_text(value, "name") != EXEMPT {
            wrong("only the schema named 'exempt' may have matchingPrecedence 1");
        }
        if let Some(method) = given(spec, "distinguisherMethod") {
            let kind = meta::text(method, "type");
            if !["ByNamespace", "ByUser"].contains(&kind) {
                // The whole method is shown, by the names inside a server.
                unsupported("distinguisherMethod.type", &json!({"Type": kind}), &["ByNamespace", "ByUser"], causes);
            }
        }
        let level = field(spec, "priorityLevelConfiguration");
        match meta::text(level, "name") {
            "" => causes.required("priorityLevelConfiguration.name", "must reference a priority level"),
            name => problems("priorityLevelConfiguration.name", name, validate_name::subdomain(name), causes),
        }
        each(spec, "rules", causes, rule);
    });
    conditions(value, causes);
}

fn unsupported(field: &str, value: &Value, known: &[&str], causes: &mut Causes) {
    let known: Vec<_> = known.iter().map(|word| format!("{word:?}")).collect();
    let message = format!("Unsupported value: {value}: supported values: {}", known.join(", "));
    let field = causes.path(field);
    causes.push(Cause { reason: "FieldValueNotSupported".to_owned(), message, field });
}

fn rule(rule: &Value, causes: &mut Causes) {
    if list(rule, "subjects").is_empty() {
        causes.required("subjects", "subjects must contain at least one value");
    }
    each(rule, "subjects", causes, subject);
    if list(rule, "resourceRules").is_empty() && list(rule, "nonResourceRules").is_empty() {
        causes.required("", "at least one of resourceRules and nonResourceRules has to be non-empty");
    }
    each(rule, "resourceRules", causes, resource_rule);
    each(rule, "nonResourceRules", causes, |rule, causes| {
        verbs(rule, causes);
        let urls = meta::strings(rule.get("nonResourceURLs"));
        let key = "nonResourceURLs";
        if urls.is_empty() {
            causes.required(key, "nonResourceURLs must contain at least one value");
        } else if urls.iter().any(|url| url == "*") {
            alone(rule, key, "other non-resource URLs", causes);
        } else {
            each(rule, key, causes, |url, causes| {
                if let Some(why) = url_problem(url.as_str().unwrap_or_default()) {
                    causes.invalid("", url, why);
                }
            });
        }
    });
}

/// Subjects by kind: where they are and what they are told when they are not those of the kind.
const SUBJECTS: [(&str, &str); 3] = [("ServiceAccount", "serviceAccount"), ("User", "user"), ("Group", "group")];

fn subject(subject: &Value, causes: &mut Causes) {
    let kind = meta::text(subject, "kind");
    let Some((_, own)) = SUBJECTS.iter().find(|(known, _)| *known == kind) else {
        causes.not_supported("kind", kind, &["Group", "ServiceAccount", "User"]);
        return;
    };
    match given(subject, own) {
        None => causes.required(own, &format!("{own} is required when subject kind is '{kind}'")),
        Some(who) => causes.at(own, |causes| {
            let name = meta::text(who, "name");
            required(who, "name", causes);
            if *own != "serviceAccount" {
                return;
            }
            if !matches!(name, "" | "*") {
                problems("name", name, validate_name::subdomain(name), causes);
            }
            match meta::text(who, "namespace") {
                "" => causes.required("namespace", "must specify namespace for service account"),
                namespace => problems("namespace", namespace, validate_name::label(namespace), causes),
            }
        }),
    }
    for (kind, other) in
        ["serviceAccount", "user", "group"].iter().filter_map(|key| SUBJECTS.iter().find(|of| of.1 == *key))
    {
        if other != own && given(subject, other).is_some() {
            causes.forbidden(other, &format!("{other} is forbidden when subject kind is not '{kind}'"));
        }
    }
}

/// `*` stands for everything, so nothing stands beside it.
fn alone(rule: &Value, key: &str, others: &str, causes: &mut Causes) {
    let all = list(rule, key);
    if all.len() > 1 && all.iter().any(|entry| entry == "*") {
        causes.invalid(key, field(rule, key), &format!("if '*' is present, must not specify {others}"));
    }
}

fn verbs(rule: &Value, causes: &mut Causes) {
    let verbs = meta::strings(rule.get("verbs"));
    if verbs.is_empty() {
        causes.required("verbs", "verbs must contain at least one value");
    } else if verbs.iter().any(|verb| verb == "*") {
        alone(rule, "verbs", "other verbs", causes);
    } else if !verbs.iter().all(|verb| VERBS.contains(&verb.as_str())) {
        unsupported("verbs", field(rule, "verbs"), &VERBS, causes);
    }
}

fn resource_rule(rule: &Value, causes: &mut Causes) {
    verbs(rule, causes);
    for (key, one, others) in
        [("apiGroups", "api group", "other api groups"), ("resources", "resource", "other resources")]
    {
        if list(rule, key).is_empty() {
            causes.required(key, &format!("resource rules must supply at least one {one}"));
        }
        alone(rule, key, others, causes);
    }
    let namespaces = list(rule, "namespaces");
    if namespaces.is_empty() && !yes(rule, "clusterScope") {
        let why = "resource rules that are not cluster scoped must supply at least one namespace";
        causes.required("namespaces", why);
    } else if namespaces.iter().any(|namespace| namespace == "*") {
        alone(rule, "namespaces", "other namespaces", causes);
    } else {
        each(rule, "namespaces", causes, |namespace, causes| {
            for why in validate_name::label(namespace.as_str().unwrap_or_default()) {
                let why = format!("each member of this list must be '*' or a DNS-1123 label; {why}");
                causes.invalid("", namespace, &why);
            }
        });
    }
}

fn url_problem(url: &str) -> Option<&'static str> {
    let stars = url.matches('*').count();
    [
        (url.is_empty(), "must not be empty"),
        (!url.starts_with('/'), "must start with slash"),
        (url.contains(' '), "must not contain white-space"),
        (url.contains("//"), "must not contain double slash"),
        (stars > 1 || (stars == 1 && !url.ends_with("/*")), "wildcard can only do suffix matching"),
    ]
    .into_iter()
    .find(|(wrong, _)| *wrong)
    .map(|(_, why)| why)
}

fn level(value: &Value, causes: &mut Causes) {
    if meta::at(value, "metadata.annotations").and_then(|known| known.get(PRESERVES_ZERO)).is_some() {
        causes.forbidden("metadata.annotations", &format!("annotation '{PRESERVES_ZERO}' is forbidden"));
    }
    let spec = field(value, "spec");
    let kind = meta::text(spec, "type");
    causes.at("spec", |causes| {
        if (meta::meta_text(value, "name") == EXEMPT) != (kind == "Exempt") {
            causes.invalid("type", &kind.into(), "must be 'Exempt' if and only if `name` is 'exempt'");
        }
        let (limited, exempt) = (given(spec, "limited"), given(spec, "exempt"));
        match (kind, limited, exempt) {
            ("Exempt", limited, exempt) => {
                if limited.is_some() {
                    causes.forbidden("limited", "must be nil if the type is not Limited");
                }
                if let Some(exempt) = exempt {
                    causes.at("exempt", |causes| {
                        shares(exempt, causes);
                        percent(exempt, causes);
                    });
                }
            }
            ("Limited", limited, exempt) => {
                if exempt.is_some() {
                    causes.forbidden("exempt", "must be nil if the type is Limited");
                }
                match limited {
                    None => causes.required("limited", "must not be empty when type is Limited"),
                    Some(limited) => causes.at("limited", |causes| limits(limited, causes)),
                }
            }
            ("", ..) => causes.required("type", ""),
            (other, ..) => causes.not_supported("type", other, &["Exempt", "Limited"]),
        }
    });
    conditions(value, causes);
}

fn shares(holder: &Value, causes: &mut Causes) {
    let key = "nominalConcurrencyShares";
    let shares = number(holder, key);
    if shares < 0 {
        causes.invalid(key, &shares.into(), "must be a non-negative integer");
    }
}

fn percent(holder: &Value, causes: &mut Causes) {
    super::pod_spec::read::between(holder, "lendablePercent", 0, 100, causes);
}

fn limits(limited: &Value, causes: &mut Causes) {
    shares(limited, causes);
    let response = field(limited, "limitResponse");
    causes.at("limitResponse", |causes| {
        let queuing = given(response, "queuing");
        match meta::text(response, "type") {
            "Reject" => {
                if queuing.is_some() {
                    causes.forbidden("queuing", "must be nil if limited.limitResponse.type is not Limited");
                }
            }
            "Queue" => match queuing {
                None => causes.required("queuing", "must not be empty if limited.limitResponse.type is Limited"),
                Some(queuing) => causes.at("queuing", |causes| queues(queuing, causes)),
            },
            "" => causes.required("type", ""),
            other => causes.not_supported("type", other, &["Queue", "Reject"]),
        }
    });
    percent(limited, causes);
    if let Some(borrowed) = whole(limited, "borrowingLimitPercent").filter(|percent| *percent < 0) {
        causes.invalid("borrowingLimitPercent", &borrowed.into(), "if specified, must be a non-negative integer");
    }
}

fn queues(queuing: &Value, causes: &mut Causes) {
    let (length, queues, hand) =
        (number(queuing, "queueLengthLimit"), number(queuing, "queues"), number(queuing, "handSize"));
    if length <= 0 {
        causes.invalid("queueLengthLimit", &length.into(), "must be positive");
    }
    if queues <= 0 {
        causes.invalid("queues", &queues.into(), "must be positive");
    } else if queues > QUEUES_MAX {
        causes.invalid("queues", &queues.into(), &format!("must not be greater than {QUEUES_MAX}"));
    }
    if hand <= 0 {
        causes.invalid("handSize", &hand.into(), "must be positive");
    } else if hand > queues {
        causes.invalid("handSize", &hand.into(), &format!("should not be greater than queues ({queues})"));
    } else if entropy(queues, hand) > HASH_BITS {
        let why = format!(
            "required entropy bits of deckSize {queues} and handSize {hand} should not be greater than {HASH_BITS}"
        );
        causes.invalid("handSize", &hand.into(), &why);
    }
}

/// How many bits choose so many queues out of so many. Both fit 32 bits.
fn entropy(queues: i64, hand: i64) -> i64 {
    let (Ok(queues), Ok(hand)) = (i32::try_from(queues), i32::try_from(hand)) else {
        return i64::MAX;
    };
    #[expect(clippy::cast_possible_truncation, reason = "at most 31 bits for each of at most 2^31")]
    let bits = (f64::from(queues).log2() * f64::from(hand)).ceil() as i64;
    bits
}

fn conditions(value: &Value, causes: &mut Causes) {
    let mut known = Vec::new();
    causes.at("status", |causes| {
        each(field(value, "status"), "conditions", causes, |condition, causes| {
            let kind = meta::text(condition, "type");
            if known.contains(&kind) {
                causes.duplicate("type", &kind.into());
            }
            known.push(kind);
            required(condition, "type", causes);
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hand_fits_the_hash() {
        assert_eq!(entropy(64, 8), 48);
        assert_eq!(entropy(64, 10), HASH_BITS);
        assert_eq!(entropy(1024, 7), 70);
    }

    #[test]
    fn only_the_end_of_a_url_may_be_open() {
        for (url, taken) in
            [("/", true), ("/healthz/*", true), ("/*", true), ("/a*", false), ("/a//b", false), ("a", false)]
        {
            assert_eq!(url_problem(url).is_none(), taken, "{url}");
        }
    }
}
