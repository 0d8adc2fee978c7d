//! Archives that no backup wrote change nothing; one entry whose text is no object costs that object only.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use tar::EntryType;

use super::*;
use crate::api::ArchiveSummary;

/// A tar file of these entries, gzip-compressed; the length is what the header claims where it is given.
fn archive(entries: &[(&str, EntryType, &str, Option<u64>)]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (path, kind, content, claimed) in entries {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(claimed.unwrap_or(content.len() as u64));
        header.set_cksum();
        tar.extend_from_slice(header.as_bytes());
        tar.extend_from_slice(content.as_bytes());
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&tar).expect("memory");
    encoder.finish().expect("memory")
}

fn text(name: &str) -> String {
    let metadata = json!({"name": name, "namespace": "shop"});
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}).to_string()
}

impl World {
    /// A backup with this archive, whatever it is, and perhaps a checksum.
    async fn raw_backup(&self, name: &str, archive: Vec<u8>, sha256: Option<String>) {
        self.backup(name, &[]).await;
        if let Some(sha256) = sha256 {
            let mut backup = self.ctx.store.metadata(name).await.expect("stored");
            let status = backup.status.as_mut().expect("it has one");
            status.archive = Some(ArchiveSummary { items: 1, bytes: archive.len() as u64, sha256 });
            self.put(&format!("{name}/ark-backup.json"), serde_json::to_vec(&backup).expect("a backup")).await;
        }
        self.put(&format!("{name}/{name}.tar.gz"), archive).await;
    }
}

const GOOD: &str = "resources/configmaps/namespaces/shop/good.json";
const BAD: &str = "resources/configmaps/namespaces/shop/bad.json";

#[tokio::test(start_paused = true)]
async fn an_archive_that_no_backup_wrote_changes_nothing() {
    let (good, bad) = (text("good"), text("bad"));
    let file = EntryType::Regular;
    let first = (GOOD, file, good.as_str(), None);
    for (second, word) in [
        (("resources/configmaps/namespaces/shop/../../x.json", file, bad.as_str(), None), "no path of an object"),
        (("/etc/cron.d/ark.json", file, bad.as_str(), None), "no path of an object"),
        ((GOOD, file, good.as_str(), None), "twice"),
        ((BAD, EntryType::Symlink, "", None), "symbolic link"),
        ((BAD, EntryType::Link, "", None), "hard link"),
        ((BAD, file, good.as_str(), None), "another name"),
        (("resources/secrets.apps/namespaces/shop/bad.json", file, bad.as_str(), None), "another group"),
        ((BAD, file, bad.as_str(), Some(1 << 33)), "limit"),
    ] {
        let world = World::bare();
        world.raw_backup("b", archive(&[first, second]), None).await;
        let revision = world.server.revision();
        let error = run(&world.ctx, &Restore::new("r", of("b"))).await.expect_err(word);
        assert!(matches!(&error, RestoreError::Archive { .. }) && error.to_string().contains(word), "{error}");
        assert_eq!(world.server.revision(), revision, "{word}");
        assert!(world.ctx.store.restore_results("b", "r").await.is_err(), "nothing was restored, nothing is recorded");
    }
}

#[tokio::test(start_paused = true)]
async fn text_that_is_no_object_is_one_error_and_the_rest_comes_back() {
    let good = text("good");
    let claim = r#"{"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":"bad","labels":{"a":1}}}"#;
    let file = EntryType::Regular;
    for (path, content, recorded) in [
        (BAD, "{\"apiVersion\":\"v1\",\"kind\":", false),
        (BAD, "", true),
        (BAD, "[]", false),
        ("resources/persistentvolumes/cluster/bad.json", claim, true),
    ] {
        let world = World::bare();
        let bytes = archive(&[(path, file, content, None), (GOOD, file, good.as_str(), None)]);
        let sha256 = recorded.then(|| crate::archive::hash_of(&bytes).to_string());
        world.raw_backup("b", bytes, sha256).await;
        let done = world.restore("r", of("b")).await;
        assert_eq!(done.status.phase, RestorePhase::PartiallyFailed, "{content}");
        assert_eq!(outcome(&done, GOOD), &Outcome::Created);
        assert!(matches!(outcome(&done, path), Outcome::Failed(reason) if reason.starts_with("it cannot be read")));
        let errors: Vec<&str> = done.results.errors.messages().collect();
        assert!(errors.len() == 1 && errors[0].contains(path), "{errors:?}");
        assert_eq!(done.status.conditions[0].status, "False");
        // Where it was not asked for it is no error.
        let narrow = RestoreSpec { included_resources: vec!["secrets".into()], ..of("b") };
        let done = world.restore("narrow", narrow).await;
        assert!(matches!(outcome(&done, path), Outcome::Skipped(_)), "{:?}", outcome(&done, path));
        assert_eq!(done.status.phase, RestorePhase::Completed);
    }
}

#[tokio::test(start_paused = true)]
async fn another_archive_than_the_recorded_one_is_refused() {
    let world = World::bare();
    let (good, other) = (text("good"), hex(Sha256::digest(b"another archive").as_slice()));
    let bytes = archive(&[(BAD, EntryType::Regular, "{", None), (GOOD, EntryType::Regular, good.as_str(), None)]);
    world.raw_backup("b", bytes, Some(other)).await;
    let revision = world.server.revision();
    let error = run(&world.ctx, &Restore::new("r", of("b"))).await.expect_err("another checksum");
    assert!(error.to_string().contains("SHA-256"), "{error}");
    assert_eq!(world.server.revision(), revision);
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes it");
        text
    })
}

/// Roles may have names that no other kind may.
#[tokio::test(start_paused = true)]
async fn names_that_only_rbac_allows_go_there_and_back() {
    let world = World::bare();
    let names = ["system:node:a.b:c", "a b", "..x", &"n".repeat(253)];
    for (number, name) in names.into_iter().enumerate() {
        let path = format!("resources/clusterroles.rbac.authorization.k8s.io/cluster/{name}.json");
        let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": name}, "rules": []});
        let backup = format!("b{number}");
        world.backup(&backup, &[(&path, role)]).await;
        let done = world.restore("r", of(&backup)).await;
        assert_eq!(outcome(&done, &path), &Outcome::Created, "{:?}", done.results.errors);
        assert!(world.get("rbac.authorization.k8s.io", "v1", "clusterroles", "", name).is_some(), "{name}");
    }
}

/// Two namespaces of the backup become one, and keep what both hold.
#[tokio::test(start_paused = true)]
async fn two_namespaces_can_become_one() {
    let world = World::bare();
    let namespace = |name: &str| {
        let metadata = json!({"name": name, "labels": {"from": name}, "annotations": {"note": name}});
        (
            format!("resources/namespaces/cluster/{name}.json"),
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}),
        )
    };
    let config = |namespace: &str, name: &str| {
        let metadata = json!({"name": name, "namespace": namespace});
        let object =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"from": namespace}});
        (format!("resources/configmaps/namespaces/{namespace}/{name}.json"), object)
    };
    let objects = [namespace("one"), namespace("two"), config("one", "a"), config("two", "b"), config("two", "a")];
    backup_of(&world, "b", &objects).await;
    let mapping = [("one", "both"), ("two", "both")].map(|(from, to)| (from.to_owned(), to.to_owned()));
    let done = world.restore("r", RestoreSpec { namespace_mapping: mapping.into(), ..of("b") }).await;
    let made = world.get("", "v1", "namespaces", "", "both").expect("made");
    assert_eq!(
        (&made["metadata"]["labels"]["from"], &made["metadata"]["annotations"]["note"]),
        (&json!("one"), &json!("one"))
    );
    assert!(world.get("", "v1", "configmaps", "both", "a").is_some());
    assert!(world.get("", "v1", "configmaps", "both", "b").is_some());
    assert!(world.get("", "v1", "namespaces", "", "two").is_none());
    let words = [&objects[2].0, &objects[4].0].map(|path| outcome(&done, path).word());
    assert!(words.contains(&"created") && words.contains(&"different"), "{words:?}");
    assert!(matches!(outcome(&done, &objects[1].0), Outcome::Skipped(reason) if reason.contains("one")));
}
