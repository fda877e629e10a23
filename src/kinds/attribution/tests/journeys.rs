//! Cases worked out by hand: what is in a journey, and conversions out of the ordinary.

use super::golden::{BASE, EIGHT, amounts, deal, ledger, on_days};
use super::*;
use crate::diag::Diagnostics;
use crate::kinds::ModelKind;

/// The bound of the lookback and the conversion's own instant count; what is after it does not.
#[tokio::test]
async fn the_edges_of_the_lookback() {
    let touched = [
        ("t1", "a", "2024-02-28 23:59:59", "Email"),
        ("t2", "a", "2024-02-29", "Email"),
        ("t3", "a", "2024-03-10", "Email"),
        ("t4", "a", "2024-03-10 00:00:01", "Email"),
    ];
    let deals = deal("2024-03-10", 100);
    let made = ledger("lookback: 10 days\nmodels: [linear]", &touched, &deals).await;
    assert_eq!(made.lines("", &["touch_id", "amount"]), ["t2 | 0.50", "t3 | 0.50"]);
    let made = ledger("lookback: {within: 30 days, touches: 1}\nmodels: [linear]", &touched, &deals).await;
    assert_eq!(made.lines("", &["touch_id", "amount", "journey_length"]), ["t3 | 1.00 | 1"]);
    let made = ledger("lookback: unlimited\nmodels: [first_touch, last_touch]", &touched, &deals).await;
    assert_eq!(made.lines("", &["touch_id", "position", "journey_length"]), ["t1 | 1 | 3", "t3 | 3 | 3"]);
}

#[tokio::test]
async fn nothing_in_reach_stands_alone() {
    let deals = conversions(&[
        ("d1", "a", "2024-03-10", Some(100_00), Some("USD")),
        ("d2", "nobody", "2024-03-10", Some(50_01), Some("USD")),
    ]);
    let made = ledger("models: [first_touch, linear]", &on_days(&EIGHT[..2]), &deals).await;
    let columns = ["conversion_id", "model", "channel", "touch_id", "position", "journey_length", "weight", "amount"];
    let lines = made.lines("", &columns);
    assert_eq!(lines[3], "d2 | first_touch | (unattributed) | - | 1 | 0 | 1.000000000000000 | 50.01");
    assert_eq!(lines[4], "d2 | linear | (unattributed) | - | 1 | 0 | 1.000000000000000 | 50.01");
    let columns = ["model", "conversions", "conversions_without_touch", "amount_attributed", "amount_unattributed"];
    assert_eq!(made.lines("_reconciliation", &columns)[1], "linear | 2 | 1 | 150.01 | 50.01");
    let compared = made.lines("_comparison", &["model", "channel", "credits", "amount", "amount_total"]);
    assert_eq!(compared[0], "first_touch | (unattributed) | 1.000000000000000 | 50.01 | 150.01");
}

/// Zero counts as credit; NULL does not count at all, unless it is let through.
#[tokio::test]
async fn zero_and_missing_amounts() {
    let deals =
        conversions(&[("d1", "a", "2024-03-10", Some(0), Some("USD")), ("d2", "a", "2024-03-10", None, Some("USD"))]);
    let made = ledger("models: [linear]", &on_days(&EIGHT[..2]), &deals).await;
    assert_eq!(made.lines("", &["conversion_id", "weight", "amount"])[0], "d1 | 0.500000000000000 | 0.00");
    assert_eq!(made.lines("", &["conversion_id"]).len(), 2);
    assert_eq!(made.lines("_rejects", &["source_table", "source_key", "reason"]), ["deals | d2 | null_amount"]);
    let lenient = BASE.replace("currency: currency}", "currency: currency, null_amount: zero}");
    let tables = [("deals", deals), ("touches", touches(&on_days(&EIGHT[..2])))];
    let made = run(&format!("{lenient}models: [linear]"), &tables, PLAIN).await;
    made.assert_closed();
    assert_eq!(made.lines("", &["conversion_id", "amount"]).len(), 4);
}

/// A yen has no cents and a dinar three decimals more than none; no currency at all is the project's.
#[tokio::test]
async fn currencies_are_never_mixed() {
    let deals = conversions(&[
        ("d1", "a", "2024-03-10", Some(100_00), Some("jpy")),
        ("d2", "a", "2024-03-10", Some(100_00), None),
        ("d3", "a", "2024-03-10", Some(100_00), Some("euros")),
    ]);
    let made = ledger("models: [linear]", &on_days(&EIGHT[..3]), &deals).await;
    assert_eq!(
        made.lines("", &["conversion_id", "currency", "amount"]),
        [
            "d1 | JPY | 33.00",
            "d1 | JPY | 33.00",
            "d1 | JPY | 34.00",
            "d2 | EUR | 33.33",
            "d2 | EUR | 33.33",
            "d2 | EUR | 33.34"
        ]
    );
    assert_eq!(made.lines("_rejects", &["source_key", "reason", "detail"]), ["d3 | unknown_currency | EUROS"]);
    assert_eq!(
        made.lines("_reconciliation", &["currency", "amount_converted", "difference"]),
        ["EUR | 100.00 | 0.00", "JPY | 100.00 | 0.00"]
    );
}

/// A deal that was closed, reopened and closed again counts when it closed last.
#[tokio::test]
async fn reopened_deals_count_once() {
    let deals = conversions(&[
        ("d", "a", "2024-03-02", Some(100_00), Some("USD")),
        ("d", "a", "2024-03-10", Some(80_00), Some("USD")),
    ]);
    let made = ledger("models: [linear]", &on_days(&EIGHT[..4]), &deals).await;
    assert_eq!(amounts(&made, "linear"), ["20.00"; 4]);
    assert_eq!(made.lines("_rejects", &["source_key", "reason"]), ["d | superseded"]);
}

/// Two conversions of one person each have a journey of their own.
#[tokio::test]
async fn conversions_that_overlap() {
    let deals = conversions(&[
        ("d1", "a", "2024-03-02", Some(100), Some("USD")),
        ("d2", "a", "2024-03-03", Some(100), Some("USD")),
        ("d3", "a", "2024-03-03", Some(100), Some("USD")),
    ]);
    let made = ledger("models: [last_touch]", &on_days(&EIGHT), &deals).await;
    assert_eq!(
        made.lines("", &["conversion_id", "touch_id", "journey_length"]),
        ["d1 | t2 | 2", "d2 | t3 | 3", "d3 | t3 | 3"]
    );
}

/// Touches of one instant are ordered by priority, then by id; one that comes twice counts once.
#[tokio::test]
async fn equal_instants() {
    let day = "2024-03-01";
    let touched = [("t3", "a", day, "X"), ("t1", "a", day, "Y"), ("t2", "a", day, "Z"), ("t2", "a", day, "Z")];
    let made = ledger("models: [linear]", &touched, &deal("2024-03-10", 300)).await;
    assert_eq!(made.lines("", &["position", "touch_id"]), ["1 | t1", "2 | t2", "3 | t3"]);
    let ranked =
        BASE.replace("channel: channel}", "channel: channel, priority: \"CASE channel WHEN 'Z' THEN 1 ELSE 2 END\"}");
    let tables = [("deals", deal("2024-03-10", 300)), ("touches", touches(&touched))];
    let made = run(&format!("{ranked}models: [linear]"), &tables, PLAIN).await;
    assert_eq!(made.lines("", &["position", "touch_id"]), ["1 | t2", "2 | t1", "3 | t3"]);
}

#[tokio::test]
async fn sessions_are_one_touch() {
    let touched = [
        ("t1", "a", "2024-03-01 10:00", "Email"),
        ("t2", "a", "2024-03-01 10:10", "Search"),
        ("t3", "a", "2024-03-01 10:29", "Email"),
        ("t4", "a", "2024-03-01 10:58", "Email"),
        ("t5", "a", "2024-03-01 11:28", "Email"),
        ("u1", "b", "2024-03-01 10:05", "Email"),
    ];
    let made = ledger("session_gap: 30 minutes\nmodels: [linear]", &touched, &deal("2024-03-10", 300)).await;
    assert_eq!(
        made.lines("", &["position", "touch_id", "touches_merged", "amount"]),
        ["1 | t1 | 2 | 1.00", "2 | t2 | 0 | 1.00", "3 | t5 | 0 | 1.00"]
    );
}

/// An e-mail every twelve hours for a month is one session, and the last fourteen lie in the seven days before
/// the deal, the first of them, `t46`, at their very edge. What began before the lookback is not lost with it.
#[tokio::test]
async fn a_session_counts_from_its_first_touch_in_reach() {
    let rows: Vec<(String, String)> =
        (0..60).map(|n| (format!("t{n:02}"), format!("2024-01-{:02} {:02}:00", 1 + n / 2, n % 2 * 12))).collect();
    let touched: Vec<_> = rows.iter().map(|(id, at)| (id.as_str(), "a", at.as_str(), "Email")).collect();
    let columns = ["conversion_id", "touch_id", "channel", "position", "journey_length", "touches_merged", "amount"];
    let yaml = "lookback: 7 days\nsession_gap: 1 days\nmodels: [linear]";
    let made = ledger(yaml, &touched, &deal("2024-01-31", 100_00)).await;
    assert_eq!(made.lines("", &columns), ["d | t46 | Email | 1 | 1 | 13 | 100.00"]);
    // The next deal of the same person, a day later, begins two touches later.
    let two = conversions(&[
        ("d1", "a", "2024-01-31", Some(100), Some("USD")),
        ("d2", "a", "2024-02-01", Some(100), Some("USD")),
    ]);
    let made = ledger("lookback: 7 days\nsession_gap: 1 days\nmodels: [linear]", &touched, &two).await;
    assert_eq!(made.lines("", &["conversion_id", "touch_id", "touches_merged"]), ["d1 | t46 | 13", "d2 | t48 | 11"]);
    // A chain looks at the same journeys: one conversion, then what came after it, which is nothing.
    let made = ledger("lookback: 7 days\nsession_gap: 1 days\nmodels: [markov]", &touched, &two).await;
    assert_eq!(made.lines("_effects", &["channel", "effect", "credits"]), ["Email | 1.0 | 2.0"]);
}

/// The number of touches counts sessions: of `t1`, `t2` (with `t3` and `t5`) and `t4` the newest two.
#[tokio::test]
async fn a_number_of_touches_counts_sessions() {
    let touched = [
        ("t1", "a", "2024-03-01 10:00", "Email"),
        ("t2", "a", "2024-03-02 10:00", "Search"),
        ("t3", "a", "2024-03-02 10:10", "Search"),
        ("t4", "a", "2024-03-02 10:15", "Email"),
        ("t5", "a", "2024-03-02 10:20", "Search"),
    ];
    for within in ["within: 30 days, ", ""] {
        let yaml = format!("lookback: {{{within}touches: 2}}\nsession_gap: 30 minutes\nmodels: [linear]");
        let made = ledger(&yaml, &touched, &deal("2024-03-10", 100)).await;
        let columns = ["position", "touch_id", "journey_length", "touches_merged"];
        assert_eq!(made.lines("", &columns), ["1 | t2 | 2 | 2", "2 | t4 | 2 | 0"], "{within}");
    }
}

/// A touch that comes twice counts as the earliest of its rows in reach: of one instant by its priority, with
/// another touch in between, and of several instants by the first that is not too old.
#[tokio::test]
async fn a_touch_that_comes_twice_counts_once() {
    let touched = [
        ("t1", "a", "2024-03-01", "Email"),
        ("t2", "a", "2024-03-01", "Search"),
        ("t1", "a", "2024-03-01", "Social"),
        ("t3", "a", "2024-03-04", "Search"),
        ("t1", "a", "2024-03-07", "Email"),
        ("t3", "a", "2024-03-08", "Email"),
    ];
    // The e-mail comes first, then `t2`, then `t1` once more.
    let rank = "CASE channel WHEN 'Email' THEN 1 WHEN 'Search' THEN 2 ELSE 3 END";
    let ranked = BASE.replace("channel: channel}", &format!("channel: channel, priority: \"{rank}\"}}"));
    let yaml = ranked.replace("at: at, amount", "at: at, created_at: at, amount");
    let tables = [("deals", deal("2024-03-10", 300)), ("touches", touches(&touched))];
    let columns = ["position", "touch_id", "channel", "touched_at", "amount"];
    let all = [
        "1 | t1 | Email | 2024-03-01 00:00:00 | 1.00",
        "2 | t2 | Search | 2024-03-01 00:00:00 | 1.00",
        "3 | t3 | Search | 2024-03-04 00:00:00 | 1.00",
    ];
    // Five days before the deal only `t1` of the 7th and `t3` of the 8th are in reach.
    let late = ["1 | t1 | Email | 2024-03-07 00:00:00 | 1.50", "2 | t3 | Email | 2024-03-08 00:00:00 | 1.50"];
    for (lookback, expected, channels) in [
        ("90 days", &all[..], &["Email | 1 | 1", "Search | 2 | 0"][..]),
        ("unlimited", &all[..], &["Email | 1 | 1", "Search | 2 | 0"][..]),
        ("5 days", &late[..], &["Email | 2 | 1"][..]),
    ] {
        let yaml = format!("{yaml}lookback: {lookback}\nmodels: [linear]");
        let made = run(&yaml, &tables, How { batch: 2, threads: 2 }).await;
        made.assert_closed();
        assert_eq!(made.lines("", &columns), expected, "{lookback}");
        assert_eq!(made.lines("_pipeline", &["channel", "touches", "sourced"]), channels, "{lookback}");
    }
    // `t1` and `t2` are all but the newest touch, whatever comes again after them.
    let made =
        run(&format!("{ranked}lookback: {{within: 90 days, touches: 1}}\nmodels: [linear]"), &tables, PLAIN).await;
    assert_eq!(made.lines("", &columns), ["1 | t3 | Search | 2024-03-04 00:00:00 | 3.00"]);
    let ends = run(&format!("{ranked}lookback: unlimited\nmodels: [last_touch]"), &tables, PLAIN).await;
    assert_eq!(ends.lines("", &["position", "touch_id", "journey_length"]), ["3 | t3 | 3"]);
}

#[tokio::test]
async fn the_wide_layout_says_the_same() {
    let yaml = "layout: wide\nmodels: [first_touch, linear]";
    let made = ledger(yaml, &on_days(&EIGHT[..3]), &deal("2024-03-10", 100_00)).await;
    let columns = ["position", "weight_first_touch", "amount_first_touch", "weight_linear", "amount_linear"];
    assert_eq!(
        made.lines("", &columns),
        [
            "1 | 1.000000000000000 | 100.00 | 0.333333333333334 | 33.34",
            "2 | 0.000000000000000 | 0.00 | 0.333333333333333 | 33.33",
            "3 | 0.000000000000000 | 0.00 | 0.333333333333333 | 33.33",
        ]
    );
    let compared = made.lines("_comparison", &["model", "channel", "credits", "amount", "amount_share"]);
    assert_eq!(compared[1], "linear | Email | 1.000000000000000 | 100.00 | 1.0");
}

#[tokio::test]
async fn credit_without_amounts() {
    let yaml = "
conversions: {from: deals, id: id, entity: who, at: at}
touches: {from: touches, id: id, entity: who, at: at, channel: channel}
models: [linear]
";
    let tables = [("deals", deal("2024-03-10", 1)), ("touches", touches(&on_days(&EIGHT[..2])))];
    let made = run(yaml, &tables, PLAIN).await;
    made.assert_closed();
    assert_eq!(made.lines("", &["model", "weight"]), ["linear | 0.500000000000000"; 2]);
    assert!(made.table("").column_by_name("amount").is_none());
    assert_eq!(made.lines("_reconciliation", &["conversions", "credits_difference"]), ["1 | 0.000000000000000"]);
}

/// Ten days of touches, and ninety to look back on: every journey is cut short by the data.
#[tokio::test]
async fn a_lookback_longer_than_the_data_is_told_of() {
    use crate::diag::{Severity, codes};
    let said = |made: &Made, yaml: &str| {
        let mut diags = Diagnostics::default();
        model(&format!("{BASE}{yaml}")).0.review(&made.facts, &mut diags);
        diags.into_sorted()
    };
    let deals = conversions(&[
        ("d1", "a", "2024-03-08", Some(1), Some("USD")),
        ("d2", "a", "2024-03-05", Some(1), Some("USD")),
    ]);
    let long = ledger("models: [linear]", &on_days(&EIGHT), &deals).await;
    let found = said(&long, "models: [linear]");
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].code, found[0].severity), (codes::LONG_LOOKBACK, Severity::Warning));
    assert_eq!(found[0].message, "the lookback of 90 days begins before the first touch for all 2 conversions");
    let short = ledger("lookback: 5 days\nmodels: [linear]", &on_days(&EIGHT), &deals).await;
    assert_eq!(said(&short, "lookback: 5 days\nmodels: [linear]"), []);
    assert_eq!(short.fact("policy", "lookback_before_first_touch"), Some(1));
}

/// Without direct channels every touch is as good as another.
#[tokio::test]
async fn nothing_needs_to_be_direct() {
    let touched = [("t1", "a", "2024-03-01", "Email"), ("t2", "a", "2024-03-02", "Direct")];
    let yaml = BASE.replace("at: at, amount", "at: at, created_at: at, amount");
    let tables = [("deals", deal("2024-03-10", 100)), ("touches", touches(&touched))];
    let made = run(&format!("{yaml}direct: []\nmodels: [last_non_direct]"), &tables, PLAIN).await;
    made.assert_closed();
    assert_eq!(made.lines("", &["touch_id"]), ["t2"]);
    assert_eq!(made.lines("_pipeline", &["channel", "sourced"]), ["Direct | 0", "Email | 1"]);
}

/// Of two touches at once the one of higher priority is the source, or the one with the smaller id; a touch
/// that comes twice counts once, when it came first.
#[tokio::test]
async fn a_touch_that_comes_twice_is_one_of_the_pipeline() {
    let touched = [
        ("t1", "a", "2024-03-01", "Email"),
        ("t2", "a", "2024-03-01", "Search"),
        ("t3", "a", "2024-03-02", "Search"),
        ("t3", "a", "2024-03-04", "Search"),
    ];
    let yaml = BASE.replace("at: at, amount", "at: at, created_at: at, amount");
    let ranked = yaml
        .replace("channel: channel}", "channel: channel, priority: \"CASE channel WHEN 'Search' THEN 1 ELSE 2 END\"}");
    for (yaml, expected) in [(yaml, ["Email | 1 | 1", "Search | 2 | 0"]), (ranked, ["Email | 1 | 0", "Search | 2 | 1"])]
    {
        let tables = [("deals", deal("2024-03-10", 100)), ("touches", touches(&touched))];
        let made = run(&format!("{yaml}models: [linear]"), &tables, PLAIN).await;
        assert_eq!(made.lines("_pipeline", &["channel", "touches", "sourced"]), expected);
        let last = made.table("_pipeline").column_by_name("last_touched_at").unwrap();
        let mut last: Vec<String> = (0..2).map(|row| cell(last, row)).collect();
        last.sort();
        assert_eq!(last, ["2024-03-01 00:00:00", "2024-03-02 00:00:00"]);
    }
}
