//! Models that learn from all journeys, through the plan; and what touches cost.

use arrow::array::Date32Array;

use super::*;
use crate::diag::{Diagnostics, codes};
use crate::kinds::ModelKind;

/// The worked paths of the specification, one person each; those that convert do so on the 10th.
fn journeys() -> [(&'static str, RecordBatch); 2] {
    let paths = [
        ("a", "ABC", true),
        ("b", "AB", true),
        ("c", "AB", false),
        ("d", "BC", false),
        ("e", "C", true),
        ("f", "A", false),
        ("g", "A", false),
    ];
    let (mut rows, mut deals) = (Vec::new(), Vec::new());
    for (who, path, converts) in paths {
        for (at, channel) in path.chars().enumerate() {
            rows.push((format!("{who}{at}"), who, format!("2024-03-0{}", at + 1), channel.to_string()));
        }
        if converts {
            deals.push((who, who, "2024-03-10", Some(100_00), Some("USD")));
        }
    }
    let touched: Vec<(&str, &str, &str, &str)> =
        rows.iter().map(|row| (row.0.as_str(), row.1, row.2.as_str(), row.3.as_str())).collect();
    [("deals", conversions(&deals)), ("touches", touches(&touched))]
}

const BASE: &str = "
conversions: {from: deals, id: id, entity: who, at: at, amount: amount, currency: currency}
touches: {from: touches, id: id, entity: who, at: at, channel: channel}
";

fn rounded(made: &Made, model: &str, column: &str) -> Vec<String> {
    let lines = made.lines("_effects", &["model", "place", "channel", column]);
    let own = lines.iter().filter_map(|line| line.strip_prefix(&format!("{model} | - | ")));
    own.map(|line| {
        let (channel, value) = line.split_once(" | ").unwrap();
        format!("{channel} {:.6}", value.parse::<f64>().unwrap())
    })
    .collect()
}

#[tokio::test]
async fn the_worked_paths_through_the_plan() {
    let yaml = format!(
        "{BASE}models: [markov, {{markov: {{order: 2}}, name: second}}, shapley, {{name: rate, shapley: {{value: rate, ordered: true}}}}]"
    );
    for (batch, threads) in [(1, 3), (8192, 2)] {
        let made = run(&yaml, &journeys(), How { batch, threads }).await;
        made.assert_closed();
        assert_eq!(rounded(&made, "markov", "effect"), ["A 0.583333", "B 0.777778", "C 0.666667"]);
        assert_eq!(rounded(&made, "markov", "credits"), ["A 0.863014", "B 1.150685", "C 0.986301"]);
        assert_eq!(rounded(&made, "second", "effect"), ["A 0.500000", "B 0.666667", "C 0.666667"]);
        assert_eq!(rounded(&made, "shapley", "effect"), ["A 0.833333", "B 0.833333", "C 1.333333"]);
        assert_eq!(rounded(&made, "rate", "effect"), ["A -0.093254", "B -0.009921", "C 0.531746"]);
        // Two values are below 0: they are told as they are, and all three conversions go to the third.
        let below = made.lines("_effects", &["model", "place", "channel", "is_below_zero", "credits"]);
        let below: Vec<&str> = below.iter().filter_map(|line| line.strip_prefix("rate | - | ")).collect();
        assert_eq!(below, ["A | true | 0.0", "B | true | 0.0", "C | false | 3.0"]);
        // Values of conversions are those of the ledger, channel by channel.
        let compared = made.lines("_comparison", &["model", "channel", "credits"]);
        let shapley: Vec<&String> = compared.iter().filter(|line| line.starts_with("shapley")).collect();
        let expected = ["A | 0.8333333333", "B | 0.8333333333", "C | 1.3333333333"];
        assert!(shapley.iter().zip(expected).all(|(line, start)| line.contains(start)), "{shapley:?}");
        // Effects 7/12, 7/9 and 2/3 of a journey A, B, C: 21, 28 and 24 of 73 parts.
        let ledger = made.lines("", &["model", "conversion_id", "channel", "amount"]);
        let of = |start: &str| ledger.iter().filter(|line| line.starts_with(start)).cloned().collect::<Vec<_>>();
        assert_eq!(of("markov | a"), ["markov | a | A | 28.77", "markov | a | B | 38.35", "markov | a | C | 32.88"]);
        assert_eq!(of("markov | b"), ["markov | b | A | 42.86", "markov | b | B | 57.14"]);
        // Values below 0 get nothing where others are above, and all share where none is.
        assert_eq!(of("rate | a"), ["rate | a | C | 100.00"]);
        assert_eq!(of("rate | b"), ["rate | b | A | 50.00", "rate | b | B | 50.00"]);
        // By place: of three conversions, C alone at the first place, and a third of ABC at the third.
        let places = made.lines("_effects", &["model", "channel", "place", "credits"]);
        let places: Vec<&String> =
            places.iter().filter(|line| line.starts_with("rate") && !line.contains("| - |")).collect();
        assert_eq!(places.len(), 4, "{places:?}");
        assert!(places[2].starts_with("rate | C | 1 | 1.0"), "{places:?}");
        assert!(places[3].starts_with("rate | C | 3 | 0.333"), "{places:?}");
    }
}

/// X, A, A converts and Y, A, A does not. Where repeats are one step, a chain of order 2 knows at A who came before: X has
/// all of the chance, and Y none of it. Where they are kept, it forgets: from A, A every second journey converts, so half
/// of the chance is lost without X and half without Y.
#[tokio::test]
async fn repeats_may_be_kept() {
    let mut touched = Vec::new();
    for (who, first, ids) in [("a", "X", ["a1", "a2", "a3"]), ("b", "Y", ["b1", "b2", "b3"])] {
        touched.push((ids[0], who, "2024-03-01", first));
        touched.push((ids[1], who, "2024-03-02", "A"));
        touched.push((ids[2], who, "2024-03-03", "A"));
    }
    let deals = conversions(&[("d", "a", "2024-03-10", Some(100), Some("USD"))]);
    let yaml = format!(
        "{BASE}models: [{{name: once, markov: {{order: 2}}}}, {{name: all, markov: {{order: 2, repeats: keep}}}}]"
    );
    let made = run(&yaml, &[("deals", deals), ("touches", touches(&touched))], PLAIN).await;
    made.assert_closed();
    assert_eq!(rounded(&made, "once", "effect"), ["A 1.000000", "X 1.000000", "Y 0.000000"]);
    assert_eq!(rounded(&made, "all", "effect"), ["A 1.000000", "X 0.500000", "Y 0.500000"]);
    // Two journeys are few for any chain of order 2, unless they are said to be enough.
    assert_eq!(made.lines("_effects", &["model", "channel", "journeys"])[0], "all | A | 2");
    let said = |yaml: &str| -> Vec<String> {
        let mut diags = Diagnostics::default();
        model(yaml).0.review(&made.facts, &mut diags);
        let few = diags.into_sorted().into_iter().filter(|said| said.code == codes::FEW_JOURNEYS);
        few.map(|said| said.message).collect()
    };
    let message = |name: &str| {
        format!("the chain `{name}` of order 2 learned from 2 journeys, fewer than 100: its effects may be chance")
    };
    assert_eq!(said(&yaml), [message("once"), message("all")]);
    assert_eq!(said(&yaml.replace("order: 2", "order: 2, min_journeys: 2")), [""; 0]);
}

/// Lost deals tell as much as won ones, and get nothing.
#[tokio::test]
async fn journeys_that_did_not_convert_may_be_rows_too() {
    let deals = conversions(&[
        ("d1", "a", "2024-03-10", Some(100), Some("USD")),
        ("d2", "b", "2024-03-10", Some(0), Some("USD")),
        ("d3", "c", "2024-03-10", None, Some("USD")),
    ]);
    let touched =
        touches(&[("t1", "a", "2024-03-01", "A"), ("t2", "b", "2024-03-01", "B"), ("t3", "z", "2024-03-01", "B")]);
    let yaml = BASE.replace("at: at, amount", "at: at, converted: id = 'd1', amount");
    let made =
        run(&format!("{yaml}models: [{{shapley: {{value: rate}}}}]"), &[("deals", deals), ("touches", touched)], PLAIN)
            .await;
    made.assert_closed();
    // v(A) = 1, v(B) = 0, v(AB) = 1/2: A gets (1 + 1/2) / 2, B gets (0 - 1/2) / 2.
    assert_eq!(rounded(&made, "shapley", "effect"), ["A 0.750000", "B -0.250000"]);
    assert_eq!(made.lines("", &["conversion_id"]), ["d1"]);
    assert_eq!(made.lines("_rejects", &["source_key"]).len(), 0);
}

fn days(values: &[i32]) -> ArrayRef {
    Arc::new(Date32Array::from(values.to_vec()))
}

/// 2024-03-01 is day 19783. 100 USD at 0.9 are 90 EUR, of which Email has half under `linear`.
#[tokio::test]
async fn spend_beside_what_it_brought() {
    let spend = table(vec![
        ("day", days(&[19_783, 19_783, 19_784, 19_784])),
        ("channel", texts([Some("Email"), Some("Email"), Some("Social"), Some("Email")])),
        ("cost", cents([Some(10_00), Some(20_00), Some(5_00), None])),
        ("currency", texts([None, Some("USD"), Some("EUR"), Some("EUR")])),
    ]);
    let rates = table(vec![
        ("day", days(&[19_000, 19_783, 19_800])),
        ("currency", texts([Some("usd"), Some("USD"), Some("USD")])),
        ("rate", cents([Some(50), Some(90), Some(2_00)])),
    ]);
    let touched = touches(&[("t1", "a", "2024-03-01", "Email"), ("t2", "a", "2024-03-02", "Search")]);
    let yaml = format!(
        "{BASE}
models: [first_touch, linear]
spend:
  from: spend
  on: day
  channel: channel
  cost: cost
  currency: currency
  rates: {{from: rates, on: day, currency: currency, rate: rate}}
"
    );
    let deals = conversions(&[("d", "a", "2024-03-10", Some(100_00), Some("USD"))]);
    let tables = [("deals", deals), ("touches", touched), ("spend", spend), ("rates", rates)];
    for layout in ["long", "wide"] {
        let made = run(&format!("{yaml}layout: {layout}\n"), &tables, PLAIN).await;
        made.assert_closed();
        let columns = ["model", "day", "channel", "cost", "amount", "credits", "rates_missing"];
        assert_eq!(
            made.lines("_returns", &columns),
            [
                "first_touch | 2024-03-01 | Email | 28.00 | 90.00 | 1.000000000000000 | 0",
                "first_touch | 2024-03-02 | Social | 5.00 | 0.00 | 0.000000000000000 | 0",
                "linear | 2024-03-01 | Email | 28.00 | 45.00 | 0.500000000000000 | 0",
                "linear | 2024-03-02 | Search | 0.00 | 45.00 | 0.500000000000000 | 0",
                "linear | 2024-03-02 | Social | 5.00 | 0.00 | 0.000000000000000 | 0",
            ]
        );
        assert_eq!(made.lines("_rejects", &["source_table", "source_key", "reason"]), ["spend | Email | null_cost"]);
        assert_eq!(made.lines("_returns", &["channel", "roas"])[4], "Social | 0.0");
    }
}
