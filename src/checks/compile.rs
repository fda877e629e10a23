//! Checks as written → checks that can be run, with the ones that every contract implies.

use datafusion::common::{Column as SqlColumn, ScalarValue, TableReference};
use datafusion::logical_expr::{Expr, cast, lit};

use super::{Check, Test};
use crate::contract::{ColumnType, Contract, Role};
use crate::diag::{Diagnostic, Diagnostics, Place, codes};
use crate::engine::{Engine, Frames};
use crate::kinds::Assurance;
use crate::syntax::{AcceptedValues, CheckSeverity, CheckSpec, ColumnName, ExprText, Spanned, TableName, Threshold};

/// The checks of a model: what its contracts imply for all its tables and what its kind assures of
/// them, then what the user asks of the main table. `frames` holds every table that the model reads or writes.
pub fn resolve(
    written: &[Spanned<CheckSpec>],
    outputs: &[Contract],
    assured: Vec<Assurance>,
    frames: &Frames,
    engine: &Engine,
    diags: &mut Diagnostics,
) -> Vec<Check> {
    let mut checks: Vec<Check> = outputs.iter().flat_map(implied).collect();
    checks.extend(assured.into_iter().map(|assured| {
        // A condition that is NULL does not hold.
        let failing = Test::Rows(assured.holds.is_not_true());
        strict(assured.name.to_string(), &assured.table, assured.columns, failing)
    }));
    let Some(main) = outputs.iter().find(|output| output.role == Role::Main) else { return checks };
    let compiler = Compiler { main, frames, engine };
    for spec in written {
        checks.extend(compiler.compile(spec, diags));
    }
    // What the user asks for again, at a severity of their own, replaces what is implied.
    let mut kept: Vec<Check> = Vec::new();
    for check in checks {
        kept.retain(|other| other.name != check.name || other.table != check.table);
        kept.push(check);
    }
    kept
}

fn implied(contract: &Contract) -> Vec<Check> {
    let mut checks: Vec<Check> = contract
        .columns
        .iter()
        .filter(|column| !column.nullable)
        .map(|column| not_null(&contract.table, &column.name))
        .collect();
    if !contract.grain.is_empty() {
        checks.push(unique(&contract.table, contract.grain.clone()));
    }
    checks
}

/// A check without tolerance that refuses publication.
fn strict(name: String, table: &TableName, columns: Vec<ColumnName>, test: Test) -> Check {
    let (severity, threshold) = (CheckSeverity::Error, Threshold::Rows(0));
    Check { name, table: table.clone(), columns, severity, threshold, test }
}

fn not_null(table: &TableName, column: &ColumnName) -> Check {
    strict(format!("not_null_{column}"), table, vec![column.clone()], Test::NotNull)
}

fn unique(table: &TableName, columns: Vec<ColumnName>) -> Check {
    let names: Vec<&str> = columns.iter().map(ColumnName::as_str).collect();
    strict(format!("unique_{}", names.join("_")), table, columns, Test::Unique)
}

fn column_expr(table: &TableName, column: &ColumnName) -> Expr {
    Expr::Column(SqlColumn::new(Some(TableReference::bare(table.as_str())), column.as_str()))
}

struct Compiler<'a> {
    main: &'a Contract,
    frames: &'a Frames,
    engine: &'a Engine,
}

impl Compiler<'_> {
    fn compile(&self, spec: &Spanned<CheckSpec>, diags: &mut Diagnostics) -> Vec<Check> {
        let before = diags.len();
        let mut checks = self.tests(spec, diags);
        if checks.is_empty() && diags.len() == before && spec.relationships.is_none() {
            let message = "this check does not say what it checks";
            let hint = "add one of `not_null`, `unique`, `accepted_values`, `relationships`, `expression`, `row_count`, `freshness`";
            diags.push(Diagnostic::error(codes::BAD_CHECK, spec.place, message).hint(hint));
        }
        for check in &mut checks {
            check.severity = spec.severity;
            check.threshold = spec.threshold.as_ref().map_or(check.threshold, |threshold| threshold.value);
        }
        if let (Some(name), [only]) = (&spec.name, checks.as_mut_slice()) {
            only.name.clone_from(name);
        }
        checks
    }

    fn tests(&self, spec: &CheckSpec, diags: &mut Diagnostics) -> Vec<Check> {
        let table = &self.main.table;
        let mut checks = Vec::new();
        for column in spec.not_null.iter().flat_map(|columns| &columns.0) {
            checks.extend(self.column(column, diags).then(|| not_null(table, &column.value)));
        }
        if let Some(columns) = &spec.unique {
            let all = columns.0.iter().filter(|column| !self.column(column, diags)).count() == 0;
            checks.extend(all.then(|| unique(table, columns.0.iter().map(|c| c.value.clone()).collect())));
        }
        checks.extend(spec.accepted_values.as_ref().and_then(|accepted| self.accepted(accepted, diags)));
        checks.extend(self.relationship(spec, diags));
        checks.extend(spec.expression.as_ref().and_then(|text| self.expression(text, diags)));
        if let Some(count) = &spec.row_count {
            if count.min.unwrap_or(0) > count.max.unwrap_or(u64::MAX) {
                let message = "no table has more rows than `min` and fewer than `max`: `min` is above `max`";
                diags.push(Diagnostic::error(codes::BAD_CHECK, count.place, message));
            }
            let test = Test::RowCount { min: count.min, max: count.max };
            checks.push(strict("row_count".to_string(), table, Vec::new(), test));
        }
        checks.extend(self.freshness(spec, diags));
        checks
    }

    /// Whether the main table has the column; if not, that is reported.
    fn column(&self, name: &Spanned<ColumnName>, diags: &mut Diagnostics) -> bool {
        self.has_column(&self.main.table, name, diags)
    }

    fn has_column(&self, table: &TableName, name: &Spanned<ColumnName>, diags: &mut Diagnostics) -> bool {
        let Some(frame) = self.frames.get(table.as_str()) else { return false };
        let schema = frame.schema();
        let there = schema.field_with_name(name.as_str()).is_ok();
        if !there {
            let message = format!("`{table}` has no column `{name}` to check");
            let columns = schema.fields().iter().map(|field| field.name().as_str());
            diags.push(
                Diagnostic::error(codes::CHECK_UNKNOWN_COLUMN, name.place, message)
                    .did_you_mean(name.as_str(), columns),
            );
        }
        there
    }

    /// Values are compared as the column's type has them: `1.5` is `1.50`.
    fn accepted(&self, accepted: &AcceptedValues, diags: &mut Diagnostics) -> Option<Check> {
        let name = &accepted.column;
        if !self.column(name, diags) {
            return None;
        }
        let ty = self.main.column(name.as_str())?.ty;
        if accepted.values.is_empty() {
            let message = format!("no value of `{name}` is accepted: the list is empty");
            diags
                .push(Diagnostic::error(codes::BAD_CHECK, name.place, message).hint("write the values that may occur"));
            return None;
        }
        let mut known = Vec::with_capacity(accepted.values.len());
        for value in &accepted.values {
            match literal(value, ty) {
                Some(literal) => known.push(lit(literal)),
                None => {
                    let message = format!("`{value}` is not a value of `{name}`, which is of type {ty}");
                    diags.push(Diagnostic::error(codes::BAD_CHECK, value.place, message));
                }
            }
        }
        let column = column_expr(&self.main.table, name);
        let failing = column.clone().is_not_null().and(cast(column, ty.arrow()).in_list(known, true));
        let check = format!("accepted_values_{name}");
        Some(strict(check, &self.main.table, vec![name.value.clone()], Test::Rows(failing)))
    }

    fn relationship(&self, spec: &CheckSpec, diags: &mut Diagnostics) -> Option<Check> {
        let relation = spec.relationships.as_ref()?;
        // A table that nobody knows was reported with the graph; one without a frame has mistakes itself.
        self.frames.get(relation.to.as_str())?;
        let both = [self.column(&relation.column, diags), self.has_column(&relation.to, &relation.field, diags)];
        let test = Test::Relationship { to: relation.to.value.clone(), field: relation.field.value.clone() };
        let name = format!("relationships_{}_{}", relation.column, relation.to);
        let check = strict(name, &self.main.table, vec![relation.column.value.clone()], test);
        both.iter().all(|there| *there).then_some(check)
    }

    fn expression(&self, text: &ExprText, diags: &mut Diagnostics) -> Option<Check> {
        let schema = self.frames.df_schema(&self.main.table).ok()?;
        let typed = match self.engine.expr(text, &schema) {
            Ok(typed) => typed,
            Err(diagnostic) => {
                diags.push(diagnostic);
                return None;
            }
        };
        if typed.data_type != arrow::datatypes::DataType::Boolean {
            diags.push(not_a_condition(text.place, &typed.data_type));
            return None;
        }
        let columns = typed.columns.iter().filter_map(|column| ColumnName::new(&column.name)).collect();
        // A condition that is NULL does not hold.
        let failing = typed.expr.is_not_true();
        let name = format!("expression {}", text.value.as_str().split_whitespace().collect::<Vec<_>>().join(" "));
        Some(strict(name, &self.main.table, columns, Test::Rows(failing)))
    }

    fn freshness(&self, spec: &CheckSpec, diags: &mut Diagnostics) -> Option<Check> {
        let fresh = spec.freshness.as_ref()?;
        if !self.column(&fresh.column, diags) {
            return None;
        }
        let ty = self.main.column(fresh.column.as_str()).map(|column| column.ty);
        if !matches!(ty, Some(ColumnType::Timestamp | ColumnType::Date)) {
            let message = format!("`{}` is neither a timestamp nor a date", fresh.column);
            diags.push(Diagnostic::error(codes::BAD_CHECK, fresh.column.place, message));
            return None;
        }
        let Some(within_micros) = fresh.within.value.micros() else {
            let message = format!("`{}` has no fixed length", fresh.within.value);
            let hint = "write it in hours, days or weeks";
            diags.push(Diagnostic::error(codes::BAD_CHECK, fresh.within.place, message).hint(hint));
            return None;
        };
        let name = format!("freshness_{}", fresh.column);
        let test = Test::Freshness { within_micros };
        Some(strict(name, &self.main.table, vec![fresh.column.value.clone()], test))
    }
}

/// A value as its type has it; `None` where the type has no such value.
fn literal(value: &str, ty: ColumnType) -> Option<ScalarValue> {
    // What lies beyond the type's decimals would be rounded.
    if let (ColumnType::Decimal(_, scale), Some((_, decimals))) = (ty, value.split_once('.'))
        && decimals.trim_end_matches('0').len() > usize::try_from(scale).unwrap_or(0)
    {
        return None;
    }
    ScalarValue::try_from_string(value.to_string(), &ty.arrow()).ok().filter(|value| !value.is_null())
}

fn not_a_condition(place: Place, found: &arrow::datatypes::DataType) -> Diagnostic {
    let found = ColumnType::of_arrow(found).map_or_else(|| found.to_string(), |ty| ty.to_string());
    Diagnostic::error(codes::EXPRESSION_TYPE, place, format!("a check is a condition, and this is of type {found}"))
        .hint("write something that is true or false, as in `amount >= 0`")
}
