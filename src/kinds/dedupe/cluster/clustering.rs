//! Records and edges → clusters: the strongest edges first, and never against a guard.

use super::edges::Edge;
use super::guard::{Guard, Guards, Refusal};
use super::key_linker::KeyLinks;
use super::rings::Rings;
use super::union_find::UnionFind;
use crate::error::{Error, Result};

/// How many refused edges are kept: the strongest. The others are counted.
pub const MAX_REFUSED: usize = 1_000_000;

/// How many pairs of records of two clusters are judged at most.
pub const MOST_JUDGED: usize = 10_000;

/// What two records weigh that are not one; nothing where they may be.
pub type Judge<'a> = dyn Fn(u32, u32) -> Option<i32> + 'a;

/// Clusters in the making: a maximum spanning forest, after Kruskal.
///
/// Edges are taken strongest first, and one that would join two clusters that a guard keeps apart is
/// refused. So of every path between two records that must not meet, the weakest edge is cut, and
/// only it. Without guards on pairs this is a plain union–find over the stream.
///
/// Memory: 4 bytes a record, 16 an edge of the forest (there are fewer of them than records), 9 a
/// record while large clusters are looked for, 4 while edges are judged; 12 more a record and unique column.
/// Edges come rule by rule, so that one rule's keys or pairs are let go before the next one's are taken.
pub struct Clustering {
    records: u32,
    union: UnionFind,
    guard: Option<Guard>,
    max_cluster: Option<u32>,
    used: Vec<Edge>,
    refused: Vec<(Edge, Refusal)>,
    refused_edges: u64,
    /// The rank of the last edge taken, to hold callers to the order of rules.
    rank: u16,
}

/// Which records are one, and by which edges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clusters {
    /// For every record the smallest ordinal of its cluster.
    pub root: Vec<u32>,
    /// The edges that hold the clusters together, strongest rule first: a forest, one edge fewer
    /// than a cluster has records.
    pub used: Vec<Edge>,
    /// The edges that a guard refused, strongest rule first, then those of dissolved clusters; at
    /// most [`MAX_REFUSED`]. An edge inside a cluster is neither used nor refused.
    pub refused: Vec<(Edge, Refusal)>,
    /// How many edges were refused in all.
    pub refused_edges: u64,
    /// The clusters that grew too large and were dissolved, by their smallest ordinal.
    pub quarantined: Vec<Quarantine>,
}

/// A cluster that grew too large: each of its records stands alone, but for must-links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantine {
    /// Its records, ascending.
    pub records: Vec<u32>,
}

/// A declared must-link pair that something else declared forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Contradiction {
    /// The must-link pair, smaller ordinal first. Stronger pairs may be part of the chain.
    pub must_link: (u32, u32),
    /// What forbids it, and which two records are concerned; never [`Refusal::Oversized`].
    pub against: Refusal,
}

impl Clustering {
    /// Records `0..records`, each alone.
    ///
    /// # Errors
    /// Internal, if a guard speaks of a record that is not there.
    pub fn new(records: u32, guards: Guards) -> Result<Self> {
        let Guards { unique_ids, cannot_link, max_cluster } = guards;
        if unique_ids.iter().any(|column| column.len() != records as usize) {
            return Err(Error::internal("a unique id has more or fewer values than there are records"));
        }
        if cannot_link.iter().any(|&(a, b)| a.max(b) >= records || a == b) {
            return Err(Error::internal("a cannot-link pair is not of two records that are there"));
        }
        Ok(Self {
            records,
            union: UnionFind::new(records),
            guard: Guard::new(unique_ids, &cannot_link),
            max_cluster,
            // Room that is not filled is not memory: growing by copying would need twice as much.
            used: Vec::with_capacity(records as usize),
            refused: Vec::new(),
            refused_edges: 0,
            rank: 0,
        })
    }

    /// The hashes of unique ids by column, 0 where a record has no value.
    pub fn unique_ids(&self) -> Vec<&[u64]> {
        self.guard.as_ref().map(Guard::unique_ids).unwrap_or_default()
    }

    /// Links declared pairs, before any rule. What comes back are the pairs that contradict a guard
    /// or, through it, each other; they are not linked.
    ///
    /// # Errors
    /// Internal, if a pair names a record that is not there or rules were taken already.
    pub fn must_link(&mut self, pairs: &[(u32, u32)]) -> Result<Vec<Contradiction>> {
        let mut edges: Vec<Edge> = pairs.iter().map(|&(a, b)| Edge::must_link(a, b)).collect();
        edges.sort_unstable();
        let mut contradictions = Vec::new();
        for edge in edges {
            self.in_turn(&edge)?;
            if let Err(against) = self.link(edge) {
                contradictions.push(Contradiction { must_link: (edge.a, edge.b), against });
            }
        }
        Ok(contradictions)
    }

    /// Takes the scored pairs of a rule, or of several, in any order; every pair of the rules before
    /// must have been taken.
    ///
    /// # Errors
    /// Internal, if an edge names a record that is not there or comes after a weaker rule.
    pub fn pairs(&mut self, mut edges: Vec<Edge>) -> Result<()> {
        edges.sort_unstable();
        for edge in edges {
            self.in_turn(&edge)?;
            self.offer(edge);
        }
        Ok(())
    }

    /// As [`Clustering::pairs`]; and where an edge would join clusters of which any two records are not one by what
    /// `judge` says of them, it is refused.
    ///
    /// The time an edge takes grows with the product of its clusters' records. Clusters that would be dissolved
    /// as too large are not looked through, nor those of more than [`MOST_JUDGED`] pairs.
    ///
    /// # Errors
    /// As [`Clustering::pairs`].
    pub fn judged_pairs(&mut self, mut edges: Vec<Edge>, judge: &Judge<'_>) -> Result<()> {
        edges.sort_unstable();
        let mut rings = Rings::new((0..self.records).map(|record| self.union.find(record)));
        for edge in edges {
            self.in_turn(&edge)?;
            let (left, right) = (self.union.find(edge.a), self.union.find(edge.b));
            if left == right {
                continue;
            }
            match self.refusal(left, right).or_else(|| self.judged(&rings, &edge, judge)) {
                Some(refusal) => note(&mut self.refused, &mut self.refused_edges, edge, refusal),
                None => {
                    self.join(left, right, edge);
                    rings.join(edge.a, edge.b);
                }
            }
        }
        Ok(())
    }

    /// What a judge has against an edge: the pair of records that weighs least.
    fn judged(&self, rings: &Rings, edge: &Edge, judge: &Judge<'_>) -> Option<Refusal> {
        // Of a cluster that is too large anyway no more is walked through than shows that.
        let most = self.max_cluster.map_or(MOST_JUDGED, |most| MOST_JUDGED.min(most as usize));
        let records = |of: u32| rings.of(of).take(most + 1).collect::<Vec<u32>>();
        let (left, right) = (records(edge.a), records(edge.b));
        let pairs = left.len() * right.len();
        if pairs == 1 || pairs > MOST_JUDGED || left.len() + right.len() > most {
            return None;
        }
        let pairs = left.iter().flat_map(|left| right.iter().map(move |right| (*left, *right)));
        let against = pairs.filter_map(|(left, right)| Some((judge(left, right)?, left, right))).min();
        against.map(|(weight_millibits, left, right)| Refusal::Judged { left, right, weight_millibits })
    }

    /// Takes the keys of an exact rule: every two records that share a key are an edge. The order
    /// within the rule is by group of records, then by pair. The time a group takes grows with its
    /// records, and with their square where a guard parts it.
    ///
    /// # Errors
    /// Internal, if a group names a record that is not there or comes after a weaker rule.
    pub fn keys(&mut self, rule: u16, weight_millibits: i32, links: &KeyLinks) -> Result<()> {
        for group in links.groups() {
            let [first, others @ .., last] = group else { continue };
            self.in_turn(&Edge::new(*first, *last, rule, weight_millibits))?;
            let mut whole = true;
            for other in others.iter().chain([last]) {
                whole &= self.offer(Edge::new(*first, *other, rule, weight_millibits));
            }
            if !whole {
                self.remaining_pairs(others, *last, rule, weight_millibits);
            }
        }
        Ok(())
    }

    /// The pairs of a group that its first record has no part in. They only matter where a guard
    /// parted the group: records that cannot be with the first may still be with each other.
    fn remaining_pairs(&mut self, others: &[u32], last: u32, rule: u16, weight_millibits: i32) {
        for (at, a) in others.iter().enumerate() {
            for b in others.iter().skip(at + 1).chain([&last]) {
                self.offer(Edge::new(*a, *b, rule, weight_millibits));
            }
        }
    }

    /// The clusters. Those that are too large are dissolved down to their must-links.
    pub fn finish(self) -> Clusters {
        let mut clusters = Clusters {
            root: self.union.into_roots(),
            used: self.used,
            refused: self.refused,
            refused_edges: self.refused_edges,
            quarantined: Vec::new(),
        };
        if let Some(max_cluster) = self.max_cluster {
            clusters.quarantine(max_cluster);
        }
        clusters
    }

    fn in_turn(&mut self, edge: &Edge) -> Result<()> {
        if edge.b >= self.records {
            return Err(Error::internal(format!("an edge names record {} of {}", edge.b, self.records)));
        }
        if edge.rank() < self.rank {
            return Err(Error::internal(format!("an edge of rule {} comes after weaker rules", edge.rule)));
        }
        self.rank = edge.rank();
        Ok(())
    }

    /// True if the edge's records are in one cluster now.
    fn offer(&mut self, edge: Edge) -> bool {
        let linked = self.link(edge);
        if let Err(refusal) = linked {
            note(&mut self.refused, &mut self.refused_edges, edge, refusal);
        }
        linked.is_ok()
    }

    fn link(&mut self, edge: Edge) -> std::result::Result<(), Refusal> {
        let (left, right) = (self.union.find(edge.a), self.union.find(edge.b));
        if left == right {
            return Ok(());
        }
        if let Some(refusal) = self.refusal(left, right) {
            return Err(refusal);
        }
        self.join(left, right, edge);
        Ok(())
    }

    /// What the guards have against making the clusters of two roots one.
    fn refusal(&mut self, left: u32, right: u32) -> Option<Refusal> {
        self.guard.as_ref()?.refusal(&mut self.union, left, right)
    }

    fn join(&mut self, left: u32, right: u32, edge: Edge) {
        let (root, gone) = (left.min(right), left.max(right));
        if let Some(guard) = &mut self.guard {
            guard.joined(root, gone);
        }
        self.union.join(root, gone);
        self.used.push(edge);
    }
}

impl Clusters {
    fn quarantine(&mut self, max_cluster: u32) {
        let mut sizes = vec![0_u32; self.root.len()];
        for root in &self.root {
            sizes[*root as usize] += 1;
        }
        if sizes.iter().all(|size| *size <= max_cluster) {
            return;
        }
        let Self { root, used, refused, refused_edges, .. } = self;
        let mut union = UnionFind::new(root.len() as u32);
        // A cluster of must-links alone is as large as somebody wanted it.
        let mut dissolved = vec![false; sizes.len()];
        used.retain(|edge| {
            let cluster = root[edge.a as usize] as usize;
            let records = sizes[cluster];
            let keep = records <= max_cluster || edge.is_must_link();
            if keep {
                union.union(edge.a, edge.b);
            } else {
                dissolved[cluster] = true;
                note(refused, refused_edges, *edge, Refusal::Oversized { records });
            }
            keep
        });
        self.quarantined = members(&self.root, &dissolved);
        self.root = union.into_roots();
    }
}

/// The records of the clusters whose root is marked, by root.
fn members(root: &[u32], marked: &[bool]) -> Vec<Quarantine> {
    let mut members: Vec<(u32, u32)> = (0..root.len() as u32)
        .map(|record| (root[record as usize], record))
        .filter(|(root, _)| marked[*root as usize])
        .collect();
    members.sort_unstable();
    let clusters = members.chunk_by(|left, right| left.0 == right.0);
    clusters.map(|cluster| Quarantine { records: cluster.iter().map(|(_, record)| *record).collect() }).collect()
}

fn note(refused: &mut Vec<(Edge, Refusal)>, count: &mut u64, edge: Edge, refusal: Refusal) {
    *count += 1;
    if refused.len() < MAX_REFUSED {
        refused.push((edge, refusal));
    }
}
