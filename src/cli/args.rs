//! Flags that several commands share, and the types of their values (ark-behaviour §9.1).
//!
//! # Differences
//! * Elements of lists are trimmed and empty ones refused: v0.6 took `a, b` as `a` and `" b"`, which matches nothing.
//! * `-o` knows `wide` and `name` too.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueHint};

use super::error::CliError;
use super::selector::Selector;

/// Longest name of a backup or restore: it becomes the value of a label.
pub(crate) const NAME_LENGTH_MAX: usize = 63;

/// Flags of every command.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// Path of the kubeconfig file; by default `$KUBECONFIG`, then ~/.kube/config, then the pod's own account
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig to use instead of its current one
    #[arg(long, global = true, value_name = "CONTEXT")]
    pub(crate) kubecontext: Option<String>,
    /// Namespace of Ark's own objects
    #[arg(short, long, global = true, value_name = "NAMESPACE", default_value = crate::api::DEFAULT_NAMESPACE)]
    pub(crate) namespace: String,
}

/// Where backups lie, for commands that can do without a server.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct StoreArgs {
    /// Work on this bucket directly, without a server: a folder, `file:///folder`, `s3://bucket/prefix`, `gs://` or `az://`
    #[arg(long, value_name = "URL", value_hint = ValueHint::AnyPath)]
    pub(crate) store: Option<String>,
}

/// What to select, for backups and restores.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Selection")]
pub(crate) struct FilterArgs {
    /// Namespaces to include, comma separated; `*` means all
    #[arg(long, value_name = "NAMESPACES", default_value = "*")]
    pub(crate) include_namespaces: StringList,
    /// Namespaces to exclude, comma separated
    #[arg(long, value_name = "NAMESPACES", default_value = "", hide_default_value = true)]
    pub(crate) exclude_namespaces: StringList,
    /// Resources to include, as plural, singular or short names with or without group; `*` means all
    #[arg(long, value_name = "RESOURCES", default_value = "", hide_default_value = true)]
    pub(crate) include_resources: StringList,
    /// Resources to exclude
    #[arg(long, value_name = "RESOURCES", default_value = "", hide_default_value = true)]
    pub(crate) exclude_resources: StringList,
    /// Only objects whose labels match, in kubectl's selector syntax
    #[arg(short = 'l', long, value_name = "SELECTOR", default_value = "", hide_default_value = true)]
    pub(crate) selector: Selector,
    /// Whether cluster-scoped resources are included; where it is not given, those that belong to the rest are
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) include_cluster_resources: Option<OptionalBool>,
}

/// Labels for the new object.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct LabelArgs {
    /// Labels to put on the new object, as key=value,key=value
    #[arg(long, value_name = "LABELS")]
    pub(crate) labels: Vec<Pairs<'='>>,
}

impl LabelArgs {
    /// All labels; a later flag wins.
    pub(crate) fn merged(&self) -> BTreeMap<String, String> {
        merged(&self.labels)
    }
}

/// How to print, for commands that show objects.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// How to print: table, wide, json, yaml or name
    #[arg(short, long, value_name = "FORMAT")]
    pub(crate) output: Option<Format>,
    /// Labels to show as columns, comma separated
    #[arg(long, value_name = "LABELS", default_value = "", hide_default_value = true)]
    pub(crate) label_columns: StringList,
    /// Show all labels in a last column
    #[arg(long)]
    pub(crate) show_labels: bool,
}

/// How objects are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// A table.
    Table,
    /// A table with more columns.
    Wide,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// `backup.ark.heptio.com/nightly`, one a line.
    Name,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "table" | "" => Ok(Self::Table),
            "wide" => Ok(Self::Wide),
            "json" => Ok(Self::Json),
            "yaml" => Ok(Self::Yaml),
            "name" => Ok(Self::Name),
            _ => Err(format!(
                "invalid output format \"{text}\" - valid values are 'table', 'wide', 'json', 'yaml', and 'name'"
            )),
        }
    }
}

/// A comma-separated list; a later flag replaces an earlier one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StringList(pub(crate) Vec<String>);

impl FromStr for StringList {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let items: Vec<String> = text.split(',').map(|item| item.trim().to_owned()).collect();
        if items.iter().any(String::is_empty) {
            return Err(format!("an element of the list {text:?} is empty"));
        }
        Ok(Self(items))
    }
}

/// `key=value,key=value`, or with another separator; repeated flags merge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pairs<const SEPARATOR: char>(pub(crate) BTreeMap<String, String>);

impl<const SEPARATOR: char> FromStr for Pairs<SEPARATOR> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut pairs = BTreeMap::new();
        for part in text.split(',') {
            let bad = || format!("error parsing \"{part}\"; write key{SEPARATOR}value");
            let (key, value) = part.split_once(SEPARATOR).ok_or_else(bad)?;
            let (key, value) = (key.trim(), value.trim());
            if key.is_empty() || value.contains(SEPARATOR) || (SEPARATOR == ':' && value.is_empty()) {
                return Err(bad());
            }
            pairs.insert(key.to_owned(), value.to_owned());
        }
        Ok(Self(pairs))
    }
}

/// All pairs of repeated flags; a later one wins.
pub(crate) fn merged<const SEPARATOR: char>(flags: &[Pairs<SEPARATOR>]) -> BTreeMap<String, String> {
    flags.iter().flat_map(|pairs| pairs.0.clone()).collect()
}

/// A flag with three states: a bare flag means true, `--flag=` means unset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OptionalBool(pub(crate) Option<bool>);

impl FromStr for OptionalBool {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "" => Ok(Self(None)),
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(Self(Some(true))),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(Self(Some(false))),
            _ => Err("write true or false".to_owned()),
        }
    }
}

/// The state of an optional flag.
pub(crate) fn tristate(flag: Option<OptionalBool>) -> Option<bool> {
    flag.and_then(|value| value.0)
}

/// Refuses names that a new backup or restore must not have: it is a folder in the bucket and the value of a label.
pub(crate) fn check_name(what: &str, name: &str) -> Result<(), CliError> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = !name.is_empty()
        && name.len() <= NAME_LENGTH_MAX
        && name.chars().all(inner)
        && !name.starts_with('-')
        && !name.ends_with('-');
    if fits {
        return Ok(());
    }
    Err(CliError::usage(format!("the name {name:?} of the {what} is not a DNS label")).hint(format!(
        "at most {NAME_LENGTH_MAX} lower-case letters, digits and `-`, with a letter or digit at both ends"
    )))
}

/// Refuses namespace names that cannot exist.
pub(crate) fn check_namespace(name: &str) -> Result<(), CliError> {
    check_name("namespace", name)
}

#[cfg(test)]
mod tests {
    use super::{Format, OptionalBool, Pairs, StringList, check_name, merged};

    #[test]
    fn lists_are_split_and_trimmed() {
        let list = |text: &str| text.parse::<StringList>().map(|list| list.0);
        assert_eq!(list("a, b,c"), Ok(vec!["a".into(), "b".into(), "c".into()]));
        assert_eq!(list(""), Ok(vec![]));
        assert!(list("a,,b").is_err());
    }

    #[test]
    fn pairs_merge_and_name_the_bad_part() {
        let pairs = |text: &str| text.parse::<Pairs<'='>>();
        let all = merged(&[pairs("a=1,b=2").expect("pairs"), pairs("b=3").expect("pairs")]);
        assert_eq!(all.into_iter().collect::<Vec<_>>(), [("a".into(), "1".into()), ("b".into(), "3".into())]);
        assert!(pairs("a=1,b").expect_err("no value").contains("error parsing \"b\""));
        assert!("shop:".parse::<Pairs<':'>>().is_err(), "a mapping needs a target");
    }

    #[test]
    fn a_flag_has_three_states() {
        assert_eq!("".parse::<OptionalBool>(), Ok(OptionalBool(None)));
        assert_eq!("F".parse::<OptionalBool>(), Ok(OptionalBool(Some(false))));
        assert!("maybe".parse::<OptionalBool>().is_err());
        assert!("xml".parse::<Format>().expect_err("no format").contains("valid values are"));
    }

    #[test]
    fn names_are_dns_labels() {
        for good in ["a", "nightly-20261123", "0"] {
            assert!(check_name("backup", good).is_ok(), "{good}");
        }
        for bad in ["", "A", "a.b", "-a", "a-", "a/b", "..", "ü", &"x".repeat(64)] {
            assert_eq!(check_name("backup", bad).expect_err("no DNS label").code(), 2, "{bad}");
        }
    }
}
