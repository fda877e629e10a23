//! The figures of the summary, one column each: what it is called, what it means, how it is got.

use super::finish::PRECISION;
use super::group::{Figures, Value};
use super::resolve::Resolved;
use super::spec::Measure;
use super::statistics::{DECIMALS, Share};
use super::status::{Status, TargetStatus};
use crate::contract::ColumnType;

/// One column of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Figure {
    Entered,
    Status(Status),
    CohortRate,
    ConvertedInPeriod,
    PeriodRate,
    /// Entered long enough ago, converted within the horizon, their share.
    Horizon(usize),
    Mean,
    Quantile(usize),
    CompletedReason,
    Mature,
    /// The quantile and which part of it: time, low, high, at risk, reason.
    Survival(usize, usize),
    /// Of conversion, of other ends.
    Incidence(usize),
    IncidenceAtHorizon(usize),
    IncidenceReason,
    TargetStatus(TargetStatus),
    Compliance,
}

/// A decimal of the summary.
pub(super) const DECIMAL: ColumnType = ColumnType::Decimal(PRECISION, DECIMALS as i8);

/// The figures of a model, in the order of the table.
pub(super) fn figures(resolved: &Resolved) -> Vec<Figure> {
    let mut figures = vec![Figure::Entered];
    figures.extend(Status::ALL.map(Figure::Status));
    figures.push(Figure::CohortRate);
    if resolved.cohorts.is_some() {
        figures.extend([Figure::ConvertedInPeriod, Figure::PeriodRate]);
    }
    if resolved.horizon.is_some() {
        figures.extend((0..3).map(Figure::Horizon));
    }
    let quantiles = resolved.quantiles.len();
    figures.push(Figure::Mean);
    figures.extend((0..quantiles).map(Figure::Quantile));
    figures.push(Figure::CompletedReason);
    if tells_maturity(resolved) {
        figures.push(Figure::Mature);
    }
    figures.extend((0..quantiles).flat_map(|at| (0..5).map(move |part| Figure::Survival(at, part))));
    figures.extend((0..2).map(Figure::Incidence));
    if tells_incidence_at_horizon(resolved) {
        figures.extend((0..2).map(Figure::IncidenceAtHorizon));
    }
    figures.push(Figure::IncidenceReason);
    if resolved.pairs.has_targets() {
        figures.extend(TargetStatus::ALL.map(Figure::TargetStatus));
        figures.push(Figure::Compliance);
    }
    figures
}

/// Business time says nothing of a cohort's age, and neither do time without pauses and the time of visits.
pub(super) fn tells_maturity(resolved: &Resolved) -> bool {
    let runs_through = resolved.rules.measure == Measure::Elapsed && !resolved.unit.business;
    resolved.cohorts.is_some() && runs_through && resolved.pauses.is_none()
}

/// A horizon runs from the first entry: the times of visits cannot be held against it.
pub(super) fn tells_incidence_at_horizon(resolved: &Resolved) -> bool {
    resolved.horizon.is_some() && resolved.rules.measure == Measure::Elapsed
}

impl Figure {
    /// The column's name.
    pub(super) fn name(self, resolved: &Resolved) -> String {
        let unit = resolved.unit.prefix();
        let share = |at: usize| resolved.quantiles.get(at).copied().map_or_else(String::new, Share::name);
        let plain = match self {
            Self::Entered => "entered",
            Self::Status(status) => words(&Status::WORDS, status as usize),
            Self::CohortRate => "cohort_conversion_rate",
            Self::ConvertedInPeriod => "converted_in_period",
            Self::PeriodRate => "period_conversion_rate",
            Self::Horizon(part) => {
                words(&["entered_observed", "converted_within_horizon", "cohort_conversion_rate_within_horizon"], part)
            }
            Self::Mean => return format!("{unit}_mean"),
            Self::Quantile(at) => return format!("{unit}_{}", share(at)),
            Self::CompletedReason => "completed_reason",
            Self::Mature => "is_mature",
            Self::Survival(at, part) => {
                let share = share(at);
                return match part {
                    0 => format!("{unit}_km_{share}"),
                    1 => format!("{unit}_km_{share}_low"),
                    2 => format!("{unit}_km_{share}_high"),
                    3 => format!("km_{share}_at_risk"),
                    _ => format!("km_{share}_reason"),
                };
            }
            Self::Incidence(part) => words(&["converted_incidence", "other_end_incidence"], part),
            Self::IncidenceAtHorizon(part) => {
                words(&["converted_incidence_at_horizon", "other_end_incidence_at_horizon"], part)
            }
            Self::IncidenceReason => "incidence_reason",
            Self::TargetStatus(status) => words(
                &["target_met", "target_breached", "target_open_within", "target_open_breached", "target_excluded"],
                status as usize,
            ),
            Self::Compliance => "target_compliance_rate",
        };
        plain.to_string()
    }

    /// The column's type.
    pub(super) fn ty(self) -> ColumnType {
        match self {
            Self::Entered | Self::Status(_) | Self::ConvertedInPeriod | Self::TargetStatus(_) => ColumnType::BigInt,
            Self::Horizon(0 | 1) | Self::Survival(_, 3) => ColumnType::BigInt,
            Self::CompletedReason | Self::IncidenceReason | Self::Survival(_, 4) => ColumnType::Text,
            Self::Mature => ColumnType::Boolean,
            _ => DECIMAL,
        }
    }

    /// Whether it may be added up over rows; all others are worked out again from counts.
    pub(super) fn is_count(self) -> bool {
        self.ty() == ColumnType::BigInt && !matches!(self, Self::Survival(..))
    }

    /// Whether it never is NULL.
    pub(super) fn always(self) -> bool {
        matches!(self, Self::Entered | Self::Status(_) | Self::ConvertedInPeriod | Self::Horizon(0 | 1))
    }

    /// Its value.
    pub(super) fn value(self, of: &Figures, resolved: &Resolved, has_target: bool) -> Value {
        let nothing = || Value::Word(None);
        match self {
            Self::Entered => of.entered(),
            Self::Status(status) => of.status(status),
            Self::CohortRate => of.cohort_rate(),
            Self::ConvertedInPeriod => of.converted_in_period(),
            Self::PeriodRate => of.period_rate(),
            Self::Horizon(part) => of.horizon().into_iter().nth(part).unwrap_or_else(nothing),
            Self::Mean => of.mean(),
            Self::Quantile(at) => of.quantile(at),
            Self::CompletedReason => of.completed_reason(),
            Self::Mature => of.mature(),
            Self::Survival(at, part) => {
                of.survival(at, resolved.unit.micros()).into_iter().nth(part).unwrap_or_else(nothing)
            }
            Self::Incidence(part) => of.incidence().into_iter().nth(part).unwrap_or_else(nothing),
            Self::IncidenceAtHorizon(part) => of.incidence_at_horizon().into_iter().nth(part).unwrap_or_else(nothing),
            Self::IncidenceReason => of.incidence_reason(tells_incidence_at_horizon(resolved)),
            Self::TargetStatus(status) => of.target(status, has_target),
            Self::Compliance => of.compliance(has_target),
        }
    }
}

fn words<'a>(all: &[&'a str], at: usize) -> &'a str {
    all.get(at).copied().unwrap_or_default()
}
