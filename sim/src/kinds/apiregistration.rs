//! The rules of the kinds of apiregistration.

use super::Table;

pub(super) const TABLE: Table = &[];
