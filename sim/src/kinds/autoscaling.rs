//! The rules of the kinds of autoscaling.

use super::Table;

pub(super) const TABLE: Table = &[];
