//! The randomness of the simulated cluster: uids, generated names, allocated addresses.
//!
//! Owns one value-stable generator: the same seed and the same calls give the same values on every platform.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// The letters of generated names: those of a real API server, which spell no words.
const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// The length of the random part of a generated name.
const SUFFIX: usize = 5;

/// A seeded generator.
#[derive(Debug)]
pub struct Rng(ChaCha8Rng);

impl Rng {
    /// The generator of a seed.
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number below `bound`; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // The bias of the remainder is at most bound / 2^64.
        self.0.next_u64().checked_rem(bound).unwrap_or_default()
    }

    /// A version 4 UUID.
    pub fn uid(&mut self) -> String {
        let mut bytes = [0; 16];
        self.0.fill_bytes(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    /// The five characters behind a `generateName`.
    pub fn suffix(&mut self) -> String {
        (0..SUFFIX)
            .map(|_| {
                let index = self.below(LETTERS.len() as u64) as usize;
                char::from(LETTERS[index])
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_one_stream() {
        let (mut one, mut two, mut other) = (Rng::new(7), Rng::new(7), Rng::new(8));
        assert_eq!(one.uid(), two.uid());
        let suffix = one.suffix();
        assert_eq!(suffix, two.suffix());
        assert_eq!(suffix.len(), SUFFIX);
        assert!(suffix.bytes().all(|byte| LETTERS.contains(&byte)));
        assert_ne!(one.uid(), other.uid());
        assert_eq!(one.below(0), 0);
    }
}
