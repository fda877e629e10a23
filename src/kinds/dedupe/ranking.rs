//! The records of every cluster in the order in which a field's policy believes them.
//!
//! Fields of the same order and the same systems share one ranking: records lie scattered, and are
//! looked up once for all of them.

use super::columns::NEVER;
use super::fields::Field;
use super::groups::Groups;
use super::policy::Policy;
use super::records::Records;

/// What puts records in order; the order of their keys decides what is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Changed last; then by system.
    Recency,
    /// Of the system to be believed first; of its records the one changed last.
    Priority,
    /// By system alone.
    System,
    /// Created first; then by system.
    Creation,
}

impl Order {
    /// Policies that look at values fall back on it where values are equally good.
    fn of(policy: &Policy) -> Self {
        match policy {
            Policy::MostRecent | Policy::MostComplete | Policy::MostFrequent => Self::Recency,
            Policy::SourcePriority | Policy::Prefer(_) => Self::Priority,
            Policy::Min | Policy::Max => Self::System,
            Policy::First => Self::Creation,
        }
    }
}

/// The records of all clusters, those of one in order.
#[derive(Debug)]
pub(super) struct Ranking {
    order: Order,
    priority: Vec<u16>,
    /// Whether the values of its field have instants of their own.
    is_own: bool,
    /// Cluster after cluster.
    members: Vec<u32>,
}

impl Ranking {
    /// For a field; `instants` say by ordinal when its values were changed, where the sources know.
    pub(super) fn new(records: &Records, groups: &Groups, field: &Field, instants: Option<&[i64]>) -> Self {
        let order = Order::of(&field.policy);
        let changed = |record: u32| {
            let own = instants.and_then(|instants| instants.get(record as usize)).copied();
            own.filter(|at| *at != NEVER).unwrap_or_else(|| records.updated(record))
        };
        let place = |record: u32| {
            let system = field.priority.get(usize::from(records.system(record))).copied();
            let system = i64::from(system.unwrap_or(u16::MAX));
            // The complement turns the order round: what changed later comes first.
            match order {
                Order::Recency => (!changed(record), system),
                Order::Priority => (system, !changed(record)),
                Order::System => (system, 0),
                Order::Creation => (records.created(record), system),
            }
        };
        let mut members = Vec::with_capacity(records.len());
        let mut placed: Vec<((i64, i64), u32)> = Vec::new();
        for cluster in 0..groups.len() {
            let own = groups.members(cluster);
            if let [only] = own {
                members.push(*only);
                continue;
            }
            placed.clear();
            placed.extend(own.iter().map(|record| (place(*record), *record)));
            placed.sort_unstable();
            members.extend(placed.iter().map(|(_, record)| *record));
        }
        Self { order, priority: field.priority.clone(), is_own: instants.is_some(), members }
    }

    /// Whether another field without instants of its own has the same one.
    pub(super) fn is_for(&self, field: &Field) -> bool {
        !self.is_own && self.order == Order::of(&field.policy) && self.priority == field.priority
    }

    /// The members of every cluster, in the order of clusters.
    pub(super) fn clusters<'a>(&'a self, groups: &'a Groups) -> impl Iterator<Item = &'a [u32]> {
        let mut rest = self.members.as_slice();
        (0..groups.len()).map(move |cluster| {
            let (own, others) = rest.split_at_checked(groups.members(cluster).len()).unwrap_or_default();
            rest = others;
            own
        })
    }
}
