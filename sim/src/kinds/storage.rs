//! The rules of the kinds of storage.

use super::Table;

pub(super) const TABLE: Table = &[];
