//! Path and content of an entry must agree (design decision 17).
//!
//! Text that is no object is told from an object that is another one: the first is an accident of one entry, the second
//! an archive that says one thing and holds another.

use bytes::Bytes;

use super::{ArchiveError, EntryPath};
use crate::object::RawObject;

/// Deepest nesting of an object. API servers refuse far less; JSON readers overflow beyond 128.
const DEPTH_MAX: usize = 100;

/// The object that lies under `path`.
///
/// Where the path names a group, `apiVersion` must name the same; a path without group is one of the core group or, in
/// the oldest archives, of any. Whether the kind is that of the directory is for the cluster to say.
///
/// # Errors
/// [`ArchiveError::Unreadable`] where the content is no object, [`ArchiveError::Mismatch`] where it is another one than the
/// path says.
pub fn object_of(path: &EntryPath, content: Bytes) -> Result<RawObject, ArchiveError> {
    let mismatch = |reason| ArchiveError::Mismatch { path: path.to_string(), reason };
    let unreadable = |reason| ArchiveError::Unreadable { path: path.clone(), reason };
    if is_too_deep(&content) {
        return Err(unreadable("it is nested too deeply"));
    }
    // A list of values in the right order would read as an object's head.
    if !content.trim_ascii_start().starts_with(b"{") {
        return Err(unreadable("it is no JSON object"));
    }
    let object = RawObject::new(content);
    let head = object.head().map_err(|error| unreadable(error.reason))?;
    if head.kind.is_empty() || head.api_version.is_empty() {
        return Err(unreadable("kind or apiVersion is missing"));
    }
    let group = head.api_version.split_once('/').map_or("", |(group, _)| group);
    if !path.resource().group.is_empty() && path.resource().group != group {
        return Err(mismatch("apiVersion is of another group"));
    }
    if head.metadata.name != path.name() {
        return Err(mismatch("the object has another name"));
    }
    if head.metadata.namespace != path.namespace().unwrap_or_default() {
        return Err(mismatch("the object is in another namespace"));
    }
    drop(head);
    Ok(object)
}

/// Whether brackets nest beyond the limit. Text that is no JSON gets any answer.
fn is_too_deep(text: &[u8]) -> bool {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return true;
                }
            }
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &str, content: &str) -> Result<RawObject, ArchiveError> {
        object_of(&path.parse().expect("a path"), Bytes::copy_from_slice(content.as_bytes()))
    }

    #[test]
    fn what_the_path_says_is_what_the_object_is() {
        let content = r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop"}}"#;
        for (path, agrees) in [
            ("resources/deployments.apps/namespaces/shop/web.json", true),
            ("resources/deployments/namespaces/shop/web.json", true),
            ("resources/deployments.extensions/namespaces/shop/web.json", false),
            ("resources/deployments.apps/namespaces/shop/db.json", false),
            ("resources/deployments.apps/namespaces/kube-system/web.json", false),
            ("resources/deployments.apps/cluster/web.json", false),
        ] {
            let opened = open(path, content);
            assert!(matches!((&opened, agrees), (Ok(_), true) | (Err(ArchiveError::Mismatch { .. }), false)), "{path}");
        }
    }

    #[test]
    fn text_that_is_no_object_is_named() {
        let path = "resources/pods/cluster/a.json";
        let deep = format!(r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"a"}},"x":{}"#, "[".repeat(100_000));
        let quoted =
            format!(r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"a"}},"x":"\"{}"}}"#, "[".repeat(1000));
        assert!(open(path, &quoted).is_ok());
        for (content, reason) in [
            ("", "it is no JSON object"),
            ("{", "the JSON text ends early"),
            (r#"["v1","Pod",{"name":"a"}]"#, "it is no JSON object"),
            (r#"{"metadata":{"name":1}}"#, "a field has another type than every Kubernetes object gives it"),
            (r#"{"metadata":{"name":"a"}}"#, "kind or apiVersion is missing"),
            (&deep, "it is nested too deeply"),
        ] {
            match open(path, content) {
                Err(ArchiveError::Unreadable { reason: found, .. }) => assert_eq!(found, reason),
                other => panic!("{other:?}"),
            }
        }
    }
}
