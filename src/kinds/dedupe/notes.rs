//! What a run counts that only the work knows.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray};

use super::cluster::MUST_LINK;
use super::cluster::ids::{End, Identities};
use super::decisions::Decided;
use super::intake::Work;
use super::link::{self, Linked};
use crate::kinds::{FactRow, fact};

/// Counts in the order of their names.
pub(super) type Notes = Vec<FactRow>;

/// The rule that stands for decisions in all tables.
pub(super) const DECISION: &str = "decision";

/// Counts links by rule, and what each guard kept apart.
pub(super) fn notes(work: &Work, linked: &Linked, decided: &Decided, identity: &Identities) -> Notes {
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
    for word in ["one_value_per_cluster", "decision", "max_cluster"] {
        note(fact::POLICY, &format!("links_refused_by_{word}"), refused.get(word).copied().unwrap_or(0));
    }
    note(fact::POLICY, "keys_too_common", count(linked.crowded.len()));
    if let Some(learnt) = &linked.learnt {
        note(fact::POLICY, "pairs_compared", i64::try_from(learnt.compared).unwrap_or(i64::MAX));
        note(fact::POLICY, "pairs_above_review", i64::try_from(learnt.reviewed).unwrap_or(i64::MAX));
        note(fact::POLICY, "pairs_for_review", count(linked.review.len()));
        for (shared, blocks, records) in &learnt.skipped {
            let rows = |rows: u64| i64::try_from(rows).unwrap_or(i64::MAX);
            note(fact::POLICY, &format!("blocks_too_large: {shared}"), rows(*blocks));
            note(fact::POLICY, &format!("records_in_blocks_too_large: {shared}"), rows(*records));
        }
    }
    if let Some(unknown) = linked.masters_unknown {
        note(fact::POLICY, "merged_into_unknown_records", unknown);
    }
    note(fact::POLICY, "records_quarantined", count(quarantined));
    note(fact::POLICY, "decisions_about_unknown_records", decided.unknown);
    for end in [End::Merged, End::Retired] {
        let ended = identity.redirects.iter().filter(|redirect| redirect.end == end).count();
        note(fact::POLICY, &format!("ids_{}", end.as_str()), count(ended));
    }
    notes
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
