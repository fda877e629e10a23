//! The walk over one entity's visits: from an ordered list of visits to one transition a pair.
//!
//! ```text
//! visits in         lead 1 Jan │ mql 4 Jan │ recycled 9 Jan │ mql 20 Jan │ sql 25 Jan
//! transitions out   lead → mql   converted after 3 days
//!                   mql → sql    converted after 21 (elapsed), 5 (first or latest visit), 10 (cumulative)
//! ```
//!
//! Rows in: the visits of the entity, in order. Rows out: one for each pair whose first stage the
//! entity was in. What is held is a fixed number of bytes for each pair, however long the history,
//! unless the spans of the time are asked for. Nothing here knows of tables or columns.

use super::spec::Measure;

/// A pair of stages, by code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) from: u8,
    pub(super) to: u8,
}

/// A stage that no pair is concerned with.
pub(super) const OTHER: u8 = u8::MAX;

/// What the walk is told.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) pairs: Vec<Pair>,
    /// For each pair, the stages above its end.
    pub(super) beyond: Vec<Vec<u8>>,
    pub(super) measure: Measure,
    /// The instant at which those under way are looked at, in microseconds.
    pub(super) as_of: i64,
    /// Whether the spans of which the time is made up are kept.
    pub(super) spans: bool,
}

/// One visit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visit {
    pub(super) stage: u8,
    pub(super) entered: i64,
    /// Whether the stage ends an entity's way without success.
    pub(super) losing: bool,
    /// Whether the visit was inferred because the history starts late.
    pub(super) late: bool,
    /// The row it stands in.
    pub(super) row: u32,
}

/// What became of a transition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Converted,
    Lost,
    Skipped,
    Open,
    /// The end of the pair was reached before its beginning.
    ReachedBefore,
    /// The history starts with a visit whose beginning nobody knows.
    StartUnknown,
}

/// A pair that an entity began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Transition {
    pub(super) pair: usize,
    pub(super) outcome: Outcome,
    /// The row of the first visit to the pair's first stage.
    pub(super) row: u32,
    /// When that visit began.
    pub(super) start: i64,
    /// When the outcome came, if it has.
    pub(super) end: Option<i64>,
    /// The time measured, in microseconds.
    pub(super) length: i64,
    /// The stage to which the entity went instead; [`OTHER`] where no name is known of it.
    pub(super) ended_in: Option<u8>,
    /// Beginnings and ends of the time, alternating; empty unless asked for.
    pub(super) spans: Vec<i64>,
}

/// The time of a pair so far.
#[derive(Debug, Clone, Default)]
struct Clock {
    /// Of the visits to `from` that count by the measure and have ended.
    length: i64,
    /// How many visits to `from` have ended.
    visits: u32,
    spans: Vec<i64>,
}

/// How far an entity is with a pair.
#[derive(Debug, Clone, Default)]
enum Progress {
    /// It was in neither stage.
    #[default]
    Before,
    /// It was in `to`, and not in `from` yet.
    Blocked,
    /// It was in `from`, and not in `to` since.
    Running,
    /// It came to `to` after `from`, at that instant.
    Converted(i64),
}

#[derive(Debug, Clone, Default)]
struct State {
    progress: Progress,
    /// The row of the first visit to `from`, and when it began.
    row: u32,
    start: i64,
    clock: Clock,
    /// The first visit to `from` was inferred and has no length.
    unknown_start: bool,
    /// `to` was reached before `from`.
    blocked: bool,
    /// When a stage beyond `to` was entered, which one, and the clock then.
    skipped: Option<(i64, u8, Clock)>,
    /// The visit that followed the latest one to `from`, with its place in the order.
    after: Option<(u64, Visit)>,
}

/// Walks the entities of a partition, one after the other.
#[derive(Debug)]
pub(super) struct Walk {
    rules: Rules,
    /// By stage: the pairs that begin with it, end with it, are jumped over by it.
    begins: Vec<Vec<usize>>,
    ends: Vec<Vec<usize>>,
    passes: Vec<Vec<usize>>,
    states: Vec<State>,
    current: Option<Visit>,
    /// How many visits the entity has had.
    order: u64,
    /// The first visit of the unbroken run of losing ones at the end, with its place in the order.
    lost: Option<(u64, Visit)>,
}

impl Walk {
    pub(super) fn new(rules: Rules) -> Self {
        let table = |of: &dyn Fn(usize, u8) -> bool| -> Vec<Vec<usize>> {
            (0..OTHER).map(|stage| (0..rules.pairs.len()).filter(|pair| of(*pair, stage)).collect()).collect()
        };
        let pair = |at: usize| rules.pairs.get(at).copied().unwrap_or(Pair { from: OTHER, to: OTHER });
        let begins = table(&|at, stage| pair(at).from == stage);
        let ends = table(&|at, stage| pair(at).to == stage);
        let passes = table(&|at, stage| rules.beyond.get(at).is_some_and(|beyond| beyond.contains(&stage)));
        let states = vec![State::default(); rules.pairs.len()];
        Self { rules, begins, ends, passes, states, current: None, order: 0, lost: None }
    }

    /// The rows that the transitions of the entity at hand will name.
    pub(super) fn rows_mut(&mut self) -> impl Iterator<Item = &mut u32> {
        let began = |state: &&mut State| !matches!(state.progress, Progress::Before | Progress::Blocked);
        self.states.iter_mut().filter(began).map(|state| &mut state.row)
    }

    /// Bytes held for the entity at hand.
    pub(super) fn held_bytes(&self) -> usize {
        let spans = |clock: &Clock| clock.spans.capacity() * size_of::<i64>();
        let of = |state: &State| spans(&state.clock) + state.skipped.as_ref().map_or(0, |(_, _, clock)| spans(clock));
        self.states.iter().map(|state| size_of::<State>() + of(state)).sum()
    }

    /// Takes the next visit of the entity at hand.
    pub(super) fn visit(&mut self, visit: Visit) {
        self.order += 1;
        self.leave(visit.entered, Some(visit));
        let stage = usize::from(visit.stage);
        for pair in self.passes.get(stage).into_iter().flatten() {
            if let Some(state) = self.states.get_mut(*pair) {
                state.pass(visit);
            }
        }
        for pair in self.ends.get(stage).into_iter().flatten() {
            if let Some(state) = self.states.get_mut(*pair) {
                state.reach(visit.entered);
            }
        }
        for pair in self.begins.get(stage).into_iter().flatten() {
            if let Some(state) = self.states.get_mut(*pair) {
                state.begin(visit);
            }
        }
        self.lost = if visit.losing { self.lost.or(Some((self.order, visit))) } else { None };
        self.current = Some(visit);
    }

    /// Ends the visit at hand.
    fn leave(&mut self, at: i64, next: Option<Visit>) {
        let Some(left) = self.current.take() else { return };
        for pair in self.begins.get(usize::from(left.stage)).into_iter().flatten() {
            if let Some(state) = self.states.get_mut(*pair) {
                state.after = next.map(|next| (self.order, next));
                state.leave(left, at, &self.rules);
            }
        }
    }

    /// The entity has ended: its transitions, in the order of the pairs.
    pub(super) fn end_entity(&mut self, mut found: impl FnMut(Transition)) {
        let Some(last) = self.current else { return };
        self.leave(self.rules.as_of, None);
        for (pair, state) in self.states.iter_mut().enumerate() {
            let from = self.rules.pairs.get(pair).map_or(OTHER, |pair| pair.from);
            if let Some(transition) = std::mem::take(state).finish(pair, from, last, self.lost, &self.rules) {
                found(transition);
            }
        }
        self.lost = None;
        self.order = 0;
    }
}

impl State {
    fn reach(&mut self, at: i64) {
        match self.progress {
            Progress::Before => {
                self.progress = Progress::Blocked;
                self.blocked = true;
            }
            Progress::Running => self.progress = Progress::Converted(at),
            Progress::Blocked | Progress::Converted(_) => {}
        }
    }

    fn pass(&mut self, visit: Visit) {
        if matches!(self.progress, Progress::Running) && self.skipped.is_none() {
            self.skipped = Some((visit.entered, visit.stage, self.clock.clone()));
        }
    }

    fn begin(&mut self, visit: Visit) {
        if matches!(self.progress, Progress::Before | Progress::Blocked) {
            self.progress = Progress::Running;
            (self.row, self.start) = (visit.row, visit.entered);
        }
    }

    fn leave(&mut self, left: Visit, at: i64, rules: &Rules) {
        if !matches!(self.progress, Progress::Running) {
            return;
        }
        self.clock.visits += 1;
        self.unknown_start |= self.clock.visits == 1 && left.late && at == left.entered;
        let counts = match rules.measure {
            Measure::Elapsed => false,
            Measure::FirstVisit => self.clock.visits == 1,
            Measure::LatestVisit | Measure::Cumulative => true,
        };
        if rules.measure == Measure::LatestVisit {
            self.clock.length = 0;
            self.clock.spans.clear();
        }
        if counts {
            self.clock.length = self.clock.length.saturating_add(at.saturating_sub(left.entered));
            if rules.spans {
                self.clock.spans.extend([left.entered, at]);
            }
        }
    }

    fn finish(
        self,
        pair: usize,
        from: u8,
        last: Visit,
        lost: Option<(u64, Visit)>,
        rules: &Rules,
    ) -> Option<Transition> {
        // Of the losing visits at the end, those after the latest one to `from` count.
        let lost = lost.filter(|_| last.stage != from).zip(self.after);
        let lost = lost.map(|((run, first), (after, next))| if run >= after { first } else { next });
        let (outcome, end, ended_in, clock) = match (self.progress, self.skipped, lost) {
            (Progress::Before | Progress::Blocked, _, _) => return None,
            (Progress::Converted(at), _, _) => (Outcome::Converted, Some(at), None, self.clock),
            (Progress::Running, Some((at, stage, clock)), _) => (Outcome::Skipped, Some(at), Some(stage), clock),
            (Progress::Running, None, Some(lost)) => (Outcome::Lost, Some(lost.entered), Some(lost.stage), self.clock),
            (Progress::Running, None, None) => (Outcome::Open, None, None, self.clock),
        };
        let outcome = match outcome {
            _ if self.blocked => Outcome::ReachedBefore,
            _ if self.unknown_start => Outcome::StartUnknown,
            outcome => outcome,
        };
        let elapsed = rules.measure == Measure::Elapsed;
        let until = end.unwrap_or(rules.as_of);
        let spans = if elapsed && rules.spans { vec![self.start, until] } else { clock.spans };
        let length = if elapsed { until.saturating_sub(self.start) } else { clock.length };
        Some(Transition { pair, outcome, row: self.row, start: self.start, end, length, ended_in, spans })
    }
}
