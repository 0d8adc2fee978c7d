//! Ark on real systems: the contracts, the whole way of a backup and a restore, and what happens when a real system dies.
//!
//! Each test starts what it needs, or uses what the environment names ([`rig::given`]); what can be had neither way is skipped with a
//! line that says why. Tests that kill something always use the rig's own.

mod broken;
mod cluster;
mod containers;
mod contracts;
mod faults;
mod store;
mod way;
