//! The digest of a table's content: the same for the same rows, whatever their order, their split
//! into files and batches, the machine and the number of threads.
//!
//! A row's hash has two lanes of 64 bits. Each column in turn is absorbed into both:
//!
//! ```text
//! lane₀ ← mix₀(lane₀ xor (word₀ + salt₀))      lane₁ ← mix₁(lane₁ xor (word₁ + salt₁))
//! ```
//!
//! where the words are the value in a canonical form and the salts come from the column's
//! position, name and type. `mix` is the finaliser of a 64-bit multiplicative hash: bijective, so a
//! lane loses nothing of what it absorbed. Row hashes, read as numbers of 128 bits, are added
//! modulo 2¹²⁸, which forgets order but not multiplicity, and the sum is sealed with the number of
//! rows and the columns. The digest finds changes; it is no defence against one who forges rows.
//!
//! Canonical words: integers, dates (days) and instants (microseconds) as signed 64-bit; decimals
//! as their unscaled 128-bit integer, folded; booleans 0 and 1; floats by their bits with one zero
//! and one NaN; text by its bytes in words of eight, last one filled with zeros, after its length;
//! NULL by two words of the column's own.

use arrow::array::{Array, ArrayRef, AsArray, GenericStringArray, OffsetSizeTrait};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use arrow::record_batch::RecordBatch;

use crate::contract::Column;
use crate::error::{Error, Result};

#[cfg(test)]
mod tests;

/// Two words of 64 bits: a value's, or a row's so far.
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
        hasher.update(b"marquetry digest 1\0");
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
    salts: Vec<Salt>,
    lanes: Vec<Pair>,
    content: Content,
}

/// What sets a column's values apart from the same values in another column.
#[derive(Debug, Clone, Copy)]
struct Salt {
    value: Pair,
    null: Pair,
}

impl ContentHasher {
    /// For batches of these columns, in their order.
    pub fn new(columns: &[Column]) -> Self {
        let salts = columns.iter().enumerate().map(|(position, column)| Salt::of(position, column)).collect();
        Self { salts, lanes: Vec::new(), content: Content::default() }
    }

    /// Adds a batch whose columns have the contract's types; text may be encoded in any way.
    pub fn update(&mut self, batch: &RecordBatch) -> Result<()> {
        self.lanes.clear();
        self.lanes.resize(batch.num_rows(), (0, 0));
        for (salt, array) in self.salts.iter().zip(batch.columns()) {
            absorb(&mut self.lanes, salt, array)?;
        }
        let sum = self.lanes.iter().fold(0_u128, |sum, &(low, high)| sum.wrapping_add(join(low, high)));
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
        let hash = blake3::hash(identity(position, column).as_bytes());
        let mut words = hash.as_bytes().chunks_exact(8).map(word_of);
        let mut next = || words.next().unwrap_or_default();
        Self { value: (next(), next()), null: (next(), next()) }
    }

    /// Absorbs a value, or NULL where there is none.
    fn absorb(&self, lane: &mut Pair, words: Option<Pair>) {
        let (word, salt) = match words {
            Some(words) => (words, self.value),
            None => ((0, 0), self.null),
        };
        lane.0 = mix_0(lane.0 ^ word.0.wrapping_add(salt.0));
        lane.1 = mix_1(lane.1 ^ word.1.wrapping_add(salt.1));
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

fn of_integer(value: i64) -> Pair {
    (value as u64, value as u64)
}

fn of_decimal(value: i128) -> Pair {
    let (low, high) = (value as u64, (value >> 64) as u64);
    (low ^ mix_0(high), low ^ mix_1(high))
}

fn of_float(value: f64) -> Pair {
    let canonical = match value {
        value if value.is_nan() => f64::NAN,
        // Adding zero turns -0.0 into 0.0 and leaves every other number.
        value => value + 0.0,
    };
    (canonical.to_bits(), canonical.to_bits())
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
        let word = word_of(rest);
        pair = (mix_0(pair.0 ^ word), mix_1(pair.1 ^ word));
    }
    pair
}

/// Absorbs a column: one loop for each type, dictionary values hashed once each.
fn absorb(lanes: &mut [Pair], salt: &Salt, array: &ArrayRef) -> Result<()> {
    match array.data_type() {
        DataType::Utf8 => text(lanes, salt, array.as_string::<i32>()),
        DataType::LargeUtf8 => text(lanes, salt, array.as_string::<i64>()),
        DataType::Utf8View => each(lanes, salt, array.as_string_view().iter().map(|v| v.map(of_text))),
        DataType::Dictionary(_, _) => dictionary(lanes, salt, array)?,
        DataType::Int64 => each(lanes, salt, array.as_primitive::<Int64Type>().iter().map(|v| v.map(of_integer))),
        DataType::Int32 => {
            each(lanes, salt, array.as_primitive::<Int32Type>().iter().map(|v| v.map(|v| of_integer(v.into()))));
        }
        DataType::Date32 => {
            each(lanes, salt, array.as_primitive::<Date32Type>().iter().map(|v| v.map(|v| of_integer(v.into()))));
        }
        DataType::Timestamp(_, _) => {
            let array = array.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(|| unknown(array))?;
            each(lanes, salt, array.iter().map(|v| v.map(of_integer)));
        }
        DataType::Decimal128(_, _) => {
            each(lanes, salt, array.as_primitive::<Decimal128Type>().iter().map(|v| v.map(of_decimal)));
        }
        DataType::Float64 => each(lanes, salt, array.as_primitive::<Float64Type>().iter().map(|v| v.map(of_float))),
        DataType::Boolean => each(lanes, salt, array.as_boolean().iter().map(|v| v.map(|v| of_integer(v.into())))),
        _ => return Err(unknown(array)),
    }
    Ok(())
}

fn each(lanes: &mut [Pair], salt: &Salt, values: impl Iterator<Item = Option<Pair>>) {
    for (lane, words) in lanes.iter_mut().zip(values) {
        salt.absorb(lane, words);
    }
}

fn text<O: OffsetSizeTrait>(lanes: &mut [Pair], salt: &Salt, array: &GenericStringArray<O>) {
    each(lanes, salt, array.iter().map(|v| v.map(of_text)));
}

fn dictionary(lanes: &mut [Pair], salt: &Salt, array: &ArrayRef) -> Result<()> {
    let dictionary = array.as_any_dictionary_opt().ok_or_else(|| unknown(array))?;
    let values = cast(dictionary.values(), &DataType::Utf8)?;
    let words: Vec<Option<Pair>> = values.as_string::<i32>().iter().map(|v| v.map(of_text)).collect();
    let keys = cast(dictionary.keys(), &DataType::Int64)?;
    let keys = keys.as_primitive::<Int64Type>();
    each(lanes, salt, keys.iter().map(|key| key.and_then(|key| words.get(key as usize).copied().flatten())));
    Ok(())
}

fn unknown(array: &ArrayRef) -> Error {
    Error::internal(format!("a column of type {} cannot be digested", array.data_type()))
}
