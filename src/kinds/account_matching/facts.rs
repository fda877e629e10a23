//! What a run counts: every row of leads and accounts that is read is in the tables, among the accounts
//! that were looked through, or among the rejects.

use std::sync::Arc;

use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, ident, lit};

use super::notes::Notes;
use super::operator::LeadWalk;
use super::plan::{EVERY_ROW, lead_walk, planned, read, side_tables};
use super::resolve::Resolved;
use crate::engine::map::map;
use crate::error::Result;
use crate::kinds::{Scope, fact};

/// All counts, as plans with the columns `fact`, `item`, `rows`.
pub(super) fn facts(resolved: &Resolved, scope: &Scope<'_>) -> Result<Vec<LogicalPlan>> {
    let leads = scope.frames.scan(scope.model)?;
    let leads = planned(leads.aggregate(EVERY_ROW, [count(lit(1)).alias("rows")]))?;
    Ok(vec![
        rows_in(resolved, scope)?,
        fact::named(fact::OUT, lit("leads"), leads)?,
        fact::rejected(scope)?,
        by_tier(scope)?,
        notes(resolved, scope)?,
    ])
}

fn rows_in(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let counted = |rows: LogicalPlanBuilder, table: &str| {
        let rows = planned(rows.aggregate(EVERY_ROW, [count(lit(1)).alias("rows")]))?;
        planned(rows.project([lit(table).alias("item"), ident("rows")]))
    };
    let leads = counted(read(&resolved.leads, scope)?, resolved.leads.table.as_str())?;
    let accounts = counted(read(&resolved.accounts, scope)?, resolved.accounts.table.as_str())?;
    let all = planned(accounts.build().and_then(|accounts| leads.union(accounts)))?;
    // One table may be both.
    let by_table = planned(all.aggregate([ident("item")], [sum(ident("rows")).alias("rows")]))?;
    fact::named(fact::IN, ident("item"), by_table)
}

fn by_tier(scope: &Scope<'_>) -> Result<LogicalPlan> {
    let by_tier = scope.frames.rows_by(scope.model, "tier")?;
    fact::named(fact::RULE, ident("item"), planned(by_tier.filter(ident("item").is_not_null()))?)
}

/// What the walk knows beside its rows. Where it ran, its accounts are at hand.
fn notes(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let tables = side_tables(resolved, scope)?;
    let walk = match scope.frames.shared::<LeadWalk>(scope.model) {
        Some(walk) => walk,
        None => Arc::new(lead_walk(resolved, &tables)?),
    };
    let notes = Notes(walk);
    let numbers = (0..).take(notes.count()).map(|number: i64| vec![lit(number)]).collect();
    let numbers = planned(LogicalPlanBuilder::values(numbers).and_then(LogicalPlanBuilder::build))?;
    map(numbers, tables, Arc::new(notes))
}
