//! Label selectors as flags: checked when the command line is read, before anything is asked or written.

use std::str::FromStr;

use k8s_openapi::apimachinery::pkg::apis::meta::v1 as meta;

use crate::object::{LabelSelector, SelectorError};

/// A selector in kubectl's syntax; empty selects everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Selector {
    text: Option<String>,
    parsed: LabelSelector,
    api: Option<meta::LabelSelector>,
}

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let parsed: LabelSelector = text.parse()?;
        let api = if parsed.everything() { None } else { Some(parsed.to_api()?) };
        Ok(Self { text: parsed.to_text(), parsed, api })
    }
}

impl Selector {
    /// What a server takes; `None` selects everything.
    pub(crate) fn text(&self) -> Option<String> {
        self.text.clone()
    }

    /// What an object's spec holds; `None` selects everything.
    pub(crate) fn api(&self) -> Option<meta::LabelSelector> {
        self.api.clone()
    }

    /// Whether an object with this metadata is selected.
    pub(crate) fn matches(&self, metadata: &meta::ObjectMeta) -> bool {
        let none = std::collections::BTreeMap::new();
        self.parsed.matches(metadata.labels.as_ref().unwrap_or(&none))
    }
}

/// The text of a selector in an object; `None` where it selects everything, its complaint where it is invalid.
pub(crate) fn text(selector: Option<&meta::LabelSelector>) -> Option<String> {
    match LabelSelector::from_api(selector) {
        Ok(selector) => selector.to_text(),
        Err(error) => Some(format!("<{error}>")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Selector, text};

    #[test]
    fn a_selector_is_checked_when_it_is_read() {
        let selector: Selector = "app=shop,tier in (web)".parse().expect("a selector");
        assert_eq!(text(selector.api().as_ref()), selector.text());
        assert_eq!("".parse::<Selector>().expect("everything").api(), None);
        assert!("a==b==c".parse::<Selector>().is_err());
        assert!("app in (".parse::<Selector>().is_err());
    }
}
