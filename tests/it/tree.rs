//! The files of this repository, for tests that read them.

use std::path::{Path, PathBuf};

/// A text file.
#[derive(Debug)]
pub(crate) struct Source {
    /// Path from the top of the repository, with `/`.
    pub(crate) path: String,
    /// The text.
    pub(crate) text: String,
}

impl Source {
    /// The text in front of the file's own tests; all of it where it has none, nothing where the file is tests.
    pub(crate) fn product(&self) -> &str {
        if self.path.ends_with("/tests.rs") || self.path.contains("/tests/") {
            return "";
        }
        self.text.find("\n#[cfg(test)]\nmod tests {").map_or(&self.text, |at| &self.text[..at])
    }

    /// Whether it is Rust.
    pub(crate) fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|ending| ending == "rs")
    }

    /// Whether it lies under this folder.
    pub(crate) fn under(&self, folder: &str) -> bool {
        self.path.starts_with(folder) && self.path[folder.len()..].starts_with('/')
    }
}

/// The top of the repository.
pub(crate) fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file with one of these endings, in the order of their paths; build output and recorded fixtures left out.
pub(crate) fn sources(endings: &[&str]) -> Vec<Source> {
    let mut paths = Vec::new();
    walk(top(), &mut paths);
    let mut sources: Vec<Source> = paths
        .iter()
        .map(|path| {
            let relative = path.strip_prefix(top()).expect("found below the top");
            relative.to_str().expect("paths here are ASCII").replace('\\', "/")
        })
        .filter(|path| endings.iter().any(|ending| path.ends_with(ending)))
        .filter(|path| {
            !path.starts_with("fixtures/") && !path.starts_with("sim/data/") && !path.contains("/tests/data/")
        })
        .map(|path| Source { text: std::fs::read_to_string(top().join(&path)).expect("a text file"), path })
        .collect();
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!sources.is_empty(), "no file ends with {endings:?}");
    sources
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable folder").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_symlink() || matches!(name, "target" | ".git" | "proptest-regressions") {
            continue;
        }
        if path.is_dir() {
            walk(&path, paths);
        } else {
            paths.push(path);
        }
    }
}
