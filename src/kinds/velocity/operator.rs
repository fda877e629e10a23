//! The walk's plumbing: sorted batches of visits in, batches of transitions out.
//!
//! ```text
//! in    seq │ at │ stage │ losing? │ late? │ entity │ kept columns      sorted by entity, seq
//! out   entity │ kept columns │ pair │ outcome │ ended_in │ start │ end │ length │ spans?
//! ```
//!
//! Kept columns are those of the visit with which the time begins.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, ListArray, RecordBatch, StringArray,
    TimestampMicrosecondArray, UInt32Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::kernels::cmp::not_distinct;
use arrow::compute::{cast, concat, partition, take};
use arrow::datatypes::{DataType, Field, FieldRef, Int32Type, Schema, SchemaRef, TimestampMicrosecondType};

use super::algorithm::{OTHER, Rules, Transition, Visit, Walk};
use crate::engine::entity::{EntityAlgorithm, EntityState};
use crate::error::{Error, Result};

/// Everything a walk is told, for all partitions.
#[derive(Debug)]
pub(super) struct TransitionWalk {
    pub(super) rules: Rules,
    /// The names of the stages; a stage's code is its index.
    pub(super) stages: Vec<String>,
    /// By code, the stages that end an entity's way; where unset, a column of the input tells.
    pub(super) losing: Option<Vec<bool>>,
    /// Whether a column of the input tells that a visit was inferred because history starts late.
    pub(super) tells_late: bool,
    /// The entity, and the columns kept.
    pub(super) kept: Vec<FieldRef>,
}

impl EntityAlgorithm for TransitionWalk {
    fn name(&self) -> &'static str {
        "VelocityTransitions"
    }

    fn output_schema(&self) -> SchemaRef {
        let number = |name: &str, data_type: DataType| {
            Arc::new(Field::new(name, data_type, ["ended_in", "end"].contains(&name)))
        };
        let mut fields = self.kept.clone();
        fields.extend(["pair", "outcome", "ended_in"].map(|name| number(name, DataType::Int32)));
        fields.extend(["start", "end", "length"].map(|name| number(name, DataType::Int64)));
        if self.rules.spans {
            fields.push(Arc::new(Field::new("spans", DataType::List(instants()), false)));
        }
        Arc::new(Schema::new(fields))
    }

    fn start(&self) -> Box<dyn EntityState> {
        Box::new(State {
            walk: Walk::new(self.rules.clone()),
            stages: Arc::new(StringArray::from_iter_values(&self.stages)),
            losing: self.losing.clone(),
            tells_late: self.tells_late,
            schema: self.output_schema(),
            last: None,
            held: self.kept.iter().map(|field| arrow::array::new_empty_array(field.data_type())).collect(),
            spans: self.rules.spans,
        })
    }
}

fn instants() -> FieldRef {
    Arc::new(Field::new("item", DataType::Int64, false))
}

struct State {
    walk: Walk,
    stages: Arc<StringArray>,
    losing: Option<Vec<bool>>,
    tells_late: bool,
    schema: SchemaRef,
    /// The entity of the last row seen, as an array of one.
    last: Option<ArrayRef>,
    /// The kept columns of rows of earlier batches that the entity at hand still needs.
    held: Vec<ArrayRef>,
    spans: bool,
}

/// The columns of a batch that the walk itself reads.
struct Columns<'a> {
    at: &'a TimestampMicrosecondArray,
    stages: Vec<u8>,
    losing: Option<&'a BooleanArray>,
    late: Option<&'a BooleanArray>,
    kept: &'a [ArrayRef],
}

impl EntityState for State {
    fn push(&mut self, batch: &RecordBatch) -> Result<Option<RecordBatch>> {
        if batch.num_rows() == 0 {
            return Ok(None);
        }
        let columns = self.read(batch)?;
        let entity = columns.kept.first().ok_or_else(misfit)?;
        let before = self.held.first().map_or(0, |held| held.len());
        let mut made = Vec::new();
        let mut continues = self.continues(entity)?;
        for rows in partition(std::slice::from_ref(entity))?.ranges() {
            if !continues {
                self.walk.end_entity(|transition| made.push(transition));
            }
            continues = false;
            for row in rows {
                let stage = columns.stages.get(row).copied().unwrap_or(OTHER);
                self.walk.visit(Visit {
                    stage,
                    entered: columns.at.value(row),
                    losing: match (columns.losing, &self.losing) {
                        (Some(losing), _) => losing.is_valid(row) && losing.value(row),
                        (None, known) => known.as_ref().is_some_and(|by| by.get(usize::from(stage)) == Some(&true)),
                    },
                    late: columns.late.is_some_and(|late| late.is_valid(row) && late.value(row)),
                    row: u32::try_from(before + row).map_err(|_| misfit())?,
                });
            }
        }
        let pool = self.pool(columns.kept)?;
        let last = own(&entity.slice(batch.num_rows() - 1, 1))?;
        let out = self.emit(&made, &pool)?;
        self.keep(&pool)?;
        self.last = Some(last);
        Ok(out)
    }

    fn finish(&mut self) -> Result<Option<RecordBatch>> {
        let mut made = Vec::new();
        self.walk.end_entity(|transition| made.push(transition));
        let pool = std::mem::take(&mut self.held);
        self.emit(&made, &pool)
    }

    fn held_bytes(&self) -> usize {
        self.walk.held_bytes() + self.held.iter().map(|column| column.get_array_memory_size()).sum::<usize>()
    }
}

impl State {
    fn read<'a>(&self, batch: &'a RecordBatch) -> Result<Columns<'a>> {
        let [_, at, stage, rest @ ..] = batch.columns() else { return Err(misfit()) };
        let flag = |rest: &'a [ArrayRef], told: bool| -> Result<(Option<&'a BooleanArray>, &'a [ArrayRef])> {
            match rest {
                [flag, rest @ ..] if told => Ok((Some(flag.as_boolean_opt().ok_or_else(misfit)?), rest)),
                rest => Ok((None, rest)),
            }
        };
        let (losing, rest) = flag(rest, self.losing.is_none())?;
        let (late, kept) = flag(rest, self.tells_late)?;
        let at = at.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(misfit)?;
        Ok(Columns { at, stages: codes(stage, &self.stages)?, losing, late, kept })
    }

    /// Whether the first row belongs to the entity that the last batch ended with.
    fn continues(&self, entity: &ArrayRef) -> Result<bool> {
        let Some(last) = &self.last else { return Ok(false) };
        Ok(not_distinct(last, &entity.slice(0, 1))?.value(0))
    }

    /// The kept columns of all rows that can be named: those held, then the batch's.
    fn pool(&self, kept: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let pairs = self.held.iter().zip(kept);
        pairs.map(|(held, new)| if held.is_empty() { Ok(Arc::clone(new)) } else { Ok(concat(&[held, new])?) }).collect()
    }

    fn emit(&self, made: &[Transition], pool: &[ArrayRef]) -> Result<Option<RecordBatch>> {
        if made.is_empty() {
            return Ok(None);
        }
        let rows = UInt32Array::from_iter_values(made.iter().map(|transition| transition.row));
        let mut columns = pool.iter().map(|column| Ok(take(column, &rows, None)?)).collect::<Result<Vec<_>>>()?;
        let code =
            |of: fn(&Transition) -> i32| -> ArrayRef { Arc::new(Int32Array::from_iter_values(made.iter().map(of))) };
        let number =
            |of: fn(&Transition) -> i64| -> ArrayRef { Arc::new(Int64Array::from_iter_values(made.iter().map(of))) };
        columns.push(code(|transition| i32::try_from(transition.pair).unwrap_or(i32::MAX)));
        columns.push(code(|transition| transition.outcome as i32));
        let ended: Int32Array =
            made.iter().map(|t| t.ended_in.filter(|stage| *stage != OTHER).map(i32::from)).collect();
        columns.push(Arc::new(ended));
        let end: Int64Array = made.iter().map(|transition| transition.end).collect();
        columns.extend([number(|t| t.start), Arc::new(end), number(|t| t.length)]);
        if self.spans {
            let lengths = OffsetBuffer::from_lengths(made.iter().map(|transition| transition.spans.len()));
            let values = Int64Array::from_iter_values(made.iter().flat_map(|t| t.spans.iter().copied()));
            columns.push(Arc::new(ListArray::try_new(instants(), lengths, Arc::new(values), None)?));
        }
        Ok(Some(RecordBatch::try_new(Arc::clone(&self.schema), columns)?))
    }

    /// Keeps of the rows only those that the entity at hand needs, without the batch they came from.
    fn keep(&mut self, pool: &[ArrayRef]) -> Result<()> {
        let mut rows = Vec::new();
        for (place, row) in (0u32..).zip(self.walk.rows_mut()) {
            rows.push(std::mem::replace(row, place));
        }
        let rows = UInt32Array::from(rows);
        let kept = pool.iter().map(|column| own(&take(column, &rows, None)?));
        self.held = kept.collect::<Result<_>>()?;
        Ok(())
    }
}

/// The same values, without holding on to a batch they were cut from.
fn own(column: &ArrayRef) -> Result<ArrayRef> {
    if let Some(views) = column.as_string_view_opt() {
        return Ok(Arc::new(views.gc()));
    }
    let rows = UInt32Array::from_iter_values(0..u32::try_from(column.len()).map_err(|_| misfit())?);
    Ok(take(column, &rows, None)?)
}

/// The codes of stages; one that is not known is [`OTHER`].
fn codes(stage: &ArrayRef, names: &StringArray) -> Result<Vec<u8>> {
    let find = |name: Option<&str>| -> u8 {
        let at = names.iter().position(|known| known == name);
        at.and_then(|at| u8::try_from(at).ok()).unwrap_or(OTHER)
    };
    if let Some(words) = stage.as_dictionary_opt::<Int32Type>() {
        let values = cast(words.values(), &DataType::Utf8)?;
        let by_key: Vec<u8> = values.as_string::<i32>().iter().map(find).collect();
        let of = |key: Option<i32>| usize::try_from(key?).ok().and_then(|key| by_key.get(key).copied());
        return Ok(words.keys().iter().map(|key| of(key).unwrap_or(OTHER)).collect());
    }
    let texts = cast(stage, &DataType::Utf8View)?;
    Ok(texts.as_string_view().iter().map(find).collect())
}

fn misfit() -> Error {
    Error::internal("visits with other columns than a walk reads")
}
