//! [`EntryPath`]: where one object lies in an archive.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::object::GroupResource;

/// Top directory of every archive of format version 1.
const TOP: &str = "resources";

/// Directory of the objects of a resource that live in no namespace.
const CLUSTER: &str = "cluster";

/// Directory of the namespaces of a resource.
const NAMESPACES: &str = "namespaces";

/// What an entry's name ends in.
const SUFFIX: &str = ".json";

/// Longest name of an object in bytes. Kubernetes holds most names to 253 and leaves those of roles unbounded.
const NAME_BYTES_MAX: usize = 1024;

/// Longest name of a namespace in bytes: Kubernetes' own limit.
const NAMESPACE_BYTES_MAX: usize = 63;

/// Longest directory of a resource in bytes: a plural of 63, a dot, a group of 253.
const RESOURCE_BYTES_MAX: usize = 317;

/// Longest path in bytes: more than the longest legal parts together.
pub(super) const PATH_BYTES_MAX: usize = 2048;

/// A path that is none of an archive's, and why.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{path:?} is no path of an object: {reason}")]
pub struct EntryPathError {
    /// The path, shortened and with everything unprintable replaced.
    pub path: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl EntryPathError {
    /// An error about bytes that may be anything at all.
    pub(super) fn new(path: &[u8], reason: &'static str) -> Self {
        /// Enough to recognise a path by, too little to flood a log.
        const SHOWN: usize = 120;
        let text = String::from_utf8_lossy(&path[..path.len().min(SHOWN)]);
        Self { path: text.replace(|c: char| c.is_control(), "\u{fffd}"), reason }
    }
}

/// Where one object lies: `resources/pods/namespaces/shop/web.json`, `resources/persistentvolumes/cluster/pv01.json`.
///
/// A value made by [`new`](Self::new) or by parsing is safe to use as a path: no part is empty, `.` or `..`, or holds a
/// slash, a backslash or a control character.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryPath {
    resource: GroupResource,
    namespace: Option<String>,
    name: String,
}

impl EntryPath {
    /// The path of an object.
    ///
    /// # Errors
    /// Where a part is no name that Kubernetes gives.
    pub fn new(
        resource: GroupResource,
        namespace: Option<impl Into<String>>,
        name: impl Into<String>,
    ) -> Result<Self, EntryPathError> {
        let path = Self { resource, namespace: namespace.map(Into::into), name: name.into() };
        match path.problem() {
            None => Ok(path),
            Some(reason) => Err(EntryPathError::new(path.to_string().as_bytes(), reason)),
        }
    }

    /// The resource, as its directory says; archives of others may leave the group out.
    pub fn resource(&self) -> &GroupResource {
        &self.resource
    }

    /// The namespace; `None` where the object lives in none.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn problem(&self) -> Option<&'static str> {
        let resource = self.resource.to_string();
        let dns = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
        if self.resource.resource.is_empty()
            || resource.len() > RESOURCE_BYTES_MAX
            || !resource.chars().all(dns)
            || resource.split('.').any(str::is_empty)
        {
            return Some("the directory is no name of a resource");
        }
        if let Some(namespace) = &self.namespace {
            if namespace.len() > NAMESPACE_BYTES_MAX {
                return Some("the namespace's name is too long");
            }
            if !is_component(namespace) {
                return Some("the directory is no name of a namespace");
            }
        }
        if self.name.len() > NAME_BYTES_MAX {
            return Some("the object's name is too long");
        }
        (!is_component(&self.name)).then_some("the file is no name of an object")
    }
}

/// What Kubernetes lets an object be called at all: one segment of a path that leads nowhere else.
fn is_component(text: &str) -> bool {
    !matches!(text, "" | "." | "..") && !text.chars().any(|c| c == '/' || c == '\\' || c.is_control())
}

impl fmt::Display for EntryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { resource, namespace, name } = self;
        match namespace {
            Some(namespace) => write!(f, "{TOP}/{resource}/{NAMESPACES}/{namespace}/{name}{SUFFIX}"),
            None => write!(f, "{TOP}/{resource}/{CLUSTER}/{name}{SUFFIX}"),
        }
    }
}

impl FromStr for EntryPath {
    type Err = EntryPathError;

    fn from_str(text: &str) -> Result<Self, EntryPathError> {
        let error = |reason| EntryPathError::new(text.as_bytes(), reason);
        if text.len() > PATH_BYTES_MAX {
            return Err(error("it is too long"));
        }
        if text.starts_with('/') {
            return Err(error("it is absolute"));
        }
        // What tar writes when a person packs the directory again.
        let relative = text.strip_prefix("./").unwrap_or(text);
        let parts: Vec<&str> = relative.split('/').collect();
        if parts.iter().any(|part| matches!(*part, "" | "." | "..")) {
            return Err(error("a part of it is empty, `.` or `..`"));
        }
        let (resource, namespace, file) = match parts.as_slice() {
            [TOP, resource, CLUSTER, file] => (resource, None, file),
            [TOP, resource, NAMESPACES, namespace, file] => (resource, Some(*namespace), file),
            _ => return Err(error("format version 1 has no such directory")),
        };
        let name = file.strip_suffix(SUFFIX).ok_or_else(|| error("it does not end in .json"))?;
        let path = Self {
            resource: GroupResource::from((*resource).to_owned()),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        };
        // A dot at the end would be lost, and two texts would name one path.
        if path.resource.to_string() != *resource {
            return Err(error("the directory is no name of a resource"));
        }
        match path.problem() {
            None => Ok(path),
            Some(reason) => Err(error(reason)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_of_both_scopes_read_and_print() {
        for (text, resource, namespace, name) in [
            ("resources/pods/namespaces/shop/web.json", "pods", Some("shop"), "web"),
            ("resources/persistentvolumes/cluster/pv01.json", "persistentvolumes", None, "pv01"),
            (
                "resources/clusterroles.rbac.authorization.k8s.io/cluster/system:node.json",
                "clusterroles.rbac.authorization.k8s.io",
                None,
                "system:node",
            ),
            (
                "resources/apiservices.apiregistration.k8s.io/cluster/v1..json",
                "apiservices.apiregistration.k8s.io",
                None,
                "v1.",
            ),
            ("resources/namespaces/cluster/namespaces.json", "namespaces", None, "namespaces"),
            ("resources/a/namespaces/cluster/b..c.json", "a", Some("cluster"), "b..c"),
        ] {
            let path: EntryPath = text.parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(path.resource().to_string(), resource);
            assert_eq!((path.namespace(), path.name()), (namespace, name));
            assert_eq!(path.to_string(), text);
            assert_eq!(format!("./{text}").parse::<EntryPath>(), Ok(path));
        }
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        for text in [
            "",
            "/",
            "/resources/pods/cluster/a.json",
            "resources",
            "resources/pods/cluster/../a.json",
            "resources/pods/cluster/..json",
            "resources/pods/cluster/...json",
            "resources/pods/cluster/.json",
            "resources/pods/cluster/a",
            "resources/pods/cluster/a.json/",
            "resources/pods/cluster/x/a.json",
            "resources/pods/namespaces/a.json",
            "resources/pods/namespaces/../a.json",
            "resources/pods/namespaces//a.json",
            "resources/../namespaces/x/a.json",
            "resources/Pods/cluster/a.json",
            "resources/pods./cluster/a.json",
            "resources/.apps/cluster/a.json",
            "resources/po\\ds/cluster/a.json",
            "resources/pods/cluster/a\\b.json",
            "resources/pods/cluster/a\nb.json",
            "resources/pods/cluster/a\0.json",
            "././resources/pods/cluster/a.json",
            "metadata/version",
        ] {
            assert!(text.parse::<EntryPath>().is_err(), "{text:?}");
        }
        let long = |bytes| format!("resources/pods/cluster/{}.json", "x".repeat(bytes));
        assert!(long(NAME_BYTES_MAX).parse::<EntryPath>().is_ok());
        assert!(long(NAME_BYTES_MAX + 1).parse::<EntryPath>().is_err());
        assert!(EntryPath::new(GroupResource::new("", "pods"), Some("x".repeat(64)), "a").is_err());
        assert!(EntryPath::new(GroupResource::new("", "pods"), Some(""), "a").is_err());
    }

    #[test]
    fn errors_are_short_and_printable() {
        let error = "\u{1b}[31m\n".repeat(10_000).parse::<EntryPath>().expect_err("no path");
        let text = error.to_string();
        assert!(text.len() < 1000 && !text.chars().any(char::is_control), "{text}");
    }

    proptest! {
        #[test]
        fn what_can_be_made_reads_back(group in "([a-z0-9-]{1,5}(\\.[a-z0-9]{1,5}){0,2})?", plural in "[a-z0-9]{1,8}",
            namespace in proptest::option::of("[a-z0-9-]{1,10}"), name in "\\PC{1,20}") {
            if let Ok(path) = EntryPath::new(GroupResource::new(group, plural), namespace, name) {
                prop_assert_eq!(path.to_string().parse::<EntryPath>(), Ok(path));
            }
        }

        #[test]
        fn no_text_panics(text in "[./a-z\\\\]{0,40}") {
            if let Ok(path) = text.parse::<EntryPath>() {
                let printed = path.to_string();
                prop_assert!(!printed.split('/').any(|part| part == ".." || part.is_empty()));
            }
        }
    }
}
