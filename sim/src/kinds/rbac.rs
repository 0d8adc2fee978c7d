//! The rules of the kinds of rbac.

use super::Table;

pub(super) const TABLE: Table = &[];
