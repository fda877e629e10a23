//! Touches and conversions as one sorted stream: who meets whom, and in which order the walk sees them.
//!
//! ```text
//! direct, account   entity = who converted     touches of all its people, each once
//! roles, hybrid     entity = the conversion    touches of its people within its lookback, once for each
//! ```
//!
//! An opportunity's people differ from those of the next, so its touches are copied to it and the walk
//! goes conversion by conversion; where all conversions of an entity look at the same touches, the walk
//! goes entity by entity and the touches pass once, whatever the number of conversions.

use datafusion::common::{Column, JoinType};
use datafusion::functions_aggregate::expr_fn::{count, min};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, ident, lit};

use super::inputs::{
    as_touches, eligible_touches, named, null, pairs, planned, through_crosswalk, touch_columns, touches_to_meet,
    usable_conversions, usable_touches,
};
use super::milestones::{MilestoneFrom, Owner, Reached};
use super::resolve::{Joining, Resolved};
use crate::contract::ColumnType;
use crate::engine::entity::WalkOrder;
use crate::engine::numbered::{NTH, numbered};
use crate::error::{Error, Result};
use crate::kinds::Scope;
use crate::kinds::typing::{instant_type, view_type};

/// Which conversions and touches a stream holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Journeys {
    /// What the ledger needs: conversions, and touches of those that have any.
    Converting,
    /// Journeys without a conversion as well.
    All,
}

fn on(left: &str, right: &str) -> (Vec<Column>, Vec<Column>) {
    (vec![Column::from_name(left)], vec![Column::from_name(right)])
}

/// The stream that a walk reads, not sorted yet.
pub(super) fn stream(resolved: &Resolved, journeys: Journeys, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let conversions = conversions(resolved, journeys, scope)?;
    let touches = match resolved.joining {
        Joining::Direct | Joining::Account => touches_of_entities(resolved, journeys, scope)?,
        Joining::Roles | Joining::Hybrid => touches_of_conversions(resolved, journeys, scope)?,
    };
    let touches = each_once(resolved, touches)?;
    let columns = columns(resolved);
    let touches = planned(touches.project(side(&columns, &of_touches(resolved), false)?))?;
    let of_conversions: Vec<String> = conversions.schema().fields().iter().map(|field| field.name().clone()).collect();
    let conversions = planned(conversions.project(side(&columns, &of_conversions, true)?))?;
    planned(touches.union(planned(conversions.build())?).and_then(LogicalPlanBuilder::build))
}

/// Each touch of an entity by its earliest row alone, where conversions look back on all time.
///
/// Where they do not, the walk sees to it: the earliest row in reach of a conversion may be a later one.
/// Rows in: touches with their `entity`. Rows out: one for each entity and touch id.
fn each_once(resolved: &Resolved, touches: LogicalPlanBuilder) -> Result<LogicalPlanBuilder> {
    if resolved.reach.micros.is_some() {
        return Ok(touches);
    }
    let mut kept = touch_columns(resolved);
    kept.push("entity".to_string());
    let rows = numbered(touches, &["entity", "touch_id"], touch_order(resolved))?;
    planned(rows.filter(ident(NTH).eq(lit(1u64))).and_then(|rows| rows.project(named(&kept))))
}

/// The order of touches; beyond the id it only tells rows of one touch apart that say different things.
fn touch_order(resolved: &Resolved) -> Vec<String> {
    let spec = &resolved.touches;
    let mut order = vec!["at".to_string()];
    order.extend(spec.priority.as_ref().map(|_| "priority".to_string()));
    order.extend(["touch_id".to_string(), "channel".to_string()]);
    order.extend(spec.campaign.as_ref().map(|_| "campaign".to_string()));
    order.extend(spec.keep.iter().map(|kept| format!("t_{}", kept.name)));
    order
}

/// The order that the walk wants.
pub(super) fn order(resolved: &Resolved) -> WalkOrder {
    let mut order = touch_order(resolved);
    order.insert(1, "is_conversion".to_string());
    order.push("conversion_id".to_string());
    WalkOrder { entity: vec!["entity".to_string()], order }
}

/// The stream's columns with their types; each side fills in its own.
fn columns(resolved: &Resolved) -> Vec<(String, arrow::datatypes::DataType)> {
    use ::arrow::datatypes::DataType;
    let promises = &resolved.promises;
    let text = view_type(ColumnType::Text);
    let entity = match resolved.joining {
        Joining::Direct | Joining::Account => promises.account.arrow(),
        Joining::Roles | Joining::Hybrid => promises.conversion.arrow(),
    };
    let mut columns = vec![("entity".to_string(), entity), ("at".to_string(), instant_type())];
    let mut add = |name: &str, ty: DataType| columns.push((name.to_string(), ty));
    add("is_conversion", DataType::Boolean);
    add("conversion_id", promises.conversion.arrow());
    for name in touch_columns(resolved) {
        match name.as_str() {
            "at" => {}
            "touch_id" => add("touch_id", promises.touch.arrow()),
            "person" => add("person", promises.person.arrow()),
            "direct" => add("direct", DataType::Boolean),
            "priority" => add("priority", DataType::Int64),
            "channel" | "campaign" | "session" => add(&name, text.clone()),
            _ => {}
        }
    }
    for kept in &resolved.touches.keep {
        add(&format!("t_{}", kept.name), view_type(kept.ty));
    }
    if resolved.conversions.entity.is_some() {
        add("account", promises.account.arrow());
    }
    if let Some(scale) = resolved.scale {
        add("amount", DataType::Decimal128(super::emit::PRECISION, scale));
        add("currency", text);
    }
    if resolved.conversions.converted.is_some() {
        add("converted", DataType::Boolean);
    }
    for which in 0..resolved.milestones.len() {
        add(&format!("m{which}"), instant_type());
    }
    for kept in &resolved.conversions.keep {
        add(&format!("c_{}", kept.name), view_type(kept.ty));
    }
    columns
}

fn of_touches(resolved: &Resolved) -> Vec<String> {
    let mut names = touch_columns(resolved);
    names.push("entity".to_string());
    names
}

fn side(columns: &[(String, ::arrow::datatypes::DataType)], has: &[String], is_conversion: bool) -> Result<Vec<Expr>> {
    let column = |(name, ty): &(String, ::arrow::datatypes::DataType)| -> Result<Expr> {
        Ok(match name.as_str() {
            "is_conversion" => lit(is_conversion).alias("is_conversion"),
            "direct" if is_conversion => lit(false).alias("direct"),
            name if has.iter().any(|known| known == name) => cast(ident(name), ty.clone()).alias(name),
            name => null(ty)?.alias(name),
        })
    };
    columns.iter().map(column).collect()
}

/// The conversions of the stream, with all milestones and their `entity`.
pub(super) fn conversions(resolved: &Resolved, journeys: Journeys, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let mut rows = wanted(resolved, journeys, scope)?;
    for (which, milestone) in resolved.milestones.iter().enumerate() {
        if let MilestoneFrom::Table(reached) = &milestone.from {
            rows = with_milestone(resolved, rows, &format!("m{which}"), reached, scope)?;
        }
    }
    let entity = match resolved.joining {
        Joining::Direct | Joining::Account => "account",
        Joining::Roles | Joining::Hybrid => "conversion_id",
    };
    let mut columns: Vec<Expr> = rows.schema().fields().iter().map(|field| ident(field.name().as_str())).collect();
    columns.push(ident(entity).alias("entity"));
    planned(rows.project(columns))
}

fn wanted(resolved: &Resolved, journeys: Journeys, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let rows = usable_conversions(resolved, scope)?;
    let rows = match resolved.joining {
        // Who converted is a person's record there.
        Joining::Direct => through_crosswalk(resolved, rows, "account", scope)?,
        _ => rows,
    };
    if resolved.conversions.converted.is_some() && journeys == Journeys::Converting {
        return planned(rows.filter(ident("converted")));
    }
    Ok(rows)
}

/// The earliest instant of each owner, joined to the conversions as `name`.
///
/// Rows in: conversions. Rows out: as many.
fn with_milestone(
    resolved: &Resolved,
    rows: LogicalPlanBuilder,
    name: &str,
    reached: &Reached,
    scope: &Scope<'_>,
) -> Result<LogicalPlanBuilder> {
    let promises = &resolved.promises;
    let key_type = match reached.owner {
        Owner::Person => promises.person.arrow(),
        Owner::Entity => promises.account.arrow(),
        Owner::Conversion => promises.conversion.arrow(),
    };
    let known = scope.frames.scan(&reached.table)?;
    let known = match &reached.filter {
        Some(filter) => planned(known.filter(filter.clone()))?,
        None => known,
    };
    let known = planned(
        known.project([cast(reached.key.clone(), key_type).alias("owner"), reached.at.clone().alias("reached_at")]),
    )?;
    let known = planned(known.filter(ident("owner").is_not_null().and(ident("reached_at").is_not_null())))?;
    let known = match (reached.owner, resolved.joining) {
        // Who converts is a person there.
        (Owner::Person, _) | (Owner::Entity, Joining::Direct) => through_crosswalk(resolved, known, "owner", scope)?,
        _ => known,
    };
    let (known, here) = match (reached.owner, resolved.joining) {
        (Owner::Conversion, _) => (known, "conversion_id"),
        (Owner::Entity, _) | (Owner::Person, Joining::Direct) => (known, "account"),
        (Owner::Person, Joining::Account) => {
            let people = people(resolved, scope)?;
            let known = planned(known.join(planned(people.build())?, JoinType::Inner, on("owner", "of_person"), None))?;
            (planned(known.project([ident("of_account").alias("owner"), ident("reached_at")]))?, "account")
        }
        (Owner::Person, _) => {
            let ids = planned(rows.clone().project([ident("conversion_id")]))?;
            let (roles, known) = (participants_of(resolved, ids, scope)?, planned(known.build())?);
            let known = planned(roles.join(known, JoinType::Inner, on("of_person", "owner"), None))?;
            (planned(known.project([ident("of_conversion").alias("owner"), ident("reached_at")]))?, "conversion_id")
        }
    };
    let known = planned(known.aggregate([ident("owner")], [min(ident("reached_at")).alias(name)]))?;
    let mut kept: Vec<Expr> = rows.schema().fields().iter().map(|field| ident(field.name().as_str())).collect();
    kept.push(ident(name));
    let rows = planned(rows.join(planned(known.build())?, JoinType::Left, on(here, "owner"), None))?;
    planned(rows.project(kept))
}

/// People with their accounts, as `of_person` and `of_account`.
pub(super) fn people(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let pair =
        resolved.people.as_ref().ok_or_else(|| Error::internal("people of an account without a table of them"))?;
    let promises = &resolved.promises;
    pairs(resolved, pair, ("of_person", &promises.person), ("of_account", &promises.account), "of_person", scope)
}

/// Conversions with the people who count for them, each once, as `of_conversion` and `of_person`.
///
/// With hybrid roles a conversion that nobody has a role in has the people of its account.
pub(super) fn participants(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let pair = resolved.roles.as_ref().ok_or_else(|| Error::internal("roles without a table of them"))?;
    let promises = &resolved.promises;
    let (conversion, person) = (("of_conversion", &promises.conversion), ("of_person", &promises.person));
    let roles = pairs(resolved, pair, conversion, person, "of_person", scope)?;
    if resolved.joining != Joining::Hybrid {
        return Ok(roles);
    }
    let all = usable_conversions(resolved, scope)?;
    let with_roles = planned(roles.clone().project([ident("of_conversion").alias("known")]))?;
    let lonely =
        planned(all.join(planned(with_roles.build())?, JoinType::LeftAnti, on("conversion_id", "known"), None))?;
    let people = planned(people(resolved, scope)?.build())?;
    let lonely = planned(lonely.join(people, JoinType::Inner, on("account", "of_account"), None))?;
    let lonely = planned(lonely.project([ident("conversion_id").alias("of_conversion"), ident("of_person")]))?;
    planned(roles.union(planned(lonely.build())?))
}

/// Conversions with `met`, NULL where they are of no person: a role in them, or a person of their account.
///
/// Rows in: judged conversions. Rows out: as many. Where touches and conversions name the same entity, it is there.
pub(super) fn with_people(
    resolved: &Resolved,
    rows: LogicalPlanBuilder,
    scope: &Scope<'_>,
) -> Result<LogicalPlanBuilder> {
    let mut kept: Vec<Expr> = rows.schema().fields().iter().map(|field| ident(field.name().as_str())).collect();
    let (known, here) = match resolved.joining {
        Joining::Direct => {
            kept.push(lit(true).alias("met"));
            return planned(rows.project(kept));
        }
        Joining::Account => (planned(people(resolved, scope)?.project([ident("of_account").alias("who")]))?, "account"),
        Joining::Roles | Joining::Hybrid => {
            let ids = [ident("of_conversion").alias("who")];
            (planned(participants(resolved, scope)?.project(ids))?, "conversion_id")
        }
    };
    let known = planned(known.distinct().and_then(|known| known.project([ident("who"), lit(true).alias("met")])))?;
    let rows = planned(rows.join(planned(known.build())?, JoinType::Left, on(here, "who"), None))?;
    kept.push(ident("met"));
    planned(rows.project(kept))
}

/// How many rows of touches of whoever converted came before the time looked back on, as `touches`: counted
/// once for each conversion, by the columns `by` of conversions.
pub(super) fn before_lookback(resolved: &Resolved, by: &[&str], scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let rows = wanted(resolved, Journeys::Converting, scope)?;
    let (rows, micros) = match resolved.reach.micros {
        Some(micros) => (rows, micros),
        // Nothing is before all time.
        None => (planned(rows.filter(lit(false)))?, 0),
    };
    let (rows, person) = match resolved.joining {
        Joining::Direct => (rows, "account"),
        Joining::Account => {
            let people = planned(people(resolved, scope)?.build())?;
            (planned(rows.join(people, JoinType::Inner, on("account", "of_account"), None))?, "of_person")
        }
        Joining::Roles | Joining::Hybrid => (participants_of(resolved, rows, scope)?, "of_person"),
    };
    let mut kept = vec![ident(person).alias("who"), (ident("at") - span(micros)).alias(SINCE)];
    kept.extend(by.iter().map(|name| cast(ident(*name), ::arrow::datatypes::DataType::Utf8).alias(*name)));
    let rows = planned(rows.project(kept))?;
    let touches = planned(touches_to_meet(resolved, scope)?.project([ident("person"), ident("at")]))?;
    let early = ident("at").lt(ident(SINCE));
    let rows = planned(rows.join(planned(touches.build())?, JoinType::Inner, on("who", "person"), Some(early)))?;
    planned(rows.aggregate(named(by), [count(lit(1i64)).alias("touches")]))
}

/// The participants of some conversions, with the columns of both.
fn participants_of(
    resolved: &Resolved,
    conversions: LogicalPlanBuilder,
    scope: &Scope<'_>,
) -> Result<LogicalPlanBuilder> {
    let people = planned(participants(resolved, scope)?.build())?;
    planned(conversions.join(people, JoinType::Inner, on("conversion_id", "of_conversion"), None))
}

/// The touches of whole entities; with [`Journeys::Converting`] only of those that have a conversion.
fn touches_of_entities(resolved: &Resolved, journeys: Journeys, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let touches = usable_touches(resolved, scope)?;
    let names = touch_columns(resolved);
    let mut columns = named(&names);
    let touches = if resolved.joining == Joining::Account {
        columns.push(ident("of_account").alias("entity"));
        let people = people(resolved, scope)?;
        let touches = planned(touches.build())?;
        planned(
            people.join(touches, JoinType::Inner, on("of_person", "person"), None).and_then(|t| t.project(columns)),
        )?
    } else {
        columns.push(ident("person").alias("entity"));
        planned(touches.project(columns))?
    };
    if journeys == Journeys::All {
        return Ok(touches);
    }
    let converting = wanted(resolved, journeys, scope)?;
    let converting =
        planned(converting.project([ident("account").alias("who")]).and_then(LogicalPlanBuilder::distinct))?;
    planned(converting.join(planned(touches.build())?, JoinType::RightSemi, on("who", "entity"), None))
}

/// The touches of each conversion's people that it can reach, once for each conversion.
///
/// Few of all touches belong to anybody with a role, so everything but the person and the instant is
/// worked out only after they have met. A crosswalk must come first: it says who the person is.
fn touches_of_conversions(resolved: &Resolved, journeys: Journeys, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
    let spec = &resolved.touches;
    let early = resolved.crosswalk.is_some() || spec.entity.column_refs().is_empty();
    let at = if early { ident("at") } else { spec.at.clone() };
    let conversions = wanted(resolved, journeys, scope)?;
    let until = planned(conversions.project([ident("conversion_id"), ident("at").alias(UNTIL)]))?;
    let targets = participants_of(resolved, until, scope)?;
    let mut bounds = vec![ident("of_conversion").alias(CONVERSION), ident("of_person").alias(PERSON), ident(UNTIL)];
    let mut within = at.clone().lt_eq(ident(UNTIL));
    if let Some(micros) = resolved.reach.micros {
        bounds.push((ident(UNTIL) - span(micros)).alias(SINCE));
        within = within.and(at.gt_eq(ident(SINCE)));
    }
    let targets = planned(targets.project(bounds))?;
    let rows = if early {
        let touches = planned(touches_to_meet(resolved, scope)?.build())?;
        planned(targets.join(touches, JoinType::Inner, on(PERSON, "person"), Some(within)))?
    } else {
        let touches = planned(eligible_touches(resolved, scope)?.build())?;
        let person = cast(spec.entity.clone(), resolved.promises.person.arrow());
        let keys = (vec![ident(PERSON)], vec![person]);
        let rows = planned(targets.join_with_expr_keys(touches, JoinType::Inner, keys, Some(within)))?;
        as_touches(resolved, rows, &[CONVERSION], scope)?
    };
    let names = touch_columns(resolved);
    let mut columns = named(&names);
    columns.push(ident(CONVERSION).alias("entity"));
    planned(rows.project(columns))
}

// Names beside those of the touches' own table, which no column of an extract is likely to have.
const CONVERSION: &str = "__conversion";
const PERSON: &str = "__person";
const UNTIL: &str = "__until";
const SINCE: &str = "__since";

/// A length of time to be taken from an instant.
pub(super) fn span(micros: i64) -> Expr {
    lit(datafusion::common::ScalarValue::DurationMicrosecond(Some(micros)))
}
