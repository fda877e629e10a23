//! What a run found out about a table, kept in the release record with it.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::StreamExt;
use serde::{Deserialize, Serialize};

use crate::checks::{Check, CheckResult, KeyHashes, Known, Test, all_differ};
use crate::contract::Contract;
use crate::dictionary::{ColumnProfile, ProfileBuilder};
use crate::engine::{Engine, RowsByValue};
use crate::error::{Error, Result};
use crate::kinds::{Exhibit, FactRow};

/// What a run found out about a table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// How its checks came out.
    #[serde(default)]
    pub checks: Vec<CheckResult>,
    /// What its model counted; on the main table only.
    #[serde(default)]
    pub facts: Vec<FactRow>,
    /// What its columns hold.
    #[serde(default)]
    pub profile: Vec<ColumnProfile>,
    /// What its model shows of its rows; on the main table only.
    #[serde(default)]
    pub exhibits: Vec<Exhibit>,
}

/// Looks at rows on their way to the files: one look-out a partition, merged in their order.
pub(super) struct Tap {
    lookouts: Vec<Arc<Mutex<Lookout>>>,
}

/// What is counted of one partition.
struct Lookout {
    profile: ProfileBuilder,
    /// For each combination of columns that must be unique.
    keys: Vec<KeyHashes>,
}

/// What was seen of a table's rows.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// What its columns hold.
    pub(super) profile: Vec<ColumnProfile>,
    /// What its checks need not look for.
    pub(super) known: Known,
    /// Rows by value of its text columns of few values.
    pub(super) texts: RowsByValue,
}

/// The share of the memory limit that hashes of keys may take, of all partitions together.
const KEYS_SHARE: usize = 4;

impl Tap {
    /// Puts a look-out between each stream and whoever reads it.
    pub(super) fn new(
        contract: &Contract,
        checks: &[Check],
        engine: &Engine,
        streams: Vec<SendableRecordBatchStream>,
    ) -> (Self, Vec<SendableRecordBatchStream>) {
        let unique = checks.iter().filter(|check| check.table == contract.table && matches!(check.test, Test::Unique));
        let unique: Vec<&Check> = unique.collect();
        let pool = &engine.ctx().runtime_env().memory_pool;
        let most_bytes = engine.limits().memory_bytes / KEYS_SHARE / (unique.len() * streams.len()).max(1);
        let mut lookouts = Vec::new();
        let mut tapped: Vec<SendableRecordBatchStream> = Vec::new();
        for stream in streams {
            let keys = unique.iter().map(|check| KeyHashes::new(check.columns.clone(), contract, pool, most_bytes));
            let lookout = Lookout { profile: ProfileBuilder::new(contract), keys: keys.collect() };
            let lookout = Arc::new(Mutex::new(lookout));
            lookouts.push(Arc::clone(&lookout));
            let schema = stream.schema();
            let looked = stream.map(move |batch| {
                let batch = batch?;
                let looked = lookout.lock().unwrap_or_else(PoisonError::into_inner).push(&batch);
                looked.map_err(|error| datafusion::error::DataFusionError::External(Box::new(error)))?;
                Ok(batch)
            });
            tapped.push(Box::pin(RecordBatchStreamAdapter::new(schema, looked)));
        }
        (Self { lookouts }, tapped)
    }

    /// What was seen, once every stream was read to its end.
    pub(super) fn finish(self, rows: u64) -> Result<Seen> {
        let mut profile: Option<ProfileBuilder> = None;
        let mut keys: Vec<Vec<KeyHashes>> = Vec::new();
        for lookout in self.lookouts {
            let lookout =
                Arc::into_inner(lookout).ok_or_else(|| Error::internal("a stream was not read to its end"))?;
            let lookout = lookout.into_inner().unwrap_or_else(PoisonError::into_inner);
            match &mut profile {
                Some(merged) => merged.merge(lookout.profile)?,
                None => profile = Some(lookout.profile),
            }
            keys.resize_with(lookout.keys.len(), Vec::new);
            keys.iter_mut().zip(lookout.keys).for_each(|(all, part)| all.push(part));
        }
        let Some(profile) = profile else { return Ok(Seen::default()) };
        let (nulls, texts) = (profile.nulls(), profile.texts());
        let distinct = keys.into_iter().filter_map(|keys| {
            let columns = keys.first()?.columns().to_vec();
            all_differ(keys).then_some(columns)
        });
        let known = Known { rows: Some(rows), nulls, distinct: distinct.collect() };
        Ok(Seen { profile: profile.finish(), known, texts })
    }
}

impl Lookout {
    fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        self.profile.push(batch)?;
        self.keys.iter_mut().try_for_each(|keys| keys.push(batch))
    }
}
