//! The first pass over an archive: what it holds, in as few bytes as possible.
//!
//! Every entry is read once, and everything that can be wrong with the archive is found here, before anything is written
//! to the cluster. An entry that cannot be read stays in the catalog, so that it is an error by its name. Kept are an
//! entry's path, identity, owners and the few facts that other entries depend on. The object itself is kept while the room
//! that the settings give lasts; what does not fit is read from the bucket again when its level comes, so that memory is
//! bounded by that room and some hundred bytes an entry, not by the archive.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::never;
use crate::archive::EntryPath;
use crate::object::{ApiResource, GroupResource, LabelSelector, OwnerReference, RawObject, RawObjectError};

/// What other entries need to know of this one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Facts {
    /// Nothing.
    #[default]
    None,
    /// A service with a selector: its endpoints are made for it.
    SelectingService,
    /// Endpoints by hand, unless their service selects.
    Endpoints,
    /// A claim and the volume it names.
    Claim(Option<String>),
    /// A volume.
    Volume {
        /// Namespace and name of the claim it is kept for.
        claim: Option<(String, String)>,
        /// Whether its disk goes when its claim goes.
        deleted_with_claim: bool,
    },
    /// A definition and what it makes the cluster serve.
    Definition(Vec<ApiResource>),
}

/// One entry of the archive.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) path: EntryPath,
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) uid: String,
    pub(super) owners: Vec<OwnerReference>,
    /// Whether its labels match the selector of the restore.
    pub(super) matches: bool,
    /// Why it is never restored.
    pub(super) never: Option<&'static str>,
    /// What is wrong with its text; nothing else is known of it then.
    pub(super) unreadable: Option<&'static str>,
    pub(super) facts: Facts,
    /// The object, where there was room.
    pub(super) held: Option<RawObject>,
    /// Whether it really is in the archive: the namespace of an object may not be.
    pub(super) in_archive: bool,
}

/// Everything in the archive.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    pub(super) entries: Vec<Entry>,
    /// Bytes for objects that are left.
    room: usize,
}

impl Catalog {
    /// An empty one that keeps objects of so many bytes in all.
    pub(super) fn with_room(room: usize) -> Self {
        Self { entries: Vec::new(), room }
    }

    /// Takes one object. One of which a field that decides over its restore is not what every API server makes it cannot
    /// be read.
    pub(super) fn add(&mut self, path: EntryPath, raw: &RawObject, selector: &LabelSelector) {
        if let Err(error) = self.try_add(&path, raw, selector) {
            self.add_unreadable(path, error.reason);
        }
    }

    /// Takes an entry of which nothing but its path is known.
    pub(super) fn add_unreadable(&mut self, path: EntryPath, reason: &'static str) {
        self.entries.push(Entry {
            path,
            api_version: String::new(),
            kind: String::new(),
            uid: String::new(),
            owners: Vec::new(),
            matches: true,
            never: None,
            unreadable: Some(reason),
            facts: Facts::None,
            held: None,
            in_archive: true,
        });
    }

    fn try_add(&mut self, path: &EntryPath, raw: &RawObject, selector: &LabelSelector) -> Result<(), RawObjectError> {
        let head = raw.head()?;
        // A directory may leave the group out; the object does not.
        let whole = head.api_version.split_once('/').filter(|_| path.resource().group.is_empty());
        let whole = whole.map(|(group, _)| GroupResource::new(group, &path.resource().resource));
        let resource = whole.as_ref().unwrap_or(path.resource());
        let never = never::reason(resource, &head, raw)?;
        let no_labels = BTreeMap::new();
        let matches = selector.matches(head.metadata.labels.as_ref().unwrap_or(&no_labels));
        let (api_version, kind) = (head.api_version.into_owned(), head.kind.into_owned());
        let uid = head.metadata.uid.into_owned();
        let owners = head.metadata.owner_references.unwrap_or_default();
        let facts = if never.is_some() { Facts::None } else { facts(resource, raw)? };
        let size = raw.bytes().len();
        let keep = never.is_none() && size <= self.room;
        if keep {
            self.room -= size;
        }
        // A copy of its own: the raw bytes may share a whole archive member.
        let held = keep.then(|| RawObject::new(raw.bytes().to_vec()));
        self.entries.push(Entry {
            path: path.clone(),
            api_version,
            kind,
            uid,
            owners,
            matches,
            never,
            unreadable: None,
            facts,
            held,
            in_archive: true,
        });
        Ok(())
    }

    /// Namespace and name of the services whose endpoints a controller makes.
    pub(super) fn selecting_services(&self) -> BTreeSet<(&str, &str)> {
        let services = self.entries.iter().filter(|entry| entry.facts == Facts::SelectingService);
        services.map(|entry| (entry.path.namespace().unwrap_or_default(), entry.path.name())).collect()
    }
}

#[derive(Deserialize)]
struct Fields {
    spec: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DefinitionFields {
    group: String,
    scope: String,
    names: Names,
    #[serde(default)]
    versions: Vec<Version>,
    version: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Names {
    plural: String,
    #[serde(default)]
    singular: String,
    kind: String,
    #[serde(default, rename = "shortNames")]
    short: Vec<String>,
}

#[derive(Deserialize)]
struct Version {
    name: String,
    #[serde(default)]
    served: bool,
    #[serde(default)]
    storage: bool,
}

fn facts(resource: &GroupResource, raw: &RawObject) -> Result<Facts, RawObjectError> {
    let interesting = match resource.group.as_str() {
        "" => matches!(
            resource.resource.as_str(),
            "services" | "endpoints" | "persistentvolumes" | "persistentvolumeclaims"
        ),
        "apiextensions.k8s.io" => resource.resource == "customresourcedefinitions",
        _ => false,
    };
    if !interesting {
        return Ok(Facts::None);
    }
    let spec = serde_json::from_slice::<Fields>(raw.bytes())?.spec.unwrap_or_default();
    let text = |pointer: &str| spec.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    Ok(match resource.resource.as_str() {
        "services" if spec.get("selector").and_then(Value::as_object).is_some_and(|map| !map.is_empty()) => {
            Facts::SelectingService
        }
        "endpoints" => Facts::Endpoints,
        "persistentvolumeclaims" => Facts::Claim(text("/volumeName").map(ToOwned::to_owned)),
        "persistentvolumes" => Facts::Volume {
            claim: text("/claimRef/namespace")
                .zip(text("/claimRef/name"))
                .map(|(ns, name)| (ns.to_owned(), name.to_owned())),
            deleted_with_claim: text("/persistentVolumeReclaimPolicy") == Some("Delete"),
        },
        "customresourcedefinitions" => Facts::Definition(definition(spec)?),
        _ => Facts::None,
    })
}

/// What the cluster will serve once it has this definition.
fn definition(spec: Value) -> Result<Vec<ApiResource>, RawObjectError> {
    let fields: DefinitionFields = serde_json::from_value(spec)?;
    let mut versions = fields.versions;
    if let (true, Some(name)) = (versions.is_empty(), fields.version) {
        versions.push(Version { name, served: true, storage: true });
    }
    versions.retain(|version| version.served);
    versions.sort_by_key(|version| !version.storage);
    Ok(versions
        .into_iter()
        .enumerate()
        .map(|(place, version)| ApiResource {
            group: fields.group.clone(),
            version: version.name,
            plural: fields.names.plural.clone(),
            singular: fields.names.singular.clone(),
            kind: fields.names.kind.clone(),
            namespaced: fields.scope == "Namespaced",
            preferred: place == 0,
            short_names: fields.names.short.clone(),
            verbs: ["create", "delete", "get", "list", "patch", "update", "watch"].map(ToOwned::to_owned).into(),
            subresources: BTreeSet::new(),
        })
        .collect())
}
