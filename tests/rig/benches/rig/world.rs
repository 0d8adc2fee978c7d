//! The world that is measured: usual kinds, usual sizes, the same for the same seed.
//!
//! Half config maps of 1.2 kB of text, three tenths secrets of 900 random bytes, the rest roles and role bindings, spread
//! over [`NAMESPACES`] namespaces.

use std::fmt::Write as _;

use bytes::Bytes;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};

/// Namespaces of a world.
pub(crate) const NAMESPACES: usize = 30;

/// Bytes of text in a config map.
const TEXT_BYTES: usize = 1_200;

/// Random bytes in a secret.
const SECRET_BYTES: usize = 900;

/// One object, ready to be sent.
pub(crate) struct Object {
    /// Path of its collection.
    pub(crate) path: String,
    /// Its text.
    pub(crate) body: Bytes,
}

/// The name of a namespace of a world.
pub(crate) fn namespace(world: &str, number: usize) -> String {
    format!("{world}-{number:02}")
}

/// The names of all of them.
pub(crate) fn namespaces(world: &str) -> Vec<String> {
    (0..NAMESPACES).map(|number| namespace(world, number)).collect()
}

/// So many objects in the namespaces of `world`.
pub(crate) fn objects(world: &str, count: usize) -> Vec<Object> {
    let mut random = ChaCha8Rng::seed_from_u64(0x0041_726b);
    (0..count).map(|number| object(&mut random, number, &namespace(world, number / 10 % NAMESPACES))).collect()
}

fn object(random: &mut ChaCha8Rng, number: usize, namespace: &str) -> Object {
    let labels =
        json!({"app": format!("app-{}", number % 40), "tier": if number.is_multiple_of(3) { "web" } else { "db" }});
    let metadata =
        |prefix: &str| json!({"name": format!("{prefix}-{number:06}"), "namespace": namespace, "labels": labels});
    let core = format!("/api/v1/namespaces/{namespace}");
    let rbac = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}");
    let (path, value): (String, Value) = match number % 10 {
        0..5 => {
            let body = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata("settings"),
                "data": {"settings.ini": text(random)}});
            (format!("{core}/configmaps"), body)
        }
        5..8 => {
            let mut bytes = [0; SECRET_BYTES];
            random.fill_bytes(&mut bytes);
            let body = json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": metadata("keys"),
                "data": {"key": base64(&bytes)}});
            (format!("{core}/secrets"), body)
        }
        8 => {
            let body = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata("role"),
                "rules": [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list", "watch"]},
                    {"apiGroups": [""], "resources": ["pods", "configmaps"], "verbs": ["get", "list"]}]});
            (format!("{rbac}/roles"), body)
        }
        _ => {
            let body = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
                "metadata": metadata("binding"),
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": format!("role-{:06}", number - 1)},
                "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": namespace}]});
            (format!("{rbac}/rolebindings"), body)
        }
    };
    Object { path, body: value.to_string().into() }
}

/// Lines of settings with some numbers in them: it compresses as configuration does.
fn text(random: &mut ChaCha8Rng) -> String {
    const WORDS: [&str; 12] = [
        "timeout", "limit", "address", "enabled", "retries", "interval", "queue", "worker", "cache", "path", "level",
        "token",
    ];
    let mut text = String::with_capacity(TEXT_BYTES + 64);
    while text.len() < TEXT_BYTES {
        let number = random.next_u32();
        let (one, two) = (WORDS[number as usize % 12], WORDS[(number >> 8) as usize % 12]);
        writeln!(text, "{one}.{two} = {}", number >> 16).expect("a string takes every write");
    }
    text.truncate(TEXT_BYTES);
    text
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    assert!(bytes.len().is_multiple_of(3), "no padding is written");
    let groups = bytes.chunks_exact(3).map(|group| u32::from_be_bytes([0, group[0], group[1], group[2]]));
    groups.flat_map(|group| [18, 12, 6, 0].map(|shift| char::from(DIGITS[(group >> shift) as usize & 63]))).collect()
}
