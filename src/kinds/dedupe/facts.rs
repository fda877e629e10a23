//! What a run counts: every row that is read is a record in the crosswalk, or among the rejects.

use arrow::datatypes::DataType;
use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, ident, lit};

use super::plan::{counted, planned, read};
use super::resolve::Resolved;
use crate::error::{Error, Result};
use crate::kinds::{Scope, fact};

const EVERY_ROW: Vec<Expr> = Vec::new();

/// All counts, as plans with the columns `fact`, `item`, `rows`.
pub(super) fn facts(resolved: &Resolved, scope: &Scope<'_>) -> Result<Vec<LogicalPlan>> {
    let crosswalk = scope.frames.scan(&scope.model.with_suffix("_crosswalk"))?;
    let records = planned(crosswalk.aggregate(EVERY_ROW, [count(lit(1)).alias("rows")]))?;
    let rejected = scope.frames.rows_by(&scope.model.with_suffix("_rejects"), "reason")?;
    Ok(vec![
        rows_in(resolved, scope)?,
        named(fact::OUT, lit("records"), records)?,
        named(fact::REJECTED, ident("item"), rejected)?,
        counted(resolved, scope)?,
    ])
}

/// A count in the column `rows`, given its fact and item.
fn named(fact: &str, item: Expr, counted: LogicalPlanBuilder) -> Result<LogicalPlan> {
    let rows = cast(ident("rows"), DataType::Int64).alias("rows");
    let columns = [lit(fact).alias("fact"), cast(item, DataType::Utf8).alias("item"), rows];
    planned(counted.project(columns).and_then(|rows| rows.build()))
}

fn rows_in(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let parts = resolved.sources.iter().map(|source| {
        let rows = planned(read(source, scope)?.aggregate(EVERY_ROW, [count(lit(1)).alias("rows")]))?;
        planned(rows.project([lit(source.table.as_str()).alias("item"), ident("rows")]))
    });
    let mut parts = parts.collect::<Result<Vec<_>>>()?.into_iter();
    let first = parts.next().ok_or_else(|| Error::internal("a dedupe without records"))?;
    let all = parts.try_fold(first, |all, part| planned(part.build().and_then(|part| all.union(part))))?;
    let by_table = planned(all.aggregate([ident("item")], [sum(ident("rows")).alias("rows")]))?;
    named(fact::IN, ident("item"), by_table)
}
