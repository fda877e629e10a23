//! Candidate pairs → those above a threshold, with what each field weighs.

use super::blocking::{Blocks, chunks, pairs_of};
use super::compare::{Comparison, Pattern, comparisons, level_in};
use super::level::Test;
use super::model::{Model, ModelField};
use super::records::{Column, Records};
use super::threads::in_order;
use super::train::pattern;
use super::weights::{millibits, owed_to_related};
use crate::error::{Error, Result};

/// A pair whose weight reached the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScoredPair {
    /// The smaller record.
    pub a: u32,
    /// The larger record.
    pub b: u32,
    /// The sum of all weights, prior included.
    pub weight_millibits: i32,
    /// The level of each field.
    pub pattern: Pattern,
}

/// One step of the waterfall from the prior to the sum.
#[derive(Debug, Clone, PartialEq)]
pub struct Step<'m> {
    /// The field.
    pub field: &'m str,
    /// What was found; none where a value is missing.
    pub found: Option<Test>,
    /// What that weighs.
    pub weight_millibits: i32,
    /// How much of it is owed to the value's being rare (or common).
    pub frequency_millibits: i32,
}

/// Scores pairs of `records` by a model.
#[derive(Debug)]
pub struct Scorer<'r, 'm> {
    model: &'m Model,
    fields: Vec<Scored<'r>>,
    /// Places of fields, the one that can take most away first, and for each what those after it can
    /// still add: a pair that cannot reach the threshold any more is dropped early.
    order: Vec<(usize, i32)>,
    comparisons: Vec<Comparison<'r>>,
}

/// What a pair's findings say of its being of different people who live or work together.
#[derive(Debug)]
struct ForRelated {
    /// By level as in a [`Pattern`].
    weights: Vec<i32>,
    /// Whether related people share the field. Then they agree on a rare value as often as on a common one, and
    /// its rarity is as much evidence for that as for a match.
    is_shared: bool,
}

#[derive(Debug)]
struct Scored<'r> {
    column: &'r Column,
    /// By level as in a [`Pattern`]; 0 is "missing".
    weights: Vec<i32>,
    /// By code: what agreement on this very value adds; empty where frequency does not count.
    frequency: Vec<i32>,
    most: i32,
    /// Nothing where related pairs are not told apart.
    related: Option<ForRelated>,
}

/// Pairs in a piece of work.
const CHUNK_PAIRS: usize = 50_000;

impl<'r, 'm> Scorer<'r, 'm> {
    /// Makes ready; an error when the records lack a field of the model.
    pub fn new(records: &'r Records, model: &'m Model) -> Result<Self> {
        let (mut fields, mut compared) = (Vec::new(), Vec::new());
        let of_people = model.is_of_people();
        for field in &model.fields {
            let at = records.position(&field.name);
            let column = at.and_then(|at| records.columns().get(at)).ok_or_else(|| {
                Error::project(format!("the model compares `{}`, which the records do not have", field.name))
                    .with_hint("train the model again, or add the field to the records")
            })?;
            let tests: Vec<Test> = field.levels.iter().map(|level| level.when).collect();
            compared.push((column, tests));
            fields.push(Scored::new(field, column, of_people));
        }
        let compared: Vec<(&Column, &[Test])> =
            compared.iter().map(|(column, tests)| (*column, tests.as_slice())).collect();
        let comparisons = comparisons(records, &compared);
        let order = order(&fields);
        Ok(Self { model, fields, order, comparisons })
    }

    /// The pair's weight and pattern where the weight is `least` or more.
    pub fn score(&self, a: u32, b: u32, least: i32) -> Option<ScoredPair> {
        let mut sum = self.model.prior_bits;
        for (place, to_come) in &self.order {
            let (field, comparison) = (self.fields.get(*place)?, self.comparisons.get(*place)?);
            sum += field.weight(comparison.level(a, b), a);
            if sum + to_come < least {
                return None;
            }
        }
        let pattern = pattern(&self.comparisons, a, b);
        let sum = sum - self.owed_to_related(pattern, a);
        (sum >= least).then_some(ScoredPair { a, b, weight_millibits: sum, pattern })
    }

    /// Any pair's weight and pattern.
    pub fn explain(&self, a: u32, b: u32) -> ScoredPair {
        let pattern = pattern(&self.comparisons, a, b);
        let weights = self.fields.iter().enumerate().map(|(place, field)| field.weight(level_in(pattern, place), a));
        let sum = self.model.prior_bits + weights.sum::<i32>();
        ScoredPair { a, b, weight_millibits: sum - self.owed_to_related(pattern, a), pattern }
    }

    /// What a pair weighs less because related people would look like this too.
    pub fn owed_to_related(&self, pattern: Pattern, a: u32) -> i32 {
        let Some(related) = &self.model.related else { return 0 };
        let weights =
            self.fields.iter().enumerate().map(|(place, field)| field.for_related(level_in(pattern, place), a));
        owed_to_related(related.prior_bits + weights.sum::<i32>())
    }

    /// What each field adds, in the order of the model; with the prior, and without what is owed to related people, it
    /// is the pair's weight.
    pub fn steps(&self, pair: &ScoredPair) -> Vec<Step<'m>> {
        let step = |(place, (field, own)): (usize, (&'m ModelField, &Scored<'_>))| {
            let level = level_in(pair.pattern, place);
            Step {
                field: field.name.as_str(),
                found: level.checked_sub(1).and_then(|at| field.levels.get(at)).map(|level| level.when),
                weight_millibits: own.weight(level, pair.a),
                frequency_millibits: own.frequency(level, pair.a),
            }
        };
        self.model.fields.iter().zip(&self.fields).enumerate().map(step).collect()
    }

    /// Scores every candidate pair of `blocks`, and hands those of at least `least` millibits to
    /// `take` in order of (a, b). Pairs below are forgotten at once. Returns how many were compared.
    pub fn run(
        &self,
        records: &Records,
        blocks: &[Blocks],
        least: i32,
        threads: usize,
        mut take: impl FnMut(&[ScoredPair]) -> Result<()>,
    ) -> Result<u64> {
        let ranges = chunks(blocks, records.len(), CHUNK_PAIRS);
        let work = |chunk: usize| {
            let (mut compared, mut kept) = (0_u64, Vec::new());
            pairs_of(blocks, ranges.get(chunk).cloned().unwrap_or_default(), |a, b| {
                compared += 1;
                kept.extend(self.score(a, b, least));
            });
            (compared, kept)
        };
        let mut total = 0;
        in_order(ranges.len(), threads, work, |(compared, kept): (u64, Vec<ScoredPair>)| {
            total += compared;
            take(&kept)
        })?;
        Ok(total)
    }
}

fn order(fields: &[Scored<'_>]) -> Vec<(usize, i32)> {
    let mut places: Vec<usize> = (0..fields.len()).collect();
    let least = |place: &usize| fields.get(*place).and_then(|field| field.weights.iter().min()).copied().unwrap_or(0);
    places.sort_by_key(|place| (least(place), *place));
    let mut order: Vec<(usize, i32)> = Vec::new();
    let mut to_come = 0;
    for place in places.into_iter().rev() {
        order.push((place, to_come));
        to_come += fields.get(place).map_or(0, |field| field.most);
    }
    order.reverse();
    order
}

impl<'r> Scored<'r> {
    fn new(field: &ModelField, column: &'r Column, of_people: bool) -> Self {
        let related: Option<Vec<i32>> = field.levels.iter().map(|level| Some(level.related?.bits)).collect();
        let related = related.map(|levels| ForRelated {
            weights: std::iter::once(0).chain(levels).collect(),
            is_shared: !field.kind.is_own(of_people),
        });
        let weights: Vec<i32> = std::iter::once(0).chain(field.levels.iter().map(|level| level.bits)).collect();
        let equal_first = field.levels.first().is_some_and(|level| level.when == Test::Exact);
        let frequency = if field.term_frequency && equal_first { frequency(column) } else { Vec::new() };
        let equal = weights.get(1).copied().unwrap_or(0) + frequency.iter().copied().max().unwrap_or(0);
        let most = weights.iter().copied().max().unwrap_or(0).max(equal);
        Self { column, weights, frequency, most, related }
    }

    fn weight(&self, level: usize, record: u32) -> i32 {
        self.weights.get(level).copied().unwrap_or(0) + self.frequency(level, record)
    }

    fn for_related(&self, level: usize, record: u32) -> i32 {
        let Some(related) = &self.related else { return 0 };
        let frequency = if related.is_shared { self.frequency(level, record) } else { 0 };
        related.weights.get(level).copied().unwrap_or(0) + frequency
    }

    fn frequency(&self, level: usize, record: u32) -> i32 {
        if level != 1 || self.frequency.is_empty() {
            return 0;
        }
        self.frequency.get(self.column.code_of(record) as usize).copied().unwrap_or(0)
    }
}

/// For each value, log2 of (how often two records agree on any value / how frequent this one is):
/// agreement on a value that is rarer than usual weighs more, on a more common one less. (Winkler's
/// frequency matching, relative to the mean over the records themselves.)
fn frequency(column: &Column) -> Vec<i32> {
    let filled = column.filled() as f64;
    let counts = || (0..column.distinct() as u32).map(|code| f64::from(column.count(code)));
    let mean = counts().map(|count| count * count).sum::<f64>() / filled.max(1.0);
    counts().map(|count| millibits(mean / count)).collect()
}
