//! All systems tell the same story.

use std::collections::{BTreeMap, BTreeSet};

use super::read::Read;
use super::sample;
use crate::sample::clock::{AS_OF, START};

fn set(values: Vec<Option<String>>) -> BTreeSet<String> {
    values.into_iter().flatten().collect()
}

#[test]
fn references_lead_to_records() {
    let folder = tempfile::tempdir().unwrap();
    sample(900, 4, folder.path(), 1);
    let table = |system: &str, name: &str| Read::table(folder.path(), system, name);
    let ids = |name: &str| set(table("salesforce", name).text("id"));
    let (leads, contacts, accounts, deals) = (ids("lead"), ids("contact"), ids("account"), ids("opportunity"));
    let references = [
        ("lead_history", "lead_id", &leads),
        ("lead", "master_record_id", &leads),
        ("lead", "converted_contact_id", &contacts),
        ("lead", "converted_account_id", &accounts),
        ("lead", "converted_opportunity_id", &deals),
        ("contact", "account_id", &accounts),
        ("opportunity", "account_id", &accounts),
        ("opportunity", "campaign_id", &ids("campaign")),
        ("opportunity_field_history", "opportunity_id", &deals),
        ("opportunity_contact_role", "opportunity_id", &deals),
        ("opportunity_contact_role", "contact_id", &contacts),
        ("campaign_member", "campaign_id", &ids("campaign")),
        ("campaign_member", "lead_id", &leads),
        ("campaign_member", "contact_id", &contacts),
    ];
    for (name, column, records) in references {
        let used = set(table("salesforce", name).text(column));
        assert!(!used.is_empty() && used.is_subset(records), "{name}.{column}");
    }
    let people: BTreeSet<String> =
        table("hubspot", "contact").int("id").into_iter().flatten().map(|id| format!("hs-{id}")).collect();
    let users = set(table("ga4", "event").text("user_id"));
    assert!(users.len() > 100 && users.is_subset(&people));
    let emails = table("hubspot", "email_event");
    let sent: BTreeSet<String> = emails
        .text("id")
        .into_iter()
        .zip(emails.text("type"))
        .filter(|(_, kind)| kind.as_deref() == Some("SENT"))
        .filter_map(|(id, _)| id)
        .collect();
    let answered = set(emails.text("sent_by_id"));
    assert!(answered.len() > 100 && answered.is_subset(&sent));
}

#[test]
fn ids_are_unique() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = sample(700, 9, folder.path(), 2);
    for entry in manifest.tables.iter().filter(|entry| entry.system == "salesforce") {
        let ids = Read::table(folder.path(), "salesforce", &entry.table).text("id");
        assert_eq!(set(ids.clone()).len(), ids.len(), "{}", entry.table);
    }
    let ids = Read::table(folder.path(), "hubspot", "contact").int("id");
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
}

#[test]
fn nothing_happens_before_the_start_or_after_the_end_or_arrives_before_it_happens() {
    let folder = tempfile::tempdir().unwrap();
    sample(900, 6, folder.path(), 1);
    let columns = [
        ("salesforce", "lead", "created_date"),
        ("salesforce", "lead", "last_modified_date"),
        ("salesforce", "lead_history", "created_date"),
        ("salesforce", "contact", "created_date"),
        ("salesforce", "account", "created_date"),
        ("salesforce", "opportunity", "created_date"),
        ("salesforce", "opportunity", "last_modified_date"),
        ("salesforce", "opportunity_field_history", "created_date"),
        ("salesforce", "opportunity_contact_role", "created_date"),
        ("salesforce", "campaign_member", "created_date"),
        ("salesforce", "task", "created_date"),
        ("hubspot", "contact", "property_createdate"),
        ("hubspot", "contact_property_history", "timestamp"),
        ("hubspot", "contact_form_submission", "timestamp"),
        ("hubspot", "email_event", "created"),
    ];
    for (system, table, column) in columns {
        let read = Read::table(folder.path(), system, table);
        for (at, synced) in read.instant(column).into_iter().zip(read.instant("_fivetran_synced")) {
            let (at, synced) = (at.unwrap(), synced.unwrap());
            assert!((START..AS_OF).contains(&at), "{table}.{column}: {at}");
            assert!((at..=AS_OF).contains(&synced), "{table}.{column}: {at} arrived {synced}");
        }
    }
    let events = Read::table(folder.path(), "ga4", "event");
    for (at, synced) in events.int("event_timestamp").into_iter().zip(events.instant("_fivetran_synced")) {
        assert!((START..AS_OF).contains(&at.unwrap()) && synced >= at, "{at:?} {synced:?}");
    }
}

#[test]
fn records_agree_with_the_last_row_of_their_history() {
    let folder = tempfile::tempdir().unwrap();
    sample(900, 8, folder.path(), 1);
    let deals = Read::table(folder.path(), "salesforce", "opportunity");
    let stages: BTreeMap<String, String> =
        deals.text("id").into_iter().flatten().zip(deals.text("stage_name").into_iter().flatten()).collect();
    let history = Read::table(folder.path(), "salesforce", "opportunity_field_history");
    let mut last: BTreeMap<String, (i64, Vec<String>)> = BTreeMap::new();
    let rows = history
        .text("opportunity_id")
        .into_iter()
        .zip(history.text("field"))
        .zip(history.text("new_value"))
        .zip(history.instant("created_date"));
    for (((id, field), new), at) in rows {
        if let (Some(id), Some("StageName")) = (id, field.as_deref()) {
            let (latest, values) = last.entry(id).or_default();
            if at.unwrap() > *latest {
                (*latest, *values) = (at.unwrap(), Vec::new());
            }
            if at.unwrap() == *latest {
                values.extend(new);
            }
        }
    }
    // All but those whose last change was lost or has no key.
    let agreeing = last.iter().filter(|(id, (_, values))| values.contains(&stages[*id])).count();
    assert!(last.len() > 30 && agreeing * 100 >= last.len() * 93, "{agreeing} of {}", last.len());
    let closed = deals.flag("is_closed");
    for (date, closed) in deals.date("close_date").into_iter().zip(closed) {
        assert!(!closed || i64::from(date.unwrap()) <= AS_OF / 86_400_000_000);
    }
}

#[test]
fn about_eleven_web_events_come_of_a_person() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = sample(1_500, 1, folder.path(), 1);
    let events = manifest.rows("ga4", "event").unwrap() - manifest.dirt_count("bot_events").unwrap();
    let each = events as f64 / 1_500.0;
    assert!((9.5..12.5).contains(&each), "{each}");
}
