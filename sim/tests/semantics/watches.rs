//! Watches: replay, selections, bookmarks, expiry, waking.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt as _;
use kubesim::{ApiServer, Clock, DeleteOptions, Object, Options, Patch, Watch, WatchEvent, WatchOptions, WriteOptions};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{config_map, config_maps, create, refusal, server};

fn from(revision: u64) -> WatchOptions {
    WatchOptions { resource_version: Some(revision.to_string()), ..WatchOptions::default() }
}

fn labelled(selector: &str, revision: u64) -> WatchOptions {
    WatchOptions { label_selector: Some(selector.to_owned()), ..from(revision) }
}

fn drain(watch: &mut Watch) -> Vec<WatchEvent> {
    std::iter::from_fn(|| watch.try_next()).collect()
}

fn label(server: &ApiServer, name: &str, app: Value) {
    let patch = Patch::Merge(json!({"metadata": {"labels": {"app": app}}}));
    server.patch(&config_maps().named(name), &patch, &WriteOptions::default()).expect("a label");
}

fn kinds(events: &[WatchEvent]) -> Vec<&'static str> {
    events
        .iter()
        .map(|event| match event {
            WatchEvent::Added(_) => "ADDED",
            WatchEvent::Modified(_) => "MODIFIED",
            WatchEvent::Deleted(_) => "DELETED",
            WatchEvent::Bookmark { .. } => "BOOKMARK",
            WatchEvent::Error(_) => "ERROR",
        })
        .collect()
}

#[test]
fn history_is_replayed_and_the_present_begins_with_additions() {
    let server = server();
    let start = server.revision();
    config_map(&server, "a");
    label(&server, "a", json!("x"));
    server.delete(&config_maps().named("a"), &DeleteOptions::default()).expect("a deletion");
    config_map(&server, "b");
    let mut replay = server.watch(&config_maps(), &from(start)).expect("a watch");
    assert_eq!(kinds(&drain(&mut replay)), ["ADDED", "MODIFIED", "DELETED", "ADDED"]);
    let mut present = server.watch(&config_maps(), &WatchOptions::default()).expect("a watch");
    assert_eq!(kinds(&drain(&mut present)), ["ADDED"]);
    config_map(&server, "c");
    assert_eq!(kinds(&drain(&mut present)), ["ADDED"]);
}

#[test]
fn leaving_a_selection_is_a_deletion_and_entering_an_addition() {
    let server = server();
    let start = server.revision();
    config_map(&server, "a");
    label(&server, "a", json!("w"));
    label(&server, "a", json!("v"));
    label(&server, "a", json!("w"));
    server.delete(&config_maps().named("a"), &DeleteOptions::default()).expect("a deletion");
    let mut watch = server.watch(&config_maps(), &labelled("app=w", start)).expect("a watch");
    let events = drain(&mut watch);
    assert_eq!(kinds(&events), ["ADDED", "DELETED", "ADDED", "DELETED"]);
    let WatchEvent::Deleted(left) = &events[1] else { panic!("a deletion") };
    assert_eq!(left.labels().expect("labels")["app"], "w", "as it was in the selection");
    assert_eq!(left.resource_version(), start + 3, "at the revision of the change");
}

#[test]
fn initial_events_end_with_a_bookmark() {
    let server = server();
    config_map(&server, "a");
    let options = WatchOptions {
        send_initial_events: Some(true),
        resource_version_match: Some("NotOlderThan".to_owned()),
        allow_bookmarks: true,
        ..WatchOptions::default()
    };
    let mut watch = server.watch(&config_maps(), &options).expect("a watch");
    let end = WatchEvent::Bookmark { revision: server.revision(), initial_events_end: true };
    assert_eq!(drain(&mut watch).last(), Some(&end));
    // A state that is still to come is an error of the stream, where it is to be told; else it is waited for.
    let later = WatchOptions { resource_version: Some("999".to_owned()), ..options.clone() };
    let events = drain(&mut server.watch(&config_maps(), &later).expect("a watch"));
    let [WatchEvent::Error(status)] = events.as_slice() else { panic!("an error: {events:?}") };
    assert_eq!((status.code, status.reason.as_str()), (504, "Timeout"));
    let waits = WatchOptions { send_initial_events: Some(false), ..later };
    assert!(!server.watch(&config_maps(), &waits).expect("a watch").has_ended());
    let alone = WatchOptions { resource_version_match: None, ..options };
    assert_eq!(refusal(server.watch(&config_maps(), &alone)), (422, "Invalid".to_owned()));
}

#[test]
fn what_is_forgotten_is_410_at_the_start_and_in_the_stream() {
    let server = server();
    let start = server.revision();
    let mut watch = server.watch(&config_maps(), &from(start)).expect("a watch");
    config_map(&server, "a");
    server.compact();
    let mut late = server.watch(&config_maps(), &from(start)).expect("a watch that ends at once");
    let Some(WatchEvent::Error(status)) = late.try_next() else { panic!("an error") };
    assert_eq!((status.code, status.reason.as_str()), (410, "Expired"));
    assert_eq!(status.message, format!("too old resource version: {start} ({})", server.revision()));
    assert!(late.has_ended());
    let events = drain(&mut watch);
    assert_eq!(kinds(&events), ["ERROR"]);
    assert!(watch.has_ended());
}

#[tokio::test(start_paused = true)]
async fn a_stream_wakes_for_writes_and_ends_at_its_timeout() {
    let clock = Clock::tokio("2026-01-01T00:00:00Z".parse().expect("a time"));
    let server = ApiServer::new(Options { clock: clock.clone(), ..Options::default() });
    let options = WatchOptions { timeout_seconds: Some(60), allow_bookmarks: true, ..from(server.revision()) };
    let watch = server.watch(&config_maps(), &options).expect("a watch");
    let reader = tokio::spawn(watch.collect::<Vec<_>>());
    for name in ["a", "b"] {
        clock.sleep(Duration::from_secs(10)).await;
        config_map(&server, name);
    }
    let events = reader.await.expect("the stream ends");
    assert_eq!(kinds(&events), ["ADDED", "ADDED", "BOOKMARK"]);
    assert_eq!(events[2], WatchEvent::Bookmark { revision: server.revision(), initial_events_end: false });
    assert_eq!(kubesim::rfc3339(clock.now()), "2026-01-01T00:01:00Z");
}

#[tokio::test(start_paused = true)]
async fn a_long_watch_has_a_bookmark_every_minute_and_ends_by_itself() {
    let start = "2026-01-01T00:00:00Z".parse().expect("a time");
    let clock = Clock::tokio(start);
    let server = ApiServer::new(Options { clock: clock.clone(), ..Options::default() });
    let options = WatchOptions { allow_bookmarks: true, ..from(server.revision()) };
    let events: Vec<_> = server.watch(&config_maps(), &options).expect("a watch").collect().await;
    let minutes = clock.now().duration_since(start).as_mins();
    assert!((30..60).contains(&minutes), "{minutes}");
    let count = i64::try_from(events.len()).expect("a number");
    assert!(
        kinds(&events).iter().all(|kind| *kind == "BOOKMARK") && (minutes..=minutes + 1).contains(&count),
        "{count}"
    );
}

#[tokio::test]
async fn a_waiter_sees_the_next_write() {
    let server = server();
    let before = server.revision();
    let waiter = tokio::spawn({
        let server = server.clone();
        async move { server.changed_since(before).await }
    });
    tokio::task::yield_now().await;
    config_map(&server, "a");
    assert_eq!(waiter.await.expect("it wakes"), before + 1);
}

/// What a client holds that applies events to a list.
fn apply(state: &mut BTreeMap<String, Object>, events: Vec<WatchEvent>) {
    for event in events {
        match event {
            WatchEvent::Added(object) => {
                let known = state.insert(object.name().to_owned(), object);
                assert!(known.is_none(), "added twice");
            }
            WatchEvent::Modified(object) => {
                let known = state.insert(object.name().to_owned(), object);
                assert!(known.is_some(), "modified before it was added");
            }
            WatchEvent::Deleted(object) => {
                assert!(state.remove(object.name()).is_some(), "deleted before it was added");
            }
            WatchEvent::Bookmark { .. } => {}
            WatchEvent::Error(status) => panic!("{status}"),
        }
    }
}

proptest! {
    /// A list and the events after it lead to the next list; live and replayed events are the same.
    #[test]
    fn a_watch_keeps_up(
        writes in proptest::collection::vec((0..4_u8, 0..4_u8), 0..30),
        reads in proptest::collection::vec(any::<bool>(), 30),
    ) {
        let server = server();
        let start = server.revision();
        let mut live = server.watch(&config_maps(), &labelled("app in (0,1)", start)).expect("a watch");
        let mut seen = Vec::new();
        for ((name, app), read) in writes.into_iter().zip(reads) {
            let name = format!("c{name}");
            let body = json!({"metadata": {"name": name, "labels": {"app": app.to_string()}}});
            let target = config_maps().named(&name);
            if app == 3 {
                // Deleting what is not there is part of the game.
                let _: Result<_, _> = server.delete(&target, &DeleteOptions::default());
            } else if create(&server, &config_maps(), body.clone()).is_err() {
                server.update(&target, body, &WriteOptions::default()).expect("an update");
            }
            if read {
                seen.extend(drain(&mut live));
            }
        }
        seen.extend(drain(&mut live));
        let mut replay = server.watch(&config_maps(), &labelled("app in (0,1)", start)).expect("a watch");
        prop_assert_eq!(&drain(&mut replay), &seen);

        let mut state = BTreeMap::new();
        apply(&mut state, seen);
        let options = kubesim::ListOptions { label_selector: Some("app in (0,1)".to_owned()), ..Default::default() };
        let list = server.list(&config_maps(), &options).expect("a list");
        prop_assert_eq!(state.into_values().collect::<Vec<_>>(), list.items);
    }
}
