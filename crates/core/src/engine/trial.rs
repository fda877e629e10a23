//! Tries expressions out on a row of NULLs, while the project is checked.
//!
//! Planning knows types and not values, so a pattern that is no pattern or a unit of time that does not exist is only
//! found when the function is called. A row of NULLs calls it without any data.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions, new_null_array};
use arrow::datatypes::{Field, Schema};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DataFusionError, Result};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Expr, LogicalPlan, Operator};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;

/// Tries every expression of a plan that stands for itself in each row.
pub(super) fn plan(plan: &LogicalPlan, state: &SessionState) -> Result<()> {
    plan.apply_with_subqueries(|node| {
        let inputs = node.inputs();
        if let (LogicalPlan::Projection(_) | LogicalPlan::Filter(_) | LogicalPlan::Aggregate(_), [input]) =
            (node, inputs.as_slice())
        {
            node.apply_expressions(|expr| {
                rows_of(expr, &mut |part| expression(part, input.schema(), state))?;
                Ok(TreeNodeRecursion::Continue)
            })?;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

/// Goes through the largest parts of an expression that are worked out row by row.
fn rows_of(expr: &Expr, found: &mut dyn FnMut(&Expr) -> Result<()>) -> Result<()> {
    let more_than_a_row = |part: &Expr| {
        matches!(
            part,
            Expr::AggregateFunction(_)
                | Expr::WindowFunction(_)
                | Expr::ScalarSubquery(_)
                | Expr::InSubquery(_)
                | Expr::SetComparison(_)
                | Expr::Exists(_)
                | Expr::OuterReferenceColumn(..)
                | Expr::GroupingSet(_)
                | Expr::Placeholder(_)
        )
    };
    if !expr.exists(|part| Ok(more_than_a_row(part)))? {
        return found(expr);
    }
    expr.apply_children(|part| {
        rows_of(part, found)?;
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

/// Tries an expression over rows of a schema. Where no constant in it can be wrong, there is nothing to try.
///
/// # Errors
///
/// What the expression says of its own constants.
pub(super) fn expression(expr: &Expr, schema: &DFSchema, state: &SessionState) -> Result<()> {
    if !expr.exists(|part| Ok(calls(part)))? {
        return Ok(());
    }
    let mut read: Vec<usize> =
        expr.column_refs().into_iter().filter_map(|column| schema.maybe_index_of_column(column)).collect();
    read.sort_unstable();
    let fields = read.iter().map(|at| {
        let (table, field) = schema.qualified_field(*at);
        (table.cloned(), Arc::new(Field::new(field.name(), field.data_type().clone(), true)))
    });
    let narrow = DFSchema::new_with_metadata(fields.collect(), Default::default())?;
    match evaluate(expr, narrow, state) {
        // The engine's own limits are no mistake of the expression.
        Err(error)
            if matches!(error.find_root(), DataFusionError::Internal(_) | DataFusionError::NotImplemented(_)) =>
        {
            Ok(())
        }
        tried => tried,
    }
}

fn evaluate(expr: &Expr, schema: DFSchema, state: &SessionState) -> Result<()> {
    let columns: Arc<Schema> = Arc::clone(schema.inner());
    let context = SimplifyContext::builder()
        .with_schema(Arc::new(schema.clone()))
        .with_config_options(Arc::clone(state.config_options()))
        .with_query_execution_start_time(state.execution_props().query_execution_start_time)
        .build();
    // Some functions are others written shorter, and only run as what they stand for.
    let plain = ExprSimplifier::new(context).simplify(expr.clone())?;
    let physical = state.create_physical_expr(plain, &schema)?;
    let nulls = columns.fields().iter().map(|field| new_null_array(field.data_type(), 1)).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let row = RecordBatch::try_new_with_options(columns, nulls, &options).map_err(DataFusionError::from)?;
    physical.evaluate(&row).map(drop)
}

/// Whether a part can fail for what a constant in it says, and not only for its types.
fn calls(expr: &Expr) -> bool {
    let is_constant = |part: &Expr| match part {
        Expr::Literal(..) => true,
        Expr::Cast(cast) => matches!(*cast.expr, Expr::Literal(..)),
        _ => false,
    };
    match expr {
        Expr::ScalarFunction(function) => function.args.iter().any(is_constant),
        Expr::Cast(cast) => is_constant(&cast.expr),
        Expr::BinaryExpr(operation) => {
            use Operator::{Divide, Modulo, RegexIMatch, RegexMatch, RegexNotIMatch, RegexNotMatch};
            let can_fail =
                [Divide, Modulo, RegexMatch, RegexIMatch, RegexNotMatch, RegexNotIMatch].contains(&operation.op);
            can_fail && is_constant(&operation.right)
        }
        Expr::SimilarTo(_) => true,
        _ => false,
    }
}
