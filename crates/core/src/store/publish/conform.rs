//! Batches as a plan yields them, made into batches as the contract promises them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use crate::contract::Contract;
use crate::error::{Error, Result};

/// Brings the batches of one stream into a contract's shape: its column order, names, types and
/// the promise of no NULL. Text keeps whatever encoding it comes in, which a file does not show.
#[derive(Debug)]
pub(super) struct Conform<'a> {
    contract: &'a Contract,
    schema: SchemaRef,
}

impl<'a> Conform<'a> {
    /// For a stream of that schema, whose columns must be the contract's, in order.
    pub(super) fn new(contract: &'a Contract, stream: &Schema) -> Result<Self> {
        let names: Vec<&str> = stream.fields().iter().map(|field| field.name().as_str()).collect();
        let promised: Vec<&str> = contract.columns.iter().map(|column| column.name.as_str()).collect();
        if names != promised {
            return Err(Error::internal(format!(
                "table `{}` was planned with the columns {names:?}, its contract has {promised:?}",
                contract.table
            )));
        }
        let fields: Vec<Field> = contract
            .schema()
            .fields()
            .iter()
            .zip(stream.fields())
            .map(|(promised, got)| {
                let data_type = written_type(promised.data_type(), got.data_type());
                promised.as_ref().clone().with_data_type(data_type)
            })
            .collect();
        Ok(Self { contract, schema: Arc::new(Schema::new(fields)) })
    }

    /// The schema of the batches made: the contract's, save for the encoding of text.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// One batch, as promised.
    pub(super) fn batch(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let arrays: Result<Vec<ArrayRef>> =
            self.schema.fields().iter().zip(batch.columns()).map(|(field, array)| self.column(field, array)).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays?, &options)?)
    }

    fn column(&self, field: &Field, array: &ArrayRef) -> Result<ArrayRef> {
        let options = CastOptions { safe: false, ..CastOptions::default() };
        let array = if array.data_type() == field.data_type() {
            Arc::clone(array)
        } else {
            cast_with_options(array, field.data_type(), &options).map_err(|error| {
                Error::data(format!("table `{}`: column `{}` does not fit its type", self.contract.table, field.name()))
                    .with_source(error)
            })?
        };
        let nulls = if field.is_nullable() { 0 } else { array.logical_null_count() };
        if nulls > 0 {
            return Err(Error::data(format!(
                "table `{}`: column `{}` promises a value in every row, and {nulls} rows have none",
                self.contract.table,
                field.name()
            )));
        }
        Ok(array)
    }
}

/// The type a column is handed to the writer in: the promised one, or text as it is encoded.
fn written_type(promised: &DataType, got: &DataType) -> DataType {
    let text = |data_type: &DataType| matches!(data_type, DataType::Utf8 | DataType::LargeUtf8);
    let keep = match got {
        DataType::Dictionary(_, values) => text(values),
        DataType::Utf8View => true,
        other => text(other),
    };
    if *promised == DataType::Utf8 && keep { got.clone() } else { promised.clone() }
}
