//! The obvious slow way: for each conversion, every touch is looked at, and shares are fractions.

/// A touch.
#[derive(Debug, Clone)]
pub(super) struct NaiveTouch {
    pub(super) id: i64,
    pub(super) entity: i64,
    pub(super) at: i64,
    pub(super) channel: &'static str,
    pub(super) priority: i64,
}

/// A conversion, with milestones where they are known.
#[derive(Debug, Clone)]
pub(super) struct NaiveConversion {
    pub(super) id: i64,
    pub(super) entity: i64,
    pub(super) at: i64,
    pub(super) cents: i64,
    pub(super) milestones: [Option<i64>; 2],
}

/// What is looked back on.
#[derive(Debug, Clone, Copy)]
pub(super) struct NaiveReach {
    pub(super) within: Option<i64>,
    pub(super) touches: Option<usize>,
    pub(super) gap: Option<i64>,
}

/// A row of the wide ledger: conversion, touch, position, length, merged, and by model weight and cents.
pub(super) type NaiveRow = (i64, Option<i64>, usize, usize, usize, Vec<(i64, i64)>);

/// The models of the comparison, in the order of the numbers of a row.
pub(super) const MODELS: &str = "[first_touch, last_touch, last_non_direct, linear, time_decay, u_shaped, w_shaped, \
     w_shaped@hubspot, full_path, j_shaped@amplitude, {name: own, position: {second: 12.5, second_last: 7.5, \
     lead_created: 30, between: 50}}, shapley, participation]";

const WEIGHT_UNITS: i64 = 1_000_000_000_000_000;

/// The ledger, conversion by conversion.
pub(super) fn ledger(touches: &[NaiveTouch], conversions: &[NaiveConversion], reach: NaiveReach) -> Vec<NaiveRow> {
    let mut rows = Vec::new();
    for conversion in conversions {
        let journey = journey(touches, conversion, reach);
        if journey.is_empty() {
            let all = vec![(WEIGHT_UNITS, conversion.cents); 13];
            rows.push((conversion.id, None, 1, 0, 0, all));
            continue;
        }
        let fractions = fractions(&journey, conversion);
        let mut shares: Vec<(Vec<i64>, Vec<i64>)> =
            fractions.iter().map(|f| (share(WEIGHT_UNITS, f), share(conversion.cents, f))).collect();
        let is_first = |at: usize| journey[..at].iter().all(|(before, _)| before.channel != journey[at].0.channel);
        let to_firsts = |all: i64| (0..journey.len()).map(|at| if is_first(at) { all } else { 0 }).collect();
        shares.push((to_firsts(WEIGHT_UNITS), to_firsts(conversion.cents)));
        for (at, (touch, merged)) in journey.iter().enumerate() {
            let numbers = shares.iter().map(|(weights, cents)| (weights[at], cents[at])).collect();
            rows.push((conversion.id, Some(touch.id), at + 1, journey.len(), *merged, numbers));
        }
    }
    rows
}

/// The touches that count, each with how many were merged into it: of what lies in the lookback each touch once,
/// by its first row, then the first of each session, then the newest.
fn journey(touches: &[NaiveTouch], conversion: &NaiveConversion, reach: NaiveReach) -> Vec<(NaiveTouch, usize)> {
    let since = reach.within.map_or(i64::MIN, |within| conversion.at - within);
    let eligible =
        |touch: &&NaiveTouch| touch.entity == conversion.entity && since <= touch.at && touch.at <= conversion.at;
    let mut own: Vec<&NaiveTouch> = touches.iter().filter(eligible).collect();
    own.sort_by_key(|touch| (touch.at, touch.priority, touch.id));
    let mut once: Vec<&NaiveTouch> = Vec::new();
    for touch in own {
        if once.iter().all(|known| known.id != touch.id) {
            once.push(touch);
        }
    }
    let mut kept: Vec<(NaiveTouch, usize)> = Vec::new();
    for (at, touch) in once.iter().enumerate() {
        let before = once[..at].iter().rev().find(|other| other.channel == touch.channel);
        if before.is_some_and(|before| reach.gap.is_some_and(|gap| touch.at - before.at < gap)) {
            // The last one kept of its channel began the session.
            kept.iter_mut().rev().find(|(first, _)| first.channel == touch.channel).unwrap().1 += 1;
        } else {
            kept.push(((*touch).clone(), 0));
        }
    }
    let skip = reach.touches.map_or(0, |most| kept.len().saturating_sub(most));
    kept.split_off(skip)
}

/// A share as numerator and denominator.
type Fraction = (i128, i128);

fn fractions(journey: &[(NaiveTouch, usize)], conversion: &NaiveConversion) -> Vec<Vec<Fraction>> {
    let n = journey.len();
    let only = |at: usize| (0..n).map(|i| (i128::from(i == at), 1)).collect::<Vec<_>>();
    let named = (0..n).rev().find(|at| journey[*at].0.channel != "Direct").unwrap_or(n - 1);
    let decay: Vec<i128> = journey.iter().map(|(touch, _)| halved(conversion.at - touch.at)).collect();
    let decay = if decay.iter().all(|weight| *weight == 0) {
        journey.iter().map(|(touch, _)| halved(journey[n - 1].0.at - touch.at)).collect()
    } else {
        decay
    };
    let total: i128 = decay.iter().sum();
    let milestone = |which: usize| {
        let at = conversion.milestones[which]?;
        journey.iter().rposition(|(touch, _)| touch.at <= at)
    };
    let (lead, created) = (milestone(0), milestone(1));
    let w = [(Some(0), 30), (lead, 30), (created, 30)];
    let path = [(Some(0), 225), (lead, 225), (created, 225), (Some(n - 1), 225)];
    let (second, second_last) = (if n > 1 { Some(1) } else { None }, if n > 1 { Some(n - 2) } else { None });
    let own = [(second, 125), (second_last, 75), (lead, 300)];
    vec![
        only(0),
        only(n - 1),
        only(named),
        vec![(1, n as i128); n],
        decay.iter().map(|weight| (*weight, total)).collect(),
        placed(n, &[(Some(0), 40), (Some(n - 1), 40)], 20, false),
        placed(n, &w, 10, true),
        placed(n, &w, 10, false),
        placed(n, &path, 100, true),
        amplitude(n),
        placed(n, &own, 500, true),
        by_channel(journey),
    ]
}

/// `2^40 · 2^(-age / 7 days)`, by floats: ages are whole days, whose powers are far from halves.
fn halved(age: i64) -> i128 {
    const WEEK: f64 = 604_800_000_000.0;
    ((-(age as f64) / WEEK).exp2() * 2f64.powi(40)).round() as i128
}

fn placed(n: usize, places: &[(Option<usize>, i128)], others: i128, between: bool) -> Vec<Fraction> {
    let held: Vec<(usize, i128)> = places.iter().filter_map(|(at, share)| Some(((*at)?, *share))).collect();
    if held.is_empty() {
        return vec![(1, n as i128); n];
    }
    let (low, high) = (held.iter().map(|h| h.0).min().unwrap(), held.iter().map(|h| h.0).max().unwrap());
    let rest: Vec<usize> = (0..n)
        .filter(|at| held.iter().all(|(place, _)| place != at) && (!between || (low < *at && *at < high)))
        .collect();
    let m = rest.len().max(1) as i128;
    let sum = held.iter().map(|(_, share)| share * m).sum::<i128>() + rest.len() as i128 * others;
    (0..n)
        .map(|at| {
            let own: i128 = held.iter().filter(|(place, _)| *place == at).map(|(_, share)| share * m).sum();
            (own + if rest.contains(&at) { others } else { 0 }, sum)
        })
        .collect()
}

/// Sixty to the last, twenty to the one before, twenty to the others; what nobody holds to all alike.
fn amplitude(n: usize) -> Vec<Fraction> {
    match n {
        1 => vec![(1, 1)],
        2 => vec![(3, 10), (7, 10)],
        n => (0..n)
            .map(|at| match n - at {
                1 => (6, 10),
                2 => (2, 10),
                _ => (2, 10 * (n as i128 - 2)),
            })
            .collect(),
    }
}

fn by_channel(journey: &[(NaiveTouch, usize)]) -> Vec<Fraction> {
    let mut channels: Vec<&str> = journey.iter().map(|(touch, _)| touch.channel).collect();
    let uses = |channel: &str| journey.iter().filter(|(touch, _)| touch.channel == channel).count() as i128;
    channels.sort_unstable();
    channels.dedup();
    journey.iter().map(|(touch, _)| (1, channels.len() as i128 * uses(touch.channel))).collect()
}

/// Largest remainder over fractions: all brought to one denominator, then sorted.
fn share(total: i64, fractions: &[Fraction]) -> Vec<i64> {
    let all = fractions.iter().fold(1i128, |all, (_, d)| all / gcd(all, *d) * d);
    let units = i128::from(total.abs());
    let parts: Vec<(i128, i128)> = fractions
        .iter()
        .map(|(n, d)| {
            let product = units * n * (all / d);
            (product / all, product % all)
        })
        .collect();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|at| (-parts[*at].1, *at));
    let left = units - parts.iter().map(|part| part.0).sum::<i128>();
    let mut shares: Vec<i64> = parts.iter().map(|part| part.0 as i64).collect();
    order.iter().take(left as usize).for_each(|at| shares[*at] += 1);
    if total < 0 { shares.iter().map(|share| -share).collect() } else { shares }
}

fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a } else { gcd(b, a % b) }
}
