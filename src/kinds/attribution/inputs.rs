//! The rows that a model reads, judged: conversions and touches, usable or not.
//!
//! ```text
//! conversions   scan → where → the latest row of each id → usable │ reason
//! touches       scan → where → not excluded, known by id, instant and entity
//! ```

use arrow::datatypes::DataType;
use datafusion::common::{Column, DataFusionError, JoinType, ScalarValue};
use datafusion::functions::core::expr_fn::{coalesce, nullif};
use datafusion::functions::string::expr_fn::{btrim, concat, upper};
use datafusion::functions_aggregate::expr_fn::min;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, Operator, binary_expr, cast, ident, lit, when};

use super::emit::PRECISION;
use super::milestones::MilestoneFrom;
use super::resolve::{Joining, Pair, Resolved};
use super::spec::{Anonymous, NullAmount};
use crate::engine::kept::kept;
use crate::engine::numbered::{NTH, numbered};
use crate::error::{Error, Result};
use crate::kinds::Scope;
use crate::kinds::typing::Promise;

/// Reasons for which a conversion is not used, with their words for the rejects.
pub(super) const CONVERSION_REASONS: [(&str, &str); 7] = [
    ("null_id", "it has no id"),
    ("null_time", "it has no instant"),
    ("null_entity", "nobody knows who converted"),
    (
        "superseded",
        "a later row with the same id counts, as of a deal that was reopened; the detail is this row's instant",
    ),
    ("null_amount", "it has no amount to share"),
    ("amount_too_large", "its amount has more than 18 digits"),
    ("unknown_currency", "its currency is not three letters"),
];

/// Reasons for which a touch is not used.
pub(super) const TOUCH_REASONS: [(&str, &str); 3] = [
    ("null_touch_id", "the touch has no id"),
    ("null_touch_time", "the touch has no instant"),
    ("anonymous", "nobody knows whose touch it is"),
];

/// The channel of touches without one.
pub(super) const NO_CHANNEL_NAME: &str = "(none)";

/// A plan that does not build is a bug: everything was typed before.
pub(super) fn planned<T>(built: std::result::Result<T, DataFusionError>) -> Result<T> {
    built.map_err(|error| Error::internal("an attribution could not be planned").with_source(error))
}

/// NULL of a type.
pub(super) fn null(data_type: &DataType) -> Result<Expr> {
    Ok(lit(planned(ScalarValue::try_from(data_type))?))
}

/// A text of the type that plans use.
pub(super) fn word(text: &str) -> Expr {
    lit(ScalarValue::Utf8View(Some(text.to_string())))
}

/// Whether a condition is true, and not merely not false.
///
/// The engine's own `IS TRUE` is not used: its logical and its physical form disagree about NULL, which
/// refuses plans in which the condition stands twice.
pub(super) fn holds(condition: Expr) -> Expr {
    coalesce(vec![condition, lit(false)])
}

/// Columns as they are named.
pub(super) fn named<S: AsRef<str>>(names: &[S]) -> Vec<Expr> {
    names.iter().map(|name| ident(name.as_ref())).collect()
}

fn scan(table: &crate::syntax::TableName, filter: Option<&Expr>, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let rows = scope.frames.scan(table)?;
    match filter {
        Some(filter) => planned(rows.filter(filter.clone())),
        None => Ok(rows),
    }
}

/// The conversions that are looked at, as their table has them.
pub(super) fn read_conversions(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    scan(&resolved.conversions.table, resolved.conversions.filter.as_ref(), scope)
}

/// The touches that are looked at, as their table has them.
pub(super) fn read_touches(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    scan(&resolved.touches.table, resolved.touches.filter.as_ref(), scope)
}

/// What sorts rows from the latest on.
const LATEST: &str = "__latest";
/// What sorts rows from the greatest amount on.
const GREATEST: &str = "__greatest";

/// Every conversion with `reason`, NULL where it is usable, and `detail`.
///
/// Rows in: those that [`read_conversions`] gives. Rows out: as many.
pub(super) fn judged_conversions(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let columns = conversion_columns(resolved, scope)?;
    let names: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
    let columns = columns.into_iter().map(|(name, expr)| expr.alias(name));
    let rows = planned(read_conversions(resolved, scope)?.project(columns))?;
    // The latest row of an id counts, then the greatest amount; whatever else differs makes the order total.
    let mut order = vec![LATEST.to_string()];
    let mut columns = named(&names);
    columns.push((lit(-1i64) - cast(ident("at"), DataType::Int64)).alias(LATEST));
    for name in names.iter().filter(|name| !["at", "conversion_id"].contains(&name.as_str())) {
        if name == "amount" {
            columns.push((-ident("amount")).alias(GREATEST));
            order.push(GREATEST.to_string());
        } else {
            order.push(name.clone());
        }
    }
    let rows = numbered(planned(rows.project(columns))?, &["conversion_id"], order)?;
    let mut kept = named(&names);
    kept.push(conversion_reason(resolved)?.alias("reason"));
    kept.push(conversion_detail(resolved)?.alias("detail"));
    planned(rows.project(kept))
}

fn conversion_columns(resolved: &Resolved, scope: &Scope<'_>) -> Result<Vec<(String, Expr)>> {
    let (spec, promises) = (&resolved.conversions, &resolved.promises);
    let mut columns = vec![
        ("conversion_id".to_string(), cast(spec.id.clone(), promises.conversion.arrow())),
        ("at".to_string(), spec.at.clone()),
    ];
    let mut add = |name: &str, expr: Expr| columns.push((name.to_string(), expr));
    if let Some(entity) = &spec.entity {
        add("account", cast(entity.clone(), promises.account.arrow()));
    }
    if let Some(created) = &spec.created {
        add("created_at", created.clone());
    }
    if let (Some(amount), Some(scale)) = (&spec.amount, resolved.scale) {
        add("amount", cast(amount.clone(), DataType::Decimal128(38, scale)));
        let default = word(&scope.settings.currency);
        add(
            "currency",
            match &spec.currency {
                Some(currency) => {
                    let clean = cast(upper(btrim(vec![currency.clone()])), DataType::Utf8View);
                    cast(coalesce(vec![nullif(clean, word("")), default]), DataType::Utf8View)
                }
                None => default,
            },
        );
    }
    if let Some(converted) = &spec.converted {
        add("converted", coalesce(vec![converted.clone(), lit(false)]));
    }
    for (which, milestone) in resolved.milestones.iter().enumerate() {
        if let MilestoneFrom::Column(at) = &milestone.from {
            add(&format!("m{which}"), at.clone());
        }
    }
    for kept in &spec.keep {
        add(&format!("c_{}", kept.name), kept.expr.clone());
    }
    Ok(columns)
}

fn conversion_reason(resolved: &Resolved) -> Result<Expr> {
    let mut reasons = when(ident("conversion_id").is_null(), word("null_id"));
    reasons.when(ident("at").is_null(), word("null_time"));
    if matches!(resolved.joining, Joining::Direct | Joining::Account) {
        reasons.when(ident("account").is_null(), word("null_entity"));
    }
    reasons.when(ident(NTH).gt(lit(1u64)), word("superseded"));
    if let Some(scale) = resolved.scale {
        if resolved.conversions.null_amount == NullAmount::Reject {
            let mut missing = ident("amount").is_null();
            if resolved.conversions.converted.is_some() {
                missing = missing.and(ident("converted"));
            }
            reasons.when(missing, word("null_amount"));
        }
        let bound = |value: i128| lit(ScalarValue::Decimal128(Some(value), 38, scale));
        let most = 10i128.pow(u32::from(PRECISION)) - 1;
        let fits = ident("amount").between(bound(-most), bound(most));
        reasons.when(!coalesce(vec![fits, lit(true)]), word("amount_too_large"));
        if resolved.conversions.currency.is_some() {
            let known = binary_expr(ident("currency"), Operator::RegexMatch, word("^[A-Z]{3}$"));
            reasons.when(!holds(known), word("unknown_currency"));
        }
    }
    planned(reasons.end())
}

fn conversion_detail(resolved: &Resolved) -> Result<Expr> {
    let text = |name: &str| cast(ident(name), DataType::Utf8);
    let mut details = when(ident(NTH).gt(lit(1u64)), text("at"));
    if resolved.scale.is_some() {
        let known = binary_expr(ident("currency"), Operator::RegexMatch, word("^[A-Z]{3}$"));
        details.when(!holds(known), text("currency"));
    }
    planned(details.end())
}

/// The usable conversions, with every milestone that they tell themselves.
pub(super) fn usable_conversions(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let names: Vec<String> = conversion_columns(resolved, scope)?.into_iter().map(|(name, _)| name).collect();
    let rows = planned(judged_conversions(resolved, scope)?.filter(ident("reason").is_null()))?;
    let columns = names.iter().map(|name| match (name.as_str(), resolved.scale) {
        // A NULL that is let through counts as nothing; all others fit eighteen digits.
        ("amount", Some(scale)) => {
            let zero = lit(ScalarValue::Decimal128(Some(0), 38, scale));
            cast(coalesce(vec![ident("amount"), zero]), DataType::Decimal128(PRECISION, scale)).alias("amount")
        }
        (name, _) => ident(name),
    });
    planned(rows.project(columns))
}

/// The names of a usable touch's columns.
pub(super) fn touch_columns(resolved: &Resolved) -> Vec<String> {
    let mut names: Vec<String> = ["touch_id", "person", "at", "channel", "direct"].map(str::to_string).to_vec();
    let spec = &resolved.touches;
    names.extend(spec.campaign.as_ref().map(|_| "campaign".to_string()));
    names.extend(spec.priority.as_ref().map(|_| "priority".to_string()));
    names.extend(resolved.reach.session_micros.map(|_| "session".to_string()));
    names.extend(spec.keep.iter().map(|kept| format!("t_{}", kept.name)));
    names
}

/// The usable touches, each with the person it counts for.
///
/// Rows in: those that [`read_touches`] gives. Rows out: those that are not excluded and have id, instant
/// and person; the crosswalk neither adds nor drops any.
pub(super) fn usable_touches(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    as_touches(resolved, known_touches(resolved, scope)?, &[], scope)
}

/// The rows of the touches' table that are usable, as the table has them.
fn known_touches(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let spec = &resolved.touches;
    let known = spec.at.clone().is_not_null().and(spec.entity.clone().is_not_null());
    planned(eligible_touches(resolved, scope)?.filter(known))
}

/// The usable touches for a join by person and instant. There may be others among them, which meet nobody there
/// because they lack either: where many touches are of nobody known, to pick them out while they are read costs
/// more than to let the join pass over them.
pub(super) fn touches_to_meet(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    // The crosswalk's join deals rows out by person: all of nobody's would fall to one thread.
    let rows = if resolved.crosswalk.is_some() { known_touches } else { eligible_touches };
    as_touches(resolved, rows(resolved, scope)?, &[], scope)
}

/// The rows of the touches' table that have an id and are not excluded.
pub(super) fn eligible_touches(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let spec = &resolved.touches;
    let mut named = spec.id.clone().is_not_null();
    for (_, excluded) in &spec.exclude {
        named = named.and(!holds(excluded.clone()));
    }
    planned(read_touches(resolved, scope)?.filter(named))
}

/// Rows of [`eligible_touches`] in the columns of [`touch_columns`], with the columns `beside` of other tables.
pub(super) fn as_touches(
    resolved: &Resolved,
    rows: LogicalPlanBuilder,
    beside: &[&str],
    scope: &Scope<'_>,
) -> Result<LogicalPlanBuilder> {
    let (spec, promises) = (&resolved.touches, &resolved.promises);
    let mut columns = vec![
        cast(spec.id.clone(), promises.touch.arrow()).alias("touch_id"),
        cast(spec.entity.clone(), promises.person.arrow()).alias("person"),
        spec.at.clone().alias("at"),
        coalesce(vec![nullif(spec.channel.clone(), word("")), word(NO_CHANNEL_NAME)]).alias("channel"),
    ];
    columns.extend(spec.campaign.clone().map(|campaign| campaign.alias("campaign")));
    columns.extend(spec.priority.clone().map(|priority| coalesce(vec![priority, lit(i64::MAX)]).alias("priority")));
    columns.extend(spec.keep.iter().map(|kept| kept.expr.clone().alias(format!("t_{}", kept.name))));
    columns.extend(named(beside));
    let rows = through_crosswalk(resolved, planned(rows.project(columns))?, "person", scope)?;
    let columns = touch_columns(resolved).into_iter().map(|name| match name.as_str() {
        "direct" => is_direct(resolved, ident("channel")).alias("direct"),
        "session" => session(spec.campaign.is_some()).alias("session"),
        name => ident(name),
    });
    planned(rows.project(columns.chain(named(beside)).collect::<Vec<_>>()))
}

/// Whether the channel is one of those that count as direct.
pub(super) fn is_direct(resolved: &Resolved, channel: Expr) -> Expr {
    let direct: Vec<Expr> = resolved.direct.iter().map(|channel| word(channel)).collect();
    // An empty list is no list to SQL.
    if direct.is_empty() { lit(false) } else { channel.in_list(direct, false) }
}

/// Person and campaign, or person and channel where no campaign is told.
fn session(has_campaign: bool) -> Expr {
    let text = |name: &str| cast(ident(name), DataType::Utf8);
    let what = if has_campaign { coalesce(vec![text("campaign"), text("channel")]) } else { text("channel") };
    cast(concat(vec![text("person"), lit("\u{1f}"), what]), DataType::Utf8View)
}

/// Replaces people's records by the ids of the crosswalk, where there is one. It stands on the left, where a join
/// keeps its rows in memory.
pub(super) fn through_crosswalk(
    resolved: &Resolved,
    rows: LogicalPlanBuilder,
    column: &str,
    scope: &Scope<'_>,
) -> Result<LogicalPlanBuilder> {
    let Some(crosswalk) = &resolved.crosswalk else { return Ok(rows) };
    let names: Vec<String> = rows.schema().fields().iter().map(|field| field.name().clone()).collect();
    let person = resolved.promises.person.arrow();
    let known = scan(&crosswalk.table, crosswalk.filter.as_ref(), scope)?;
    let known = planned(known.project([
        cast(crosswalk.left.clone(), person.clone()).alias("old_id"),
        cast(crosswalk.right.clone(), person).alias("new_id"),
    ]))?;
    let known = planned(known.filter(ident("old_id").is_not_null().and(ident("new_id").is_not_null())))?;
    let known = planned(known.aggregate([ident("old_id")], [min(ident("new_id")).alias("new_id")]))?;
    let known = kept(scope.frames, scope.model, "Crosswalk", planned(known.build())?)?;
    let on = (vec![Column::from_name("old_id")], vec![Column::from_name(column)]);
    let rows = planned(LogicalPlanBuilder::from(known).join(planned(rows.build())?, JoinType::Right, on, None))?;
    let columns = names.iter().map(|name| match name == column {
        true => coalesce(vec![ident("new_id"), ident(name.as_str())]).alias(name.as_str()),
        false => ident(name.as_str()),
    });
    planned(rows.project(columns))
}

/// The two keys of a pair under these names, each pair once and without NULLs.
pub(super) fn pairs(
    resolved: &Resolved,
    pair: &Pair,
    (left, left_type): (&str, &Promise),
    (right, right_type): (&str, &Promise),
    person: &str,
    scope: &Scope<'_>,
) -> Result<LogicalPlanBuilder> {
    let rows = planned(scan(&pair.table, pair.filter.as_ref(), scope)?.project([
        cast(pair.left.clone(), left_type.arrow()).alias(left),
        cast(pair.right.clone(), right_type.arrow()).alias(right),
    ]))?;
    let rows = planned(rows.filter(ident(left).is_not_null().and(ident(right).is_not_null())))?;
    planned(through_crosswalk(resolved, rows, person, scope)?.distinct())
}

/// Whether a touch lacks what [`touch_reason`] asks for. Said so plainly, it spares reading those parts of a
/// file of which its statistics say that nothing is lacking.
pub(super) fn lacks_something(resolved: &Resolved) -> Expr {
    let spec = &resolved.touches;
    let lacks = spec.id.clone().is_null().or(spec.at.clone().is_null());
    if spec.anonymous == Anonymous::Reject { lacks.or(spec.entity.clone().is_null()) } else { lacks }
}

/// Why a touch is not used, NULL where it is; over the rows of [`read_touches`].
pub(super) fn touch_reason(resolved: &Resolved) -> Result<Expr> {
    let spec = &resolved.touches;
    let excluded = spec.exclude.iter().map(|(_, excluded)| holds(excluded.clone()));
    let excluded = excluded.reduce(Expr::or).unwrap_or_else(|| lit(false));
    let mut reasons = when(excluded, lit(ScalarValue::Utf8View(None)));
    reasons.when(spec.id.clone().is_null(), word("null_touch_id"));
    reasons.when(spec.at.clone().is_null(), word("null_touch_time"));
    if spec.anonymous == Anonymous::Reject {
        reasons.when(spec.entity.clone().is_null(), word("anonymous"));
    }
    planned(reasons.end())
}
