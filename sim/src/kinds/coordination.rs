//! The rules of the kinds of coordination.

use super::Table;

pub(super) const TABLE: Table = &[];
