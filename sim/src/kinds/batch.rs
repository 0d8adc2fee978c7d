//! The rules of the kinds of batch.

use super::Table;

pub(super) const TABLE: Table = &[];
