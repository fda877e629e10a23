//! Components and shared keys.

use rand::prelude::*;
use rand_chacha::ChaCha8Rng;

use super::super::naive;
use super::super::{CrowdedKey, Edge, KeyLinker, KeyLinks, MUST_LINK, UnionFind};

fn link(keys: &[(u32, u128)], max_records_per_key: u32) -> KeyLinks {
    let mut linker = KeyLinker::with_capacity(keys.len());
    for (record, key) in keys {
        linker.push(*record, *key);
    }
    linker.finish(max_records_per_key)
}

fn groups(links: &KeyLinks) -> Vec<Vec<u32>> {
    links.groups().map(<[u32]>::to_vec).collect()
}

#[test]
fn the_root_is_the_smallest_of_the_component_in_any_order() {
    for seed in 0..300 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let records = rng.random_range(1..40);
        let edges: Vec<Edge> = (0..rng.random_range(0..60))
            .map(|_| Edge::new(rng.random_range(0..records), rng.random_range(0..records), 0, 0))
            .collect();
        let mut union = UnionFind::new(records);
        for (at, edge) in edges.iter().enumerate() {
            let before = naive::connected(records, &edges[..at]);
            let apart = before[edge.a as usize] != before[edge.b as usize];
            assert_eq!(union.union(edge.a, edge.b), apart, "seed {seed}");
        }
        let expected = naive::connected(records, &edges);
        for record in 0..records {
            assert_eq!(union.find(record), expected[record as usize], "seed {seed}");
        }
        assert_eq!(union.into_roots(), expected, "seed {seed}");
    }
}

#[test]
fn a_long_chain_is_no_deep_recursion() {
    let records = 100_000;
    let mut union = UnionFind::new(records);
    for record in (1..records).rev() {
        union.union(record - 1, record);
    }
    assert_eq!(union.find(records - 1), 0);
    assert!(union.into_roots().iter().all(|root| *root == 0));
}

#[test]
fn a_record_that_is_not_there_is_alone() {
    let mut union = UnionFind::new(2);
    assert_eq!(union.find(7), 7);
    union.union(1, 7);
    assert_eq!(union.into_roots(), [0, 1]);
    assert_eq!(UnionFind::new(0).into_roots(), [0_u32; 0]);
}

#[test]
fn edges_sort_strongest_first() {
    let sorted = [
        Edge::new(8, 9, MUST_LINK, 0),
        Edge::new(3, 1, 0, -5),
        Edge::new(1, 2, 1, 10),
        Edge::new(2, 1, 1, 9),
        Edge::new(1, 3, 1, 9),
        Edge::new(2, 3, 1, 9),
        Edge::new(0, 1, MUST_LINK - 1, 99),
    ];
    let mut edges = sorted;
    edges.reverse();
    edges.sort();
    assert_eq!(edges, sorted);
    assert_eq!((sorted[1].a, sorted[1].b), (1, 3));
}

#[test]
fn a_record_that_repeats_a_key_counts_once() {
    let links = link(&[(4, 7), (4, 7), (4, 7), (2, 9), (2, 9), (5, 9)], 2);
    assert_eq!(groups(&links), [[2, 5]]);
    assert_eq!(links.crowded, []);
}

#[test]
fn a_key_links_up_to_its_limit_and_not_one_more() {
    let three: Vec<(u32, u128)> = vec![(5, 1), (1, 1), (3, 1)];
    assert_eq!(groups(&link(&three, 3)), [[1, 3, 5]]);
    let links = link(&three, 2);
    assert_eq!(links.groups().count(), 0);
    assert_eq!(links.crowded, [CrowdedKey { key: 1, records: 3, first: 1 }]);
}

#[test]
fn the_most_crowded_key_comes_first() {
    let keys = [(1, 5), (2, 5), (1, 9), (2, 9), (3, 9), (0, 7), (2, 7)];
    let crowded: Vec<u128> = link(&keys, 1).crowded.iter().map(|crowded| crowded.key).collect();
    assert_eq!(crowded, [9, 7, 5]);
}

#[test]
fn keys_link_as_in_the_naive_way_in_any_order_and_for_any_hash() {
    for seed in 0..300 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (records, kinds) = (rng.random_range(1..30), rng.random_range(1..20_u128));
        let mut keys: Vec<(u32, u128)> = (0..rng.random_range(0..80))
            .map(|_| (rng.random_range(0..records), rng.random_range(0..kinds) << [0, 100][rng.random_range(0..2)]))
            .collect();
        let max = rng.random_range(1..8);
        let (expected, crowded) = naive::groups(&keys, max);
        let links = link(&keys, max);
        assert_eq!(groups(&links), expected, "seed {seed}");
        let mut found = links.crowded.clone();
        found.sort_by_key(|crowded| crowded.key);
        assert_eq!(crowded, found, "seed {seed}");

        keys.shuffle(&mut rng);
        for (_, key) in &mut keys {
            *key = key.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        }
        let half = keys.split_off(keys.len() / 2);
        let mut linker = KeyLinker::default();
        for part in [half, keys] {
            let mut other = KeyLinker::default();
            part.iter().for_each(|(record, key)| other.push(*record, *key));
            linker.append(other);
        }
        assert_eq!(groups(&linker.finish(max)), expected, "seed {seed}");
    }
}

#[test]
fn an_entry_is_packed() {
    assert_eq!(size_of::<Edge>(), 16);
    let mut linker = KeyLinker::with_capacity(1);
    assert!(linker.is_empty());
    linker.push(0, 1);
    assert_eq!(linker.len(), 1);
}
