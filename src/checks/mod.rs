//! What must hold of a table before it is published: contract → check plans → results.

mod compile;
mod keys;
mod run;

pub use compile::resolve;
pub use keys::{KeyHashes, all_differ};
pub use run::{CheckResult, Status, run};

use std::collections::BTreeMap;

use datafusion::logical_expr::Expr;

use crate::syntax::{CheckSeverity, ColumnName, TableName, Threshold};

/// One check of one table, with everything in it known to exist.
#[derive(Debug, Clone)]
pub struct Check {
    /// Its name in reports.
    pub name: String,
    /// The table.
    pub table: TableName,
    /// The columns it is about.
    pub columns: Vec<ColumnName>,
    /// Whether a failure refuses publication.
    pub severity: CheckSeverity,
    /// How many rows may fail.
    pub threshold: Threshold,
    /// What is tested.
    pub test: Test,
}

impl Check {
    /// The other table that it looks at, where it does.
    pub fn reads(&self) -> Option<&TableName> {
        match &self.test {
            Test::Relationship { to, .. } => Some(to),
            _ => None,
        }
    }
}

/// What a check tests.
#[derive(Debug, Clone)]
pub enum Test {
    /// Rows for which the expression is true fail.
    Rows(Expr),
    /// Rows without a value in the column fail.
    NotNull,
    /// Rows beyond the first of each combination of the columns fail.
    Unique,
    /// Rows whose value does not stand in the other table's column fail.
    Relationship {
        /// The other table.
        to: TableName,
        /// Its column.
        field: ColumnName,
    },
    /// The table has fewer or more rows than these.
    RowCount {
        /// At least.
        min: Option<u64>,
        /// At most.
        max: Option<u64>,
    },
    /// The newest row is older than so many microseconds, as of the run.
    Freshness {
        /// At most so old.
        within_micros: i64,
    },
}

/// What was seen of a table's rows while they were written; what stands here is not looked for again.
#[derive(Debug, Default)]
pub struct Known {
    /// How many there are.
    pub rows: Option<u64>,
    /// How many have no value, by column.
    pub nulls: BTreeMap<ColumnName, u64>,
    /// Columns whose combinations all differ.
    pub distinct: Vec<Vec<ColumnName>>,
}
