//! What was spent beside what it brought, by day, model and channel.
//!
//! ```text
//! spend    by day, channel, currency   × the rate of that day   → cost
//! ledger   by day, channel, currency   × the rate of that day   → amount, for each model
//! both     joined by day and channel; what only one of them has stands alone
//! ```

use arrow::datatypes::DataType;
use datafusion::common::{Column, JoinType, UnnestOptions};
use datafusion::functions::core::expr_fn::{coalesce, nullif};
use datafusion::functions_aggregate::expr_fn::{max, sum};
use datafusion::functions_nested::make_array::make_array;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, ident, lit, when};

use super::describe::{RETURNS, SUM_PRECISION, Writer, names};
use super::emit::WEIGHT_SCALE;
use super::inputs::{named, null, planned};
use super::resolve::Resolved;
use super::spec::Attribution;
use super::spend::{ResolvedSpend, rates, usable};
use super::spend_spec::CreditOn;
use super::summary::sums;
use crate::contract::{Column as ContractColumn, ColumnType, Contract, Methodology, Role};
use crate::engine::local_day::date_of;
use crate::error::{Error, Result};
use crate::kinds::Scope;
use crate::kinds::typing::made;

/// Rows in: spend and the ledger. Rows out: one for each day, model and channel (and campaign) of either.
pub(super) fn returns(spec: &Attribution, resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let spend = resolved.spend.as_ref().ok_or_else(|| Error::internal("returns on no spend"))?;
    let keys: Vec<&str> = match spend.campaign {
        Some(_) => vec!["day", "model", "channel", "campaign"],
        None => vec!["day", "model", "channel"],
    };
    let costs = prefixed(costs(resolved, spend, &keys, scope)?, "s")?;
    let brought = prefixed(brought(spec, resolved, spend, &keys, scope)?, "l")?;
    let matches = keys.iter().map(|key| {
        let (left, right) = (ident(format!("s_{key}")), ident(format!("l_{key}")));
        // A campaign may be NULL on both sides.
        if *key == "campaign" { either(left, right) } else { left.eq(right) }
    });
    let matches: Vec<Expr> = matches.collect();
    let rows = LogicalPlanBuilder::from(costs);
    let rows = planned(rows.join_on(brought, JoinType::Full, matches))?;
    let credit = DataType::Decimal128(SUM_PRECISION, WEIGHT_SCALE);
    let money = |scale: i8| DataType::Decimal128(SUM_PRECISION, scale);
    let or_zero = |name: &str, ty: DataType| coalesce(vec![cast(ident(name), ty.clone()), cast(lit(0i64), ty)]);
    let scale = resolved.scale.unwrap_or(2);
    let double = |expr: Expr| cast(expr, DataType::Float64);
    let mut columns: Vec<Expr> =
        keys.iter().map(|key| coalesce(named(&[format!("s_{key}"), format!("l_{key}")])).alias(*key)).collect();
    let (cost, amount) = (or_zero("s_cost", money(spend.scale)), or_zero("l_amount", money(scale)));
    let credits = or_zero("l_credits", credit);
    let missing = or_zero("s_missing", DataType::Int64) + or_zero("l_missing", DataType::Int64);
    columns.extend([
        cost.clone().alias("cost"),
        amount.clone().alias("amount"),
        credits.clone().alias("credits"),
        (double(amount) / nullif(double(cost.clone()), lit(0f64))).alias("roas"),
        (double(cost) / nullif(double(credits), lit(0f64))).alias("cost_per_credit"),
        cast(missing, DataType::Int64).alias("rates_missing"),
    ]);
    planned(rows.project(columns).and_then(LogicalPlanBuilder::build))
}

fn either(left: Expr, right: Expr) -> Expr {
    datafusion::logical_expr::binary_expr(left, datafusion::logical_expr::Operator::IsNotDistinctFrom, right)
}

fn prefixed(rows: LogicalPlanBuilder, prefix: &str) -> Result<LogicalPlan> {
    let names: Vec<String> = rows.schema().fields().iter().map(|field| field.name().clone()).collect();
    let columns = names.iter().map(|name| ident(name.as_str()).alias(format!("{prefix}_{name}")));
    planned(rows.project(columns).and_then(LogicalPlanBuilder::build))
}

/// What was spent in the project's currency, once for each model.
fn costs(resolved: &Resolved, spend: &ResolvedSpend, keys: &[&str], scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let of_spend: Vec<&str> = keys.iter().copied().filter(|key| *key != "model").collect();
    let mut groups = named(&of_spend);
    groups.push(ident("currency"));
    let rows = planned(usable(spend, scope)?.aggregate(groups, [sum(ident("cost")).alias("cost")]))?;
    let rows = at_home(rows, "cost", spend.scale, spend, scope)?;
    let totals = [sum(ident("cost")).alias("cost"), sum(ident("missing")).alias("missing")];
    let rows = planned(rows.aggregate(named(&of_spend), totals))?;
    let names = resolved.models.iter().map(|model| lit(model.name.as_str())).collect();
    let mut columns = named(&of_spend);
    columns.extend(named(&["cost", "missing"]));
    columns.push(make_array(names).alias("model"));
    let rows = planned(rows.project(columns))?;
    planned(rows.unnest_columns_with_options(vec![Column::from_name("model")], UnnestOptions::new()))
}

/// What the ledger gives each day, in the project's currency.
fn brought(
    spec: &Attribution,
    resolved: &Resolved,
    spend: &ResolvedSpend,
    keys: &[&str],
    scope: &Scope<'_>,
) -> Result<LogicalPlanBuilder> {
    let ledger = scope.frames.scan(scope.model)?;
    let at = match spend.credit_on {
        // A conversion without a touch has no day but its own.
        CreditOn::Touch => coalesce(vec![ident("touched_at"), ident("converted_at")]),
        CreditOn::Conversion => ident("converted_at"),
    };
    let mut columns: Vec<Expr> = ledger.schema().columns().into_iter().map(Expr::Column).collect();
    columns.push(date_of(at, scope.settings.reporting_timezone).alias("day"));
    let ledger = planned(ledger.project(columns))?;
    let mut by: Vec<&str> = keys.iter().copied().filter(|key| *key != "model").collect();
    by.push("currency");
    let rows = sums(spec, resolved, &by, None, ledger)?;
    let mut columns: Vec<Expr> = by
        .iter()
        .map(|name| if *name == "day" { cast(ident("day"), DataType::Date32).alias("day") } else { ident(*name) })
        .collect();
    columns.extend(named(&["model", "credits", "amount"]));
    let rows = planned(rows.project(columns))?;
    let rows = at_home(rows, "amount", resolved.scale.unwrap_or(2), spend, scope)?;
    let totals = ["credits", "amount", "missing"].map(|name| sum(ident(name)).alias(name));
    let rows = planned(rows.aggregate(named(keys), totals))?;
    // A model that gives a channel nothing on a day says nothing about it.
    let zero = cast(lit(0i64), DataType::Decimal128(SUM_PRECISION, WEIGHT_SCALE));
    planned(rows.filter(ident("credits").not_eq(zero)))
}

/// Sums in their currencies → in the project's, by the rate of the day: the newest that is not later.
/// `missing` is 1 where there is none.
fn at_home(
    rows: LogicalPlanBuilder,
    column: &str,
    scale: i8,
    spend: &ResolvedSpend,
    scope: &Scope<'_>,
) -> Result<LogicalPlanBuilder> {
    let names: Vec<String> = rows.schema().fields().iter().map(|field| field.name().clone()).collect();
    let home = ident("currency").eq(lit(scope.settings.currency.as_str()));
    let money = DataType::Decimal128(SUM_PRECISION, scale);
    let rows = match &spend.rates {
        None => {
            let mut columns = named(&names);
            columns.push(null(&DataType::Decimal128(20, 10))?.alias("rate"));
            planned(rows.project(columns))?
        }
        Some(known) => with_rate(rows, &names, rates(known, scope)?)?,
    };
    let one = cast(lit(1i64), DataType::Decimal128(20, 10));
    let rate = planned(when(home, one).otherwise(ident("rate")))?;
    let mut columns: Vec<Expr> = names.iter().filter(|name| *name != column).map(|name| ident(name.as_str())).collect();
    let narrow = cast(ident(column), DataType::Decimal128(28, scale));
    let converted = cast(narrow * rate.clone(), money.clone());
    columns.push(coalesce(vec![converted, cast(lit(0i64), money)]).alias(column));
    columns.push(planned(when(rate.is_null(), lit(1i64)).otherwise(lit(0i64)))?.alias("missing"));
    planned(rows.project(columns))
}

/// Joins the newest rate of each row's currency that is not later than its day.
fn with_rate(rows: LogicalPlanBuilder, names: &[String], rates: LogicalPlanBuilder) -> Result<LogicalPlanBuilder> {
    let wanted = [ident("currency").alias("want"), ident("day").alias("want_day")];
    let wanted = planned(rows.clone().project(wanted).and_then(LogicalPlanBuilder::distinct))?;
    let on = |left: &[&str], right: &[&str]| -> (Vec<Column>, Vec<Column>) {
        let columns = |names: &[&str]| names.iter().map(|name| Column::from_name(*name)).collect();
        (columns(left), columns(right))
    };
    let known = planned(rates.clone().build())?;
    let not_later = ident("since").lt_eq(ident("want_day"));
    let newest = planned(wanted.join(known, JoinType::Inner, on(&["want"], &["of"]), Some(not_later)))?;
    let newest = planned(newest.aggregate(named(&["want", "want_day"]), [max(ident("since")).alias("newest")]))?;
    let known = planned(rates.build())?;
    let newest = planned(newest.join(known, JoinType::Inner, on(&["want", "newest"], &["of", "since"]), None))?;
    let newest = planned(newest.project(named(&["want", "want_day", "rate"])).and_then(LogicalPlanBuilder::build))?;
    let rows = planned(rows.join(newest, JoinType::Left, on(&["currency", "day"], &["want", "want_day"]), None))?;
    let mut columns = named(names);
    columns.push(ident("rate"));
    planned(rows.project(columns))
}

impl Writer<'_> {
    /// The promise of [`returns`].
    pub(super) fn returns(&self, spend: &ResolvedSpend) -> Contract {
        let home = &self.scope.settings.currency;
        let mut columns = self.return_keys(spend);
        let mut grain = vec!["day", "model", "channel"];
        grain.extend(spend.campaign.as_ref().map(|_| "campaign"));
        columns.extend(self.return_measures(spend));
        Contract {
            table: self.scope.model.with_suffix(RETURNS),
            role: Role::Companion,
            description: "Spend beside the credit that it brought, by day, model and channel.".to_string(),
            grain: names(&grain),
            columns,
            methodology: Methodology {
                summary: vec![
                    format!(
                        "Sums of a day in another currency than {home} are converted by the newest rate that is not \
                         later than the day, and rounded once."
                    ),
                    "What stands on one side alone is kept: spend without credit, and credit without spend."
                        .to_string(),
                ],
                assumptions: Vec::new(),
                limits: vec![
                    "Spend brings touches later than the day it was spent on; look at returns over longer spans."
                        .to_string(),
                ],
            },
        }
    }

    fn return_keys(&self, spend: &ResolvedSpend) -> Vec<ContractColumn> {
        use ColumnType::{Date, Text};
        let p = &self.resolved.promises;
        let day = match spend.credit_on {
            CreditOn::Touch => "The day of the spend and of the touches credited",
            CreditOn::Conversion => "The day of the spend and of the conversions credited",
        };
        let day = format!("{day}, in {}.", self.scope.settings.reporting_timezone);
        let model = "The model that credits. The cost is the same under all: never add it up over models.";
        let campaign = "The campaign; NULL where none is told.";
        let mut columns = vec![
            made("day", Date, day, &[&spend.from_day, &p.touched_at]).not_null(),
            made("model", Text, model, &[]).not_null(),
            made("channel", Text, "The channel.", &[&p.channel]).not_null(),
        ];
        columns.extend(spend.campaign.as_ref().map(|_| made("campaign", Text, campaign, &[&p.campaign])));
        columns
    }

    fn return_measures(&self, spend: &ResolvedSpend) -> Vec<ContractColumn> {
        use ColumnType::{BigInt, Decimal, Double};
        let (p, home) = (&self.resolved.promises, &self.scope.settings.currency);
        let money = |scale: i8| Decimal(SUM_PRECISION, scale);
        let from = [&spend.from_cost, &p.amount];
        let ratio = "a ratio: work it out again from sums, never add or average it";
        let cost = format!("What was spent, in {home} at the day's rate.");
        let amount = format!("What the model gives, in {home} at the day's rate.");
        let roas = format!("Amount by cost, NULL without cost; {ratio}.");
        let each = format!("Cost by credits, NULL without credits; {ratio}.");
        let missing = "Currencies of the day without a rate: always 0, or nothing is published.";
        let scale = self.resolved.scale.unwrap_or(2);
        let credit = Decimal(SUM_PRECISION, WEIGHT_SCALE);
        vec![
            made("cost", money(spend.scale), cost, &[&spend.from_cost]).not_null().adds_up_within(&["model"]),
            made("amount", money(scale), amount, &[&p.amount, &p.channel]).not_null().adds_up_within(&self.one_model()),
            made("credits", credit, "Conversions that the model gives.", &[&p.channel])
                .not_null()
                .adds_up_within(&self.one_model()),
            made("roas", Double, roas, &from).never_adds_up(),
            made("cost_per_credit", Double, each, &[&spend.from_cost]).never_adds_up(),
            made("rates_missing", BigInt, missing, &[]).not_null(),
        ]
    }
}
