//! Sentences of the tables' columns and of the methodology.

use super::group::reason;
use super::layout::Figure;
use super::resolve::Resolved;
use super::spec::{Grain, InferredVisits, Measure, Velocity};
use super::status::{Status, TargetStatus};
use crate::contract::Methodology;
use crate::kinds::Scope;

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

/// What `entered_at` is.
pub(super) fn entered(spec: &Velocity) -> String {
    match spec.measure {
        Measure::LatestVisit => {
            "When the latest visit to `from_stage` before `to_stage` was reached began, UTC.".to_string()
        }
        _ => format!("When the {} first came into `from_stage`, UTC.", spec.entity),
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
        "What became of it as of the run: `converted` (the {} came to `to_stage`), `lost` (it is in {lost} now), {skipped}, \
         `open` (still under way), `excluded` (it does not count).",
        spec.entity
    )
}

/// What `target_status` can say.
pub(super) fn targets() -> String {
    let [met, breached, within, late, excluded] = TargetStatus::WORDS;
    format!(
        "How it stands to its target: `{met}` (converted in time), `{breached}` (converted, lost or skipped too late), \
         `{within}` (under way and not due yet), `{late}` (under way and overdue, which counts as a breach), `{excluded}` \
         (excluded, or lost or skipped before it was due); NULL where the pair has no target."
    )
}

/// What a figure of the summary is.
pub(super) fn figure(figure: Figure, spec: &Velocity, resolved: &Resolved) -> String {
    let (period, unit) = (period(spec), resolved.unit.words());
    let share = |at: usize| resolved.quantiles.get(at).copied().map_or_else(String::new, |share| share.name());
    let few = format!("NULL below {} of them", spec.min_n);
    match figure {
        Figure::Entered => {
            "How many transitions began: converted, lost, skipped and open together, those excluded not.".to_string()
        }
        Figure::Status(status) => status_count(status),
        Figure::CohortRate => {
            "By cohort: converted, whenever that was, to entered. It still grows while transitions are open; NULL where nobody entered.".to_string()
        }
        Figure::ConvertedInPeriod => {
            format!("By period: how many converted in this {period}, whenever they entered. Not the same as `converted`.")
        }
        Figure::PeriodRate => {
            format!("By period: `converted_in_period` to entered. They are not the same transitions, so it can exceed 1; NULL where nobody entered in the {period}.")
        }
        Figure::Horizon(part) => horizon(part, resolved),
        Figure::Mean => format!("Mean time of the converted, in {unit}, rounded once; {few}. Shorter than the truth while others are open."),
        Figure::Quantile(at) => format!(
            "The {} of the times of the converted, in {unit}: linear interpolation (type 7 of Hyndman and Fan), exact and rounded once; {few}. Shorter than the truth while others are open.",
            share(at)
        ),
        Figure::CompletedReason => format!(
            "Why mean and quantiles of the converted are NULL: `{}` (none converted), `{}` (fewer than {}).",
            reason::NOBODY, reason::BELOW_MIN_N, spec.min_n
        ),
        Figure::Mature => format!("Whether the {period} ended at least as long ago as nine of ten conversions took (their p90); NULL where that is not known."),
        Figure::Survival(at, part) => survival(&share(at), part, spec, resolved),
        Figure::Incidence(0) => "The share that converted by the longest time observed, while others were lost or skipped (Aalen–Johansen).".to_string(),
        Figure::Incidence(_) => "The share that was lost or skipped by the longest time observed (Aalen–Johansen).".to_string(),
        Figure::IncidenceAtHorizon(part) => {
            let what = if part == 0 { "converted" } else { "was lost or skipped" };
            let within = resolved.horizon.map_or_else(String::new, |horizon| horizon.period.to_string());
            format!("The share that {what} within {within} (Aalen–Johansen: those under way count for as long as they were observed).")
        }
        Figure::IncidenceReason => format!(
            "Why incidences are NULL: `{}` (none entered), `{}` (fewer than {}), `{}` (nobody was observed as long as the horizon).",
            reason::NOBODY, reason::BELOW_MIN_N, spec.min_n, reason::NOT_OBSERVED
        ),
        Figure::TargetStatus(status) => {
            format!("How many have the target status `{}`; NULL where the pair has no target.", TargetStatus::WORDS.get(status as usize).copied().unwrap_or_default())
        }
        Figure::Compliance => "Met to met, breached and overdue: `target_met / (target_met + target_breached + target_open_breached)`; NULL where nothing was due.".to_string(),
    }
}

fn status_count(status: Status) -> String {
    match status {
        Status::Converted => "How many of the entered have converted, whenever that was.",
        Status::Lost => "How many of the entered are lost.",
        Status::Skipped => "How many of the entered went past `to_stage` without being there.",
        Status::Open => "How many of the entered were still under way as of the run.",
        Status::Excluded => "How many transitions do not count, for whatever reason; they are not among the entered.",
    }
    .to_string()
}

fn horizon(part: usize, resolved: &Resolved) -> String {
    let within = resolved.horizon.map_or_else(String::new, |horizon| horizon.period.to_string());
    match part {
        0 => {
            format!("How many of the entered began {within} or longer ago, so that it is known who converted in time.")
        }
        1 => format!("How many of those (`entered_observed`) converted within {within}."),
        _ => format!(
            "By cohort: `converted_within_horizon` to `entered_observed`, for {within}; NULL where nobody entered so long ago."
        ),
    }
}

fn survival(share: &str, part: usize, spec: &Velocity, resolved: &Resolved) -> String {
    let unit = resolved.unit.words();
    match part {
        0 => format!(
            "The {share} of the time to conversion after Kaplan and Meier, in {unit}: those under way, lost or skipped count for as long as they were waiting. NULL where it cannot be told."
        ),
        1 => format!("The lower 95 % confidence limit of the {share}, in {unit} (Greenwood, log-log)."),
        2 => format!(
            "The upper 95 % confidence limit of the {share}, in {unit} (Greenwood, log-log); NULL where it is not known."
        ),
        3 => format!("How many were at risk at the {share}."),
        _ => format!(
            "Why the {share} is NULL: `{}` (none entered), `{}` (fewer than {}), `{}` (too few have converted yet).",
            reason::NOBODY,
            reason::BELOW_MIN_N,
            spec.min_n,
            reason::NOT_REACHED
        ),
    }
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
            "A {who} begins a pair with its first entry to the first stage, and converts with its first entry to the second one \
             after that. A {who} that was in the second stage before it came into the first is listed but not counted."
        ),
        format!("{}.", measured(spec)),
        statuses(spec, resolved),
    ];
    if resolved.unit.business {
        summary.push(
            "Business time is the time in which the calendar is open, day by day in its own time zone, holidays taken off. What \
             begins outside of the hours is counted from the next opening; what ends outside of them, up to the last closing."
                .to_string(),
        );
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
            "Observation begins at `{text}`: what began earlier is at risk only from then on (left truncation), and what had ended by then does not count."
        ));
    }
    let assumptions = vec![
        format!("Those under way are looked at as of the run's instant; cohorts are taken in {}.", scope.settings.reporting_timezone),
        "Those lost or skipped would have taken as long as the others, had they gone on: so Kaplan–Meier quantiles read them.".to_string(),
    ];
    let limits = vec!["What was still under way is longer than its row says.".to_string()];
    Methodology { summary, assumptions, limits }
}

/// What the summary cannot tell.
pub(super) fn summary_limits() -> Vec<String> {
    vec![
        "Quantiles and rates are not to be added or averaged over rows: make a further model with fewer segments.".to_string(),
        "Quantiles of the converted are biased to the short side while transitions are open; those after Kaplan and Meier are not.".to_string(),
    ]
}
