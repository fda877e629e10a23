//! How the rows of a table lie that was just written, for the models that read it next.

use arrow::datatypes::DataType;
use datafusion::physical_plan::ExecutionPlan;
use url::Url;

use crate::contract::Contract;
use crate::engine::entity::{WalkOrder, left_in_order};
use crate::engine::in_order::in_order;
use crate::engine::{Frame, Limits};
use crate::error::Result;
use crate::store::publish::StagedTable;
use crate::store::{path_of, table_of_files};

/// The order of a table's rows within each partition, where there is one.
#[derive(Debug)]
pub(super) struct Layout(Option<WalkOrder>);

impl Layout {
    /// How the rows of a plan will lie in the table of a contract.
    pub(super) fn of(plan: &dyn ExecutionPlan, contract: &Contract) -> Self {
        let (made, promised) = (plan.schema(), contract.schema());
        let keeps = |column: &String| match (made.field_with_name(column), promised.field_with_name(column)) {
            (Ok(made), Ok(promised)) => sorts_alike(made.data_type(), promised.data_type()),
            _ => false,
        };
        Self(left_in_order(plan).filter(|order| order.entity.iter().chain(&order.order).all(keeps)))
    }

    /// The table, once it is written. One of fewer partitions than threads is read in pieces, in no
    /// order: that all threads have work is worth more than a sort spared.
    pub(super) fn frame(self, staged: &StagedTable, contract: &Contract, limits: &Limits) -> Result<Frame> {
        let mut provider = table_of_files(staged.urls(), contract.read_schema().into())?;
        if let Some(order) = self.0.filter(|_| staged.rows > 0 && staged.partitions().len() >= limits.threads.get()) {
            let paths = |urls: &Vec<Url>| urls.iter().map(path_of).collect();
            let partitions = staged.partitions().iter().map(paths).collect::<Result<_>>()?;
            provider = in_order(provider, partitions, order);
        }
        Ok(Frame { provider, columns: contract.columns.clone() })
    }
}

/// Whether values of both types stand for each other in the same order.
fn sorts_alike(made: &DataType, promised: &DataType) -> bool {
    let is_text = |data_type: &DataType| match data_type {
        DataType::Dictionary(_, values) => values.is_string(),
        other => other.is_string(),
    };
    made == promised || (is_text(made) && is_text(promised))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::sync::Arc;

    use arrow::array::RecordBatch;
    use arrow::datatypes::{Field, Schema, SchemaRef};
    use datafusion::datasource::empty::EmptyTable;
    use datafusion::datasource::provider_as_source;
    use datafusion::logical_expr::LogicalPlanBuilder;

    use super::*;
    use crate::contract::{Column, ColumnType, Role};
    use crate::diag::Sources;
    use crate::engine::Engine;
    use crate::engine::entity::{EntityAlgorithm, EntityState, walk};
    use crate::syntax::{ColumnName, TableName};

    #[test]
    fn only_types_of_one_order_are_alike() {
        let words = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        for (made, promised, alike) in [
            (&DataType::Utf8View, &DataType::Utf8, true),
            (&words, &DataType::Utf8, true),
            (&DataType::Int64, &DataType::Int64, true),
            // As texts, 10 comes before 9.
            (&DataType::Int64, &DataType::Utf8, false),
            (&DataType::Int64, &DataType::Int32, false),
        ] {
            assert_eq!(sorts_alike(made, promised), alike, "{made} {promised}");
        }
    }

    fn rows() -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("who", DataType::Utf8View, false),
            Field::new("n", DataType::Int64, false),
        ]))
    }

    fn order() -> WalkOrder {
        WalkOrder { entity: vec!["who".to_string()], order: vec!["n".to_string()] }
    }

    /// Rows as they come.
    #[derive(Debug)]
    struct Same;

    impl EntityAlgorithm for Same {
        fn name(&self) -> &'static str {
            "Same"
        }
        fn output_schema(&self) -> SchemaRef {
            rows()
        }
        fn leaves(&self) -> Option<WalkOrder> {
            Some(order())
        }
        fn start(&self) -> Box<dyn EntityState> {
            Box::new(Self)
        }
    }

    impl EntityState for Same {
        fn push(&mut self, batch: &RecordBatch) -> Result<Option<RecordBatch>> {
            Ok(Some(batch.clone()))
        }
        fn finish(&mut self) -> Result<Option<RecordBatch>> {
            Ok(None)
        }
        fn held_bytes(&self) -> usize {
            0
        }
    }

    fn contract(n: ColumnType) -> Contract {
        let column = |name: &str, ty| Column::new(ColumnName::new_unchecked(name), ty, "");
        Contract {
            table: TableName::new_unchecked("t"),
            role: Role::Main,
            description: String::new(),
            grain: Vec::new(),
            columns: vec![column("who", ColumnType::Text), column("n", n)],
            methodology: Default::default(),
        }
    }

    #[tokio::test]
    async fn a_walk_leaves_its_order_unless_types_change_it() {
        let batch_size = NonZeroUsize::new(8).unwrap();
        let limits = Limits { threads: batch_size, memory_bytes: 1 << 30, spill_dir: None, batch_size };
        let engine = Engine::new(limits, "2025-01-01T00:00:00Z".parse().unwrap(), Sources::default()).unwrap();
        let table = provider_as_source(Arc::new(EmptyTable::new(rows())));
        let scan = LogicalPlanBuilder::scan("t", table, None).unwrap().build().unwrap();
        let walked = walk(scan.clone(), order(), Arc::new(Same)).unwrap();
        let planned = async |plan| engine.state().create_physical_plan(&plan).await.unwrap();
        let walked = planned(walked).await;
        assert_eq!(Layout::of(walked.as_ref(), &contract(ColumnType::BigInt)).0, Some(order()));
        assert_eq!(Layout::of(walked.as_ref(), &contract(ColumnType::Text)).0, None);
        assert_eq!(Layout::of(planned(scan).await.as_ref(), &contract(ColumnType::BigInt)).0, None);
    }
}
