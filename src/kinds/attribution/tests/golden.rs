//! Cases worked out by hand: the worked numbers of the specification, and what people disagree on.

use super::*;

pub(super) const BASE: &str = "
conversions: {from: deals, id: id, entity: who, at: at, amount: amount, currency: currency}
touches: {from: touches, id: id, entity: who, at: at, channel: channel}
";

pub(super) async fn ledger(extra: &str, touched: &[(&str, &str, &str, &str)], deals: &RecordBatch) -> Made {
    let made = run(&format!("{BASE}{extra}"), &[("deals", deals.clone()), ("touches", touches(touched))], PLAIN).await;
    made.assert_closed();
    made
}

pub(super) fn deal(at: &str, cents: i64) -> RecordBatch {
    conversions(&[("d", "a", at, Some(cents), Some("USD"))])
}

/// Touches of `a` on these days, by e-mail: `t1`, `t2`, ….
pub(super) fn on_days(days: &[&'static str]) -> Vec<(&'static str, &'static str, &'static str, &'static str)> {
    const NAMES: [&str; 8] = ["t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8"];
    NAMES.iter().zip(days).map(|(name, day)| (*name, "a", *day, "Email")).collect()
}

pub(super) const EIGHT: [&str; 8] =
    ["2024-03-01", "2024-03-02", "2024-03-03", "2024-03-04", "2024-03-05", "2024-03-06", "2024-03-07", "2024-03-08"];

/// The amounts of one model by position.
pub(super) fn amounts(made: &Made, model: &str) -> Vec<String> {
    let lines = made.lines("", &["model", "position", "amount"]);
    let own = lines.iter().filter_map(|line| line.strip_prefix(&format!("{model} | ")));
    own.map(|line| line.split(" | ").nth(1).unwrap().to_string()).collect()
}

/// The weights of one model by position, to six decimals.
fn weights(made: &Made, model: &str) -> Vec<String> {
    let lines = made.lines("", &["model", "position", "weight"]);
    let own = lines.iter().filter_map(|line| line.strip_prefix(&format!("{model} | ")));
    own.map(|line| format!("{:.6}", line.split(" | ").nth(1).unwrap().parse::<f64>().unwrap())).collect()
}

#[tokio::test]
async fn three_touches_and_a_hundred() {
    let made =
        ledger("models: [first_touch, last_touch, linear]", &on_days(&EIGHT[..3]), &deal("2024-03-10", 100_00)).await;
    assert_eq!(
        made.lines("", &["model", "position", "touch_id", "weight", "amount", "days_before", "journey_length"]),
        [
            "first_touch | 1 | t1 | 1.000000000000000 | 100.00 | 9.0 | 3",
            "last_touch | 3 | t3 | 1.000000000000000 | 100.00 | 7.0 | 3",
            "linear | 1 | t1 | 0.333333333333334 | 33.34 | 9.0 | 3",
            "linear | 2 | t2 | 0.333333333333333 | 33.33 | 8.0 | 3",
            "linear | 3 | t3 | 0.333333333333333 | 33.33 | 7.0 | 3",
        ]
    );
    let other = ["channel", "currency", "definition_version", "entity_id", "converted_at", "touched_at"];
    let line = "Email | USD | 1 | a | 2024-03-10 00:00:00 | 2024-03-01 00:00:00";
    assert_eq!(made.lines("", &other)[0], line);
    let reconciled = ["model", "currency", "conversions", "amount_converted", "amount_attributed", "difference"];
    assert_eq!(made.lines("_reconciliation", &reconciled)[2], "linear | USD | 1 | 100.00 | 100.00 | 0.00");
    assert_eq!(made.fact("rows_out", "conversions"), Some(1));
    assert_eq!(made.fact("rows_out", "touches"), Some(3));
}

/// 33.333 % of a hundred thousand are 33,333.00, to the cent.
#[tokio::test]
async fn shares_of_a_thousandth_of_a_percent() {
    let yaml = "models: [{name: thirds, position: {first: 33.333, last: 33.334, others: 33.333}}]";
    let made = ledger(yaml, &on_days(&EIGHT[..3]), &deal("2024-03-10", 100_000_00)).await;
    assert_eq!(amounts(&made, "thirds"), ["33333.00", "33333.00", "33334.00"]);
    assert_eq!(weights(&made, "thirds"), ["0.333330", "0.333330", "0.333340"]);
}

/// Three channels in four touches: each has all of the 90.00 at its first touch, 270.00 in all, and the
/// reconciliation knows of the model beside it alone.
#[tokio::test]
async fn participation_does_not_add_up() {
    let touched = [
        ("t1", "a", "2024-03-01", "Email"),
        ("t2", "a", "2024-03-02", "Search"),
        ("t3", "a", "2024-03-03", "Email"),
        ("t4", "a", "2024-03-04", "Social"),
    ];
    let deals = conversions(&[
        ("d1", "a", "2024-03-10", Some(90_00), Some("USD")),
        ("d2", "a", "2024-03-02", Some(10_00), Some("USD")),
        ("d3", "nobody", "2024-03-10", Some(5_00), Some("USD")),
    ]);
    for layout in ["long", "wide"] {
        let made = ledger(&format!("models: [participation, linear]\nlayout: {layout}"), &touched, &deals).await;
        if layout == "long" {
            let lines = made.lines("", &["model", "conversion_id", "touch_id", "weight", "amount"]);
            let own: Vec<&String> = lines.iter().filter(|line| line.starts_with("participation")).collect();
            assert_eq!(
                own,
                [
                    "participation | d1 | t1 | 1.000000000000000 | 90.00",
                    "participation | d1 | t2 | 1.000000000000000 | 90.00",
                    "participation | d1 | t4 | 1.000000000000000 | 90.00",
                    "participation | d2 | t1 | 1.000000000000000 | 10.00",
                    "participation | d2 | t2 | 1.000000000000000 | 10.00",
                    "participation | d3 | - | 1.000000000000000 | 5.00",
                ]
            );
        }
        let compared = made.lines("_comparison", &["model", "channel", "amount", "amount_total", "credits_share"]);
        assert_eq!(compared[4], "participation | (unattributed) | 5.00 | - | -", "{layout}");
        assert_eq!(compared[5], "participation | Email | 100.00 | - | -", "{layout}");
        assert_eq!(compared[7], "participation | Social | 90.00 | - | -", "{layout}");
        let reconciled = made.lines("_reconciliation", &["model", "amount_converted", "difference"]);
        assert_eq!(reconciled, ["linear | 105.00 | 0.00"], "{layout}");
        assert_eq!(made.fact("rows_out", "conversions"), Some(3));
    }
}

#[tokio::test]
async fn refunds_keep_their_sign() {
    let made = ledger("models: [linear]", &on_days(&EIGHT[..3]), &deal("2024-03-10", -100_00)).await;
    assert_eq!(amounts(&made, "linear"), ["-33.34", "-33.33", "-33.33"]);
    assert_eq!(weights(&made, "linear"), ["0.333333", "0.333333", "0.333333"]);
}

#[tokio::test]
async fn u_shaped_of_an_odd_amount() {
    let made = ledger("models: [u_shaped]", &on_days(&EIGHT[..5]), &deal("2024-03-10", 999_99)).await;
    assert_eq!(amounts(&made, "u_shaped"), ["400.00", "66.67", "66.67", "66.66", "399.99"]);
}

/// One touch, two, and three: shares of places that nobody holds are spread in proportion.
#[tokio::test]
async fn short_journeys() {
    let models = "models: [u_shaped, j_shaped, inverse_j_shaped, j_shaped@amplitude, inverse_j_shaped@amplitude]";
    let one = ledger(models, &on_days(&EIGHT[..1]), &deal("2024-03-10", 100_00)).await;
    for model in ["u_shaped", "j_shaped", "inverse_j_shaped", "j_shaped_amplitude", "inverse_j_shaped_amplitude"] {
        assert_eq!(weights(&one, model), ["1.000000"], "{model}");
    }
    let two = ledger(models, &on_days(&EIGHT[..2]), &deal("2024-03-10", 100_00)).await;
    assert_eq!(weights(&two, "u_shaped"), ["0.500000", "0.500000"]);
    assert_eq!(weights(&two, "j_shaped"), ["0.250000", "0.750000"]);
    assert_eq!(weights(&two, "inverse_j_shaped"), ["0.750000", "0.250000"]);
    assert_eq!(weights(&two, "j_shaped_amplitude"), ["0.300000", "0.700000"]);
    assert_eq!(weights(&two, "inverse_j_shaped_amplitude"), ["0.700000", "0.300000"]);
    let four = ledger(models, &on_days(&EIGHT[..4]), &deal("2024-03-10", 100_00)).await;
    assert_eq!(weights(&four, "j_shaped_amplitude"), ["0.100000", "0.100000", "0.200000", "0.600000"]);
    assert_eq!(weights(&four, "j_shaped"), ["0.200000", "0.100000", "0.100000", "0.600000"]);
}

#[tokio::test]
async fn time_decay_of_a_week() {
    let days = ["2024-02-28", "2024-03-06", "2024-03-13"];
    let made = ledger("models: [time_decay]", &on_days(&days), &deal("2024-03-13", 700_00)).await;
    assert_eq!(weights(&made, "time_decay"), ["0.142857", "0.285714", "0.571429"]);
    assert_eq!(amounts(&made, "time_decay"), ["100.00", "200.00", "400.00"]);
    let days = ["2024-02-14", "2024-02-28", "2024-03-06", "2024-03-13"];
    let made = ledger("models: [time_decay]", &on_days(&days), &deal("2024-03-13", 100_00)).await;
    assert_eq!(weights(&made, "time_decay"), ["0.034483", "0.137931", "0.275862", "0.551724"]);
    // Nine, six, no and no days: Adobe's example.
    let days = ["2024-03-04", "2024-03-07", "2024-03-13", "2024-03-13"];
    let made = ledger("models: [time_decay]", &on_days(&days), &deal("2024-03-13", 50_00)).await;
    assert_eq!(weights(&made, "time_decay"), ["0.138467", "0.186362", "0.337586", "0.337586"]);
    // So old that nothing would be left: ages count from the newest touch.
    let yaml = "lookback: unlimited\nmodels: [{time_decay: {half_life: 1 hours}}]";
    let made = ledger(yaml, &on_days(&["2024-01-01 00:00", "2024-01-01 01:00"]), &deal("2024-03-13", 30_00)).await;
    assert_eq!(amounts(&made, "time_decay"), ["10.00", "20.00"]);
}

fn milestones(lead: &str, created: &str, deals: &RecordBatch) -> RecordBatch {
    let rows = deals.num_rows();
    let mut columns: Vec<(&str, ArrayRef)> = Vec::new();
    let schema = deals.schema();
    for (field, column) in schema.fields().iter().zip(deals.columns()) {
        let name = ["id", "who", "at", "amount", "currency"].into_iter().find(|known| known == field.name()).unwrap();
        columns.push((name, Arc::clone(column)));
    }
    columns.push(("lead_at", instants(std::iter::repeat_n(Some(lead), rows))));
    columns.push(("created", instants(std::iter::repeat_n(Some(created), rows))));
    table(columns)
}

const STAGED: &str = "
milestones: {lead_created: lead_at, opportunity_created: created}
";

#[tokio::test]
async fn w_shaped_with_six_touches() {
    let deals = milestones("2024-03-03 12:00", "2024-03-06", &deal("2024-03-10", 50_000_00));
    let models = "models: [w_shaped, w_shaped@hubspot, u_shaped@hubspot, u_shaped@marketo_measure]";
    let made = ledger(&format!("{STAGED}{models}"), &on_days(&EIGHT[..6]), &deals).await;
    let expected = ["15000.00", "1666.67", "15000.00", "1666.67", "1666.66", "15000.00"];
    assert_eq!(amounts(&made, "w_shaped"), expected);
    assert_eq!(amounts(&made, "w_shaped_hubspot"), expected);
    // Twenty for four others.
    let expected = ["20000.00", "2500.00", "20000.00", "2500.00", "2500.00", "2500.00"];
    assert_eq!(amounts(&made, "u_shaped_hubspot"), expected);
    assert_eq!(amounts(&made, "u_shaped_marketo_measure"), ["25000.00", "25000.00"]);
}

/// One touch on two milestones adds their shares; those between share the rest.
#[tokio::test]
async fn w_shaped_with_a_touch_on_two_milestones() {
    let deals = milestones("2024-03-01", "2024-03-04", &deal("2024-03-10", 100_00));
    let made = ledger(&format!("{STAGED}models: [w_shaped]"), &on_days(&EIGHT[..4]), &deals).await;
    assert_eq!(weights(&made, "w_shaped"), ["0.600000", "0.050000", "0.050000", "0.300000"]);
    // Three touches on three milestones: nobody is between, so each has a third.
    let deals = milestones("2024-03-02", "2024-03-03", &deal("2024-03-10", 100_00));
    let made = ledger(&format!("{STAGED}models: [w_shaped]"), &on_days(&EIGHT[..3]), &deals).await;
    assert_eq!(amounts(&made, "w_shaped"), ["33.34", "33.33", "33.33"]);
    // No touch before the lead: .3 and .3 and .1 for the one between, of .7.
    let deals = milestones("2024-02-01", "2024-03-03", &deal("2024-03-10", 70_00));
    let made = ledger(&format!("{STAGED}models: [w_shaped]"), &on_days(&EIGHT[..3]), &deals).await;
    assert_eq!(amounts(&made, "w_shaped"), ["30.00", "10.00", "30.00"]);
}

#[tokio::test]
async fn the_full_path_of_eight_touches() {
    let deals = milestones("2024-03-03", "2024-03-06", &deal("2024-03-08", 100_00));
    let made = ledger(&format!("{STAGED}models: [full_path]"), &on_days(&EIGHT), &deals).await;
    let (end, between) = ("0.225000", "0.025000");
    assert_eq!(weights(&made, "full_path"), [end, between, end, between, between, end, between, end]);
}

#[tokio::test]
async fn positions_of_ones_own() {
    let yaml = "models: [{name: house, position: {first: 35, second: 10, second_last: 15, last: 25, others: 15}}]";
    let made = ledger(yaml, &on_days(&EIGHT[..6]), &deal("2024-03-10", 100_00)).await;
    assert_eq!(amounts(&made, "house"), ["35.00", "10.00", "7.50", "7.50", "15.00", "25.00"]);
    // Three touches: the second is also the last but one, and the others' share goes to all.
    let made = ledger(yaml, &on_days(&EIGHT[..3]), &deal("2024-03-10", 85_00)).await;
    assert_eq!(amounts(&made, "house"), ["35.00", "25.00", "25.00"]);
    let made = ledger(yaml, &on_days(&EIGHT[..1]), &deal("2024-03-10", 85_00)).await;
    assert_eq!(amounts(&made, "house"), ["85.00"]);
}

#[tokio::test]
async fn the_last_touch_that_is_not_direct() {
    let touched = [
        ("t1", "a", "2024-03-01", "Email"),
        ("t2", "a", "2024-03-02", "Search"),
        ("t3", "a", "2024-03-03", "Direct"),
        ("u1", "b", "2024-03-01", "Direct"),
        ("u2", "b", "2024-03-02", "Direct"),
    ];
    let deals = conversions(&[
        ("d1", "a", "2024-03-10", Some(100), Some("USD")),
        ("d2", "b", "2024-03-10", Some(100), Some("USD")),
    ]);
    let made = ledger("models: [last_non_direct, last_touch]", &touched, &deals).await;
    assert_eq!(
        made.lines("", &["conversion_id", "model", "touch_id"]),
        ["d1 | last_non_direct | t2", "d1 | last_touch | t3", "d2 | last_non_direct | u2", "d2 | last_touch | u2"]
    );
}
