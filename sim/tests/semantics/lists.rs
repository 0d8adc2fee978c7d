//! Lists: order, pages, snapshots, revisions, selectors.

use kubesim::{ApiServer, DeleteOptions, ListOptions, Options, Status, Target};
use proptest::prelude::*;
use serde_json::json;

use super::{config_map, config_maps, create, names, namespaces, refusal, server};

fn options() -> ListOptions {
    ListOptions::default()
}

#[test]
fn lists_are_ordered_as_the_storage_orders_keys() {
    let server = server();
    for namespace in ["a", "a-b"] {
        create(&server, &namespaces(), json!({"metadata": {"name": namespace}})).expect("a namespace");
        let target = Target::new("", "v1", "configmaps").in_namespace(namespace);
        create(&server, &target, json!({"metadata": {"name": "x"}})).expect("a config map");
    }
    let list = server.list(&Target::new("", "v1", "configmaps"), &options()).expect("a list");
    let spaces: Vec<_> = list.items.iter().filter_map(kubesim::Object::namespace).collect();
    assert_eq!(spaces, ["a-b", "a"], "a minus sorts before the slash");
    assert_eq!((list.kind.as_str(), list.api_version.as_str()), ("ConfigMapList", "v1"));
    assert_eq!(list.resource_version, server.revision());
}

#[test]
fn pages_count_what_remains_unless_a_selector_hides_it() {
    let server = server();
    for index in 0..5 {
        config_map(&server, &format!("c{index}"));
    }
    let first = ListOptions { limit: Some(2), ..options() };
    let page = server.list(&config_maps(), &first).expect("a page");
    assert_eq!((page.items.len(), page.remaining_item_count), (2, Some(3)));
    let selected = ListOptions { field_selector: Some("metadata.name!=c0".to_owned()), ..first };
    let page = server.list(&config_maps(), &selected).expect("a page");
    assert_eq!((page.items.len(), page.remaining_item_count), (2, None));
    assert!(page.continue_token.is_some());
}

#[test]
fn a_forgotten_snapshot_is_410_with_a_way_on() {
    let server = server();
    for index in 0..4 {
        config_map(&server, &format!("c{index}"));
    }
    let page = server.list(&config_maps(), &ListOptions { limit: Some(2), ..options() }).expect("a page");
    config_map(&server, "c1a");
    config_map(&server, "c5");
    server.compact();
    let next = ListOptions { limit: Some(2), continue_token: page.continue_token, ..options() };
    let expired = server.list(&config_maps(), &next).expect_err("an old token");
    assert_eq!((expired.code, expired.reason.as_str()), (410, "Expired"));
    assert_eq!(expired.to_value()["metadata"]["continue"].as_str(), expired.continue_token.as_deref());
    let rest = ListOptions { continue_token: expired.continue_token, ..options() };
    assert_eq!(names(&server, &config_maps(), &rest), ["c1a", "c2", "c3", "c5"]);
}

#[test]
fn revisions_are_asked_for_exactly_or_at_least() {
    let server = server();
    let empty = server.revision();
    config_map(&server, "a");
    let at = |version: &str, matching: Option<&str>, limit| ListOptions {
        resource_version: Some(version.to_owned()),
        resource_version_match: matching.map(str::to_owned),
        limit,
        ..options()
    };
    let seen = |options: &ListOptions| names(&server, &config_maps(), options).len();
    assert_eq!(seen(&at("0", None, None)), 1);
    assert_eq!(seen(&at(&empty.to_string(), None, None)), 1);
    assert_eq!(seen(&at(&empty.to_string(), Some("NotOlderThan"), Some(1))), 1);
    assert_eq!(seen(&at(&empty.to_string(), Some("Exact"), None)), 0);
    assert_eq!(seen(&at(&empty.to_string(), None, Some(9))), 0, "a limited list at a revision is exact");
    let refused = |options: &ListOptions| refusal(server.list(&config_maps(), options));
    assert_eq!(refused(&at("999", None, None)), (504, "Timeout".to_owned()));
    assert_eq!(refused(&at("abc", None, None)), (400, "BadRequest".to_owned()));
    assert_eq!(refused(&at("", Some("Exact"), None)), (422, "Invalid".to_owned()));
    assert_eq!(refused(&at("0", Some("Exact"), None)), (422, "Invalid".to_owned()));
    assert_eq!(refused(&at("1", Some("Roughly"), None)), (422, "Invalid".to_owned()));
    config_map(&server, "b");
    server.compact();
    assert_eq!(refused(&at(&empty.to_string(), Some("Exact"), None)), (410, "Expired".to_owned()));
}

#[test]
fn selectors_select() {
    let server = server();
    for (name, app) in [("a", "x"), ("b", "y")] {
        let body = json!({"metadata": {"name": name, "labels": {"app": app}}});
        create(&server, &config_maps(), body).expect("a config map");
    }
    let labels = |text: &str| ListOptions { label_selector: Some(text.to_owned()), ..options() };
    let fields = |text: &str| ListOptions { field_selector: Some(text.to_owned()), ..options() };
    assert_eq!(names(&server, &config_maps(), &labels("app in (x,z)")), ["a"]);
    assert_eq!(names(&server, &config_maps(), &fields("metadata.name!=a")), ["b"]);
    for bad in [labels("app in ("), fields("data.a=1"), fields("x")] {
        assert_eq!(refusal(server.list(&config_maps(), &bad)).0, 400);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Write(u8),
    Delete(u8),
    Page,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..12_u8).prop_map(Step::Write),
        (0..12_u8).prop_map(Step::Delete),
        Just(Step::Page),
        Just(Step::Page),
    ];
    proptest::collection::vec(step, 0..30)
}

fn write(server: &ApiServer, step: &Step) {
    match step {
        Step::Write(index) => {
            let body = json!({"metadata": {"name": format!("c{index}")}, "data": {"r": server.revision().to_string()}});
            let target = config_maps().named(&format!("c{index}"));
            if create(server, &config_maps(), body.clone()).is_err() {
                server.update(&target, body, &kubesim::WriteOptions::default()).expect("an update");
            }
        }
        Step::Delete(index) => {
            // Deleting what is not there is part of the game.
            let _: Result<_, Status> =
                server.delete(&config_maps().named(&format!("c{index}")), &DeleteOptions::default());
        }
        Step::Page => {}
    }
}

proptest! {
    /// However writes and pages mix, the pages together are the snapshot of the first one.
    #[test]
    fn pages_are_one_snapshot(before in steps(), during in steps(), limit in 1..4_u64) {
        let server = ApiServer::new(Options::default());
        for step in &before {
            write(&server, step);
        }
        let snapshot = server.list(&config_maps(), &options()).expect("a list");

        let mut page = server.list(&config_maps(), &ListOptions { limit: Some(limit), ..options() }).expect("a page");
        let mut items = page.items.clone();
        let mut during = during.iter();
        while let Some(token) = page.continue_token.take() {
            for step in during.by_ref() {
                write(&server, step);
                if matches!(step, Step::Page) {
                    break;
                }
            }
            let next = ListOptions { limit: Some(limit), continue_token: Some(token), ..options() };
            page = server.list(&config_maps(), &next).expect("a page");
            prop_assert_eq!(page.resource_version, snapshot.resource_version);
            prop_assert!(page.items.len() as u64 <= limit);
            let seen = items.len() + page.items.len();
            let rest = (snapshot.items.len() - seen) as u64;
            prop_assert_eq!(page.remaining_item_count, (rest > 0).then_some(rest));
            items.extend(page.items.clone());
        }
        prop_assert_eq!(items, snapshot.items);
    }
}
