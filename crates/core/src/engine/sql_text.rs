//! A plan as SQL text, for people to read.

use std::collections::BTreeSet;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::unparser::Unparser;
use datafusion::sql::unparser::dialect::DefaultDialect;

/// What SQL can say of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SqlForm {
    /// All of it, though not to the letter: some orders and roundings that the plan has are lost.
    /// Nothing may execute this text.
    Sql(String),
    /// Not what these operators of ours do; their names, sorted.
    Operators(Vec<String>),
    /// Not all of it.
    Unsaid,
}

/// The SQL text of a plan that was not optimised: what the optimiser makes is harder to read and
/// often cannot be said.
pub(super) fn of(plan: &LogicalPlan) -> SqlForm {
    let mut operators = BTreeSet::new();
    let walked = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Extension(extension) = node {
            operators.insert(extension.node.name().to_string());
        }
        Ok(TreeNodeRecursion::Continue)
    });
    if walked.is_err() {
        return SqlForm::Unsaid;
    }
    if !operators.is_empty() {
        return SqlForm::Operators(operators.into_iter().collect());
    }
    match Unparser::new(&DefaultDialect {}).plan_to_sql(plan) {
        Ok(statement) => SqlForm::Sql(format!("{statement:#}")),
        Err(_) => SqlForm::Unsaid,
    }
}
