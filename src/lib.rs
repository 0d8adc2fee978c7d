//! **Ark**: backup and restore for Kubernetes, and the harness that proves it.

pub mod api;
pub mod archive;
pub mod backup;
pub mod clock;
pub mod cluster;
pub mod controller;
pub mod object;
pub mod restore;
pub mod results;
pub mod server;
pub mod snapshot;
pub mod storage;
