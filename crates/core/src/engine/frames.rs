//! The tables a model reads, by name: while the project is checked they are empty tables with the
//! right columns, during a run the real ones. The same plan is built over both.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use datafusion::catalog::TableProvider;
use datafusion::common::{DFSchema, ScalarValue, TableReference};
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::provider_as_source;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{LogicalPlanBuilder, ident, lit};

use crate::contract::{Column, ColumnRef};
use crate::error::{Error, Result};
use crate::syntax::{ColumnName, TableName};

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

/// The first and the last instant of something.
pub type Ends = (DateTime<Utc>, DateTime<Utc>);

/// Tells the ends of a column of instants, where they are known without reading a row.
pub type EndsOf = Arc<dyn Fn(&str) -> Option<Ends> + Send + Sync>;

/// Tables by name, in name order. Cloning is cheap.
#[derive(Clone, Default)]
pub struct Frames {
    ends: BTreeMap<TableName, EndsOf>,
    tables: BTreeMap<TableName, Arc<Frame>>,
    published: BTreeMap<TableName, Arc<Frame>>,
    withdrawn: BTreeMap<TableName, Vec<Arc<Frame>>>,
    counted: BTreeMap<TableName, Arc<RowsByValue>>,
    shared: Shared,
}

/// For some text columns of a table, how many rows hold each value; `None` is no value.
pub type RowsByValue = BTreeMap<ColumnName, Vec<(Option<String>, u64)>>;

/// What the outputs of one model share while they are made, by the model's name.
type Shared = Arc<Mutex<BTreeMap<TableName, Arc<dyn Any + Send + Sync>>>>;

impl Frames {
    /// Adds or replaces a table.
    pub fn insert(&mut self, name: TableName, frame: Frame) {
        self.tables.insert(name, Arc::new(frame));
    }

    /// The table of that name.
    pub fn get(&self, name: &str) -> Option<&Frame> {
        self.tables.get(name).map(Arc::as_ref)
    }

    /// Says who knows the ends of a source's columns.
    pub fn insert_ends(&mut self, name: TableName, ends_of: EndsOf) {
        self.ends.insert(name, ends_of);
    }

    /// The ends of what the sources' columns hold that these columns go back to, through all models between,
    /// where every one of them is known. What is computed of instants is taken to lie between them.
    pub fn ends(&self, columns: &[ColumnRef]) -> Option<Ends> {
        let each = columns.iter().map(|of| {
            let (table, column) = (of.table.as_str(), of.column.as_str());
            match self.ends.get(&of.table) {
                Some(ends_of) => ends_of(column),
                // Models read no table that reads them, so this comes to an end.
                None => self.ends(&self.get(table)?.column(column)?.lineage),
            }
        });
        let each = each.collect::<Option<Vec<Ends>>>()?;
        each.into_iter().reduce(|all, one| (all.0.min(one.0), all.1.max(one.1)))
    }

    /// Says what was counted of a table's rows while they were written.
    pub fn insert_counted(&mut self, name: TableName, counted: RowsByValue) {
        self.counted.insert(name, Arc::new(counted));
    }

    /// The rows of a table by the values of a text column, as columns `item` (NULL for no value) and `rows`;
    /// the table is read only where nobody counted before.
    pub fn rows_by(&self, table: &TableName, column: &str) -> Result<LogicalPlanBuilder> {
        let counted = self.counted.get(table).and_then(|counted| counted.get(column));
        let wrong = |error| Error::internal(format!("the rows of `{table}` cannot be counted")).with_source(error);
        let Some(counted) = counted.filter(|values| !values.is_empty()) else {
            let rows = [count(lit(1_i64)).alias("rows")];
            return self.scan(table)?.aggregate([ident(column).alias("item")], rows).map_err(wrong);
        };
        let rows = counted.iter().map(|(value, rows)| {
            let rows = i64::try_from(*rows).map_err(|_| Error::internal(format!("`{table}` has too many rows")))?;
            Ok(vec![lit(ScalarValue::Utf8(value.clone())), lit(rows)])
        });
        let values = LogicalPlanBuilder::values(rows.collect::<Result<_>>()?).map_err(wrong)?;
        values.project([ident("column1").alias("item"), ident("column2").alias("rows")]).map_err(wrong)
    }

    /// Adds a table of a model as the last release has it, for the model to go on from.
    pub fn insert_published(&mut self, name: TableName, frame: Frame) {
        self.published.insert(name, Arc::new(frame));
    }

    /// Adds a table of a model as a release has it that was taken back; the newest such release first.
    pub fn insert_withdrawn(&mut self, name: TableName, frame: Frame) {
        self.withdrawn.entry(name).or_default().push(Arc::new(frame));
    }

    /// A table as it was last published; none where it never was, or is not remembered by its
    /// model (`ModelKind::remembers`).
    pub fn published(&self, name: &str) -> Option<&Frame> {
        self.published.get(name).map(Arc::as_ref)
    }

    /// Keeps work that several outputs of a model are made of, in place of what was kept for it.
    pub fn share(&self, model: &TableName, work: Arc<dyn Any + Send + Sync>) {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).insert(model.clone(), work);
    }

    /// The work kept for a model.
    pub fn shared<T: Any + Send + Sync>(&self, model: &TableName) -> Option<Arc<T>> {
        let kept = self.shared.lock().unwrap_or_else(PoisonError::into_inner).get(model).cloned();
        kept.and_then(|work| work.downcast::<T>().ok())
    }

    /// Lets go of the work kept for a model, and of the memory it holds.
    pub fn forget_shared(&self, model: &TableName) {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).remove(model);
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
        scan(name, frame)
    }

    /// A plan that reads all of a table as it was last published.
    pub fn scan_published(&self, name: &TableName) -> Result<Option<LogicalPlanBuilder>> {
        self.published.get(name).map(|frame| scan(name, frame)).transpose()
    }

    /// Plans that read all of a table as the releases have it that were taken back, the newest first.
    pub fn scan_withdrawn(&self, name: &TableName) -> Result<Vec<LogicalPlanBuilder>> {
        self.withdrawn.get(name).into_iter().flatten().map(|frame| scan(name, frame)).collect()
    }

    /// The schema that expressions over a table are typed against.
    pub fn df_schema(&self, name: &TableName) -> Result<DFSchema> {
        Ok(self.scan(name)?.schema().as_ref().clone())
    }
}

fn scan(name: &TableName, frame: &Frame) -> Result<LogicalPlanBuilder> {
    let source = provider_as_source(Arc::clone(&frame.provider));
    LogicalPlanBuilder::scan(TableReference::bare(name.as_str()), source, None)
        .map_err(|error| Error::internal(format!("table `{name}` cannot be scanned")).with_source(error))
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, RecordBatch, StringViewArray};
    use arrow::datatypes::Schema;
    use arrow::util::pretty::pretty_format_batches;
    use datafusion::datasource::MemTable;

    use super::*;
    use crate::contract::ColumnType;

    fn of(table: &str, column: &str) -> ColumnRef {
        ColumnRef { table: TableName::new_unchecked(table), column: ColumnName::new_unchecked(column) }
    }

    /// A table of a model whose only column `at` is made of these.
    fn model(from: &[ColumnRef]) -> Frame {
        let at =
            Column::new(ColumnName::new_unchecked("at"), ColumnType::Timestamp, "When.").from_columns(from.to_vec());
        Frame::empty(Arc::new(Schema::empty()), vec![at])
    }

    #[tokio::test]
    async fn what_was_counted_is_not_read_again() {
        let engine = crate::engine::entity_tests::engine(1, 8192, 1 << 30);
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec![Some("b"), None, Some("a"), Some("b")]));
        let batch = RecordBatch::try_from_iter([("c", texts)]).unwrap();
        let table = TableName::new_unchecked("t");
        let provider = MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap();
        let mut frames = Frames::default();
        frames.insert(table.clone(), Frame { provider: Arc::new(provider), columns: Vec::new() });
        let counted = async |frames: &Frames| {
            let plan = frames.rows_by(&table, "c").unwrap().sort([ident("item").sort(true, true)]).unwrap();
            let batches = engine.collect(plan.build().unwrap()).await.unwrap();
            pretty_format_batches(&batches).unwrap().to_string()
        };
        let read = counted(&frames).await;
        assert!(read.contains("| b    | 2    |") && read.contains("|      | 1    |"), "{read}");
        let rows = |value: Option<&str>, rows| (value.map(str::to_string), rows);
        let known = vec![rows(None, 1), rows(Some("a"), 1), rows(Some("b"), 2)];
        frames.insert_counted(table.clone(), [(ColumnName::new_unchecked("c"), known)].into());
        assert_eq!(counted(&frames).await, read);
        frames.insert(table.clone(), Frame::empty(Arc::new(Schema::empty()), Vec::new()));
        assert_eq!(counted(&frames).await, read);
    }

    #[test]
    fn the_ends_of_a_column_are_those_of_all_that_it_goes_back_to() {
        let mut frames = Frames::default();
        let day = |day: i64| DateTime::from_timestamp(day * 86_400, 0).unwrap();
        for (name, first, last) in [("web", 10, 20), ("mail", 15, 30)] {
            let ends = move |column: &str| (column == "at").then(|| (day(first), day(last)));
            frames.insert(TableName::new_unchecked(name), Frame::empty(Arc::new(Schema::empty()), Vec::new()));
            frames.insert_ends(TableName::new_unchecked(name), Arc::new(ends));
        }
        frames.insert(TableName::new_unchecked("clean"), model(&[of("web", "at")]));
        frames.insert(TableName::new_unchecked("touches"), model(&[of("clean", "at"), of("mail", "at")]));
        frames.insert(TableName::new_unchecked("made_up"), model(&[]));
        frames.insert(TableName::new_unchecked("mixed"), model(&[of("web", "at"), of("web", "epoch")]));
        assert_eq!(frames.ends(&[of("touches", "at")]), Some((day(10), day(30))));
        assert_eq!(frames.ends(&[of("clean", "at")]), Some((day(10), day(20))));
        for unknown in [of("made_up", "at"), of("mixed", "at"), of("web", "epoch"), of("nowhere", "at")] {
            assert_eq!(frames.ends(std::slice::from_ref(&unknown)), None, "{unknown:?}");
        }
        assert_eq!(frames.ends(&[]), None);
    }
}
