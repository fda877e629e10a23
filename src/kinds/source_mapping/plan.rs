//! The work as logical plans: classify, list what is unmapped, keep what is unusable, count.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::ScalarValue;
use datafusion::functions_aggregate::expr_fn::{count, max, min};
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::{Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, cast, ident, lit, when};

use super::classify::{Classify, MEMORY_BYTES, Made};
use super::encode;
use super::inputs::{self, Resolved};
use super::nearest::Nearest;
use super::rules::{RuleBook, UNMAPPED};
use super::spec::SourceMapping;
use crate::engine::map::map;
use crate::error::{Error, Result};
use crate::kinds::{Scope, fact};
use crate::syntax::TableName;

/// The reasons a row can be rejected for, in the order in which they are tried.
pub(super) const REASONS: [(&str, &str); 2] =
    [("null_key", "the touch has no id"), ("null_time", "the touch has no time")];

fn planned(result: datafusion::common::Result<LogicalPlanBuilder>) -> Result<LogicalPlanBuilder> {
    result.map_err(|error| Error::internal("a plan of `source_mapping` cannot be built").with_source(error))
}

fn built(result: datafusion::common::Result<LogicalPlanBuilder>) -> Result<LogicalPlan> {
    let plan = planned(result)?.build();
    plan.map_err(|error| Error::internal("a plan of `source_mapping` cannot be built").with_source(error))
}

/// The main table: usable rows, the values to classify by, the algorithm.
pub(super) fn main(
    spec: &SourceMapping,
    scope: &Scope<'_>,
    resolved: &Resolved,
    book: RuleBook,
) -> Result<LogicalPlan> {
    let usable = resolved.touch_id.expr.clone().is_not_null().and(resolved.at.expr.clone().is_not_null());
    let mut columns =
        vec![resolved.touch_id.expr.clone().alias("touch_id"), resolved.at.expr.clone().alias("occurred_at")];
    columns.extend(resolved.keep.iter().map(|kept| kept.expr.expr.clone().alias(kept.name.as_str())));
    columns.extend(resolved.slots.iter().map(|(slot, typed)| typed.expr.clone().alias(slot.column())));
    let rows = built(scope.frames.scan(&spec.from)?.filter(usable).and_then(|plan| plan.project(columns)))?;

    let passed = 2 + resolved.keep.len();
    let mut fields: Vec<Field> = Vec::new();
    for (index, field) in rows.schema().fields().iter().take(passed).enumerate() {
        fields.push(Field::new(field.name(), field.data_type().clone(), field.is_nullable() && index > 1));
    }
    let made = inputs::made(spec);
    fields.extend(made.iter().map(|(name, made)| match made {
        Made::Conflict => Field::new(*name, DataType::Boolean, false),
        made => Field::new(*name, encode::data_type(), !never_null(*made)),
    }));
    let tables = book
        .sides
        .iter()
        .map(|side| {
            let columns = std::iter::once(&side.key).chain(&side.value);
            let texts = columns.map(|column| cast(ident(column.as_str()), DataType::Utf8).alias(column.as_str()));
            built(scope.frames.scan(&side.from)?.project(texts.collect::<Vec<Expr>>()))
        })
        .collect::<Result<Vec<_>>>()?;
    let algorithm = Classify {
        made: std::iter::repeat_n(Made::Pass, passed).chain(made.into_iter().map(|(_, made)| made)).collect(),
        schema: Arc::new(Schema::new(fields)),
        memory_bytes: MEMORY_BYTES,
        book: Arc::new(book),
    };
    map(rows, tables, Arc::new(algorithm))
}

/// Whether every touch has a value there.
pub(super) fn never_null(made: Made) -> bool {
    matches!(made, Made::Channel | Made::Rule | Made::Conflict | Made::Grade)
}

/// The values that no rule holds for, those with most touches first.
pub(super) fn unmapped(spec: &SourceMapping, scope: &Scope<'_>, book: &RuleBook) -> Result<LogicalPlan> {
    let host = if spec.referrer.is_some() { ident("referrer_host") } else { lit(ScalarValue::Utf8(None)) };
    let text = |expr: Expr, name: &str| cast(expr, DataType::Utf8).alias(name);
    let values = [text(ident("source"), "source"), text(ident("medium"), "medium"), text(host, "referrer_host")];
    let counts = [
        count(lit(1_i64)).alias("touches"),
        min(ident("occurred_at")).alias("first_seen_at"),
        max(ident("occurred_at")).alias("last_seen_at"),
    ];
    let by_volume = || {
        let mut order = vec![ident("touches").sort(false, false)];
        order.extend(["source", "medium", "referrer_host"].map(|name| ident(name).sort(true, false)));
        order
    };
    let rank = row_number()
        .order_by(by_volume())
        .build()
        .map_err(|error| Error::internal("a rank cannot be planned").with_source(error))?
        .alias("rank");
    let names = ["source", "medium", "referrer_host", "touches", "first_seen_at", "last_seen_at"];
    let columns = std::iter::once(cast(ident("rank"), DataType::Int64).alias("rank")).chain(names.map(ident));
    let plan = scope
        .frames
        .scan(scope.model)?
        .filter(ident("channel_rule").eq(lit(UNMAPPED)))
        .and_then(|plan| plan.aggregate(values, counts))
        .and_then(|plan| plan.window([rank]))
        .and_then(|plan| plan.filter(ident("rank").lt_eq(lit(u64::from(spec.unmapped.list)))))
        .and_then(|plan| plan.project(columns.collect::<Vec<_>>()));
    let rows = built(plan)?;
    let algorithm = Nearest::new(book, rows.schema().as_arrow());
    map(rows, Vec::new(), Arc::new(algorithm))
}

/// The rows that cannot be used.
pub(super) fn rejects(spec: &SourceMapping, scope: &Scope<'_>, resolved: &Resolved) -> Result<LogicalPlan> {
    let no_key = resolved.touch_id.expr.clone().is_null();
    let no_time = resolved.at.expr.clone().is_null();
    let [(null_key, _), (null_time, _)] = REASONS;
    let reason = when(no_key.clone(), lit(null_key))
        .otherwise(lit(null_time))
        .map_err(|error| Error::internal("the reason of rejects cannot be planned").with_source(error))?;
    let columns = vec![
        lit(spec.from.as_str()).alias("source_table"),
        cast(resolved.touch_id.expr.clone(), DataType::Utf8).alias("source_key"),
        reason.alias("reason"),
        lit(ScalarValue::Utf8(None)).alias("detail"),
    ];
    built(scope.frames.scan(&spec.from)?.filter(no_key.or(no_time)).and_then(|plan| plan.project(columns)))
}

/// Rows in, out and rejected, and how many touches each rule decided.
pub(super) fn facts(spec: &SourceMapping, scope: &Scope<'_>) -> Result<Vec<LogicalPlan>> {
    let whole = |name: &str, table: &TableName| {
        let counted = scope.frames.scan(table)?.aggregate(Vec::<Expr>::new(), [count(lit(1_i64)).alias("rows")]);
        let counted = counted.map_err(|error| Error::internal("rows cannot be counted").with_source(error))?;
        fact::named(name, lit(table.as_str()), counted)
    };
    Ok(vec![
        whole(fact::IN, &spec.from)?,
        whole(fact::OUT, scope.model)?,
        fact::rejected(scope)?,
        fact::by_value(fact::RULE, scope, scope.model, "channel_rule")?,
    ])
}
