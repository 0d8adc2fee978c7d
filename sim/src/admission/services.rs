//! Services: addresses and ports are allocated, and refused where they are taken or out of range.
//!
//! Allocation is deterministic: the seed chooses where to look first, then the next free one is taken.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde_json::{Value, json};

use crate::meta;
use crate::object::Object;
use crate::resource::{GroupResource, ResourceDef};
use crate::rng::Rng;
use crate::server::Core;
use crate::status::{Cause, Status};

/// The first address of the range `10.96.0.0/16`.
const RANGE: u32 = 0x0a60_0000;
const RANGE_SIZE: u32 = 1 << 16;

const FIRST_NODE_PORT: u16 = 30_000;
const LAST_NODE_PORT: u16 = 32_767;

/// What is taken.
#[derive(Debug, Default)]
pub(crate) struct Allocations {
    addresses: BTreeSet<Ipv4Addr>,
    node_ports: BTreeSet<u16>,
}

impl Allocations {
    /// Keeps the books when a service was written or removed.
    pub(crate) fn changed(&mut self, resource: &GroupResource, old: Option<&Object>, new: Option<&Object>) {
        if !resource.group.is_empty() || resource.resource != "services" {
            return;
        }
        if let Some(old) = old {
            for address in addresses(old.value()) {
                self.addresses.remove(&address);
            }
            for port in node_ports(old.value()) {
                self.node_ports.remove(&port);
            }
        }
        if let Some(new) = new {
            self.addresses.extend(addresses(new.value()));
            self.node_ports.extend(node_ports(new.value()));
        }
    }

    fn free_address(&self, rng: &mut Rng) -> Option<Ipv4Addr> {
        // Neither the network's own address nor the broadcast one.
        let usable = RANGE_SIZE - 2;
        let first = rng.below(u64::from(usable)) as u32;
        (0..usable)
            .map(|step| Ipv4Addr::from_bits(RANGE + 1 + (first + step) % usable))
            .find(|address| !self.addresses.contains(address))
    }

    fn free_node_port(&self, rng: &mut Rng, own: &BTreeSet<u16>) -> Option<u16> {
        let usable = LAST_NODE_PORT - FIRST_NODE_PORT + 1;
        let first = rng.below(u64::from(usable)) as u16;
        (0..usable)
            .map(|step| FIRST_NODE_PORT + (first + step) % usable)
            .find(|port| !self.node_ports.contains(port) && !own.contains(port))
    }
}

fn addresses(service: &Value) -> Vec<Ipv4Addr> {
    let address = meta::at(service, "spec.clusterIP").and_then(Value::as_str);
    address.and_then(|address| address.parse().ok()).into_iter().collect()
}

fn node_ports(service: &Value) -> Vec<u16> {
    ports(service)
        .iter()
        .filter_map(|port| port.get("nodePort")?.as_u64()?.try_into().ok())
        .filter(|port| *port > 0)
        .collect()
}

fn ports(service: &Value) -> &[Value] {
    meta::at(service, "spec.ports").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(super) fn create(core: &mut Core, def: &ResourceDef, value: &mut Value) -> Result<(), Status> {
    defaults(value);
    allocate(&core.allocations, &mut core.rng, def, value)
}

pub(super) fn update(core: &mut Core, def: &ResourceDef, old: &Object, value: &mut Value) -> Result<(), Status> {
    defaults(value);
    let kept = |key: &str| meta::at(old.value(), &format!("spec.{key}")).cloned();
    let kind = spec_text(value, "type").to_owned();
    let address = spec_text(value, "clusterIP").to_owned();
    let before = meta::at(old.value(), "spec.clusterIP");
    let before = before.and_then(Value::as_str).unwrap_or_default();
    if kind != "ExternalName" && address.is_empty() {
        // An update that does not say an address keeps it.
        for key in ["clusterIP", "clusterIPs"] {
            if let Some(kept) = kept(key) {
                value["spec"][key] = kept;
            }
        }
    } else if !before.is_empty() && address != before && kind != "ExternalName" {
        let cause = Cause::invalid("spec.clusterIPs[0]", &json!([address]), "may not change once set");
        return Err(invalid(def, value, cause));
    }
    let before = ports(old.value()).to_vec();
    if let Some(ports) = meta::object_at(value, "spec")
        .filter(|_| matches!(kind.as_str(), "NodePort" | "LoadBalancer"))
        .and_then(|spec| spec.get_mut("ports"))
        .and_then(Value::as_array_mut)
    {
        for port in ports {
            let same = |other: &&Value| other["port"] == port["port"] && other["protocol"] == port["protocol"];
            let kept = before.iter().find(same).and_then(|old| old.get("nodePort"));
            if let Some(kept) = kept.filter(|_| is_unset(port.get("nodePort"))) {
                port["nodePort"] = kept.clone();
            }
        }
    }
    // What the service has already is its own to keep.
    let services = def.storage();
    core.allocations.changed(&services, Some(old), None);
    let allocated = allocate(&core.allocations, &mut core.rng, def, value);
    core.allocations.changed(&services, None, Some(old));
    allocated
}

fn spec_text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get("spec").map(|spec| meta::text(spec, key)).unwrap_or_default()
}

fn is_unset(value: Option<&Value>) -> bool {
    value.is_none_or(|value| value.is_null() || value == 0)
}

/// The fields that a server fills in without looking at others.
fn defaults(value: &mut Value) {
    let Some(spec) = meta::object_at(value, "spec") else {
        return;
    };
    let default = |spec: &mut serde_json::Map<String, Value>, key: &str, text: &str| {
        if spec.get(key).is_none_or(Value::is_null) {
            spec.insert(key.to_owned(), Value::from(text));
        }
    };
    default(spec, "type", "ClusterIP");
    default(spec, "sessionAffinity", "None");
    let kind = spec["type"].as_str().unwrap_or_default().to_owned();
    if kind != "ExternalName" {
        default(spec, "ipFamilyPolicy", "SingleStack");
        default(spec, "internalTrafficPolicy", "Cluster");
        spec.entry("ipFamilies").or_insert_with(|| json!(["IPv4"]));
    }
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer") {
        default(spec, "externalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        spec.entry("allocateLoadBalancerNodePorts").or_insert(Value::Bool(true));
    }
    let ports = spec.get_mut("ports").and_then(Value::as_array_mut);
    for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
        default(port, "protocol", "TCP");
        if is_unset(port.get("targetPort"))
            && let Some(number) = port.get("port").cloned()
        {
            port.insert("targetPort".to_owned(), number);
        }
    }
}

fn invalid(def: &ResourceDef, value: &Value, cause: Cause) -> Status {
    let name = meta::meta_text(value, "name");
    Status::invalid(&def.group, &def.kind, name, &[cause])
}

/// Gives the service its address and its node ports.
fn allocate(taken: &Allocations, rng: &mut Rng, def: &ResourceDef, value: &mut Value) -> Result<(), Status> {
    let kind = spec_text(value, "type").to_owned();
    if kind != "ExternalName" {
        let asked = match spec_text(value, "clusterIP") {
            "" => meta::strings(meta::at(value, "spec.clusterIPs")).into_iter().next().unwrap_or_default(),
            asked => asked.to_owned(),
        };
        let address = address(taken, rng, &asked).map_err(|why| {
            let cause = Cause::invalid("spec.clusterIPs", &json!([asked]), &why);
            invalid(def, value, cause)
        })?;
        value["spec"]["clusterIPs"] = json!([address]);
        value["spec"]["clusterIP"] = Value::from(address);
    }
    if !matches!(kind.as_str(), "NodePort" | "LoadBalancer") {
        return Ok(());
    }
    let allocates =
        kind == "NodePort" || meta::at(value, "spec.allocateLoadBalancerNodePorts") != Some(&Value::Bool(false));
    let mut own = BTreeSet::from_iter(node_ports(value));
    for index in 0..ports(value).len() {
        let asked = ports(value)[index].get("nodePort").cloned();
        let port = match asked.filter(|asked| !is_unset(Some(asked))) {
            Some(asked) => {
                let port = node_port(taken, &asked).map_err(|why| {
                    let field = format!("spec.ports[{index}].nodePort");
                    invalid(def, value, Cause::invalid(&field, &asked, &why))
                })?;
                Some(port)
            }
            None if allocates => taken.free_node_port(rng, &own),
            None => None,
        };
        if let Some(port) = port {
            own.insert(port);
            value["spec"]["ports"][index]["nodePort"] = Value::from(port);
        }
    }
    Ok(())
}

fn address(taken: &Allocations, rng: &mut Rng, asked: &str) -> Result<String, String> {
    if asked == "None" {
        return Ok("None".to_owned());
    }
    if asked.is_empty() {
        let free = taken.free_address(rng);
        return free
            .map(|address| address.to_string())
            .ok_or_else(|| "failed to allocate IP: range is full".to_owned());
    }
    let parsed: Result<Ipv4Addr, _> = asked.parse();
    let inside = parsed.as_ref().is_ok_and(|address| address.to_bits() & !(RANGE_SIZE - 1) == RANGE);
    match parsed {
        Ok(address) if inside && taken.addresses.contains(&address) => {
            Err(format!("failed to allocate IP {asked}: provided IP is already allocated"))
        }
        Ok(_) if inside => Ok(asked.to_owned()),
        _ => Err(format!("failed to allocate IP {asked}: the provided network does not match the current range")),
    }
}

fn node_port(taken: &Allocations, asked: &Value) -> Result<u16, String> {
    let number = asked.as_u64().and_then(|number| u16::try_from(number).ok());
    match number {
        Some(port) if taken.node_ports.contains(&port) => Err("provided port is already allocated".to_owned()),
        Some(port) if (FIRST_NODE_PORT..=LAST_NODE_PORT).contains(&port) => Ok(port),
        _ => Err(format!(
            "provided port is not in the valid range. The range of valid ports is {FIRST_NODE_PORT}-{LAST_NODE_PORT}"
        )),
    }
}
