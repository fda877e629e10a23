//! Guards, by hand.

use super::super::{Clustering, Clusters, Contradiction, Edge, Guards, KeyLinker, Quarantine, Refusal};

fn unique(values: &[u64]) -> Guards {
    Guards { unique_ids: vec![values.to_vec()], ..Guards::default() }
}

fn apart(pairs: &[(u32, u32)]) -> Guards {
    Guards { cannot_link: pairs.to_vec(), ..Guards::default() }
}

fn by_pairs(records: u32, guards: Guards, pairs: &[(u32, u32, i32)]) -> Clusters {
    let mut clustering = Clustering::new(records, guards).unwrap();
    clustering.pairs(pairs.iter().map(|(a, b, weight)| Edge::new(*a, *b, 0, *weight)).collect()).unwrap();
    clustering.finish()
}

fn by_one_key(guards: Guards, records: u32) -> Clusters {
    let mut linker = KeyLinker::default();
    (0..records).rev().for_each(|record| linker.push(record, 77));
    let mut clustering = Clustering::new(records, guards).unwrap();
    clustering.keys(0, 0, &linker.finish(50)).unwrap();
    clustering.finish()
}

fn refused(clusters: &Clusters) -> Vec<(u32, u32)> {
    clusters.refused.iter().map(|(edge, _)| (edge.a, edge.b)).collect()
}

#[test]
fn the_weakest_edge_of_the_path_is_cut_and_only_it() {
    // 0 –9– 1 –4– 2 –7– 3, and the ends have different ids.
    let path = [(0, 1, 9), (1, 2, 4), (2, 3, 7)];
    let clusters = by_pairs(4, unique(&[11, 0, 0, 22]), &path);
    assert_eq!(clusters.root, [0, 0, 2, 2]);
    let why = Refusal::UniqueId { column: 0, left: 0, right: 3 };
    assert_eq!(clusters.refused, [(Edge::new(1, 2, 0, 4), why)]);
    assert_eq!(by_pairs(4, unique(&[11, 0, 0, 11]), &path).root, [0, 0, 0, 0]);
}

#[test]
fn an_earlier_rule_beats_a_greater_weight() {
    let mut clustering = Clustering::new(3, unique(&[1, 0, 2])).unwrap();
    clustering.pairs(vec![Edge::new(1, 2, 1, 50_000), Edge::new(0, 1, 0, -3)]).unwrap();
    assert_eq!(clustering.finish().root, [0, 0, 2]);
}

#[test]
fn a_cannot_link_pair_parts_clusters_too() {
    let clusters = by_pairs(5, apart(&[(4, 0)]), &[(0, 1, 9), (3, 4, 8), (1, 3, 5), (2, 3, 4)]);
    assert_eq!(clusters.root, [0, 0, 2, 2, 2]);
    assert_eq!(clusters.refused, [(Edge::new(1, 3, 0, 5), Refusal::CannotLink { left: 0, right: 4 })]);
}

#[test]
fn what_a_judge_finds_apart_is_not_brought_together_by_others() {
    // 0 –9– 1 –8– 2: the ends contradict each other, 1 says too little to do so.
    let judge = |a: u32, b: u32| (a.abs_diff(b) == 2).then_some(-20);
    let mut clustering = Clustering::new(3, Guards::default()).unwrap();
    clustering.judged_pairs(vec![Edge::new(1, 2, 0, 8), Edge::new(0, 1, 0, 9)], &judge).unwrap();
    let clusters = clustering.finish();
    assert_eq!(clusters.root, [0, 0, 2]);
    // From the side of the edge: 0 is with 1, its `a`.
    let why = Refusal::Judged { left: 0, right: 2, weight_millibits: -20 };
    assert_eq!(clusters.refused, [(Edge::new(1, 2, 0, 8), why)]);
    // What an edge itself says is not asked again, nor what a stronger rule has linked.
    let mut clustering = Clustering::new(3, Guards::default()).unwrap();
    clustering.pairs(vec![Edge::new(0, 2, 0, 0)]).unwrap();
    clustering.judged_pairs(vec![Edge::new(0, 1, 1, 9)], &judge).unwrap();
    assert_eq!(clustering.finish().root, [0, 0, 0]);
}

#[test]
fn every_column_guards_for_itself() {
    let guards = Guards { unique_ids: vec![vec![5, 0, 5], vec![0, 7, 8]], ..Guards::default() };
    let clusters = by_pairs(3, guards, &[(0, 1, 3), (0, 2, 2)]);
    assert_eq!(clusters.root, [0, 0, 2]);
    assert_eq!(clusters.refused[0].1, Refusal::UniqueId { column: 1, left: 1, right: 2 });
}

#[test]
fn records_that_cannot_be_with_the_first_of_a_key_are_with_each_other() {
    let clusters = by_one_key(unique(&[1, 2, 2, 0, 1]), 5);
    assert_eq!(clusters.root, [0, 1, 1, 0, 0]);
    assert_eq!(refused(&clusters), [(0, 1), (0, 2), (1, 3), (1, 4), (2, 3), (2, 4)]);
    assert_eq!(by_one_key(apart(&[(0, 1)]), 3).root, [0, 1, 0]);
}

#[test]
fn must_links_come_before_every_rule() {
    let mut clustering = Clustering::new(4, unique(&[1, 0, 0, 2])).unwrap();
    assert_eq!(clustering.must_link(&[(2, 1), (3, 2)]).unwrap(), []);
    clustering.pairs(vec![Edge::new(0, 1, 0, 99_000)]).unwrap();
    let clusters = clustering.finish();
    assert_eq!(clusters.root, [0, 1, 1, 1]);
    assert_eq!(refused(&clusters), [(0, 1)]);
}

#[test]
fn must_links_that_contradict_name_both_sides() {
    let guards = Guards { unique_ids: vec![vec![0, 0, 0, 8, 9]], cannot_link: vec![(2, 0)], max_cluster: None };
    let mut clustering = Clustering::new(5, guards).unwrap();
    let found = clustering.must_link(&[(4, 3), (2, 1), (0, 1)]).unwrap();
    let chain = Contradiction { must_link: (1, 2), against: Refusal::CannotLink { left: 0, right: 2 } };
    let ids = Contradiction { must_link: (3, 4), against: Refusal::UniqueId { column: 0, left: 3, right: 4 } };
    assert_eq!(found, [chain, ids]);
}

#[test]
fn a_cluster_that_is_too_large_is_dissolved_down_to_its_must_links() {
    let guards = Guards { max_cluster: Some(3), ..Guards::default() };
    let mut clustering = Clustering::new(8, guards).unwrap();
    assert_eq!(clustering.must_link(&[(1, 3)]).unwrap(), []);
    clustering.pairs([(0, 1), (1, 2), (2, 0), (4, 5), (5, 6)].map(|(a, b)| Edge::new(a, b, 0, 0)).to_vec()).unwrap();
    let clusters = clustering.finish();
    assert_eq!(clusters.root, [0, 1, 2, 1, 4, 4, 4, 7]);
    assert_eq!(clusters.quarantined, [Quarantine { records: vec![0, 1, 2, 3] }]);
    let why = Refusal::Oversized { records: 4 };
    assert_eq!(clusters.refused, [(Edge::new(0, 1, 0, 0), why), (Edge::new(0, 2, 0, 0), why)]);
    assert_eq!(clusters.refused_edges, 2);
    assert_eq!(clusters.used.len(), 3);
}

#[test]
fn must_links_alone_may_be_as_many_as_somebody_wanted() {
    let guards = Guards { max_cluster: Some(2), ..Guards::default() };
    let mut clustering = Clustering::new(3, guards).unwrap();
    assert_eq!(clustering.must_link(&[(0, 1), (1, 2)]).unwrap(), []);
    let clusters = clustering.finish();
    assert_eq!((clusters.root, clusters.quarantined), (vec![0, 0, 0], vec![]));
}

#[test]
fn what_cannot_be_is_an_internal_error() {
    assert!(Clustering::new(2, unique(&[1])).is_err());
    assert!(Clustering::new(2, apart(&[(0, 2)])).is_err());
    assert!(Clustering::new(2, apart(&[(1, 1)])).is_err());
    let mut clustering = Clustering::new(2, Guards::default()).unwrap();
    assert!(clustering.pairs(vec![Edge::new(0, 2, 0, 0)]).is_err());
    let mut linker = KeyLinker::default();
    [0, 5].iter().for_each(|record| linker.push(*record, 1));
    assert!(clustering.keys(0, 0, &linker.finish(9)).is_err());
    clustering.pairs(vec![Edge::new(0, 1, 3, 0)]).unwrap();
    assert!(clustering.pairs(vec![Edge::new(0, 1, 2, 0)]).is_err());
    assert!(clustering.must_link(&[(0, 1)]).is_err());
}

#[test]
fn no_records_are_no_clusters() {
    let clusters = Clustering::new(0, Guards { max_cluster: Some(1), ..Guards::default() }).unwrap().finish();
    assert_eq!((clusters.root.len(), clusters.used.len(), clusters.refused.len()), (0, 0, 0));
}
