//! Keys as numbers: what is compared is hashed where rows are read, on all threads, so that the
//! rest works on 16 bytes a key whatever the texts.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeBinaryArray, UInt64Array};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::datatypes::DataType;
use datafusion::common::Result as SqlResult;
use datafusion::common::hash_utils::{QualityRandomState, create_hashes};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

/// Bytes of a key's hash.
pub(super) const KEY_BYTES: i32 = 16;
/// Two hash functions make 128 bits of 64; the values only have to differ.
const SEEDS: [u64; 2] = [0x6d61_7271_7565_7472, 0x795f_6465_6475_7065];

/// `(key, …)` → 16 bytes that are equal where all keys are; NULL where any key is NULL or blank.
///
/// Marked volatile although it is not: otherwise the optimizer may work it out twice.
#[derive(Debug)]
pub(super) struct KeyHash {
    width: Width,
    signature: Signature,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Width {
    Key,
    Value,
}

impl KeyHash {
    /// Of the keys of a match rule: 16 bytes.
    pub(super) fn key(parts: usize) -> ScalarUDF {
        Self::function(Width::Key, parts)
    }

    /// Of a value that a cluster has one of: a number, never 0.
    pub(super) fn value() -> ScalarUDF {
        Self::function(Width::Value, 1)
    }

    fn function(width: Width, parts: usize) -> ScalarUDF {
        ScalarUDF::from(Self { width, signature: Signature::any(parts, Volatility::Volatile) })
    }
}

impl PartialEq for KeyHash {
    fn eq(&self, other: &Self) -> bool {
        self.width == other.width
    }
}
impl Eq for KeyHash {}
impl Hash for KeyHash {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.width.hash(state);
    }
}

impl ScalarUDFImpl for KeyHash {
    fn name(&self) -> &str {
        "match_key"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> SqlResult<DataType> {
        Ok(match self.width {
            Width::Key => DataType::FixedSizeBinary(KEY_BYTES),
            Width::Value => DataType::UInt64,
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> SqlResult<ColumnarValue> {
        let arrays = args.args.iter().map(|arg| arg.to_array(args.number_rows)).collect::<SqlResult<Vec<_>>>()?;
        let known =
            arrays.iter().fold(None, |known, array| NullBuffer::union(known.as_ref(), known_values(array).as_ref()));
        let hashes = |seed: u64| -> SqlResult<Vec<u64>> {
            let mut hashes = vec![0; args.number_rows];
            create_hashes(&arrays, &QualityRandomState::with_seed(seed), &mut hashes)?;
            Ok(hashes)
        };
        let [first, second] = SEEDS;
        let made: ArrayRef = match self.width {
            Width::Key => {
                let pairs = hashes(first)?.into_iter().zip(hashes(second)?);
                let keys: Vec<i128> = pairs.map(|(high, low)| key(high, low).to_le() as i128).collect();
                Arc::new(FixedSizeBinaryArray::try_new(KEY_BYTES, Buffer::from_vec(keys), known)?)
            }
            Width::Value => {
                Arc::new(UInt64Array::new(hashes(first)?.into_iter().map(|hash| hash.max(1)).collect(), known))
            }
        };
        Ok(ColumnarValue::Array(made))
    }
}

/// One number of two hashes; 0 stands for no key.
fn key(high: u64, low: u64) -> u128 {
    ((u128::from(high) << 64) | u128::from(low)).max(1)
}

/// Where there is something to compare.
fn known_values(array: &ArrayRef) -> Option<NullBuffer> {
    let nulls = array.logical_nulls();
    let Some(texts) = array.as_string_view_opt() else { return nulls };
    let filled = BooleanBuffer::collect_bool(texts.len(), |row| texts.lengths_of(row) > 0);
    NullBuffer::union(nulls.as_ref(), Some(&NullBuffer::new(filled)))
}

trait Lengths {
    fn lengths_of(&self, row: usize) -> u32;
}

impl Lengths for arrow::array::StringViewArray {
    /// The length of a text in bytes, without looking at the text.
    fn lengths_of(&self, row: usize) -> u32 {
        self.views().get(row).map_or(0, |view| *view as u32)
    }
}
