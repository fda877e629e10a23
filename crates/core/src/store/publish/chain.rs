//! The types that a run's tables pass through: `Staged` → `Checked` → `Published`.

use serde_json::Value;

use super::release::Release;
use super::stage::StagedTable;
use crate::error::{Error, Result};
use crate::syntax::TableName;

/// Tables whose files are written, and which nothing has judged yet.
#[derive(Debug, Default)]
pub struct Staged {
    tables: Vec<StagedTable>,
}

/// What the checks made of one staged table.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The table.
    pub table: TableName,
    /// Whether it may be published.
    pub passed: bool,
    /// What the checks found, for the release record.
    pub checks: Value,
}

/// What becomes of a run in which some table was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRefusal {
    /// Nothing is published.
    Stop,
    /// What passed is published; whoever judges has refused what builds on a refused table too.
    KeepGoing,
}

/// Tables that may be published. Only [`Staged::accept`] makes them.
#[derive(Debug)]
pub struct Checked {
    tables: Vec<(StagedTable, Value)>,
}

/// What a run has published.
#[derive(Debug)]
pub struct Published {
    /// Its release, which is the current one.
    pub release: Release,
}

impl Staged {
    /// Tables of one run.
    pub fn new(tables: Vec<StagedTable>) -> Self {
        Self { tables }
    }

    /// The tables.
    pub fn tables(&self) -> &[StagedTable] {
        &self.tables
    }

    /// Lets through what every verdict allows. Each table needs a verdict: none is published
    /// because nobody looked at it.
    pub fn accept(self, verdicts: Vec<Verdict>, on_refusal: OnRefusal) -> Result<Checked> {
        let mut tables = Vec::new();
        let mut refused = Vec::new();
        for table in self.tables {
            let verdict = verdicts.iter().find(|verdict| verdict.table == table.name);
            match verdict {
                None => return Err(Error::internal(format!("table `{}` was not checked", table.name))),
                Some(verdict) if verdict.passed => tables.push((table, verdict.checks.clone())),
                Some(_) => refused.push(format!("`{}`", table.name)),
            }
        }
        if !refused.is_empty() && on_refusal == OnRefusal::Stop {
            return Err(Error::data(format!("checks refused {}; nothing was published", refused.join(", ")))
                .with_hint("`--keep-going` publishes the tables that do not depend on them"));
        }
        Ok(Checked { tables })
    }
}

impl Checked {
    /// The tables that will be published.
    pub fn tables(&self) -> impl Iterator<Item = &StagedTable> {
        self.tables.iter().map(|(table, _)| table)
    }

    pub(super) fn into_tables(self) -> Vec<(StagedTable, Value)> {
        self.tables
    }
}
