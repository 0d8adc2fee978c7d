//! Config maps: what their keys may be.

use serde_json::{Map, Value};

use super::pod_spec::read::data_key;
use super::{Causes, Rules};

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
                    for problem in data_key(key) {
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
