//! A first contract, drafted from what an extract holds; and what a contract leaves unsaid.

use std::fmt::Write;

use arrow::datatypes::Field;

use super::{Extract, pii};
use crate::contract::{ColumnType, Pii};
use crate::diag::{Diagnostic, Diagnostics, codes};
use crate::syntax::{SourceTable, SourceType};

/// Columns in which loaders say when they loaded a row, the most telling first.
const LOADED: [&str; 7] = [
    "_fivetran_synced",
    "_airbyte_extracted_at",
    "_sdc_extracted_at",
    "_loaded_at",
    "system_modstamp",
    "updated_at",
    "last_modified_date",
];
/// Keys that YAML would read as something else than text.
const YAML_WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];

/// The text of a contract for an extract that was opened without one (see
/// [`SourceTable::undeclared`]): types as they are, NULLs as the footers count them, keys and
/// personal data guessed by name. Descriptions are left out, since nobody has said what a column
/// means: [`review`] asks for them.
pub fn draft(extract: &Extract, source: &str, path: &str) -> String {
    let mut text = String::new();
    let fields = extract.schema();
    let key = likely_key(extract);
    let loaded = LOADED
        .iter()
        .find(|name| fields.field_with_name(name).is_ok_and(|field| column_type(field) == Some(ColumnType::Timestamp)));
    // Writing to a String cannot fail.
    let mut line = |words: String| _ = writeln!(text, "{words}");
    line(format!(
        "# Drafted from {} and {}. Keep the columns that models rely on, say what each of them means,",
        count(extract.rows(), "row"),
        count(extract.files().len() as u64, "file")
    ));
    line("# and look at every `pii` and `nullable`: they are guesses from names and counts.".to_string());
    line(format!("source: {source}\ntables:\n  - table: {}\n    path: {}", extract.table(), quoted(path)));
    line("    columns:".to_string());
    for field in fields.fields() {
        line(column(extract, field, key.as_deref()));
    }
    if let Some(column) = loaded {
        line(format!("    freshness: {{column: {column}, warn_after: 2 days}}"));
    }
    text
}

fn column(extract: &Extract, field: &Field, key: Option<&str>) -> String {
    let name = field.name().as_str();
    let ty = column_type(field);
    let shown = ty.map_or(SourceType::Any, SourceType::Column);
    // A comma would end the value inside of braces.
    let in_braces = if shown.to_string().contains(',') { quoted(&shown.to_string()) } else { shown.to_string() };
    let mut parts = vec![format!("type: {in_braces}")];
    if key == Some(name) {
        parts.push("key: true".to_string());
    } else if extract.nulls(name) != Some(0) && field.is_nullable() {
        parts.push("nullable: true".to_string());
    }
    match pii::suspected(name, ty) {
        Some(Pii::Direct) => parts.push("pii: direct".to_string()),
        Some(Pii::Indirect) => parts.push("pii: indirect".to_string()),
        Some(Pii::Sensitive) => parts.push("pii: sensitive".to_string()),
        Some(Pii::None) | None => {}
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let as_it_is = name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit());
    let name = match as_it_is && !YAML_WORDS.contains(&name.to_ascii_lowercase().as_str()) {
        true => name.to_string(),
        false => quoted(name),
    };
    match parts.as_slice() {
        [_] => format!("      {name}: {shown}"),
        _ => format!("      {name}: {{{}}}", parts.join(", ")),
    }
}

fn column_type(field: &Field) -> Option<ColumnType> {
    ColumnType::of_arrow(field.data_type())
}

/// The column without NULLs that is called `id` or after the table.
fn likely_key(extract: &Extract) -> Option<String> {
    let table = extract.table().as_str();
    let last = table.rsplit('_').next().unwrap_or(table);
    let candidates = ["id".to_string(), format!("{table}_id"), format!("{last}_id"), "_fivetran_id".to_string()];
    candidates.into_iter().find(|name| extract.schema().field_with_name(name).is_ok() && extract.nulls(name) == Some(0))
}

/// Text in double quotes, which YAML reads as JSON does.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn count(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// What a contract leaves unsaid, found without reading anything: columns without a meaning,
/// personal data without a class, a freshness column that is not declared, a table without a key.
pub fn review(table: &SourceTable, diags: &mut Diagnostics) {
    for (name, column) in &table.columns {
        if column.description.as_deref().is_none_or(|text| text.trim().is_empty()) {
            let message = format!("column `{name}` of `{}` has no description", table.table);
            diags.push(Diagnostic::warning(codes::UNDESCRIBED_COLUMN, name.place, message));
        }
        let suspected = pii::suspected(name.as_str(), column.ty.value.column());
        if column.pii.is_none() && suspected.is_some() {
            let message = format!("column `{name}` of `{}` looks like personal data and has no class", table.table);
            let hint = "say `pii: direct`, `indirect` or `sensitive`, or `none` if it is not";
            diags.push(Diagnostic::warning(codes::UNCLASSIFIED_PII, name.place, message).hint(hint));
        }
    }
    if let Some(freshness) = &table.freshness {
        let column = &freshness.column;
        let names = || table.columns.keys().map(|name| name.as_str());
        match table.column(column.as_str()).map(|found| found.ty.value) {
            None => {
                let message =
                    format!("freshness of `{}` names the column `{column}`, which is not declared", table.table);
                diags.push(
                    Diagnostic::error(codes::UNKNOWN_COLUMN, column.place, message)
                        .did_you_mean(column.as_str(), names()),
                );
            }
            Some(SourceType::Column(ColumnType::Timestamp | ColumnType::Date)) => {}
            Some(other) => {
                let message = format!("freshness wants an instant or a day, but `{column}` is `{other}`");
                diags.push(Diagnostic::error(codes::EXPRESSION_TYPE, column.place, message));
            }
        }
    }
}

#[cfg(test)]
#[path = "draft_tests.rs"]
mod tests;
