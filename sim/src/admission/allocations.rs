//! What services have taken: addresses of the cluster's network and ports of its nodes.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde_json::Value;

use crate::kinds::services;
use crate::meta;
use crate::object::Object;
use crate::resource::GroupResource;
use crate::rng::Rng;

/// The first address of the range `10.96.0.0/16`.
pub(super) const RANGE: u32 = 0x0a60_0000;
pub(super) const RANGE_SIZE: u32 = 1 << 16;

pub(super) const FIRST_NODE_PORT: u16 = 30_000;
pub(super) const LAST_NODE_PORT: u16 = 32_767;

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
            for address in addresses_of(old.value()) {
                self.addresses.remove(&address);
            }
            for port in taken_ports(old.value()) {
                self.node_ports.remove(&port);
            }
        }
        if let Some(new) = new {
            self.addresses.extend(addresses_of(new.value()));
            self.node_ports.extend(taken_ports(new.value()));
        }
    }

    pub(super) fn has_address(&self, address: Ipv4Addr) -> bool {
        self.addresses.contains(&address)
    }

    pub(super) fn has_node_port(&self, port: u16) -> bool {
        self.node_ports.contains(&port)
    }

    pub(super) fn free_address(&self, rng: &mut Rng) -> Option<Ipv4Addr> {
        // Neither the network's own address nor the broadcast one.
        let usable = RANGE_SIZE - 2;
        let first = rng.below(u64::from(usable)) as u32;
        (0..usable)
            .map(|step| Ipv4Addr::from_bits(RANGE + 1 + (first + step) % usable))
            .find(|address| !self.addresses.contains(address))
    }

    pub(super) fn free_node_port(&self, rng: &mut Rng, own: &BTreeSet<i64>) -> Option<i64> {
        let usable = LAST_NODE_PORT - FIRST_NODE_PORT + 1;
        let first = rng.below(u64::from(usable)) as u16;
        (0..usable)
            .map(|step| FIRST_NODE_PORT + (first + step) % usable)
            .find(|port| !self.node_ports.contains(port) && !own.contains(&i64::from(*port)))
            .map(i64::from)
    }
}

fn addresses_of(service: &Value) -> Vec<Ipv4Addr> {
    let address = meta::at(service, "spec.clusterIP").and_then(Value::as_str);
    address.and_then(|address| address.parse().ok()).into_iter().collect()
}

/// The ports of nodes that a service takes.
fn taken_ports(service: &Value) -> impl Iterator<Item = u16> {
    let health = meta::at(service, "spec.healthCheckNodePort").and_then(Value::as_i64);
    let health = health.filter(|_| services::needs_health_check(service));
    let mut ports = node_ports(service);
    ports.extend(health);
    ports.into_iter().filter_map(|port| u16::try_from(port).ok())
}

pub(super) fn ports(service: &Value) -> &[Value] {
    meta::at(service, "spec.ports").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(super) fn node_port_of(port: &Value) -> i64 {
    port.get("nodePort").and_then(Value::as_i64).unwrap_or_default()
}

pub(super) fn node_ports(service: &Value) -> BTreeSet<i64> {
    ports(service).iter().map(node_port_of).filter(|port| *port != 0).collect()
}
