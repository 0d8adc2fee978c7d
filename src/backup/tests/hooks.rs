//! Hooks around a pod and its volumes.

use serde_json::json;

use super::*;
use crate::api::BackupPhase;

fn annotated(more: &[(&str, &str)]) -> Vec<Value> {
    let mut annotations = json!({
        "pre.hook.backup.ark.heptio.com/command": r#"["freeze","/data"]"#,
        "post.hook.backup.ark.heptio.com/command": "thaw",
        "post.hook.backup.ark.heptio.com/container": "side",
    });
    for (key, value) in more {
        annotations[*key] = json!(value);
    }
    let mut objects = shop();
    objects.push(claim("shop", "frozen", Some("pv-frozen")));
    objects.push(volume("pv-frozen"));
    objects.push(pod("shop", "frozen", json!({}), annotations, &["frozen"]));
    objects
}

/// The calls between the first and the last command.
fn around(world: &World) -> Vec<String> {
    let calls = world.cluster.calls();
    let first = calls.iter().position(|call| call.starts_with("exec")).expect("a command ran");
    let last = calls.iter().rposition(|call| call.starts_with("exec")).expect("a command ran");
    calls[first..=last].to_vec()
}

#[tokio::test(start_paused = true)]
async fn volumes_are_saved_between_the_hooks() {
    let world = World::scripted(annotated(&[]), |call, _| {
        let output = ExecOutcome { stdout: b"done\n".to_vec(), ..ExecOutcome::default() };
        call.starts_with("exec").then_some(Ok(output))
    });
    let (paths, outcome) = world.saves(json!({"includedResources": ["pods", "pvc", "pv"]})).await;
    let between: Vec<String> = around(&world).into_iter().filter(|call| !call.starts_with("list")).collect();
    assert_eq!(
        between,
        [
            "exec shop/frozen main freeze /data",
            "get persistentvolumeclaims shop frozen",
            "get persistentvolumes pv-frozen",
            "exec shop/frozen side thaw",
        ]
    );
    assert_eq!(outcome.status.phase, BackupPhase::Completed);
    let of = |path: &str| paths.iter().position(|one| one == path).expect(path);
    assert!(of("persistentvolumes pv-frozen") < of("pods shop/frozen"));
    assert_eq!(set(paths.iter().map(String::as_str)).len(), paths.len());
    assert!(world.log().await.contains(r#"msg="stdout: done\n""#));
}

#[tokio::test(start_paused = true)]
async fn a_failing_hook_is_an_error_the_pod_is_saved_and_what_thaws_it_runs() {
    let fails = |objects: Vec<Value>| {
        World::scripted(objects, |call, _| {
            (call == "exec shop/frozen main freeze /data")
                .then(|| Ok(ExecOutcome { exit_code: 3, stderr: b"busy".to_vec(), ..ExecOutcome::default() }))
        })
    };
    let reason = r#"pods shop/frozen: pre hook "<from-annotation>" failed: command terminated with exit code 3"#;
    let world = fails(annotated(&[]));
    let (paths, outcome) = world.saves(json!({})).await;
    assert!(paths.contains(&"pods shop/frozen".to_owned()));
    assert_eq!(around(&world).last().map(String::as_str), Some("exec shop/frozen side thaw"));
    assert_eq!(outcome.status.phase, BackupPhase::PartiallyFailed);
    assert_eq!(outcome.results.errors.messages().collect::<Vec<_>>(), [reason]);

    let world = fails(annotated(&[("pre.hook.backup.ark.heptio.com/on-error", "Continue")]));
    let (_, outcome) = world.saves(json!({})).await;
    assert_eq!(outcome.status.phase, BackupPhase::Completed);
    assert_eq!(outcome.results.warnings.messages().collect::<Vec<_>>(), [reason]);
}

#[tokio::test(start_paused = true)]
async fn hooks_that_cannot_start_or_end_are_errors_with_the_words_of_v0_6() {
    for (annotation, value, answer, expected) in [
        ("container", "absent", None, "no such container: \"absent\""),
        ("command", "[]", None, "command is required"),
        ("timeout", "90s", Some(ClusterErrorKind::Timeout), "timed out after 1m30s; the process may still run"),
        ("timeout", "0s", Some(ClusterErrorKind::Connection), "the request: as the test wants it"),
    ] {
        let key = format!("pre.hook.backup.ark.heptio.com/{annotation}");
        let world = World::scripted(annotated(&[(&key, value)]), move |call, _| {
            let kind = answer.filter(|_| call.contains("freeze"))?;
            Some(Err(error(kind)))
        });
        let (_, outcome) = world.saves(json!({})).await;
        let errors: Vec<&str> = outcome.results.errors.messages().collect();
        assert_eq!(errors, [format!("pods shop/frozen: pre hook \"<from-annotation>\" failed: {expected}")]);
        // A command whose answer was lost is not run again.
        assert!(world.cluster.calls().iter().filter(|call| call.contains("freeze")).count() <= 1);
    }
}

#[tokio::test(start_paused = true)]
async fn hooks_of_the_request_run_in_the_first_container_of_each_pod() {
    let mut objects = shop();
    let mut other = pod("blog", "web", json!({}), json!({}), &[]);
    other["spec"]["containers"] = json!([{"name": "other", "image": "x"}]);
    objects.push(other);
    let mut ended = pod("shop", "job", json!({}), json!({}), &[]);
    ended["status"] = json!({"phase": "Succeeded"});
    objects.push(ended);
    let world = World::new(objects);
    let ended = kubesim::Target::new("", "v1", "pods").in_namespace("shop").named("job").sub("status");
    let patch = kubesim::Patch::Merge(json!({"status": {"phase": "Succeeded"}}));
    world.server.patch(&ended, &patch, &kubesim::WriteOptions::default()).expect("a status");
    let hook = json!({"name": "sync", "hooks": [{"exec": {"command": ["sync"]}}]});
    let (_, outcome) = world.saves(json!({"hooks": {"resources": [hook]}})).await;
    let ran: Vec<String> = world.cluster.calls().into_iter().filter(|call| call.starts_with("exec")).collect();
    assert_eq!(ran, ["exec blog/web other sync", "exec shop/db main sync"]);
    assert_eq!(outcome.status.phase, BackupPhase::Completed);
    assert!(world.log().await.contains("Skipping hooks because the pod has ended"));
}
