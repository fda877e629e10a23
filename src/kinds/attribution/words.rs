//! Sentences about a model, for the dictionary.

use super::model_spec::Repeats;
use super::models::{Learns, Model};
use super::resolve::{Joining, Resolved};
use super::spec::{Attribution, Layout, NullAmount};
use super::weights::{Absent, Among, Position, Rule, Slot};
use crate::contract::Methodology;
use crate::kinds::Scope;

/// What the ledger is.
pub(super) fn ledger(layout: Layout) -> &'static str {
    match layout {
        Layout::Long => "One row for each conversion, touch and model that gives the touch a share.",
        Layout::Wide => "One row for each conversion and touch, with a share for each model.",
    }
}

/// Which touches a conversion looks back on.
pub(super) fn reach(spec: &Attribution) -> String {
    let lookback = spec.lookback.as_ref().map(|lookback| lookback.value);
    let within = match lookback {
        None => "those of the 90 days before the conversion, its own instant included".to_string(),
        Some(lookback) => match lookback.within {
            Some(within) => format!("those of the {within} before the conversion, its own instant included"),
            None => "all before the conversion, its own instant included".to_string(),
        },
    };
    match lookback.and_then(|lookback| lookback.touches) {
        Some(most) => format!("{within}, the newest {most} at most"),
        None => within,
    }
}

/// A share in percent.
pub(super) fn percent(share: u64) -> String {
    super::model_spec::Percent(u32::try_from(share).unwrap_or(u32::MAX)).to_string()
}

fn place(slot: Slot, resolved: &Resolved) -> String {
    match slot {
        Slot::First => "the first touch".to_string(),
        Slot::Second => "the second".to_string(),
        Slot::SecondLast => "the last but one".to_string(),
        Slot::Last => "the last touch".to_string(),
        Slot::Milestone(which) => {
            let name = resolved.milestones.get(which).map_or("", |milestone| milestone.name.as_str());
            format!("the last touch at or before `{name}`")
        }
    }
}

fn position(position: &Position, resolved: &Resolved) -> String {
    let mut parts: Vec<String> = position
        .slots
        .iter()
        .map(|(slot, share)| format!("{} to {}", percent(*share), place(*slot, resolved)))
        .collect();
    if position.others > 0 {
        let who = match position.among {
            Among::All => "all others",
            Among::Between => "those between",
        };
        parts.push(format!("{} shared by {who}", percent(position.others)));
    }
    let absent = match position.absent {
        Absent::Renormalise => "shares that nobody holds enlarge the rest in proportion",
        Absent::Evenly => "shares that nobody holds go to all touches equally",
    };
    format!("{}; {absent}", parts.join(", "))
}

/// A model by name, with what it does.
pub(super) fn model(model: &Model, resolved: &Resolved) -> String {
    let what = match (&model.rule, model.learns) {
        (_, Some(Learns::Markov(chain))) => format!(
            "by the removal effects of a Markov chain of order {} over the channels of all journeys{}, each conversion's \
             credit shared by its own channels in proportion to their effects and by a channel's touches equally",
            chain.order,
            if chain.repeats == Repeats::Keep { ", repeats of a channel counted as steps" } else { "" }
        ),
        (_, Some(Learns::ShapleyConversions { .. })) => {
            "by Shapley values of conversions: equally by the journey's channels, and by a channel's touches equally".to_string()
        }
        (_, Some(Learns::ShapleyRate { .. })) => {
            "by Shapley values of the conversion rate over all journeys, those below 0 counting as 0, each conversion's credit \
             shared by its own channels in proportion to them and by a channel's touches equally"
                .to_string()
        }
        (Rule::First, _) => "all to the first touch".to_string(),
        (Rule::Last, _) => "all to the last touch".to_string(),
        (Rule::LastNonDirect, _) if resolved.direct.is_empty() => "all to the last touch, as no channel is direct".to_string(),
        (Rule::LastNonDirect, _) => {
            let direct: Vec<String> = resolved.direct.iter().map(|channel| format!("`{channel}`")).collect();
            format!("all to the last touch whose channel is not {}, to the last of all where every one is", direct.join(" or "))
        }
        (Rule::Linear, _) => "the same to every touch".to_string(),
        (Rule::Participation, _) => {
            "the whole conversion to every channel of the journey, at its first touch; NOT ADDITIVE across channels"
                .to_string()
        }
        (Rule::TimeDecay(_), _) => {
            let half = model.written.split("half-life ").nth(1).unwrap_or("7 days");
            format!("the later the more, with a half-life of {half} before the conversion")
        }
        (Rule::Position(shares), _) => position(shares, resolved),
        (Rule::ByChannel(_), None) => "by channel".to_string(),
    };
    format!("`{}` ({what})", model.name)
}

/// How the ledger comes about.
pub(super) fn methodology(spec: &Attribution, resolved: &Resolved, scope: &Scope<'_>) -> Methodology {
    let mut summary = vec![
        who(spec, resolved),
        format!(
            "A conversion's journey are its touches: {}, in order of their instants, then of {}their ids.",
            reach(spec),
            if resolved.touches.priority.is_some() { "priority, then of " } else { "" }
        ),
    ];
    if let Some(gap) = &spec.session_gap {
        let what = if resolved.touches.campaign.is_some() { "campaign" } else { "channel" };
        summary.push(format!(
            "Of these, touches of one person and {what} with less than {} from one to the next are one session and count as its first touch.",
            gap.value
        ));
    }
    summary.extend(resolved.models.iter().map(|m| format!("Model {}.", model(m, resolved))));
    summary.push(
        "Shares are exact fractions. Weights and amounts are rounded once, by largest remainder: each share is rounded down, \
         and the units left over go one each to the largest remainders, the earlier touch first among equals. So the shares \
         of every conversion add up to exactly 1, and its amounts to exactly its amount. A negative amount is shared like the \
         positive one with the sign restored."
            .to_string(),
    );
    summary.push(
        "A conversion without a touch in reach stands in a row of its own with the channel `(unattributed)`."
            .to_string(),
    );
    Methodology { summary, assumptions: assumptions(spec, resolved, scope), limits: limits(resolved) }
}

fn who(spec: &Attribution, resolved: &Resolved) -> String {
    let (touches, conversions) = (&spec.touches.from, &spec.conversions.from);
    let whose = match resolved.joining {
        Joining::Direct => "the touches of whoever converted".to_string(),
        Joining::Account => "the touches of all people of the account that converted".to_string(),
        Joining::Roles => "the touches of the people with a role in the conversion".to_string(),
        Joining::Hybrid => {
            "the touches of the people with a role in the conversion or, where nobody has one, of all people of its account".to_string()
        }
    };
    format!("The credit of each conversion of `{conversions}` is shared by {whose}, taken from `{touches}`.")
}

fn assumptions(spec: &Attribution, resolved: &Resolved, scope: &Scope<'_>) -> Vec<String> {
    let mut said = vec![format!(
        "Instants are UTC; a date means its last instant in {zone} for a conversion{milestone} and its first for a touch.",
        zone = scope.settings.reporting_timezone,
        milestone = if resolved.milestones.is_empty() { "" } else { " or a milestone" },
    )];
    said.push("Of several rows with the same conversion id the latest counts: a deal that was reopened counts when it closed last.".to_string());
    said.push("Of several rows with the same touch id the earliest in reach of the conversion counts.".to_string());
    if resolved.scale.is_some() {
        said.push("Amounts are shared in the smallest unit of their currency, and amounts of different currencies are never added up.".to_string());
        if spec.conversions.null_amount == NullAmount::Zero {
            said.push("A conversion without an amount counts with an amount of 0.".to_string());
        }
    }
    if !resolved.touches.exclude.is_empty() {
        let names: Vec<String> = resolved.touches.exclude.iter().map(|(name, _)| format!("`{name}`")).collect();
        said.push(format!("Touches that are {} do not count.", names.join(" or ")));
    }
    for milestone in &resolved.milestones {
        said.push(format!("The touch of the milestone `{}` is the last one at or before it.", milestone.name));
    }
    said
}

/// Where shares do not add up.
pub(super) fn but(resolved: &Resolved) -> String {
    overlapping(resolved).map_or_else(String::new, |models| {
        format!(", except under {models}, which gives every channel all of it and is NOT ADDITIVE across channels")
    })
}

/// Where there is no total.
pub(super) fn without_total(resolved: &Resolved) -> String {
    overlapping(resolved).map_or_else(String::new, |models| format!("; NULL under {models}, which does not add up"))
}

/// Which models are not reconciled.
pub(super) fn but_not_here(resolved: &Resolved) -> String {
    overlapping(resolved).map_or_else(String::new, |models| format!("; {models} does not add up and is left out"))
}

/// The models that do not add up, by name.
fn overlapping(resolved: &Resolved) -> Option<String> {
    let models = resolved.models.iter().filter(|model| !model.adds_up());
    let names: Vec<String> = models.map(|model| format!("`{}`", model.name)).collect();
    (!names.is_empty()).then(|| names.join(" and "))
}

fn limits(resolved: &Resolved) -> Vec<String> {
    let mut said = vec![
        "Credit says who was there before a conversion, not what caused it.".to_string(),
        "Touches that were not recorded get nothing, and late ones change the credit of conversions already reported."
            .to_string(),
    ];
    if let Some(models) = overlapping(resolved) {
        said.push(format!(
            "What {models} gives must never be added up over channels: a conversion with three channels would count three \
             times. The rule that shares add up, and the reconciliation, leave it out."
        ));
    }
    if resolved.learns() {
        said.push("Models that learn from data change with every journey: their credit for old conversions moves with new ones.".to_string());
    }
    said
}

/// How the comparison is to be read.
pub(super) fn comparison() -> Methodology {
    Methodology {
        summary: vec!["Weights and amounts of the ledger, added up by model and channel.".to_string()],
        assumptions: Vec::new(),
        limits: vec!["Models are different questions about the same touches; none of them is the truth, and they must not be added up.".to_string()],
    }
}

/// How the reconciliation is to be read.
pub(super) fn reconciliation() -> Methodology {
    Methodology {
        summary: vec![
            "The left side is read from the source again, not from the ledger. A run in which any difference is not 0 is refused."
                .to_string(),
        ],
        ..Methodology::default()
    }
}
