//! Config maps: what their keys may be.

use serde_json::{Map, Value};

use super::{Causes, Rules};

/// The longest key.
const KEY_LENGTH_MAX: usize = 253;

pub(super) const RULES: Rules =
    Rules { validate, validate_update: |_, new, causes| validate(new, causes), ..Rules::NONE };

fn validate(value: &Value, causes: &mut Causes) {
    let empty = Map::new();
    let bag = |name: &str| value.get(name).and_then(Value::as_object).unwrap_or(&empty);
    // A key in both is said once.
    for (name, other) in [("data", "binaryData"), ("binaryData", "data")] {
        causes.at(name, |causes| {
            for key in bag(name).keys() {
                causes.key(key, |causes| {
                    let given = Value::from(key.as_str());
                    for problem in key_problems(key) {
                        causes.invalid("", &given, &problem);
                    }
                    if name == "data" && bag(other).contains_key(key) {
                        causes.invalid("", &given, &format!("duplicate of key present in {other}"));
                    }
                });
            }
        });
    }
}

/// What is wrong with the key of a config map or a Secret.
fn key_problems(key: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if key.len() > KEY_LENGTH_MAX {
        problems.push(format!("must be no more than {KEY_LENGTH_MAX} bytes"));
    }
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)) {
        problems.push(
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or \
             'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
                .to_owned(),
        );
    }
    match key {
        "." => problems.push("must not be '.'".to_owned()),
        ".." => problems.push("must not be '..'".to_owned()),
        _ if key.starts_with("..") => problems.push("must not start with '..'".to_owned()),
        _ => {}
    }
    problems
}
