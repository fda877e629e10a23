//! What kinds share when they read a spec: expressions typed over one table, and what is known of
//! the output columns that come of them.

use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType};
use datafusion::common::DFSchema;
use datafusion::logical_expr::{Expr, cast};

use super::Scope;
use crate::contract::{Column, ColumnRef, ColumnType, Pii};
use crate::diag::{Diagnostic, Diagnostics, codes};
use crate::engine::TypedExpr;
use crate::engine::local_day::{InstantOfDate, first_instant};
use crate::error::{Error, Result};
use crate::syntax::{ColumnName, ExprText, Spanned, TableName};

/// UTC instants with microseconds.
pub fn instant_type() -> DataType {
    ColumnType::Timestamp.arrow()
}

/// What is known of an output column through the expressions it comes from.
#[derive(Debug, Clone, Default)]
pub struct Promise {
    /// Its type, once an expression was taken in.
    pub ty: Option<ColumnType>,
    /// The columns that the expressions read.
    pub lineage: Vec<ColumnRef>,
    /// The strictest class of theirs.
    pub pii: Pii,
}

impl Promise {
    /// Takes in an expression over a table; values of different types together become texts.
    pub fn add(&mut self, table: &TableName, typed: &TypedExpr, scope: &Scope<'_>) {
        self.ty = together(self.ty, ColumnType::of_arrow(&typed.data_type));
        for column in &typed.columns {
            let described = scope.frames.get(table.as_str()).and_then(|frame| frame.column(&column.name));
            self.pii = self.pii.max(described.map_or(Pii::None, |column| column.pii));
            let column = ColumnName::new(&column.name);
            self.lineage.extend(column.map(|column| ColumnRef { table: table.clone(), column }));
        }
    }

    /// Takes in what is known of another column.
    pub fn merge(&mut self, other: &Self) {
        self.ty = if other.ty.is_none() { self.ty } else { together(self.ty, other.ty) };
        self.lineage.extend(other.lineage.iter().cloned());
        self.pii = self.pii.max(other.pii);
    }

    /// The Arrow type that plans use for it; texts are views, which sort and hash fastest.
    pub fn arrow(&self) -> DataType {
        view_type(self.ty.unwrap_or(ColumnType::Text))
    }
}

/// The Arrow type that plans use for a column: that of contracts, and views for texts.
pub fn view_type(ty: ColumnType) -> DataType {
    match ty {
        ColumnType::Text => DataType::Utf8View,
        ty => ty.arrow(),
    }
}

/// The type that holds the values of both.
fn together(known: Option<ColumnType>, found: Option<ColumnType>) -> Option<ColumnType> {
    match (known, found) {
        (None, found) => found,
        (Some(ColumnType::Int | ColumnType::BigInt), Some(ColumnType::Int | ColumnType::BigInt)) => {
            Some(ColumnType::BigInt)
        }
        (known, found) if known == found => known,
        (known, found) => digits(known).zip(digits(found)).and_then(decimal_of).or(Some(ColumnType::Text)),
    }
}

/// How many digits exact numbers of a type have before the point and behind it.
fn digits(ty: Option<ColumnType>) -> Option<(u8, i8)> {
    match ty? {
        ColumnType::Int => Some((10, 0)),
        ColumnType::BigInt => Some((19, 0)),
        ColumnType::Decimal(precision, scale) => Some((precision.checked_sub_signed(scale)?, scale)),
        _ => None,
    }
}

/// The decimal that holds the numbers of both, where there is one.
fn decimal_of(((left, left_behind), (right, right_behind)): ((u8, i8), (u8, i8))) -> Option<ColumnType> {
    let behind = left_behind.max(right_behind);
    let all = left.max(right).checked_add_signed(behind)?;
    (all <= DECIMAL128_MAX_PRECISION).then_some(ColumnType::Decimal(all, behind))
}

/// An output column with the lineage of what it comes from.
pub fn made(name: &str, ty: ColumnType, description: impl Into<String>, from: &[&Promise]) -> Column {
    let lineage = from.iter().flat_map(|promise| promise.lineage.clone()).collect();
    Column::new(ColumnName::new_unchecked(name), ty, description).from_columns(lineage)
}

/// What `resolve` makes of a spec, where it finds nothing wrong with it; what it finds goes to `diags`.
pub fn in_order<T>(resolve: impl FnOnce(&mut Diagnostics) -> Option<T>, diags: &mut Diagnostics) -> Option<T> {
    let mut found = Diagnostics::default();
    let resolved = resolve(&mut found);
    let failed = found.has_errors();
    diags.extend(found);
    resolved.filter(|_| !failed)
}

/// The same of a spec that was in order before; anything else is a bug.
pub fn again<T>(scope: &Scope<'_>, resolve: impl FnOnce(&mut Diagnostics) -> Option<T>) -> Result<T> {
    let mut found = Diagnostics::default();
    in_order(resolve, &mut found).ok_or_else(|| {
        let first = found.into_sorted().into_iter().next().map(|d| d.message).unwrap_or_default();
        Error::internal(format!("`{}` was planned without being in order: {first}", scope.model))
    })
}

/// Nothing asked for is fine; something asked for and not understood is not.
pub fn transpose<T>(asked: Option<Option<T>>) -> Option<Option<T>> {
    asked.map_or(Some(None), |understood| understood.map(Some))
}

/// The columns of a table, for expressions over them; `None`, with a diagnostic, where there is no such table.
pub fn columns_of(scope: &Scope<'_>, table: &Spanned<TableName>, diags: &mut Diagnostics) -> Option<DFSchema> {
    let known = scope.frames.df_schema(&table.value).ok();
    if known.is_none() {
        let names = scope.frames.names().map(TableName::as_str);
        let message = format!("there is no table `{table}`");
        diags.push(Diagnostic::error(codes::UNKNOWN_TABLE, table.place, message).did_you_mean(table.as_str(), names));
    }
    known
}

/// Whether values of a type can name an entity or a row.
pub fn is_key(data_type: &DataType) -> bool {
    match ColumnType::of_arrow(data_type) {
        Some(ColumnType::Text | ColumnType::Int | ColumnType::BigInt) => true,
        Some(ColumnType::Decimal(_, scale)) => scale == 0,
        _ => false,
    }
}

/// Types expressions over the columns of one table; each method reports what is wrong and gives `None` then.
#[derive(Clone, Copy)]
pub struct Typing<'a> {
    scope: &'a Scope<'a>,
    columns: &'a DFSchema,
}

impl<'a> Typing<'a> {
    /// Over columns that [`columns_of`] gave.
    pub fn new(scope: &'a Scope<'a>, columns: &'a DFSchema) -> Self {
        Self { scope, columns }
    }

    /// An expression of any type.
    pub fn any(&self, text: &ExprText, diags: &mut Diagnostics) -> Option<TypedExpr> {
        self.scope.engine.expr(text, self.columns).map_err(|diagnostic| diags.push(diagnostic)).ok()
    }

    /// Something that names an entity or a row: a text or a whole number.
    pub fn key(&self, text: &ExprText, diags: &mut Diagnostics) -> Option<TypedExpr> {
        let typed = self.any(text, diags)?;
        demand(is_key(&typed.data_type), text, &typed, "a text or a whole number", diags)?;
        Some(typed)
    }

    /// A condition.
    pub fn condition(&self, text: &ExprText, diags: &mut Diagnostics) -> Option<TypedExpr> {
        let typed = self.any(text, diags)?;
        demand(typed.data_type == DataType::Boolean, text, &typed, "a condition", diags)?;
        Some(typed)
    }

    /// An instant: a timestamp in UTC, or the first instant of a date in the reporting time zone.
    pub fn instant(&self, text: &ExprText, diags: &mut Diagnostics) -> Option<(TypedExpr, Expr)> {
        self.instant_with(text, first_instant, diags)
    }

    /// The same with another instant of the date.
    pub fn instant_with(
        &self,
        text: &ExprText,
        of_date: InstantOfDate,
        diags: &mut Diagnostics,
    ) -> Option<(TypedExpr, Expr)> {
        let typed = self.any(text, diags)?;
        let expr = typed.expr.clone();
        let instant = match &typed.data_type {
            DataType::Timestamp(_, _) | DataType::Null => cast(expr, instant_type()),
            DataType::Date32 | DataType::Date64 => of_date(expr, self.scope.settings.reporting_timezone),
            _ => {
                demand(false, text, &typed, "a timestamp or a date", diags)?;
                return None;
            }
        };
        Some((typed, instant))
    }
}

/// Reports an expression of the wrong type.
pub fn demand(fits: bool, text: &ExprText, typed: &TypedExpr, wanted: &str, diags: &mut Diagnostics) -> Option<()> {
    if fits {
        return Some(());
    }
    let found = ColumnType::of_arrow(&typed.data_type).map_or_else(|| typed.data_type.to_string(), |ty| ty.to_string());
    let message = format!("`{text}` is of type {found}, and {wanted} is wanted here");
    let wrong = Diagnostic::error(codes::EXPRESSION_TYPE, text.place, message);
    let hint = wanted.contains("timestamp").then(|| format!("convert it, as in `to_timestamp({text})`"));
    diags.push(wrong.maybe_hint(hint));
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_numbers_of_two_types_stay_numbers() {
        use ColumnType::{BigInt, Decimal, Double, Int, Text};
        for (one, other, both) in [
            (Int, BigInt, BigInt),
            (Decimal(10, 2), Decimal(10, 1), Decimal(11, 2)),
            (Decimal(4, 4), BigInt, Decimal(23, 4)),
            (Int, Decimal(18, 2), Decimal(18, 2)),
            (Double, BigInt, Text),
            (Decimal(38, 10), BigInt, Decimal(38, 10)),
            // 28 digits before the point and 20 behind it are more than a decimal has.
            (Decimal(38, 10), Decimal(20, 20), Text),
            (Text, Int, Text),
        ] {
            assert_eq!(together(Some(one), Some(other)), Some(both), "{one} and {other}");
            assert_eq!(together(Some(other), Some(one)), Some(both), "{other} and {one}");
        }
    }
}
