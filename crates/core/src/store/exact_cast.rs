//! Casts to a finer clock that filters must not look through.
//!
//! `CAST(seconds AS microseconds) >= literal` may be rewritten by the reader so that the literal is
//! cast to seconds instead, which rounds it: a row half a second too early would pass. Behind
//! [`Opaque`] the cast is not recognised, and the comparison stays as it was written. Files with a
//! coarse clock lose statistics pruning on that column; rows are right.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::CastExpr;
use datafusion::physical_expr_adapter::{
    DefaultPhysicalExprAdapterFactory, PhysicalExprAdapter, PhysicalExprAdapterFactory,
};

/// Adapts expressions over the table to one file, with coarse clocks behind [`Opaque`].
#[derive(Debug)]
pub(super) struct ExactCasts;

impl PhysicalExprAdapterFactory for ExactCasts {
    fn create(&self, table: SchemaRef, file: SchemaRef) -> Result<Arc<dyn PhysicalExprAdapter>> {
        let inner = DefaultPhysicalExprAdapterFactory.create(table, Arc::clone(&file))?;
        Ok(Arc::new(Adapter { inner, file }))
    }
}

#[derive(Debug)]
struct Adapter {
    inner: Arc<dyn PhysicalExprAdapter>,
    file: SchemaRef,
}

impl PhysicalExprAdapter for Adapter {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        let adapted = self.inner.rewrite(expr)?;
        let hide = |node: Arc<dyn PhysicalExpr>| match refines_clock(&node, &self.file)? {
            true => Ok(Transformed::yes(Arc::new(Opaque(node)) as Arc<dyn PhysicalExpr>)),
            false => Ok(Transformed::no(node)),
        };
        adapted.transform_up(hide).data()
    }
}

fn refines_clock(node: &Arc<dyn PhysicalExpr>, file: &Schema) -> Result<bool> {
    let Some(cast) = node.downcast_ref::<CastExpr>() else { return Ok(false) };
    match (cast.expr().data_type(file)?, cast.cast_type()) {
        (DataType::Timestamp(from, _), DataType::Timestamp(to, _)) => Ok(ticks(&from) < ticks(to)),
        _ => Ok(false),
    }
}

fn ticks(unit: &TimeUnit) -> u8 {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 1,
        TimeUnit::Microsecond => 2,
        TimeUnit::Nanosecond => 3,
    }
}

/// An expression that evaluates to another, and that no rule knows.
#[derive(Debug)]
struct Opaque(Arc<dyn PhysicalExpr>);

impl PartialEq for Opaque {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq(&other.0)
    }
}

impl Eq for Opaque {}

impl Hash for Opaque {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Display for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl PhysicalExpr for Opaque {
    fn data_type(&self, schema: &Schema) -> Result<DataType> {
        self.0.data_type(schema)
    }

    fn nullable(&self, schema: &Schema) -> Result<bool> {
        self.0.nullable(schema)
    }

    fn return_field(&self, schema: &Schema) -> Result<Arc<Field>> {
        self.0.return_field(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        self.0.evaluate(batch)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.0]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        Ok(children.into_iter().next().map_or(self as _, |child| Arc::new(Self(child)) as _))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt_sql(f)
    }
}
