//! How a resource of named namespaces is listed: one list for each of them, or one of the whole cluster of which the rest is
//! left.
//!
//! Most resources of a cluster have few objects: thirty lists of them are thirty requests for what one brings. A resource
//! with many objects in namespaces that nobody asked for is better listed where it is wanted. The first page of the whole
//! list tells how many objects there are, and [`whole_is_cheaper`] what that means; where it is not, that page was one
//! request too many, so few namespaces are never asked about.
//!
//! Who may not list a resource in all namespaces lists it in those that are named.

use std::collections::BTreeSet;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use futures::stream::{self, BoxStream, StreamExt};

use crate::clock::Clock;
use crate::cluster::{Cluster, ClusterError, ListOptions};
use crate::object::ApiResource;

use super::pages::{FIRST_PAGE_ITEMS, PAGE_ITEMS_MAX, Page, Pages};
use super::plan::Step;
use super::retry::patiently;

/// Lists whose first page is asked for ahead. Few: an API server answers the same client one after the other, and each
/// page lies in memory.
const LISTS_AHEAD: usize = 3;

/// Fewer namespaces than this are listed one by one: there is too little to win.
const NAMESPACES_MIN: usize = 4;

/// What a request costs a server and this process beside its objects, counted in objects.
const REQUEST_COST: u64 = 50;

/// One list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// Of this resource,
    pub(super) resource: &'a ApiResource,
    /// in this namespace; `None` means in all, or in none where the resource is cluster-scoped.
    pub(super) namespace: Option<&'a str>,
}

/// A list whose first page has come.
pub(super) struct Begun<'a> {
    pub(super) place: Place<'a>,
    pub(super) pages: Pages<'a>,
    pub(super) page: Result<Option<Page>, ClusterError>,
}

/// What every list needs to know.
#[derive(Clone, Debug)]
pub(super) struct Lister<'a> {
    pub(super) cluster: &'a dyn Cluster,
    pub(super) clock: &'a dyn Clock,
    pub(super) selector: Option<String>,
    /// How many namespaces the cluster has, where somebody asked and may know.
    pub(super) namespaces: Option<u64>,
}

/// Lists whose first pages are still to be asked for, in their order. A stream, since a closure that makes one of them could
/// not be sent to another thread.
type Lists<'a> = stream::Iter<std::vec::IntoIter<BoxFuture<'a, Begun<'a>>>>;

impl<'a> Lister<'a> {
    /// Asks how many namespaces the cluster has, where the answer would be of use for these.
    pub(super) async fn count(&mut self, resource: &ApiResource, named: usize) {
        if named < NAMESPACES_MIN {
            return;
        }
        let options = ListOptions { limit: Some(1), ..ListOptions::default() };
        let page = patiently(self.clock, || self.cluster.list(resource, None, &options)).await;
        // Who may not list namespaces hardly may list what is in all of them.
        self.namespaces = page.ok().map(|page| page.items.len() as u64 + page.remaining_item_count.unwrap_or(0));
    }

    /// The lists of these steps in their order, first pages first; none in a namespace that is absent.
    pub(super) fn lists(self, steps: &'a [Step], absent: &BTreeSet<String>) -> BoxStream<'a, Begun<'a>> {
        let present = |names: &'a Vec<String>| -> Vec<&'a str> {
            names.iter().filter(|name| !absent.contains(*name)).map(String::as_str).collect()
        };
        let places: Vec<_> =
            steps.iter().map(|step| self.clone().of(step, step.namespaces.as_ref().map(present))).collect();
        stream::iter(places).buffered(LISTS_AHEAD).flatten().buffered(LISTS_AHEAD).boxed()
    }

    /// The lists of one resource, in these namespaces where some are named.
    fn of(self, step: &'a Step, named: Option<Vec<&'a str>>) -> BoxFuture<'a, Lists<'a>> {
        async move {
            let Some(named) = named else {
                return stream::iter(vec![self.begin(&step.resource, None, FIRST_PAGE_ITEMS)]);
            };
            let mut limit = FIRST_PAGE_ITEMS;
            if let Some(all) = self.namespaces.filter(|_| named.len() >= NAMESPACES_MIN) {
                let begun = self.clone().begin(&step.resource, None, limit).await;
                if begun.page.as_ref().is_ok_and(|page| whole_is_cheaper(page.as_ref(), named.len() as u64, all)) {
                    return stream::iter(vec![ready(begun).boxed()]);
                }
                limit = begun.pages.limit();
            }
            let begun = named.into_iter().map(|name| self.clone().begin(&step.resource, Some(name), limit));
            stream::iter(begun.collect::<Vec<_>>())
        }
        .boxed()
    }

    /// Asks for the first page of a list.
    fn begin(self, resource: &'a ApiResource, namespace: Option<&'a str>, limit: u32) -> BoxFuture<'a, Begun<'a>> {
        async move {
            let place = Place { resource, namespace };
            let mut pages = Pages::new(self.cluster, self.clock, resource, namespace, self.selector).with_limit(limit);
            let page = pages.next().await;
            Begun { place, pages, page }
        }
        .boxed()
    }
}

/// Whether going on after the first page of a whole list costs less than a list for each of `named` of `all` namespaces,
/// as far as one can tell: if objects were spread evenly.
fn whole_is_cheaper(first: Option<&Page>, named: u64, all: u64) -> bool {
    let Some(first) = first else { return true };
    if first.last {
        return true;
    }
    if first.remaining == 0 {
        // With a label selector the server does not count.
        return false;
    }
    let (all, page) = (all.max(named), u64::from(PAGE_ITEMS_MAX));
    let each = (first.count + first.remaining) / all;
    let one_by_one = named * ((1 + each / page) * REQUEST_COST + each);
    let whole = first.remaining.div_ceil(page) * REQUEST_COST + first.remaining;
    whole <= one_by_one
}

#[cfg(test)]
mod tests {
    use super::{Page, whole_is_cheaper};
    use crate::cluster::ListPage;

    fn page(count: u64, remaining: u64, last: bool) -> Page {
        Page { uncut: ListPage::default().into(), count, remaining, last, restarted: false }
    }

    #[test]
    fn few_objects_or_nearly_all_namespaces_make_one_list() {
        let cheaper = |total: u64, named: u64, all: u64| {
            let remaining = total - total.min(32);
            whole_is_cheaper(Some(&page(total.min(32), remaining, remaining == 0)), named, all)
        };
        for (total, named, all) in [(0, 4, 300), (32, 4, 300), (15_000, 30, 30), (16_000, 30, 31), (3_000, 30, 34)] {
            assert!(cheaper(total, named, all), "{total} objects, {named} of {all}");
        }
        for (total, named, all) in [(15_000, 4, 300), (1_000, 4, 300), (100_000, 29, 30), (15_000, 15, 30)] {
            assert!(!cheaper(total, named, all), "{total} objects, {named} of {all}");
        }
    }

    #[test]
    fn without_a_count_only_a_whole_page_is_gone_on_with() {
        assert!(whole_is_cheaper(Some(&page(1, 0, true)), 10, 10));
        assert!(!whole_is_cheaper(Some(&page(1, 0, false)), 10, 10));
    }
}
