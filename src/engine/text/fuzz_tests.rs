//! Every function over texts that nobody types, and some that people do.

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

#[test]
fn placeholder() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let parts = ["a"];
    assert_eq!(parts.choose(&mut rng), Some(&"a"));
    assert!(rng.random_range(0..2) < 2);
    assert_eq!(head("a"), "a");
}
