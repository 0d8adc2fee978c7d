//! Properties of a backup and a restore together, over the in-memory API server.
//!
//! * `kinds`: every kind of a real cluster goes through a bucket and comes back, but for what a table names; `plausible`
//!   and `workloads` make of the fixtures what a real API server takes.
//! * `generated`: clusters that nobody thought of, with owner graphs, custom resources and odd names.
//! * `world`: the world that Ark v0.6 saved, with the controllers of a cluster running; what we save of it is laid out alike.
//! * `determinism`: the same seed gives the same bytes in two processes.
//! * `faults`: what a bad network and a busy server do to a restore: nothing.
//! * `calls`: one request an object.

mod calls;
mod determinism;
mod faults;
mod generated;
mod kinds;
mod plausible;
mod rig;
mod workloads;
mod world;
