//! The rows of entities, column by column, while their visits come in.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow::buffer::{BooleanBuffer, NullBuffer};

use super::words::COUNTS;
use crate::error::Result;

/// One visit, as far as its entity's row tells of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visit {
    /// The code of the stage.
    pub(super) stage: u8,
    pub(super) entered: i64,
    pub(super) is_reentry: bool,
    pub(super) is_regress: bool,
    pub(super) is_recycle: bool,
    pub(super) is_inferred: bool,
    pub(super) is_current: bool,
    pub(super) absorbed: i64,
    pub(super) ignored: i64,
}

/// See the module's text.
#[derive(Debug)]
pub(super) struct Rows {
    /// The stages' names, by code.
    names: ArrayRef,
    /// Whether an entity counts as closed, by the code of its stage.
    closes: Vec<bool>,
    current: Vec<i32>,
    since: Vec<i64>,
    first_seen: Vec<i64>,
    /// First and latest entry, by the code of the stage; [`NEVER`] in the first where there is none.
    entries: Vec<[Vec<i64>; 2]>,
    counts: [Vec<i64>; COUNTS.len()],
}

/// An instant that no visit begins at: it stands for the end of those that have none.
const NEVER: i64 = super::algorithm::OPEN;

impl Rows {
    pub(super) fn new(stages: &[String], closing: &[u8]) -> Self {
        Self {
            names: Arc::new(StringArray::from_iter_values(stages)),
            closes: (0u8..).take(stages.len()).map(|code| closing.contains(&code)).collect(),
            current: Vec::new(),
            since: Vec::new(),
            first_seen: Vec::new(),
            entries: vec![Default::default(); stages.len()],
            counts: Default::default(),
        }
    }

    /// The next entity begins.
    pub(super) fn begin(&mut self) {
        self.current.push(0);
        self.since.push(NEVER);
        self.first_seen.push(NEVER);
        for [first, latest] in &mut self.entries {
            first.push(NEVER);
            latest.push(i64::MIN);
        }
        self.counts.iter_mut().for_each(|counts| counts.push(0));
    }

    /// Takes a visit of the entity at hand.
    pub(super) fn add(&mut self, visit: Visit) {
        let at = visit.entered;
        if visit.is_current {
            set(&mut self.current, |_| i32::from(visit.stage));
            set(&mut self.since, |_| at);
        }
        set(&mut self.first_seen, |first| first.min(at));
        if let Some([first, latest]) = self.entries.get_mut(usize::from(visit.stage)) {
            set(first, |first| first.min(at));
            set(latest, |latest| latest.max(at));
        }
        let counted = [
            1,
            i64::from(visit.is_inferred),
            i64::from(visit.is_regress),
            i64::from(visit.is_recycle),
            i64::from(visit.is_reentry),
            visit.absorbed,
            visit.ignored,
        ];
        for (counts, more) in self.counts.iter_mut().zip(counted) {
            set(counts, |count| count.saturating_add(more));
        }
    }

    /// The columns of all rows but the last `rest`, after the entity's own; those rows go.
    pub(super) fn take(&mut self, rest: usize) -> Result<Vec<ArrayRef>> {
        let current = drain(&mut self.current, rest);
        let closed = |row: usize| {
            let code = current.get(row).and_then(|code| usize::try_from(*code).ok());
            code.and_then(|code| self.closes.get(code)).copied().unwrap_or(false)
        };
        let closed = BooleanArray::new(BooleanBuffer::collect_bool(current.len(), closed), None);
        let stages = DictionaryArray::try_new(Int32Array::from(current), Arc::clone(&self.names))?;
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(stages),
            instants(drain(&mut self.since, rest), None),
            instants(drain(&mut self.first_seen, rest), None),
            Arc::new(closed),
        ];
        for [first, latest] in &mut self.entries {
            let (first, latest) = (drain(first, rest), drain(latest, rest));
            let was_there = |row: usize| first.get(row).is_some_and(|at| *at != NEVER);
            let valid = NullBuffer::new(BooleanBuffer::collect_bool(first.len(), was_there));
            columns.push(instants(first, Some(valid.clone())));
            columns.push(instants(latest, Some(valid)));
        }
        columns.extend(self.counts.iter_mut().map(|c| Arc::new(Int64Array::from(drain(c, rest))) as ArrayRef));
        Ok(columns)
    }

    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        let columns = [&self.since, &self.first_seen].into_iter().chain(self.entries.iter().flatten());
        let wide: usize = columns.chain(&self.counts).map(Vec::capacity).sum();
        wide * size_of::<i64>() + self.current.capacity() * size_of::<i32>()
    }
}

/// Changes the value of the entity at hand.
fn set<T: Copy>(column: &mut [T], to: impl FnOnce(T) -> T) {
    if let Some(last) = column.last_mut() {
        *last = to(*last);
    }
}

/// All values but the last `rest`, which stay.
fn drain<T>(column: &mut Vec<T>, rest: usize) -> Vec<T> {
    let kept = column.split_off(column.len().saturating_sub(rest));
    std::mem::replace(column, kept)
}

fn instants(micros: Vec<i64>, valid: Option<NullBuffer>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::new(micros.into(), valid).with_timezone("UTC"))
}
