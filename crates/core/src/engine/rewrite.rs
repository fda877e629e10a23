//! Expressions of a plan, rewritten under their names.

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result as SqlResult};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, LogicalPlan};

/// What an expression over rows of a schema becomes.
type Rewrite<'a> = &'a dyn Fn(Expr, &DFSchema) -> SqlResult<Transformed<Expr>>;

/// The same plan with its expressions rewritten, those of its subqueries too.
pub(super) fn plan(plan: LogicalPlan, rewrite: Rewrite<'_>) -> SqlResult<LogicalPlan> {
    let rewritten = plan.transform_up_with_subqueries(|node| {
        let inputs = node.inputs();
        if inputs.is_empty() {
            return Ok(Transformed::no(node));
        }
        let schema = merge_schema(&inputs);
        let names = NamePreserver::new(&node);
        node.map_expressions(|expr| named(expr, &schema, &names, rewrite))
    })?;
    Ok(rewritten.data)
}

/// A grouping set has no name of its own: its members have.
fn named(expr: Expr, schema: &DFSchema, names: &NamePreserver, rewrite: Rewrite<'_>) -> SqlResult<Transformed<Expr>> {
    if let Expr::GroupingSet(_) = &expr {
        return expr.map_children(|member| named(member, schema, names, rewrite));
    }
    let name = names.save(&expr);
    Ok(rewrite(expr, schema)?.update_data(|expr| name.restore(expr)))
}
