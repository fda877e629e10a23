//! The key that a record has for a rule, masked for reports.

use arrow::array::ArrayRef;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::intake::{Share, Work};
use super::matching::blocking::masked;
use super::records::Records;
use crate::error::Result;

/// By record what it must share by a rule, with its masked values: `phone +4… (12), last_name st… (5)`.
///
/// Values are shown as the record holds them; they are compared in a form of their own. An expression
/// has no value at hand and stands alone.
pub(super) fn masked_keys(work: &Work, records: &Records, rule: u16, of: &[u32]) -> Result<Vec<String>> {
    let mut keys = vec![String::new(); of.len()];
    if of.is_empty() {
        return Ok(keys);
    }
    let rows: Vec<u32> = of.iter().map(|record| records.row(*record)).collect();
    let shares = work.rules.get(usize::from(rule)).map_or(&[][..], |rule| &rule.shares);
    for (at, Share { text, field, domain }) in shares.iter().enumerate() {
        let stored = field.and_then(|field| records.field(field));
        let values = stored.map(|stored| stored.at(&rows)).transpose()?;
        for (place, key) in keys.iter_mut().enumerate() {
            key.push_str(if at == 0 { "" } else { ", " });
            key.push_str(text);
            let Some(values) = &values else { continue };
            let value = value(values, place)?;
            key.push(' ');
            match value.rsplit_once('@') {
                // A domain is of a company, not of a person.
                Some((_, domain_name)) if *domain => key.push_str(domain_name),
                _ => key.push_str(&masked(&value)),
            }
        }
    }
    Ok(keys)
}

fn value(column: &ArrayRef, row: usize) -> Result<String> {
    Ok(ArrayFormatter::try_new(column, &FormatOptions::new())?.value(row).to_string())
}
