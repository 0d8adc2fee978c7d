//! Manifests: the YAML that people keep objects in, as objects.
//!
//! A file holds any number of documents between `---` lines; a document may be a `List`, whose items count as
//! objects of their own. Every object remembers its document, so that an error can name it. Scalars are read as
//! `kubectl` reads them: `yes` is a boolean and `0644` is octal.

use serde_json::Value;

use crate::shape::{DEPTH_MAX, is_deeper};

/// The longest document that is read.
const DOCUMENT_LENGTH_MAX: usize = 64 << 20;

/// One object of a manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The number of its document, from 1. Empty documents count.
    pub document: usize,
    /// The object.
    pub object: Value,
}

/// A document that is not an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("document {document}: {why}")]
pub struct ManifestError {
    /// The number of the document, from 1.
    pub document: usize,
    /// What is wrong with it; positions are relative to the document.
    pub why: String,
}

/// The objects of a manifest, in order. Documents without content are skipped.
pub fn parse(text: &str) -> Result<Vec<Manifest>, ManifestError> {
    let mut found = Vec::new();
    for (index, document) in documents(text).into_iter().enumerate() {
        let number = index + 1;
        let fail = |why: String| ManifestError { document: number, why };
        match yaml(&document).map_err(fail)? {
            Value::Null => {}
            Value::Object(object) => flatten(Value::Object(object), number, &mut found).map_err(fail)?,
            _ => return Err(fail("not an object: apiVersion, kind and metadata are expected".to_owned())),
        }
    }
    Ok(found)
}

fn flatten(object: Value, document: usize, found: &mut Vec<Manifest>) -> Result<(), String> {
    for field in ["apiVersion", "kind"] {
        if object.get(field).and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(format!("{field} is missing"));
        }
    }
    let is_list = object["kind"].as_str().is_some_and(|kind| kind.ends_with("List"));
    match object.get("items") {
        Some(Value::Array(items)) if is_list => {
            for (index, item) in items.iter().enumerate() {
                if !item.is_object() {
                    return Err(format!("item {} of the list is not an object", index + 1));
                }
                flatten(item.clone(), document, found).map_err(|why| format!("item {}: {why}", index + 1))?;
            }
        }
        _ => found.push(Manifest { document, object }),
    }
    Ok(())
}

/// Splits at `---` lines. Inside a document such a line cannot occur: block scalars are indented.
fn documents(text: &str) -> Vec<String> {
    let mut documents = vec![String::new()];
    for line in text.lines() {
        match line.strip_prefix("---") {
            Some(rest) if rest.is_empty() || rest.starts_with([' ', '\t', '\r']) => {
                documents.push(format!("{rest}\n"));
            }
            _ => {
                let last = documents.len() - 1;
                documents[last].push_str(line);
                documents[last].push('\n');
            }
        }
    }
    // What stands before the first marker is a document only if it says something.
    if documents.len() > 1 && documents[0].lines().all(is_blank) {
        documents.remove(0);
    }
    documents
}

fn is_blank(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

/// One YAML document as a value; an empty one is null.
pub(crate) fn yaml(text: &str) -> Result<Value, String> {
    if text.len() > DOCUMENT_LENGTH_MAX {
        return Err(format!("longer than {DOCUMENT_LENGTH_MAX} bytes"));
    }
    if text.lines().all(is_blank) {
        return Ok(Value::Null);
    }
    let options = serde_saphyr::options! {
        legacy_octal_numbers: true,
        // A snippet in an error would print what may be secret.
        with_snippet: false,
    };
    let value = serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())?;
    if is_deeper(&value, DEPTH_MAX) {
        return Err(format!("nested deeper than {DEPTH_MAX} levels"));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_and_lists() {
        let text = "# head\n---\napiVersion: v1\nkind: A\n--- # two\n# nothing\n---\napiVersion: v1\nkind: List\nitems:\n\
                    - {apiVersion: v1, kind: B}\n- {apiVersion: v1, kind: C}\n";
        let found = parse(text).unwrap();
        let kinds: Vec<_> = found.iter().map(|m| (m.document, m.object["kind"].as_str().unwrap())).collect();
        assert_eq!(kinds, [(1, "A"), (3, "B"), (3, "C")]);
    }

    #[test]
    fn errors_name_the_document() {
        let error = parse("apiVersion: v1\nkind: A\n---\n- 1\n").unwrap_err();
        assert_eq!(error.document, 2);
        assert!(parse("kind: A\n").unwrap_err().to_string().contains("document 1: apiVersion is missing"));
        assert!(parse("a: [\n").is_err());
        let list = "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1}]\n";
        assert!(parse(list).unwrap_err().why.contains("item 1: kind is missing"));
    }

    #[test]
    fn scalars_as_kubectl_reads_them() {
        let value =
            yaml("mode: 0644\non: yes\ntext: \"0644\"\nbig: 18446744073709551615\nblock: |\n  a\n  --- b\n").unwrap();
        assert_eq!(
            value,
            json!({"mode": 420, "on": true, "text": "0644", "big": 18_446_744_073_709_551_615_u64, "block": "a\n--- b\n"})
        );
    }
}
