//! The differences between the simulator and a real API server that stay, each with its reason.

use crate::script::Step;

/// One row of the table.
pub(crate) struct Row {
    /// A word for reports.
    pub(crate) id: &'static str,
    /// What differs, and why it stays: read by people, in the README of the simulator too.
    pub(crate) reason: &'static str,
    /// Whether a difference at a step is this one.
    matches: fn(&Step, &str) -> bool,
}

pub(crate) const TABLE: &[Row] = &[
    Row {
        id: "unquoted object",
        reason: "A patch that makes an object that cannot be read: a real server quotes the whole object in the error, Secrets \
            too. The simulator quotes none.",
        matches: |step, difference| {
            step.what.ends_with("patch")
                && ["Invalid value: \\\"{", "Invalid value: \\\"map["].iter().any(|quoted| difference.contains(quoted))
                && (difference.starts_with(".body.message")
                    || difference.starts_with(".body.details.causes[0].message"))
        },
    },
    Row {
        id: "said once",
        reason: "A real server validates metadata several times on some paths, and its answer repeats the same cause. The simulator \
            may say it fewer times.",
        matches: |_, difference| {
            let Some((ours, theirs)) =
                difference.strip_prefix(".body.details.causes simulator ").and_then(|both| both.split_once(" real "))
            else {
                return false;
            };
            let set = |text: &str| -> Option<std::collections::BTreeSet<String>> {
                let causes: Vec<serde_json::Value> = serde_json::from_str(text).ok()?;
                Some(causes.iter().map(ToString::to_string).collect())
            };
            set(ours).is_some() && set(ours) == set(theirs)
        },
    },
];

/// The row that explains a difference.
pub(crate) fn why(step: &Step, difference: &str) -> Option<&'static str> {
    TABLE.iter().find(|row| (row.matches)(step, difference)).map(|row| row.id)
}

/// Whether the README of the simulator shows this table.
pub(crate) fn is_shown() -> bool {
    const README: &str = include_str!("../../sim/README.md");
    let rows = TABLE.iter().fold(String::new(), |rows, row| format!("{rows}| {} | {} |\n", row.id, row.reason));
    let shown =
        README.split_once("<!-- agreement: begin -->").and_then(|(_, rest)| rest.split_once("<!-- agreement: end -->"));
    shown.is_some_and(|(table, _)| table.trim_start() == format!("| Difference | Why |\n|---|---|\n{rows}"))
}
