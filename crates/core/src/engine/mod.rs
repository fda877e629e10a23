//! The only SessionContext: limits, the functions SQL may use, and SQL text → typed expressions.

pub mod additive;
mod checked;
mod different;
pub mod entity;
mod entity_exec;
mod entity_few;
mod entity_order;
mod entity_sort;
#[cfg(test)]
mod entity_sort_tests;
#[cfg(test)]
mod entity_tests;
mod exact;
mod exact_aggregates;
mod exact_pairs;
mod exact_states;
mod floats;
pub mod following;
pub mod frames;
mod functions;
mod ga4_param;
pub mod gather;
mod gather_exec;
#[cfg(test)]
mod gather_tests;
pub mod heap;
pub mod in_order;
#[cfg(test)]
mod in_order_tests;
pub mod kept;
mod limits;
pub mod lineage;
pub mod local_day;
pub mod map;
mod map_exec;
mod memory;
#[cfg(test)]
mod neighbours_tests;
pub mod numbered;
mod once;
mod operator;
#[cfg(test)]
mod pushdown_tests;
mod query;
mod repeatable;
mod rewrite;
pub mod scratch;
mod sql;
mod sql_error;
mod sql_place;
mod sql_size;
mod sql_text;
pub mod text;
mod trial;
mod whole_sum;

pub use frames::{Frame, Frames, RowsByValue};
pub use limits::Limits;
pub use query::Select;
pub use sql::TypedExpr;
pub use sql_place::Word;
pub use sql_text::SqlForm;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use chrono::{DateTime, Utc};
use datafusion::common::DFSchema;
use datafusion::common::runtime::SpawnedTask;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::TrackConsumersPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext};

use crate::diag::{Diagnostic, Place, Sources};
use crate::error::{Error, Result};
use crate::syntax::{ExprText, Spanned, SqlText};

/// Executes plans and reads SQL, within limits, as of one instant.
pub struct Engine {
    ctx: SessionContext,
    /// The session's state as it is from the start on: to copy it costs more than to plan a small query.
    state: SessionState,
    limits: Limits,
    as_of: DateTime<Utc>,
    sources: Sources,
    /// The queries that were parsed, by their texts.
    parsed: Mutex<BTreeMap<String, Arc<Select>>>,
}

/// How many consumers of memory an out-of-memory message names.
const NAMED_CONSUMERS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(2);

impl Engine {
    /// An engine within `limits`; `now()` and its kin answer `as_of`. `sources` holds the files
    /// that SQL texts stand in, so that a mistake is shown at its place.
    pub fn new(limits: Limits, as_of: DateTime<Utc>, sources: Sources) -> Result<Self> {
        let state = SessionStateBuilder::new()
            .with_config(config(&limits))
            .with_runtime_env(runtime(&limits)?)
            .with_default_features()
            .with_query_planner(Arc::new(operator::Planner))
            .build();
        let ctx = SessionContext::new_with_state(state);
        functions::register(&ctx, as_of);
        let state = ctx.state();
        Ok(Self { ctx, state, limits, as_of, sources, parsed: Mutex::default() })
    }

    /// The session that executes plans.
    pub fn ctx(&self) -> &SessionContext {
        &self.ctx
    }

    /// The session's state, for planning.
    pub fn state(&self) -> &SessionState {
        &self.state
    }

    /// The plan as SQL text, as far as SQL can say it.
    pub fn sql_text(&self, plan: &LogicalPlan) -> SqlForm {
        sql_text::of(plan)
    }

    /// Executes a plan to its end on a task of its own, so that plans collected side by side share the
    /// threads; the task ends where this call is dropped.
    pub async fn collect(&self, plan: LogicalPlan) -> Result<Vec<RecordBatch>> {
        let frame = DataFrame::new(self.state.clone(), plan);
        let collected = SpawnedTask::spawn(frame.collect()).await;
        Ok(collected.map_err(|error| Error::internal("a query stopped short").with_source(error))??)
    }

    /// The limits it works within.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The instant that everything is computed as of.
    pub fn as_of(&self) -> DateTime<Utc> {
        self.as_of
    }

    /// Reads a SQL expression over one row of `schema` and works out its type.
    ///
    /// Aggregates, windows, subqueries and functions whose result changes from run to run are refused.
    pub fn expr(&self, text: &ExprText, schema: &DFSchema) -> Result<TypedExpr, Diagnostic> {
        sql::row_expression(&self.state, text, schema, &self.sources)
    }

    /// Parses a SELECT, once however often it is asked for, without looking at any table.
    pub fn select(&self, text: &Spanned<SqlText>) -> Result<Arc<Select>, Diagnostic> {
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(select) = parsed.get(text.value.as_str()) {
            return Ok(Arc::clone(select));
        }
        let select = Arc::new(query::parse(text, &self.sources)?);
        parsed.insert(text.value.as_str().to_string(), Arc::clone(&select));
        Ok(select)
    }

    /// Where a name stands in a SQL text; all of the text where it is not found.
    pub fn place_of(&self, text: &Spanned<SqlText>, name: &str, what: Word) -> Place {
        sql_place::word(&self.sources, text.value.as_str(), text.place, name, what)
    }

    /// Plans a parsed SELECT over `frames` and works out every type in it; its mistakes where it has any.
    pub fn plan_select(
        &self,
        select: &Select,
        text: &Spanned<SqlText>,
        frames: &Frames,
    ) -> Result<LogicalPlan, Vec<Diagnostic>> {
        query::plan(&self.state, select, text, frames, &self.sources)
    }

    /// Tries the expressions of a planned SELECT on a row of NULLs; a constant that is not what it has to be shows
    /// there, and not in the plan. Once is enough: while the project is checked.
    pub fn try_out(&self, plan: &LogicalPlan, text: &Spanned<SqlText>) -> Result<(), Diagnostic> {
        let explain = |error| sql_error::explain_error(&error, text.value.as_str(), text.place, &[], &self.sources);
        let plan = checked::plan(plan.clone()).map_err(explain)?;
        trial::plan(&plan, &self.state).map_err(explain)
    }

    /// A planned SELECT as it is run: one whose whole numbers fail where they overflow.
    pub fn runnable(&self, plan: LogicalPlan) -> Result<LogicalPlan, Error> {
        checked::plan(plan).map_err(|error| Error::internal("a query lost its types").with_source(error))
    }
}

fn config(limits: &Limits) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_target_partitions(limits.threads.get())
        .with_batch_size(limits.batch_size.get())
        .with_information_schema(false)
        .with_default_catalog_and_schema("marquetry", "project")
        .with_create_default_catalog_and_schema(true);
    let options = config.options_mut();
    options.sql_parser.collect_spans = true;
    options.sql_parser.enable_ident_normalization = true;
    // 0.1 in SQL text is a decimal: no cent may depend on a binary fraction.
    options.sql_parser.parse_float_as_decimal = true;
    options.execution.time_zone = Some("UTC".to_string());
    options.execution.sort_spill_reservation_bytes = limits.merge_bytes();
    options.execution.parquet.pushdown_filters = true;
    options.execution.parquet.reorder_filters = true;
    // What one operator learns while it runs must not be pushed into a scan: DataFusion 55 passes such
    // filters through an aggregation by the name of a grouping column, also where the column of that
    // name beneath is another one. `pushdown_tests` shows rows that are lost that way.
    options.optimizer.enable_join_dynamic_filter_pushdown = false;
    options.optimizer.enable_topk_dynamic_filter_pushdown = false;
    options.optimizer.enable_aggregate_dynamic_filter_pushdown = false;
    config
}

fn runtime(limits: &Limits) -> Result<Arc<RuntimeEnv>> {
    let pool = TrackConsumersPool::new(memory::Shares::new(limits.memory_bytes), NAMED_CONSUMERS);
    let mode = match &limits.spill_dir {
        Some(dir) => DiskManagerMode::Directories(vec![dir.clone()]),
        None => DiskManagerMode::OsTmpDirectory,
    };
    RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(pool))
        .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(mode))
        .build_arc()
        .map_err(|error| Error::world("the engine could not be started").with_source(error))
}
