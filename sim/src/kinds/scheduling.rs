//! The rules of the kinds of scheduling.

use super::Table;

pub(super) const TABLE: Table = &[];
