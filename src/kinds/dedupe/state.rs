//! What the model published last, as inputs of the work: its crosswalk and its redirects.

use arrow::datatypes::{DataType, Field as ArrowField};
use datafusion::functions::expr_fn::concat;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, cast, ident, lit};

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

fn remembered(scope: &Scope<'_>, ending: &str, columns: &[(&str, DataType)]) -> Result<LogicalPlan> {
    let table = scope.model.with_suffix(ending);
    let Some(rows) = scope.frames.scan_published(&table)? else {
        return nothing(columns.iter().map(|(name, ty)| ArrowField::new(*name, ty.clone(), true)).collect());
    };
    for (name, ty) in columns {
        let found = rows.schema().fields().iter().find(|field| field.name() == name);
        let fits = found.is_some_and(|field| ColumnType::of_arrow(field.data_type()) == ColumnType::of_arrow(ty));
        if !fits {
            return Err(other_version(table.as_str(), name));
        }
    }
    let columns = columns.iter().map(|(name, ty)| cast(ident(*name), ty.clone()).alias(*name));
    planned(planned(rows.project(columns))?.build())
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
