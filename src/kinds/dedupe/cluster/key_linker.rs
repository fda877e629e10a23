//! An exact rule: records that share a key are one, unless too many share it.

use std::cmp::Reverse;

/// One key of one record. Packed, because there are as many as records: 20 bytes instead of 32.
#[derive(Debug, Clone, Copy)]
#[repr(C, packed(4))]
struct Entry {
    key: u128,
    record: u32,
}

/// Gathers the keys of one exact rule, in any order, and says which records share one.
///
/// Holds 20 bytes a key of a record; [`KeyLinker::finish`] sorts in place. A record may have several
/// keys, and the same one twice.
#[derive(Debug, Clone, Default)]
pub struct KeyLinker {
    entries: Vec<Entry>,
}

/// The records of every shared key, at 4 bytes a record and 8 a key; the keys that only one record
/// has are gone.
#[derive(Debug, Clone, Default)]
pub struct KeyLinks {
    members: Vec<u32>,
    /// Where each group lies in `members`; ordered by what lies there.
    groups: Vec<(u32, u32)>,
    /// The keys that too many records share, most shared first: reported, not linked.
    pub crowded: Vec<CrowdedKey>,
}

/// A key that more records share than may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrowdedKey {
    /// The hash of the key.
    pub key: u128,
    /// How many records share it.
    pub records: u32,
    /// The smallest ordinal among them, whose key can be shown in words.
    pub first: u32,
}

impl KeyLinker {
    /// An empty linker with room for this many keys, so that it never grows by copying.
    pub fn with_capacity(keys: usize) -> Self {
        Self { entries: Vec::with_capacity(keys) }
    }

    /// `record` has the key with this hash; a record without a key is not pushed.
    pub fn push(&mut self, record: u32, key: u128) {
        self.entries.push(Entry { key, record });
    }

    /// Takes the keys that another linker of the same rule gathered.
    pub fn append(&mut self, mut other: Self) {
        self.entries.append(&mut other.entries);
    }

    /// How many keys were pushed.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no key was pushed.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The groups of records that share a key, of those keys that at most `max_records_per_key`
    /// records share.
    pub fn finish(mut self, max_records_per_key: u32) -> KeyLinks {
        self.entries.sort_unstable_by_key(|entry| (entry.key, entry.record));
        let mut links = KeyLinks::default();
        for run in self.entries.chunk_by(|left, right| left.key == right.key) {
            links.take(run, max_records_per_key);
        }
        drop(self.entries);
        links.order();
        links
    }
}

impl KeyLinks {
    /// Records that share a key: at least two, ascending. Groups come in the order of their members,
    /// so that neither hash nor order of arrival shows in what is made of them; two keys that the
    /// same records share are one group.
    pub fn groups(&self) -> impl Iterator<Item = &[u32]> {
        self.groups.iter().map(|&group| slice(&self.members, group))
    }

    /// Takes the records of one key, sorted.
    fn take(&mut self, run: &[Entry], max_records_per_key: u32) {
        let [first, .., last] = run else { return };
        if first.record == last.record {
            return;
        }
        let start = self.members.len();
        for entry in run {
            let record = entry.record;
            if self.members.len() == start || self.members.last() != Some(&record) {
                self.members.push(record);
            }
        }
        let records = (self.members.len() - start) as u32;
        if records > max_records_per_key {
            self.members.truncate(start);
            self.crowded.push(CrowdedKey { key: first.key, records, first: first.record });
        } else {
            self.groups.push((start as u32, self.members.len() as u32));
        }
    }

    fn order(&mut self) {
        let members = &self.members;
        self.groups.sort_unstable_by(|left, right| slice(members, *left).cmp(slice(members, *right)));
        self.groups.dedup_by(|left, right| slice(members, *left) == slice(members, *right));
        self.crowded.sort_unstable_by_key(|crowded| (Reverse(crowded.records), crowded.first, crowded.key));
    }
}

fn slice(members: &[u32], (start, end): (u32, u32)) -> &[u32] {
    members.get(start as usize..end as usize).unwrap_or_default()
}
