//! Sources → changes → visits, as logical plans.
//!
//! ```text
//! each source   scan → where → (entity, at, key, record, created?)   one row a change
//! all           union → usable ones → hand-over → crosswalk → walk → visits
//! rejects       the same, those that are not usable
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{Column, DataFusionError, JoinType, ScalarValue, UnnestOptions};
use datafusion::functions::core::expr_fn::{coalesce, get_field};
use datafusion::functions_aggregate::expr_fn::min;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, ident, lit, when};

use super::functions::{ChangeKey, DateKeys};
use super::keys::Unusable;
use super::operator::VisitWalk;
use super::resolve::{Feed, Mapping, Resolved, ResolvedSource, Values};
use crate::engine::entity::{WalkOrder, walk};
use crate::engine::kept::kept;
use crate::error::{Error, Result};
use crate::kinds::Scope;
use crate::kinds::typing::instant_type;

/// A plan that does not build is a bug: everything was typed before.
pub(super) fn planned<T>(built: std::result::Result<T, DataFusionError>) -> Result<T> {
    built.map_err(|error| Error::internal("a lifecycle could not be planned").with_source(error))
}

fn null(data_type: &DataType) -> Result<Expr> {
    Ok(lit(planned(ScalarValue::try_from(data_type))?))
}

/// The rows of a source that are looked at.
pub(super) fn read(source: &ResolvedSource, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let rows = scope.frames.scan(&source.table)?;
    match &source.filter {
        Some(filter) => planned(rows.filter(filter.clone())),
        None => Ok(rows),
    }
}

/// Every change of a source, usable or not: entity, at, key, record, created, detail.
///
/// Rows in: those that [`read`] gives. Rows out: one for each of them, or for each filled date.
pub(super) fn judged(resolved: &Resolved, source: &ResolvedSource, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    judged_rows(resolved, source, read(source, scope)?)
}

fn judged_rows(resolved: &Resolved, source: &ResolvedSource, rows: LogicalPlanBuilder) -> Result<LogicalPlanBuilder> {
    let entity = cast(source.entity.clone(), resolved.entity.arrow());
    let record = match &source.record {
        Some(record) => cast(record.clone(), resolved.record.arrow()),
        None => null(&resolved.record.arrow())?,
    };
    let created = match &source.created {
        Some(created) => created.clone(),
        None => null(&instant_type())?,
    };
    let judge = Arc::clone(&source.judge);
    match &source.feed {
        Feed::Values(values) => {
            let Values { at, to, was } = values.as_ref();
            let mut parts = vec![source.entity.clone(), at.clone(), to.clone()];
            parts.extend(was.clone());
            parts.extend(source.created.clone());
            let key = ChangeKey::function(judge, was.is_some(), source.created.is_some()).call(parts);
            planned(rows.project(vec![
                entity.alias("entity"),
                at.clone().alias("at"),
                key.alias("key"),
                record.alias("record"),
                created.alias("created"),
                to.clone().alias("detail"),
            ]))
        }
        Feed::Dates(dates) => {
            let codes = dates.iter().map(|(code, _)| *code).collect();
            let mut parts = vec![source.entity.clone(), created.clone()];
            parts.extend(dates.iter().map(|(_, at)| at.clone()));
            let changes = DateKeys::function(judge, codes).call(parts);
            let kept =
                [entity.alias("entity"), record.alias("record"), created.alias("created"), changes.alias("change")];
            let options = UnnestOptions::new().with_preserve_nulls(false);
            let rows = planned(rows.project(kept))?;
            let rows = planned(rows.unnest_column_with_options(Column::from_name("change"), options))?;
            let part = |name: &str| get_field(ident("change"), name);
            planned(rows.project(vec![
                ident("entity"),
                part("at").alias("at"),
                part("key").alias("key"),
                ident("record"),
                ident("created"),
                null(&DataType::Utf8View)?.alias("detail"),
            ]))
        }
    }
}

/// The usable changes of all sources, each with the entity it counts for.
///
/// Rows in: [`judged`] of each source. Rows out: those with a key; the mappings neither add nor drop any.
fn changes(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let all = usable(resolved, scope)?;
    let mapped = match &resolved.hand_over {
        Some(mapping) => replace(resolved, mapping, all, scope)?,
        None => all,
    };
    match &resolved.crosswalk {
        Some(mapping) => replace(resolved, mapping, mapped, scope),
        None => Ok(mapped),
    }
}

fn usable(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let by_system = resolved.crosswalk.as_ref().is_some_and(|crosswalk| crosswalk.system.is_some());
    let parts = resolved.sources.iter().map(|source| {
        let mut kept: Vec<Expr> = columns(resolved).into_iter().map(ident).collect();
        if by_system {
            kept.push(cast(lit(source.system.as_str()), DataType::Utf8View).alias("system"));
        }
        let rows = judged(resolved, source, scope)?;
        planned(rows.filter(ident("key").gt(lit(0))).and_then(|rows| rows.project(kept)))
    });
    union(parts.collect::<Result<Vec<_>>>()?)
}

/// The columns that the walk reads.
fn columns(resolved: &Resolved) -> Vec<&'static str> {
    let mut names = vec!["entity", "at", "key", "record"];
    if resolved.sources.iter().any(|source| source.created.is_some()) {
        names.push("created");
    }
    names
}

pub(super) fn union(parts: Vec<LogicalPlanBuilder>) -> Result<LogicalPlanBuilder> {
    let mut parts = parts.into_iter();
    let first = parts.next().ok_or_else(|| Error::internal("a lifecycle without sources"))?;
    parts.try_fold(first, |all, part| planned(part.build().and_then(|part| all.union(part))))
}

/// The changes joined to a mapping: their columns and `new_id`, NULL where the mapping has nothing.
///
/// An entity that the mapping holds several times gets the lowest of its new ids, so that no change
/// is doubled. The mapping stands on the left, where a join keeps its rows in memory.
fn joined(
    resolved: &Resolved,
    mapping: &Mapping,
    rows: LogicalPlanBuilder,
    scope: &Scope<'_>,
) -> Result<LogicalPlanBuilder> {
    let id = |expr: &Expr| cast(expr.clone(), resolved.entity.arrow());
    let mut named = vec![id(&mapping.old).alias("old_id"), id(&mapping.new).alias("new_id")];
    named.extend(mapping.system.clone().map(|system| system.alias("old_system")));
    let (mut keys, mut here) = (vec![ident("old_id")], vec!["entity"]);
    if mapping.system.is_some() {
        keys.push(ident("old_system"));
        here.push("system");
    }
    let there: Vec<Column> = ["old_id", "old_system"].iter().take(keys.len()).map(|c| Column::from_name(*c)).collect();
    let here: Vec<Column> = here.into_iter().map(Column::from_name).collect();
    let known = planned(scope.frames.scan(&mapping.table)?.project(named))?;
    let known = planned(known.filter(ident("old_id").is_not_null().and(ident("new_id").is_not_null())))?;
    let known = planned(known.aggregate(keys, [min(ident("new_id")).alias("new_id")]).and_then(|b| b.build()))?;
    let name = if is_crosswalk(resolved, mapping) { "Crosswalk" } else { "HandOver" };
    let known = kept(scope.frames, scope.model, name, known)?;
    planned(LogicalPlanBuilder::from(known).join(planned(rows.build())?, JoinType::Right, (there, here), None))
}

fn replace(
    resolved: &Resolved,
    mapping: &Mapping,
    rows: LogicalPlanBuilder,
    scope: &Scope<'_>,
) -> Result<LogicalPlanBuilder> {
    let kept: Vec<String> = rows.schema().fields().iter().map(|field| field.name().clone()).collect();
    let rows = joined(resolved, mapping, rows, scope)?;
    let exprs = kept.iter().map(|name| match name.as_str() {
        "entity" => coalesce(vec![ident("new_id"), ident("entity")]).alias("entity"),
        name => ident(name),
    });
    planned(rows.project(exprs))
}

fn is_crosswalk(resolved: &Resolved, mapping: &Mapping) -> bool {
    resolved.crosswalk.as_ref().is_some_and(|crosswalk| std::ptr::eq(crosswalk, mapping))
}

/// How many changes a mapping replaced the entity of, as one column `rows`.
pub(super) fn replaced(resolved: &Resolved, mapping: &Mapping, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    use datafusion::functions_aggregate::expr_fn::count;
    let rows = usable(resolved, scope)?;
    let rows = match &resolved.hand_over {
        Some(first) if is_crosswalk(resolved, mapping) => replace(resolved, first, rows, scope)?,
        _ => rows,
    };
    let rows = joined(resolved, mapping, rows, scope)?;
    planned(rows.aggregate(Vec::<Expr>::new(), [count(ident("new_id")).alias("rows")]))
}

/// The main table.
pub(super) fn visits(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let names = columns(resolved);
    let rows = planned(changes(resolved, scope)?.project(names.iter().map(|name| ident(*name))))?;
    let has_record = resolved.sources.iter().any(|source| source.record.is_some());
    let order = names.iter().skip(1).filter(|name| has_record || **name != "record");
    let mut systems = BTreeMap::new();
    for source in &resolved.sources {
        systems.entry(source.system.as_str()).or_insert(0);
    }
    for (number, index) in (0i32..).zip(systems.values_mut()) {
        *index = number;
    }
    let algorithm = VisitWalk {
        definition: Arc::clone(&resolved.definition),
        policies: resolved.policies,
        system_of: resolved.sources.iter().filter_map(|s| systems.get(s.system.as_str()).copied()).collect(),
        systems: systems.keys().map(|name| (*name).to_string()).collect(),
        entity_type: resolved.entity.arrow(),
        record_type: resolved.record.arrow(),
    };
    let order =
        WalkOrder { entity: vec!["entity".to_string()], order: order.map(|name| (*name).to_string()).collect() };
    walk(planned(rows.build())?, order, Arc::new(algorithm))
}

/// The rows that could not be used, each with its reason.
pub(super) fn rejects(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let parts = resolved.sources.iter().map(|source| {
        let rows = judged_rows(resolved, source, suspects(source, scope)?)?;
        let text = |name: &str| cast(ident(name), DataType::Utf8);
        let key = match source.record {
            Some(_) => text("record"),
            None => text("entity"),
        };
        let is = |reason: Unusable| ident("key").eq(lit(reason as i32));
        let at = is(Unusable::Future).or(is(Unusable::BeforeCreated));
        let detail = planned(when(at, text("at")).when(is(Unusable::UnmappedStage), text("detail")).end())?;
        let rows = planned(rows.filter(ident("key").lt(lit(Unusable::Ignored as i32))))?;
        planned(rows.project([
            lit(source.table.as_str()).alias("source_table"),
            key.alias("source_key"),
            reason()?.alias("reason"),
            detail.alias("detail"),
        ]))
    });
    planned(union(parts.collect::<Result<Vec<_>>>()?)?.build())
}

/// The rows of a source that can turn out unusable.
///
/// Where values cannot, entities and instants decide, and most extracts know from their statistics
/// that there is nothing to be read at all.
fn suspects(source: &ResolvedSource, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let rows = read(source, scope)?;
    let at = match &source.feed {
        Feed::Values(values) if !source.judge.may_be_unmapped() => &values.at,
        _ => return Ok(rows),
    };
    let mut suspect = source.entity.clone().is_null().or(at.clone().is_null());
    if let Some(latest) = source.judge.latest {
        let latest = ScalarValue::TimestampMicrosecond(Some(latest), Some("UTC".into()));
        suspect = suspect.or(at.clone().gt(lit(latest)));
    }
    if let Some(created) = source.created.clone().filter(|_| source.judge.after_created) {
        suspect = suspect.or(at.clone().lt(created));
    }
    planned(rows.filter(suspect))
}

fn reason() -> Result<Expr> {
    let [(first, word, _), rest @ ..] = Unusable::REJECTED;
    let mut words = when(ident("key").eq(lit(first as i32)), lit(word));
    for (reason, word, _) in rest {
        words = words.when(ident("key").eq(lit(reason as i32)), lit(word));
    }
    planned(words.end())
}
