//! A Kubernetes API server in memory.
//!
//! One synchronous core, [`ApiServer`]: a revisioned store, the rules of the API machinery (names, versions, generations,
//! finalizers, selectors, watches), the kinds of a bare cluster from recorded data. Everything else is a mouth (calls, HTTP) or an
//! actor (the controllers of a cluster) on top of it.
//!
//! Deterministic: one seed for names and uids, a [`Clock`] that the caller gives, no order that depends on hashing or threads.

mod access;
pub mod actors;
mod admission;
mod api_services;
mod body;
mod bootstrap;
mod builtin;
mod clock;
mod convert;
mod crd;
mod decode;
mod delete;
pub mod exec;
mod go_json;
mod go_types;
mod history;
pub mod http;
mod kinds;
pub mod kubeconfig;
mod load;
mod managed;
pub mod manifest;
mod meta;
mod object;
mod options;
mod patch;
mod pod_requests;
mod process;
mod quantity;
mod quota;
mod read;
mod reading;
mod resource;
mod rng;
mod rules;
mod schema;
mod select;
mod server;
mod shape;
mod status;
mod store;
mod storing;
mod subresource;
mod table;
mod validate_name;
mod watch;
pub mod webhook;
mod write;

pub use access::{Authorization, UserInfo};
pub use clock::{Clock, rfc3339};
pub use load::LoadError;
pub use object::{List, Object};
pub use options::{
    DeleteOptions, Deleted, FieldValidation, ListOptions, Patch, Propagation, Target, WatchOptions, WriteOptions,
};
pub use resource::{Column, GroupResource, Origin, ResourceDef, ScalePaths, Subresource};
pub use rng::Rng;
pub use select::{FieldSelector, LabelSelector};
pub use server::{ApiServer, LogLine, Options};
pub use status::{Cause, Status};
pub use watch::{Watch, WatchEvent};
