//! Asking as somebody else.
//!
//! Owns who may: whoever has the verb of one of the modes for each part of the other identity and, in all modes but the oldest, for
//! what is asked as the other one.

use super::attributes::Attributes;
use super::user::{ANONYMOUS, AUTHENTICATED, MASTERS, UNAUTHENTICATED, UserInfo, account, account_groups};
use crate::server::Core;
use crate::status::Status;
use crate::validate_name;

/// The group of parts of an identity.
const GROUP: &str = "authentication.k8s.io";

/// The prefix of the user names of nodes.
const NODE: &str = "system:node:";

/// From how many parts on it is asked first whether all are allowed.
const MANY: usize = 4;

/// A way to be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// An account of a pod asks as the node that the pod runs on.
    AssociatedNode,
    ArbitraryNode,
    ServiceAccount,
    UserInfo,
    /// The verb `impersonate`, whatever is asked.
    Legacy,
}

impl Mode {
    /// In the order in which they are tried.
    const ALL: [Self; 5] =
        [Self::AssociatedNode, Self::ArbitraryNode, Self::ServiceAccount, Self::UserInfo, Self::Legacy];

    fn name(self) -> &'static str {
        match self {
            Self::AssociatedNode => "associated-node",
            Self::ArbitraryNode => "arbitrary-node",
            Self::ServiceAccount => "serviceaccount",
            Self::UserInfo => "user-info",
            Self::Legacy => "",
        }
    }

    /// Whether it is for the wanted identity.
    fn fits(self, asker: &UserInfo, wanted: &UserInfo) -> bool {
        let bare = wanted.uid.is_empty() && wanted.groups.is_empty() && wanted.extra.is_empty();
        let (node, account) = (node(&wanted.username), account(&wanted.username));
        match self {
            Self::AssociatedNode => {
                let own = asker.extra.get("authentication.kubernetes.io/node-name").map(Vec::as_slice);
                let here = node.is_some_and(|node| own == Some(&[node.to_owned()]));
                bare && here && super::user::account(&asker.username).is_some()
            }
            Self::ArbitraryNode => bare && node.is_some(),
            Self::ServiceAccount => bare && account.is_some(),
            Self::UserInfo => node.is_none() && account.is_none(),
            Self::Legacy => true,
        }
    }
}

fn node(username: &str) -> Option<&str> {
    username.strip_prefix(NODE).filter(|name| validate_name::subdomain(name).is_empty())
}

/// 400 for parts of an identity without a name.
pub(crate) fn nameless(wanted: &UserInfo) -> Status {
    // The Go value, as a real server prints it.
    let list = |texts: &[String]| {
        let quoted: Vec<_> = texts.iter().map(|text| format!("{text:?}")).collect();
        format!("[]string{{{}}}", quoted.join(", "))
    };
    let groups = if wanted.groups.is_empty() { "[]string(nil)".to_owned() } else { list(&wanted.groups) };
    let extra = if wanted.extra.is_empty() {
        "map[string][]string(nil)".to_owned()
    } else {
        let pairs: Vec<_> = wanted.extra.iter().map(|(key, values)| format!("{key:?}:{}", list(values))).collect();
        format!("map[string][]string{{{}}}", pairs.join(", "))
    };
    let uid = &wanted.uid;
    Status::bad_request(format!(
        "requested &user.DefaultInfo{{Name:\"\", UID:{uid:?}, Groups:{groups}, Extra:{extra}}} without impersonating a user \
         name"
    ))
}

/// Who `asker` is when it asks this as `wanted`; 403 where it may not.
pub(crate) fn impersonate(
    core: &Core,
    asker: &UserInfo,
    wanted: &UserInfo,
    attributes: &Attributes,
) -> Result<UserInfo, Status> {
    let mut first = None;
    for mode in Mode::ALL.into_iter().filter(|mode| mode.fits(asker, wanted)) {
        match (Attempt { core, asker, mode }).run(wanted, attributes) {
            Ok(user) => return Ok(user),
            Err(refused) => {
                first.get_or_insert(refused);
            }
        }
    }
    Err(first.expect("the oldest mode fits everybody, and refused"))
}

struct Attempt<'a> {
    core: &'a Core,
    asker: &'a UserInfo,
    mode: Mode,
}

impl Attempt<'_> {
    fn run(&self, wanted: &UserInfo, attributes: &Attributes) -> Result<UserInfo, Status> {
        if self.mode != Mode::Legacy {
            let verb = format!("impersonate-on:{}:{}", self.mode.name(), attributes.verb);
            self.core.authorize(self.asker, &Attributes { verb, ..attributes.clone() })?;
        }
        let mut user = wanted.clone();
        self.username(&mut user)?;
        if !wanted.uid.is_empty() {
            self.part(GROUP, "uids", "", &wanted.uid)?;
        }
        self.groups(&wanted.groups)?;
        self.extra(wanted)?;
        let kind = match user.username.as_str() {
            ANONYMOUS => UNAUTHENTICATED,
            _ if user.is_in(UNAUTHENTICATED) => return Ok(user),
            _ => AUTHENTICATED,
        };
        Ok(if user.is_in(kind) { user } else { user.in_group(kind) })
    }

    /// The attributes of one part of an identity.
    fn attributes(&self, group: &str, resource: &str, subresource: &str, name: &str) -> Attributes {
        let verb = match self.mode {
            Mode::Legacy => "impersonate".to_owned(),
            mode => format!("impersonate:{}", mode.name()),
        };
        Attributes {
            verb,
            group: group.to_owned(),
            resource: resource.to_owned(),
            subresource: subresource.to_owned(),
            name: name.to_owned(),
            ..Attributes::default()
        }
    }

    fn part(&self, group: &str, resource: &str, subresource: &str, name: &str) -> Result<(), Status> {
        self.core.authorize(self.asker, &self.attributes(group, resource, subresource, name))
    }

    /// The group of names and groups: the oldest mode has them in the core.
    fn names(&self) -> &'static str {
        if self.mode == Mode::Legacy { "" } else { GROUP }
    }

    fn username(&self, user: &mut UserInfo) -> Result<(), Status> {
        let mut attributes = self.attributes(self.names(), "users", "", &user.username);
        if let Some(node) = node(&user.username).filter(|_| self.mode != Mode::Legacy) {
            "nodes".clone_into(&mut attributes.resource);
            // Bound to a node already: the right is one for any of them.
            attributes.name = if self.mode == Mode::AssociatedNode { "*".to_owned() } else { node.to_owned() };
            user.groups = vec!["system:nodes".to_owned()];
        }
        if let Some((namespace, name)) = account(&user.username) {
            "serviceaccounts".clone_into(&mut attributes.resource);
            namespace.clone_into(&mut attributes.namespace);
            name.clone_into(&mut attributes.name);
            if user.groups.is_empty() {
                user.groups = account_groups(namespace);
            }
        }
        self.core.authorize(self.asker, &attributes)
    }

    fn groups(&self, groups: &[String]) -> Result<(), Status> {
        if self.mode != Mode::Legacy {
            let refuse =
                |name: &str, why: &str| Err(self.attributes(GROUP, "groups", "", name).forbidden(self.asker, why));
            if groups.iter().any(String::is_empty) {
                return refuse("", "impersonating the empty string group is not allowed");
            }
            if groups.iter().any(|group| group == MASTERS) {
                return refuse(MASTERS, "impersonating the system:masters group is not allowed");
            }
            if groups.len() >= MANY && self.part(GROUP, "groups", "", "*").is_ok() {
                return Ok(());
            }
        }
        groups.iter().try_for_each(|group| self.part(self.names(), "groups", "", group))
    }

    fn extra(&self, wanted: &UserInfo) -> Result<(), Status> {
        if self.mode != Mode::Legacy {
            if let Some(why) = wanted.extra.iter().find_map(|(key, values)| unclean(key, values)) {
                return Err(self.attributes(GROUP, "userextras", "", "").forbidden(self.asker, &why));
            }
            let count: usize = wanted.extra.values().map(Vec::len).sum();
            if count >= MANY && self.part(GROUP, "userextras", "*", "*").is_ok() {
                return Ok(());
            }
        }
        for (key, values) in &wanted.extra {
            for value in values {
                self.part(GROUP, "userextras", key, value)?;
            }
        }
        Ok(())
    }
}

/// Why an extra part is not taken in any mode but the oldest.
fn unclean(key: &str, values: &[String]) -> Option<String> {
    if key.is_empty() {
        return Some("impersonating the empty string key in extra is not allowed".to_owned());
    }
    let prefixed = key
        .split_once('/')
        .is_some_and(|(domain, path)| !path.is_empty() && validate_name::subdomain(domain).is_empty());
    if !prefixed {
        return Some(format!(
            "impersonating an invalid key in extra is not allowed: extra.key: Invalid value: {key:?}: must be a domain-prefixed path \
             (such as \"acme.io/foo\")"
        ));
    }
    values
        .iter()
        .any(String::is_empty)
        .then(|| "impersonating the empty string value in extra is not allowed".to_owned())
}
