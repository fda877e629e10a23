//! The work itself, and its answer as tables.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;

use super::cluster::Forest;
use super::cluster::ids::Identities;
use super::columns::Columns;
use super::decisions;
use super::evidence;
use super::groups::{self, Groups};
use super::identity;
use super::intake::{Known, Work};
use super::link::{self, Linked};
use super::notes::{self, Notes};
use super::provenance::Provenance;
use super::quality::{self, Month};
use super::records::Records;
use super::rows;
use super::stored::Stored;
use super::survive::survive;
use super::tables::Table;
use super::weights::{self, Finding};
use crate::engine::gather::GatherAnswer;
use crate::error::{Error, Result};

/// Everything that is known once the work is done.
pub(super) struct Answer {
    pub(super) work: Arc<Work>,
    pub(super) records: Records,
    pub(super) linked: Linked,
    /// By record, the first link on its way to the anchor, as an index into the links used.
    pub(super) linked_by: Vec<Option<u32>>,
    pub(super) groups: Groups,
    pub(super) identity: Identities,
    /// By field, the value that each entity has.
    pub(super) values: Vec<Stored>,
    /// The columns of golden rows that follow its values.
    pub(super) summary: Vec<Stored>,
    /// Nothing where nobody asks where values are from.
    pub(super) provenance: Provenance,
    /// By record, whether it was set aside.
    pub(super) quarantined: Vec<bool>,
    pub(super) months: Vec<Month>,
    pub(super) weights: Vec<Finding>,
    pub(super) notes: Notes,
}

/// Links, identifies, and chooses values.
pub(super) fn solve(work: Arc<Work>, columns: Columns, known: Known) -> Result<Answer> {
    let mut records = columns.finish(&work)?;
    let decided = decisions::read(&records, &known.decisions)?;
    let linked = link::link(&work, &mut records, &decided)?;
    let groups = Groups::new(&linked.clusters.root);
    let identity = identity::identify(&work, &records, &linked.clusters.root, known)?;
    let mut quarantined = vec![false; records.len()];
    for record in linked.clusters.quarantined.iter().flat_map(|cluster| &cluster.records) {
        if let Some(flag) = quarantined.get_mut(*record as usize) {
            *flag = true;
        }
    }
    let members = groups::members(&groups, &records);
    let months = quality::months(&work, &records, &groups, &members);
    let summary = rows::summary(&groups, &members, &quarantined).into_iter();
    let summary = summary.map(|column| Stored::new(column, records.scratch.as_ref())).collect::<Result<_>>()?;
    records.give_up_instants();
    let (values, survivors) = survive(&work, &mut records, &groups, &members)?;
    drop(members);
    let provenance = Provenance::new(&groups, survivors)?;
    records.instants = Vec::new();
    let notes = notes::notes(&work, &linked, &decided, &identity, &records.unreadable);
    let weights = linked.learnt.as_ref().map(|learnt| weights::findings(&learnt.model)).unwrap_or_default();
    let anchors = identity.clusters.iter().map(|identity| identity.anchor);
    let linked_by = Forest::new(records.len() as u32, &linked.clusters.used).towards(anchors);
    Ok(Answer {
        linked_by,
        work,
        records,
        linked,
        groups,
        identity,
        values,
        summary,
        provenance,
        quarantined,
        months,
        weights,
        notes,
    })
}

impl GatherAnswer for Answer {
    fn rows(&self, table: usize) -> usize {
        match TABLES.get(table) {
            Some(Table::Golden) => self.groups.len(),
            Some(Table::Crosswalk) => self.records.len(),
            Some(Table::Redirects) => self.identity.redirects.len(),
            Some(Table::Evidence) => evidence::count(&self.linked),
            Some(Table::Provenance) => self.provenance.len(),
            Some(Table::Quality) => self.months.len(),
            Some(Table::Rejects) => self.records.without_id.len() + self.records.repeated.len(),
            Some(Table::Weights) => self.weights.len(),
            Some(Table::Facts) => self.notes.len(),
            None => 0,
        }
    }

    fn batch(&self, table: usize, range: Range<usize>) -> Result<RecordBatch> {
        let table = *TABLES.get(table).ok_or_else(|| Error::internal("a table that the answer does not have"))?;
        let columns = match table {
            Table::Golden => rows::golden(self, range)?,
            Table::Crosswalk => rows::crosswalk(self, range)?,
            Table::Redirects => rows::redirects(self, range)?,
            Table::Evidence => evidence::rows(self, range)?,
            Table::Provenance => self.provenance.rows(self, range)?,
            Table::Quality => quality::rows(&self.work, self.months.get(range).unwrap_or_default())?,
            Table::Rejects => rows::rejects(self, range)?,
            Table::Weights => weights::rows(self.weights.get(range).unwrap_or_default())?,
            Table::Facts => notes::rows(self.notes.get(range).unwrap_or_default()),
        };
        Ok(RecordBatch::try_new(self.work.schema(table)?, columns)?)
    }

    fn held_bytes(&self) -> usize {
        let numbers = 8 * self.linked_by.capacity() + self.quarantined.capacity();
        let identity = &self.identity;
        let ids = 32 * identity.clusters.capacity() + 4 * identity.cluster.capacity() + 8 * identity.since.capacity();
        self.records.held_bytes()
            + self.linked.held_bytes()
            + numbers
            + self.groups.held_bytes()
            + ids
            + self.provenance.held_bytes()
            + self.values.iter().chain(&self.summary).map(Stored::held_bytes).sum::<usize>()
    }
}

const TABLES: [Table; 9] = [
    Table::Golden,
    Table::Crosswalk,
    Table::Redirects,
    Table::Evidence,
    Table::Provenance,
    Table::Quality,
    Table::Rejects,
    Table::Weights,
    Table::Facts,
];
