//! SQL text → typed expressions, and SQL errors in our words at the user's line.

use arrow::datatypes::DataType;
use datafusion::common::diagnostic::Diagnostic as SqlDiagnostic;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column as SqlColumn, DFSchema, DataFusionError, SchemaError};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr, ExprSchemable, Volatility};

use super::sql_place::inside;
use crate::diag::{Code, Diagnostic, Place, Sources, codes, nearest};
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
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let explain = |error: DataFusionError| explain_error(&error, sql, text.place, &names, sources);
    let expr = state.create_logical_expr(sql, schema).map_err(explain)?;
    refuse_more_than_a_row(&expr, text)?;
    let expr = coerce(expr, schema).map_err(explain)?;
    let (_, field) = expr.to_field(schema).map_err(explain)?;
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

fn refuse_more_than_a_row(expr: &Expr, text: &ExprText) -> Result<(), Diagnostic> {
    let mut refused = None;
    let walked = expr.apply(|part| {
        refused = match part {
            Expr::AggregateFunction(f) => Some(aggregate(f.func.name(), text)),
            Expr::WindowFunction(f) => Some(aggregate(f.fun.name(), text)),
            Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_) => Some(aggregate("a subquery", text)),
            Expr::ScalarFunction(f) if f.func.signature().volatility == Volatility::Volatile => {
                Some(volatile(f.func.name(), text.place))
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

fn aggregate(what: &str, text: &ExprText) -> Diagnostic {
    let message = format!("`{what}` looks at many rows, and this expression is worked out for each row by itself");
    Diagnostic::error(codes::AGGREGATE_IN_ROW_EXPRESSION, text.place, message)
        .hint("compute it in a `sql` model first, and use that model's column here")
}

/// A function that would make two runs differ.
pub(super) fn volatile(name: &str, place: Place) -> Diagnostic {
    let message =
        format!("`{name}()` gives another result on every run, and the same inputs must give the same tables");
    Diagnostic::error(codes::VOLATILE_FUNCTION, place, message)
}

/// An error of the SQL planner as a diagnostic of ours.
///
/// `place` is where the SQL text stands in its file; the planner's line and column are turned into
/// a place inside it where the text was written as one piece, else the whole is underlined.
pub(super) fn explain_error(
    error: &DataFusionError,
    sql: &str,
    place: Place,
    columns: &[&str],
    sources: &Sources,
) -> Diagnostic {
    let found = error.iter().find_map(|part| part.diagnostic().cloned());
    let span = found.as_ref().and_then(|d| d.span).or_else(|| position_in_text(error));
    let at = span.map_or(place, |span| inside(sources, sql, place, span));
    match error.find_root() {
        DataFusionError::SchemaError(schema, _) => explain_schema_error(schema, at, columns),
        DataFusionError::SQL(parser, _) => {
            Diagnostic::error(codes::SQL_SYNTAX, at, format!("SQL cannot be parsed: {}", tidy(&parser.to_string())))
        }
        root => {
            let message = found.as_ref().map_or_else(|| root.strip_backtrace(), |d: &SqlDiagnostic| d.message.clone());
            let (code, message) = classify(&message);
            Diagnostic::error(code, at, message)
        }
    }
}

fn explain_schema_error(error: &SchemaError, at: Place, columns: &[&str]) -> Diagnostic {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let mut names: Vec<String> = valid_fields.iter().map(|column| column.name.clone()).collect();
            names.extend(columns.iter().map(|name| (*name).to_string()));
            names.sort();
            names.dedup();
            let shown: Vec<String> = names.iter().take(12).map(|name| format!("`{name}`")).collect();
            let more = if names.len() > shown.len() { ", …" } else { "" };
            Diagnostic::error(codes::UNKNOWN_COLUMN, at, format!("there is no column `{}` here", field.name))
                .hint(format!("columns: {}{more}", shown.join(", ")))
                .did_you_mean(&field.name, names.iter().map(String::as_str))
        }
        SchemaError::AmbiguousReference { field } => {
            let message = format!("`{}` could mean a column of more than one table", field.name);
            Diagnostic::error(codes::AMBIGUOUS_COLUMN, at, message)
                .hint("write the table's name before it, as in `t.id`")
        }
        other => Diagnostic::error(codes::SQL_INVALID, at, tidy(&other.to_string())),
    }
}

/// The planner's own messages, sorted into our codes, without its advice on reporting bugs.
fn classify(message: &str) -> (Code, String) {
    let text = tidy(message);
    let lower = text.to_lowercase();
    if lower.contains("invalid function") || lower.contains("no function named") {
        return (codes::UNKNOWN_FUNCTION, unknown_function(&text));
    }
    if lower.contains("group by") {
        return (codes::NOT_AGGREGATED, text);
    }
    let about_types = ["coerce", "type", "incompatible", "signature", "cannot cast", "can't compare"];
    if about_types.iter().any(|word| lower.contains(word)) {
        return (codes::SQL_TYPES, text);
    }
    (codes::SQL_INVALID, text)
}

fn unknown_function(text: &str) -> String {
    let name = text.split('\'').nth(1).or_else(|| text.split('`').nth(1)).unwrap_or(text);
    let suggested = text.rsplit("mean '").next().and_then(|rest| rest.split('\'').next());
    let known = suggested.filter(|_| text.contains("mean '"));
    let meant =
        known.and_then(|name_there| nearest(name, [name_there])).map(|near| format!(", did you mean `{near}`?"));
    format!("there is no function `{name}`{}", meant.unwrap_or_default())
}

/// One line, lower case at the start, no full stop, none of DataFusion's own preambles.
fn tidy(message: &str) -> String {
    let mut text = message.lines().next().unwrap_or_default().trim();
    for preamble in
        ["Error during planning: ", "Schema error: ", "SQL error: ", "sql parser error: ", "Execution error: "]
    {
        text = text.strip_prefix(preamble).unwrap_or(text);
    }
    let text = text.split(". This issue was likely caused by a bug").next().unwrap_or(text);
    let text = text.split("This was likely caused by a bug").next().unwrap_or(text);
    let text = text.trim().trim_end_matches('.');
    let mut chars = text.chars();
    let first_is_word = text.chars().nth(1).is_some_and(char::is_lowercase);
    match chars.next() {
        Some(first) if first_is_word => first.to_lowercase().chain(chars).collect(),
        _ => text.to_string(),
    }
}

/// Some errors carry their position only in the text: `… at Line: 1, Column: 8`.
fn position_in_text(error: &DataFusionError) -> Option<datafusion::common::Span> {
    let text = error.to_string();
    let (_, rest) = text.split_once("Line: ")?;
    let number = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<u64>().ok();
    let line = number(rest)?;
    let (_, rest) = rest.split_once("Column: ")?;
    let column = number(rest)?;
    let at = datafusion::common::Location { line, column };
    Some(datafusion::common::Span { start: at, end: datafusion::common::Location { line, column: column + 1 } })
}
