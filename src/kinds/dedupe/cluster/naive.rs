//! The obvious slow way: every pair is written out, every cluster is looked through.

use std::collections::{BTreeMap, BTreeSet};

use super::{Clusters, Contradiction, CrowdedKey, Edge, Guards, MUST_LINK, Quarantine, Refusal};

/// A rule as the naive way takes it.
#[derive(Debug, Clone)]
pub(super) enum NaiveRule {
    /// (record, key) and how many records may share a key.
    Keys(Vec<(u32, u128)>, u32),
    /// (record, record, weight)
    Pairs(Vec<(u32, u32, i32)>),
    /// The same, and what pairs weigh that are not one.
    Judged(Vec<(u32, u32, i32)>, BTreeMap<(u32, u32), i32>),
}

/// The groups of records that share a key, and the keys that too many share in the order of their hashes.
pub(super) fn groups(keys: &[(u32, u128)], max_records_per_key: u32) -> (Vec<Vec<u32>>, Vec<CrowdedKey>) {
    let mut by_key: BTreeMap<u128, BTreeSet<u32>> = BTreeMap::new();
    for (record, key) in keys {
        by_key.entry(*key).or_default().insert(*record);
    }
    let mut groups = BTreeSet::new();
    let mut crowded = Vec::new();
    for (key, records) in by_key {
        if records.len() > max_records_per_key as usize && records.len() > 1 {
            crowded.push(CrowdedKey { key, records: records.len() as u32, first: *records.first().unwrap() });
        } else if records.len() > 1 {
            groups.insert(records.into_iter().collect::<Vec<u32>>());
        }
    }
    (groups.into_iter().collect(), crowded)
}

/// All edges of a rule in the order in which they are tried.
fn edges(position: u16, rule: &NaiveRule) -> Vec<Edge> {
    match rule {
        NaiveRule::Keys(keys, max) => {
            let mut edges = Vec::new();
            for group in groups(keys, *max).0 {
                for a in &group {
                    edges.extend(group.iter().filter(|b| a < *b).map(|b| Edge::new(*a, *b, position, 0)));
                }
            }
            edges
        }
        NaiveRule::Pairs(pairs) | NaiveRule::Judged(pairs, _) => {
            let mut pairs = pairs.clone();
            pairs.sort_by_key(|(a, b, weight)| (-weight, *a.min(b), *a.max(b)));
            pairs.into_iter().map(|(a, b, weight)| Edge::new(a, b, position, weight)).collect()
        }
    }
}

fn why_not(label: &[u32], edge: &Edge, guards: &Guards, rule: Option<&NaiveRule>) -> Option<Refusal> {
    let side = |record: u32| -> Vec<u32> {
        (0..label.len() as u32).filter(|other| label[*other as usize] == label[record as usize]).collect()
    };
    let (ours, theirs) = (side(edge.a), side(edge.b));
    for (column, values) in guards.unique_ids.iter().enumerate() {
        let with_value = |side: &[u32]| side.iter().copied().find(|record| values[*record as usize] != 0);
        if let (Some(left), Some(right)) = (with_value(&ours), with_value(&theirs))
            && values[left as usize] != values[right as usize]
        {
            return Some(Refusal::UniqueId { column: column as u16, left, right });
        }
    }
    let mut across = Vec::new();
    for &(a, b) in &guards.cannot_link {
        for (left, right) in [(a, b), (b, a)] {
            if ours.contains(&left) && theirs.contains(&right) {
                across.push(Refusal::CannotLink { left, right });
            }
        }
    }
    if let (Some(NaiveRule::Judged(_, apart)), true) = (rule, across.is_empty()) {
        let few = ours.len() + theirs.len() <= guards.max_cluster.unwrap_or(u32::MAX) as usize;
        let more_than_the_edge = ours.len() + theirs.len() > 2;
        for (left, right) in ours.iter().flat_map(|left| theirs.iter().map(move |right| (*left, *right))) {
            if let (Some(weight), true) = (apart.get(&(left.min(right), left.max(right))), few && more_than_the_edge) {
                across.push(Refusal::Judged { weight_millibits: *weight, left, right });
            }
        }
        return across.into_iter().min_by_key(|refusal| match refusal {
            Refusal::Judged { weight_millibits, left, right } => (*weight_millibits, *left, *right),
            _ => (i32::MAX, 0, 0),
        });
    }
    across.into_iter().min()
}

/// The clusters, and the must-link pairs that are contradicted.
pub(super) fn clusters(
    records: u32,
    must_link: &[(u32, u32)],
    rules: &[NaiveRule],
    guards: &Guards,
) -> (Clusters, Vec<Contradiction>) {
    let must: Vec<(u32, u32, i32)> = must_link.iter().map(|(a, b)| (*a, *b, 0)).collect();
    let mut all = edges(MUST_LINK, &NaiveRule::Pairs(must));
    for (position, rule) in rules.iter().enumerate() {
        all.extend(edges(position as u16, rule));
    }
    let mut label: Vec<u32> = (0..records).collect();
    let (mut used, mut refused, mut contradicted) = (Vec::new(), Vec::new(), Vec::new());
    for edge in all {
        let (a, b) = (label[edge.a as usize], label[edge.b as usize]);
        if a == b {
            continue;
        }
        match why_not(&label, &edge, guards, rules.get(usize::from(edge.rule))) {
            Some(refusal) if edge.is_must_link() => {
                contradicted.push(Contradiction { must_link: (edge.a, edge.b), against: refusal })
            }
            Some(refusal) => refused.push((edge, refusal)),
            None => {
                used.push(edge);
                label.iter_mut().filter(|at| **at == a.max(b)).for_each(|at| *at = a.min(b));
            }
        }
    }
    let clusters = dissolve(label, used, refused, guards.max_cluster);
    (clusters, contradicted)
}

fn dissolve(label: Vec<u32>, used: Vec<Edge>, mut refused: Vec<(Edge, Refusal)>, max_cluster: Option<u32>) -> Clusters {
    let members =
        |root: u32| -> Vec<u32> { (0..label.len() as u32).filter(|record| label[*record as usize] == root).collect() };
    let mut quarantined = BTreeMap::new();
    let mut kept = Vec::new();
    for edge in used {
        let cluster = members(label[edge.a as usize]);
        if max_cluster.is_some_and(|max| cluster.len() > max as usize) && !edge.is_must_link() {
            refused.push((edge, Refusal::Oversized { records: cluster.len() as u32 }));
            quarantined.insert(cluster[0], Quarantine { records: cluster });
        } else {
            kept.push(edge);
        }
    }
    let root = connected(label.len() as u32, &kept);
    let refused_edges = refused.len() as u64;
    Clusters { root, used: kept, refused, refused_edges, quarantined: quarantined.into_values().collect() }
}

/// The smallest ordinal that each record is connected with, by repeating until nothing changes.
pub(super) fn connected(records: u32, edges: &[Edge]) -> Vec<u32> {
    let mut label: Vec<u32> = (0..records).collect();
    loop {
        let before = label.clone();
        for edge in edges {
            let least = label[edge.a as usize].min(label[edge.b as usize]);
            label[edge.a as usize] = least;
            label[edge.b as usize] = least;
        }
        if label == before {
            return label;
        }
    }
}
