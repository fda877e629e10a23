//! Clusters → ids that stay, going on from what was published last.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::datatypes::TimestampMicrosecondType;
use uuid::Uuid;

use super::cluster::ids::{
    Crosswalk, CrosswalkRow, End, Identities, Published, Records as ByKey, Redirect, assign, namespace,
};
use super::columns::{Records, UNKNOWN, one, too_long};
use super::intake::{Known, Work, misfit};
use crate::contract::ColumnType;
use crate::error::{Error, Result};

/// Gives every cluster its id; clusters in the order of their smallest records.
///
/// # Errors
/// Data, where the published tables cannot be what a run of this model published.
pub(super) fn identify(work: &Work, records: &Records, root: &[u32], known: Known) -> Result<Identities> {
    let crosswalk = Former::read(known.crosswalk)?;
    let redirects = redirects(&known.redirects)?;
    let published = Published { crosswalk: &crosswalk, redirects: &redirects };
    assign(records, root, published, &namespace(&work.model), work.as_of)
}

impl ByKey for Records {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn key(&self, ordinal: u32) -> &str {
        Self::key(self, ordinal)
    }

    fn first_seen(&self, ordinal: u32) -> Option<i64> {
        Some(self.created(self.row(ordinal))).filter(|at| *at != UNKNOWN)
    }
}

/// The crosswalk as it was published last.
struct Former {
    keys: StringArray,
    ids: Vec<Uuid>,
    anchors: BooleanArray,
    since: Vec<i64>,
    id_since: Vec<i64>,
}

impl Former {
    fn read(batches: Vec<RecordBatch>) -> Result<Self> {
        let (mut keys, mut anchors) = (Vec::new(), Vec::new());
        let (mut ids, mut since, mut id_since) = (Vec::new(), Vec::new(), Vec::new());
        for batch in batches {
            let [key, id, anchor, at, id_at] = batch.columns() else { return Err(misfit()) };
            keys.push(key.clone());
            anchors.push(anchor.clone());
            for text in texts(id)? {
                ids.push(uuid(text)?.ok_or_else(|| broken("has a record without an id"))?);
            }
            instants(at, &mut since)?;
            instants(id_at, &mut id_since)?;
        }
        let keys = one(keys, ColumnType::Text)?;
        if keys.null_count() > 0 {
            return Err(broken("has a row without a record"));
        }
        Ok(Self {
            keys: keys.as_string_opt::<i32>().ok_or_else(too_long)?.clone(),
            anchors: one(anchors, ColumnType::Boolean)?.as_boolean_opt().ok_or_else(misfit)?.clone(),
            ids,
            since,
            id_since,
        })
    }
}

impl Crosswalk for Former {
    fn len(&self) -> usize {
        self.ids.len()
    }

    fn row(&self, at: usize) -> CrosswalkRow<'_> {
        CrosswalkRow {
            record: self.keys.value(at),
            id: self.ids.get(at).copied().unwrap_or_default(),
            anchor: self.anchors.is_valid(at) && self.anchors.value(at),
            since: self.since.get(at).copied().unwrap_or_default(),
            id_since: self.id_since.get(at).copied().unwrap_or_default(),
        }
    }
}

fn redirects(batches: &[RecordBatch]) -> Result<Vec<Redirect>> {
    let mut redirects = Vec::new();
    for batch in batches {
        let [old, target, reason, anchor, id_since, since] = batch.columns() else { return Err(misfit()) };
        let (mut id_at, mut at) = (Vec::new(), Vec::new());
        instants(id_since, &mut id_at)?;
        instants(since, &mut at)?;
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

fn texts(array: &ArrayRef) -> Result<impl Iterator<Item = Option<&str>>> {
    Ok(array.as_string_opt::<i32>().ok_or_else(misfit)?.iter())
}

fn instants(array: &ArrayRef, to: &mut Vec<i64>) -> Result<()> {
    let at = array.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(misfit)?;
    to.extend(at.iter().map(Option::unwrap_or_default));
    Ok(())
}

fn uuid(text: Option<&str>) -> Result<Option<Uuid>> {
    let parse = |text: &str| Uuid::try_parse(text).map_err(|_| broken(&format!("has `{text}`, which is not an id")));
    text.map(parse).transpose()
}

fn broken(what: &str) -> Error {
    Error::data(format!("the crosswalk as last published {what}"))
        .with_hint("ids can only be kept from the tables that a run of this model published")
}
