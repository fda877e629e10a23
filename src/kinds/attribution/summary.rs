//! What is added up over the finished ledger: the comparison of models and the reconciliation.

use arrow::datatypes::DataType;
use datafusion::common::{Column, JoinType, ScalarValue, UnnestOptions};
use datafusion::functions::core::expr_fn::{coalesce, nullif};
use datafusion::functions_aggregate::expr_fn::sum;
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::functions_nested::make_array::make_array;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{
    Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, WindowFunctionDefinition, cast, ident, lit, when,
};

use super::describe::SUM_PRECISION;
use super::emit::WEIGHT_SCALE;
use super::inputs::{holds, judged_conversions, named, planned, word};
use super::journeys::{before_lookback, with_people};
use super::models::{amount_column, weight_column};
use super::resolve::Resolved;
use super::spec::{Attribution, Layout};
use crate::error::Result;
use crate::kinds::Scope;

fn credit() -> DataType {
    DataType::Decimal128(SUM_PRECISION, WEIGHT_SCALE)
}

fn money(scale: i8) -> DataType {
    DataType::Decimal128(SUM_PRECISION, scale)
}

fn zero(ty: &DataType) -> Expr {
    cast(lit(0i64), ty.clone())
}

/// The ledger added up by model and the columns given: `credits`, and `amount` where there are amounts;
/// `of` picks the rows that count.
///
/// Rows in: the ledger, further columns beside its own. Rows out: one for each model and combination of
/// the columns.
pub(super) fn sums(
    spec: &Attribution,
    resolved: &Resolved,
    by: &[&str],
    of: Option<&Expr>,
    rows: LogicalPlanBuilder,
) -> Result<LogicalPlanBuilder> {
    let text = |name: &&str| cast(ident(*name), DataType::Utf8).alias(*name);
    if spec.layout == Layout::Long {
        let mut groups = vec![cast(ident("model"), DataType::Utf8).alias("model")];
        groups.extend(by.iter().map(text));
        let mut totals = vec![sum_of("weight", of)?.alias("s_credits")];
        if resolved.scale.is_some() {
            totals.push(sum_of("amount", of)?.alias("s_amount"));
        }
        let rows = planned(rows.aggregate(groups, totals))?;
        let mut columns = named(&["model"]);
        columns.extend(named(by));
        columns.push(coalesce(vec![cast(ident("s_credits"), credit()), zero(&credit())]).alias("credits"));
        if let Some(scale) = resolved.scale {
            let amount = coalesce(vec![cast(ident("s_amount"), money(scale)), zero(&money(scale))]);
            columns.push(amount.alias("amount"));
        }
        return planned(rows.project(columns));
    }
    wide_sums(resolved, by, of, rows)
}

fn sum_of(column: &str, of: Option<&Expr>) -> Result<Expr> {
    Ok(sum(match of {
        Some(condition) => planned(when(condition.clone(), ident(column)).end())?,
        None => ident(column),
    }))
}

/// One pass over the wide ledger, then one row for each model.
fn wide_sums(
    resolved: &Resolved,
    by: &[&str],
    of: Option<&Expr>,
    rows: LogicalPlanBuilder,
) -> Result<LogicalPlanBuilder> {
    let mut totals = Vec::new();
    for (at, model) in resolved.models.iter().enumerate() {
        totals.push(sum_of(weight_column(&model.name).as_str(), of)?.alias(format!("s_credits_{at}")));
        if resolved.scale.is_some() {
            totals.push(sum_of(amount_column(&model.name).as_str(), of)?.alias(format!("s_amount_{at}")));
        }
    }
    let groups: Vec<Expr> = by.iter().map(|name| cast(ident(*name), DataType::Utf8).alias(*name)).collect();
    let rows = planned(rows.aggregate(groups, totals))?;
    let list = |name: &str, ty: &DataType| -> Expr {
        let of_model = |at: usize| coalesce(vec![cast(ident(format!("s_{name}_{at}")), ty.clone()), zero(ty)]);
        make_array((0..resolved.models.len()).map(of_model).collect())
    };
    let names = resolved.models.iter().map(|model| lit(model.name.as_str())).collect();
    let mut lists = vec!["model", "credits"];
    let mut columns = vec![make_array(names).alias("model")];
    columns.extend(named(by));
    columns.push(list("credits", &credit()).alias("credits"));
    if let Some(scale) = resolved.scale {
        lists.push("amount");
        columns.push(list("amount", &money(scale)).alias("amount"));
    }
    let rows = planned(rows.project(columns))?;
    let lists = lists.into_iter().map(Column::from_name).collect();
    planned(rows.unnest_columns_with_options(lists, UnnestOptions::new()))
}

/// Rows in: the ledger. Rows out: one for each model and channel (and currency) with any credit.
pub(super) fn comparison(spec: &Attribution, resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let mut by = vec!["channel"];
    let mut within = vec!["model"];
    if resolved.scale.is_some() {
        by.push("currency");
        within.push("currency");
    }
    let sums = sums(spec, resolved, &by, None, scope.frames.scan(scope.model)?)?;
    // A model that gives a channel nothing says nothing about it in either layout.
    let some = ident("credits").not_eq(zero(&credit()));
    let sums = planned(sums.filter(some))?;
    let over_all = |column: &str| -> Result<Expr> {
        let sum = WindowFunction::new(WindowFunctionDefinition::AggregateUDF(sum_udaf()), vec![ident(column)]);
        planned(Expr::from(sum).partition_by(named(&within)).build())
    };
    let sums = planned(sums.window([over_all("credits")?.alias("w_credits")]))?;
    // What does not add up has no total either.
    let total = |column: &str| planned(when(closes(resolved), ident(column)).end());
    let mut columns = named(&["model", "channel"]);
    let double = |expr: Expr| cast(expr, DataType::Float64);
    let share = |part: &str, total: Expr| double(ident(part)) / nullif(double(total), lit(0f64));
    columns.extend(resolved.scale.map(|_| ident("currency")));
    columns.extend([
        ident("credits"),
        cast(total("w_credits")?, credit()).alias("credits_total"),
        share("credits", total("w_credits")?).alias("credits_share"),
    ]);
    let Some(scale) = resolved.scale else {
        return planned(sums.project(columns).and_then(LogicalPlanBuilder::build));
    };
    let sums = planned(sums.window([over_all("amount")?.alias("w_amount")]))?;
    columns.extend([
        ident("amount"),
        cast(total("w_amount")?, money(scale)).alias("amount_total"),
        share("amount", total("w_amount")?).alias("amount_share"),
    ]);
    planned(sums.project(columns).and_then(LogicalPlanBuilder::build))
}

/// The condition of rows whose `model` adds up to its conversions.
fn closes(resolved: &Resolved) -> Expr {
    let names = |adds_up: bool| resolved.models.iter().filter(move |model| model.adds_up() == adds_up);
    let overlapping: Vec<Expr> = names(false).map(|model| lit(model.name.as_str())).collect();
    // An empty list is no list to SQL.
    if overlapping.is_empty() { lit(true) } else { ident("model").in_list(overlapping, true) }
}

/// The condition of ledger rows that no touch stands behind.
pub(super) fn is_unattributed() -> Expr {
    ident("journey_length").eq(lit(0i32))
}

/// Rows in: usable conversions, read again, and the ledger. Rows out: one for each model that adds up and currency.
pub(super) fn reconciliation(spec: &Attribution, resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let source = planned(source(resolved, scope)?.build())?;
    let by: Vec<&str> = resolved.scale.map(|_| "currency").into_iter().collect();
    let ledger = scope.frames.scan(scope.model)?;
    let shared = planned(sums(spec, resolved, &by, None, ledger.clone())?.filter(closes(resolved)))?;
    let lonely = sums(spec, resolved, &by, Some(&is_unattributed()), ledger)?;
    let renamed = |rows: LogicalPlanBuilder, prefix: &str| -> Result<LogicalPlan> {
        let columns: Vec<Expr> = rows
            .schema()
            .fields()
            .iter()
            .map(|field| ident(field.name().as_str()).alias(format!("{prefix}_{}", field.name())))
            .collect();
        planned(rows.project(columns).and_then(LogicalPlanBuilder::build))
    };
    let keys: Vec<&str> = std::iter::once("model").chain(by.iter().copied()).collect();
    let on = |left: &str, right: &str| -> (Vec<Column>, Vec<Column>) {
        let of = |prefix: &str| keys.iter().map(|key| Column::from_name(format!("{prefix}_{key}"))).collect();
        (of(left), of(right))
    };
    let rows = LogicalPlanBuilder::from(source);
    let rows = planned(rows.join(renamed(shared, "l")?, JoinType::Full, on("s", "l"), None))?;
    let rows = planned(rows.join(renamed(lonely, "u")?, JoinType::Left, on("l", "u"), None))?;
    let early = renamed(before_lookback(resolved, &by, scope)?, "t")?;
    let rows = match resolved.scale {
        Some(_) => {
            let currencies = (vec![Column::from_name("s_currency")], vec![Column::from_name("t_currency")]);
            planned(rows.join(early, JoinType::Left, currencies, None))?
        }
        None => planned(rows.cross_join(early))?,
    };
    let or_zero = |name: &str, ty: DataType| coalesce(vec![cast(ident(name), ty.clone()), zero(&ty)]);
    let counts = DataType::Int64;
    let mut columns: Vec<Expr> =
        keys.iter().map(|key| coalesce(named(&[format!("s_{key}"), format!("l_{key}")])).alias(*key)).collect();
    let credits = or_zero("l_credits", credit());
    let conversions = or_zero("s_conversions", counts.clone());
    let double = |expr: Expr| cast(expr, DataType::Float64);
    let share = |part: Expr, all: Expr| double(part) / nullif(double(all), lit(0f64));
    let lonely = or_zero("u_credits", credit());
    columns.extend([
        conversions.clone().alias("conversions"),
        cast(lonely.clone(), counts.clone()).alias("conversions_without_touch"),
        or_zero("s_alone", counts.clone()).alias("conversions_without_person"),
        or_zero("t_touches", counts).alias("touches_before_lookback"),
        share(lonely, credits.clone()).alias("unattributed_share"),
        credits.clone().alias("credits"),
        cast(cast(conversions, credit()) - credits, credit()).alias("credits_difference"),
    ]);
    if let Some(scale) = resolved.scale {
        let (source, shared) = (or_zero("s_amount", money(scale)), or_zero("l_amount", money(scale)));
        columns.extend([
            source.clone().alias("amount_converted"),
            shared.clone().alias("amount_attributed"),
            cast(source - shared.clone(), money(scale)).alias("difference"),
            or_zero("u_amount", money(scale)).alias("amount_unattributed"),
            share(or_zero("u_amount", money(scale)), shared).alias("amount_unattributed_share"),
            or_zero("s_alone_amount", money(scale)).alias("amount_without_person"),
        ]);
    }
    planned(rows.project(columns).and_then(LogicalPlanBuilder::build))
}

/// The conversions by currency, once for each model that adds up: `s_model`, `s_currency`, the usable ones as
/// `s_conversions` and `s_amount`, and those of nobody known as `s_alone` and `s_alone_amount`.
fn source(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let rows = judged_conversions(resolved, scope)?;
    let rows = match resolved.conversions.converted {
        Some(_) => planned(rows.filter(ident("converted")))?,
        None => rows,
    };
    let rows = with_people(resolved, rows, scope)?;
    let usable = || ident("reason").is_null();
    let alone = || ident("reason").eq(word("null_entity")).or(usable().and(ident("met").is_null()));
    let number = |of: Expr| planned(when(holds(of), lit(1i64)).otherwise(lit(0i64))).map(sum);
    let mut totals = vec![number(usable())?.alias("s_conversions"), number(alone())?.alias("s_alone")];
    let mut columns = named(&["s_conversions", "s_alone"]);
    let mut groups = Vec::new();
    if resolved.scale.is_some() {
        groups.push(cast(ident("currency"), DataType::Utf8).alias("s_currency"));
        let amount = |of: Expr| planned(when(of, ident("amount")).end()).map(sum);
        totals.extend([amount(usable())?.alias("s_amount"), amount(alone())?.alias("s_alone_amount")]);
        columns.extend(named(&["s_currency", "s_amount", "s_alone_amount"]));
    }
    let rows = planned(rows.aggregate(groups, totals))?;
    // A sum over nothing at all is one row: it says nothing about any conversion.
    let none = || lit(ScalarValue::Int64(Some(0)));
    let rows = planned(rows.filter(ident("s_conversions").gt(none()).or(ident("s_alone").gt(none()))))?;
    let names = resolved.models.iter().filter(|model| model.adds_up()).map(|model| lit(model.name.as_str()));
    columns.push(make_array(names.collect()).alias("s_model"));
    let rows = planned(rows.project(columns))?;
    planned(rows.unnest_columns_with_options(vec![Column::from_name("s_model")], UnnestOptions::new()))
}
