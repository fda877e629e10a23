//! One row an entity, from the finished visits.
//!
//! ```text
//! in    entity_id │ visit_seq │ stage │ entered_at │ …      as the walk before wrote them
//! out   entity_id │ current stage │ first and latest entry to each stage │ counts
//! ```
//!
//! One entity is held at a time, with those of its batch that are finished.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::kernels::cmp::not_distinct;
use arrow::compute::{cast, concat, partition, take};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef, TimestampMicrosecondType};
use datafusion::logical_expr::{LogicalPlan, ident};

use super::algorithm::Transition;
use super::entity_rows::{Rows, Visit};
use super::operator::{own, word_type};
use super::plan::planned;
use super::resolve::Resolved;
use super::words::COUNTS;
use crate::engine::entity::{EntityAlgorithm, EntityState, WalkOrder, walk};
use crate::error::{Error, Result};
use crate::kinds::Scope;
use crate::kinds::typing::instant_type;

/// What is read of the visits.
const COLUMNS: [&str; 10] = [
    "entity_id",
    "visit_seq",
    "stage",
    "entered_at",
    "visit_number",
    "transition",
    "inferred",
    "is_current",
    "changes_absorbed",
    "changes_ignored",
];

/// Rows in: visits. Rows out: one for each entity that has any.
pub(super) fn entities(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let visits = scope.frames.scan(scope.model)?;
    let rows = planned(visits.project(COLUMNS.map(ident)).and_then(|rows| rows.build()))?;
    let entity = rows.schema().field(0).data_type().clone();
    let definition = &resolved.definition;
    let walked = EntityWalk {
        stages: definition.stages.iter().map(|stage| stage.name.clone()).collect(),
        closing: definition.closing(),
        entity,
    };
    let order = WalkOrder { entity: vec!["entity_id".to_string()], order: vec!["visit_seq".to_string()] };
    walk(rows, order, Arc::new(walked))
}

/// The column with the first entry to a stage.
pub(super) fn became(stage: &str) -> String {
    format!("became_{stage}_at")
}

/// The column with the latest entry to a stage.
pub(super) fn latest(stage: &str) -> String {
    format!("latest_{stage}_at")
}

/// Everything a walk is told, for all partitions.
#[derive(Debug)]
struct EntityWalk {
    /// The names of the stages; a stage's code is its index.
    stages: Vec<String>,
    /// Codes of the stages in which an entity counts as closed.
    closing: Vec<u8>,
    entity: DataType,
}

impl EntityAlgorithm for EntityWalk {
    fn name(&self) -> &'static str {
        "LifecycleEntities"
    }

    fn output_schema(&self) -> SchemaRef {
        let mut fields = vec![
            Field::new("entity_id", self.entity.clone(), false),
            Field::new("current_stage", word_type(), false),
            Field::new("current_since", instant_type(), false),
            Field::new("first_seen_at", instant_type(), false),
            Field::new("is_closed", DataType::Boolean, false),
        ];
        for stage in &self.stages {
            fields.push(Field::new(became(stage), instant_type(), true));
            fields.push(Field::new(latest(stage), instant_type(), true));
        }
        fields.extend(COUNTS.map(|(name, _)| Field::new(name, DataType::Int64, false)));
        Arc::new(Schema::new(fields))
    }

    fn leaves(&self) -> Option<WalkOrder> {
        Some(WalkOrder { entity: vec!["entity_id".to_string()], order: Vec::new() })
    }

    fn start(&self) -> Box<dyn EntityState> {
        Box::new(State {
            stages: self.stages.clone(),
            schema: self.output_schema(),
            rows: Rows::new(&self.stages, &self.closing),
            last: None,
        })
    }
}

struct State {
    stages: Vec<String>,
    schema: SchemaRef,
    /// The entities that have no row yet; the last of them is the one at hand.
    rows: Rows,
    /// The entity at hand, as an array of one.
    last: Option<ArrayRef>,
}

impl EntityState for State {
    fn push(&mut self, batch: &RecordBatch) -> Result<Option<RecordBatch>> {
        if batch.num_rows() == 0 {
            return Ok(None);
        }
        let visits = Visits::read(batch, &self.stages)?;
        let mut continues = self.continues(visits.entity)?;
        let mut begins = Vec::new();
        for range in partition(std::slice::from_ref(visits.entity))?.ranges() {
            if !continues {
                begins.push(u32::try_from(range.start).map_err(|_| misfit())?);
                self.rows.begin();
            }
            continues = false;
            for row in range {
                self.rows.add(visits.visit(row).ok_or_else(misfit)?);
            }
        }
        let Some(at_hand) = begins.pop() else { return Ok(None) };
        let before = self.last.replace(own(&visits.entity.slice(at_hand as usize, 1))?);
        let ended = take(visits.entity, &UInt32Array::from(begins), None)?;
        self.emit(before, ended, 1)
    }

    fn finish(&mut self) -> Result<Option<RecordBatch>> {
        let Some(last) = self.last.take() else { return Ok(None) };
        let none = last.slice(0, 0);
        self.emit(Some(last), none, 0)
    }

    fn held_bytes(&self) -> usize {
        self.rows.held_bytes() + self.last.as_ref().map_or(0, |last| last.get_array_memory_size())
    }
}

impl State {
    /// Whether the first row belongs to the entity that the last batch ended with.
    fn continues(&self, entity: &ArrayRef) -> Result<bool> {
        let Some(last) = &self.last else { return Ok(false) };
        Ok(not_distinct(last, &entity.slice(0, 1))?.value(0))
    }

    /// The rows of the entities that have ended: the one `before` the batch, if any, and those `ended`
    /// in it. The `rest` stay.
    fn emit(&mut self, before: Option<ArrayRef>, ended: ArrayRef, rest: usize) -> Result<Option<RecordBatch>> {
        let entity = match before {
            Some(before) => concat(&[before.as_ref(), ended.as_ref()])?,
            None => ended,
        };
        if entity.is_empty() {
            return Ok(None);
        }
        let mut columns = vec![entity];
        columns.extend(self.rows.take(rest)?);
        Ok(Some(RecordBatch::try_new(Arc::clone(&self.schema), columns)?))
    }
}

/// A batch of visits, its columns typed.
struct Visits<'a> {
    entity: &'a ArrayRef,
    stages: Vec<u8>,
    transitions: Vec<u8>,
    entered: &'a [i64],
    numbers: &'a [i32],
    absorbed: &'a [i32],
    ignored: &'a [i32],
    inferred: &'a BooleanArray,
    current: &'a BooleanArray,
}

impl<'a> Visits<'a> {
    fn read(batch: &'a RecordBatch, stages: &[String]) -> Result<Self> {
        let [entity, _, stage, entered, number, transition, inferred, current, absorbed, ignored] = batch.columns()
        else {
            return Err(misfit());
        };
        let entered = entered.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(misfit)?;
        Ok(Self {
            entity,
            stages: codes(stage, stages)?,
            transitions: codes(transition, &Transition::WORDS)?,
            entered: entered.values(),
            numbers: numbers(number)?,
            absorbed: numbers(absorbed)?,
            ignored: numbers(ignored)?,
            inferred: inferred.as_boolean_opt().ok_or_else(misfit)?,
            current: current.as_boolean_opt().ok_or_else(misfit)?,
        })
    }

    fn visit(&self, row: usize) -> Option<Visit> {
        let transition = *self.transitions.get(row)?;
        Some(Visit {
            stage: *self.stages.get(row)?,
            entered: *self.entered.get(row)?,
            is_reentry: *self.numbers.get(row)? > 1,
            is_regress: transition == Transition::Regress as u8,
            is_recycle: transition == Transition::Recycle as u8,
            is_inferred: self.inferred.value(row),
            is_current: self.current.value(row),
            absorbed: i64::from(*self.absorbed.get(row)?),
            ignored: i64::from(*self.ignored.get(row)?),
        })
    }
}

fn numbers(column: &ArrayRef) -> Result<&[i32]> {
    Ok(column.as_primitive_opt::<Int32Type>().ok_or_else(misfit)?.values())
}

/// For each row the place of its text among `words`.
fn codes<W: AsRef<str>>(column: &ArrayRef, words: &[W]) -> Result<Vec<u8>> {
    let find = |text: Option<&str>| -> Result<u8> {
        let at = text.and_then(|text| words.iter().position(|word| word.as_ref() == text)).ok_or_else(misfit)?;
        u8::try_from(at).map_err(|_| misfit())
    };
    if let Some(encoded) = column.as_dictionary_opt::<Int32Type>() {
        let values = cast(encoded.values(), &DataType::Utf8)?;
        // Not every value need be in use, so that one that is not known is no mistake by itself.
        let by_key: Vec<Result<u8>> = values.as_string::<i32>().iter().map(find).collect();
        let of = |key: Option<i32>| by_key.get(usize::try_from(key?).ok()?)?.as_ref().ok().copied();
        return encoded.keys().iter().map(|key| of(key).ok_or_else(misfit)).collect();
    }
    match column.as_string_opt::<i32>() {
        Some(texts) => texts.iter().map(find).collect(),
        None => cast(column, &DataType::Utf8View)?.as_string_view().iter().map(find).collect(),
    }
}

fn misfit() -> Error {
    Error::internal("visits with other columns than a walk over entities reads")
}
