//! The key that a record has for a rule, masked for reports.

use arrow::array::{Array, ArrayRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::intake::{Share, Work};
use super::matching::blocking::masked;
use super::records::Records;
use crate::error::Result;

/// What records must share by a rule, with the masked values of one of them: `phone +4… (12), last_name st… (5)`.
///
/// Values are shown as the record holds them; they are compared in a form of their own. An expression
/// has no value at hand and stands alone.
pub(super) fn masked_key(work: &Work, records: &Records, rule: u16, record: u32) -> Result<String> {
    let shares = work.rules.get(usize::from(rule)).map_or(&[][..], |rule| &rule.shares);
    let mut parts = Vec::with_capacity(shares.len());
    for Share { text, field, domain } in shares {
        let column = field.and_then(|field| records.fields.get(field));
        let value = column.map(|column| value(column, records.row(record) as usize)).transpose()?;
        // A domain is of a company, not of a person.
        let shown = value.map(|value| match value.rsplit_once('@') {
            Some((_, domain_name)) if *domain => domain_name.to_string(),
            _ => masked(&value),
        });
        parts.push(shown.map_or_else(|| text.clone(), |shown| format!("{text} {shown}")));
    }
    Ok(parts.join(", "))
}

fn value(column: &ArrayRef, row: usize) -> Result<String> {
    if row >= column.len() {
        return Ok(String::new());
    }
    Ok(ArrayFormatter::try_new(column, &FormatOptions::new())?.value(row).to_string())
}
