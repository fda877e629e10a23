//! One SELECT over named tables → an analysed logical plan, or a diagnostic at its place.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::{
    DataFusionError, Result as SqlResult, SchemaError, Span, TableReference, plan_datafusion_err,
};
use datafusion::datasource::provider_as_source;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::planner::{ContextProvider, ExprPlanner, TypePlanner};
use datafusion::logical_expr::{AggregateUDF, HigherOrderUDF, LogicalPlan, ScalarUDF, TableSource, WindowUDF};
use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::planner::{ParserOptions, SqlToRel};
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use super::floats;
use super::frames::Frames;
use super::repeatable;
use super::sql_error::explain_error;
use super::sql_place::inside;
use super::sql_size::refuse_long;
use crate::diag::{Diagnostic, Sources, codes};
use crate::syntax::{Spanned, SqlText};

/// A parsed SELECT, and the tables it names in the order of their names.
#[derive(Debug, Clone)]
pub struct Select {
    statement: Statement,
    /// Tables named after FROM and JOIN, common table expressions apart.
    pub tables: Vec<String>,
}

/// See [`super::Engine::select`].
pub(super) fn parse(text: &Spanned<SqlText>, sources: &Sources) -> Result<Select, Diagnostic> {
    let sql = text.value.as_str();
    refuse_long(sql, text.place)?;
    let statements = DFParser::parse_sql(sql).map_err(|error| explain_error(&error, sql, text.place, &[], sources))?;
    let one = |what: &str, statement: usize| {
        let message = format!("a `sql` model is one SELECT, and this is {what}");
        let place =
            statement_starts(sql).get(statement).map_or(text.place, |span| inside(sources, sql, text.place, *span));
        Diagnostic::error(codes::NOT_ONE_SELECT, place, message)
            .hint("write one query; `WITH` and `UNION` may be part of it")
    };
    let statement = match (statements.len(), statements.into_iter().next()) {
        (1, Some(Statement::Statement(statement))) => match statement.as_ref() {
            ast::Statement::Query(_) => Statement::Statement(statement),
            _ => return Err(one("another statement", 0)),
        },
        (0, _) | (_, None) => return Err(one("empty", 0)),
        (1, _) => return Err(one("another statement", 0)),
        (n, _) => return Err(one(&format!("{n} statements"), 1)),
    };
    let (tables, _) = resolve_table_references(&statement, true)
        .map_err(|error| explain_error(&error, sql, text.place, &[], sources))?;
    let mut tables: Vec<String> = tables.into_iter().map(|table| table.table().to_string()).collect();
    tables.sort();
    tables.dedup();
    Ok(Select { statement, tables })
}

/// The first word of each statement of a text that was parsed.
fn statement_starts(sql: &str) -> Vec<Span> {
    let tokens = Tokenizer::new(&GenericDialect, sql).tokenize_with_location().unwrap_or_default();
    let mut starts = Vec::new();
    let mut between = true;
    for token in tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_))) {
        let ends = token.token == Token::SemiColon;
        if between && !ends {
            starts.extend(Span::try_from_sqlparser_span(token.span));
        }
        between = ends;
    }
    starts
}

/// See [`super::Engine::plan_select`].
pub(super) fn plan(
    state: &SessionState,
    select: &Select,
    text: &Spanned<SqlText>,
    frames: &Frames,
    sources: &Sources,
) -> Result<LogicalPlan, Vec<Diagnostic>> {
    let explain = |error: &DataFusionError| explain_error(error, text.value.as_str(), text.place, &[], sources);
    let context = FrameContext { state, frames };
    let planner = SqlToRel::new_with_options(&context, parser_options(state));
    let planned = planner.statement_to_plan(select.statement.clone());
    let plan = planned.map_err(|error| mistakes(error, &planner, select.statement.clone(), &explain))?;
    repeatable::demand(&plan, text, sources).map_err(|diagnostic| vec![diagnostic])?;
    let analysed = |plan| state.analyzer().execute_and_check(plan, state.config_options(), |_, _| ());
    floats::plan(plan).and_then(analysed).and_then(repeatable::exact).map_err(|error| vec![explain(&error)])
}

/// At most so many mistakes of one query are looked for.
const MOST_MISTAKES: usize = 20;

/// All mistakes of a query that can be told: the planner stops at a column that it does not know, so what comes
/// after is looked at as if the column were NULL.
fn mistakes(
    first: DataFusionError,
    planner: &SqlToRel<'_, FrameContext<'_>>,
    mut statement: Statement,
    explain: &dyn Fn(&DataFusionError) -> Diagnostic,
) -> Vec<Diagnostic> {
    let mut told: Vec<Diagnostic> = first.iter().map(explain).collect();
    let mut last = Some(first);
    while let Some(error) = last.take().filter(|_| told.len() < MOST_MISTAKES) {
        // Every one of them, not only the first.
        let repaired = error.iter().filter(|part| without_unknown(part, &mut statement)).count();
        if repaired == 0 {
            break;
        }
        last = planner.statement_to_plan(statement.clone()).err();
        for part in last.iter().flat_map(DataFusionError::iter) {
            let next = explain(part);
            // What else goes wrong may do so because of the NULL.
            if [codes::UNKNOWN_COLUMN, codes::UNKNOWN_FUNCTION].contains(&next.code) {
                told.push(next);
            }
        }
    }
    told
}

/// Writes NULL in place of the column that is not known; false where that is not what is wrong.
fn without_unknown(error: &DataFusionError, statement: &mut Statement) -> bool {
    let DataFusionError::SchemaError(schema, _) = error.find_root() else { return false };
    let (SchemaError::FieldNotFound { field, .. }, Statement::Statement(statement)) = (schema.as_ref(), statement)
    else {
        return false;
    };
    let table = field.relation.as_ref().map(|table| table.table());
    let is_it = |name: &ast::Ident, before: Option<&ast::Ident>| {
        let before = before.map(|before| before.value.to_lowercase());
        name.value.to_lowercase() == field.name.to_lowercase() && before.as_deref() == table.or(before.as_deref())
    };
    let mut found = false;
    let visited = ast::visit_expressions_mut(statement.as_mut(), |expr| {
        let unknown = match expr {
            ast::Expr::Identifier(name) => table.is_none() && is_it(name, None),
            ast::Expr::CompoundIdentifier(names) => match names.as_slice() {
                [.., table, name] => is_it(name, Some(table)),
                _ => false,
            },
            _ => false,
        };
        if unknown {
            *expr = ast::Expr::value(ast::Value::Null);
            found = true;
        }
        ControlFlow::<()>::Continue(())
    });
    visited.is_continue() && found
}

fn parser_options(state: &SessionState) -> ParserOptions {
    let options = &state.config_options().sql_parser;
    ParserOptions::default()
        .with_parse_float_as_decimal(options.parse_float_as_decimal)
        .with_enable_ident_normalization(options.enable_ident_normalization)
        .with_map_string_types_to_utf8view(options.map_string_types_to_utf8view)
        .with_collect_spans(options.collect_spans)
}

/// The tables of [`Frames`] and the functions of the session, as the SQL planner wants them.
struct FrameContext<'a> {
    state: &'a SessionState,
    frames: &'a Frames,
}

impl ContextProvider for FrameContext<'_> {
    fn get_table_source(&self, name: TableReference) -> SqlResult<Arc<dyn TableSource>> {
        let frame = self.frames.get(name.table());
        let frame = frame.ok_or_else(|| plan_datafusion_err!("there is no table `{}`", name.table()))?;
        Ok(provider_as_source(Arc::clone(&frame.provider)))
    }
    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        self.state.expr_planners()
    }
    fn get_type_planner(&self) -> Option<Arc<dyn TypePlanner>> {
        None
    }
    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.state.scalar_functions().get(name).cloned()
    }
    fn get_higher_order_meta(&self, name: &str) -> Option<Arc<HigherOrderUDF>> {
        self.state.higher_order_functions().get(name).cloned()
    }
    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.state.aggregate_functions().get(name).cloned()
    }
    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        self.state.window_functions().get(name).cloned()
    }
    fn get_variable_type(&self, _: &[String]) -> Option<DataType> {
        None
    }
    fn options(&self) -> &ConfigOptions {
        self.state.config_options()
    }
    fn udf_names(&self) -> Vec<String> {
        sorted(self.state.scalar_functions().keys())
    }
    fn higher_order_function_names(&self) -> Vec<String> {
        sorted(self.state.higher_order_functions().keys())
    }
    fn udaf_names(&self) -> Vec<String> {
        sorted(self.state.aggregate_functions().keys())
    }
    fn udwf_names(&self) -> Vec<String> {
        sorted(self.state.window_functions().keys())
    }
}

/// Names in one order, so that suggestions are the same on every run.
fn sorted<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut names: Vec<String> = names.cloned().collect();
    names.sort();
    names
}
