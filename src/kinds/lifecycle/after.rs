//! What the counts of a run give to say: values that led nowhere, stages that nothing was in, and
//! policies that touched so much that the definition rather than the data may be wrong.

use super::spec::Lifecycle;
use super::stage::Stage;
use crate::diag::{Diagnostic, Diagnostics, Place, codes};
use crate::kinds::{FactRow, fact};
use crate::syntax::Spanned;

/// Changes that were rejected for another reason than their value are told of above one in so many.
const REJECTED_ONE_IN: i64 = 20;
/// What a policy touched is told of from one visit in so many.
const TOUCHED_ONE_IN: i64 = 2;

/// Why changes are rejected, in the words of a sentence that begins with their number; with a hint.
const REASONS: [(&str, &str, &str); 5] = [
    (
        "unmapped_stage",
        "carry a value that leads to no stage",
        "map the values that the rejects table shows, or say with `otherwise` what becomes of them",
    ),
    ("null_key", "do not say whose they are", "look at `entity`; a `where` leaves out rows that are no changes"),
    ("null_time", "do not say when they were", "look at `at`; a `where` leaves out rows that are no changes"),
    (
        "future",
        "lie after the run's as-of instant",
        "look at the time zone of `at`, or write `future: keep` under `policies`",
    ),
    (
        "before_created",
        "lie before the creation of their record",
        "look at `created_at`, or write `before_created: keep` under `policies`",
    ),
];

/// What a policy's touching many visits may mean. History that starts late is no sign of anything: a
/// field history never records the first value.
const TOUCHED: [(&str, &str, &str); 5] = [
    (
        "skipped",
        "stages were jumped over",
        "a stage that is jumped over so often may be recorded in another source, or not belong on the ladder",
    ),
    (
        "regressions",
        "the visit goes back to a lower stage",
        "look at the order of `stages`; stages that entities come back from are `detours`",
    ),
    (
        "reentries",
        "the entity was in the stage before",
        "a value that switches to and fro may be two things in one column; `reentries: ignore` leaves repeats out",
    ),
    (
        "ties",
        "the visit ends at the instant at which it began",
        "the source may know days and not instants; `ties` says which change comes first",
    ),
    (
        "history_gaps",
        "the change's old value is another stage than the one before",
        "changes are missing from the sources, or two sources disagree",
    ),
];

/// Tells what stands out in the facts of a run.
pub(super) fn review(spec: &Lifecycle, facts: &[FactRow], diags: &mut Diagnostics) {
    let count = |fact: &str, item: &str| -> i64 {
        facts.iter().filter(|row| row.fact == fact && row.item == item).map(|row| row.rows).sum()
    };
    let read: i64 = facts.iter().filter(|row| row.fact == fact::IN).map(|row| row.rows).sum();
    let visits = count(fact::OUT, "visits");
    let changes = spec.sources.iter().find_map(|source| source.to.as_ref()).map_or(spec.stages.place, |to| to.place);
    for (reason, words, hint) in REASONS {
        let rejected = count(fact::REJECTED, reason);
        let always = reason == "unmapped_stage" && rejected > 0;
        if always || rejected.saturating_mul(REJECTED_ONE_IN) > read {
            let message = format!("of {read} changes, {rejected} {words} and were rejected");
            diags.push(Diagnostic::warning(codes::REJECTED_CHANGES, changes, message).hint(hint));
        }
    }
    if visits == 0 {
        return;
    }
    for (policy, words, hint) in TOUCHED {
        let touched = count(fact::POLICY, policy);
        if touched.saturating_mul(TOUCHED_ONE_IN) >= visits {
            let message = format!("for {touched} of {visits} visits, {words}");
            diags.push(Diagnostic::warning(codes::POLICY_TOUCHES_MANY, spec.stages.place, message).hint(hint));
        }
    }
    for (name, place) in stages(spec) {
        if count(fact::STAGE, name) == 0 {
            let message = format!("nothing was in the stage `{name}` in this run");
            let hint = "look for its value in the rejects table, or remove the stage";
            diags.push(Diagnostic::warning(codes::UNUSED_STAGE, place, message).hint(hint));
        }
    }
}

/// Every stage once, where it is first written.
fn stages(spec: &Lifecycle) -> Vec<(&str, Place)> {
    let versions = spec.versions.iter();
    let ladders = versions.clone().filter_map(|version| version.stages.as_ref()).map(|stages| &stages.value);
    let beside = versions.flat_map(|version| [&version.detours, &version.exits]).flatten();
    let written = [&spec.stages.value, &spec.detours, &spec.exits].into_iter().chain(ladders).chain(beside);
    let mut stages: Vec<(&str, Place)> = Vec::new();
    for stage in written.flatten() {
        let stage: &Spanned<Stage> = stage;
        if !stages.iter().any(|(name, _)| *name == stage.value.name) {
            stages.push((&stage.value.name, stage.place));
        }
    }
    stages
}
