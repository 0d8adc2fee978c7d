//! The command line from outside: transcripts of right and wrong input, and a backup and restore without any server.
//!
//! Transcripts lie in `fixtures/cli`: lines that start with `$ ark` are run, what follows is the exit code where it is
//! not 0, standard output, and standard error with `! ` in front. `SNAPSHOTS=overwrite` writes them anew.

use std::fmt::Write;

use kubesim::{DeleteOptions, Target};
use snapbox::Data;

use crate::person::{Cluster, Person, objects};
use crate::tree::top;

/// Runs the commands of a transcript and compares what they say.
fn transcript(name: &str, person: &Person) {
    let path = top().join("fixtures/cli").join(name);
    let text = std::fs::read_to_string(&path).expect("a transcript");
    let mut actual = String::new();
    for line in text.lines().filter(|line| line.starts_with(['$', '#'])) {
        writeln!(actual, "{line}").expect("writing to a String");
        let Some(command) = line.strip_prefix("$ ark") else { continue };
        let said = person.ark(command);
        if said.code != 0 {
            writeln!(actual, "exit code {}", said.code).expect("writing to a String");
        }
        actual.push_str(&said.out);
        for line in said.err.lines() {
            writeln!(actual, "{}", format!("! {line}").trim_end()).expect("writing to a String");
        }
        actual.push('\n');
    }
    let actual = actual.trim_end().to_owned() + "\n";
    snapbox::Assert::new()
        .action_env("SNAPSHOTS")
        .normalize_paths(false)
        .eq(Data::text(actual), Data::read_from(&path, None));
}

#[test]
fn wrong_input_is_refused_with_a_reason_and_a_hint() {
    let person = Person::new(None);
    transcript("wrong-input.txt", &person);
    let left = std::fs::read_dir(person.folder()).expect("their folder").count();
    assert_eq!(left, 0, "nothing was made");
}

#[test]
fn a_bucket_of_ark_0_6_can_be_looked_into() {
    transcript("look.txt", &Person::new(None));
}

#[test]
fn backup_and_restore_without_a_server_or_custom_resources() {
    let cluster = Cluster::start();
    cluster.load("fixtures/world/world.yaml");
    cluster.load("fixtures/world/widgets.yaml");
    cluster.settle();
    let person = Person::new(Some(&cluster));

    let backup = person.ark("backup create before --store {}/bucket");
    assert_eq!(backup.code, 0, "{backup:?}");
    assert!(backup.out.starts_with("Backup \"before\" completed: "), "{backup:?}");
    let again = person.ark("backup create before --store {}/bucket");
    assert_eq!(again.code, 1, "{again:?}");
    assert!(again.err.contains("exists already"), "{again:?}");

    let before = objects(&cluster.server, "", "v1", "configmaps", "blog");
    let deployments = objects(&cluster.server, "apps", "v1", "deployments", "blog");
    let namespace = Target::new("", "v1", "namespaces").named("blog");
    cluster.server.delete(&namespace, &DeleteOptions::default()).expect("deleted");
    cluster.settle();
    assert!(cluster.server.get(&namespace).is_err(), "the namespace is gone");

    let plan = person.ark("restore create --from-backup before --store {}/bucket --dry-run");
    assert_eq!(plan.code, 0, "{plan:?}");
    assert!(plan.out.lines().any(|line| line.starts_with("created") && line.contains("blog")), "{plan:?}");
    assert!(cluster.server.get(&namespace).is_err(), "a plan changes nothing");

    let restore = person.ark("restore create again --from-backup before --store {}/bucket");
    assert_eq!(restore.code, 0, "{restore:?}");
    cluster.settle();
    assert!(cluster.server.get(&namespace).is_ok());
    let names = |list: &[(String, serde_json::Value)]| list.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&objects(&cluster.server, "", "v1", "configmaps", "blog")), names(&before));
    let restored = objects(&cluster.server, "apps", "v1", "deployments", "blog");
    assert_eq!(names(&restored), names(&deployments));
    assert_eq!(restored[0].1["spec"], deployments[0].1["spec"]);
    assert_eq!(restored[0].1["metadata"]["labels"]["ark-restore"], "again");
    let revision = cluster.server.revision();
    let twice = person.ark("restore create again --from-backup before --store {}/bucket");
    assert_eq!(twice.code, 1, "{twice:?}");
    assert!(twice.err.contains("carried out before; choose another name"), "{twice:?}");
    assert_eq!(cluster.server.revision(), revision, "a name that is used changes nothing");

    let listed = person.ark("restore get --store {}/bucket");
    assert!(listed.out.contains("again") && listed.out.contains("Completed"), "{listed:?}");
    let logs = person.ark("restore logs again --store {}/bucket");
    assert!(logs.out.contains("level=info"), "{logs:?}");
    let served = cluster.server.resources().iter().any(|resource| resource.group.contains("heptio"));
    assert!(!served, "no custom resources were installed");
}

/// Ways to damage a bucket, and what the complaint must speak of.
const DAMAGES: [(&str, &str); 4] = [
    ("truncated", "archive"),
    ("a flipped bit", "archive"),
    ("no archive", "world-shop.tar.gz"),
    ("metadata of another name", "world-shop"),
];

#[test]
fn a_damaged_backup_is_refused_and_the_cluster_is_left_alone() {
    let cluster = Cluster::start();
    for (damage, word) in DAMAGES {
        let person = Person::new(Some(&cluster));
        let folder = person.folder().join("bucket/world-shop");
        std::fs::create_dir_all(&folder).expect("a folder");
        for file in ["ark-backup.json", "world-shop.tar.gz"] {
            let source = top().join("fixtures/backups/ark-v0.6/world-shop").join(file);
            std::fs::copy(source, folder.join(file)).expect("copied");
        }
        let archive = folder.join("world-shop.tar.gz");
        let mut bytes = std::fs::read(&archive).expect("the archive");
        match damage {
            "truncated" => bytes.truncate(bytes.len() / 2),
            "a flipped bit" => {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 0x10;
            }
            "no archive" => {}
            _ => {
                let metadata = folder.join("ark-backup.json");
                let text = std::fs::read_to_string(&metadata).expect("the metadata");
                std::fs::write(&metadata, text.replace("\"world-shop\"", "\"another\"")).expect("written");
            }
        }
        std::fs::write(&archive, bytes).expect("written");
        if damage == "no archive" {
            std::fs::remove_file(&archive).expect("removed");
        }
        let revision = cluster.server.revision();
        let said = person.ark("restore create --from-backup world-shop --store {}/bucket");
        assert_eq!(said.code, 1, "{damage}: {said:?}");
        assert!(said.err.contains("An error occurred") && said.err.contains(word), "{damage}: {said:?}");
        assert_eq!(cluster.server.revision(), revision, "{damage}: the cluster was written to");
    }
}

#[test]
fn an_unreachable_cluster_is_named() {
    let person = Person::new(None);
    // Port 9 on the loopback: nothing listens there, and the answer comes at once.
    let config = kubesim::kubeconfig::kubeconfig("127.0.0.1:9".parse().expect("an address"));
    std::fs::write(person.folder().join("kubeconfig"), config).expect("written");
    let said = person.ark("backup get");
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("hint: is the API server running?"), "{said:?}");
    let said = person.ark("backup create a --store {}/bucket");
    assert_eq!(said.code, 1, "{said:?}");
    let left = std::fs::read_dir(person.folder().join("bucket")).map(Iterator::count);
    assert!(left.is_err() || left.is_ok_and(|left| left == 0), "nothing was left in the bucket");
}

#[test]
fn without_arks_kinds_the_hint_says_how_to_get_them() {
    let cluster = Cluster::start();
    let person = Person::new(Some(&cluster));
    let said = person.ark("create backup a");
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("does not serve backups.ark.heptio.com"), "{said:?}");
    assert!(said.err.contains("ark crds") && said.err.contains("--store"), "{said:?}");
}

#[test]
fn the_deployed_definitions_are_what_the_command_prints() {
    let said = Person::new(None).ark("crds");
    let deployed = std::fs::read_to_string(top().join("deploy/crds.yaml")).expect("deploy/crds.yaml");
    assert_eq!(said.code, 0, "{said:?}");
    let first = said.out.lines().zip(deployed.lines()).find(|(printed, deployed)| printed != deployed);
    assert!(first.is_none() && said.out.len() == deployed.len(), "they differ at {first:?}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    use std::process::{Command, Stdio};
    let mut child = Command::new(env!("CARGO_BIN_EXE_ark"))
        .args(["crds"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the built binary runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()));
}
