//! The words of the durations' table, in the order of their codes.

use super::algorithm::Outcome;

/// What a transition came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    Converted,
    Lost,
    Skipped,
    Open,
    Excluded,
}

impl Status {
    /// As they are written to tables.
    pub(super) const WORDS: [&str; 5] = ["converted", "lost", "skipped", "open", "excluded"];
    pub(super) const ALL: [Self; 5] = [Self::Converted, Self::Lost, Self::Skipped, Self::Open, Self::Excluded];
}

/// Why a transition does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Excluded {
    ReachedBefore,
    StartUnknown,
    BeforeHistory,
    Declared,
}

impl Excluded {
    /// As they are written to tables, with the words for people.
    pub(super) const WORDS: [(&str, &str); 4] = [
        ("reached_before", "`to_stage` was reached before `from_stage`"),
        ("start_unknown", "the history begins with a visit of which nobody knows when it began"),
        ("before_history", "it had ended before transitions were observed"),
        ("declared", "the model's `exclude` says so"),
    ];
}

/// How a transition stands to its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TargetStatus {
    Met,
    Breached,
    OpenWithin,
    OpenBreached,
    Excluded,
}

impl TargetStatus {
    /// As they are written to tables.
    pub(super) const WORDS: [&str; 5] = ["met", "breached", "open_within", "open_breached", "excluded"];
    pub(super) const ALL: [Self; 5] = [Self::Met, Self::Breached, Self::OpenWithin, Self::OpenBreached, Self::Excluded];

    /// How a transition of this status, after this time on the target's clock, stands to it.
    ///
    /// What was lost or jumped over in time needs no answer any more; after the target it was late.
    pub(super) fn of(status: Status, time: i64, target: i64) -> Self {
        match (status, time <= target) {
            (Status::Excluded, _) | (Status::Lost | Status::Skipped, true) => Self::Excluded,
            (Status::Converted, true) => Self::Met,
            (Status::Open, true) => Self::OpenWithin,
            (Status::Open, false) => Self::OpenBreached,
            (Status::Converted | Status::Lost | Status::Skipped, false) => Self::Breached,
        }
    }
}

/// What the walk found, by code.
pub(super) fn outcome(code: i32) -> Option<Outcome> {
    const ALL: [Outcome; 6] = [
        Outcome::Converted,
        Outcome::Lost,
        Outcome::Skipped,
        Outcome::Open,
        Outcome::ReachedBefore,
        Outcome::StartUnknown,
    ];
    ALL.into_iter().find(|outcome| *outcome as i32 == code)
}
