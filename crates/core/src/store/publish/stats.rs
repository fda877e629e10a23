//! Bounds of a file's columns, taken from what the Parquet writer has counted anyway.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray, UInt64Array};
use arrow::compute::{max, max_string, min, min_string};
use arrow::datatypes::{
    Date32Type, Decimal128Type, DecimalType, Int32Type, Int64Type, SchemaRef, TimestampMicrosecondType,
};
use arrow::temporal_conversions::{date32_to_datetime, timestamp_us_to_datetime};
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::file::metadata::ParquetMetaData;
use serde_json::Value;

use super::release::ColumnStats;
use crate::contract::{Column, ColumnType};
use crate::error::Result;

/// Decimals of more digits than a JSON number is sure to keep have no bounds.
const EXACT_DIGITS: u8 = 15;

/// The bounds of every column of a file, by name. Text bounds may be shortened, which keeps them
/// bounds; floats have none, since readers order NaN in different ways.
pub(super) fn of_file(
    metadata: &ParquetMetaData,
    schema: &SchemaRef,
    columns: &[Column],
) -> Result<BTreeMap<String, ColumnStats>> {
    let parquet = metadata.file_metadata().schema_descr();
    let mut stats = BTreeMap::new();
    for column in columns {
        let converter = StatisticsConverter::try_new(column.name.as_str(), schema, parquet)?;
        let nulls = converter.row_group_null_counts(metadata.row_groups())?;
        let mins = converter.row_group_mins(metadata.row_groups())?;
        let maxes = converter.row_group_maxes(metadata.row_groups())?;
        stats.insert(
            column.name.to_string(),
            ColumnStats {
                min: bounded(metadata, &mins, &nulls).then(|| least(column.ty, &mins)).flatten(),
                max: bounded(metadata, &maxes, &nulls).then(|| greatest(column.ty, &maxes)).flatten(),
                null_count: nulls.values().iter().sum(),
            },
        );
    }
    Ok(stats)
}

/// Whether every row group that holds a value has a bound: the writer leaves one out where none can
/// be shortened to fit, and then the others bound nothing.
fn bounded(metadata: &ParquetMetaData, bounds: &ArrayRef, nulls: &UInt64Array) -> bool {
    let groups = metadata.row_groups().iter().zip(nulls.values());
    groups.enumerate().all(|(at, (group, nulls))| bounds.is_valid(at) || *nulls == group.num_rows() as u64)
}

fn least(ty: ColumnType, values: &ArrayRef) -> Option<Value> {
    match ty {
        ColumnType::Text => min_string(values.as_string_opt::<i32>()?).map(Value::from),
        ColumnType::BigInt => min(values.as_primitive_opt::<Int64Type>()?).map(Value::from),
        ColumnType::Int => min(values.as_primitive_opt::<Int32Type>()?).map(Value::from),
        ColumnType::Date => min(values.as_primitive_opt::<Date32Type>()?).and_then(date),
        ColumnType::Timestamp => min(values.as_primitive_opt::<TimestampMicrosecondType>()?).and_then(instant),
        ColumnType::Decimal(precision, scale) => {
            min(values.as_primitive_opt::<Decimal128Type>()?).and_then(|value| decimal(value, precision, scale))
        }
        ColumnType::Double | ColumnType::Boolean => None,
    }
}

fn greatest(ty: ColumnType, values: &ArrayRef) -> Option<Value> {
    match ty {
        ColumnType::Text => max_string(values.as_string_opt::<i32>()?).map(Value::from),
        ColumnType::BigInt => max(values.as_primitive_opt::<Int64Type>()?).map(Value::from),
        ColumnType::Int => max(values.as_primitive_opt::<Int32Type>()?).map(Value::from),
        ColumnType::Date => max(values.as_primitive_opt::<Date32Type>()?).and_then(date),
        ColumnType::Timestamp => max(values.as_primitive_opt::<TimestampMicrosecondType>()?).and_then(instant),
        ColumnType::Decimal(precision, scale) => {
            max(values.as_primitive_opt::<Decimal128Type>()?).and_then(|value| decimal(value, precision, scale))
        }
        ColumnType::Double | ColumnType::Boolean => None,
    }
}

fn date(days: i32) -> Option<Value> {
    date32_to_datetime(days).map(|day| day.format("%Y-%m-%d").to_string().into())
}

fn instant(microseconds: i64) -> Option<Value> {
    timestamp_us_to_datetime(microseconds).map(|at| at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string().into())
}

fn decimal(unscaled: i128, precision: u8, scale: i8) -> Option<Value> {
    if precision > EXACT_DIGITS {
        return None;
    }
    let text = Decimal128Type::format_decimal(unscaled, precision, scale);
    text.parse::<f64>().ok().map(Value::from)
}
