//! A small world of records that come, go and are linked, and what a run publishes of it.

use std::collections::{BTreeMap, BTreeSet};

use rand::prelude::*;
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

use super::super::ids::naive::{Cluster, Row, State};
use super::super::ids::{CrosswalkRow, Identities, Published, Records, Redirect, Withdrawn, assign, withdrawn};
use super::super::{Clustering, Edge, Guards};
use crate::error::Result;

pub(super) const NAMESPACE: Uuid = Uuid::from_u128(7);

/// Records by key, with the instant at which they were created.
pub(super) struct Keyed(pub(super) Vec<(String, Option<i64>)>);

impl Records for Keyed {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn key(&self, ordinal: u32) -> &str {
        &self.0[ordinal as usize].0
    }

    fn first_seen(&self, ordinal: u32) -> Option<i64> {
        self.0[ordinal as usize].1
    }
}

/// What is true at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct World {
    /// The records that are there, with their creation.
    pub(super) created: BTreeMap<String, Option<i64>>,
    /// Pairs that the first and the second rule link; of records that may be gone.
    pub(super) links: [BTreeSet<(String, String)>; 2],
    /// Whether each of the two rules is declared.
    pub(super) rules: [bool; 2],
}

impl World {
    /// Clusters by hand: keys apart by spaces, clusters by bars. A key may give its creation: `a@5`.
    pub(super) fn of(text: &str) -> Self {
        let mut world = Self { rules: [true, true], ..Self::default() };
        for cluster in text.split('|') {
            let mut first: Option<String> = None;
            for word in cluster.split_whitespace() {
                let (key, created) = word.split_once('@').unwrap_or((word, ""));
                world.created.insert(key.to_string(), created.parse().ok());
                if let Some(first) = &first {
                    world.links[0].insert((first.clone(), key.to_string()));
                }
                first.get_or_insert(key.to_string());
            }
        }
        world
    }

    fn edges(&self) -> Vec<(u16, &String, &String)> {
        let rules = self.links.iter().enumerate().filter(|(rule, _)| self.rules[*rule]);
        let edges = rules.flat_map(|(rule, links)| links.iter().map(move |(a, b)| (rule as u16, a, b)));
        edges.filter(|(_, a, b)| self.created.contains_key(*a) && self.created.contains_key(*b)).collect()
    }

    /// The clusters, by repeating until nothing changes.
    pub(super) fn clusters(&self) -> Vec<Cluster> {
        let mut clusters: Vec<Cluster> = self.created.keys().map(|key| Cluster::from([key.clone()])).collect();
        for (_, a, b) in self.edges() {
            let (with, mut without): (Vec<Cluster>, Vec<Cluster>) =
                clusters.into_iter().partition(|cluster| cluster.contains(a) || cluster.contains(b));
            without.push(with.into_iter().flatten().collect());
            clusters = without;
        }
        clusters.sort();
        clusters
    }

    /// A run over what was last published, every input in random order; `behind` are the states that a rollback
    /// went behind, the newest first.
    fn run(&self, last: &State, behind: &[State], now: i64, rng: &mut ChaCha8Rng) -> Identities {
        let records = Keyed(self.created.iter().map(|(key, created)| (key.clone(), *created)).collect());
        let ordinal = |key: &String| records.0.iter().position(|(other, _)| other == key).unwrap() as u32;
        let mut clustering = Clustering::new(records.0.len() as u32, Guards::default()).unwrap();
        let mut edges: Vec<Edge> =
            self.edges().into_iter().map(|(rule, a, b)| Edge::new(ordinal(a), ordinal(b), rule, 0)).collect();
        edges.shuffle(rng);
        clustering.pairs(edges).unwrap();
        let root = clustering.finish().root;
        let (mut crosswalk, mut redirects) = rows(last);
        if rng.random() {
            crosswalk.shuffle(rng);
            redirects.shuffle(rng);
        }
        let crosswalk = Rows(crosswalk);
        let mut old: Vec<Withdrawn> =
            behind.iter().enumerate().flat_map(|(age, state)| withdrawn_rows(age as u32, state)).collect();
        old.shuffle(rng);
        redirects.extend(withdrawn(&records, Published { crosswalk: &crosswalk, redirects: &redirects }, old, now));
        let published = Published { crosswalk: &crosswalk, redirects: &redirects };
        assign(&records, &root, published, &NAMESPACE, now).unwrap()
    }

    /// What a run publishes.
    pub(super) fn publish(&self, last: &State, now: i64, rng: &mut ChaCha8Rng) -> State {
        self.publish_after(last, &[], now, rng)
    }

    /// What a run publishes after a rollback.
    pub(super) fn publish_after(&self, last: &State, behind: &[State], now: i64, rng: &mut ChaCha8Rng) -> State {
        let identities = self.run(last, behind, now, rng);
        let mut state = State::default();
        for (record, key) in self.created.keys().enumerate() {
            let identity = identities.of(record as u32).unwrap();
            let anchor = identity.anchor == record as u32;
            let row = Row { id: identity.id, anchor, since: identities.since[record], id_since: identity.since };
            state.crosswalk.insert(key.clone(), row);
        }
        assert!(identities.redirects.is_sorted_by_key(|redirect| redirect.id));
        let redirects = identities.redirects.len();
        state.redirects = identities.redirects.into_iter().map(|redirect| (redirect.id, redirect)).collect();
        assert_eq!(state.redirects.len(), redirects);
        state
    }
}

/// The rows of a crosswalk.
pub(super) struct Rows<'a>(pub(super) Vec<(&'a str, CrosswalkRow)>);

impl super::super::ids::Crosswalk for Rows<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn row(&self, at: usize) -> CrosswalkRow {
        self.0[at].1
    }

    fn keys(&self, see: &mut dyn FnMut(&str)) -> Result<()> {
        self.0.iter().for_each(|(key, _)| see(key));
        Ok(())
    }
}

/// The ids of a state that a rollback went behind.
fn withdrawn_rows(age: u32, state: &State) -> Vec<Withdrawn> {
    let anchors = state.crosswalk.iter().filter(|(_, row)| row.anchor);
    let lived = anchors.map(|(key, row)| (row.id, key.clone(), None, None, row.id_since));
    let ended = state.redirects.values();
    let ended = ended.map(|old| (old.id, old.anchor.clone(), Some(old.end), old.target, old.id_since));
    let row = |(id, anchor, end, target, id_since)| Withdrawn { id, age, anchor, end, target, id_since };
    lived.chain(ended).map(row).collect()
}

/// The tables of a state.
pub(super) fn rows(state: &State) -> (Vec<(&str, CrosswalkRow)>, Vec<Redirect>) {
    let crosswalk = state.crosswalk.iter().map(|(record, row)| {
        let Row { id, anchor, since, id_since } = *row;
        (record.as_str(), CrosswalkRow { id, anchor, since, id_since })
    });
    (crosswalk.collect(), state.redirects.values().cloned().collect())
}
