//! The model that the guide shows for Salesforce's primary campaign source, as it stands there.

use super::*;
use crate::kinds::attribution::GUIDE;

/// The deal, its campaign and the campaign's type, created, closed, cents, stage.
type Row = (&'static str, Option<(&'static str, &'static str)>, &'static str, Option<&'static str>, i64, &'static str);

const DEALS: [Row; 5] = [
    ("d1", Some(("c-spring", "Event")), "2023-01-02", Some("2024-03-10"), 100_00, "Closed Won"),
    ("d2", None, "2024-03-01", Some("2024-03-11"), 60_00, "Closed Won"),
    // Entered after it was won.
    ("d3", Some(("c-mail", "Email")), "2024-03-20", Some("2024-03-12"), 7_77, "Closed Won"),
    ("d4", Some(("c-mail", "Email")), "2024-03-01", Some("2024-03-13"), 500_00, "Closed Lost"),
    ("d5", Some(("c-mail", "Email")), "2024-03-01", Some("2024-03-14"), -20_01, "Closed Won"),
];

#[tokio::test]
async fn a_deal_belongs_to_its_primary_campaign_alone() {
    let shown = GUIDE.split("```yaml\n").nth(2).and_then(|rest| rest.split("```").next()).unwrap();
    let own = shown.split_once("attribution:\n").unwrap().1;
    let yaml: String = own.lines().map(|line| format!("{}\n", line.strip_prefix("  ").unwrap())).collect();
    let deals = table(vec![
        ("opportunity_id", texts(DEALS.iter().map(|row| Some(row.0)))),
        ("campaign_id", texts(DEALS.iter().map(|row| row.1.map(|campaign| campaign.0)))),
        ("campaign_type", texts(DEALS.iter().map(|row| row.1.map(|campaign| campaign.1)))),
        ("created_at", instants(DEALS.iter().map(|row| Some(row.2)))),
        ("closed_at", instants(DEALS.iter().map(|row| row.3))),
        ("amount", cents(DEALS.iter().map(|row| Some(row.4)))),
        ("stage", texts(DEALS.iter().map(|row| Some(row.5)))),
    ]);
    let made = run(&yaml, &[("opportunities", deals)], PLAIN).await;
    made.assert_closed();
    assert_eq!(
        made.lines("", &["conversion_id", "channel", "campaign", "weight", "amount"]),
        [
            "d1 | Event | c-spring | 1.000000000000000 | 100.00",
            "d2 | (unattributed) | - | 1.000000000000000 | 60.00",
            "d3 | Email | c-mail | 1.000000000000000 | 7.77",
            "d5 | Email | c-mail | 1.000000000000000 | -20.01",
        ]
    );
}
