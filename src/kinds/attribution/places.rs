//! Shares that can never apply, because journeys are too short for their places.

use super::models::Model;
use super::spec::Attribution;
use super::weights::{Absent, Among, Position, Rule, Slot};
use super::words::percent;
use crate::diag::{Diagnostic, Diagnostics, codes};

/// A journey of so many touches has room for every place; longer ones have no more.
const ROOMY: u32 = 8;

/// Warns of places that no touch can ever hold, in models that users put together and in known ones.
pub(super) fn lint(spec: &Attribution, models: &[Model], diags: &mut Diagnostics) {
    let most = spec.lookback.as_ref().and_then(|lookback| lookback.value.touches);
    for model in models {
        let Rule::Position(position) = &model.rule else { continue };
        let rest = match position.absent {
            Absent::Renormalise => "always enlarges the other shares",
            Absent::Evenly => "always goes to all touches alike",
        };
        for (place, share, why) in impossible(position, most) {
            let share = percent(share);
            let message = format!("`{place}` of `{}` can never apply: {why}, so its {share} {rest}", model.name);
            let found = Diagnostic::warning(codes::IMPOSSIBLE_PLACE, model.place, message);
            diags.push(found.hint("look back on more touches, or leave the share out"));
        }
    }
}

/// Each place that is never held, its share, and why.
fn impossible(position: &Position, most: Option<u32>) -> Vec<(&'static str, u64, String)> {
    let lengths = 1..=most.unwrap_or(ROOMY).min(ROOMY) as usize;
    let touches = match most {
        Some(1) => "a journey has one touch at most".to_string(),
        Some(most) => format!("a journey has {most} touches at most"),
        None => "a journey may have any number of touches".to_string(),
    };
    let mut found = Vec::new();
    for (slot, share) in &position.slots {
        let name = match slot {
            Slot::Second => "second",
            Slot::SecondLast => "second_last",
            Slot::First | Slot::Last | Slot::Milestone(_) => continue,
        };
        if *share > 0 && lengths.clone().all(|length| index(*slot, length).is_none()) {
            found.push((name, *share, format!("{touches}, and nobody is second in it")));
        }
    }
    let (name, why) = match position.among {
        Among::All => ("others", "each of which has a place"),
        Among::Between => ("between", "and none lies between two places that are held"),
    };
    if position.others > 0 && !lengths.clone().any(|length| has_others(position, length)) {
        found.push((name, position.others, format!("{touches}, {why}")));
    }
    found
}

/// The touch that holds a place among so many; a milestone's may be any, or none.
fn index(slot: Slot, length: usize) -> Option<usize> {
    match slot {
        Slot::First => Some(0),
        Slot::Second => (length > 1).then_some(1),
        Slot::SecondLast => length.checked_sub(2),
        Slot::Last => length.checked_sub(1),
        Slot::Milestone(_) => None,
    }
}

/// Whether some journey of that length has touches for the share of the others.
fn has_others(position: &Position, length: usize) -> bool {
    let fixed: Vec<usize> = position.slots.iter().filter_map(|(slot, _)| index(*slot, length)).collect();
    let is_free = |at: &usize| !fixed.contains(at);
    let milestones = position.slots.iter().filter(|(slot, _)| matches!(slot, Slot::Milestone(_))).count();
    match position.among {
        // Milestones may stand on touches that have a place anyway; where nothing else has one, they take one touch.
        Among::All if fixed.is_empty() => length > 1,
        Among::All => (0..length).any(|at| is_free(&at)),
        // The touches that milestones hold are at best the very ends.
        Among::Between => {
            let ends = [vec![], vec![0], vec![length - 1], vec![0, length - 1]];
            ends.into_iter().filter(|ends| ends.len() <= milestones).any(|ends| {
                let held = || fixed.iter().chain(&ends).copied();
                let (Some(low), Some(high)) = (held().min(), held().max()) else { return false };
                (low + 1..high).any(|at| is_free(&at))
            })
        }
    }
}
