//! Records as the rules see them that compare values instead of keys.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;

use super::growing::too_long;
use super::intake::Work;
use super::matching::{self, FieldKind};
use super::records::Records;
use super::stored::Stored;
use crate::engine::text::name;
use crate::error::Result;

/// The fields that some rule compares, by ordinal; nothing where no rule does.
pub(super) fn comparables(work: &Work, records: &Records) -> Result<Option<matching::Records>> {
    let mut wanted: Vec<usize> = work.rules.iter().flat_map(|rule| rule.test.looks_at(&work.fields)).collect();
    wanted.sort_unstable();
    wanted.dedup();
    if wanted.is_empty() {
        return Ok(None);
    }
    let mut compared = matching::Records::new(records.len())?;
    for at in wanted {
        let (Some(field), Some(column)) = (work.fields.get(at), seen(records, at)?) else { continue };
        let texts = texts(&column)?;
        let alias: Option<matching::Alias> = (field.kind == FieldKind::GivenName).then_some(name::given_key);
        let values = records.rows().iter().map(|row| value(&texts, *row));
        compared.add(field.name.as_str(), field.kind, values, alias)?;
    }
    Ok(Some(compared))
}

/// What rules see of a field, by row.
fn seen(records: &Records, field: usize) -> Result<Option<ArrayRef>> {
    match records.compared.get(field) {
        Some(Some(own)) => Ok(Some(Arc::clone(own))),
        _ => records.field(field).map(Stored::all).transpose(),
    }
}

fn texts(column: &ArrayRef) -> Result<StringArray> {
    let texts = cast(column, &DataType::Utf8)?;
    Ok(texts.as_string_opt::<i32>().ok_or_else(too_long)?.clone())
}

fn value(texts: &StringArray, row: u32) -> Option<&str> {
    let row = row as usize;
    (row < texts.len() && texts.is_valid(row)).then(|| texts.value(row))
}
