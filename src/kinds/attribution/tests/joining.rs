//! Who meets whom: people of accounts, contact roles, the crosswalk; and what stands beside the ledger.

use super::*;

/// Deals of accounts: id, account, created, closed, cents, whether won.
fn deals(rows: &[(&str, &str, &str, &str, i64, &str)]) -> RecordBatch {
    table(vec![
        ("id", texts(rows.iter().map(|row| Some(row.0)))),
        ("account", texts(rows.iter().map(|row| Some(row.1)))),
        ("created", instants(rows.iter().map(|row| Some(row.2)))),
        ("closed", instants(rows.iter().map(|row| Some(row.3)))),
        ("amount", cents(rows.iter().map(|row| Some(row.4)))),
        ("status", texts(rows.iter().map(|row| Some(row.5)))),
    ])
}

fn two<'a>(left: &'a str, right: &'a str, rows: &[(&'a str, &'a str)]) -> RecordBatch {
    table(vec![(left, texts(rows.iter().map(|row| Some(row.0)))), (right, texts(rows.iter().map(|row| Some(row.1))))])
}

/// Ann and Bob are of the ant, Cid of the bee; Bob has no role in anything.
fn world() -> Vec<(&'static str, RecordBatch)> {
    vec![
        (
            "deals",
            deals(&[
                ("d1", "ant", "2024-03-04", "2024-03-10", 100_00, "won"),
                ("d2", "bee", "2024-03-04", "2024-03-10", 60_00, "won"),
                ("d3", "ant", "2024-03-02", "2024-03-20", 500_00, "open"),
            ]),
        ),
        (
            "touches",
            touches(&[
                ("t1", "ann", "2024-03-01", "Search"),
                ("t2", "bob", "2024-03-02", "Social"),
                ("t3", "ann", "2024-03-05", "Email"),
                ("t4", "cid", "2024-03-03", "Direct"),
                ("t5", "cid", "2024-03-06", "Email"),
            ]),
        ),
        ("people", two("person", "account", &[("ann", "ant"), ("bob", "ant"), ("bob", "ant"), ("cid", "bee")])),
        ("roles", two("deal", "person", &[("d1", "ann"), ("d1", "ann"), ("d3", "ann")])),
    ]
}

const CONVERSIONS: &str = "
conversions:
  {from: deals, id: id, entity: account, at: closed, created_at: created, amount: amount, converted: \"status = 'won'\"}
touches: {from: touches, id: id, entity: who, at: at, channel: channel}
models: [linear]
";
const PEOPLE: &str = "people: {from: people, person: person, account: account}\n";

async fn made(extra: &str) -> Made {
    let made = run(&format!("{CONVERSIONS}{extra}"), &world(), PLAIN).await;
    made.assert_closed();
    made
}

const SHORT: [&str; 4] = ["conversion_id", "touch_id", "person_id", "amount"];

#[tokio::test]
async fn an_account_has_the_touches_of_all_its_people() {
    let expected = [
        "d1 | t1 | ann | 33.34",
        "d1 | t2 | bob | 33.33",
        "d1 | t3 | ann | 33.33",
        "d2 | t4 | cid | 30.00",
        "d2 | t5 | cid | 30.00",
    ];
    assert_eq!(made(PEOPLE).await.lines("", &SHORT), expected);
    let implicit = format!("{PEOPLE}roles: {{from: roles, conversion: deal, person: person, mode: implicit}}");
    assert_eq!(made(&implicit).await.lines("", &SHORT), expected);
}

#[tokio::test]
async fn explicit_roles_and_nobody_else() {
    let made = made("roles: {from: roles, conversion: deal, person: person}").await;
    assert_eq!(made.lines("", &SHORT), ["d1 | t1 | ann | 50.00", "d1 | t3 | ann | 50.00", "d2 | - | - | 60.00"]);
    assert_eq!(made.fact("rows_out", "journeys_without_conversion"), Some(1));
}

#[tokio::test]
async fn hybrid_roles_fall_back_on_the_account() {
    let hybrid = format!("{PEOPLE}roles: {{from: roles, conversion: deal, person: person, mode: hybrid}}");
    assert_eq!(
        made(&hybrid).await.lines("", &SHORT),
        ["d1 | t1 | ann | 50.00", "d1 | t3 | ann | 50.00", "d2 | t4 | cid | 30.00", "d2 | t5 | cid | 30.00"]
    );
}

/// The ant's deals: Search came first. The bee's first touch is direct, so nobody sourced it.
#[tokio::test]
async fn sourced_and_influenced_pipeline() {
    let made = made(PEOPLE).await;
    let columns = [
        "conversion_id",
        "channel",
        "is_converted",
        "touches",
        "sourced",
        "influenced",
        "sourced_amount",
        "influenced_amount",
    ];
    assert_eq!(
        made.lines("_pipeline", &columns),
        [
            "d1 | Email | true | 1 | 0 | 1 | 0.00 | 100.00",
            "d1 | Search | true | 1 | 1 | 1 | 100.00 | 100.00",
            "d1 | Social | true | 1 | 0 | 1 | 0.00 | 100.00",
            "d2 | Email | true | 1 | 0 | 1 | 0.00 | 60.00",
            "d3 | Email | false | 1 | 0 | 1 | 0.00 | 500.00",
            "d3 | Search | false | 1 | 1 | 1 | 500.00 | 500.00",
            "d3 | Social | false | 1 | 0 | 1 | 0.00 | 500.00",
        ]
    );
    // With roles the bee has nobody at all.
    let roles = "roles: {from: roles, conversion: deal, person: person}";
    let made = run(&format!("{CONVERSIONS}{roles}"), &world(), PLAIN).await;
    let lines = made.lines("_pipeline", &columns);
    assert_eq!(lines[2], "d2 | (unattributed) | true | 0 | 0 | 0 | 0.00 | 0.00");
    assert_eq!(lines.len(), 5);
}

/// The lookback of sourced pipeline ends where the opportunity was created.
#[tokio::test]
async fn pipeline_looks_back_from_creation() {
    let made = made(&format!("{PEOPLE}lookback: 2 days")).await;
    let lines = made.lines("_pipeline", &["conversion_id", "channel", "sourced"]);
    // d1 was created on the 4th: Social on the 2nd is in reach, Search on the 1st is not.
    assert_eq!(lines[..2], ["d1 | Email | 0", "d1 | Social | 1"]);
    assert_eq!(lines[3..], ["d3 | Email | 0", "d3 | Search | 1", "d3 | Social | 0"]);
}

#[tokio::test]
async fn milestones_of_people_are_the_earliest() {
    let became = table(vec![
        ("person", texts([Some("ann"), Some("bob"), Some("bob"), None])),
        ("became", instants([Some("2024-03-03"), Some("2024-03-02"), None, Some("2024-01-01")])),
    ]);
    let mut tables = world();
    tables.push(("leads", became));
    let yaml = CONVERSIONS.replace("[linear]", "[{name: u, position: {lead_created: 100}}]");
    let milestone = "milestones: {lead_created: {from: leads, person: person, at: became}}\n";
    // The account's earliest lead is Bob's, of the 2nd.
    let made = run(&format!("{yaml}{PEOPLE}{milestone}"), &tables, PLAIN).await;
    made.assert_closed();
    assert_eq!(made.lines("", &SHORT)[0], "d1 | t2 | bob | 100.00");
    // With roles only Ann's counts, of the 3rd; Ann's last touch until then is t1.
    let roles = "roles: {from: roles, conversion: deal, person: person}\n";
    let made = run(&format!("{yaml}{roles}{milestone}"), &tables, PLAIN).await;
    assert_eq!(made.lines("", &SHORT), ["d1 | t1 | ann | 100.00", "d2 | - | - | 60.00"]);
    // Of the conversion, and of who converted.
    for owner in ["conversion: \"'d1'\"", "entity: \"'ant'\""] {
        let milestone = format!("milestones: {{lead_created: {{from: leads, {owner}, at: became}}}}\n");
        let made = run(&format!("{yaml}{PEOPLE}{milestone}"), &tables, PLAIN).await;
        made.assert_closed();
        // The earliest of all is before every touch, so all touches of the ant's deal share.
        assert_eq!(
            made.lines("", &SHORT)[..3],
            ["d1 | t1 | ann | 33.34", "d1 | t2 | bob | 33.33", "d1 | t3 | ann | 33.33"]
        );
    }
}

#[tokio::test]
async fn records_become_people_through_the_crosswalk() {
    let yaml = "
conversions: {from: deals, id: id, entity: who, at: at, amount: amount, currency: currency}
touches: {from: touches, id: id, entity: who, at: at, channel: channel}
crosswalk: {from: crosswalk, record: record, id: id}
models: [linear]
";
    let tables = [
        ("deals", conversions(&[("d", "r9", "2024-03-10", Some(100), Some("USD"))])),
        (
            "touches",
            touches(&[
                ("t1", "r1", "2024-03-01", "A"),
                ("t2", "r2", "2024-03-02", "B"),
                ("t3", "x", "2024-03-03", "C"),
            ]),
        ),
        ("crosswalk", two("record", "id", &[("r1", "p"), ("r2", "p"), ("r9", "p"), ("r9", "q")])),
    ];
    let made = run(yaml, &tables, PLAIN).await;
    made.assert_closed();
    assert_eq!(made.lines("", &["touch_id", "amount"]), ["t1 | 0.50", "t2 | 0.50"]);
}

/// Who converted is a person's record too, in the pipeline and where a milestone names it.
#[tokio::test]
async fn the_crosswalk_reaches_the_pipeline_and_milestones() {
    let yaml = "
conversions: {from: deals, id: id, entity: who, at: at, created_at: at, amount: amount, currency: currency}
touches: {from: touches, id: id, entity: who, at: at, channel: channel}
crosswalk: {from: crosswalk, record: record, id: id}
milestones: {lead_created: {from: leads, entity: who, at: became}}
models: [{name: lead, position: {lead_created: 100}}]
";
    let leads = table(vec![("who", texts([Some("r1")])), ("became", instants([Some("2024-03-01 12:00")]))]);
    let tables = [
        ("deals", conversions(&[("d", "r2", "2024-03-10", Some(100), Some("USD"))])),
        ("touches", touches(&[("t1", "r1", "2024-03-01", "A"), ("t2", "r2", "2024-03-02", "B")])),
        ("crosswalk", two("record", "id", &[("r1", "p"), ("r2", "p")])),
        ("leads", leads),
    ];
    let made = run(yaml, &tables, PLAIN).await;
    made.assert_closed();
    assert_eq!(made.lines("", &["entity_id", "touch_id", "amount"]), ["p | t1 | 1.00"]);
    assert_eq!(made.lines("_pipeline", &["entity_id", "channel", "sourced"]), ["p | A | 1", "p | B | 0"]);
}

#[tokio::test]
async fn touches_that_do_not_count_are_counted() {
    let touched = table(vec![
        ("id", texts([Some("t1"), Some("t2"), None, Some("t4"), Some("t5"), Some("t6")])),
        ("who", texts([Some("a"), Some("a"), Some("a"), None, Some("a"), Some("a")])),
        (
            "at",
            instants([
                Some("2024-03-01"),
                Some("2024-03-02"),
                Some("2024-03-03"),
                Some("2024-03-04"),
                None,
                Some("2024-03-05"),
            ]),
        ),
        ("channel", texts([Some("Email"), Some("Email"), Some("Email"), Some("Email"), Some("Email"), None])),
        ("bot", texts([None, Some("yes"), None, None, None, None])),
    ]);
    let yaml = |anonymous: &str| {
        format!(
            "
conversions: {{from: deals, id: id, entity: who, at: at, amount: amount, currency: currency, keep: {{deal_currency: currency}}}}
touches:
  from: touches
  id: id
  entity: who
  at: at
  channel: channel
  exclude: {{bots: bot = 'yes'}}
  anonymous: {anonymous}
  keep: {{is_bot: bot}}
models: [linear]
"
        )
    };
    let deals = || conversions(&[("d", "a", "2024-03-10", Some(100), Some("USD"))]);
    let tables = [("deals", deals()), ("touches", touched)];
    let made = run(&yaml("reject"), &tables, PLAIN).await;
    made.assert_closed();
    let lines = made.lines("", &["touch_id", "channel", "is_bot", "deal_currency"]);
    assert_eq!(lines, ["t1 | Email | - | USD", "t6 | (none) | - | USD"]);
    let rejected = made.lines("_rejects", &["source_table", "source_key", "reason"]);
    assert_eq!(rejected, ["touches | - | null_touch_id", "touches | t4 | anonymous", "touches | t5 | null_touch_time"]);
    assert_eq!(made.fact("rows_out", "touches_excluded_bots"), Some(1));
    let made = run(&yaml("ignore"), &tables, PLAIN).await;
    made.assert_closed();
    assert_eq!(made.fact("rows_out", "touches_anonymous"), Some(1));
}

/// Beside what closes stands what is missing: five days before `d1` and `d4` two touches of `a` are too old, `d3` has no
/// touch at all, and two conversions name nobody. Nothing of it hinders the run.
#[tokio::test]
async fn the_reconciliation_tells_what_is_missing() {
    let deals = table(vec![
        ("id", texts(["d1", "d2", "d3", "d4", "d5", "d6"].map(Some))),
        ("who", texts([Some("a"), Some("a"), Some("nobody"), Some("a"), None, None])),
        (
            "at",
            instants(
                ["10", "04", "10", "10", "10", "10"]
                    .map(|day| format!("2024-03-{day}"))
                    .iter()
                    .map(|at| Some(at.as_str())),
            ),
        ),
        ("amount", cents([100_00, 50_00, 50_00, 0, 7_00, 3_00].map(Some))),
        ("currency", texts(["USD", "USD", "USD", "USD", "USD", "EUR"].map(Some))),
    ]);
    let touched = touches(&[
        ("t1", "a", "2024-03-01", "Email"),
        ("t2", "a", "2024-03-03", "Email"),
        ("t3", "a", "2024-03-09", "Email"),
    ]);
    let yaml = "
conversions: {from: deals, id: id, entity: who, at: at, amount: amount, currency: currency}
touches: {from: touches, id: id, entity: who, at: at, channel: channel}
models: [linear, participation]
";
    let tables = [("deals", deals), ("touches", touched)];
    let columns = [
        "currency",
        "conversions",
        "conversions_without_touch",
        "conversions_without_person",
        "touches_before_lookback",
        "unattributed_share",
        "amount_unattributed",
        "amount_unattributed_share",
        "amount_without_person",
    ];
    let made = run(&format!("{yaml}lookback: 5 days"), &tables, PLAIN).await;
    made.assert_closed();
    let lines = made.lines("_reconciliation", &columns);
    assert_eq!(
        lines,
        ["EUR | 0 | 0 | 1 | 0 | - | 0.00 | - | 3.00", "USD | 4 | 1 | 1 | 4 | 0.25 | 50.00 | 0.25 | 7.00"]
    );
    let made = run(&format!("{yaml}lookback: unlimited"), &tables, PLAIN).await;
    made.assert_closed();
    assert_eq!(made.lines("_reconciliation", &columns)[1], "USD | 4 | 1 | 1 | 0 | 0.25 | 50.00 | 0.25 | 7.00");
}

/// A conversion in which nobody has a role is in the ledger, and of nobody; with the people of its account it is not.
#[tokio::test]
async fn conversions_without_a_role_are_of_nobody() {
    let columns = ["conversions", "conversions_without_person", "amount_without_person", "touches_before_lookback"];
    let roles = made("roles: {from: roles, conversion: deal, person: person}\nlookback: 5 days").await;
    // Ann's touch of the 1st is more than five days before the 10th.
    assert_eq!(roles.lines("_reconciliation", &columns), ["2 | 1 | 60.00 | 1"]);
    // So are Bob's of the 2nd and Cid's of the 3rd.
    let people = made(&format!("{PEOPLE}lookback: 5 days")).await;
    assert_eq!(people.lines("_reconciliation", &columns), ["2 | 0 | 0.00 | 3"]);
}

/// A date means its last instant for a conversion and its first for a touch.
#[tokio::test]
async fn dates_in_the_reporting_time_zone() {
    use arrow::array::Date32Array;
    let day = |days: i32| -> ArrayRef { Arc::new(Date32Array::from(vec![days])) };
    let deals = table(vec![("id", texts([Some("d")])), ("who", texts([Some("a")])), ("at", day(19_793))]);
    let touched = table(vec![
        ("id", texts([Some("t1")])),
        ("who", texts([Some("a")])),
        ("at", day(19_793)),
        ("channel", texts([Some("Email")])),
    ]);
    let yaml = "
conversions: {from: deals, id: id, entity: who, at: at}
touches: {from: touches, id: id, entity: who, at: at, channel: channel}
models: [linear]
";
    let made = run(yaml, &[("deals", deals), ("touches", touched)], PLAIN).await;
    // 2024-03-11 in Berlin, an hour ahead of UTC.
    let lines = made.lines("", &["touched_at", "converted_at"]);
    assert_eq!(lines, ["2024-03-10 23:00:00 | 2024-03-11 22:59:59"]);
}

/// A lead of the 2nd has the touch of that day's noon, whoever tells the day.
#[tokio::test]
async fn the_day_of_a_milestone_means_its_end() {
    use arrow::array::Date32Array;
    let day = || -> ArrayRef { Arc::new(Date32Array::from(vec![19_784])) };
    let deals = table(vec![
        ("id", texts([Some("d")])),
        ("who", texts([Some("a")])),
        ("at", instants([Some("2024-03-10")])),
        ("lead", day()),
    ]);
    let leads = table(vec![("who", texts([Some("a")])), ("became", day())]);
    let touched = touches(&[
        ("t1", "a", "2024-03-01 12:00", "Email"),
        ("t2", "a", "2024-03-02 12:00", "Search"),
        // In Berlin the 2nd has ended by then.
        ("t3", "a", "2024-03-02 23:00", "Search"),
    ]);
    let yaml = "
conversions: {from: deals, id: id, entity: who, at: at}
touches: {from: touches, id: id, entity: who, at: at, channel: channel}
milestones: {told: lead, found: {from: leads, person: who, at: became}}
models: [{name: told, position: {told: 100}}, {name: found, position: {found: 100}}]
";
    let made = run(yaml, &[("deals", deals), ("touches", touched), ("leads", leads)], PLAIN).await;
    made.assert_closed();
    assert_eq!(made.lines("", &["model", "touch_id"]), ["found | t2", "told | t2"]);
}
