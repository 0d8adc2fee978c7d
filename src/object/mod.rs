//! Kubernetes objects as Ark carries them: raw bytes first.
//!
//! A [`RawObject`] is the JSON text of one object exactly as the API server sent it, so that fields nobody here has
//! heard of, nulls, big numbers and escapes survive a backup byte for byte. [`Head`] is the part of it that
//! selection needs, parsed without building a tree. Only where an object must change (a restore) is it parsed whole,
//! into a [`serde_json::Value`].
//!
//! Selection is here too: [`ResourceMapper`] turns names into resources, [`IncludesExcludes`] and [`ResourceFilter`] pick
//! namespaces and resources, [`LabelSelector`] picks by labels.

mod discovery;
mod filter;
mod gvr;
mod head;
mod mapper;
mod selector;

pub use discovery::{BrokenGroup, Discovery};
pub use filter::{IncludesExcludes, ResourceFilter};
pub use gvr::{ApiResource, GroupResource};
pub(crate) use head::ObjectType;
pub use head::{Head, OwnerReference, RawObject, RawObjectError};
pub use mapper::ResourceMapper;
pub use selector::{LabelSelector, SelectorError};
