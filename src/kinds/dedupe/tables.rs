//! The tables that the work answers with, by number, and their columns.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field as ArrowField, Schema, SchemaRef};

use super::fields::Field;
use crate::contract::ColumnType;
use crate::kinds::typing::instant_type;

/// A table of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    /// One row for each entity.
    Golden,
    /// One row for each record.
    Crosswalk,
    /// One row for each id that is no longer in use.
    Redirects,
    /// One row for each link made or refused.
    Evidence,
    /// One row for each value of an entity with several records.
    Provenance,
    /// One row for each system and month.
    Quality,
    /// One row for each row that is no record.
    Rejects,
    /// One row for each thing that the weights of the probabilistic rule say.
    Weights,
    /// Counts for the run record.
    Facts,
}

/// Texts of which there are few.
pub(super) fn words() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// In what form values of a type leave the work: texts as views, since they are at hand for that.
pub(super) fn emitted(ty: ColumnType) -> DataType {
    if ty == ColumnType::Text { DataType::Utf8View } else { ty.arrow() }
}

/// Bits of evidence, to the thousandth.
pub(super) const WEIGHT: (u8, i8) = (12, 3);

/// The columns of every table, by number.
pub(super) fn schemas(id: &str, fields: &[Field]) -> Vec<SchemaRef> {
    let mut tables = vec![golden(id, fields)];
    tables.extend(of_records(id));
    tables.extend(of_counts());
    tables.into_iter().map(|columns| Arc::new(Schema::new(columns))).collect()
}

fn golden(id: &str, fields: &[Field]) -> Vec<ArrowField> {
    let mut golden = vec![must(id, &DataType::Utf8)];
    golden.extend(fields.iter().map(|field| may(field.name.as_str(), &emitted(field.ty()))));
    golden.extend([must("n_records", &DataType::Int32), must("n_systems", &DataType::Int32)]);
    golden.extend([may("first_seen_at", &instant_type()), may("last_updated_at", &instant_type())]);
    golden.push(must("is_quarantined", &DataType::Boolean));
    golden
}

/// Crosswalk, redirects, evidence, provenance.
fn of_records(id: &str) -> [Vec<ArrowField>; 4] {
    let [text, word, int] = [DataType::Utf8, words(), DataType::Int32];
    let (weight, at) = (DataType::Decimal128(WEIGHT.0, WEIGHT.1), instant_type());
    [
        vec![
            must("system", &word),
            must("record_id", &text),
            must(id, &text),
            must("is_anchor", &DataType::Boolean),
            may("linked_by", &word),
            may("linked_weight", &weight),
            must("linked_since", &at),
            must("id_since", &at),
            must("is_quarantined", &DataType::Boolean),
        ],
        vec![
            must("old_id", &text),
            may(id, &text),
            must("reason", &word),
            must("anchor", &text),
            must("id_since", &at),
            must("redirected_at", &at),
        ],
        vec![
            must("outcome", &word),
            must("rule", &word),
            must("left_system", &word),
            must("left_record_id", &text),
            may("right_system", &word),
            may("right_record_id", &text),
            may("weight", &weight),
            may("match_probability", &DataType::Float64),
            may("comparison", &text),
            may("shared_key", &text),
            may("n_records", &int),
            may("reason", &text),
        ],
        vec![
            must(id, &text),
            must("field", &word),
            must("system", &word),
            must("record_id", &text),
            must("rule", &word),
            must("n_values", &int),
        ],
    ]
}

/// Quality, rejects, weights, facts.
fn of_counts() -> [Vec<ArrowField>; 4] {
    let [text, word, long, share] = [DataType::Utf8, words(), DataType::Int64, DataType::Float64];
    [
        vec![
            must("system", &word),
            may("month", &DataType::Date32),
            must("records", &long),
            must("duplicates", &long),
            must("duplicates_in_system", &long),
            must("duplicate_rate", &share),
        ],
        vec![must("source_table", &word), may("source_key", &text), must("reason", &word), may("detail", &text)],
        vec![
            must("position", &DataType::Int32),
            must("part", &word),
            must("name", &text),
            may("kind", &text),
            may("finding", &text),
            may("weight", &DataType::Decimal128(WEIGHT.0, WEIGHT.1)),
            may("share_of_matches", &share),
            may("share_of_others", &share),
            may("related_weight", &DataType::Decimal128(WEIGHT.0, WEIGHT.1)),
            may("share_of_related", &share),
            may("adjusts_for_frequency", &DataType::Boolean),
        ],
        vec![must("fact", &text), must("item", &text), must("rows", &long)],
    ]
}

fn must(name: &str, data_type: &DataType) -> ArrowField {
    ArrowField::new(name, data_type.clone(), false)
}

fn may(name: &str, data_type: &DataType) -> ArrowField {
    ArrowField::new(name, data_type.clone(), true)
}
