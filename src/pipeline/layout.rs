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
        let mut provider = table_of_files(staged.urls(), contract.schema().into())?;
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
    use super::*;

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
}
