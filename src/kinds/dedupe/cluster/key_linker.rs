//! An exact rule: records that share a key are one, unless too many share it.

use std::cmp::{Ordering, Reverse};

/// One key of one record. Packed, because there are as many as records: 20 bytes instead of 32.
#[derive(Debug, Clone, Copy)]
#[repr(C, packed(4))]
struct Entry {
    key: u128,
    record: u32,
}

/// Entries are dealt to this many shares by the first bits of their hash, as they come: small shares
/// sort twice as fast as one large array, and need no second array.
const SHARE_BITS: u32 = 10;

/// Gathers the keys of one exact rule, in any order, and says which records share one.
///
/// Holds 20 bytes a key of a record, and a few in a hundred more; [`KeyLinker::finish`] sorts in place
/// and gives them back as it goes. A record may have several keys, and the same one twice. Hashes
/// must be spread evenly, which makes the work fast, not correct.
#[derive(Debug, Clone)]
pub struct KeyLinker {
    shares: Vec<Vec<Entry>>,
}

/// The records of every shared key, at 4 bytes a record and 12 a key; the keys that only one record
/// has are gone.
#[derive(Debug, Clone, Default)]
pub struct KeyLinks {
    members: Vec<u32>,
    groups: Vec<Group>,
    /// The keys that too many records share, most shared first: reported, not linked.
    pub crowded: Vec<CrowdedKey>,
}

/// Where a group lies in the members.
#[derive(Debug, Clone, Copy)]
struct Group {
    /// Its smallest record, at hand because groups are sorted by it.
    first: u32,
    start: u32,
    end: u32,
}

impl Group {
    fn of(self, members: &[u32]) -> &[u32] {
        members.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    fn compare(self, other: Self, members: &[u32]) -> Ordering {
        self.first.cmp(&other.first).then_with(|| self.of(members).cmp(other.of(members)))
    }
}

/// A key that more records share than may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrowdedKey {
    /// The hash of the key; 0 where several keys have the same records.
    pub key: u128,
    /// How many records share it.
    pub records: u32,
    /// The smallest ordinal among them, whose key can be shown in words.
    pub first: u32,
}

impl Default for KeyLinker {
    fn default() -> Self {
        Self::with_capacity(0)
    }
}

impl KeyLinker {
    /// What it holds at most for a key of a record, to be reserved beforehand.
    pub const BYTES_PER_KEY: usize = 24;

    /// An empty linker with room for this many keys, so that it seldom grows by copying.
    pub fn with_capacity(keys: usize) -> Self {
        let even = keys >> SHARE_BITS;
        // Five standard deviations: hardly any share of evenly spread hashes is larger.
        let room = if even == 0 { 0 } else { even + 5 * even.isqrt() };
        Self { shares: (0..1 << SHARE_BITS).map(|_| Vec::with_capacity(room)).collect() }
    }

    /// `record` has the key with this hash; a record without a key is not pushed.
    pub fn push(&mut self, record: u32, key: u128) {
        if let Some(share) = self.shares.get_mut((key >> (u128::BITS - SHARE_BITS)) as usize) {
            share.push(Entry { key, record });
        }
    }

    /// Takes the keys that another linker of the same rule gathered.
    pub fn append(&mut self, mut other: Self) {
        for (share, more) in self.shares.iter_mut().zip(&mut other.shares) {
            share.append(more);
        }
    }

    /// How many keys were pushed.
    pub fn len(&self) -> usize {
        self.shares.iter().map(Vec::len).sum()
    }

    /// Whether no key was pushed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The groups of records that share a key, of those keys that at most `max_records_per_key`
    /// records share.
    pub fn finish(self, max_records_per_key: u32) -> KeyLinks {
        let mut links = KeyLinks::default();
        for mut share in self.shares {
            share.sort_unstable_by_key(|entry| entry.key);
            for run in share.chunk_by_mut(|left, right| left.key == right.key) {
                if run.len() > 1 {
                    run.sort_unstable_by_key(|entry| entry.record);
                    links.take(run, max_records_per_key);
                }
            }
        }
        links.order();
        links
    }
}

impl KeyLinks {
    /// Records that share a key: at least two, ascending. Groups come in the order of their members,
    /// so that neither hash nor order of arrival shows in what is made of them; two keys that the
    /// same records share are one group.
    pub fn groups(&self) -> impl Iterator<Item = &[u32]> {
        self.groups.iter().map(|group| group.of(&self.members))
    }

    /// Leaves out the keys whose records this finds fault with; what it says of them comes back, in the order
    /// of groups.
    pub fn leave_out<F>(&mut self, fault: impl Fn(&[u32]) -> Option<F>) -> Vec<(CrowdedKey, F)> {
        let members = &self.members;
        let mut left_out = Vec::new();
        self.groups.retain(|group| {
            let records = group.of(members);
            let Some(fault) = fault(records) else { return true };
            let key = CrowdedKey { key: 0, records: records.len() as u32, first: group.first };
            left_out.push((key, fault));
            false
        });
        left_out
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
            self.groups.push(Group { first: first.record, start: start as u32, end: self.members.len() as u32 });
        }
    }

    fn order(&mut self) {
        let members = &self.members;
        self.groups.sort_unstable_by(|left, right| left.compare(*right, members));
        self.groups.dedup_by(|left, right| left.compare(*right, members) == Ordering::Equal);
        self.crowded.sort_unstable_by_key(|crowded| (Reverse(crowded.records), crowded.first, crowded.key));
    }
}
