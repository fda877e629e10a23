//! Running checks over staged tables: one pass for everything that looks at rows by themselves,
//! one aggregation for each uniqueness, one anti-join for each relationship. What was seen while the
//! rows were written is not looked for again.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type, Schema, TimeUnit};
use chrono::{DateTime, Utc};
use datafusion::common::{Column as SqlColumn, TableReference};
use datafusion::functions_aggregate::expr_fn::{count, max, sum};
use datafusion::logical_expr::{Expr, JoinType, LogicalPlanBuilder, SortExpr, cast, lit, when};
use serde::{Deserialize, Serialize};

use super::{Check, Known, Test};
use crate::contract::{Contract, Pii};
use crate::engine::{Engine, Frames};
use crate::error::{Context as _, Error, Result};
use crate::syntax::{CheckSeverity, ColumnName, TableName};

/// What a count of rows, and the values of another table, are called beside the table's own columns:
/// names that no column can have.
const ROWS: &str = "#rows";
const KNOWN: &str = "#known";
/// How many failing rows are shown.
const SAMPLE_ROWS: usize = 5;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It holds.
    Pass,
    /// It does not hold, which is only reported.
    Warn,
    /// It does not hold, which refuses publication.
    Fail,
}

/// What came out of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The check's name.
    pub check: String,
    /// The table.
    pub table: TableName,
    /// The columns it is about.
    pub columns: Vec<ColumnName>,
    /// How it came out.
    pub status: Status,
    /// Rows that failed it.
    pub failures: u64,
    /// Rows looked at.
    pub rows: u64,
    /// Keys of some failing rows, as `column=value`; never personal data.
    pub sample: Vec<String>,
    /// What happened, in words.
    pub message: String,
    /// Of a check of freshness, the newest instant there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<DateTime<Utc>>,
}

/// Runs the checks of one table, whose rows and neighbours are in `frames`.
pub async fn run(
    checks: &[Check],
    contract: &Contract,
    known: &Known,
    frames: &Frames,
    engine: &Engine,
) -> Result<Vec<CheckResult>> {
    let runner = Runner { contract, known, frames, engine };
    let doing = || format!("checking `{}`", contract.table);
    runner.all(checks).await.while_doing(doing)
}

struct Runner<'a> {
    contract: &'a Contract,
    known: &'a Known,
    frames: &'a Frames,
    engine: &'a Engine,
}

/// What one check counted, before its threshold is applied.
struct Count {
    failures: u64,
    words: String,
    newest: Option<DateTime<Utc>>,
}

impl Count {
    fn of(failures: u64, words: impl Into<String>) -> Self {
        Self { failures, words: words.into(), newest: None }
    }
}

impl Runner<'_> {
    async fn all(&self, checks: &[Check]) -> Result<Vec<CheckResult>> {
        let (rows, mut counts) = self.one_pass(checks).await?;
        for (at, check) in checks.iter().enumerate() {
            let failures = match &check.test {
                Test::Unique if self.known.distinct.contains(&check.columns) => 0,
                Test::Unique => self.duplicates(check).await?,
                Test::Relationship { to, field } => self.strangers(check, to, field).await?,
                _ => continue,
            };
            counts.insert(at, Count::of(failures, ""));
        }
        let mut results = Vec::with_capacity(checks.len());
        for (at, check) in checks.iter().enumerate() {
            let count =
                counts.remove(&at).ok_or_else(|| Error::internal(format!("check `{}` was not run", check.name)))?;
            results.push(self.judge(check, count, rows).await?);
        }
        Ok(results)
    }

    /// Everything that one aggregation over the table can tell, and the number of rows.
    async fn one_pass(&self, checks: &[Check]) -> Result<(u64, BTreeMap<usize, Count>)> {
        let mut exprs = Vec::new();
        for (at, check) in checks.iter().enumerate() {
            match &check.test {
                Test::Rows(failing) => exprs.push(failures(failing.clone(), at)?),
                Test::NotNull if self.known_nulls(check).is_none() => {
                    exprs.push(failures(self.first_column(check)?.is_null(), at)?);
                }
                Test::Freshness { .. } => {
                    let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
                    let column = self.first_column(check)?;
                    exprs.push(max(cast(cast(column, micros), DataType::Int64)).alias(format!("c{at}")));
                }
                _ => {}
            }
        }
        if self.known.rows.is_none() {
            exprs.push(count(lit(1_i64)).alias("rows"));
        }
        let batch = match exprs.is_empty() {
            true => RecordBatch::new_empty(Arc::new(Schema::empty())),
            false => {
                self.collect(self.frames.scan(&self.contract.table)?.aggregate(Vec::<Expr>::new(), exprs)?).await?
            }
        };
        let number = |name: &str| value(&batch, name);
        let counted = number("rows").and_then(|rows| u64::try_from(rows).ok());
        let rows = self.known.rows.or(counted).unwrap_or(0);
        let mut counts = BTreeMap::new();
        for (at, check) in checks.iter().enumerate() {
            let found = number(&format!("c{at}"));
            let count = match &check.test {
                Test::Rows(_) | Test::NotNull => {
                    let counted = found.and_then(|n| u64::try_from(n).ok());
                    Count::of(self.known_nulls(check).or(counted).unwrap_or(0), "")
                }
                Test::RowCount { min, max } => row_count(rows, *min, *max),
                Test::Freshness { within_micros } => self.freshness(found, *within_micros),
                _ => continue,
            };
            counts.insert(at, count);
        }
        Ok((rows, counts))
    }

    /// Rows without a value, where the check asks for these and they were counted.
    fn known_nulls(&self, check: &Check) -> Option<u64> {
        let column = check.columns.first().filter(|_| matches!(check.test, Test::NotNull))?;
        self.known.nulls.get(column).copied()
    }

    fn first_column(&self, check: &Check) -> Result<Expr> {
        let column = check.columns.first().map(|column| self.column(column));
        column.ok_or_else(|| Error::internal(format!("the check `{}` has no column", check.name)))
    }

    fn freshness(&self, newest: Option<i64>, within_micros: i64) -> Count {
        let as_of = self.engine.as_of().timestamp_micros();
        match newest {
            None => Count::of(1, "there is no row with a time"),
            Some(newest) => {
                let late = as_of.saturating_sub(newest) > within_micros;
                let hours = as_of.saturating_sub(newest).div_euclid(3_600_000_000);
                let count = Count::of(u64::from(late), format!("the newest row is {hours} hours old"));
                Count { newest: DateTime::from_timestamp_micros(newest), ..count }
            }
        }
    }

    /// Rows beyond the first of each combination of the check's columns.
    async fn duplicates(&self, check: &Check) -> Result<u64> {
        let keys: Vec<Expr> = check.columns.iter().map(|column| self.column(column)).collect();
        let plan = self.frames.scan(&self.contract.table)?;
        let plan = plan.aggregate(keys, vec![count(lit(1_i64)).alias(ROWS)])?;
        let n = || Expr::Column(SqlColumn::new_unqualified(ROWS));
        let plan = plan.filter(n().gt(lit(1_i64)))?;
        let plan = plan.aggregate(Vec::<Expr>::new(), vec![sum(n() - lit(1_i64)).alias("failures")])?;
        self.number(plan).await
    }

    /// Rows whose value is not among the other table's; NULL is nobody's stranger.
    async fn strangers(&self, check: &Check, to: &TableName, field: &ColumnName) -> Result<u64> {
        let plan = self.stranger_rows(check, to, field)?;
        self.number(plan.aggregate(Vec::<Expr>::new(), vec![count(lit(1_i64)).alias("failures")])?).await
    }

    fn stranger_rows(&self, check: &Check, to: &TableName, field: &ColumnName) -> Result<LogicalPlanBuilder> {
        let column = check.columns.first().ok_or_else(|| Error::internal("a relationship without a column"))?;
        let known = self.frames.scan(to)?;
        let other = Expr::Column(SqlColumn::new(Some(TableReference::bare(to.as_str())), field.as_str()));
        let known = known.project(vec![cast(other, DataType::Utf8).alias(KNOWN)])?.build()?;
        let mine = cast(self.column(column), DataType::Utf8);
        let here = self.frames.scan(&self.contract.table)?.filter(self.column(column).is_not_null())?;
        let on = mine.eq(Expr::Column(SqlColumn::new_unqualified(KNOWN)));
        Ok(here.join_on(known, JoinType::LeftAnti, [on])?)
    }

    async fn judge(&self, check: &Check, count: Count, rows: u64) -> Result<CheckResult> {
        let passed = check.threshold.allows(count.failures, rows);
        let status = match (passed, check.severity) {
            (true, _) => Status::Pass,
            (false, CheckSeverity::Warn) => Status::Warn,
            (false, CheckSeverity::Error) => Status::Fail,
        };
        let sample = if passed { Vec::new() } else { self.sample(check).await? };
        let message = match (&count.words, count.failures) {
            (words, _) if !words.is_empty() => words.clone(),
            (_, 0) => format!("holds for all {rows} rows"),
            (_, failures) => format!("{failures} of {rows} rows fail"),
        };
        Ok(CheckResult {
            check: check.name.clone(),
            table: check.table.clone(),
            columns: check.columns.clone(),
            status,
            failures: count.failures,
            rows,
            sample,
            message,
            newest: count.newest,
        })
    }

    /// The keys of the first failing rows, in the order of the keys.
    async fn sample(&self, check: &Check) -> Result<Vec<String>> {
        let shown = self.sample_columns(check);
        let failing = match &check.test {
            Test::Rows(failing) => self.frames.scan(&self.contract.table)?.filter(failing.clone())?,
            Test::NotNull => self.frames.scan(&self.contract.table)?.filter(self.first_column(check)?.is_null())?,
            Test::Relationship { to, field } => self.stranger_rows(check, to, field)?,
            Test::Unique => {
                let keys: Vec<Expr> = check.columns.iter().map(|column| self.column(column)).collect();
                let plan =
                    self.frames.scan(&self.contract.table)?.aggregate(keys, vec![count(lit(1_i64)).alias(ROWS)])?;
                plan.filter(Expr::Column(SqlColumn::new_unqualified(ROWS)).gt(lit(1_i64)))?
            }
            _ => return Ok(Vec::new()),
        };
        if shown.is_empty() {
            return Ok(Vec::new());
        }
        let texts = shown.iter().map(|column| cast(self.column(column), DataType::Utf8).alias(column.as_str()));
        let order = |column: &&ColumnName| {
            SortExpr::new(Expr::Column(SqlColumn::new_unqualified(column.as_str())), true, false)
        };
        let plan = failing.project(texts)?.distinct()?.sort_with_limit(shown.iter().map(order), Some(SAMPLE_ROWS))?;
        let batch = self.collect(plan).await?;
        Ok((0..batch.num_rows()).map(|row| key_text(&batch, row)).collect())
    }

    /// The columns that name a failing row and are nobody's personal data.
    fn sample_columns<'a>(&'a self, check: &'a Check) -> Vec<&'a ColumnName> {
        let names = match check.test {
            Test::Unique => check.columns.iter().collect::<Vec<_>>(),
            _ => self.contract.grain.iter().chain(&check.columns).collect(),
        };
        let harmless =
            |name: &&ColumnName| self.contract.column(name.as_str()).is_some_and(|column| column.pii == Pii::None);
        let mut shown: Vec<&ColumnName> = Vec::new();
        for name in names.into_iter().filter(harmless) {
            if !shown.contains(&name) {
                shown.push(name);
            }
        }
        shown
    }

    fn column(&self, name: &ColumnName) -> Expr {
        Expr::Column(SqlColumn::new(Some(TableReference::bare(self.contract.table.as_str())), name.as_str()))
    }

    async fn number(&self, plan: LogicalPlanBuilder) -> Result<u64> {
        let batch = self.collect(plan).await?;
        Ok(value(&batch, "failures").and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
    }

    async fn collect(&self, plan: LogicalPlanBuilder) -> Result<RecordBatch> {
        let plan = plan.build()?;
        let schema = plan.schema().inner().clone();
        Ok(arrow::compute::concat_batches(&schema, &self.engine.collect(plan).await?)?)
    }
}

/// How many rows an expression is true for, as the column of the check at that place.
fn failures(failing: Expr, at: usize) -> Result<Expr> {
    Ok(sum(when(failing, lit(1_i64)).otherwise(lit(0_i64))?).alias(format!("c{at}")))
}

fn value(batch: &RecordBatch, name: &str) -> Option<i64> {
    let column = batch.column_by_name(name)?;
    let numbers = column.as_primitive_opt::<Int64Type>()?;
    (numbers.len() == 1 && numbers.is_valid(0)).then(|| numbers.value(0))
}

fn key_text(batch: &RecordBatch, row: usize) -> String {
    let schema = batch.schema();
    let parts = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
        let text =
            column.as_string_opt::<i32>().filter(|texts| texts.is_valid(row)).map_or("NULL", |texts| texts.value(row));
        format!("{}={text}", field.name())
    });
    parts.collect::<Vec<_>>().join(", ")
}

fn row_count(rows: u64, min: Option<u64>, max: Option<u64>) -> Count {
    let short = min.is_some_and(|min| rows < min);
    let long = max.is_some_and(|max| rows > max);
    let words = match (short, long) {
        (true, _) => format!("{rows} rows, fewer than {}", min.unwrap_or(0)),
        (_, true) => format!("{rows} rows, more than {}", max.unwrap_or(0)),
        _ => format!("{rows} rows"),
    };
    Count::of(u64::from(short || long), words)
}
