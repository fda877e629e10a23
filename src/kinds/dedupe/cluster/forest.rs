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
    /// Where the edges of each record start in `touching`; one longer than there are records.
    starts: Vec<u32>,
    touching: Vec<u32>,
}

impl<'a> Forest<'a> {
    /// The forest of these edges over the records `0..records`; edges of other records are left out.
    pub fn new(records: u32, used: &'a [Edge]) -> Self {
        let mut starts = vec![0_u32; records as usize + 1];
        let inside = |edge: &Edge| edge.b < records;
        for edge in used.iter().filter(|edge| inside(edge)) {
            starts[edge.a as usize + 1] += 1;
            starts[edge.b as usize + 1] += 1;
        }
        for record in 0..records as usize {
            starts[record + 1] += starts[record];
        }
        let mut next = starts.clone();
        let mut touching = vec![NONE; starts.last().copied().unwrap_or_default() as usize];
        for (at, edge) in used.iter().enumerate().filter(|(_, edge)| inside(edge)) {
            for end in [edge.a, edge.b] {
                touching[next[end as usize] as usize] = at as u32;
                next[end as usize] += 1;
            }
        }
        Self { edges: used, starts, touching }
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
        let mut linked = vec![NONE; self.starts.len() - 1];
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
        let start = self.starts.get(record as usize).copied().unwrap_or_default() as usize;
        let end = self.starts.get(record as usize + 1).map_or(start, |end| *end as usize);
        let touching = self.touching.get(start..end).unwrap_or_default();
        let others = touching.iter().filter(move |edge| **edge != by);
        others.filter_map(move |at| Some((other(self.edge(*at)?, record), *at)))
    }

    fn edge(&self, at: u32) -> Option<&Edge> {
        self.edges.get(at as usize)
    }
}

fn other(edge: &Edge, record: u32) -> u32 {
    if edge.a == record { edge.b } else { edge.a }
}
