//! Counting one column: distinct values up to a cap, the range of what is ordered, frequent text.

use std::cmp::Reverse;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, PrimitiveArray};
use arrow::compute;
use arrow::datatypes::{
    ArrowNumericType, Date32Type, Decimal128Type, DecimalType, Float64Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use arrow::temporal_conversions::{date32_to_datetime, timestamp_us_to_datetime};
use datafusion::common::HashSet;

use super::profile::{DISTINCT_CAP, Distinct, LOW_CARDINALITY, SMALLEST_GROUP, TOP_VALUES, TopValue};
use super::texts::{Texts, add_text, merge_texts};
use crate::contract::ColumnType;
use crate::error::{Error, Result};

/// What has been counted of one column.
#[derive(Debug)]
pub(super) enum Tally {
    /// Nothing: the column is personal.
    Hidden,
    /// Rows by value; `None` once there are too many values.
    Text(Option<Texts>),
    /// Rows that are true and rows that are false.
    Boolean { yes: u64, no: u64 },
    /// Integers, decimals, dates and instants as their whole number.
    Whole { seen: Option<HashSet<i128>>, range: Option<(i128, i128)> },
    /// Floats; `seen` holds bits, with one zero and one NaN. NaN has no place in the range.
    Double { seen: Option<HashSet<u64>>, range: Option<(f64, f64)> },
}

impl Tally {
    /// An empty tally for a type.
    pub(super) fn of(ty: ColumnType) -> Self {
        match ty {
            ColumnType::Text => Self::Text(Some(Texts::default())),
            ColumnType::Boolean => Self::Boolean { yes: 0, no: 0 },
            ColumnType::Double => Self::Double { seen: Some(HashSet::default()), range: None },
            ColumnType::Int
            | ColumnType::BigInt
            | ColumnType::Decimal(..)
            | ColumnType::Date
            | ColumnType::Timestamp => Self::Whole { seen: Some(HashSet::default()), range: None },
        }
    }

    /// Counts the values of an array; NULLs are the caller's.
    pub(super) fn add(&mut self, array: &ArrayRef, ty: ColumnType) -> Result<()> {
        match self {
            Self::Hidden | Self::Text(None) => Ok(()),
            Self::Text(texts) => add_text(texts, array),
            Self::Boolean { yes, no } => {
                let array = typed(array, ty)?;
                count_booleans(array.as_boolean(), yes, no);
                Ok(())
            }
            Self::Double { seen, range } => {
                let array = typed(array, ty)?;
                add_doubles(seen, range, array.as_primitive::<Float64Type>());
                Ok(())
            }
            Self::Whole { seen, range } => add_whole(seen, range, &typed(array, ty)?, ty),
        }
    }

    /// Adds what another tally of the same type has counted.
    pub(super) fn merge(&mut self, other: Self) -> Result<()> {
        match (self, other) {
            (Self::Hidden, Self::Hidden) => {}
            (Self::Text(mine), Self::Text(theirs)) => merge_texts(mine, theirs),
            (Self::Boolean { yes, no }, Self::Boolean { yes: more_yes, no: more_no }) => {
                *yes += more_yes;
                *no += more_no;
            }
            (Self::Whole { seen, range }, Self::Whole { seen: other_seen, range: other_range }) => {
                merge_seen(seen, other_seen);
                widen(range, other_range, i128::min, i128::max);
            }
            (Self::Double { seen, range }, Self::Double { seen: other_seen, range: other_range }) => {
                merge_seen(seen, other_seen);
                widen(range, other_range, f64::min, f64::max);
            }
            _ => return Err(Error::internal("profiles of different columns cannot be merged")),
        }
        Ok(())
    }

    /// How many different values there are.
    pub(super) fn distinct(&self) -> Option<Distinct> {
        let counted = match self {
            Self::Hidden => return None,
            Self::Text(texts) => texts.as_ref().map(Texts::len),
            Self::Boolean { yes, no } => Some(usize::from(*yes > 0) + usize::from(*no > 0)),
            Self::Whole { seen, .. } => seen.as_ref().map(HashSet::len),
            Self::Double { seen, .. } => seen.as_ref().map(HashSet::len),
        };
        Some(match counted {
            Some(count) => Distinct { count: count as u64, exact: true },
            None => Distinct { count: DISTINCT_CAP as u64, exact: false },
        })
    }

    /// The least and the greatest value as text, where values are ordered and no text.
    pub(super) fn range(&self, ty: ColumnType) -> Option<(String, String)> {
        match self {
            Self::Hidden | Self::Text(_) | Self::Boolean { .. } => None,
            Self::Whole { range, .. } => {
                range.and_then(|(low, high)| Some((whole_text(low, ty)?, whole_text(high, ty)?)))
            }
            Self::Double { range, .. } => range.map(|(low, high)| (double_text(low), double_text(high))),
        }
    }

    /// All values of a text column with their rows, where there are few.
    pub(super) fn texts(&self) -> Option<Vec<(&str, u64)>> {
        match self {
            Self::Text(Some(texts)) if texts.len() <= LOW_CARDINALITY => texts.all(),
            _ => None,
        }
    }

    /// The frequent values; none for a column of many values.
    pub(super) fn top(&self) -> Vec<TopValue> {
        match self {
            Self::Text(Some(texts)) if texts.len() <= LOW_CARDINALITY => texts.top(),
            // Of two values, the rarer one's rows follow from the other's: both or none.
            Self::Boolean { yes, no } if [*yes, *no].iter().all(|n| *n == 0 || *n >= SMALLEST_GROUP) => {
                ranked(vec![("true".to_string(), *yes), ("false".to_string(), *no)])
            }
            _ => Vec::new(),
        }
    }
}

/// The values that enough rows share, most frequent first, ties by value.
pub(super) fn ranked(mut values: Vec<(String, u64)>) -> Vec<TopValue> {
    values.retain(|(_, rows)| *rows >= SMALLEST_GROUP);
    values.sort_by(|a, b| (Reverse(a.1), &a.0).cmp(&(Reverse(b.1), &b.0)));
    values.truncate(TOP_VALUES);
    values.into_iter().map(|(value, rows)| TopValue { value, rows }).collect()
}

/// The array in the contract's type; an array that has it already is not copied.
fn typed(array: &ArrayRef, ty: ColumnType) -> Result<ArrayRef> {
    let wanted = ty.arrow();
    if *array.data_type() == wanted {
        return Ok(array.clone());
    }
    Ok(compute::cast(array, &wanted)?)
}

fn count_booleans(array: &BooleanArray, yes: &mut u64, no: &mut u64) {
    let valid = (array.len() - array.null_count()) as u64;
    let trues = array.true_count() as u64;
    *yes += trues;
    *no += valid - trues;
}

fn add_whole(
    seen: &mut Option<HashSet<i128>>,
    range: &mut Option<(i128, i128)>,
    array: &ArrayRef,
    ty: ColumnType,
) -> Result<()> {
    match ty {
        ColumnType::Int => add_primitive::<Int32Type>(seen, range, array),
        ColumnType::BigInt => add_primitive::<Int64Type>(seen, range, array),
        ColumnType::Date => add_primitive::<Date32Type>(seen, range, array),
        ColumnType::Timestamp => add_primitive::<TimestampMicrosecondType>(seen, range, array),
        ColumnType::Decimal(..) => add_primitive::<Decimal128Type>(seen, range, array),
        ColumnType::Text | ColumnType::Boolean | ColumnType::Double => {
            return Err(Error::internal(format!("a `{ty}` column is not counted in whole numbers")));
        }
    }
    Ok(())
}

fn add_primitive<T>(seen: &mut Option<HashSet<i128>>, range: &mut Option<(i128, i128)>, array: &ArrayRef)
where
    T: ArrowNumericType,
    T::Native: Into<i128>,
{
    let array = array.as_primitive::<T>();
    let found = compute::min(array).zip(compute::max(array)).map(|(low, high)| (low.into(), high.into()));
    widen(range, found, i128::min, i128::max);
    if seen.is_none() {
        return;
    }
    let values = values(array).map(Into::into);
    match found {
        Some((low, high)) if high.checked_sub(low).is_some_and(|span| span < NARROW) => see(seen, within(low, values)),
        _ => see(seen, values),
    }
}

/// The span of values that are told apart without hashing each row's.
const NARROW: i128 = 1 << 12;

/// The different values, each once, where none is less than `low` nor [`NARROW`] beyond it.
fn within(low: i128, values: impl Iterator<Item = i128>) -> impl Iterator<Item = i128> {
    let mut there = vec![false; NARROW as usize];
    for value in values {
        if let Some(there) = there.get_mut((value - low) as usize) {
            *there = true;
        }
    }
    (low..).zip(there).filter_map(|(value, there)| there.then_some(value))
}

fn add_doubles(seen: &mut Option<HashSet<u64>>, range: &mut Option<(f64, f64)>, array: &Float64Array) {
    let numbers = values(array).filter(|v| !v.is_nan());
    let found = numbers
        .fold(None, |range: Option<(f64, f64)>, v| Some(range.map_or((v, v), |(low, high)| (low.min(v), high.max(v)))));
    widen(range, found, f64::min, f64::max);
    see(seen, values(array).map(canonical_bits));
}

/// The values that are not NULL.
fn values<T: ArrowNumericType>(array: &PrimitiveArray<T>) -> impl Iterator<Item = T::Native> {
    array.iter().flatten()
}

fn canonical_bits(value: f64) -> u64 {
    if value.is_nan() {
        f64::NAN.to_bits()
    } else if value == 0.0 {
        0
    } else {
        value.to_bits()
    }
}

/// Adds values until there are too many. Runs of one value, which sorted tables are full of, are
/// looked up once.
fn see<K: std::hash::Hash + Eq + Copy>(seen: &mut Option<HashSet<K>>, values: impl Iterator<Item = K>) {
    let Some(set) = seen else { return };
    let mut last = None;
    for value in values {
        if last == Some(value) {
            continue;
        }
        last = Some(value);
        if set.insert(value) && set.len() > DISTINCT_CAP {
            *seen = None;
            return;
        }
    }
}

fn merge_seen<K: std::hash::Hash + Eq + Copy>(mine: &mut Option<HashSet<K>>, theirs: Option<HashSet<K>>) {
    match theirs {
        Some(theirs) => see(mine, theirs.into_iter()),
        None => *mine = None,
    }
}

fn widen<V: Copy>(range: &mut Option<(V, V)>, found: Option<(V, V)>, least: fn(V, V) -> V, greatest: fn(V, V) -> V) {
    *range = match (*range, found) {
        (Some((a, b)), Some((c, d))) => Some((least(a, c), greatest(b, d))),
        (one, other) => one.or(other),
    };
}

fn whole_text(value: i128, ty: ColumnType) -> Option<String> {
    match ty {
        ColumnType::Decimal(precision, scale) => Some(Decimal128Type::format_decimal(value, precision, scale)),
        ColumnType::Date => {
            let date = date32_to_datetime(i32::try_from(value).ok()?)?;
            Some(date.format("%Y-%m-%d").to_string())
        }
        ColumnType::Timestamp => {
            let instant = timestamp_us_to_datetime(i64::try_from(value).ok()?)?;
            Some(instant.format("%Y-%m-%dT%H:%M:%S%.fZ").to_string())
        }
        _ => Some(value.to_string()),
    }
}

/// The shortest text that reads back as the same number; powers of ten where digits would run on.
fn double_text(value: f64) -> String {
    let size = value.abs();
    if value != 0.0 && size.is_finite() && !(1e-5..1e15).contains(&size) {
        format!("{value:e}")
    } else {
        format!("{}", value + 0.0)
    }
}
