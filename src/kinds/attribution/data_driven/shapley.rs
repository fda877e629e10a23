//! Shapley values of channels, for what sets of them are worth.
//!
//! A set is worth the journeys whose channels all lie in it. Worth as *conversions*, the value of a channel
//! is the sum, over the sets it stands in, of their conversions divided by their size, which is the same
//! as the definition's sum over all orders. Worth as the conversion *rate*, there is no such short cut:
//! up to [`EXACT_CHANNELS`] channels all subsets are looked at, beyond that [`ORDERS`] random orders.

use std::collections::{BTreeMap, BTreeSet};

/// The most channels for which all subsets are looked at.
pub(in super::super) const EXACT_CHANNELS: usize = 15;
/// Orders drawn beyond that. A channel adds between -1 and 1 to a rate, so by Hoeffding's inequality a
/// value is off by `t` or more with a chance of `2·exp(-ORDERS·t²/2)` at most: 1 % for 0.0231. Of `n` values
/// one or more are with `n` times that chance at most: 1 % for 0.0315 and 100 values.
pub(in super::super) const ORDERS: usize = 20_000;

/// Conversions and journeys by their set of channels.
#[derive(Debug, Clone, Default)]
pub(super) struct Sets {
    counts: BTreeMap<BTreeSet<String>, (i64, i64)>,
}

impl Sets {
    /// Adds journeys of a set.
    pub(super) fn add(&mut self, set: BTreeSet<String>, conversions: i64, journeys: i64) {
        let known = self.counts.entry(set).or_default();
        known.0 += conversions;
        known.1 += journeys;
    }

    /// Journeys that converted.
    pub(super) fn conversions(&self) -> i64 {
        self.counts.values().map(|(conversions, _)| conversions).sum()
    }

    fn channels(&self) -> Vec<&String> {
        let all: BTreeSet<&String> = self.counts.keys().flatten().collect();
        all.into_iter().collect()
    }

    /// Each channel with its value of conversions, by name; they add up to the conversions.
    pub(super) fn of_conversions(&self) -> Vec<(String, f64)> {
        let value = |channel: &&String| {
            let sets = self.counts.iter().filter(|(set, _)| set.contains(*channel));
            let value: f64 = sets.map(|(set, (conversions, _))| *conversions as f64 / set.len() as f64).sum();
            ((*channel).clone(), value)
        };
        self.channels().iter().map(value).collect()
    }

    /// Each channel with its value of the conversion rate, by name; they add up to the rate of all
    /// journeys, and may be below 0.
    pub(super) fn of_rate(&self) -> Vec<(String, f64)> {
        let channels = self.channels();
        let number: BTreeMap<&String, usize> = channels.iter().enumerate().map(|(at, name)| (*name, at)).collect();
        let sets: Vec<(Vec<usize>, i64, i64)> = self
            .counts
            .iter()
            .map(|(set, (hits, all))| (set.iter().filter_map(|name| number.get(name).copied()).collect(), *hits, *all))
            .collect();
        let values = if channels.len() <= EXACT_CHANNELS {
            exact(channels.len(), &sets)
        } else {
            sampled(channels.len(), &sets)
        };
        channels.into_iter().cloned().zip(values).collect()
    }
}

fn rate(hits: i64, all: i64) -> f64 {
    if all == 0 { 0.0 } else { hits as f64 / all as f64 }
}

/// The definition: the weighted mean of what a channel adds to every set without it.
fn exact(channels: usize, sets: &[(Vec<usize>, i64, i64)]) -> Vec<f64> {
    let mut within = vec![(0i64, 0i64); 1 << channels];
    for (set, hits, all) in sets {
        let mask: usize = set.iter().map(|channel| 1 << channel).sum();
        if let Some(counts) = within.get_mut(mask) {
            (counts.0, counts.1) = (counts.0 + hits, counts.1 + all);
        }
    }
    // Afterwards each mask holds the journeys of all its subsets.
    for channel in 0..channels {
        for mask in (0..within.len()).filter(|mask| mask & (1 << channel) != 0) {
            let (hits, all) = within.get(mask ^ (1 << channel)).copied().unwrap_or_default();
            if let Some(counts) = within.get_mut(mask) {
                (counts.0, counts.1) = (counts.0 + hits, counts.1 + all);
            }
        }
    }
    let worth = |mask: usize| within.get(mask).map_or(0.0, |(hits, all)| rate(*hits, *all));
    let weights = weights(channels);
    let value = |channel: usize| {
        let without = (0..within.len()).filter(|mask| mask & (1 << channel) == 0);
        without
            .map(|mask| {
                let weight = weights.get(mask.count_ones() as usize).copied().unwrap_or(0.0);
                weight * (worth(mask | (1 << channel)) - worth(mask))
            })
            .sum()
    };
    (0..channels).map(value).collect()
}

/// `size! (n - size - 1)! / n!` by size.
fn weights(channels: usize) -> Vec<f64> {
    let n = channels as f64;
    let mut weight = 1.0 / n;
    let mut weights = vec![weight];
    for size in 1..channels {
        weight *= size as f64 / (n - size as f64);
        weights.push(weight);
    }
    weights
}

/// The mean of what each channel adds when channels come in random orders, always the same ones.
fn sampled(channels: usize, sets: &[(Vec<usize>, i64, i64)]) -> Vec<f64> {
    let mut random = SplitMix(1);
    let mut order: Vec<usize> = (0..channels).collect();
    let mut place = vec![0; channels];
    let mut values = vec![0.0; channels];
    let mut joining = vec![(0i64, 0i64); channels];
    for _ in 0..ORDERS {
        for last in (1..channels).rev() {
            order.swap(last, random.below(last as u64 + 1) as usize);
        }
        for (at, channel) in order.iter().enumerate() {
            place.get_mut(*channel).into_iter().for_each(|known| *known = at);
        }
        // A set's journeys count from the place at which its last channel comes.
        joining.fill((0, 0));
        for (set, hits, all) in sets {
            let last = set.iter().filter_map(|channel| place.get(*channel)).max().copied().unwrap_or(0);
            if let Some(counts) = joining.get_mut(last) {
                (counts.0, counts.1) = (counts.0 + hits, counts.1 + all);
            }
        }
        let (mut hits, mut all, mut before) = (0, 0, 0.0);
        for (channel, joined) in order.iter().zip(&joining) {
            (hits, all) = (hits + joined.0, all + joined.1);
            let now = rate(hits, all);
            values.get_mut(*channel).into_iter().for_each(|value| *value += now - before);
            before = now;
        }
    }
    values.iter().map(|value| value / ORDERS as f64).collect()
}

/// SplitMix64: a generator of a few lines, so that the orders are the same for ever.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(channels: &str) -> BTreeSet<String> {
        channels.chars().map(|c| c.to_string()).collect()
    }

    fn worked() -> Sets {
        let mut sets = Sets::default();
        for (channels, conversions, journeys) in [("ABC", 1, 1), ("AB", 1, 2), ("BC", 0, 1), ("C", 1, 1), ("A", 0, 2)] {
            sets.add(set(channels), conversions, journeys);
        }
        sets
    }

    fn near(found: &[(String, f64)], expected: &[(&str, f64)], tolerance: f64) {
        assert_eq!(found.len(), expected.len());
        for ((name, value), (known, wanted)) in found.iter().zip(expected) {
            assert_eq!(name, known);
            assert!((value - wanted).abs() < tolerance, "{name}: {value} instead of {wanted}");
        }
    }

    #[test]
    fn the_worked_example_of_conversions() {
        near(&worked().of_conversions(), &[("A", 5.0 / 6.0), ("B", 5.0 / 6.0), ("C", 4.0 / 3.0)], 1e-12);
        assert_eq!(worked().conversions(), 3);
    }

    #[test]
    fn the_worked_example_of_the_rate() {
        let expected = [("A", -47.0 / 504.0), ("B", -5.0 / 504.0), ("C", 67.0 / 126.0)];
        near(&worked().of_rate(), &expected, 1e-12);
    }

    /// The same sets with idle channels beside them, so that orders are drawn: idle ones add nothing.
    #[test]
    fn drawn_orders_come_near_the_exact_values() {
        let mut sets = worked();
        for idle in "defghijklmnop".chars() {
            sets.add(set(&format!("ABC{idle}")), 0, 0);
        }
        let values = sets.of_rate();
        assert!(values.len() > EXACT_CHANNELS);
        near(&values[..3], &[("A", -47.0 / 504.0), ("B", -5.0 / 504.0), ("C", 67.0 / 126.0)], 0.023);
        assert!(values[3..].iter().all(|(_, value)| *value == 0.0));
        let sum: f64 = values.iter().map(|(_, value)| value).sum();
        assert!((sum - 3.0 / 7.0).abs() < 1e-9, "{sum}");
        assert_eq!(values, sets.of_rate());
    }

    #[test]
    fn edges() {
        assert_eq!(Sets::default().of_rate(), []);
        let mut one = Sets::default();
        one.add(set("A"), 2, 4);
        assert_eq!(one.of_rate(), [("A".to_string(), 0.5)]);
    }
}
