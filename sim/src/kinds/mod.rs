//! What is special to each built-in kind when it is written: defaults, what a create and an update may set, and validation.
//!
//! One file a group, one table a file: the plural name and its [`Rules`]. Rules see the object in its storage version, as JSON whose
//! types have been checked; a field of the wrong type reads as absent. They are pure but for what the caller hands them.
//!
//! # Differences
//!
//! Rules hold what clients meet; each file says what of its kinds' validation is left out.

use serde_json::Value;

use crate::resource::ResourceDef;
use crate::status::{Cause, Status};

mod accounts;
pub(crate) mod addresses;
mod admission_policies;
mod admissionregistration;
mod apiextensions;
mod apiregistration;
mod apps;
mod attachments;
mod authentication;
mod authorization;
mod autoscaler_versions;
mod autoscaling;
mod batch;
mod batch_policy;
mod batch_status;
mod causes;
mod certificates;
pub(crate) mod claims;
mod conditions;
mod config_maps;
mod coordination;
mod core;
mod cron;
mod definition_parts;
mod diff;
mod discovery;
mod endpoints;
mod events;
mod flowcontrol;
mod ingress;
mod limits;
mod namespaces;
mod network_policy;
mod networking;
mod node;
pub(crate) mod nodes;
mod pod_spec;
mod pods;
mod policy;
mod quotas;
mod rbac;
mod resource;
mod scheduling;
mod secrets;
pub(crate) mod service_addresses;
pub(crate) mod services;
mod storage;
mod volume_sources;
mod volumes;
mod warnings;
mod webhooks;
mod workload_warnings;
mod workloads;
mod x509;

pub(crate) use addresses::problems as address_problems;
pub(crate) use apiextensions::{default as default_definition, prepare_create as prepare_definition, store_version};
pub(crate) use apps::{GENERATION as TEMPLATE_GENERATION, template_generation};
pub(crate) use autoscaler_versions::{to_v1 as autoscaler_to_v1, to_v2 as autoscaler_to_v2};
pub(crate) use causes::Causes;
pub(crate) use certificates::{approval_update, prepare_request_part, requested_by, restricted};
pub(crate) use ingress::annotation as ingress_class;
pub(crate) use namespaces::finalize_update;
pub(crate) use nodes::without_config;
pub(crate) use pods::{binding, ephemeral_update, pod_status, resize_update, resized};
pub(crate) use scheduling::SYSTEM_CLASSES;
pub(crate) use volumes::phase_changed;

/// What one kind adds to the rules of all kinds. Every function may do nothing.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    /// Fills in absent fields, as decoding does in a real server: before everything else, on every write.
    pub(crate) default: fn(&mut Value),
    /// What a create may not set is cleared (status, for example), and what only the server sets is set.
    pub(crate) prepare_create: fn(&mut Value),
    /// What an update through the main endpoint may not change is taken from the old object (first argument).
    pub(crate) prepare_update: fn(&Value, &mut Value),
    /// The same for the status subresource, beyond what that leaves alone in every kind.
    pub(crate) prepare_status_update: fn(&Value, &mut Value),
    /// The labels of a new object that came without any, where they are those of its pods.
    pub(crate) label: fn(&mut Value),
    /// What is wrong with an object, beyond its metadata.
    pub(crate) validate: fn(&Value, &mut Causes),
    /// What is wrong with replacing the old object (first argument) by the new one, beyond metadata. Kinds whose update also validates
    /// the whole object call their `validate` from here, in the order of a real server.
    pub(crate) validate_update: fn(&Value, &Value, &mut Causes),
    /// The same for the status subresource.
    pub(crate) validate_status_update: fn(&Value, &Value, &mut Causes),
    /// What the writer of a new object is told before the server sets anything, valid or not.
    pub(crate) warn_first: fn(&Value) -> Vec<String>,
    /// What the writer of a valid object through the main endpoint is told; updates have the old object too. The generation of the new
    /// one has been counted.
    pub(crate) warn: fn(Option<&Value>, &Value) -> Vec<String>,
    /// The same for the status subresource.
    pub(crate) warn_status: fn(&Value, &Value) -> Vec<String>,
    /// Whether a new object's metadata are checked only where nothing else is wrong, because its kind does not look at them.
    pub(crate) metadata_later: bool,
}

impl Rules {
    /// Nothing special.
    pub(crate) const NONE: Self = Self {
        default: |_| {},
        prepare_create: |_| {},
        prepare_update: |_, _| {},
        prepare_status_update: |_, _| {},
        label: |_| {},
        validate: |_, _| {},
        validate_update: |_, _, _| {},
        validate_status_update: |_, _, _| {},
        warn_first: |_| Vec::new(),
        warn: |_, _| Vec::new(),
        warn_status: |_, _| Vec::new(),
        metadata_later: false,
    };
}

/// The table of a group: plural name and rules.
type Table = &'static [(&'static str, Rules)];

/// The rules of a resource; those of custom resources are in their definitions.
pub(crate) fn rules(def: &ResourceDef) -> Rules {
    let table: Table = if def.is_custom() {
        &[]
    } else {
        match def.group.as_str() {
            "" if pods::TABLE.iter().any(|(plural, _)| *plural == def.plural) => pods::TABLE,
            "" => core::TABLE,
            "admissionregistration.k8s.io" => admissionregistration::TABLE,
            "apiextensions.k8s.io" => apiextensions::TABLE,
            "apiregistration.k8s.io" => apiregistration::TABLE,
            "apps" => apps::TABLE,
            "authentication.k8s.io" => authentication::TABLE,
            "authorization.k8s.io" => authorization::TABLE,
            "autoscaling" => autoscaling::TABLE,
            "batch" => batch::TABLE,
            "certificates.k8s.io" => certificates::TABLE,
            "coordination.k8s.io" => coordination::TABLE,
            "discovery.k8s.io" => discovery::TABLE,
            "events.k8s.io" => events::TABLE,
            "flowcontrol.apiserver.k8s.io" => flowcontrol::TABLE,
            "networking.k8s.io" => networking::TABLE,
            "node.k8s.io" => node::TABLE,
            "policy" => policy::TABLE,
            "rbac.authorization.k8s.io" => rbac::TABLE,
            "resource.k8s.io" => resource::TABLE,
            "scheduling.k8s.io" => scheduling::TABLE,
            "storage.k8s.io" => storage::TABLE,
            _ => &[],
        }
    };
    table.iter().find(|(plural, _)| *plural == def.plural).map_or(Rules::NONE, |(_, rules)| *rules)
}

/// An object without what is stored of it and not shown, where there is such a thing.
pub(crate) fn unseen(def: &ResourceDef, value: &Value) -> Option<Value> {
    if def.group.is_empty() && def.plural == "services" { services::unseen(value) } else { None }
}

/// 422 with what a check found, if it found anything.
pub(crate) fn refuse(def: &ResourceDef, name: &str, causes: &[Cause]) -> Result<(), Status> {
    if causes.is_empty() { Ok(()) } else { Err(Status::invalid(def.kind_group(), &def.kind, name, causes)) }
}
