//! Label and field selectors.
//!
//! Owns their grammar, with the messages of a real server for what does not parse, and what they match. A label that is absent
//! matches `!=` and `notin`.

mod fields;
mod labels;

pub use fields::FieldSelector;
pub use labels::LabelSelector;

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
