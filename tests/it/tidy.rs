//! House rules that a machine can check.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::tree::{Source, sources, top};

/// The hard end of a file's length, in lines, tests included.
const FILE_LINES_MAX: usize = 800;

/// Longest line without a literal, in characters: the formatter's width of 120, and a margin for comments.
const LINE_CHARACTERS_MAX: usize = 140;

/// Complaints, one a line.
#[derive(Default)]
struct Complaints(String);

impl Complaints {
    fn add(&mut self, source: &Source, line: usize, what: impl std::fmt::Display) {
        writeln!(self.0, "{}:{line}: {what}", source.path).expect("writing to a String");
    }

    #[track_caller]
    fn check(self) {
        assert!(self.0.is_empty(), "\n{}", self.0);
    }
}

/// Lines with their numbers from one.
fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

/// Whether `line` is a comment.
fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

/// The words of a line: letters, digits and underscores.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

#[test]
fn no_file_is_too_long() {
    let mut complaints = Complaints::default();
    for source in sources(&[".rs"]) {
        let lines = source.text.lines().count();
        if lines > FILE_LINES_MAX {
            complaints.add(&source, lines, format!("more than {FILE_LINES_MAX} lines"));
        }
    }
    complaints.check();
}

#[test]
fn every_file_says_what_it_is() {
    let mut complaints = Complaints::default();
    for source in sources(&[".rs"]) {
        if !source.text.starts_with("//!") {
            complaints.add(&source, 1, "begins without a `//!` header");
        }
    }
    complaints.check();
}

#[test]
fn lines_end_cleanly() {
    let mut complaints = Complaints::default();
    for source in sources(&[".rs", ".toml", ".md", ".yaml", ".yml", ".ci/run", "LICENSE"]) {
        if !source.text.ends_with('\n') || source.text.ends_with("\n\n") {
            complaints.add(&source, source.text.lines().count(), "does not end with exactly one line end");
        }
        let code = source.is_rust();
        for (number, line) in numbered(&source.text) {
            if line.ends_with([' ', '\t', '\r']) {
                complaints.add(&source, number, "white space at the end of the line");
            }
            if line.contains('\t') {
                complaints.add(&source, number, "a tab");
            }
            if code && !line.contains('"') && line.chars().count() > LINE_CHARACTERS_MAX {
                complaints.add(&source, number, format!("longer than {LINE_CHARACTERS_MAX} characters"));
            }
        }
    }
    complaints.check();
}

#[test]
fn nothing_is_left_for_later() {
    let banned = ["todo!(", "unimplemented!(", "dbg!(", "#[ignore", "#[allow(", "#![allow("];
    let phrases = ["for now", "todo", "fixme", "xxx"];
    let mut complaints = Complaints::default();
    for source in sources(&[".rs"]).iter().filter(|source| !source.path.ends_with("it/tidy.rs")) {
        for (number, line) in numbered(&source.text) {
            for word in banned.iter().filter(|word| line.contains(**word)) {
                complaints.add(source, number, format!("`{word}`"));
            }
            let spaced = format!(" {} ", words(line).collect::<Vec<_>>().join(" ").to_lowercase());
            for phrase in phrases.iter().filter(|phrase| is_comment(line) && spaced.contains(&format!(" {phrase} "))) {
                complaints.add(source, number, format!("a comment that says \"{phrase}\""));
            }
        }
    }
    complaints.check();
}

#[test]
fn only_the_clocks_read_the_clock() {
    let reads = ["SystemTime::now", "Timestamp::now", "Instant::now", "Zoned::now"];
    let mut complaints = Complaints::default();
    for source in sources(&[".rs"]) {
        let owner = ["src/clock.rs", "sim/src/clock.rs", "tests/it/tidy.rs"].contains(&source.path.as_str());
        // Against a cluster of this world a contract needs a name that no earlier run has used.
        let bench = ["benches", "sim/benches", "tests/rig/benches"].iter().any(|folder| source.under(folder));
        if owner || bench || source.under("tests/conformance") {
            continue;
        }
        for (number, line) in numbered(&source.text) {
            if !is_comment(line) && reads.iter().any(|read| line.contains(read)) {
                complaints.add(&source, number, "reads the machine's clock; time comes from the caller's Clock");
            }
        }
    }
    complaints.check();
}

#[test]
fn every_select_is_biased() {
    let mut complaints = Complaints::default();
    for source in sources(&[".rs"]).iter().filter(|source| !source.path.ends_with("it/tidy.rs")) {
        let lines: Vec<&str> = source.text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let opens = line.contains("select! {") && !is_comment(line);
            if opens && lines.get(index + 1).is_none_or(|next| next.trim() != "biased;") {
                complaints.add(source, index + 1, "a `select!` that is not `biased;` picks by chance");
            }
        }
    }
    complaints.check();
}

#[test]
fn the_simulator_knows_nothing_of_ark() {
    let mut complaints = Complaints::default();
    for source in sources(&[".rs", ".toml", ".md"]).iter().filter(|source| source.under("sim")) {
        for (number, line) in numbered(&source.text) {
            let knows = |word: &&str| {
                let word = word.to_lowercase();
                word == "ark" || word.starts_with("ark_") || word.contains("heptio")
            };
            if let Some(word) = words(line).find(knows) {
                complaints.add(source, number, format!("mentions `{word}`"));
            }
            if line.contains("../fixtures") || line.contains("../../fixtures") {
                complaints.add(source, number, "reaches outside its own folder");
            }
        }
    }
    complaints.check();
}

#[test]
fn no_path_of_one_machine() {
    let mut complaints = Complaints::default();
    for source in sources(&[".rs", ".toml", ".md", ".yaml", ".ci/run"]) {
        for (number, line) in numbered(&source.text) {
            for folder in ["work", "root", "home", "Users"] {
                if line.contains(&format!("/{folder}/")) {
                    complaints.add(&source, number, format!("a path below /{folder}/"));
                }
            }
        }
    }
    complaints.check();
}

#[test]
fn engines_know_only_the_interfaces() {
    let engines = ["src/api", "src/archive", "src/object", "src/storage", "src/snapshot", "src/backup", "src/restore"];
    let edges = ["crate::cli", "crate::server", "crate::controller", "KubeCluster", "SimCluster", "kubesim"];
    let mut complaints = Complaints::default();
    for source in sources(&[".rs"]).iter().filter(|source| engines.iter().any(|engine| source.under(engine))) {
        for (number, line) in numbered(source.product()).filter(|(_, line)| !is_comment(line)) {
            for edge in edges.iter().filter(|edge| line.contains(**edge)) {
                complaints.add(source, number, format!("an engine reaches for `{edge}`"));
            }
            let accessor = line.contains("kube::ResourceExt");
            let client = line.contains("kube::") && !accessor && !source.under("src/api");
            if client {
                complaints.add(source, number, "an engine reaches for the Kubernetes client");
            }
            if line.contains("std::env") || line.contains("env::var") {
                complaints.add(source, number, "an engine reads the environment");
            }
        }
    }
    complaints.check();
}

#[test]
fn only_one_module_prints() {
    let mut complaints = Complaints::default();
    let macros = ["println!(", "print!(", "eprintln!(", "eprint!("];
    for source in sources(&[".rs"]).iter().filter(|source| source.under("src")) {
        for (number, line) in numbered(source.product()).filter(|(_, line)| !is_comment(line)) {
            if macros.iter().any(|name| line.contains(name)) {
                complaints.add(source, number, "prints by itself; cli/output.rs does that");
            }
        }
    }
    complaints.check();
}

/// Which top-level module of `src` uses which.
fn module_graph() -> BTreeMap<String, BTreeSet<String>> {
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources(&[".rs"]).iter().filter(|source| source.under("src")) {
        let inside = &source.path["src/".len()..];
        let module = inside.split('/').next().unwrap_or_default().trim_end_matches(".rs").to_owned();
        if module == "main" || module == "lib" {
            continue;
        }
        let edges = graph.entry(module.clone()).or_default();
        let lines: Vec<&str> = source.product().lines().filter(|line| !is_comment(line)).collect();
        let code = lines.join(" ");
        for rest in code.split("crate::").skip(1) {
            let group = rest.strip_prefix('{').map(|rest| rest.split('}').next().unwrap_or_default());
            let names: Vec<&str> = match group {
                Some(list) => list.split(',').collect(),
                None => vec![rest],
            };
            edges.extend(names.iter().filter_map(|name| words(name).next()).map(str::to_owned));
        }
        edges.remove(&module);
    }
    let modules: BTreeSet<String> = graph.keys().cloned().collect();
    for edges in graph.values_mut() {
        edges.retain(|name| modules.contains(name));
    }
    graph
}

#[test]
fn modules_do_not_go_in_circles() {
    let mut graph = module_graph();
    assert!(graph.len() > 5, "the modules of src were not found");
    loop {
        let leaves: Vec<String> =
            graph.iter().filter(|(_, edges)| edges.is_empty()).map(|(name, _)| name.clone()).collect();
        if leaves.is_empty() {
            break;
        }
        for leaf in leaves {
            graph.remove(&leaf);
            for edges in graph.values_mut() {
                edges.remove(&leaf);
            }
        }
    }
    assert!(graph.is_empty(), "these modules use each other, directly or in a circle: {graph:#?}");
}

#[test]
fn no_test_file_is_forgotten() {
    let mut complaints = Complaints::default();
    let tests = sources(&[".rs"]);
    // The rig's own sources are a library that lies among the tests.
    let is_test =
        |source: &&Source| (source.under("tests") && !source.under("tests/rig/src")) || source.under("sim/tests");
    let manifests: Vec<String> = sources(&["Cargo.toml"]).into_iter().map(|source| source.text).collect();
    for main in tests.iter().filter(is_test).filter(|source| source.path.ends_with("/main.rs")) {
        let folder = main.path.trim_end_matches("/main.rs");
        // Cargo finds the tests of the other packages by itself.
        let named = manifests.iter().any(|text| text.contains(&format!("path = \"{}\"", main.path)));
        if main.under("tests") && !main.under("tests/rig") && !main.under("tests/agreement") && !named {
            complaints.add(main, 1, "is not named in Cargo.toml");
        }
        for source in tests.iter().filter(|source| source.under(folder)) {
            let inside = &source.path[folder.len() + 1..];
            let module = inside.split('/').next().unwrap_or_default().trim_end_matches(".rs");
            if module != "main" && !main.text.contains(&format!("mod {module};")) {
                complaints.add(source, 1, format!("is not a module of {}", main.path));
            }
        }
    }
    complaints.check();
}

#[test]
fn the_licence_is_there() {
    let text = std::fs::read_to_string(top().join("LICENSE")).expect("a LICENSE file");
    assert!(text.contains("Apache License") && text.contains("Version 2.0"));
    for source in sources(&["Cargo.toml"]) {
        let licensed = source.text.contains("license.workspace = true") || source.text.contains("license = ");
        assert!(licensed, "{} names no licence", source.path);
    }
}
