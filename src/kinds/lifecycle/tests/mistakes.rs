//! What `check` says of models that cannot be.

use arrow::datatypes::{DataType, Field, TimeUnit};

use super::*;
use crate::diag::{Code, Diagnostics, Severity, codes};
use crate::syntax::read;

fn table() -> Schema {
    Schema::new(vec![
        Field::new("who", DataType::Utf8, true),
        Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
        Field::new("text_at", DataType::Utf8, true),
        Field::new("now", DataType::Utf8, true),
        Field::new("amount", DataType::Float64, true),
        Field::new("lead_on", DataType::Date32, true),
    ])
}

/// The one mistake of a model whose parts are given; the rest of it is in order.
fn only(stages: &str, source: &str, rest: &str) -> Diagnostic {
    let mut found = found(stages, source, rest);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

fn found(stages: &str, source: &str, rest: &str) -> Vec<Diagnostic> {
    let yaml = format!("{stages}\nsources:\n  - {{from: t, {source}}}\n{rest}\n");
    mistakes(&yaml, &[("t", table())])
}

const STAGES: &str = "stages: [lead, mql]";
const SOURCE: &str = "entity: who, at: at, to: now";

fn assert_is(found: &Diagnostic, code: Code, severity: Severity, message: &str, hint: &str) {
    assert_eq!((found.code, found.severity), (code, severity), "{found:#?}");
    assert_eq!(found.message, message);
    let said = found.hint.as_deref().unwrap_or_default();
    assert!(said.contains(hint) && (hint.is_empty() == said.is_empty()), "{said}");
    assert!(found.place.is_some());
}

#[test]
fn a_model_in_order_has_none() {
    assert_eq!(found(STAGES, SOURCE, ""), []);
    assert_eq!(found(STAGES, "entity: who, dates: {lead: lead_on, mql: at}", ""), []);
}

#[test]
fn stages_that_are_not_declared() {
    let error = |found: &Diagnostic, hint| {
        assert_is(found, codes::UNKNOWN_STAGE, Severity::Error, "there is no stage `mqll`", hint);
    };
    let mapped = "values: {lead: a, mql: b, mqll: c}";
    error(&only(STAGES, SOURCE, mapped), "did you mean `mql`?");
    error(&only(STAGES, "entity: who, dates: {lead: lead_on, mql: at, mqll: at}", ""), "did you mean `mql`?");
    error(&only(STAGES, SOURCE, "otherwise: mqll"), "did you mean `mql`?");
    let far = only(STAGES, SOURCE, "otherwise: customer");
    assert_is(&far, codes::UNKNOWN_STAGE, Severity::Error, "there is no stage `customer`", "stages: `lead`, `mql`");
}

#[test]
fn stages_declared_twice() {
    let twice = only("stages: [lead, mql, lead]", SOURCE, "");
    assert_is(&twice, codes::DUPLICATE_STAGE, Severity::Error, "the stage `lead` stands twice among the stages", "");
    let both = only("stages: [lead, mql]\ndetours: [mql]", SOURCE, "");
    let message = "the stage `mql` cannot stand among the stages and among the detours";
    assert_is(&both, codes::DUPLICATE_STAGE, Severity::Error, message, "");
    assert_eq!(both.related.len(), 1);
}

#[test]
fn stage_orders_that_cannot_be() {
    let none = only("stages: []", SOURCE, "");
    assert_is(&none, codes::IMPOSSIBLE_STAGE_ORDER, Severity::Error, "the ladder of `initial` has no stage", "");
    let names: Vec<String> = (0..65).map(|n| format!("s{n}")).collect();
    let many = only(&format!("stages: [{}]", names.join(", ")), SOURCE, "");
    let message = "65 stages are more than the 64 that a model may have";
    assert_is(&many, codes::IMPOSSIBLE_STAGE_ORDER, Severity::Error, message, "");
    let rest = "versions: [{effective_from: 2025-01-01, stages: [mql], values: {lead: x}}]";
    let message = "`lead` is not a stage of the version `2025-01-01`";
    assert_is(&only(STAGES, SOURCE, rest), codes::IMPOSSIBLE_STAGE_ORDER, Severity::Error, message, "");
}

#[test]
fn stages_that_nothing_leads_to() {
    let by_value = only(STAGES, SOURCE, "values: {lead: new}");
    let message = "no value leads to the stage `mql`";
    assert_is(&by_value, codes::UNMAPPED_STAGE, Severity::Warning, message, "write `mql: mql`");
    let by_date = only(STAGES, "entity: who, dates: {lead: lead_on}", "");
    assert_is(&by_date, codes::UNMAPPED_STAGE, Severity::Warning, message, "add its date");
    // A version adds a value; that of the other stage is its name.
    assert_eq!(found(STAGES, SOURCE, "versions: [{effective_from: 2025-01-01, values: {lead: x}}]"), []);
}

#[test]
fn values_never_reached_and_bad_patterns() {
    let twice = only(STAGES, SOURCE, "values: {lead: [new, open], mql: [qualified, NEW]}");
    assert_is(
        &twice,
        codes::UNREACHABLE_VALUE,
        Severity::Error,
        "`NEW` is never reached here: it is mapped already",
        "",
    );
    let twice = only(STAGES, SOURCE, "values: {lead: ~a, mql: [~b, ~a]}");
    assert_is(
        &twice,
        codes::UNREACHABLE_VALUE,
        Severity::Error,
        "`~a` is never reached here: it is mapped already",
        "",
    );
    let bad = only(STAGES, SOURCE, "values: {lead: '~(', mql: b}");
    let message = "`(` is not a regular expression: unclosed group";
    assert_is(&bad, codes::BAD_REGEX, Severity::Error, message, "a text that begins with `~` is one");
}

#[test]
fn versions_out_of_order() {
    let at = |first: &str, second: &str| {
        only(
            STAGES,
            SOURCE,
            &format!("versions: [{{effective_from: {first}}}, {{effective_from: {second}, name: two}}]"),
        )
    };
    let message = "the version of `2025-01-01` does not begin after the one above it";
    assert_is(&at("2025-02-01", "2025-01-01"), codes::OVERLAPPING_VERSIONS, Severity::Error, message, "in the order");
    assert_is(&at("2025-01-01", "2025-01-01"), codes::OVERLAPPING_VERSIONS, Severity::Error, message, "in the order");
    let bad = at("2025-01-01", "soon");
    assert_is(&bad, codes::INVALID_VALUE, Severity::Error, "`soon` is not a date", "write it as in");
    let rest = "versions: [{effective_from: 2025-01-01, name: initial}]";
    let message = "two versions are called `initial`";
    assert_is(&only(STAGES, SOURCE, rest), codes::OVERLAPPING_VERSIONS, Severity::Error, message, "");
}

#[test]
fn expressions_of_the_wrong_type() {
    let text = only(STAGES, "entity: who, at: text_at, to: now", "");
    let message = "`text_at` is of type text, and a timestamp or a date is wanted here";
    assert_is(&text, codes::EXPRESSION_TYPE, Severity::Error, message, "to_timestamp(text_at)");
    let message = "`amount` is of type double, and a text or a whole number is wanted here";
    let entity = only(STAGES, "entity: amount, at: at, to: now", "");
    assert_is(&entity, codes::EXPRESSION_TYPE, Severity::Error, message, "");
    let filter = only(STAGES, &format!("{SOURCE}, where: now"), "");
    let message = "`now` is of type text, and a condition is wanted here";
    assert_is(&filter, codes::EXPRESSION_TYPE, Severity::Error, message, "");
    let all = found(STAGES, "entity: whom, at: att, to: noww", "");
    assert_eq!(all.iter().map(|d| d.code).collect::<Vec<_>>(), [codes::UNKNOWN_COLUMN; 3]);
}

#[test]
fn sources_that_say_too_little_or_too_much() {
    let is = |found: Diagnostic, code, message: &str, hint| assert_is(&found, code, Severity::Error, message, hint);
    let nothing = "the source `t` does not say to which stages its rows lead";
    is(only(STAGES, "entity: who, at: at", ""), codes::MISSING_KEY, nothing, "write `to`");
    let no_at = "the key `at` is missing here: a change without an instant cannot be placed";
    is(only(STAGES, "entity: who, to: now", ""), codes::MISSING_KEY, no_at, "");
    let both = "a source has either `to` or `dates`, not both";
    is(only(STAGES, &format!("{SOURCE}, dates: {{lead: at}}"), ""), codes::INVALID_VALUE, both, "further source");
    let at_too = "`at` belongs to a source with `to`; with `dates` each date is an instant by itself";
    let source = "entity: who, at: at, dates: {lead: lead_on, mql: at}";
    is(only(STAGES, source, ""), codes::INVALID_VALUE, at_too, "");
    let no_system = "the source `t` does not say its `system`, by which the crosswalk tells records apart";
    let rest = "crosswalk: {from: t, record: who, system: now, id: who}";
    is(only(STAGES, SOURCE, rest), codes::MISSING_KEY, no_system, "");
    let rest = "hand_over: {from: u, old: who, new: who}";
    is(only(STAGES, SOURCE, rest), codes::UNKNOWN_TABLE, "there is no table `u`", "did you mean `t`?");
}

#[test]
fn sources_that_share_a_name() {
    let twice = only(STAGES, SOURCE, "  - {from: t, entity: who, dates: {lead: lead_on}}");
    assert_is(&twice, codes::DUPLICATE_SOURCE_NAME, Severity::Error, "two sources are called `t`", "`name` of its own");
    assert_eq!(found(STAGES, SOURCE, "  - {from: t, name: days, entity: who, dates: {lead: lead_on}}"), []);
}

#[test]
fn mistakes_of_the_text_are_shown_too() {
    for (yaml, expected) in [
        ("stages: [Lead]", "`Lead` is not a stage name"),
        ("stages: [{label: x}]", "the key `name` is missing here"),
        ("stages: [{name: lead, labl: x}]", "`labl` is not a key that can stand here"),
        ("stages: [lead]\npolicies: {skipped: sometimes}", "`sometimes` is not known here"),
    ] {
        let text = format!("{yaml}\nsources: []\n");
        let mut diags = Diagnostics::default();
        assert!(read::<Lifecycle>(0, &text, &mut diags).is_none());
        let said: Vec<String> = diags.into_sorted().into_iter().map(|d| d.message).collect();
        assert!(said.iter().any(|message| message.contains(expected)), "{expected}: {said:?}");
    }
}
