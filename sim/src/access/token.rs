//! Tokens of service accounts: JSON Web Tokens that this server signs, and what they say.
//!
//! Owns the form (three parts in base64), the signature, and the claims. Whether whoever carries one is let in is in `authenticate`.
//!
//! # Differences
//!
//! They are signed with HMAC-SHA256 under a key that follows from the seed, not with a private key: nobody else can verify them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Who issues tokens, and the audience of those that name none.
pub(crate) const ISSUER: &str = "https://kubernetes.default.svc";

/// Who issues the tokens that lie in Secrets.
pub(crate) const LEGACY_ISSUER: &str = "kubernetes/serviceaccount";

/// The bytes of a block of the hash.
const BLOCK: usize = 64;

/// The key that tokens are signed with.
#[derive(Clone)]
pub(crate) struct SigningKey([u8; BLOCK]);

impl SigningKey {
    /// The key of a server with this seed.
    pub(crate) fn of_seed(seed: u64) -> Self {
        let digest = Sha256::digest(format!("kubesim service account tokens {seed}").as_bytes());
        let mut key = [0; BLOCK];
        key[..digest.len()].copy_from_slice(&digest);
        Self(key)
    }

    /// The token of these claims.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let header = json!({"alg": "HS256", "kid": "kubesim"});
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&header), encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.mac(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    /// The claims of a token whose issuer is one of ours, or `None` for what is no such token; an error where the signature is not.
    pub(crate) fn read(&self, token: &str) -> Result<Option<Value>, String> {
        let parts: Vec<&str> = token.split('.').collect();
        let [_, payload, signature] = parts.as_slice() else {
            return Ok(None);
        };
        let claims = URL_SAFE_NO_PAD.decode(payload).ok();
        let claims: Option<Value> = claims.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let ours = |claims: &Value| claims["iss"] == ISSUER || claims["iss"] == LEGACY_ISSUER;
        let Some(claims) = claims.filter(ours) else {
            return Ok(None);
        };
        let signed = &token[..token.len() - signature.len() - 1];
        if URL_SAFE_NO_PAD.decode(signature).ok().as_deref() == Some(&self.mac(signed.as_bytes())) {
            Ok(Some(claims))
        } else {
            Err("go-jose/go-jose: error in cryptographic primitive".to_owned())
        }
    }

    /// HMAC-SHA256, RFC 2104.
    fn mac(&self, message: &[u8]) -> [u8; 32] {
        let padded = |with: u8| self.0.map(|byte| byte ^ with);
        let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
        Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_by_the_server_that_signed_it() {
        let (one, other) = (SigningKey::of_seed(1), SigningKey::of_seed(2));
        let claims = json!({"iss": ISSUER, "sub": "system:serviceaccount:a:b"});
        let token = one.sign(&claims);
        assert_eq!(token, one.sign(&claims));
        assert_eq!(one.read(&token), Ok(Some(claims)));
        assert!(other.read(&token).is_err());
        for foreign in ["", "secret", "a.b.c", &one.sign(&json!({"iss": "elsewhere"}))] {
            assert_eq!(one.read(foreign), Ok(None), "{foreign}");
        }
    }

    #[test]
    fn the_signature_is_hmac() {
        // RFC 4231, test case 2.
        let mut key = [0; BLOCK];
        key[..4].copy_from_slice(b"Jefe");
        let mac = SigningKey(key).mac(b"what do ya want for nothing?");
        assert_eq!(mac[..4], [0x5b, 0xdc, 0xc1, 0x46]);
    }
}
