//! Schemas: the recorded `OpenAPI` documents of built-in kinds, and the structural schemas of definitions.
//!
//! Owns the documents ([`documents`]) and the models in them ([`models`]), and for custom resources what their schema does to
//! them: pruning and defaults ([`structural`]) and validation ([`validate`], with [`formats`] and [`entries`]); [`definition`] holds
//! the rules of the schemas themselves. Built-in kinds are read by their Go types (`crate::decode`), and who owns which field is
//! found by the marks in the schemas (`crate::managed`).

pub(crate) mod definition;
pub(crate) mod documents;
mod entries;
mod formats;
mod found;
mod invariants;
pub(crate) mod models;
pub(crate) mod show;
pub(crate) mod structural;
pub(crate) mod validate;
