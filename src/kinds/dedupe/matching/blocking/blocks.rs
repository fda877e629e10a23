//! Keys → blocks of records, capped.

use super::super::records::{NULL, Records};
use super::mask::masked;
use super::rule::{BlockRule, How, Part};
use crate::error::Result;

/// The blocks of one rule.
///
/// Takes 8 bytes a record while it is used, 16 more while it is built.
#[derive(Debug)]
pub struct Blocks {
    /// The rule they come from.
    pub rule: BlockRule,
    /// The block of each record; [`NULL`] where it is alone, has no key, or the block was skipped.
    of: Vec<u32>,
    /// Where each block ends in `members`; it starts where the one before it ends.
    ends: Vec<u32>,
    members: Vec<u32>,
    /// Pairs within blocks, also those that another rule finds first.
    pub pairs: u64,
    /// Blocks left out because they are too large, largest first; at most [`SKIPPED_NAMED`] of them.
    pub skipped: Vec<Skipped>,
    /// How many blocks were left out in all, and how many records they have.
    pub skipped_blocks: u64,
    /// See [`Blocks::skipped_blocks`].
    pub skipped_records: u64,
}

/// A block that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The key that its records share, masked; see [`masked`].
    pub key: String,
    /// How many records share it.
    pub records: u32,
    /// The first of them.
    pub first: u32,
}

/// The most skipped blocks that are named; the others are only counted.
pub const SKIPPED_NAMED: usize = 1_000;

impl Blocks {
    /// The blocks of `rule`, leaving out those of more than `cap` records.
    pub fn build(rule: &BlockRule, records: &Records, cap: u32) -> Result<Self> {
        let keys = rule.keys(records)?;
        let sorted = sorted(&keys);
        let mut blocks = Self {
            rule: rule.clone(),
            of: vec![NULL; records.len()],
            ends: Vec::new(),
            members: Vec::new(),
            pairs: 0,
            skipped: Vec::new(),
            skipped_blocks: 0,
            skipped_records: 0,
        };
        let mut large: Vec<(u32, u32)> = Vec::new();
        for group in sorted.chunk_by(|x, y| x.0 == y.0) {
            let size = group.len() as u32;
            match group.first() {
                Some((_, first)) if size > cap => large.push((size, *first)),
                Some(_) if size > 1 => blocks.push(group),
                _ => {}
            }
        }
        large.sort_unstable_by_key(|(size, first)| (std::cmp::Reverse(*size), *first));
        let named = |(size, first): &(u32, u32)| {
            // How a name sounds is nobody's name; other scripts than Latin are not shortened by it.
            let sound = |text: &str, part: &Part| part.how == How::Soundex && text.is_ascii();
            let show = |(text, part): (String, &Part)| if sound(&text, part) { text } else { masked(&text) };
            let parts: Vec<String> = rule.describe(records, *first).into_iter().zip(&rule.parts).map(show).collect();
            Skipped { key: parts.join(" · "), records: *size, first: *first }
        };
        blocks.skipped_blocks = large.len() as u64;
        blocks.skipped_records = large.iter().map(|(size, _)| u64::from(*size)).sum();
        blocks.skipped = large.iter().take(SKIPPED_NAMED).map(named).collect();
        Ok(blocks)
    }

    fn push(&mut self, group: &[(u64, u32)]) {
        let number = self.ends.len() as u32;
        for (_, record) in group {
            if let Some(of) = self.of.get_mut(*record as usize) {
                *of = number;
            }
            self.members.push(*record);
        }
        self.ends.push(self.members.len() as u32);
        let size = group.len() as u64;
        self.pairs += size * (size - 1) / 2;
    }

    /// How many blocks there are.
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// The block of a record.
    pub fn of(&self, record: u32) -> u32 {
        self.of.get(record as usize).copied().unwrap_or(NULL)
    }

    /// The records after `record` in its block.
    pub fn after(&self, record: u32) -> &[u32] {
        let number = self.of(record) as usize;
        let Some(end) = self.ends.get(number) else { return &[] };
        let start = number.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let block = self.members.get(start as usize..*end as usize).unwrap_or_default();
        block.get(block.partition_point(|member| *member <= record)..).unwrap_or_default()
    }

    /// Whether two records share a block.
    pub fn share(&self, a: u32, b: u32) -> bool {
        let block = self.of(a);
        block != NULL && block == self.of(b)
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        (self.of.len() + self.ends.len() + self.members.len()) * 4
    }
}

/// What blocks a rule would make: pairs within the cap, and records in a block of two or more within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Prediction {
    /// Pairs within blocks.
    pub pairs: u64,
    /// Records that are in a block of at least two.
    pub covered: u64,
    /// Records whose block is too large.
    pub skipped: u64,
}

/// What [`Blocks::build`] would make of `rule`.
pub fn predict(rule: &BlockRule, records: &Records, cap: u32) -> Result<Prediction> {
    let keys = rule.keys(records)?;
    let mut prediction = Prediction::default();
    for group in sorted(&keys).chunk_by(|x, y| x.0 == y.0) {
        let size = group.len() as u64;
        if size > u64::from(cap) {
            prediction.skipped += size;
        } else if size > 1 {
            prediction.covered += size;
            prediction.pairs += size * (size - 1) / 2;
        }
    }
    Ok(prediction)
}

/// Records that have a key, by key and then by record.
fn sorted(keys: &[u64]) -> Vec<(u64, u32)> {
    let mut sorted: Vec<(u64, u32)> =
        keys.iter().zip(0..).filter(|(key, _)| **key != 0).map(|(key, record)| (*key, record)).collect();
    sorted.sort_unstable();
    sorted
}
