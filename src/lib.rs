//! **Ark**: backup and restore for Kubernetes, and the harness that proves it.
//!
//! # Three worlds outside, one interface each
//!
//! | Interface | In memory | Real |
//! |---|---|---|
//! | [`cluster::Cluster`] | the simulator, called directly | any API server, through `kube` |
//! | [`storage::BackupStore`] over `object_store` | a bucket in memory, a folder | S3, GCS, Azure |
//! | [`snapshot::VolumeSnapshotter`] | disks in memory | none yet |
//!
//! Each has a contract, a suite of assertions that every backend passes. The engines know these interfaces and a
//! [`clock::Clock`], and read no environment, no wall clock and no chance of their own: the same world gives the same bytes.
//!
//! # A backup
//!
//! ```text
//! Backup ──► plan ──► pages of raw objects ──► archive writer ──► parts of an upload
//!            (which     (a few lists ahead)      (gzip members,     (archive, index, log,
//!             lists)                              index, hashes)     results; metadata last)
//! ```
//!
//! # A restore
//!
//! ```text
//! Restore ──► read the archive once ──► a verdict for every entry ──► levels ──► clean, create
//!             (limits, checksum)        (restored where, or why not)  (owners     (one call each; what
//!                                                                      first)      exists is compared)
//! ```
//!
//! # Modules
//!
//! Dependencies point one way: engines to interfaces, backends to interfaces, [`server`] and [`cli`] to everything. A test
//! keeps the graph of these modules free of circles.

pub mod api;
pub mod archive;
pub mod backup;
pub mod cli;
pub mod clock;
pub mod cluster;
pub mod controller;
pub mod object;
pub mod restore;
pub mod results;
pub mod server;
pub mod snapshot;
pub mod storage;
