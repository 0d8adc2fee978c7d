//! From a request path to what it names, by the rules of the API server's request info.
//!
//! Paths of resources have the forms `/api/v1/…` and `/apis/GROUP/VERSION/…`, then optionally
//! `namespaces/NAME/`, then `RESOURCE[/NAME[/SUBRESOURCE]]`. The resource `namespaces` itself is the
//! one irregularity: `namespaces/a/pods` names pods, `namespaces/a/status` a subresource.
//!
//! Nothing here knows which resources exist.

use std::str;

use crate::Target;

/// Subresources of `namespaces`, which otherwise would read as resources inside a namespace.
const NAMESPACE_SUBRESOURCES: [&str; 2] = ["status", "finalize"];

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/`: the paths that the server knows.
    Root,
    /// `/version`.
    Version,
    /// `/healthz`, `/livez`, `/readyz`, with or without the name of a check.
    Health,
    /// `/openapi/v2`.
    OpenApiV2,
    /// `/openapi/v3`.
    OpenApiIndex,
    /// `/openapi/v3/PATH`: the document of one group version, by its key in the index.
    OpenApiDocument(String),
    /// `/api`.
    CoreVersions,
    /// `/apis`.
    Groups,
    /// `/apis/GROUP`.
    Group(String),
    /// `/api/v1` or `/apis/GROUP/VERSION`.
    GroupVersion {
        /// Empty for the core group.
        group: String,
        /// The version.
        version: String,
    },
    /// A resource, an object or a subresource.
    Resource {
        /// What is named.
        target: ParsedTarget,
        /// Whether the deprecated `watch/` prefix was there.
        watch: bool,
    },
    /// Nothing that the server has.
    Unknown,
}

/// The parts of a resource's path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ParsedTarget {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) resource: String,
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) subresource: Option<String>,
}

impl From<ParsedTarget> for Target {
    fn from(parsed: ParsedTarget) -> Self {
        Self {
            group: parsed.group,
            version: parsed.version,
            resource: parsed.resource,
            namespace: parsed.namespace,
            name: parsed.name,
            subresource: parsed.subresource,
        }
    }
}

impl Route {
    /// What `path` names. Segments are percent-decoded after the split, so that a name may hold a slash
    /// only to be refused by the name rules, never to reach another resource.
    pub(crate) fn parse(path: &str) -> Self {
        let Some(parts) = segments(path) else {
            return Self::Unknown;
        };
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match parts.as_slice() {
            [] => Self::Root,
            ["version"] => Self::Version,
            ["healthz" | "livez" | "readyz", ..] => Self::Health,
            ["openapi", "v2"] => Self::OpenApiV2,
            ["openapi", "v3"] => Self::OpenApiIndex,
            ["openapi", "v3", rest @ ..] => Self::OpenApiDocument(rest.join("/")),
            ["api"] => Self::CoreVersions,
            ["apis"] => Self::Groups,
            ["apis", group] => Self::Group((*group).to_owned()),
            ["api", version] => Self::GroupVersion { group: String::new(), version: (*version).to_owned() },
            ["apis", group, version] => {
                Self::GroupVersion { group: (*group).to_owned(), version: (*version).to_owned() }
            }
            ["api", version, rest @ ..] => resource("", version, rest),
            ["apis", group, version, rest @ ..] => resource(group, version, rest),
            _ => Self::Unknown,
        }
    }
}

fn resource(group: &str, version: &str, rest: &[&str]) -> Route {
    let (watch, rest) = match rest {
        ["watch", rest @ ..] if !rest.is_empty() => (true, rest),
        rest => (false, rest),
    };
    let (namespace, rest) = match rest {
        ["namespaces", _, subresource] if group.is_empty() && NAMESPACE_SUBRESOURCES.contains(subresource) => {
            (None, rest)
        }
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some(*namespace), rest),
        rest => (None, rest),
    };
    let mut target = ParsedTarget {
        group: group.to_owned(),
        version: version.to_owned(),
        namespace: namespace.map(str::to_owned),
        ..ParsedTarget::default()
    };
    match rest {
        [plural, tail @ ..] => {
            (*plural).clone_into(&mut target.resource);
            target.name = tail.first().map(|name| (*name).to_owned());
            if tail.len() > 1 {
                // `proxy` takes the rest of the path; no other subresource has a deeper one.
                target.subresource = Some(match tail[1] {
                    "proxy" => "proxy".to_owned(),
                    _ => tail[1..].join("/"),
                });
            }
        }
        [] => return Route::Unknown,
    }
    Route::Resource { target, watch }
}

/// The decoded segments, without empty ones at the ends; `None` where one is not UTF-8.
fn segments(path: &str) -> Option<Vec<String>> {
    path.trim_matches('/')
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| decode(segment, false))
        .collect()
}

/// Percent-decodes; `plus` also turns `+` into a space, as in a query. A broken escape stays as it is.
/// `None` where the result is not UTF-8.
pub(super) fn decode(text: &str, plus: bool) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'%' => {
                let digits = bytes.get(at + 1..at + 3).and_then(|two| str::from_utf8(two).ok());
                match digits.and_then(|two| u8::from_str_radix(two, 16).ok()) {
                    Some(byte) => {
                        out.push(byte);
                        at += 3;
                        continue;
                    }
                    None => out.push(b'%'),
                }
            }
            b'+' if plus => out.push(b' '),
            byte => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8(out).ok()
}

/// The pairs of a query, in order. Tolerates empty pairs: clients send `?&a=b`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Parses the part after the question mark. Pairs that are not UTF-8 are left out.
    pub(crate) fn parse(query: &str) -> Self {
        Self(
            query
                .split('&')
                .filter(|pair| !pair.is_empty())
                .filter_map(|pair| {
                    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                    Some((decode(key, true)?, decode(value, true)?))
                })
                .collect(),
        )
    }

    /// The first value of `key`.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    /// The first value of `key`, where it is not empty.
    pub(crate) fn non_empty(&self, key: &str) -> Option<String> {
        self.get(key).filter(|value| !value.is_empty()).map(str::to_owned)
    }

    /// Every value of `key`.
    pub(crate) fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    /// A boolean as the API server reads one: a key without a value is true, as is every value but
    /// `0` and `false`. `None` where the key is absent.
    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        self.get(key).map(|value| value != "0" && !value.eq_ignore_ascii_case("false"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(path: &str) -> ParsedTarget {
        match Route::parse(path) {
            Route::Resource { target, watch: false } => target,
            other => panic!("{path} gave {other:?}"),
        }
    }

    fn parts(path: &str) -> [String; 6] {
        let t = target(path);
        [
            t.group,
            t.version,
            t.namespace.unwrap_or_default(),
            t.resource,
            t.name.unwrap_or_default(),
            t.subresource.unwrap_or_default(),
        ]
    }

    #[test]
    fn resources() {
        assert_eq!(parts("/api/v1/pods"), ["", "v1", "", "pods", "", ""]);
        assert_eq!(parts("/api/v1/namespaces"), ["", "v1", "", "namespaces", "", ""]);
        assert_eq!(parts("/api/v1/namespaces/a"), ["", "v1", "", "namespaces", "a", ""]);
        assert_eq!(parts("/api/v1/namespaces/a/finalize"), ["", "v1", "", "namespaces", "a", "finalize"]);
        assert_eq!(parts("/api/v1/namespaces/a/pods"), ["", "v1", "a", "pods", "", ""]);
        assert_eq!(parts("/api/v1/namespaces/a/pods/b/exec"), ["", "v1", "a", "pods", "b", "exec"]);
        assert_eq!(parts("/api/v1/namespaces/a/services/b/proxy/x/y"), ["", "v1", "a", "services", "b", "proxy"]);
        assert_eq!(
            parts("/apis/apps/v1/namespaces/a/deployments/b/scale/"),
            ["apps", "v1", "a", "deployments", "b", "scale"]
        );
        assert_eq!(
            parts("/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Aadmin"),
            ["rbac.authorization.k8s.io", "v1", "", "clusterroles", "system:admin", ""]
        );
        assert_eq!(parts("/api/v1/namespaces/a/pods/b%2Fc"), ["", "v1", "a", "pods", "b/c", ""]);
    }

    #[test]
    fn other_paths() {
        assert_eq!(Route::parse("/"), Route::Root);
        assert_eq!(Route::parse("/api"), Route::CoreVersions);
        assert_eq!(Route::parse("/apis/"), Route::Groups);
        assert_eq!(Route::parse("/apis/apps"), Route::Group("apps".to_owned()));
        assert_eq!(Route::parse("/readyz/ping"), Route::Health);
        assert_eq!(Route::parse("/openapi/v3/apis/apps/v1"), Route::OpenApiDocument("apis/apps/v1".to_owned()));
        assert_eq!(Route::parse("/nothing"), Route::Unknown);
        assert_eq!(Route::parse("/api/v1/%FF"), Route::Unknown);
        assert!(matches!(Route::parse("/api/v1/watch/pods"), Route::Resource { watch: true, .. }));
    }

    #[test]
    fn queries() {
        let query = Query::parse("&labelSelector=n+in+(1,2)&watch&limit=&a=1&a=2&x=%3D%2B%zz");
        assert_eq!(query.get("labelSelector"), Some("n in (1,2)"));
        assert_eq!(query.flag("watch"), Some(true));
        assert_eq!(query.flag("absent"), None);
        assert_eq!(Query::parse("watch=0").flag("watch"), Some(false));
        assert_eq!(Query::parse("watch=False").flag("watch"), Some(false));
        assert_eq!(query.non_empty("limit"), None);
        assert_eq!(query.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(query.get("x"), Some("=+%zz"));
    }
}
