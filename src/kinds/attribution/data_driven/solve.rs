//! The second pass of data-driven models: counts → the effects of channels.
//!
//! ```text
//! in    model │ kind │ state │ next │ hits │ total       model by model
//! out   model │ channel │ place │ effect │ is_below_zero │ effect_units │ credits │ journeys
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};

use super::super::models::{Learns, Model};
use super::learn::{BETWEEN, CONVERSION, NOTHING, PLACE, SET, STEP};
use super::markov::{Next, Steps};
use super::shapley::Sets;
use crate::engine::entity::{EntityAlgorithm, EntityState};
use crate::error::{Context as _, Error, Result};

/// The effects of all channels together are so many units: the grid on which credit is shared, so that
/// no cent depends on the last bits of a float.
pub(super) const UNITS: f64 = (1u64 << 36) as f64;

/// Solves each model's chain or game.
#[derive(Debug)]
pub(in super::super) struct Solving {
    pub(in super::super) models: Vec<Model>,
}

/// The columns that [`Solving`] makes.
fn schema() -> SchemaRef {
    let field = |name: &str, ty, nullable| Field::new(name, ty, nullable);
    Arc::new(Schema::new(vec![
        field("model", DataType::Utf8, false),
        field("channel", DataType::Utf8, false),
        field("place", DataType::Int32, true),
        field("effect", DataType::Float64, false),
        field("is_below_zero", DataType::Boolean, false),
        field("effect_units", DataType::Int64, true),
        field("credits", DataType::Float64, false),
        field("journeys", DataType::Int64, false),
    ]))
}

impl EntityAlgorithm for Solving {
    fn name(&self) -> &'static str {
        "AttributionEffects"
    }

    fn output_schema(&self) -> SchemaRef {
        schema()
    }

    fn start(&self) -> Box<dyn EntityState> {
        Box::new(State { models: self.models.clone(), counts: BTreeMap::new() })
    }
}

/// Kind, state and next, hits, total.
type Count = (String, String, String, i64, i64);

struct State {
    models: Vec<Model>,
    counts: BTreeMap<String, Vec<Count>>,
}

/// One row that is made.
struct Effect {
    channel: String,
    place: Option<i32>,
    effect: f64,
    units: Option<i64>,
    credits: f64,
}

impl EntityState for State {
    fn push(&mut self, batch: &RecordBatch) -> Result<Option<RecordBatch>> {
        let text = |name: &str| -> Result<StringArray> {
            let column = batch.column_by_name(name).ok_or_else(misfit)?;
            Ok(cast(column, &DataType::Utf8)?.as_string::<i32>().clone())
        };
        let number = |name: &str| -> Result<Int64Array> {
            let column = batch.column_by_name(name).ok_or_else(misfit)?;
            Ok(column.as_primitive_opt::<Int64Type>().ok_or_else(misfit)?.clone())
        };
        let (models, kinds, states, nexts) = (text("model")?, text("kind")?, text("state")?, text("next")?);
        let (hits, totals) = (number("hits")?, number("total")?);
        for row in 0..batch.num_rows() {
            let [kind, state, next] = [&kinds, &states, &nexts].map(|texts| texts.value(row).to_string());
            let count = (kind, state, next, hits.value(row), totals.value(row));
            self.counts.entry(models.value(row).to_string()).or_default().push(count);
        }
        Ok(None)
    }

    fn finish(&mut self) -> Result<Option<RecordBatch>> {
        let mut rows: Vec<(String, Effect)> = Vec::new();
        let mut journeys: Vec<i64> = Vec::new();
        for (name, mut counts) in std::mem::take(&mut self.counts) {
            counts.sort();
            let learns = self.models.iter().find(|model| model.name == name).and_then(|model| model.learns);
            let effects = match learns {
                Some(Learns::Markov(chain)) => markov(usize::from(chain.order), &counts),
                Some(Learns::ShapleyConversions { .. }) => Ok(shapley(&counts, false)),
                Some(Learns::ShapleyRate { .. }) => Ok(shapley(&counts, true)),
                None => Ok(Vec::new()),
            };
            let effects = effects.while_doing(|| format!("model `{name}` of the attribution"))?;
            journeys.extend(std::iter::repeat_n(all_journeys(&counts), effects.len()));
            rows.extend(effects.into_iter().map(|effect| (name.clone(), effect)));
        }
        let (rows, of) = (&rows, |pick: fn(&Effect) -> f64| {
            Float64Array::from_iter_values(rows.iter().map(move |row| pick(&row.1)))
        });
        Ok(Some(RecordBatch::try_new(
            schema(),
            vec![
                Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.0))),
                Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.1.channel))),
                Arc::new(rows.iter().map(|row| row.1.place).collect::<Int32Array>()),
                Arc::new(of(|row| row.effect)),
                Arc::new(rows.iter().map(|row| Some(row.1.effect < 0.0)).collect::<BooleanArray>()),
                Arc::new(rows.iter().map(|row| row.1.units).collect::<Int64Array>()),
                Arc::new(of(|row| row.credits)),
                Arc::new(Int64Array::from(journeys)),
            ],
        )?))
    }

    fn held_bytes(&self) -> usize {
        let counts = self.counts.values().flatten();
        counts.map(|count| 120 + count.0.len() + count.1.len() + count.2.len()).sum()
    }
}

/// Every journey ends once, or has one set.
fn all_journeys(counts: &[Count]) -> i64 {
    let ends = |(kind, _, next, _, _): &&Count| {
        kind == SET || (kind == STEP && [CONVERSION, NOTHING].contains(&next.as_str()))
    };
    counts.iter().filter(ends).map(|(_, _, _, _, total)| total).sum()
}

fn split(state: &str) -> impl Iterator<Item = String> {
    state.split(BETWEEN).filter(|part| !part.is_empty()).map(str::to_string)
}

fn markov(order: usize, counts: &[Count]) -> Result<Vec<Effect>> {
    let mut steps = Steps::new(order);
    for (kind, state, next, _, total) in counts {
        let next = match next.as_str() {
            CONVERSION => Next::Conversion,
            NOTHING => Next::Nothing,
            channel => Next::Channel(channel.to_string()),
        };
        if kind == STEP {
            steps.add(split(state).collect(), next, *total);
        }
    }
    Ok(shared(steps.removal_effects()?, steps.conversions() as f64))
}

fn shapley(counts: &[Count], by_rate: bool) -> Vec<Effect> {
    let mut sets = Sets::default();
    let mut places: BTreeMap<(String, i32), f64> = BTreeMap::new();
    for (kind, state, next, hits, total) in counts {
        match kind.as_str() {
            SET => sets.add(split(state).collect::<BTreeSet<String>>(), *hits, *total),
            PLACE => {
                let place = next.parse().unwrap_or(0);
                *places.entry((state.clone(), place)).or_default() += *total as f64 / (*hits).max(1) as f64;
            }
            _ => {}
        }
    }
    let conversions = sets.conversions() as f64;
    let values = if by_rate { sets.of_rate() } else { sets.of_conversions() };
    let mut effects = shared(values, conversions);
    effects.extend(places.into_iter().map(|((channel, place), credits)| Effect {
        channel,
        place: Some(place),
        effect: credits,
        units: None,
        credits,
    }));
    effects
}

/// Effects with their units, and the conversions that they stand for in all.
fn shared(effects: Vec<(String, f64)>, conversions: f64) -> Vec<Effect> {
    let sum: f64 = effects.iter().map(|(_, effect)| effect.max(0.0)).sum();
    let part = |effect: f64| if sum > 0.0 { effect.max(0.0) / sum } else { 0.0 };
    effects
        .into_iter()
        .map(|(channel, effect)| Effect {
            channel,
            place: None,
            effect,
            units: Some((part(effect) * UNITS).round() as i64),
            credits: part(effect) * conversions,
        })
        .collect()
}

fn misfit() -> Error {
    Error::internal("counts with other columns than effects are solved from")
}
