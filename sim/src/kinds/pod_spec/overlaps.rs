//! Files of a volume that would be written over each other.

use serde_json::Value;

use super::read::{field, given, list};
use crate::meta;

/// A file, and what it is from where a volume has several sources.
#[derive(Clone, PartialEq)]
struct File {
    path: String,
    source: String,
}

impl File {
    fn shown(&self) -> String {
        if self.source.is_empty() { format!("{:?}", self.path) } else { format!("{:?} ({})", self.path, self.source) }
    }
}

/// The warnings about a volume.
pub(super) fn of(volume: &Value) -> Vec<String> {
    let name = meta::text(volume, "name");
    let mut told = Vec::new();
    let mut tell = |what: &str, files: Vec<File>| {
        for overlap in overlaps(files) {
            told.push(format!("volume {name:?} ({what}): overlapping paths: {overlap}"));
        }
    };
    for (key, word, named) in [("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")] {
        if let Some(source) = given(volume, key) {
            tell(&format!("{word} {:?}", meta::text(source, named)), items(source, ""));
        }
    }
    if let Some(source) = given(volume, "downwardAPI") {
        tell("DownwardAPI", items(source, ""));
    }
    let sources = list(field(volume, "projected"), "sources");
    let empty = sources.iter().filter(|source| source.as_object().is_none_or(serde_json::Map::is_empty)).count();
    let mut before: Vec<File> = Vec::new();
    let mut found = Vec::new();
    for source in sources {
        for file in projected(source) {
            found.extend(collisions(&before, &file));
            before.push(file);
        }
    }
    let overlapping = found.iter().map(|overlap| format!("volume {name:?} (Projected): overlapping paths: {overlap}"));
    let nothing = std::iter::repeat_n(format!("volume {name:?} (Projected) has no sources provided"), empty);
    told.extend(nothing.chain(overlapping));
    told
}

fn file(path: &str, source: &str) -> File {
    File { path: path.trim_end_matches('/').to_owned(), source: source.to_owned() }
}

fn items(source: &Value, from: &str) -> Vec<File> {
    list(source, "items").iter().map(|item| file(meta::text(item, "path"), from)).collect()
}

/// The files of one source of a projected volume.
fn projected(source: &Value) -> Vec<File> {
    for (key, word) in [("configMap", "ConfigMap"), ("secret", "Secret")] {
        if let Some(inner) = given(source, key).filter(|inner| given(inner, "items").is_some()) {
            return items(inner, &format!("{word} {:?}", meta::text(inner, "name")));
        }
    }
    if let Some(inner) = given(source, "downwardAPI").filter(|inner| given(inner, "items").is_some()) {
        return items(inner, "DownwardAPI");
    }
    given(source, "serviceAccountToken")
        .map(|token| file(meta::text(token, "path"), "ServiceAccountToken"))
        .into_iter()
        .collect()
}

fn overlaps(files: Vec<File>) -> Vec<String> {
    let mut before = Vec::new();
    let mut found = Vec::new();
    for file in files {
        found.extend(collisions(&before, &file));
        before.push(file);
    }
    found
}

/// The files at, above or below a file.
fn collisions(before: &[File], file: &File) -> Vec<String> {
    if file.path.is_empty() {
        return Vec::new();
    }
    let new = format!("{}/", file.path);
    let meets = |other: &&File| {
        let old = format!("{}/", other.path);
        !other.path.is_empty() && (old.starts_with(&new) || new.starts_with(&old))
    };
    before.iter().filter(meets).map(|other| format!("{} with {}", file.shown(), other.shown())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_file_below_another_is_told_of() {
        let volume = json!({"name": "v", "configMap": {"name": "m", "items": [
            {"key": "a", "path": "x"}, {"key": "b", "path": "x/y"}, {"key": "c", "path": "xy"}]}});
        assert_eq!(of(&volume), [r#"volume "v" (ConfigMap "m"): overlapping paths: "x/y" with "x""#]);
        let volume = json!({"name": "v", "projected": {"sources": [
            {}, {"secret": {"name": "s", "items": [{"key": "a", "path": "t"}]}}, {"serviceAccountToken": {"path": "t"}}]}});
        assert_eq!(
            of(&volume),
            [
                r#"volume "v" (Projected) has no sources provided"#,
                r#"volume "v" (Projected): overlapping paths: "t" (ServiceAccountToken) with "t" (Secret "s")"#
            ]
        );
    }
}
