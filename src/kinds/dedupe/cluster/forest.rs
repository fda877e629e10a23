//! The edges that hold clusters together, walked: why two records are one.

use super::edges::Edge;

/// No edge.
const NONE: u32 = u32::MAX;

/// The edges of [`super::Clusters::used`] by record: 12 bytes a record beside the edges.
///
/// They are a forest, so between two records of a cluster there is one path. It is the strongest
/// chain of evidence there is: any other has an edge at least as weak as the weakest of this one.
pub struct Forest<'a> {
    edges: &'a [Edge],
    /// By record the last of the edges that touch it.
    last: Vec<u32>,
    /// By edge the one before it that touches its one end, and the one that touches its other end.
    before: Vec<[u32; 2]>,
}

impl<'a> Forest<'a> {
    /// The forest of these edges over the records `0..records`; edges of other records are left out.
    pub fn new(records: u32, used: &'a [Edge]) -> Self {
        let mut last = vec![NONE; records as usize];
        let before = (0u32..).zip(used).map(|(at, edge)| {
            if edge.b >= records {
                return [NONE; 2];
            }
            [edge.a, edge.b].map(|end| std::mem::replace(&mut last[end as usize], at))
        });
        let before = before.collect();
        Self { edges: used, last, before }
    }

    /// The edges on the way from one record to another, in its order: empty from a record to itself,
    /// none if they are in different clusters.
    pub fn path(&self, from: u32, to: u32) -> Option<Vec<Edge>> {
        // Walked from the end, so that the steps back from `from` are in order.
        let mut back: Vec<(u32, u32)> = vec![(to, NONE)];
        let mut at = 0;
        while let Some(&(record, by)) = back.get(at) {
            if record == from {
                break;
            }
            back.extend(self.around(record, by));
            at += 1;
        }
        let mut path = Vec::new();
        let mut step = *back.get(at)?;
        while let Some(edge) = self.edge(step.1) {
            path.push(*edge);
            let towards = other(edge, step.0);
            step = *back.iter().find(|(record, _)| *record == towards)?;
        }
        Some(path)
    }

    /// For every record the position, among the edges, of the first one on its way to the goal of its
    /// cluster, its anchor: the edge that linked it. None for goals, and for clusters without one.
    pub fn towards(&self, goals: impl IntoIterator<Item = u32>) -> Vec<Option<u32>> {
        let mut linked = vec![NONE; self.last.len()];
        let mut open: Vec<(u32, u32)> = Vec::new();
        for goal in goals {
            open.push((goal, NONE));
            while let Some((record, by)) = open.pop() {
                if let Some(edge) = linked.get_mut(record as usize) {
                    *edge = by;
                }
                open.extend(self.around(record, by));
            }
        }
        linked.into_iter().map(|edge| (edge != NONE).then_some(edge)).collect()
    }

    /// The neighbours of a record and the edges to them, but for the edge that led here.
    fn around(&self, record: u32, by: u32) -> impl Iterator<Item = (u32, u32)> {
        let last = self.last.get(record as usize).copied();
        let before = move |at: &u32| {
            let end = usize::from(self.edge(*at)?.b == record);
            self.before.get(*at as usize)?.get(end).copied()
        };
        let touching = std::iter::successors(last, before).take_while(|at| *at != NONE).filter(move |at| *at != by);
        touching.filter_map(move |at| Some((other(self.edge(at)?, record), at)))
    }

    fn edge(&self, at: u32) -> Option<&Edge> {
        self.edges.get(at as usize)
    }
}

fn other(edge: &Edge, record: u32) -> u32 {
    if edge.a == record { edge.b } else { edge.a }
}
