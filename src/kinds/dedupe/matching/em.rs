//! Counted levels → m, u and λ, by expectation and maximisation over all pairs of records.
//!
//! The pairs are of two sorts. Blocked pairs are looked at one by one (as patterns of levels). All
//! others are taken to be of different people; of them only the totals of levels are needed, and
//! random pairs estimate those. With that, the steps are those of a mixture over *all* pairs, of three classes:
//! pairs of one person (λ, m), of different people who are *related* (ρ, r), and of others (u).
//!
//! - E: a blocked pair is a match with probability λ·Πm / (λ·Πm + ρ·Πr + (1 − λ − ρ)·Πu), and so on;
//! - M: m = matches at a level / matches, r likewise; u = (all pairs at the level − matches and related at it) /
//!   the others; λ = matches / all pairs, ρ likewise.
//!
//! Related are those who live or work together: they share a street, a phone, a family name or a company all at
//! once. In a mixture of two classes, which takes every field to be independent within a class, such pairs are
//! taken for matches where they are many. What sets them apart from matches is that what is each one's *own*
//! ([`FieldKind::is_own`](super::kind::FieldKind::is_own)) agrees no more often than it does between strangers. So r
//! of these fields is held near u ([`OWN_AS_OTHERS`]), and m near its prior ([`OWN_AS_EXPECTED`]). Held so, the third
//! class is kept only where it makes what was seen of the blocked pairs more likely than two classes do: else it
//! would take in records of one person that are badly damaged.
//!
//! Since λ and u speak of all pairs and not of the blocked ones, agreement that blocking forces is not
//! taken for evidence of being alike, and no field has to be left out for it.
//!
//! Guards against degenerate answers: u is anchored by the totals of all pairs, so that the
//! classes cannot change places; every level keeps a little of its prior m ([`PRIOR_PAIRS`]) and of
//! half an unseen pair in u; that values differ never speaks for a match; on the scale from equal to
//! different a later level never weighs more than an earlier one (violators are pooled); where fewer
//! than [`FEWEST_MATCHES`] matches are found, the prior m stays and λ says "one in all pairs for each
//! record".
//!
//! Training may use floats because no thread and no hash map touches their order: patterns and levels
//! are whole counts until here, and sums run in the order of patterns and levels. The same program on
//! the same records gives the same model to the bit. Logarithms are those of the platform's library,
//! which another platform may round otherwise in the last place; weights are rounded to a thousandth
//! of a bit, and a model that must never move is frozen into a file.

use super::compare::Pattern;
use super::defaults::prior_m;
use super::level::Test;
use super::shares::{bound_else, pool};
use super::totals::{Counts, Table, Totals, add_at_levels};
use super::train::levels_of;

/// A field as estimation sees it.
#[derive(Debug, Clone, Copy)]
pub struct FieldLevels<'t> {
    /// Its levels.
    pub tests: &'t [Test],
    /// How many of all pairs are equal, where its first level is equality.
    pub equal_pairs: Option<f64>,
    /// Whether it is each one's own, and not shared by those who live or work together.
    pub is_own: bool,
}

/// What was learnt.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// Pairs of one person: λ and m.
    pub matches: Class,
    /// Pairs of different people who are related: ρ and r; none where two classes make what was seen as likely.
    pub related: Option<Class>,
    /// For each field and level, its probability among all other pairs.
    pub u: Table,
    /// Rounds until nothing moved by more than [`SETTLED`].
    pub rounds: u32,
    /// Whether that happened within [`MOST_ROUNDS`].
    pub converged: bool,
    /// Blocked pairs.
    pub blocked_pairs: f64,
}

/// What was learnt of a class of pairs.
#[derive(Debug, Clone, PartialEq)]
pub struct Class {
    /// The probability that two records taken at random are of it.
    pub share: f64,
    /// For each field and level, its probability among pairs of the class.
    pub levels: Table,
    /// How many of the blocked pairs are expected to be of it.
    pub pairs: f64,
}

impl Estimate {
    /// The probability that two records taken at random have nothing to do with each other.
    pub fn others(&self) -> f64 {
        1.0 - self.matches.share - self.related.as_ref().map_or(0.0, |related| related.share)
    }
}

/// How many true pairs the prior m counts for.
const PRIOR_PAIRS: f64 = 2.0;
/// With fewer expected matches than this there is nothing to learn m from, and with fewer related pairs no r.
const FEWEST_MATCHES: f64 = 5.0;
/// How many true pairs a record the prior m of each one's own fields counts for, where related pairs are told apart.
const OWN_AS_EXPECTED: f64 = 0.1;
/// How many related pairs a record that agree in their own fields as others do are taken to have been seen.
const OWN_AS_OTHERS: f64 = 1.0;
/// At most so many of all pairs are matches, and related.
const MOST_MATCHES: f64 = 0.5;
const MOST_RELATED: f64 = 0.4;
/// The most rounds.
pub const MOST_ROUNDS: u32 = 200;
/// Rounds end when no m moves by more.
pub const SETTLED: f64 = 1e-5;

/// Learns from `counts`, whose levels are those of `fields`.
pub fn estimate(counts: &Counts, fields: &[FieldLevels<'_>]) -> Estimate {
    let fitting = Fitting::new(counts, fields);
    let two = fitting.fit(false);
    let own = fields.iter().filter(|field| field.is_own).count();
    if own == 0 || own == fields.len() {
        return two;
    }
    let three = fitting.fit(true);
    let are_enough = three.related.as_ref().is_some_and(|related| related.pairs >= FEWEST_MATCHES);
    if are_enough && fitting.log_likelihood(&three) > fitting.log_likelihood(&two) { three } else { two }
}

/// What stays the same from round to round.
struct Fitting<'c> {
    counts: &'c Counts,
    fields: &'c [FieldLevels<'c>],
    totals: Totals,
    /// The prior m.
    priors: Table,
    /// As many zeros as there are levels.
    nothing: Table,
    /// Records.
    records: f64,
}

/// Expected pairs of a class, in all and at each level.
struct Expected {
    pairs: f64,
    at_level: Table,
}

impl<'c> Fitting<'c> {
    fn new(counts: &'c Counts, fields: &'c [FieldLevels<'c>]) -> Self {
        Self {
            counts,
            fields,
            totals: Totals::new(counts, fields),
            priors: fields.iter().map(|field| prior_m(field.tests)).collect(),
            nothing: fields.iter().map(|field| vec![0.0; field.tests.len()]).collect(),
            records: (2.0 * counts.pairs).sqrt(),
        }
    }

    fn fit(&self, tells_related: bool) -> Estimate {
        let mut now = self.start(tells_related);
        while now.rounds < MOST_ROUNDS && !now.converged {
            let (matches, related) = self.expect(&now);
            let taken = related.as_ref().map(|related| &related.at_level);
            let u = self.totals.others(&matches.at_level, taken.unwrap_or(&self.nothing));
            let matched = self.class(&matches, MOST_MATCHES, |place| self.matched(&matches, place, &u, tells_related));
            let related = related.map(|own| self.class(&own, MOST_RELATED, |place| self.related(&own, place, &u)));
            now.converged = widest_move(&now.matches.levels, &matched.levels) < SETTLED
                && now.matches.has_settled(&matched)
                && now.related.iter().zip(&related).all(|(before, after)| before.has_settled(after));
            now = Estimate { matches: matched, related, u, rounds: now.rounds + 1, ..now };
        }
        if now.matches.pairs < FEWEST_MATCHES {
            let start = self.start(false);
            let matches = Class { pairs: now.matches.pairs, ..start.matches };
            now = Estimate { matches, related: None, u: start.u, ..now };
        }
        self.graded(now)
    }

    /// λ, and ρ, say "one in all pairs for each record".
    fn start(&self, tells_related: bool) -> Estimate {
        let u = self.totals.others(&self.nothing, &self.nothing);
        let share = |most: f64| self.bounded(self.records.recip(), most);
        let usual = |((field, prior), u): ((&FieldLevels<'_>, &Vec<f64>), &Vec<f64>)| {
            if field.is_own { u.clone() } else { prior.clone() }
        };
        let related = self.fields.iter().zip(&self.priors).zip(&u).map(usual).collect();
        Estimate {
            matches: Class { share: share(MOST_MATCHES), levels: self.priors.clone(), pairs: 0.0 },
            related: tells_related.then(|| Class { share: share(MOST_RELATED), levels: related, pairs: 0.0 }),
            u,
            rounds: 0,
            converged: false,
            blocked_pairs: self.counts.blocked_pairs,
        }
    }

    /// A share is at least half a pair.
    fn bounded(&self, share: f64, most: f64) -> f64 {
        share.max(0.5 / self.counts.pairs.max(1.0)).min(most)
    }

    fn class(&self, expected: &Expected, most: f64, levels: impl Fn(usize) -> Vec<f64>) -> Class {
        Class {
            share: self.bounded(expected.pairs / self.counts.pairs, most),
            levels: (0..self.fields.len()).map(levels).collect(),
            pairs: expected.pairs,
        }
    }

    /// m of a field: the share of matches at each level, with a little of the prior.
    fn matched(&self, matches: &Expected, place: usize, u: &Table, tells_related: bool) -> Vec<f64> {
        let is_own = self.fields.get(place).is_some_and(|field| field.is_own);
        let weight = if is_own && tells_related { OWN_AS_EXPECTED * self.records } else { 0.0 };
        let mut shares = blended(matches.at_level.get(place), self.priors.get(place), weight.max(PRIOR_PAIRS));
        bound_else(&mut shares, u.get(place).map_or(&[], Vec::as_slice));
        shares
    }

    /// r of a field: as m where related people share it, else near u.
    fn related(&self, related: &Expected, place: usize, u: &Table) -> Vec<f64> {
        let (found, u) = (related.at_level.get(place), u.get(place));
        if self.fields.get(place).is_some_and(|field| field.is_own) {
            return blended(found, u, (OWN_AS_OTHERS * self.records).max(PRIOR_PAIRS));
        }
        let mut shares = blended(found, self.priors.get(place), PRIOR_PAIRS);
        bound_else(&mut shares, u.map_or(&[], Vec::as_slice));
        shares
    }

    /// The expected matches and related pairs.
    fn expect(&self, now: &Estimate) -> (Expected, Option<Expected>) {
        let (matched, related) = self.weights(now);
        let nothing = || Expected { pairs: 0.0, at_level: self.nothing.clone() };
        let (mut matches, mut relatives) = (nothing(), now.related.as_ref().map(|_| nothing()));
        for (pattern, count) in &self.counts.patterns {
            let (_, chances) = chances(&matched, related.as_ref(), *pattern);
            let pairs = *count as f64 * self.counts.scale / chances.iter().sum::<f64>();
            matches.add(*pattern, pairs * chances[0]);
            if let Some(relatives) = &mut relatives {
                relatives.add(*pattern, pairs * chances[1]);
            }
        }
        (matches, relatives)
    }

    /// What findings weigh for a match and for related people, each against the others.
    fn weights(&self, now: &Estimate) -> (Weights, Option<Weights>) {
        let weights = |class: &Class| Weights::new(class, &now.u, now.others());
        (weights(&now.matches), now.related.as_ref().map(weights))
    }

    /// How likely what was seen of all pairs is, as log2; of those that share no block only that they share none.
    fn log_likelihood(&self, now: &Estimate) -> f64 {
        let (matched, related) = self.weights(now);
        let logs = |shares: &Vec<f64>| shares.iter().map(|share| share.log2()).collect();
        let others = Weights { prior: now.others().log2(), bits: now.u.iter().map(logs).collect() };
        let one = |(pattern, count): &(Pattern, u64)| {
            let (top, chances) = chances(&matched, related.as_ref(), *pattern);
            let bits = others.of(*pattern) + top + chances.iter().sum::<f64>().log2();
            *count as f64 * self.counts.scale * bits
        };
        let unblocked = (self.counts.pairs - self.counts.blocked_pairs).max(0.0) * others.prior;
        self.counts.patterns.iter().map(one).sum::<f64>() + unblocked
    }

    fn graded(&self, mut estimate: Estimate) -> Estimate {
        for ((m, u), field) in estimate.matches.levels.iter_mut().zip(&estimate.u).zip(self.fields) {
            pool(m, u, field.tests);
        }
        let related = estimate.related.iter_mut().flat_map(|related| related.levels.iter_mut());
        for ((r, u), field) in related.zip(&estimate.u).zip(self.fields).filter(|(_, field)| !field.is_own) {
            pool(r, u, field.tests);
        }
        estimate
    }
}

impl Class {
    fn has_settled(&self, after: &Self) -> bool {
        (self.pairs - after.pairs).abs() <= SETTLED * after.pairs.max(1.0)
    }
}

impl Expected {
    fn add(&mut self, pattern: Pattern, pairs: f64) {
        self.pairs += pairs;
        add_at_levels(&mut self.at_level, pattern, pairs);
    }
}

/// What levels weigh for a class of pairs, in bits.
struct Weights {
    prior: f64,
    bits: Table,
}

impl Weights {
    /// Against pairs that have nothing to do with each other, whose share is `others`.
    fn new(class: &Class, u: &Table, others: f64) -> Self {
        let ratio = |(own, u): (&Vec<f64>, &Vec<f64>)| own.iter().zip(u).map(|(own, u)| (own / u).log2()).collect();
        Self { prior: (class.share / others).log2(), bits: class.levels.iter().zip(u).map(ratio).collect() }
    }

    fn of(&self, pattern: Pattern) -> f64 {
        let own = |(row, level): (&Vec<f64>, usize)| level.checked_sub(1).and_then(|place| row.get(place)).copied();
        self.prior + self.bits.iter().zip(levels_of(pattern, self.bits.len())).filter_map(own).sum::<f64>()
    }
}

/// The odds of a pattern's being of a match, of related people and of others, each divided by 2 to the power of the
/// number before them, so that none overflows.
fn chances(matched: &Weights, related: Option<&Weights>, pattern: Pattern) -> (f64, [f64; 3]) {
    let weights = [matched.of(pattern), related.map_or(f64::NEG_INFINITY, |related| related.of(pattern)), 0.0];
    let top = weights.into_iter().fold(0.0, f64::max);
    (top, weights.map(|weight| (weight - top).exp2()))
}

/// The share of pairs at each level, with what is expected counting for `weight` pairs.
fn blended(found: Option<&Vec<f64>>, expected: Option<&Vec<f64>>, weight: f64) -> Vec<f64> {
    let (Some(found), Some(expected)) = (found, expected) else { return Vec::new() };
    let total = found.iter().sum::<f64>() + weight;
    found.iter().zip(expected).map(|(count, share)| (count + weight * share) / total).collect()
}

fn widest_move(before: &Table, after: &Table) -> f64 {
    before.iter().flatten().zip(after.iter().flatten()).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max)
}
