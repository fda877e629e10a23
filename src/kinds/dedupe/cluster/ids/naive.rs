//! The rules of ids, word for word, over sets of keys.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{End, Redirect};

/// A record's row: its id, whether the id holds on to it, since when each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Row {
    pub(in super::super) id: Uuid,
    pub(in super::super) anchor: bool,
    pub(in super::super) since: i64,
    pub(in super::super) id_since: i64,
}

/// Everything that is published.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in super::super) struct State {
    pub(in super::super) crosswalk: BTreeMap<String, Row>,
    pub(in super::super) redirects: BTreeMap<Uuid, Redirect>,
}

pub(in super::super) type Cluster = BTreeSet<String>;

type Age = (bool, Option<i64>, String);

struct Naive<'a> {
    clusters: &'a [Cluster],
    created: &'a BTreeMap<String, Option<i64>>,
    last: &'a State,
}

impl Naive<'_> {
    fn age(&self, key: &str) -> Age {
        let created = self.created.get(key).copied().flatten();
        (created.is_none(), created, key.to_string())
    }

    fn is_there(&self, key: &str) -> bool {
        self.clusters.iter().any(|cluster| cluster.contains(key))
    }

    fn eldest(&self, cluster: &Cluster) -> String {
        cluster.iter().min_by_key(|key| self.age(key)).unwrap().clone()
    }

    /// The record that a living id holds on to, and since when the id is there.
    fn anchor(&self, id: Uuid) -> (String, i64) {
        let rows: Vec<(&String, &Row)> = self.last.crosswalk.iter().filter(|(_, row)| row.id == id).collect();
        let (key, row) = rows.iter().find(|(_, row)| row.anchor).unwrap();
        if self.is_there(key) {
            return (key.to_string(), row.id_since);
        }
        let members: Cluster = rows.iter().map(|(key, _)| key.to_string()).collect();
        let parts = self.clusters.iter().map(|cluster| cluster.intersection(&members).cloned().collect::<Cluster>());
        let parts = parts.filter(|part| !part.is_empty());
        match parts.min_by_key(|part| (Reverse(part.len()), part.first().cloned())) {
            Some(part) => (self.eldest(&part), row.id_since),
            None => (key.to_string(), row.id_since),
        }
    }

    fn mint(&self, namespace: &Uuid, key: &str) -> Uuid {
        let ever =
            |id: &Uuid| self.last.redirects.contains_key(id) || self.last.crosswalk.values().any(|row| row.id == *id);
        let mut names = vec![key.as_bytes().to_vec()];
        names.extend((1..100_u32).map(|generation| [key.as_bytes(), &[0xff], &generation.to_be_bytes()].concat()));
        names.iter().map(|name| Uuid::new_v5(namespace, name)).find(|id| !ever(id)).unwrap()
    }
}

/// What is known after a rollback to `last`: that, and of the ids that only the states know which it went
/// behind, the newest first, what the newest says.
pub(in super::super) fn known_after_rollback(
    last: &State,
    behind: &[State],
    created: &BTreeMap<String, Option<i64>>,
    now: i64,
) -> State {
    let living = |state: &State| -> BTreeSet<Uuid> { state.crosswalk.values().map(|row| row.id).collect() };
    let mut known = last.clone();
    let mut lived: BTreeMap<Uuid, String> = BTreeMap::new();
    for state in behind {
        for (key, row) in state.crosswalk.iter().filter(|(_, row)| row.anchor) {
            if living(last).contains(&row.id) || known.redirects.contains_key(&row.id) {
                continue;
            }
            let (id, anchor, id_since) = (row.id, key.clone(), row.id_since);
            lived.insert(id, anchor.clone());
            known.redirects.insert(id, Redirect { id, target: None, anchor, end: End::Retired, id_since, since: now });
        }
        for old in state.redirects.values() {
            if !living(last).contains(&old.id) && !known.redirects.contains_key(&old.id) {
                known.redirects.insert(old.id, Redirect { since: now, ..old.clone() });
            }
        }
    }
    for (id, redirect) in known.redirects.iter_mut().filter(|(id, _)| !last.redirects.contains_key(*id)) {
        let Some(led) = redirect.target else { continue };
        assert_ne!(led, *id);
        if !living(last).contains(&led) {
            redirect.target = None;
            if let (false, Some(anchor)) = (created.contains_key(&redirect.anchor), lived.get(&led)) {
                redirect.anchor = anchor.clone();
            }
        }
    }
    known
}

/// What is published next.
pub(in super::super) fn assign(
    clusters: &[Cluster],
    created: &BTreeMap<String, Option<i64>>,
    last: &State,
    namespace: &Uuid,
    now: i64,
) -> State {
    let naive = Naive { clusters, created, last };
    let living: BTreeSet<Uuid> = last.crosswalk.values().map(|row| row.id).collect();
    let living: BTreeMap<Uuid, (String, i64)> = living.into_iter().map(|id| (id, naive.anchor(id))).collect();
    let mut next = State::default();
    for cluster in clusters {
        let inside = |(_, (anchor, _)): &(&Uuid, &(String, i64))| cluster.contains(anchor);
        let alive = living.iter().filter(inside).map(|(id, (anchor, since))| (*since, naive.age(anchor), *id));
        let retired = last.redirects.values().filter(|old| old.end == End::Retired && cluster.contains(&old.anchor));
        let retired = retired.map(|old| (old.id_since, naive.age(&old.anchor), old.id));
        let (id_since, anchor, id) = match alive.min().or(retired.min()) {
            Some((since, age, id)) => (since, age.2, id),
            None => (now, naive.eldest(cluster), naive.mint(namespace, &naive.eldest(cluster))),
        };
        for key in cluster {
            let since = last.crosswalk.get(key).filter(|row| row.id == id).map_or(now, |row| row.since);
            next.crosswalk.insert(key.clone(), Row { id, anchor: *key == anchor, since, id_since });
        }
    }
    let target = |anchor: &str| next.crosswalk.get(anchor).map(|row| row.id);
    for (id, (anchor, id_since)) in &living {
        let end = if target(anchor).is_some() { End::Merged } else { End::Retired };
        let (id, anchor, id_since) = (*id, anchor.clone(), *id_since);
        next.redirects.insert(id, Redirect { id, target: target(&anchor), anchor, end, id_since, since: now });
    }
    for old in last.redirects.values() {
        let mut new = old.clone();
        if let (false, Some(led)) = (naive.is_there(&old.anchor), old.target) {
            new.anchor = living[&led].0.clone();
        }
        new.target = target(&new.anchor);
        new.end = if new.target.is_some() { End::Merged } else { old.end };
        if (new.target, new.end) != (old.target, old.end) {
            new.since = now;
        }
        next.redirects.insert(old.id, new);
    }
    let alive: BTreeSet<Uuid> = next.crosswalk.values().map(|row| row.id).collect();
    next.redirects.retain(|id, _| !alive.contains(id));
    next
}
