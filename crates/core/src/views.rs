//! Text views that were met before.
//!
//! Readers hand out equal views for the repeated values of a page, so within one array a view that was
//! seen is a text that was seen. The converse does not hold, and only costs another look.

/// How many views are remembered: one for so many rows, within two powers of two. To begin anew must cost
/// little beside the rows.
const LEAST_SLOTS: usize = 64;
const MOST_SLOTS: usize = 2_048;
const ROWS_A_SLOT: usize = 4;
/// Where nothing was seen yet, the slot holds a view that belongs into another slot or none: that of an
/// empty text belongs into the first, and this one, of a text of one zero byte, does not.
const NOT_FIRST: u128 = 1;

/// What was made of the views of one array, as far as it is remembered.
#[derive(Debug)]
pub struct SeenViews<T> {
    views: Vec<u128>,
    made: Vec<T>,
}

impl<T: Copy> SeenViews<T> {
    /// Nothing seen of an array of so many rows; `nothing` only fills the places.
    pub fn new(rows: usize, nothing: T) -> Self {
        let slots = (rows / ROWS_A_SLOT).next_power_of_two().clamp(LEAST_SLOTS, MOST_SLOTS);
        let mut views = vec![0; slots];
        if let Some(first) = views.first_mut() {
            *first = NOT_FIRST;
        }
        Self { views, made: vec![nothing; slots] }
    }

    /// What was made of a view; makes it where that is not remembered.
    #[inline]
    pub fn get_or(&mut self, view: u128, make: impl FnOnce() -> T) -> T {
        let slot = slot_of(view) & (self.views.len() - 1);
        let (Some(known), Some(made)) = (self.views.get_mut(slot), self.made.get_mut(slot)) else { return make() };
        if *known != view {
            *made = make();
            *known = view;
        }
        *made
    }

    /// Changes what was made of a view; where it is not remembered, gives back what gave way to it.
    #[inline]
    pub fn update(&mut self, view: u128, fresh: T, change: impl FnOnce(&mut T)) -> Option<T> {
        let slot = slot_of(view) & (self.views.len() - 1);
        let (known, made) = (self.views.get_mut(slot)?, self.made.get_mut(slot)?);
        if *known == view {
            change(made);
            return None;
        }
        *known = view;
        Some(std::mem::replace(made, fresh))
    }

    /// What is remembered, and what filled the places that were never used.
    pub fn into_made(self) -> impl Iterator<Item = T> {
        self.made.into_iter()
    }
}

fn slot_of(view: u128) -> usize {
    let folded = (view as u64) ^ ((view >> 64) as u64).rotate_left(29);
    (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_view_is_known_before_it_was_seen() {
        assert_eq!(slot_of(0), 0);
        assert_ne!(slot_of(NOT_FIRST) % LEAST_SLOTS, 0);
        for view in (0..10_000).map(|n| n * 0x1_0000_0001) {
            let rows = (view % 9_000) as usize;
            let mut seen = SeenViews::new(rows, 0);
            assert_eq!(seen.get_or(view, || 7), 7);
            assert_eq!(seen.get_or(view, || 8), 7);
            assert_eq!(SeenViews::new(rows, 0).update(view, 1, |_| panic!("it was not seen")), Some(0));
        }
    }

    #[test]
    fn counts_every_view_however_they_push_each_other_out() {
        let mut seen = SeenViews::new(300, (0_u128, 0));
        let mut counts = std::collections::BTreeMap::<u128, u64>::new();
        let mut add = |(view, rows)| *counts.entry(view).or_default() += rows;
        for n in 0..50_000_u128 {
            let view = (n * n) % 3_001;
            seen.update(view, (view, 1), |(_, rows)| *rows += 1).into_iter().for_each(&mut add);
        }
        seen.into_made().for_each(&mut add);
        let mut expected = std::collections::BTreeMap::<u128, u64>::new();
        (0..50_000_u128).for_each(|n| *expected.entry((n * n) % 3_001).or_default() += 1);
        assert_eq!(counts.values().sum::<u64>(), 50_000);
        assert!(expected.iter().all(|(view, rows)| counts.get(view) == Some(rows)));
    }
}
