//! Sentences on the policies of a model.

use super::spec::{Doubtful, LateHistory, Lifecycle, Policies, Reentries, Regressions, Skipped, Ties};
use crate::kinds::article::a;

/// The counts of the entities' table.
pub(super) const COUNTS: [(&str, &str); 7] = [
    ("visits", "How many visits there are, inferred ones included."),
    ("visits_inferred", "How many of the visits were inferred by a policy."),
    ("regressions", "How many visits went down the ladder."),
    ("recycles", "How many visits went to a detour."),
    ("re_entries", "How many visits were to a stage visited before."),
    ("changes_absorbed", "How many recorded changes only repeated the stage of a visit."),
    ("changes_ignored", "How many recorded changes a policy left out."),
];

/// What `transition` can say.
pub(super) fn transitions() -> &'static str {
    "How the visit came about: `initial` (the first), `advance` (up the ladder), `skip` (up, over stages never reached), \
     `regress` (down), `recycle` (to a detour), `re_entry` (to a stage visited before, not down), `close` (to an exit)."
}

/// What `history_gap` tells.
pub(super) fn gap(spec: &Lifecycle) -> String {
    let who = &spec.entity;
    if spec.sources.iter().all(|source| source.was.is_none()) {
        return "Always false: no source of the model tells old values.".to_string();
    }
    format!(
        "Whether the change's old value says that the {who} came from another stage than the one it was in: then changes \
         are missing from the history."
    )
}

/// What `inferred_by` can say.
pub(super) fn inferred(spec: &Lifecycle) -> String {
    let mut reasons = Vec::new();
    if spec.policies.skipped == Skipped::SameTime {
        reasons.push("`skipped_stage` (a later change jumped over it)");
    }
    if spec.policies.history_starts_late != LateHistory::None {
        reasons.push("`late_history` (the first change tells of an earlier stage)");
    }
    if reasons.is_empty() {
        return "Always NULL: no policy of the model infers visits.".to_string();
    }
    format!("Why the visit was inferred: {}; NULL if it was recorded.", reasons.join(" or "))
}

/// What `changes_ignored` counts.
pub(super) fn ignored(policies: Policies) -> &'static str {
    match (policies.regressions, policies.reentries) {
        (Regressions::Ignore, Reentries::Ignore) => {
            "How many changes down the ladder or to a stage visited before were recorded during the visit and left out."
        }
        (Regressions::Ignore, _) => "How many changes down the ladder were recorded during the visit and left out.",
        (_, Reentries::Ignore) => {
            "How many changes to a stage visited before were recorded during the visit and left out."
        }
        _ => "Always 0: no policy of the model leaves changes out.",
    }
}

/// One sentence for each decision of the model.
pub(super) fn policies(spec: &Lifecycle) -> Vec<String> {
    let Policies { skipped, regressions, reentries, ties, history_starts_late, future, before_created } = spec.policies;
    let who = &spec.entity;
    let mut said = vec![
        match skipped {
            Skipped::None => "Stages that a change jumps over get no visit.".to_string(),
            Skipped::SameTime => {
                "Stages between the highest one reached and the one a change leads to get a visit of no \
                                  length at the instant of the change, marked as inferred."
                    .to_string()
            }
        },
        match regressions {
            Regressions::Allow => "A change down the ladder is a visit like any other.".to_string(),
            Regressions::Ignore => format!("A change down the ladder is left out; the {who} stays where it was."),
        },
        match reentries {
            Reentries::Count => "A return to a stage is a further visit to it.".to_string(),
            Reentries::Ignore => format!("A return to a stage is left out; the {who} stays where it was."),
        },
        match ties {
            Ties::StageOrder => {
                "Changes of the same instant are taken in the order of stages, then of sources, then of \
                                 record ids."
                    .to_string()
            }
            Ties::SourceOrder => {
                "Changes of the same instant are taken in the order of sources, then of stages, then of \
                                  record ids."
                    .to_string()
            }
        },
    ];
    let has_old = spec.sources.iter().any(|source| source.was.is_some());
    match history_starts_late {
        LateHistory::None => said.push(format!("Before its first change {} is nowhere.", a(who))),
        LateHistory::FromOldValue if !has_old => {}
        LateHistory::FromOldValue => said.push(format!(
            "Before its first change {} was in the stage of that change's old value, since the record's creation \
             where that is known.",
            a(who)
        )),
        LateHistory::FromCreated => said.push(format!(
            "Before its first change {} was in the stage of that change's old value, or in the lowest stage, since \
             the record's creation.",
            a(who)
        )),
    }
    let has_created = spec.sources.iter().any(|source| source.created_at.is_some());
    let created = has_created.then_some((before_created, "before the record's creation"));
    for (policy, when) in [(future, "after the run's as-of instant")].into_iter().chain(created) {
        said.push(match policy {
            Doubtful::Reject => format!("Changes {when} are rejected."),
            Doubtful::Keep => format!("Changes {when} count."),
        });
    }
    if let Some(hand_over) = &spec.hand_over {
        said.push(format!(
            "Where `{}` knows a successor, its history takes over that of the {who} before it.",
            hand_over.from
        ));
    }
    if let Some(crosswalk) = &spec.crosswalk {
        said.push(format!(
            "Records are the {who} that `{}` says; those it does not hold stay themselves.",
            crosswalk.from
        ));
    }
    said
}
