//! `sum` of whole numbers that fails where it would overflow; see [`super::checked`].

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Int64Array};
use arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef, Int64Type};
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_datafusion_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF, Signature, Volatility,
};

use super::different::{self, Different};
use super::exact_aggregates::counts;

/// Digits of a sum on the way: more than all BIGINTs that there could be come to.
const DIGITS: u8 = 38;

/// `sum(BIGINT)`, worked out in 128 bits.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct WholeSum {
    signature: Signature,
}

impl WholeSum {
    pub(super) fn new() -> Self {
        Self { signature: Signature::exact(vec![DataType::Int64], Volatility::Immutable) }
    }
}

impl AggregateUDFImpl for WholeSum {
    fn name(&self) -> &str {
        "sum"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let one = One::default();
        Ok(if args.is_distinct { Box::new(Different::<Int64Type, _>::new(one)) } else { Box::new(one) })
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        if args.is_distinct {
            return Ok(vec![different::field(args.name, DataType::Int64)]);
        }
        let total = Field::new(format_state_name(args.name, "total"), DataType::Decimal128(DIGITS, 0), true);
        Ok(vec![Arc::new(total)])
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Groups::default()))
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

fn misfit() -> DataFusionError {
    exec_datafusion_err!("a sum of whole numbers got other columns than it takes")
}

fn told(total: i128) -> Result<i64> {
    i64::try_from(total).map_err(|_| exec_datafusion_err!("Overflow of a sum of whole numbers"))
}

fn numbers(columns: &[ArrayRef]) -> Result<&Int64Array> {
    columns.first().and_then(|column| column.as_primitive_opt::<Int64Type>()).ok_or_else(misfit)
}

fn totals(columns: &[ArrayRef]) -> Result<&Decimal128Array> {
    columns.first().and_then(|column| column.as_primitive_opt::<Decimal128Type>()).ok_or_else(misfit)
}

fn states(totals: impl Iterator<Item = Option<i128>>) -> Result<Vec<ArrayRef>> {
    let totals = totals.collect::<Decimal128Array>().with_precision_and_scale(DIGITS, 0)?;
    Ok(vec![Arc::new(totals)])
}

/// The sum of all rows, or of a window.
#[derive(Debug, Default)]
struct One {
    total: i128,
    count: i64,
}

impl One {
    fn seen(&self) -> Option<i128> {
        (self.count > 0).then_some(self.total)
    }
}

impl Accumulator for One {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let numbers = numbers(values)?;
        self.count += (numbers.len() - numbers.null_count()) as i64;
        self.total += numbers.iter().flatten().map(i128::from).sum::<i128>();
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let numbers = numbers(values)?;
        self.count -= (numbers.len() - numbers.null_count()) as i64;
        self.total -= numbers.iter().flatten().map(i128::from).sum::<i128>();
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(self.seen().map(told).transpose()?))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::Decimal128(self.seen(), DIGITS, 0)])
    }

    fn merge_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let totals = totals(columns)?;
        self.count += (totals.len() - totals.null_count()) as i64;
        self.total += totals.iter().flatten().sum::<i128>();
        Ok(())
    }
}

/// The sums of groups; none where a group has no number yet.
#[derive(Debug, Default)]
struct Groups {
    totals: Vec<Option<i128>>,
}

impl Groups {
    fn add(&mut self, group: usize, number: i128) {
        if let Some(total) = self.totals.get_mut(group) {
            *total = Some(total.unwrap_or(0) + number);
        }
    }
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.totals.resize(total_num_groups, None);
        for (row, (number, group)) in numbers(values)?.iter().zip(group_indices).enumerate() {
            if let Some(number) = number.filter(|_| counts(opt_filter, row)) {
                self.add(*group, i128::from(number));
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let taken = emit_to.take_needed(&mut self.totals).into_iter();
        let sums = taken.map(|total| total.map(told).transpose()).collect::<Result<Int64Array>>()?;
        Ok(Arc::new(sums))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        states(emit_to.take_needed(&mut self.totals).into_iter())
    }

    fn merge_batch(&mut self, columns: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.totals.resize(total_num_groups, None);
        for (total, group) in totals(columns)?.iter().zip(group_indices) {
            if let Some(total) = total {
                self.add(*group, total);
            }
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let numbers = numbers(values)?.iter().enumerate();
        states(numbers.map(|(row, number)| number.filter(|_| counts(opt_filter, row)).map(i128::from)))
    }

    fn size(&self) -> usize {
        self.totals.capacity() * size_of::<Option<i128>>()
    }
}
