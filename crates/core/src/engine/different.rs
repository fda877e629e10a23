//! Aggregates of which equal numbers count once, as in `sum(DISTINCT …)`.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, AsArray, ListArray, PrimitiveArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int64Type};
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_datafusion_err};
use datafusion::logical_expr::Accumulator;
use datafusion::logical_expr::utils::format_state_name;

/// Numbers that can be told apart by 64 bits.
pub(super) trait Told: ArrowPrimitiveType + Debug + Send + Sync {
    fn bits(number: Self::Native) -> u64;
    fn number(bits: u64) -> Self::Native;
}

impl Told for Int64Type {
    fn bits(number: i64) -> u64 {
        number.cast_unsigned()
    }

    fn number(bits: u64) -> i64 {
        bits.cast_signed()
    }
}

impl Told for Float64Type {
    /// All that is no number is alike, and so are the two noughts: −0 and 0 are 0.
    fn bits(number: f64) -> u64 {
        if number.is_nan() { f64::NAN.to_bits() } else { (number + 0.0).to_bits() }
    }

    fn number(bits: u64) -> f64 {
        f64::from_bits(bits)
    }
}

/// An aggregate of numbers that gives it each different one once.
#[derive(Debug)]
pub(super) struct Different<T, A> {
    of: A,
    /// How often each number is there, by its bits.
    times: BTreeMap<u64, i64>,
    numbers: std::marker::PhantomData<T>,
}

impl<T: Told, A: Accumulator> Different<T, A> {
    pub(super) fn new(of: A) -> Self {
        Self { of, times: BTreeMap::new(), numbers: std::marker::PhantomData }
    }

    /// Takes numbers, or with `by` −1 gives them back.
    fn change(&mut self, numbers: &ArrayRef, by: i64) -> Result<()> {
        let numbers = numbers.as_primitive_opt::<T>().ok_or_else(misfit)?;
        let mut changed = Vec::new();
        for bits in numbers.iter().flatten().map(T::bits) {
            let times = self.times.entry(bits).or_insert(0);
            let was_there = *times > 0;
            *times += by;
            if was_there != (*times > 0) {
                changed.push(T::number(bits));
            }
            if *times == 0 {
                self.times.remove(&bits);
            }
        }
        let changed: ArrayRef = Arc::new(PrimitiveArray::<T>::from_iter_values(changed));
        if by > 0 { self.of.update_batch(&[changed]) } else { self.of.retract_batch(&[changed]) }
    }
}

/// The only column of the state of such an aggregate over numbers of that type.
pub(super) fn field(aggregate: &str, of: DataType) -> FieldRef {
    Arc::new(Field::new_list(format_state_name(aggregate, "different"), Field::new_list_field(of, true), false))
}

fn misfit() -> DataFusionError {
    exec_datafusion_err!("an aggregate of different numbers got other columns than it takes")
}

impl<T: Told, A: Accumulator> Accumulator for Different<T, A> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.change(values.first().ok_or_else(misfit)?, 1)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.change(values.first().ok_or_else(misfit)?, -1)
    }

    fn supports_retract_batch(&self) -> bool {
        self.of.supports_retract_batch()
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.of.evaluate()
    }

    fn size(&self) -> usize {
        // A map of this kind is two thirds full on average.
        size_of_val(self) + self.of.size() - size_of_val(&self.of) + self.times.len() * 3 * size_of::<u64>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let numbers = PrimitiveArray::<T>::from_iter_values(self.times.keys().map(|bits| T::number(*bits)));
        let whole = OffsetBuffer::from_lengths([self.times.len()]);
        let item = Arc::new(Field::new_list_field(T::DATA_TYPE, true));
        Ok(vec![ScalarValue::List(Arc::new(ListArray::try_new(item, whole, Arc::new(numbers), None)?))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let lists = states.first().and_then(|lists| lists.as_list_opt::<i32>()).ok_or_else(misfit)?;
        lists.iter().flatten().try_for_each(|numbers| self.change(&numbers, 1))
    }
}
