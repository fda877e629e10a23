//! What a run found out about a table, kept in the release record with it.

use std::sync::{Arc, Mutex, PoisonError};

use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::StreamExt;
use serde::{Deserialize, Serialize};

use crate::checks::CheckResult;
use crate::contract::Contract;
use crate::dictionary::{ColumnProfile, ProfileBuilder};
use crate::error::{Error, Result};
use crate::kinds::FactRow;

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
}

/// Looks at rows on their way to the files: one builder a partition, merged in their order.
pub(super) struct Profiler {
    builders: Vec<Arc<Mutex<ProfileBuilder>>>,
}

impl Profiler {
    /// Puts a builder between each stream and whoever reads it.
    pub(super) fn tap(
        contract: &Contract,
        streams: Vec<SendableRecordBatchStream>,
    ) -> (Self, Vec<SendableRecordBatchStream>) {
        let mut builders = Vec::new();
        let mut tapped: Vec<SendableRecordBatchStream> = Vec::new();
        for stream in streams {
            let builder = Arc::new(Mutex::new(ProfileBuilder::new(contract)));
            builders.push(Arc::clone(&builder));
            let schema = stream.schema();
            let looked = stream.map(move |batch| {
                let batch = batch?;
                let looked = builder.lock().unwrap_or_else(PoisonError::into_inner).push(&batch);
                looked.map_err(|error| datafusion::error::DataFusionError::External(Box::new(error)))?;
                Ok(batch)
            });
            tapped.push(Box::pin(RecordBatchStreamAdapter::new(schema, looked)));
        }
        (Self { builders }, tapped)
    }

    /// The profile, once every stream was read to its end.
    pub(super) fn finish(self) -> Result<Vec<ColumnProfile>> {
        let mut merged: Option<ProfileBuilder> = None;
        for builder in self.builders {
            let builder =
                Arc::into_inner(builder).ok_or_else(|| Error::internal("a stream was not read to its end"))?;
            let builder = builder.into_inner().unwrap_or_else(PoisonError::into_inner);
            match &mut merged {
                Some(merged) => merged.merge(builder)?,
                None => merged = Some(builder),
            }
        }
        Ok(merged.map(ProfileBuilder::finish).unwrap_or_default())
    }
}
