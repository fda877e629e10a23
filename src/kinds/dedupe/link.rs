//! Records with keys → clusters: rules in their order, within the guards.

use std::collections::BTreeMap;

use super::cluster::{Clustering, Clusters, Contradiction, CrowdedKey, Guards, KeyLinker, Refusal};
use super::columns::Records;
use super::decisions::Decided;
use super::intake::Work;
use crate::error::{Error, Result};

/// Which records are one, and what was left out on the way.
#[derive(Debug)]
pub(super) struct Linked {
    pub(super) clusters: Clusters,
    /// Keys that too many records share, by rule.
    pub(super) crowded: Vec<(u16, CrowdedKey)>,
}

/// Finds the clusters.
///
/// # Errors
/// Data, where decided pairs contradict each other or a unique id.
pub(super) fn link(work: &Work, records: &Records, decided: &Decided) -> Result<Linked> {
    let count = u32::try_from(records.len()).map_err(|_| Error::internal("more records than numbers"))?;
    let unique_ids = records.uniques.iter().map(|values| {
        let value = |row: &u32| values.get(*row as usize).copied().unwrap_or(0);
        records.rows.iter().map(value).collect()
    });
    let guards = Guards {
        unique_ids: unique_ids.collect(),
        cannot_link: decided.different.clone(),
        max_cluster: Some(work.max_cluster),
    };
    let mut clustering = Clustering::new(count, guards)?;
    let contradictions = clustering.must_link(&decided.same)?;
    if let Some(first) = contradictions.first() {
        return Err(contradiction(work, records, first, contradictions.len()));
    }
    let mut crowded = Vec::new();
    for (rule, keys) in (0u16..).zip(&records.keys) {
        let mut linker = KeyLinker::with_capacity(keys.iter().filter(|key| **key != 0).count());
        for (ordinal, row) in (0u32..).zip(&records.rows) {
            match keys.get(*row as usize) {
                Some(key) if *key != 0 => linker.push(ordinal, *key),
                _ => {}
            }
        }
        let links = linker.finish(work.max_records_per_key);
        crowded.extend(links.crowded.iter().map(|key| (rule, *key)));
        clustering.keys(rule, 0, &links)?;
    }
    Ok(Linked { clusters: clustering.finish(), crowded })
}

fn contradiction(work: &Work, records: &Records, first: &Contradiction, count: usize) -> Error {
    let name = |ordinal: u32| format!("`{}`", records.key(ordinal));
    let (left, right) = first.must_link;
    let why = match first.against {
        Refusal::CannotLink { left, right } => {
            format!("another says that {} and {} are different", name(left), name(right))
        }
        Refusal::UniqueId { column, left, right } => {
            let unique = work.uniques.get(usize::from(column)).map_or("", String::as_str);
            format!("{} and {} have different values of `{unique}`, of which there is one at most", name(left), name(right))
        }
        Refusal::Oversized { records } => format!("they would make a cluster of {records} records"),
    };
    let more = if count > 1 { format!("; {} more decisions contradict as well", count - 1) } else { String::new() };
    Error::data(format!("a decision says that {} and {} are the same, but {why}{more}", name(left), name(right)))
        .with_hint("take one of them out of the table that `decisions` names")
}

/// The strongest link of every record that has one, as an index into [`Clusters::used`].
pub(super) fn strongest(clusters: &Clusters) -> Vec<u32> {
    let mut strongest = vec![u32::MAX; clusters.root.len()];
    // Links come strongest first.
    for (at, edge) in (0u32..).zip(&clusters.used) {
        for record in [edge.a, edge.b] {
            if let Some(link) = strongest.get_mut(record as usize) {
                *link = (*link).min(at);
            }
        }
    }
    strongest
}

/// Refused links, counted by what refused them.
pub(super) fn refusals(clusters: &Clusters) -> BTreeMap<&'static str, i64> {
    let mut counts = BTreeMap::new();
    for (_, refusal) in &clusters.refused {
        *counts.entry(word(refusal)).or_insert(0) += 1;
    }
    counts
}

/// The guard that refused, in a word.
pub(super) fn word(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::UniqueId { .. } => "one_value_per_cluster",
        Refusal::CannotLink { .. } => "decision",
        Refusal::Oversized { .. } => "max_cluster",
    }
}
