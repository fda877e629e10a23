//! The walk's plumbing: touches and conversions of one entity after another in, ledger rows out.
//!
//! ```text
//! in    entity │ at │ is_conversion │ … │ columns of the touch │ columns of the conversion
//!       sorted so that a touch comes before a conversion of the same instant
//! out   the columns of [`Shape::schema`], conversion by conversion
//! ```
//!
//! Rows in: usable touches and conversions. Rows out: for each conversion one for each touch in its
//! reach and each model that gives the touch anything (long) or one for each touch (wide); one alone,
//! `(unattributed)`, for a conversion without a touch.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringViewArray, new_null_array};
use arrow::datatypes::{DataType, SchemaRef};

use super::apportion::{Scratch, apportion};
use super::batch::{Batch, Seen};
use super::data_driven::{Channels, Learned};
use super::emit::{Line, Rows, Shape, WEIGHT_UNITS};
use super::models::Model;
use super::spec::Layout;
use super::weights::{NO_CHANNEL, Rule, Touch, weigh};
use super::window::{Place, Reach, Window};
use crate::engine::entity::{EntityAlgorithm, EntityState};
use crate::error::Result;

/// The channel of a conversion without touches.
pub(super) const UNATTRIBUTED: &str = "(unattributed)";
/// Rows that are collected before they go out; one more journey slice may come on top.
const ENOUGH_ROWS: usize = 8192;

/// Everything a walk is told, for all partitions.
#[derive(Debug)]
pub(super) struct JourneyWalk {
    pub(super) shape: Arc<Shape>,
    pub(super) models: Vec<Model>,
    pub(super) reach: Reach,
    /// How many milestones conversions carry, as `m0`, `m1`, ….
    pub(super) milestones: usize,
    /// Whether `converted` tells conversions from journeys without one.
    pub(super) judged: bool,
}

impl EntityAlgorithm for JourneyWalk {
    fn name(&self) -> &'static str {
        "AttributionLedger"
    }

    fn output_schema(&self) -> SchemaRef {
        self.shape.schema()
    }

    fn start(&self) -> Box<dyn EntityState> {
        Box::new(State::new(self, Learned::default()))
    }

    fn start_with(&self, tables: &[Vec<RecordBatch>]) -> Result<Box<dyn EntityState>> {
        Ok(Box::new(State::new(self, Learned::read(tables.first().map_or(&[][..], Vec::as_slice))?)))
    }
}

struct State {
    shape: Arc<Shape>,
    rules: Vec<Rule>,
    milestones: usize,
    judged: bool,
    channels: Option<Channels>,
    window: Window,
    rows: Rows,
    nobody: Vec<ArrayRef>,
    last: Option<Seen>,
    batch: Option<Batch>,
    work: Option<Work>,
    scratch: Scratch,
    numerators: Vec<u64>,
}

/// A conversion whose rows are being made.
struct Work {
    row: u32,
    at: i64,
    /// The model next to be worked out, in the long layout.
    model: usize,
    /// The touch whose row comes next, within the journey.
    next: usize,
    /// Weights and amounts by touch, for each column of numbers; empty before they are worked out.
    numbers: Vec<Shares>,
}

#[derive(Debug, Default)]
struct Shares {
    weights: Vec<i64>,
    amounts: Vec<i64>,
}

impl State {
    fn new(walk: &JourneyWalk, learned: Learned) -> Self {
        let nobody = |(name, _, ty): &(String, String, DataType)| -> ArrayRef {
            if name == "channel" { Arc::new(StringViewArray::from(vec![UNATTRIBUTED])) } else { new_null_array(ty, 1) }
        };
        Self {
            rules: walk.models.iter().map(|model| learned.rule(model)).collect(),
            channels: walk.models.iter().any(Model::reads_channels).then(|| learned.channels()),
            nobody: walk.shape.touch.iter().map(nobody).collect(),
            milestones: walk.milestones,
            judged: walk.judged,
            window: Window::new(walk.reach),
            rows: Rows::new(&walk.shape),
            last: None,
            batch: None,
            work: None,
            scratch: Scratch::default(),
            numerators: Vec::new(),
            shape: Arc::clone(&walk.shape),
        }
    }
}

impl EntityState for State {
    fn push(&mut self, batch: &RecordBatch) -> Result<Option<RecordBatch>> {
        if batch.num_rows() == 0 {
            return Ok(None);
        }
        let (reach, last) = (self.window.reach(), self.last.as_ref());
        self.batch = Some(Batch::new(batch, &self.shape, self.milestones, self.judged, reach, last)?);
        self.advance()
    }

    fn more(&mut self) -> Result<Option<RecordBatch>> {
        self.advance()
    }

    fn finish(&mut self) -> Result<Option<RecordBatch>> {
        Ok(None)
    }

    fn held_bytes(&self) -> usize {
        let numbers = self.work.iter().flat_map(|work| &work.numbers);
        let numbers = numbers.map(|shares| (shares.weights.capacity() + shares.amounts.capacity()) * size_of::<i64>());
        let scratch = self.scratch.held_bytes() + self.numerators.capacity() * size_of::<u64>();
        self.window.held_bytes() + numbers.sum::<usize>() + scratch
    }
}

impl State {
    /// Goes on with the batch at hand until there are enough rows or it has ended.
    fn advance(&mut self) -> Result<Option<RecordBatch>> {
        let Some(mut batch) = self.batch.take() else { return Ok(None) };
        loop {
            // Rows of the entity that came with the batches before point to chunks, which go with it.
            let ends = batch.next_begins() && self.work.is_none() && self.window.has_chunks();
            if self.rows.len() >= ENOUGH_ROWS || (ends && self.rows.len() > 0) {
                let made = self.flush(&batch)?;
                self.batch = Some(batch);
                return Ok(Some(made));
            }
            if let Some(mut work) = self.work.take() {
                if !self.emit(&batch, &mut work)? {
                    self.work = Some(work);
                }
            } else if !self.take_row(&mut batch)? {
                break;
            }
        }
        let made = if self.rows.len() > 0 { Some(self.flush(&batch)?) } else { None };
        self.window.leave(batch.touch())?;
        self.last = Some(batch.seen()?);
        Ok(made)
    }

    fn flush(&mut self, batch: &Batch) -> Result<RecordBatch> {
        self.rows.flush(&self.window, batch.touch(), &self.nobody, batch.conversion())
    }

    /// Takes the batch's next row; false where there is none.
    fn take_row(&mut self, batch: &mut Batch) -> Result<bool> {
        let Some(row) = batch.advance() else { return Ok(false) };
        if batch.begins(row) {
            self.window.clear();
        }
        let (at, number) = (batch.at(row), u32::try_from(row).unwrap_or(u32::MAX));
        if batch.is_conversion(row) {
            if batch.has_converted(row) {
                self.window.look_back(at);
                self.work = Some(Work { row: number, at, model: 0, next: 0, numbers: Vec::new() });
            }
        } else {
            let channel = match &mut self.channels {
                Some(channels) => channels.number(batch.channel(row)),
                None => NO_CHANNEL,
            };
            let touch = Touch { at, direct: batch.is_direct(row), merged: 0, channel };
            self.window.push(touch, number, batch.told(row))?;
        }
        Ok(true)
    }

    /// Makes rows of a conversion; true where all are made.
    fn emit(&mut self, batch: &Batch, work: &mut Work) -> Result<bool> {
        let (touches, places) = self.window.journey();
        let (Some(first), Some(last)) = (places.first(), places.last()) else {
            self.unattributed(batch, work);
            return Ok(true);
        };
        let length = number(last.ordinal - first.ordinal + 1);
        let line = Line {
            place: *first,
            conversion: work.row,
            converted_at: work.at,
            touched_at: None,
            position: 0,
            length,
            merged: 0,
            model: number(u32::try_from(work.model).unwrap_or(u32::MAX)),
        };
        if work.numbers.is_empty() {
            let sharing = Sharing { batch, row: work.row as usize, at: work.at, touches, milestones: self.milestones };
            let models = match self.shape.layout {
                Layout::Long => self.rules.get(work.model..work.model + 1),
                Layout::Wide => self.rules.get(..),
            };
            for rule in models.unwrap_or_default() {
                work.numbers.push(sharing.shares(rule, &self.shape, &mut self.numerators, &mut self.scratch)?);
            }
        }
        let is_long = self.shape.layout == Layout::Long;
        let rows = touches.iter().zip(places).enumerate().skip(work.next);
        for (at, (touch, place)) in rows {
            if self.rows.len() >= ENOUGH_ROWS {
                work.next = at;
                return Ok(false);
            }
            let of = |shares: &Shares| {
                let value = |values: &[i64]| values.get(at).copied().unwrap_or(0);
                (value(&shares.weights), value(&shares.amounts))
            };
            if is_long && work.numbers.iter().all(|shares| of(shares) == (0, 0)) {
                continue;
            }
            let (position, merged) = (number(place.ordinal - first.ordinal + 1), number(touch.merged));
            let line = Line { place: *place, touched_at: Some(touch.at), position, merged, ..line };
            self.rows.push(line, work.numbers.iter().map(of));
        }
        work.next = 0;
        work.model += 1;
        if is_long {
            work.numbers.clear();
        }
        Ok(!is_long || work.model >= self.rules.len())
    }

    /// All of a conversion without touches in rows of its own.
    fn unattributed(&mut self, batch: &Batch, work: &Work) {
        let amount = batch.amount(work.row as usize);
        let models = if self.shape.layout == Layout::Long { self.rules.len() } else { 1 };
        for model in 0..models {
            let line = Line {
                place: Place::NONE,
                conversion: work.row,
                converted_at: work.at,
                touched_at: None,
                position: 1,
                length: 0,
                merged: 0,
                model: number(u32::try_from(model).unwrap_or(u32::MAX)),
            };
            let numbers = std::iter::repeat_n((WEIGHT_UNITS, amount), self.shape.wide());
            self.rows.push(line, numbers);
        }
    }
}

/// One conversion and the touches it is shared among.
struct Sharing<'a> {
    batch: &'a Batch,
    row: usize,
    at: i64,
    touches: &'a [Touch],
    milestones: usize,
}

impl Sharing<'_> {
    fn shares(&self, rule: &Rule, shape: &Shape, numerators: &mut Vec<u64>, scratch: &mut Scratch) -> Result<Shares> {
        let mut shares = Shares::default();
        let amount = self.batch.amount(self.row);
        if let Some(only) = rule.only(self.touches) {
            let all_to_one = |total: i64| {
                let mut values = vec![0; self.touches.len()];
                values.get_mut(only).into_iter().for_each(|value| *value = total);
                values
            };
            shares.weights = all_to_one(WEIGHT_UNITS);
            if shape.scale.is_some() {
                shares.amounts = all_to_one(amount);
            }
            return Ok(shares);
        }
        let milestones: Vec<Option<i64>> = (0..self.milestones).map(|m| self.batch.milestone(m, self.row)).collect();
        weigh(rule, self.touches, self.at, &milestones, numerators);
        if let Rule::Participation = rule {
            let whole = |of: i64| numerators.iter().map(|met| if *met == 0 { 0 } else { of }).collect();
            shares.weights = whole(WEIGHT_UNITS);
            shares.amounts = shape.scale.map(|_| whole(amount)).unwrap_or_default();
            return Ok(shares);
        }
        apportion(WEIGHT_UNITS, numerators, scratch, &mut shares.weights);
        if let Some(scale) = shape.scale {
            let unit = self.batch.smallest_unit(self.row, scale, amount);
            apportion(amount / unit, numerators, scratch, &mut shares.amounts);
            if unit != 1 {
                shares.amounts.iter_mut().for_each(|share| *share *= unit);
            }
        }
        Ok(shares)
    }
}

fn number(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
