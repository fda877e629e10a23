//! Which measures a plan adds up, over rows that are alike in which columns.
//!
//! ```text
//! SELECT channel, SUM(amount) FROM credits WHERE model = 'linear' GROUP BY channel
//! summed    credits.amount within credits.channel, credits.model
//! ```
//!
//! A measure is followed through subqueries, arithmetic and `CASE`; a column is the same in all rows if the
//! rows are grouped by it, or if a filter demands one value of it.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator, WindowFunctionDefinition};

/// A column of a table, as (table, column).
pub type Name = (String, String);

/// A measure that a query adds up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Summed {
    /// The column it is.
    pub column: Name,
    /// Columns that are the same in all rows that are added up.
    pub within: BTreeSet<Name>,
    /// Whether it is taken as it is, and not weighted by another column.
    pub alone: bool,
}

/// What a plan's columns hold of measures.
#[derive(Debug, Default)]
pub struct Additive {
    /// What the query adds up, everywhere in it.
    pub summed: BTreeSet<Summed>,
    /// By output column: the measures that it is, or is a sum of, each with the columns that are the same in its rows.
    pub columns: Vec<BTreeSet<Summed>>,
    /// By output column: the column of a table that it is, unchanged.
    pub origins: Vec<Option<Name>>,
}

/// Follows the measures through a plan.
pub fn additive(plan: &LogicalPlan) -> Additive {
    let mut walk = Walk::default();
    let rows = walk.rows(plan);
    let (columns, origins) = rows.columns.into_iter().map(|value| (value.of(&rows.pinned), value.origin)).unzip();
    Additive { summed: walk.summed, columns, origins }
}

/// Columns of which all rows have one value, and which.
type Pinned = BTreeMap<Name, String>;

/// One column of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Value {
    origin: Option<Name>,
    parts: BTreeSet<Part>,
}

/// A measure in a column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    column: Name,
    alone: bool,
    /// What a `CASE` around it demands.
    pinned: Pinned,
}

impl Value {
    fn of(&self, pinned: &Pinned) -> BTreeSet<Summed> {
        self.parts.iter().map(|part| part.summed(pinned.keys().cloned().collect())).collect()
    }
}

impl Part {
    fn summed(&self, mut within: BTreeSet<Name>) -> Summed {
        within.extend(self.pinned.keys().cloned());
        Summed { column: self.column.clone(), within, alone: self.alone }
    }
}

/// The columns of a node, and what all its rows are alike in.
#[derive(Debug, Clone, Default)]
struct Rows {
    columns: Vec<Value>,
    pinned: Pinned,
}

#[derive(Default)]
struct Walk {
    summed: BTreeSet<Summed>,
}

impl Walk {
    fn rows(&mut self, plan: &LogicalPlan) -> Rows {
        self.subqueries(plan);
        let mut inputs: Vec<Rows> = plan.inputs().into_iter().map(|input| self.rows(input)).collect();
        let width = plan.schema().fields().len();
        let mut rows = match (plan, inputs.as_mut_slice()) {
            (LogicalPlan::TableScan(scan), _) => {
                let table = scan.table_name.table();
                let names = scan.projected_schema.fields().iter().map(|field| field.name().clone());
                let columns = names.map(|name| column((table.to_string(), name))).collect();
                Rows { columns, pinned: Pinned::new() }
            }
            (LogicalPlan::Union(_), inputs) => alike(inputs),
            (LogicalPlan::Join(_), [left, right]) => {
                let columns = [std::mem::take(&mut left.columns), std::mem::take(&mut right.columns)].concat();
                left.pinned.append(&mut right.pinned);
                Rows { columns, pinned: std::mem::take(&mut left.pinned) }
            }
            (LogicalPlan::Aggregate(node), [rows]) => {
                let below = Below { plan: &node.input, rows };
                let within = below.alike_in(&node.group_expr);
                let groups = node.group_expr.iter().map(|expr| below.value(expr));
                let answers = node.aggr_expr.iter().map(|expr| self.added(expr, &below, &within));
                Rows { columns: groups.chain(answers).collect(), pinned: rows.pinned.clone() }
            }
            (LogicalPlan::Window(node), [rows]) => {
                let below = Below { plan: &node.input, rows };
                let added: Vec<Value> = node.window_expr.iter().map(|expr| self.over(expr, &below)).collect();
                Rows { columns: [rows.columns.clone(), added].concat(), pinned: rows.pinned.clone() }
            }
            (LogicalPlan::Projection(node), [rows]) => {
                let below = Below { plan: &node.input, rows };
                let columns = node.expr.iter().map(|expr| below.value(expr)).collect();
                Rows { columns, pinned: rows.pinned.clone() }
            }
            (LogicalPlan::Filter(node), [rows]) => {
                let demanded = Below { plan: &node.input, rows }.demanded(&node.predicate);
                rows.pinned.extend(demanded);
                std::mem::take(rows)
            }
            (_, [rows]) => std::mem::take(rows),
            _ => Rows::default(),
        };
        if rows.columns.len() != width {
            rows.columns = vec![Value::default(); width];
        }
        rows
    }

    /// Walks what stands in the expressions of a node.
    fn subqueries(&mut self, plan: &LogicalPlan) {
        let walked = plan.apply_subqueries(|query| {
            self.rows(query);
            Ok(TreeNodeRecursion::Continue)
        });
        // Nothing that is done here fails.
        drop(walked);
    }

    /// A `SUM` is a part of its measure; of all other aggregates nothing is followed.
    fn added(&mut self, expr: &Expr, below: &Below<'_>, within: &BTreeSet<Name>) -> Value {
        let expr = expr.clone().unalias_nested().data;
        let Expr::AggregateFunction(function) = &expr else { return Value::default() };
        let demanded = function.params.filter.as_ref().map_or_else(Pinned::new, |filter| below.demanded(filter));
        self.sum(function.func.name(), function.params.args.first(), below, within, &demanded)
    }

    fn over(&mut self, expr: &Expr, below: &Below<'_>) -> Value {
        let expr = expr.clone().unalias_nested().data;
        let Expr::WindowFunction(function) = &expr else { return Value::default() };
        let WindowFunctionDefinition::AggregateUDF(aggregate) = &function.fun else { return Value::default() };
        let within = below.alike_in(&function.params.partition_by);
        self.sum(aggregate.name(), function.params.args.first(), below, &within, &Pinned::new());
        // The same sum stands in each row of its partition.
        Value::default()
    }

    fn sum(
        &mut self,
        function: &str,
        argument: Option<&Expr>,
        below: &Below<'_>,
        within: &BTreeSet<Name>,
        demanded: &Pinned,
    ) -> Value {
        if !["sum", "avg"].contains(&function) {
            return Value::default();
        }
        let Some(mut value) = argument.map(|argument| below.value(argument)) else { return Value::default() };
        value.origin = None;
        value.parts = std::mem::take(&mut value.parts).into_iter().map(|part| part.and(demanded)).collect();
        self.summed.extend(value.parts.iter().map(|part| part.summed(within.clone())));
        if function == "avg" { Value::default() } else { value }
    }
}

impl Part {
    fn and(mut self, demanded: &Pinned) -> Self {
        self.pinned.extend(demanded.clone());
        self
    }

    fn weighted(mut self) -> Self {
        self.alone = false;
        self
    }
}

fn column(name: Name) -> Value {
    let part = Part { column: name.clone(), alone: true, pinned: Pinned::new() };
    Value { origin: Some(name), parts: [part].into() }
}

/// Of several inputs one below the other, what holds for all.
fn alike(inputs: &mut [Rows]) -> Rows {
    let Some((first, others)) = inputs.split_first_mut() else { return Rows::default() };
    let mut rows = std::mem::take(first);
    for other in others {
        rows.pinned.retain(|name, value| other.pinned.get(name) == Some(value));
        for (mine, theirs) in rows.columns.iter_mut().zip(&other.columns) {
            mine.origin = mine.origin.take().filter(|origin| theirs.origin.as_ref() == Some(origin));
            mine.parts.extend(theirs.parts.iter().cloned());
        }
    }
    rows
}

/// What an expression may refer to.
struct Below<'a> {
    plan: &'a LogicalPlan,
    rows: &'a Rows,
}

impl Below<'_> {
    fn value(&self, expr: &Expr) -> Value {
        match expr {
            Expr::Alias(alias) => self.value(&alias.expr),
            Expr::Column(name) => {
                let at = self.plan.schema().maybe_index_of_column(name);
                at.and_then(|at| self.rows.columns.get(at).cloned()).unwrap_or_default()
            }
            _ => Value { parts: self.parts(expr), origin: None },
        }
    }

    /// The measures of which an expression is made.
    fn parts(&self, expr: &Expr) -> BTreeSet<Part> {
        match expr {
            Expr::Alias(_) | Expr::Column(_) => self.value(expr).parts,
            Expr::Cast(cast) => self.parts(&cast.expr),
            Expr::TryCast(cast) => self.parts(&cast.expr),
            Expr::Negative(of) => self.parts(of),
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => self.arithmetic(left, *op, right),
            Expr::ScalarFunction(function) if ["coalesce", "nullif", "round", "abs"].contains(&function.name()) => {
                function.args.iter().flat_map(|argument| self.parts(argument)).collect()
            }
            Expr::Case(case) => {
                let branches = case.when_then_expr.iter().flat_map(|(when, then)| {
                    let demanded = match &case.expr {
                        Some(of) => self.equal(of, when).into_iter().collect(),
                        None => self.demanded(when),
                    };
                    self.parts(then).into_iter().map(move |part| part.and(&demanded))
                });
                let other = case.else_expr.iter().flat_map(|other| self.parts(other));
                branches.chain(other).collect()
            }
            _ => BTreeSet::new(),
        }
    }

    fn arithmetic(&self, left: &Expr, op: Operator, right: &Expr) -> BTreeSet<Part> {
        let both = self.parts(left).into_iter().chain(self.parts(right));
        match op {
            Operator::Plus | Operator::Minus => both.collect(),
            Operator::Multiply | Operator::Divide => {
                let constant = |expr: &Expr| expr.column_refs().is_empty();
                let weighted = !(constant(left) || constant(right));
                both.map(|part| if weighted { part.weighted() } else { part }).collect()
            }
            _ => BTreeSet::new(),
        }
    }

    /// The columns that are the same in all rows which these expressions group.
    fn alike_in(&self, by: &[Expr]) -> BTreeSet<Name> {
        let origins = by.iter().filter_map(|expr| self.value(expr).origin);
        origins.chain(self.rows.pinned.keys().cloned()).collect()
    }

    /// The columns of which a condition demands one value.
    fn demanded(&self, condition: &Expr) -> Pinned {
        let demanded = split_conjunction(condition).into_iter().filter_map(|part| match part {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
                self.equal(left, right).or_else(|| self.equal(right, left))
            }
            Expr::InList(list) if !list.negated && list.list.len() == 1 => self.equal(&list.expr, list.list.first()?),
            _ => None,
        });
        demanded.collect()
    }

    fn equal(&self, column: &Expr, value: &Expr) -> Option<(Name, String)> {
        let mut column = column;
        while let Expr::Cast(cast) = column {
            column = &cast.expr;
        }
        let is_query = value.exists(|part| Ok(matches!(part, Expr::ScalarSubquery(_)))).unwrap_or(true);
        let is_constant = value.column_refs().is_empty() && !is_query;
        Some((self.value(column).origin?, is_constant.then(|| value.to_string())?))
    }
}
