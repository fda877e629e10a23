//! One batch of the stream that a walk reads, its columns typed.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, RecordBatch, StringViewArray, TimestampMicrosecondArray,
};
use arrow::compute::kernels::cmp::not_distinct;
use arrow::compute::partition;
use arrow::datatypes::{DataType, Decimal128Type, TimestampMicrosecondType};

use super::currency::minor_digits;
use super::emit::Shape;
use super::repeats::{Mark, marks};
use super::window::{Reach, Told, own};
use crate::error::{Error, Result};

/// The entity of the last row of the batch before, an array of one.
#[derive(Debug)]
pub(super) struct Seen {
    entity: ArrayRef,
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
    /// Marks of touches, and of their sessions where there are any; none where touches do not go by time.
    marks: Option<(Vec<Mark>, Vec<Mark>)>,
    /// Whether a row begins an entity.
    begins: Vec<bool>,
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
        reach: &Reach,
        last: Option<&Seen>,
    ) -> Result<Self> {
        let column = |name: &str| batch.column_by_name(name).ok_or_else(misfit);
        let instants = |name: &str| -> Result<TimestampMicrosecondArray> {
            Ok(column(name)?.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(misfit)?.clone())
        };
        let flags = |name: &str| Ok::<_, Error>(column(name)?.as_boolean_opt().ok_or_else(misfit)?.clone());
        let texts = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_view_opt()).cloned();
        let entity = column("entity")?;
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
            marks: match (reach.micros, reach.session_micros) {
                (None, _) => None,
                (Some(_), None) => Some((marks(column("touch_id")?)?, Vec::new())),
                (Some(_), Some(_)) => Some((marks(column("touch_id")?)?, marks(column("session")?)?)),
            },
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

    /// What tells the touch and its session apart.
    pub(super) fn told(&self, row: usize) -> Told<'_> {
        let of = |marks: &[Mark]| marks.get(row).copied().unwrap_or_default();
        let session = self.session.as_ref().filter(|keys| keys.is_valid(row)).map(|keys| keys.value(row));
        Told { mark: self.marks.as_ref().map(|(touches, sessions)| (of(touches), of(sessions))), session }
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
        Ok(Seen { entity: own(&self.entity.slice(self.rows.saturating_sub(1), 1))? })
    }
}

fn same(one: &ArrayRef, column: &ArrayRef) -> Result<bool> {
    Ok(not_distinct(one, &column.slice(0, 1))?.value(0))
}

fn misfit() -> Error {
    Error::internal("journeys with other columns than a walk reads")
}
