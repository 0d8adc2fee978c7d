//! Tests of the store of backups.
