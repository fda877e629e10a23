//! Clusters with their records.

use super::records::Records;

/// Clusters by number, in the order of their smallest record.
#[derive(Debug)]
pub(super) struct Groups {
    /// By record, its cluster.
    cluster: Vec<u32>,
    /// By cluster, where its records begin among those of all clusters; one more at the end.
    starts: Vec<u32>,
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
        starts.push(next);
        Self { cluster, starts }
    }

    /// How many clusters there are.
    pub(super) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// The cluster of a record.
    pub(super) fn of(&self, record: u32) -> u32 {
        self.cluster.get(record as usize).copied().unwrap_or(0)
    }

    /// How many records a cluster has.
    pub(super) fn size(&self, cluster: usize) -> usize {
        match self.starts.get(cluster..cluster + 2) {
            Some([start, end]) => (end - start) as usize,
            _ => 0,
        }
    }

    /// How many records each cluster has.
    pub(super) fn sizes(&self) -> impl Iterator<Item = usize> {
        self.starts.windows(2).map(|ends| match ends {
            [start, end] => (end - start) as usize,
            _ => 0,
        })
    }

    /// Cuts what is there for the records of all clusters, cluster after cluster.
    pub(super) fn cut<'a, T>(&'a self, of_records: &'a [T]) -> impl Iterator<Item = &'a [T]> {
        let mut rest = of_records;
        self.sizes().map(move |size| {
            let (own, others) = rest.split_at_checked(size).unwrap_or_default();
            rest = others;
            own
        })
    }

    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        4 * (self.cluster.capacity() + self.starts.capacity())
    }
}

/// What is asked of the records of a cluster one after the other. Records of a cluster lie scattered: they are looked
/// up once and stand side by side then. Packed, because there are as many as records: 28 bytes instead of 32.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C, packed(4))]
pub(super) struct Member {
    pub(super) record: u32,
    /// Where its values lie.
    pub(super) row: u32,
    /// As an index into the systems of the work.
    pub(super) system: u16,
    /// See [`super::columns::NEVER`].
    pub(super) updated: i64,
    /// See [`super::columns::UNKNOWN`].
    pub(super) created: i64,
}

/// The records of all clusters, cluster after cluster, those of one ascending.
pub(super) fn members(groups: &Groups, records: &Records) -> Vec<Member> {
    let mut free = groups.starts.clone();
    let mut members = vec![Member::default(); groups.cluster.len()];
    for (record, number) in (0u32..).zip(&groups.cluster) {
        let Some(slot) = free.get_mut(*number as usize) else { continue };
        if let Some(member) = members.get_mut(*slot as usize) {
            let (row, system) = (records.row(record), records.system(record));
            *member =
                Member { record, row, system, updated: records.updated(record), created: records.created(record) };
        }
        *slot += 1;
    }
    members
}
