//! Counting one column: distinct values up to a cap, the range of what is ordered, frequent text.

use std::cmp::Reverse;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, PrimitiveArray};
use arrow::compute;
use arrow::datatypes::{
    ArrowNumericType, DataType, Date32Type, Decimal128Type, DecimalType, Float64Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use arrow::temporal_conversions::{date32_to_datetime, timestamp_us_to_datetime};
use datafusion::common::{HashMap, HashSet};

use super::profile::{DISTINCT_CAP, Distinct, LOW_CARDINALITY, SMALLEST_GROUP, TOP_VALUES, TopValue};
use crate::contract::ColumnType;
use crate::error::{Error, Result};

/// Text beyond this many bytes is told apart by its hash and never shown, so that a column of long
/// texts costs no more memory than one of short ones.
const LONGEST_KEPT: usize = 256;

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

/// Rows by text.
#[derive(Debug, Default)]
pub(super) struct Texts {
    short: HashMap<Box<str>, u64>,
    long: HashSet<[u8; 32]>,
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

impl Texts {
    fn len(&self) -> usize {
        self.short.len() + self.long.len()
    }

    fn add(&mut self, text: &str, rows: u64) {
        if text.len() > LONGEST_KEPT {
            self.long.insert(*blake3::hash(text.as_bytes()).as_bytes());
        } else {
            match self.short.get_mut(text) {
                Some(count) => *count += rows,
                None => {
                    self.short.insert(text.into(), rows);
                }
            }
        }
    }

    fn top(&self) -> Vec<TopValue> {
        ranked(self.short.iter().map(|(text, rows)| (text.to_string(), *rows)).collect())
    }
}

/// The values that enough rows share, most frequent first, ties by value.
fn ranked(mut values: Vec<(String, u64)>) -> Vec<TopValue> {
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

fn add_text(texts: &mut Option<Texts>, array: &ArrayRef) -> Result<()> {
    let Some(open) = texts else { return Ok(()) };
    if let Some(dictionary) = array.as_any_dictionary_opt() {
        let values = text_values(dictionary.values())?;
        let keys = dictionary.keys();
        // `normalized_keys` needs a value to point NULL keys at.
        let indices = if dictionary.values().is_empty() { Vec::new() } else { dictionary.normalized_keys() };
        let mut rows = vec![0u64; dictionary.values().len()];
        for (row, key) in indices.into_iter().enumerate() {
            if keys.is_valid(row)
                && let Some(count) = rows.get_mut(key)
            {
                *count += 1;
            }
        }
        let counted = rows.into_iter().enumerate().filter(|(_, rows)| *rows > 0);
        add_each(open, counted.filter_map(|(key, rows)| Some((values.get(key)?, rows))));
    } else {
        let values = text_values(array)?;
        add_each(open, runs((0..array.len()).filter_map(|row| values.get(row))));
    }
    if open.len() > DISTINCT_CAP {
        *texts = None;
    }
    Ok(())
}

/// Equal neighbours as one value with its rows: a sorted column is looked up once a run.
fn runs<'a>(values: impl Iterator<Item = &'a str>) -> impl Iterator<Item = (&'a str, u64)> {
    let mut values = values.peekable();
    std::iter::from_fn(move || {
        let first = values.next()?;
        let mut rows = 1;
        while values.next_if_eq(&first).is_some() {
            rows += 1;
        }
        Some((first, rows))
    })
}

/// Adds until there are too many values to go on.
fn add_each<'a>(texts: &mut Texts, values: impl Iterator<Item = (&'a str, u64)>) {
    for (text, rows) in values {
        texts.add(text, rows);
        if texts.len() > DISTINCT_CAP {
            return;
        }
    }
}

/// The text of each row, whichever of the three text layouts the array has.
enum TextValues<'a> {
    Small(&'a arrow::array::StringArray),
    Large(&'a arrow::array::LargeStringArray),
    View(&'a arrow::array::StringViewArray),
    /// A column of NULLs alone.
    Nothing,
}

impl<'a> TextValues<'a> {
    fn get(&self, row: usize) -> Option<&'a str> {
        match self {
            Self::Small(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Large(array) => array.is_valid(row).then(|| array.value(row)),
            Self::View(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Nothing => None,
        }
    }
}

fn text_values(array: &ArrayRef) -> Result<TextValues<'_>> {
    match array.data_type() {
        DataType::Utf8 => Ok(TextValues::Small(array.as_string())),
        DataType::LargeUtf8 => Ok(TextValues::Large(array.as_string())),
        DataType::Utf8View => Ok(TextValues::View(array.as_string_view())),
        DataType::Null => Ok(TextValues::Nothing),
        other => Err(Error::internal(format!("a text column to be profiled holds `{other}`"))),
    }
}

fn merge_texts(mine: &mut Option<Texts>, theirs: Option<Texts>) {
    let (Some(open), Some(theirs)) = (mine.as_mut(), theirs) else {
        *mine = None;
        return;
    };
    add_each(open, theirs.short.iter().map(|(text, rows)| (text.as_ref(), *rows)));
    open.long.extend(theirs.long);
    if open.len() > DISTINCT_CAP {
        *mine = None;
    }
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
    see(seen, values(array).map(Into::into));
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
