//! The tables a model reads, by name: while the project is checked they are empty tables with the
//! right columns, during a run the real ones. The same plan is built over both.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::common::{DFSchema, TableReference};
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::LogicalPlanBuilder;

use crate::contract::Column;
use crate::error::{Error, Result};
use crate::syntax::TableName;

/// One table that a model may read.
#[derive(Clone)]
pub struct Frame {
    /// Where rows come from.
    pub provider: Arc<dyn TableProvider>,
    /// What is known of its columns; a source's undeclared columns are absent here.
    pub columns: Vec<Column>,
}

impl Frame {
    /// A table of that schema without rows, for checking.
    pub fn empty(schema: SchemaRef, columns: Vec<Column>) -> Self {
        Self { provider: Arc::new(EmptyTable::new(schema)), columns }
    }

    /// The Arrow schema of the rows.
    pub fn schema(&self) -> SchemaRef {
        self.provider.schema()
    }

    /// What is known of the column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name.as_str() == name)
    }
}

/// Tables by name, in name order. Cloning is cheap.
#[derive(Clone, Default)]
pub struct Frames {
    tables: BTreeMap<TableName, Arc<Frame>>,
}

impl Frames {
    /// Adds or replaces a table.
    pub fn insert(&mut self, name: TableName, frame: Frame) {
        self.tables.insert(name, Arc::new(frame));
    }

    /// The table of that name.
    pub fn get(&self, name: &str) -> Option<&Frame> {
        self.tables.get(name).map(Arc::as_ref)
    }

    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &TableName> {
        self.tables.keys()
    }

    /// A plan that reads all of a table; its columns are qualified by the table's name.
    pub fn scan(&self, name: &TableName) -> Result<LogicalPlanBuilder> {
        let frame = self
            .get(name.as_str())
            .ok_or_else(|| Error::internal(format!("table `{name}` is not among the inputs")))?;
        LogicalPlanBuilder::scan(
            TableReference::bare(name.as_str()),
            provider_as_source(Arc::clone(&frame.provider)),
            None,
        )
        .map_err(|error| Error::internal(format!("table `{name}` cannot be scanned")).with_source(error))
    }

    /// The schema that expressions over a table are typed against.
    pub fn df_schema(&self, name: &TableName) -> Result<DFSchema> {
        Ok(self.scan(name)?.schema().as_ref().clone())
    }
}
