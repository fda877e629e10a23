//! The inputs of the work, as logical plans, and the plan of each output.
//!
//! ```text
//! each table   scan → where → source, id, instants, fields     one row a record
//! all          union → the same, and a hash for each match rule and unique id
//! the work     records │ last crosswalk │ last redirects │ decisions → gather → a table
//! ```

use std::sync::Arc;

use arrow::datatypes::{DataType, Field as ArrowField, Schema};
use datafusion::common::{DFSchema, DataFusionError, ScalarValue};
use datafusion::logical_expr::{EmptyRelation, Expr, LogicalPlan, LogicalPlanBuilder, cast, ident, lit, when};

use super::intake::{Algorithm, Input, Work};
use super::key_hash::KeyHash;
use super::resolve::{Resolved, ResolvedSource};
use super::state;
use super::tables::Table;
use crate::engine::gather::{Gathered, gather};
use crate::error::{Error, Result};
use crate::kinds::Scope;
use crate::kinds::typing::instant_type;

/// A plan that does not build is a bug: everything was typed before.
pub(super) fn planned<T>(built: std::result::Result<T, DataFusionError>) -> Result<T> {
    built.map_err(|error| Error::internal("a dedupe could not be planned").with_source(error))
}

/// The plan of one of the tables; `fresh` where the work starts anew, which the first output does.
pub(super) fn table(resolved: &Resolved, scope: &Scope<'_>, table: Table, fresh: bool) -> Result<LogicalPlan> {
    let kept = scope.frames.shared::<Gathered>(scope.model).filter(|_| !fresh);
    let work = match kept {
        Some(work) => work,
        None => {
            let work = Gathered::new(Arc::new(Algorithm(Arc::new(Work::new(resolved, scope)))));
            scope.frames.share(scope.model, work.clone());
            work
        }
    };
    let inputs = Input::ALL.map(|input| match input {
        Input::Records => records(resolved, scope),
        Input::Crosswalk => state::crosswalk(resolved, scope),
        Input::Redirects => state::redirects(resolved, scope),
        Input::Withdrawn => state::withdrawn(resolved, scope),
        Input::Decisions => decisions(resolved, scope),
    });
    gather(inputs.into_iter().collect::<Result<_>>()?, &work, table as usize)
}

/// A table without rows.
pub(super) fn nothing(columns: Vec<ArrowField>) -> Result<LogicalPlan> {
    let schema = Arc::new(planned(DFSchema::try_from(Schema::new(columns)))?);
    Ok(LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema }))
}

fn null(data_type: &DataType) -> Result<Expr> {
    Ok(lit(planned(ScalarValue::try_from(data_type))?))
}

/// The rows of a table that are records.
pub(super) fn read(source: &ResolvedSource, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let rows = scope.frames.scan(&source.table)?;
    match &source.filter {
        Some(filter) => planned(rows.filter(filter.clone())),
        None => Ok(rows),
    }
}

/// Every record with its fields and the hashes of what is compared.
///
/// Columns: source, id, changed, created; what it was merged into, where that is known; the fields; the instants of those fields that have one;
/// what rules see of fields that look at values; whether values are no address or number; a key for each rule; a number for each unique id.
pub(super) fn records(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let parts = resolved.sources.iter().enumerate().map(|(at, source)| values(resolved, at, source, scope));
    let all = union(parts.collect::<Result<Vec<_>>>()?)?;
    let mut columns: Vec<Expr> = planned(all.schema().columns().into_iter().map(|c| Ok(Expr::Column(c))).collect())?;
    for (field, compared) in resolved.fields.iter().zip(&resolved.compared) {
        columns.extend(compared.clone().map(|compared| compared.alias(format!("$compared_{}", field.name))));
    }
    for (field, unreadable) in resolved.fields.iter().zip(&resolved.unreadable) {
        columns.extend(unreadable.clone().map(|unreadable| unreadable.alias(format!("$unreadable_{}", field.name))));
    }
    for (at, rule) in resolved.rules.iter().enumerate().filter(|(_, rule)| !rule.keys.is_empty()) {
        let keys: Vec<Expr> = rule.keys.iter().map(|key| key.expr.clone()).collect();
        columns.push(KeyHash::key(keys.len()).call(keys).alias(format!("$key{at}")));
    }
    for (at, unique) in resolved.uniques.iter().enumerate() {
        columns.push(KeyHash::value().call(vec![unique.expr.clone()]).alias(format!("$unique{at}")));
    }
    planned(planned(all.project(columns))?.build())
}

fn values(resolved: &Resolved, at: usize, source: &ResolvedSource, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let instant = |at: &Option<Expr>| at.clone().map_or_else(|| null(&instant_type()), Ok);
    // What was merged has been taken over already: it says nothing newer than the record that goes on.
    let changed = |at: &Option<Expr>| match (at, &source.merged_into) {
        (Some(at), Some(merged_into)) => planned(when(merged_into.clone().is_null(), at.clone()).end()),
        (at, _) => instant(at),
    };
    let mut columns = vec![
        lit(i32::try_from(at).unwrap_or(i32::MAX)).alias("$source"),
        source.id.clone().alias("$id"),
        changed(&source.updated_at)?.alias("$updated_at"),
        instant(&source.created_at)?.alias("$created_at"),
    ];
    if resolved.knows_merges() {
        let merged_into = source.merged_into.clone().map_or_else(|| null(&DataType::Utf8View), Ok);
        columns.push(merged_into?.alias("$merged_into"));
    }
    for (field, value) in resolved.fields.iter().zip(&source.values) {
        let ty = field.promise.arrow();
        let value = value.clone().map_or_else(|| null(&ty), |value| Ok(cast(value, ty.clone())));
        columns.push(value?.alias(field.name.as_str()));
    }
    for (field, at) in resolved.fields.iter().zip(&source.values_updated_at) {
        if field.has_instant {
            columns.push(changed(at)?.alias(format!("${}_at", field.name)));
        }
    }
    planned(read(source, scope)?.project(columns))
}

fn union(parts: Vec<LogicalPlanBuilder>) -> Result<LogicalPlanBuilder> {
    let mut parts = parts.into_iter();
    let first = parts.next().ok_or_else(|| Error::internal("a dedupe without records"))?;
    parts.try_fold(first, |all, part| planned(all.union(planned(part.build())?)))
}

fn decisions(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let text = |name: &str| ArrowField::new(name, DataType::Utf8, true);
    let Some(decisions) = &resolved.decisions else {
        return nothing(vec![text("left"), text("right"), text("decision")]);
    };
    let columns = [&decisions.left, &decisions.right, &decisions.decision].map(Expr::clone);
    let names = ["left", "right", "decision"];
    let columns = columns.into_iter().zip(names).map(|(column, name)| column.alias(name));
    planned(planned(scope.frames.scan(&decisions.table)?.project(columns))?.build())
}

/// Counts of the work that only the work knows: `fact`, `item`, `rows`.
pub(super) fn counted(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let rows = LogicalPlanBuilder::from(table(resolved, scope, Table::Facts, false)?);
    planned(planned(rows.project(["fact", "item", "rows"].map(ident)))?.build())
}
