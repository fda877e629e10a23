//! What `check` says of definitions that cannot be, or that are hardly meant.

use arrow::datatypes::{Field, TimeUnit};

use super::*;
use crate::diag::{Code, Severity, codes};

fn schema() -> Schema {
    let text = |name: &str| Field::new(name, TEXT, true);
    Schema::new(vec![
        text("id"),
        text("who"),
        Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
        text("channel"),
        Field::new("amount", DataType::Decimal128(18, 2), true),
        Field::new("price", DataType::Float64, true),
    ])
}

fn stages() -> [(&'static str, Schema); 2] {
    let instant = |name: &str| Field::new(name, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true);
    let text = |name: &str| Field::new(name, TEXT, true);
    let visits = Schema::new(vec![text("entity_id"), text("stage"), instant("entered_at")]);
    let entities = Schema::new(vec![text("entity_id"), instant("became_lead_at"), instant("became_mql_at")]);
    [("stages", visits), ("stages_entities", entities)]
}

const CONVERSIONS: &str = "conversions: {from: t, id: id, entity: who, at: at, amount: amount}\n";
const TOUCHES: &str = "touches: {from: t, id: id, entity: who, at: at, channel: channel}\n";

fn found(yaml: &str) -> Vec<Diagnostic> {
    let [visits, entities] = stages();
    mistakes(yaml, &[("t", schema()), visits, entities])
}

/// The one mistake of a definition that is in order but for what is given.
fn only(rest: &str) -> Diagnostic {
    let mut found = found(&format!("{CONVERSIONS}{TOUCHES}{rest}"));
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

#[track_caller]
fn assert_is(found: &Diagnostic, code: Code, severity: Severity, message: &str, hint: &str) {
    assert_eq!((found.code, found.severity), (code, severity), "{found:#?}");
    assert_eq!(found.message, message);
    let said = found.hint.as_deref().unwrap_or_default();
    assert!(said.contains(hint) && (hint.is_empty() == said.is_empty()), "{said}");
    assert!(found.place.is_some());
}

const E: Severity = Severity::Error;

#[test]
fn a_definition_in_order_has_none() {
    assert_eq!(found(&format!("{CONVERSIONS}{TOUCHES}models: [linear, markov]")), []);
    let all = super::super::models::KNOWN.iter().map(|known| known.name).collect::<Vec<_>>().join(", ");
    let milestones =
        "milestones: {lead_created: {from: stages, person: entity_id, stage: mql}, opportunity_created: at}";
    assert_eq!(found(&format!("{CONVERSIONS}{TOUCHES}{milestones}\nmodels: [{all}]")), []);
}

#[test]
fn models_that_are_not_known_or_named_twice() {
    assert_is(&only("models: [liner]"), codes::UNKNOWN_MODEL, E, "there is no model `liner`", "did you mean `linear`?");
    let unknown = only("models: [u_shaped@acme_software]");
    assert_is(&unknown, codes::UNKNOWN_MODEL, E, "there is no model `u_shaped@acme_software`", "`");
    let twice = only("models: [linear, {name: linear, model: first_touch}]");
    assert_is(&twice, codes::DUPLICATE_MODEL, E, "two models are called `linear`", "give one of them a `name`");
    assert_is(&only("models: []"), codes::INVALID_VALUE, E, "an attribution needs at least one model", "models: [");
    let message = "a model says exactly one of `model`, `time_decay`, `position`, `markov`, `shapley`";
    assert_is(&only("models: [{name: a}]"), codes::INVALID_VALUE, E, message, "");
    assert_is(&only("models: [{model: linear, markov: {}}]"), codes::INVALID_VALUE, E, message, "");
    let order = only("models: [{markov: {order: 4}}]");
    assert_is(&order, codes::INVALID_VALUE, E, "a chain of order 4 is not known: it is 1, 2 or 3", "");
    let alone = only("models: [participation]");
    let message = "no model shares credit out, so nothing proves that conversions are complete";
    assert_is(&alone, codes::INVALID_VALUE, E, message, "add one beside `participation`");
    let half = only("models: [{time_decay: {half_life: 1 month}}]");
    assert_is(&half, codes::INVALID_VALUE, E, "`1 month` has no fixed length to halve weights by", "above 0");
}

#[test]
fn shares_and_places() {
    let short = only("models: [{name: a, position: {first: 35, last: 22.5}}]");
    assert_is(&short, codes::SHARES_NOT_WHOLE, E, "the shares make 57.5 %, not 100 %", "change them");
    let unknown = only("models: [{name: a, position: {first: 50, lead_created: 50}}]");
    let message = "`position` has a share for `lead_created`, which is not a milestone of this model";
    assert_is(&unknown, codes::UNKNOWN_PLACE, E, message, "milestones: {lead_created");
    let w = found(&format!("{CONVERSIONS}{TOUCHES}models: [w_shaped]"));
    assert_eq!(w.iter().map(|d| d.code).collect::<Vec<_>>(), [codes::UNKNOWN_PLACE]);
    let both = only("models: [{name: a, position: {first: 50, others: 25, between: 25}}]");
    assert_is(&both, codes::INVALID_VALUE, E, "a position has either `others` or `between`, not both", "");
    let nobody = only("models: [{name: a, position: {first: 0, others: 100}}]");
    assert_is(&nobody, codes::IMPOSSIBLE_PLACE, E, "no place has a share, so all touches would get the same", "linear");
}

#[test]
fn places_that_nobody_can_hold() {
    let (w, hint) = (Severity::Warning, "look back on more touches, or leave the share out");
    let second = only("lookback: {touches: 1}\nmodels: [{name: a, position: {first: 50, second: 50}}]");
    let message = "`second` of `a` can never apply: a journey has one touch at most, and nobody is second in it, so \
                   its 50 % always enlarges the other shares";
    assert_is(&second, codes::IMPOSSIBLE_PLACE, w, message, hint);
    let others = only("lookback: {touches: 2}\nmodels: [{name: a, position: {first: 50, last: 30, others: 20}}]");
    let message = "`others` of `a` can never apply: a journey has 2 touches at most, each of which has a place, so \
                   its 20 % always enlarges the other shares";
    assert_is(&others, codes::IMPOSSIBLE_PLACE, w, message, hint);
    let between = only("models: [{name: a, position: {first: 50, between: 50}}]");
    let message = "`between` of `a` can never apply: a journey may have any number of touches, and none lies between \
                   two places that are held, so its 50 % always enlarges the other shares";
    assert_is(&between, codes::IMPOSSIBLE_PLACE, w, message, hint);
}

/// Known models have places as well: of two touches a U has two ends, and an Amplitude J the last and the one before.
#[test]
fn known_models_have_places_too() {
    let found = |most: u32, model: &str| -> Vec<String> {
        let milestones = "milestones: {lead_created: at, opportunity_created: at}";
        let yaml = format!("lookback: {{touches: {most}}}\n{milestones}\nmodels: [{model}]");
        found(&format!("{CONVERSIONS}{TOUCHES}{yaml}")).into_iter().map(|said| said.message).collect()
    };
    let starts = |most: u32, model: &str, start: &str| {
        let said = found(most, model);
        assert!(said.len() == 1 && said[0].starts_with(start), "{said:?}");
    };
    starts(2, "u_shaped", "`others` of `u_shaped` can never apply: a journey has 2 touches at most");
    starts(2, "w_shaped", "`between` of `w_shaped` can never apply");
    starts(1, "u_shaped@hubspot", "`others` of `u_shaped_hubspot` can never apply: a journey has one touch at most");
    let amplitude = found(2, "j_shaped@amplitude");
    assert!(amplitude[0].ends_with("so its 20 % always goes to all touches alike"), "{amplitude:?}");
    // One more touch, and there is room; a milestone need not take a touch of its own.
    for (most, model) in [(3, "u_shaped"), (3, "w_shaped"), (2, "u_shaped@hubspot"), (3, "j_shaped@amplitude")] {
        assert_eq!(found(most, model), [""; 0], "{model}");
    }
    // The second of two is the last as well, so the first is one of the others.
    assert_eq!(found(2, "{name: a, position: {second: 50, last: 30, others: 20}}"), [""; 0]);
}

/// A third need not be cut off after two decimals.
#[test]
fn shares_with_up_to_six_decimals() {
    assert_eq!(
        found(&format!(
            "{CONVERSIONS}{TOUCHES}models: [{{name: a, position: {{first: 33.333, last: 33.334, others: 33.333}}}}]"
        )),
        []
    );
    let short = only("models: [{name: a, position: {first: 33.333333, last: 66.666666}}]");
    assert_is(&short, codes::SHARES_NOT_WHOLE, E, "the shares make 99.999999 %, not 100 %", "change them");
}

#[test]
fn milestones_that_are_never_reached() {
    let milestone = |text: &str| format!("milestones: {{reached: {text}}}\nmodels: [linear]");
    let stage = only(&milestone("{from: stages, person: entity_id, stage: mqll}"));
    let message = "`stages` has no stage `mqll`, so the milestone is never reached";
    assert_is(&stage, codes::UNREACHED_MILESTONE, E, message, "did you mean `mql`?");
    let table = only(&milestone("{from: t, person: who, stage: mql}"));
    let message = "`t` is not a lifecycle model, so it has no stage `mql`";
    assert_is(&table, codes::UNREACHED_MILESTONE, E, message, "kind `lifecycle`");
    let whose = only(&milestone("{from: t, at: at}"));
    assert_is(&whose, codes::MISSING_KEY, E, "the milestone does not say whose it is", "`person`");
    let when = only(&milestone("{from: t, person: who}"));
    assert_is(&when, codes::MISSING_KEY, E, "the milestone does not say when it was reached", "`at`");
    let two = only(&milestone("{from: t, person: who, entity: who, at: at}"));
    let message = "a milestone belongs to one of `person`, `entity`, `conversion`, and several are given";
    assert_is(&two, codes::INVALID_VALUE, E, message, "");
}

#[test]
fn nobody_can_meet() {
    let bare = CONVERSIONS.replace("entity: who, ", "");
    let none = found(&format!("{bare}{TOUCHES}models: [linear]"));
    assert_eq!(none.len(), 1, "{none:#?}");
    let message = "`entity` is missing: without it nobody knows whose touches count";
    assert_is(&none[0], codes::NOBODY_JOINED, E, message, "`roles`");
    let roles = "roles: {from: t, conversion: id, person: who, mode: hybrid}\nmodels: [linear]";
    let message = "`people` is missing: it says which people belong to the conversion's account";
    assert_is(&only(roles), codes::NOBODY_JOINED, E, message, "add `people");
    let unused =
        "roles: {from: t, conversion: id, person: who}\npeople: {from: t, person: who, account: id}\nmodels: [linear]";
    let message = "`people` is not looked at where `roles` are explicit";
    assert_is(&only(unused), codes::NOBODY_JOINED, E, message, "`mode: hybrid`");
}

#[test]
fn amounts_columns_and_times() {
    let float = found(&format!("{}{TOUCHES}models: [linear]", CONVERSIONS.replace("amount: amount", "amount: price")));
    let message = "`price` is of type double, and an exact amount is wanted here";
    assert_is(&float[0], codes::EXPRESSION_TYPE, E, message, "CAST(price AS DECIMAL(18, 2))");
    let taken = TOUCHES.replace("channel: channel", "channel: channel, keep: {weight: price}");
    let taken = found(&format!("{CONVERSIONS}{taken}models: [linear]"));
    let message = "`weight` is a column that this kind makes itself";
    assert_is(&taken[0], codes::DUPLICATE_LEDGER_COLUMN, E, message, "another name");
    let twice = TOUCHES.replace("channel: channel", "channel: channel, keep: {note: price}");
    let twice = format!(
        "{}{twice}models: [linear]",
        CONVERSIONS.replace("amount: amount", "amount: amount, keep: {note: who}")
    );
    let message = "two columns of the ledger would be called `note`";
    assert_is(&found(&twice)[0], codes::DUPLICATE_LEDGER_COLUMN, E, message, "another name");
    let month = only("lookback: 3 months\nmodels: [linear]");
    assert_is(&month, codes::INVALID_VALUE, E, "`3 months` has no fixed length", "days or weeks");
    let none = only("lookback: {touches: 0}\nmodels: [linear]");
    assert_is(&none, codes::INVALID_VALUE, E, "a journey of no touches gives nobody credit", "at least one");
    let spend = "spend: {from: t, on: at, channel: channel, cost: amount, campaign: who}\nmodels: [linear]";
    let message = "spend is told by campaign, and the touches do not tell theirs";
    assert_is(&only(spend), codes::MISSING_KEY, E, message, "`campaign`");
}
