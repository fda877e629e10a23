//! The obvious slow way: every question is answered by looking at all visits, or at all times, again.

use std::collections::BTreeMap;

use super::spec::Measure;

/// A visit as it is recorded.
#[derive(Debug, Clone)]
pub(super) struct NaiveVisit {
    pub(super) entity: i64,
    pub(super) seq: i32,
    pub(super) stage: String,
    pub(super) entered: i64,
    pub(super) closing: bool,
    pub(super) inferred: Option<&'static str>,
}

/// What a model says, as far as it matters here.
#[derive(Debug, Clone)]
pub(super) struct NaiveModel {
    pub(super) pairs: Vec<(&'static str, &'static str)>,
    /// Empty where none is declared.
    pub(super) ladder: Vec<&'static str>,
    pub(super) lost: Option<Vec<&'static str>>,
    pub(super) measure: Measure,
    pub(super) include_inferred: bool,
    pub(super) observed: Option<i64>,
    /// Entity, begin, end.
    pub(super) pauses: Vec<(i64, i64, i64)>,
    pub(super) as_of: i64,
}

/// One row of the durations.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NaiveDuration {
    pub(super) entity: i64,
    pub(super) pair: usize,
    pub(super) status: &'static str,
    pub(super) because: Option<&'static str>,
    pub(super) ended_in: Option<String>,
    pub(super) entered: i64,
    pub(super) left: Option<i64>,
    pub(super) spans: Vec<(i64, i64)>,
    /// Time without pauses from the first entry: until the end, and until the run.
    pub(super) waited: i64,
    pub(super) age: i64,
}

impl NaiveDuration {
    pub(super) fn length(&self) -> i64 {
        self.spans.iter().map(|(from, until)| until - from).sum()
    }

    pub(super) fn unobserved(&self, observed: Option<i64>) -> i64 {
        let Some(observed) = observed else { return 0 };
        self.spans.iter().map(|(from, until)| ((*until).min(observed) - from).max(0)).sum()
    }
}

/// All durations, by entity and pair.
pub(super) fn durations(visits: &[NaiveVisit], model: &NaiveModel) -> Vec<NaiveDuration> {
    let mut entities: BTreeMap<i64, Vec<&NaiveVisit>> = BTreeMap::new();
    let counts = |visit: &&NaiveVisit| {
        visit.entered <= model.as_of && (model.include_inferred || visit.inferred != Some("skipped_stage"))
    };
    for visit in visits.iter().filter(counts) {
        entities.entry(visit.entity).or_default().push(visit);
    }
    let mut all = Vec::new();
    for own in entities.values_mut() {
        own.sort_by_key(|visit| visit.seq);
        all.extend((0..model.pairs.len()).filter_map(|pair| one(own, pair, model)));
    }
    all
}

fn one(own: &[&NaiveVisit], pair: usize, model: &NaiveModel) -> Option<NaiveDuration> {
    let (from, to) = model.pairs[pair];
    let first = own.iter().position(|visit| visit.stage == from)?;
    let losing = |visit: &NaiveVisit| match &model.lost {
        Some(lost) => lost.contains(&visit.stage.as_str()),
        None => visit.closing,
    };
    let rank = |stage: &str| model.ladder.iter().position(|known| *known == stage);
    let beyond = |stage: &str| match (rank(from), rank(to), rank(stage)) {
        (Some(from), Some(to), Some(stage)) => from < to && stage > to,
        _ => false,
    };
    let reached = (first + 1..own.len()).find(|at| own[*at].stage == to);
    let passed = (first + 1..own.len()).find(|at| beyond(&own[*at].stage));
    let last = own.len() - 1;
    let lost = (losing(own[last]) && own[last].stage != from).then(|| {
        let latest = own.iter().rposition(|visit| visit.stage == from).unwrap();
        (latest + 1..=last).rev().take_while(|at| losing(own[*at])).last().unwrap()
    });
    let (mut status, end) = match (reached, passed, lost) {
        (Some(at), _, _) => ("converted", Some(at)),
        (None, Some(at), _) => ("skipped", Some(at)),
        (None, None, Some(at)) => ("lost", Some(at)),
        (None, None, None) => ("open", None),
    };
    let exit = |at: usize| own.get(at + 1).map_or(model.as_of, |next| next.entered);
    let in_from: Vec<usize> = (first..end.unwrap_or(own.len())).filter(|at| own[*at].stage == from).collect();
    let span = |at: usize| (own[at].entered, exit(at));
    let latest = *in_from.last().unwrap();
    let left = end.map(|at| own[at].entered);
    let spans = match model.measure {
        Measure::Elapsed => vec![(own[first].entered, left.unwrap_or(model.as_of))],
        Measure::FirstVisit => vec![span(first)],
        Measure::LatestVisit => vec![span(latest)],
        Measure::Cumulative => in_from.iter().map(|at| span(*at)).collect(),
    };
    let spans = spans.into_iter().flat_map(|span| unpaused(own[0].entity, span, model)).collect();
    let since = |until: i64| {
        let parts = unpaused(own[0].entity, (own[first].entered, until), model);
        parts.iter().map(|(from, until)| until - from).sum()
    };
    let ended_in = end.filter(|_| status != "converted").map(|at| own[at].stage.clone());
    let unknown =
        !model.include_inferred && own[first].inferred == Some("late_history") && exit(first) == own[first].entered;
    let mut because = None;
    if own[..first].iter().any(|visit| visit.stage == to) {
        because = Some("reached_before");
    } else if unknown {
        because = Some("start_unknown");
    } else if model.observed.is_some_and(|observed| left.is_some_and(|left| left <= observed)) {
        because = Some("before_history");
    }
    if because.is_some() {
        status = "excluded";
    }
    Some(NaiveDuration {
        entity: own[0].entity,
        pair,
        status,
        because,
        ended_in,
        entered: own[first].entered,
        left,
        spans,
        waited: since(left.unwrap_or(model.as_of)),
        age: since(model.as_of),
    })
}

/// The parts of a span between any two instants at which a pause of the entity begins or ends, unless one is on.
fn unpaused(entity: i64, span: (i64, i64), model: &NaiveModel) -> Vec<(i64, i64)> {
    let own: Vec<_> = model.pauses.iter().filter(|(of, _, _)| *of == entity).collect();
    let mut cuts: Vec<i64> = own.iter().flat_map(|(_, begin, end)| [*begin, *end]).collect();
    cuts.extend([span.0, span.1]);
    cuts.sort();
    let parts = cuts.windows(2).map(|pair| (pair[0], pair[1]));
    let counts = |(from, until): &(i64, i64)| {
        span.0 <= *from && *until <= span.1 && !own.iter().any(|(_, begin, end)| begin <= from && until <= end)
    };
    parts.filter(counts).collect()
}

/// Where a survival curve crosses: time and number at risk.
pub(super) fn survival(times: &[(i64, i64, &str)], quantile: f64) -> Option<(i64, usize)> {
    let mut events: Vec<i64> =
        times.iter().filter(|(_, _, status)| *status == "converted").map(|(_, time, _)| *time).collect();
    events.sort();
    events.dedup();
    let mut waiting = 1.0;
    for at in events {
        let here: Vec<_> = times.iter().filter(|(late, time, _)| (*late == 0 || *late < at) && *time >= at).collect();
        let converted = here.iter().filter(|(_, time, status)| *time == at && *status == "converted").count();
        if here.is_empty() {
            continue;
        }
        waiting *= 1.0 - converted as f64 / here.len() as f64;
        if converted > 0 && waiting <= 1.0 - quantile + 1e-9 {
            return Some((at, here.len()));
        }
    }
    None
}

/// The shares that ended in each of two ways by a time (or ever), all competing.
pub(super) fn incidence(times: &[(i64, i64, &str)], until: Option<i64>) -> (f64, f64) {
    let mut all: Vec<i64> = times.iter().map(|(_, time, _)| *time).collect();
    all.sort();
    all.dedup();
    let (mut free, mut converted, mut other) = (1.0, 0.0, 0.0);
    for at in all.into_iter().filter(|at| until.is_none_or(|until| *at <= until)) {
        let here: Vec<_> = times.iter().filter(|(late, time, _)| (*late == 0 || *late < at) && *time >= at).collect();
        let ends =
            |of: &[&str]| here.iter().filter(|(_, time, status)| *time == at && of.contains(status)).count() as f64;
        let (events, exits) = (ends(&["converted"]), ends(&["lost", "skipped"]));
        if here.is_empty() {
            continue;
        }
        let n = here.len() as f64;
        converted += free * events / n;
        other += free * exits / n;
        free *= 1.0 - (events + exits) / n;
    }
    (converted, other)
}

/// The quantile of type 7 as a fraction of microseconds: numerator and denominator.
pub(super) fn quantile(times: &[i64], num: i128, den: i128) -> Option<(i128, i128)> {
    let mut sorted = times.to_vec();
    sorted.sort();
    let steps = (sorted.len() as i128 - 1) * num;
    if sorted.is_empty() {
        return None;
    }
    let low = i128::from(sorted[(steps / den) as usize]);
    let high = i128::from(*sorted.get((steps / den) as usize + 1).unwrap_or(&(low as i64)));
    Some((low * (den - steps % den) + high * (steps % den), den))
}
