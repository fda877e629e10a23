//! What was spent, typed and judged.

use arrow::datatypes::DataType;
use datafusion::functions::core::expr_fn::{coalesce, nullif};
use datafusion::functions::string::expr_fn::{btrim, upper};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, ident, lit, when};

use super::inputs::{NO_CHANNEL_NAME, null, planned, word};
use super::spec::Attribution;
use super::spend_spec::{CreditOn, Rates, Spend};
use super::typing::Typing;
use crate::diag::{Diagnostic, Diagnostics, codes};
use crate::error::Result;
use crate::kinds::Scope;
use crate::kinds::typing::{Promise, transpose};
use crate::syntax::TableName;

/// Reasons for which a row of spend is not used.
pub(super) const REASONS: [(&str, &str); 2] =
    [("null_spend_day", "nobody knows when the money was spent"), ("null_cost", "nobody knows how much was spent")];

/// What was spent, every expression typed.
#[derive(Debug)]
pub(super) struct ResolvedSpend {
    pub(super) table: TableName,
    filter: Option<Expr>,
    on: Expr,
    channel: Expr,
    pub(super) campaign: Option<Expr>,
    cost: Expr,
    /// Decimals of costs.
    pub(super) scale: i8,
    currency: Option<Expr>,
    pub(super) rates: Option<ResolvedRates>,
    pub(super) credit_on: CreditOn,
    pub(super) from_cost: Promise,
    pub(super) from_day: Promise,
}

/// What currencies are worth, by day.
#[derive(Debug)]
pub(super) struct ResolvedRates {
    table: TableName,
    on: Expr,
    currency: Expr,
    rate: Expr,
}

/// Types the spend of a model; mistakes go to `diags`.
pub(super) fn resolve(
    spend: &Spend,
    spec: &Attribution,
    scope: &Scope<'_>,
    diags: &mut Diagnostics,
) -> Option<ResolvedSpend> {
    if spec.conversions.amount.is_none() {
        let message = "returns on spend need an amount, and `conversions.amount` is missing";
        diags.push(Diagnostic::error(codes::MISSING_KEY, spend.from.place, message));
    }
    if let Some(campaign) = spend.campaign.as_ref().filter(|_| spec.touches.campaign.is_none()) {
        let message = "spend is told by campaign, and the touches do not tell theirs";
        let hint = "add `campaign` to `touches`, or remove it here";
        diags.push(Diagnostic::error(codes::MISSING_KEY, campaign.place, message).hint(hint));
    }
    let typing = Typing::new(scope, &spend.from, diags)?;
    let (mut from_cost, mut from_day, mut aside) = (Promise::default(), Promise::default(), Promise::default());
    let filter = spend.filter.as_ref().map(|text| typing.condition(text, diags));
    let on = typing.day(&spend.on, &mut from_day, diags);
    let channel = typing.text(&spend.channel, &mut aside, diags);
    let campaign = spend.campaign.as_ref().map(|text| typing.text(text, &mut aside, diags));
    let cost = typing.amount(&spend.cost, &mut from_cost, diags);
    let currency = spend.currency.as_ref().map(|text| typing.text(text, &mut aside, diags));
    let rates = spend.rates.as_ref().map(|rates| resolve_rates(rates, scope, diags));
    let (cost, scale) = cost?;
    Some(ResolvedSpend {
        table: spend.from.value.clone(),
        filter: transpose(filter)?,
        on: on?,
        channel: channel?,
        campaign: transpose(campaign)?,
        cost,
        scale: scale.max(2),
        currency: transpose(currency)?,
        rates: transpose(rates)?,
        credit_on: spend.credit_on,
        from_cost,
        from_day,
    })
}

fn resolve_rates(rates: &Rates, scope: &Scope<'_>, diags: &mut Diagnostics) -> Option<ResolvedRates> {
    let typing = Typing::new(scope, &rates.from, diags)?;
    let mut aside = Promise::default();
    let on = typing.day(&rates.on, &mut aside, diags);
    let currency = typing.text(&rates.currency, &mut aside, diags);
    let rate = typing.rate(&rates.rate, diags);
    Some(ResolvedRates { table: rates.from.value.clone(), on: on?, currency: currency?, rate: rate? })
}

/// The rows of spend that are looked at, as their table has them.
pub(super) fn read(spend: &ResolvedSpend, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let rows = scope.frames.scan(&spend.table)?;
    match &spend.filter {
        Some(filter) => planned(rows.filter(filter.clone())),
        None => Ok(rows),
    }
}

/// The usable rows as `day`, `channel`, `campaign` where told, `currency`, `cost`.
pub(super) fn usable(spend: &ResolvedSpend, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let rows =
        planned(read(spend, scope)?.filter(spend.on.clone().is_not_null().and(spend.cost.clone().is_not_null())))?;
    let text = |expr: Expr| cast(expr, DataType::Utf8);
    let home = || word(&scope.settings.currency);
    let currency = match &spend.currency {
        Some(currency) => coalesce(vec![nullif(code(currency.clone()), word("")), home()]),
        None => home(),
    };
    let mut columns = vec![
        spend.on.clone().alias("day"),
        text(coalesce(vec![nullif(spend.channel.clone(), word("")), word(NO_CHANNEL_NAME)])).alias("channel"),
        text(currency).alias("currency"),
        cast(spend.cost.clone(), DataType::Decimal128(38, spend.scale)).alias("cost"),
    ];
    columns.extend(spend.campaign.clone().map(|campaign| text(campaign).alias("campaign")));
    planned(rows.project(columns))
}

fn code(currency: Expr) -> Expr {
    cast(upper(btrim(vec![currency])), DataType::Utf8View)
}

/// The rows that could not be used, in the columns of the rejects.
pub(super) fn rejects(spend: &ResolvedSpend, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let mut reason = when(spend.on.clone().is_null(), lit("null_spend_day"));
    reason = reason.when(spend.cost.clone().is_null(), lit("null_cost"));
    let rows = planned(read(spend, scope)?.project([
        cast(spend.channel.clone(), DataType::Utf8).alias("source_key"),
        planned(reason.end())?.alias("reason"),
    ]))?;
    let rows = planned(rows.filter(ident("reason").is_not_null()))?;
    let columns = [
        lit(spend.table.as_str()).alias("source_table"),
        ident("source_key"),
        ident("reason"),
        null(&DataType::Utf8)?.alias("detail"),
    ];
    planned(rows.project(columns).and_then(LogicalPlanBuilder::build))
}

/// What currencies are worth in the project's: `of`, `since`, `rate`; of several rates of one day the highest.
pub(super) fn rates(rates: &ResolvedRates, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    use datafusion::functions_aggregate::expr_fn::max;
    let rows = planned(scope.frames.scan(&rates.table)?.project([
        cast(code(rates.currency.clone()), DataType::Utf8).alias("of"),
        rates.on.clone().alias("since"),
        rates.rate.clone().alias("rate"),
    ]))?;
    let known = ident("of").is_not_null().and(ident("since").is_not_null()).and(ident("rate").is_not_null());
    let rows = planned(rows.filter(known))?;
    planned(rows.aggregate([ident("of"), ident("since")], [max(ident("rate")).alias("rate")]))
}
