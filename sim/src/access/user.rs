//! Who asks: a name, groups, and what else is known of the asker.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::validate_name;

/// The group that may do everything.
pub(crate) const MASTERS: &str = "system:masters";

/// The group of everybody whose identity is known.
pub(crate) const AUTHENTICATED: &str = "system:authenticated";

/// The group of everybody else.
pub(crate) const UNAUTHENTICATED: &str = "system:unauthenticated";

/// The name of whoever says nothing.
pub(crate) const ANONYMOUS: &str = "system:anonymous";

/// What the names of service accounts begin with.
const ACCOUNT: &str = "system:serviceaccount:";

/// An identity, as a real server's authenticators find it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserInfo {
    /// The name, as `jane` or `system:serviceaccount:shop:default`.
    pub username: String,
    /// The uid; empty where none is known.
    pub uid: String,
    /// The groups, in order.
    pub groups: Vec<String>,
    /// What else is known.
    pub extra: BTreeMap<String, Vec<String>>,
}

impl UserInfo {
    /// Somebody of this name, in no group.
    pub fn new(username: &str) -> Self {
        Self { username: username.to_owned(), ..Self::default() }
    }

    /// Who everybody is that says nothing else: the administrator.
    pub fn admin() -> Self {
        Self::new("kubernetes-admin").in_group(MASTERS).in_group(AUTHENTICATED)
    }

    /// Whom a real server takes those for that say nothing.
    pub fn anonymous() -> Self {
        Self::new(ANONYMOUS).in_group(UNAUTHENTICATED)
    }

    /// A service account.
    pub fn service_account(namespace: &str, name: &str) -> Self {
        Self { groups: account_groups(namespace), ..Self::new(&account_name(namespace, name)) }.authenticated()
    }

    /// The same in one more group.
    #[must_use]
    pub fn in_group(mut self, group: &str) -> Self {
        self.groups.push(group.to_owned());
        self
    }

    /// Whether it is in the group.
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|known| known == group)
    }

    /// The same with the group of everybody who is known, unless it says already which kind it is.
    #[must_use]
    pub(crate) fn authenticated(self) -> Self {
        if self.username == ANONYMOUS || self.is_in(AUTHENTICATED) || self.is_in(UNAUTHENTICATED) {
            return self;
        }
        self.in_group(AUTHENTICATED)
    }

    /// As `authentication.k8s.io` writes it.
    pub(crate) fn to_value(&self) -> Value {
        let mut value = Map::new();
        for (key, text) in [("username", &self.username), ("uid", &self.uid)] {
            if !text.is_empty() {
                value.insert(key.to_owned(), Value::from(text.as_str()));
            }
        }
        if !self.groups.is_empty() {
            value.insert("groups".to_owned(), Value::from(self.groups.clone()));
        }
        if !self.extra.is_empty() {
            value.insert("extra".to_owned(), json!(self.extra));
        }
        Value::Object(value)
    }
}

/// The groups of the accounts of a namespace.
pub(crate) fn account_groups(namespace: &str) -> Vec<String> {
    vec!["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")]
}

/// The user name of an account.
pub(crate) fn account_name(namespace: &str, name: &str) -> String {
    format!("{ACCOUNT}{namespace}:{name}")
}

/// Namespace and name of the account that a user name means.
pub(crate) fn account(username: &str) -> Option<(&str, &str)> {
    let (namespace, name) = username.strip_prefix(ACCOUNT)?.split_once(':')?;
    let named = validate_name::label(namespace).is_empty() && validate_name::subdomain(name).is_empty();
    named.then_some((namespace, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_have_names_and_groups() {
        let user = UserInfo::service_account("shop", "web");
        assert_eq!(user.username, "system:serviceaccount:shop:web");
        assert_eq!(user.groups, ["system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"]);
        assert_eq!(account(&user.username), Some(("shop", "web")));
        for other in ["web", "system:serviceaccount:shop", "system:serviceaccount::web", "system:serviceaccount:a:b:c"]
        {
            assert_eq!(account(other), None, "{other}");
        }
    }

    #[test]
    fn everybody_known_is_authenticated_once() {
        assert_eq!(UserInfo::new("jane").authenticated().authenticated().groups, [AUTHENTICATED]);
        assert_eq!(UserInfo::anonymous().authenticated().groups, [UNAUTHENTICATED]);
    }
}
