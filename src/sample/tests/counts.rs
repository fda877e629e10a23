//! Every count of the manifest that can be seen in the files, counted again from the files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::read::{Param, Read, params};
use super::{Manifest, sample};

const HOURS_72: i64 = 72 * 3_600 * 1_000_000;

struct Sample {
    folder: tempfile::TempDir,
    manifest: Manifest,
}

impl Sample {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let manifest = sample(2_500, 3, folder.path(), 2);
        Self { folder, manifest }
    }

    fn out(&self) -> &Path {
        self.folder.path()
    }

    fn table(&self, system: &str, table: &str) -> Read {
        Read::table(self.out(), system, table)
    }

    /// Fails unless the manifest says the same, and there is something to count.
    fn is(&self, name: &str, counted: usize) {
        let declared = self.manifest.dirt_count(name).unwrap_or_else(|| panic!("no dirt {name}"));
        assert_eq!(declared, counted as u64, "{name}");
        assert!(counted > 0, "{name} never happened");
    }
}

/// One test, because the sample is made once for all of them.
#[test]
fn the_manifest_counts_what_is_in_the_files() {
    let sample = Sample::new();
    rows_are_as_the_manifest_says(&sample);
    merged_and_deleted_records_are_as_the_manifest_says(&sample);
    second_records_are_as_the_manifest_says(&sample);
    null_keys_and_bad_values_are_as_the_manifest_says(&sample);
    stage_dirt_is_as_the_manifest_says(&sample);
    late_rows_are_as_the_manifest_says(&sample);
    web_dirt_is_as_the_manifest_says(&sample);
    money_adds_up_to_the_manifest(&sample);
}

fn nulls<T>(column: &[Option<T>]) -> usize {
    column.iter().filter(|value| value.is_none()).count()
}

fn both(a: &[bool], b: &[bool]) -> usize {
    a.iter().zip(b).filter(|(a, b)| **a && **b).count()
}

fn rows_are_as_the_manifest_says(sample: &Sample) {
    for entry in &sample.manifest.tables {
        let rows = sample.table(&entry.system, &entry.table).rows() as u64;
        assert_eq!(entry.rows, rows, "{}.{}", entry.system, entry.table);
    }
}

fn merged_and_deleted_records_are_as_the_manifest_says(sample: &Sample) {
    for (table, merged, deleted) in [("lead", "merged_lead", Some("deleted_lead")), ("account", "merged_account", None)]
    {
        let read = sample.table("salesforce", table);
        let gone = read.flag("is_deleted");
        let master: Vec<bool> = read.text("master_record_id").iter().map(Option::is_some).collect();
        sample.is(merged, both(&gone, &master));
        if let Some(deleted) = deleted {
            sample.is(deleted, gone.iter().filter(|gone| **gone).count() - both(&gone, &master));
        }
    }
    let deals = sample.table("salesforce", "opportunity");
    sample.is("deleted_opportunity", deals.flag("is_deleted").iter().filter(|gone| **gone).count());
    let hubspot = sample.table("hubspot", "contact");
    let survivors = hubspot.text("property_hs_calculated_merged_vids");
    sample.is("merged_hubspot_contact", survivors.len() - nulls(&survivors));
    let second: Vec<bool> = hubspot.int("id").iter().map(|id| id.unwrap() % 2 == 1).collect();
    sample.is("duplicate_hubspot_contact", second.iter().filter(|second| **second).count());
    let gone = hubspot.flag("_fivetran_deleted");
    assert_eq!(both(&gone, &second), survivors.len() - nulls(&survivors));
    sample.is("deleted_hubspot_contact", gone.iter().filter(|gone| **gone).count() - both(&gone, &second));
}

fn second_records_are_as_the_manifest_says(sample: &Sample) {
    let truth = sample.table("truth", "record");
    let mut people: BTreeMap<(String, i64), usize> = BTreeMap::new();
    let places = truth.text("system").into_iter().zip(truth.text("table"));
    for ((system, table), person) in places.zip(truth.int("person_number")) {
        let place = format!("{}.{}", system.unwrap(), table.unwrap());
        *people.entry((place, person.unwrap())).or_default() += 1;
    }
    let second = |wanted: &str| {
        people.iter().filter(|((place, _), _)| place == wanted).map(|(_, records)| records - 1).sum::<usize>()
    };
    sample.is("duplicate_lead", second("salesforce.lead"));
    sample.is("duplicate_hubspot_contact", second("hubspot.contact"));
    assert_eq!(second("salesforce.contact"), 0);
}

fn null_keys_and_bad_values_are_as_the_manifest_says(sample: &Sample) {
    let lead_keys = nulls(&sample.table("salesforce", "lead_history").text("lead_id"));
    let deal_keys = nulls(&sample.table("salesforce", "opportunity_field_history").text("opportunity_id"));
    sample.is("null_history_key", lead_keys + deal_keys);
    sample.is("null_recipient", nulls(&sample.table("hubspot", "email_event").text("recipient")));
    sample.is("null_role_contact", nulls(&sample.table("salesforce", "opportunity_contact_role").text("contact_id")));
    sample.is("null_property_contact", nulls(&sample.table("hubspot", "contact_property_history").int("contact_id")));
    let leads = sample.table("salesforce", "lead");
    let emails = leads.text("email");
    sample.is("email_missing", nulls(&emails) + nulls(&sample.table("salesforce", "contact").text("email")));
    sample.is("email_placeholder", emails.iter().flatten().filter(|email| *email == "test@test.com").count());
    let imported = leads.text("imported_at_c");
    sample.is("imported_text_time", imported.iter().flatten().count());
    let bad = ["n/a", "31/02/2025", "yesterday", "TBD"];
    let unparseable = imported.iter().flatten().filter(|text| bad.contains(&text.as_str())).count();
    assert_eq!(sample.manifest.dirt_count("unparseable_time"), Some(unparseable as u64));
    let short = sample.table("hubspot", "contact").text("property_salesforceleadid");
    sample.is("short_salesforce_id", short.iter().flatten().filter(|id| id.len() == 15).count());
    let machine = sample.table("hubspot", "email_event").flag("filtered_event");
    sample.is("machine_email_event", machine.iter().filter(|machine| **machine).count());
}

/// When a field was changed, from what and to what.
type Changed = (i64, Option<String>, Option<String>);

/// The keyed rows of one field's history, record by record, in the order of the file.
fn by_record(history: &Read, key: &str, field: &str) -> BTreeMap<String, Vec<Changed>> {
    let mut records: BTreeMap<String, Vec<_>> = BTreeMap::new();
    let (keys, fields) = (history.text(key), history.text("field"));
    let (at, old, new) = (history.instant("created_date"), history.text("old_value"), history.text("new_value"));
    for (i, key) in keys.iter().enumerate() {
        if let (Some(key), true) = (key, fields[i].as_deref() == Some(field)) {
            records.entry(key.clone()).or_default().push((at[i].unwrap(), old[i].clone(), new[i].clone()));
        }
    }
    records
}

fn rank(stage: Option<&str>) -> Option<usize> {
    let ladders = [
        vec!["New", "MQL", "Working", "Qualified"],
        vec!["New", "Marketing Qualified", "Working", "Qualified"],
        vec!["Discovery", "Evaluation", "Proposal", "Negotiation", "Closed Won"],
    ];
    ladders.iter().find_map(|ladder| ladder.iter().position(|name| Some(*name) == stage))
}

fn stage_dirt_is_as_the_manifest_says(sample: &Sample) {
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    let tables = [("lead_history", "lead_id", "Status"), ("opportunity_field_history", "opportunity_id", "StageName")];
    for (table, key, field) in tables {
        let read = sample.table("salesforce", table);
        let legacy = |value: &Option<String>| value.as_deref() == Some("Marketing Qualified");
        *found.entry("legacy_status").or_default() +=
            read.text("old_value").iter().zip(read.text("new_value")).filter(|(o, n)| legacy(o) || legacy(n)).count();
        for rows in by_record(&read, key, field).values() {
            let inversions = rows.windows(2).filter(|pair| pair[1].0 < pair[0].0).count();
            *found.entry("out_of_order_row").or_default() += inversions;
            let mut instants: Vec<i64> = rows.iter().map(|row| row.0).collect();
            instants.sort_unstable();
            *found.entry("same_second_change").or_default() += instants.windows(2).filter(|p| p[0] == p[1]).count();
            for (_, old, new) in rows {
                *found.entry("repeated_stage").or_default() += usize::from(old == new);
                if let (Some(old), Some(new)) = (rank(old.as_deref()), rank(new.as_deref())) {
                    *found.entry("stage_regression").or_default() += usize::from(new < old);
                    *found.entry("stage_skip").or_default() += usize::from(new > old + 1);
                }
            }
        }
    }
    for (name, counted) in found {
        sample.is(name, counted);
    }
}

fn late_rows_are_as_the_manifest_says(sample: &Sample) {
    let mut late = 0;
    let histories = [
        ("salesforce", "lead_history", "created_date"),
        ("salesforce", "opportunity_field_history", "created_date"),
        ("hubspot", "email_event", "created"),
    ];
    for (system, table, at) in histories {
        let read = sample.table(system, table);
        let arrived = read.instant("_fivetran_synced");
        late += read.instant(at).iter().zip(arrived).filter(|(at, a)| a.unwrap() - at.unwrap() > HOURS_72).count();
    }
    let events = sample.table("ga4", "event");
    let arrived = events.instant("_fivetran_synced");
    late +=
        events.int("event_timestamp").iter().zip(arrived).filter(|(at, a)| a.unwrap() - at.unwrap() > HOURS_72).count();
    sample.is("late_row", late);
}

fn text<'a>(params: &'a [Param], key: &str) -> Option<&'a str> {
    params.iter().find(|param| param.key == key).and_then(|param| param.text.as_deref())
}

fn web_dirt_is_as_the_manifest_says(sample: &Sample) {
    let events = sample.table("ga4", "event");
    sample.is("null_pseudo_id", nulls(&events.text("user_pseudo_id")));
    let (names, all) = (events.text("event_name"), params(&events));
    let (at, ids) = (events.int("event_timestamp"), events.text("user_pseudo_id"));
    // Two events of one request differ in name; one of an anonymous visitor differs in its page.
    let same = |i: &usize| {
        let (i, j) = (*i, *i - 1);
        names[i] == names[j] && at[i] == at[j] && ids[i] == ids[j] && all[i] == all[j]
    };
    let repeats: BTreeSet<usize> = (1..names.len()).filter(same).collect();
    sample.is("duplicate_event", repeats.len());
    let robots = events.batches().iter().flat_map(|batch| {
        use arrow::array::AsArray;
        let info = batch.column_by_name("device").unwrap().as_struct().column_by_name("web_info").unwrap();
        let browsers = info.as_struct().column_by_name("browser").unwrap().as_string::<i32>().clone();
        browsers.iter().map(|b| b == Some("HeadlessChrome")).collect::<Vec<_>>()
    });
    sample.is("bot_events", robots.filter(|robot| *robot).count());

    let sessions: Vec<&Vec<Param>> = (0..names.len())
        .filter(|i| names[*i].as_deref() == Some("session_start") && !repeats.contains(i))
        .map(|i| &all[i])
        .collect();
    let count = |test: &dyn Fn(&[Param]) -> bool| sessions.iter().filter(|session| test(session)).count();
    sample.is("session_id_missing", count(&|s| s.iter().all(|param| param.key != "ga_session_id")));
    sample.is("utm_internal", count(&|s| text(s, "source") == Some("website")));
    sample.is("utm_url_source", count(&|s| text(s, "source").is_some_and(|v| v.starts_with("https://"))));
    sample.is("utm_space", count(&|s| text(s, "source").is_some_and(|v| v.ends_with(' '))));
    let unfilled = ["{{campaign.name}}", "__CAMPAIGN_NAME__", "{campaignid}"];
    sample.is("utm_placeholder", count(&|s| text(s, "campaign").is_some_and(|v| unfilled.contains(&v))));
    let upper = |v: &str| v.bytes().any(|b| b.is_ascii_uppercase()) && !v.bytes().any(|b| b.is_ascii_lowercase());
    sample
        .is("utm_upper_case", count(&|s| text(s, "source").is_some_and(upper) && text(s, "medium").is_some_and(upper)));
    let untagged = |s: &[Param]| text(s, "medium").is_none() || text(s, "campaign").is_none();
    // Assistants tag their links with a source alone.
    sample.is("utm_partial", count(&|s| text(s, "source").is_some_and(|v| v != "chatgpt.com") && untagged(s)));
    let others = ["hubspot", "hs_email", "newsletter", "linkedin", "twitter", "reddit", "partner"];
    let elsewhere = |s: &[Param]| {
        let tags = format!("{:?} {:?}", text(s, "source"), text(s, "medium")).to_lowercase();
        others.iter().any(|other| tags.contains(other))
    };
    sample.is("click_id_conflict", count(&|s| text(s, "gclid").is_some() && elsewhere(s)));
    // The tags of an event are those of its landing page.
    for session in &sessions {
        let tagged = text(session, "page_location").unwrap().contains("utm_source=");
        assert_eq!(tagged, text(session, "source").is_some());
    }
}

fn money_adds_up_to_the_manifest(sample: &Sample) {
    let deals = sample.table("salesforce", "opportunity");
    let mut sums: BTreeMap<(String, String), (u64, i128)> = BTreeMap::new();
    let (won, closed, gone) = (deals.flag("is_won"), deals.flag("is_closed"), deals.flag("is_deleted"));
    for (i, (amount, currency)) in deals.money("amount").into_iter().zip(deals.text("currency_iso_code")).enumerate() {
        let measure = if won[i] {
            "won"
        } else if closed[i] {
            "lost"
        } else {
            "open"
        };
        if let (Some(amount), false) = (amount, gone[i]) {
            let (rows, sum) = sums.entry((measure.to_owned(), currency.unwrap())).or_default();
            *rows += 1;
            *sum += amount;
        }
    }
    let spend = sample.table("ads", "facebook_ads_basic");
    for (amount, currency) in spend.money("spend").into_iter().zip(spend.text("currency")) {
        let (rows, sum) = sums.entry(("spend_facebook_ads".to_owned(), currency.unwrap())).or_default();
        *rows += 1;
        *sum += amount.unwrap();
    }
    let declared: BTreeMap<(String, String), (u64, i128)> = sample
        .manifest
        .money
        .iter()
        .filter(|entry| !entry.measure.starts_with("spend_") || entry.measure == "spend_facebook_ads")
        .map(|entry| {
            let cents = entry.amount.replace('.', "").parse().unwrap();
            ((entry.measure.clone(), entry.currency.clone()), (entry.rows, cents))
        })
        .collect();
    assert_eq!(declared, sums);
    assert!(declared.keys().filter(|(measure, _)| measure == "won").count() > 3, "several currencies: {declared:?}");
}
