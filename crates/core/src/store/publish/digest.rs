//! The digest of a table's content: the same for the same rows, whatever their order, their split
//! into files and batches, the machine and the number of threads.
//!
//! A row's hash is a sum over its columns, in integers of 128 bits:
//!
//! ```text
//! row ← seal(Σ (word xor salt) · factor)      salt, factor: from the column's position, name and type
//! ```
//!
//! where the words are the value in a canonical form: one or two of 64 bits, each with a salt and
//! an odd factor of its own. NULL adds a number of the column's own. Products of two such numbers
//! are added without loss, so two rows have the same sum only where the differences of their words
//! happen to solve one linear equation in 64-bit factors. `seal` is a bijection that leaves nothing
//! linear: otherwise a value that moves from one row to another would not be seen. Sealed rows are
//! added modulo 2¹²⁸, which forgets order but not multiplicity, and the sum is sealed with the
//! number of rows and the columns. The digest finds changes; it is no defence against one who forges
//! rows.
//!
//! Canonical words: integers, dates (days) and instants (microseconds) as one signed 64-bit;
//! decimals as their unscaled 128-bit integer, low word first; booleans 0 and 1; floats by their
//! bits with one zero and one NaN; text by two hashes of its length and its bytes in words of eight,
//! last one filled with zeros.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, StringViewArray};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use arrow::record_batch::RecordBatch;

use crate::contract::Column;
use crate::error::{Error, Result};
use crate::views::SeenViews;

#[cfg(test)]
mod tests;

/// Two words of 64 bits.
type Pair = (u64, u64);

/// The rows of a table, or of a part of it: parts add up to the whole in any order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Content {
    sum: u128,
    rows: u64,
}

impl Content {
    /// How many rows.
    pub fn rows(self) -> u64 {
        self.rows
    }

    /// The rows of both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { sum: self.sum.wrapping_add(other.sum), rows: self.rows + other.rows }
    }

    /// The digest of a table of these rows: 32 hexadecimal digits.
    pub fn digest(self, columns: &[Column]) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"marquetry digest 2\0");
        for (position, column) in columns.iter().enumerate() {
            hasher.update(identity(position, column).as_bytes());
        }
        hasher.update(&self.rows.to_le_bytes());
        hasher.update(&self.sum.to_le_bytes());
        let hex = hasher.finalize().to_hex();
        hex.as_str().chars().take(32).collect()
    }
}

/// Adds up the rows of batches.
#[derive(Debug)]
pub struct ContentHasher {
    columns: Vec<(Salt, Option<Terms>)>,
    sums: Vec<u128>,
    content: Content,
}

/// What the values of a dictionary come to; batches often share one.
#[derive(Debug)]
struct Terms {
    values: ArrayRef,
    terms: Vec<u128>,
}

/// What sets a column's values apart from the same values in another column.
#[derive(Debug, Clone, Copy)]
struct Salt {
    first: Factor,
    second: Factor,
    null: u128,
}

/// What a word is combined with.
#[derive(Debug, Clone, Copy)]
struct Factor {
    salt: u64,
    /// Odd.
    factor: u64,
}

impl Factor {
    fn of(self, word: u64) -> u128 {
        u128::from(word ^ self.salt) * u128::from(self.factor)
    }
}

impl ContentHasher {
    /// For batches of these columns, in their order.
    pub fn new(columns: &[Column]) -> Self {
        let salts = columns.iter().enumerate().map(|(position, column)| (Salt::of(position, column), None));
        Self { columns: salts.collect(), sums: Vec::new(), content: Content::default() }
    }

    /// Adds a batch whose columns have the contract's types; text may be encoded in any way.
    pub fn update(&mut self, batch: &RecordBatch) -> Result<()> {
        // A column without values adds the same to every row.
        let is_empty = |array: &ArrayRef| array.null_count() == array.len();
        let columns = self.columns.iter().zip(batch.columns());
        let nulls = columns.filter(|(_, array)| is_empty(array)).map(|((salt, _), _)| salt.null);
        self.sums.clear();
        self.sums.resize(batch.num_rows(), nulls.fold(0, u128::wrapping_add));
        for ((salt, terms), array) in self.columns.iter_mut().zip(batch.columns()) {
            if !is_empty(array) {
                absorb(&mut self.sums, salt, terms, array)?;
            }
        }
        let sum = self.sums.iter().fold(0_u128, |sum, row| sum.wrapping_add(seal(*row)));
        self.content = self.content.plus(Content { sum, rows: batch.num_rows() as u64 });
        Ok(())
    }

    /// What was added up.
    pub fn finish(self) -> Content {
        self.content
    }
}

impl Salt {
    fn of(position: usize, column: &Column) -> Self {
        let mut bytes = [0; 48];
        blake3::Hasher::new().update(identity(position, column).as_bytes()).finalize_xof().fill(&mut bytes);
        let mut words = bytes.chunks_exact(8).map(word_of);
        let mut next = || words.next().unwrap_or_default();
        let mut factor = || Factor { salt: next(), factor: next() | 1 };
        let (first, second) = (factor(), factor());
        Self { first, second, null: join(next(), next()) }
    }

    fn one(&self, word: u64) -> u128 {
        self.first.of(word)
    }

    fn both(&self, (first, second): Pair) -> u128 {
        self.first.of(first).wrapping_add(self.second.of(second))
    }
}

fn identity(position: usize, column: &Column) -> String {
    format!("{position} {} {}\0", column.name, column.ty)
}

fn join(low: u64, high: u64) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}

fn word_of(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

/// A bijection of 64-bit words in which every bit of the input moves every bit of the output
/// (D. Stafford's 13th set of constants for the MurmurHash3 finaliser).
fn mix_0(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// Another such bijection, with the finaliser's original constants.
fn mix_1(word: u64) -> u64 {
    let word = (word ^ (word >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let word = (word ^ (word >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    word ^ (word >> 33)
}

/// A bijection of 128-bit numbers in which every bit of the input moves every bit of the output.
fn seal(row: u128) -> u128 {
    let (low, high) = (row as u64, (row >> 64) as u64);
    let high = high ^ mix_0(low);
    let low = low ^ mix_1(high);
    let high = high ^ mix_0(low);
    join(low, high)
}

fn of_decimal(value: i128) -> Pair {
    (value as u64, (value >> 64) as u64)
}

fn of_float(value: f64) -> u64 {
    let canonical = match value {
        value if value.is_nan() => f64::NAN,
        // Adding zero turns -0.0 into 0.0 and leaves every other number.
        value => value + 0.0,
    };
    canonical.to_bits()
}

fn of_text(text: &str) -> Pair {
    let bytes = text.as_bytes();
    let start = bytes.len() as u64;
    let (words, rest) = bytes.as_chunks::<8>();
    let mut pair = (mix_0(start), mix_1(start));
    for word in words {
        let word = u64::from_le_bytes(*word);
        pair = (mix_0(pair.0 ^ word), mix_1(pair.1 ^ word));
    }
    if !rest.is_empty() {
        // The last eight bytes end with what is left over.
        let word = match bytes.last_chunk::<8>() {
            Some(last) => u64::from_le_bytes(*last) >> (64 - 8 * rest.len()),
            None => word_of(rest),
        };
        pair = (mix_0(pair.0 ^ word), mix_1(pair.1 ^ word));
    }
    pair
}

/// Absorbs a column: one loop for each type, dictionary values hashed once each.
fn absorb(sums: &mut [u128], salt: &Salt, terms: &mut Option<Terms>, array: &ArrayRef) -> Result<()> {
    match array.data_type() {
        DataType::Utf8 => each(sums, salt, array.as_string::<i32>().iter(), |v| salt.both(of_text(v))),
        DataType::LargeUtf8 => each(sums, salt, array.as_string::<i64>().iter(), |v| salt.both(of_text(v))),
        DataType::Utf8View => views(sums, salt, array.as_string_view()),
        DataType::Dictionary(_, _) => dictionary(sums, salt, terms, array)?,
        DataType::Int64 => numbers::<Int64Type>(sums, salt, array, |v| salt.one(v as u64))?,
        DataType::Int32 => numbers::<Int32Type>(sums, salt, array, |v| salt.one(i64::from(v) as u64))?,
        DataType::Date32 => numbers::<Date32Type>(sums, salt, array, |v| salt.one(i64::from(v) as u64))?,
        DataType::Timestamp(_, _) => {
            numbers::<TimestampMicrosecondType>(sums, salt, array, |v| salt.one(v as u64))?;
        }
        DataType::Decimal128(_, _) => {
            numbers::<Decimal128Type>(sums, salt, array, |v| salt.both(of_decimal(v)))?;
        }
        DataType::Float64 => numbers::<Float64Type>(sums, salt, array, |v| salt.one(of_float(v)))?,
        DataType::Boolean => each(sums, salt, array.as_boolean().iter(), |v| salt.one(v.into())),
        _ => return Err(unknown(array)),
    }
    Ok(())
}

fn each<V>(sums: &mut [u128], salt: &Salt, values: impl Iterator<Item = Option<V>>, term: impl Fn(V) -> u128) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum = sum.wrapping_add(value.map_or(salt.null, &term));
    }
}

fn views(sums: &mut [u128], salt: &Salt, array: &StringViewArray) {
    let mut seen = SeenViews::new(array.len(), 0);
    let mut term = |row: usize, view: u128| seen.get_or(view, || salt.both(of_text(array.value(row))));
    for (row, (sum, view)) in sums.iter_mut().zip(array.views()).enumerate() {
        *sum = sum.wrapping_add(if array.is_valid(row) { term(row, *view) } else { salt.null });
    }
}

fn numbers<T: ArrowPrimitiveType>(
    sums: &mut [u128],
    salt: &Salt,
    array: &ArrayRef,
    term: impl Fn(T::Native) -> u128,
) -> Result<()> {
    let array = array.as_primitive_opt::<T>().ok_or_else(|| unknown(array))?;
    all_or_null(sums, salt, array.values(), array.nulls(), term);
    Ok(())
}

/// As [`each`], for values that lie side by side: without a branch, since what stands under a NULL
/// can be combined too and left out afterwards.
fn all_or_null<V: Copy>(
    sums: &mut [u128],
    salt: &Salt,
    values: &[V],
    nulls: Option<&NullBuffer>,
    term: impl Fn(V) -> u128,
) {
    let Some(nulls) = nulls.filter(|nulls| nulls.null_count() > 0) else {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum = sum.wrapping_add(term(*value));
        }
        return;
    };
    let valid = nulls.inner().bit_chunks();
    let valid = valid.iter().chain(std::iter::once(valid.remainder_bits()));
    for ((sums, values), valid) in sums.chunks_mut(64).zip(values.chunks(64)).zip(valid) {
        for (at, (sum, value)) in sums.iter_mut().zip(values).enumerate() {
            let kept = 0_u128.wrapping_sub(u128::from(valid >> at & 1));
            *sum = sum.wrapping_add((term(*value) & kept) | (salt.null & !kept));
        }
    }
}

fn dictionary(sums: &mut [u128], salt: &Salt, known: &mut Option<Terms>, array: &ArrayRef) -> Result<()> {
    let dictionary = array.as_any_dictionary_opt().ok_or_else(|| unknown(array))?;
    let values = dictionary.values();
    let terms = match known.take().filter(|known| Arc::ptr_eq(&known.values, values)) {
        Some(known) => known.terms,
        None => {
            let texts = cast(values, &DataType::Utf8)?;
            texts.as_string::<i32>().iter().map(|v| v.map_or(salt.null, |v| salt.both(of_text(v)))).collect()
        }
    };
    let keys = cast(dictionary.keys(), &DataType::Int32)?;
    let keys = keys.as_primitive::<Int32Type>();
    let term = |key: i32| terms.get(key as usize).copied().unwrap_or(salt.null);
    all_or_null(sums, salt, keys.values(), keys.nulls(), term);
    *known = Some(Terms { values: Arc::clone(values), terms });
    Ok(())
}

fn unknown(array: &ArrayRef) -> Error {
    Error::internal(format!("a column of type {} cannot be digested", array.data_type()))
}
