//! What the model published last, as inputs of the work: its crosswalk and its redirects, and the ids that
//! only releases know that were taken back.

use arrow::datatypes::{DataType, Field as ArrowField};
use datafusion::common::ScalarValue;
use datafusion::functions::expr_fn::concat;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, ident, lit};

use super::plan::{nothing, planned};
use super::resolve::Resolved;
use crate::contract::ColumnType;
use crate::error::{Error, Result};
use crate::kinds::Scope;
use crate::kinds::typing::instant_type;

/// Endings of the tables that the work goes on from.
pub(super) const REMEMBERED: &[&str] = &[CROSSWALK, REDIRECTS];
const CROSSWALK: &str = "_crosswalk";
const REDIRECTS: &str = "_redirects";

/// The record's key, its id, whether it is the id's anchor, since when it has it, since when the id is.
pub(super) fn crosswalk(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let columns = [
        ("system", DataType::Utf8),
        ("record_id", DataType::Utf8),
        (resolved.id.as_str(), DataType::Utf8),
        ("is_anchor", DataType::Boolean),
        ("linked_since", instant_type()),
        ("id_since", instant_type()),
    ];
    let rows = remembered(scope, CROSSWALK, &columns)?;
    let key = concat(vec![ident("system"), lit(":"), ident("record_id")]);
    let rest = ident(resolved.id.as_str());
    let rest = [rest, ident("is_anchor"), ident("linked_since"), ident("id_since")];
    let columns = std::iter::once(cast(key, DataType::Utf8View).alias("record")).chain(rest);
    planned(planned(LogicalPlanBuilder::from(rows).project(columns))?.build())
}

/// Old id, id in its place, why, its anchor's key, since when it was, since when it leads there.
pub(super) fn redirects(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let columns = [
        ("old_id", DataType::Utf8),
        (resolved.id.as_str(), DataType::Utf8),
        ("reason", DataType::Utf8),
        ("anchor", DataType::Utf8),
        ("id_since", instant_type()),
        ("redirected_at", instant_type()),
    ];
    remembered(scope, REDIRECTS, &columns)
}

/// The ids of releases that were taken back: how many such releases are newer, the id, its anchor's key, how it
/// came to its end (NULL where it lived), what it led to, since when it was.
pub(super) fn withdrawn(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let id = resolved.id.as_str();
    let (text, instant) = (DataType::Utf8, instant_type());
    let crosswalk = [
        ("system", text.clone()),
        ("record_id", text.clone()),
        (id, text.clone()),
        ("is_anchor", DataType::Boolean),
        ("id_since", instant.clone()),
    ];
    let redirects =
        ["old_id", id, "reason", "anchor"].map(|name| (name, text.clone())).into_iter().chain([("id_since", instant)]);
    let redirects: Vec<_> = redirects.collect();
    let columns = |age: usize, columns: [Expr; 5]| {
        let age = lit(i32::try_from(age).unwrap_or(i32::MAX)).alias("age");
        let names = ["id", "anchor", "reason", "target", "id_since"];
        std::iter::once(age).chain(columns.into_iter().zip(names).map(|(column, name)| column.alias(name)))
    };
    let mut parts = Vec::new();
    let of = |ending: &str| scope.frames.scan_withdrawn(&scope.model.with_suffix(ending));
    for (age, rows) in of(CROSSWALK)?.into_iter().enumerate() {
        let anchors = planned(checked(scope, CROSSWALK, rows, &crosswalk)?.filter(ident("is_anchor")))?;
        let none = || cast(lit(ScalarValue::Null), DataType::Utf8);
        let key = cast(concat(vec![ident("system"), lit(":"), ident("record_id")]), DataType::Utf8);
        parts.push(planned(anchors.project(columns(age, [ident(id), key, none(), none(), ident("id_since")])))?);
    }
    for (age, rows) in of(REDIRECTS)?.into_iter().enumerate() {
        let rows = checked(scope, REDIRECTS, rows, &redirects)?;
        let row = ["old_id", "anchor", "reason", id, "id_since"].map(ident);
        parts.push(planned(rows.project(columns(age, row)))?);
    }
    let mut parts = parts.into_iter();
    let Some(first) = parts.next() else {
        let text = |name: &str| ArrowField::new(name, DataType::Utf8, true);
        let age = ArrowField::new("age", DataType::Int32, true);
        let since = ArrowField::new("id_since", instant_type(), true);
        return nothing(vec![age, text("id"), text("anchor"), text("reason"), text("target"), since]);
    };
    let all = parts.try_fold(first, |all, part| planned(all.union(planned(part.build())?)))?;
    planned(all.build())
}

fn remembered(scope: &Scope<'_>, ending: &str, columns: &[(&str, DataType)]) -> Result<LogicalPlan> {
    match scope.frames.scan_published(&scope.model.with_suffix(ending))? {
        Some(rows) => planned(checked(scope, ending, rows, columns)?.build()),
        None => nothing(columns.iter().map(|(name, ty)| ArrowField::new(*name, ty.clone(), true)).collect()),
    }
}

/// The columns of a published table, where they are as a run publishes them.
fn checked(
    scope: &Scope<'_>,
    ending: &str,
    rows: LogicalPlanBuilder,
    columns: &[(&str, DataType)],
) -> Result<LogicalPlanBuilder> {
    for (name, ty) in columns {
        let found = rows.schema().fields().iter().find(|field| field.name() == name);
        let fits = found.is_some_and(|field| ColumnType::of_arrow(field.data_type()) == ColumnType::of_arrow(ty));
        if !fits {
            return Err(other_version(scope.model.with_suffix(ending).as_str(), name));
        }
    }
    let columns = columns.iter().map(|(name, ty)| cast(ident(*name), ty.clone()).alias(*name));
    planned(rows.project(columns))
}

fn other_version(table: &str, column: &str) -> Error {
    Error::project(format!(
        "the published table `{table}` is not one that this model can go on from: its column `{column}` is missing or of another type"
    ))
    .with_hint(
        "ids are kept by going on from what was published last; publish a release that has the table as this model writes it, \
         or give the model another name, and its ids start anew",
    )
}
