//! The rules of the kinds of the core group.

use super::{Table, config_maps};

pub(super) const TABLE: Table = &[("configmaps", config_maps::RULES)];
