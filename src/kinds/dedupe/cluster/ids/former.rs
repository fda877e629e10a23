//! The ids that were published, each with the record it holds on to now.

use std::cmp::Reverse;

use uuid::Uuid;

use super::locate::{Finder, GONE, Gone, Located, locate};
use super::state::{End, Published, Records, broken, seniority};
use crate::error::Result;

/// An id that was published; 32 bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Former {
    pub(super) id: Uuid,
    /// Since when it is there.
    pub(super) since: i64,
    /// The record it holds on to now, or [`GONE`].
    pub(super) anchor: u32,
    /// The row in the crosswalk of the record it held on to when it was published.
    row: u32,
}

/// All ids that were ever published.
pub(super) struct Formers<'a> {
    pub(super) published: Published<'a>,
    /// The records of the crosswalk's rows, or [`GONE`].
    pub(super) at: Vec<u32>,
    gone: Gone,
    /// The ids of the crosswalk, ascending.
    pub(super) live: Vec<Former>,
    /// For every redirect, the record it holds on to if that is there, or [`GONE`].
    pub(super) redirected: Vec<u32>,
    /// The ids of the redirects, ascending.
    ended: Vec<Uuid>,
}

impl<'a> Formers<'a> {
    /// Reads what was published.
    ///
    /// # Errors
    /// Data, if the tables cannot be what a run published.
    pub(super) fn new(records: &dyn Records, root: &[u32], published: Published<'a>) -> Result<Self> {
        let Published { crosswalk, redirects } = published;
        let Located { at, gone } = locate(records, crosswalk)?;
        let live = live(records, root, published, &at)?;
        let mut finder = Finder::new(records);
        let redirected = redirects.iter().map(|redirect| finder.find(&redirect.anchor).unwrap_or(GONE)).collect();
        let mut ended: Vec<Uuid> = redirects.iter().map(|redirect| redirect.id).collect();
        ended.sort_unstable();
        let formers = Self { published, at, gone, live, redirected, ended };
        formers.check()?;
        Ok(formers)
    }

    /// Whether an id was ever published.
    pub(super) fn knows(&self, id: &Uuid) -> bool {
        self.find(id).is_some() || self.ended.binary_search(id).is_ok()
    }

    /// An id of the crosswalk.
    pub(super) fn find(&self, id: &Uuid) -> Option<&Former> {
        let at = self.live.binary_search_by(|former| former.id.cmp(id)).ok()?;
        self.live.get(at)
    }

    /// The key of the record that an id of the crosswalk holds on to, or held on to at last.
    pub(super) fn anchor_key(&self, records: &dyn Records, former: &Former) -> String {
        match former.anchor {
            GONE => self.gone.key(former.row).to_string(),
            anchor => records.key(anchor).to_string(),
        }
    }

    fn check(&self) -> Result<()> {
        let mut pairs = self.ended.iter().zip(self.ended.iter().skip(1));
        if let Some((id, _)) = pairs.find(|(id, next)| id == next) {
            return Err(broken(&format!("redirects the id `{id}` twice")));
        }
        if let Some(id) = self.ended.iter().find(|id| self.find(id).is_some()) {
            return Err(broken(&format!("redirects the id `{id}`, which is that of a record")));
        }
        for redirect in self.published.redirects {
            if let Some(target) = redirect.target
                && self.find(&target).is_none()
            {
                return Err(broken(&format!("redirects the id `{}` to `{target}`, which no record has", redirect.id)));
            }
            if redirect.end == End::Retired && redirect.target.is_some() {
                return Err(broken(&format!("redirects the retired id `{}`", redirect.id)));
            }
        }
        Ok(())
    }
}

/// A row of the crosswalk and its id. Packed, because there are as many as records.
#[derive(Clone, Copy)]
#[repr(C, packed(4))]
struct Row {
    id: u128,
    row: u32,
}

fn live(records: &dyn Records, root: &[u32], published: Published<'_>, at: &[u32]) -> Result<Vec<Former>> {
    let crosswalk = published.crosswalk;
    let row = |row: usize| Row { id: crosswalk.row(row).id.as_u128(), row: row as u32 };
    let mut rows: Vec<Row> = (0..crosswalk.len()).map(row).collect();
    rows.sort_unstable_by_key(|row| (row.id, row.row));
    let members = rows.chunk_by(|left, right| left.id == right.id);
    let mut remaining = Vec::new();
    let former = |rows: &[Row]| {
        let mut anchors = rows.iter().filter(|row| crosswalk.row(row.row as usize).anchor);
        let (Some(held), None) = (anchors.next(), anchors.next()) else {
            let id = rows.first().map_or(Uuid::nil(), |row| Uuid::from_u128(row.id));
            return Err(broken(&format!("does not have one anchor for the id `{id}`")));
        };
        let published = crosswalk.row(held.row as usize);
        let mut anchor = at[held.row as usize];
        if anchor == GONE {
            remaining.clear();
            remaining.extend(rows.iter().map(|row| at[row.row as usize]).filter(|ordinal| *ordinal != GONE));
            anchor = heir(records, root, &mut remaining);
        }
        Ok(Former { id: published.id, since: published.id_since, anchor, row: held.row })
    };
    members.map(former).collect()
}

/// Who takes over from an anchor that is gone: of the largest part of the records that are left (of
/// equal ones, that with the smallest key), the eldest record.
fn heir(records: &dyn Records, root: &[u32], remaining: &mut [u32]) -> u32 {
    remaining.sort_unstable_by_key(|ordinal| (root[*ordinal as usize], *ordinal));
    let parts = remaining.chunk_by(|left, right| root[*left as usize] == root[*right as usize]);
    let largest = parts.min_by_key(|part| (Reverse(part.len()), part.first().copied()));
    let eldest = largest.and_then(|part| part.iter().min_by_key(|ordinal| seniority(records, **ordinal)));
    eldest.copied().unwrap_or(GONE)
}
