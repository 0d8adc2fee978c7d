//! The contract suites over every backend that can run here, and the server over the simulator.

mod cluster;
#[path = "../common/mod.rs"]
mod common;
mod server;
mod snapshot;
mod storage;
