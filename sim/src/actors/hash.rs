//! Short deterministic hashes for names, in the alphabet that Kubernetes uses for them.

use serde_json::Value;

/// Letters and digits without vowels and look-alikes, so that no word comes out by chance.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// A hash of a JSON value: 32 bit FNV-1a over its text, the decimal digits of it written in the alphabet.
///
/// # Differences
///
/// A real controller hashes a dump of its Go structure; the form of the result is the same, the value is not.
pub(super) fn short(value: &Value) -> String {
    let mut hash: u32 = 0x811c_9dc5;
    for byte in value.to_string().bytes() {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    hash.to_string().bytes().map(|digit| char::from(ALPHABET[usize::from(digit) % ALPHABET.len()])).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_values_have_equal_hashes() {
        let (one, two) = (json!({"a": 1, "b": 2}), json!({"b": 2, "a": 1}));
        assert_eq!(short(&one), short(&two));
        assert_ne!(short(&one), short(&json!({"a": 1})));
        assert!(short(&one).bytes().all(|letter| ALPHABET.contains(&letter)));
    }
}
