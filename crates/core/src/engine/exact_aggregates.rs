//! `sum`, `avg`, `var` and `stddev` of doubles, exact until they are told.
//!
//! DataFusion adds doubles in the order in which they come, and so the last digits of a result depend on threads and
//! files. Here they do not.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, ListArray};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int64Type};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF, Signature, Volatility,
};

use super::different::{self, Different};
use super::exact::Total;
use super::exact_states;

/// Which figure of some numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Figure {
    Sum,
    Mean,
    /// Of a sample, or of all.
    Variance {
        sample: bool,
    },
    Deviation {
        sample: bool,
    },
}

impl Figure {
    /// The figure that a function of DataFusion gives.
    pub(super) fn of(function: &str) -> Option<Self> {
        Some(match function {
            "sum" => Self::Sum,
            "avg" => Self::Mean,
            "var" => Self::Variance { sample: true },
            "var_pop" => Self::Variance { sample: false },
            "stddev" => Self::Deviation { sample: true },
            "stddev_pop" => Self::Deviation { sample: false },
            _ => return None,
        })
    }

    fn squares(self) -> bool {
        matches!(self, Self::Variance { .. } | Self::Deviation { .. })
    }
}

/// An aggregate over one column of doubles, under the name of the function that it stands for.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ExactAggregate {
    name: String,
    figure: Figure,
    signature: Signature,
}

impl ExactAggregate {
    pub(super) fn new(name: &str, figure: Figure) -> Self {
        let signature = Signature::exact(vec![DataType::Float64], Volatility::Immutable);
        Self { name: name.to_string(), figure, signature }
    }
}

impl AggregateUDFImpl for ExactAggregate {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let one = One { figure: self.figure, numbers: Numbers::default() };
        Ok(if args.is_distinct { Box::new(Different::<Float64Type, _>::new(one)) } else { Box::new(one) })
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        if args.is_distinct {
            return Ok(vec![different::field(args.name, DataType::Float64)]);
        }
        let count = Arc::new(Field::new(format_state_name(args.name, "count"), DataType::Int64, false));
        let total = |name: &str| exact_states::field(args.name, name);
        Ok(vec![total("total"), total("squares"), count])
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Groups { figure: self.figure, groups: Vec::new(), held: 0 }))
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

/// What is known of some numbers.
#[derive(Debug, Clone, Default)]
struct Numbers {
    total: Total,
    /// Of the squares; empty where the figure does not ask for them.
    squares: Total,
    count: i64,
}

impl Numbers {
    fn add(&mut self, number: f64, figure: Figure) {
        self.count += 1;
        self.total.add(number);
        if figure.squares() {
            self.squares.change_by_product(number, number, 1.0);
        }
    }

    fn retract(&mut self, number: f64, figure: Figure) {
        self.count -= 1;
        self.total.retract(number);
        if figure.squares() {
            self.squares.change_by_product(number, number, -1.0);
        }
    }

    fn figure(&self, figure: Figure) -> Option<f64> {
        let spread = |sample: bool| {
            let of = self.count - i64::from(sample);
            (of > 0).then(|| self.total.own_spread(&self.squares, self.count) / of as f64)
        };
        match figure {
            Figure::Sum => (self.count > 0).then(|| self.total.value()),
            Figure::Mean => (self.count > 0).then(|| self.total.value() / self.count as f64),
            Figure::Variance { sample } => spread(sample),
            Figure::Deviation { sample } => spread(sample).map(f64::sqrt),
        }
    }

    /// Adds what a row of states tells.
    fn merge(&mut self, states: &States<'_>, row: usize) {
        self.count += states.count.value(row);
        exact_states::merge(&mut self.total, states.total, row);
        exact_states::merge(&mut self.squares, states.squares, row);
    }

    fn held_bytes(&self) -> usize {
        self.total.held_bytes() + self.squares.held_bytes()
    }
}

/// The columns of states.
struct States<'a> {
    total: &'a ListArray,
    squares: &'a ListArray,
    count: &'a Int64Array,
}

impl<'a> States<'a> {
    fn of(columns: &'a [ArrayRef]) -> Result<Self> {
        let [total, squares, count] = columns else { return Err(misfit()) };
        let list = |column: &'a ArrayRef| column.as_list_opt::<i32>().ok_or_else(misfit);
        let count = count.as_primitive_opt::<Int64Type>().ok_or_else(misfit)?;
        Ok(Self { total: list(total)?, squares: list(squares)?, count })
    }
}

/// States as columns, a row each.
fn states(numbers: &[Numbers]) -> Result<Vec<ArrayRef>> {
    let count = Int64Array::from_iter_values(numbers.iter().map(|numbers| numbers.count));
    let total = exact_states::column(numbers.iter().map(|numbers| &numbers.total))?;
    let squares = exact_states::column(numbers.iter().map(|numbers| &numbers.squares))?;
    Ok(vec![total, squares, Arc::new(count)])
}

/// The column of numbers that an aggregate takes.
fn doubles(values: &[ArrayRef]) -> Result<&Float64Array> {
    values.first().and_then(|column| column.as_primitive_opt::<Float64Type>()).ok_or_else(misfit)
}

fn misfit() -> datafusion::common::DataFusionError {
    exec_datafusion_err!("an exact sum got other columns than it takes")
}

/// The figure of all rows, or of a window.
#[derive(Debug)]
struct One {
    figure: Figure,
    numbers: Numbers,
}

impl Accumulator for One {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        doubles(values)?.iter().flatten().for_each(|number| self.numbers.add(number, self.figure));
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        doubles(values)?.iter().flatten().for_each(|number| self.numbers.retract(number, self.figure));
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Float64(self.numbers.figure(self.figure)))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.numbers.held_bytes()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let columns = states(std::slice::from_ref(&self.numbers))?;
        columns.iter().map(|column| ScalarValue::try_from_array(column, 0)).collect()
    }

    fn merge_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let states = States::of(columns)?;
        (0..states.count.len()).for_each(|row| self.numbers.merge(&states, row));
        Ok(())
    }
}

/// The figures of groups.
#[derive(Debug)]
struct Groups {
    figure: Figure,
    groups: Vec<Numbers>,
    /// Bytes that the groups hold beside themselves.
    held: usize,
}

impl Groups {
    fn change(&mut self, group: usize, change: impl FnOnce(&mut Numbers, Figure)) -> Result<()> {
        let numbers = self.groups.get_mut(group).ok_or_else(misfit)?;
        let before = numbers.held_bytes();
        change(numbers, self.figure);
        self.held = self.held + numbers.held_bytes() - before;
        Ok(())
    }

    fn taken(&mut self, emit_to: EmitTo) -> Vec<Numbers> {
        let taken = emit_to.take_needed(&mut self.groups);
        self.held = self.groups.iter().map(Numbers::held_bytes).sum();
        taken
    }
}

/// Whether a row passes the filter of an aggregate.
pub(super) fn counts(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.groups.resize_with(total_num_groups, Numbers::default);
        for (row, (number, group)) in doubles(values)?.iter().zip(group_indices).enumerate() {
            if let Some(number) = number.filter(|_| counts(opt_filter, row)) {
                self.change(*group, |numbers, figure| numbers.add(number, figure))?;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let taken = self.taken(emit_to);
        Ok(Arc::new(taken.iter().map(|numbers| numbers.figure(self.figure)).collect::<Float64Array>()))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        states(&self.taken(emit_to))
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.groups.resize_with(total_num_groups, Numbers::default);
        let states = States::of(values)?;
        for (row, group) in group_indices.iter().enumerate() {
            self.change(*group, |numbers, _| numbers.merge(&states, row))?;
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = doubles(values)?.iter().enumerate().map(|(row, number)| {
            let mut numbers = Numbers::default();
            number.filter(|_| counts(opt_filter, row)).into_iter().for_each(|n| numbers.add(n, self.figure));
            numbers
        });
        states(&rows.collect::<Vec<_>>())
    }

    fn size(&self) -> usize {
        self.groups.capacity() * size_of::<Numbers>() + self.held
    }
}
