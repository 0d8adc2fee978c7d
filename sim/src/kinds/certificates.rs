//! The rules of the kinds of certificates.

use super::Table;

pub(super) const TABLE: Table = &[];
