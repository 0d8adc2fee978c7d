//! The rules of the kinds of the core group.

use super::{
    Table, accounts, claims, config_maps, endpoints, events, limits, namespaces, nodes, quotas, secrets, services,
    volumes,
};

pub(super) const TABLE: Table = &[
    ("configmaps", config_maps::RULES),
    ("endpoints", endpoints::RULES),
    ("events", events::CORE),
    ("limitranges", limits::RULES),
    ("namespaces", namespaces::RULES),
    ("nodes", nodes::RULES),
    ("persistentvolumeclaims", claims::RULES),
    ("persistentvolumes", volumes::RULES),
    ("resourcequotas", quotas::RULES),
    ("secrets", secrets::RULES),
    ("serviceaccounts", accounts::RULES),
    ("services", services::RULES),
];
