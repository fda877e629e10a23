//! What is counted before learning: levels of blocked pairs, and of random pairs.

use std::collections::BTreeMap;
use std::ops::Range;

use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::blocking::{Blocks, chunks, first_rule, pairs_of};
use super::compare::{Comparison, Pattern, comparisons, level_in, with_level};
use super::em::{Estimate, FieldLevels, estimate};
use super::kind::FieldKind;
use super::level::Test;
use super::records::{Column, Records};
use super::threads::in_order;
use super::totals::Counts;
use crate::error::Result;

/// How a model is learnt. The defaults suit everything from a thousand to ten million records.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainOptions {
    /// Start of the random numbers; equal seeds and records give equal models.
    pub seed: u64,
    /// How many random pairs tell how often others agree; all pairs are taken where there are fewer.
    pub random_pairs: u64,
    /// How many blocked pairs are looked at; a share of the records is taken where there are more.
    pub blocked_pairs: u64,
    /// Threads to use. The model does not depend on it.
    pub threads: usize,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self { seed: 1, random_pairs: 300_000, blocked_pairs: 1_000_000, threads: 1 }
    }
}

/// Pairs in a piece of work.
const CHUNK_PAIRS: usize = 20_000;

/// Compares blocked and random pairs by `fields` (a column's place and its levels), and learns from them how
/// often pairs of one person, related ones and others have each level.
pub fn learn(
    records: &Records,
    fields: &[(usize, Vec<Test>)],
    blocks: &[Blocks],
    options: &TrainOptions,
) -> Result<Estimate> {
    let columns = fields.iter().filter_map(|(at, tests)| Some((records.columns().get(*at)?, tests.as_slice())));
    let columns: Vec<(&Column, &[Test])> = columns.collect();
    let compared = comparisons(records, &columns);
    let counts = count(records, &compared, blocks, options)?;
    let of_people = FieldKind::are_of_people(columns.iter().map(|(column, _)| column.kind));
    let levels = columns.iter().map(|(column, tests)| FieldLevels {
        tests,
        equal_pairs: equal_pairs(column, tests),
        is_own: column.kind.is_own(of_people),
    });
    Ok(estimate(&counts, &levels.collect::<Vec<_>>()))
}

/// How many pairs of records have equal values, known without looking at pairs.
fn equal_pairs(column: &Column, tests: &[Test]) -> Option<f64> {
    if tests.first() != Some(&Test::Exact) {
        return None;
    }
    let pairs = |code: u32| {
        let count = u64::from(column.count(code));
        count * count.saturating_sub(1) / 2
    };
    Some((0..column.distinct() as u32).map(pairs).sum::<u64>() as f64)
}

fn count(
    records: &Records,
    comparisons: &[Comparison<'_>],
    blocks: &[Blocks],
    options: &TrainOptions,
) -> Result<Counts> {
    let (patterns, share) = blocked(records, comparisons, blocks, options)?;
    let scale = 1.0 / share;
    let blocked_pairs = patterns.values().sum::<u64>() as f64 * scale;
    let (levels, seen) = unblocked(records, comparisons, blocks, options)?;
    Ok(Counts {
        patterns: patterns.into_iter().collect(),
        scale,
        blocked_pairs,
        levels,
        seen,
        pairs: records.pairs() as f64,
    })
}

/// The pattern of a pair.
pub fn pattern(comparisons: &[Comparison<'_>], a: u32, b: u32) -> Pattern {
    comparisons
        .iter()
        .enumerate()
        .fold(0, |pattern, (field, comparison)| with_level(pattern, field, comparison.level(a, b)))
}

/// Patterns of blocked pairs, and the share of records whose pairs were taken.
fn blocked(
    records: &Records,
    comparisons: &[Comparison<'_>],
    blocks: &[Blocks],
    options: &TrainOptions,
) -> Result<(BTreeMap<Pattern, u64>, f64)> {
    let predicted: u64 = blocks.iter().map(|blocks| blocks.pairs).sum();
    let share = (options.blocked_pairs.max(1) as f64 / predicted.max(1) as f64).min(1.0);
    let limit = (share * u64::MAX as f64) as u64;
    let taken = |a: u32| share >= 1.0 || super::blocking::mix(u64::from(a) ^ options.seed.rotate_left(32)) <= limit;
    let ranges = chunks(blocks, records.len(), (CHUNK_PAIRS as f64 / share) as usize);
    let work = |chunk: usize| {
        let mut found = Vec::new();
        for a in ranges.get(chunk).cloned().unwrap_or_default().filter(|a| taken(*a)) {
            pairs_of(blocks, a..a + 1, |a, b| found.push(pattern(comparisons, a, b)));
        }
        found.sort_unstable();
        found.chunk_by(|x, y| x == y).filter_map(|run| Some((*run.first()?, run.len() as u64))).collect::<Vec<_>>()
    };
    let mut patterns = BTreeMap::new();
    in_order(ranges.len(), options.threads, work, |runs: Vec<(Pattern, u64)>| {
        runs.into_iter().for_each(|(pattern, count)| *patterns.entry(pattern).or_insert(0) += count);
        Ok(())
    })?;
    Ok((patterns, share))
}

/// Levels by field of pairs that share no block, and how many such pairs were looked at.
type Levels = (Vec<Vec<u64>>, u64);

fn unblocked(
    records: &Records,
    comparisons: &[Comparison<'_>],
    blocks: &[Blocks],
    options: &TrainOptions,
) -> Result<Levels> {
    let n = records.len() as u32;
    let whole = records.pairs() <= options.random_pairs;
    let chunks = if whole { n.div_ceil(16) as u64 } else { options.random_pairs.div_ceil(CHUNK_PAIRS as u64) };
    let work = |chunk: usize| {
        let mut levels: Vec<Vec<u64>> = comparisons.iter().map(|_| vec![0; super::compare::MAX_LEVELS + 1]).collect();
        let mut seen = 0;
        let mut look = |a: u32, b: u32| {
            if first_rule(blocks, a, b).is_some() {
                return;
            }
            seen += 1;
            for (comparison, levels) in comparisons.iter().zip(&mut levels) {
                if let Some(count) = levels.get_mut(comparison.level(a, b)) {
                    *count += 1;
                }
            }
        };
        if whole {
            let start = chunk as u32 * 16;
            every_pair(start..(start + 16).min(n), n, &mut look);
        } else {
            random_pairs(options.seed, chunk as u64, n, &mut look);
        }
        (levels, seen)
    };
    let mut all: Levels = (comparisons.iter().map(|_| vec![0; super::compare::MAX_LEVELS + 1]).collect(), 0);
    in_order(chunks as usize, options.threads, work, |(levels, seen): Levels| {
        all.1 += seen;
        for (sum, part) in all.0.iter_mut().flatten().zip(levels.into_iter().flatten()) {
            *sum += part;
        }
        Ok(())
    })?;
    Ok(all)
}

fn every_pair(range: Range<u32>, n: u32, look: &mut impl FnMut(u32, u32)) {
    for a in range {
        (a + 1..n).for_each(|b| look(a, b));
    }
}

/// The random pairs of one piece of work: each piece has a stream of its own, so that threads do not matter.
fn random_pairs(seed: u64, chunk: u64, n: u32, look: &mut impl FnMut(u32, u32)) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(chunk);
    for _ in 0..CHUNK_PAIRS {
        let a = random.random_range(0..n);
        let other = random.random_range(0..n - 1);
        let b = if other >= a { other + 1 } else { other };
        look(a.min(b), a.max(b));
    }
}

/// The levels that a pattern has, by field.
pub fn levels_of(pattern: Pattern, fields: usize) -> impl Iterator<Item = usize> {
    (0..fields).map(move |field| level_in(pattern, field))
}
