//! The rules of the kinds of policy.

use super::Table;

pub(super) const TABLE: Table = &[];
