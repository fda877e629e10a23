//! One SELECT over named tables → an analysed logical plan, or a diagnostic at its place.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Result as SqlResult, Span, TableReference, plan_datafusion_err};
use datafusion::datasource::provider_as_source;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::planner::{ContextProvider, ExprPlanner, TypePlanner};
use datafusion::logical_expr::{
    AggregateUDF, Expr, HigherOrderUDF, LogicalPlan, ScalarUDF, TableSource, Volatility, WindowUDF,
};
use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::planner::{ParserOptions, SqlToRel};
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use super::frames::Frames;
use super::sql::volatile;
use super::sql_error::{explain_error, tidy};
use super::sql_place::{Word, inside, word};
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
) -> Result<LogicalPlan, Diagnostic> {
    let explain = |error| explain_error(&error, text.value.as_str(), text.place, &[], sources);
    let context = FrameContext { state, frames };
    let planner = SqlToRel::new_with_options(&context, parser_options(state));
    let plan = planner.statement_to_plan(select.statement.clone()).map_err(explain)?;
    refuse_volatile(&plan, text, sources)?;
    state.analyzer().execute_and_check(plan, state.config_options(), |_, _| ()).map_err(explain)
}

fn parser_options(state: &SessionState) -> ParserOptions {
    let options = &state.config_options().sql_parser;
    ParserOptions::default()
        .with_parse_float_as_decimal(options.parse_float_as_decimal)
        .with_enable_ident_normalization(options.enable_ident_normalization)
        .with_map_string_types_to_utf8view(options.map_string_types_to_utf8view)
        .with_collect_spans(options.collect_spans)
}

fn refuse_volatile(plan: &LogicalPlan, text: &Spanned<SqlText>, sources: &Sources) -> Result<(), Diagnostic> {
    let at = |name: &str| word(sources, text.value.as_str(), text.place, name, Word::Function);
    let mut refused = None;
    let visit = |expr: &Expr| {
        if let Expr::ScalarFunction(f) = expr
            && f.func.signature().volatility == Volatility::Volatile
        {
            refused = Some(volatile(f.func.name(), at(f.func.name())));
        }
        Ok(TreeNodeRecursion::Continue)
    };
    let mut visit = visit;
    let walked = plan.apply_with_subqueries(|node| node.apply_expressions(|expr| expr.apply(&mut visit)));
    match (refused, walked) {
        (Some(diagnostic), _) => Err(diagnostic),
        (None, Ok(_)) => Ok(()),
        (None, Err(error)) => Err(Diagnostic::error(codes::SQL_INVALID, text.place, tidy(&error.strip_backtrace()))),
    }
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
