//! Secrets: what is written in plain becomes data, what each type needs, and what never changes. Errors never quote a value.
//!
//! # Differences
//!
//! The key of a TLS secret is not compared with its certificate: only what is no PEM text at all is warned of.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::pod_spec::read::{data_key, entries, field, fill_text, yes};
use super::workloads::immutable;
use super::{Causes, Rules};
use crate::go_json;
use crate::meta;
use crate::status::Cause;
use crate::validate_name;

pub(super) const RULES: Rules = Rules {
    default,
    prepare_update: |old, new| {
        if meta::text(new, "type").is_empty() {
            new["type"] = field(old, "type").clone();
        }
    },
    validate,
    validate_update,
    warn: |_, secret| certificate(secret).into_iter().collect(),
    ..Rules::NONE
};

/// The most bytes of all values together.
const SIZE_MAX: usize = 1 << 20;

const ACCOUNT: &str = "kubernetes.io/service-account.name";

fn default(secret: &mut Value) {
    fill_text(secret, "type", "Opaque");
    let plain = secret.as_object_mut().and_then(|fields| fields.remove("stringData"));
    if let Some(Value::Object(plain)) = plain
        && !plain.is_empty()
        && let Some(data) = meta::object_at(secret, "data")
    {
        for (key, text) in plain {
            data.insert(key, STANDARD.encode(text.as_str().unwrap_or_default()).into());
        }
    }
}

/// The bytes of a value, where there is one.
fn bytes(secret: &Value, key: &str) -> Option<Vec<u8>> {
    let value = field(secret, "data").get(key)?;
    Some(STANDARD.decode(value.as_str().unwrap_or_default()).unwrap_or_default())
}

fn validate(secret: &Value, causes: &mut Causes) {
    let mut size = 0;
    causes.at("data", |causes| {
        for (key, value) in entries(secret, "data") {
            for problem in data_key(key) {
                causes.key(key, |causes| causes.invalid("", &key.as_str().into(), &problem));
            }
            let text = value.as_str().unwrap_or_default();
            size += text.len() / 4 * 3 - text.bytes().rev().take_while(|byte| *byte == b'=').count().min(2);
        }
    });
    if size > SIZE_MAX {
        let message = format!("Too long: may not be more than {SIZE_MAX} bytes");
        causes.push(Cause { reason: "FieldValueTooLong".to_owned(), message, field: "data".to_owned() });
    }
    let has = |key: &str| field(secret, "data").get(key).is_some();
    let missing = |keys: &[&str], causes: &mut Causes| {
        for key in keys {
            causes.at("data", |causes| causes.key(key, |causes| causes.required("", "")));
        }
    };
    match meta::text(secret, "type") {
        "kubernetes.io/service-account-token" => {
            let named = meta::metadata(secret).get("annotations").map_or("", |known| meta::text(known, ACCOUNT));
            if named.is_empty() {
                causes.at("metadata.annotations", |causes| causes.key(ACCOUNT, |causes| causes.required("", "")));
            }
        }
        "kubernetes.io/dockercfg" => registry(secret, ".dockercfg", causes),
        "kubernetes.io/dockerconfigjson" => registry(secret, ".dockerconfigjson", causes),
        "kubernetes.io/basic-auth" if !has("username") && !has("password") => {
            missing(&["username", "password"], causes);
        }
        "kubernetes.io/ssh-auth" if bytes(secret, "ssh-privatekey").is_none_or(|key| key.is_empty()) => {
            missing(&["ssh-privatekey"], causes);
        }
        "kubernetes.io/tls" => {
            for key in ["tls.crt", "tls.key"].into_iter().filter(|key| !has(key)) {
                missing(&[key], causes);
            }
        }
        _ => {}
    }
}

/// What Docker reads: an object as JSON.
fn registry(secret: &Value, key: &str, causes: &mut Causes) {
    causes.at("data", |causes| {
        causes.key(key, |causes| {
            let Some(bytes) = bytes(secret, key) else {
                causes.required("", "");
                return;
            };
            let why = match go_json::parse(&bytes) {
                Err(why) => why,
                Ok(Value::Object(_) | Value::Null) => return,
                Ok(other) => {
                    let word = go_json::word(&other);
                    format!("json: cannot unmarshal {word} into Go value of type map[string]interface {{}}")
                }
            };
            causes.invalid("", &"<secret contents redacted>".into(), &why);
        });
    });
}

fn validate_update(old: &Value, new: &Value, causes: &mut Causes) {
    immutable(old, new, "type", causes);
    if yes(old, "immutable") {
        let why = "field is immutable when `immutable` is set";
        if !yes(new, "immutable") {
            causes.forbidden("immutable", why);
        }
        if field(old, "data") != field(new, "data") {
            causes.forbidden("data", why);
        }
    }
    causes.extend(validate_name::metadata(new));
    validate(new, causes);
}

/// What is wrong with the certificate and the key of a TLS secret.
fn certificate(secret: &Value) -> Option<String> {
    if meta::text(secret, "type") != "kubernetes.io/tls" {
        return None;
    }
    let blocks = |key: &str| blocks(&bytes(secret, key).unwrap_or_default());
    let (certificates, keys) = (blocks("tls.crt"), blocks("tls.key"));
    let listed = |found: &[String]| format!("[{}]", found.join(" "));
    if !certificates.iter().any(|kind| kind == "CERTIFICATE") {
        return Some(match certificates.as_slice() {
            [] => "tls: failed to find any PEM data in certificate input".to_owned(),
            [kind] if kind.ends_with("PRIVATE KEY") => {
                "tls: failed to find certificate PEM data in certificate input, but did \
                find a private key; PEM inputs may have been switched"
                    .to_owned()
            }
            kinds => format!(
                "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM blocks of the following \
                 types: {}",
                listed(kinds)
            ),
        });
    }
    if keys.iter().any(|kind| kind == "PRIVATE KEY" || kind.ends_with(" PRIVATE KEY")) {
        return None;
    }
    Some(match keys.as_slice() {
        [] => "tls: failed to find any PEM data in key input".to_owned(),
        [kind] if kind == "CERTIFICATE" => {
            "tls: found a certificate rather than a key in the PEM for the private key".to_owned()
        }
        kinds => format!(
            "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after skipping PEM blocks of the \
             following types: {}",
            listed(kinds)
        ),
    })
}

/// The types of the blocks of a PEM text.
fn blocks(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let mut found = Vec::new();
    let mut open: Option<(&str, String)> = None;
    for line in text.lines().map(str::trim_end) {
        let marked = |mark: &str| line.strip_prefix(mark).and_then(|rest| rest.strip_suffix("-----"));
        if let Some(kind) = marked("-----BEGIN ") {
            open = Some((kind, String::new()));
        } else if let Some(kind) = marked("-----END ") {
            if let Some((begun, content)) = open.take()
                && begun == kind
                && STANDARD.decode(content).is_ok()
            {
                found.push(kind.to_owned());
            }
        } else if let Some((_, content)) = &mut open {
            // Headers and what is beside the point between blocks.
            if !line.contains(':') {
                content.push_str(line);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problems(secret: &Value) -> Vec<String> {
        let mut causes = Causes::default();
        validate(secret, &mut causes);
        causes.into_found().into_iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect()
    }

    #[test]
    fn plain_text_becomes_data() {
        let mut secret = json!({"stringData": {"a": "x"}, "data": {"a": "Yg==", "b": "Yg=="}});
        default(&mut secret);
        assert_eq!(secret, json!({"type": "Opaque", "data": {"a": "eA==", "b": "Yg=="}}));
    }

    #[test]
    fn types_need_their_keys() {
        let docker =
            |text: &str| json!({"type": "kubernetes.io/dockercfg", "data": {".dockercfg": STANDARD.encode(text)}});
        assert_eq!(problems(&docker("{}")), Vec::<String>::new());
        let told = problems(&docker("[]"));
        assert!(told[0].ends_with("cannot unmarshal array into Go value of type map[string]interface {}"), "{told:?}");
        assert_eq!(problems(&json!({"type": "kubernetes.io/tls"})).len(), 2);
    }

    #[test]
    fn pem_blocks_are_found() {
        let text = "x\n-----BEGIN CERTIFICATE-----\nTUlJ\n-----END CERTIFICATE-----\n-----BEGIN EC PRIVATE KEY-----\n\
            TUlJ\n-----END EC PRIVATE KEY-----\n";
        assert_eq!(blocks(text.as_bytes()), ["CERTIFICATE", "EC PRIVATE KEY"]);
        let data = json!({"tls.crt": STANDARD.encode(text), "tls.key": ""});
        let told = certificate(&json!({"type": "kubernetes.io/tls", "data": data}));
        assert_eq!(told.as_deref(), Some("tls: failed to find any PEM data in key input"));
    }
}
