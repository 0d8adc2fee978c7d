//! The rules of the kinds of node.

use super::Table;

pub(super) const TABLE: Table = &[];
