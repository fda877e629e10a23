//! Published tables, for readers that want every table of one release: the record names the files,
//! and files never change, so that what is read together belongs together.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result as SqlResult};
use datafusion::datasource::TableType;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use futures::{StreamExt, TryStreamExt, stream};
use url::Url;

use super::objects;
use super::release::{FileRecord, TableRelease, current_release, release};
use super::root::TargetRoot;
use crate::error::{Error, Result};
use crate::store::table_of_files;

/// Files looked at at the same time.
const AT_ONCE: usize = 8;

/// One table of a release, ready to be read.
#[derive(Debug, Clone)]
pub struct PublishedTable {
    /// The release it is read from.
    pub release: u64,
    /// What the release says of it.
    pub table: TableRelease,
    /// The schema of its files, descriptions as field metadata.
    pub schema: SchemaRef,
    root: TargetRoot,
}

/// Every table of a release, or of the current one; in name order.
pub async fn published_tables(root: &TargetRoot, number: Option<u64>) -> Result<Vec<PublishedTable>> {
    let release = match number {
        Some(number) => release(root, number).await?,
        None => current_release(root).await?.ok_or_else(|| {
            Error::project(format!("nothing has been published at `{}` yet", root.url()))
                .with_hint("`marquetry run` publishes")
        })?,
    };
    let number = release.number;
    let table = |table: TableRelease| {
        Ok(PublishedTable { release: number, schema: table.schema()?, table, root: root.clone() })
    };
    release.tables.into_iter().map(table).collect()
}

impl PublishedTable {
    /// Its files, in the order in which they hold the rows.
    pub fn urls(&self) -> Result<Vec<Url>> {
        self.table.files.iter().map(|file| self.root.url_of(&file.path)).collect()
    }

    /// Its rows, in a schema that may leave columns out. Who reads them gets all of them, or an error where a
    /// file is not as it was published.
    pub fn rows(self, schema: SchemaRef) -> Result<Arc<dyn TableProvider>> {
        let rows = table_of_files(&self.urls()?, schema)?;
        Ok(Arc::new(Released { of: self, rows }))
    }

    async fn demand_files(&self) -> Result<()> {
        let Some(file) = altered(&self.root, &self.table).await? else { return Ok(()) };
        let name = &self.table.name;
        Err(Error::world(format!(
            "`{name}` cannot be read as release {} published it: `{}` is gone, or not as long as it was",
            self.release, file.path
        ))
        .with_hint("bring the file back, or go back to a release whose files are all there with `marquetry rollback`"))
    }
}

/// The first file of a table that is gone, or is not as long as it was.
pub(super) async fn altered<'a>(root: &TargetRoot, table: &'a TableRelease) -> Result<Option<&'a FileRecord>> {
    let looks = table
        .files
        .iter()
        .map(|file| async move { Ok((file, objects::bytes(root, &file.path).await? == Some(file.bytes))) });
    let found: Result<Vec<(&FileRecord, bool)>> =
        stream::iter(looks.collect::<Vec<_>>()).buffered(AT_ONCE).try_collect().await;
    Ok(found?.into_iter().find_map(|(file, whole)| (!whole).then_some(file)))
}

/// Files of a release as a table. A file that is gone would otherwise be one without rows.
#[derive(Debug)]
struct Released {
    of: PublishedTable,
    rows: Arc<dyn TableProvider>,
}

#[async_trait]
impl TableProvider for Released {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> SqlResult<Vec<TableProviderFilterPushDown>> {
        self.rows.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> SqlResult<Arc<dyn ExecutionPlan>> {
        self.of.demand_files().await.map_err(|error| DataFusionError::External(error.into()))?;
        self.rows.scan(state, projection, filters, limit).await
    }
}
