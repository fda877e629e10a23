//! Probabilities ↔ weights in thousandths of a bit.
//!
//! Weights are whole numbers, so that sums and orders never depend on the order of additions.
//! A bit doubles the odds: weight = log2(m / u), prior = log2(λ / (1 − λ)), and a sum W means the
//! probability 2^W / (1 + 2^W) (Fellegi and Sunter, 1969).

/// Millibits in a bit.
const THOUSAND: f64 = 1_000.0;
/// No level weighs more than this, either way: what 1 in 2^30 pairs shows is not known better.
pub const MOST_MILLIBITS: i32 = 30_000;

/// What two records weigh before anything is compared is no more than this, either way.
pub const MOST_PRIOR_MILLIBITS: i32 = 100_000;

/// The weight of a level that true pairs have with probability `m` and others with `u`.
pub fn weight(m: f64, u: f64) -> i32 {
    millibits(m / u)
}

/// The weight of one true pair in `1 / lambda` pairs before anything is compared.
pub fn prior(lambda: f64) -> i32 {
    let odds = lambda / (1.0 - lambda);
    to_millibits(odds.log2(), MOST_PRIOR_MILLIBITS)
}

/// log2 of a ratio.
pub fn millibits(ratio: f64) -> i32 {
    to_millibits(ratio.log2(), MOST_MILLIBITS)
}

fn to_millibits(bits: f64, most: i32) -> i32 {
    let most = f64::from(most);
    // The cast of a clamped value is exact; of "not a number" it is 0, no evidence.
    (bits * THOUSAND).round().clamp(-most, most) as i32
}

/// The probability that a pair of this total weight (prior included) is a match.
pub fn probability(millibits: i32) -> f64 {
    let odds = (f64::from(millibits) / THOUSAND).exp2();
    if odds.is_finite() { odds / (1.0 + odds) } else { 1.0 }
}

/// The least total weight whose probability is `probability` or more.
pub fn threshold(probability: f64) -> i32 {
    let bits = (probability / (1.0 - probability)).log2() * THOUSAND;
    // A hair is taken off, so that a threshold that is a whole number of millibits stays itself.
    (bits - 1e-6).ceil().clamp(f64::from(i32::MIN), f64::from(i32::MAX)) as i32
}
