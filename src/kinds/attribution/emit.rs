//! Ledger rows as they are collected, and as a batch.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Decimal128Array, DictionaryArray, Float64Array, Int32Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, UInt32Array,
};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef};

use super::spec::Layout;
use super::window::{NOWHERE, Place, Window};
use crate::error::Result;
use crate::kinds::typing::instant_type;

/// Decimals of weights: 1 is so many units, so that a weight fits 64 bits and sums are exact.
pub(super) const WEIGHT_SCALE: i8 = 15;
/// Units of a whole conversion's credit.
pub(super) const WEIGHT_UNITS: i64 = 1_000_000_000_000_000;
/// Digits of weights and amounts.
pub(super) const PRECISION: u8 = 18;

/// What the ledger's columns are, for all partitions.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub(super) layout: Layout,
    /// Models by name.
    pub(super) models: Vec<String>,
    /// Decimals of amounts, where there are amounts.
    pub(super) scale: Option<i8>,
    /// Whether sessions are merged.
    pub(super) merges: bool,
    pub(super) version: String,
    /// Columns of the conversion at the beginning, by name in input and output, with types.
    pub(super) before: Vec<(String, String, DataType)>,
    /// Columns of the touch.
    pub(super) touch: Vec<(String, String, DataType)>,
    /// Kept columns of the conversion, and its currency.
    pub(super) after: Vec<(String, String, DataType)>,
}

fn words() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

impl Shape {
    /// The columns of the ledger, in the order of the model's main table.
    pub(super) fn schema(&self) -> SchemaRef {
        let given = |columns: &[(String, String, DataType)]| -> Vec<Field> {
            columns.iter().map(|(_, name, ty)| Field::new(name, ty.clone(), true)).collect()
        };
        let field = |name: &str, ty: DataType| Field::new(name, ty, true);
        let mut fields = given(&self.before);
        fields.push(field("touched_at", instant_type()));
        fields.extend(given(&self.touch));
        fields.extend(given(&self.after));
        fields.push(field("position", DataType::Int32));
        fields.push(field("journey_length", DataType::Int32));
        fields.push(field("days_before", DataType::Float64));
        fields.extend(self.merges.then(|| field("touches_merged", DataType::Int32)));
        let weight = DataType::Decimal128(PRECISION, WEIGHT_SCALE);
        let amount = self.scale.map(|scale| DataType::Decimal128(PRECISION, scale));
        match self.layout {
            Layout::Long => {
                fields.push(field("model", words()));
                fields.push(field("weight", weight));
                fields.extend(amount.map(|amount| field("amount", amount)));
            }
            Layout::Wide => {
                for model in &self.models {
                    fields.push(field(super::models::weight_column(model).as_str(), weight.clone()));
                    fields.extend(
                        amount.clone().map(|amount| field(super::models::amount_column(model).as_str(), amount)),
                    );
                }
            }
        }
        fields.push(field("definition_version", words()));
        Arc::new(Schema::new(fields))
    }

    /// How many models' numbers a row has.
    pub(super) fn wide(&self) -> usize {
        match self.layout {
            Layout::Long => 1,
            Layout::Wide => self.models.len(),
        }
    }
}

/// Rows that wait to be a batch.
#[derive(Debug)]
pub(super) struct Rows {
    shape: Arc<Shape>,
    schema: SchemaRef,
    models: ArrayRef,
    version: ArrayRef,
    places: Vec<Place>,
    conversions: Vec<u32>,
    touched: Vec<Option<i64>>,
    positions: Vec<i32>,
    lengths: Vec<i32>,
    days: Vec<Option<f64>>,
    merged: Vec<i32>,
    model: Vec<i32>,
    weights: Vec<Vec<i64>>,
    amounts: Vec<Vec<i64>>,
}

/// What a row says beside its numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    /// Where the touch's columns are.
    pub(super) place: Place,
    /// The row of the conversion in the batch at hand.
    pub(super) conversion: u32,
    /// The conversion's instant.
    pub(super) converted_at: i64,
    /// The touch's instant; unset where there is no touch.
    pub(super) touched_at: Option<i64>,
    /// From 1.
    pub(super) position: i32,
    /// Touches of the journey.
    pub(super) length: i32,
    /// Touches merged into this one.
    pub(super) merged: i32,
    /// The model, in the long layout.
    pub(super) model: i32,
}

const DAY_MICROS: f64 = 86_400_000_000.0;

impl Rows {
    pub(super) fn new(shape: &Arc<Shape>) -> Self {
        let texts = |words: Vec<&str>| -> ArrayRef { Arc::new(StringArray::from(words)) };
        let columns = || vec![Vec::new(); shape.wide()];
        Self {
            schema: shape.schema(),
            models: texts(shape.models.iter().map(String::as_str).collect()),
            version: texts(vec![shape.version.as_str()]),
            places: Vec::new(),
            conversions: Vec::new(),
            touched: Vec::new(),
            positions: Vec::new(),
            lengths: Vec::new(),
            days: Vec::new(),
            merged: Vec::new(),
            model: Vec::new(),
            weights: columns(),
            amounts: columns(),
            shape: Arc::clone(shape),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Adds a row; `numbers` are weight and amount for each column of numbers.
    pub(super) fn push(&mut self, line: Line, numbers: impl Iterator<Item = (i64, i64)>) {
        self.places.push(line.place);
        self.conversions.push(line.conversion);
        self.touched.push(line.touched_at);
        self.positions.push(line.position);
        self.lengths.push(line.length);
        self.days.push(line.touched_at.map(|at| line.converted_at.saturating_sub(at) as f64 / DAY_MICROS));
        self.merged.push(line.merged);
        self.model.push(line.model);
        for ((weights, amounts), (weight, amount)) in self.weights.iter_mut().zip(&mut self.amounts).zip(numbers) {
            weights.push(weight);
            amounts.push(amount);
        }
    }

    /// The rows as a batch; `touch` and `conversion` are the columns of the batch at hand, `nobody` those
    /// of a row without a touch.
    pub(super) fn flush(
        &mut self,
        window: &Window,
        touch: &[ArrayRef],
        nobody: &[ArrayRef],
        conversion: &[ArrayRef],
    ) -> Result<RecordBatch> {
        let places = std::mem::take(&mut self.places);
        let rows = UInt32Array::from(std::mem::take(&mut self.conversions));
        let touched = TimestampMicrosecondArray::from(std::mem::take(&mut self.touched)).with_timezone("UTC");
        let mut of_touch = window.pick(&places, touch, nobody)?;
        let mut of_conversion = conversion.iter().map(|column| Ok(take(column, &rows, None)?));
        let mut columns: Vec<ArrayRef> =
            of_conversion.by_ref().take(self.shape.before.len()).collect::<Result<Vec<_>>>()?;
        columns.push(Arc::new(touched));
        columns.append(&mut of_touch);
        for column in of_conversion {
            columns.push(column?);
        }
        columns.push(numbers(&mut self.positions));
        columns.push(numbers(&mut self.lengths));
        columns.push(Arc::new(Float64Array::from(std::mem::take(&mut self.days))));
        let merged = numbers(&mut self.merged);
        columns.extend(self.shape.merges.then_some(merged));
        let model = Int32Array::from(std::mem::take(&mut self.model));
        if self.shape.layout == Layout::Long {
            columns.push(Arc::new(DictionaryArray::<Int32Type>::try_new(model, Arc::clone(&self.models))?));
        }
        for (weights, amounts) in self.weights.iter_mut().zip(&mut self.amounts) {
            columns.push(decimals(weights, WEIGHT_SCALE)?);
            let amounts = self.shape.scale.map(|scale| decimals(amounts, scale)).transpose()?;
            columns.extend(amounts);
        }
        self.amounts.iter_mut().for_each(Vec::clear);
        let version = Int32Array::from_iter_values(std::iter::repeat_n(0, places.len()));
        columns.push(Arc::new(DictionaryArray::<Int32Type>::try_new(version, Arc::clone(&self.version))?));
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

impl Place {
    /// The place of a row that no touch stands behind.
    pub(super) const NONE: Self = Self { chunk: 0, row: 0, ordinal: NOWHERE };
}

fn numbers(values: &mut Vec<i32>) -> ArrayRef {
    Arc::new(Int32Array::from(std::mem::take(values)))
}

fn decimals(values: &mut Vec<i64>, scale: i8) -> Result<ArrayRef> {
    let values = Decimal128Array::from_iter_values(std::mem::take(values).into_iter().map(i128::from));
    Ok(Arc::new(values.with_precision_and_scale(PRECISION, scale)?))
}
