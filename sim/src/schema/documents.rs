//! The recorded documents of `/openapi/v3`, embedded and kept compressed.
//!
//! Owns the bytes and their unpacking; the mouth serves them, the types are made from them.

use std::io::Read as _;

use bytes::Bytes;
use serde_json::Value;

/// More than the longest document: a guard against a broken build.
const DOCUMENT_LENGTH_MAX: u64 = 16 << 20;

/// Recorded documents by their key in the index.
macro_rules! recorded {
    ($($key:literal => $file:literal),* $(,)?) => {
        &[$(($key, include_bytes!(concat!("../../data/openapi-v3/", $file, ".json.gz")) as &[u8])),*]
    };
}

/// Where each document is.
pub(crate) static INDEX: &[u8] = include_bytes!("../../data/openapi-v3/index.json.gz");

pub(crate) static RECORDED: &[(&str, &[u8])] = recorded! {
    "api" => "api",
    "api/v1" => "api__v1",
    "apis" => "apis",
    "apis/admissionregistration.k8s.io" => "apis__admissionregistration.k8s.io",
    "apis/admissionregistration.k8s.io/v1" => "apis__admissionregistration.k8s.io__v1",
    "apis/apiextensions.k8s.io" => "apis__apiextensions.k8s.io",
    "apis/apiextensions.k8s.io/v1" => "apis__apiextensions.k8s.io__v1",
    "apis/apiregistration.k8s.io" => "apis__apiregistration.k8s.io",
    "apis/apiregistration.k8s.io/v1" => "apis__apiregistration.k8s.io__v1",
    "apis/apps" => "apis__apps",
    "apis/apps/v1" => "apis__apps__v1",
    "apis/authentication.k8s.io" => "apis__authentication.k8s.io",
    "apis/authentication.k8s.io/v1" => "apis__authentication.k8s.io__v1",
    "apis/authorization.k8s.io" => "apis__authorization.k8s.io",
    "apis/authorization.k8s.io/v1" => "apis__authorization.k8s.io__v1",
    "apis/autoscaling" => "apis__autoscaling",
    "apis/autoscaling/v1" => "apis__autoscaling__v1",
    "apis/autoscaling/v2" => "apis__autoscaling__v2",
    "apis/batch" => "apis__batch",
    "apis/batch/v1" => "apis__batch__v1",
    "apis/certificates.k8s.io" => "apis__certificates.k8s.io",
    "apis/certificates.k8s.io/v1" => "apis__certificates.k8s.io__v1",
    "apis/coordination.k8s.io" => "apis__coordination.k8s.io",
    "apis/coordination.k8s.io/v1" => "apis__coordination.k8s.io__v1",
    "apis/discovery.k8s.io" => "apis__discovery.k8s.io",
    "apis/discovery.k8s.io/v1" => "apis__discovery.k8s.io__v1",
    "apis/events.k8s.io" => "apis__events.k8s.io",
    "apis/events.k8s.io/v1" => "apis__events.k8s.io__v1",
    "apis/flowcontrol.apiserver.k8s.io" => "apis__flowcontrol.apiserver.k8s.io",
    "apis/flowcontrol.apiserver.k8s.io/v1" => "apis__flowcontrol.apiserver.k8s.io__v1",
    "apis/networking.k8s.io" => "apis__networking.k8s.io",
    "apis/networking.k8s.io/v1" => "apis__networking.k8s.io__v1",
    "apis/node.k8s.io" => "apis__node.k8s.io",
    "apis/node.k8s.io/v1" => "apis__node.k8s.io__v1",
    "apis/policy" => "apis__policy",
    "apis/policy/v1" => "apis__policy__v1",
    "apis/rbac.authorization.k8s.io" => "apis__rbac.authorization.k8s.io",
    "apis/rbac.authorization.k8s.io/v1" => "apis__rbac.authorization.k8s.io__v1",
    "apis/resource.k8s.io" => "apis__resource.k8s.io",
    "apis/resource.k8s.io/v1" => "apis__resource.k8s.io__v1",
    "apis/scheduling.k8s.io" => "apis__scheduling.k8s.io",
    "apis/scheduling.k8s.io/v1" => "apis__scheduling.k8s.io__v1",
    "apis/storage.k8s.io" => "apis__storage.k8s.io",
    "apis/storage.k8s.io/v1" => "apis__storage.k8s.io__v1",
};

/// The text of an embedded file.
pub(crate) fn unpack(packed: &[u8]) -> Bytes {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed)
        .take(DOCUMENT_LENGTH_MAX)
        .read_to_end(&mut bytes)
        .expect("the embedded document is whole");
    bytes.into()
}

/// One document; `None` where there is no such.
pub(crate) fn recorded(key: &str) -> Option<Bytes> {
    RECORDED.iter().find(|(known, _)| *known == key).map(|(_, packed)| unpack(packed))
}

/// The same as JSON.
pub(crate) fn parsed(key: &str) -> Option<Value> {
    recorded(key).map(|bytes| serde_json::from_slice(&bytes).expect("an embedded document is JSON"))
}
