//! Promises about watches: order, beginning, selection, end.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use serde_json::json;

use super::{WATCH_TIMEOUT, World};
use crate::cluster::{ClusterError, ClusterErrorKind as Kind, WatchEvent, WatchOptions};

/// `added name`, without bookmarks.
async fn next(events: &mut BoxStream<'static, Result<WatchEvent, ClusterError>>) -> String {
    loop {
        let event = events.next().await.expect("the watch does not end before its time").expect("a healthy stream");
        let (what, object) = match &event {
            WatchEvent::Added(object) => ("added", object),
            WatchEvent::Modified(object) => ("modified", object),
            WatchEvent::Deleted(object) => ("deleted", object),
            WatchEvent::Bookmark(revision) => {
                assert!(!revision.is_empty(), "a bookmark says its revision");
                continue;
            }
        };
        let head = object.head().expect("an event holds an object");
        assert_eq!((head.api_version.as_ref(), head.kind.as_ref()), ("v1", "ConfigMap"), "objects say what they are");
        assert!(!head.metadata.resource_version.is_empty(), "objects say their revision");
        return format!("{what} {}", head.metadata.name);
    }
}

async fn watch(
    world: &World<'_>,
    revision: Option<String>,
    labels: &str,
) -> BoxStream<'static, Result<WatchEvent, ClusterError>> {
    let options = WatchOptions {
        resource_version: revision,
        label_selector: Some(labels.to_owned()),
        field_selector: None,
        timeout: Some(WATCH_TIMEOUT),
    };
    world.cluster.watch(&world.config_maps, Some(world.namespace), &options).await.expect("a watch opens")
}

pub(super) async fn events_in_order(world: &World<'_>) {
    let maps = &world.config_maps;
    let before = world.revision(maps).await;
    let mut object = world.config_map("watched");
    object["metadata"]["labels"] = json!({"suite": "watch"});
    world.create(maps, &object).await;
    // Opened before and after the changes: both see all of them.
    let mut early = watch(world, Some(before.clone()), "suite=watch").await;
    world.merge(world.on_config_map("watched"), &json!({"data": {"key": "two"}})).await.expect("a patch");
    world.delete(world.on_config_map("watched")).await;
    let mut late = watch(world, Some(before), "suite=watch").await;
    for events in [&mut early, &mut late] {
        for expected in ["added watched", "modified watched", "deleted watched"] {
            assert_eq!(next(events).await, expected, "events come in the order of the writes");
        }
    }

    object["metadata"]["name"] = json!("present");
    world.create(maps, &object).await;
    let mut from_nothing = watch(world, None, "suite=watch").await;
    assert_eq!(next(&mut from_nothing).await, "added present", "without a revision a watch begins with what exists");
    world.delete(world.on_config_map("present")).await;
    assert_eq!(next(&mut from_nothing).await, "deleted present", "and goes on with what happens");
}

pub(super) async fn leaving_a_selection(world: &World<'_>) {
    let maps = &world.config_maps;
    let before = world.revision(maps).await;
    let mut events = watch(world, Some(before), "door=in").await;
    world.create(maps, &world.config_map("visitor")).await;
    for door in ["in", "out", "in"] {
        let patch = json!({"metadata": {"labels": {"door": door}}});
        world.merge(world.on_config_map("visitor"), &patch).await.expect("a patch");
    }
    for expected in ["added visitor", "deleted visitor", "added visitor"] {
        assert_eq!(next(&mut events).await, expected, "entering a selection adds, leaving it deletes");
    }
}

pub(super) async fn ends(world: &World<'_>) {
    let maps = &world.config_maps;
    let revision = world.revision(maps).await;
    let options = WatchOptions {
        resource_version: Some(revision),
        label_selector: Some("suite=nobody".to_owned()),
        field_selector: None,
        timeout: Some(Duration::from_secs(1)),
    };
    let mut events = world.cluster.watch(maps, Some(world.namespace), &options).await.expect("a watch opens");
    while let Some(event) = events.next().await {
        assert!(matches!(event, Ok(WatchEvent::Bookmark(_))), "a watch ends at its time without an error");
    }

    // Whether revision 1 is still known is the server's business; where it is not, the kind tells.
    let options = WatchOptions { resource_version: Some("1".to_owned()), ..options };
    let refused = match world.cluster.watch(maps, Some(world.namespace), &options).await {
        Ok(mut events) => events.next().await.and_then(Result::err),
        Err(error) => Some(error),
    };
    if let Some(error) = refused {
        assert_eq!(error.kind, Kind::Expired, "a revision that is too old: {error}");
    }
}
