//! One row an entity, from the finished visits.

use arrow::datatypes::DataType;
use datafusion::functions_aggregate::expr_fn::{count, max, min, sum};
use datafusion::logical_expr::{Expr, LogicalPlan, cast, ident, lit, when};

use super::plan::planned;
use super::resolve::Resolved;
use crate::error::Result;
use crate::kinds::Scope;

/// Rows in: visits. Rows out: one for each entity that has any.
pub(super) fn entities(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let visits = scope.frames.scan(scope.model)?;
    let stage = || cast(ident("stage"), DataType::Utf8View);
    let at = |name: &str| planned(when(stage().eq(lit(name)), ident("entered_at")).end());
    let mut made = vec![
        max(planned(when(ident("is_current"), stage()).end())?).alias("current_stage"),
        max(planned(when(ident("is_current"), ident("entered_at")).end())?).alias("current_since"),
        min(ident("entered_at")).alias("first_seen_at"),
    ];
    for stage in &resolved.definition.stages {
        made.push(min(at(&stage.name)?).alias(became(&stage.name)));
        made.push(max(at(&stage.name)?).alias(latest(&stage.name)));
    }
    let counted = |condition: Expr| planned(when(condition, lit(1i64)).otherwise(lit(0i64)));
    made.push(count(ident("visit_seq")).alias("visits"));
    made.push(sum(counted(ident("inferred"))?).alias("visits_inferred"));
    for (transition, column) in [("regress", "regressions"), ("recycle", "recycles")] {
        let is = cast(ident("transition"), DataType::Utf8View).eq(lit(transition));
        made.push(sum(counted(is)?).alias(column));
    }
    made.push(sum(counted(ident("visit_number").gt(lit(1)))?).alias("re_entries"));
    made.push(sum(cast(ident("changes_absorbed"), DataType::Int64)).alias("changes_absorbed"));
    made.push(sum(cast(ident("changes_ignored"), DataType::Int64)).alias("changes_ignored"));
    let grouped = planned(visits.aggregate([ident("entity_id")], made))?;
    let names: Vec<String> = grouped.schema().fields().iter().map(|field| field.name().clone()).collect();
    let mut columns: Vec<Expr> = names.iter().map(|name| ident(name.as_str())).collect();
    columns.insert(4.min(columns.len()), closed(resolved).alias("is_closed"));
    planned(grouped.project(columns).and_then(|rows| rows.build()))
}

/// The column with the first entry to a stage.
pub(super) fn became(stage: &str) -> String {
    format!("became_{stage}_at")
}

/// The column with the latest entry to a stage.
pub(super) fn latest(stage: &str) -> String {
    format!("latest_{stage}_at")
}

fn closed(resolved: &Resolved) -> Expr {
    let names = resolved.definition.names(&resolved.definition.closing()).into_iter().map(lit).collect();
    ident("current_stage").in_list(names, false)
}
