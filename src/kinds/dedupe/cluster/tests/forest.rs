//! Paths of evidence.

use rand::prelude::*;
use rand_chacha::ChaCha8Rng;

use super::super::naive::connected;
use super::super::{Clustering, Clusters, Edge, Forest, Guards};

fn any_clusters(rng: &mut ChaCha8Rng) -> (u32, Vec<Edge>, Clusters) {
    let records = rng.random_range(1..20_u32);
    let any = |rng: &mut ChaCha8Rng| rng.random_range(0..records);
    let edges: Vec<Edge> = (0..rng.random_range(0..30))
        .map(|_| Edge::new(any(rng), any(rng), rng.random_range(0..3), rng.random_range(0..5)))
        .filter(|edge| edge.a != edge.b)
        .collect();
    let mut clustering = Clustering::new(records, Guards::default()).unwrap();
    clustering.pairs(edges.clone()).unwrap();
    (records, edges, clustering.finish())
}

#[test]
fn a_path_leads_from_one_to_the_other_by_the_strongest_chain() {
    for seed in 0..300 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (records, edges, clusters) = any_clusters(&mut rng);
        let forest = Forest::new(records, &clusters.used);
        for (from, to) in (0..records).flat_map(|from| (0..records).map(move |to| (from, to))) {
            let Some(path) = forest.path(from, to) else {
                assert_ne!(clusters.root[from as usize], clusters.root[to as usize], "seed {seed}");
                continue;
            };
            let mut at = from;
            for edge in &path {
                assert!(edge.a == at || edge.b == at, "seed {seed}: {path:?}");
                at = edge.a + edge.b - at;
            }
            assert_eq!(at, to, "seed {seed}: {path:?}");
            let Some(weakest) = path.iter().max() else { continue };
            let stronger: Vec<Edge> = edges.iter().filter(|edge| *edge < weakest).copied().collect();
            let label = connected(records, &stronger);
            assert_ne!(label[from as usize], label[to as usize], "seed {seed}: {path:?}");
        }
    }
}

#[test]
fn every_record_is_linked_by_the_first_edge_of_its_path_to_the_anchor() {
    for seed in 0..300 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (records, _, clusters) = any_clusters(&mut rng);
        let forest = Forest::new(records, &clusters.used);
        // Any record of a cluster may be its anchor.
        let mut anchors: Vec<u32> = (0..records).collect();
        anchors.shuffle(&mut rng);
        anchors.sort_by_key(|record| clusters.root[*record as usize]);
        anchors.dedup_by_key(|record| clusters.root[*record as usize]);
        let linked = forest.towards(anchors.iter().copied());
        for record in 0..records {
            let root = clusters.root[record as usize];
            let anchor = anchors.iter().find(|anchor| clusters.root[**anchor as usize] == root).unwrap();
            let path = forest.path(record, *anchor).unwrap();
            let edge = linked[record as usize].map(|at| clusters.used[at as usize]);
            assert_eq!(edge.as_ref(), path.first(), "seed {seed}: {record} to {anchor}");
        }
    }
}

#[test]
fn records_that_are_not_there_have_no_path() {
    let used = [Edge::new(0, 1, 0, 0), Edge::new(1, 9, 0, 0)];
    let forest = Forest::new(2, &used);
    assert_eq!(forest.path(0, 1), Some(vec![used[0]]));
    assert_eq!((forest.path(0, 9), forest.path(9, 0)), (None, None));
    assert_eq!(forest.towards([1, 7]), [Some(0), None]);
}
