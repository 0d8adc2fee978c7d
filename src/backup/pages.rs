//! [`Pages`]: one list, page by page, whatever the API server does meanwhile.
//!
//! It promises that every object which exists from the first request to the last one comes at least once. It may come
//! twice: where a continue token expires (410, after the server compacted its history) the list starts over, and the
//! caller drops what it has. Transient failures are repeated. Pages come uncut, so that the next one can be asked for before the objects of
//! this one are looked at. A page is bounded by bytes, not only by count: the next
//! page asks for so many objects as the last one's mean size allows, and half as many after a timeout.
//!
//! # Differences
//! Ark v0.6 asked for whole lists at once, so that a large cluster had to fit into memory several times over.

use crate::clock::Clock;
use crate::cluster::{Cluster, ClusterError, ClusterErrorKind, ListOptions, UncutPage};
use crate::object::ApiResource;

use super::retry::Patience;

/// Objects in the first page, before anything is known of their size. An object is at most some 1.5 MiB.
pub(super) const FIRST_PAGE_ITEMS: u32 = 32;

/// Objects in a page at most: what kubectl and client-go ask for.
pub(super) const PAGE_ITEMS_MAX: u32 = 500;

/// Bytes that a page should hold.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// How often one list may start over. Each time the archive keeps what it has, so the next try is faster.
const RESTARTS_MAX: u32 = 8;

/// Pages without an object, one after the other, after which a server's answer is taken for a defect.
const EMPTY_PAGES_MAX: u32 = 64;

/// What came.
#[derive(Debug)]
pub(super) struct Page {
    /// The objects.
    pub(super) uncut: UncutPage,
    /// How many there are: of a page that is not cut yet as many as were asked for, but of the last one.
    pub(super) count: u64,
    /// How many the server says will follow; zero where it does not say.
    pub(super) remaining: u64,
    /// Whether it is the last one.
    pub(super) last: bool,
    /// Whether the list started over, so that objects may come again.
    pub(super) restarted: bool,
}

/// One list of one resource, in one namespace or in all.
#[derive(Debug)]
pub(super) struct Pages<'a> {
    cluster: &'a dyn Cluster,
    clock: &'a dyn Clock,
    resource: &'a ApiResource,
    namespace: Option<&'a str>,
    options: ListOptions,
    limit: u32,
    restarts: u32,
    restarted: bool,
    empty: u32,
    done: bool,
}

impl<'a> Pages<'a> {
    /// A list that has not begun.
    pub(super) fn new(
        cluster: &'a dyn Cluster,
        clock: &'a dyn Clock,
        resource: &'a ApiResource,
        namespace: Option<&'a str>,
        label_selector: Option<String>,
    ) -> Self {
        let options = ListOptions { label_selector, ..ListOptions::default() };
        Self {
            cluster,
            clock,
            resource,
            namespace,
            options,
            limit: FIRST_PAGE_ITEMS,
            restarts: 0,
            restarted: false,
            empty: 0,
            done: false,
        }
    }

    /// The same with another length of the first page, from a list of the same resource.
    pub(super) fn with_limit(self, limit: u32) -> Self {
        Self { limit, ..self }
    }

    /// How many objects the next page may have.
    pub(super) fn limit(&self) -> u32 {
        self.limit
    }

    /// The next page, `None` after the last one.
    ///
    /// # Errors
    /// Where the server keeps failing, refuses, or its pages never end. There is no next page then.
    pub(super) async fn next(&mut self) -> Result<Option<Page>, ClusterError> {
        if self.done {
            return Ok(None);
        }
        let mut patience = Patience::default();
        loop {
            self.options.limit = Some(self.limit);
            let error = match self.cluster.list_uncut(self.resource, self.namespace, &self.options).await {
                Ok(page) => return self.accept(page).map(Some),
                Err(error) => error,
            };
            let began = self.options.continue_token.is_some();
            if error.kind == ClusterErrorKind::Expired && began && self.restarts < RESTARTS_MAX {
                self.restarts += 1;
                self.restarted = true;
                self.options.continue_token = None;
                continue;
            }
            if error.kind == ClusterErrorKind::Timeout {
                self.limit = (self.limit / 2).max(1);
            }
            if let Err(error) = patience.after(error, self.clock).await {
                self.done = true;
                return Err(error);
            }
        }
    }

    fn accept(&mut self, page: UncutPage) -> Result<Page, ClusterError> {
        self.empty = if page.is_empty { self.empty + 1 } else { 0 };
        let token = page.continue_token.clone().filter(|token| !token.is_empty());
        if token.is_some() && (token == self.options.continue_token || self.empty > EMPTY_PAGES_MAX) {
            self.done = true;
            return Err(ClusterError {
                kind: ClusterErrorKind::Corrupt,
                operation: format!("list {}", self.resource),
                message: "the pages of the list never end".to_owned(),
                code: 200,
                retry_after: None,
                causes: Vec::new(),
            });
        }
        // A server gives as many as it is asked for while there are more.
        let count = page.count().unwrap_or(self.limit as usize);
        if let Some(mean) = page.bytes.checked_div(count) {
            let fits = u32::try_from(PAGE_BYTES / mean.max(1)).unwrap_or(PAGE_ITEMS_MAX);
            self.limit = fits.clamp(1, PAGE_ITEMS_MAX);
        }
        self.done = token.is_none();
        self.options.continue_token = token;
        let restarted = std::mem::take(&mut self.restarted);
        let remaining = page.remaining_item_count.unwrap_or(0);
        Ok(Page { uncut: page, count: count as u64, remaining, last: self.done, restarted })
    }
}
