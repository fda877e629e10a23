//! What a run counts: the names of facts that the run itself understands, and the plans that count.

use arrow::datatypes::DataType;
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, ident, lit};

use super::Scope;
use crate::error::{Error, Result};
use crate::syntax::TableName;

/// Rows read, by table. Together they must equal [`OUT`] plus [`REJECTED`].
pub const IN: &str = "rows_in";
/// Rows that are accounted for in the model's tables.
pub const OUT: &str = "rows_out";
/// Rows in the rejects table, by reason.
pub const REJECTED: &str = "rows_rejected";
/// Rows that a named policy touched, by policy.
pub const POLICY: &str = "policy";
/// Visits to a stage, by stage.
pub const STAGE: &str = "stage";
/// Rows that a rule decided, by rule.
pub const RULE: &str = "rule";

/// Counts in the column `rows`, with their fact and item; a sum over no rows, which is NULL, is 0.
pub fn named(fact: &str, item: Expr, counted: LogicalPlanBuilder) -> Result<LogicalPlan> {
    let rows = coalesce(vec![cast(ident("rows"), DataType::Int64), lit(0_i64)]).alias("rows");
    let columns = [lit(fact).alias("fact"), cast(item, DataType::Utf8).alias("item"), rows];
    let named = counted.project(columns).and_then(LogicalPlanBuilder::build);
    named.map_err(|error| Error::internal("what a run counts could not be planned").with_source(error))
}

/// The rows of a table by the values of a text column.
pub fn by_value(fact: &str, scope: &Scope<'_>, table: &TableName, column: &str) -> Result<LogicalPlan> {
    named(fact, ident("item"), scope.frames.rows_by(table, column)?)
}

/// The rows of the model's rejects table by reason.
pub fn rejected(scope: &Scope<'_>) -> Result<LogicalPlan> {
    by_value(REJECTED, scope, &scope.model.with_suffix("_rejects"), "reason")
}
