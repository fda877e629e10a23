//! Sums of floating-point numbers that do not depend on the order in which the numbers come.
//!
//! A total is kept as a list of numbers that do not overlap, so that nothing is lost, and rounded once when it is
//! told: J. R. Shewchuk, Adaptive Precision Floating-Point Arithmetic and Fast Robust Geometric Predicates, 1997,
//! sections 2.4 to 2.6. Totals of parts of the rows come to the same as a total of all of them.

/// An exact total, and how many numbers went into it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Total {
    /// Finite numbers of growing magnitude, none of which overlaps another; their sum is the total of the finite ones.
    parts: Vec<f64>,
    not_a_number: i64,
    infinite: i64,
    negative_infinite: i64,
}

/// The sum of two numbers, rounded, and what the rounding took away.
fn two_sum(one: f64, other: f64) -> (f64, f64) {
    let sum = one + other;
    let of_other = sum - one;
    let of_one = sum - of_other;
    (sum, (one - of_one) + (other - of_other))
}

impl Total {
    /// Adds a number.
    pub(super) fn add(&mut self, number: f64) {
        self.count_if_special(number, 1);
        if number.is_finite() {
            self.grow(number);
        }
    }

    /// Takes back a number that was added.
    pub(super) fn retract(&mut self, number: f64) {
        self.count_if_special(number, -1);
        if number.is_finite() {
            self.grow(-number);
        }
    }

    /// Adds the product of two finite numbers, of which nothing is lost either.
    fn add_product(&mut self, one: f64, other: f64) {
        let product = one * other;
        self.add(product);
        if product.is_finite() {
            self.grow(one.mul_add(other, -product));
        }
    }

    fn count_if_special(&mut self, number: f64, by: i64) {
        match number {
            number if number.is_nan() => self.not_a_number += by,
            f64::INFINITY => self.infinite += by,
            f64::NEG_INFINITY => self.negative_infinite += by,
            _ => {}
        }
    }

    fn grow(&mut self, number: f64) {
        let mut carried = number;
        self.parts.retain_mut(|part| {
            let (sum, lost) = two_sum(carried, *part);
            carried = sum;
            *part = lost;
            lost != 0.0
        });
        if carried.is_finite() {
            self.parts.push(carried);
        } else {
            // Beyond all doubles: it stays there.
            self.parts.clear();
            self.count_if_special(carried, 1);
        }
    }

    /// The numbers that make up the total; added to another total, they add this one to it.
    pub(super) fn numbers(&self) -> impl Iterator<Item = f64> + '_ {
        let special = [
            (self.not_a_number, f64::NAN),
            (self.infinite, f64::INFINITY),
            (self.negative_infinite, f64::NEG_INFINITY),
        ];
        let special = special.into_iter().filter(|(count, _)| *count > 0).map(|(_, number)| number);
        self.parts.iter().copied().chain(special)
    }

    /// The total, rounded to the nearest double, a tie to the even one.
    pub(super) fn value(&self) -> f64 {
        match (self.not_a_number > 0, self.infinite > 0, self.negative_infinite > 0) {
            (true, _, _) | (_, true, true) => return f64::NAN,
            (_, true, _) => return f64::INFINITY,
            (_, _, true) => return f64::NEG_INFINITY,
            (false, false, false) => {}
        }
        let mut rest = self.parts.iter().rev().copied();
        let mut value = rest.next().unwrap_or(0.0);
        while let Some(part) = rest.next() {
            let (sum, lost) = two_sum(value, part);
            value = sum;
            if lost != 0.0 {
                // What comes below decides only where `lost` is half a step, which was rounded to even.
                let below = rest.next().unwrap_or(0.0);
                let (stepped, missed) = two_sum(value, 2.0 * lost);
                if missed == 0.0 && below != 0.0 && (below > 0.0) == (lost > 0.0) {
                    value = stepped;
                }
                break;
            }
        }
        value
    }

    /// The sum of the products of the distances of pairs of numbers from their means: of `count` pairs, this is the total
    /// of the one, `other` that of the other, and `products` that of their products. With squares for products it is the
    /// sum of squared distances.
    pub(super) fn spread(&self, other: &Self, products: &Self, count: i64) -> f64 {
        let n = count as f64;
        let (mean, other_mean) = (self.value() / n, other.value() / n);
        // With any m near the means: Σ(x − m)(y − m′) = Σxy − m′Σx − mΣy + nmm′, exactly; what m and m′ themselves are
        // rounded by is multiplied with each other, and so lost.
        let mut spread = products.clone();
        if !mean.is_finite() || !other_mean.is_finite() {
            return f64::NAN;
        }
        self.numbers().for_each(|part| spread.add_product(-other_mean, part));
        other.numbers().for_each(|part| spread.add_product(-mean, part));
        let product = mean * other_mean;
        spread.add_product(n, product);
        spread.add_product(n, mean.mul_add(other_mean, -product));
        spread.value()
    }

    /// The sum of the squared distances of `count` numbers from their mean; see [`Total::spread`].
    pub(super) fn own_spread(&self, squares: &Self, count: i64) -> f64 {
        let spread = self.spread(self, squares, count);
        if spread < 0.0 { 0.0 } else { spread }
    }

    /// Adds the product of two numbers, or with `by` −1 takes it back.
    pub(super) fn change_by_product(&mut self, one: f64, other: f64, by: f64) {
        if one.is_finite() && other.is_finite() {
            self.add_product(by * one, other);
        } else {
            self.count_if_special(one * other, by as i64);
        }
    }

    /// Bytes held beside itself.
    pub(super) fn held_bytes(&self) -> usize {
        self.parts.capacity() * size_of::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use rand::prelude::*;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn total(numbers: &[f64]) -> Total {
        let mut total = Total::default();
        numbers.iter().for_each(|number| total.add(*number));
        total
    }

    #[test]
    fn what_rounding_would_lose() {
        assert_eq!(total(&[]).value(), 0.0);
        assert_eq!(total(&[0.1; 10]).value(), 1.0);
        assert_eq!(total(&[1e100, 1.0, -1e100]).value(), 1.0);
        // Half a step above one is rounded to even, unless anything lies above the half.
        let half = f64::EPSILON / 2.0;
        assert_eq!(total(&[1.0, half]).value(), 1.0);
        assert_eq!(total(&[1.0, half, 1e-300]).value(), 1.0 + f64::EPSILON);
        assert_eq!(total(&[1.0, half, -1e-300]).value(), 1.0);
        assert_eq!(total(&[1.0 + f64::EPSILON, half, -1e-300]).value(), 1.0 + f64::EPSILON);
    }

    #[test]
    fn what_is_no_number() {
        assert!(total(&[f64::NAN, 1.0]).value().is_nan());
        assert_eq!(total(&[f64::INFINITY, 1.0]).value(), f64::INFINITY);
        assert!(total(&[f64::INFINITY, f64::NEG_INFINITY]).value().is_nan());
        let mut taken_back = total(&[f64::INFINITY, 2.0]);
        taken_back.retract(f64::INFINITY);
        assert_eq!(taken_back.value(), 2.0);
    }

    #[test]
    fn orders_and_splits_change_nothing() {
        for seed in 0..200 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            // Whole numbers of 2^-30, so that an integer tells the exact total.
            let whole: Vec<i64> =
                (0..50).map(|_| rng.random_range(-(1 << 40)..1 << 40) << rng.random_range(0..20)).collect();
            let mut numbers: Vec<f64> = whole.iter().map(|number| *number as f64 / f64::from(1 << 30)).collect();
            let exact = whole.iter().map(|number| i128::from(*number)).sum::<i128>() as f64 / f64::from(1 << 30);
            assert_eq!(total(&numbers).value(), exact, "seed {seed}");
            numbers.shuffle(&mut rng);
            let (one, other) = numbers.split_at(rng.random_range(0..50));
            let mut both = total(one);
            total(other).numbers().for_each(|number| both.add(number));
            assert_eq!(both.value(), exact, "seed {seed}");
            one.iter().for_each(|number| both.retract(*number));
            assert_eq!(both.value(), total(other).value(), "seed {seed}");
        }
    }

    #[test]
    fn spreads_far_from_nought() {
        let numbers = [1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0];
        let mut squares = Total::default();
        numbers.iter().for_each(|number| squares.change_by_product(*number, *number, 1.0));
        // The mean is ten above: 36 + 9 + 9 + 36.
        assert_eq!(total(&numbers).own_spread(&squares, 4), 90.0);
    }
}
