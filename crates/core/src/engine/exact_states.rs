//! Exact totals as columns: how the threads of an aggregate tell each other what they have.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use datafusion::common::Result;
use datafusion::logical_expr::utils::format_state_name;

use super::exact::Total;

fn item() -> FieldRef {
    Arc::new(Field::new_list_field(DataType::Float64, true))
}

/// The column of a total of that name, of an aggregate.
pub(super) fn field(aggregate: &str, name: &str) -> FieldRef {
    Arc::new(Field::new(format_state_name(aggregate, name), DataType::List(item()), false))
}

/// Totals as a column, a row each.
pub(super) fn column<'a>(totals: impl Iterator<Item = &'a Total>) -> Result<ArrayRef> {
    let lists: Vec<Vec<f64>> = totals.map(|total| total.numbers().collect()).collect();
    let lengths = OffsetBuffer::from_lengths(lists.iter().map(Vec::len));
    let values = Float64Array::from(lists.concat());
    Ok(Arc::new(ListArray::try_new(item(), lengths, Arc::new(values), None)?))
}

/// Adds the total in a row of such a column to another.
pub(super) fn merge(total: &mut Total, column: &ListArray, row: usize) {
    let numbers = column.value(row);
    numbers.as_primitive::<Float64Type>().values().iter().for_each(|number| total.add(*number));
}
