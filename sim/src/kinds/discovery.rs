//! The rules of the kinds of discovery.

use super::Table;

pub(super) const TABLE: Table = &[];
