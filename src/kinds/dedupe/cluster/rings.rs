//! The records of each cluster, while clusters grow.

/// Every record with the next one of its cluster, round and round: 4 bytes a record.
pub(super) struct Rings {
    next: Vec<u32>,
}

impl Rings {
    /// The clusters of these roots, one for each record, of which none is greater than its record.
    pub(super) fn new(roots: impl Iterator<Item = u32>) -> Self {
        let mut rings = Self { next: Vec::new() };
        for (record, root) in (0u32..).zip(roots) {
            rings.next.push(record);
            if root < record {
                rings.join(root, record);
            }
        }
        rings
    }

    /// Makes the clusters of two records, which are different ones, one.
    pub(super) fn join(&mut self, a: u32, b: u32) {
        if a.max(b) < self.next.len() as u32 {
            self.next.swap(a as usize, b as usize);
        }
    }

    /// The records of a record's cluster, itself first.
    pub(super) fn of(&self, record: u32) -> impl Iterator<Item = u32> {
        let next = move |at: &u32| self.next.get(*at as usize).copied().filter(|next| *next != record);
        std::iter::successors(Some(record), next)
    }
}
