//! The walk's plumbing: sorted batches of changes in, batches of visits out.
//!
//! ```text
//! in    entity │ at │ key │ record │ created?      sorted by all of them
//! out   the columns of [`schema`], entity by entity
//! ```

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, DictionaryArray, Int32Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, UInt32Array,
};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::compute::kernels::cmp::not_distinct;
use arrow::compute::{concat, partition, take};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef, TimestampMicrosecondType};

use super::algorithm::{Change, Inferred, OPEN, Transition, Visit, Walk};
use super::definition::Definition;
use super::keys::Key;
use super::spec::Policies;
use crate::engine::entity::{EntityAlgorithm, EntityState, WalkOrder};
use crate::error::{Error, Result};
use crate::kinds::typing::instant_type;

/// Everything a walk is told, for all partitions.
#[derive(Debug)]
pub(super) struct VisitWalk {
    pub(super) definition: Arc<Definition>,
    pub(super) policies: Policies,
    /// For each source its system, as an index into `systems`.
    pub(super) system_of: Vec<i32>,
    pub(super) systems: Vec<String>,
    pub(super) entity_type: DataType,
    pub(super) record_type: DataType,
}

/// The type of columns with few words.
pub(super) fn word_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// The columns of visits, in the order of the model's main table.
pub(super) fn schema(entity: &DataType, record: &DataType) -> SchemaRef {
    let field = |name: &str, data_type: DataType| Field::new(name, data_type, false);
    let nullable = |name: &str, data_type: DataType| Field::new(name, data_type, true);
    Arc::new(Schema::new(vec![
        field("entity_id", entity.clone()),
        field("stage", word_type()),
        nullable("stage_rank", DataType::Int32),
        field("visit_seq", DataType::Int32),
        field("visit_number", DataType::Int32),
        field("entered_at", instant_type()),
        nullable("exited_at", instant_type()),
        nullable("from_stage", word_type()),
        field("transition", word_type()),
        field("history_gap", DataType::Boolean),
        field("inferred", DataType::Boolean),
        nullable("inferred_by", word_type()),
        field("is_first_entry", DataType::Boolean),
        field("is_latest_entry", DataType::Boolean),
        field("is_current", DataType::Boolean),
        field("source_system", word_type()),
        nullable("source_record", record.clone()),
        field("definition_version", word_type()),
        field("changes_absorbed", DataType::Int32),
        field("changes_ignored", DataType::Int32),
    ]))
}

impl EntityAlgorithm for VisitWalk {
    fn name(&self) -> &'static str {
        "LifecycleVisits"
    }

    fn output_schema(&self) -> SchemaRef {
        schema(&self.entity_type, &self.record_type)
    }

    /// An entity's changes come in order of time, and its visits leave in the order of their numbers.
    fn leaves(&self) -> Option<WalkOrder> {
        Some(WalkOrder { entity: vec!["entity_id".to_string()], order: vec!["visit_seq".to_string()] })
    }

    fn start(&self) -> Box<dyn EntityState> {
        Box::new(State {
            walk: Walk::new(&self.definition, self.policies),
            definition: Arc::clone(&self.definition),
            policies: self.policies,
            output: Output::new(self),
            last: None,
            held: Vec::new(),
        })
    }
}

struct State {
    walk: Walk,
    definition: Arc<Definition>,
    policies: Policies,
    output: Output,
    /// The entity of the last row seen, as an array of one.
    last: Option<ArrayRef>,
    /// Entities and records of the visits that the walk holds, in their order.
    held: Vec<[ArrayRef; 2]>,
}

impl EntityState for State {
    fn push(&mut self, batch: &RecordBatch) -> Result<Option<RecordBatch>> {
        let [entity, at, key, record, created @ ..] = batch.columns() else { return Err(misfit()) };
        if batch.num_rows() == 0 {
            return Ok(None);
        }
        let at = at.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(misfit)?;
        let keys = key.as_primitive_opt::<Int32Type>().ok_or_else(misfit)?;
        let created = created.first().map(|c| c.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(misfit));
        let created = created.transpose()?;
        let known = self.walk.visits().len();
        let mut continues = self.continues(entity)?;
        for rows in partition(std::slice::from_ref(entity))?.ranges() {
            if !continues {
                self.walk.end_entity();
            }
            continues = false;
            for row in rows {
                let change = Change {
                    at: at.value(row),
                    key: Key::unpack(keys.value(row), self.policies.ties),
                    created: created.and_then(|created| created.is_valid(row).then(|| created.value(row))),
                    row: u32::try_from(row).map_err(|_| misfit())?,
                };
                self.walk.change(&self.definition, change)?;
            }
        }
        let made = self.walk.visits().get(known..).unwrap_or_default();
        if !made.is_empty() {
            self.held.push(Self::of_rows(made, entity, record)?);
        }
        self.last = Some(own(&entity.slice(batch.num_rows() - 1, 1))?);
        self.flush()
    }

    fn finish(&mut self) -> Result<Option<RecordBatch>> {
        self.walk.end_entity();
        self.flush()
    }

    fn held_bytes(&self) -> usize {
        let columns = self.held.iter().flatten().map(|column| column.get_array_memory_size());
        self.walk.held_bytes() + columns.sum::<usize>()
    }
}

impl State {
    /// Whether the first row belongs to the entity that the last batch ended with.
    fn continues(&self, entity: &ArrayRef) -> Result<bool> {
        let Some(last) = &self.last else { return Ok(false) };
        Ok(not_distinct(last, &entity.slice(0, 1))?.value(0))
    }

    /// Entity and record of visits made from this batch; an inferred visit has no record.
    fn of_rows(visits: &[Visit], entity: &ArrayRef, record: &ArrayRef) -> Result<[ArrayRef; 2]> {
        let rows = UInt32Array::from_iter_values(visits.iter().map(|visit| visit.row));
        let records: UInt32Array = visits.iter().map(|visit| visit.inferred.is_none().then_some(visit.row)).collect();
        Ok([take(entity, &rows, None)?, take(record, &records, None)?])
    }

    /// The visits of the entities that have ended, as a batch; what is held of the others is kept
    /// without the batches it came from.
    fn flush(&mut self) -> Result<Option<RecordBatch>> {
        let (ended, all) = (self.walk.ended().len(), self.walk.visits().len());
        if ended == 0 {
            if let Some(newest) = self.held.last_mut() {
                *newest = [own(&newest[0])?, own(&newest[1])?];
            }
            return Ok(None);
        }
        let held = std::mem::take(&mut self.held);
        let column = |which: usize| -> Result<ArrayRef> {
            let parts: Vec<&dyn Array> = held.iter().filter_map(|pair| pair.get(which)).map(AsRef::as_ref).collect();
            Ok(concat(&parts)?)
        };
        let (entity, record) = (column(0)?, column(1)?);
        let rest = all - ended;
        if rest > 0 {
            self.held.push([own(&entity.slice(ended, rest))?, own(&record.slice(ended, rest))?]);
        }
        let made = self.output.batch(self.walk.ended(), entity.slice(0, ended), record.slice(0, ended))?;
        self.walk.forget_ended();
        Ok(Some(made))
    }
}

/// The same values, without holding on to a batch they were cut from.
pub(super) fn own(column: &ArrayRef) -> Result<ArrayRef> {
    if let Some(views) = column.as_string_view_opt() {
        return Ok(Arc::new(views.gc()));
    }
    let rows = UInt32Array::from_iter_values(0..u32::try_from(column.len()).map_err(|_| misfit())?);
    Ok(take(column, &rows, None)?)
}

/// Visits → a batch.
struct Output {
    schema: SchemaRef,
    stages: ArrayRef,
    transitions: ArrayRef,
    reasons: ArrayRef,
    systems: ArrayRef,
    system_of: Vec<i32>,
    versions: ArrayRef,
}

impl Output {
    fn new(walk: &VisitWalk) -> Self {
        let texts = |words: Vec<&str>| -> ArrayRef { Arc::new(StringArray::from(words)) };
        Self {
            schema: walk.output_schema(),
            stages: texts(walk.definition.stages.iter().map(|stage| stage.name.as_str()).collect()),
            transitions: texts(Transition::WORDS.to_vec()),
            reasons: texts(Inferred::WORDS.to_vec()),
            systems: texts(walk.systems.iter().map(String::as_str).collect()),
            system_of: walk.system_of.clone(),
            versions: texts(walk.definition.versions.iter().map(|version| version.name.as_str()).collect()),
        }
    }

    fn batch(&self, visits: &[Visit], entity: ArrayRef, record: ArrayRef) -> Result<RecordBatch> {
        let system = |visit: &Visit| self.system_of.get(usize::from(visit.source)).copied().unwrap_or(0);
        let entered = instants(visits.iter().map(|visit| visit.entered).collect(), None);
        let ended = NullBuffer::new(bits(visits, |visit| visit.exited != OPEN));
        let exited = instants(visits.iter().map(|visit| visit.exited).collect(), Some(ended));
        let columns: Vec<ArrayRef> = vec![
            entity,
            dictionary(visits, &self.stages, |visit| i32::from(visit.stage))?,
            Arc::new(optional(visits, |visit| (visit.rank > 0).then_some(i32::from(visit.rank)))),
            numbers(visits, |visit| visit.seq),
            numbers(visits, |visit| visit.number),
            entered,
            exited,
            sparse(visits, &self.stages, |visit| visit.from.map(i32::from))?,
            dictionary(visits, &self.transitions, |visit| visit.transition as i32)?,
            flags(visits, |visit| visit.gap),
            flags(visits, |visit| visit.inferred.is_some()),
            sparse(visits, &self.reasons, |visit| visit.inferred.map(|reason| reason as i32))?,
            flags(visits, |visit| visit.number == 1),
            flags(visits, |visit| visit.latest),
            flags(visits, |visit| visit.exited == OPEN),
            dictionary(visits, &self.systems, system)?,
            record,
            dictionary(visits, &self.versions, |visit| i32::from(visit.version))?,
            numbers(visits, |visit| visit.absorbed),
            numbers(visits, |visit| visit.ignored),
        ];
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

fn numbers(visits: &[Visit], of: impl Fn(&Visit) -> i32) -> ArrayRef {
    Arc::new(Int32Array::from_iter_values(visits.iter().map(of)))
}

fn optional(visits: &[Visit], of: impl Fn(&Visit) -> Option<i32>) -> Int32Array {
    let values = visits.iter().map(|visit| of(visit).unwrap_or(0)).collect();
    Int32Array::new(values, Some(NullBuffer::new(bits(visits, |visit| of(visit).is_some()))))
}

fn bits(visits: &[Visit], of: impl Fn(&Visit) -> bool) -> BooleanBuffer {
    BooleanBuffer::collect_bool(visits.len(), |row| visits.get(row).is_some_and(&of))
}

fn flags(visits: &[Visit], of: impl Fn(&Visit) -> bool) -> ArrayRef {
    Arc::new(BooleanArray::new(bits(visits, of), None))
}

fn instants(micros: ScalarBuffer<i64>, valid: Option<NullBuffer>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::new(micros, valid).with_timezone("UTC"))
}

fn dictionary(visits: &[Visit], words: &ArrayRef, of: impl Fn(&Visit) -> i32) -> Result<ArrayRef> {
    let keys = Int32Array::from_iter_values(visits.iter().map(of));
    Ok(Arc::new(DictionaryArray::try_new(keys, Arc::clone(words))?))
}

fn sparse(visits: &[Visit], words: &ArrayRef, of: impl Fn(&Visit) -> Option<i32>) -> Result<ArrayRef> {
    Ok(Arc::new(DictionaryArray::try_new(optional(visits, of), Arc::clone(words))?))
}

fn misfit() -> Error {
    Error::internal("changes with other columns than a walk reads")
}
