//! One batch of the stream that a walk reads, its columns typed.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, RecordBatch, StringViewArray, TimestampMicrosecondArray,
    new_null_array,
};
use arrow::compute::kernels::cmp::not_distinct;
use arrow::compute::{concat, partition};
use arrow::datatypes::{DataType, Decimal128Type, TimestampMicrosecondType};

use super::currency::minor_digits;
use super::emit::Shape;
use super::window::own;
use crate::error::{Error, Result};

/// The last row of the batch before; ids are arrays of one.
#[derive(Debug)]
pub(super) struct Seen {
    entity: ArrayRef,
    at: i64,
    touch: Option<ArrayRef>,
}

/// The batch at hand, its columns typed.
#[derive(Debug)]
pub(super) struct Batch {
    rows: usize,
    next: usize,
    entity: ArrayRef,
    at: TimestampMicrosecondArray,
    is_conversion: BooleanArray,
    direct: BooleanArray,
    session: Option<StringViewArray>,
    channels: Option<StringViewArray>,
    touch_id: ArrayRef,
    /// Whether a row begins an entity.
    begins: Vec<bool>,
    /// Whether a row has the touch id of the row before.
    same_touch: BooleanArray,
    before: Option<i64>,
    converted: Option<BooleanArray>,
    amounts: Option<Decimal128Array>,
    currencies: Option<StringViewArray>,
    milestones: Vec<TimestampMicrosecondArray>,
    /// The columns that the ledger shows of a touch, and of a conversion.
    touch: Vec<ArrayRef>,
    conversion: Vec<ArrayRef>,
}

impl Batch {
    /// Types the columns; `last` is the end of the batch before.
    pub(super) fn new(
        batch: &RecordBatch,
        shape: &Shape,
        milestones: usize,
        judged: bool,
        last: Option<&Seen>,
    ) -> Result<Self> {
        let column = |name: &str| batch.column_by_name(name).ok_or_else(misfit);
        let instants = |name: &str| -> Result<TimestampMicrosecondArray> {
            Ok(column(name)?.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(misfit)?.clone())
        };
        let flags = |name: &str| Ok::<_, Error>(column(name)?.as_boolean_opt().ok_or_else(misfit)?.clone());
        let texts = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_view_opt()).cloned();
        let entity = column("entity")?;
        let touch_id = column("touch_id")?;
        let mut begins = vec![false; batch.num_rows()];
        for range in partition(std::slice::from_ref(entity))?.ranges() {
            begins.get_mut(range.start).into_iter().for_each(|begin| *begin = true);
        }
        let same_entity = last.map(|last| same(&last.entity, entity)).transpose()?.unwrap_or(false);
        begins.first_mut().into_iter().for_each(|begin| *begin = !same_entity);
        let given = |columns: &[(String, String, DataType)]| -> Result<Vec<ArrayRef>> {
            columns.iter().map(|(name, _, _)| Ok(Arc::clone(column(name)?))).collect()
        };
        let mut conversion = given(&shape.before)?;
        conversion.extend(given(&shape.after)?);
        Ok(Self {
            rows: batch.num_rows(),
            next: 0,
            at: instants("at")?,
            is_conversion: flags("is_conversion")?,
            direct: flags("direct")?,
            session: texts("session"),
            channels: texts("channel"),
            same_touch: same_touch(touch_id, last.and_then(|last| last.touch.as_ref()))?,
            before: last.map(|last| last.at),
            begins,
            converted: if judged { Some(flags("converted")?) } else { None },
            amounts: match shape.scale {
                Some(_) => Some(column("amount")?.as_primitive_opt::<Decimal128Type>().ok_or_else(misfit)?.clone()),
                None => None,
            },
            currencies: texts("currency"),
            milestones: (0..milestones).map(|m| instants(&format!("m{m}"))).collect::<Result<_>>()?,
            touch: given(&shape.touch)?,
            conversion,
            entity: Arc::clone(entity),
            touch_id: Arc::clone(touch_id),
        })
    }

    /// How many rows it has.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// The next row, once.
    pub(super) fn advance(&mut self) -> Option<usize> {
        let row = self.next;
        self.next += usize::from(row < self.rows);
        (row < self.rows).then_some(row)
    }

    /// Whether the next row begins an entity.
    pub(super) fn next_begins(&self) -> bool {
        self.begins(self.next)
    }

    /// The columns that the ledger shows of a touch.
    pub(super) fn touch(&self) -> &[ArrayRef] {
        &self.touch
    }

    /// The columns that the ledger shows of a conversion.
    pub(super) fn conversion(&self) -> &[ArrayRef] {
        &self.conversion
    }

    /// The row's instant.
    pub(super) fn at(&self, row: usize) -> i64 {
        self.at.value(row)
    }

    /// Whether the row is a conversion or a journey without one, and not a touch.
    pub(super) fn is_conversion(&self, row: usize) -> bool {
        self.is_conversion.value(row)
    }

    /// Whether the journey converted.
    pub(super) fn has_converted(&self, row: usize) -> bool {
        self.converted.as_ref().is_none_or(|converted| converted.is_valid(row) && converted.value(row))
    }

    /// Whether the touch's channel counts as direct.
    pub(super) fn is_direct(&self, row: usize) -> bool {
        self.direct.value(row)
    }

    /// Whether the row begins an entity.
    pub(super) fn begins(&self, row: usize) -> bool {
        self.begins.get(row).copied().unwrap_or(false)
    }

    /// Whether the row is the same touch as the one before, once more.
    pub(super) fn repeats(&self, row: usize) -> bool {
        let before = row.checked_sub(1).map(|before| self.at.value(before)).or(self.before);
        !self.begins(row) && self.same_touch.value(row) && before == Some(self.at.value(row))
    }

    /// What tells the touch's session apart.
    pub(super) fn session(&self, row: usize) -> Option<&str> {
        self.session.as_ref().filter(|keys| keys.is_valid(row)).map(|keys| keys.value(row))
    }

    /// The touch's channel.
    pub(super) fn channel(&self, row: usize) -> &str {
        self.channels.as_ref().filter(|texts| texts.is_valid(row)).map_or("", |texts| texts.value(row))
    }

    /// The instant of the conversion's milestone, where it is known.
    pub(super) fn milestone(&self, which: usize, row: usize) -> Option<i64> {
        self.milestones.get(which).filter(|at| at.is_valid(row)).map(|at| at.value(row))
    }

    /// In units of the last decimal; the plan lets only amounts through that fit.
    pub(super) fn amount(&self, row: usize) -> i64 {
        let amounts = self.amounts.as_ref().filter(|amounts| amounts.is_valid(row));
        amounts.and_then(|amounts| i64::try_from(amounts.value(row)).ok()).unwrap_or(0)
    }

    /// The currency's smallest unit in units of the last decimal, where the amount is a whole number of
    /// them; 1 where it is not.
    pub(super) fn smallest_unit(&self, row: usize, scale: i8, amount: i64) -> i64 {
        let currency =
            self.currencies.as_ref().filter(|texts| texts.is_valid(row)).map_or("", |texts| texts.value(row));
        let digits = u32::try_from(scale).unwrap_or(0).saturating_sub(minor_digits(currency));
        let unit = 10i64.checked_pow(digits).unwrap_or(1);
        if amount % unit == 0 { unit } else { 1 }
    }

    /// What the next batch must know of this one.
    pub(super) fn seen(&self) -> Result<Seen> {
        let last = self.rows.saturating_sub(1);
        let is_touch = !self.is_conversion.value(last);
        let touch = if is_touch { Some(own(&self.touch_id.slice(last, 1))?) } else { None };
        Ok(Seen { entity: own(&self.entity.slice(last, 1))?, at: self.at.value(last), touch })
    }
}

fn same(one: &ArrayRef, column: &ArrayRef) -> Result<bool> {
    Ok(not_distinct(one, &column.slice(0, 1))?.value(0))
}

/// For each row whether its touch id is that of the row before; conversions have none.
fn same_touch(ids: &ArrayRef, last: Option<&ArrayRef>) -> Result<BooleanArray> {
    let first = match last {
        Some(last) => Arc::clone(last),
        None => new_null_array(ids.data_type(), 1),
    };
    let before = concat(&[first.as_ref(), ids.slice(0, ids.len() - 1).as_ref()])?;
    let same = not_distinct(&before, ids)?;
    Ok(match ids.nulls() {
        Some(valid) => BooleanArray::new(same.values() & valid.inner(), None),
        None => same,
    })
}

fn misfit() -> Error {
    Error::internal("journeys with other columns than a walk reads")
}
