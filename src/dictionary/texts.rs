//! Counting texts, each distinct one of an array as seldom as possible.

use std::sync::Arc;

use arrow::array::{AnyDictionaryArray, Array, ArrayRef, AsArray, Int32Array, StringViewArray};
use arrow::compute;
use arrow::datatypes::{DataType, Int32Type};
use datafusion::common::{HashMap, HashSet};

use super::profile::{DISTINCT_CAP, TopValue};
use super::tally::ranked;
use crate::error::{Error, Result};
use crate::views::SeenViews;

/// Text beyond this many bytes is told apart by its hash and never shown, so that a column of long
/// texts costs no more memory than one of short ones.
const LONGEST_KEPT: usize = 256;

/// Rows by text.
#[derive(Debug, Default)]
pub(super) struct Texts {
    /// For each text, its place in `rows`.
    short: HashMap<Box<str>, u32>,
    rows: Vec<u64>,
    long: HashSet<[u8; 32]>,
    /// The values of the last array's dictionary and their places: batches often share one.
    mapped: Option<(ArrayRef, Vec<u32>)>,
}

/// A dictionary's value that was not looked up yet.
const UNKNOWN: u32 = u32::MAX;
/// The place of what is not counted: a long text or NULL.
const NOWHERE: u32 = u32::MAX - 1;

impl Texts {
    /// How many different texts there are.
    pub(super) fn len(&self) -> usize {
        self.short.len() + self.long.len()
    }

    fn add(&mut self, text: &str, rows: u64) {
        let place = self.place(text);
        if let Some(count) = self.rows.get_mut(place as usize) {
            *count += rows;
        }
    }

    /// Where the rows of a text are counted.
    fn place(&mut self, text: &str) -> u32 {
        if text.len() > LONGEST_KEPT {
            self.long.insert(*blake3::hash(text.as_bytes()).as_bytes());
            return NOWHERE;
        }
        if let Some(place) = self.short.get(text) {
            return *place;
        }
        let place = self.rows.len() as u32;
        self.short.insert(text.into(), place);
        self.rows.push(0);
        place
    }

    /// Counts the rows of a dictionary; a value is looked up when a row points at it for the first time.
    fn add_dictionary(&mut self, dictionary: &dyn AnyDictionaryArray) -> Result<()> {
        let keys = compute::cast(dictionary.keys(), &DataType::Int32)?;
        let keys = keys.as_primitive::<Int32Type>();
        let known = self.mapped.take().filter(|(values, _)| Arc::ptr_eq(values, dictionary.values()));
        let (values, mut map) =
            known.unwrap_or_else(|| (Arc::clone(dictionary.values()), vec![UNKNOWN; dictionary.values().len()]));
        let texts = text_values(&values)?;
        for (key, rows) in uses(keys, values.len()).into_iter().enumerate().filter(|(_, rows)| *rows > 0) {
            let Some(place) = map.get_mut(key) else { continue };
            if *place == UNKNOWN {
                *place = texts.get(key).map_or(NOWHERE, |text| self.place(text));
            }
            if let Some(count) = self.rows.get_mut(*place as usize) {
                *count += u64::from(rows);
            }
        }
        self.mapped = Some((values, map));
        Ok(())
    }

    fn each(&self) -> impl Iterator<Item = (&str, u64)> {
        self.short.iter().filter_map(|(text, place)| Some((text.as_ref(), *self.rows.get(*place as usize)?)))
    }

    /// All of them with their rows, in order; nothing where some are too long to be kept.
    pub(super) fn all(&self) -> Option<Vec<(&str, u64)>> {
        let mut all: Vec<(&str, u64)> = self.each().collect();
        all.sort_unstable();
        self.long.is_empty().then_some(all)
    }

    /// The frequent ones.
    pub(super) fn top(&self) -> Vec<TopValue> {
        ranked(self.each().map(|(text, rows)| (text.to_string(), rows)).collect())
    }
}

/// Counts the texts of an array, until there are too many.
pub(super) fn add_text(texts: &mut Option<Texts>, array: &ArrayRef) -> Result<()> {
    let Some(open) = texts else { return Ok(()) };
    if let Some(dictionary) = array.as_any_dictionary_opt() {
        open.add_dictionary(dictionary)?;
    } else if let Some(views) = array.as_string_view_opt() {
        add_each(open, repeated(views));
    } else {
        let values = text_values(array)?;
        add_each(open, runs((0..array.len()).filter_map(|row| values.get(row))));
    }
    if open.len() > DISTINCT_CAP {
        *texts = None;
    }
    Ok(())
}

/// How many rows point at each of so many values.
fn uses(keys: &Int32Array, values: usize) -> Vec<u32> {
    let mut rows = vec![0; values];
    let mut count = |key: i32, rows_more: u32| {
        if let Some(rows) = rows.get_mut(key as usize) {
            *rows += rows_more;
        }
    };
    match keys.nulls() {
        None => keys.values().iter().for_each(|key| count(*key, 1)),
        Some(nulls) => keys.values().iter().zip(nulls).for_each(|(key, valid)| count(*key, u32::from(valid))),
    }
    rows
}

/// The texts of an array with their rows, each text a few times at most.
fn repeated(array: &StringViewArray) -> impl Iterator<Item = (&str, u64)> {
    let mut seen = SeenViews::new(array.len(), (0, 0));
    let mut pushed_out = Vec::new();
    for (row, view) in array.views().iter().enumerate().filter(|(row, _)| array.is_valid(*row)) {
        pushed_out.extend(seen.update(*view, (row, 1), |(_, rows)| *rows += 1));
    }
    let all = pushed_out.into_iter().chain(seen.into_made());
    all.filter(|(_, rows)| *rows > 0).map(|(row, rows)| (array.value(row), rows))
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

/// Adds what was counted elsewhere.
pub(super) fn merge_texts(mine: &mut Option<Texts>, theirs: Option<Texts>) {
    let (Some(open), Some(theirs)) = (mine.as_mut(), theirs) else {
        *mine = None;
        return;
    };
    add_each(open, theirs.each());
    open.long.extend(theirs.long);
    if open.len() > DISTINCT_CAP {
        *mine = None;
    }
}
