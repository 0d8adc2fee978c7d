//! The rules of the kinds of the core group.

use super::{Table, accounts, config_maps, events, limits, quotas, secrets};

pub(super) const TABLE: Table = &[
    ("configmaps", config_maps::RULES),
    ("events", events::CORE),
    ("limitranges", limits::RULES),
    ("resourcequotas", quotas::RULES),
    ("secrets", secrets::RULES),
    ("serviceaccounts", accounts::RULES),
];
