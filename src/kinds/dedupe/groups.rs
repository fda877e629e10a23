//! Clusters with their records.

/// Clusters by number, in the order of their smallest record.
#[derive(Debug)]
pub(super) struct Groups {
    /// By record, its cluster.
    cluster: Vec<u32>,
    /// By cluster, where its records begin in `members`; one more at the end.
    starts: Vec<u32>,
    /// Records by cluster, ascending.
    members: Vec<u32>,
}

impl Groups {
    /// From the root of every record, which is the smallest record of its cluster.
    pub(super) fn new(root: &[u32]) -> Self {
        let mut cluster = Vec::with_capacity(root.len());
        let mut sizes: Vec<u32> = Vec::new();
        for (record, root) in root.iter().enumerate() {
            // The root comes before all others of its cluster.
            let number = match cluster.get(*root as usize) {
                Some(number) if (*root as usize) < record => *number,
                _ => {
                    sizes.push(0);
                    (sizes.len() - 1) as u32
                }
            };
            if let Some(size) = sizes.get_mut(number as usize) {
                *size += 1;
            }
            cluster.push(number);
        }
        let mut starts = Vec::with_capacity(sizes.len() + 1);
        let mut next = 0;
        for size in sizes {
            starts.push(next);
            next += size;
        }
        let mut free = starts.clone();
        starts.push(next);
        let mut members = vec![0; root.len()];
        for (record, number) in (0u32..).zip(&cluster) {
            let Some(slot) = free.get_mut(*number as usize) else { continue };
            if let Some(member) = members.get_mut(*slot as usize) {
                *member = record;
            }
            *slot += 1;
        }
        Self { cluster, starts, members }
    }

    /// How many clusters there are.
    pub(super) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// The cluster of a record.
    pub(super) fn of(&self, record: u32) -> u32 {
        self.cluster.get(record as usize).copied().unwrap_or(0)
    }

    /// The records of a cluster, ascending.
    pub(super) fn members(&self, cluster: usize) -> &[u32] {
        let ends = self.starts.get(cluster).zip(self.starts.get(cluster + 1));
        ends.and_then(|(start, end)| self.members.get(*start as usize..*end as usize)).unwrap_or_default()
    }

    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        4 * (self.cluster.capacity() + self.starts.capacity() + self.members.capacity())
    }
}
