//! The rules of the kinds of the core group.

use super::Table;

pub(super) const TABLE: Table = &[];
