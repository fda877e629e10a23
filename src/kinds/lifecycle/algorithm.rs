//! The walk over one entity's changes: from an ordered list of changes to visits.
//!
//! ```text
//! changes in   09:00 lead │ 09:00 lead │ 10:00 sql            (ladder: lead, mql, sql)
//! visits out   lead 09:00–10:00, 1 absorbed │ mql 10:00–10:00, inferred │ sql 10:00–
//! ```
//!
//! Rows in: every change of the entity, by instant, then tie. Rows out: one for each change that
//! is neither a repeat nor left out by a policy, and those that policies infer. Nothing here knows
//! of tables or columns.

use super::definition::{Definition, Version};
use super::keys::Key;
use super::spec::{LateHistory, Policies, Reentries, Regressions, Skipped};
use crate::error::{Error, Result};

/// How an entity came into a visit. The numbers index [`Transition::WORDS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transition {
    Initial,
    Advance,
    Skip,
    Regress,
    Recycle,
    ReEntry,
    Close,
}

impl Transition {
    /// As they are written to tables.
    pub(super) const WORDS: [&str; 7] = ["initial", "advance", "skip", "regress", "recycle", "re_entry", "close"];
}

/// Why a visit was inferred. The numbers index [`Inferred::WORDS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inferred {
    Skipped,
    LateHistory,
}

impl Inferred {
    /// As they are written to tables.
    pub(super) const WORDS: [&str; 2] = ["skipped_stage", "late_history"];
}

/// One change, usable.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change {
    /// When, in microseconds.
    pub(super) at: i64,
    /// What, unpacked.
    pub(super) key: Key,
    /// When the record was created, where that is known.
    pub(super) created: Option<i64>,
    /// The row it stands in; visits carry it on.
    pub(super) row: u32,
}

/// One visit of an entity to a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Visit {
    pub(super) entered: i64,
    /// [`OPEN`] while nothing is known to follow.
    pub(super) exited: i64,
    pub(super) row: u32,
    /// From 1, within the entity.
    pub(super) seq: i32,
    /// From 1, within entity and stage.
    pub(super) number: i32,
    /// Repeats of the same stage while in it.
    pub(super) absorbed: i32,
    /// Changes left out by policy while in it.
    pub(super) ignored: i32,
    pub(super) stage: u8,
    pub(super) from: Option<u8>,
    /// On the ladder of its version; 0 off the ladder.
    pub(super) rank: u8,
    pub(super) source: u8,
    pub(super) version: u8,
    pub(super) transition: Transition,
    pub(super) inferred: Option<Inferred>,
    /// Whether the record says that the entity came from another stage than it was in.
    pub(super) gap: bool,
    /// Whether it is the entity's last visit to its stage; known when the entity ends.
    pub(super) latest: bool,
}

/// The end of a visit that has none.
pub(super) const OPEN: i64 = i64::MAX;

/// Walks the entities of a partition, one after the other.
///
/// The visits of the entity at hand stay here until it ends, because only then it is known which
/// visit to a stage is the latest: 56 bytes each, repeats cost nothing.
#[derive(Debug)]
pub(super) struct Walk {
    policies: Policies,
    /// Visits not taken yet; those before `start` belong to entities that have ended.
    visits: Vec<Visit>,
    start: usize,
    entries: Vec<Entries>,
    seq: i32,
    current: Option<u8>,
    last_on_ladder: Option<u8>,
    reached: u64,
    version: usize,
    /// Highest rank reached, in the version at hand.
    top: u8,
    /// Rank of the last visit on the ladder, in the version at hand.
    last_rank: u8,
    /// Whether the change at hand contradicts the stage the entity was in.
    gap: bool,
}

/// An entity's visits to one stage so far.
#[derive(Debug, Clone, Copy, Default)]
struct Entries {
    count: i32,
    /// Where among the visits the latest one is.
    latest: usize,
}

impl Walk {
    pub(super) fn new(definition: &Definition, policies: Policies) -> Self {
        let entries = vec![Entries::default(); definition.stages.len()];
        Self {
            policies,
            visits: Vec::new(),
            start: 0,
            entries,
            seq: 0,
            current: None,
            last_on_ladder: None,
            reached: 0,
            version: 0,
            top: 0,
            last_rank: 0,
            gap: false,
        }
    }

    /// All visits held: first those of ended entities, then those of the entity at hand.
    pub(super) fn visits(&self) -> &[Visit] {
        &self.visits
    }

    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        self.visits.capacity() * size_of::<Visit>()
    }

    /// The visits of ended entities.
    pub(super) fn ended(&self) -> &[Visit] {
        self.visits.get(..self.start).unwrap_or_default()
    }

    /// Lets go of the visits of ended entities.
    pub(super) fn forget_ended(&mut self) {
        self.visits.drain(..self.start);
        for entries in &mut self.entries {
            entries.latest = entries.latest.saturating_sub(self.start);
        }
        self.start = 0;
    }

    /// The entity at hand has no further change.
    pub(super) fn end_entity(&mut self) {
        for entries in &mut self.entries {
            if entries.count > 0 {
                if let Some(visit) = self.visits.get_mut(entries.latest) {
                    visit.latest = true;
                }
                *entries = Entries::default();
            }
        }
        self.start = self.visits.len();
        (self.seq, self.current, self.last_on_ladder) = (0, None, None);
        (self.reached, self.version, self.top, self.last_rank) = (0, 0, 0, 0);
    }

    /// Takes the entity's next change; the definition is the one the walk was made for.
    pub(super) fn change(&mut self, definition: &Definition, change: Change) -> Result<()> {
        let now = if definition.versions.len() == 1 { 0 } else { definition.version_at(change.at) };
        let version = definition.versions.get(now).ok_or_else(no_stage)?;
        if now != self.version {
            self.version = now;
            self.rank_anew(version);
        }
        let code = version.code(change.key.step).ok_or_else(no_stage)?;
        if self.seq == 0 {
            self.start_late(change, version);
        }
        if self.current == Some(code) {
            if let Some(visit) = self.visits.last_mut() {
                visit.absorbed = visit.absorbed.saturating_add(1);
            }
            return Ok(());
        }
        let transition = self.transition(code, version);
        if self.is_left_out(transition, code) {
            if let Some(visit) = self.visits.last_mut() {
                visit.ignored = visit.ignored.saturating_add(1);
            }
            return Ok(());
        }
        let was = version.code(change.key.was);
        self.gap = was.is_some_and(|was| self.current.is_some_and(|current| current != was));
        self.enter(code, version, change, None);
        Ok(())
    }

    /// Under another version the stages reached have other ranks.
    fn rank_anew(&mut self, version: &Version) {
        let reached = (0u8..64).filter(|code| self.reached & (1 << code) != 0);
        self.top = reached.map(|code| version.rank(code)).max().unwrap_or(0);
        self.last_rank = self.last_on_ladder.map_or(0, |code| version.rank(code));
    }

    /// Where the entity was before its first change, if a policy says so.
    fn start_late(&mut self, first: Change, version: &Version) {
        let created = first.created.filter(|created| *created <= first.at);
        let was = version.code(first.key.was);
        let code = match self.policies.history_starts_late {
            LateHistory::None => None,
            LateHistory::FromOldValue => was,
            LateHistory::FromCreated => was.or_else(|| created.and(version.code(1))),
        };
        let Some(code) = code else { return };
        let at = created.unwrap_or(first.at);
        if was == version.code(first.key.step) && created.is_none() {
            return;
        }
        self.enter(code, version, Change { at, ..first }, Some(Inferred::LateHistory));
    }

    fn transition(&self, code: u8, version: &Version) -> Transition {
        let rank = version.rank(code);
        if self.seq == 0 {
            Transition::Initial
        } else if version.is_exit(code) {
            Transition::Close
        } else if rank == 0 {
            Transition::Recycle
        } else if rank < self.last_rank {
            Transition::Regress
        } else if self.entries.get(usize::from(code)).is_some_and(|entries| entries.count > 0) {
            Transition::ReEntry
        } else if rank > self.top + 1 {
            Transition::Skip
        } else {
            Transition::Advance
        }
    }

    fn is_left_out(&self, transition: Transition, code: u8) -> bool {
        let regress = transition == Transition::Regress && self.policies.regressions == Regressions::Ignore;
        let known = self.entries.get(usize::from(code)).is_some_and(|entries| entries.count > 0);
        regress || (known && self.policies.reentries == Reentries::Ignore)
    }

    /// Enters a stage, after those between the highest reached and it, if skipped ones are filled in.
    fn enter(&mut self, code: u8, version: &Version, change: Change, inferred: Option<Inferred>) {
        let rank = version.rank(code);
        let transition = self.transition(code, version);
        let mut real = transition;
        if self.policies.skipped == Skipped::SameTime && rank > self.top + 1 {
            for (skipped_rank, skipped) in (1u8..).zip(version.ladder()).take(usize::from(rank) - 1) {
                if skipped_rank > self.top {
                    let transition = if self.seq == 0 { Transition::Initial } else { Transition::Advance };
                    self.visit(*skipped, skipped_rank, change, transition, Some(Inferred::Skipped));
                }
            }
            real = if transition == Transition::Initial { Transition::Skip } else { transition };
        }
        self.visit(code, rank, change, real, inferred);
    }

    fn visit(&mut self, code: u8, rank: u8, change: Change, transition: Transition, inferred: Option<Inferred>) {
        let from = self.current.replace(code);
        if let Some(before) = from.and(self.visits.last_mut()) {
            before.exited = change.at;
        }
        self.seq = self.seq.saturating_add(1);
        let here = self.visits.len();
        let mut number = 1;
        if let Some(entries) = self.entries.get_mut(usize::from(code)) {
            entries.count = entries.count.saturating_add(1);
            entries.latest = here;
            number = entries.count;
        }
        if rank > 0 {
            self.reached |= 1 << (code & 63);
            self.top = self.top.max(rank);
            (self.last_on_ladder, self.last_rank) = (Some(code), rank);
        }
        self.visits.push(Visit {
            entered: change.at,
            exited: OPEN,
            row: change.row,
            seq: self.seq,
            number,
            absorbed: 0,
            ignored: 0,
            stage: code,
            from,
            rank,
            source: change.key.source,
            version: u8::try_from(self.version).unwrap_or(u8::MAX),
            transition,
            inferred,
            gap: self.gap && inferred.is_none(),
            latest: false,
        });
    }
}

fn no_stage() -> Error {
    Error::internal("a change to a stage that its definition does not have")
}
