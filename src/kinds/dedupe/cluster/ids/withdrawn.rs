//! Ids of releases that were taken back: they stay known, and lead to where their anchors are.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::locate::Finder;
use super::state::{End, Published, Records, Redirect};

/// An id as a release had it that was taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawn {
    /// The id.
    pub id: Uuid,
    /// How many releases that were taken back are newer.
    pub age: u32,
    /// The key of the record it held on to.
    pub anchor: String,
    /// How it had come to its end; none where it lived.
    pub end: Option<End>,
    /// The id it led to, where it had come to its end.
    pub target: Option<Uuid>,
    /// Since when the id was there, in microseconds.
    pub id_since: i64,
}

/// What is to be added to the redirects that were published: the ids that only releases know that were taken
/// back, each as the newest of them has it.
///
/// One that lived there is retired: nothing took its place, so that it may return with its anchor. One that
/// had been merged stays so, and holds on to the record of the id it led to where its own is gone.
pub fn withdrawn(
    records: &dyn Records,
    published: Published<'_>,
    mut withdrawn: Vec<Withdrawn>,
    now: i64,
) -> Vec<Redirect> {
    withdrawn.sort_by_key(|old| (old.id, old.age));
    withdrawn.dedup_by_key(|old| old.id);
    let mut unknown: BTreeMap<Uuid, Withdrawn> = withdrawn.into_iter().map(|old| (old.id, old)).collect();
    if unknown.is_empty() {
        return Vec::new();
    }
    let led_to: BTreeSet<Uuid> = unknown.values().filter_map(|old| old.target).collect();
    let mut live = BTreeSet::new();
    for row in 0..published.crosswalk.len() {
        let id = published.crosswalk.row(row).id;
        unknown.remove(&id);
        if led_to.contains(&id) {
            live.insert(id);
        }
    }
    for redirect in published.redirects {
        unknown.remove(&redirect.id);
    }
    let mut finder = Finder::new(records);
    let redirect = |old: &Withdrawn| {
        let end = old.end.unwrap_or(End::Retired);
        let led_to = old.target.filter(|_| end == End::Merged);
        let heir = led_to.and_then(|id| unknown.get(&id)).filter(|heir| heir.end.is_none());
        let holder = heir.filter(|_| finder.find(&old.anchor).is_none()).unwrap_or(old);
        let (id, anchor, target) = (old.id, holder.anchor.clone(), led_to.filter(|id| live.contains(id)));
        Redirect { id, target, anchor, end, id_since: old.id_since, since: now }
    };
    unknown.values().map(redirect).collect()
}
