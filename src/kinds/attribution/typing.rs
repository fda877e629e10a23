//! Expressions of the spec, typed against the tables they stand for.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::logical_expr::{Expr, cast};

use super::emit::instant_type;
use crate::contract::{ColumnRef, ColumnType, Pii};
use crate::diag::{Diagnostic, Diagnostics, codes};
use crate::engine::TypedExpr;
use crate::engine::local_day::{first_instant, last_instant};
use crate::kinds::Scope;
use crate::syntax::{ColumnName, ExprText, Spanned, TableName};

/// What is known of an output column through the expressions it comes from.
#[derive(Debug, Clone, Default)]
pub(super) struct Promise {
    pub(super) ty: Option<ColumnType>,
    pub(super) lineage: Vec<ColumnRef>,
    pub(super) pii: Pii,
}

impl Promise {
    /// Takes in an expression over a table; texts and numbers together become texts.
    pub(super) fn add(&mut self, table: &TableName, typed: &TypedExpr, scope: &Scope<'_>) {
        let found = ColumnType::of_arrow(&typed.data_type);
        self.ty = match (self.ty, found) {
            (None, found) => found,
            (Some(ColumnType::Int | ColumnType::BigInt), Some(ColumnType::Int | ColumnType::BigInt)) => {
                Some(ColumnType::BigInt)
            }
            (known, found) if known == found => known,
            _ => Some(ColumnType::Text),
        };
        for column in &typed.columns {
            let described = scope.frames.get(table.as_str()).and_then(|frame| frame.column(&column.name));
            self.pii = self.pii.max(described.map_or(Pii::None, |column| column.pii));
            let column = ColumnName::new(&column.name);
            self.lineage.extend(column.map(|column| ColumnRef { table: table.clone(), column }));
        }
    }

    /// Takes in another column's promise.
    pub(super) fn merge(&mut self, other: &Self) {
        self.ty = match (self.ty, other.ty) {
            (None, ty) | (ty, None) => ty,
            (Some(a), Some(b)) if a == b => Some(a),
            (Some(ColumnType::Int | ColumnType::BigInt), Some(ColumnType::Int | ColumnType::BigInt)) => {
                Some(ColumnType::BigInt)
            }
            _ => Some(ColumnType::Text),
        };
        self.lineage.extend(other.lineage.iter().cloned());
        self.pii = self.pii.max(other.pii);
    }

    /// The Arrow type that plans use for it; texts are views, which sort and hash fastest.
    pub(super) fn arrow(&self) -> DataType {
        arrow(self.ty.unwrap_or(ColumnType::Text))
    }
}

/// The Arrow type that plans use for a column.
pub(super) fn arrow(ty: ColumnType) -> DataType {
    match ty {
        ColumnType::Text => DataType::Utf8View,
        ty => ty.arrow(),
    }
}

/// Which instant a date stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edge {
    /// Its first.
    First,
    /// Its last.
    Last,
}

/// A column that is passed on.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) name: ColumnName,
    pub(super) ty: ColumnType,
    pub(super) expr: Expr,
    pub(super) promise: Promise,
    /// How it was written.
    pub(super) text: String,
}

/// Types the expressions over one table.
pub(super) struct Typing<'a> {
    pub(super) scope: &'a Scope<'a>,
    pub(super) table: &'a TableName,
    pub(super) schema: DFSchema,
}

impl<'a> Typing<'a> {
    /// `None`, with a diagnostic, where there is no such table.
    pub(super) fn new(scope: &'a Scope<'a>, table: &'a Spanned<TableName>, diags: &mut Diagnostics) -> Option<Self> {
        let Ok(schema) = scope.frames.df_schema(&table.value) else {
            let names = scope.frames.names().map(TableName::as_str);
            let message = format!("there is no table `{table}`");
            diags.push(
                Diagnostic::error(codes::UNKNOWN_TABLE, table.place, message).did_you_mean(table.as_str(), names),
            );
            return None;
        };
        Some(Self { scope, table: &table.value, schema })
    }

    fn typed(&self, text: &ExprText, diags: &mut Diagnostics) -> Option<TypedExpr> {
        self.scope.engine.expr(text, &self.schema).map_err(|diagnostic| diags.push(diagnostic)).ok()
    }

    /// Something that names an entity or a row: a text or a whole number.
    pub(super) fn key(&self, text: &ExprText, promise: &mut Promise, diags: &mut Diagnostics) -> Option<Expr> {
        let typed = self.typed(text, diags)?;
        let fits = match ColumnType::of_arrow(&typed.data_type) {
            Some(ColumnType::Text | ColumnType::Int | ColumnType::BigInt) => true,
            Some(ColumnType::Decimal(_, scale)) => scale == 0,
            _ => false,
        };
        demand(fits, text, &typed, "a text or a whole number", diags)?;
        promise.add(self.table, &typed, self.scope);
        Some(typed.expr)
    }

    /// A text; numbers become texts.
    pub(super) fn text(&self, text: &ExprText, promise: &mut Promise, diags: &mut Diagnostics) -> Option<Expr> {
        let expr = self.key(text, promise, diags)?;
        promise.ty = Some(ColumnType::Text);
        Some(cast(expr, DataType::Utf8View))
    }

    /// A whole number.
    pub(super) fn number(&self, text: &ExprText, diags: &mut Diagnostics) -> Option<Expr> {
        let typed = self.typed(text, diags)?;
        let fits = matches!(ColumnType::of_arrow(&typed.data_type), Some(ColumnType::Int | ColumnType::BigInt));
        demand(fits, text, &typed, "a whole number", diags)?;
        Some(cast(typed.expr, DataType::Int64))
    }

    /// A condition.
    pub(super) fn condition(&self, text: &ExprText, diags: &mut Diagnostics) -> Option<Expr> {
        let typed = self.typed(text, diags)?;
        demand(typed.data_type == DataType::Boolean, text, &typed, "a condition", diags)?;
        Some(typed.expr)
    }

    /// An instant: a timestamp in UTC, or an edge of a date in the reporting time zone.
    pub(super) fn instant(
        &self,
        text: &ExprText,
        edge: Edge,
        promise: &mut Promise,
        diags: &mut Diagnostics,
    ) -> Option<Expr> {
        let typed = self.typed(text, diags)?;
        let (expr, zone) = (typed.expr.clone(), self.scope.settings.reporting_timezone);
        let instant = match (&typed.data_type, edge) {
            (DataType::Timestamp(_, _) | DataType::Null, _) => cast(expr, instant_type()),
            (DataType::Date32 | DataType::Date64, Edge::First) => first_instant(expr, zone),
            (DataType::Date32 | DataType::Date64, Edge::Last) => last_instant(expr, zone),
            _ => {
                demand(false, text, &typed, "a timestamp or a date", diags)?;
                return None;
            }
        };
        promise.add(self.table, &typed, self.scope);
        Some(instant)
    }

    /// A day: a date, or the date of an instant in the reporting time zone.
    pub(super) fn day(&self, text: &ExprText, promise: &mut Promise, diags: &mut Diagnostics) -> Option<Expr> {
        let typed = self.typed(text, diags)?;
        let day = match &typed.data_type {
            DataType::Timestamp(_, _) => {
                let instant = cast(typed.expr.clone(), instant_type());
                crate::engine::local_day::date_of(instant, self.scope.settings.reporting_timezone)
            }
            DataType::Date32 | DataType::Date64 => cast(typed.expr.clone(), DataType::Date32),
            _ => {
                demand(false, text, &typed, "a date or a timestamp", diags)?;
                return None;
            }
        };
        promise.add(self.table, &typed, self.scope);
        Some(day)
    }

    /// An exact amount; the number of its decimals comes with it.
    pub(super) fn amount(&self, text: &ExprText, promise: &mut Promise, diags: &mut Diagnostics) -> Option<(Expr, i8)> {
        let typed = self.typed(text, diags)?;
        let scale = match ColumnType::of_arrow(&typed.data_type) {
            Some(ColumnType::Int | ColumnType::BigInt) => Some(0),
            Some(ColumnType::Decimal(_, scale)) if (0..=6).contains(&scale) => Some(scale),
            _ => None,
        };
        if scale.is_none() {
            let found = ColumnType::of_arrow(&typed.data_type).map_or("unknown".to_string(), |ty| ty.to_string());
            let message = format!("`{text}` is of type {found}, and an exact amount is wanted here");
            let hint = format!("convert it, as in `CAST({text} AS DECIMAL(18, 2))`");
            diags.push(Diagnostic::error(codes::EXPRESSION_TYPE, text.place, message).hint(hint));
        }
        promise.add(self.table, &typed, self.scope);
        Some((typed.expr, scale?))
    }

    /// An exact factor.
    pub(super) fn rate(&self, text: &ExprText, diags: &mut Diagnostics) -> Option<Expr> {
        let typed = self.typed(text, diags)?;
        let fits = match ColumnType::of_arrow(&typed.data_type) {
            Some(ColumnType::Int | ColumnType::BigInt) => true,
            Some(ColumnType::Decimal(_, scale)) => (0..=10).contains(&scale),
            _ => false,
        };
        if !fits {
            let found = ColumnType::of_arrow(&typed.data_type).map_or("unknown".to_string(), |ty| ty.to_string());
            let message = format!("`{text}` is of type {found}, and an exact rate is wanted here");
            let hint = format!("convert it, as in `CAST({text} AS DECIMAL(18, 10))`");
            diags.push(Diagnostic::error(codes::EXPRESSION_TYPE, text.place, message).hint(hint));
            return None;
        }
        Some(cast(typed.expr, DataType::Decimal128(20, 10)))
    }

    /// A column that is passed on.
    pub(super) fn kept(&self, name: &ColumnName, text: &ExprText, diags: &mut Diagnostics) -> Option<Kept> {
        let typed = self.typed(text, diags)?;
        let Some(ty) = ColumnType::of_arrow(&typed.data_type) else {
            let message = format!("`{text}` is of type {}, which cannot be published", typed.data_type);
            diags.push(Diagnostic::error(codes::UNSUPPORTED_TYPE, text.place, message));
            return None;
        };
        let mut promise = Promise::default();
        promise.add(self.table, &typed, self.scope);
        let expr = cast(typed.expr, arrow(ty));
        Some(Kept { name: name.clone(), ty, expr, promise, text: text.value.as_str().to_string() })
    }
}

/// Reports an expression of the wrong type.
fn demand(fits: bool, text: &ExprText, typed: &TypedExpr, wanted: &str, diags: &mut Diagnostics) -> Option<()> {
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
