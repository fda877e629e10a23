//! An id for every cluster.

use uuid::Uuid;

use super::former::Formers;
use super::locate::GONE;
use super::mint::mint;
use super::redirects::{Ended, redirects};
use super::state::{End, Published, Records, Redirect, seniority};
use crate::error::{Error, Result};

/// The id of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The id.
    pub id: Uuid,
    /// The record it holds on to, one of the cluster's.
    pub anchor: u32,
    /// Since when the id is there, in microseconds.
    pub since: i64,
}

/// The ids of all clusters: what the next run must be given as [`Published`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identities {
    /// The clusters in the order of their smallest ordinals.
    pub clusters: Vec<Identity>,
    /// For every record the position of its cluster in `clusters`.
    pub cluster: Vec<u32>,
    /// For every record since when it is under its cluster's id, in microseconds.
    pub since: Vec<i64>,
    /// Every id ever published that no cluster has, ascending.
    pub redirects: Vec<Redirect>,
    /// How many of them were merged by this very run, and how many retired.
    pub ended: Ended,
}

impl Identities {
    /// The identity of a record's cluster.
    pub fn of(&self, record: u32) -> Option<&Identity> {
        self.clusters.get(*self.cluster.get(record as usize)? as usize)
    }
}

/// Gives every cluster its id.
///
/// `root` names the smallest ordinal of each record's cluster, `now` is the run's instant in
/// microseconds. New ids are UUIDs version 5 in `namespace`. The answer depends on nothing else, and
/// not on the order of the published rows.
///
/// # Errors
/// Data, if the published tables cannot be what a run published; internal, if records are not in the
/// order of their keys or roots are none.
pub fn assign(
    records: &dyn Records,
    root: &[u32],
    published: Published<'_>,
    namespace: &Uuid,
    now: i64,
) -> Result<Identities> {
    check(records, root)?;
    let formers = Formers::new(records, root, published)?;
    let holders = holders(records, root, &formers);
    let eldest = eldest(records, root);

    let mut identities = Identities {
        clusters: Vec::new(),
        cluster: vec![0; root.len()],
        since: vec![now; root.len()],
        redirects: Vec::new(),
        ended: Ended::default(),
    };
    for (record, of) in root.iter().enumerate() {
        if *of as usize != record {
            identities.cluster[record] = identities.cluster[*of as usize];
            continue;
        }
        identities.cluster[record] = identities.clusters.len() as u32;
        identities.clusters.push(match formers.claim(holders[record]) {
            Some(claim) => Identity { id: claim.id, anchor: claim.anchor, since: claim.since },
            None => {
                let anchor = eldest[record];
                let id = mint(namespace, records.key(anchor), |id| formers.knows(id));
                Identity { id, anchor, since: now }
            }
        });
    }
    identities.keep_since(&formers);
    (identities.redirects, identities.ended) = redirects(records, &formers, &identities, now)?;
    Ok(identities)
}

impl Identities {
    /// A record that stays under its id has been there since it first was.
    fn keep_since(&mut self, formers: &Formers<'_>) {
        for (row, at) in formers.at.iter().enumerate().filter(|(_, at)| **at != GONE) {
            let published = formers.published.crosswalk.row(row);
            if self.of(*at).is_some_and(|identity| identity.id == published.id)
                && let Some(since) = self.since.get_mut(*at as usize)
            {
                *since = published.since;
            }
        }
    }
}

/// An id that wants the cluster in which its anchor is.
struct Claim {
    id: Uuid,
    since: i64,
    anchor: u32,
    retired: bool,
}

impl Formers<'_> {
    /// The claim with this number: ids of the crosswalk first, then redirects. None of an id whose
    /// anchor is gone, or that was merged.
    fn claim(&self, number: u32) -> Option<Claim> {
        let number = number as usize;
        if let Some(former) = self.live.get(number) {
            let claim = Claim { id: former.id, since: former.since, anchor: former.anchor, retired: false };
            return (former.anchor != GONE).then_some(claim);
        }
        let at = number.checked_sub(self.live.len())?;
        let (redirect, anchor) = (self.published.redirects.get(at)?, *self.redirected.get(at)?);
        let claims = redirect.end == End::Retired && anchor != GONE;
        claims.then_some(Claim { id: redirect.id, since: redirect.id_since, anchor, retired: true })
    }
}

/// By root: the number of the claim that wins the cluster, or [`GONE`]. Living ids before retired
/// ones, so that a record that comes back never takes a cluster's id away; then the oldest; of equally
/// old ones that with the elder anchor.
fn holders(records: &dyn Records, root: &[u32], formers: &Formers<'_>) -> Vec<u32> {
    let mut holders = vec![GONE; root.len()];
    let rank = |claim: &Claim| (claim.retired, claim.since, seniority(records, claim.anchor), claim.id);
    for number in 0..(formers.live.len() + formers.redirected.len()) as u32 {
        let Some(claim) = formers.claim(number) else { continue };
        let holder = &mut holders[root[claim.anchor as usize] as usize];
        if formers.claim(*holder).is_none_or(|held| rank(&claim) < rank(&held)) {
            *holder = number;
        }
    }
    holders
}

/// By root: the eldest record of the cluster.
fn eldest(records: &dyn Records, root: &[u32]) -> Vec<u32> {
    let mut eldest: Vec<u32> = (0..root.len() as u32).collect();
    for (record, of) in root.iter().enumerate().filter(|(record, of)| **of as usize != *record) {
        let held = &mut eldest[*of as usize];
        if seniority(records, record as u32) < seniority(records, *held) {
            *held = record as u32;
        }
    }
    eldest
}

fn check(records: &dyn Records, root: &[u32]) -> Result<()> {
    if records.len() != root.len() || root.len() >= GONE as usize {
        return Err(Error::internal(format!("{} records have {} roots", records.len(), root.len())));
    }
    let keys = (0..root.len() as u32).map(|record| records.key(record));
    if !keys.is_sorted_by(|before, key| before < key) {
        return Err(Error::internal("records are not in the order of their keys"));
    }
    let is_root = |of: u32| root.get(of as usize) == Some(&of);
    if root.iter().enumerate().any(|(record, of)| *of as usize > record || !is_root(*of)) {
        return Err(Error::internal("the root of a cluster is not its smallest record"));
    }
    Ok(())
}
