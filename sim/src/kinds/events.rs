//! The rules of the kinds of events.

use super::Table;

pub(super) const TABLE: Table = &[];
