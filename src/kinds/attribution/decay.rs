//! Halving by age in whole numbers: `2^40 · 2^(-age / half_life)`, the same on every machine.
//!
//! The age is split into whole half-lives and a rest. Of the rest's 64-bit fraction the upper 24
//! bits are looked up in three tables of 256 powers each, which are made of integer square roots;
//! the lower 40 bits, less than 2^-24, enter by `1 - y + y²/2` with `y = x·ln 2`. Numbers are kept
//! with 62 bits after the point, products are cut off there, and the result is rounded once, half up.

/// Bits after the point.
const POINT: u32 = 62;
const ONE: u64 = 1 << POINT;
/// The natural logarithm of 2, with [`POINT`] bits.
const LN_2: u64 = 0x2C5C_85FD_F473_DE6A;
/// The weight of a touch at the instant of the conversion is 2 to this power.
pub(super) const FULL_BITS: u32 = 40;

/// Weights by age for one half-life.
#[derive(Debug, Clone)]
pub(super) struct Decay {
    half_life: u64,
    tables: [Vec<u64>; 3],
}

impl Decay {
    /// `half_life_micros` must be above 0; less counts as one microsecond.
    pub(super) fn new(half_life_micros: i64) -> Self {
        let mut root = ONE >> 1;
        let mut roots = || {
            // √(2^-n) with 62 bits: the root of the number shifted by 62 more.
            root = u64::try_from((u128::from(root) << POINT).isqrt()).unwrap_or(ONE);
            root
        };
        let tables = [(); 3].map(|()| {
            let powers: Vec<u64> = (0..8).map(|_| roots()).collect();
            (0..256u32).map(|bits| product(&powers, bits)).collect()
        });
        Self { half_life: u64::try_from(half_life_micros).unwrap_or(1).max(1), tables }
    }

    /// The weight of a touch of this age in microseconds; 2^40 at age 0 and below, 0 after some 41 half-lives.
    pub(super) fn weight(&self, age_micros: i64) -> u64 {
        let age = u64::try_from(age_micros).unwrap_or(0);
        let (halvings, rest) = (age / self.half_life, age % self.half_life);
        let Ok(halvings) = u32::try_from(halvings) else { return 0 };
        if halvings > FULL_BITS + 1 {
            return 0;
        }
        // A rest below the half-life gives a fraction below 1, which 64 bits hold.
        let fraction = u64::try_from((u128::from(rest) << 64) / u128::from(self.half_life)).unwrap_or(u64::MAX);
        let power = self.power(fraction);
        let shift = POINT - FULL_BITS + halvings;
        if shift >= 64 {
            return 0;
        }
        (power >> shift) + ((power >> (shift - 1)) & 1)
    }

    /// `2^-x` with [`POINT`] bits, for `x` as a 64-bit fraction.
    fn power(&self, fraction: u64) -> u64 {
        let small = u128::from(fraction & ((1 << 40) - 1));
        let y = ((small * u128::from(LN_2)) >> 64) as u64;
        let mut power = ONE - y + (times(y, y) >> 1);
        for (table, byte) in self.tables.iter().zip(fraction.to_be_bytes()) {
            power = times(power, table.get(usize::from(byte)).copied().unwrap_or(ONE));
        }
        power
    }
}

fn times(a: u64, b: u64) -> u64 {
    ((u128::from(a) * u128::from(b)) >> POINT) as u64
}

/// The product of those powers whose bit is set, the first power having the highest of eight bits.
fn product(powers: &[u64], bits: u32) -> u64 {
    let set = powers.iter().enumerate().filter(|(at, _)| bits & (0x80 >> at) != 0);
    set.fold(ONE, |product, (_, power)| times(product, *power))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000_000;

    #[test]
    fn whole_half_lives_are_exact() {
        let decay = Decay::new(7 * DAY);
        for halvings in 0..=40u32 {
            assert_eq!(decay.weight(7 * DAY * i64::from(halvings)), 1 << (40 - halvings), "{halvings}");
        }
        // Half of the last unit rounds up; a quarter does not.
        assert_eq!(decay.weight(7 * DAY * 41), 1);
        assert_eq!(decay.weight(7 * DAY * 42), 0);
        assert_eq!(decay.weight(i64::MAX), 0);
        assert_eq!(decay.weight(-5), 1 << 40);
    }

    /// Known digits: 2^-0.5 = 0.70710678118654752440, 2^-0.25 = 0.84089641525371454303,
    /// 2^-0.1 = 0.93303299153680741598, 2^-0.75 = 0.59460355750136053336.
    #[test]
    fn known_powers_to_the_last_unit() {
        let decay = Decay::new(1_000);
        for (age, digits) in [
            (500, 70_710_678_118_654_752_440u128),
            (250, 84_089_641_525_371_454_303),
            (100, 93_303_299_153_680_741_598),
            (750, 59_460_355_750_136_053_336),
        ] {
            let units = ((digits << 41) / 10u128.pow(20)).div_ceil(2);
            assert_eq!(u128::from(decay.weight(age)), units, "{age}");
        }
    }

    #[test]
    fn agrees_with_floats_where_they_are_precise_enough() {
        for half_life in [1, 3, 1_000_003, 7 * DAY, 90 * DAY] {
            let decay = Decay::new(half_life);
            let mut age = 0i64;
            for step in 0..2_000i64 {
                let float = (-(age as f64) / half_life as f64).exp2() * 2f64.powi(40);
                assert!((decay.weight(age) as f64 - float).abs() <= 0.51, "{age} of {half_life}");
                age += half_life / 91 + step % 13;
            }
        }
    }

    #[test]
    fn never_rises_with_age() {
        let decay = Decay::new(DAY);
        let weights: Vec<u64> = (0..100_000i64).map(|step| decay.weight(step * 8_640_007)).collect();
        assert!(weights.is_sorted_by(|newer, older| newer >= older));
    }
}
