//! What linked records, and what did not.
//!
//! Rows: links made, strongest first; links refused; pairs for review; keys that too many share. No value of
//! a person is shown, only which records agree by which rule; keys are masked.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, StringArray};

use super::answer::Answer;
use super::cluster::{Edge, Refusal};
use super::link::{Crowded, Linked, words_at};
use super::matching::blocking::Skipped;
use super::pairs::{bits, likelihood};
use super::rows::{dictionary, names, rules, weight, weights};
use crate::error::Result;

/// What became of it, with the words of the contract.
pub(super) const OUTCOMES: [(&str, &str); 6] = [
    ("linked", "the link holds the two records together"),
    ("refused", "a guard refused the link, for the reason given"),
    ("review", "the two are likely to be the same, but not likely enough to be held for it"),
    (
        "key_too_common",
        "more records share a key of the rule than may, and it links none of them; the left record is one of them",
    ),
    (
        "block_too_large",
        "more records share this than the rule compares with one another; what else they share may still bring them together; \
         the left record is one of them",
    ),
    (
        "key_of_too_many_ids",
        "the records that share a key of the rule have more different values than may be of what has one value for each; it links \
         none of them; the left record is one of them",
    ),
];

enum Row<'a> {
    Linked(&'a Edge, Option<&'a str>),
    Refused(&'a Edge, &'a Refusal, Option<&'a str>),
    Review(&'a Edge, &'a str),
    TooCommon(&'a Crowded),
    TooLarge { rule: u16, shared: &'a str, block: &'a Skipped },
}

impl Row<'_> {
    /// Index into [`OUTCOMES`].
    fn outcome(&self) -> i32 {
        match self {
            Row::Linked(..) => 0,
            Row::Refused(..) => 1,
            Row::Review(..) => 2,
            Row::TooCommon(Crowded { compares: true, .. }) => 4,
            Row::TooCommon(Crowded { many_ids: None, .. }) => 3,
            Row::TooCommon(_) => 5,
            Row::TooLarge { .. } => 4,
        }
    }

    fn edge(&self) -> Option<Edge> {
        match self {
            Row::Linked(edge, _) | Row::Refused(edge, ..) | Row::Review(edge, _) => Some(**edge),
            Row::TooCommon(_) | Row::TooLarge { .. } => None,
        }
    }

    fn rule(&self) -> u16 {
        match self {
            Row::Linked(edge, _) | Row::Refused(edge, ..) | Row::Review(edge, _) => edge.rule,
            Row::TooCommon(crowded) => crowded.rule,
            Row::TooLarge { rule, .. } => *rule,
        }
    }

    fn left(&self) -> u32 {
        match self {
            Row::Linked(edge, _) | Row::Refused(edge, ..) | Row::Review(edge, _) => edge.a,
            Row::TooCommon(crowded) => crowded.key.first,
            Row::TooLarge { block, .. } => block.first,
        }
    }

    /// Records that are too many.
    fn count(&self) -> Option<i32> {
        let records = match self {
            Row::Refused(_, Refusal::Oversized { records }, _) => *records,
            Row::TooCommon(crowded) => crowded.key.records,
            Row::TooLarge { block, .. } => block.records,
            _ => return None,
        };
        i32::try_from(records).ok()
    }

    /// The key that too many share, masked.
    fn shared_key(&self) -> Option<Cow<'_, str>> {
        match self {
            Row::TooCommon(crowded) => Some(Cow::Borrowed(&crowded.shared)),
            Row::TooLarge { shared, block, .. } => Some(Cow::Owned(format!("{shared} {}", block.key))),
            _ => None,
        }
    }
}

/// A stretch of the table's columns.
pub(super) fn rows(answer: &Answer, range: Range<usize>) -> Result<Vec<ArrayRef>> {
    let rows: Vec<Row<'_>> = range.filter_map(|at| row(answer, at)).collect();
    let outcomes = OUTCOMES.map(|(word, _)| word.to_string());
    let reason = |row: &Row<'_>| match row {
        Row::Refused(_, refusal, _) => Some(sentence(answer, refusal)),
        Row::TooCommon(Crowded { many_ids: Some(found), .. }) => {
            Some(format!("they have {} different values of {}", found.values, unique(answer, found.unique)))
        }
        _ => None,
    };
    let weighed = |row: &Row<'_>| row.edge().as_ref().and_then(|edge| weight(answer, edge));
    let shared_keys: StringArray = rows.iter().map(Row::shared_key).collect();
    let [left_system, left_id] = names(answer, rows.iter().map(|row| Some(row.left())))?;
    let [right_system, right_id] = names(answer, rows.iter().map(|row| row.edge().map(|edge| edge.b)))?;
    Ok(vec![
        dictionary(&outcomes, rows.iter().map(|row| Some(row.outcome())))?,
        rules(answer, rows.iter().map(|row| Some(row.rule())))?,
        left_system,
        left_id,
        right_system,
        right_id,
        weights(rows.iter().map(weighed))?,
        Arc::new(rows.iter().map(|row| weighed(row).map(likelihood)).collect::<Float64Array>()),
        Arc::new(rows.iter().map(comparison).collect::<StringArray>()),
        Arc::new(shared_keys),
        Arc::new(rows.iter().map(Row::count).collect::<Int32Array>()),
        Arc::new(rows.iter().map(reason).collect::<StringArray>()),
    ])
}

/// What was found of each field, where the rule compares values.
fn comparison<'a>(row: &Row<'a>) -> Option<&'a str> {
    match row {
        Row::Linked(_, words) | Row::Refused(_, _, words) => *words,
        Row::Review(_, words) => Some(*words),
        Row::TooCommon(_) | Row::TooLarge { .. } => None,
    }
}

/// How many rows there are.
pub(super) fn count(linked: &Linked) -> usize {
    let links = linked.clusters.used.len() + linked.clusters.refused.len();
    links + linked.review.len() + linked.crowded.len() + linked.named_blocks()
}

fn row(answer: &Answer, at: usize) -> Option<Row<'_>> {
    let linked = &answer.linked;
    let (used, refused) = (&linked.clusters.used, &linked.clusters.refused);
    if let Some(edge) = used.get(at) {
        return Some(Row::Linked(edge, words_at(&linked.used_words, at)));
    }
    let at = at - used.len();
    if let Some((edge, refusal)) = refused.get(at) {
        return Some(Row::Refused(edge, refusal, words_at(&linked.refused_words, at)));
    }
    let at = at - refused.len();
    if let Some((edge, words)) = linked.review.get(at) {
        return Some(Row::Review(edge, words));
    }
    let at = at - linked.review.len();
    if let Some(crowded) = linked.crowded.get(at) {
        return Some(Row::TooCommon(crowded));
    }
    let (shared, block) = linked.named_block(at - linked.crowded.len())?;
    Some(Row::TooLarge { rule: linked.learnt.as_ref().map_or(0, |learnt| learnt.rule), shared, block })
}

/// A unique id as it is written.
fn unique(answer: &Answer, at: u16) -> &str {
    answer.work.uniques.get(usize::from(at)).map_or("", String::as_str)
}

/// Why a guard refused.
fn sentence(answer: &Answer, refusal: &Refusal) -> String {
    let key = |record: u32| answer.records.key(record);
    match *refusal {
        Refusal::UniqueId { column, left, right } => {
            format!("{} and {} have different values of {}", key(left), key(right), unique(answer, column))
        }
        Refusal::CannotLink { left, right } => {
            format!("somebody decided that {} and {} are different", key(left), key(right))
        }
        Refusal::Judged { left, right, weight_millibits } => {
            let bits = bits(weight_millibits);
            format!("{} and {} would be one then, which contradict each other: {bits}", key(left), key(right))
        }
        Refusal::Oversized { records } => format!("the cluster grew to {records} records"),
    }
}
