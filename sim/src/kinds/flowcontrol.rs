//! The rules of the kinds of flowcontrol.

use super::Table;

pub(super) const TABLE: Table = &[];
