//! The contract suites over every backend that can run here.

mod cluster;
mod snapshot;
mod storage;
