//! What linked records, and what did not.
//!
//! Rows: links made, strongest first; links refused; keys that too many records share. No value of
//! a person is shown, only which records agree by which rule.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, StringArray};

use super::answer::Answer;
use super::cluster::{Edge, Refusal};
use super::rows::{dictionary, names, rules, weight, weights};
use crate::error::Result;

/// What became of it, with the words of the contract.
pub(super) const OUTCOMES: [(&str, &str); 3] = [
    ("linked", "the link holds the two records together"),
    ("refused", "a guard refused the link, for the reason given"),
    ("key_too_common", "more records share a key of the rule than may, and it links none of them; the left record is one of them"),
];

enum Row<'a> {
    Linked(&'a Edge),
    Refused(&'a Edge, &'a Refusal),
    TooCommon { rule: u16, first: u32, records: u32 },
}

/// A stretch of the table's columns.
pub(super) fn rows(answer: &Answer, range: Range<usize>) -> Result<Vec<ArrayRef>> {
    let rows: Vec<Row<'_>> = range.filter_map(|at| row(answer, at)).collect();
    let outcomes = OUTCOMES.map(|(word, _)| word.to_string());
    let outcome = |row: &Row<'_>| match row {
        Row::Linked(_) => 0,
        Row::Refused(..) => 1,
        Row::TooCommon { .. } => 2,
    };
    let rule = |row: &Row<'_>| match row {
        Row::Linked(edge) | Row::Refused(edge, _) => edge.rule,
        Row::TooCommon { rule, .. } => *rule,
    };
    let left = |row: &Row<'_>| match row {
        Row::Linked(edge) | Row::Refused(edge, _) => edge.a,
        Row::TooCommon { first, .. } => *first,
    };
    let edge = |row: &Row<'_>| match row {
        Row::Linked(edge) | Row::Refused(edge, _) => Some(**edge),
        Row::TooCommon { .. } => None,
    };
    let count = |row: &Row<'_>| match row {
        Row::Refused(_, Refusal::Oversized { records }) | Row::TooCommon { records, .. } => Some(*records as i32),
        _ => None,
    };
    let reason = |row: &Row<'_>| match row {
        Row::Refused(_, refusal) => Some(sentence(answer, refusal)),
        _ => None,
    };
    let [left_system, left_id] = names(answer, rows.iter().map(|row| Some(left(row))))?;
    let [right_system, right_id] = names(answer, rows.iter().map(|row| edge(row).map(|edge| edge.b)))?;
    Ok(vec![
        dictionary(&outcomes, rows.iter().map(|row| Some(outcome(row))))?,
        rules(answer, rows.iter().map(|row| Some(rule(row))))?,
        left_system,
        left_id,
        right_system,
        right_id,
        weights(rows.iter().map(|row| edge(row).as_ref().and_then(weight)))?,
        Arc::new(rows.iter().map(count).collect::<Int32Array>()),
        Arc::new(rows.iter().map(reason).collect::<StringArray>()),
    ])
}

fn row(answer: &Answer, at: usize) -> Option<Row<'_>> {
    let clusters = &answer.linked.clusters;
    if let Some(edge) = clusters.used.get(at) {
        return Some(Row::Linked(edge));
    }
    let at = at - clusters.used.len();
    if let Some((edge, refusal)) = clusters.refused.get(at) {
        return Some(Row::Refused(edge, refusal));
    }
    let (rule, key) = answer.linked.crowded.get(at - clusters.refused.len())?;
    Some(Row::TooCommon { rule: *rule, first: key.first, records: key.records })
}

/// Why a guard refused.
fn sentence(answer: &Answer, refusal: &Refusal) -> String {
    let key = |record: u32| answer.records.key(record);
    match *refusal {
        Refusal::UniqueId { column, left, right } => {
            let unique = answer.work.uniques.get(usize::from(column)).map_or("", String::as_str);
            format!("{} and {} have different values of {unique}", key(left), key(right))
        }
        Refusal::CannotLink { left, right } => format!("somebody decided that {} and {} are different", key(left), key(right)),
        Refusal::Oversized { records } => format!("the cluster grew to {records} records"),
    }
}
