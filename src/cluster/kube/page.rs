//! Cuts a page of a list into its objects without copying or rebuilding them.
//!
//! API servers say first where a list goes on and then what is on it, so that the beginning of the text is enough to ask for the next page
//! ([`uncut`]). A text in another order is read whole at once.

use std::fmt;

use bytes::Bytes;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::http_io::failure;
use crate::cluster::{ClusterError, ClusterErrorKind, ListPage, UncutPage};
use crate::object::{ApiResource, RawObject};

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
    #[serde(default)]
    metadata: Option<ListMetadata>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ListMetadata {
    #[serde(rename = "continue")]
    continue_token: Option<String>,
    remaining_item_count: Option<u64>,
    resource_version: Option<String>,
}

impl ListMetadata {
    /// A page without its objects.
    fn end(self) -> ListPage {
        ListPage {
            items: Vec::new(),
            continue_token: self.continue_token.filter(|token| !token.is_empty()),
            remaining_item_count: self.remaining_item_count,
            resource_version: self.resource_version.unwrap_or_default(),
        }
    }
}

/// Takes an answer that is one page.
///
/// # Errors
/// Where the text is no list. Of a text that begins like one the rest is checked when it is cut.
pub(super) fn uncut(operation: String, resource: &ApiResource, body: Bytes) -> Result<UncutPage, ClusterError> {
    let mut front = Front::default();
    // The reading stops at the first object, which the parser takes for an error.
    let _ = serde_json::Deserializer::from_slice(&body).deserialize_map(&mut front);
    let Front { metadata: Some(metadata), is_empty: Some(is_empty) } = front else {
        return read(&operation, resource, &body).map(UncutPage::from);
    };
    let (bytes, resource) = (body.len(), resource.clone());
    let cut = move || read(&operation, &resource, &body).map(|page| page.items);
    Ok(UncutPage::new(metadata.end(), bytes, is_empty, cut))
}

/// What a list says before its objects.
#[derive(Default)]
struct Front {
    metadata: Option<ListMetadata>,
    is_empty: Option<bool>,
}

impl<'de> Visitor<'de> for &mut Front {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<std::borrow::Cow<'_, str>>()? {
            match key.as_ref() {
                "metadata" => self.metadata = map.next_value()?,
                "items" => {
                    // An error either way, unless the list is empty: what was learnt is in `self`.
                    self.is_empty = Some(map.next_value::<First>().is_ok_and(|first| first.is_none()));
                    return Ok(());
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// Whether there is a first object. Reading one with others behind it fails.
struct First(bool);

impl First {
    fn is_none(&self) -> bool {
        !self.0
    }
}

impl<'de> Deserialize<'de> for First {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Look;
        impl<'de> Visitor<'de> for Look {
            type Value = First;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("objects")
            }

            fn visit_unit<E>(self) -> Result<First, E> {
                Ok(First(false))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<First, A::Error> {
                Ok(First(seq.next_element::<IgnoredAny>()?.is_some()))
            }
        }
        input.deserialize_any(Look)
    }
}

/// Reads one page. The objects share its bytes.
fn read(operation: &str, resource: &ApiResource, body: &Bytes) -> Result<ListPage, ClusterError> {
    // The parser's own words may quote the text; objects hold secrets.
    let list: List<'_> = serde_json::from_slice(body)
        .map_err(|error| corrupt(operation, &format!("the answer is not a list of objects (line {})", error.line())))?;
    let api_version = resource.api_version();
    let mut items = Vec::new();
    for item in list.items.unwrap_or_default() {
        let raw = RawObject::new(body.slice_ref(item.get().as_bytes()));
        let raw = raw.with_type(&api_version, &resource.kind);
        items.push(raw.map_err(|error| corrupt(operation, &format!("an item of the list is {error}")))?);
    }
    Ok(ListPage { items, ..list.metadata.unwrap_or_default().end() })
}

/// Takes an answer that is one object.
pub(super) fn object(operation: &str, resource: &ApiResource, body: Bytes) -> Result<RawObject, ClusterError> {
    RawObject::new(body)
        .with_type(&resource.api_version(), &resource.kind)
        .map_err(|error| corrupt(operation, &format!("the answer is {error}")))
}

pub(super) fn corrupt(operation: &str, message: &str) -> ClusterError {
    failure(operation, ClusterErrorKind::Corrupt, message)
}
