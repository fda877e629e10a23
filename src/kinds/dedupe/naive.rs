//! The kind in the obvious slow way, as a twin for tests: exact rules, limits, survivorship.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// One row of a table of records.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// The system's place in the order of precedence, and its name.
    pub(super) system: (usize, String),
    pub(super) id: Option<String>,
    pub(super) updated: Option<i64>,
    pub(super) created: Option<i64>,
    /// By rule.
    pub(super) keys: Vec<Option<String>>,
    /// By policy, in the order of [`choose`].
    pub(super) value: Option<String>,
}

/// A person: anchor, record keys, and by policy the value that survives.
pub(super) type Person = (String, BTreeSet<String>, Vec<Option<String>>);

/// The policies that [`people`] tries, in order.
pub(super) const POLICIES: [&str; 8] =
    ["most_recent", "source_priority", "{prefer: [two]}", "most_complete", "most_frequent", "min", "max", "first"];

/// Everybody, in the order of their anchors.
pub(super) fn people(rows: &[Row], max_records_per_key: usize, max_cluster: usize) -> Vec<Person> {
    let mut records: BTreeMap<String, &Row> = BTreeMap::new();
    for row in rows {
        let Some(id) = row.id.as_deref().map(str::trim).filter(|id| !id.is_empty()) else { continue };
        let key = format!("{}:{id}", row.system.1);
        let newer = |old: &&Row| {
            (row.updated, Reverse(row.created.unwrap_or(i64::MAX)))
                > (old.updated, Reverse(old.created.unwrap_or(i64::MAX)))
        };
        if records.get(&key).is_none_or(newer) {
            records.insert(key, row);
        }
    }
    let mut clusters: BTreeMap<&str, BTreeSet<&str>> =
        records.keys().map(|key| (key.as_str(), BTreeSet::from([key.as_str()]))).collect();
    let rules = rows.first().map_or(0, |row| row.keys.len());
    for rule in 0..rules {
        let mut sharing: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (record, row) in &records {
            if let Some(key) = row.keys[rule].as_deref().filter(|key| !key.is_empty()) {
                sharing.entry(key).or_default().push(record);
            }
        }
        for group in sharing.into_values().filter(|group| group.len() <= max_records_per_key) {
            let all: BTreeSet<&str> = group.iter().flat_map(|record| clusters[record].clone()).collect();
            all.iter().for_each(|record| {
                clusters.insert(record, all.clone());
            });
        }
    }
    let split = |members: BTreeSet<&str>| -> Vec<Vec<String>> {
        let members: Vec<String> = members.into_iter().map(str::to_string).collect();
        if members.len() <= max_cluster { vec![members] } else { members.into_iter().map(|m| vec![m]).collect() }
    };
    let distinct: BTreeSet<BTreeSet<&str>> = clusters.into_values().collect();
    let mut people: Vec<Person> =
        distinct.into_iter().flat_map(split).map(|members| person(&members, &records)).collect();
    people.sort();
    people
}

fn person(members: &[String], records: &BTreeMap<String, &Row>) -> Person {
    let of = |key: &String| records[key];
    let anchor = members.iter().min_by_key(|key| (of(key).created.unwrap_or(i64::MAX), (*key).clone()));
    let filled = |key: &&String| of(key).value.as_deref().is_some_and(|value| !value.trim().is_empty());
    let holders: Vec<(&String, &Row)> = members.iter().filter(filled).map(|key| (key, of(key))).collect();
    let values = (0..POLICIES.len()).map(|policy| choose(policy, &holders)).collect();
    (anchor.cloned().unwrap_or_default(), members.iter().cloned().collect(), values)
}

fn choose(policy: usize, holders: &[(&String, &Row)]) -> Option<String> {
    let value = |row: &Row| row.value.clone().unwrap_or_default().trim().to_string();
    let count = |row: &Row| holders.iter().filter(|(_, other)| value(other) == value(row)).count();
    let recent = |row: &Row| Reverse(row.updated);
    let prior = |row: &Row| row.system.0;
    let second = |row: &Row| (row.system.1 != "two", row.system.0);
    let (_, chosen) = match policy {
        0 => holders.iter().min_by_key(|(key, row)| (recent(row), prior(row), (*key).clone())),
        1 => holders.iter().min_by_key(|(key, row)| (prior(row), recent(row), (*key).clone())),
        2 => holders.iter().min_by_key(|(key, row)| (second(row), recent(row), (*key).clone())),
        3 => holders
            .iter()
            .min_by_key(|(key, row)| (Reverse(value(row).chars().count()), recent(row), prior(row), (*key).clone())),
        4 => holders.iter().min_by_key(|(key, row)| (Reverse(count(row)), recent(row), prior(row), (*key).clone())),
        5 => holders.iter().min_by_key(|(key, row)| (value(row), prior(row), (*key).clone())),
        6 => holders.iter().min_by_key(|(key, row)| (Reverse(value(row)), prior(row), (*key).clone())),
        _ => holders.iter().min_by_key(|(key, row)| (row.created.unwrap_or(i64::MAX), prior(row), (*key).clone())),
    }?;
    Some(value(chosen))
}
