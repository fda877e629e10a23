//! Which record of a cluster is believed before which, where a policy judges by records and not by values.
//!
//! Fields of the same policy and priority share one ranking: the records of each cluster are put in
//! order once, and a field takes the first that has a value.

use arrow::array::{Array, ArrayRef};

use super::columns::Records;
use super::fields::Field;
use super::groups::Groups;
use super::intake::Work;
use super::policy::Policy;
use super::survive::NOBODY;

/// The records of all clusters, those of one in the order in which they are believed.
#[derive(Debug)]
pub(super) struct Ranking {
    by_recency: bool,
    priority: Vec<u16>,
    /// Record and row; a cluster's lie where its members lie.
    members: Vec<(u32, u32)>,
}

/// The first two are compared, then the record: the order of keys decides what nothing else does.
type Placed = (i64, i64, u32, u32);

impl Ranking {
    /// Whether a policy judges by records alone.
    pub(super) fn tells(policy: &Policy) -> bool {
        matches!(policy, Policy::MostRecent | Policy::SourcePriority | Policy::Prefer(_))
    }

    /// Whether it is that of a field whose values have no instants of their own.
    pub(super) fn is_for(&self, field: &Field) -> bool {
        self.by_recency == (field.policy == Policy::MostRecent) && self.priority == field.priority
    }

    /// Of a field that [`Ranking::tells`].
    pub(super) fn new(work: &Work, records: &Records, groups: &Groups, field: &Field) -> Self {
        let by_recency = field.policy == Policy::MostRecent;
        let mut members = Vec::with_capacity(records.len());
        let mut placed: Vec<Placed> = Vec::new();
        for cluster in 0..groups.len() {
            let own = groups.members(cluster);
            if let [only] = own {
                members.push((*only, records.row(*only) as u32));
                continue;
            }
            placed.clear();
            placed.extend(own.iter().map(|record| {
                let row = records.row(*record);
                let rank = field.priority.get(usize::from(records.system(work, row))).copied().unwrap_or(u16::MAX);
                // The complement turns the order round: what changed later comes first.
                let (rank, changed) = (i64::from(rank), !records.updated(row));
                let (first, second) = if by_recency { (changed, rank) } else { (rank, changed) };
                (first, second, *record, row as u32)
            }));
            placed.sort_unstable();
            members.extend(placed.iter().map(|(_, _, record, row)| (*record, *row)));
        }
        Self { by_recency, priority: field.priority.clone(), members }
    }

    /// By cluster: the first record that has a value, and how many have one where `counted`.
    pub(super) fn first(&self, column: &ArrayRef, groups: &Groups, counted: bool) -> (Vec<u32>, Vec<u32>) {
        let nulls = column.logical_nulls();
        let has_value = |(_, row): &&(u32, u32)| nulls.as_ref().is_none_or(|valid| valid.is_valid(*row as usize));
        let mut winners = Vec::with_capacity(groups.len());
        let mut counts = Vec::with_capacity(if counted { groups.len() } else { 0 });
        let mut rest = self.members.as_slice();
        for cluster in 0..groups.len() {
            let (own, others) = rest.split_at_checked(groups.members(cluster).len()).unwrap_or_default();
            rest = others;
            winners.push(own.iter().find(has_value).map_or(NOBODY, |(record, _)| *record));
            if counted {
                counts.push(own.iter().filter(has_value).count() as u32);
            }
        }
        (winners, counts)
    }
}
