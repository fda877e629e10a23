//! What can be wrong with a spec beside its pairs, calendars and expressions.

use std::collections::BTreeSet;

use chrono_tz::Tz;

use super::cohort::Cohorts;
use super::spec::{Grain, Velocity};
use super::statistics::Share;
use crate::contract::ColumnType;
use crate::diag::{Diagnostic, Diagnostics, Place, codes};
use crate::engine::Frame;
use crate::kinds::Scope;
use crate::syntax::{ColumnName, Spanned, TableName};

/// The most quantiles a model may have.
const MAX_QUANTILES: usize = 20;

/// The columns of a lifecycle's visits that are read, by their published names.
const VISITS: [(&str, ColumnType); 6] = [
    ("visit_seq", ColumnType::Int),
    ("stage", ColumnType::Text),
    ("entered_at", ColumnType::Timestamp),
    ("transition", ColumnType::Text),
    ("inferred_by", ColumnType::Text),
    ("is_first_entry", ColumnType::Boolean),
];

/// The visits' table, which must be a lifecycle's.
pub(super) fn visits<'a>(
    from: &Spanned<TableName>,
    scope: &'a Scope<'_>,
    diags: &mut Diagnostics,
) -> Option<&'a Frame> {
    let frame = scope.frames.get(from.as_str())?;
    let schema = frame.schema();
    let has = |name: &str, ty: Option<ColumnType>| {
        let found = schema.field_with_name(name).ok().map(|field| ColumnType::of_arrow(field.data_type()));
        found.is_some_and(|found| ty.is_none() || found == ty)
    };
    let missing = [("entity_id", None)].into_iter().chain(VISITS.map(|(name, ty)| (name, Some(ty))));
    let missing = missing.into_iter().find(|(name, ty)| !has(name, *ty)).map(|(name, _)| name.to_string());
    let entities = from.with_suffix("_entities");
    let missing = match missing {
        Some(column) => format!("it has no column `{column}` as visits have it"),
        None if stages(from, scope).is_empty() => format!("there is no table `{entities}` beside it"),
        None => return Some(frame),
    };
    let message = format!("`{from}` is not the table of a `lifecycle` model: {missing}");
    let hint = "name a model of the kind `lifecycle`; its visits are what is measured";
    diags.push(Diagnostic::error(codes::NOT_A_LIFECYCLE, from.place, message).hint(hint));
    None
}

/// The stages of a lifecycle, as the columns of its entities' table name them.
pub(super) fn stages(from: &TableName, scope: &Scope<'_>) -> Vec<String> {
    let Some(frame) = scope.frames.get(from.with_suffix("_entities").as_str()) else { return Vec::new() };
    let schema = frame.schema();
    let names = schema.fields().iter().map(|field| field.name().as_str());
    names.filter_map(|name| Some(name.strip_prefix("became_")?.strip_suffix("_at")?.to_string())).collect()
}

/// The quantiles; mistakes go to `diags`.
pub(super) fn quantiles(spec: &Velocity, place: Place, diags: &mut Diagnostics) -> Option<Vec<Share>> {
    let before = diags.len();
    let mut shares: Vec<Share> = Vec::new();
    let mut names = BTreeSet::new();
    for written in &spec.quantiles {
        let wrong = |message: String| Diagnostic::error(codes::BAD_QUANTILE, written.place, message);
        match Share::read(written.value) {
            Some(share) if names.insert(share.name()) => shares.push(share),
            Some(_) => diags.push(wrong(format!("the quantile {written} stands here twice"))),
            None if written.value > 0.0 && written.value < 1.0 => {
                diags.push(wrong(format!("the quantile {written} has more than six decimals")));
            }
            None => {
                let outside = wrong(format!("the quantile {written} is not between 0 and 1"));
                diags.push(outside.hint("write the median as `0.5`, nine of ten as `0.9`"));
            }
        }
    }
    if shares.len() > MAX_QUANTILES {
        let message = format!("{} quantiles are more than the {MAX_QUANTILES} that a model may have", shares.len());
        diags.push(Diagnostic::error(codes::BAD_QUANTILE, place, message));
    }
    (diags.len() == before).then_some(shares)
}

/// The cohorts; mistakes go to `diags`.
pub(super) fn cohorts(spec: &Velocity, zone: Tz, diags: &mut Diagnostics) -> Option<Cohorts> {
    let grain = spec.cohort.as_ref().map(|grain| grain.value);
    let fiscal = matches!(grain, Some(Grain::FiscalQuarter | Grain::FiscalYear));
    let mut fiscal_start = 1;
    if let Some(month) = &spec.fiscal_year_starts {
        let wrong =
            |message: String, hint: &str| Diagnostic::error(codes::INVALID_VALUE, month.place, message).hint(hint);
        match month.value {
            1..=12 if fiscal => fiscal_start = month.value,
            1..=12 => diags.push(wrong(
                "there is no fiscal cohort that this would matter for".to_string(),
                "write `cohort: fiscal_quarter` or `cohort: fiscal_year`, or leave it out",
            )),
            other => {
                diags.push(wrong(format!("there is no month {other}"), "write the month as a number from 1 to 12"))
            }
        }
    }
    grain.map(|grain| Cohorts { grain, zone, fiscal_start })
}

/// The names that segments cannot have, because the tables have columns of that name.
const OWN: [&str; 29] = [
    "entity_id",
    "pair_number",
    "from_stage",
    "to_stage",
    "cohort",
    "cohort_start",
    "converted_period_start",
    "entered_at",
    "left_at",
    "status",
    "ended_in",
    "excluded_because",
    "is_censored",
    "duration_us",
    "duration_days",
    "paused_us",
    "calendar",
    "business_us",
    "business_hours",
    "unobserved_us",
    "within_horizon",
    "horizon_passed",
    "target",
    "target_status",
    "time",
    "bits",
    "late",
    "open",
    "lost",
];

/// The beginnings of the summary's names.
const OWN_BEGINNINGS: [&str; 14] = [
    "entered",
    "converted",
    "skipped",
    "excluded",
    "cohort_",
    "period_",
    "days_",
    "hours_",
    "minutes_",
    "business_",
    "km_",
    "completed_",
    "incidence_",
    "target_",
];

/// A segment's name, which no column of ours may have.
pub(super) fn segment_name(name: &Spanned<ColumnName>, diags: &mut Diagnostics) -> Option<()> {
    let own = OWN.contains(&name.as_str()) || OWN_BEGINNINGS.iter().any(|begin| name.as_str().starts_with(begin));
    if !own && !["is_mature", "other_end_incidence", "other_end_incidence_at_horizon"].contains(&name.as_str()) {
        return Some(());
    }
    let message = format!("a segment cannot be called `{name}`: the tables have, or may have, a column of that name");
    let hint = "give it another name, as in `lead_source: source_system`";
    diags.push(Diagnostic::error(codes::SEGMENT_NAME_TAKEN, name.place, message).hint(hint));
    None
}
