//! Expressions of the spec, typed against the tables they stand for.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::logical_expr::{Expr, cast};

use crate::contract::ColumnType;
use crate::diag::{Diagnostic, Diagnostics, codes};
use crate::engine::local_day::{InstantOfDate, date_of};
use crate::kinds::Scope;
use crate::kinds::typing::{Promise, Typing as Expressions, columns_of, demand, instant_type, view_type};
use crate::syntax::{ColumnName, ExprText, Spanned, TableName};

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
        columns_of(scope, table, diags).map(|schema| Self { scope, table: &table.value, schema })
    }

    fn over(&self) -> Expressions<'_> {
        Expressions::new(self.scope, &self.schema)
    }

    /// Something that names an entity or a row: a text or a whole number.
    pub(super) fn key(&self, text: &ExprText, promise: &mut Promise, diags: &mut Diagnostics) -> Option<Expr> {
        let typed = self.over().key(text, diags)?;
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
        let typed = self.over().any(text, diags)?;
        let fits = matches!(ColumnType::of_arrow(&typed.data_type), Some(ColumnType::Int | ColumnType::BigInt));
        demand(fits, text, &typed, "a whole number", diags)?;
        Some(cast(typed.expr, DataType::Int64))
    }

    /// A condition.
    pub(super) fn condition(&self, text: &ExprText, diags: &mut Diagnostics) -> Option<Expr> {
        self.over().condition(text, diags).map(|typed| typed.expr)
    }

    /// An instant: a timestamp in UTC, or that instant of a date in the reporting time zone.
    pub(super) fn instant(
        &self,
        text: &ExprText,
        of_date: InstantOfDate,
        promise: &mut Promise,
        diags: &mut Diagnostics,
    ) -> Option<Expr> {
        let (typed, instant) = self.over().instant_with(text, of_date, diags)?;
        promise.add(self.table, &typed, self.scope);
        Some(instant)
    }

    /// A day: a date, or the date of an instant in the reporting time zone.
    pub(super) fn day(&self, text: &ExprText, promise: &mut Promise, diags: &mut Diagnostics) -> Option<Expr> {
        let typed = self.over().any(text, diags)?;
        let day = match &typed.data_type {
            DataType::Timestamp(_, _) => {
                let instant = cast(typed.expr.clone(), instant_type());
                date_of(instant, self.scope.settings.reporting_timezone)
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
        let typed = self.over().any(text, diags)?;
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
        let typed = self.over().any(text, diags)?;
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
        let typed = self.over().any(text, diags)?;
        let Some(ty) = ColumnType::of_arrow(&typed.data_type) else {
            let message = format!("`{text}` is of type {}, which cannot be published", typed.data_type);
            diags.push(Diagnostic::error(codes::UNSUPPORTED_TYPE, text.place, message));
            return None;
        };
        let mut promise = Promise::default();
        promise.add(self.table, &typed, self.scope);
        let expr = cast(typed.expr, view_type(ty));
        Some(Kept { name: name.clone(), ty, expr, promise, text: text.value.as_str().to_string() })
    }
}
