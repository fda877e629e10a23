//! The table of what data-driven models learned, which is also what their credit is shared by.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::functions_aggregate::expr_fn::sum;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, cast, ident, lit, when};

use super::data_driven::{Counting, EXACT_CHANNELS, ORDERS, Solving};
use super::describe::{EFFECTS, Writer, names};
use super::inputs::{named, planned};
use super::journeys::{Journeys, order, stream};
use super::models::Learns;
use super::operator::JourneyWalk;
use super::resolve::{Joining, Resolved};
use super::spec::Attribution;
use crate::contract::{ColumnType, Contract, Methodology, Role};
use crate::engine::entity::{WalkOrder, walk};
use crate::error::Result;
use crate::kinds::Scope;
use crate::kinds::typing::made;

/// Rows in: all journeys. Rows out: one for each data-driven model and channel, and one for each place of
/// it where a model writes them.
pub(super) fn effects(spec: &Attribution, resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let rows = stream(resolved, Journeys::All, scope)?;
    let own = matches!(resolved.joining, Joining::Direct | Joining::Account);
    let counting =
        Counting { walk: journey_walk(spec, resolved), trailing: own && resolved.conversions.converted.is_none() };
    let counts = LogicalPlanBuilder::from(walk(rows, order(resolved), Arc::new(counting))?);
    // Each partition counts for itself. The counts of a place are parts of a touch, and belong to its key.
    let keys = named(&["model", "kind", "state", "next"]);
    let is_place = || ident("kind").eq(lit("place"));
    let parts = planned(when(is_place(), ident("hits")).otherwise(lit(0i64)))?;
    let mut groups = keys.clone();
    groups.push(parts.alias("parts"));
    let counts = planned(counts.aggregate(groups, [sum(ident("hits")).alias("h"), sum(ident("total")).alias("t")]))?;
    let hits = planned(when(is_place(), ident("parts")).otherwise(ident("h")))?;
    let mut columns = keys;
    let number = DataType::Int64;
    columns.push(cast(hits, number.clone()).alias("hits"));
    columns.push(cast(ident("t"), number).alias("total"));
    let counts = planned(counts.project(columns).and_then(LogicalPlanBuilder::build))?;
    let order = ["kind", "state", "next", "hits"].map(str::to_string).to_vec();
    let models = resolved.models.clone();
    walk(counts, WalkOrder { entity: vec!["model".to_string()], order }, Arc::new(Solving { models }))
}

/// The walk that shares credit, and whose view of journeys the counting shares.
pub(super) fn journey_walk(spec: &Attribution, resolved: &Resolved) -> JourneyWalk {
    JourneyWalk {
        shape: Arc::new(resolved.shape(spec)),
        models: resolved.models.clone(),
        reach: resolved.reach,
        milestones: resolved.milestones.len(),
        judged: resolved.conversions.converted.is_some(),
    }
}

impl Writer<'_> {
    /// The promise of [`effects`].
    pub(super) fn effects(&self) -> Contract {
        let p = &self.resolved.promises;
        let from = [&p.channel, &p.touched_at, &p.converted_at];
        let effect = "For a Markov chain, the part of all conversions that would be lost without the channel; for Shapley \
                      values, the channel's value, which may be below 0 where a rate is shared.";
        let below = "Whether the effect is below 0, so that the channel counts as 0 where credit is shared and the effects of the \
                     others are enlarged in proportion.";
        let units = "The effect as credit is shared by it: its part in all effects above 0, in 2^36 parts, rounded once; NULL \
                     in rows by place.";
        let credits = "Conversions that the model gives the channel as a whole. Shared conversion by conversion, as in the \
                       ledger, a Markov chain and a rate give sums that differ from it; values of conversions do not.";
        let journeys = "How many journeys the model learned from, the same in all its rows.";
        let columns = vec![
            made("model", ColumnType::Text, "The model.", &[]).not_null(),
            made("channel", ColumnType::Text, "The channel.", &[&p.channel]).not_null(),
            made(
                "place",
                ColumnType::Int,
                "The place in the journey, from 1, that the row is about; NULL for all places.",
                &from,
            ),
            made("effect", ColumnType::Double, effect, &from).not_null().never_adds_up(),
            made("is_below_zero", ColumnType::Boolean, below, &from).not_null(),
            made("effect_units", ColumnType::BigInt, units, &from),
            made("credits", ColumnType::Double, credits, &from).not_null().adds_up_within(&["model", "place"]),
            made("journeys", ColumnType::BigInt, journeys, &from).not_null().never_adds_up(),
        ];
        Contract {
            table: self.scope.model.with_suffix(EFFECTS),
            role: Role::Companion,
            description: "What the models that learn from data found out about the channels.".to_string(),
            grain: names(&["model", "channel", "place"]),
            columns,
            methodology: Methodology {
                summary: vec![
                    "All journeys are counted, those without a conversion too; journeys without a touch tell nothing."
                        .to_string(),
                    "Rows with a `place` split the channel's credit by where in the journey its touches stood."
                        .to_string(),
                ],
                assumptions: vec![
                    "Repeats of a channel one after the other count as one step of a chain, unless it keeps them."
                        .to_string(),
                ],
                limits: self.effect_limits(),
            },
        }
    }

    fn effect_limits(&self) -> Vec<String> {
        let mut limits = vec!["An effect is a matter of association: it does not say what would happen if the channel were really switched off.".to_string()];
        if self.resolved.models.iter().any(|model| matches!(model.learns, Some(Learns::ShapleyRate { .. }))) {
            limits.push(format!(
                "Shapley values of the rate are exact for up to {EXACT_CHANNELS} channels. For more they are means over {ORDERS} orders \
                 of the channels, always the same ones, drawn at random: a value by itself is then within 0.0231 of the exact one \
                 with a probability of at least 99 %, and all values of up to 100 channels at once within 0.0315."
            ));
        }
        limits
    }
}
