//! Promises about lists: pages, snapshots, selectors.

use std::collections::BTreeSet;

use serde_json::json;

use super::{World, fails, resource};
use crate::cluster::{ClusterErrorKind as Kind, ListOptions, ListPage};

fn names(page: &ListPage) -> Vec<String> {
    page.items
        .iter()
        .map(|item| {
            let head = item.head().expect("an item is an object");
            assert_eq!((head.api_version.as_ref(), head.kind.as_ref()), ("v1", "ConfigMap"), "items say what they are");
            head.metadata.name.into_owned()
        })
        .collect()
}

pub(super) async fn pages_show_one_snapshot(world: &World<'_>) {
    let (maps, here) = (&world.config_maps, Some(world.namespace));
    for number in 0..7 {
        world.create(maps, &world.config_map(&format!("page-{number}"))).await;
    }
    let whole = world.cluster.list(maps, here, &ListOptions::default()).await.expect("a list");
    assert_eq!((&whole.continue_token, whole.remaining_item_count), (&None, None), "a whole list has no next page");
    let whole = names(&whole);
    assert!(whole.len() >= 7 && whole.is_sorted(), "a list is sorted by name");

    let mut options = ListOptions { limit: Some(3), ..ListOptions::default() };
    let (mut seen, mut revision) = (Vec::new(), None);
    loop {
        let page = world.cluster.list(maps, here, &options).await.expect("a page");
        assert!(page.items.len() <= 3, "a page has at most as many items as asked for");
        seen.extend(names(&page));
        let first = revision.get_or_insert_with(|| page.resource_version.clone());
        assert_eq!(*first, page.resource_version, "all pages of a list show the same revision");
        if let Some(remaining) = page.remaining_item_count {
            assert_eq!(remaining as usize, whole.len() - seen.len(), "remainingItemCount counts what follows");
        }
        let Some(token) = page.continue_token else { break };
        if options.continue_token.is_none() {
            // Neither must show: the list is of the moment it began.
            world.create(maps, &world.config_map("page-9-late")).await;
            world.delete(world.on_config_map("page-6")).await;
        }
        options.continue_token = Some(token);
    }
    assert_eq!(seen, whole, "the pages together are the list of the moment it began");

    let everywhere = world.cluster.list(maps, None, &ListOptions::default()).await.expect("a list of all namespaces");
    assert!(names(&everywhere).contains(&"page-9-late".to_owned()), "it holds every namespace");
    options.continue_token = Some("not a token".to_owned());
    fails(world.cluster.list(maps, here, &options).await, Kind::Invalid, "a token that is none");
    let unserved = resource("contract.invalid", "v1", "nothings", "Nothing", true);
    let list = world.cluster.list(&unserved, here, &ListOptions::default()).await;
    fails(list, Kind::NotFound, "a list of what is not served");
}

pub(super) async fn selectors(world: &World<'_>) {
    let (maps, here) = (&world.config_maps, Some(world.namespace));
    for (name, tier) in [("select-a", "front"), ("select-b", "back"), ("select-c", "")] {
        let mut object = world.config_map(name);
        object["metadata"]["labels"] = json!({"suite": "select"});
        if !tier.is_empty() {
            object["metadata"]["labels"]["tier"] = json!(tier);
        }
        world.create(maps, &object).await;
    }
    for (labels, expected) in [
        ("suite=select", vec!["select-a", "select-b", "select-c"]),
        ("suite=select,tier in (front,none)", vec!["select-a"]),
        ("suite=select,tier notin (front)", vec!["select-b", "select-c"]),
        ("suite=select,!tier", vec!["select-c"]),
        ("suite=select,tier,tier!=back", vec!["select-a"]),
        ("suite=nobody", vec![]),
    ] {
        let options = ListOptions { label_selector: Some(labels.to_owned()), ..ListOptions::default() };
        let page = world.cluster.list(maps, here, &options).await.expect("a list with a selector");
        assert_eq!(names(&page), expected, "{labels}");
    }
    let options = ListOptions { field_selector: Some("metadata.name=select-b".to_owned()), ..ListOptions::default() };
    let page = world.cluster.list(maps, here, &options).await.expect("a list with a field selector");
    assert_eq!(names(&page), ["select-b"]);

    let mut paged =
        ListOptions { label_selector: Some("suite=select".to_owned()), limit: Some(1), ..ListOptions::default() };
    let mut seen = BTreeSet::new();
    loop {
        let page = world.cluster.list(maps, here, &paged).await.expect("a page");
        seen.extend(names(&page));
        paged.continue_token = page.continue_token;
        if paged.continue_token.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 3, "pages and selectors go together");

    for (labels, fields) in [(Some("a=b=c"), None), (Some("in (x)"), None), (None, Some("data.key=value"))] {
        let options = ListOptions {
            label_selector: labels.map(str::to_owned),
            field_selector: fields.map(str::to_owned),
            ..ListOptions::default()
        };
        fails(world.cluster.list(maps, here, &options).await, Kind::Invalid, "a selector that is none");
    }
}
