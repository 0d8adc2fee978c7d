//! Label and field selectors.
//!
//! Owns their grammar, with the messages of a real server for what does not parse, and what they match. A label that is absent
//! matches `!=` and `notin`.

mod fields;
mod labels;

pub use fields::FieldSelector;
pub use labels::LabelSelector;

use serde_json::{Map, Value};

use crate::meta;
use crate::object::Object;
use crate::resource::ResourceDef;
use crate::status::Status;

/// Both selectors of a list or a watch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    labels: LabelSelector,
    fields: FieldSelector,
}

impl Selection {
    pub(crate) fn parse(def: &ResourceDef, labels: Option<&str>, fields: Option<&str>) -> Result<Self, Status> {
        let labels = labels.unwrap_or_default().parse::<LabelSelector>();
        let fields = FieldSelector::parse(fields.unwrap_or_default()).and_then(|fields| {
            fields.check(def)?;
            Ok(fields)
        });
        Ok(Self { labels: labels.map_err(Status::bad_request)?, fields: fields.map_err(Status::bad_request)? })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Whether it holds of an object in its stored form.
    pub(crate) fn matches(&self, object: &Object) -> bool {
        self.labels.matches(object.labels()) && self.fields.matches(object.value())
    }
}

/// Whether a label selector object (`matchLabels`, `matchExpressions`) matches labels. The empty one matches everything.
pub(crate) fn matches_object(selector: &Value, labels: &Map<String, Value>) -> bool {
    let label = |key: &str| labels.get(key).and_then(Value::as_str);
    let equal = selector.get("matchLabels").and_then(Value::as_object);
    let equal = equal.is_none_or(|wanted| wanted.iter().all(|(key, value)| labels.get(key) == Some(value)));
    let expressions = selector.get("matchExpressions").and_then(Value::as_array);
    equal
        && expressions.into_iter().flatten().all(|expression| {
            let value = label(meta::text(expression, "key"));
            let values = meta::strings(expression.get("values"));
            let listed = value.is_some_and(|value| values.iter().any(|known| known == value));
            match meta::text(expression, "operator") {
                "In" => listed,
                "NotIn" => !listed,
                "Exists" => value.is_some(),
                "DoesNotExist" => value.is_none(),
                _ => false,
            }
        })
}
