//! What a model's page in the dictionary shows of the rows that a run has made: a worked example, a
//! picture of its weights.
//!
//! An [`Exhibitor`] asks for rows in turn, each question knowing the answers before it, and makes an
//! [`Exhibit`] of them: plain words and numbers, which the release record keeps and the dictionary
//! lays out. Exhibits are read by people who may not see the rows. No column with a class of personal
//! data may go into one; who makes an exhibit holds to that.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use chrono::DateTime;
use datafusion::logical_expr::LogicalPlan;
use serde::{Deserialize, Serialize};

use super::Scope;
use crate::error::Result;

/// Something that a page shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exhibit {
    /// What it is headed.
    pub title: String,
    /// Paragraphs before the picture and the tables; what stands between backticks is code.
    pub text: Vec<String>,
    /// A picture of numbers.
    #[serde(default)]
    pub chart: Option<Chart>,
    /// Tables, one below the other.
    #[serde(default)]
    pub tables: Vec<ExhibitTable>,
    /// Paragraphs after the tables.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// A table of an exhibit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExhibitTable {
    /// What it shows.
    pub caption: String,
    /// Its columns.
    pub columns: Vec<ExhibitColumn>,
    /// Its rows, a text for each column.
    pub rows: Vec<Vec<String>>,
}

/// A column of such a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExhibitColumn {
    /// Its heading.
    pub title: String,
    /// Whether it holds numbers, which stand at the right.
    pub numeric: bool,
}

/// Bars to both sides of zero.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chart {
    /// What it shows.
    pub caption: String,
    /// What bars to the left speak for.
    pub less: String,
    /// What bars to the right speak for.
    pub more: String,
    /// Bars that belong together.
    pub groups: Vec<ChartGroup>,
}

/// Bars under one heading.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChartGroup {
    /// The heading.
    pub title: String,
    /// The bars, from top to bottom.
    pub bars: Vec<Bar>,
}

/// One bar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bar {
    /// What it stands for.
    pub label: String,
    /// How long it is, in a unit that all bars of the chart share; to the left where below 0.
    pub value: i64,
    /// The value as it is read.
    pub shown: String,
}

/// The rows that answer a question.
pub type Answer = Vec<RecordBatch>;

/// Makes an [`Exhibit`] of the finished tables of a model.
pub trait Exhibitor: Send + Sync {
    /// What to read next, given the answers to all questions before; nothing where everything is known.
    /// A question reads few rows: it is asked in every run.
    fn question(&self, scope: &Scope<'_>, answers: &[Answer]) -> Result<Option<LogicalPlan>>;

    /// What the answers show; nothing where there is nothing to show.
    fn exhibit(&self, answers: &[Answer]) -> Result<Option<Exhibit>>;
}

impl ExhibitTable {
    /// A table without rows; the columns of `numeric` hold numbers.
    pub fn new(caption: impl Into<String>, columns: impl IntoIterator<Item = (String, bool)>) -> Self {
        let columns = columns.into_iter().map(|(title, numeric)| ExhibitColumn { title, numeric }).collect();
        Self { caption: caption.into(), columns, rows: Vec::new() }
    }
}

/// An answer in one piece; nothing where it has no rows.
pub fn whole(answer: Option<&Answer>) -> Result<Option<RecordBatch>> {
    let Some((answer, first)) = answer.and_then(|answer| Some((answer, answer.first()?))) else { return Ok(None) };
    let rows = concat_batches(&first.schema(), answer)?;
    Ok((rows.num_rows() > 0).then_some(rows))
}

/// A decimal of so many places, its thousands set apart: `-12,000.50`.
pub fn decimal(value: i128, scale: i8) -> String {
    let scale = usize::try_from(scale).unwrap_or(0);
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, part) = digits.split_at(digits.len() - scale);
    let mut text = String::from(if value < 0 { "-" } else { "" });
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if !part.is_empty() {
        text.push('.');
        text.push_str(part);
    }
    text
}

/// An instant in UTC microseconds, written as `format` says.
pub fn instant(micros: i64, format: &str) -> String {
    DateTime::from_timestamp_micros(micros).map_or_else(String::new, |at| at.format(format).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_written_to_the_last_place() {
        for (value, scale, text) in [
            (0, 2, "0.00"),
            (5, 2, "0.05"),
            (-5, 2, "-0.05"),
            (1_200_000, 2, "12,000.00"),
            (-123_456_789, 3, "-123,456.789"),
            (999, 0, "999"),
            (1_000, 0, "1,000"),
        ] {
            assert_eq!(decimal(value, scale), text);
        }
    }

    #[test]
    fn instants_are_utc() {
        assert_eq!(instant(0, "%Y-%m-%d %H:%M"), "1970-01-01 00:00");
        assert_eq!(instant(i64::MAX, "%Y"), "", "out of the calendar's reach");
    }
}
