//! Blocks → candidate pairs, a range of records at a time.

use std::ops::Range;

use super::blocks::Blocks;

/// Cuts records 0..n into ranges of about `pairs` candidate pairs each, so that work can be shared
/// out. The cut depends on the blocks alone, never on the number of threads.
pub fn chunks(blocks: &[Blocks], records: usize, pairs: usize) -> Vec<Range<u32>> {
    let mut ranges = Vec::new();
    let (mut start, mut load) = (0, 0);
    for record in 0..records as u32 {
        load += 1 + blocks.iter().map(|blocks| blocks.after(record).len()).sum::<usize>();
        if load >= pairs {
            ranges.push(start..record + 1);
            (start, load) = (record + 1, 0);
        }
    }
    if (start as usize) < records {
        ranges.push(start..records as u32);
    }
    ranges
}

/// Calls `found` with every candidate pair whose smaller record is in `range`, once each, in order
/// of (a, b).
pub fn pairs_of(blocks: &[Blocks], range: Range<u32>, mut found: impl FnMut(u32, u32)) {
    let mut partners = Vec::new();
    for a in range {
        partners.clear();
        for (place, own) in blocks.iter().enumerate() {
            let earlier = blocks.get(..place).unwrap_or_default();
            partners.extend(own.after(a).iter().filter(|b| !earlier.iter().any(|blocks| blocks.share(a, **b))));
        }
        partners.sort_unstable();
        partners.iter().for_each(|b| found(a, *b));
    }
}

/// The first rule that brings a pair together.
pub fn first_rule(blocks: &[Blocks], a: u32, b: u32) -> Option<usize> {
    blocks.iter().position(|blocks| blocks.share(a, b))
}
