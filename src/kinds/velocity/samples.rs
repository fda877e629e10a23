//! Rows of the durations' table → what the summary needs of them: the groups, a time, a few bits.
//!
//! ```text
//! in    status │ time │ horizon: within, passed? │ unobserved? │ target status? │ group columns
//! out   group columns │ time │ bits │ late?
//! ```

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, RecordBatch, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, SchemaRef};

use super::status::{Status, TargetStatus};
use crate::engine::map::{RowAlgorithm, RowState};
use crate::error::{Error, Result};

/// A row's bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bits(pub(super) i32);

const STATUS: i32 = 0b111;
const PASSED: i32 = 1 << 3;
const WITHIN: i32 = 1 << 4;
const TARGET_SHIFT: i32 = 5;
const TARGET: i32 = 0b111 << TARGET_SHIFT;

impl Bits {
    /// Of a row that is no transition: its time is how many converted in the period of its group.
    pub(super) const PERIOD: Self = Self(STATUS);

    fn new(status: Status, passed: bool, within: bool, target: Option<TargetStatus>) -> Self {
        let target = target.map_or(0, |target| (target as i32 + 1) << TARGET_SHIFT);
        Self(status as i32 | if passed { PASSED } else { 0 } | if within { WITHIN } else { 0 } | target)
    }

    /// The status; `None` for [`Bits::PERIOD`].
    pub(super) fn status(self) -> Option<Status> {
        Status::ALL.into_iter().find(|status| *status as i32 == self.0 & STATUS)
    }

    /// Whether the horizon had passed.
    pub(super) fn passed(self) -> bool {
        self.0 & PASSED != 0
    }

    /// Whether it converted within the horizon.
    pub(super) fn within(self) -> bool {
        self.0 & WITHIN != 0
    }

    /// How it stands to its target.
    pub(super) fn target(self) -> Option<TargetStatus> {
        let code = (self.0 & TARGET) >> TARGET_SHIFT;
        TargetStatus::ALL.into_iter().find(|target| *target as i32 + 1 == code)
    }
}

/// Which of the optional columns there are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    pub(super) horizon: bool,
    pub(super) unobserved: bool,
    pub(super) targets: bool,
}

/// Everything that is told, for all partitions.
#[derive(Debug)]
pub(super) struct Samples {
    pub(super) columns: Columns,
    /// Group columns, time, bits, and how late it was observed, where that is known.
    pub(super) schema: SchemaRef,
}

impl RowAlgorithm for Samples {
    fn name(&self) -> &'static str {
        "VelocitySamples"
    }

    fn output_schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn start(&self, _: &[Vec<RecordBatch>]) -> Result<Box<dyn RowState>> {
        Ok(Box::new(State { columns: self.columns, schema: Arc::clone(&self.schema) }))
    }
}

struct State {
    columns: Columns,
    schema: SchemaRef,
}

impl RowState for State {
    fn apply(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let [status, time, rest @ ..] = batch.columns() else { return Err(misfit()) };
        let (horizon, rest) = rest.split_at_checked(if self.columns.horizon { 2 } else { 0 }).ok_or_else(misfit)?;
        let (late, rest) = rest.split_at_checked(usize::from(self.columns.unobserved)).ok_or_else(misfit)?;
        let (target, groups) = rest.split_at_checked(usize::from(self.columns.targets)).ok_or_else(misfit)?;
        let status = texts(status)?;
        let flag = |at: usize| -> Result<Option<&BooleanArray>> {
            horizon.get(at).map(|flag| flag.as_boolean_opt().ok_or_else(misfit)).transpose()
        };
        let (within, passed) = (flag(0)?, flag(1)?);
        let target = target.first().map(texts).transpose()?;
        let is = |flag: Option<&BooleanArray>, row: usize| flag.is_some_and(|f| f.is_valid(row) && f.value(row));
        let mut bits = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let of = |word: &str| Status::ALL.into_iter().zip(Status::WORDS).find(|(_, known)| *known == word);
            let (status, _) = of(status.value(row)).ok_or_else(misfit)?;
            let target = target.as_ref().filter(|target| target.is_valid(row)).map(|target| target.value(row));
            let target = target.and_then(|word| {
                TargetStatus::ALL.into_iter().zip(TargetStatus::WORDS).find(|(_, known)| *known == word)
            });
            bits.push(Bits::new(status, is(passed, row), is(within, row), target.map(|(target, _)| target)).0);
        }
        let time = time.as_primitive_opt::<Int64Type>().ok_or_else(misfit)?;
        // Only what is excluded has no time, and nobody looks at it.
        let time: Int64Array = time.iter().map(|time| Some(time.unwrap_or(0))).collect();
        let mut columns: Vec<ArrayRef> = groups.to_vec();
        columns.push(Arc::new(time));
        columns.push(Arc::new(Int32Array::from(bits)));
        columns.extend(late.iter().cloned());
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }

    fn held_bytes(&self) -> usize {
        0
    }
}

fn texts(column: &ArrayRef) -> Result<StringViewArray> {
    let texts = cast(column, &DataType::Utf8View)?;
    texts.as_string_view_opt().cloned().ok_or_else(misfit)
}

fn misfit() -> Error {
    Error::internal("durations with other columns than a summary reads")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_give_back_what_was_put_in() {
        for status in Status::ALL {
            for target in TargetStatus::ALL.map(Some).into_iter().chain([None]) {
                for (passed, within) in [(false, false), (true, false), (false, true), (true, true)] {
                    let bits = Bits::new(status, passed, within, target);
                    let found = (bits.status(), bits.passed(), bits.within(), bits.target());
                    assert_eq!(found, (Some(status), passed, within, target));
                }
            }
        }
        assert_eq!(Bits::PERIOD.status(), None);
    }
}
