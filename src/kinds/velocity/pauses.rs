//! Pauses: spans of time in which the clock of an entity stands still.
//!
//! ```text
//! time       ├────────────────────────────────────┤
//! pauses           ├─────┤     ├────┤                 in any order; they may overlap
//!                     ├─────┤
//! counted    ├─────┤        ├──┤    ├─────────────┤
//! ```

use arrow::array::{Array, AsArray, ListArray};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Column, JoinType};
use datafusion::functions::core::expr_fn::named_struct;
use datafusion::functions_aggregate::expr_fn::{array_agg, count};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, ident, lit};

use super::plan::planned;
use super::resolve::{entity_key, kept_name};
use super::spec::{PausesSpec, Velocity};
use crate::contract::ColumnRef;
use crate::diag::Diagnostics;
use crate::error::{Error, Result};
use crate::kinds::typing::{Typing, columns_of, transpose};
use crate::kinds::{Scope, fact};
use crate::syntax::{ColumnName, TableName};

/// What a transition's list of pauses is called on its way.
pub(super) const PAUSES: &str = "pauses";

/// Where a model's pauses stand; expressions over the table.
#[derive(Debug)]
pub(super) struct Pauses {
    table: TableName,
    entity: Expr,
    since: Expr,
    until: Expr,
    filter: Option<Expr>,
    /// The columns that say when.
    pub(super) lineage: Vec<ColumnRef>,
}

/// Reads where the pauses stand; mistakes go to `diags`. `Some(None)` where the model has none.
pub(super) fn read(
    spec: &Velocity,
    entity: &DataType,
    scope: &Scope<'_>,
    diags: &mut Diagnostics,
) -> Option<Option<Pauses>> {
    transpose(spec.pauses.as_ref().map(|written| pauses_of(written, entity, scope, diags)))
}

fn pauses_of(written: &PausesSpec, entity: &DataType, scope: &Scope<'_>, diags: &mut Diagnostics) -> Option<Pauses> {
    let columns = columns_of(scope, &written.from, diags)?;
    let typing = Typing::new(scope, &columns);
    let key = entity_key(&written.entity, &typing, entity, diags);
    let since = typing.instant(&written.since, diags);
    let until = typing.instant(&written.until, diags);
    let filter = written.filter.as_ref().map(|text| typing.condition(text, diags).map(|typed| typed.expr));
    let (key, (since, begin), (until, end)) = (key?, since?, until?);
    let table = written.from.value.clone();
    let of = |column: &Column| Some(ColumnRef { table: table.clone(), column: ColumnName::new(&column.name)? });
    let lineage = since.columns.iter().chain(&until.columns).filter_map(of).collect();
    let entity = cast(key.expr, entity.clone());
    Some(Pauses { table, entity, since: begin, until: end, filter: transpose(filter)?, lineage })
}

impl Pauses {
    /// The table's rows that count, as entity, begin and end in microseconds.
    fn rows(&self, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
        let mut rows = scope.frames.scan(&self.table)?;
        if let Some(filter) = &self.filter {
            rows = planned(rows.filter(filter.clone()))?;
        }
        planned(rows.project([
            self.entity.clone().alias("pause_key"),
            cast(self.since.clone(), DataType::Int64).alias("since"),
            cast(self.until.clone(), DataType::Int64).alias("until"),
        ]))
    }

    /// Transitions with a list of the pauses of their entity; NULL where it has none.
    pub(super) fn joined(&self, rows: LogicalPlanBuilder, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
        let span = named_struct(vec![lit("since"), ident("since"), lit("until"), ident("until")]);
        let known = planned(self.rows(scope)?.filter(is_a_span()))?;
        let known = planned(known.aggregate([ident("pause_key")], [array_agg(span).alias(PAUSES)]))?;
        let on = (vec![Column::from_name("pause_key")], vec![Column::from_name(kept_name("entity_id"))]);
        planned(known.join(planned(rows.build())?, JoinType::Right, on, None))
    }

    /// How many rows of the table say of nobody, or of no time, that it was paused.
    pub(super) fn left_out(&self, scope: &Scope<'_>) -> Result<LogicalPlan> {
        let rows = planned(self.rows(scope)?.filter(is_a_span().is_not_true()))?;
        let counted = planned(rows.aggregate(Vec::<Expr>::new(), [count(lit(1)).alias("rows")]))?;
        fact::named(fact::POLICY, lit("pauses_left_out"), counted)
    }
}

fn is_a_span() -> Expr {
    let ends_later = ident("until").is_null().or(ident("until").gt(ident("since")));
    ident("pause_key").is_not_null().and(ident("since").is_not_null()).and(ends_later)
}

/// The pauses of a row in order of their begin, in microseconds; one that has not ended lasts for ever.
pub(super) fn of_row(lists: &ListArray, row: usize) -> Result<Vec<(i64, i64)>> {
    if lists.is_null(row) {
        return Ok(Vec::new());
    }
    let spans = lists.value(row);
    let spans = spans.as_struct_opt().ok_or_else(misfit)?;
    let [since, until] = spans.columns() else { return Err(misfit()) };
    let since = since.as_primitive_opt::<Int64Type>().ok_or_else(misfit)?;
    let until = until.as_primitive_opt::<Int64Type>().ok_or_else(misfit)?;
    let mut pauses: Vec<(i64, i64)> =
        since.values().iter().zip(until.iter()).map(|(since, until)| (*since, until.unwrap_or(i64::MAX))).collect();
    pauses.sort_unstable();
    Ok(pauses)
}

/// What is left of spans when pauses, in order of their begin, are taken out.
pub(super) fn without(spans: &[(i64, i64)], pauses: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let mut left = Vec::new();
    for (from, until) in spans {
        let mut at = *from;
        for (begin, end) in pauses.iter().take_while(|(begin, _)| begin < until) {
            if at < *begin {
                left.push((at, *begin));
            }
            at = at.max(*end);
        }
        if at < *until {
            left.push((at, *until));
        }
    }
    left
}

fn misfit() -> Error {
    Error::internal("pauses with other columns than they were gathered in")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_spans() {
        let spans = [(0, 10), (20, 30)];
        let left = |pauses: &[(i64, i64)]| without(&spans, pauses);
        assert_eq!(left(&[]), spans);
        assert_eq!(left(&[(2, 4), (3, 6)]), [(0, 2), (6, 10), (20, 30)]);
        // One within another; one that touches the end; one over the gap and into the second span.
        assert_eq!(left(&[(1, 8), (2, 3), (8, 22)]), [(0, 1), (22, 30)]);
        assert_eq!(left(&[(-5, 0), (10, 20), (30, 40)]), spans);
        assert_eq!(left(&[(-5, i64::MAX)]), []);
        assert_eq!(left(&[(25, i64::MAX)]), [(0, 10), (20, 25)]);
    }
}
