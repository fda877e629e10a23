//! What a table's rows look like, column by column, counted while they pass.
//!
//! A profile is read by people who may not see the rows, so it withholds before it shows: of a
//! personal column it tells the share of NULLs and nothing else, it names no value that fewer
//! than [`SMALLEST_GROUP`] rows share, and it gives no least or greatest text, which is one
//! row's value. Counts are exact; where a column has more than [`DISTINCT_CAP`] values they are no
//! longer told apart, so that a key costs no memory. Profiles are equal for equal rows, in
//! whatever order, batches or partitions they come.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use serde::{Deserialize, Serialize};

use super::tally::Tally;
use crate::contract::{ColumnType, Contract, Pii};
use crate::error::{Error, Result};
use crate::syntax::ColumnName;

/// How many values of a column are told apart.
pub const DISTINCT_CAP: usize = 10_000;
/// The fewest rows that may share a value which is shown.
pub const SMALLEST_GROUP: u64 = 5;
/// The most values a column may have for its frequent ones to be shown; beyond, it is an
/// identifier or free text.
pub const LOW_CARDINALITY: usize = 500;
/// How many frequent values are shown.
pub const TOP_VALUES: usize = 10;

/// What the last run found in a column.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// Rows of the table.
    pub rows: u64,
    /// Rows in which the column is NULL.
    pub nulls: u64,
    /// `nulls / rows`; 0 for an empty table.
    pub null_share: f64,
    /// How many different values there are.
    pub distinct: Option<Distinct>,
    /// The least value of a number, a date or an instant (RFC 3339).
    pub min: Option<String>,
    /// The greatest value of a number, a date or an instant (RFC 3339).
    pub max: Option<String>,
    /// The most frequent values of a text or boolean column, most frequent first, ties by value.
    pub top: Vec<TopValue>,
    /// Why the profile tells less than it could.
    pub withheld: Option<Withheld>,
}

/// A number of different values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distinct {
    /// The number, or [`DISTINCT_CAP`] where there are more.
    pub count: u64,
    /// Whether `count` is the number; otherwise there are more than `count`.
    pub exact: bool,
}

/// A value and its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopValue {
    /// The value as text.
    pub value: String,
    /// Rows that hold it.
    pub rows: u64,
}

/// Why a profile tells only the share of NULLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Withheld {
    /// The column is personal.
    Personal,
    /// Fewer than [`SMALLEST_GROUP`] rows have a value.
    FewRows,
}

/// Counts batches of a table into one profile a column.
#[derive(Debug)]
pub struct ProfileBuilder {
    rows: u64,
    columns: Vec<Counted>,
}

#[derive(Debug)]
struct Counted {
    name: ColumnName,
    ty: ColumnType,
    personal: bool,
    nulls: u64,
    tally: Tally,
}

impl ProfileBuilder {
    /// A builder for the columns of a contract.
    pub fn new(contract: &Contract) -> Self {
        let columns = contract.columns.iter().map(|c| {
            let personal = c.pii != Pii::None;
            let tally = if personal { Tally::Hidden } else { Tally::of(c.ty) };
            Counted { name: c.name.clone(), ty: c.ty, personal, nulls: 0, tally }
        });
        Self { rows: 0, columns: columns.collect() }
    }

    /// Counts a batch. Its columns are found by name; dictionaries and types that are narrower
    /// than the contract's are taken as they are.
    ///
    /// # Errors
    /// An internal error where a column is missing or has a type that the contract's cannot hold.
    pub fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        for column in &mut self.columns {
            let array = batch
                .column_by_name(column.name.as_str())
                .ok_or_else(|| Error::internal(format!("a batch to be profiled has no column `{}`", column.name)))?;
            column.nulls += array.logical_null_count() as u64;
            column.tally.add(array, column.ty)?;
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Adds what another builder of the same contract has counted: one builder for each partition,
    /// merged at the end.
    ///
    /// # Errors
    /// An internal error where the other builder is of another contract.
    pub fn merge(&mut self, other: Self) -> Result<()> {
        if self.columns.len() != other.columns.len() {
            return Err(Error::internal("profiles of different tables cannot be merged"));
        }
        self.rows += other.rows;
        for (mine, theirs) in self.columns.iter_mut().zip(other.columns) {
            mine.nulls += theirs.nulls;
            mine.tally.merge(theirs.tally)?;
        }
        Ok(())
    }

    /// How many rows have no value, by column.
    pub fn nulls(&self) -> BTreeMap<ColumnName, u64> {
        self.columns.iter().map(|column| (column.name.clone(), column.nulls)).collect()
    }

    /// Rows by value, that of no value first, of the text columns of few values that are not personal.
    pub fn texts(&self) -> BTreeMap<ColumnName, Vec<(Option<String>, u64)>> {
        let of = |column: &Counted| {
            let values = column.tally.texts()?.into_iter().map(|(text, rows)| (Some(text.to_string()), rows));
            let none = (column.nulls > 0).then_some((None, column.nulls));
            Some((column.name.clone(), none.into_iter().chain(values).collect()))
        };
        self.columns.iter().filter_map(of).collect()
    }

    /// The profiles, in the order of the contract's columns.
    pub fn finish(self) -> Vec<ColumnProfile> {
        let rows = self.rows;
        self.columns.into_iter().map(|c| c.finish(rows)).collect()
    }
}

impl Counted {
    fn finish(self, rows: u64) -> ColumnProfile {
        // A ratio for display only; nothing is decided by it.
        let null_share = if rows == 0 { 0.0 } else { self.nulls as f64 / rows as f64 };
        let plain = ColumnProfile { rows, nulls: self.nulls, null_share, ..ColumnProfile::default() };
        if self.personal {
            return ColumnProfile { withheld: Some(Withheld::Personal), ..plain };
        }
        let values = rows.saturating_sub(self.nulls);
        if values < SMALLEST_GROUP {
            let withheld = (values > 0).then_some(Withheld::FewRows);
            return ColumnProfile { withheld, ..plain };
        }
        let (min, max) = self.tally.range(self.ty).unzip();
        ColumnProfile { distinct: self.tally.distinct(), min, max, top: self.tally.top(), ..plain }
    }
}
