//! Random records, rules and guards, clustered twice.

use std::collections::BTreeMap;

use rand::prelude::*;
use rand_chacha::ChaCha8Rng;

use super::super::naive::{self, NaiveRule};
use super::super::{Clustering, Clusters, Contradiction, Edge, Guards, KeyLinker, Refusal};

#[derive(Debug, Clone)]
struct Case {
    records: u32,
    must_link: Vec<(u32, u32)>,
    rules: Vec<NaiveRule>,
    guards: Guards,
}

fn pair(rng: &mut ChaCha8Rng, records: u32) -> (u32, u32) {
    (rng.random_range(0..records), rng.random_range(0..records))
}

/// Small universes, so that everything meets everything.
fn any_case(rng: &mut ChaCha8Rng) -> Case {
    let records = rng.random_range(2..24);
    let rules = (0..rng.random_range(1..4)).map(|_| any_rule(rng, records)).collect();
    let mut guards = Guards::default();
    for _ in 0..[0, 0, 1, 2][rng.random_range(0..4)] {
        let ids = rng.random_range(1..6);
        guards
            .unique_ids
            .push((0..records).map(|_| rng.random_range(0..2 * ids)).map(|id| if id > ids { 0 } else { id }).collect());
    }
    for _ in 0..[0, 0, 3, 8][rng.random_range(0..4)] {
        guards.cannot_link.push(pair(rng, records));
    }
    guards.cannot_link.retain(|(a, b)| a != b);
    guards.max_cluster = [None, Some(1), Some(4), Some(8)][rng.random_range(0..4)];
    let must_link = (0..[0, 0, 2, 6][rng.random_range(0..4)]).map(|_| pair(rng, records)).collect();
    Case { records, must_link, rules, guards }
}

fn any_rule(rng: &mut ChaCha8Rng, records: u32) -> NaiveRule {
    let many = rng.random_range(0..2 * records);
    if rng.random() {
        let keys = rng.random_range(1..=records);
        let entries =
            (0..many).map(|_| (rng.random_range(0..records), u128::from(rng.random_range(0..keys)))).collect();
        return NaiveRule::Keys(entries, rng.random_range(1..7));
    }
    let scored = |rng: &mut ChaCha8Rng| {
        let (a, b) = pair(rng, records);
        (a, b, rng.random_range(-3..4))
    };
    let pairs: Vec<(u32, u32, i32)> = (0..many).map(|_| scored(rng)).collect();
    if rng.random() {
        return NaiveRule::Pairs(pairs);
    }
    let apart = (0..many).map(|_| scored(rng)).filter(|(a, b, _)| a != b);
    NaiveRule::Judged(pairs, apart.map(|(a, b, weight)| ((a.min(b), a.max(b)), weight - 9)).collect())
}

fn cluster(case: &Case) -> (Clusters, Vec<Contradiction>) {
    let mut clustering = Clustering::new(case.records, case.guards.clone()).unwrap();
    let contradictions = clustering.must_link(&case.must_link).unwrap();
    for (position, rule) in case.rules.iter().enumerate() {
        match rule {
            NaiveRule::Keys(keys, max) => {
                let mut linker = KeyLinker::default();
                keys.iter().for_each(|(record, key)| linker.push(*record, *key));
                clustering.keys(position as u16, 0, &linker.finish(*max)).unwrap();
            }
            NaiveRule::Pairs(pairs) => {
                let edge = |(a, b, weight): &(u32, u32, i32)| Edge::new(*a, *b, position as u16, *weight);
                clustering.pairs(pairs.iter().map(edge).collect()).unwrap();
            }
            NaiveRule::Judged(pairs, apart) => {
                let edge = |(a, b, weight): &(u32, u32, i32)| Edge::new(*a, *b, position as u16, *weight);
                let judge = |a: u32, b: u32| apart.get(&(a.min(b), a.max(b))).copied();
                clustering.judged_pairs(pairs.iter().map(edge).collect(), &judge).unwrap();
            }
        }
    }
    (clustering.finish(), contradictions)
}

fn shuffled(case: &Case, rng: &mut ChaCha8Rng) -> Case {
    let mut case = case.clone();
    case.must_link.shuffle(rng);
    case.guards.cannot_link.shuffle(rng);
    for (a, b) in case.must_link.iter_mut().chain(&mut case.guards.cannot_link) {
        if rng.random() {
            std::mem::swap(a, b);
        }
    }
    for rule in &mut case.rules {
        match rule {
            NaiveRule::Keys(keys, _) => keys.shuffle(rng),
            NaiveRule::Pairs(pairs) | NaiveRule::Judged(pairs, _) => pairs.shuffle(rng),
        }
    }
    case
}

fn by_root(clusters: &Clusters) -> BTreeMap<u32, Vec<u32>> {
    let mut members: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (record, root) in clusters.root.iter().enumerate() {
        members.entry(*root).or_default().push(record as u32);
    }
    members
}

/// Whether a guard keeps two records, or any of their clusters, apart.
fn forbidden(case: &Case, members: &[u32]) -> bool {
    let both = |(a, b): &(u32, u32)| members.contains(a) && members.contains(b);
    let two_ids = |values: &Vec<u64>| {
        let mut ids: Vec<u64> = members.iter().map(|record| values[*record as usize]).filter(|id| *id != 0).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.len() > 1
    };
    case.guards.cannot_link.iter().any(both) || case.guards.unique_ids.iter().any(two_ids)
}

#[test]
fn clusters_are_as_in_the_naive_way_in_any_order() {
    let (mut refused, mut dissolved, mut contradicted, mut judged) = (0, 0, 0, 0);
    for seed in 0..2_000 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let case = any_case(&mut rng);
        let expected = naive::clusters(case.records, &case.must_link, &case.rules, &case.guards);
        assert_eq!(cluster(&case), expected, "seed {seed}: {case:#?}");
        assert_eq!(cluster(&shuffled(&case, &mut rng)), expected, "seed {seed}, shuffled: {case:#?}");
        refused += expected.0.refused.len();
        let by_judge = |(_, refusal): &&(Edge, Refusal)| matches!(refusal, Refusal::Judged { .. });
        judged += expected.0.refused.iter().filter(by_judge).count();
        dissolved += expected.0.quarantined.len();
        contradicted += expected.1.len();
    }
    assert!(refused > 1_000 && dissolved > 100 && contradicted > 100, "{refused} {dissolved} {contradicted}");
    assert!(judged > 300, "{judged}");
}

#[test]
fn guards_hold_and_refuse_nothing_needlessly() {
    for seed in 0..2_000 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut case = any_case(&mut rng);
        case.guards.max_cluster = None;
        let (clusters, _) = cluster(&case);
        let members = by_root(&clusters);
        for cluster in members.values() {
            assert!(!forbidden(&case, cluster), "seed {seed}: {cluster:?} in {case:#?}");
        }
        assert_eq!(clusters.used.len(), case.records as usize - members.len(), "seed {seed}");
        assert_eq!(naive::connected(case.records, &clusters.used), clusters.root, "seed {seed}");
        let by_guard = |(_, refusal): &&(Edge, Refusal)| !matches!(refusal, Refusal::Judged { .. });
        for (edge, _) in clusters.refused.iter().filter(by_guard) {
            let sides = [edge.a, edge.b].map(|record| members[&clusters.root[record as usize]].clone());
            assert!(forbidden(&case, &sides.concat()), "seed {seed}: {edge:?} in {case:#?}");
        }
        // What every rule links is linked or refused.
        let refused: Vec<(u32, u32)> = clusters.refused.iter().map(|(edge, _)| (edge.a, edge.b)).collect();
        for rule in &case.rules {
            let NaiveRule::Pairs(pairs) = rule else { continue };
            for (a, b, _) in pairs {
                let one = clusters.root[*a as usize] == clusters.root[*b as usize];
                assert!(one || refused.contains(&(*a.min(b), *a.max(b))), "seed {seed}: {a}-{b}");
            }
        }
    }
}

#[test]
fn of_a_path_between_two_ids_the_weakest_edge_is_cut() {
    for seed in 0..300 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let records = rng.random_range(2..12_u32);
        let mut order: Vec<u32> = (0..records).collect();
        order.shuffle(&mut rng);
        let mut weights: Vec<i32> = (0..records as i32 - 1).collect();
        weights.shuffle(&mut rng);
        let path: Vec<(u32, u32, i32)> =
            order.windows(2).zip(&weights).map(|(step, weight)| (step[0], step[1], *weight)).collect();
        let mut ids = vec![0; records as usize];
        ids[order[0] as usize] = 1;
        ids[order[records as usize - 1] as usize] = 2;
        let guards = Guards { unique_ids: vec![ids], ..Guards::default() };
        let case = Case { records, must_link: vec![], rules: vec![NaiveRule::Pairs(path.clone())], guards };
        let (clusters, _) = cluster(&case);
        let cut: Vec<i32> = clusters.refused.iter().map(|(edge, _)| edge.weight_millibits).collect();
        assert_eq!((cut, by_root(&clusters).len()), (vec![0], 2), "seed {seed}: {path:?}");
    }
}
