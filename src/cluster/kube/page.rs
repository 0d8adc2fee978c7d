//! Cuts a page of a list into its objects without copying or rebuilding them.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::http_io::failure;
use crate::cluster::{ClusterError, ClusterErrorKind, ListPage};
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

/// Reads one page. The objects share its bytes.
pub(super) fn read(operation: &str, resource: &ApiResource, body: &Bytes) -> Result<ListPage, ClusterError> {
    // The parser's own words may quote the text; objects hold secrets.
    let list: List<'_> = serde_json::from_slice(body)
        .map_err(|error| corrupt(operation, &format!("the answer is not a list of objects (line {})", error.line())))?;
    let metadata = list.metadata.unwrap_or_default();
    let api_version = resource.api_version();
    let mut items = Vec::new();
    for item in list.items.unwrap_or_default() {
        let raw = RawObject::new(body.slice_ref(item.get().as_bytes()));
        let raw = raw.with_type(&api_version, &resource.kind);
        items.push(raw.map_err(|error| corrupt(operation, &format!("an item of the list is {error}")))?);
    }
    Ok(ListPage {
        items,
        continue_token: metadata.continue_token.filter(|token| !token.is_empty()),
        remaining_item_count: metadata.remaining_item_count,
        resource_version: metadata.resource_version.unwrap_or_default(),
    })
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
