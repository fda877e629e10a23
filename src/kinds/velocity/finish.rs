//! Transitions as the walk makes them → rows of the durations' table.
//!
//! ```text
//! in    entity │ pair │ outcome │ ended_in │ start │ end │ length │ spans? │ pauses? │ segments │ calendar? │ exclude? │ observed?
//! out   the columns of `describe::durations`, one row for each
//! ```

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Int32Array, Int64Array,
    ListArray, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Date32Type, Int32Type, Int64Type, SchemaRef, TimestampMicrosecondType};
use chrono::NaiveDate;

use super::algorithm::Outcome;
use super::business::{Calendar, Openings, instant_of};
use super::cohort::Periods;
use super::holidays;
use super::pauses;
use super::resolve::Resolved;
use super::statistics::{DECIMALS, decimal};
use super::status::{Excluded, Status, TargetStatus, outcome};
use crate::engine::map::{RowAlgorithm, RowState};
use crate::error::{Error, Result};

/// The precision of every rounded column.
pub(super) const PRECISION: u8 = 18;

/// Everything that is told, for all partitions.
#[derive(Debug)]
pub(super) struct Finish {
    pub(super) resolved: Arc<Resolved>,
    pub(super) schema: SchemaRef,
}

impl RowAlgorithm for Finish {
    fn name(&self) -> &'static str {
        "VelocityDurations"
    }

    fn output_schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn start(&self, tables: &[Vec<RecordBatch>]) -> Result<Box<dyn RowState>> {
        let resolved = Arc::clone(&self.resolved);
        let mut tables = tables.iter();
        let mut openings = Vec::new();
        for declared in resolved.calendars.iter().flat_map(|calendars| &calendars.all) {
            let rows = if declared.holidays.is_some() { tables.next().ok_or_else(misfit)?.as_slice() } else { &[] };
            let calendar =
                Calendar { zone: declared.zone, weeks: declared.weeks.clone(), holidays: holidays::read(rows)? };
            openings.push(Openings::new(calendar));
        }
        let words = |texts: Vec<&str>| -> ArrayRef { Arc::new(StringArray::from(texts)) };
        let pairs = &resolved.pairs;
        Ok(Box::new(State {
            openings,
            periods: resolved.cohorts.map(Periods::new),
            stages: words(resolved.stages().iter().map(String::as_str).collect()),
            calendars: words(resolved.calendar_names()),
            targets: words_of(pairs.pairs.iter().map(|pair| pair.target.map(|target| target.period.to_string()))),
            schema: Arc::clone(&self.schema),
            resolved,
        }))
    }
}

fn words_of(texts: impl Iterator<Item = Option<String>>) -> ArrayRef {
    Arc::new(texts.map(Option::unwrap_or_default).map(Some).collect::<StringArray>())
}

struct State {
    resolved: Arc<Resolved>,
    /// By calendar.
    openings: Vec<Openings>,
    periods: Option<Periods>,
    stages: ArrayRef,
    calendars: ArrayRef,
    targets: ArrayRef,
    schema: SchemaRef,
}

/// A batch, taken apart.
struct Rows<'a> {
    entity: &'a ArrayRef,
    pair: &'a Int32Array,
    outcome: &'a Int32Array,
    ended_in: &'a Int32Array,
    start: &'a Int64Array,
    end: &'a Int64Array,
    length: &'a Int64Array,
    spans: Option<&'a ListArray>,
    pauses: Option<&'a ListArray>,
    segments: &'a [ArrayRef],
    calendar: Option<&'a ArrayRef>,
    exclude: Option<&'a BooleanArray>,
    observed: Option<&'a ArrayRef>,
}

/// What is worked out for each row.
#[derive(Default)]
struct Found {
    status: Vec<Status>,
    because: Vec<Option<Excluded>>,
    calendar: Vec<i32>,
    length: Vec<i64>,
    paused: Vec<i64>,
    business: Vec<i64>,
    unobserved: Vec<i64>,
    /// Whether the end came within the horizon of the first entry, and whether that horizon has passed.
    within: Vec<bool>,
    passed: Vec<bool>,
    target: Vec<Option<TargetStatus>>,
}

impl RowState for State {
    fn apply(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let resolved = Arc::clone(&self.resolved);
        let rows = Rows::of(batch, &resolved)?;
        let mut found = Found::default();
        for row in 0..batch.num_rows() {
            self.row(&resolved, &rows, row, &mut found)?;
        }
        self.output(&rows, &found)
    }

    fn held_bytes(&self) -> usize {
        let openings: usize = self.openings.iter().map(Openings::held_bytes).sum();
        openings + self.periods.as_ref().map_or(0, Periods::held_bytes)
    }
}

impl<'a> Rows<'a> {
    fn of(batch: &'a RecordBatch, resolved: &Resolved) -> Result<Self> {
        let [entity, pair, outcome, ended_in, start, end, length, rest @ ..] = batch.columns() else {
            return Err(misfit());
        };
        let int = |column: &'a ArrayRef| column.as_primitive_opt::<Int32Type>().ok_or_else(misfit);
        let long = |column: &'a ArrayRef| column.as_primitive_opt::<Int64Type>().ok_or_else(misfit);
        let list = |column: &'a ArrayRef| column.as_list_opt::<i32>().ok_or_else(misfit);
        let (spans, rest) = optional(rest, resolved.rules.spans)?;
        let (pauses, rest) = optional(rest, resolved.pauses.is_some())?;
        let (segments, rest) = rest.split_at_checked(resolved.segments.len()).ok_or_else(misfit)?;
        let (calendar, rest) = optional(rest, resolved.calendar_by.is_some())?;
        let (exclude, rest) = optional(rest, resolved.exclude.is_some())?;
        let (observed, _) = optional(rest, resolved.observed.is_some())?;
        Ok(Self {
            entity,
            pair: int(pair)?,
            outcome: int(outcome)?,
            ended_in: int(ended_in)?,
            start: long(start)?,
            end: long(end)?,
            length: long(length)?,
            spans: spans.map(list).transpose()?,
            pauses: pauses.map(list).transpose()?,
            segments,
            calendar,
            exclude: exclude.map(|flag| flag.as_boolean_opt().ok_or_else(misfit)).transpose()?,
            observed,
        })
    }

    /// The spans of a row's time.
    fn spans(&self, row: usize) -> Vec<(i64, i64)> {
        let Some(spans) = self.spans else { return Vec::new() };
        let instants = spans.value(row);
        let instants = instants.as_primitive::<Int64Type>().values();
        instants.chunks_exact(2).filter_map(|pair| Some((*pair.first()?, *pair.get(1)?))).collect()
    }
}

fn optional(rest: &[ArrayRef], there: bool) -> Result<(Option<&ArrayRef>, &[ArrayRef])> {
    match rest {
        rest if !there => Ok((None, rest)),
        [first, rest @ ..] => Ok((Some(first), rest)),
        [] => Err(misfit()),
    }
}

impl State {
    fn row(&mut self, resolved: &Resolved, rows: &Rows<'_>, row: usize, found: &mut Found) -> Result<()> {
        let outcome = outcome(rows.outcome.value(row)).ok_or_else(misfit)?;
        let end = rows.end.is_valid(row).then(|| rows.end.value(row));
        let pauses = rows.pauses.map(|lists| pauses::of_row(lists, row)).transpose()?;
        let (mut spans, mut length) = (rows.spans(row), rows.length.value(row));
        if let Some(pauses) = &pauses {
            spans = pauses::without(&spans, pauses);
            length = elapsed(&spans);
            found.paused.push(rows.length.value(row).saturating_sub(length));
        }
        let calendar = self.calendar(rows, row)?;
        let business = calendar.map_or(0, |_| self.time(&spans, calendar));
        let observed = rows.observed.and_then(|observed| self.observed(observed, row));
        let unobserved = observed.map_or(0, |observed| self.unobserved(&spans, observed, calendar));
        let declared = rows.exclude.is_some_and(|exclude| exclude.is_valid(row) && exclude.value(row));
        let unseen = end.zip(observed).is_some_and(|(end, observed)| end <= observed);
        let (status, because) = judge(outcome, declared, unseen);
        let start = rows.start.value(row);
        let pauses = pauses.as_deref().unwrap_or_default();
        let mut since = |until: i64| {
            let spans = pauses::without(&[(start, until)], pauses);
            (elapsed(&spans), self.time(&spans, calendar))
        };
        // Horizons and targets run from the first entry until the end, whichever visits are measured.
        let until = end.unwrap_or(resolved.rules.as_of);
        if let Some(horizon) = resolved.horizon {
            found.within.push(since(until).1 <= horizon.micros);
            found.passed.push(since(resolved.rules.as_of).1 >= horizon.micros);
        }
        let target = usize::try_from(rows.pair.value(row)).ok().and_then(|pair| resolved.pairs.pairs.get(pair)?.target);
        found.target.push(target.map(|target| {
            let (waited, open) = since(until);
            TargetStatus::of(status, if target.business { open } else { waited }, target.micros)
        }));
        found.length.push(length);
        found.status.push(status);
        found.because.push(because);
        found.business.push(business);
        found.unobserved.push(unobserved);
        found.calendar.push(calendar.and_then(|calendar| i32::try_from(calendar).ok()).unwrap_or(0));
        Ok(())
    }

    /// The index of a row's calendar, where the model has any.
    fn calendar(&self, rows: &Rows<'_>, row: usize) -> Result<Option<usize>> {
        let Some(calendars) = &self.resolved.calendars else { return Ok(None) };
        let Some(names) = rows.calendar else { return Ok(Some(calendars.usual)) };
        let names = names.as_string_view_opt().ok_or_else(misfit)?;
        let named = names.is_valid(row).then(|| names.value(row));
        let chosen = named.and_then(|name| calendars.all.iter().position(|calendar| calendar.name == name));
        Ok(Some(chosen.unwrap_or(calendars.usual)))
    }

    /// Since when a row was observed.
    fn observed(&self, column: &ArrayRef, row: usize) -> Option<i64> {
        if let Some(instants) = column.as_primitive_opt::<TimestampMicrosecondType>() {
            return instants.is_valid(row).then(|| instants.value(row));
        }
        let days = column.as_primitive_opt::<Date32Type>()?;
        let day = days.is_valid(row).then(|| NaiveDate::from_epoch_days(days.value(row))).flatten()?;
        instant_of(day.and_hms_opt(0, 0, 0)?, self.resolved.zone)
    }

    /// How much of the time had passed, on the model's clock, when observation began.
    fn unobserved(&mut self, spans: &[(i64, i64)], observed: i64, calendar: Option<usize>) -> i64 {
        let clipped = spans.iter().map(|(from, until)| (*from, (*until).min(observed)));
        let clipped: Vec<(i64, i64)> = clipped.filter(|(from, until)| from < until).collect();
        self.time(&clipped, calendar)
    }

    /// The length of spans on the model's clock.
    fn time(&mut self, spans: &[(i64, i64)], calendar: Option<usize>) -> i64 {
        match calendar.and_then(|calendar| self.openings.get_mut(calendar)) {
            Some(openings) => spans.iter().map(|(from, until)| openings.between(*from, *until)).sum(),
            None => elapsed(spans),
        }
    }

    fn output(&mut self, rows: &Rows<'_>, found: &Found) -> Result<RecordBatch> {
        let pair = |of: fn(super::algorithm::Pair) -> u8| {
            let code =
                |at: i32| self.resolved.rules.pairs.get(usize::try_from(at).ok()?).map(|pair| i32::from(of(*pair)));
            rows.pair.values().iter().map(|at| code(*at)).collect::<Int32Array>()
        };
        let (from, to) = (pair(|pair| pair.from), pair(|pair| pair.to));
        let mut columns: Vec<ArrayRef> = vec![
            Arc::clone(rows.entity),
            Arc::new(rows.pair.unary::<_, Int32Type>(|pair| pair + 1)),
            dictionary(from, &self.stages)?,
            dictionary(to, &self.stages)?,
        ];
        columns.extend(rows.segments.iter().cloned());
        columns.extend(self.periods(rows, found));
        columns.extend(outcome_columns(rows, found, &self.stages)?);
        columns.extend(self.clock_columns(rows, found)?);
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }

    fn periods(&mut self, rows: &Rows<'_>, found: &Found) -> Vec<ArrayRef> {
        let Some(periods) = &mut self.periods else { return Vec::new() };
        let entered: Date32Array = rows.start.values().iter().map(|start| periods.of(*start)).collect();
        let ended = rows.end.iter().zip(&found.status);
        let converted: Date32Array = ended
            .map(|(end, status)| end.filter(|_| *status == Status::Converted).and_then(|end| periods.of(end)))
            .collect();
        vec![Arc::new(entered), Arc::new(converted)]
    }

    fn clock_columns(&self, rows: &Rows<'_>, found: &Found) -> Result<Vec<ArrayRef>> {
        let resolved = &self.resolved;
        let mut columns = Vec::new();
        let known = |row: usize| {
            !matches!(found.because.get(row), Some(Some(Excluded::ReachedBefore | Excluded::StartUnknown)))
        };
        let times = |of: &dyn Fn(usize) -> i64| -> Int64Array {
            (0..found.status.len()).map(|row| known(row).then(|| of(row))).collect()
        };
        let length = times(&|row| found.length.get(row).copied().unwrap_or(0));
        let days = rounded(&length, 86_400_000_000)?;
        columns.extend([Arc::new(length) as ArrayRef, days]);
        if resolved.pauses.is_some() {
            columns.push(Arc::new(times(&|row| found.paused.get(row).copied().unwrap_or(0))));
        }
        if resolved.calendars.is_some() {
            let business = times(&|row| found.business.get(row).copied().unwrap_or(0));
            columns.push(dictionary(Int32Array::from(found.calendar.clone()), &self.calendars)?);
            columns.push(Arc::new(business.clone()));
            columns.push(rounded(&business, 3_600_000_000)?);
        }
        if resolved.observed.is_some() {
            columns.push(Arc::new(times(&|row| found.unobserved.get(row).copied().unwrap_or(0))));
        }
        if resolved.horizon.is_some() {
            let within = found.status.iter().zip(&found.within);
            let within = within.map(|(status, within)| (*status == Status::Converted).then_some(*within));
            columns.push(Arc::new(within.collect::<BooleanArray>()));
            columns.push(Arc::new(BooleanArray::from(found.passed.clone())));
        }
        if resolved.pairs.has_targets() {
            let targets = rows.pair.values().iter().zip(&found.target);
            let named: Int32Array = targets.map(|(pair, target)| target.map(|_| *pair)).collect();
            columns.push(dictionary(named, &self.targets)?);
            let status: Int32Array = found.target.iter().map(|target| target.map(|target| target as i32)).collect();
            columns.push(dictionary(status, &texts(&TargetStatus::WORDS))?);
        }
        Ok(columns)
    }
}

/// The length of spans, day and night.
fn elapsed(spans: &[(i64, i64)]) -> i64 {
    spans.iter().map(|(from, until)| until.saturating_sub(*from)).fold(0, i64::saturating_add)
}

/// What a transition came to; `unseen` tells that it had ended before anybody looked.
fn judge(outcome: Outcome, declared: bool, unseen: bool) -> (Status, Option<Excluded>) {
    match outcome {
        Outcome::ReachedBefore => (Status::Excluded, Some(Excluded::ReachedBefore)),
        Outcome::StartUnknown => (Status::Excluded, Some(Excluded::StartUnknown)),
        _ if declared => (Status::Excluded, Some(Excluded::Declared)),
        _ if unseen => (Status::Excluded, Some(Excluded::BeforeHistory)),
        Outcome::Converted => (Status::Converted, None),
        Outcome::Lost => (Status::Lost, None),
        Outcome::Skipped => (Status::Skipped, None),
        Outcome::Open => (Status::Open, None),
    }
}

fn outcome_columns(rows: &Rows<'_>, found: &Found, stages: &ArrayRef) -> Result<Vec<ArrayRef>> {
    let entered = TimestampMicrosecondArray::new(rows.start.values().clone(), None).with_timezone("UTC");
    let left = TimestampMicrosecondArray::new(rows.end.values().clone(), rows.end.nulls().cloned());
    let status: Int32Array = found.status.iter().map(|status| Some(*status as i32)).collect();
    let because: Int32Array = found.because.iter().map(|because| because.map(|because| because as i32)).collect();
    let censored: BooleanArray = found.status.iter().map(|status| Some(*status == Status::Open)).collect();
    Ok(vec![
        Arc::new(entered),
        Arc::new(left.with_timezone("UTC")),
        dictionary(status, &texts(&Status::WORDS))?,
        dictionary(rows.ended_in.clone(), stages)?,
        dictionary(because, &texts(&Excluded::WORDS.map(|(word, _)| word)))?,
        Arc::new(censored),
    ])
}

fn texts(words: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(words.to_vec()))
}

fn dictionary(keys: Int32Array, words: &ArrayRef) -> Result<ArrayRef> {
    Ok(Arc::new(DictionaryArray::try_new(keys, Arc::clone(words))?))
}

/// Microseconds as a decimal of units.
fn rounded(micros: &Int64Array, unit: i64) -> Result<ArrayRef> {
    let values: Decimal128Array =
        micros.iter().map(|time| time.and_then(|time| decimal(i128::from(time), i128::from(unit)))).collect();
    Ok(Arc::new(values.with_precision_and_scale(PRECISION, DECIMALS as i8)?))
}

/// The type of texts of which there are few.
pub(super) fn words_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

fn misfit() -> Error {
    Error::internal("transitions with other columns than their rows are made of")
}
