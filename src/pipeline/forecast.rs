//! What a run of a model would have to do, foretold from the rows of the sources.

use std::collections::BTreeSet;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use serde_json::Value;

use super::commands::{named, with_empty_tables};
use super::execute::step;
use super::prepare::Prepared;
use crate::engine::Frames;
use crate::error::{Error, Result};
use crate::kinds::Scope;
use crate::project::resolve::Model;
use crate::syntax::TableName;

/// What a kind foretells, as a table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Forecast {
    /// The names of its columns.
    pub columns: Vec<String>,
    /// Its rows: texts and whole numbers.
    pub rows: Vec<Vec<Value>>,
}

/// Foretells a run of the model; nothing where its kind has nothing to foretell. Reads the sources, and
/// works out what lies between them and the model, without writing anything.
pub async fn forecast(prepared: &Prepared, wanted: &str) -> Result<Option<Forecast>> {
    let model = named(prepared, wanted)?;
    let plan = |frames: &Frames| scoped(prepared, model, frames, |scope| model.kind.as_model().forecast(scope));
    // What lies between is planned only where something is foretold.
    if plan(&with_empty_tables(prepared))?.is_none() {
        return Ok(None);
    }
    let Some(plan) = plan(&upstream(prepared, model)?)? else { return Ok(None) };
    let columns = plan.schema().fields().iter().map(|field| field.name().clone()).collect();
    let mut forecast = Forecast { columns, rows: Vec::new() };
    for batch in prepared.engine.collect(plan).await? {
        read(&batch, &mut forecast.rows)?;
    }
    Ok(Some(forecast))
}

/// Every table that the model is made of, as a plan down to the sources.
pub(super) fn upstream(prepared: &Prepared, model: &Model) -> Result<Frames> {
    let models = &prepared.graph.models;
    let mut wanted: BTreeSet<&TableName> = model.inputs.iter().collect();
    let mut needed = Vec::new();
    // Models stand after all that they read.
    for other in models.iter().rev() {
        if other.index != model.index && other.outputs.iter().any(|output| wanted.contains(&output.table)) {
            wanted.extend(&other.inputs);
            needed.push(other);
        }
    }
    let mut frames = prepared.frames.clone();
    for other in needed.into_iter().rev() {
        for output in &other.outputs {
            let plan = scoped(prepared, other, &frames, |scope| other.kind.as_model().plan(scope, output))?;
            frames.insert(output.table.clone(), step(plan, output)?);
        }
    }
    Ok(frames)
}

/// What a kind does with a model over some tables.
pub(super) fn scoped<T>(
    prepared: &Prepared,
    model: &Model,
    frames: &Frames,
    work: impl FnOnce(&Scope<'_>) -> Result<T>,
) -> Result<T> {
    let file = prepared.project.models.get(model.index).ok_or_else(|| Error::internal("a model without a file"))?;
    work(&Scope {
        model: &model.name,
        place: file.spec.model.place,
        description: "",
        settings: &prepared.graph.settings,
        frames,
        engine: &prepared.engine,
    })
}

fn read(batch: &RecordBatch, rows: &mut Vec<Vec<Value>>) -> Result<()> {
    let start = rows.len();
    rows.resize_with(start + batch.num_rows(), Vec::new);
    for column in batch.columns() {
        let values: Vec<Value> = match column.data_type() {
            DataType::Int64 => column.as_primitive::<Int64Type>().iter().map(Value::from).collect(),
            _ => {
                let texts = cast(column, &DataType::Utf8)?;
                let texts = texts.as_string_opt::<i32>().ok_or_else(|| Error::internal("a forecast of other types"))?;
                (0..texts.len()).map(|row| Value::from(texts.is_valid(row).then(|| texts.value(row)))).collect()
            }
        };
        rows.iter_mut().skip(start).zip(values).for_each(|(row, value)| row.push(value));
    }
    Ok(())
}
