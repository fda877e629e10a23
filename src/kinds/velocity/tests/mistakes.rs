//! What `check` says of models that cannot be.

use super::*;
use crate::diag::{Code, Diagnostics, Severity, codes};
use crate::syntax::read;

fn tables() -> Vec<(&'static str, Schema)> {
    let owners = Schema::new(vec![
        Field::new("who", DataType::Utf8, true),
        Field::new("id", DataType::Int64, true),
        Field::new("since", DataType::Date32, true),
        Field::new("weight", DataType::Float64, true),
        Field::new("stage", DataType::Utf8, true),
    ]);
    let entities = entities(&STAGES).schema();
    vec![
        ("stages", visits(&[]).schema().as_ref().clone()),
        ("stages_entities", entities.as_ref().clone()),
        ("owners", owners.clone()),
        ("alone", visits(&[]).schema().as_ref().clone()),
    ]
}

fn found(yaml: &str) -> Vec<Diagnostic> {
    mistakes(yaml, &tables())
}

/// The one mistake of a model whose rest is in order.
fn only(rest: &str) -> Diagnostic {
    let yaml = if rest.contains("pairs:") || rest.contains("stages:") {
        format!("from: stages\n{rest}\n")
    } else {
        format!("from: stages\nstages: [lead, mql, sql]\n{rest}\n")
    };
    let mut found = found(&yaml);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

fn is(found: &Diagnostic, code: Code, message: &str, hint: &str) {
    assert_eq!((found.code, found.severity), (code, Severity::Error), "{found:#?}");
    assert_eq!(found.message, message);
    let said = found.hint.as_deref().unwrap_or_default();
    assert!(said.contains(hint) && (hint.is_empty() == said.is_empty()), "{said}");
    assert!(found.place.is_some());
}

#[test]
fn a_model_in_order_has_none() {
    assert_eq!(found("from: stages\nstages: [lead, mql]"), []);
    let all = "
from: stages
stages: [lead, mql, sql, won]
pairs: [{from: lead, to: won, within: 3 days}]
attributes: [{from: owners, entity: id}]
segments: {owner: who, of_stage: owners.stage}
cohort: fiscal_quarter
fiscal_year_starts: 2
horizon: 8 weeks
quantiles: [0.5, 0.999]
";
    assert_eq!(found(all), []);
}

#[test]
fn tables_that_are_no_lifecycle() {
    let of = |from: &str| {
        let mut found = found(&format!("from: {from}\nstages: [lead, mql]"));
        assert_eq!(found.len(), 1, "{found:#?}");
        found.remove(0)
    };
    let message = "`owners` is not the table of a `lifecycle` model: it has no column `entity_id` as visits have it";
    is(&of("owners"), codes::NOT_A_LIFECYCLE, message, "of the kind `lifecycle`");
    let message = "`alone` is not the table of a `lifecycle` model: there is no table `alone_entities` beside it";
    is(&of("alone"), codes::NOT_A_LIFECYCLE, message, "of the kind `lifecycle`");
}

#[test]
fn stages_that_nothing_produces() {
    let message = "the lifecycle `stages` has no stage `mqll`";
    is(&only("stages: [lead, mqll]"), codes::UNKNOWN_STAGE, message, "did you mean `mql`?");
    is(&only("pairs: [{from: mqll, to: sql}]"), codes::UNKNOWN_STAGE, message, "did you mean `mql`?");
    is(&only("lost: mqll"), codes::UNKNOWN_STAGE, message, "did you mean `mql`?");
    let far = only("pairs: [{from: lead, to: customer}]");
    let hint = "stages: `lead`, `mql`, `sql`, `won`, `recycled`, `lost`";
    is(&far, codes::UNKNOWN_STAGE, "the lifecycle `stages` has no stage `customer`", hint);
}

#[test]
fn pairs_that_cannot_be() {
    let same = only("pairs: [{from: mql, to: mql}]");
    is(&same, codes::IMPOSSIBLE_PAIR, "the pair begins and ends with `mql`", "measure: first_visit");
    let twice = only("pairs: [{from: lead, to: mql}, {from: lead, to: mql}]");
    is(&twice, codes::IMPOSSIBLE_PAIR, "the pair `lead` → `mql` stands here twice", "");
    assert_eq!(twice.related.len(), 1);
    let twice = only("stages: [lead, mql, lead]");
    is(&twice, codes::IMPOSSIBLE_PAIR, "the stage `lead` stands twice among the stages", "");
    is(&only("pairs: []"), codes::IMPOSSIBLE_PAIR, "there is no pair of stages to measure", "`stages:`");
    is(&only("stages: [lead]"), codes::IMPOSSIBLE_PAIR, "there is no pair of stages to measure", "`stages:`");
}

#[test]
fn quantiles_that_cannot_be() {
    for (written, shown) in [("0", "0"), ("1", "1"), ("1.5", "1.5"), ("-0.5", "-0.5")] {
        let message = format!("the quantile {shown} is not between 0 and 1");
        is(&only(&format!("quantiles: [0.5, {written}]")), codes::BAD_QUANTILE, &message, "`0.5`");
    }
    let twice = only("quantiles: [0.5, 0.50]");
    is(&twice, codes::BAD_QUANTILE, "the quantile 0.5 stands here twice", "");
    let long = only("quantiles: [0.1234567]");
    is(&long, codes::BAD_QUANTILE, "the quantile 0.1234567 has more than six decimals", "");
}

const BERLIN: &str = "calendars: {berlin: {timezone: Europe/Berlin, hours: {mon-fri: 09:00-17:00}}}\n";

#[test]
fn horizons_that_cannot_be() {
    let zero = only("horizon: 0 days");
    is(&zero, codes::BAD_HORIZON, "a horizon of no length ends before anything can happen", "leave `horizon` out");
    let months = only("horizon: 3 months");
    is(&months, codes::BAD_HORIZON, "`3 months` is not of the same length everywhere", "`90 days`");
    let business = only("horizon: 8 business hours");
    let message = "`8 business hours` is business time, and the model has no business calendar";
    is(&business, codes::BAD_HORIZON, message, "`calendars:`");
    let plain = only(&format!("{BERLIN}horizon: 8 hours"));
    let message = "`8 hours` is not business time, which the model's calendars count";
    is(&plain, codes::BAD_HORIZON, message, "`40 business hours`");
}

#[test]
fn targets_that_cannot_be_measured() {
    let of = |within: &str, rest: &str| only(&format!("pairs: [{{from: lead, to: mql, within: {within}}}]\n{rest}"));
    let message = "`4 business hours` is business time, and the model has no business calendar";
    is(&of("4 business hours", ""), codes::BAD_TARGET, message, "day and night");
    let message = "`2 business days` is not of the same length everywhere";
    is(&of("2 business days", BERLIN), codes::BAD_TARGET, message, "`4 business hours`");
    assert_eq!(found(&format!("from: stages\npairs: [{{from: lead, to: mql, within: 4 hours}}]\n{BERLIN}")), []);
}

fn hours_change(changes: &str) -> Diagnostic {
    let hours = "hours: {mon: 09:00-17:00}";
    only(&format!("calendars: {{berlin: {{timezone: Europe/Berlin, {hours}, changes: {changes}}}}}"))
}

#[test]
fn calendars_that_cannot_be() {
    let hours = |hours: &str| only(&format!("calendars: {{berlin: {{timezone: Europe/Berlin, hours: {{{hours}}}}}}}"));
    let code = codes::BAD_CALENDAR;
    is(&hours(""), code, "the calendar `berlin` is never open", "mon-fri: 09:00-17:00");
    is(&hours("mon: []"), code, "the calendar `berlin` is never open", "mon-fri: 09:00-17:00");
    is(&hours("monday: 09:00-17:00"), code, "`monday` is not a weekday or a span of weekdays", "`mon-fri`");
    is(&hours("mon: 9-17"), code, "`9-17` are not opening hours", "`09:00-17:00`");
    is(&hours("mon: 22:00-06:00"), code, "`22:00-06:00` are not opening hours", "on two days");
    let overlap = "the hours of the calendar `berlin` overlap on `mon`";
    is(&hours("mon: [09:00-12:00, 11:00-13:00]"), code, overlap, "");
    let change = |from: &str, hours: &str| hours_change(&format!("[{{from: {from}, hours: {{{hours}}}}}]"));
    is(&change("2025-13-01", "mon: 09:00-17:00"), code, "`2025-13-01` is not a date", "`2025-01-01`");
    is(&change("2025-01-01", "mon: 9-17"), code, "`9-17` are not opening hours", "`09:00-17:00`");
    let twice = "[{from: 2025-01-01, hours: {mon: 09:00-17:00}}, {from: 2025-01-01, hours: {tue: 09:00-17:00}}]";
    let order = "the change of hours on 2025-01-01 does not come after the one before it";
    is(&hours_change(twice), code, order, "each day once");
    let zone = only("calendars: {berlin: {timezone: Europe/Berlim, hours: {mon: 09:00-17:00}}}");
    is(&zone, codes::BAD_TIME_ZONE, "`Europe/Berlim` is not a time zone of the IANA list", "`Europe/Berlin`");
    let unknown = only(&format!("{BERLIN}calendar: berlim"));
    is(&unknown, code, "there is no calendar `berlim`", "did you mean `berlin`?");
    let none = "the model declares no calendars to choose from";
    is(&only("calendar: berlin"), code, none, "under `calendars:`");
    is(&only("calendar_by: source_system"), code, none, "under `calendars:`");
    let holidays = "calendars: {b: {timezone: UTC, hours: {mon: 09:00-17:00}, holidays: {from: owner, date: since}}}";
    is(&only(holidays), codes::UNKNOWN_TABLE, "there is no table `owner`", "did you mean `owners`?");
    let holidays = "calendars: {b: {timezone: UTC, hours: {mon: 09:00-17:00}, holidays: {from: owners, date: who}}}";
    is(&only(holidays), codes::EXPRESSION_TYPE, "`who` is of type text, and a date is wanted here", "");
    let days = only(&format!("{BERLIN}unit: days"));
    let message = "business time is not told in days: no two business days need be of the same length";
    is(&days, codes::INVALID_VALUE, message, "`hours` or `minutes`");
}

#[test]
fn segments_and_attributes() {
    let taken = only("segments: {days_p50: stage}");
    let message = "a segment cannot be called `days_p50`: the tables have, or may have, a column of that name";
    is(&taken, codes::SEGMENT_NAME_TAKEN, message, "another name");
    assert_eq!(only("segments: {status: stage}").code, codes::SEGMENT_NAME_TAKEN);
    let unknown = only("segments: {system: source_systm}");
    is(&unknown, codes::UNKNOWN_COLUMN, "there is no column `source_systm` here", "did you mean `source_system`?");
    let with = |entity: &str, rest: &str| only(&format!("attributes: [{{from: owners, entity: {entity}}}]\n{rest}"));
    let message = "`who` is of type text, and a whole number, as the entities are, is wanted here";
    is(&with("who", ""), codes::EXPRESSION_TYPE, message, "");
    let message = "`weight` is of type double, and a text, a whole number, a date or a yes-or-no is wanted here";
    is(&with("id", "segments: {heavy: weight}"), codes::EXPRESSION_TYPE, message, "");
    // Visits and owners both have a stage.
    assert_eq!(with("id", "segments: {of: stage}").code, codes::AMBIGUOUS_COLUMN);
    let since = only("attributes: [{from: owners, entity: id, since: who}]");
    is(
        &since,
        codes::EXPRESSION_TYPE,
        "`who` is of type text, and a timestamp or a date is wanted here",
        "`to_timestamp(who)`",
    );
    let twice = only("attributes: [{from: owners, entity: id}, {from: owners, entity: id}]");
    is(&twice, codes::DUPLICATE_TABLE, "the table `owners` is read here already", "");
    let unknown = only("attributes: [{from: owner, entity: id}]");
    is(&unknown, codes::UNKNOWN_TABLE, "there is no table `owner`", "did you mean `owners`?");
}

#[test]
fn other_expressions_and_settings() {
    let message = "`stage` is of type text, and a condition is wanted here";
    is(&only("exclude: stage"), codes::EXPRESSION_TYPE, message, "");
    let message = "`stage` is of type text, and a timestamp or a date is wanted here";
    is(&only("observed_from: stage"), codes::EXPRESSION_TYPE, message, "to_timestamp(stage)");
    let message = "`visit_seq` is of type int, and a text is wanted here";
    is(&only(&format!("{BERLIN}calendar_by: visit_seq")), codes::EXPRESSION_TYPE, message, "");
    let month = only("cohort: month\nfiscal_year_starts: 2");
    is(&month, codes::INVALID_VALUE, "there is no fiscal cohort that this would matter for", "fiscal_quarter");
    let month = only("cohort: fiscal_year\nfiscal_year_starts: 13");
    is(&month, codes::INVALID_VALUE, "there is no month 13", "from 1 to 12");
}

#[test]
fn mistakes_of_the_text_are_shown_too() {
    for (yaml, expected) in [
        ("stages: [lead, mql]", "the key `from` is missing here"),
        ("from: stages\nmeasure: fastest", "`fastest` is not known here"),
        ("from: stages\nquantile: [0.5]", "`quantile` is not a key that can stand here"),
        ("from: stages\nhorizon: soon", "`soon` is not a length of time"),
    ] {
        let mut diags = Diagnostics::default();
        assert!(read::<Velocity>(0, yaml, &mut diags).is_none());
        let said: Vec<String> = diags.into_sorted().into_iter().map(|d| d.message).collect();
        assert!(said.iter().any(|message| message.contains(expected)), "{expected}: {said:?}");
    }
}
