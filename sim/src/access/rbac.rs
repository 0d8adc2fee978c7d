//! Whether the roles in the store let somebody do something.
//!
//! Owns the way from an identity over bindings to the rules of roles, and what a rule allows. Members of `system:masters` may do
//! everything. What an aggregated role gathers is data: its controller wrote it there.
//!
//! # Differences
//!
//! Bindings are looked at in order of their names, where a real server has no order; that shows in the reason of what is allowed.
//! There is no authorizer for nodes.

use std::fmt;

use serde_json::Value;

use super::Authorization;
use super::attributes::Attributes;
use super::user::{MASTERS, UserInfo, account_name};
use crate::meta;
use crate::object::Object;
use crate::resource::GroupResource;
use crate::server::Core;
use crate::status::Status;
use crate::store::{self, Store};

/// The group of all four kinds.
pub(super) const GROUP: &str = "rbac.authorization.k8s.io";

/// What the authorizer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) allowed: bool,
    /// Why; empty where there is nothing to say.
    pub(crate) reason: String,
}

/// The rules that one binding gives, and which of its subjects gives them.
struct Grant<'a> {
    binding: &'a Object,
    subject: &'a Value,
    /// The rules, or the message for a role that is not there.
    rules: Result<&'a [Value], String>,
}

impl fmt::Display for Grant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, name) = (self.binding.kind(), self.binding.name());
        match self.binding.namespace() {
            Some(namespace) => write!(f, "{kind} \"{name}/{namespace}\"")?,
            None => write!(f, "{kind} {name:?}")?,
        }
        let role = &self.binding.value()["roleRef"];
        write!(f, " of {} {:?} to ", meta::text(role, "kind"), meta::text(role, "name"))?;
        let (kind, name) = (meta::text(self.subject, "kind"), meta::text(self.subject, "name"));
        if kind != "ServiceAccount" {
            return write!(f, "{kind} {name:?}");
        }
        let namespace = match meta::text(self.subject, "namespace") {
            "" => self.binding.namespace().unwrap_or_default(),
            namespace => namespace,
        };
        write!(f, "{kind} \"{name}/{namespace}\"")
    }
}

impl Core {
    /// Whether the user may do it.
    pub(crate) fn decide(&self, user: &UserInfo, attributes: &Attributes) -> Decision {
        if self.access.authorization == Authorization::AlwaysAllow || user.is_in(MASTERS) {
            return Decision { allowed: true, reason: String::new() };
        }
        let mut errors = Vec::new();
        for grant in grants(&self.store, user, &attributes.namespace, None) {
            match &grant.rules {
                Ok(rules) if rules.iter().any(|rule| allows(rule, attributes)) => {
                    return Decision { allowed: true, reason: format!("RBAC: allowed by {grant}") };
                }
                Ok(_) => {}
                Err(error) => errors.push(error.clone()),
            }
        }
        let reason = aggregate(errors).map_or_else(String::new, |error| format!("RBAC: {error}"));
        Decision { allowed: false, reason }
    }

    /// 403 for what the user may not do.
    pub(crate) fn authorize(&self, user: &UserInfo, attributes: &Attributes) -> Result<(), Status> {
        match self.decide(user, attributes) {
            Decision { allowed: true, .. } => Ok(()),
            Decision { reason, .. } => Err(attributes.forbidden(user, &reason)),
        }
    }
}

/// All rules of a user in a namespace, and the one text of all errors on the way to them; `called` as in [`role`].
pub(super) fn rules_of<'a>(
    store: &'a Store,
    user: &UserInfo,
    namespace: &str,
    called: Option<&str>,
) -> (Vec<&'a Value>, Option<String>) {
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for grant in grants(store, user, namespace, called) {
        match grant.rules {
            Ok(rules) => found.extend(rules),
            Err(error) => errors.push(error),
        }
    }
    (found, aggregate(errors))
}

/// Many errors as one, each said once.
fn aggregate(errors: Vec<String>) -> Option<String> {
    let mut said: Vec<String> = Vec::new();
    for error in errors {
        if !said.contains(&error) {
            said.push(error);
        }
    }
    match said.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        many => Some(format!("[{}]", many.join(", "))),
    }
}

/// What the bindings give to a user: those of the cluster, and those of the namespace where there is one.
fn grants<'a>(
    store: &'a Store,
    user: &UserInfo,
    namespace: &str,
    called: Option<&str>,
) -> impl Iterator<Item = Grant<'a>> {
    let everywhere = table(store, "clusterrolebindings", "");
    let prefix = (!namespace.is_empty()).then(|| format!("{namespace}/"));
    let here = prefix.into_iter().flat_map(move |prefix| table(store, "rolebindings", &prefix));
    everywhere.chain(here).filter_map(move |binding| {
        let namespace = binding.namespace().unwrap_or_default();
        let subjects = binding.value().get("subjects").and_then(Value::as_array)?;
        let subject = subjects.iter().find(|subject| applies(subject, user, namespace))?;
        let role = role(store, &binding.value()["roleRef"], namespace, called);
        let rules = role.map(rules).map_err(|status| status.message);
        Some(Grant { binding, subject, rules })
    })
}

/// The objects of a kind of the group whose key begins so.
fn table<'a>(store: &'a Store, resource: &str, prefix: &str) -> impl Iterator<Item = &'a Object> + use<'a> {
    let resource = GroupResource::new(GROUP, resource);
    let prefix = prefix.to_owned();
    store.all(&resource).filter(move |(key, _)| key.starts_with(&prefix)).map(|(_, object)| object)
}

/// The rules of a role.
pub(super) fn rules(role: &Object) -> &[Value] {
    role.value().get("rules").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The role that a binding of a namespace refers to; 404 where it is not there. A write of roles or bindings reads them from the storage,
/// which calls whatever is absent by the resource that the request is for: `called`.
pub(super) fn role<'a>(
    store: &'a Store,
    reference: &Value,
    namespace: &str,
    called: Option<&str>,
) -> Result<&'a Object, Status> {
    let name = meta::text(reference, "name");
    let (resource, singular, namespace) = match meta::text(reference, "kind") {
        "Role" => ("roles", "role", Some(namespace)),
        "ClusterRole" => ("clusterroles", "clusterrole", None),
        other => {
            return Err(Status::storage(format!("unsupported role reference kind: {other:?}")));
        }
    };
    let found = store.get(&GroupResource::new(GROUP, resource), &store::key(namespace, name));
    found.ok_or_else(|| Status::not_found(GROUP, called.unwrap_or(singular), name))
}

/// Whether a subject of a binding is the user.
fn applies(subject: &Value, user: &UserInfo, namespace: &str) -> bool {
    let name = meta::text(subject, "name");
    match meta::text(subject, "kind") {
        "User" => user.username == name,
        "Group" => user.is_in(name),
        "ServiceAccount" => {
            let namespace = match meta::text(subject, "namespace") {
                "" => namespace,
                given => given,
            };
            !namespace.is_empty() && user.username == account_name(namespace, name)
        }
        _ => false,
    }
}

/// The texts of a list of a rule.
pub(super) fn texts<'a>(rule: &'a Value, key: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    rule.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Whether a list of a rule has a text, or the star that stands for all.
fn has(rule: &Value, key: &str, wanted: &str) -> bool {
    texts(rule, key).any(|text| text == "*" || text == wanted)
}

fn allows(rule: &Value, attributes: &Attributes) -> bool {
    if !has(rule, "verbs", &attributes.verb) {
        return false;
    }
    if let Some(path) = &attributes.path {
        return texts(rule, "nonResourceURLs")
            .any(|url| url == "*" || url == path || url.ends_with('*') && path.starts_with(url.trim_end_matches('*')));
    }
    let combined = attributes.combined();
    let named = |resource: &str| {
        let everywhere = resource.strip_prefix("*/");
        resource == "*"
            || resource == combined
            || !attributes.subresource.is_empty() && everywhere == Some(&attributes.subresource)
    };
    let mut names = texts(rule, "resourceNames").peekable();
    has(rule, "apiGroups", &attributes.group)
        && texts(rule, "resources").any(named)
        && (names.peek().is_none() || names.any(|name| name == attributes.name))
}
