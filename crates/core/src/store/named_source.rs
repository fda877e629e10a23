//! A file source whose errors name the file, and that skips nothing it cannot know.
//!
//! A truncated page is found while batches are decoded, and the error says what is wrong with the
//! bytes but not whose bytes they are. Everything here passes through to the Parquet source; on
//! the way back an error gains the file's name.
//!
//! Bounds of floating-point columns leave out what is no number (NaN), which compares as greater than every number:
//! `x > 1` holds of it, and bounds that end at 1 do not tell. So conditions on such columns are not shown to the
//! source; they are decided row by row above it.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileOpener, FileScanConfig, FileSource};
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::{DataFusionError, Result};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::filter_pushdown::{FilterPushdownPropagation, PushedDown};
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion::physical_plan::{DisplayFormatType, SortOrderPushdownResult};
use datafusion_datasource::morsel::{Morsel, MorselPlan, MorselPlanner, Morselizer};
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::ObjectStore;
use parquet::errors::ParquetError;

use crate::error::{Error, is_of_values};

/// The Parquet source, with errors that begin with `reading <where><path>`.
#[derive(Clone)]
pub(super) struct NamedSource {
    inner: Arc<dyn FileSource>,
    /// What stands before a file's path in the store, so that the whole is a name the user knows.
    root: Arc<str>,
}

impl NamedSource {
    pub(super) fn new(inner: Arc<dyn FileSource>, root: &str) -> Self {
        Self { inner, root: root.into() }
    }

    fn around(&self, inner: Arc<dyn FileSource>) -> Arc<dyn FileSource> {
        Arc::new(Self { inner, root: Arc::clone(&self.root) })
    }
}

impl FileSource for NamedSource {
    fn create_file_opener(
        &self,
        store: Arc<dyn ObjectStore>,
        config: &FileScanConfig,
        partition: usize,
    ) -> Result<Arc<dyn FileOpener>> {
        self.inner.create_file_opener(store, config, partition)
    }

    fn create_morselizer(
        &self,
        store: Arc<dyn ObjectStore>,
        config: &FileScanConfig,
        partition: usize,
    ) -> Result<Box<dyn Morselizer>> {
        let inner = self.inner.create_morselizer(store, config, partition)?;
        Ok(Box::new(NamedMorselizer { inner, root: Arc::clone(&self.root) }))
    }

    fn table_schema(&self) -> &TableSchema {
        self.inner.table_schema()
    }

    fn with_batch_size(&self, batch_size: usize) -> Arc<dyn FileSource> {
        self.around(self.inner.with_batch_size(batch_size))
    }

    fn filter(&self) -> Option<Arc<dyn PhysicalExpr>> {
        self.inner.filter()
    }

    fn projection(&self) -> Option<&ProjectionExprs> {
        self.inner.projection()
    }

    fn metrics(&self) -> &ExecutionPlanMetricsSet {
        self.inner.metrics()
    }

    fn file_type(&self) -> &str {
        self.inner.file_type()
    }

    fn fmt_extra(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt_extra(format, f)
    }

    fn supports_repartitioning(&self) -> bool {
        self.inner.supports_repartitioning()
    }

    fn try_pushdown_filters(
        &self,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        config: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn FileSource>>> {
        let schema = self.inner.table_schema().table_schema();
        let shown: Vec<bool> = filters.iter().map(|filter| !is_of_floats(filter, schema)).collect();
        let filters = filters.into_iter().zip(&shown).filter_map(|(filter, shown)| shown.then_some(filter)).collect();
        let pushed = self.inner.try_pushdown_filters(filters, config)?;
        let mut answers = pushed.filters.into_iter();
        let mut answer = |shown: bool| if shown { answers.next() } else { None }.unwrap_or(PushedDown::No);
        let filters = shown.into_iter().map(&mut answer).collect();
        let updated_node = pushed.updated_node.map(|inner| self.around(inner));
        Ok(FilterPushdownPropagation { filters, updated_node })
    }

    fn try_pushdown_sort(
        &self,
        order: &[PhysicalSortExpr],
        properties: &EquivalenceProperties,
    ) -> Result<SortOrderPushdownResult<Arc<dyn FileSource>>> {
        Ok(self.inner.try_pushdown_sort(order, properties)?.map(|inner| self.around(inner)))
    }

    fn reorder_files(&self, files: Vec<PartitionedFile>) -> Vec<PartitionedFile> {
        self.inner.reorder_files(files)
    }

    fn try_pushdown_projection(&self, projection: &ProjectionExprs) -> Result<Option<Arc<dyn FileSource>>> {
        Ok(self.inner.try_pushdown_projection(projection)?.map(|inner| self.around(inner)))
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.inner.apply_expressions(f)
    }
}

#[derive(Debug)]
struct NamedMorselizer {
    inner: Box<dyn Morselizer>,
    root: Arc<str>,
}

impl Morselizer for NamedMorselizer {
    fn plan_file(&self, file: PartitionedFile) -> Result<Box<dyn MorselPlanner>> {
        let name: Arc<str> = format!("{}{}", self.root, file.path()).into();
        let inner = self.inner.plan_file(file).map_err(|error| of_file(error, &name))?;
        Ok(Box::new(NamedPlanner { inner, name }))
    }
}

#[derive(Debug)]
struct NamedPlanner {
    inner: Box<dyn MorselPlanner>,
    name: Arc<str>,
}

impl MorselPlanner for NamedPlanner {
    fn plan(self: Box<Self>) -> Result<Option<MorselPlan>> {
        let Self { inner, name } = *self;
        let Some(mut plan) = inner.plan().map_err(|error| of_file(error, &name))? else { return Ok(None) };
        let planner = |inner| Box::new(NamedPlanner { inner, name: Arc::clone(&name) }) as Box<dyn MorselPlanner>;
        let morsel = |inner| Box::new(NamedMorsel { inner, name: Arc::clone(&name) }) as Box<dyn Morsel>;
        let mut named = MorselPlan::new()
            .with_morsels(plan.take_morsels().into_iter().map(morsel).collect())
            .with_planners(plan.take_ready_planners().into_iter().map(planner).collect());
        if let Some(pending) = plan.take_pending_planner() {
            let name = Arc::clone(&name);
            named.set_pending_planner(async move {
                let inner = pending.await.map_err(|error| of_file(error, &name))?;
                Ok(Box::new(NamedPlanner { inner, name }) as Box<dyn MorselPlanner>)
            });
        }
        Ok(Some(named))
    }
}

#[derive(Debug)]
struct NamedMorsel {
    inner: Box<dyn Morsel>,
    name: Arc<str>,
}

impl Morsel for NamedMorsel {
    fn into_stream(self: Box<Self>) -> BoxStream<'static, Result<RecordBatch>> {
        let Self { inner, name } = *self;
        inner.into_stream().map(move |batch| batch.map_err(|error| of_file(error, &name))).boxed()
    }
}

/// Whether a condition is on a floating-point column, among others or alone.
fn is_of_floats(filter: &Arc<dyn PhysicalExpr>, schema: &SchemaRef) -> bool {
    let of = |column: &Column| schema.fields().get(column.index()).is_none_or(|field| field.data_type().is_floating());
    collect_columns(filter).iter().any(of)
}

/// Whether an error of the reader's has one of the store or the disk beneath it.
fn of_the_world(error: &ParquetError) -> bool {
    let beneath = std::iter::successors(Some(error as &(dyn std::error::Error + 'static)), |error| error.source());
    beneath.into_iter().any(|error| error.is::<object_store::Error>() || error.is::<std::io::Error>())
}

/// An error that names the file, unless it is about what is computed of the rows: conditions and
/// expressions are worked out where the file is read, and it is not to blame for them. What the reader
/// says of damaged bytes helps nobody who does not know the format by heart, and is replaced.
fn of_file(error: DataFusionError, name: &str) -> DataFusionError {
    if is_of_values(&error) {
        return error;
    }
    let doing = format!("reading `{name}`");
    let damaged = match error.find_root() {
        DataFusionError::ParquetError(error) => !of_the_world(error.as_ref()),
        DataFusionError::ArrowError(error, _) => matches!(error.as_ref(), ArrowError::ParquetError(_)),
        _ => false,
    };
    if !damaged {
        return error.context(doing);
    }
    let ours = Error::world("the file is damaged: some of its bytes are not what its footer promises")
        .with_hint("load it again; `marquetry check` reads only footers and cannot see this")
        .while_doing(doing);
    DataFusionError::External(Box::new(ours))
}
