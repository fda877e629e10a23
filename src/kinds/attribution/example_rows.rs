//! The ledger's rows of one conversion, long or wide, as touches and what models give them.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int32Type, TimestampMicrosecondType};

use super::emit::WEIGHT_SCALE;
use super::example::{WorkedExample, misfit};
use super::models::{amount_column, weight_column};
use super::spec::Layout;
use crate::error::Result;
use crate::kinds::typing::instant_type;

/// What models give: by model and the touch's place.
pub(super) type Shares = BTreeMap<String, BTreeMap<i32, i128>>;

/// One conversion of the ledger.
#[derive(Debug, Default)]
pub(super) struct Credits {
    /// Touches of the journey.
    pub(super) length: i32,
    /// UTC microseconds.
    pub(super) converted_at: Option<i64>,
    /// Empty where there are no amounts.
    pub(super) currency: String,
    /// The touches that some model gives something, by place.
    pub(super) touches: BTreeMap<i32, TouchOf>,
    pub(super) weights: Shares,
    /// In the smallest unit that the ledger has.
    pub(super) amounts: Shares,
}

/// One touch.
#[derive(Debug)]
pub(super) struct TouchOf {
    /// UTC microseconds.
    pub(super) at: Option<i64>,
    pub(super) days_before: Option<f64>,
    pub(super) channel: String,
}

/// Reads the rows of one conversion.
pub(super) fn credits(example: &WorkedExample, layout: Layout, rows: &RecordBatch) -> Result<Credits> {
    let positions = column(rows, "position", &DataType::Int32)?;
    let positions = positions.as_primitive_opt::<Int32Type>().ok_or_else(misfit)?;
    let (converted, touched) = (instants(rows, "converted_at")?, instants(rows, "touched_at")?);
    let days = column(rows, "days_before", &DataType::Float64)?;
    let days = days.as_primitive_opt::<Float64Type>().ok_or_else(misfit)?;
    let lengths = column(rows, "journey_length", &DataType::Int32)?;
    let lengths = lengths.as_primitive_opt::<Int32Type>().ok_or_else(misfit)?;
    let channels = texts(rows, "channel")?;
    let currencies = if example.scale.is_some() { texts(rows, "currency")? } else { Vec::new() };
    let mut credits = Credits {
        length: lengths.iter().flatten().next().unwrap_or(0),
        converted_at: converted.first().copied().flatten(),
        currency: currencies.into_iter().next().unwrap_or_default(),
        ..Credits::default()
    };
    for (row, channel) in channels.into_iter().enumerate() {
        let days_before = days.is_valid(row).then(|| days.value(row));
        let touch = TouchOf { at: touched.get(row).copied().flatten(), days_before, channel };
        credits.touches.entry(positions.value(row)).or_insert(touch);
    }
    let mut share = |model: &str, row: usize, weight: i128, amount: Option<i128>| {
        let place = positions.value(row);
        credits.weights.entry(model.to_string()).or_default().insert(place, weight);
        if let Some(amount) = amount {
            credits.amounts.entry(model.to_string()).or_default().insert(place, amount);
        }
    };
    let amounts_of = |name: &str| example.scale.map(|scale| amounts(rows, name, scale)).transpose();
    match layout {
        Layout::Long => {
            let (weights, amounts) = (amounts(rows, "weight", WEIGHT_SCALE)?, amounts_of("amount")?);
            for ((row, model), weight) in texts(rows, "model")?.iter().enumerate().zip(weights) {
                if !example.models.contains(model) {
                    continue;
                }
                share(model, row, weight, amounts.as_ref().and_then(|amounts| amounts.get(row)).copied());
            }
        }
        Layout::Wide => {
            for model in &example.models {
                let weights = amounts(rows, weight_column(model).as_str(), WEIGHT_SCALE)?;
                let amounts = amounts_of(amount_column(model).as_str())?;
                for (row, weight) in weights.into_iter().enumerate() {
                    share(model, row, weight, amounts.as_ref().and_then(|amounts| amounts.get(row)).copied());
                }
            }
        }
    }
    Ok(credits)
}

fn column(rows: &RecordBatch, name: &str, ty: &DataType) -> Result<ArrayRef> {
    Ok(cast(rows.column_by_name(name).ok_or_else(misfit)?, ty)?)
}

fn instants(rows: &RecordBatch, name: &str) -> Result<Vec<Option<i64>>> {
    let instants = column(rows, name, &instant_type())?;
    Ok(instants.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(misfit)?.iter().collect())
}

fn texts(rows: &RecordBatch, name: &str) -> Result<Vec<String>> {
    let texts = column(rows, name, &DataType::Utf8)?;
    let texts = texts.as_string_opt::<i32>().ok_or_else(misfit)?;
    Ok(texts.iter().map(|text| text.unwrap_or_default().to_string()).collect())
}

/// Decimals in units of their last place; NULL counts as nothing.
pub(super) fn amounts(rows: &RecordBatch, name: &str, scale: i8) -> Result<Vec<i128>> {
    let amounts = column(rows, name, &DataType::Decimal128(38, scale))?;
    let amounts = amounts.as_primitive_opt::<Decimal128Type>().ok_or_else(misfit)?;
    Ok(amounts.iter().map(|amount| amount.unwrap_or(0)).collect())
}
