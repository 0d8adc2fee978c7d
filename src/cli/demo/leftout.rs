//! What a restore says it left out: read from its log in the bucket, where every object has a line.

use std::collections::BTreeMap;

use super::picture::Key;
use crate::object::GroupResource;

/// The objects that the log of a restore calls skipped, with its reason.
pub(crate) fn left_out(log: &str) -> BTreeMap<Key, String> {
    let mut found = BTreeMap::new();
    for line in log.lines() {
        let fields = fields(line);
        let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
        if field("msg") != "skipped" {
            continue;
        }
        let key = Key {
            resource: GroupResource::from(field("groupResource")),
            namespace: Some(field("namespace")).filter(|namespace| !namespace.is_empty()),
            name: field("name"),
        };
        found.insert(key, field("detail"));
    }
    found
}

/// The fields of a line `key=value key="quoted \"value\""`.
fn fields(line: &str) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    let mut rest = line;
    while let Some((key, after)) = rest.split_once('=') {
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => match after.split_once(' ') {
                Some((value, next)) => (value.to_owned(), next),
                None => (after.to_owned(), ""),
            },
        };
        fields.insert(key.trim().to_owned(), value);
        rest = next;
    }
    fields
}

/// The text up to the closing quote, and what follows it.
fn unquote(quoted: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => match characters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                Some((_, other)) => value.push(other),
                None => {}
            },
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::left_out;

    #[test]
    fn reasons_are_read_from_the_log() {
        let log = "time=\"2026-01-01T00:00:00Z\" level=info msg=skipped detail=\"the \\\"job\\\" has ended\" \
                   groupResource=jobs.batch name=migrate namespace=shop restore=heptio-ark/r\n\
                   time=\"2026-01-01T00:00:00Z\" level=info msg=created groupResource=pods name=a namespace=shop\n\
                   time=x level=info msg=skipped detail=own groupResource=nodes name=node-1 namespace=\"\"\n";
        let found: Vec<(String, String)> =
            left_out(log).into_iter().map(|(key, reason)| (key.to_string(), reason)).collect();
        assert_eq!(
            found,
            [
                ("nodes node-1".to_owned(), "own".to_owned()),
                ("jobs.batch shop/migrate".to_owned(), "the \"job\" has ended".to_owned()),
            ]
        );
    }
}
