//! Tables whose files lie as a walk left them, so that the next walk need not sort again.
//!
//! A walk writes each of its partitions to files of its own: the rows of an entity are all in one of
//! them, and in order. [`in_order`] keeps that when the files are read: one partition for each that was
//! written, never a part of it, and the engine is told how its rows are sorted.
//!
//! The engine can also be told of hashed partitions, but takes all of them to be hashed alike, which
//! those of files are not: they were dealt out by other types, and perhaps by another number. So the
//! partitions are said to come of [`KeptTogether`], a function of the entity that nobody else knows.
//! A walk, which only wants an entity's rows in one place, asks for just that function; a join or an
//! aggregation, to which it is foreign, deals the rows out anew.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result as SqlResult, Statistics, internal_err};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig, FileScanConfigBuilder};
use datafusion::datasource::source::DataSourceExec;
use datafusion::logical_expr::{ColumnarValue, Expr, TableProviderFilterPushDown};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{Distribution, LexOrdering, Partitioning, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use object_store::path::Path;

use super::entity::WalkOrder;

/// How walks sort: ascending, NULLs last.
pub(super) const ASCENDING: SortOptions = SortOptions { descending: false, nulls_first: false };

/// A table of files in the order in which a walk wrote them.
///
/// `partitions` holds the files of each partition of the walk, in the order of their rows; `order` must
/// hold of the rows of each partition, in the types of the table, and an entity must be in one of them.
/// A table that is read otherwise than from those files is read as it is.
pub fn in_order(table: Arc<dyn TableProvider>, partitions: Vec<Vec<Path>>, order: WalkOrder) -> Arc<dyn TableProvider> {
    let name = partitions.iter().flatten().next().map_or_else(String::new, ToString::to_string);
    Arc::new(InOrder { table, partitions, order, name: name.into() })
}

#[derive(Debug)]
struct InOrder {
    table: Arc<dyn TableProvider>,
    partitions: Vec<Vec<Path>>,
    order: WalkOrder,
    /// What tells the table from all others.
    name: Arc<str>,
}

impl InOrder {
    /// The scan with its files as they were written.
    fn restored(&self, config: &FileScanConfig) -> SqlResult<Option<FileScanConfig>> {
        let Some(groups) = self.groups(&config.file_groups) else { return Ok(None) };
        let schema = config.file_source.table_schema().table_schema();
        let column = |name: &String| -> SqlResult<Arc<dyn PhysicalExpr>> {
            Ok(Arc::new(Column::new_with_schema(name, schema)?))
        };
        let sorted = self.order.entity.iter().chain(&self.order.order);
        let sorted = sorted.map(|name| Ok(PhysicalSortExpr::new(column(name)?, ASCENDING)));
        let together = self.order.entity.iter().map(|name| -> SqlResult<Arc<dyn PhysicalExpr>> {
            Ok(Arc::new(KeptTogether { table: Arc::clone(&self.name), column: column(name)? }))
        });
        let partitioning = Partitioning::Hash(together.collect::<SqlResult<_>>()?, groups.len());
        let config = FileScanConfigBuilder::from(config.clone())
            .with_file_groups(groups)
            .with_output_ordering(LexOrdering::new(sorted.collect::<SqlResult<Vec<_>>>()?).into_iter().collect())
            .with_output_partitioning(Some(partitioning));
        Ok(Some(config.build()))
    }

    /// The files that are read, each in the place where it was written; `None` where one is not known.
    fn groups(&self, read: &[FileGroup]) -> Option<Vec<FileGroup>> {
        let mut groups: Vec<Vec<Option<PartitionedFile>>> =
            self.partitions.iter().map(|files| vec![None; files.len()]).collect();
        for file in read.iter().flat_map(FileGroup::iter) {
            let place = self.partitions.iter().zip(&mut groups).find_map(|(paths, group)| {
                let at = paths.iter().position(|path| *path == file.object_meta.location)?;
                group.get_mut(at)
            });
            *place.filter(|place| place.is_none() && file.range.is_none())? = Some(file.clone());
        }
        Some(groups.into_iter().map(|group| FileGroup::new(group.into_iter().flatten().collect())).collect())
    }
}

#[async_trait]
impl TableProvider for InOrder {
    fn schema(&self) -> SchemaRef {
        self.table.schema()
    }

    fn table_type(&self) -> TableType {
        self.table.table_type()
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> SqlResult<Vec<TableProviderFilterPushDown>> {
        self.table.supports_filters_pushdown(filters)
    }

    fn statistics(&self) -> Option<Statistics> {
        self.table.statistics()
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> SqlResult<Arc<dyn ExecutionPlan>> {
        let plan = self.table.scan(state, projection, filters, limit).await?;
        let source = plan.downcast_ref::<DataSourceExec>().map(DataSourceExec::data_source);
        let Some(config) = source.and_then(|source| source.downcast_ref::<FileScanConfig>()) else { return Ok(plan) };
        Ok(match self.restored(config)? {
            Some(config) => DataSourceExec::from_data_source(config),
            None => plan,
        })
    }
}

/// What a walk over these entities asks of the partitions of its input.
pub(super) fn together(input: &dyn ExecutionPlan, entity: &[Arc<dyn PhysicalExpr>]) -> Distribution {
    Distribution::KeyPartitioned(match input.output_partitioning() {
        Partitioning::Hash(exprs, _) if keeps_together(exprs, entity) => exprs.clone(),
        _ => entity.to_vec(),
    })
}

/// Whether each entity's rows are in one partition, as a table of [`in_order`] has them.
pub(super) fn is_together(input: &dyn ExecutionPlan, entity: &[Arc<dyn PhysicalExpr>]) -> bool {
    match input.output_partitioning() {
        Partitioning::Hash(exprs, _) => keeps_together(exprs, entity),
        other => other.partition_count() == 1,
    }
}

/// Rows that are alike in some columns of the entity are in one partition, so are those of the entity.
fn keeps_together(exprs: &[Arc<dyn PhysicalExpr>], entity: &[Arc<dyn PhysicalExpr>]) -> bool {
    let of_entity = |expr: &Arc<dyn PhysicalExpr>| {
        expr.downcast_ref::<KeptTogether>().is_some_and(|kept| entity.contains(&kept.column))
    };
    !exprs.is_empty() && exprs.iter().all(of_entity)
}

/// A column by which a table's rows were dealt out when it was written, nobody knows how.
///
/// Where rows are dealt out anew by it, it is the column itself.
#[derive(Debug)]
struct KeptTogether {
    /// Two tables are dealt out differently, even by columns that look alike.
    table: Arc<str>,
    column: Arc<dyn PhysicalExpr>,
}

impl PartialEq for KeptTogether {
    fn eq(&self, other: &Self) -> bool {
        self.table == other.table && self.column.eq(&other.column)
    }
}
impl Eq for KeptTogether {}
impl Hash for KeptTogether {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.table.hash(state);
        self.column.hash(state);
    }
}

impl fmt::Display for KeptTogether {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kept_together({})", self.column)
    }
}

impl PhysicalExpr for KeptTogether {
    fn data_type(&self, schema: &Schema) -> SqlResult<DataType> {
        self.column.data_type(schema)
    }

    fn nullable(&self, schema: &Schema) -> SqlResult<bool> {
        self.column.nullable(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> SqlResult<ColumnarValue> {
        self.column.evaluate(batch)
    }

    fn return_field(&self, schema: &Schema) -> SqlResult<FieldRef> {
        self.column.return_field(schema)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.column]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> SqlResult<Arc<dyn PhysicalExpr>> {
        let Some(column) = children.pop() else { return internal_err!("kept_together is of one column") };
        Ok(Arc::new(Self { table: Arc::clone(&self.table), column }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
