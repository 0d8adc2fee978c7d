//! Config: the settings of a server, as Ark v0.6 keeps them in the cluster.
//!
//! A Config has neither `spec` nor `status`: its fields stand beside `metadata` (ark-behaviour §1.4). kube's derive writes
//! kinds with a spec only, so the object and its definition are written here, from the same struct.

use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::go::{GoDuration, empty_as_null, null_as_default};
use super::{API_VERSION, GROUP, VERSION};

/// Name of the one Config that a server reads.
pub const CONFIG_NAME: &str = "default";

/// The settings of a server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    /// Always `ark.heptio.com/v1`.
    #[serde(default = "api_version")]
    pub api_version: String,
    /// Always `Config`.
    #[serde(default = "kind")]
    pub kind: String,
    /// Name, namespace and the rest.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// The settings.
    #[serde(flatten)]
    pub settings: ConfigSettings,
}

fn api_version() -> String {
    API_VERSION.to_owned()
}

fn kind() -> String {
    "Config".to_owned()
}

impl Config {
    /// A Config of this name.
    pub fn new(name: &str, settings: ConfigSettings) -> Self {
        let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
        Self { api_version: api_version(), kind: kind(), metadata, settings }
    }

    /// The definition of the kind: that of a kind whose spec is [`ConfigSettings`], with the spec's fields lifted to the top.
    pub fn crd() -> CustomResourceDefinition {
        use kube::CustomResourceExt;
        let mut crd = ConfigShape::crd();
        for version in &mut crd.spec.versions {
            let schema = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut());
            let Some(schema) = schema else { continue };
            schema.required = None;
            schema.description = Some("The settings of an Ark server".to_owned());
            if let Some(properties) = &mut schema.properties
                && let Some(spec) = properties.remove("spec")
            {
                properties.extend(spec.properties.into_iter().flatten());
            }
        }
        crd
    }
}

impl kube::Resource for Config {
    type DynamicType = ();
    type Scope = kube::core::NamespaceResourceScope;

    fn kind((): &()) -> std::borrow::Cow<'_, str> {
        "Config".into()
    }

    fn group((): &()) -> std::borrow::Cow<'_, str> {
        GROUP.into()
    }

    fn version((): &()) -> std::borrow::Cow<'_, str> {
        VERSION.into()
    }

    fn plural((): &()) -> std::borrow::Cow<'_, str> {
        "configs".into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// The fields of a Config beside its metadata. Zero durations and an empty list of priorities mean the server's defaults.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(group = "ark.heptio.com", version = "v1", kind = "Config", root = "ConfigShape", plural = "configs")]
#[kube(namespaced, printcolumn(name = "Bucket", type_ = "string", json_path = ".backupStorageProvider.bucket"))]
#[kube(printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"))]
#[serde(rename_all = "camelCase")]
pub struct ConfigSettings {
    /// Where volumes are snapshotted; absent means nowhere.
    #[serde(default)]
    pub persistent_volume_provider: Option<CloudProvider>,
    /// Where backups are stored.
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<ObjectStorageProvider>")]
    pub backup_storage_provider: ObjectStorageProvider,
    /// How often backups in the bucket are looked for.
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<GoDuration>")]
    pub backup_sync_period: GoDuration,
    /// How often expired backups are looked for.
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<GoDuration>")]
    pub gc_sync_period: GoDuration,
    /// How often schedules are looked at.
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<GoDuration>")]
    pub schedule_sync_period: GoDuration,
    /// Resources in the order in which they are restored; what is not named comes last.
    #[serde(default, deserialize_with = "null_as_default", serialize_with = "empty_as_null")]
    #[schemars(with = "Option<Vec<String>>")]
    pub resource_priorities: Vec<String>,
    /// Whether this server only restores: no backups, schedules or garbage collection.
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<bool>")]
    pub restore_only_mode: bool,
}

/// A provider and its settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CloudProvider {
    /// `aws`, `gcp` or `azure`.
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<String>")]
    pub name: String,
    /// Its settings.
    #[serde(default, deserialize_with = "null_as_default", serialize_with = "empty_as_null")]
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    pub config: BTreeMap<String, String>,
}

/// A provider, its settings and a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectStorageProvider {
    /// `aws`, `gcp` or `azure`.
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<String>")]
    pub name: String,
    /// Its settings.
    #[serde(default, deserialize_with = "null_as_default", serialize_with = "empty_as_null")]
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    pub config: BTreeMap<String, String>,
    /// The bucket.
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<String>")]
    pub bucket: String,
}
