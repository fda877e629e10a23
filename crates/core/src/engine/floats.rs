//! Doubles are compared as doubles.
//!
//! DataFusion compares a double with a decimal as decimals of 15 digits before the point and 15 behind it. A double of
//! 1e15 does not fit one, so that the query fails; one of 1e-16 becomes nought, so that `x > 0.0` loses its row. In
//! other databases the decimal becomes a double. Here too, before DataFusion comes to it.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result as SqlResult};
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, cast};

use super::rewrite;

/// The same plan, whose types are not worked out yet, with doubles compared as doubles.
pub(super) fn plan(plan: LogicalPlan) -> SqlResult<LogicalPlan> {
    rewrite::plan(plan, &rewritten)
}

/// The same expression over rows of a schema with doubles compared as doubles.
pub(super) fn expression(expr: Expr, schema: &DFSchema) -> SqlResult<Expr> {
    Ok(rewritten(expr, schema)?.data)
}

fn rewritten(expr: Expr, schema: &DFSchema) -> SqlResult<Transformed<Expr>> {
    expr.transform_up(|mut part| {
        let compared: Vec<&mut Expr> = match &mut part {
            Expr::BinaryExpr(binary) if binary.op.supports_propagation() => vec![&mut binary.left, &mut binary.right],
            Expr::Between(between) => vec![&mut between.expr, &mut between.low, &mut between.high],
            Expr::InList(list) => std::iter::once(&mut *list.expr).chain(&mut list.list).collect(),
            _ => return Ok(Transformed::no(part)),
        };
        let types: Vec<Option<DataType>> = compared.iter().map(|side| side.get_type(schema).ok()).collect();
        let is = |of: fn(&DataType) -> bool| types.iter().flatten().any(of);
        if !is(DataType::is_floating) || !is(DataType::is_decimal) {
            return Ok(Transformed::no(part));
        }
        for (side, ty) in compared.into_iter().zip(&types) {
            if ty.as_ref().is_some_and(DataType::is_decimal) {
                *side = cast(std::mem::take(side), DataType::Float64);
            }
        }
        Ok(Transformed::yes(part))
    })
}
