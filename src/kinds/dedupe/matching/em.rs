//! Counted levels → m, u and λ, by expectation and maximisation over all pairs of records.
//!
//! The pairs are of two sorts. Blocked pairs are looked at one by one (as patterns of levels). All
//! others are taken to be of different people; of them only the totals of levels are needed, and
//! random pairs estimate those. With that, the steps are those of a mixture over *all* pairs:
//!
//! - E: a blocked pair is a match with probability λ·Πm / (λ·Πm + (1 − λ)·Πu);
//! - M: m = matches at a level / matches; u = (all pairs at the level − matches at it) / the others;
//!   λ = matches / all pairs.
//!
//! Since λ and u speak of all pairs and not of the blocked ones, agreement that blocking forces is not
//! taken for evidence of being alike, and no field has to be left out for it.
//!
//! Guards against degenerate answers: u is anchored by the totals of all pairs, so that the two
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
use super::train::levels_of;

/// What was counted.
#[derive(Debug)]
pub struct Counts {
    /// How many of the blocked pairs that were looked at have each pattern, in order of patterns.
    pub patterns: Vec<(Pattern, u64)>,
    /// How many blocked pairs each that was looked at stands for.
    pub scale: f64,
    /// Blocked pairs in all.
    pub blocked_pairs: f64,
    /// How many unblocked pairs that were looked at have each level, by field; place 0 is "missing".
    pub levels: Vec<Vec<u64>>,
    /// How many unblocked pairs were looked at.
    pub seen: u64,
    /// All pairs of records.
    pub pairs: f64,
}

/// What was learnt.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// The probability that two records taken at random are of one person.
    pub lambda: f64,
    /// For each field and level, its probability among true pairs.
    pub m: Vec<Vec<f64>>,
    /// For each field and level, its probability among all other pairs.
    pub u: Vec<Vec<f64>>,
    /// Rounds until nothing moved by more than [`SETTLED`].
    pub rounds: u32,
    /// Whether that happened within [`MOST_ROUNDS`].
    pub converged: bool,
    /// Expected matches among the blocked pairs.
    pub matches: f64,
    /// Blocked pairs.
    pub blocked_pairs: f64,
}

/// How many true pairs the prior m counts for.
const PRIOR_PAIRS: f64 = 2.0;
/// With fewer expected matches than this there is nothing to learn m from.
const FEWEST_MATCHES: f64 = 5.0;
/// The most rounds.
pub const MOST_ROUNDS: u32 = 200;
/// Rounds end when no m moves by more.
pub const SETTLED: f64 = 1e-5;

type Table = Vec<Vec<f64>>;

/// Learns from `counts`. `exact` is, for each field whose first level is equality, how many of all
/// pairs are equal; `sizes` how many levels each field has; `tests` which.
pub fn estimate(counts: &Counts, exact: &[Option<f64>], sizes: &[usize], tests: &[&[Test]]) -> Estimate {
    let totals = totals(counts, exact, sizes);
    let priors: Table = tests.iter().map(|tests| prior_m(tests)).collect();
    let nothing: Table = sizes.iter().map(|size| vec![0.0; *size]).collect();
    let start = (2.0 * counts.pairs).sqrt().recip();
    let mut now = Estimate {
        lambda: bounded(start, counts.pairs),
        m: priors.clone(),
        u: others(&totals, &nothing),
        rounds: 0,
        converged: false,
        matches: 0.0,
        blocked_pairs: counts.blocked_pairs,
    };
    while now.rounds < MOST_ROUNDS && !now.converged {
        let (matches, at_level) = expect(counts, &now, sizes);
        let u = others(&totals, &at_level);
        let m = matched(&at_level, &priors, &u);
        now.converged =
            widest_move(&now.m, &m) < SETTLED && (now.matches - matches).abs() <= SETTLED * matches.max(1.0);
        now.lambda = bounded(matches / counts.pairs, counts.pairs);
        now.u = u;
        now.m = m;
        now.matches = matches;
        now.rounds += 1;
    }
    if now.matches < FEWEST_MATCHES {
        now = Estimate { lambda: bounded(start, counts.pairs), m: priors, u: others(&totals, &nothing), ..now };
    }
    for ((m, u), tests) in now.m.iter_mut().zip(&now.u).zip(tests) {
        pool(m, u, tests);
    }
    now
}

/// λ is at least half a match and at most every second pair.
fn bounded(lambda: f64, pairs: f64) -> f64 {
    lambda.clamp(0.5 / pairs.max(1.0), 0.5)
}

/// Pairs at a level, and how many pairs one that was not seen may stand for.
struct Totals {
    pairs: Table,
    unseen: Table,
}

fn totals(counts: &Counts, exact: &[Option<f64>], sizes: &[usize]) -> Totals {
    let mut pairs: Table = sizes.iter().map(|size| vec![0.0; *size]).collect();
    for (pattern, count) in &counts.patterns {
        add_at_levels(&mut pairs, *pattern, *count as f64 * counts.scale);
    }
    let weight = (counts.pairs - counts.blocked_pairs).max(0.0) / (counts.seen.max(1)) as f64;
    let mut unseen: Table = sizes.iter().map(|size| vec![0.5 * weight.max(1.0); *size]).collect();
    for ((own, seen), (unseen, exact)) in pairs.iter_mut().zip(&counts.levels).zip(unseen.iter_mut().zip(exact)) {
        for (total, count) in own.iter_mut().zip(seen.iter().skip(1)) {
            *total += *count as f64 * weight;
        }
        if let (Some(exact), Some(total), Some(unseen)) = (exact, own.first_mut(), unseen.first_mut()) {
            (*total, *unseen) = (*exact, 0.5);
        }
    }
    Totals { pairs, unseen }
}

fn add_at_levels(table: &mut Table, pattern: Pattern, amount: f64) {
    let fields = table.len();
    for (row, level) in table.iter_mut().zip(levels_of(pattern, fields)) {
        if let Some(cell) = level.checked_sub(1).and_then(|place| row.get_mut(place)) {
            *cell += amount;
        }
    }
}

/// Expected matches, in all and at each level.
fn expect(counts: &Counts, now: &Estimate, sizes: &[usize]) -> (f64, Table) {
    let ratio = |(m, u): (&Vec<f64>, &Vec<f64>)| m.iter().zip(u).map(|(m, u)| (m / u).log2()).collect::<Vec<f64>>();
    let bits: Table = now.m.iter().zip(&now.u).map(ratio).collect();
    let prior = (now.lambda / (1.0 - now.lambda)).log2();
    let mut matches = 0.0;
    let mut at_level: Table = sizes.iter().map(|size| vec![0.0; *size]).collect();
    for (pattern, count) in &counts.patterns {
        let own = |(row, level): (&Vec<f64>, usize)| level.checked_sub(1).and_then(|place| row.get(place)).copied();
        let weight = prior + bits.iter().zip(levels_of(*pattern, bits.len())).filter_map(own).sum::<f64>();
        let expected = *count as f64 * counts.scale / (1.0 + (-weight).exp2());
        matches += expected;
        add_at_levels(&mut at_level, *pattern, expected);
    }
    (matches, at_level)
}

/// m: the share of matches at each level, with a little of the prior.
fn matched(at_level: &Table, priors: &Table, u: &Table) -> Table {
    let row = |((row, prior), u): ((&Vec<f64>, &Vec<f64>), &Vec<f64>)| {
        let total = row.iter().sum::<f64>() + PRIOR_PAIRS;
        let share = |(count, prior): (&f64, &f64)| (count + PRIOR_PAIRS * prior) / total;
        let mut shares: Vec<f64> = row.iter().zip(prior).map(share).collect();
        bound_else(&mut shares, u);
        shares
    };
    at_level.iter().zip(priors).zip(u).map(row).collect()
}

/// The last level, that of different values, is no more frequent among matches than among others.
fn bound_else(m: &mut [f64], u: &[f64]) {
    let (Some((last, rest)), Some(most)) = (m.split_last_mut(), u.last()) else { return };
    if *last <= *most {
        return;
    }
    let left: f64 = rest.iter().sum();
    if left > 0.0 {
        rest.iter_mut().for_each(|share| *share *= (1.0 - most) / left);
        *last = *most;
    }
}

/// u: the share of the other pairs at each level, none of them nothing.
fn others(totals: &Totals, matches: &Table) -> Table {
    let row = |((all, unseen), matches): ((&Vec<f64>, &Vec<f64>), &Vec<f64>)| {
        let left: Vec<f64> =
            all.iter().zip(matches).zip(unseen).map(|((all, own), unseen)| (all - own).max(0.0) + unseen).collect();
        let total: f64 = left.iter().sum();
        left.into_iter().map(|count| count / total).collect()
    };
    totals.pairs.iter().zip(&totals.unseen).zip(matches).map(row).collect()
}

fn widest_move(before: &Table, after: &Table) -> f64 {
    before.iter().flatten().zip(after.iter().flatten()).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max)
}

/// Pools neighbouring levels of the scale until m / u falls from equal to different (pool adjacent
/// violators): pooled levels get one ratio, and keep their u.
fn pool(m: &mut [f64], u: &[f64], tests: &[Test]) {
    // Each pool: places, sum of m, sum of u.
    let mut pools: Vec<(Vec<usize>, f64, f64)> = Vec::new();
    for (place, _) in tests.iter().enumerate().filter(|(_, test)| test.is_graded()) {
        let (Some(own_m), Some(own_u)) = (m.get(place), u.get(place)) else { continue };
        let mut last = (vec![place], *own_m, *own_u);
        while let Some((places, sum_m, sum_u)) = pools.pop_if(|(_, sum_m, sum_u)| *sum_m * last.2 < last.1 * *sum_u) {
            last = (places.into_iter().chain(last.0).collect(), sum_m + last.1, sum_u + last.2);
        }
        pools.push(last);
    }
    for (places, sum_m, sum_u) in pools {
        for place in places {
            if let (Some(own_m), Some(own_u)) = (m.get_mut(place), u.get(place)) {
                *own_m = sum_m * own_u / sum_u;
            }
        }
    }
}
