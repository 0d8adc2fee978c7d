//! What the validation of a custom resource finds, in the words of a real server.

use serde_json::Value;

use crate::status::Cause;

/// One thing that is wrong, and the text by which a real server knows it: what it finds twice it says once.
#[derive(Clone, Debug)]
pub(super) struct Error {
    pub(super) cause: Cause,
    pub(super) text: String,
}

/// What a validation found, and how many checks were made: of several alternatives the one with the most is told.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) errors: Vec<Error>,
    pub(super) checks: usize,
}

impl Found {
    pub(super) fn add(&mut self, error: Error) {
        if !self.errors.iter().any(|known| known.text == error.text) {
            self.errors.push(error);
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.checks += other.checks;
        for error in other.errors {
            self.add(error);
        }
    }

    pub(super) fn is_valid(&self) -> bool {
        self.errors.is_empty()
    }

    /// An error of a field with the value that it shows.
    pub(super) fn invalid(&mut self, path: &str, shown: &Value, detail: &str) {
        let text = format!("{path} in body {detail}");
        self.add(Error { cause: Cause::invalid(named(path), shown, &text), text });
    }

    /// An error that is told in other words than it is known by.
    pub(super) fn told(&mut self, reason: &str, path: &str, message: String, known: &str) {
        let cause = Cause { reason: reason.to_owned(), message, field: named(path).to_owned() };
        self.add(Error { cause, text: format!("{path} in body {known}") });
    }

    /// An error of a whole schema: a real server gives it no field.
    pub(super) fn whole(&mut self, text: String) {
        let message = format!("Invalid value: \"\": {text}");
        let cause = Cause { reason: "FieldValueInvalid".to_owned(), message, field: "<nil>".to_owned() };
        self.add(Error { cause, text });
    }

    pub(super) fn type_invalid(&mut self, path: &str, shown: &Value, expected: &str) {
        let text = format!("{path} in body must be of type {expected}: {shown}");
        let reason = "FieldValueTypeInvalid".to_owned();
        self.add(Error { cause: Cause { reason, ..Cause::invalid(named(path), shown, &text) }, text });
    }
}

/// The field of a path: what stands directly in a map begins with a dot in texts only.
pub(super) fn named(path: &str) -> &str {
    path.strip_prefix('.').unwrap_or(path)
}
