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

/// What a pair weighs before anything is compared, when pairs of its class have the probability `share` and those
/// that have nothing to do with each other `others`.
pub fn prior(share: f64, others: f64) -> i32 {
    to_millibits((share / others).log2(), MOST_PRIOR_MILLIBITS)
}

/// What a pair weighs less than its findings add up to, when those weigh `related` for its being of different people
/// who are related: the odds are then to be had against two classes of pairs and not against one,
///
/// ```text
/// λ·Πm / (ρ·Πr + (1 − λ − ρ)·Πu)  →  the sum for a match − log2(1 + 2^related)
/// ```
///
/// No weight comes so near to half a thousandth of a bit that two libraries of mathematics could round it apart.
pub fn owed_to_related(related: i32) -> i32 {
    let bits = f64::from(related) / THOUSAND;
    // Of what weighs much, all is owed, and the power would be too large to add one to.
    let owed = if bits > 64.0 { bits } else { bits.exp2().ln_1p() / std::f64::consts::LN_2 };
    to_millibits(owed, i32::MAX)
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
