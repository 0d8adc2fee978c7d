//! Collecting what is wrong with an object, with the path of each field.

use std::fmt::Display;

use serde_json::Value;

use crate::status::Cause;

/// The causes found so far and the path where the check stands.
///
/// A check goes down with [`Causes::at`], [`Causes::index`] or [`Causes::key`] and reports with paths relative to there.
#[derive(Debug, Default)]
pub(crate) struct Causes {
    found: Vec<Cause>,
    path: String,
}

impl Causes {
    /// Runs a check one field deeper; the field may be dotted, and empty is here.
    pub(crate) fn at<R>(&mut self, field: &str, check: impl FnOnce(&mut Self) -> R) -> R {
        let segment = if self.path.is_empty() || field.is_empty() { field.to_owned() } else { format!(".{field}") };
        self.within(&segment, check)
    }

    /// Runs a check on an entry of a list.
    pub(crate) fn index<R>(&mut self, index: usize, check: impl FnOnce(&mut Self) -> R) -> R {
        self.within(&format!("[{index}]"), check)
    }

    /// Runs a check on an entry of a map.
    pub(crate) fn key<R>(&mut self, key: impl Display, check: impl FnOnce(&mut Self) -> R) -> R {
        self.within(&format!("[{key}]"), check)
    }

    fn within<R>(&mut self, segment: &str, check: impl FnOnce(&mut Self) -> R) -> R {
        let length = self.path.len();
        self.path.push_str(segment);
        let result = check(self);
        self.path.truncate(length);
        result
    }

    /// The path of a field below here; an empty field is here itself.
    pub(crate) fn path(&self, field: &str) -> String {
        match (self.path.as_str(), field) {
            (here, "") => here.to_owned(),
            ("", field) => field.to_owned(),
            (here, field) => format!("{here}.{field}"),
        }
    }

    /// Any cause; its field is taken as it is.
    pub(crate) fn push(&mut self, cause: Cause) {
        self.found.push(cause);
    }

    /// Causes that another check found; their fields are taken as they are.
    pub(crate) fn extend(&mut self, found: Vec<Cause>) {
        self.found.extend(found);
    }

    /// A field that must be given.
    pub(crate) fn required(&mut self, field: &str, detail: &str) {
        self.found.push(Cause::required(&self.path(field), detail));
    }

    /// A field with a value that is wrong.
    pub(crate) fn invalid(&mut self, field: &str, value: &Value, detail: &str) {
        self.found.push(Cause::invalid(&self.path(field), value, detail));
    }

    /// A field that may not be set so.
    pub(crate) fn forbidden(&mut self, field: &str, detail: &str) {
        self.found.push(Cause::forbidden(&self.path(field), detail));
    }

    /// A field with a value outside the known ones.
    pub(crate) fn not_supported(&mut self, field: &str, value: &str, supported: &[&str]) {
        self.found.push(Cause::not_supported(&self.path(field), value, supported));
    }

    /// A value that is in the list twice.
    pub(crate) fn duplicate(&mut self, field: &str, value: &Value) {
        self.found.push(Cause::duplicate(&self.path(field), value));
    }

    /// How much was found so far.
    pub(crate) fn count(&self) -> usize {
        self.found.len()
    }

    /// What was found, in the order in which it was.
    pub(crate) fn into_found(self) -> Vec<Cause> {
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_follow_the_check() {
        let mut causes = Causes::default();
        causes.at("spec", |causes| {
            causes.at("ports", |causes| causes.index(1, |causes| causes.required("port", "")));
            causes.at("labels", |causes| causes.key("a/b", |causes| causes.forbidden("", "no")));
        });
        let fields: Vec<_> = causes.into_found().into_iter().map(|cause| cause.field).collect();
        assert_eq!(fields, ["spec.ports[1].port", "spec.labels[a/b]"]);
    }
}
