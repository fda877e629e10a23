//! What a run counts that only the work knows.

use std::cmp::Reverse;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray};

use super::cluster::MUST_LINK;
use super::cluster::ids::{End, Identities};
use super::decisions::Decided;
use super::forms::Unreadable;
use super::intake::Work;
use super::link::{self, Crowded, Linked};
use super::matching::blocking::Skipped;
use super::pairs::LeftOut;
use crate::kinds::{FactRow, fact};

/// Counts in the order of their names.
pub(super) type Notes = Vec<FactRow>;

/// Policies that leave records out: how many keys, in all and by rule, and how many blocks by what they share.
pub(super) const KEYS_TOO_COMMON: &str = "keys_too_common";
pub(super) const KEYS_OF_TOO_MANY_IDS: &str = "keys_of_too_many_ids";
/// How many records were in clusters that were too large.
pub(super) const QUARANTINED: &str = "records_quarantined";
/// Policies that come to nothing because a record is not there.
pub(super) const UNKNOWN_MERGED: &str = "merged_into_unknown_records";
pub(super) const UNKNOWN_DECIDED: &str = "decisions_about_unknown_records";
pub(super) const BLOCKS_TOO_LARGE: &str = "blocks_too_large";
/// Facts of the largest of them: how many records share a masked key.
pub(super) const KEY_TOO_COMMON: &str = "key_too_common";
pub(super) const BLOCK_TOO_LARGE: &str = "block_too_large";

/// The rule that stands for decisions in all tables.
pub(super) const DECISION: &str = "decision";

/// Counts links by rule, and what each guard kept apart; and, by field, values that are no address or number.
///
/// The largest keys and blocks that were left out are named, masked.
pub(super) fn notes(
    work: &Work,
    linked: &Linked,
    decided: &Decided,
    identity: &Identities,
    unreadable: &[Option<i64>],
) -> Notes {
    let mut by_rule = vec![0; work.rules.len()];
    let mut by_decision = 0;
    for edge in &linked.clusters.used {
        match by_rule.get_mut(usize::from(edge.rule)) {
            Some(count) => *count += 1,
            None if edge.rule == MUST_LINK => by_decision += 1,
            None => {}
        }
    }
    let quarantined: usize = linked.clusters.quarantined.iter().map(|cluster| cluster.records.len()).sum();
    let refused = link::refusals(&linked.clusters);
    let mut notes: Notes = Vec::new();
    let mut note = |fact: &str, item: &str, rows: i64| {
        notes.push(FactRow { fact: fact.to_string(), item: item.to_string(), rows });
    };
    for (rule, count) in work.rules.iter().zip(by_rule) {
        note(fact::RULE, &rule.name, count);
    }
    note(fact::RULE, DECISION, by_decision);
    for word in ["one_value_per_cluster", "decision", "contradiction", "max_cluster"] {
        note(fact::POLICY, &format!("links_refused_by_{word}"), refused.get(word).copied().unwrap_or(0));
    }
    let (many_ids, common): (Vec<&Crowded>, Vec<&Crowded>) =
        linked.crowded.iter().partition(|crowded| crowded.many_ids.is_some());
    note(fact::POLICY, KEYS_TOO_COMMON, count(common.len()));
    if !work.uniques.is_empty() {
        note(fact::POLICY, KEYS_OF_TOO_MANY_IDS, count(many_ids.len()));
    }
    if let Some(learnt) = &linked.learnt {
        note(fact::POLICY, "pairs_compared", i64::try_from(learnt.compared).unwrap_or(i64::MAX));
        note(fact::POLICY, "pairs_above_review", i64::try_from(learnt.reviewed).unwrap_or(i64::MAX));
        note(fact::POLICY, "pairs_for_review", count(linked.review.len()));
        if let Some(trained) = &learnt.model.trained {
            // 1 where more rounds would still change them.
            note(fact::POLICY, "weights_not_settled", i64::from(!trained.converged));
        }
        for LeftOut { shared, blocks, records, .. } in linked.left_out() {
            let rows = |rows: u64| i64::try_from(rows).unwrap_or(i64::MAX);
            note(fact::POLICY, &format!("{BLOCKS_TOO_LARGE}: {shared}"), rows(*blocks));
            note(fact::POLICY, &format!("records_in_{BLOCKS_TOO_LARGE}: {shared}"), rows(*records));
        }
    }
    if let Some(unknown) = linked.masters_unknown {
        note(fact::POLICY, UNKNOWN_MERGED, unknown);
    }
    note(fact::POLICY, QUARANTINED, count(quarantined));
    note(fact::POLICY, UNKNOWN_DECIDED, decided.unknown);
    for (end, ended) in [(End::Merged, identity.ended.merged), (End::Retired, identity.ended.retired)] {
        note(fact::POLICY, &format!("ids_{}", end.as_str()), count(ended));
    }
    for (field, count) in work.fields.iter().zip(unreadable) {
        if let Some((what, count)) = Unreadable::of(field.kind).zip(*count) {
            note(fact::POLICY, &format!("{}: {}", what.word(), field.name), count);
        }
    }
    largest(work, linked, &mut notes);
    notes
}

/// How many of the keys that were left out a rule is shown with in the run's report.
const LARGEST: usize = 3;
/// The fewest records that may share a key which is shown there: reports are read by people who may not
/// see the records.
const SMALLEST: u32 = 5;

/// The keys and blocks left out that most records share, by rule.
fn largest(work: &Work, linked: &Linked, notes: &mut Notes) {
    let mut note = |fact: &str, item: String, rows: u32| {
        notes.push(FactRow { fact: fact.to_string(), item, rows: i64::from(rows) });
    };
    for (number, rule) in (0u16..).zip(&work.rules) {
        // Most shared first, as they were found.
        let of_rule = || linked.crowded.iter().filter(|crowded| crowded.rule == number && crowded.many_ids.is_none());
        let many_ids = linked.crowded.iter().filter(|crowded| crowded.rule == number && crowded.many_ids.is_some());
        match u32::try_from(many_ids.count()).unwrap_or(u32::MAX) {
            0 => {}
            keys => note(fact::POLICY, format!("{KEYS_OF_TOO_MANY_IDS}: {}", rule.name), keys),
        }
        if of_rule().next().is_some() {
            let keys = u32::try_from(of_rule().count()).unwrap_or(u32::MAX);
            note(fact::POLICY, format!("{KEYS_TOO_COMMON}: {}", rule.name), keys);
        }
        for crowded in of_rule().filter(|crowded| crowded.key.records >= SMALLEST).take(LARGEST) {
            note(KEY_TOO_COMMON, format!("{}: {}", rule.name, crowded.shared), crowded.key.records);
        }
    }
    let blocks = linked.left_out().iter();
    let mut blocks: Vec<(&str, &Skipped)> =
        blocks.flat_map(|of| of.named.iter().map(|block| (of.shared.as_str(), block))).collect();
    // The order of block rules decides between equals.
    blocks.sort_by_key(|(_, block)| Reverse(block.records));
    for (shared, block) in blocks.into_iter().filter(|(_, block)| block.records >= SMALLEST).take(LARGEST) {
        note(BLOCK_TOO_LARGE, format!("{shared}: {}", block.key), block.records);
    }
}

fn count(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// As columns: fact, item, rows.
pub(super) fn rows(notes: &[FactRow]) -> Vec<ArrayRef> {
    let text = |of: fn(&FactRow) -> &str| -> ArrayRef { Arc::new(StringArray::from_iter_values(notes.iter().map(of))) };
    let counts = Int64Array::from_iter_values(notes.iter().map(|note| note.rows));
    vec![text(|note| &note.fact), text(|note| &note.item), Arc::new(counts)]
}
