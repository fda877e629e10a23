//! Sourced and influenced pipeline: for each opportunity and channel, whether the channel brought it and
//! whether it had a part in it.
//!
//! ```text
//! sourced      the first touch in [created - lookback, created] is the channel's     0 or 1, adds up
//! influenced   any touch in [created - lookback, converted] is the channel's         does not add up
//! ```

use datafusion::common::{Column, JoinType, ScalarValue};
use datafusion::functions::core::expr_fn::{coalesce, least};
use datafusion::functions_aggregate::expr_fn::{count, first_value, max, min};
use datafusion::logical_expr::{Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, ident, lit, when};

use super::describe::{PIPELINE, Writer, names};
use super::emit::PRECISION;
use super::inputs::{holds, is_direct, named, planned, through_crosswalk, touches_to_meet, usable_conversions, word};
use super::journeys::{participants, people, span};
use super::operator::UNATTRIBUTED;
use super::resolve::{Joining, Resolved};
use crate::contract::{Column as ContractColumn, ColumnType, Contract, Methodology, Role};
use crate::engine::numbered::{NTH, numbered};
use crate::error::Result;
use crate::kinds::Scope;
use crate::kinds::typing::{Promise, made};

fn on(left: &str, right: &str) -> (Vec<Column>, Vec<Column>) {
    (vec![Column::from_name(left)], vec![Column::from_name(right)])
}

/// Rows in: usable conversions, won or not, and touches. Rows out: one for each conversion and channel that
/// had a part in it; one with `(unattributed)` for a conversion that no channel had a part in.
pub(super) fn pipeline(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let channels = planned(channels(resolved, scope)?.build())?;
    let rows = opportunities(resolved, scope)?;
    let rows = planned(rows.join(channels, JoinType::Left, on("conversion_id", "of"), None))?;
    let has_channel = || ident("of_channel").is_not_null();
    let number = |condition: Expr| planned(when(condition, lit(1i32)).otherwise(lit(0i32)));
    let mut columns = named(&["conversion_id"]);
    columns.extend(resolved.conversions.entity.as_ref().map(|_| ident("account").alias("entity_id")));
    columns.push(coalesce(vec![ident("of_channel"), word(UNATTRIBUTED)]).alias("channel"));
    columns.push(ident("created").alias("created_at"));
    columns.push(ident("at").alias("converted_at"));
    let converted = if resolved.conversions.converted.is_some() { ident("converted") } else { lit(true) };
    columns.push(converted.alias("is_converted"));
    columns.push(coalesce(vec![ident("touches"), lit(0i64)]).alias("touches"));
    columns.extend(named(&["first_touched_at", "last_touched_at"]));
    columns.push(number(holds(ident("is_source")))?.alias("sourced"));
    columns.push(number(has_channel())?.alias("influenced"));
    if let Some(scale) = resolved.scale {
        columns.push(ident("currency"));
        let zero = || lit(ScalarValue::Decimal128(Some(0), PRECISION, scale));
        let amount = |condition: Expr| planned(when(condition, ident("amount")).otherwise(zero()));
        columns.push(amount(holds(ident("is_source")))?.alias("sourced_amount"));
        columns.push(amount(has_channel())?.alias("influenced_amount"));
    }
    planned(rows.project(columns).and_then(LogicalPlanBuilder::build))
}

/// The usable conversions with `created`, their own instant where it is unknown or later.
fn opportunities(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let rows = usable_conversions(resolved, scope)?;
    let rows = match resolved.joining {
        // Who converted is a person's record there.
        Joining::Direct => through_crosswalk(resolved, rows, "account", scope)?,
        _ => rows,
    };
    let created = least(vec![coalesce(vec![ident("created_at"), ident("at")]), ident("at")]);
    let mut columns: Vec<Expr> = rows.schema().fields().iter().map(|f| ident(f.name().as_str())).collect();
    columns.push(created.alias("created"));
    planned(rows.project(columns))
}

/// For each conversion and channel with a part in it: `of`, `of_channel`, counts and instants, `is_source`.
fn channels(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let rows = touches(resolved, scope)?;
    let mut order = vec![ident("before_at").sort(true, false)];
    let mut firsts = vec!["first_touch"];
    if resolved.touches.priority.is_some() {
        order.push(ident("before_priority").sort(true, false));
        firsts.insert(0, "first_priority");
    }
    order.push(ident("touch_id").sort(true, false));
    let is_before = || ident("before_at").is_not_null();
    let first = |column: &str| planned(first_value(ident(column), order.clone()).filter(is_before()).build());
    let mut totals = vec![
        count(lit(1)).alias("touches"),
        min(ident("first_at")).alias("first_touched_at"),
        max(ident("first_at")).alias("last_touched_at"),
        min(ident("before_at")).alias("first_before"),
        first("touch_id")?.alias("first_touch"),
    ];
    if resolved.touches.priority.is_some() {
        totals.push(first("before_priority")?.alias("first_priority"));
    }
    let rows = planned(rows.aggregate(named(&["of", "of_channel"]), totals))?;
    let rank = std::iter::once("first_before").chain(firsts).chain(["of_channel"]);
    let rows = numbered(rows, &["of"], rank.map(str::to_string).collect())?;
    // The first touch decides, whatever it is; a direct one is no marketing touch, and then nothing is sourced.
    let is_source = ident(NTH).eq(lit(1u64)).and(ident("first_before").is_not_null());
    let rows = planned(rows.filter(!is_direct(resolved, ident("of_channel"))))?;
    let mut columns = named(&["of", "of_channel", "touches", "first_touched_at", "last_touched_at"]);
    columns.push(is_source.alias("is_source"));
    planned(rows.project(columns))
}

/// Every touch once for each conversion it may have had a part in, as the earliest of its rows in reach tells
/// it; `before_at` is its instant where it came before the opportunity was created.
///
/// A step of its own, because the engine keeps a table of 32 KiB for each group in which it counts different
/// texts beside other things.
fn touches(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let mut firsts = vec!["of_channel"];
    let mut order = vec!["touched_at", "of_channel"];
    if resolved.touches.priority.is_some() {
        firsts.push("before_priority");
        order.insert(1, "before_priority");
    }
    let order: Vec<_> = order.into_iter().map(|name| ident(name).sort(true, false)).collect();
    let mut told = vec![min(ident("touched_at")).alias("first_at"), min(ident("created")).alias("made_at")];
    for name in &firsts {
        told.push(first_value(ident(*name), order.clone()).alias(*name));
    }
    let rows = planned(matches(resolved, scope)?.aggregate(named(&["of", "touch_id"]), told))?;
    let before = planned(when(ident("first_at").lt_eq(ident("made_at")), ident("first_at")).end())?;
    let mut columns = named(&["of", "touch_id", "first_at"]);
    columns.extend(named(&firsts));
    columns.push(before.alias("before_at"));
    planned(rows.project(columns))
}

/// Every row of a touch with each conversion it may have had a part in.
fn matches(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let rows = opportunities(resolved, scope)?;
    let mut kept = vec![ident("conversion_id").alias("of"), ident("created"), ident("at").alias("until")];
    let mut within = ident("touched_at").lt_eq(ident("until"));
    if let Some(micros) = resolved.reach.micros {
        kept.push((ident("created") - span(micros)).alias("since"));
        within = within.and(ident("touched_at").gt_eq(ident("since")));
    }
    let (rows, person) = match resolved.joining {
        Joining::Direct => (rows, "account"),
        Joining::Account => {
            let people = planned(people(resolved, scope)?.build())?;
            (planned(rows.join(people, JoinType::Inner, on("account", "of_account"), None))?, "of_person")
        }
        Joining::Roles | Joining::Hybrid => {
            let roles = planned(participants(resolved, scope)?.build())?;
            (planned(rows.join(roles, JoinType::Inner, on("conversion_id", "of_conversion"), None))?, "of_person")
        }
    };
    kept.push(ident(person).alias("who"));
    let rows = planned(rows.project(kept))?;
    let mut columns =
        vec![ident("person"), ident("touch_id"), ident("at").alias("touched_at"), ident("channel").alias("of_channel")];
    columns.extend(resolved.touches.priority.as_ref().map(|_| ident("priority").alias("before_priority")));
    let touches = planned(touches_to_meet(resolved, scope)?.project(columns).and_then(LogicalPlanBuilder::build))?;
    planned(rows.join(touches, JoinType::Inner, on("who", "person"), Some(within)))
}

impl Writer<'_> {
    /// The promise of [`pipeline`].
    pub(super) fn pipeline(&self) -> Contract {
        let p = &self.resolved.promises;
        let key = |name: &str, promise: &Promise, text: &str| -> ContractColumn {
            made(name, promise.ty.unwrap_or(ColumnType::Text), text, &[promise]).pii(promise.pii)
        };
        let mut columns = vec![key("conversion_id", &p.conversion, "The opportunity, won or not.").not_null()];
        if self.resolved.conversions.entity.is_some() {
            columns.push(key("entity_id", &p.account, "Whose opportunity it is."));
        }
        let channel =
            format!("The channel; `{UNATTRIBUTED}` where no marketing channel had a part in the opportunity.");
        let (at, channels) = (ColumnType::Timestamp, [&p.channel, &p.touched_at, &p.created_at]);
        let not_additive = "NOT ADDITIVE across channels: several channels influence one opportunity, so count distinct \
                            opportunities instead of adding it up";
        let converted = match self.resolved.conversions.converted {
            Some(_) => "Whether it was won: expected amounts of open opportunities stand apart from won ones by it.",
            None => "Always true: every row of the source is a conversion.",
        };
        columns.extend([
            made("channel", ColumnType::Text, channel, &[&p.channel]).not_null(),
            made("created_at", at, "When the opportunity was created, UTC; its conversion where that is unknown or earlier.", &[&p.created_at]).not_null(),
            made("converted_at", at, "When it converted or, where it did not, until when touches count, UTC.", &[&p.converted_at]).not_null(),
            made("is_converted", ColumnType::Boolean, converted, &[]).not_null(),
            made("touches", ColumnType::BigInt, "How many touches the channel had in it.", &channels).not_null(),
            made("first_touched_at", at, "The first of them, UTC; NULL where there is none.", &channels),
            made("last_touched_at", at, "The last of them, UTC; NULL where there is none.", &channels),
            made("sourced", ColumnType::Int, "1 where the opportunity's first touch before it was created is the channel's, else 0. Adds up: an opportunity has at most one source.", &channels).not_null(),
            made("influenced", ColumnType::Int, format!("1 where the channel had any touch in it, else 0. {not_additive}."), &channels).not_null().adds_up_within(&["channel"]),
        ]);
        if let Some(scale) = self.resolved.scale {
            let ty = ColumnType::Decimal(PRECISION, scale);
            columns.push(made("currency", ColumnType::Text, "The currency of the amounts.", &[&p.currency]).not_null());
            let (alone, together) = (self.one_currency(&[]), self.one_currency(&["channel"]));
            let text = "The opportunity's amount where the channel is its source, else 0. Adds up";
            let text = format!("{text}{}.", if alone.is_empty() { "" } else { " within one currency" });
            let sourced = made("sourced_amount", ty, text, &[&p.amount, &p.channel]).not_null();
            columns.push(if alone.is_empty() { sourced } else { sourced.adds_up_within(&alone) });
            let text = format!(
                "The opportunity's whole amount where the channel had any touch in it, else 0. {not_additive}."
            );
            let from = [&p.amount, &p.channel];
            columns.push(made("influenced_amount", ty, text, &from).not_null().adds_up_within(&together));
        }
        Contract {
            table: self.scope.model.with_suffix(PIPELINE),
            role: Role::Companion,
            description: "Sourced and influenced pipeline: two facts by opportunity and channel, of which only the first adds up.".to_string(),
            grain: names(&["conversion_id", "channel"]),
            columns,
            methodology: self.pipeline_methodology(),
        }
    }

    fn pipeline_methodology(&self) -> Methodology {
        let direct: Vec<String> = self.resolved.direct.iter().map(|channel| format!("`{channel}`")).collect();
        let within = match self.spec.lookback.as_ref().map(|lookback| lookback.value.within) {
            None => "the 90 days before it was created".to_string(),
            Some(Some(within)) => format!("the {within} before it was created"),
            Some(None) => "all time before it was created".to_string(),
        };
        Methodology {
            summary: vec![
                format!("An opportunity is sourced by the channel of its first touch in {within}, if that is a marketing touch."),
                format!("It is influenced by every channel with a marketing touch in {within}, or from then until it converted."),
                match direct.as_slice() {
                    [] => "Every touch is a marketing touch.".to_string(),
                    direct => {
                        format!("Touches of {} are no marketing touches: they source and influence nothing.", direct.join(" or "))
                    }
                },
            ],
            assumptions: vec!["Whatever is sourced by a channel is influenced by it too.".to_string()],
            limits: vec![
                "Influenced amounts of several channels must never be added up: an opportunity that three channels touched would count three times.".to_string(),
            ],
        }
    }
}
