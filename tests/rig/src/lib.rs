//! Real systems for the tests: a Kubernetes control plane and a MinIO, built from source and started on this machine.
//!
//! Nothing here knows Ark. A [`ControlPlane`] is etcd, kube-apiserver and, as far as asked for, controller manager, scheduler and a kwok
//! node that runs pods and answers `exec`; a [`Minio`] is an S3. Each has a folder and ports of its own, so that any number run side by
//! side; each stops when it is dropped, and shows the end of its logs when that happens in a panic. What a killed process left running is
//! swept away by the next start.
//!
//! Whoever has real systems already names them in the environment ([`given`]) and nothing is built.
//!
//! # Does not do
//!
//! No kubelet, no containers, no network between pods: kwok says that pods run. No high availability, no upgrades.

mod control_plane;
mod docker;
mod error;
mod folder;
pub mod given;
mod minio;
mod pki;
mod process;
mod tools;

pub use control_plane::{ControlPlane, Controllers, Options};
pub use docker::{MINIO_IMAGE, docker, minio_image};
pub use error::{RigError, or_skip};
pub use minio::{Bucket, Minio};
pub use process::peak_resident_bytes;
pub use tools::{Tool, build, program};
