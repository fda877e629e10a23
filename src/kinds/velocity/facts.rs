//! What a run counts: entries into the stages in which pairs begin, and what became of them.
//!
//! The unit is an entity that came into the first stage of a pair. Rows in are counted from the
//! visits, rows out from the durations; so an entity lost or doubled on the way shows.

use arrow::datatypes::DataType;
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::functions_aggregate::expr_fn::{count, count_distinct, sum};
use datafusion::logical_expr::{Expr, LogicalPlan, cast, ident, lit, when};

use super::plan::{planned, says, visits};
use super::resolve::Resolved;
use super::spec::InferredVisits;
use crate::error::Result;
use crate::kinds::{Scope, fact};

/// All counts, as plans with the columns `fact`, `item`, `rows`.
pub(super) fn facts(resolved: &Resolved, scope: &Scope<'_>) -> Result<Vec<LogicalPlan>> {
    let mut plans = vec![entries(resolved, scope)?, durations(scope)?];
    if resolved.inferred == InferredVisits::Exclude {
        plans.push(inferred_left_out(resolved, scope)?);
    }
    if let Some(pauses) = &resolved.pauses {
        plans.push(pauses.left_out(scope)?);
    }
    if resolved.calendar_by.is_some() {
        plans.push(by_calendar(scope)?);
    }
    Ok(plans)
}

/// For each pair, the entities that were ever in its first stage.
fn entries(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let stage = || cast(ident("stage"), DataType::Utf8View);
    let mut weight = lit(0i64);
    for (code, name) in (0u8..).zip(resolved.stages()) {
        let pairs = resolved.pairs.pairs.iter().filter(|pair| pair.codes.from == code).count();
        if let Ok(pairs @ 1..) = i64::try_from(pairs) {
            weight = weight + planned(when(stage().eq(lit(name.as_str())), lit(pairs)).otherwise(lit(0i64)))?;
        }
    }
    let rows = visits(resolved, scope)?;
    let counted = match resolved.inferred {
        // With every visit counting, the lifecycle knows which was the first.
        InferredVisits::Include => {
            let first = planned(rows.filter(ident("is_first_entry")))?;
            first.aggregate([stage().alias("stage")], [count(lit(1)).alias("n")])
        }
        InferredVisits::Exclude => {
            rows.aggregate([stage().alias("stage")], [count_distinct(ident("entity_id")).alias("n")])
        }
    };
    let counted = planned(counted)?;
    let total = sum(weight * ident("n")).alias("rows");
    let total = planned(counted.aggregate(Vec::<Expr>::new(), [total]))?;
    fact::named(fact::IN, lit(resolved.visits.as_str()), total)
}

/// Durations by what became of them.
fn durations(scope: &Scope<'_>) -> Result<LogicalPlan> {
    let rows = scope.frames.scan(scope.model)?;
    let text = |name: &str| cast(ident(name), DataType::Utf8);
    let item = coalesce(vec![text("excluded_because"), text("status")]).alias("item");
    let counted = planned(rows.aggregate([item], [count(lit(1)).alias("rows")]))?;
    fact::named(fact::OUT, ident("item"), counted)
}

fn inferred_left_out(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let rows = scope.frames.scan(&resolved.visits)?;
    let rows = planned(rows.filter(says("inferred_by", "skipped_stage")))?;
    let counted = planned(rows.aggregate(Vec::<Expr>::new(), [count(lit(1)).alias("rows")]))?;
    fact::named(fact::POLICY, lit("inferred_visits_left_out"), counted)
}

fn by_calendar(scope: &Scope<'_>) -> Result<LogicalPlan> {
    fact::by_value(fact::RULE, scope, scope.model, "calendar")
}
