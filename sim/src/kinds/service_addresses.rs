//! The addresses of a service and their families: what fits together, and what may change.
//!
//! A service has one address of each family at most. The first address and the first family are there for good; a second one of
//! each may come and, where the policy says so, go.

use serde_json::Value;

use super::pod_spec::read::{each, field, given, known_if_given, list};
use super::services::{cluster_ips, is_headless, needs_address, spec};
use super::{Causes, addresses};
use crate::meta;

const KEPT: &str = "may not change once set";

fn families(value: &Value) -> Vec<&str> {
    list(spec(value), "ipFamilies").iter().filter_map(Value::as_str).collect()
}

/// A list as messages show it: an absent one is null.
fn shown<'a>(value: &'a Value, key: &str) -> &'a Value {
    field(spec(value), key)
}

/// Whether the addresses, the families and the policy of a service fit together; the check stands at its spec.
pub(crate) fn check(value: &Value, old: Option<&Value>, causes: &mut Causes) {
    if !needs_address(value) {
        return;
    }
    let (first, all) = (meta::text(spec(value), "clusterIP"), cluster_ips(value));
    let list = shown(value, "clusterIPs");
    match (first, all.first()) {
        ("", Some(_)) => causes.invalid("clusterIPs", list, "must be empty when `clusterIP` is not specified"),
        ("", None) => {}
        (_, None) => causes.required("clusterIPs", ""),
        (first, Some(given)) if first != *given => {
            causes.invalid("clusterIPs", list, "first value must match `clusterIP`");
        }
        _ => {}
    }
    let mut seen = Vec::new();
    each(spec(value), "ipFamilies", causes, |family, causes| {
        let text = family.as_str().unwrap_or_default();
        if !["IPv4", "IPv6"].contains(&text) {
            causes.not_supported("", text, &["IPv4", "IPv6"]);
        }
        if seen.contains(&text) {
            causes.duplicate("", family);
        }
        seen.push(text);
    });
    known_if_given(spec(value), "ipFamilyPolicy", &["PreferDualStack", "RequireDualStack", "SingleStack"], causes);
    if !are_addresses(value, old, causes) {
        return;
    }
    if all.len() > 1 {
        let six = all.iter().filter(|address| addresses::is_six(address)).count();
        if six == 0 || six == all.len() {
            causes.invalid("clusterIPs", list, "may specify no more than one IP for each IP family");
        }
    }
    if is_headless(value) {
        return;
    }
    for (index, (address, family)) in all.iter().zip(families(value)).enumerate() {
        let fits = match family {
            "IPv4" => !addresses::is_six(address),
            "IPv6" => addresses::is_six(address),
            _ => true,
        };
        if !fits {
            let why = format!("expected an {family} value as indicated by `ipFamilies[{index}]`");
            causes.invalid(&format!("clusterIPs[{index}]"), &(*address).into(), &why);
        }
    }
}

/// Whether every address is one, or none at all is wanted.
fn are_addresses(value: &Value, old: Option<&Value>, causes: &mut Causes) -> bool {
    let (all, before) = (cluster_ips(value), old.map(cluster_ips).unwrap_or_default());
    let mut fine = true;
    for (index, address) in all.iter().enumerate() {
        if index == 0 && *address == "None" {
            if all.len() > 1 {
                fine = false;
                causes.invalid("clusterIPs", shown(value, "clusterIPs"), "'None' must be the first and only value");
            }
            continue;
        }
        fine &= addresses::legacy(&format!("clusterIPs[{index}]"), address, &before, causes);
    }
    if all.len() > 2 {
        causes.invalid("clusterIPs", shown(value, "clusterIPs"), "may only hold up to 2 values");
    }
    fine
}

/// What may change of them.
pub(super) fn update(old: &Value, new: &Value, causes: &mut Causes) {
    if !needs_address(old) || !needs_address(new) {
        return;
    }
    let headless = (is_headless(old), is_headless(new));
    if headless != (true, true) {
        address_update(old, new, causes);
    }
    if headless == (false, false) {
        family_update(old, new, causes);
    }
}

fn releases(new: &Value, what: &str, causes: &mut Causes) {
    let policy = given(spec(new), "ipFamilyPolicy");
    if policy.is_none_or(|policy| policy != "SingleStack") {
        let why = format!("must be set to 'SingleStack' when releasing the secondary {what}");
        causes.invalid("spec.ipFamilyPolicy", policy.unwrap_or(&Value::Null), &why);
    }
}

fn address_update(old: &Value, new: &Value, causes: &mut Causes) {
    let (before, now, list) = (cluster_ips(old), cluster_ips(new), shown(new, "clusterIPs"));
    let at = |index: usize| format!("spec.clusterIPs[{index}]");
    if before.len() == now.len() {
        for (index, _) in before.iter().zip(&now).enumerate().filter(|(_, (before, now))| before != now) {
            causes.invalid(&at(index), list, KEPT);
        }
        return;
    }
    if now.is_empty() {
        causes.invalid(&at(0), list, "primary clusterIP can not be unset");
    }
    if let (Some(before), Some(now)) = (before.first(), now.first())
        && before != now
    {
        causes.invalid(&at(0), list, KEPT);
    }
    if before.len() > now.len() && now.len() == 1 {
        releases(new, "clusterIP", causes);
    }
}

fn family_update(old: &Value, new: &Value, causes: &mut Causes) {
    let (before, now) = (families(old), families(new));
    let (list, addresses) = (shown(new, "ipFamilies"), shown(new, "clusterIPs"));
    let first = "spec.ipFamilies[0]";
    if before.len() == now.len() {
        for _ in before.iter().zip(&now).filter(|(before, now)| before != now) {
            causes.invalid(first, list, KEPT);
        }
        return;
    }
    if before.len() > now.len() && cluster_ips(new).is_empty() {
        causes.invalid(first, list, "primary ipFamily can not be unset");
    }
    if let (Some(before), Some(now)) = (before.first(), now.first())
        && before != now
    {
        causes.invalid(first, addresses, KEPT);
    }
    if before.len() > now.len() && now.len() == 1 {
        releases(new, "ipFamily", causes);
    }
}
