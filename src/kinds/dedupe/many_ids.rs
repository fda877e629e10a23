//! Keys of many people: such as the address of an office, which its contacts share.

use super::cluster::{CrowdedKey, KeyLinks};

/// More different values of a unique id than the records of one key may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ManyIds {
    /// The unique id, by its place.
    pub(super) unique: u16,
    /// How many different values there are.
    pub(super) values: u32,
}

/// Takes the keys out whose records have more than `most` different values of one of the unique ids; most values
/// first, then by the records.
///
/// Guards refuse the links between two of those values, but not those that lead from one of them to a record
/// without any: of an address that many share, a lead would go to whichever contact comes first.
pub(super) fn leave_out(links: &mut KeyLinks, unique_ids: &[&[u64]], most: u32) -> Vec<(CrowdedKey, ManyIds)> {
    let mut left_out = links.leave_out(|records| found(records, unique_ids, most));
    left_out.sort_by_key(|(key, found)| (std::cmp::Reverse(found.values), key.first));
    left_out
}

/// The unique id of which these records have most different values, where these are more than `most`.
pub(super) fn found(records: &[u32], unique_ids: &[&[u64]], most: u32) -> Option<ManyIds> {
    if records.len() <= most as usize {
        return None;
    }
    let counts = (0u16..).zip(unique_ids).map(|(unique, ids)| ManyIds { unique, values: different(records, ids) });
    counts.filter(|found| found.values > most).min_by_key(|found| (std::cmp::Reverse(found.values), found.unique))
}

/// How many different values these records have; 0 is none.
fn different(records: &[u32], ids: &[u64]) -> u32 {
    let mut values: Vec<u64> = records.iter().filter_map(|record| ids.get(*record as usize).copied()).collect();
    values.retain(|value| *value != 0);
    values.sort_unstable();
    values.dedup();
    values.len() as u32
}
