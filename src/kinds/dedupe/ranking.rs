//! The records of every cluster in the order in which a field's policy believes them.
//!
//! Fields of the same order and the same systems share one ranking.

use super::columns::NEVER;
use super::fields::Field;
use super::groups::{Groups, Member};
use super::policy::Policy;

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
    /// Cluster after cluster: each record, and where its values lie.
    members: Vec<(u32, u32)>,
}

impl Ranking {
    /// For a field; `instants` say by ordinal when its values were changed, where the sources know.
    pub(super) fn new(groups: &Groups, members: &[Member], field: &Field, instants: Option<&[i64]>) -> Self {
        let order = Order::of(&field.policy);
        let changed = |member: &Member| {
            let own = instants.and_then(|instants| instants.get(member.record as usize)).copied();
            own.filter(|at| *at != NEVER).unwrap_or(member.updated)
        };
        let place = |member: &Member| {
            let system = field.priority.get(usize::from(member.system)).copied();
            let system = i64::from(system.unwrap_or(u16::MAX));
            // The complement turns the order round: what changed later comes first.
            match order {
                Order::Recency => (!changed(member), system),
                Order::Priority => (system, !changed(member)),
                Order::System => (system, 0),
                Order::Creation => (member.created, system),
            }
        };
        let mut ranked = Vec::with_capacity(members.len());
        let mut placed: Vec<((i64, i64), (u32, u32))> = Vec::new();
        for own in groups.cut(members) {
            if let [only] = own {
                ranked.push((only.record, only.row));
                continue;
            }
            placed.clear();
            placed.extend(own.iter().map(|member| (place(member), (member.record, member.row))));
            placed.sort_unstable();
            ranked.extend(placed.iter().map(|(_, member)| *member));
        }
        Self { order, priority: field.priority.clone(), is_own: instants.is_some(), members: ranked }
    }

    /// Whether another field without instants of its own has the same one.
    pub(super) fn is_for(&self, field: &Field) -> bool {
        !self.is_own && self.order == Order::of(&field.policy) && self.priority == field.priority
    }

    /// The members of every cluster, in the order of clusters.
    pub(super) fn clusters<'a>(&'a self, groups: &'a Groups) -> impl Iterator<Item = &'a [(u32, u32)]> {
        groups.cut(&self.members)
    }
}
