//! Visits → transitions → durations, and durations → summary, as logical plans.
//!
//! ```text
//! durations   visits → as of the run → walk → joined to attributes and pauses → segments → finish
//! summary     durations → samples ─┐
//!             durations → converted by period ─┴ union → walk over groups
//! ```

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use datafusion::common::{Column, DataFusionError, JoinType, ScalarValue};
use datafusion::functions_aggregate::expr_fn::{count, max};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, ident, lit};

use super::finish::{Finish, words_type};
use super::operator::TransitionWalk;
use super::pauses::PAUSES;
use super::resolve::{Attributes, Resolved, attribute_name, kept_name};
use super::samples::{Bits, Columns, Samples};
use super::spec::InferredVisits;
use super::summary::GroupWalk;
use crate::contract::Contract;
use crate::engine::entity::{WalkOrder, walk};
use crate::engine::following::following;
use crate::engine::map::map;
use crate::error::{Error, Result};
use crate::kinds::Scope;
use crate::kinds::typing::instant_type;

/// A plan that does not build is a bug: everything was typed before.
pub(super) fn planned<T>(built: std::result::Result<T, DataFusionError>) -> Result<T> {
    built.map_err(|error| Error::internal("a velocity could not be planned").with_source(error))
}

/// Whether a text column says this word; false where it says nothing.
pub(super) fn says(column: &str, word: &str) -> Expr {
    ident(column).is_not_null().and(ident(column).eq(lit(word)))
}

/// The visits that are looked at: those until the run's instant and, unless the model includes them,
/// without those inferred for stages that were jumped over.
pub(super) fn visits(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let as_of = ScalarValue::TimestampMicrosecond(Some(resolved.rules.as_of), Some("UTC".into()));
    let rows = planned(scope.frames.scan(&resolved.visits)?.filter(ident("entered_at").lt_eq(lit(as_of))))?;
    match resolved.inferred {
        InferredVisits::Include => Ok(rows),
        InferredVisits::Exclude => {
            planned(rows.filter(ident("inferred_by").is_null().or(ident("inferred_by").not_eq(lit("skipped_stage")))))
        }
    }
}

/// The main table.
pub(super) fn durations(resolved: Arc<Resolved>, scope: &Scope<'_>, output: &Contract) -> Result<LogicalPlan> {
    let mut rows = LogicalPlanBuilder::from(transitions(&resolved, scope)?);
    for (index, attributes) in resolved.attributes.iter().enumerate() {
        if !attributes.columns.is_empty() {
            rows = joined(rows, index, attributes, scope)?;
        }
    }
    if let Some(pauses) = &resolved.pauses {
        rows = pauses.joined(rows, scope)?;
    }
    let mut columns: Vec<Expr> =
        [kept_name("entity_id").as_str(), "pair", "outcome", "ended_in", "start", "end", "length"].map(ident).to_vec();
    columns.extend(resolved.rules.spans.then(|| ident("spans")));
    columns.extend(resolved.pauses.as_ref().map(|_| ident(PAUSES)));
    columns.extend(resolved.segments.iter().map(|segment| segment.expr.clone().alias(format!("s_{}", segment.name))));
    columns.extend(resolved.calendar_by.clone().map(|calendar| calendar.alias("calendar")));
    columns.extend(resolved.exclude.clone().map(|exclude| exclude.alias("exclude")));
    columns.extend(resolved.observed.clone().map(|observed| observed.alias("observed")));
    let rows = planned(rows.project(columns).and_then(|rows| rows.build()))?;
    let holidays = holidays(&resolved, scope)?;
    let schema = Arc::new(Schema::new(fields(&rows, &resolved, output)));
    map(rows, holidays, Arc::new(Finish { resolved, schema }))
}

/// The contract's columns, in the types in which they are made.
fn fields(rows: &LogicalPlan, resolved: &Resolved, output: &Contract) -> Vec<FieldRef> {
    let known = rows.schema().fields();
    let of = |name: &str| known.iter().find(|field| field.name() == name).map(|field| field.data_type().clone());
    let entity = of(&kept_name("entity_id"));
    let words =
        ["from_stage", "to_stage", "status", "ended_in", "excluded_because", "calendar", "target", "target_status"];
    let is_segment = |name: &str| resolved.segments.iter().any(|segment| segment.name.as_str() == name);
    let field = |column: &crate::contract::Column| {
        let name = column.name.as_str();
        let data_type = match name {
            "entity_id" => entity.clone(),
            name if is_segment(name) => of(&format!("s_{name}")),
            name if words.contains(&name) => Some(words_type()),
            _ => None,
        };
        Arc::new(Field::new(name, data_type.unwrap_or_else(|| column.ty.arrow()), true))
    };
    output.columns.iter().map(field).collect()
}

fn transitions(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let losing = resolved.pairs.losing();
    let tells_late = resolved.inferred == InferredVisits::Exclude;
    let mut columns = vec![
        ident("visit_seq").alias("seq"),
        cast(ident("entered_at"), instant_type()).alias("at"),
        ident("stage").alias("stage"),
    ];
    columns.extend(losing.is_none().then(|| says("transition", "close").alias("losing")));
    columns.extend(tells_late.then(|| says("inferred_by", "late_history").alias("late")));
    let before = columns.len();
    columns.push(ident("entity_id").alias(kept_name("entity_id")));
    columns.extend(resolved.kept.iter().map(|column| ident(column).alias(kept_name(column))));
    let rows = planned(visits(resolved, scope)?.project(columns).and_then(|rows| rows.build()))?;
    let kept = rows.schema().fields().iter().skip(before);
    let kept = kept.map(|field| Arc::new(Field::new(field.name(), field.data_type().clone(), true))).collect();
    let algorithm =
        TransitionWalk { rules: resolved.rules.clone(), stages: resolved.stages().to_vec(), losing, tells_late, kept };
    let order = WalkOrder { entity: vec![kept_name("entity_id")], order: vec!["seq".to_string()] };
    walk(rows, order, Arc::new(algorithm))
}

/// Transitions with the attributes that their entity had when the time began; NULL where it had none.
///
/// Rows out are rows in: of each entity and instant one row of the attributes counts. Where a table
/// without `since` has several of an entity, it is the last in the order of the columns read. The
/// attributes stand on the left, where a join keeps its rows in memory.
fn joined(
    rows: LogicalPlanBuilder,
    index: usize,
    attributes: &Attributes,
    scope: &Scope<'_>,
) -> Result<LogicalPlanBuilder> {
    let name = |column: &str| attribute_name(index, column);
    let entity = rows.schema().field_with_unqualified_name(&kept_name("entity_id"));
    let entity = planned(entity)?.data_type().clone();
    let (key, since, until) = (name("_key"), name("_since"), name("_until"));
    let mut columns = vec![cast(attributes.entity.clone(), entity).alias(&key)];
    columns.extend(attributes.since.clone().map(|at| cast(at, instant_type()).alias(&since)));
    columns.extend(attributes.columns.iter().map(|column| {
        let qualified = Column::new(Some(attributes.table.as_str()), column);
        Expr::Column(qualified).alias(name(column))
    }));
    let known = planned(scope.frames.scan(&attributes.table)?.project(columns))?;
    let known = planned(known.filter(ident(&key).is_not_null()))?;
    let read: Vec<String> = attributes.columns.iter().map(|column| name(column)).collect();
    let (known, holds) = match attributes.since {
        None => (one_each(known, &key, &read)?, None),
        Some(_) => {
            let start = cast(ident("start"), instant_type());
            let holds = ident(&since).lt_eq(start.clone()).and(ident(&until).is_null().or(start.lt(ident(&until))));
            (spans(known, &key, &since, &until, &read)?, Some(holds))
        }
    };
    let on = (vec![Column::from_name(&key)], vec![Column::from_name(kept_name("entity_id"))]);
    planned(known.join(planned(rows.build())?, JoinType::Right, on, holds))
}

/// Rows with the instant until which each holds: when the next one of its key begins. Of several that
/// begin at once all but the last hold for no time.
fn spans(
    known: LogicalPlanBuilder,
    key: &str,
    since: &str,
    until: &str,
    columns: &[String],
) -> Result<LogicalPlanBuilder> {
    let known = planned(known.filter(ident(since).is_not_null()))?;
    let (known, order) = nulls_first(known, columns)?;
    let order = std::iter::once(since.to_string()).chain(order).collect();
    following(known, &[key], order, since, until)
}

/// One row for each key.
fn one_each(known: LogicalPlanBuilder, key: &str, columns: &[String]) -> Result<LogicalPlanBuilder> {
    if let [column] = columns {
        return planned(known.aggregate([ident(key)], [max(ident(column)).alias(column)]));
    }
    let next = "_next";
    let (known, order) = nulls_first(known, columns)?;
    let known = following(known, &[key], order, key, next)?;
    planned(known.filter(ident(next).is_null()))
}

/// The rows with further columns, and the columns to sort by so that these come in their order, NULLs first.
fn nulls_first(rows: LogicalPlanBuilder, columns: &[String]) -> Result<(LogicalPlanBuilder, Vec<String>)> {
    let is_known = |column: &String| format!("known {column}");
    let mut all: Vec<Expr> = rows.schema().fields().iter().map(|field| ident(field.name().as_str())).collect();
    all.extend(columns.iter().map(|column| ident(column).is_not_null().alias(is_known(column))));
    let order = columns.iter().flat_map(|column| [is_known(column), column.clone()]).collect();
    Ok((planned(rows.project(all))?, order))
}

/// For each calendar that has holidays, its rows.
fn holidays(resolved: &Resolved, scope: &Scope<'_>) -> Result<Vec<LogicalPlan>> {
    let calendars = resolved.calendars.iter().flat_map(|calendars| &calendars.all);
    let holidays = calendars.filter_map(|calendar| calendar.holidays.as_ref());
    holidays
        .map(|holidays| {
            let mut rows = scope.frames.scan(&holidays.table)?;
            if let Some(filter) = &holidays.filter {
                rows = planned(rows.filter(filter.clone()))?;
            }
            let columns = [
                holidays.date.clone().alias("date"),
                holidays.closed_from.clone().alias("closed_from"),
                holidays.closed_until.clone().alias("closed_until"),
            ];
            planned(rows.project(columns).and_then(|rows| rows.build()))
        })
        .collect()
}

/// The summary, from the finished durations.
pub(super) fn summary(resolved: Arc<Resolved>, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let groups = group_columns(&resolved);
    let time = if resolved.unit.business { "business_us" } else { "duration_us" };
    let columns = Columns {
        horizon: resolved.horizon.is_some(),
        unobserved: resolved.observed.is_some(),
        targets: resolved.pairs.has_targets(),
    };
    let mut read = vec![ident("status"), ident(time)];
    read.extend(columns.horizon.then(|| [ident("within_horizon"), ident("horizon_passed")]).into_iter().flatten());
    read.extend(columns.unobserved.then(|| ident("unobserved_us")));
    read.extend(columns.targets.then(|| ident("target_status")));
    read.extend(groups.iter().map(ident));
    let rows = planned(scope.frames.scan(scope.model)?.project(read).and_then(|rows| rows.build()))?;
    let of = |name: &String| -> Result<FieldRef> {
        let field = planned(rows.schema().field_with_unqualified_name(name))?;
        Ok(Arc::new(Field::new(name, field.data_type().clone(), true)))
    };
    let groups = groups.iter().map(of).collect::<Result<Vec<_>>>()?;
    let mut fields = groups.clone();
    fields.push(Arc::new(Field::new("time", DataType::Int64, false)));
    fields.push(Arc::new(Field::new("bits", DataType::Int32, false)));
    fields.extend(columns.unobserved.then(|| Arc::new(Field::new("late", DataType::Int64, true))));
    let samples = map(rows, Vec::new(), Arc::new(Samples { columns, schema: Arc::new(Schema::new(fields)) }))?;
    let mut samples = LogicalPlanBuilder::from(samples);
    if resolved.cohorts.is_some() {
        let periods = by_period(&resolved, scope, columns.unobserved)?;
        samples = planned(samples.union(planned(periods.build())?))?;
    }
    // Numbers are compared faster than texts, so they come first. The order within a group is the
    // walk's own affair: it sorts what it holds.
    let entity = groups.iter().rev().map(|field| field.name().clone()).collect();
    let order = WalkOrder { entity, order: Vec::new() };
    let rows = walk(planned(samples.build())?, order, Arc::new(GroupWalk { resolved, groups }))?;
    let columns: Vec<Expr> = rows.schema().fields().iter().map(|field| ident(field.name())).collect();
    planned(LogicalPlanBuilder::from(rows).project(columns).and_then(|rows| rows.build()))
}

/// The columns that name a group, in the durations' table.
fn group_columns(resolved: &Resolved) -> Vec<String> {
    let mut names: Vec<String> = resolved.segments.iter().map(|segment| segment.name.to_string()).collect();
    names.extend(resolved.cohorts.map(|_| "cohort_start".to_string()));
    names.push("pair_number".to_string());
    names
}

/// How many converted in each period, as samples of the period's group.
fn by_period(resolved: &Resolved, scope: &Scope<'_>, late: bool) -> Result<LogicalPlanBuilder> {
    let rows = planned(scope.frames.scan(scope.model)?.filter(ident("converted_period_start").is_not_null()))?;
    let keys: Vec<Expr> = group_columns(resolved)
        .into_iter()
        .map(|name| if name == "cohort_start" { ident("converted_period_start") } else { ident(name) })
        .collect();
    let counted = planned(rows.aggregate(keys, [count(lit(1)).alias("time")]))?;
    let mut columns: Vec<Expr> = group_columns(resolved)
        .into_iter()
        .map(|name| match name.as_str() {
            "cohort_start" => ident("converted_period_start").alias("cohort_start"),
            name => ident(name),
        })
        .collect();
    columns.push(ident("time"));
    columns.push(lit(Bits::PERIOD.0).alias("bits"));
    columns.extend(late.then(|| lit(0i64).alias("late")));
    planned(counted.project(columns))
}
