//! The rules of the kinds of admissionregistration.

use super::Table;

pub(super) const TABLE: Table = &[];
