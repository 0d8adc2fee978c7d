//! Answers that no API server should give: each is named, nothing of them harms the archive.

use serde_json::json;

use super::*;
use crate::api::BackupPhase;

fn config_maps() -> Value {
    json!({"includedResources": ["configmaps"]})
}

/// Backs the shop's config maps up while the server adds this text to their list.
async fn with(text: &str) -> (Vec<String>, Vec<String>) {
    let text = text.to_owned();
    let world = World::tampered(shop(), move |call, mut page| {
        if call == "list configmaps" {
            page.items.push(RawObject::new(text.clone()));
        }
        page
    });
    let (paths, outcome) = world.saves(config_maps()).await;
    assert_eq!(outcome.status.phase, BackupPhase::PartiallyFailed);
    (paths, outcome.results.errors.messages().map(str::to_owned).collect())
}

#[tokio::test(start_paused = true)]
async fn objects_that_are_none_or_lie_elsewhere_are_named_and_left_out() {
    for (text, expected) in [
        ("42", "configmaps: an object that the server sent cannot be read"),
        (r#"{"metadata":{"name":{"s3cret":1}}}"#, "configmaps: an object that the server sent cannot be read"),
        (r#"{"metadata":{"name":"loose"}}"#, "configmaps loose: the server says that the resource is namespaced"),
        (r#"{"metadata":{"name":"../../etc","namespace":"shop"}}"#, "configmaps shop/../../etc: "),
        (r#"{"metadata":{"name":"","namespace":"shop"}}"#, "configmaps shop/: "),
        (r#"{"metadata":{"name":"a","namespace":".."}}"#, "configmaps ../a: "),
    ] {
        let (paths, errors) = with(text).await;
        assert_eq!(paths, ["configmaps blog/settings", "configmaps shop/settings"], "{text}");
        assert!(errors.len() == 1 && errors[0].starts_with(expected), "{text}: {errors:?}");
        assert!(!errors[0].contains("s3cret"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_too_large_is_named_and_the_others_are_saved() {
    let huge = format!(r#"{{"metadata":{{"name":"huge","namespace":"shop"}},"data":"{}"}}"#, "x".repeat(17 << 20));
    let (paths, errors) = with(&huge).await;
    assert_eq!(paths.len(), 2);
    assert!(errors[0].starts_with("configmaps shop/huge: "), "{errors:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ignores_the_selector_does_not_widen_the_selection() {
    let unasked =
        r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","namespace":"shop","labels":{"app":"no"}}}"#;
    let world = World::tampered(shop(), move |call, mut page| {
        if call == "list configmaps" {
            page.items.push(RawObject::new(unasked));
        }
        page
    });
    let (paths, _) = world
        .saves(json!({"includedResources": ["configmaps"], "labelSelector": {"matchLabels": {"app": "web"}}}))
        .await;
    assert_eq!(paths, ["configmaps shop/settings"]);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_comes_twice_is_saved_once() {
    let world = World::tampered(shop(), |call, mut page| {
        if call == "list configmaps" {
            page.items.extend(page.items.clone());
        }
        page
    });
    let (paths, outcome) = world.saves(config_maps()).await;
    assert_eq!(paths, ["configmaps blog/settings", "configmaps shop/settings"]);
    assert_eq!(outcome.status.phase, BackupPhase::Completed);
}

#[tokio::test(start_paused = true)]
async fn pages_that_never_end_are_ended() {
    for empty in [false, true] {
        let turn = Mutex::new(0_u32);
        let world = World::tampered(shop(), move |call, mut page| {
            if call == "list configmaps" {
                let mut turn = turn.lock().expect("no test panics while it holds the lock");
                // Either the same page for ever, or a new empty one each time.
                *turn += u32::from(empty);
                let revision = page.resource_version.clone();
                page = ListPage { continue_token: Some(format!("{revision}-{turn}")), ..page };
                if empty {
                    page.items.clear();
                }
            }
            page
        });
        let (_, outcome) = world.saves(config_maps()).await;
        assert_eq!(outcome.status.phase, BackupPhase::PartiallyFailed);
        let errors: Vec<&str> = outcome.results.errors.messages().collect();
        assert_eq!(errors.len(), 1);
        assert!(errors[0].starts_with("configmaps: error listing items after "), "{errors:?}");
    }
}
