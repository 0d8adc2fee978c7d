//! Nobody gives away rights that they do not have.
//!
//! Owns the checks of writes to roles and bindings: a role may hold only what its writer holds, unless the writer may `escalate`
//! roles; a binding may give only what its writer holds, unless the writer may `bind` the role.

use serde_json::{Value, json};

use super::Authorization;
use super::attributes::Attributes;
use super::cover;
use super::rbac::{GROUP, role, rules, rules_of};
use super::user::MASTERS;
use crate::meta;
use crate::object::Object;
use crate::options::Target;
use crate::resource::ResourceDef;
use crate::server::Core;
use crate::status::Status;

/// 403 for a role or binding, written over `old`, that gives more than its writer has.
pub(crate) fn check(
    core: &Core,
    def: &ResourceDef,
    target: &Target,
    old: Option<&Object>,
    new: &Value,
) -> Result<(), Status> {
    let user = &*core.access.caller;
    if def.group != GROUP || core.access.authorization == Authorization::AlwaysAllow || user.is_in(MASTERS) {
        return Ok(());
    }
    if old.is_some_and(|old| only_owners_differ(old.value(), new)) {
        return Ok(());
    }
    let name = meta::meta_text(new, "name");
    let namespace = target.namespace.as_deref().unwrap_or_default();
    let refused = |why: &str| Err(Status::forbidden(GROUP, &def.plural, name, why));
    let attributes = |verb: &str, resource: &str, name: &str| Attributes {
        verb: verb.to_owned(),
        group: GROUP.to_owned(),
        resource: resource.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        ..Attributes::default()
    };
    let may = |attributes: &Attributes| core.decide(user, attributes).allowed;
    match def.plural.as_str() {
        "roles" | "clusterroles" => {
            if may(&attributes("escalate", &def.plural, target.name.as_deref().unwrap_or_default())) {
                return Ok(());
            }
            let asked = new.get("rules").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            if let Some(why) = escalates(core, def, namespace, asked) {
                return refused(&why);
            }
            // What an aggregation gathers is not known yet: it may be everything.
            if gathers(new) || old.is_some_and(|old| gathers(old.value())) {
                let everything = [
                    json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}),
                    json!({"nonResourceURLs": ["*"], "verbs": ["*"]}),
                ];
                if escalates(core, def, namespace, &everything).is_some() {
                    return refused("must have cluster-admin privileges to use the aggregationRule");
                }
            }
            Ok(())
        }
        "rolebindings" | "clusterrolebindings" => {
            let reference = &new["roleRef"];
            let resource = match meta::text(reference, "kind") {
                "Role" => "roles",
                _ => "clusterroles",
            };
            if may(&attributes("bind", resource, meta::text(reference, "name"))) {
                return Ok(());
            }
            let asked = rules(role(&core.store, reference, namespace, Some(&def.plural))?);
            escalates(core, def, namespace, asked).map_or(Ok(()), |why| refused(&why))
        }
        _ => Ok(()),
    }
}

/// Why the writer of a resource may not give away these rights.
fn escalates(core: &Core, def: &ResourceDef, namespace: &str, asked: &[Value]) -> Option<String> {
    let user = &*core.access.caller;
    let (held, errors) = rules_of(&core.store, user, namespace, Some(&def.plural));
    let missing = cover::missing(&held, asked);
    if missing.is_empty() {
        return None;
    }
    let groups: Vec<_> = user.groups.iter().map(|group| format!("{group:?}")).collect();
    let mut why = format!(
        "user {:?} (groups=[{}]) is attempting to grant RBAC permissions not currently held:\n{}",
        user.username,
        groups.join(" "),
        missing.join("\n")
    );
    if let Some(errors) = errors {
        why = format!("{why}; resolution errors: [{errors}]");
    }
    Some(why)
}

fn gathers(role: &Value) -> bool {
    let selectors = meta::at(role, "aggregationRule.clusterRoleSelectors").and_then(Value::as_array);
    selectors.is_some_and(|selectors| !selectors.is_empty())
}

/// Whether two states differ in what a garbage collector changes at most.
fn only_owners_differ(old: &Value, new: &Value) -> bool {
    let rest = |value: &Value| {
        let mut value = value.clone();
        for key in ["ownerReferences", "finalizers", "managedFields"] {
            meta::unset(&mut value, key);
        }
        value
    };
    rest(old) == rest(new)
}
