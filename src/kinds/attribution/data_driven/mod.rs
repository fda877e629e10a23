//! What data-driven models learn from all journeys, and how it comes back to the touches.

mod learn;
mod markov;
mod shapley;
mod solve;

pub(super) use learn::Counting;
pub(super) use shapley::{EXACT_CHANNELS, ORDERS};
pub(super) use solve::Solving;

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;

use super::models::{Learns, Model};
use super::weights::{ByChannel, Rule};
use crate::error::{Error, Result};

/// Channels by number.
#[derive(Debug, Clone, Default)]
pub(super) struct Channels {
    numbers: BTreeMap<String, u32>,
}

impl Channels {
    /// The number of a channel; a new one for a channel not seen before.
    pub(super) fn number(&mut self, channel: &str) -> u32 {
        if let Some(number) = self.numbers.get(channel) {
            return *number;
        }
        let number = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        self.numbers.insert(channel.to_string(), number);
        number
    }

    /// The channels in the order of their numbers.
    fn names(&self) -> Vec<String> {
        let mut known: Vec<(&u32, &String)> = self.numbers.iter().map(|(name, number)| (number, name)).collect();
        known.sort();
        known.into_iter().map(|(_, name)| name.clone()).collect()
    }
}

/// The effects of channels, by model.
#[derive(Debug, Clone, Default)]
pub(super) struct Learned {
    effects: BTreeMap<String, Vec<u64>>,
    channels: Channels,
}

impl Learned {
    /// Reads the columns `model`, `channel`, `effect_units`.
    pub(super) fn read(batches: &[RecordBatch]) -> Result<Self> {
        let mut rows: Vec<(String, String, u64)> = Vec::new();
        for batch in batches {
            let text = |name: &str| -> Result<arrow::array::StringArray> {
                let column = batch.column_by_name(name).ok_or_else(misfit)?;
                Ok(arrow::compute::cast(column, &arrow::datatypes::DataType::Utf8)?.as_string::<i32>().clone())
            };
            let (models, channels) = (text("model")?, text("channel")?);
            // Rows by place have no units: they say the same once more.
            let units = batch.column_by_name("effect_units").and_then(|c| c.as_primitive_opt::<Int64Type>());
            let units = units.ok_or_else(misfit)?;
            for row in (0..batch.num_rows()).filter(|row| units.is_valid(*row)) {
                let effect = u64::try_from(units.value(row)).unwrap_or(0);
                rows.push((models.value(row).to_string(), channels.value(row).to_string(), effect));
            }
        }
        rows.sort();
        let mut learned = Self::default();
        rows.iter().for_each(|(_, channel, _)| {
            learned.channels.number(channel);
        });
        for (model, channel, effect) in rows {
            let number = learned.channels.number(&channel) as usize;
            let effects = learned.effects.entry(model).or_default();
            if effects.len() <= number {
                effects.resize(number + 1, 0);
            }
            effects.get_mut(number).into_iter().for_each(|known| *known = effect);
        }
        Ok(learned)
    }

    /// How a model weighs with what was learned.
    pub(super) fn rule(&self, model: &Model) -> Rule {
        match model.learns {
            Some(Learns::Markov(_) | Learns::ShapleyRate { .. }) => {
                let effects = self.effects.get(&model.name).cloned().unwrap_or_default();
                Rule::ByChannel(ByChannel { effects: Some(effects) })
            }
            _ => model.rule.clone(),
        }
    }

    /// The channels by the numbers that effects have.
    pub(super) fn channels(&self) -> Channels {
        self.channels.clone()
    }
}

fn misfit() -> Error {
    Error::internal("effects with other columns than a ledger reads")
}
