//! Sentences of the tables' columns and of the methodology.

use super::resolve::Resolved;
use super::spec::{Grain, InferredVisits, Measure, Velocity};
use super::status::TargetStatus;
use crate::contract::Methodology;
use crate::kinds::Scope;
use crate::kinds::article::{a, capital_a};

/// What a cohort is.
pub(super) fn period(spec: &Velocity) -> &'static str {
    match spec.cohort.as_ref().map(|grain| grain.value) {
        None => "time",
        Some(Grain::Day) => "day",
        Some(Grain::Week) => "week",
        Some(Grain::Month) => "month",
        Some(Grain::Quarter) => "quarter",
        Some(Grain::Year) => "year",
        Some(Grain::FiscalQuarter) => "fiscal quarter",
        Some(Grain::FiscalYear) => "fiscal year",
    }
}

/// How a cohort is named.
pub(super) fn label(spec: &Velocity) -> String {
    let fiscal = spec.fiscal_year_starts.as_ref().map_or(1, |month| month.value);
    match spec.cohort.as_ref().map(|grain| grain.value) {
        None | Some(Grain::Day) => "`2026-01-31`".to_string(),
        Some(Grain::Week) => "`2026-W05`, weeks as ISO 8601 numbers them".to_string(),
        Some(Grain::Month) => "`2026-01`".to_string(),
        Some(Grain::Quarter) => "`2026-Q1`".to_string(),
        Some(Grain::Year) => "`2026`".to_string(),
        Some(Grain::FiscalQuarter) => {
            format!(
                "`FY2026-Q1`; the fiscal year begins with month {fiscal} and is named after the year in which it ends"
            )
        }
        Some(Grain::FiscalYear) => {
            format!("`FY2026`; it begins with month {fiscal} and is named after the year in which it ends")
        }
    }
}

/// What `is_censored` is.
pub(super) fn censored(spec: &Velocity) -> &'static str {
    match spec.measure {
        Measure::Elapsed => {
            "Whether it was still under way as of the run, so that its time is only known to be longer."
        }
        _ => {
            "Whether it was still under way as of the run: its time is what was measured until then, and it may yet \
             convert."
        }
    }
}

/// What is measured.
pub(super) fn measured(spec: &Velocity) -> &'static str {
    match spec.measure {
        Measure::Elapsed => "The time from the first entry to `from_stage` until the end, detours included",
        Measure::FirstVisit => "The length of the first visit to `from_stage`, until the end at most",
        Measure::LatestVisit => "The length of the latest visit to `from_stage` before the end",
        Measure::Cumulative => "The time spent in `from_stage` before the end, all visits together",
    }
}

/// What `status` can say.
pub(super) fn statuses(spec: &Velocity, resolved: &Resolved) -> String {
    let lost = match &resolved.pairs.lost {
        None => "an exit of the lifecycle".to_string(),
        Some(codes) => {
            let names: Vec<String> = codes.iter().map(|code| format!("`{}`", resolved.pairs.name(*code))).collect();
            names.join(" or ")
        }
    };
    let skipped = if resolved.pairs.ladder.is_empty() {
        "`skipped` does not occur, as the model declares no `stages`"
    } else {
        "`skipped` (it went to a stage above `to_stage` without ever being there)"
    };
    format!(
        "What became of it as of the run: `converted` (the {} came to `to_stage`), `lost` (it is in {lost} now), \
         {skipped}, `open` (still under way), `excluded` (it does not count).",
        spec.entity
    )
}

/// What `target_status` can say.
pub(super) fn targets() -> String {
    let [met, breached, within, late, excluded] = TargetStatus::WORDS;
    format!(
        "How it stands to its target: `{met}` (converted in time), `{breached}` (converted, lost or skipped too late), \
         `{within}` (under way and not due yet), `{late}` (under way and overdue, which counts as a breach), \
         `{excluded}` (excluded, or lost or skipped before it was due); NULL where the pair has no target."
    )
}

/// How the numbers come about.
pub(super) fn methodology(spec: &Velocity, resolved: &Resolved, scope: &Scope<'_>) -> Methodology {
    let who = &spec.entity;
    let pairs: Vec<String> = resolved
        .pairs
        .pairs
        .iter()
        .map(|pair| {
            let within = pair.target.map_or_else(String::new, |target| format!(" (within {})", target.period));
            format!("`{}` → `{}`{within}", resolved.pairs.name(pair.codes.from), resolved.pairs.name(pair.codes.to))
        })
        .collect();
    let mut summary = vec![
        format!("Pairs of stages, from the visits of `{}`: {}.", resolved.visits, pairs.join(", ")),
        format!(
            "{one} begins a pair with its first entry to the first stage, and converts with its first entry to the \
             second one after that. {one} that was in the second stage before it came into the first is listed but \
             not counted.",
            one = capital_a(who)
        ),
        format!("{}.", measured(spec)),
        statuses(spec, resolved),
    ];
    if resolved.unit.business {
        summary.push(
            "Business time is the time in which the calendar is open, day by day in its own time zone, holidays taken \
             off. What begins outside of the hours is counted from the next opening; what ends outside of them, up to \
             the last closing."
                .to_string(),
        );
    }
    if let Some(pauses) = &spec.pauses {
        summary.push(format!(
            "While {} is paused (`{}`), no clock runs: neither for times nor for targets and horizons. What becomes of \
             it meanwhile counts all the same.",
            a(who),
            pauses.from
        ));
    }
    summary.push(match spec.inferred {
        InferredVisits::Exclude => {
            "Visits that the lifecycle inferred for stages jumped over are passed over.".to_string()
        }
        InferredVisits::Include => {
            "Visits that the lifecycle inferred for stages jumped over count like others.".to_string()
        }
    });
    if let Some(text) = &spec.exclude {
        summary.push(format!("Transitions for which `{text}` is true do not count."));
    }
    if let Some(text) = &spec.observed_from {
        summary.push(format!(
            "Observation begins at `{text}`: what began earlier is at risk only from then on (left truncation), and \
             what had ended by then does not count."
        ));
    }
    let assumptions = vec![
        format!(
            "Those under way are looked at as of the run's instant; cohorts are taken in {}.",
            scope.settings.reporting_timezone
        ),
        "Those lost or skipped would have taken as long as the others, had they gone on: so Kaplan–Meier quantiles \
         read them."
            .to_string(),
    ];
    let limits = vec!["What was still under way is longer than its row says.".to_string()];
    Methodology { summary, assumptions, limits }
}

/// What the summary cannot tell.
pub(super) fn summary_limits() -> Vec<String> {
    vec![
        "Quantiles and rates are not to be added or averaged over rows: make a further model with fewer segments."
            .to_string(),
        "Quantiles of the converted are biased to the short side while transitions are open; those after Kaplan and \
         Meier are not."
            .to_string(),
    ]
}
