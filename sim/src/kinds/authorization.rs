//! The rules of the kinds of authorization.

use super::Table;

pub(super) const TABLE: Table = &[];
