//! What scripts are about: for each kind valid variants, and single changes that a server refuses, corrects or drops.
//!
//! One file a group, one list a file. To add a kind, add an entry to its group's list: a function from the dice and the name to an
//! object without type and metadata, and *poisons*, pairs of a pointer and a JSON text that is put there. What else a kind has (a status,
//! a scale, requests of its own) is a field of [`Kind`]. Scripts depend on the seed, the kind and a number, so that another kind changes
//! nobody's scripts.

use serde_json::Value;

use crate::script::Dice;

mod accounts;
mod admissionregistration;
mod apiregistration;
mod apps;
mod autoscaling;
mod batch;
mod certificates;
mod controllers;
mod coordination;
mod core;
mod custom;
mod definitions;
mod discovery;
mod events;
mod flowcontrol;
mod generated;
mod namespaces;
mod networking;
mod node;
mod nodes;
mod pods;
mod policy;
mod quotas;
mod rbac;
mod resource;
mod reviews;
mod scheduling;
mod secrets;
mod services;
mod storage;
mod template;
mod volumes;

/// The definitions of all custom resources of the scripts.
pub(crate) fn definitions() -> Vec<Value> {
    let mut definitions = generated::definitions();
    definitions.push(custom::definition());
    definitions
}

/// Pairs of a pointer and the JSON that is put there.
pub(crate) type Poisons = &'static [(&'static str, &'static str)];

/// A request that only one kind knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extra {
    /// A word for reports.
    pub(crate) what: &'static str,
    pub(crate) method: &'static str,
    /// What follows the path of an object, for example `/eviction`; with `..` in front, what follows the
    /// path of the collection; a whole path begins with `/api`.
    /// What follows the path of an object, for example `/eviction`; with `..` in front, what follows the path of the collection; from
    /// `/apis/` on, the whole path.
    pub(crate) path: &'static str,
    pub(crate) content_type: &'static str,
    /// `{name}` and `{place}` stand for the object's name and the script's namespace, in the path too.
    pub(crate) body: &'static str,
}

/// A kind and what scripts do with it.
#[expect(clippy::struct_field_names, reason = "the word is Kubernetes'")]
pub(crate) struct Kind {
    pub(crate) kind: &'static str,
    pub(crate) api_version: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) namespaced: bool,
    /// An object that a server takes, without type and metadata; the second argument is its whole name.
    pub(crate) variant: fn(&mut Dice, &str) -> Value,
    pub(crate) poisons: Poisons,
    /// A status that a server takes, where the kind has one to write.
    pub(crate) status: Option<fn(&mut Dice) -> Value>,
    /// Poisons of writes to the status; pointers from the object's top.
    pub(crate) status_poisons: Poisons,
    /// Whether it has a scale.
    pub(crate) scale: bool,
    /// Requests that only this kind knows.
    pub(crate) extras: &'static [Extra],
    /// The name of an object, where not every name will do: from the script's place and a word.
    pub(crate) name: Option<fn(&str, &str) -> String>,
    /// Whether it can only be created, as a review.
    pub(crate) question: bool,
}

impl Kind {
    /// What most kinds leave as it is.
    pub(crate) const DEFAULT: Self = Self {
        kind: "",
        api_version: "",
        plural: "",
        namespaced: true,
        variant: |_, _| Value::Null,
        poisons: &[],
        status: None,
        status_poisons: &[],
        scale: false,
        extras: &[],
        name: None,
        question: false,
    };

    /// The path of its collection.
    pub(crate) fn collection(&self, namespace: &str) -> String {
        let root = if self.api_version.contains('/') { "/apis" } else { "/api" };
        let place = if self.namespaced { format!("/namespaces/{namespace}") } else { String::new() };
        format!("{root}/{}{place}/{}", self.api_version, self.plural)
    }
}

/// Poisons of every kind.
pub(crate) const EVERYWHERE: Poisons = &[
    ("/metadata/name", "\"Not_A_Name\""),
    ("/metadata/name", "\"\""),
    ("/metadata/name", "5"),
    ("/metadata/namespace", "\"elsewhere\""),
    ("/metadata/labels", "{\"a b\":\"c\"}"),
    ("/metadata/labels", "{\"a\":\"b c\"}"),
    ("/metadata/labels", "{\"a\":5}"),
    ("/metadata/labels", "[]"),
    ("/metadata/annotations", "{\"A/B/C\":\"d\"}"),
    ("/metadata/finalizers", "[\"example.com/keep\"]"),
    ("/metadata/ownerReferences", "[{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"name\":\"a\",\"uid\":\"b\"}]"),
    ("/metadata/ownerReferences", "[{\"apiVersion\":\"v1\",\"kind\":\"\",\"name\":\"a\",\"uid\":\"\"}]"),
    ("/metadata/creationTimestamp", "null"),
    ("/metadata/uid", "\"mine\""),
    ("/metadata/odd", "1"),
    ("/odd", "{\"a\":1}"),
    ("/apiVersion", "\"v9\""),
    ("/kind", "\"Other\""),
];

/// Every kind that scripts are about.
pub(crate) fn all() -> Vec<&'static Kind> {
    [
        accounts::KINDS,
        admissionregistration::KINDS,
        apiregistration::KINDS,
        apps::KINDS,
        autoscaling::KINDS,
        batch::KINDS,
        certificates::KINDS,
        controllers::KINDS,
        coordination::KINDS,
        core::KINDS,
        custom::KINDS,
        definitions::KINDS,
        discovery::KINDS,
        events::KINDS,
        flowcontrol::KINDS,
        generated::kinds(),
        namespaces::KINDS,
        networking::KINDS,
        node::KINDS,
        nodes::KINDS,
        pods::KINDS,
        policy::KINDS,
        quotas::KINDS,
        rbac::KINDS,
        resource::KINDS,
        reviews::KINDS,
        scheduling::KINDS,
        secrets::KINDS,
        services::KINDS,
        storage::KINDS,
        volumes::KINDS,
    ]
    .into_iter()
    .flatten()
    .collect()
}
