//! Which records are connected so far.

/// Connected components over the ordinals `0..n`, at 4 bytes a record.
///
/// The smaller root wins every union, so the root of a component is its smallest ordinal whatever the
/// order of the unions. Paths are halved as they are walked, which bounds n operations by
/// O(n log n); in practice a path has two or three steps.
#[derive(Debug, Clone)]
pub struct UnionFind {
    parent: Vec<u32>,
}

impl UnionFind {
    /// Every record alone.
    pub fn new(records: u32) -> Self {
        Self { parent: (0..records).collect() }
    }

    /// The smallest ordinal that `record` is connected with. One that is not among `0..n` is alone.
    pub fn find(&mut self, record: u32) -> u32 {
        let mut at = record;
        loop {
            let parent = self.parent_of(at);
            if parent == at {
                return at;
            }
            let above = self.parent_of(parent);
            if let Some(slot) = self.parent.get_mut(at as usize) {
                *slot = above;
            }
            at = above;
        }
    }

    /// Connects the components of two records; false if they were one already.
    pub fn union(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.find(a), self.find(b));
        if a != b {
            self.join(a.min(b), a.max(b));
        }
        a != b
    }

    /// Hangs the root `gone` under the root `root`, which must be the smaller.
    pub(super) fn join(&mut self, root: u32, gone: u32) {
        debug_assert!(root < gone);
        if let Some(slot) = self.parent.get_mut(gone as usize) {
            *slot = root;
        }
    }

    /// The root of every record.
    pub fn into_roots(mut self) -> Vec<u32> {
        // A parent is smaller than its child, so it already names its root when the child is reached.
        for record in 0..self.parent.len() {
            let parent = self.parent[record];
            self.parent[record] = self.parent[parent as usize];
        }
        self.parent
    }

    fn parent_of(&self, record: u32) -> u32 {
        self.parent.get(record as usize).copied().unwrap_or(record)
    }
}
