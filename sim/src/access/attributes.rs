//! What a request wants to do, as an authorizer sees it.

use crate::options::Target;
use crate::select::FieldSelector;
use crate::status::Status;

use super::user::UserInfo;

/// A verb and what it is for: a resource, or a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub(crate) verb: String,
    /// The path, of a request that is for no resource.
    pub(crate) path: Option<String>,
    pub(crate) group: String,
    pub(crate) resource: String,
    pub(crate) subresource: String,
    /// Empty at the scope of the cluster.
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Attributes {
    /// A request for a resource. That for a namespace is made within it.
    pub(crate) fn of(verb: &str, target: &Target) -> Self {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let itself = target.group.is_empty() && target.resource == "namespaces";
        Self {
            verb: verb.to_owned(),
            path: None,
            group: target.group.clone(),
            resource: target.resource.clone(),
            subresource: text(&target.subresource),
            namespace: text(if itself { &target.name } else { &target.namespace }),
            name: text(&target.name),
        }
    }

    /// A request for a path.
    pub(crate) fn of_path(verb: &str, path: &str) -> Self {
        Self { verb: verb.to_owned(), path: Some(path.to_owned()), ..Self::default() }
    }

    /// A list or watch of one name is for that name.
    pub(crate) fn selecting(mut self, fields: Option<&str>) -> Self {
        if self.name.is_empty()
            && ["list", "watch"].contains(&self.verb.as_str())
            && let Some(Ok(fields)) = fields.map(FieldSelector::parse)
            && let Some(name) = fields.exactly("metadata.name")
            && !name.contains(['/', '%'])
            && ![".", ".."].contains(&name)
        {
            name.clone_into(&mut self.name);
        }
        self
    }

    /// `pods/exec`.
    pub(super) fn combined(&self) -> String {
        if self.subresource.is_empty() {
            self.resource.clone()
        } else {
            format!("{}/{}", self.resource, self.subresource)
        }
    }

    /// 403 for this user.
    pub(crate) fn forbidden(&self, user: &UserInfo, reason: &str) -> Status {
        let (name, verb) = (&user.username, &self.verb);
        let message = if let Some(path) = &self.path {
            format!("User {name:?} cannot {verb} path {path:?}")
        } else {
            let scope = match self.namespace.as_str() {
                "" => "at the cluster scope".to_owned(),
                namespace => format!("in the namespace {namespace:?}"),
            };
            let (resource, group) = (self.combined(), &self.group);
            format!("User {name:?} cannot {verb} resource {resource:?} in API group {group:?} {scope}")
        };
        // As a real server does it, so that nobody's browser runs what a request brought.
        let mut message = message.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        if !reason.is_empty() {
            message = format!("{message}: {reason}");
        }
        Status::forbidden(&self.group, &self.resource, &self.name, &message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(attributes: &Attributes) -> String {
        attributes.forbidden(&UserInfo::new("jane"), "").message
    }

    #[test]
    fn refusals_are_said_as_a_real_server_says_them() {
        let pods = Target::new("", "v1", "pods").in_namespace("shop");
        assert_eq!(
            message(&Attributes::of("list", &pods)),
            r#"pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "shop""#
        );
        assert_eq!(
            message(&Attributes::of("create", &pods.named("web").sub("exec"))),
            r#"pods "web" is forbidden: User "jane" cannot create resource "pods/exec" in API group "" in the namespace "shop""#
        );
        let roles = Target::new("rbac.authorization.k8s.io", "v1", "clusterroles");
        assert_eq!(
            message(&Attributes::of("watch", &roles)),
            "clusterroles.rbac.authorization.k8s.io is forbidden: User \"jane\" cannot watch resource \"clusterroles\" in \
             API group \"rbac.authorization.k8s.io\" at the cluster scope"
        );
        let namespace = Target::new("", "v1", "namespaces").named("shop");
        assert_eq!(
            message(&Attributes::of("get", &namespace)),
            r#"namespaces "shop" is forbidden: User "jane" cannot get resource "namespaces" in API group "" in the namespace "shop""#
        );
        assert_eq!(
            message(&Attributes::of_path("get", "/<a>")),
            r#"forbidden: User "jane" cannot get path "/&lt;a&gt;""#
        );
    }

    #[test]
    fn a_list_of_one_name_is_for_that_name() {
        let secrets = Attributes::of("list", &Target::new("", "v1", "secrets").in_namespace("shop"));
        assert_eq!(secrets.clone().selecting(Some("type=x,metadata.name=a")).name, "a");
        for others in [None, Some("metadata.name!=a"), Some("metadata.name=a/b"), Some("=")] {
            assert_eq!(secrets.clone().selecting(others).name, "", "{others:?}");
        }
    }
}
