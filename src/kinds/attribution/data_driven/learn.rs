//! The first pass of data-driven models: all journeys → counts of steps and of sets of channels.
//!
//! ```text
//! in    the stream of the ledger, journeys without a conversion included
//! out   model │ kind │ state │ next │ hits │ total      as many as there are different ones
//! ```
//!
//! Repeats of a channel one after the other count as one unless a chain keeps them: they change no removal effect
//! of order 1, and fill the longer states with nothing but themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::super::batch::{Batch, Seen};
use super::super::model_spec::Repeats;
use super::super::models::{Chain, Learns, Model};
use super::super::operator::JourneyWalk;
use super::super::weights::{NO_CHANNEL, Touch};
use super::super::window::Window;
use super::Channels;
use crate::engine::entity::{EntityAlgorithm, EntityState};
use crate::error::Result;

/// Stands between the channels of a state and of a set.
pub(super) const BETWEEN: &str = "\u{1f}";
/// `kind` of a step of a chain; then `next` is a channel, or one of the two ends.
pub(super) const STEP: &str = "step";
/// `kind` of a set of channels; `hits` of its `total` journeys converted.
pub(super) const SET: &str = "set";
/// `kind` of a place; `state` is the channel, `next` the place, and the credit of each of `total` touches
/// is one divided by `hits`.
pub(super) const PLACE: &str = "place";
/// `next` of a step to a conversion.
pub(super) const CONVERSION: &str = "\u{1e}conversion";
/// `next` of a step to the end without one.
pub(super) const NOTHING: &str = "\u{1e}nothing";

/// Counts what models learn from; see the module's text.
#[derive(Debug)]
pub(in super::super) struct Counting {
    pub(in super::super) walk: JourneyWalk,
    /// Whether an entity's touches after its last conversion are a journey that did not convert.
    pub(in super::super) trailing: bool,
}

/// The columns that [`Counting`] makes.
pub(super) fn schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    let number = |name: &str| Field::new(name, DataType::Int64, false);
    let fields = vec![text("model"), text("kind"), text("state"), text("next"), number("hits"), number("total")];
    Arc::new(Schema::new(fields))
}

impl EntityAlgorithm for Counting {
    fn name(&self) -> &'static str {
        "AttributionCounts"
    }

    fn output_schema(&self) -> SchemaRef {
        schema()
    }

    fn start(&self) -> Box<dyn EntityState> {
        Box::new(State {
            shape: Arc::clone(&self.walk.shape),
            milestones: self.walk.milestones,
            judged: self.walk.judged,
            trailing: self.trailing,
            models: self.walk.models.iter().filter(|model| model.learns.is_some()).cloned().collect(),
            window: Window::new(self.walk.reach),
            channels: Channels::default(),
            last: None,
            converted_at: None,
            counts: BTreeMap::new(),
        })
    }
}

/// Model, kind, state and next, hits.
type Key = (usize, &'static str, Vec<u32>, Vec<u32>, i64);

struct State {
    shape: Arc<super::super::emit::Shape>,
    milestones: usize,
    judged: bool,
    trailing: bool,
    models: Vec<Model>,
    window: Window,
    channels: Channels,
    last: Option<Seen>,
    /// The last conversion of the entity at hand.
    converted_at: Option<i64>,
    counts: BTreeMap<Key, i64>,
}

/// Ends of a journey, as numbers of channels that no channel has.
const CONVERTED: u32 = u32::MAX - 1;
const ENDED: u32 = u32::MAX - 2;

impl EntityState for State {
    fn push(&mut self, batch: &RecordBatch) -> Result<Option<RecordBatch>> {
        if batch.num_rows() == 0 {
            return Ok(None);
        }
        let (reach, last) = (self.window.reach(), self.last.as_ref());
        let batch = Batch::new(batch, &self.shape, self.milestones, self.judged, reach, last)?;
        for row in 0..batch.rows() {
            self.row(&batch, row)?;
        }
        self.window.leave(&[])?;
        self.last = Some(batch.seen()?);
        Ok(None)
    }

    fn finish(&mut self) -> Result<Option<RecordBatch>> {
        self.end_entity();
        Ok(Some(self.table()?))
    }

    fn held_bytes(&self) -> usize {
        // Four lists and two numbers for each count, and the map's own room.
        self.window.held_bytes() + self.counts.len() * 160
    }
}

impl State {
    fn row(&mut self, batch: &Batch, row: usize) -> Result<()> {
        if batch.begins(row) {
            self.end_entity();
            self.window.clear();
        }
        let at = batch.at(row);
        if batch.is_conversion(row) {
            self.window.look_back(at);
            let (touches, _) = self.window.journey();
            let journey: Vec<Touch> = touches.to_vec();
            self.journey(&journey, batch.has_converted(row));
            self.converted_at = Some(at);
        } else {
            let channel = self.channels.number(batch.channel(row));
            let touch = Touch { at, direct: batch.is_direct(row), merged: 0, channel };
            self.window.push(touch, u32::try_from(row).unwrap_or(u32::MAX), batch.told(row))?;
        }
        Ok(())
    }

    /// What comes after an entity's last conversion has not converted.
    fn end_entity(&mut self) {
        let after = self.converted_at.take();
        if !self.trailing {
            return;
        }
        self.window.settle();
        let (touches, _) = self.window.journey();
        let rest: Vec<Touch> =
            touches.iter().filter(|touch| after.is_none_or(|after| touch.at > after)).copied().collect();
        self.journey(&rest, false);
    }

    fn journey(&mut self, touches: &[Touch], converted: bool) {
        if touches.is_empty() {
            return;
        }
        for number in 0..self.models.len() {
            match self.models.get(number).and_then(|model| model.learns) {
                Some(Learns::Markov(chain)) => self.steps(number, chain, touches, converted),
                Some(Learns::ShapleyRate { ordered } | Learns::ShapleyConversions { ordered }) => {
                    self.set(number, touches, converted, ordered);
                }
                None => {}
            }
        }
    }

    fn steps(&mut self, model: usize, chain: Chain, touches: &[Touch], converted: bool) {
        let mut state: Vec<u32> = Vec::new();
        let mut before = NO_CHANNEL;
        for touch in touches {
            if touch.channel == before && chain.repeats == Repeats::Collapse {
                continue;
            }
            before = touch.channel;
            *self.counts.entry((model, STEP, state.clone(), vec![touch.channel], 0)).or_default() += 1;
            state.push(touch.channel);
            if state.len() > usize::from(chain.order) {
                state.remove(0);
            }
        }
        let end = if converted { CONVERTED } else { ENDED };
        *self.counts.entry((model, STEP, state, vec![end], 0)).or_default() += 1;
    }

    fn set(&mut self, model: usize, touches: &[Touch], converted: bool, ordered: bool) {
        let mut uses: BTreeMap<u32, i64> = BTreeMap::new();
        touches.iter().for_each(|touch| *uses.entry(touch.channel).or_default() += 1);
        let set: Vec<u32> = uses.keys().copied().collect();
        let size = i64::try_from(set.len()).unwrap_or(i64::MAX);
        *self.counts.entry((model, SET, set, Vec::new(), i64::from(converted))).or_default() += 1;
        if !ordered || !converted {
            return;
        }
        for (place, touch) in (1u32..).zip(touches) {
            let parts = size.saturating_mul(uses.get(&touch.channel).copied().unwrap_or(1));
            *self.counts.entry((model, PLACE, vec![touch.channel], vec![place], parts)).or_default() += 1;
        }
    }

    fn table(&self) -> Result<RecordBatch> {
        let names = self.channels.names();
        let name = |number: &u32| match *number {
            CONVERTED => CONVERSION.to_string(),
            ENDED => NOTHING.to_string(),
            number => names.get(number as usize).cloned().unwrap_or_default(),
        };
        let joined = |numbers: &[u32]| {
            let texts: BTreeSet<String> = numbers.iter().map(name).collect();
            texts.into_iter().collect::<Vec<_>>().join(BETWEEN)
        };
        let path = |numbers: &[u32]| numbers.iter().map(name).collect::<Vec<_>>().join(BETWEEN);
        let rows = || self.counts.iter();
        let model = |key: &Key| self.models.get(key.0).map(|model| model.name.clone()).unwrap_or_default();
        let state = |key: &Key| if key.1 == SET { joined(&key.2) } else { path(&key.2) };
        let next = |key: &Key| if key.1 == PLACE { key.3.first().map_or(0, |n| *n).to_string() } else { path(&key.3) };
        let hits = |key: &Key, count: i64| match key.1 {
            SET => key.4 * count,
            PLACE => key.4,
            _ => count,
        };
        let texts = |of: &dyn Fn(&Key) -> String| StringArray::from_iter_values(rows().map(|(key, _)| of(key)));
        Ok(RecordBatch::try_new(
            schema(),
            vec![
                Arc::new(texts(&model)),
                Arc::new(texts(&|key| key.1.to_string())),
                Arc::new(texts(&state)),
                Arc::new(texts(&next)),
                Arc::new(Int64Array::from_iter_values(rows().map(|(key, count)| hits(key, *count)))),
                Arc::new(Int64Array::from_iter_values(rows().map(|(_, count)| *count))),
            ],
        )?)
    }
}
