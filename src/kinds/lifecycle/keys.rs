//! A change as one 32-bit integer: what makes the sort before the walk a narrow one.
//!
//! ```text
//! stage order:   0 | step (7 bits) | source (8) | step of the old value (8)   → 31 bits, positive
//! source order:  0 | source (8) | step (7) | step of the old value (8)
//! ```
//!
//! Sorting by it puts changes of one instant into the order of the model's `ties`. What cannot be
//! used, or is to be left out, is a negative number instead, one for each reason.

use super::definition::Definition;
use super::spec::Ties;
use super::values::{Meaning, Meanings};

/// The most sources a model may have.
pub(super) const MAX_SOURCES: usize = 255;

/// Why a change has no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(super) enum Unusable {
    /// Its value is one of those that say nothing: left out, not rejected.
    Ignored = -1,
    /// Nobody knows whose change it is.
    NullKey = -2,
    /// Nobody knows when it was.
    NullTime = -3,
    /// Its value leads to no stage of the version in force.
    UnmappedStage = -4,
    /// It lies after the as-of instant.
    Future = -5,
    /// It lies before the record's creation.
    BeforeCreated = -6,
}

impl Unusable {
    /// The reasons for which a row goes to the rejects, with the words for people.
    pub(super) const REJECTED: [(Self, &'static str, &'static str); 5] = [
        (Self::NullKey, "null_key", "the row does not say whose change it is"),
        (Self::NullTime, "null_time", "the row does not say when the change was"),
        (
            Self::UnmappedStage,
            "unmapped_stage",
            "the value leads to no stage of the definition in force at that instant",
        ),
        (Self::Future, "future", "the change lies after the instant the run is made for"),
        (Self::BeforeCreated, "before_created", "the change lies before the creation of the record"),
    ];
}

/// A usable change, unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    /// The new stage's step in the version in force, from 1.
    pub(super) step: u8,
    /// The index of the source.
    pub(super) source: u8,
    /// The old value's step; 0 where there is none or it leads nowhere.
    pub(super) was: u8,
}

impl Key {
    pub(super) fn pack(self, ties: Ties) -> i32 {
        let [step, source, was] = [self.step, self.source, self.was].map(i32::from);
        match ties {
            Ties::StageOrder => (step << 16) | (source << 8) | was,
            Ties::SourceOrder => (source << 15) | (step << 8) | was,
        }
    }

    pub(super) fn unpack(packed: i32, ties: Ties) -> Self {
        let byte = |shift: u32, mask: i32| ((packed >> shift) & mask) as u8;
        match ties {
            Ties::StageOrder => Self { step: byte(16, 0x7f), source: byte(8, 0xff), was: byte(0, 0xff) },
            Ties::SourceOrder => Self { step: byte(8, 0x7f), source: byte(15, 0xff), was: byte(0, 0xff) },
        }
    }
}

/// Judges the changes of one source.
#[derive(Debug)]
pub(super) struct Judge {
    pub(super) definition: std::sync::Arc<Definition>,
    /// What values mean, by version.
    pub(super) meanings: Vec<Meanings>,
    /// The index of the source.
    pub(super) source: u8,
    pub(super) ties: Ties,
    /// The last microsecond at which a change can be, where the future is refused.
    pub(super) latest: Option<i64>,
    /// Whether changes before the record's creation are refused.
    pub(super) after_created: bool,
}

/// What of a change matters beside its value.
#[derive(Debug, Clone, Copy)]
pub(super) struct When {
    pub(super) known_entity: bool,
    pub(super) at: Option<i64>,
    pub(super) created: Option<i64>,
}

impl Judge {
    /// The version in force; the first where nobody knows when.
    pub(super) fn version(&self, at: Option<i64>) -> usize {
        if self.definition.versions.len() == 1 { 0 } else { at.map_or(0, |at| self.definition.version_at(at)) }
    }

    /// Appends a value's step in each version; [`Unusable::Ignored`] or [`Unusable::UnmappedStage`]
    /// where it has none.
    pub(super) fn steps(&self, value: Option<&str>, steps: &mut Vec<i32>) {
        let meanings = self.meanings.iter().enumerate();
        steps.extend(meanings.map(|(version, meanings)| match meanings.of(value) {
            Meaning::Stage(code) => self.step(code, version),
            Meaning::Ignored => Unusable::Ignored as i32,
            Meaning::Unknown => Unusable::UnmappedStage as i32,
        }));
    }

    /// Whether a value can lead to no stage of its version.
    pub(super) fn may_be_unmapped(&self) -> bool {
        let by_version = self.meanings.iter().enumerate();
        by_version.flat_map(|(version, meanings)| meanings.all().map(move |meaning| (version, meaning))).any(
            |(version, meaning)| match meaning {
                Meaning::Stage(code) => self.step(code, version) < 0,
                Meaning::Ignored => false,
                Meaning::Unknown => true,
            },
        )
    }

    /// A stage's step in a version, or [`Unusable::UnmappedStage`].
    pub(super) fn step(&self, code: u8, version: usize) -> i32 {
        let step = self.definition.versions.get(version).map_or(0, |version| version.step(code));
        if step == 0 { Unusable::UnmappedStage as i32 } else { i32::from(step) }
    }

    /// The packed key of a change to the stage at `step` from the one at `was`, or why there is none.
    pub(super) fn key(&self, when: When, step: i32, was: i32) -> i32 {
        let Some(at) = when.at.filter(|_| when.known_entity) else {
            return if when.known_entity { Unusable::NullTime } else { Unusable::NullKey } as i32;
        };
        if step <= 0 {
            return step;
        }
        if self.latest.is_some_and(|latest| at > latest) {
            return Unusable::Future as i32;
        }
        if self.after_created && when.created.is_some_and(|created| at < created) {
            return Unusable::BeforeCreated as i32;
        }
        let small = |step: i32| u8::try_from(step).unwrap_or(0);
        Key { step: small(step), source: self.source, was: small(was) }.pack(self.ties)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_positive_and_survive_packing() {
        for ties in [Ties::StageOrder, Ties::SourceOrder] {
            for (step, source, was) in [(1, 0, 0), (64, 254, 64), (7, 3, 0), (64, 0, 1)] {
                let key = Key { step, source, was };
                assert!(key.pack(ties) > 0, "{key:?}");
                assert_eq!(Key::unpack(key.pack(ties), ties), key);
            }
        }
    }

    #[test]
    fn keys_sort_as_their_ties_say() {
        let low = Key { step: 1, source: 9, was: 3 };
        let high = Key { step: 2, source: 0, was: 0 };
        assert!(low.pack(Ties::StageOrder) < high.pack(Ties::StageOrder));
        assert!(low.pack(Ties::SourceOrder) > high.pack(Ties::SourceOrder));
    }
}
