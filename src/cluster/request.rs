//! What every backend does with a request before it leaves: names it for errors and refuses names that would mean
//! something else in a path.

use std::time::Duration;

use super::{ClusterError, ClusterErrorKind, ExecRequest, Target};
use crate::object::ApiResource;

/// The longest name or namespace that is sent. Kubernetes allows 253 characters; kinds with path-like names a few more.
const NAME_BYTES_MAX: usize = 512;

/// `create configmaps shop/settings`, `list pods`: how errors say what was asked.
pub(super) fn operation(verb: &str, resource: &ApiResource, namespace: Option<&str>, name: Option<&str>) -> String {
    match (namespace, name) {
        (Some(namespace), Some(name)) => format!("{verb} {resource} {namespace}/{name}"),
        (None, Some(name)) => format!("{verb} {resource} {name}"),
        (Some(namespace), None) => format!("{verb} {resource} in namespace {namespace}"),
        (None, None) => format!("{verb} {resource}"),
    }
}

/// The same for one object or one subresource of it.
pub(super) fn target_operation(verb: &str, target: &Target<'_>) -> String {
    let mut text = operation(verb, target.resource, target.namespace, Some(target.name));
    if let Some(subresource) = target.subresource {
        text.push_str(" (");
        text.push_str(subresource);
        text.push(')');
    }
    text
}

/// The same for a command in a container.
pub(super) fn exec_operation(request: &ExecRequest) -> String {
    format!("exec in pods {}/{} container {}", request.namespace, request.pod, request.container)
}

/// A failure that was found before anything was sent.
pub(super) fn refused(operation: &str, message: impl Into<String>) -> ClusterError {
    ClusterError {
        kind: ClusterErrorKind::Invalid,
        operation: operation.to_owned(),
        message: message.into(),
        code: 0,
        retry_after: None,
        causes: Vec::new(),
    }
}

/// Refuses a name that is not exactly one segment of a path: an empty one would turn a deletion into that of a whole
/// collection, and `..` would climb. Names come from archives, which are hostile.
pub(super) fn check_segment(operation: &str, what: &str, text: &str) -> Result<(), ClusterError> {
    let reason = if text.is_empty() {
        "is empty"
    } else if text.len() > NAME_BYTES_MAX {
        "is too long"
    } else if text == "." || text == ".." {
        "is a step in a path, not a name"
    } else if text.contains('/') || text.contains('%') {
        "holds a character that no Kubernetes name may hold"
    } else if text.chars().any(char::is_control) {
        "holds a control character"
    } else {
        return Ok(());
    };
    Err(refused(operation, format!("the {what} {reason}")))
}

/// Checks namespace and name of an object.
pub(super) fn check_names(operation: &str, namespace: Option<&str>, name: Option<&str>) -> Result<(), ClusterError> {
    if let Some(namespace) = namespace {
        check_segment(operation, "namespace", namespace)?;
    }
    if let Some(name) = name {
        check_segment(operation, "name", name)?;
    }
    Ok(())
}

/// The server counts whole seconds and reads zero as "no limit".
pub(super) fn whole_seconds(timeout: Duration) -> u64 {
    timeout.as_secs().saturating_add(u64::from(timeout.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::check_segment;

    #[test]
    fn only_one_whole_segment_is_a_name() {
        for good in ["a", "system:node", "a.b-c", "Weird Name", "…", "..."] {
            assert!(check_segment("get x", "name", good).is_ok(), "{good:?}");
        }
        for bad in ["", ".", "..", "a/b", "a%2fb", "a\nb", &"a".repeat(513)] {
            let error = check_segment("get x", "name", bad).expect_err(bad);
            assert!(error.to_string().starts_with("get x: the name "), "{error}");
        }
    }
}
