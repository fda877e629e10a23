//! What a run counts: every row that is read is a record in the crosswalk, or among the rejects.

use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::logical_expr::{Expr, LogicalPlan, ident, lit};

use super::plan::{counted, planned, read};
use super::resolve::Resolved;
use crate::error::{Error, Result};
use crate::kinds::{Scope, fact};

const EVERY_ROW: Vec<Expr> = Vec::new();

/// All counts, as plans with the columns `fact`, `item`, `rows`.
pub(super) fn facts(resolved: &Resolved, scope: &Scope<'_>) -> Result<Vec<LogicalPlan>> {
    let crosswalk = scope.frames.scan(&scope.model.with_suffix("_crosswalk"))?;
    let records = planned(crosswalk.aggregate(EVERY_ROW, [count(lit(1)).alias("rows")]))?;
    Ok(vec![
        rows_in(resolved, scope)?,
        fact::named(fact::OUT, lit("records"), records)?,
        fact::rejected(scope)?,
        counted(resolved, scope)?,
    ])
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
    fact::named(fact::IN, ident("item"), by_table)
}
