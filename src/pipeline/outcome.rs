//! The sum of a run: what the last line of `--output json` says, and the summary that people read.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::Prepared;
use super::prepare::Target;
use super::work::Work;
use crate::checks::{CheckResult, Status};
use crate::contract::Role;
use crate::error::Error;
use crate::kinds::FactRow;
use crate::store::publish::{Change, Release};
use crate::syntax::TableName;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeStatus {
    /// There is a new release.
    Published,
    /// There is a new release in which no table differs from the one before.
    Unchanged,
    /// Some tables are withheld, the rest is published.
    Partial,
    /// Checks refused the data; what was published before still stands.
    Refused,
    /// A model failed; what was published before still stands.
    Failed,
}

/// A table that the run was to publish and did not.
#[derive(Debug, Clone, Serialize)]
pub struct Withheld {
    /// Its name.
    pub table: TableName,
    /// Why not.
    pub why: String,
}

/// One table of a run.
#[derive(Debug, Clone, Serialize)]
pub struct TableOutcome {
    /// Its name.
    pub name: TableName,
    /// Its part among its model's tables.
    pub role: Role,
    /// Its rows.
    pub rows: u64,
    /// Rows that its model could not use; on the main table only.
    pub rejects: Option<u64>,
    /// Digest of its content.
    pub digest: String,
    /// Where it lies.
    pub location: String,
    /// How it is written.
    pub format: &'static str,
    /// What the checks found.
    pub checks: Vec<CheckResult>,
}

/// The sum of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// How it ended.
    pub status: OutcomeStatus,
    /// The release, where one was made.
    pub release: Option<u64>,
    /// The run's id.
    pub run_id: Option<String>,
    /// The instant that everything was computed as of.
    pub as_of: DateTime<Utc>,
    /// Wall time.
    pub duration_s: f64,
    /// Its tables, in the order in which they were made.
    pub tables: Vec<TableOutcome>,
    /// Tables with something against them, by name. Where the run ended as refused or failed,
    /// none of the others went out either.
    pub withheld: Vec<Withheld>,
    /// What ended the run, where a model failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What each model counted: policies, rules, rows in and out.
    pub facts: std::collections::BTreeMap<TableName, Vec<FactRow>>,
}

impl Outcome {
    pub(super) fn published(
        prepared: &Prepared,
        work: &Work,
        release: &Release,
        target: &Target,
        started: DateTime<Utc>,
        finished: DateTime<Utc>,
    ) -> Self {
        let changed = release.tables.iter().any(|table| table.change == Change::Committed);
        let sum = Self::sum(prepared, work, target, started, finished);
        let refused = work.checks.iter().any(|check| check.status == Status::Fail);
        let status = match (refused || !sum.withheld.is_empty(), changed) {
            (true, _) => OutcomeStatus::Partial,
            (_, true) => OutcomeStatus::Published,
            _ => OutcomeStatus::Unchanged,
        };
        Self { status, release: Some(release.number), run_id: Some(release.run.clone()), ..sum }
    }

    pub(super) fn refused(
        prepared: &Prepared,
        work: &Work,
        target: &Target,
        started: DateTime<Utc>,
        finished: DateTime<Utc>,
    ) -> Self {
        Self::sum(prepared, work, target, started, finished)
    }

    pub(super) fn failed(
        prepared: &Prepared,
        work: &Work,
        target: &Target,
        started: DateTime<Utc>,
        finished: DateTime<Utc>,
        error: &Error,
    ) -> Self {
        let sum = Self::sum(prepared, work, target, started, finished);
        Self { status: OutcomeStatus::Failed, error: Some(error.to_string()), ..sum }
    }

    fn sum(prepared: &Prepared, work: &Work, target: &Target, started: DateTime<Utc>, finished: DateTime<Utc>) -> Self {
        let tables = work.staged.iter().map(|table| TableOutcome {
            name: table.name.clone(),
            role: table.role,
            rows: table.rows,
            rejects: work.rejects(prepared, &table.name),
            digest: table.digest.clone(),
            location: format!("{}/{}", target.location.to_string().trim_end_matches('/'), table.name),
            format: target.format.as_str(),
            checks: work.checks.iter().filter(|check| check.table == table.name).cloned().collect(),
        });
        let millis = (finished - started).num_milliseconds();
        Self {
            status: OutcomeStatus::Refused,
            release: None,
            run_id: None,
            as_of: prepared.engine.as_of(),
            duration_s: millis as f64 / 1000.0,
            tables: tables.collect(),
            withheld: work.withheld(prepared),
            error: None,
            facts: work.facts.clone(),
        }
    }
}
