//! The digest against a twin that works row by row, and the properties it promises.

use std::sync::Arc;

use arrow::array::{
    BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int32Array, Int64Array,
    LargeStringArray, StringArray, StringViewArray, TimestampMicrosecondArray, UInt32Array,
};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{Field, Schema};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::contract::ColumnType;
use crate::syntax::ColumnName;

/// A value as the documentation of the digest sees it.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Null,
    Integer(i64),
    Decimal(i128),
    Float(f64),
    Text(String),
}

fn columns() -> Vec<Column> {
    [
        ("a_text", ColumnType::Text),
        ("b_text", ColumnType::Text),
        ("c_bigint", ColumnType::BigInt),
        ("d_int", ColumnType::Int),
        ("e_double", ColumnType::Double),
        ("f_decimal", ColumnType::Decimal(20, 2)),
        ("g_boolean", ColumnType::Boolean),
        ("h_date", ColumnType::Date),
        ("i_timestamp", ColumnType::Timestamp),
    ]
    .into_iter()
    .map(|(name, ty)| Column::new(ColumnName::new_unchecked(name), ty, "what it is"))
    .collect()
}

fn random_row(rng: &mut ChaCha8Rng) -> Vec<Value> {
    let text = |rng: &mut ChaCha8Rng| {
        let length = rng.random_range(0..20);
        Value::Text((0..length).map(|_| rng.random_range('a'..='é')).collect())
    };
    let small = |rng: &mut ChaCha8Rng| Value::Integer(rng.random_range(-3..3));
    let mut row = vec![
        text(rng),
        text(rng),
        Value::Integer(rng.random()),
        small(rng),
        Value::Float([0.0, -0.0, 1.5, f64::NAN, -f64::NAN, f64::INFINITY][rng.random_range(0..6)]),
        Value::Decimal(i128::from(rng.random::<i64>()) * i128::from(rng.random_range(-9..9))),
        Value::Integer(rng.random_range(0..2)),
        small(rng),
        Value::Integer(rng.random::<i64>() / 4),
    ];
    for value in &mut row {
        if rng.random_bool(0.15) {
            *value = Value::Null;
        }
    }
    row
}

fn batch(rows: &[Vec<Value>]) -> RecordBatch {
    let integers = |at: usize| {
        rows.iter().map(move |row| match &row[at] {
            Value::Integer(value) => Some(*value),
            _ => None,
        })
    };
    let texts = |at: usize| {
        rows.iter().map(move |row| match &row[at] {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        })
    };
    let floats = rows.iter().map(|row| if let Value::Float(value) = row[4] { Some(value) } else { None });
    let decimals = rows.iter().map(|row| if let Value::Decimal(value) = row[5] { Some(value) } else { None });
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(texts(0).collect::<StringArray>()),
        Arc::new(texts(1).collect::<StringArray>()),
        Arc::new(integers(2).collect::<Int64Array>()),
        Arc::new(integers(3).map(|v| v.map(|v| v as i32)).collect::<Int32Array>()),
        Arc::new(floats.collect::<Float64Array>()),
        Arc::new(decimals.collect::<Decimal128Array>().with_precision_and_scale(20, 2).unwrap()),
        Arc::new(integers(6).map(|v| v.map(|v| v == 1)).collect::<BooleanArray>()),
        Arc::new(integers(7).map(|v| v.map(|v| v as i32)).collect::<Date32Array>()),
        Arc::new(integers(8).collect::<TimestampMicrosecondArray>().with_timezone("UTC")),
    ];
    let fields: Vec<Field> = columns().iter().map(|c| Field::new(c.name.as_str(), c.ty.arrow(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

/// Row by row and byte by byte, as the module's documentation tells it.
fn naive(rows: &[Vec<Value>]) -> Content {
    let mut total = Content::default();
    for row in rows {
        let mut sum = 0_u128;
        for (position, (column, value)) in columns().iter().zip(row).enumerate() {
            let mut bytes = [0; 48];
            let identity = format!("{position} {} {}\0", column.name, column.ty);
            blake3::Hasher::new().update(identity.as_bytes()).finalize_xof().fill(&mut bytes);
            let word = |n: usize| u64::from_le_bytes(bytes[n * 8..n * 8 + 8].try_into().unwrap());
            if *value == Value::Null {
                sum = sum.wrapping_add((u128::from(word(5)) << 64) + u128::from(word(4)));
                continue;
            }
            for (n, value) in naive_words(value).into_iter().enumerate() {
                let product = u128::from(value ^ word(2 * n)) * u128::from(word(2 * n + 1) | 1);
                sum = sum.wrapping_add(product);
            }
        }
        let (mut low, mut high) = (sum as u64, (sum >> 64) as u64);
        high ^= mix_0(low);
        low ^= mix_1(high);
        high ^= mix_0(low);
        total.sum = total.sum.wrapping_add((u128::from(high) << 64) + u128::from(low));
        total.rows += 1;
    }
    total
}

fn naive_words(value: &Value) -> Vec<u64> {
    match value {
        Value::Integer(value) => vec![*value as u64],
        Value::Decimal(value) => {
            let bytes = value.to_le_bytes();
            vec![u64::from_le_bytes(bytes[..8].try_into().unwrap()), u64::from_le_bytes(bytes[8..].try_into().unwrap())]
        }
        Value::Float(value) if value.is_nan() => vec![f64::NAN.to_bits()],
        Value::Float(value) if *value == 0.0 => vec![0],
        Value::Float(value) => vec![value.to_bits()],
        Value::Text(text) => {
            let mut bytes = text.as_bytes().to_vec();
            let mut pair = (mix_0(bytes.len() as u64), mix_1(bytes.len() as u64));
            bytes.resize(bytes.len().next_multiple_of(8), 0);
            for at in (0..bytes.len()).step_by(8) {
                let word = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
                pair = (mix_0(pair.0 ^ word), mix_1(pair.1 ^ word));
            }
            vec![pair.0, pair.1]
        }
        Value::Null => panic!("NULL has no words"),
    }
}

fn content(batches: &[RecordBatch]) -> Content {
    let mut hasher = ContentHasher::new(&columns());
    for batch in batches {
        hasher.update(batch).unwrap();
    }
    hasher.finish()
}

fn recast(batch: &RecordBatch, to: &DataType) -> RecordBatch {
    let mut arrays = batch.columns().to_vec();
    arrays[0] = cast(&arrays[0], to).unwrap();
    let mut fields: Vec<Field> = batch.schema().fields().iter().map(|f| f.as_ref().clone()).collect();
    fields[0] = fields[0].clone().with_data_type(to.clone());
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

#[test]
fn equals_the_naive_twin_at_any_batch_size_order_and_split() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let rows: Vec<Vec<Value>> = (0..1_000).map(|_| random_row(&mut rng)).collect();
    let expected = naive(&rows);
    let whole = batch(&rows);
    for size in [1, 2, 7, 50, 8192] {
        let mut order: Vec<u32> = (0..1_000).collect();
        order.shuffle(&mut rng);
        let shuffled = take_record_batch(&whole, &UInt32Array::from(order)).unwrap();
        let batches: Vec<RecordBatch> =
            (0..1_000).step_by(size).map(|at| shuffled.slice(at, size.min(1_000 - at))).collect();
        assert_eq!(content(&batches), expected, "batches of {size}");
        let (left, right) = batches.split_at(batches.len() / 3);
        assert_eq!(content(left).plus(content(right)), expected, "two files");
    }
}

#[test]
fn does_not_depend_on_how_text_is_encoded() {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let rows: Vec<Vec<Value>> = (0..200).map(|_| random_row(&mut rng)).collect();
    let plain = batch(&rows);
    let expected = content(std::slice::from_ref(&plain));
    let dictionary = |key: DataType| DataType::Dictionary(Box::new(key), Box::new(DataType::Utf8));
    for to in [DataType::LargeUtf8, DataType::Utf8View, dictionary(DataType::Int32), dictionary(DataType::UInt16)] {
        assert_eq!(content(&[recast(&plain, &to)]), expected, "{to}");
    }
}

#[test]
fn null_inside_a_dictionary_is_null() {
    let one = [Column::new(ColumnName::new_unchecked("x"), ColumnType::Text, "x")];
    let of = |array: ArrayRef| {
        let schema = Schema::new(vec![Field::new("x", array.data_type().clone(), true)]);
        let mut hasher = ContentHasher::new(&one);
        hasher.update(&RecordBatch::try_new(Arc::new(schema), vec![array]).unwrap()).unwrap();
        hasher.finish()
    };
    let values: ArrayRef = Arc::new(StringArray::from(vec![Some("v"), None]));
    let keys = Int32Array::from(vec![Some(0), Some(1), None]);
    let dictionary = of(Arc::new(DictionaryArray::new(keys, values)));
    assert_eq!(dictionary, of(Arc::new(LargeStringArray::from(vec![None, Some("v"), None]))));
    assert_eq!(dictionary, of(Arc::new(StringViewArray::from(vec![None, None, Some("v")]))));
}

#[test]
fn any_change_of_a_value_is_seen() {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let rows: Vec<Vec<Value>> = (0..20).map(|_| random_row(&mut rng)).collect();
    let before = content(&[batch(&rows)]);
    for at in 0..columns().len() {
        for row in 0..rows.len() {
            let mut changed = rows.clone();
            changed[row][at] = random_row(&mut rng)[at].clone();
            let same = naive(&rows) == naive(&changed);
            assert_eq!(content(&[batch(&changed)]) == before, same, "row {row}, column {at}");
        }
    }
    let mut swapped = rows.clone();
    let value = std::mem::replace(&mut swapped[0][2], Value::Integer(1));
    swapped[1][2] = value;
    assert_ne!(content(&[batch(&swapped)]), before, "values moved between rows");
}

#[test]
fn repeated_rows_count_and_an_empty_table_has_a_digest_of_its_columns() {
    let rows = vec![random_row(&mut ChaCha8Rng::seed_from_u64(3))];
    let one = batch(&rows);
    let two = concat_batches(&one.schema(), [&one, &one]).unwrap();
    assert_ne!(content(&[one]).digest(&columns()), content(&[two]).digest(&columns()));
    let empty = Content::default();
    assert_eq!(empty.digest(&columns()).len(), 32);
    assert_ne!(empty.digest(&columns()), empty.digest(&columns()[1..]));
}

/// Worked out by another program, from the definition: a change here changes the digest of every
/// table there is.
#[test]
fn stays_what_it_was() {
    let values = vec![
        Value::Text("Paid Search".into()),
        Value::Text(String::new()),
        Value::Integer(-1),
        Value::Integer(7),
        Value::Float(-0.0),
        Value::Decimal(-12_345),
        Value::Integer(1),
        Value::Integer(20_000),
        Value::Integer(1),
    ];
    let rows = vec![values, vec![Value::Null; 9]];
    assert_eq!(content(&[batch(&rows)]).digest(&columns()), "8fca9e4d3333d45357d46a6d1e551c04");
}
