//! What the tables promise, in words that hold this model's own parameters.

use super::captions;
use super::layout::{DECIMAL, Figure, figures};
use super::resolve::{Promise, Resolved};
use super::spec::Velocity;
use super::status::Excluded;
use super::words;
use crate::contract::{Column, ColumnRef, ColumnType, Contract, Methodology, Role};
use crate::kinds::Scope;
use crate::kinds::article::a;
use crate::syntax::ColumnName;

/// The contracts of the durations and the summary.
pub(super) fn contracts(spec: &Velocity, resolved: &Resolved, scope: &Scope<'_>) -> Vec<Contract> {
    vec![durations(spec, resolved, scope), summary(spec, resolved, scope)]
}

/// The visits' columns behind every column that says no more of itself.
struct Maker<'a> {
    resolved: &'a Resolved,
}

impl Maker<'_> {
    fn made(&self, name: &str, ty: ColumnType, description: impl Into<String>, from: &[&str]) -> Column {
        let of = |column: &&str| ColumnRef {
            table: self.resolved.visits.clone(),
            column: ColumnName::new_unchecked(column),
        };
        Column::new(ColumnName::new_unchecked(name), ty, description).from_columns(from.iter().map(of).collect())
    }

    fn segments(&self) -> Vec<Column> {
        let segments = self.resolved.segments.iter();
        segments
            .map(|segment| {
                let Promise { ty, lineage, pii } = &segment.promise;
                let text = format!("`{}`, as of the first visit to `from_stage`.", segment.text);
                Column::new(segment.name.clone(), *ty, text).from_columns(lineage.clone()).pii(*pii)
            })
            .collect()
    }
}

const PATH: [&str; 3] = ["stage", "entered_at", "visit_seq"];

fn durations(spec: &Velocity, resolved: &Resolved, scope: &Scope<'_>) -> Contract {
    use ColumnType::{Boolean, Date, Int, Text, Timestamp};
    let (who, make) = (&spec.entity, Maker { resolved });
    let grain = words::period(spec);
    let mut columns = vec![
        make.made("entity_id", resolved.entity.ty, format!("The {who}."), &["entity_id"])
            .not_null()
            .pii(resolved.entity.pii),
        make.made("pair_number", Int, "Which of the model's pairs of stages it is, from 1.", &[]).not_null(),
        make.made("from_stage", Text, "The stage in which the time begins.", &["stage"]).not_null(),
        make.made("to_stage", Text, "The stage that is to be reached.", &["stage"]).not_null(),
    ];
    columns.extend(make.segments());
    if resolved.cohorts.is_some() {
        let text = format!("The first day of the {grain} of `entered_at`: the cohort.");
        columns.push(make.made("cohort_start", Date, text, &["entered_at"]).not_null());
        let text = format!("The first day of the {grain} in which it converted; NULL where it did not.");
        columns.push(make.made("converted_period_start", Date, text, &["entered_at"]));
    }
    let because: Vec<String> = Excluded::WORDS.iter().map(|(word, why)| format!("`{word}` ({why})")).collect();
    columns.extend([
        make.made("entered_at", Timestamp, format!("When the {who} first came into `from_stage`, UTC."), &PATH)
            .not_null(),
        make.made(
            "left_at",
            Timestamp,
            "When it converted, was lost or went past `to_stage`, UTC; NULL while it is under way.",
            &PATH,
        ),
        make.made("status", Text, words::statuses(spec, resolved), &PATH).not_null(),
        make.made("ended_in", Text, "The stage it went to instead, where it was lost or skipped.", &["stage"]),
        make.made("excluded_because", Text, format!("Why it does not count: {}.", because.join(", ")), &PATH),
        make.made("is_censored", Boolean, words::censored(spec), &PATH).not_null(),
    ]);
    columns.extend(clock_columns(spec, resolved, &make));
    Contract {
        table: scope.model.clone(),
        role: Role::Main,
        description: with(scope.description, &format!("One row for each pair of stages that {} began.", a(who))),
        grain: ["entity_id", "pair_number"].map(ColumnName::new_unchecked).to_vec(),
        columns,
        methodology: words::methodology(spec, resolved, scope),
    }
}

fn clock_columns(spec: &Velocity, resolved: &Resolved, make: &Maker<'_>) -> Vec<Column> {
    use ColumnType::{BigInt, Boolean, Text};
    let time = words::measured(spec);
    let mut columns = vec![
        make.made(
            "duration_us",
            BigInt,
            format!("{time}, in microseconds; NULL where nobody knows when it began."),
            &PATH,
        ),
        make.made("duration_days", DECIMAL, format!("{time}, in days of 24 hours, rounded once."), &PATH),
    ];
    if let (Some(written), Some(pauses)) = (&spec.pauses, &resolved.pauses) {
        let text = format!(
            "How much was taken off that time because the {} was paused (`{}`), in microseconds.",
            spec.entity, written.from
        );
        let paused = make.made("paused_us", BigInt, text, &PATH);
        let lineage = paused.lineage.iter().chain(&pauses.lineage).cloned().collect();
        columns.push(paused.from_columns(lineage));
    }
    if let Some(calendars) = &resolved.calendars {
        let names: Vec<String> = calendars.all.iter().map(|calendar| format!("`{}`", calendar.name)).collect();
        let usual = names.get(calendars.usual).map_or("", String::as_str);
        let chosen = spec.calendar_by.as_ref();
        let chosen = chosen.map_or_else(String::new, |by| format!(" It is the one `{by}` names, else {usual}."));
        let text = format!("The business calendar of the time, one of {}.{chosen}", names.join(", "));
        columns.push(make.made("calendar", Text, text, &[]).not_null());
        columns.push(make.made(
            "business_us",
            BigInt,
            "How long the calendar was open in that time, in microseconds.",
            &PATH,
        ));
        columns.push(make.made(
            "business_hours",
            DECIMAL,
            "How long the calendar was open in that time, in hours, rounded once.",
            &PATH,
        ));
    }
    if let Some(text) = &spec.observed_from {
        let text = format!(
            "How much of the time had passed, in microseconds, when observation began (`{text}`); 0 where it began \
             later."
        );
        columns.push(make.made("unobserved_us", BigInt, text, &PATH));
    }
    if let Some(horizon) = resolved.horizon {
        let within =
            format!("Whether it converted within {} of `entered_at`; NULL where it did not convert.", horizon.period);
        columns.push(make.made("within_horizon", Boolean, within, &PATH));
        let passed = format!("Whether {} had passed since `entered_at` as of the run.", horizon.period);
        columns.push(make.made("horizon_passed", Boolean, passed, &["entered_at"]).not_null());
    }
    if resolved.pairs.has_targets() {
        columns.push(make.made(
            "target",
            Text,
            "The time within which `to_stage` is to be reached; NULL where the pair has none.",
            &[],
        ));
        columns.push(make.made("target_status", Text, words::targets(), &PATH));
    }
    columns
}

/// The user's words first, where there are any.
fn with(user: &str, ours: &str) -> String {
    let user = user.trim();
    if user.is_empty() { ours.to_string() } else { format!("{user} {ours}") }
}

fn summary(spec: &Velocity, resolved: &Resolved, scope: &Scope<'_>) -> Contract {
    use ColumnType::{Date, Int, Text};
    let make = Maker { resolved };
    let grain = words::period(spec);
    let mut columns = make.segments();
    let mut key: Vec<ColumnName> = columns.iter().map(|column| column.name.clone()).collect();
    if resolved.cohorts.is_some() {
        let start = format!("The first day of the {grain}, in {}.", resolved.zone);
        columns.push(make.made("cohort_start", Date, start, &["entered_at"]).not_null());
        columns.push(
            make.made(
                "cohort",
                Text,
                format!("The {grain} as people name it: {}.", words::label(spec)),
                &["entered_at"],
            )
            .not_null(),
        );
        key.push(ColumnName::new_unchecked("cohort_start"));
    }
    columns.extend([
        make.made("pair_number", Int, "Which of the model's pairs of stages it is, from 1.", &[]).not_null(),
        make.made("from_stage", Text, "The stage in which the time begins.", &["stage"]).not_null(),
        make.made("to_stage", Text, "The stage that is to be reached.", &["stage"]).not_null(),
    ]);
    key.push(ColumnName::new_unchecked("pair_number"));
    if resolved.pairs.has_targets() {
        columns.push(make.made(
            "target",
            Text,
            "The time within which `to_stage` is to be reached; NULL where the pair has none.",
            &[],
        ));
    }
    columns.extend(figures(resolved).into_iter().map(|figure| figure_column(figure, spec, resolved, &make)));
    let by = match (resolved.segments.is_empty(), resolved.cohorts) {
        (true, None) => "pair of stages".to_string(),
        (false, None) => "segment and pair of stages".to_string(),
        (true, Some(_)) => format!("{grain} and pair of stages"),
        (false, Some(_)) => format!("segment, {grain} and pair of stages"),
    };
    Contract {
        table: scope.model.with_suffix("_summary"),
        role: Role::Companion,
        description: format!("One row for each {by} of `{}`: how many convert, and how long it takes.", scope.model),
        grain: key,
        columns,
        methodology: Methodology { limits: words::summary_limits(), ..words::methodology(spec, resolved, scope) },
    }
}

fn figure_column(figure: Figure, spec: &Velocity, resolved: &Resolved, make: &Maker<'_>) -> Column {
    let made = make.made(&figure.name(resolved), figure.ty(), captions::figure(figure, spec, resolved), &PATH);
    let made = if figure.always() { made.not_null() } else { made };
    if figure.is_count() { made } else { made.never_adds_up() }
}
