//! [`LabelSelector`]: which objects a set of labels picks.
//!
//! It reads the API type (`matchLabels`, `matchExpressions`) and the text that `kubectl -l` takes, prints the text a
//! server takes, and matches labels by itself where no server can be asked, as for the objects of an archive. What it
//! holds was validated, so that the server can refuse nothing.
//!
//! # Differences
//! * A selector that is present but empty selects everything. Ark v0.6 sent it as `<none>`, which servers refuse.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use k8s_openapi::apimachinery::pkg::apis::meta::v1 as meta;
use thiserror::Error;

/// Longest label value and longest name part of a label key, in bytes; the API server's limit.
const LABEL_BYTES_MAX: usize = 63;

/// Longest prefix of a label key, in bytes; the API server's limit for DNS names.
const PREFIX_BYTES_MAX: usize = 253;

/// Longest text that is read as a selector, in bytes: a request line has room for no more.
const SELECTOR_BYTES_MAX: usize = 16 * 1024;

/// Text or fields that are no label selector.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("invalid label selector: {reason}; write for example app=shop,tier in (web,db),!canary")]
pub struct SelectorError {
    reason: String,
}

fn error<T>(reason: impl Into<String>) -> Result<T, SelectorError> {
    Err(SelectorError { reason: reason.into() })
}

/// A validated label selector. The empty one selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector {
    /// Sorted by key.
    requirements: Vec<Requirement>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Test {
    Equals(String),
    NotEquals(String),
    In(BTreeSet<String>),
    NotIn(BTreeSet<String>),
    Exists,
    Absent,
    Greater(i64),
    Less(i64),
}

impl Requirement {
    fn new(key: &str, test: Test) -> Result<Self, SelectorError> {
        check_key(key)?;
        match &test {
            Test::Equals(value) | Test::NotEquals(value) => check_value(value)?,
            Test::In(values) | Test::NotIn(values) => {
                if values.is_empty() {
                    return error(format!("the list of values for {key:?} is empty"));
                }
                values.iter().try_for_each(|value| check_value(value))?;
            }
            Test::Exists | Test::Absent | Test::Greater(_) | Test::Less(_) => {}
        }
        Ok(Self { key: key.to_owned(), test })
    }

    fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let label = labels.get(&self.key);
        let number = || label.and_then(|value| value.parse::<i64>().ok());
        match &self.test {
            Test::Equals(value) => label == Some(value),
            Test::NotEquals(value) => label != Some(value),
            Test::In(values) => label.is_some_and(|value| values.contains(value)),
            Test::NotIn(values) => label.is_none_or(|value| !values.contains(value)),
            Test::Exists => label.is_some(),
            Test::Absent => label.is_none(),
            Test::Greater(bound) => number().is_some_and(|value| value > *bound),
            Test::Less(bound) => number().is_some_and(|value| value < *bound),
        }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        let list = |values: &BTreeSet<String>| values.iter().map(String::as_str).collect::<Vec<_>>().join(",");
        match &self.test {
            Test::Equals(value) => write!(f, "{key}={value}"),
            Test::NotEquals(value) => write!(f, "{key}!={value}"),
            Test::In(values) => write!(f, "{key} in ({})", list(values)),
            Test::NotIn(values) => write!(f, "{key} notin ({})", list(values)),
            Test::Exists => f.write_str(key),
            Test::Absent => write!(f, "!{key}"),
            Test::Greater(bound) => write!(f, "{key}>{bound}"),
            Test::Less(bound) => write!(f, "{key}<{bound}"),
        }
    }
}

impl LabelSelector {
    /// From the API type; absent selects everything.
    ///
    /// # Errors
    /// Where a key, an operator or a value is one that the API server refuses.
    pub fn from_api(selector: Option<&meta::LabelSelector>) -> Result<Self, SelectorError> {
        let Some(selector) = selector else { return Ok(Self::default()) };
        let mut requirements = Vec::new();
        for (key, value) in selector.match_labels.iter().flatten() {
            requirements.push(Requirement::new(key, Test::Equals(value.clone()))?);
        }
        for expression in selector.match_expressions.iter().flatten() {
            let values: BTreeSet<String> = expression.values.iter().flatten().cloned().collect();
            let test = match (expression.operator.as_str(), values.is_empty()) {
                ("In", _) => Test::In(values),
                ("NotIn", _) => Test::NotIn(values),
                ("Exists", true) => Test::Exists,
                ("DoesNotExist", true) => Test::Absent,
                (operator @ ("Exists" | "DoesNotExist"), false) => {
                    return error(format!("operator {operator} for {:?} takes no values", expression.key));
                }
                (operator, _) => return error(format!("unknown operator {operator:?}")),
            };
            requirements.push(Requirement::new(&expression.key, test)?);
        }
        Ok(Self::sorted(requirements))
    }

    fn sorted(mut requirements: Vec<Requirement>) -> Self {
        requirements.sort();
        Self { requirements }
    }

    /// The API type that means the same, for a selector that was read from text.
    ///
    /// # Errors
    /// Where the selector compares numbers, which the API type cannot say.
    pub fn to_api(&self) -> Result<meta::LabelSelector, SelectorError> {
        let mut labels = BTreeMap::new();
        let mut expressions = Vec::new();
        for Requirement { key, test } in &self.requirements {
            let (operator, values) = match test {
                Test::Equals(value) => match labels.insert(key.clone(), value.clone()) {
                    Some(earlier) if earlier != *value => {
                        return error(format!("{key:?} cannot be both {earlier:?} and {value:?}"));
                    }
                    _ => continue,
                },
                Test::NotEquals(value) => ("NotIn", vec![value.clone()]),
                Test::In(values) => ("In", values.iter().cloned().collect()),
                Test::NotIn(values) => ("NotIn", values.iter().cloned().collect()),
                Test::Exists => ("Exists", Vec::new()),
                Test::Absent => ("DoesNotExist", Vec::new()),
                Test::Greater(_) | Test::Less(_) => return error(format!("{key:?} is compared as a number")),
            };
            expressions.push(meta::LabelSelectorRequirement {
                key: key.clone(),
                operator: operator.to_owned(),
                values: (!values.is_empty()).then_some(values),
            });
        }
        Ok(meta::LabelSelector {
            match_labels: (!labels.is_empty()).then_some(labels),
            match_expressions: (!expressions.is_empty()).then_some(expressions),
        })
    }

    /// Whether it selects everything.
    pub fn everything(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether an object with these labels is selected.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.requirements.iter().all(|requirement| requirement.matches(labels))
    }

    /// The text that a server takes as `labelSelector`; `None` where everything is selected.
    pub fn to_text(&self) -> Option<String> {
        (!self.everything()).then(|| self.to_string())
    }
}

impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, requirement) in self.requirements.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            requirement.fmt(f)?;
        }
        Ok(())
    }
}

impl FromStr for LabelSelector {
    type Err = SelectorError;

    /// Reads what `kubectl -l` takes.
    fn from_str(text: &str) -> Result<Self, SelectorError> {
        if text.len() > SELECTOR_BYTES_MAX {
            return error(format!("it is longer than {SELECTOR_BYTES_MAX} bytes"));
        }
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        split_outside_parentheses(text)?
            .into_iter()
            .map(|part| parse_requirement(part.trim()))
            .collect::<Result<_, _>>()
            .map(Self::sorted)
    }
}

fn split_outside_parentheses(text: &str) -> Result<Vec<&str>, SelectorError> {
    let (mut parts, mut start, mut open) = (Vec::new(), 0, false);
    for (at, character) in text.char_indices() {
        match character {
            '(' if open => return error("parentheses do not nest"),
            '(' => open = true,
            ')' if !open => return error("a closing parenthesis has no opening one"),
            ')' => open = false,
            ',' if !open => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if open {
        return error("a closing parenthesis is missing");
    }
    parts.push(&text[start..]);
    Ok(parts)
}

fn parse_requirement(part: &str) -> Result<Requirement, SelectorError> {
    if let Some(key) = part.strip_prefix('!') {
        return Requirement::new(key.trim(), Test::Absent);
    }
    let end = part.find(|c: char| c.is_whitespace() || "=!<>(".contains(c)).unwrap_or(part.len());
    let (key, rest) = (&part[..end], part[end..].trim());
    let number = |text: &str| match text.trim().parse::<i64>() {
        Ok(number) => Ok(number),
        Err(_) => error(format!("{key:?} is compared with something that is no whole number")),
    };
    let test = if rest.is_empty() {
        Test::Exists
    } else if let Some(value) = rest.strip_prefix("==").or_else(|| rest.strip_prefix('=')) {
        Test::Equals(value.trim().to_owned())
    } else if let Some(value) = rest.strip_prefix("!=") {
        Test::NotEquals(value.trim().to_owned())
    } else if let Some(value) = rest.strip_prefix('>') {
        Test::Greater(number(value)?)
    } else if let Some(value) = rest.strip_prefix('<') {
        Test::Less(number(value)?)
    } else if let Some(values) = rest.strip_prefix("notin") {
        Test::NotIn(parse_values(values)?)
    } else if let Some(values) = rest.strip_prefix("in") {
        Test::In(parse_values(values)?)
    } else {
        return error(format!("after {key:?} an operator is expected: =, ==, !=, in, notin, < or >"));
    };
    Requirement::new(key, test)
}

fn parse_values(text: &str) -> Result<BTreeSet<String>, SelectorError> {
    match text.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(list) => Ok(list.split(',').map(|value| value.trim().to_owned()).collect()),
        None => error("values stand in parentheses"),
    }
}

fn is_name(text: &str) -> bool {
    let edge = |c: char| c.is_ascii_alphanumeric();
    text.len() <= LABEL_BYTES_MAX
        && text.starts_with(edge)
        && text.ends_with(edge)
        && text.chars().all(|c| edge(c) || "-_.".contains(c))
}

fn check_key(key: &str) -> Result<(), SelectorError> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    let dns = |label: &str| {
        let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        label.starts_with(edge) && label.ends_with(edge) && label.chars().all(|c| edge(c) || c == '-')
    };
    let prefix_fits = prefix.is_none_or(|prefix| prefix.len() <= PREFIX_BYTES_MAX && prefix.split('.').all(dns));
    if prefix_fits && is_name(name) { Ok(()) } else { error(format!("{key:?} is no label key")) }
}

fn check_value(value: &str) -> Result<(), SelectorError> {
    if value.is_empty() || is_name(value) { Ok(()) } else { error(format!("{value:?} is no label value")) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn text_reads_as_kubectl_reads_it() {
        let web = labels(&[("app", "shop"), ("tier", "web"), ("n", "7"), ("empty", "")]);
        for (text, printed, selected) in [
            ("", "", true),
            (" ", "", true),
            ("app=shop", "app=shop", true),
            ("app==shop", "app=shop", true),
            (" app = shop , tier = db", "app=shop,tier=db", false),
            ("app!=shop", "app!=shop", false),
            ("other!=shop", "other!=shop", true),
            ("tier in (web, db)", "tier in (db,web)", true),
            ("tier notin (web)", "tier notin (web)", false),
            ("other notin (web)", "other notin (web)", true),
            ("tier in(db)", "tier in (db)", false),
            ("app", "app", true),
            ("!app", "!app", false),
            ("! other", "!other", true),
            ("in", "in", false),
            ("index=1", "index=1", false),
            ("n>6,n<8", "n>6,n<8", true),
            ("n > 7", "n>7", false),
            ("empty=", "empty=", true),
            ("example.com/a-b_c.D=x", "example.com/a-b_c.D=x", false),
        ] {
            let selector: LabelSelector = text.parse().unwrap_or_else(|error| panic!("{text:?}: {error}"));
            assert_eq!(selector.to_string(), printed, "{text:?}");
            assert_eq!(selector.matches(&web), selected, "{text:?}");
        }
    }

    #[test]
    fn what_a_server_refuses_is_refused_here() {
        for text in [
            ",",
            "a,",
            "=b",
            "a=b c",
            "a in",
            "a in b",
            "a in (b",
            "a in ((b))",
            "a)",
            "a ~ b",
            "-a=b",
            "a=-b",
            "A/b=c",
            "a/b/c",
            "a>x",
            "a=b=c",
            "!",
            "a in ()x",
        ] {
            assert!(text.parse::<LabelSelector>().is_err(), "{text:?}");
        }
        let long = "x".repeat(64);
        assert!(format!("a={long}").parse::<LabelSelector>().is_err());
        assert!(format!("a={}", "x".repeat(SELECTOR_BYTES_MAX)).parse::<LabelSelector>().is_err());
    }

    #[test]
    fn the_api_type_and_the_text_mean_the_same() {
        let api: meta::LabelSelector = serde_json::from_value(serde_json::json!({
            "matchLabels": {"app": "shop"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["web", "db"]},
                {"key": "old", "operator": "DoesNotExist"},
                {"key": "x", "operator": "NotIn", "values": ["1"]},
                {"key": "y", "operator": "Exists", "values": []},
            ],
        }))
        .expect("the API type");
        let selector = LabelSelector::from_api(Some(&api)).expect("valid");
        assert_eq!(selector.to_text().as_deref(), Some("app=shop,!old,tier in (db,web),x notin (1),y"));
        let text = selector.to_string().parse::<LabelSelector>().expect("own output");
        assert_eq!(text, selector);
        assert_eq!(LabelSelector::from_api(Some(&selector.to_api().expect("no numbers"))).expect("valid"), selector);
        assert!("n>1".parse::<LabelSelector>().expect("valid").to_api().is_err());
        assert!("a=1,a=2".parse::<LabelSelector>().expect("valid").to_api().is_err());
    }

    #[test]
    fn an_absent_and_an_empty_selector_select_everything() {
        for api in [None, Some(meta::LabelSelector::default())] {
            let selector = LabelSelector::from_api(api.as_ref()).expect("valid");
            assert_eq!((selector.everything(), selector.to_text()), (true, None));
        }
    }

    #[test]
    fn invalid_expressions_are_refused() {
        for expression in [
            serde_json::json!({"key": "a", "operator": "In"}),
            serde_json::json!({"key": "a", "operator": "Exists", "values": ["b"]}),
            serde_json::json!({"key": "a", "operator": "Near", "values": ["b"]}),
            serde_json::json!({"key": "a b", "operator": "Exists"}),
        ] {
            let api: meta::LabelSelector =
                serde_json::from_value(serde_json::json!({"matchExpressions": [expression]})).expect("the API type");
            assert!(LabelSelector::from_api(Some(&api)).is_err(), "{expression}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_is_read_prints_and_reads_back(text in "[ab=!<>(),1 in]{0,24}") {
            if let Ok(selector) = text.parse::<LabelSelector>() {
                prop_assert_eq!(selector.to_string().parse::<LabelSelector>(), Ok(selector));
            }
        }
    }
}
