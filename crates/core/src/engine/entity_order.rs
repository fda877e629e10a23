//! The order of rows by several columns, ascending, NULLs last.
//!
//! ```text
//! column ─→ word    a number as it is; a text's first eight bytes after what all texts share
//! sort (word, row) │ in each run of one value: the same by the next column
//! ```
//!
//! A run of few rows, such as those of one person, is sorted by comparing; a run of many, such as those
//! of one segment, once more by words, since comparing would look at the same texts again and again. Leading columns
//! of few values are not sorted by at all: their rows are counted ([`super::entity_few`]).

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, AsArray, DynComparator, StringArray, StringViewArray, make_comparator};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Date32Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result as SqlResult, internal_err};

use super::entity_few::{Grouped, grouped};
use super::in_order::ASCENDING;

/// Runs of up to so many rows are sorted by comparing them.
const FEW_ROWS: usize = 32;

/// A row's number after the word that it is sorted by at the moment.
pub(super) type Row = (u64, u32);

/// Whether a column of that type is sorted by words.
pub(super) fn has_words(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Int32
            | DataType::Int64
            | DataType::Date32
            | DataType::Timestamp(TimeUnit::Microsecond, _)
            | DataType::Utf8
            | DataType::Utf8View
    )
}

/// The numbers of the rows of `whole` in the order of the columns that stand at `sorted`; rows that are alike
/// in all of them stay as they are.
pub(super) fn order(whole: &[ArrayRef], sorted: &[usize]) -> SqlResult<Vec<u32>> {
    let column = |at: &usize| whole.get(*at).map_or_else(|| internal_err!("a sort column is not there"), Ok);
    let keys = sorted.iter().map(|at| Key::of(column(at)?)).collect::<SqlResult<Vec<_>>>()?;
    let rows = whole.first().map_or(0, |column| column.len());
    let as_they_come =
        || Grouped { rows: (0..rows as u32).map(|row| (0, row)).collect(), counts: vec![rows], columns: 0 };
    let Grouped { mut rows, counts, columns } = grouped(rows, &keys).unwrap_or_else(as_they_come);
    let rest = keys.get(columns..).unwrap_or_default();
    let mut left = rows.as_mut_slice();
    for count in counts {
        let (run, others) = left.split_at_mut(count);
        sort(run, rest);
        left = others;
    }
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// Sorts rows, which stand in the order of their numbers, by these columns and then by their numbers.
fn sort(rows: &mut [Row], keys: &[Key<'_>]) {
    let Some((key, rest)) = keys.split_first() else { return };
    if rows.len() <= FEW_ROWS {
        rows.sort_unstable_by(|a, b| {
            let by_key = keys.iter().map(|key| key.compare(a.1, b.1));
            by_key.chain([a.1.cmp(&b.1)]).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        });
        return;
    }
    let valid = match &key.nulls {
        None => rows.len(),
        Some(nulls) => {
            rows.sort_by_key(|row| nulls.is_null(row.1 as usize));
            rows.partition_point(|row| nulls.is_valid(row.1 as usize))
        }
    };
    let (rows, without) = rows.split_at_mut(valid);
    sort(without, rest);
    if !key.set_words(rows) {
        return by_value(rows, key, rest);
    }
    rows.sort_unstable();
    for run in rows.chunk_by_mut(|a, b| a.0 == b.0).filter(|run| run.len() > 1) {
        if key.is_one_value(run) {
            sort(run, rest);
        } else {
            by_value(run, key, rest);
        }
    }
}

/// Sorts rows by comparing what has no words, or the same word, and each run of one value by the columns
/// that follow.
fn by_value(rows: &mut [Row], key: &Key<'_>, rest: &[Key<'_>]) {
    rows.sort_unstable_by(|a, b| key.compare(a.1, b.1).then(a.1.cmp(&b.1)));
    let runs = rows.chunk_by_mut(|a, b| key.compare(a.1, b.1).is_eq());
    runs.filter(|run| run.len() > 1).for_each(|run| sort(run, rest));
}

/// A column that rows are sorted by.
pub(super) struct Key<'a> {
    values: Values<'a>,
    nulls: Option<NullBuffer>,
}

enum Values<'a> {
    Wide(&'a [i64]),
    Narrow(&'a [i32]),
    Views(&'a StringViewArray),
    Plain(&'a StringArray),
    Other(DynComparator),
}

impl<'a> Key<'a> {
    fn of(column: &'a ArrayRef) -> SqlResult<Self> {
        let values = match column.data_type() {
            DataType::Int64 => Values::Wide(column.as_primitive::<Int64Type>().values()),
            DataType::Int32 => Values::Narrow(column.as_primitive::<Int32Type>().values()),
            DataType::Date32 => Values::Narrow(column.as_primitive::<Date32Type>().values()),
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                Values::Wide(column.as_primitive::<TimestampMicrosecondType>().values())
            }
            DataType::Utf8View => Values::Views(column.as_string_view()),
            DataType::Utf8 => Values::Plain(column.as_string()),
            _ => Values::Other(make_comparator(column, column, ASCENDING)?),
        };
        // A comparator knows of NULLs itself.
        let nulls = column.nulls().filter(|nulls| nulls.null_count() > 0 && !matches!(values, Values::Other(_)));
        Ok(Self { nulls: nulls.cloned(), values })
    }

    pub(super) fn is_null(&self, row: u32) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row as usize))
    }

    /// The row's number, where the column is of numbers.
    pub(super) fn number(&self, row: u32) -> Option<i64> {
        match &self.values {
            Values::Wide(values) => values.get(row as usize).copied(),
            Values::Narrow(values) => values.get(row as usize).copied().map(i64::from),
            _ => None,
        }
    }

    /// The row's text, where the column is of texts.
    pub(super) fn text(&self, row: u32) -> Option<&'a [u8]> {
        match &self.values {
            Values::Views(texts) => Some(texts.value(row as usize).as_bytes()),
            Values::Plain(texts) => Some(texts.value(row as usize).as_bytes()),
            _ => None,
        }
    }

    pub(super) fn compare(&self, a: u32, b: u32) -> Ordering {
        let (no_a, no_b) = (self.is_null(a), self.is_null(b));
        if no_a || no_b {
            return no_a.cmp(&no_b);
        }
        match &self.values {
            Values::Wide(_) | Values::Narrow(_) => self.number(a).cmp(&self.number(b)),
            Values::Views(_) | Values::Plain(_) => self.text(a).cmp(&self.text(b)),
            Values::Other(compare) => compare(a as usize, b as usize),
        }
    }

    /// Gives each row a word: less for lesser values, and equal for some texts that differ. False where
    /// values of the type have none.
    fn set_words(&self, rows: &mut [Row]) -> bool {
        match &self.values {
            Values::Other(_) => return false,
            // Numbers without a sign, in the same order.
            Values::Wide(_) | Values::Narrow(_) => {
                rows.iter_mut().for_each(|row| row.0 = (self.number(row.1).unwrap_or_default() as u64) ^ (1 << 63));
            }
            Values::Views(_) | Values::Plain(_) => {
                let shared = self.shared(rows);
                rows.iter_mut().for_each(|row| {
                    row.0 = word(self.text(row.1).and_then(|text| text.get(shared..)).unwrap_or_default())
                });
            }
        }
        true
    }

    /// How many bytes all these texts begin with.
    fn shared(&self, rows: &[Row]) -> usize {
        let first = rows.first().and_then(|row| self.text(row.1)).unwrap_or_default();
        rows.iter().fold(first.len(), |shared, row| {
            let (one, other) = (first.get(..shared).unwrap_or_default(), self.text(row.1).unwrap_or_default());
            if other.starts_with(one) { shared } else { one.iter().zip(other).take_while(|(a, b)| a == b).count() }
        })
    }

    /// Whether rows of one word have one value too.
    fn is_one_value(&self, run: &[Row]) -> bool {
        match (&self.values, run.first()) {
            (Values::Views(_) | Values::Plain(_), Some(first)) => {
                let first = self.text(first.1);
                run.iter().all(|row| self.text(row.1) == first)
            }
            _ => true,
        }
    }
}

/// The first eight bytes, filled up with zeros.
fn word(text: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
    u64::from_be_bytes(bytes)
}
