//! The same seed gives the same bytes, in two processes.
//!
//! The parent runs this test binary again, twice, for the one test that prints digests, and compares what they print.

use std::process::Command;

use ark::api::BackupSpec;
use ark::archive::hash_of;

use super::rig::{bring_back, bucket, paused, put_fixture, save, server};

/// What the child's line begins with.
const MARK: &str = "digest ";

#[test]
fn child_prints_its_digests() {
    paused(async {
        let (target, store) = (server(7, true), bucket());
        put_fixture(&store, "world-all").await;
        bring_back(&target, &store, "world-all", "again").await;
        save(&target, &store, "second", BackupSpec::default()).await;
        let log: Vec<String> = target.log().iter().map(ToString::to_string).collect();
        let mut digests = vec![format!("events {}", hash_of(log.join("\n").as_bytes()))];
        let bucket = store.bucket();
        for key in [
            "second/second.tar.gz",
            "second/ark-backup.json",
            "world-all/restore-again-logs.gz",
            "world-all/restore-again-results.gz",
        ] {
            let content =
                bucket.store().get_opts(&bucket.path(key), object_store::GetOptions::default()).await.expect(key);
            digests.push(format!("{key} {}", hash_of(&content.bytes().await.expect("memory"))));
        }
        println!("{MARK}{}", digests.join("; "));
    });
}

#[test]
fn the_same_seed_gives_the_same_bytes_in_two_processes() {
    let run = || {
        let binary = std::env::current_exe().expect("this binary");
        let output = Command::new(binary)
            .args(["--exact", "determinism::child_prints_its_digests", "--nocapture"])
            .output()
            .expect("it runs");
        let text = String::from_utf8(output.stdout).expect("text");
        let line = text.lines().find_map(|line| Some(line.split_once(MARK)?.1.to_owned()));
        line.unwrap_or_else(|| panic!("no digests in {text}"))
    };
    let first = run();
    assert!(first.contains("second.tar.gz"), "{first}");
    assert_eq!(first, run());
}
