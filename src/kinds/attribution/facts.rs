//! What a run counts: rows in, rows out, rejects, and what policies touched.
//!
//! A row is a conversion or a touch of the tables that the model reads. Every conversion is in the ledger,
//! a journey without a conversion, or rejected; every touch is usable, left out by name, or rejected.

use datafusion::common::{Column, UnnestOptions};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::functions_aggregate::expr_fn::{count, max, min, sum};
use datafusion::functions_nested::make_array::make_array;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, ident, lit, when};

use super::describe::{EFFECTS, RECONCILIATION};
use super::inputs::{holds, planned, read_conversions, read_touches, usable_conversions};
use super::journeys::span;
use super::models::Learns;
use super::resolve::Resolved;
use super::spec::Anonymous;
use crate::error::Result;
use crate::kinds::{Scope, fact};

const EVERY_ROW: Vec<Expr> = Vec::new();

/// All counts, as plans with the columns `fact`, `item`, `rows`.
pub(super) fn facts(resolved: &Resolved, scope: &Scope<'_>) -> Result<Vec<LogicalPlan>> {
    let mut plans = vec![
        conversions_in(resolved, scope)?,
        attributed(resolved, scope)?,
        of_touches(resolved, scope)?,
        fact::rejected(scope)?,
    ];
    if let Some(micros) = resolved.reach.micros {
        plans.push(before_all_touches(resolved, micros, scope)?);
    }
    for model in resolved.models.iter().filter(|model| matches!(model.learns, Some(Learns::Markov(_)))) {
        plans.push(journeys_of(&model.name, scope)?);
    }
    if let Some(spend) = &resolved.spend {
        let rows = super::spend::read(spend, scope)?;
        let rows = planned(rows.aggregate(EVERY_ROW, [count(lit(1i64)).alias("rows")]))?;
        plans.push(fact::named(fact::IN, lit(spend.table.as_str()), rows)?);
        let rows = super::spend::usable(spend, scope)?;
        let rows = planned(rows.aggregate(EVERY_ROW, [count(lit(1i64)).alias("rows")]))?;
        plans.push(fact::named(fact::OUT, lit("spend"), rows)?);
    }
    if resolved.conversions.converted.is_some() {
        plans.push(unconverted(resolved, scope)?);
    }
    Ok(plans)
}

fn conversions_in(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let rows = read_conversions(resolved, scope)?;
    let rows = planned(rows.aggregate(EVERY_ROW, [count(lit(1i64)).alias("rows")]))?;
    fact::named(fact::IN, lit(resolved.conversions.table.as_str()), rows)
}

/// Conversions as the ledger has them: a model's credits are one for each.
fn attributed(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let model = resolved.models.iter().find(|model| model.adds_up()).map_or("", |model| model.name.as_str());
    let rows = scope.frames.scan(&scope.model.with_suffix(RECONCILIATION))?;
    let rows = planned(rows.filter(ident("model").eq(lit(model))))?;
    let rows = planned(rows.aggregate(EVERY_ROW, [sum(ident("credits")).alias("rows")]))?;
    fact::named(fact::OUT, lit("conversions"), rows)
}

fn unconverted(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let rows = planned(usable_conversions(resolved, scope)?.filter(!holds(ident("converted"))))?;
    let rows = planned(rows.aggregate(EVERY_ROW, [count(lit(1i64)).alias("rows")]))?;
    fact::named(fact::OUT, lit("journeys_without_conversion"), rows)
}

/// The item of [`fact::POLICY`] that counts conversions whose lookback begins before the first touch.
pub(super) const BEFORE_ALL_TOUCHES: &str = "lookback_before_first_touch";

/// The item of [`fact::POLICY`] that says how many journeys a chain learned from.
pub(super) fn journeys_item(model: &str) -> String {
    format!("journeys_of_{model}")
}

fn journeys_of(model: &str, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let rows = scope.frames.scan(&scope.model.with_suffix(EFFECTS))?;
    let rows = planned(rows.filter(ident("model").eq(lit(model))))?;
    let rows = planned(rows.aggregate(EVERY_ROW, [max(ident("journeys")).alias("most")]))?;
    let rows = planned(rows.project([coalesce(vec![ident("most"), lit(0i64)]).alias("rows")]))?;
    fact::named(fact::POLICY, lit(journeys_item(model)), rows)
}

fn before_all_touches(resolved: &Resolved, micros: i64, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let oldest = read_touches(resolved, scope)?;
    let oldest = planned(oldest.aggregate(EVERY_ROW, [min(resolved.touches.at.clone()).alias("oldest")]))?;
    let rows = usable_conversions(resolved, scope)?;
    let rows = match resolved.conversions.converted {
        Some(_) => planned(rows.filter(ident("converted")))?,
        None => rows,
    };
    let rows = planned(rows.project([ident("at")]).and_then(|rows| rows.cross_join(oldest.build()?)))?;
    let before = (ident("at") - span(micros)).lt(ident("oldest"));
    let one = planned(when(before, lit(1i64)).otherwise(lit(0i64)))?;
    let rows = planned(rows.aggregate(EVERY_ROW, [sum(one).alias("rows")]))?;
    fact::named(fact::POLICY, lit(BEFORE_ALL_TOUCHES), rows)
}

/// Touches in, usable, excluded by each reason, and of nobody, in one pass over them.
fn of_touches(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let spec = &resolved.touches;
    let if_true = |condition: Expr| planned(when(condition, lit(1i64)).otherwise(lit(0i64))).map(sum);
    let known = || spec.id.clone().is_not_null().and(spec.at.clone().is_not_null());
    let mut counts = vec![(fact::IN, spec.table.to_string(), count(lit(1i64)))];
    let mut passed = lit(true);
    for (name, excluded) in &spec.exclude {
        counts.push((
            fact::OUT,
            format!("touches_excluded_{name}"),
            if_true(passed.clone().and(holds(excluded.clone())))?,
        ));
        passed = passed.and(!holds(excluded.clone()));
    }
    let usable = passed.clone().and(known()).and(spec.entity.clone().is_not_null());
    counts.push((fact::OUT, "touches".to_string(), if_true(usable)?));
    if spec.anonymous == Anonymous::Ignore {
        let anonymous = passed.and(known()).and(spec.entity.clone().is_null());
        counts.push((fact::OUT, "touches_anonymous".to_string(), if_true(anonymous)?));
    }
    let facts = make_array(counts.iter().map(|count| lit(count.0)).collect());
    let items = make_array(counts.iter().map(|count| lit(count.1.as_str())).collect());
    let numbers = (0..counts.len()).map(|n| coalesce(vec![ident(format!("n{n}")), lit(0i64)])).collect();
    let totals: Vec<Expr> = counts.into_iter().enumerate().map(|(n, count)| count.2.alias(format!("n{n}"))).collect();
    let rows = planned(read_touches(resolved, scope)?.aggregate(EVERY_ROW, totals))?;
    let lists = [facts.alias("fact"), items.alias("item"), make_array(numbers).alias("rows")];
    let rows = planned(rows.project(lists))?;
    let columns = ["fact", "item", "rows"].map(Column::from_name).to_vec();
    planned(rows.unnest_columns_with_options(columns, UnnestOptions::new()).and_then(LogicalPlanBuilder::build))
}
