//! The rules of the kinds of networking.

use super::Table;

pub(super) const TABLE: Table = &[];
