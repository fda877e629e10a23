//! The kind `sql`: one SELECT over other tables.
//!
//! Types and lineage come from the plan. A column that passes through unchanged keeps the
//! description of the column it is; any other has to be described by the user.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields};
use datafusion::logical_expr::LogicalPlan;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{ModelKind, Scope};
use crate::contract::{Additivity, Column, ColumnRef, ColumnType, Contract, Methodology, Pii, Role};
use crate::diag::{Diagnostic, Diagnostics, Place, codes};
use crate::engine::additive::{Additive, Summed, additive};
use crate::engine::lineage::{Trace, trace};
use crate::engine::{Engine, Frames, Select, Word};
use crate::error::{Error, Result};
use crate::syntax::{ColumnName, Spanned, SqlText, TableName};

/// The reference page.
pub const GUIDE: &str = include_str!("guide.md");

/// One SELECT over other tables, in DataFusion's dialect of SQL.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Sql(pub Spanned<SqlText>);

impl Sql {
    fn select(&self, engine: &Engine) -> Result<Arc<Select>, Diagnostic> {
        engine.select(&self.0)
    }

    fn planned(&self, scope: &Scope<'_>) -> Result<LogicalPlan, Vec<Diagnostic>> {
        let select = self.select(scope.engine).map_err(|mistake| vec![mistake])?;
        scope.engine.plan_select(&select, &self.0, scope.frames)
    }
}

impl ModelKind for Sql {
    fn inputs(&self, engine: &Engine, diags: &mut Diagnostics) -> Vec<Spanned<TableName>> {
        let select = match self.select(engine) {
            Ok(select) => select,
            Err(diagnostic) => {
                diags.push(diagnostic);
                return Vec::new();
            }
        };
        let mut inputs = Vec::new();
        for table in &select.tables {
            let place = engine.place_of(&self.0, table, Word::Table);
            match TableName::new(table) {
                Some(name) => inputs.push(Spanned::new(name, place)),
                None => {
                    let message = format!("`{table}` cannot be the name of a table");
                    diags.push(Diagnostic::error(codes::UNKNOWN_TABLE, place, message));
                }
            }
        }
        inputs
    }

    fn contract(&self, scope: &Scope<'_>, diags: &mut Diagnostics) -> Option<Vec<Contract>> {
        let plan = match self.planned(scope) {
            Ok(plan) => plan,
            Err(mistakes) => {
                mistakes.into_iter().for_each(|mistake| diags.push(mistake));
                return None;
            }
        };
        if let Err(mistake) = scope.engine.try_out(&plan, &self.0) {
            diags.push(mistake);
        }
        let measures = additive(&plan);
        not_additive(&measures, scope, self, diags);
        let columns = columns(&plan, &measures, scope, self, diags)?;
        Some(vec![Contract {
            table: scope.model.clone(),
            role: Role::Main,
            description: scope.description.to_string(),
            grain: Vec::new(),
            columns,
            methodology: Methodology {
                summary: vec![
                    "One SQL query over the tables it reads; its text stands with the definition.".to_string(),
                ],
                assumptions: vec![
                    "What the query joins on tells one row of a table from all others where one is meant; else rows \
                     come several times."
                        .to_string(),
                ],
                limits: vec![
                    "Rows that the query leaves out are counted nowhere; what holds of those it gives is what the \
                     checks say."
                        .to_string(),
                ],
            },
        }])
    }

    fn plan(&self, scope: &Scope<'_>, _: &Contract) -> Result<LogicalPlan> {
        let told =
            |mistakes: Vec<Diagnostic>| mistakes.into_iter().next().map_or_else(String::new, |first| first.message);
        let plan = self
            .planned(scope)
            .map_err(|mistakes| Error::internal(format!("a checked query failed to plan: {}", told(mistakes))))?;
        scope.engine.runnable(plan)
    }
}

fn columns(
    plan: &LogicalPlan,
    measures: &Additive,
    scope: &Scope<'_>,
    sql: &Sql,
    diags: &mut Diagnostics,
) -> Option<Vec<Column>> {
    let fields = plan.schema().fields();
    let before = diags.len();
    let columns: Vec<Option<Column>> = fields
        .iter()
        .zip(trace(plan))
        .enumerate()
        .map(|(at, (field, trace))| {
            let place = || scope.engine.place_of(&sql.0, field.name(), Word::Output);
            let name = column_name(field.name(), place, diags);
            let ty = column_type(field, place, diags);
            let described = describe(name?, ty?, field.is_nullable(), &trace, scope.frames);
            Some(Column { additivity: additivity(at, fields, measures, scope.frames), ..described })
        })
        .collect();
    if diags.len() > before { None } else { columns.into_iter().collect() }
}

/// Sums over measures that do not add up that way.
fn not_additive(measures: &Additive, scope: &Scope<'_>, sql: &Sql, diags: &mut Diagnostics) {
    let mut told = BTreeSet::new();
    for summed in &measures.summed {
        let (table, name) = &summed.column;
        let (message, hint) = match left(summed, scope.frames) {
            Additivity::Any => continue,
            Additivity::Within(columns) => {
                let names: Vec<String> = columns.iter().map(|column| format!("`{column}`")).collect();
                let names = names.join(", ");
                let message = format!(
                    "`{name}` of `{table}` is added up over rows that differ in {names}, which counts the same several times"
                );
                (message, format!("group by {names}, or take one of them alone with `WHERE`"))
            }
            Additivity::None => {
                let message = format!("`{name}` of `{table}` is a ratio, and a sum or a mean of ratios says nothing");
                (message, "work it out again from the sums of what it is made of".to_string())
            }
        };
        if told.insert(message.clone()) {
            let place = scope.engine.place_of(&sql.0, name, Word::Column);
            diags.push(Diagnostic::warning(codes::NOT_ADDITIVE, place, message).hint(hint));
        }
    }
}

/// How far a measure still is from adding up, over rows that are alike in what they are.
fn left(summed: &Summed, frames: &Frames) -> Additivity {
    let (table, name) = &summed.column;
    let Some(column) = frames.get(table).and_then(|frame| frame.column(name)) else { return Additivity::Any };
    match &column.additivity {
        Additivity::Within(columns) => {
            let differs = |by: &&ColumnName| !summed.within.contains(&(table.clone(), by.as_str().to_string()));
            let columns: Vec<ColumnName> = columns.iter().filter(differs).cloned().collect();
            if columns.is_empty() { Additivity::Any } else { Additivity::Within(columns) }
        }
        // A ratio that is weighted first is a sum of what it is made of.
        Additivity::None if summed.alone => Additivity::None,
        Additivity::Any | Additivity::None => Additivity::Any,
    }
}

/// Over which rows an output column adds up: those over which the measure does that it is, or is a sum of.
fn additivity(at: usize, fields: &Fields, measures: &Additive, frames: &Frames) -> Additivity {
    let mut within = BTreeSet::new();
    for summed in measures.columns.get(at).into_iter().flatten() {
        match left(summed, frames) {
            Additivity::Any => {}
            Additivity::None => return Additivity::None,
            Additivity::Within(columns) => within.extend(columns.into_iter().map(|by| {
                let origin = Some((summed.column.0.clone(), by.as_str().to_string()));
                let place = measures.origins.iter().position(|known| *known == origin);
                place.and_then(|place| ColumnName::new(fields.get(place)?.name())).unwrap_or(by)
            })),
        }
    }
    if within.is_empty() { Additivity::Any } else { Additivity::Within(within.into_iter().collect()) }
}

fn column_name(name: &str, place: impl Fn() -> Place, diags: &mut Diagnostics) -> Option<ColumnName> {
    let valid = ColumnName::new(name);
    if valid.is_none() {
        let message = format!("`{name}` cannot be the name of a published column");
        let hint = "name it with `AS`: lower-case letters, digits and `_`, a letter first";
        diags.push(Diagnostic::error(codes::BAD_COLUMN_NAME, place(), message).hint(hint));
    }
    valid
}

fn column_type(field: &Arc<Field>, place: impl Fn() -> Place, diags: &mut Diagnostics) -> Option<ColumnType> {
    let ty = ColumnType::of_arrow(field.data_type());
    if ty.is_none() {
        let message =
            format!("the column `{}` is {}, which cannot be published", field.name(), words(field.data_type()));
        let hint = "take the parts you need as columns of their own, or cast it to a plain type";
        diags.push(Diagnostic::error(codes::UNSUPPORTED_TYPE, place(), message).hint(hint));
    }
    ty
}

fn words(ty: &DataType) -> String {
    match ty {
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => "a list".to_string(),
        DataType::Struct(_) => "a struct".to_string(),
        DataType::Map(..) => "a map".to_string(),
        DataType::Null => "only NULL".to_string(),
        other => format!("of type {other}"),
    }
}

/// A column with what it inherits: the description if it is a column unchanged, and the most
/// personal class of everything it is made of.
fn describe(name: ColumnName, ty: ColumnType, nullable: bool, trace: &Trace, frames: &Frames) -> Column {
    let known = |(table, column): &(String, String)| frames.get(table).and_then(|frame| frame.column(column)).cloned();
    let made_of: Vec<Column> = trace.columns.iter().filter_map(known).collect();
    let same = made_of.first().filter(|_| trace.unchanged && made_of.len() == 1);
    let description = same.map_or_else(String::new, |column| column.description.clone());
    let pii = made_of.iter().map(|column| column.pii).max().unwrap_or(Pii::None);
    let lineage = trace.columns.iter().filter_map(|(table, column)| {
        Some(ColumnRef { table: TableName::new(table)?, column: ColumnName::new(column)? })
    });
    Column { nullable, ..Column::new(name, ty, description).pii(pii).from_columns(lineage.collect()) }
}

#[cfg(test)]
mod tests;
