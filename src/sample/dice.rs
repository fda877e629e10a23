//! The seeded source of all chance, with the tally of the dirt it has let in.
//!
//! Only integer arithmetic and the four basic operations on `f64` are used, never a function of
//! the platform's mathematics library: the same seed gives the same bytes everywhere.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::dirt::{Dirt, Tally};

/// One stream of chance. Streams of one seed are independent of each other.
pub(super) struct Dice {
    rng: ChaCha8Rng,
    /// What has struck so far.
    pub(super) tally: Tally,
}

impl Dice {
    /// The stream with number `stream` of `seed`.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self { rng, tally: Tally::default() }
    }

    /// Uniform in [0, 1), with 53 bits.
    pub(super) fn unit(&mut self) -> f64 {
        (self.rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// All 64 bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// True with probability `p`.
    pub(super) fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Whether this dirt falls here, at its declared rate. Counts it.
    pub(super) fn strikes(&mut self, dirt: Dirt) -> bool {
        let struck = self.would(dirt);
        if struck {
            self.tally.add(dirt, 1);
        }
        struck
    }

    /// As [`Dice::strikes`] for dirt that is counted where the rows are written.
    pub(super) fn would(&mut self, dirt: Dirt) -> bool {
        self.chance(dirt.fact().rate)
    }

    /// Uniform in [0, n); 0 for n = 0.
    pub(super) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.rng.next_u64()) * n as u128) >> 64) as usize
    }

    /// Uniform in [low, high], both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1).max(1) as usize) as i64
    }

    /// One entry of a pool.
    pub(super) fn pick<'a, T, const N: usize>(&mut self, pool: &'a [T; N]) -> &'a T {
        const { assert!(N > 0) };
        // `below(N)` is less than N, and N is not zero.
        &pool[self.below(N)]
    }

    /// One entry of a slice; none if it is empty.
    pub(super) fn among<'a, T>(&mut self, pool: &'a [T]) -> Option<&'a T> {
        pool.get(self.below(pool.len()))
    }

    /// One value of a pool, by weight.
    pub(super) fn weighted<T: Copy, const N: usize>(&mut self, pool: &[(T, u32); N]) -> T {
        const { assert!(N > 0) };
        let total: u32 = pool.iter().map(|(_, weight)| weight).sum();
        let mut left = self.below(total as usize) as u32;
        for (value, weight) in pool {
            if left < *weight {
                return *value;
            }
            left -= weight;
        }
        pool[N - 1].0
    }

    /// Roughly normal, mean 0 and deviation 1: the sum of twelve uniform 16-bit numbers.
    pub(super) fn normal(&mut self) -> f64 {
        let mut sum = 0_u64;
        for _ in 0..3 {
            let bits = self.rng.next_u64();
            sum += (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
        }
        sum as f64 / 65_535.0 - 6.0
    }

    /// Log-normal with this median.
    pub(super) fn scaled(&mut self, median: f64, sigma: f64) -> f64 {
        median * exp(sigma * self.normal())
    }

    /// Log-normal span of time with this median, in microseconds.
    pub(super) fn span(&mut self, median: i64, sigma: f64) -> i64 {
        self.scaled(median as f64, sigma) as i64
    }

    /// How many times in a row `p` comes true, at most `most`.
    pub(super) fn run(&mut self, p: f64, most: usize) -> usize {
        let mut n = 0;
        while n < most && self.chance(p) {
            n += 1;
        }
        n
    }
}

/// e^x by (1 + x/4096)^4096: exact enough for a shape, and the same on every platform.
fn exp(x: f64) -> f64 {
    let mut power = 1.0 + x / 4096.0;
    for _ in 0..12 {
        power *= power;
    }
    power
}
