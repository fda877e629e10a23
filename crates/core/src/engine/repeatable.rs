//! What makes a query answer the same for the same rows, in whatever order they come.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::Result as SqlResult;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{
    AggregateUDF, Distinct, Expr, ExprSchemable, LogicalPlan, Volatility, WindowFunctionDefinition,
};

use super::exact_aggregates::{ExactAggregate, Figure};
use super::exact_pairs::{ExactPairs, PairFigure};
use super::sql::volatile;
use super::sql_error::tidy;
use super::sql_place::{Word, word};
use super::whole_sum::WholeSum;
use crate::diag::{Diagnostic, Place, Sources, codes};
use crate::syntax::{Spanned, SqlText};

/// Refuses what would answer otherwise on another run: functions that do so on every call, and what takes the
/// first of rows that are in no order.
pub(super) fn demand(plan: &LogicalPlan, text: &Spanned<SqlText>, sources: &Sources) -> Result<(), Diagnostic> {
    let at = |name: &str| word(sources, text.value.as_str(), text.place, name, Word::Function);
    let mut refused = None;
    let walked = plan.apply_with_subqueries(|node| {
        let unordered = match node {
            LogicalPlan::Limit(limit) if !is_sorted(&limit.input) => Some("`LIMIT` without `ORDER BY`"),
            LogicalPlan::Distinct(Distinct::On(on)) if on.sort_expr.is_none() => {
                Some("`DISTINCT ON` without `ORDER BY`")
            }
            _ => None,
        };
        refused = refused.take().or_else(|| unordered.map(|what| arbitrary(what, text.place)));
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                refused = refused.take().or_else(|| refusal(part, &at));
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    match (refused, walked) {
        (Some(diagnostic), _) => Err(diagnostic),
        (None, Ok(_)) => Ok(()),
        (None, Err(error)) => Err(Diagnostic::error(codes::SQL_INVALID, text.place, tidy(&error.strip_backtrace()))),
    }
}

/// Whether the rows come sorted, are at most one, or are all alike, as in `EXISTS (SELECT 1 … LIMIT 1)`.
fn is_sorted(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Sort(_) => true,
        LogicalPlan::Aggregate(node) => node.group_expr.is_empty(),
        LogicalPlan::Projection(node) => {
            is_sorted(&node.input) || node.expr.iter().all(|expr| matches!(expr, Expr::Literal(..)))
        }
        LogicalPlan::SubqueryAlias(node) => is_sorted(&node.input),
        _ => false,
    }
}

fn refusal(expr: &Expr, at: &dyn Fn(&str) -> Place) -> Option<Diagnostic> {
    let first = |name: &str, ordered: bool| {
        let unordered = format!("`{name}` without `ORDER BY`");
        (!ordered).then(|| arbitrary(&unordered, at(name)))
    };
    match expr {
        Expr::ScalarFunction(f) if f.func.signature().volatility == Volatility::Volatile => {
            Some(volatile(f.func.name(), at(f.func.name())))
        }
        Expr::AggregateFunction(f) => match f.func.name() {
            name if name.starts_with("approx_") => Some(estimate(name, at(name))),
            name if f.params.distinct && PairFigure::of(name).is_some() => Some(repeated_pairs(name, at(name))),
            name @ ("first_value" | "last_value" | "nth_value" | "any_value" | "array_agg" | "string_agg") => {
                first(name, !f.params.order_by.is_empty())
            }
            _ => None,
        },
        Expr::WindowFunction(f) => match f.fun.name() {
            name if name.starts_with("approx_") => Some(estimate(name, at(name))),
            name @ ("row_number" | "lag" | "lead" | "ntile" | "first_value" | "last_value" | "nth_value") => {
                first(name, !f.params.order_by.is_empty())
            }
            _ => None,
        },
        _ => None,
    }
}

fn arbitrary(what: &str, place: Place) -> Diagnostic {
    let message = format!("{what} takes whichever rows come first, and the rows of a table are in no order");
    Diagnostic::error(codes::VOLATILE_FUNCTION, place, message)
        .hint("order by columns that together tell every row from all others, or take `min` or `max`")
}

fn estimate(name: &str, place: Place) -> Diagnostic {
    let message = format!("`{name}` estimates, and its answer depends on how the rows are dealt out to threads");
    let exact = match name {
        "approx_distinct" => "`count(DISTINCT …)` is exact",
        "approx_median" => "`median` is exact",
        _ => "`percentile_cont` is exact",
    };
    Diagnostic::error(codes::VOLATILE_FUNCTION, place, message).hint(exact)
}

/// DataFusion would count pairs as often as they come, and say nothing.
fn repeated_pairs(name: &str, place: Place) -> Diagnostic {
    let message = format!("`{name}` cannot count equal pairs once");
    Diagnostic::error(codes::SQL_INVALID, place, message).hint("select the pairs with `SELECT DISTINCT` first")
}

/// The same plan with figures of doubles that do not depend on the order of rows, and sums of whole numbers that
/// do not wrap round; names and types stay.
pub(super) fn exact(plan: LogicalPlan) -> SqlResult<LogicalPlan> {
    let exact = plan.transform_up_with_subqueries(|node| {
        let (LogicalPlan::Aggregate(_) | LogicalPlan::Window(_)) = &node else { return Ok(Transformed::no(node)) };
        let inputs = node.inputs();
        let schema = inputs.first().map(|input| Arc::clone(input.schema()));
        let type_of = |args: &[Expr]| args.first()?.get_type(schema.as_deref()?).ok();
        node.map_expressions(|expr| {
            expr.transform_up(|mut part| {
                let replaced = match &mut part {
                    Expr::AggregateFunction(f) => replace(&mut f.func, type_of(&f.params.args)),
                    Expr::WindowFunction(f) => match &mut f.fun {
                        WindowFunctionDefinition::AggregateUDF(function) => replace(function, type_of(&f.params.args)),
                        WindowFunctionDefinition::WindowUDF(_) => false,
                    },
                    _ => false,
                };
                Ok(if replaced { Transformed::yes(part) } else { Transformed::no(part) })
            })
        })
    })?;
    Ok(exact.data)
}

fn replace(function: &mut Arc<AggregateUDF>, of: Option<DataType>) -> bool {
    let name = function.name();
    let exact = match (of, Figure::of(name), PairFigure::of(name)) {
        (Some(DataType::Float64), Some(figure), _) => AggregateUDF::from(ExactAggregate::new(name, figure)),
        (Some(DataType::Float64), _, Some(figure)) => AggregateUDF::from(ExactPairs::new(name, figure)),
        (Some(DataType::Int64), Some(Figure::Sum), _) => AggregateUDF::from(WholeSum::new()),
        _ => return false,
    };
    *function = Arc::new(exact);
    true
}
