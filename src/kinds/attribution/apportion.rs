//! Largest remainder: a whole number of units shared out so that nothing is lost.
//!
//! ```text
//! 10000 cents by 1/3, 1/3, 1/3
//! floors       3333  3333  3333     one cent is left over
//! remainders    1/3   1/3   1/3     it goes to the first of the largest
//! shares       3334  3333  3333
//! ```

/// Shares `total` units out in proportion to `numerators`, in their order, into `shares`.
///
/// Each share is `total · numerator / sum` rounded down; the units left over go one each to the
/// largest remainders, the earlier one first among equals. The shares of a negative total are those
/// of the positive one with the sign restored. They always add up to `total`.
///
/// `|total|` must be below 2^63 and the sum below 2^64, so that no product leaves 128 bits; where all
/// numerators are 0 nothing is shared out.
pub(super) fn apportion(total: i64, numerators: &[u64], scratch: &mut Scratch, shares: &mut Vec<i64>) {
    shares.clear();
    let sum: u64 = numerators.iter().fold(0, |sum, numerator| sum.saturating_add(*numerator));
    if sum == 0 {
        shares.resize(numerators.len(), 0);
        return;
    }
    scratch.remainders.clear();
    let units = total.unsigned_abs();
    let mut left = units;
    let (mut known, mut known_floor, mut known_rest) = (0, 0, 0);
    for numerator in numerators {
        if *numerator != known {
            (known_floor, known_rest) = divide(units, *numerator, sum);
            known = *numerator;
        }
        left -= known_floor.min(left);
        shares.push(i64::try_from(known_floor).unwrap_or(i64::MAX));
        scratch.remainders.push(known_rest);
    }
    give_rest(usize::try_from(left).unwrap_or(usize::MAX), scratch, shares);
    if total < 0 {
        shares.iter_mut().for_each(|share| *share = -*share);
    }
}

/// Kept from call to call, so that not every journey allocates anew.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    remainders: Vec<u64>,
    order: Vec<u32>,
}

impl Scratch {
    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        self.remainders.capacity() * size_of::<u64>() + self.order.capacity() * size_of::<u32>()
    }
}

/// Quotient and remainder of `units · numerator / sum`.
fn divide(units: u64, numerator: u64, sum: u64) -> (u64, u64) {
    match units.checked_mul(numerator) {
        Some(product) => (product / sum, product % sum),
        None => {
            let (product, sum) = (u128::from(units) * u128::from(numerator), u128::from(sum));
            // The quotient is at most the units, the remainder below the sum.
            ((product / sum) as u64, (product % sum) as u64)
        }
    }
}

/// One unit more for each of the `left` largest remainders; fewer remain than there are remainders.
fn give_rest(left: usize, scratch: &mut Scratch, shares: &mut [i64]) {
    if left == 0 {
        return;
    }
    let Scratch { remainders, order } = scratch;
    order.clear();
    order.extend(0..u32::try_from(shares.len()).unwrap_or(u32::MAX));
    let rest = |at: u32| remainders.get(at as usize).copied().unwrap_or(0);
    if left < order.len() {
        order.select_nth_unstable_by(left, |a, b| rest(*b).cmp(&rest(*a)).then(a.cmp(b)));
    }
    for at in order.iter().take(left) {
        if let Some(share) = shares.get_mut(*at as usize) {
            *share += 1;
        }
    }
}

#[cfg(test)]
// Cents stand apart from what is before them: 33_34 is 33.34.
#[allow(clippy::inconsistent_digit_grouping)]
mod tests {
    use rand::prelude::*;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn shared(total: i64, numerators: &[u64]) -> Vec<i64> {
        let mut shares = Vec::new();
        apportion(total, numerators, &mut Scratch::default(), &mut shares);
        shares
    }

    #[test]
    fn cents_left_over_go_to_the_largest_remainders_then_to_the_earlier() {
        assert_eq!(shared(100_00, &[1, 1, 1]), [3334, 3333, 3333]);
        assert_eq!(shared(-100_00, &[1, 1, 1]), [-3334, -3333, -3333]);
        // Forty, twenty shared by three, forty: over fifteen parts.
        assert_eq!(shared(999_99, &[6, 1, 1, 1, 6]), [40000, 6667, 6667, 6666, 39999]);
        // A quarter of two cents each leaves two remainders of a half: the first two get them.
        assert_eq!(shared(2, &[1, 1, 1, 1]), [1, 1, 0, 0]);
        assert_eq!(shared(0, &[1, 2]), [0, 0]);
        assert_eq!(shared(7, &[0, 5, 0]), [0, 7, 0]);
        assert_eq!(shared(7, &[0, 0]), [0, 0]);
        assert_eq!(shared(7, &[]), [0; 0]);
    }

    /// The obvious way: sort all remainders.
    fn obvious(total: i64, numerators: &[u64]) -> Vec<i64> {
        let sum: u128 = numerators.iter().map(|n| u128::from(*n)).sum();
        let units = u128::from(total.unsigned_abs());
        let exact: Vec<(u128, u128)> =
            numerators.iter().map(|n| (units * u128::from(*n) / sum, units * u128::from(*n) % sum)).collect();
        let mut order: Vec<usize> = (0..exact.len()).collect();
        order.sort_by(|a, b| exact[*b].1.cmp(&exact[*a].1).then(a.cmp(b)));
        let left = units - exact.iter().map(|e| e.0).sum::<u128>();
        let mut shares: Vec<i64> = exact.iter().map(|e| e.0 as i64).collect();
        order.iter().take(left as usize).for_each(|at| shares[*at] += 1);
        if total < 0 { shares.iter().map(|share| -share).collect() } else { shares }
    }

    #[test]
    fn agrees_with_the_obvious_way_and_loses_nothing() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        for _ in 0..3_000 {
            let count = rng.random_range(1..40);
            let most = *[1u64, 3, 1_000, 1 << 40, 1 << 57].choose(&mut rng).unwrap();
            let mut numerators: Vec<u64> = (0..count).map(|_| rng.random_range(0..=most)).collect();
            numerators[0] += 1;
            let total: i64 = match rng.random_range(0..3) {
                0 => rng.random_range(-50..50),
                1 => rng.random_range(-1_000_000_000..1_000_000_000),
                _ => rng.random_range(-999_999_999_999_999_999..=999_999_999_999_999_999),
            };
            let shares = shared(total, &numerators);
            assert_eq!(shares, obvious(total, &numerators), "{total} by {numerators:?}");
            assert_eq!(shares.iter().sum::<i64>(), total);
        }
    }
}
