//! Removal effects of channels in an absorbing Markov chain, by solving its linear system.
//!
//! A state is the last channels of a journey, as many as the order says; a journey begins in the empty
//! state and ends in a conversion or without one. The chance of a conversion from every state solves
//! `x = Q·x + r`, where `Q` holds the chances of going on and `r` those of converting at once. A channel
//! is removed by sending every step into a state that holds it to the end without a conversion. Its
//! effect is the part of the chance of conversion that is lost.
//!
//! The counts are whole numbers and the elimination takes states in their order, so the result is the
//! same on every machine.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result};

/// The most states of a chain; the work grows with their cube, once for each channel.
pub(super) const MAX_STATES: usize = 600;

/// Where a step leads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Next {
    /// To one more channel.
    Channel(String),
    /// To a conversion.
    Conversion,
    /// To the end without one.
    Nothing,
}

/// How often each step was taken: from a state, the last channels with the newest at the end.
#[derive(Debug, Clone, Default)]
pub(super) struct Steps {
    counts: BTreeMap<(Vec<String>, Next), i64>,
    order: usize,
}

impl Steps {
    /// No steps yet, of a chain of this order.
    pub(super) fn new(order: usize) -> Self {
        Self { counts: BTreeMap::new(), order }
    }

    /// Adds steps.
    pub(super) fn add(&mut self, state: Vec<String>, next: Next, count: i64) {
        *self.counts.entry((state, next)).or_default() += count;
    }

    /// Journeys that converted.
    pub(super) fn conversions(&self) -> i64 {
        self.counts.iter().filter(|((_, next), _)| *next == Next::Conversion).map(|(_, count)| count).sum()
    }

    /// Each channel with its removal effect, between 0 and 1, by name.
    pub(super) fn removal_effects(&self) -> Result<Vec<(String, f64)>> {
        let states: BTreeSet<&Vec<String>> = self.counts.keys().map(|(state, _)| state).collect();
        if states.len() > MAX_STATES {
            let message = format!(
                "a Markov chain of order {} over these channels has {} states, and {MAX_STATES} are the most",
                self.order,
                states.len()
            );
            return Err(Error::data(message).with_hint("lower the order, or group rare channels into one"));
        }
        let states: Vec<&Vec<String>> = states.into_iter().collect();
        let channels: BTreeSet<&String> = states.iter().flat_map(|state| state.iter()).collect();
        let chance = self.chance(&states, None);
        let effect = |channel: &&String| {
            let without = self.chance(&states, Some(*channel));
            let lost = if chance > 0.0 { 1.0 - without / chance } else { 0.0 };
            ((*channel).clone(), lost.clamp(0.0, 1.0))
        };
        Ok(channels.iter().map(effect).collect())
    }

    /// The chance of a conversion from the empty state, without the channel that is removed.
    fn chance(&self, states: &[&Vec<String>], removed: Option<&String>) -> f64 {
        let left: Vec<&Vec<String>> =
            states.iter().filter(|state| removed.is_none_or(|gone| !state.contains(gone))).copied().collect();
        let index: BTreeMap<&Vec<String>, usize> = left.iter().enumerate().map(|(at, state)| (*state, at)).collect();
        let totals = self.totals();
        let mut system = Dense::identity(left.len());
        for ((state, next), count) in &self.counts {
            let Some(row) = index.get(state) else { continue };
            let share = *count as f64 / totals.get(state).copied().unwrap_or(1) as f64;
            match next {
                Next::Conversion => system.right(*row, share),
                Next::Nothing => {}
                Next::Channel(channel) => {
                    if let Some(column) = index.get(&self.follow(state, channel)) {
                        system.subtract(*row, *column, share);
                    }
                }
            }
        }
        let empty = Vec::new();
        let chances = system.solve();
        index.get(&empty).and_then(|at| chances.get(*at)).copied().unwrap_or(0.0)
    }

    fn totals(&self) -> BTreeMap<&Vec<String>, i64> {
        let mut totals: BTreeMap<&Vec<String>, i64> = BTreeMap::new();
        for ((state, _), count) in &self.counts {
            *totals.entry(state).or_default() += count;
        }
        totals
    }

    fn follow(&self, state: &[String], channel: &str) -> Vec<String> {
        let keep = state.len().min(self.order.saturating_sub(1));
        let mut next: Vec<String> = state.get(state.len() - keep..).unwrap_or_default().to_vec();
        next.push(channel.to_string());
        next
    }
}

/// `A·x = b`, rows of `A` with `b` at the end.
struct Dense {
    rows: Vec<Vec<f64>>,
}

impl Dense {
    fn identity(size: usize) -> Self {
        let row = |at: usize| (0..=size).map(|column| if column == at { 1.0 } else { 0.0 }).collect();
        Self { rows: (0..size).map(row).collect() }
    }

    fn subtract(&mut self, row: usize, column: usize, value: f64) {
        if let Some(cell) = self.rows.get_mut(row).and_then(|row| row.get_mut(column)) {
            *cell -= value;
        }
    }

    fn right(&mut self, row: usize, value: f64) {
        if let Some(cell) = self.rows.get_mut(row).and_then(|row| row.last_mut()) {
            *cell += value;
        }
    }

    /// Gaussian elimination, the largest pivot first, the upper row among equals. A state from which
    /// neither end can be reached has no pivot and no chance.
    fn solve(mut self) -> Vec<f64> {
        let size = self.rows.len();
        let cell = |rows: &[Vec<f64>], row: usize, column: usize| {
            rows.get(row).and_then(|row| row.get(column)).copied().unwrap_or(0.0)
        };
        for pivot in 0..size {
            let mut best = pivot;
            for row in pivot + 1..size {
                if cell(&self.rows, row, pivot).abs() > cell(&self.rows, best, pivot).abs() {
                    best = row;
                }
            }
            if cell(&self.rows, best, pivot).abs() < 1e-12 {
                continue;
            }
            self.rows.swap(pivot, best);
            let (upper, lower) = self.rows.split_at_mut(pivot + 1);
            let Some(above) = upper.last() else { continue };
            for row in lower {
                let factor = row.get(pivot).copied().unwrap_or(0.0) / above.get(pivot).copied().unwrap_or(1.0);
                if factor != 0.0 {
                    row.iter_mut().zip(above).skip(pivot).for_each(|(value, above)| *value -= factor * above);
                }
            }
        }
        let mut solved = vec![0.0; size];
        for row in (0..size).rev() {
            let known: f64 =
                (row + 1..size).map(|at| cell(&self.rows, row, at) * solved.get(at).copied().unwrap_or(0.0)).sum();
            let pivot = cell(&self.rows, row, row);
            if let Some(value) = solved.get_mut(row).filter(|_| pivot.abs() >= 1e-12) {
                *value = (cell(&self.rows, row, size) - known) / pivot;
            }
        }
        solved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Adds a path with how often it converted and how often it did not.
    pub(super) fn path(steps: &mut Steps, order: usize, path: &str, converted: i64, not: i64) {
        let mut state: Vec<String> = Vec::new();
        for channel in path.split('>').map(str::trim) {
            steps.add(state.clone(), Next::Channel(channel.to_string()), converted + not);
            state.push(channel.to_string());
            if state.len() > order {
                state.remove(0);
            }
        }
        for (next, count) in [(Next::Conversion, converted), (Next::Nothing, not)] {
            if count > 0 {
                steps.add(state.clone(), next, count);
            }
        }
    }

    fn worked(order: usize) -> Steps {
        let mut steps = Steps::new(order);
        for (text, converted, not) in [("A>B>C", 1, 0), ("A>B", 1, 1), ("B>C", 0, 1), ("C", 1, 0), ("A", 0, 2)] {
            path(&mut steps, order, text, converted, not);
        }
        steps
    }

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 5e-6, "{found} instead of {expected}");
    }

    /// The worked example of the specification: START goes to A 5/7, B 1/7, C 1/7, and the chance is 3/7.
    #[test]
    fn the_worked_example_of_order_one() {
        let steps = worked(1);
        let states: BTreeSet<&Vec<String>> = steps.counts.keys().map(|(state, _)| state).collect();
        near(steps.chance(&states.into_iter().collect::<Vec<_>>(), None), 3.0 / 7.0);
        let effects = steps.removal_effects().unwrap();
        let sum: f64 = effects.iter().map(|(_, effect)| effect).sum();
        near(sum, 2.02778);
        let expected = [("A", 0.58333, 0.863014), ("B", 0.77778, 1.150685), ("C", 0.66667, 0.986301)];
        for ((channel, effect), (name, removal, credit)) in effects.iter().zip(expected) {
            assert_eq!(channel, name);
            near(*effect, removal);
            near(effect / sum * steps.conversions() as f64, credit);
        }
    }

    /// Of order 2 the way over A and B leads on from A with 3 of 5, converts from A, B with 1 of 3 and from
    /// B, C with 1 of 2. Without A the chance is 1/7 · 1/2 + 1/7 of 3/7, without B 1/7, without C 5/7 · 3/5 · 1/3.
    #[test]
    fn order_two_by_hand() {
        let effects = worked(2).removal_effects().unwrap();
        for ((_, effect), expected) in effects.iter().zip([0.5, 2.0 / 3.0, 2.0 / 3.0]) {
            near(*effect, expected);
        }
    }

    #[test]
    fn edges() {
        // No journey ends without a conversion: every chance is 1, and so is every effect of a lone channel.
        let mut sure = Steps::new(1);
        path(&mut sure, 1, "A", 3, 0);
        assert_eq!(sure.removal_effects().unwrap(), [("A".to_string(), 1.0)]);
        // Nothing converts: nobody has an effect.
        let mut never = Steps::new(1);
        path(&mut never, 1, "A>B", 0, 2);
        assert_eq!(never.removal_effects().unwrap(), [("A".to_string(), 0.0), ("B".to_string(), 0.0)]);
        assert_eq!(Steps::new(1).removal_effects().unwrap(), []);
        // A channel of journeys without conversion alone.
        let mut idle = Steps::new(1);
        path(&mut idle, 1, "A", 1, 0);
        path(&mut idle, 1, "B", 0, 1);
        assert_eq!(idle.removal_effects().unwrap(), [("A".to_string(), 1.0), ("B".to_string(), 0.0)]);
    }

    #[test]
    fn too_many_states_are_refused() {
        let mut many = Steps::new(1);
        (0..=MAX_STATES).for_each(|n| path(&mut many, 1, &format!("c{n}"), 1, 0));
        let error = many.removal_effects().unwrap_err();
        assert!(error.to_string().contains("602 states"), "{error}");
    }
}
