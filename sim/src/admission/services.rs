//! Services: addresses and ports are allocated, and refused where they are taken or out of range.
//!
//! Owns what a server makes of the linked fields of a service before anybody validates it: the one address and the
//! list of them, the families and their policy, the ports of nodes. The cluster has one network, of IPv4. Allocation is
//! deterministic: the seed chooses where to look first, then the next free one is taken.
//!
//! # Differences
//!
//! No `IPAddress` objects are made for addresses.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde_json::{Map, Value, json};

use super::allocations::{
    Allocations, FIRST_NODE_PORT, LAST_NODE_PORT, RANGE, RANGE_SIZE, node_port_of, node_ports, ports,
};
use crate::kinds::{Causes, addresses, service_addresses, services};
use crate::meta;
use crate::object::Object;
use crate::resource::ResourceDef;
use crate::rng::Rng;
use crate::server::Core;
use crate::status::{Cause, Status};

/// The port of nodes that a dry run begins with: it looks for none.
const DRY_NODE_PORT: i64 = 32_769;

const FAMILY: &str = "IPv4";

/// One write of a service.
struct Allocation<'a> {
    taken: &'a Allocations,
    rng: &'a mut Rng,
    def: &'a ResourceDef,
    dry_run: bool,
    /// Ports of nodes that this write has got so far.
    own: BTreeSet<i64>,
}

/// Before a service is created.
pub(super) fn create(core: &mut Core, def: &ResourceDef, value: &mut Value, dry_run: bool) -> Result<(), Status> {
    let first = text(value, "clusterIP").to_owned();
    if !first.is_empty() && services::cluster_ips(value).is_empty() {
        value["spec"]["clusterIPs"] = json!([first]);
    }
    let (taken, rng) = (&core.allocations, &mut core.rng);
    let mut allocation = Allocation { taken, rng, def, dry_run, own: BTreeSet::new() };
    allocation.families(None, value)?;
    if services::needs_address(value) {
        allocation.addresses(value, 0)?;
    }
    if on_nodes(value) {
        allocation.new_ports(value)?;
    }
    if services::needs_health_check(value) {
        allocation.health_port(value)?;
    }
    Ok(())
}

/// Before a service is replaced.
pub(super) fn update(
    core: &mut Core,
    def: &ResourceDef,
    old: &Object,
    value: &mut Value,
    dry_run: bool,
) -> Result<(), Status> {
    let before = old.value();
    keep_allocated(before, value);
    in_step(before, value);
    // What the service has already is its own to keep.
    let storage = def.storage();
    core.allocations.changed(&storage, Some(old), None);
    let (taken, rng) = (&core.allocations, &mut core.rng);
    let mut allocation = Allocation { taken, rng, def, dry_run, own: BTreeSet::new() };
    let done = allocation.update(before, value);
    core.allocations.changed(&storage, None, Some(old));
    done
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get("spec").map(|spec| meta::text(spec, key)).unwrap_or_default()
}

fn on_nodes(value: &Value) -> bool {
    matches!(services::type_of(value), "NodePort" | "LoadBalancer")
}

/// Whether ports of nodes are looked for.
fn looks_for_ports(value: &Value) -> bool {
    let wanted = meta::at(value, "spec.allocateLoadBalancerNodePorts") != Some(&Value::Bool(false));
    on_nodes(value) && (services::type_of(value) == "NodePort" || wanted)
}

/// What an update does not say of what was allocated stays.
fn keep_allocated(old: &Value, new: &mut Value) {
    let keep = |new: &mut Value, key: &str| {
        let kept = meta::at(old, &format!("spec.{key}")).cloned();
        if let (Some(kept), Some(spec)) = (kept, meta::object_at(new, "spec")) {
            spec.insert(key.to_owned(), kept);
        }
    };
    if services::needs_address(old) && services::needs_address(new) {
        if text(new, "clusterIP").is_empty() {
            keep(new, "clusterIP");
        }
        if services::cluster_ips(new).is_empty() {
            keep(new, "clusterIPs");
        }
    }
    if looks_for_ports(old) && looks_for_ports(new) {
        let used: BTreeSet<i64> = node_ports(old).intersection(&node_ports(new)).copied().collect();
        let known: Map<String, Value> =
            ports(old).iter().map(|port| (meta::text(port, "name").to_owned(), node_port_of(port).into())).collect();
        let list = new["spec"].get_mut("ports").and_then(Value::as_array_mut);
        for port in list.into_iter().flatten().filter(|port| node_port_of(port) == 0) {
            let found = known.get(meta::text(port, "name")).and_then(Value::as_i64).unwrap_or_default();
            if found != 0 && !used.contains(&found) {
                port["nodePort"] = found.into();
            }
        }
    }
    let asked = meta::at(new, "spec.healthCheckNodePort").and_then(Value::as_i64).unwrap_or_default();
    if services::needs_health_check(old) && services::needs_health_check(new) && asked == 0 {
        keep(new, "healthCheckNodePort");
    }
}

/// The one address and the list of them say the same, where an older client has changed only the one.
fn in_step(old: &Value, new: &mut Value) {
    let (first, before) = (text(new, "clusterIP").to_owned(), text(old, "clusterIP").to_owned());
    let all = |value: &Value| services::cluster_ips(value).into_iter().map(str::to_owned).collect::<Vec<_>>();
    let (list, list_before) = (all(new), all(old));
    let Some(spec) = meta::object_at(new, "spec") else {
        return;
    };
    if !list_before.is_empty() && list.is_empty() && first == before {
        spec.insert("clusterIPs".to_owned(), list_before.into());
    } else if first != before && list == list_before {
        if first.is_empty() {
            spec.remove("clusterIPs");
        } else {
            spec.insert("clusterIPs".to_owned(), json!([first]));
        }
    }
}

impl Allocation<'_> {
    fn invalid(&self, value: &Value, causes: &[Cause]) -> Status {
        Status::invalid("", &self.def.kind, meta::meta_text(value, "name"), causes)
    }

    fn update(&mut self, old: &Value, new: &mut Value) -> Result<(), Status> {
        self.families(Some(old), new)?;
        let (before, now) = (services::needs_address(old), services::needs_address(new));
        let count = |value: &Value| meta::at(value, "spec.ipFamilies").and_then(Value::as_array).map_or(0, Vec::len);
        if !before && now {
            self.addresses(new, 0)?;
        } else if before && now && !services::is_headless(old) && count(old) == 1 && count(new) == 2 {
            self.addresses(new, 1)?;
        }
        if on_nodes(new) {
            self.more_ports(old, new)?;
        }
        if !services::needs_health_check(old) && services::needs_health_check(new) {
            self.health_port(new)?;
        }
        Ok(())
    }

    /// The families and their policy, as far as the cluster and the addresses say them.
    fn families(&self, old: Option<&Value>, value: &mut Value) -> Result<(), Status> {
        if !services::needs_address(value) || old.is_some_and(|old| is_same_preference(old, value)) {
            return Ok(());
        }
        let bare = text(value, "clusterIP") == "None" && value.pointer("/spec/selector").is_none_or(Value::is_null);
        if meta::at(value, "spec.ipFamilyPolicy").is_none_or(Value::is_null) {
            let kept = old.and_then(|old| meta::at(old, "spec.ipFamilyPolicy")).cloned();
            let begun = if bare { "RequireDualStack" } else { "SingleStack" };
            value["spec"]["ipFamilyPolicy"] = kept.unwrap_or_else(|| begun.into());
        }
        let mut causes = Causes::default();
        causes.at("spec", |causes| service_addresses::check(value, old, causes));
        let found = causes.into_found();
        if !found.is_empty() {
            return Err(self.invalid(value, &found));
        }
        let single = text(value, "ipFamilyPolicy") == "SingleStack";
        let mut causes = Causes::default();
        if let Some(old) = old {
            released(old, value, single, &mut causes);
        }
        by_policy(value, single, &mut causes);
        let mut families: Vec<String> = meta::strings(meta::at(value, "spec.ipFamilies"));
        inferred(value, &mut families, &mut causes);
        let found = causes.into_found();
        if !found.is_empty() {
            return Err(self.invalid(value, &found));
        }
        if bare {
            // Nobody knows what its endpoints are: they may be of both.
            if families.is_empty() {
                families.push(FAMILY.to_owned());
            }
            if families.len() < 2 && !single {
                families.push(if families[0] == FAMILY { "IPv6" } else { FAMILY }.to_owned());
            }
            value["spec"]["ipFamilies"] = families.into();
            return Ok(());
        }
        let mut causes = Causes::default();
        let policy = text(value, "ipFamilyPolicy").to_owned();
        if policy == "RequireDualStack" {
            let why = "this cluster is not configured for dual-stack services";
            causes.invalid("spec.ipFamilyPolicy", &policy.into(), why);
        }
        for (index, family) in families.iter().enumerate().filter(|(_, family)| *family != FAMILY) {
            let field = format!("spec.ipFamilies[{index}]");
            causes.invalid(&field, &family.as_str().into(), "not configured on this cluster");
        }
        let found = causes.into_found();
        if !found.is_empty() {
            return Err(self.invalid(value, &found));
        }
        if families.is_empty() {
            families.push(FAMILY.to_owned());
        }
        value["spec"]["ipFamilies"] = families.into();
        Ok(())
    }

    /// An address for each family from the one at `first` on: the asked one, or a free one.
    fn addresses(&mut self, value: &mut Value, first: usize) -> Result<(), Status> {
        if services::cluster_ips(value).first() == Some(&"None") {
            return Ok(());
        }
        let families = meta::strings(meta::at(value, "spec.ipFamilies")).len();
        let mut all: Vec<String> = meta::strings(meta::at(value, "spec.clusterIPs"));
        all.resize(all.len().max(families), String::new());
        for index in first..families {
            let found = self.address(&all[index]).and_then(|found| referenced(value, found, self.dry_run));
            let found = found.map_err(|why| {
                let why = format!(
                    "failed to allocate IP{}",
                    if all[index].is_empty() { format!(": {why}") } else { format!(" {}: {why}", all[index]) }
                );
                self.invalid(value, &[Cause::invalid("spec.clusterIPs", &json!(all), &why)])
            })?;
            all[index] = found;
        }
        if first == 0 {
            value["spec"]["clusterIP"] = all.first().cloned().unwrap_or_default().into();
        }
        value["spec"]["clusterIPs"] = all.into();
        Ok(())
    }

    fn address(&mut self, asked: &str) -> Result<String, String> {
        if asked.is_empty() {
            if self.dry_run {
                return Ok(Ipv4Addr::from_bits(RANGE).to_string());
            }
            let free = self.taken.free_address(self.rng);
            return free.map(|address| address.to_string()).ok_or_else(|| "range is full".to_owned());
        }
        let outside = if self.dry_run {
            let range = Ipv4Addr::from_bits(RANGE);
            format!("the provided IP ({asked}) is not in the valid range. The range of valid IPs is {range}/16")
        } else {
            "the provided network does not match the current range".to_owned()
        };
        let last = RANGE + RANGE_SIZE - 1;
        match addresses::sloppy(asked) {
            Some(std::net::IpAddr::V4(address)) if address.to_bits() > RANGE && address.to_bits() < last => {
                if !self.dry_run && self.taken.has_address(address) {
                    return Err("provided IP is already allocated".to_owned());
                }
                Ok(asked.to_owned())
            }
            _ => Err(outside),
        }
    }

    /// Takes a port of nodes that was asked for.
    fn take(&mut self, port: i64) -> Result<(), String> {
        let taken = |port: &i64| u16::try_from(*port).is_ok_and(|port| self.taken.has_node_port(port));
        if !self.dry_run && !(i64::from(FIRST_NODE_PORT)..=i64::from(LAST_NODE_PORT)).contains(&port) {
            return Err(format!(
                "provided port is not in the valid range. The range of valid ports is {FIRST_NODE_PORT}-{LAST_NODE_PORT}"
            ));
        }
        if taken(&port) || !self.own.insert(port) {
            return Err("provided port is already allocated".to_owned());
        }
        Ok(())
    }

    /// Takes a free port of nodes, other than those that the service had before.
    fn next(&mut self, before: &BTreeSet<i64>) -> Result<i64, String> {
        let port = if self.dry_run {
            Some(self.own.last().map_or(DRY_NODE_PORT, |last| last + 1))
        } else {
            self.taken.free_node_port(self.rng, &self.own.union(before).copied().collect())
        };
        let port = port.ok_or_else(|| "range is full".to_owned())?;
        self.own.insert(port);
        Ok(port)
    }

    fn taken_port(&self, value: &Value, index: usize, port: i64, why: &str) -> Status {
        let field = format!("spec.ports[{index}].nodePort");
        self.invalid(value, &[Cause::invalid(&field, &port.into(), why)])
    }

    /// The ports of nodes of a new service: ports of one number share one.
    fn new_ports(&mut self, value: &mut Value) -> Result<(), Status> {
        let mut known: std::collections::BTreeMap<i64, i64> = std::collections::BTreeMap::new();
        let number = |port: &Value| port.get("port").and_then(Value::as_i64).unwrap_or_default();
        for index in 0..ports(value).len() {
            let (own, asked) = (number(&ports(value)[index]), node_port_of(&ports(value)[index]));
            if asked == 0 && !looks_for_ports(value) {
                continue;
            }
            let found = match known.get(&own) {
                Some(shared) if asked == 0 || asked == *shared => *shared,
                Some(_) => {
                    self.take(asked).map_err(|why| self.taken_port(value, index, asked, &why))?;
                    asked
                }
                None => {
                    let same = |port: &&Value| number(port) == own && node_port_of(port) != 0;
                    let found = match ports(value).iter().find(same).map(node_port_of) {
                        Some(said) => {
                            self.take(said).map_err(|why| self.taken_port(value, index, said, &why))?;
                            said
                        }
                        None => self
                            .next(&BTreeSet::new())
                            .map_err(|why| full(&format!("failed to allocate a nodePort: {why}")))?,
                    };
                    known.insert(own, found);
                    found
                }
            };
            value["spec"]["ports"][index]["nodePort"] = found.into();
        }
        Ok(())
    }

    /// The ports of nodes of a service that may have had some.
    fn more_ports(&mut self, old: &Value, value: &mut Value) -> Result<(), Status> {
        let before = node_ports(old);
        let mut known = BTreeSet::new();
        for index in 0..ports(value).len() {
            let asked = node_port_of(&ports(value)[index]);
            if asked == 0 && !looks_for_ports(value) {
                continue;
            }
            let port = if asked == 0 {
                self.next(&before).map_err(|why| full(&format!("failed to allocate a nodePort: {why}")))?
            } else {
                if !before.contains(&asked) && !self.own.contains(&asked) {
                    self.take(asked).map_err(|why| self.taken_port(value, index, asked, &why))?;
                }
                asked
            };
            value["spec"]["ports"][index]["nodePort"] = port.into();
            let protocol = meta::text(&ports(value)[index], "protocol").to_owned();
            if !known.insert((protocol.clone(), port)) {
                return Err(full(&format!("duplicate nodePort: {{{protocol} {port}}}")));
            }
        }
        Ok(())
    }

    fn health_port(&mut self, value: &mut Value) -> Result<(), Status> {
        let asked = meta::at(value, "spec.healthCheckNodePort").and_then(Value::as_i64).unwrap_or_default();
        if asked == 0 {
            let port = self
                .next(&BTreeSet::new())
                .map_err(|why| full(&format!("failed to allocate a HealthCheck NodePort 0: {why}")))?;
            value["spec"]["healthCheckNodePort"] = port.into();
            return Ok(());
        }
        self.take(asked)
            .map_err(|why| full(&format!("failed to allocate requested HealthCheck NodePort {asked}: {why}")))
    }
}

/// The address, where it can be noted for whom it is taken: for a service of some name.
fn referenced(value: &Value, found: String, dry_run: bool) -> Result<String, String> {
    if dry_run || !meta::meta_text(value, "name").is_empty() {
        return Ok(found);
    }
    Err(format!("IPAddress.networking.k8s.io {found:?} is invalid: spec.parentRef.name: Required value"))
}

/// 500, as a real server answers where no field is at fault.
fn full(why: &str) -> Status {
    let mut status = Status::new(500, "InternalError", format!("Internal error occurred: {why}"));
    status.details = Some(json!({"causes": [{"message": why}]}));
    status
}

/// Whether a service prefers two families as before, and has the same addresses: then nothing is added to it.
fn is_same_preference(old: &Value, new: &Value) -> bool {
    let same = |key: &str| old.pointer(key) == new.pointer(key);
    let prefers = |value: &Value| text(value, "ipFamilyPolicy") == "PreferDualStack";
    prefers(new)
        && prefers(old)
        && services::type_of(old) == services::type_of(new)
        && ["ClusterIP", "NodePort", "LoadBalancer"].contains(&services::type_of(new))
        && same("/spec/clusterIPs")
        && same("/spec/ipFamilies")
}

/// A service of one family lets the second one go, where it says so.
fn released(old: &Value, new: &mut Value, single: bool, causes: &mut Causes) {
    for (key, what) in [("clusterIPs", "cluster IP"), ("ipFamilies", "IP family")] {
        let pointer = format!("/spec/{key}");
        let length = |value: &Value| value.pointer(&pointer).and_then(Value::as_array).map_or(0, Vec::len);
        let same = old.pointer(&pointer) == new.pointer(&pointer);
        let (before, now) = (length(old), length(new));
        if single && same && now > 1 {
            if let Some(list) = new.pointer_mut(&pointer).and_then(Value::as_array_mut) {
                list.truncate(1);
            }
        } else if !single && now > 0 && now < before {
            let policy = meta::at(new, "spec.ipFamilyPolicy").cloned().unwrap_or_default();
            let why = format!("must be 'SingleStack' to release the secondary {what}");
            causes.invalid("spec.ipFamilyPolicy", &policy, &why);
        }
    }
}

/// One family has one of each.
fn by_policy(value: &Value, single: bool, causes: &mut Causes) {
    if !single {
        return;
    }
    for (key, what) in [("clusterIPs", "cluster IPs"), ("ipFamilies", "IP families")] {
        if value.pointer(&format!("/spec/{key}")).and_then(Value::as_array).is_some_and(|list| list.len() == 2) {
            let why = format!("must be 'RequireDualStack' or 'PreferDualStack' when multiple {what} are specified");
            causes.invalid("spec.ipFamilyPolicy", &"SingleStack".into(), &why);
        }
    }
}

/// Families that only the addresses say.
fn inferred(value: &Value, families: &mut Vec<String>, causes: &mut Causes) {
    for (index, address) in services::cluster_ips(value).into_iter().enumerate() {
        if address == "None" {
            break;
        }
        let family = if addresses::is_six(address) { "IPv6" } else { FAMILY };
        if index < families.len() {
            continue;
        }
        if family == FAMILY {
            families.push(family.to_owned());
        } else {
            let list = meta::at(value, "spec.clusterIPs").cloned().unwrap_or_default();
            let why = format!("{family} is not configured on this cluster");
            causes.invalid(&format!("spec.clusterIPs[{index}]"), &list, &why);
        }
    }
}
