//! What a run counts: rows in, rows out, rejects, and what each policy touched.
//!
//! A row is a change here: a row of a source with `to`, or one filled date of a source with `dates`.
//! Every change is a visit, a repeat absorbed by one, left out by a policy or for its value, or rejected.

use arrow::datatypes::DataType;
use datafusion::common::{Column, UnnestOptions};
use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::functions_nested::make_array::make_array;
use datafusion::logical_expr::{Expr, LogicalPlan, cast, ident, lit, when};

use super::keys::Unusable;
use super::plan::{judged, planned, read, replaced, union};
use super::resolve::{Feed, Resolved};
use super::spec::{Policies, Reentries, Regressions, Skipped};
use crate::error::Result;
use crate::kinds::{Scope, fact};

/// All counts, as plans with the columns `fact`, `item`, `rows`.
pub(super) fn facts(resolved: &Resolved, scope: &Scope<'_>) -> Result<Vec<LogicalPlan>> {
    let mut plans =
        vec![rows_in(resolved, scope)?, of_visits(resolved.policies, scope)?, by_stage(scope)?, fact::rejected(scope)?];
    if resolved.may_ignore {
        plans.push(ignored_values(resolved, scope)?);
    }
    for (item, mapping) in [("hand_over", &resolved.hand_over), ("crosswalk", &resolved.crosswalk)] {
        if let Some(mapping) = mapping {
            plans.push(fact::named(fact::POLICY, lit(item), replaced(resolved, mapping, scope)?)?);
        }
    }
    Ok(plans)
}

const EVERY_ROW: Vec<Expr> = Vec::new();

fn rows_in(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let parts = resolved.sources.iter().map(|source| {
        let counts: Vec<Expr> = match &source.feed {
            Feed::Values(_) => vec![count(lit(1))],
            Feed::Dates(dates) => dates.iter().map(|(_, at)| count(at.clone())).collect(),
        };
        let name = |n: usize| format!("rows_{n}");
        let total = (0..counts.len()).map(|n| ident(name(n))).reduce(|all, one| all + one);
        let counts: Vec<Expr> = counts.into_iter().enumerate().map(|(n, count)| count.alias(name(n))).collect();
        let rows = planned(read(source, scope)?.aggregate(EVERY_ROW, counts))?;
        let total = total.unwrap_or_else(|| lit(0i64)).alias("rows");
        planned(rows.project([lit(source.table.as_str()).alias("item"), total]))
    });
    let all = union(parts.collect::<Result<Vec<_>>>()?)?;
    let by_table = planned(all.aggregate([ident("item")], [sum(ident("rows")).alias("rows")]))?;
    fact::named(fact::IN, ident("item"), by_table)
}

fn by_stage(scope: &Scope<'_>) -> Result<LogicalPlan> {
    fact::by_value(fact::STAGE, scope, scope.model, "stage")
}

fn ignored_values(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let sources = resolved.sources.iter().filter(|source| matches!(source.feed, Feed::Values(_)));
    let parts = sources.map(|source| {
        let rows = planned(judged(resolved, source, scope)?.project([ident("key")]))?;
        planned(rows.filter(ident("key").eq(lit(Unusable::Ignored as i32))))
    });
    let all = union(parts.collect::<Result<Vec<_>>>()?)?;
    fact::named(fact::OUT, lit("values_left_out"), planned(all.aggregate(EVERY_ROW, [count(lit(1)).alias("rows")]))?)
}

/// What can be read off the visits, in one pass over them.
fn of_visits(policies: Policies, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let if_true = |condition: Expr| planned(when(condition, lit(1i64)).otherwise(lit(0i64))).map(sum);
    let is = |column: &str, word: &str| cast(ident(column), DataType::Utf8View).eq(lit(word));
    let total = |column: &str| sum(cast(ident(column), DataType::Int64));
    let real = || ident("inferred").is_false();
    let skipped = match policies.skipped {
        Skipped::SameTime => is("inferred_by", "skipped_stage"),
        Skipped::None => is("transition", "skip"),
    };
    let zero_length = ident("exited_at").eq(ident("entered_at"));
    let counts = [
        (fact::OUT, "visits", if_true(real())?),
        (fact::OUT, "repeats_absorbed", total("changes_absorbed")),
        (fact::OUT, left_out(policies), total("changes_ignored")),
        (fact::POLICY, "skipped", if_true(skipped)?),
        (fact::POLICY, "regressions", if_true(is("transition", "regress"))?),
        (fact::POLICY, "reentries", if_true(ident("visit_number").gt(lit(1)))?),
        (fact::POLICY, "ties", if_true(real().and(zero_length))?),
        (fact::POLICY, "history_gaps", if_true(ident("history_gap"))?),
        (fact::POLICY, "history_starts_late", if_true(is("inferred_by", "late_history"))?),
    ];
    let words = |of: fn(&(&'static str, &'static str, Expr)) -> &'static str| {
        make_array(counts.iter().map(|count| lit(of(count))).collect())
    };
    let (facts, items) = (words(|count| count.0), words(|count| count.1));
    let numbers = (0..counts.len()).map(|n| ident(format!("n{n}"))).collect();
    let aggregates: Vec<Expr> = (0..).zip(counts).map(|(n, count): (i32, _)| count.2.alias(format!("n{n}"))).collect();
    let rows = planned(scope.frames.scan(scope.model)?.aggregate(EVERY_ROW, aggregates))?;
    let lists = [facts.alias("fact"), items.alias("item"), make_array(numbers).alias("rows")];
    let rows = planned(rows.project(lists))?;
    let columns = ["fact", "item", "rows"].map(Column::from_name).to_vec();
    let rows = planned(rows.unnest_columns_with_options(columns, UnnestOptions::new()))?;
    // A sum over no visits is NULL.
    let rows = planned(rows.project([ident("fact"), ident("item"), zero_if_null(ident("rows")).alias("rows")]))?;
    planned(rows.build())
}

fn zero_if_null(expr: Expr) -> Expr {
    datafusion::functions::core::expr_fn::coalesce(vec![expr, lit(0i64)])
}

/// Which policies left changes out.
fn left_out(policies: Policies) -> &'static str {
    match (policies.regressions, policies.reentries) {
        (Regressions::Ignore, Reentries::Ignore) => "regressions_and_reentries_left_out",
        (_, Reentries::Ignore) => "reentries_left_out",
        _ => "regressions_left_out",
    }
}
