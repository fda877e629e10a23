//! Resolved models → the plans of the ledger and of the rejects.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, cast, ident, lit};

use super::effects::{effects, journey_walk};
use super::inputs::{judged_conversions, lacks_something, planned, read_touches, touch_reason};
use super::journeys::{Journeys, order, stream};
use super::resolve::Resolved;
use super::spec::Attribution;
use super::spend;
use crate::engine::entity::walk_with;
use crate::error::Result;
use crate::kinds::Scope;

/// The main table.
pub(super) fn ledger(spec: &Attribution, resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let rows = stream(resolved, Journeys::Converting, scope)?;
    let learned = if resolved.needs_effects() { vec![effects(spec, resolved, scope)?] } else { Vec::new() };
    walk_with(rows, learned, order(resolved), Arc::new(journey_walk(spec, resolved)))
}

/// The rows that could not be used, each with its reason.
pub(super) fn rejects(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let text = |name: &str| cast(ident(name), DataType::Utf8);
    let conversions = planned(judged_conversions(resolved, scope)?.filter(ident("reason").is_not_null()))?;
    let conversions = planned(conversions.project([
        lit(resolved.conversions.table.as_str()).alias("source_table"),
        text("conversion_id").alias("source_key"),
        text("reason").alias("reason"),
        text("detail").alias("detail"),
    ]))?;
    let touches = planned(read_touches(resolved, scope)?.filter(lacks_something(resolved)))?;
    let touches = planned(touches.project([
        cast(resolved.touches.id.clone(), DataType::Utf8).alias("key"),
        touch_reason(resolved)?.alias("why"),
    ]))?;
    let touches = planned(touches.filter(ident("why").is_not_null()))?;
    let touches = planned(touches.project([
        lit(resolved.touches.table.as_str()).alias("source_table"),
        ident("key").alias("source_key"),
        text("why").alias("reason"),
        cast(lit(datafusion::common::ScalarValue::Utf8(None)), DataType::Utf8).alias("detail"),
    ]))?;
    let all = planned(conversions.union(planned(touches.build())?))?;
    match &resolved.spend {
        Some(spend) => planned(all.union(spend::rejects(spend, scope)?).and_then(LogicalPlanBuilder::build)),
        None => planned(all.build()),
    }
}
