//! Which columns of which tables a plan's columns are made of.

use std::collections::BTreeSet;

use datafusion::common::Column as SqlColumn;
use datafusion::logical_expr::{Expr, LogicalPlan};

/// What one output column is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// The columns it is computed from, as (table, column).
    pub columns: BTreeSet<(String, String)>,
    /// Whether it is one of them, unchanged.
    pub unchanged: bool,
}

impl Trace {
    fn of(columns: BTreeSet<(String, String)>) -> Self {
        Self { columns, unchanged: false }
    }

    fn merge(&mut self, other: &Self) {
        self.unchanged = self.unchanged && other.unchanged && self.columns == other.columns;
        self.columns.extend(other.columns.iter().cloned());
    }
}

/// What each column of `plan` is made of, in order. Columns that only decide which rows appear
/// (filters, join keys, grouping) are not counted; only values are.
pub fn trace(plan: &LogicalPlan) -> Vec<Trace> {
    match plan {
        LogicalPlan::TableScan(scan) => {
            let table = scan.table_name.table();
            let names = scan.projected_schema.fields().iter().map(|field| field.name());
            names.map(|name| Trace { columns: [(table.to_string(), name.clone())].into(), unchanged: true }).collect()
        }
        LogicalPlan::Projection(node) => of_exprs(&node.expr, &node.input),
        LogicalPlan::Aggregate(node) => {
            let exprs: Vec<Expr> = node.group_expr.iter().chain(&node.aggr_expr).cloned().collect();
            fit(of_exprs(&exprs, &node.input), plan)
        }
        LogicalPlan::Window(node) => {
            let mut columns = trace(&node.input);
            columns.extend(of_exprs(&node.window_expr, &node.input));
            columns
        }
        LogicalPlan::Union(node) => {
            let mut inputs = node.inputs.iter().map(|input| trace(input));
            let first = inputs.next().unwrap_or_default();
            inputs.fold(first, |mut columns, other| {
                columns.iter_mut().zip(&other).for_each(|(column, more)| column.merge(more));
                columns
            })
        }
        LogicalPlan::Join(node) => {
            let mut columns = trace(&node.left);
            columns.extend(trace(&node.right));
            fit(columns, plan)
        }
        other => match other.inputs().as_slice() {
            [input] if input.schema().fields().len() == other.schema().fields().len() => trace(input),
            _ => fit(Vec::new(), other),
        },
    }
}

/// Where a node's columns cannot be matched one by one, each is made of everything below.
fn fit(columns: Vec<Trace>, plan: &LogicalPlan) -> Vec<Trace> {
    let wanted = plan.schema().fields().len();
    if columns.len() == wanted {
        return columns;
    }
    let below = plan.inputs().into_iter().flat_map(trace).flat_map(|column| column.columns).collect();
    vec![Trace::of(below); wanted]
}

fn of_exprs(exprs: &[Expr], input: &LogicalPlan) -> Vec<Trace> {
    let below = trace(input);
    exprs.iter().map(|expr| of_expr(expr, input, &below)).collect()
}

fn of_expr(expr: &Expr, input: &LogicalPlan, below: &[Trace]) -> Trace {
    let column = |column: &SqlColumn| {
        let at = input.schema().maybe_index_of_column(column)?;
        below.get(at).cloned()
    };
    match expr {
        Expr::Alias(alias) => of_expr(&alias.expr, input, below),
        Expr::Column(name) => column(name).unwrap_or_default(),
        Expr::ScalarSubquery(query) => Trace::of(all(&trace(&query.subquery))),
        _ => {
            let mut refs: Vec<&SqlColumn> = expr.column_refs().into_iter().collect();
            refs.sort();
            Trace::of(refs.into_iter().filter_map(column).flat_map(|found| found.columns).collect())
        }
    }
}

fn all(columns: &[Trace]) -> BTreeSet<(String, String)> {
    columns.iter().flat_map(|column| column.columns.iter().cloned()).collect()
}
