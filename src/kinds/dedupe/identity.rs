//! Clusters → ids that stay, going on from what was published last.

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::Int32Type;
use uuid::Uuid;

use super::cluster::ids::{
    self, End, Identities, Published, Records as ByKey, Redirect, Withdrawn, assign, broken, namespace,
};
use super::columns::UNKNOWN;
use super::intake::{Known, Work, instants, misfit};
use super::records::Records;
use crate::error::Result;

/// Gives every cluster its id; clusters in the order of their smallest records.
///
/// # Errors
/// Data, where the published tables cannot be what a run of this model published.
pub(super) fn identify(work: &Work, records: &Records, root: &[u32], known: Known) -> Result<Identities> {
    let crosswalk = known.crosswalk.finish()?;
    let mut redirects = redirects(&known.redirects)?;
    let published = Published { crosswalk: &crosswalk, redirects: &redirects };
    let taken_back = ids::withdrawn(records, published, withdrawn(&known.withdrawn)?, work.as_of);
    redirects.extend(taken_back);
    let published = Published { crosswalk: &crosswalk, redirects: &redirects };
    assign(records, root, published, &namespace(&work.model), work.as_of)
}

impl ByKey for Records {
    fn len(&self) -> usize {
        Self::len(self)
    }

    fn key(&self, ordinal: u32) -> &str {
        Self::key(self, ordinal)
    }

    fn first_seen(&self, ordinal: u32) -> Option<i64> {
        Some(self.created(ordinal)).filter(|at| *at != UNKNOWN)
    }
}

fn redirects(batches: &[RecordBatch]) -> Result<Vec<Redirect>> {
    let mut redirects = Vec::new();
    for batch in batches {
        let [old, target, reason, anchor, id_since, since] = batch.columns() else { return Err(misfit()) };
        let (mut id_at, mut at) = (Vec::new(), Vec::new());
        instants(id_since, 0, &mut id_at)?;
        instants(since, 0, &mut at)?;
        let words = texts(old)?.zip(texts(target)?).zip(texts(reason)?).zip(texts(anchor)?);
        for ((((old, target), reason), anchor), (id_since, since)) in words.zip(id_at.into_iter().zip(at)) {
            let end = reason.and_then(End::of);
            redirects.push(Redirect {
                id: uuid(old)?.ok_or_else(|| broken("redirects nothing"))?,
                target: uuid(target)?,
                anchor: anchor.unwrap_or_default().to_string(),
                end: end.ok_or_else(|| broken("redirects an id for a reason that no run gives"))?,
                id_since,
                since,
            });
        }
    }
    Ok(redirects)
}

fn withdrawn(batches: &[RecordBatch]) -> Result<Vec<Withdrawn>> {
    let mut withdrawn = Vec::new();
    for batch in batches {
        let [age, id, anchor, reason, target, id_since] = batch.columns() else { return Err(misfit()) };
        let ages = age.as_primitive_opt::<Int32Type>().ok_or_else(misfit)?.values();
        let mut id_at = Vec::new();
        instants(id_since, 0, &mut id_at)?;
        let words = texts(id)?.zip(texts(anchor)?).zip(texts(reason)?).zip(texts(target)?);
        for ((((id, anchor), reason), target), (age, id_since)) in words.zip(ages.iter().zip(id_at)) {
            withdrawn.push(Withdrawn {
                id: uuid(id)?.ok_or_else(|| broken("redirects nothing"))?,
                age: age.unsigned_abs(),
                anchor: anchor.unwrap_or_default().to_string(),
                end: reason.and_then(End::of),
                target: uuid(target)?,
                id_since,
            });
        }
    }
    Ok(withdrawn)
}

pub(super) fn texts(array: &ArrayRef) -> Result<impl Iterator<Item = Option<&str>>> {
    Ok(array.as_string_opt::<i32>().ok_or_else(misfit)?.iter())
}

pub(super) fn uuid(text: Option<&str>) -> Result<Option<Uuid>> {
    let parse = |text: &str| Uuid::try_parse(text).map_err(|_| broken(&format!("has `{text}`, which is not an id")));
    text.map(parse).transpose()
}
