//! Clusters → ids that stay.

use uuid::Uuid;

use super::columns::Records;
use super::groups::Groups;
use super::intake::{Known, Work};
use crate::error::Result;

/// The ids of clusters, and what became of those before.
#[derive(Debug, Default)]
pub(super) struct Identity {
    /// By cluster.
    pub(super) ids: Vec<Uuid>,
    /// By cluster, the record its id was made of.
    pub(super) anchors: Vec<u32>,
    /// By record, since when it has its id, in UTC microseconds.
    pub(super) since: Vec<i64>,
    /// Ids that are no longer in use, in order.
    pub(super) redirects: Vec<Redirect>,
}

/// An id that is no longer in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Redirect {
    pub(super) old: Uuid,
    /// The id in its place; none where all its records are gone.
    pub(super) new: Option<Uuid>,
    /// UTC microseconds.
    pub(super) at: i64,
}

impl Identity {
    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        16 * self.ids.capacity() + 4 * self.anchors.capacity() + 8 * self.since.capacity()
    }
}

/// Gives every cluster its id.
pub(super) fn identify(work: &Work, records: &Records, groups: &Groups, _: &Known) -> Result<Identity> {
    let namespace = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("marquetry:{}", work.entity).as_bytes());
    let mut identity = Identity { since: vec![work.as_of; records.len()], ..Identity::default() };
    for cluster in 0..groups.len() {
        let members = groups.members(cluster).iter().copied();
        let anchor = members.min_by_key(|record| (records.created(records.row(*record)), *record)).unwrap_or(0);
        identity.ids.push(Uuid::new_v5(&namespace, records.key(work, anchor).as_bytes()));
        identity.anchors.push(anchor);
    }
    Ok(identity)
}
