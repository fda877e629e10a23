//! The rows of `_weights`, read back into the weights that they are.

use std::str::FromStr;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Float64Type};

use super::matching::{Level, Model, ModelField, Related, RelatedLevel, VERSION};
use crate::error::{Error, Result};

/// The weights that a run has written; what they were learnt from is not among them.
///
/// # Errors
/// Project, where there are none, or those of another version of the program.
pub fn learnt(batches: &[RecordBatch]) -> Result<Model> {
    let rows = Rows::read(batches)?;
    if rows.parts.is_empty() {
        return Err(Error::project("nothing was learnt: the run had fewer than two records to compare")
            .with_hint("run the model again when there are records; weights are learnt anew by every run"));
    }
    let mut made = Model {
        version: VERSION,
        lambda: 0.0,
        prior_bits: 0,
        related: None,
        fields: Vec::new(),
        blocking: Vec::new(),
        trained: None,
    };
    for row in rows.in_order() {
        rows.add(row, &mut made)?;
    }
    made.check()?;
    Ok(made)
}

struct Rows {
    positions: Vec<Option<String>>,
    parts: Vec<Option<String>>,
    names: Vec<Option<String>>,
    kinds: Vec<Option<String>>,
    findings: Vec<Option<String>>,
    frequency: Vec<Option<String>>,
    weights: Vec<Option<i32>>,
    matches: Vec<Option<f64>>,
    others: Vec<Option<f64>>,
    related_weights: Vec<Option<i32>>,
    related: Vec<Option<f64>>,
}

impl Rows {
    fn read(batches: &[RecordBatch]) -> Result<Self> {
        Ok(Self {
            positions: texts(batches, "position")?,
            parts: texts(batches, "part")?,
            names: texts(batches, "name")?,
            kinds: texts(batches, "kind")?,
            findings: texts(batches, "finding")?,
            frequency: texts(batches, "adjusts_for_frequency")?,
            weights: millibits(batches, "weight")?,
            matches: shares(batches, "share_of_matches")?,
            others: shares(batches, "share_of_others")?,
            related_weights: millibits(batches, "related_weight")?,
            related: shares(batches, "share_of_related")?,
        })
    }

    fn in_order(&self) -> Vec<usize> {
        let mut rows: Vec<usize> = (0..self.parts.len()).collect();
        rows.sort_by_key(|row| self.positions.get(*row).cloned().flatten().and_then(|at| at.parse::<i32>().ok()));
        rows
    }

    /// Adds one row to the model; the rows of a field follow one another.
    fn add(&self, row: usize, model: &mut Model) -> Result<()> {
        let text = |column: &[Option<String>]| column.get(row).cloned().flatten().unwrap_or_default();
        let share = |column: &[Option<f64>]| column.get(row).copied().flatten();
        let weight = |column: &[Option<i32>]| column.get(row).copied().flatten();
        let number = |column: &[Option<f64>]| share(column).unwrap_or_default();
        let bits = weight(&self.weights).unwrap_or_default();
        let related = weight(&self.related_weights).zip(share(&self.related));
        let name = text(&self.names);
        match text(&self.parts).as_str() {
            "prior" => {
                (model.lambda, model.prior_bits) = (number(&self.matches), bits);
                model.related = related.map(|(prior_bits, rho)| Related { rho, prior_bits });
            }
            "pairs" => model.blocking.push(parsed(&name)?),
            _ => {
                let level = Level {
                    when: parsed(&text(&self.findings))?,
                    bits,
                    m: number(&self.matches),
                    u: number(&self.others),
                    related: related.map(|(bits, r)| RelatedLevel { bits, r }),
                };
                if model.fields.last().is_none_or(|field| field.name != name) {
                    let (kind, term_frequency) = (parsed(&text(&self.kinds))?, text(&self.frequency) == "true");
                    model.fields.push(ModelField { name, kind, term_frequency, levels: Vec::new() });
                }
                if let Some(field) = model.fields.last_mut() {
                    field.levels.push(level);
                }
            }
        }
        Ok(())
    }
}

fn parsed<T: FromStr<Err = String>>(text: &str) -> Result<T> {
    text.parse().map_err(|error: String| Error::project(format!("the published weights cannot be read: {error}")))
}

fn texts(batches: &[RecordBatch], name: &str) -> Result<Vec<Option<String>>> {
    let mut values = Vec::new();
    for batch in batches {
        let column = cast(batch.column_by_name(name).ok_or_else(misfit)?, &DataType::Utf8)?;
        let column = column.as_string_opt::<i32>().ok_or_else(misfit)?;
        values.extend(column.iter().map(|text| text.map(str::to_string)));
    }
    Ok(values)
}

fn millibits(batches: &[RecordBatch], name: &str) -> Result<Vec<Option<i32>>> {
    let mut values = Vec::new();
    for batch in batches {
        let column = batch.column_by_name(name).ok_or_else(misfit)?;
        let column = column.as_primitive_opt::<Decimal128Type>().ok_or_else(misfit)?;
        values.extend(column.iter().map(|value| value.and_then(|value| i32::try_from(value).ok())));
    }
    Ok(values)
}

fn shares(batches: &[RecordBatch], name: &str) -> Result<Vec<Option<f64>>> {
    let mut values = Vec::new();
    for batch in batches {
        let column = cast(batch.column_by_name(name).ok_or_else(misfit)?, &DataType::Float64)?;
        values.extend(column.as_primitive_opt::<Float64Type>().ok_or_else(misfit)?);
    }
    Ok(values)
}

fn misfit() -> Error {
    Error::project("the published weights have other columns than a run writes")
        .with_hint("they were published by another version; run the model once")
}
