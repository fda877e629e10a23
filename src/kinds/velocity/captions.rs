//! Sentences of the summary's figures.

use super::group::reason;
use super::layout::Figure;
use super::resolve::Resolved;
use super::spec::Velocity;
use super::status::{Status, TargetStatus};
use super::words::period;

/// What a figure of the summary is.
pub(super) fn figure(figure: Figure, spec: &Velocity, resolved: &Resolved) -> String {
    let few = format!("`{}` (fewer than {})", reason::BELOW_MIN_N, spec.min_n);
    match figure {
        Figure::Entered
        | Figure::Status(_)
        | Figure::CohortRate
        | Figure::ConvertedInPeriod
        | Figure::PeriodRate
        | Figure::Horizon(_) => count(figure, spec, resolved),
        Figure::Mean | Figure::Quantile(_) | Figure::CompletedReason | Figure::Mature => {
            completed(figure, spec, resolved, &few)
        }
        Figure::Survival(at, part) => survival(&share(at, resolved), part, resolved, &few),
        Figure::Incidence(_) | Figure::IncidenceAtHorizon(_) | Figure::IncidenceReason => {
            incidence(figure, resolved, &few)
        }
        Figure::TargetStatus(status) => format!(
            "How many have the target status `{}`; NULL where the pair has no target.",
            TargetStatus::WORDS.get(status as usize).copied().unwrap_or_default()
        ),
        Figure::Compliance => {
            "Met to met, breached and overdue: `target_met / (target_met + target_breached + target_open_breached)`; \
             NULL where nothing was due."
                .to_string()
        }
    }
}

fn share(at: usize, resolved: &Resolved) -> String {
    resolved.quantiles.get(at).copied().map_or_else(String::new, |share| share.name())
}

fn within(resolved: &Resolved) -> String {
    resolved.horizon.map_or_else(String::new, |horizon| horizon.period.to_string())
}

fn count(figure: Figure, spec: &Velocity, resolved: &Resolved) -> String {
    let (period, within) = (period(spec), within(resolved));
    match figure {
        Figure::Status(Status::Converted) => "How many of the entered have converted, whenever that was.".to_string(),
        Figure::Status(Status::Lost) => "How many of the entered are lost.".to_string(),
        Figure::Status(Status::Skipped) => {
            "How many of the entered went past `to_stage` without being there.".to_string()
        }
        Figure::Status(Status::Open) => "How many of the entered were still under way as of the run.".to_string(),
        Figure::Status(Status::Excluded) => {
            "How many transitions do not count, for whatever reason; they are not among the entered.".to_string()
        }
        Figure::CohortRate => {
            "By cohort: converted, whenever that was, to entered. It still grows while transitions are open; NULL \
             where nobody entered."
                .to_string()
        }
        Figure::ConvertedInPeriod => format!(
            "By period: how many converted in this {period}, whenever they entered. Not the same as `converted`."
        ),
        Figure::PeriodRate => format!(
            "By period: `converted_in_period` to entered. They are not the same transitions, so it can exceed 1; NULL \
             where nobody entered in the {period}."
        ),
        Figure::Horizon(0) => {
            format!("How many of the entered began {within} or longer ago, so that it is known who converted in time.")
        }
        Figure::Horizon(1) => format!("How many of those (`entered_observed`) converted within {within}."),
        Figure::Horizon(_) => format!(
            "By cohort: `converted_within_horizon` to `entered_observed`, for {within}; NULL where nobody entered so \
             long ago."
        ),
        _ => "How many transitions began: converted, lost, skipped and open together, those excluded not.".to_string(),
    }
}

fn completed(figure: Figure, spec: &Velocity, resolved: &Resolved, few: &str) -> String {
    let (period, unit) = (period(spec), resolved.unit.words());
    let short = format!("NULL below {} of them. Shorter than the truth while others are open.", spec.min_n);
    match figure {
        Figure::Quantile(at) => format!(
            "The {} of the times of the converted, in {unit}: linear interpolation (type 7 of Hyndman and Fan), exact \
             and rounded once; {short}",
            share(at, resolved)
        ),
        Figure::CompletedReason => {
            format!("Why mean and quantiles of the converted are NULL: `{}` (none converted), {few}.", reason::NOBODY)
        }
        Figure::Mature => format!(
            "Whether the {period} ended at least as long ago as nine of ten conversions took (their p90); NULL where \
             that is not known."
        ),
        _ => format!("Mean time of the converted, in {unit}, rounded once; {short}"),
    }
}

fn survival(share: &str, part: usize, resolved: &Resolved, few: &str) -> String {
    let unit = resolved.unit.words();
    match part {
        0 => format!(
            "The {share} of the time to conversion after Kaplan and Meier, in {unit}: those under way, lost or skipped \
             count for as long as they were waiting. NULL where it cannot be told."
        ),
        1 => format!(
            "The lower 95 % confidence limit of the {share}, in {unit} (Greenwood, log-log); NULL where it is not known."
        ),
        2 => format!(
            "The upper 95 % confidence limit of the {share}, in {unit} (Greenwood, log-log); NULL where it is not known."
        ),
        3 => format!("How many were at risk at the {share}."),
        _ => format!(
            "Why the {share} is NULL: `{}` (none entered), {few}, `{}` (too few have converted yet).",
            reason::NOBODY,
            reason::NOT_REACHED
        ),
    }
}

fn incidence(figure: Figure, resolved: &Resolved, few: &str) -> String {
    let within = within(resolved);
    match figure {
        Figure::Incidence(0) => {
            "The share that converted by the longest time observed, while others were lost or skipped \
             (Aalen–Johansen)."
                .to_string()
        }
        Figure::Incidence(_) => {
            "The share that was lost or skipped by the longest time observed (Aalen–Johansen).".to_string()
        }
        Figure::IncidenceAtHorizon(part) => {
            let what = if part == 0 { "converted" } else { "was lost or skipped" };
            format!(
                "The share that {what} within {within} (Aalen–Johansen: those under way count for as long as they were \
                 observed)."
            )
        }
        _ => format!(
            "Why incidences are NULL: `{}` (none entered), {few}, `{}` (nobody was observed as long as the horizon).",
            reason::NOBODY,
            reason::NOT_OBSERVED
        ),
    }
}
