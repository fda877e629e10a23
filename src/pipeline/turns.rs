//! Which model's turn it is: each comes after those that write what it reads.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::Limits;
use crate::syntax::TableName;

/// Memory that a model should have to itself before a second one runs beside it. Operators get equal
/// shares of the run's memory, and what they hold beside it (windows, writers) grows with the models
/// at work: under a small limit one at a time spills less and fails later.
const MEMORY_A_MODEL_BYTES: usize = 1 << 30;
/// However large the machine, every model at work keeps files of all its partitions open.
const MOST_AT_ONCE: usize = 8;

/// How many models may be worked on at once.
pub(super) fn at_once(limits: &Limits) -> usize {
    let by_memory = limits.memory_bytes / MEMORY_A_MODEL_BYTES;
    by_memory.min(limits.threads.get()).clamp(1, MOST_AT_ONCE)
}

/// The models that have not had their turn, by their position in the graph's order.
#[derive(Debug)]
pub(super) struct Turns {
    /// What each one still waits for.
    waiting: BTreeMap<usize, BTreeSet<usize>>,
}

impl Turns {
    /// From each model's position, the tables it writes, and the tables it reads. Tables that none of
    /// the models writes are there already.
    pub(super) fn new<'a>(models: &[(usize, Vec<&'a TableName>, Vec<&'a TableName>)]) -> Self {
        let writers: BTreeMap<&TableName, usize> =
            models.iter().flat_map(|(at, writes, _)| writes.iter().map(|table| (*table, *at))).collect();
        let waits = |reads: &[&TableName]| reads.iter().filter_map(|table| writers.get(table).copied()).collect();
        Self { waiting: models.iter().map(|(at, _, reads)| (*at, waits(reads))).collect() }
    }

    /// Takes the first model that waits for nobody.
    pub(super) fn next(&mut self) -> Option<usize> {
        let ready = self.waiting.iter().find(|(_, waits)| waits.is_empty()).map(|(at, _)| *at)?;
        self.waiting.remove(&ready);
        Some(ready)
    }

    /// A model failed: those that wait for it have no turn, nor those that wait for them.
    pub(super) fn failed(&mut self, model: usize) {
        let mut lost = vec![model];
        while let Some(model) = lost.pop() {
            let dropped = self.waiting.extract_if(.., |_, waits| waits.contains(&model));
            lost.extend(dropped.map(|(at, _)| at));
        }
    }

    /// How many models have not had their turn.
    pub(super) fn left(&self) -> usize {
        self.waiting.len()
    }

    /// A model's tables are there.
    pub(super) fn done(&mut self, model: usize) {
        for waits in self.waiting.values_mut() {
            waits.remove(&model);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;

    fn limits(threads: usize, memory_bytes: usize) -> Limits {
        let threads = NonZeroUsize::new(threads).unwrap();
        Limits { threads, memory_bytes, spill_dir: None, batch_size: NonZeroUsize::MIN }
    }

    #[test]
    fn a_small_machine_works_on_one_model_at_a_time() {
        let gib = 1 << 30;
        assert_eq!(at_once(&limits(8, 24 << 20)), 1);
        assert_eq!(at_once(&limits(8, 2 * gib - 1)), 1);
        assert_eq!(at_once(&limits(8, 3 * gib)), 3);
        assert_eq!(at_once(&limits(1, 64 * gib)), 1);
        assert_eq!(at_once(&limits(64, 500 * gib)), MOST_AT_ONCE);
    }

    #[test]
    fn a_model_waits_for_those_it_reads_and_for_no_other() {
        let name = |text: &str| TableName::new_unchecked(text);
        let (a, b, c, d, extract) = (name("a"), name("b"), name("c"), name("d"), name("extract"));
        // a and b read the extract, c reads both, d reads b.
        let mut turns = Turns::new(&[
            (0, vec![&a], vec![&extract]),
            (1, vec![&b], vec![&extract]),
            (2, vec![&c], vec![&a, &b]),
            (5, vec![&d], vec![&b]),
        ]);
        assert_eq!((turns.next(), turns.next(), turns.next()), (Some(0), Some(1), None));
        turns.done(1);
        assert_eq!((turns.next(), turns.next()), (Some(5), None));
        turns.done(5);
        assert_eq!(turns.next(), None);
        turns.done(0);
        assert_eq!((turns.next(), turns.next()), (Some(2), None));
    }

    #[test]
    fn what_waits_for_a_failed_model_has_no_turn() {
        let name = |text: &str| TableName::new_unchecked(text);
        let (a, b, c, d) = (name("a"), name("b"), name("c"), name("d"));
        let mut turns = Turns::new(&[
            (0, vec![&a], vec![]),
            (1, vec![&b], vec![&a]),
            (2, vec![&c], vec![&b]),
            (3, vec![&d], vec![]),
        ]);
        assert_eq!(turns.next(), Some(0));
        turns.failed(0);
        assert_eq!((turns.next(), turns.next(), turns.left()), (Some(3), None, 0));
    }
}
