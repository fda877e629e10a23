//! SQL text → typed expressions.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column as SqlColumn, DFSchema, DataFusionError};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr, ExprSchemable, Volatility};

use super::checked;
use super::floats;
use super::sql_error::{explain_error, tidy};
use super::sql_place::{Word, word};
use super::sql_size::refuse_long;
use super::trial;
use crate::diag::{Diagnostic, Place, Sources, codes};
use crate::syntax::ExprText;

/// An expression that is valid over one row of a table, with what is known of its value.
#[derive(Debug, Clone)]
pub struct TypedExpr {
    /// The expression, columns qualified.
    pub expr: Expr,
    /// Its type.
    pub data_type: DataType,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// The columns it reads, sorted by name.
    pub columns: Vec<SqlColumn>,
}

/// See [`super::Engine::expr`].
pub(super) fn row_expression(
    state: &SessionState,
    text: &ExprText,
    schema: &DFSchema,
    sources: &Sources,
) -> Result<TypedExpr, Diagnostic> {
    let sql = text.value.as_str();
    refuse_long(sql, text.place)?;
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let explain = |error: DataFusionError| explain_error(&error, sql, text.place, &names, sources);
    let expr = state.create_logical_expr(sql, schema).map_err(|error| {
        // There are no tables here, so whoever names one has written a subquery.
        if reads_a_table(&error) { more_than_a_row("a subquery", text.place) } else { explain(error) }
    })?;
    refuse_more_than_a_row(&expr, text, sources)?;
    let typed = floats::expression(expr, schema).and_then(|expr| coerce(expr, schema));
    let expr = typed.and_then(|expr| checked::expression(expr, schema)).map_err(explain)?;
    let (_, field) = expr.to_field(schema).map_err(explain)?;
    trial::expression(&expr, schema, state).map_err(explain)?;
    let (data_type, nullable) = (field.data_type().clone(), field.is_nullable());
    let mut columns: Vec<SqlColumn> = expr.column_refs().into_iter().cloned().collect();
    columns.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.relation.cmp(&b.relation)));
    Ok(TypedExpr { expr, data_type, nullable, columns })
}

/// Applies the casts that the planner would, so that a wrong type shows here and not in the run.
fn coerce(expr: Expr, schema: &DFSchema) -> datafusion::common::Result<Expr> {
    use datafusion::optimizer::analyzer::type_coercion::TypeCoercionRewriter;
    expr.rewrite(&mut TypeCoercionRewriter::new(schema)).map(|done| done.data)
}

fn reads_a_table(error: &DataFusionError) -> bool {
    let text = error.find_root().strip_backtrace();
    text.contains("table '") && text.contains("not found")
}

fn refuse_more_than_a_row(expr: &Expr, text: &ExprText, sources: &Sources) -> Result<(), Diagnostic> {
    let at = |name: &str| word(sources, text.value.as_str(), text.place, name, Word::Function);
    let mut refused = None;
    let walked = expr.apply(|part| {
        refused = match part {
            Expr::AggregateFunction(f) => Some(more_than_a_row(&format!("`{}`", f.func.name()), at(f.func.name()))),
            Expr::WindowFunction(f) => Some(more_than_a_row(&format!("`{}`", f.fun.name()), at(f.fun.name()))),
            Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_) => {
                Some(more_than_a_row("a subquery", text.place))
            }
            Expr::ScalarFunction(f) if f.func.signature().volatility == Volatility::Volatile => {
                Some(volatile(f.func.name(), at(f.func.name())))
            }
            _ => None,
        };
        Ok(if refused.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    match (refused, walked) {
        (Some(diagnostic), _) => Err(diagnostic),
        (None, Ok(_)) => Ok(()),
        (None, Err(error)) => Err(Diagnostic::error(codes::SQL_INVALID, text.place, tidy(&error.strip_backtrace()))),
    }
}

fn more_than_a_row(what: &str, place: Place) -> Diagnostic {
    let message = format!("{what} looks at many rows, and this expression is worked out for each row by itself");
    Diagnostic::error(codes::AGGREGATE_IN_ROW_EXPRESSION, place, message)
        .hint("compute it in a `sql` model first, and use that model's column here")
}

/// A function that would make two runs differ.
pub(super) fn volatile(name: &str, place: Place) -> Diagnostic {
    let message =
        format!("`{name}()` gives another result on every run, and the same inputs must give the same tables");
    Diagnostic::error(codes::VOLATILE_FUNCTION, place, message)
        .hint("for an id, hash the columns that identify the row; for the time of the run, use `as_of()`")
}
