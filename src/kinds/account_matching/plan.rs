//! Resolved models → logical plans.
//!
//! ```text
//! leads      scan → where → id, texts → with an id → walk │ side tables: accounts, crosswalk?, aliases?
//! summary    the leads by tier, beside every tier
//! rejects    rows without an id, and the further rows of an id
//! ```

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};
use datafusion::common::{Column, DataFusionError, JoinType, ScalarValue, UnnestOptions};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::functions_aggregate::expr_fn::{avg, count, sum};
use datafusion::functions_nested::range::range;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, ident, lit, when};

use super::describe::{NO_MATCH, REASONS};
use super::index::Layout;
use super::matcher::Rules;
use super::names::Bounds;
use super::operator::{LeadWalk, SCORE};
use super::resolve::{LeadText, Pair, Resolved, Side};
use crate::engine::entity::{WalkOrder, walk_with};
use crate::error::{Error, Result};
use crate::kinds::Scope;

pub(super) const EVERY_ROW: Vec<Expr> = Vec::new();

/// A plan that does not build is a bug: everything was typed before.
pub(super) fn planned<T>(built: std::result::Result<T, DataFusionError>) -> Result<T> {
    built.map_err(|error| Error::internal("an account matching could not be planned").with_source(error))
}

/// The rows of a side that are looked at, as their table has them.
pub(super) fn read<const N: usize>(side: &Side<N>, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let rows = scope.frames.scan(&side.table)?;
    match &side.filter {
        Some(filter) => planned(rows.filter(filter.clone())),
        None => Ok(rows),
    }
}

/// The usable rows of a side: `id`, the columns beside it, the texts that are declared.
///
/// Rows in: those that [`read`] gives. Rows out: those with an id.
fn usable<const N: usize>(side: &Side<N>, beside: Vec<Expr>, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let mut columns = vec![side.id.clone().alias("id")];
    columns.extend(beside);
    let texts = side.texts.iter().enumerate();
    columns.extend(texts.filter_map(|(at, text)| Some(text.clone()?.alias(format!("t{at}")))));
    planned(read(side, scope)?.project(columns).and_then(|rows| rows.filter(ident("id").is_not_null())))
}

/// By text, its column among those of [`usable`]; `first` is the column of the first text.
fn places<const N: usize>(side: &Side<N>, first: usize) -> [Option<usize>; N] {
    let mut next = first;
    side.texts.each_ref().map(|text| {
        text.as_ref()?;
        next += 1;
        Some(next - 1)
    })
}

fn pair(pair: &Pair, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let columns = [pair.from.clone().alias("from"), pair.to.clone().alias("to")];
    planned(scope.frames.scan(&pair.table)?.project(columns).and_then(LogicalPlanBuilder::build))
}

/// What leads are looked up in: accounts, the crosswalk and the aliases where there are any.
pub(super) fn side_tables(resolved: &Resolved, scope: &Scope<'_>) -> Result<Vec<LogicalPlan>> {
    let preferences =
        (0..).zip(&resolved.prefer).map(|(at, prefer): (usize, _)| prefer.by.clone().alias(format!("p{at}")));
    let accounts = usable(&resolved.accounts, preferences.collect(), scope)?;
    let mut tables = vec![planned(accounts.build())?];
    for table in resolved.crosswalk.iter().chain(&resolved.aliases) {
        tables.push(pair(table, scope)?);
    }
    Ok(tables)
}

/// The walk over leads; `tables` are the side tables.
pub(super) fn lead_walk(resolved: &Resolved, tables: &[LogicalPlan]) -> Result<LeadWalk> {
    let accounts = tables.first().ok_or_else(|| Error::internal("a matching without accounts"))?;
    let accounts: &Schema = accounts.schema().as_arrow();
    let bounds = Bounds { least: resolved.least, most_accounts: resolved.max_accounts, most_names: resolved.max_names };
    Ok(LeadWalk {
        rules: Rules {
            tiers: resolved.tiers.as_slice().into(),
            bounds,
            names_across_domains: resolved.names_across_domains,
        },
        layout: Layout {
            accounts: Arc::new(accounts.clone()),
            descending: resolved.prefer.iter().map(|prefer| prefer.descending).collect(),
            texts: places(&resolved.accounts, 1 + resolved.prefer.len()),
            domain_is_website: resolved.domain_is_website,
            names_across_domains: resolved.names_across_domains,
            has_crosswalk: resolved.crosswalk.is_some(),
            has_aliases: resolved.aliases.is_some(),
            shared_websites: resolved.shared_websites.clone(),
            tiers: resolved.tiers.clone(),
        },
        texts: places::<{ LeadText::COUNT }>(&resolved.leads, 1),
        titles: resolved.prefer.iter().map(|prefer| prefer.title.clone()).collect(),
        lead_id: resolved.leads.id_promise.arrow(),
        index: Default::default(),
    })
}

/// The main table.
pub(super) fn matches(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let leads = planned(usable(&resolved.leads, Vec::new(), scope)?.build())?;
    let tables = side_tables(resolved, scope)?;
    let walk = Arc::new(lead_walk(resolved, &tables)?);
    // The counts of the run ask the accounts that this makes ready.
    scope.frames.share(scope.model, walk.clone());
    let order = WalkOrder { entity: vec!["id".to_string()], order: Vec::new() };
    walk_with(leads, tables, order, walk)
}

/// How many leads each tier found an account for, and how sure that is.
///
/// Rows in: the main table. Rows out: one for each tier of the model, in order, and one for the leads
/// without an account.
pub(super) fn summary(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let words = resolved.tiers.iter().map(|tier| tier.word()).chain([NO_MATCH]);
    let rows = (1i32..).zip(words).map(|(position, word)| vec![lit(position), lit(word)]).collect();
    let tiers = planned(LogicalPlanBuilder::values(rows))?;
    let tiers = planned(tiers.project([ident("column1").alias("position"), ident("column2").alias("tier")]))?;
    let ambiguous = planned(when(ident("candidates").gt(lit(1)), lit(1i64)).otherwise(lit(0i64)))?;
    let tier = coalesce(vec![cast(ident("tier"), DataType::Utf8), lit(NO_MATCH)]).alias("found_by");
    let counted = scope.frames.scan(scope.model)?.aggregate(
        [tier],
        [
            count(lit(1)).alias("n"),
            sum(ambiguous).alias("n_ambiguous"),
            avg(cast(ident("score"), DataType::Decimal128(SCORE.0, SCORE.1))).alias("mean"),
        ],
    );
    let counted = planned(counted.and_then(LogicalPlanBuilder::build))?;
    let total = scope.frames.scan(scope.model)?.aggregate(EVERY_ROW, [count(lit(1)).alias("total")]);
    let total = planned(total.and_then(LogicalPlanBuilder::build))?;
    let on = (vec![Column::from_name("tier")], vec![Column::from_name("found_by")]);
    let rows = planned(tiers.join(counted, JoinType::Left, on, None).and_then(|rows| rows.cross_join(total)))?;
    let number = |name: &str| coalesce(vec![cast(ident(name), DataType::Int64), lit(0i64)]);
    let double = |expr: Expr| cast(expr, DataType::Float64);
    let share = when(ident("total").gt(lit(0i64)), double(number("n")) / double(ident("total")));
    let columns = [
        ident("position"),
        cast(ident("tier"), DataType::Utf8).alias("tier"),
        number("n").alias("leads"),
        planned(share.end())?.alias("leads_share"),
        number("n_ambiguous").alias("ambiguous"),
        cast(ident("mean"), DataType::Decimal128(SCORE.0, SCORE.1)).alias("mean_score"),
    ];
    planned(rows.project(columns).and_then(LogicalPlanBuilder::build))
}

/// The rows that could not be used, each with its reason.
pub(super) fn rejects(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let [no_lead, lead_again, no_account, account_again] = REASONS.map(|(reason, _)| reason);
    let parts = [
        without_id(&resolved.leads, no_lead, scope)?,
        repeated(&resolved.leads, lead_again, scope)?,
        without_id(&resolved.accounts, no_account, scope)?,
        repeated(&resolved.accounts, account_again, scope)?,
    ];
    let mut parts = parts.into_iter();
    let first = parts.next().ok_or_else(|| Error::internal("rejects of no table"))?;
    let all = parts.try_fold(first, |all, part| planned(part.build().and_then(|part| all.union(part))))?;
    planned(all.build())
}

fn reject<const N: usize>(side: &Side<N>, key: Expr, reason: &str) -> [Expr; 4] {
    [
        lit(side.table.as_str()).alias("source_table"),
        key.alias("source_key"),
        lit(reason).alias("reason"),
        lit(ScalarValue::Utf8(None)).alias("detail"),
    ]
}

fn without_id<const N: usize>(side: &Side<N>, reason: &str, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let rows = planned(read(side, scope)?.filter(side.id.clone().is_null()))?;
    planned(rows.project(reject(side, lit(ScalarValue::Utf8(None)), reason)))
}

/// All rows of an id but one: which one, the table of rejects need not know.
fn repeated<const N: usize>(side: &Side<N>, reason: &str, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let ids = planned(read(side, scope)?.project([cast(side.id.clone(), DataType::Utf8).alias("id")]))?;
    let ids = planned(ids.filter(ident("id").is_not_null()))?;
    let ids = planned(ids.aggregate([ident("id")], [count(lit(1)).alias("n")]))?;
    let ids = planned(ids.filter(ident("n").gt(lit(1i64))))?;
    let further = range(lit(1i64), ident("n"), lit(1i64)).alias("further");
    let ids = planned(ids.project([ident("id"), further]))?;
    let options = UnnestOptions::new().with_preserve_nulls(false);
    let rows = planned(ids.unnest_column_with_options(Column::from_name("further"), options))?;
    planned(rows.project(reject(side, ident("id"), reason)))
}
