//! The rules of the kinds of resource.

use super::Table;

pub(super) const TABLE: Table = &[];
