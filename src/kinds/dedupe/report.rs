//! What the counts of a run give to say: keys that so many records share that they are not compared by, and
//! records that are named and not there.

use super::forms::Unreadable;
use super::notes::{
    BLOCK_TOO_LARGE, BLOCKS_TOO_LARGE, KEY_TOO_COMMON, KEYS_OF_TOO_MANY_IDS, KEYS_TOO_COMMON, QUARANTINED,
    UNKNOWN_DECIDED, UNKNOWN_MERGED,
};
use super::rule::How;
use super::spec::Dedupe;
use crate::diag::{Diagnostic, Diagnostics, Place, codes};
use crate::kinds::{FactRow, fact};

/// Warns at each rule that left keys out, and names the largest of them, masked; and of records that are not there.
pub(super) fn review(spec: &Dedupe, facts: &[FactRow], diags: &mut Diagnostics) {
    unknown_records(spec, facts, diags);
    taken_apart(spec, facts, diags);
    unreadable(spec, facts, diags);
    for rule in &spec.rules {
        let name = rule.title();
        let keys = policy(facts, &format!("{KEYS_TOO_COMMON}: {name}"));
        if keys > 0 {
            let (guard, limit, outcome) = match rule.how {
                How::Similar { .. } => ("max_block", spec.guards.max_block.value, "block_too_large"),
                _ => ("max_records_per_key", spec.guards.max_records_per_key.value, "key_too_common"),
            };
            let what = format!("{} too common for the rule `{name}`", counted(keys, "key"));
            let message = told(&what, keys, limit, &largest(facts, KEY_TOO_COMMON, &format!("{name}: ")));
            let hint = hint(spec, outcome, guard);
            diags.push(Diagnostic::warning(codes::TOO_COMMON, rule.place, message).hint(hint));
        }
        let keys = policy(facts, &format!("{KEYS_OF_TOO_MANY_IDS}: {name}"));
        if keys > 0 {
            let share = if keys == 1 { "its" } else { "their" };
            let message = format!(
                "{} of too many people for the rule `{name}`: {share} records have more than {} values of what each has one of",
                counted(keys, "key"),
                spec.guards.max_ids_per_key.value
            );
            let hint = hint(spec, "key_of_too_many_ids", "max_ids_per_key");
            diags.push(Diagnostic::warning(codes::TOO_COMMON, rule.place, message).hint(hint));
        }
        if matches!(rule.how, How::Probabilistic(_)) {
            blocks(spec, rule.place, facts, diags);
        }
    }
}

/// Warns where decisions and merges name records that are not there.
fn unknown_records(spec: &Dedupe, facts: &[FactRow], diags: &mut Diagnostics) {
    let decisions = spec.decisions.as_ref().map(|decisions| decisions.from.place);
    let merges = spec.records.iter().find_map(|source| Some(source.merged_into.as_ref()?.place));
    let hint =
        "records are named `<system>:<id>`; those that are gone, and those that a `where` leaves out, are not there";
    let said = [
        (decisions, UNKNOWN_DECIDED, "decision is about a record that is", "decisions are about records that are"),
        (merges, UNKNOWN_MERGED, "record was merged into one that is", "records were merged into ones that are"),
    ];
    for (place, item, one, many) in said {
        let (Some(place), count @ 1..) = (place, policy(facts, item)) else { continue };
        let message = format!("{count} {} not there", if count == 1 { one } else { many });
        diags.push(Diagnostic::warning(codes::UNKNOWN_RECORDS, place, message).hint(hint));
    }
}

/// Warns of clusters that were too large.
fn taken_apart(spec: &Dedupe, facts: &[FactRow], diags: &mut Diagnostics) {
    let (quarantined, most) = (policy(facts, QUARANTINED), spec.guards.max_cluster.value);
    let Some(rule) = spec.rules.first().filter(|_| quarantined > 0) else { return };
    let all = records(facts);
    let message =
        format!("{quarantined} of {all} records came together in clusters of more than {most}, and stand alone");
    let look = if spec.evidence { "the evidence has the links, with the outcome `refused`; " } else { "" };
    let hint =
        format!("{look}name placeholders under `ignored_values`, ask more of the rules, or raise `guards.max_cluster`");
    diags.push(Diagnostic::warning(codes::TAKEN_APART, rule.place, message).hint(hint));
}

/// Warns of fields of which most records have a value that is none.
fn unreadable(spec: &Dedupe, facts: &[FactRow], diags: &mut Diagnostics) {
    let start = format!("{}: ", Unreadable::Whole.word());
    let all = records(facts);
    for row in facts.iter().filter(|row| row.fact == fact::POLICY && row.rows > all / 2) {
        let Some(field) = row.item.strip_prefix(&start) else { continue };
        let declared = spec.records.iter().flat_map(|source| source.fields.keys());
        let place = declared.into_iter().find(|name| name.as_str() == field).map(|name| name.place);
        let message = format!("{} of {all} records have a `{field}` that cannot be compared", row.rows);
        let hint = "say under `kinds` what it holds; of phone numbers also in which country they are dialled, by a field `country` or `default_country`";
        diags.push(Diagnostic::warning(codes::UNREADABLE_VALUES, place, message).hint(hint));
    }
}

/// How many records there are.
fn records(facts: &[FactRow]) -> i64 {
    facts.iter().filter(|row| row.fact == fact::OUT).map(|row| row.rows).sum()
}

/// The blocks of the probabilistic rule, by whatever their records share.
fn blocks(spec: &Dedupe, place: Place, facts: &[FactRow], diags: &mut Diagnostics) {
    let start = format!("{BLOCKS_TOO_LARGE}: ");
    let counts = facts.iter().filter(|row| row.fact == fact::POLICY && row.item.starts_with(&start));
    let count = counts.map(|row| row.rows).sum();
    if count > 0 {
        let what = format!("{} too large to be compared", counted(count, "block"));
        let message = told(&what, count, spec.guards.max_block.value, &largest(facts, BLOCK_TOO_LARGE, ""));
        let hint = hint(spec, "block_too_large", "max_block");
        diags.push(Diagnostic::warning(codes::TOO_COMMON, place, message).hint(hint));
    }
}

fn policy(facts: &[FactRow], item: &str) -> i64 {
    facts.iter().find(|row| row.fact == fact::POLICY && row.item == item).map_or(0, |row| row.rows)
}

/// The largest of those whose items begin with `start`, in words, largest first.
fn largest(facts: &[FactRow], fact: &str, start: &str) -> String {
    let named = facts.iter().filter(|row| row.fact == fact);
    let mut named: Vec<(&str, i64)> = named.filter_map(|row| Some((row.item.strip_prefix(start)?, row.rows))).collect();
    named.sort_by_key(|(key, rows)| (std::cmp::Reverse(*rows), *key));
    let texts: Vec<String> = named.iter().map(|(key, rows)| format!("`{key}` with {rows}")).collect();
    match texts.as_slice() {
        [] => String::new(),
        [one] => format!("; the largest is {one}"),
        several => format!("; the largest are {}", several.join(", ")),
    }
}

fn told(what: &str, count: i64, limit: u32, largest: &str) -> String {
    let share = if count == 1 { "it" } else { "each" };
    format!("{what}: more than {limit} records share {share}{largest}")
}

fn hint(spec: &Dedupe, outcome: &str, guard: &str) -> String {
    let look = if spec.evidence {
        format!("the evidence names a record of each, with the outcome `{outcome}`; ")
    } else {
        String::new()
    };
    format!("{look}name placeholders under `ignored_values`, or raise `guards.{guard}`")
}

/// `1 key is`, `2 keys are`.
fn counted(count: i64, noun: &str) -> String {
    if count == 1 { format!("1 {noun} is") } else { format!("{count} {noun}s are") }
}
