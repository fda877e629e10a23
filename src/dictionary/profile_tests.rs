//! The profile against one that is counted value by value, and what it must not tell.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int32Array, Int64Array,
    LargeStringArray, RecordBatch, StringArray, StringViewArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{Int32Type, UInt16Type};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::profile::*;
use crate::contract::{Column, ColumnType, Contract, Methodology, Pii, Role};
use crate::syntax::{ColumnName, TableName};

fn contract(columns: &[(&str, ColumnType)]) -> Contract {
    let columns = columns.iter().map(|(name, ty)| Column::new(ColumnName::new_unchecked(name), *ty, "Text.")).collect();
    Contract {
        table: TableName::new_unchecked("t"),
        role: Role::Main,
        description: String::new(),
        grain: Vec::new(),
        columns,
        methodology: Methodology::default(),
    }
}

fn one(ty: ColumnType, array: ArrayRef) -> ColumnProfile {
    let mut builder = ProfileBuilder::new(&contract(&[("c", ty)]));
    builder.push(&RecordBatch::try_from_iter([("c", array)]).unwrap()).unwrap();
    builder.finish().remove(0)
}

fn texts(values: &[(&str, usize)]) -> ArrayRef {
    let rows: Vec<&str> = values.iter().flat_map(|(v, n)| std::iter::repeat_n(*v, *n)).collect();
    Arc::new(StringArray::from(rows))
}

fn top(profile: &ColumnProfile) -> Vec<(&str, u64)> {
    profile.top.iter().map(|t| (t.value.as_str(), t.rows)).collect()
}

#[test]
fn frequent_values_come_first_and_ties_go_by_value() {
    let profile = one(ColumnType::Text, texts(&[("pear", 7), ("fig", 9), ("apple", 7), ("quince", 5)]));
    assert_eq!(top(&profile), [("fig", 9), ("apple", 7), ("pear", 7), ("quince", 5)]);
    assert_eq!(profile.distinct, Some(Distinct { count: 4, exact: true }));
    assert_eq!((profile.min, profile.max), (None, None), "the least text is some row's value");
}

#[test]
fn values_of_fewer_than_five_rows_are_not_named() {
    let profile = one(ColumnType::Text, texts(&[("common", 6), ("rare", 4)]));
    assert_eq!(top(&profile), [("common", 6)]);
    assert_eq!(profile.distinct, Some(Distinct { count: 2, exact: true }));
}

#[test]
fn a_boolean_names_both_values_or_none() {
    let flags = |yes, no| -> ArrayRef { Arc::new(BooleanArray::from([vec![true; yes], vec![false; no]].concat())) };
    assert_eq!(top(&one(ColumnType::Boolean, flags(5, 20))), [("false", 20), ("true", 5)]);
    assert_eq!(top(&one(ColumnType::Boolean, flags(4, 20))), []);
    assert_eq!(top(&one(ColumnType::Boolean, flags(0, 20))), [("false", 20)]);
    assert_eq!(one(ColumnType::Boolean, flags(4, 20)).distinct, Some(Distinct { count: 2, exact: true }));
}

#[test]
fn of_four_values_nothing_is_told() {
    let profile = one(ColumnType::Int, Arc::new(Int32Array::from(vec![Some(1), Some(2), Some(3), Some(4), None])));
    assert_eq!(profile.withheld, Some(Withheld::FewRows));
    assert_eq!((profile.rows, profile.nulls, profile.null_share), (5, 1, 0.2));
    assert_eq!((profile.distinct, profile.min, profile.max), (None, None, None));
}

#[test]
fn of_personal_columns_only_the_share_of_nulls_is_told() {
    for pii in [Pii::Indirect, Pii::Direct, Pii::Sensitive] {
        let mut contract = contract(&[("c", ColumnType::Text), ("n", ColumnType::Int)]);
        contract.columns.iter_mut().for_each(|c| c.pii = pii);
        let mut builder = ProfileBuilder::new(&contract);
        let text: ArrayRef =
            Arc::new(StringArray::from(vec![Some("a"); 9].into_iter().chain([None]).collect::<Vec<_>>()));
        let number: ArrayRef = Arc::new(Int32Array::from(vec![7; 10]));
        builder.push(&RecordBatch::try_from_iter([("c", text), ("n", number)]).unwrap()).unwrap();
        let expected = |nulls, null_share| ColumnProfile {
            rows: 10,
            nulls,
            null_share,
            withheld: Some(Withheld::Personal),
            ..ColumnProfile::default()
        };
        assert_eq!(builder.finish(), [expected(1, 0.1), expected(0, 0.0)]);
    }
}

#[test]
fn long_texts_are_counted_and_not_shown() {
    let (one_text, other) = ("x".repeat(300), "y".repeat(300));
    let profile = one(ColumnType::Text, texts(&[(&one_text, 6), (&other, 6), ("short", 6)]));
    assert_eq!(top(&profile), [("short", 6)]);
    assert_eq!(profile.distinct, Some(Distinct { count: 3, exact: true }));
}

#[test]
fn ranges_are_written_as_people_write_them() {
    let range = |ty, array| {
        let profile = one(ty, array);
        (profile.min.unwrap(), profile.max.unwrap())
    };
    let pair = |a: &str, b: &str| (a.to_string(), b.to_string());
    let decimals = Decimal128Array::from(vec![-5, 123_456, 7, 8, 9]).with_precision_and_scale(18, 2).unwrap();
    assert_eq!(range(ColumnType::Decimal(18, 2), Arc::new(decimals)), pair("-0.05", "1234.56"));
    let days = Date32Array::from(vec![0, 19_723, 1, 2, 3]);
    assert_eq!(range(ColumnType::Date, Arc::new(days)), pair("1970-01-01", "2024-01-01"));
    let instants = TimestampMicrosecondArray::from(vec![0, 1_704_067_200_500_000, 1, 2, 3]).with_timezone("UTC");
    assert_eq!(
        range(ColumnType::Timestamp, Arc::new(instants)),
        pair("1970-01-01T00:00:00Z", "2024-01-01T00:00:00.500Z")
    );
    let floats = Float64Array::from(vec![f64::NAN, -0.0, 0.0, 2.5, 1e300]);
    assert_eq!(range(ColumnType::Double, Arc::new(floats)), pair("0", "1e300"));
    let far = TimestampMicrosecondArray::from(vec![i64::MAX; 5]).with_timezone("UTC");
    assert_eq!(one(ColumnType::Timestamp, Arc::new(far)).rows, 5, "an instant beyond the calendar does not stop a run");
}

#[test]
fn zeros_and_nans_are_one_value_each() {
    let floats = Float64Array::from(vec![f64::NAN, -f64::NAN, -0.0, 0.0, 2.5]);
    assert_eq!(one(ColumnType::Double, Arc::new(floats)).distinct, Some(Distinct { count: 3, exact: true }));
}

#[test]
fn beyond_the_cap_distinct_values_are_more_than_the_cap() {
    let cap = DISTINCT_CAP as i64;
    for (values, exact) in [(cap, true), (cap + 1, false), (3 * cap, false)] {
        let expected = Some(Distinct { count: cap as u64, exact });
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..values));
        assert_eq!(one(ColumnType::BigInt, numbers).distinct, expected);
        let names: ArrayRef = Arc::new(StringArray::from_iter_values((0..values).map(|i| i.to_string())));
        let profile = one(ColumnType::Text, names);
        assert_eq!((profile.distinct, profile.top), (expected, vec![]));
    }
}

#[test]
fn a_column_of_many_values_names_none() {
    let few: Vec<String> = (0..LOW_CARDINALITY).map(|i| format!("v{i:04}")).collect();
    let rows = |values: &[String]| texts(&values.iter().map(|v| (v.as_str(), 5)).collect::<Vec<_>>());
    assert_eq!(one(ColumnType::Text, rows(&few)).top.len(), TOP_VALUES);
    let more = [few, vec!["w".into()]].concat();
    assert_eq!(one(ColumnType::Text, rows(&more)).top, []);
}

#[test]
fn text_is_text_in_every_layout() {
    let values: Vec<Option<&str>> = [vec![Some("a"); 6], vec![None; 3], vec![Some("b"); 5]].concat();
    // A dictionary may have values that no row has, a value twice, and a value that is NULL.
    let keys = arrow::array::UInt16Array::from(
        [vec![Some(0); 3], vec![Some(4); 3], vec![Some(1), Some(1), None], vec![Some(2); 5]].concat(),
    );
    let entries = StringArray::from(vec![Some("a"), None, Some("b"), Some("unused"), Some("a")]);
    let layouts: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(values.clone())),
        Arc::new(LargeStringArray::from(values.clone())),
        Arc::new(StringViewArray::from(values.clone())),
        Arc::new(values.iter().copied().collect::<DictionaryArray<Int32Type>>()),
        Arc::new(DictionaryArray::<UInt16Type>::new(keys, Arc::new(entries))),
    ];
    for layout in layouts {
        let profile = one(ColumnType::Text, layout.clone());
        assert_eq!(top(&profile), [("a", 6), ("b", 5)], "{:?}", layout.data_type());
        assert_eq!((profile.nulls, profile.distinct.unwrap().count), (3, 2), "{:?}", layout.data_type());
    }
    let nothing = arrow::array::new_null_array(&arrow::datatypes::DataType::Null, 8);
    assert_eq!(one(ColumnType::Text, nothing).nulls, 8);
    let empty = arrow::array::new_null_array(layouts_dictionary(), 8);
    assert_eq!(one(ColumnType::Text, empty).nulls, 8);
}

fn layouts_dictionary() -> &'static arrow::datatypes::DataType {
    static TYPE: std::sync::OnceLock<arrow::datatypes::DataType> = std::sync::OnceLock::new();
    TYPE.get_or_init(|| {
        use arrow::datatypes::DataType;
        DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
    })
}

#[test]
fn a_batch_of_another_table_is_refused() {
    let mut builder = ProfileBuilder::new(&contract(&[("c", ColumnType::Text)]));
    let missing = RecordBatch::try_from_iter([("d", texts(&[("a", 1)]))]).unwrap();
    assert_eq!(builder.push(&missing).unwrap_err().message(), "a batch to be profiled has no column `c`");
    let wrong = RecordBatch::try_from_iter([("c", Arc::new(Int32Array::from(vec![1])) as ArrayRef)]).unwrap();
    assert_eq!(builder.push(&wrong).unwrap_err().message(), "a text column to be profiled holds `Int32`");
    assert!(builder.merge(ProfileBuilder::new(&contract(&[]))).is_err());
    assert!(builder.merge(ProfileBuilder::new(&contract(&[("c", ColumnType::Int)]))).is_err());
}

/// Rows of one text, one number and one flag, with NULLs.
type Row = (Option<String>, Option<i64>, Option<bool>);

fn random_rows(rng: &mut ChaCha8Rng, rows: usize) -> Vec<Row> {
    let spread = *[1, 3, 40, 2_000].get(rng.random_range(0..4)).unwrap();
    let nulls = rng.random_range(0.0..1.0);
    let mut row = || {
        let text = rng.random_bool(1.0 - nulls).then(|| format!("v{}", rng.random_range(0..spread)));
        let number = rng.random_bool(1.0 - nulls).then(|| rng.random_range(-spread..spread));
        let flag = rng.random_bool(1.0 - nulls).then(|| rng.random_bool(0.9));
        (text, number, flag)
    };
    (0..rows).map(|_| row()).collect()
}

fn batch(rows: &[Row], dictionary: bool) -> RecordBatch {
    let text = rows.iter().map(|r| r.0.as_deref());
    let text: ArrayRef = if dictionary {
        Arc::new(text.collect::<DictionaryArray<Int32Type>>())
    } else {
        Arc::new(text.collect::<StringArray>())
    };
    let number: ArrayRef = Arc::new(rows.iter().map(|r| r.1).collect::<Int64Array>());
    let flag: ArrayRef = Arc::new(rows.iter().map(|r| r.2).collect::<BooleanArray>());
    RecordBatch::try_from_iter([("text", text), ("number", number), ("flag", flag)]).unwrap()
}

/// Value by value, by the rules as the module states them.
fn naive(rows: &[Row]) -> Vec<ColumnProfile> {
    let columns: [Vec<Option<String>>; 3] = [
        rows.iter().map(|r| r.0.clone()).collect(),
        rows.iter().map(|r| r.1.map(|n| n.to_string())).collect(),
        rows.iter().map(|r| r.2.map(|b| b.to_string())).collect(),
    ];
    let mut profiles: Vec<ColumnProfile> =
        columns.iter().enumerate().map(|(i, c)| naive_column(c, i != 1, i == 2)).collect();
    if profiles[1].distinct.is_some() {
        let numbers = || rows.iter().filter_map(|r| r.1);
        profiles[1].min = numbers().min().map(|n| n.to_string());
        profiles[1].max = numbers().max().map(|n| n.to_string());
    }
    profiles
}

fn naive_column(values: &[Option<String>], named: bool, all_or_none: bool) -> ColumnProfile {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for value in values.iter().flatten() {
        *counts.entry(value).or_default() += 1;
    }
    let filled: u64 = counts.values().sum();
    let rows = values.len() as u64;
    let nulls = rows - filled;
    let null_share = if rows == 0 { 0.0 } else { nulls as f64 / rows as f64 };
    let mut profile = ColumnProfile { rows, nulls, null_share, ..ColumnProfile::default() };
    if filled < 5 {
        profile.withheld = (filled > 0).then_some(Withheld::FewRows);
        return profile;
    }
    profile.distinct = Some(Distinct { count: counts.len() as u64, exact: true });
    let few_enough = counts.len() <= LOW_CARDINALITY && !(all_or_none && counts.values().any(|n| *n < 5));
    if named && few_enough {
        let mut ranked: Vec<(&str, u64)> = counts.into_iter().filter(|(_, n)| *n >= 5).collect();
        ranked.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        ranked.truncate(TOP_VALUES);
        profile.top = ranked.into_iter().map(|(v, rows)| TopValue { value: v.to_string(), rows }).collect();
    }
    profile
}

/// Every value of the text column with its rows, where there are few.
fn rows_by_text(rows: &[Row]) -> BTreeMap<ColumnName, Vec<(Option<String>, u64)>> {
    let mut counts = BTreeMap::new();
    for (text, ..) in rows {
        *counts.entry(text.clone()).or_insert(0) += 1;
    }
    let few = counts.keys().flatten().count() <= LOW_CARDINALITY;
    few.then(|| (ColumnName::new_unchecked("text"), counts.into_iter().collect())).into_iter().collect()
}

#[test]
fn agrees_with_counting_value_by_value() {
    let contract =
        contract(&[("text", ColumnType::Text), ("number", ColumnType::BigInt), ("flag", ColumnType::Boolean)]);
    for seed in 0..60 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let length = *[0, 1, 6, 300, 2_500].get(rng.random_range(0..5)).unwrap();
        let rows = random_rows(&mut rng, length);
        let expected = naive(&rows);
        for size in [1, 2, 7, 50, 8192] {
            // Two partitions, one of plain text and one of dictionaries, merged in either order.
            let mut parts = [ProfileBuilder::new(&contract), ProfileBuilder::new(&contract)];
            for (i, chunk) in rows.chunks(size).enumerate() {
                parts[i % 2].push(&batch(chunk, i % 2 == 1)).unwrap();
            }
            let [mut merged, mut other] = parts;
            if seed % 2 == 1 {
                std::mem::swap(&mut merged, &mut other);
            }
            merged.merge(other).unwrap();
            assert_eq!(merged.texts(), rows_by_text(&rows), "seed {seed}, batches of {size}");
            assert_eq!(merged.finish(), expected, "seed {seed}, batches of {size}");
        }
    }
}

#[test]
fn texts_that_are_personal_or_long_are_not_handed_on() {
    let mut personal = contract(&[("c", ColumnType::Text)]);
    personal.columns[0].pii = Pii::Direct;
    for (contract, text) in [(personal, "a".to_string()), (contract(&[("c", ColumnType::Text)]), "a".repeat(300))] {
        let mut builder = ProfileBuilder::new(&contract);
        builder.push(&RecordBatch::try_from_iter([("c", texts(&[(&text, 9)]))]).unwrap()).unwrap();
        assert_eq!(builder.texts(), BTreeMap::new());
    }
}

#[test]
fn the_cap_does_not_depend_on_partitions() {
    let contract = contract(&[("c", ColumnType::Text)]);
    let half = |from: usize, to: usize| {
        let mut builder = ProfileBuilder::new(&contract);
        let names: ArrayRef = Arc::new(StringArray::from_iter_values((from..to).map(|i| i.to_string())));
        builder.push(&RecordBatch::try_from_iter([("c", names)]).unwrap()).unwrap();
        builder
    };
    for (end, exact) in [(DISTINCT_CAP, true), (DISTINCT_CAP + 1, false)] {
        let mut first = half(0, 6_000);
        first.merge(half(4_000, end)).unwrap();
        let expected = Distinct { count: DISTINCT_CAP as u64, exact };
        assert_eq!(first.finish()[0].distinct, Some(expected));
    }
}
