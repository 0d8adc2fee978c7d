//! The rules of the kinds of the core group.

use super::{Table, claims, config_maps, endpoints, namespaces, nodes, services, volumes};

pub(super) const TABLE: Table = &[
    ("configmaps", config_maps::RULES),
    ("endpoints", endpoints::RULES),
    ("namespaces", namespaces::RULES),
    ("nodes", nodes::RULES),
    ("persistentvolumeclaims", claims::RULES),
    ("persistentvolumes", volumes::RULES),
    ("services", services::RULES),
];
