//! [`UncutPage`]: a page of a list that has arrived and is still one text.
//!
//! Where a page ends is said in its first bytes, and reading all of it takes as long as a server takes for a part of the next one. Who goes
//! on to the next page can ask for it first, and cut this one while the server works.

use std::fmt;

use super::{ClusterError, ListPage};
use crate::object::RawObject;

/// A page whose end is known and whose objects are not cut out yet.
pub struct UncutPage {
    /// Present where there is a next page.
    pub continue_token: Option<String>,
    /// How many items follow this page, where the server says.
    pub remaining_item_count: Option<u64>,
    /// Revision of the list; all pages of a list show the same one.
    pub resource_version: String,
    /// Whether there is no object on it.
    pub is_empty: bool,
    /// Length of its text, or of its objects' texts.
    pub bytes: usize,
    items: Items,
}

/// Cuts the objects out of a page.
type Cut = Box<dyn FnOnce() -> Result<Vec<RawObject>, ClusterError> + Send + Sync>;

enum Items {
    Cut(Vec<RawObject>),
    Text(Cut),
}

impl fmt::Debug for UncutPage {
    /// Lengths only: objects hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UncutPage")
            .field("bytes", &self.bytes)
            .field("is_empty", &self.is_empty)
            .finish_non_exhaustive()
    }
}

impl UncutPage {
    /// A page whose objects `cut` gives; `end` is a page without them.
    pub(super) fn new(
        end: ListPage,
        bytes: usize,
        is_empty: bool,
        cut: impl FnOnce() -> Result<Vec<RawObject>, ClusterError> + Send + Sync + 'static,
    ) -> Self {
        Self { items: Items::Text(Box::new(cut)), bytes, is_empty, ..Self::from(end) }
    }

    /// How many objects there are, where that is known without cutting.
    pub fn count(&self) -> Option<usize> {
        match &self.items {
            Items::Cut(items) => Some(items.len()),
            Items::Text(_) => self.is_empty.then_some(0),
        }
    }

    /// The objects, each with `apiVersion` and `kind`, in the server's order.
    ///
    /// # Errors
    /// [`Corrupt`](super::ClusterErrorKind::Corrupt) where the text is no list of objects.
    pub fn items(self) -> Result<Vec<RawObject>, ClusterError> {
        match self.items {
            Items::Cut(items) => Ok(items),
            Items::Text(cut) => cut(),
        }
    }

    /// The page with its objects.
    ///
    /// # Errors
    /// See [`items`](Self::items).
    pub fn cut(mut self) -> Result<ListPage, ClusterError> {
        let continue_token = self.continue_token.take();
        let remaining_item_count = self.remaining_item_count;
        let resource_version = std::mem::take(&mut self.resource_version);
        Ok(ListPage { items: self.items()?, continue_token, remaining_item_count, resource_version })
    }
}

impl From<ListPage> for UncutPage {
    fn from(page: ListPage) -> Self {
        Self {
            continue_token: page.continue_token,
            remaining_item_count: page.remaining_item_count,
            resource_version: page.resource_version,
            is_empty: page.items.is_empty(),
            bytes: page.items.iter().map(|item| item.bytes().len()).sum(),
            items: Items::Cut(page.items),
        }
    }
}
