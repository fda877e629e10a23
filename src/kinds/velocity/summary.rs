//! The walk over groups: sorted samples in, one row of figures a group out.
//!
//! ```text
//! in    group columns (segments, cohort_start?, pair_number) │ time │ bits │ late?    sorted by the group columns
//! out   segments │ cohort_start, cohort? │ pair_number │ from_stage │ to_stage │ target? │ figures
//! ```

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray,
    UInt32Array,
};
use arrow::compute::kernels::cmp::not_distinct;
use arrow::compute::{concat, partition, take};
use arrow::datatypes::{DataType, Date32Type, Field, FieldRef, Int32Type, Int64Type, Schema, SchemaRef};
use chrono::NaiveDate;

use super::finish::PRECISION;
use super::group::{Figures, Group, Value};
use super::layout::{Figure, figures};
use super::resolve::Resolved;
use super::samples::Bits;
use super::statistics::DECIMALS;
use crate::contract::ColumnType;
use crate::engine::entity::{EntityAlgorithm, EntityState};
use crate::error::{Error, Result};

/// Everything a walk is told, for all partitions.
#[derive(Debug)]
pub(super) struct GroupWalk {
    pub(super) resolved: Arc<Resolved>,
    /// Segments, cohort, pair.
    pub(super) groups: Vec<FieldRef>,
}

impl EntityAlgorithm for GroupWalk {
    fn name(&self) -> &'static str {
        "VelocitySummary"
    }

    fn output_schema(&self) -> SchemaRef {
        let text = |name: &str| Arc::new(Field::new(name, DataType::Utf8, true));
        let mut fields: Vec<FieldRef> = Vec::new();
        for group in &self.groups {
            fields.push(Arc::clone(group));
            if group.name() == "cohort_start" {
                fields.push(text("cohort"));
            }
        }
        fields.extend(["from_stage", "to_stage"].map(text));
        if self.resolved.pairs.has_targets() {
            fields.push(text("target"));
        }
        let figures = figures(&self.resolved).into_iter();
        fields
            .extend(figures.map(|figure| Arc::new(Field::new(figure.name(&self.resolved), figure.ty().arrow(), true))));
        Arc::new(Schema::new(fields))
    }

    fn start(&self) -> Box<dyn EntityState> {
        Box::new(State {
            figures: figures(&self.resolved),
            resolved: Arc::clone(&self.resolved),
            schema: self.output_schema(),
            width: self.groups.len(),
            group: Group::default(),
            last: None,
        })
    }
}

struct State {
    resolved: Arc<Resolved>,
    figures: Vec<Figure>,
    schema: SchemaRef,
    /// How many columns name a group.
    width: usize,
    group: Group,
    /// The columns that name the group at hand, as arrays of one.
    last: Option<Vec<ArrayRef>>,
}

impl EntityState for State {
    fn push(&mut self, batch: &RecordBatch) -> Result<Option<RecordBatch>> {
        if batch.num_rows() == 0 {
            return Ok(None);
        }
        let (names, rest) = batch.columns().split_at_checked(self.width).ok_or_else(misfit)?;
        let [time, bits, late @ ..] = rest else { return Err(misfit()) };
        let time = time.as_primitive_opt::<Int64Type>().ok_or_else(misfit)?;
        let bits = bits.as_primitive_opt::<Int32Type>().ok_or_else(misfit)?;
        let late = late.first().map(|late| late.as_primitive_opt::<Int64Type>().ok_or_else(misfit)).transpose()?;
        let mut done = Vec::new();
        let mut continues = self.continues(names)?;
        for rows in partition(names)?.ranges() {
            if !continues && let Some(last) = self.last.take() {
                done.push((last, std::mem::take(&mut self.group)));
            }
            continues = false;
            self.last = Some(names.iter().map(|column| own(column, rows.start)).collect::<Result<_>>()?);
            for row in rows {
                let late = late.filter(|late| late.is_valid(row)).map_or(0, |late| late.value(row));
                let added = self.group.add(time.value(row), Bits(bits.value(row)), late);
                added.ok_or_else(|| Error::data("a transition lasts longer than a hundred thousand years"))?;
            }
        }
        self.emit(done)
    }

    fn finish(&mut self) -> Result<Option<RecordBatch>> {
        let last = self.last.take().map(|last| (last, std::mem::take(&mut self.group)));
        self.emit(last.into_iter().collect())
    }

    fn held_bytes(&self) -> usize {
        self.group.held_bytes()
    }
}

impl State {
    /// Whether the first row belongs to the group that the last batch ended with.
    fn continues(&self, names: &[ArrayRef]) -> Result<bool> {
        let Some(last) = &self.last else { return Ok(false) };
        for (last, column) in last.iter().zip(names) {
            if !not_distinct(last, &column.slice(0, 1))?.value(0) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn emit(&self, done: Vec<(Vec<ArrayRef>, Group)>) -> Result<Option<RecordBatch>> {
        if done.is_empty() {
            return Ok(None);
        }
        let (names, groups): (Vec<_>, Vec<_>) = done.into_iter().unzip();
        let column = |at: usize| -> Result<ArrayRef> {
            let parts: Vec<&dyn Array> = names.iter().filter_map(|names| names.get(at)).map(AsRef::as_ref).collect();
            Ok(concat(&parts)?)
        };
        let names = (0..self.width).map(column).collect::<Result<Vec<_>>>()?;
        let pair = names.last().and_then(|pair| pair.as_primitive_opt::<Int32Type>()).ok_or_else(misfit)?;
        let cohorts = self.cohorts(&names)?;
        let mut columns = Vec::new();
        for (at, names) in names.iter().enumerate() {
            columns.push(Arc::clone(names));
            if let Some(cohorts) = cohorts.as_ref().filter(|_| at + 2 == self.width) {
                columns.push(self.labels(cohorts));
            }
        }
        columns.extend(self.pair_columns(pair));
        let ages = cohorts.as_ref().map(|cohorts| self.ages(cohorts));
        let rows: Vec<Figures> = groups
            .into_iter()
            .enumerate()
            .map(|(row, group)| group.figures(&self.resolved, ages.as_ref().and_then(|ages| ages.get(row).copied()?)))
            .collect();
        let has_target =
            |row: usize| pair.is_valid(row) && self.pair(pair.value(row)).is_some_and(|p| p.target.is_some());
        for figure in &self.figures {
            let values = rows.iter().enumerate();
            let values = values.map(|(row, of)| figure.value(of, &self.resolved, has_target(row))).collect();
            columns.push(array(figure.ty(), values)?);
        }
        Ok(Some(RecordBatch::try_new(Arc::clone(&self.schema), columns)?))
    }

    fn pair(&self, number: i32) -> Option<&super::pairs::MeasuredPair> {
        self.resolved.pairs.pairs.get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    /// The first days of the groups' cohorts.
    fn cohorts(&self, names: &[ArrayRef]) -> Result<Option<Vec<Option<NaiveDate>>>> {
        if self.resolved.cohorts.is_none() {
            return Ok(None);
        }
        let column = self.width.checked_sub(2).and_then(|at| names.get(at)).ok_or_else(misfit)?;
        let days = column.as_primitive_opt::<Date32Type>().ok_or_else(misfit)?;
        Ok(Some(days.iter().map(|day| NaiveDate::from_epoch_days(day?)).collect()))
    }

    fn labels(&self, cohorts: &[Option<NaiveDate>]) -> ArrayRef {
        let label = |day: &Option<NaiveDate>| Some(self.resolved.cohorts?.label((*day)?));
        Arc::new(cohorts.iter().map(label).collect::<StringArray>())
    }

    /// How long ago the cohorts ended, as of the run.
    fn ages(&self, cohorts: &[Option<NaiveDate>]) -> Vec<Option<i64>> {
        let age = |day: &Option<NaiveDate>| {
            let of = self.resolved.cohorts?;
            Some(self.resolved.rules.as_of.saturating_sub(of.instant(of.next((*day)?)?)?))
        };
        cohorts.iter().map(age).collect()
    }

    fn pair_columns(&self, pair: &Int32Array) -> Vec<ArrayRef> {
        let texts = |of: &dyn Fn(&super::pairs::MeasuredPair) -> Option<String>| -> ArrayRef {
            Arc::new(pair.values().iter().map(|number| of(self.pair(*number)?)).collect::<StringArray>())
        };
        let name = |code: u8| Some(self.resolved.pairs.name(code).to_string());
        let mut columns = vec![texts(&|pair| name(pair.codes.from)), texts(&|pair| name(pair.codes.to))];
        if self.resolved.pairs.has_targets() {
            columns.push(texts(&|pair| pair.target.map(|target| target.period.to_string())));
        }
        columns
    }
}

/// One value, without holding on to its batch.
fn own(column: &ArrayRef, row: usize) -> Result<ArrayRef> {
    let taken = take(column, &UInt32Array::from(vec![u32::try_from(row).map_err(|_| misfit())?]), None)?;
    Ok(match taken.as_string_view_opt() {
        Some(views) => Arc::new(views.gc()),
        None => taken,
    })
}

fn array(ty: ColumnType, values: Vec<Value>) -> Result<ArrayRef> {
    let values = values.into_iter();
    Ok(match ty {
        ColumnType::BigInt => Arc::new(
            values.map(|value| if let Value::Count(count) = value { count } else { None }).collect::<Int64Array>(),
        ),
        ColumnType::Boolean => Arc::new(
            values.map(|value| if let Value::Flag(flag) = value { flag } else { None }).collect::<BooleanArray>(),
        ),
        ColumnType::Text => Arc::new(
            values.map(|value| if let Value::Word(word) = value { word } else { None }).collect::<StringArray>(),
        ),
        _ => {
            let values = values.map(|value| if let Value::Decimal(decimal) = value { decimal } else { None });
            let values: Decimal128Array = values.collect();
            let values = values.with_precision_and_scale(PRECISION, DECIMALS as i8)?;
            values.validate_decimal_precision(PRECISION)?;
            Arc::new(values)
        }
    })
}

fn misfit() -> Error {
    Error::internal("samples with other columns than a summary reads")
}
