//! The rules of the kinds of authentication.

use super::Table;

pub(super) const TABLE: Table = &[];
