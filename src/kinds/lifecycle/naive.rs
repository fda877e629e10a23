//! The obvious slow way: every question is answered by looking at all visits so far.

use super::spec::{LateHistory, Policies, Reentries, Regressions, Skipped, Ties};

/// A change as recorded, its value a stage's name.
#[derive(Debug, Clone)]
pub(super) struct NaiveChange {
    pub(super) entity: i64,
    pub(super) at: i64,
    pub(super) to: &'static str,
    pub(super) was: Option<&'static str>,
    pub(super) source: usize,
    pub(super) record: i64,
    pub(super) created: Option<i64>,
}

/// A definition: from when, ladder, detours, exits.
#[derive(Debug, Clone)]
pub(super) struct NaiveVersion {
    pub(super) name: &'static str,
    pub(super) from: Option<i64>,
    pub(super) ladder: Vec<&'static str>,
    pub(super) detours: Vec<&'static str>,
    pub(super) exits: Vec<&'static str>,
}

impl NaiveVersion {
    fn order(&self) -> Vec<&'static str> {
        [self.ladder.clone(), self.detours.clone(), self.exits.clone()].concat()
    }

    fn has(&self, stage: &str) -> bool {
        self.order().contains(&stage)
    }

    fn step(&self, stage: &str) -> usize {
        self.order().iter().position(|known| *known == stage).unwrap() + 1
    }

    fn rank(&self, stage: &str) -> Option<usize> {
        self.ladder.iter().position(|known| *known == stage).map(|at| at + 1)
    }
}

/// A visit, with everything a row says of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NaiveVisit {
    pub(super) entity: i64,
    pub(super) stage: &'static str,
    pub(super) rank: Option<usize>,
    pub(super) seq: usize,
    pub(super) number: usize,
    pub(super) entered: i64,
    pub(super) exited: Option<i64>,
    pub(super) from: Option<&'static str>,
    pub(super) transition: &'static str,
    pub(super) inferred: Option<&'static str>,
    pub(super) gap: bool,
    pub(super) latest: bool,
    pub(super) source: usize,
    pub(super) record: Option<i64>,
    /// The change that the visit comes from, inferred or not.
    pub(super) row: i64,
    pub(super) version: &'static str,
    pub(super) absorbed: usize,
    pub(super) ignored: usize,
}

/// An entity's row, as it follows from its visits.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NaiveEntity {
    pub(super) entity: i64,
    pub(super) current: &'static str,
    pub(super) since: i64,
    pub(super) first_seen: i64,
    pub(super) closed: bool,
    /// First and latest entry, stage by stage.
    pub(super) entries: Vec<Option<(i64, i64)>>,
    /// Visits, inferred ones, regressions, recycles, re-entries, absorbed and ignored changes.
    pub(super) counts: [usize; 7],
}

/// The rows of all entities, by their visits.
pub(super) fn entities(visits: &[NaiveVisit], stages: &[&str], versions: &[NaiveVersion]) -> Vec<NaiveEntity> {
    let mut ids: Vec<i64> = visits.iter().map(|visit| visit.entity).collect();
    ids.dedup();
    let of = |entity: i64| {
        let own: Vec<&NaiveVisit> = visits.iter().filter(|visit| visit.entity == entity).collect();
        let last = own.iter().find(|visit| visit.exited.is_none()).unwrap();
        let entered = |stage: &&str| {
            let at = || own.iter().filter(|visit| visit.stage == *stage).map(|visit| visit.entered);
            Some((at().min()?, at().max()?))
        };
        let count = |of: &dyn Fn(&NaiveVisit) -> bool| own.iter().filter(|visit| of(visit)).count();
        NaiveEntity {
            entity,
            current: last.stage,
            since: last.entered,
            first_seen: own.iter().map(|visit| visit.entered).min().unwrap(),
            closed: versions.iter().any(|version| version.exits.contains(&last.stage)),
            entries: stages.iter().map(entered).collect(),
            counts: [
                own.len(),
                count(&|visit| visit.inferred.is_some()),
                count(&|visit| visit.transition == "regress"),
                count(&|visit| visit.transition == "recycle"),
                count(&|visit| visit.number > 1),
                own.iter().map(|visit| visit.absorbed).sum(),
                own.iter().map(|visit| visit.ignored).sum(),
            ],
        }
    };
    ids.into_iter().map(of).collect()
}

pub(super) fn version_at(versions: &[NaiveVersion], at: i64) -> &NaiveVersion {
    versions.iter().rev().find(|version| version.from.is_none_or(|from| from <= at)).unwrap()
}

/// All visits, by entity and seq. Changes to stages that their version does not have must be gone.
pub(super) fn visits(changes: &[NaiveChange], versions: &[NaiveVersion], policies: Policies) -> Vec<NaiveVisit> {
    let mut entities: Vec<i64> = changes.iter().map(|change| change.entity).collect();
    entities.sort();
    entities.dedup();
    entities.into_iter().flat_map(|entity| one_entity(entity, changes, versions, policies)).collect()
}

fn one_entity(entity: i64, changes: &[NaiveChange], versions: &[NaiveVersion], policies: Policies) -> Vec<NaiveVisit> {
    let mut own: Vec<&NaiveChange> = changes.iter().filter(|change| change.entity == entity).collect();
    own.sort_by_key(|change| {
        let version = version_at(versions, change.at);
        let step = version.step(change.to);
        let tie = match policies.ties {
            Ties::StageOrder => (step, change.source),
            Ties::SourceOrder => (change.source, step),
        };
        let was = change.was.filter(|was| version.has(was)).map_or(0, |was| version.step(was));
        (change.at, tie, was, change.record)
    });
    let mut done: Vec<NaiveVisit> = Vec::new();
    for change in own {
        let version = version_at(versions, change.at);
        if done.is_empty() {
            late_history(&mut done, change, version, policies);
        }
        if let Some(last) = done.last_mut()
            && last.stage == change.to
        {
            last.absorbed += 1;
            continue;
        }
        let seen = done.iter().any(|visit| visit.stage == change.to);
        let how = transition(&done, change.to, version);
        let drop = (how == "regress" && policies.regressions == Regressions::Ignore)
            || (seen && policies.reentries == Reentries::Ignore);
        match done.last_mut() {
            Some(last) if drop => last.ignored += 1,
            _ => enter(&mut done, change, change.to, change.at, None, version, policies),
        }
    }
    let stages: Vec<&str> = done.iter().map(|visit| visit.stage).collect();
    for (at, visit) in done.iter_mut().enumerate() {
        visit.latest = !stages[at + 1..].contains(&visit.stage);
    }
    done
}

fn late_history(done: &mut Vec<NaiveVisit>, change: &NaiveChange, version: &NaiveVersion, policies: Policies) {
    let created = change.created.filter(|created| *created <= change.at);
    let was = change.was.filter(|was| version.has(was));
    let stage = match policies.history_starts_late {
        LateHistory::None => None,
        LateHistory::FromOldValue => was,
        LateHistory::FromCreated => was.or(created.map(|_| version.ladder[0])),
    };
    let Some(stage) = stage else { return };
    if was == Some(change.to) && created.is_none() {
        return;
    }
    enter(done, change, stage, created.unwrap_or(change.at), Some("late_history"), version, policies);
}

fn top(done: &[NaiveVisit], version: &NaiveVersion) -> usize {
    // A stage counts as reached on the ladder if it stood on the ladder when it was visited.
    done.iter().filter(|visit| visit.rank.is_some()).filter_map(|visit| version.rank(visit.stage)).max().unwrap_or(0)
}

fn transition(done: &[NaiveVisit], stage: &str, version: &NaiveVersion) -> &'static str {
    let last = done.iter().rev().find(|visit| visit.rank.is_some()).and_then(|visit| version.rank(visit.stage));
    let Some(rank) = version.rank(stage) else {
        let word = if version.exits.contains(&stage) { "close" } else { "recycle" };
        return if done.is_empty() { "initial" } else { word };
    };
    match rank {
        _ if done.is_empty() => "initial",
        _ if last.is_some_and(|last| rank < last) => "regress",
        _ if done.iter().any(|visit| visit.stage == stage) => "re_entry",
        _ if rank > top(done, version) + 1 => "skip",
        _ => "advance",
    }
}

fn enter(
    done: &mut Vec<NaiveVisit>,
    change: &NaiveChange,
    stage: &'static str,
    at: i64,
    inferred: Option<&'static str>,
    version: &NaiveVersion,
    policies: Policies,
) {
    let mut how = transition(done, stage, version);
    if let (Skipped::SameTime, Some(rank)) = (policies.skipped, version.rank(stage)) {
        for skipped in top(done, version) + 1..rank {
            let fill = if done.is_empty() { "initial" } else { "advance" };
            how = "skip";
            push(done, change, version.ladder[skipped - 1], at, fill, Some("skipped_stage"), version);
        }
    }
    push(done, change, stage, at, how, inferred, version);
}

fn push(
    done: &mut Vec<NaiveVisit>,
    change: &NaiveChange,
    stage: &'static str,
    at: i64,
    transition: &'static str,
    inferred: Option<&'static str>,
    version: &NaiveVersion,
) {
    let from = done.last().map(|visit| visit.stage);
    let before = done.iter().rev().find(|visit| visit.inferred != Some("skipped_stage") || visit.row != change.record);
    let was = change.was.filter(|was| version.has(was));
    let gap = inferred.is_none() && was.is_some() && before.is_some_and(|before| Some(before.stage) != was);
    if let Some(last) = done.last_mut() {
        last.exited = Some(at);
    }
    done.push(NaiveVisit {
        entity: change.entity,
        stage,
        rank: version.rank(stage),
        seq: done.len() + 1,
        number: done.iter().filter(|visit| visit.stage == stage).count() + 1,
        entered: at,
        exited: None,
        from,
        transition,
        inferred,
        gap,
        row: change.record,
        latest: false,
        source: change.source,
        record: inferred.is_none().then_some(change.record),
        version: version.name,
        absorbed: 0,
        ignored: 0,
    });
}
