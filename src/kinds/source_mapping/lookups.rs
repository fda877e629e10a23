//! What the side tables say, read once before the first touch.

use std::collections::{BTreeMap, HashSet};

use arrow::array::RecordBatch;
use datafusion::common::hash_utils::RandomState;

use super::categories::Categories;
use super::rules::{RuleBook, clean};
use super::spec::Category;
use super::texts::each_text;
use crate::error::{Error, Result};

/// The side tables of a rule book, ready to be asked.
#[derive(Debug, Default)]
pub(super) struct Lookups {
    /// What sort of site sources are.
    pub(super) categories: Categories,
    /// Campaign → index into `channels`.
    pub(super) campaigns: BTreeMap<String, u32>,
    /// The channels that campaigns lead to, in byte order.
    pub(super) channels: Vec<String>,
    /// For each side table, its cleaned keys.
    pub(super) members: Vec<HashSet<String, RandomState>>,
}

impl Lookups {
    /// Reads the rows of the side tables: first column the key, second the value where there is one.
    pub(super) fn read(book: &RuleBook, tables: &[Vec<RecordBatch>]) -> Result<Self> {
        let mut lookups = Self { categories: Categories::built_in(), ..Self::default() };
        for (index, side) in book.sides.iter().enumerate() {
            let batches = tables.get(index).ok_or_else(|| Error::internal("a side table was not read"))?;
            let rows = rows(batches, side.value.is_some())?;
            if book.categories == Some(index) {
                let known =
                    rows.iter().filter_map(|(source, category)| Some((source.clone(), Category::parse(category)?)));
                lookups.categories = lookups.categories.with_table(known);
            }
            if book.campaigns == Some(index) {
                lookups.read_campaigns(&rows);
            }
            lookups.members.push(rows.into_iter().map(|(key, _)| key).collect());
        }
        Ok(lookups)
    }

    /// A campaign that is listed with several channels has the first of them in byte order, so
    /// that the order of the rows does not matter.
    fn read_campaigns(&mut self, rows: &[(String, String)]) {
        let mut chosen: BTreeMap<&str, &str> = BTreeMap::new();
        for (campaign, channel) in rows {
            let channel = channel.trim();
            if campaign.is_empty() || channel.is_empty() {
                continue;
            }
            let slot = chosen.entry(campaign).or_insert(channel);
            *slot = (*slot).min(channel);
        }
        let mut channels: Vec<&str> = chosen.values().copied().collect();
        channels.sort_unstable();
        channels.dedup();
        let index = |channel: &str| channels.binary_search(&channel).map_or(0, |index| index as u32);
        self.campaigns = chosen.iter().map(|(campaign, channel)| ((*campaign).to_string(), index(channel))).collect();
        self.channels = channels.into_iter().map(str::to_string).collect();
    }
}

/// Cleaned keys with their values; rows without a key are of no use.
fn rows(batches: &[RecordBatch], with_value: bool) -> Result<Vec<(String, String)>> {
    let mut rows = Vec::new();
    for batch in batches {
        let mut keys: Vec<Option<String>> = Vec::with_capacity(batch.num_rows());
        each_text(batch.column(0), |text| keys.push(text.map(clean)))?;
        let mut values: Vec<String> = Vec::with_capacity(batch.num_rows());
        match batch.columns().get(1).filter(|_| with_value) {
            Some(column) => each_text(column, |text| values.push(text.unwrap_or_default().to_string()))?,
            None => values.resize(batch.num_rows(), String::new()),
        }
        rows.extend(keys.into_iter().zip(values).filter_map(|(key, value)| Some((key?, value))));
    }
    Ok(rows)
}
