//! The rows of all inputs as columns, gathered batch by batch.

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};

use super::growing::Growing;
use super::intake::{Work, instants, misfit, numbers, sources};
use super::keys::{GrowingKeys, Keys};
use super::records::Records;
use super::stored::Stored;
use super::values::Values;
use crate::contract::ColumnType;
use crate::engine::scratch::Scratch;
use crate::error::{Error, Result};

/// No instant of change: older than every other.
pub(super) const NEVER: i64 = i64::MIN;
/// No instant of creation: later than every other.
pub(super) const UNKNOWN: i64 = i64::MAX;

/// What ordering, clustering, identifying and choosing take at most for each record, beside what is held already and
/// what was published; the most is held while values are chosen.
const WORK_BYTES: usize = 96;
/// What the records, their clusters and these clusters' ids take at most for each record until all have theirs.
const IDENTIFY_BYTES: usize = 80;
/// Once values go to disk, what came since the last time goes there when it takes so many bytes.
pub(super) const SPILL_BYTES: usize = 64 << 20;

/// What was pushed so far, row by row in the order of arrival.
#[derive(Debug)]
pub(super) struct Columns {
    sources: Vec<u16>,
    ids: Growing,
    updated: Vec<i64>,
    created: Vec<i64>,
    masters: Option<Growing>,
    fields: Vec<Values>,
    compared: Vec<Option<Growing>>,
    unreadable: Vec<Option<i64>>,
    instants: Vec<Vec<i64>>,
    keys: Vec<GrowingKeys>,
    uniques: Vec<Vec<u64>>,
    /// Where fields and keys go, if they do not fit into memory.
    scratch: Option<Scratch>,
}

/// The columns of all rows, in the order of arrival.
#[derive(Debug)]
pub(super) struct Arrivals {
    pub(super) sources: Vec<u16>,
    pub(super) ids: StringArray,
    pub(super) updated: Vec<i64>,
    pub(super) created: Vec<i64>,
    /// The ids of the records that others were merged into, where they are known.
    pub(super) masters: Option<ArrayRef>,
    pub(super) fields: Vec<Stored>,
    /// By field, what rules see of its values that look at values; nothing where they see them as they are.
    pub(super) compared: Vec<Option<ArrayRef>>,
    /// By field, how many values are no address or number; none where that is not looked at.
    pub(super) unreadable: Vec<Option<i64>>,
    /// Of those fields that have instants of their own, in their order.
    pub(super) instants: Vec<Vec<i64>>,
    /// By rule.
    pub(super) keys: Vec<Keys>,
    /// By unique id; 0 where a record has no value.
    pub(super) uniques: Vec<Vec<u64>>,
    /// Where values go that do not fit into memory, if that is so.
    pub(super) scratch: Option<Scratch>,
}

impl Columns {
    pub(super) fn new(work: &Work) -> Self {
        let instants = work.fields.iter().filter(|field| field.has_instant).count();
        Self {
            sources: Vec::new(),
            ids: Growing::new(ColumnType::Text),
            updated: Vec::new(),
            created: Vec::new(),
            masters: work.knows_merges.then(|| Growing::new(ColumnType::Text)),
            fields: work.fields.iter().map(|field| Values::new(field.ty())).collect(),
            compared: work.compared.iter().map(|own| own.then(|| Growing::new(ColumnType::Text))).collect(),
            unreadable: work.unreadable.iter().map(|counted| counted.then_some(0)).collect(),
            instants: vec![Vec::new(); instants],
            keys: work.rules.iter().map(|_| GrowingKeys::default()).collect(),
            uniques: vec![Vec::new(); work.uniques.len()],
            scratch: None,
        }
    }

    /// Takes a batch of [`super::plan`]'s records.
    pub(super) fn push(&mut self, work: &Work, batch: &RecordBatch) -> Result<()> {
        let mut columns = batch.columns().iter();
        let mut next = || columns.next().ok_or_else(misfit);
        sources(next()?, &mut self.sources)?;
        self.ids.push(next()?)?;
        instants(next()?, NEVER, &mut self.updated)?;
        instants(next()?, UNKNOWN, &mut self.created)?;
        self.masters.iter_mut().try_for_each(|to| to.push(next()?))?;
        self.fields.iter_mut().try_for_each(|to| to.push(next()?, self.scratch.as_ref()))?;
        self.instants.iter_mut().try_for_each(|to| instants(next()?, NEVER, to))?;
        self.compared.iter_mut().flatten().try_for_each(|to| to.push(next()?))?;
        for count in self.unreadable.iter_mut().flatten() {
            let unreadable = next()?.as_boolean_opt().ok_or_else(misfit)?;
            *count += unreadable.true_count() as i64;
        }
        for (_, to) in work.rules.iter().zip(&mut self.keys).filter(|(rule, _)| rule.keyed()) {
            to.push(next()?)?;
        }
        self.uniques.iter_mut().try_for_each(|to| numbers(next()?, to))?;
        match self.scratch.clone() {
            Some(scratch) if self.spillable_bytes() > SPILL_BYTES => self.spill(&scratch),
            _ => Ok(()),
        }
    }

    /// Puts fields and keys on disk, and those that come later with them.
    pub(super) fn spill(&mut self, scratch: &Scratch) -> Result<()> {
        self.fields.iter_mut().try_for_each(|field| field.spill(scratch))?;
        self.keys.iter_mut().try_for_each(|keys| keys.spill(scratch))?;
        self.scratch = Some(scratch.clone());
        Ok(())
    }

    fn spillable_bytes(&self) -> usize {
        let fields: usize = self.fields.iter().map(Values::held_bytes).sum();
        fields + self.keys.iter().map(GrowingKeys::held_bytes).sum::<usize>()
    }

    /// Bytes held, and what the work will take; `published` bytes are held until all clusters have their ids, and no
    /// longer when values are chosen.
    pub(super) fn held_bytes(&self, published: usize) -> usize {
        let texts = std::iter::once(&self.ids).chain(&self.masters).chain(self.compared.iter().flatten());
        let numbers = 2 + self.instants.len() + self.uniques.len();
        // One field after the other comes back, and what is chosen of it lies beside it.
        let largest = self.fields.iter().map(Values::bytes_in_all).max().unwrap_or(0);
        let comes_back = if self.scratch.is_some() { largest + largest / 2 } else { 0 };
        let rows = self.sources.len();
        let work = (WORK_BYTES * rows + comes_back).max(IDENTIFY_BYTES * rows + published);
        self.spillable_bytes() + texts.map(Growing::held_bytes).sum::<usize>() + (2 + 8 * numbers) * rows + work
    }

    /// Numbers the records and sorts out those that cannot be used.
    pub(super) fn finish(self, work: &Work) -> Result<Records> {
        if u32::try_from(self.sources.len()).is_err() {
            return Err(Error::data("more than 4,294,967,295 records cannot be compared at once"));
        }
        let scratch = self.scratch.as_ref();
        let arrivals = Arrivals {
            sources: self.sources,
            ids: self.ids.finish_text()?,
            updated: self.updated,
            created: self.created,
            masters: self.masters.map(Growing::finish).transpose()?,
            fields: self.fields.into_iter().map(|field| field.finish(scratch)).collect::<Result<_>>()?,
            compared: self
                .compared
                .into_iter()
                .map(|own| own.map(Growing::finish).transpose())
                .collect::<Result<_>>()?,
            unreadable: self.unreadable,
            instants: self.instants,
            keys: self.keys.into_iter().map(|keys| keys.finish(scratch)).collect::<Result<_>>()?,
            uniques: self.uniques,
            scratch: self.scratch.clone(),
        };
        Records::new(work, arrivals)
    }
}
