//! The rules of the kinds of apps.

use super::Table;

pub(super) const TABLE: Table = &[];
