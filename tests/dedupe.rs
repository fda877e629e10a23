//! The sample company's people: found among the records of two systems, and the same ones next time.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::support::cli::{Project, files, repository};

/// Some columns of all Parquet files below a folder, as texts.
fn read(folder: &Path, columns: &[&str]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for file in files(folder).iter().filter(|file| file.ends_with(".parquet")) {
        let file = File::open(folder.join(file)).unwrap();
        for batch in ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap() {
            let batch = batch.unwrap();
            let texts: Vec<ArrayRef> = columns
                .iter()
                .map(|name| cast(batch.column_by_name(name).expect(name), &DataType::Utf8).unwrap())
                .collect();
            let text = |column: &ArrayRef, row: usize| {
                let texts = column.as_string::<i32>();
                if texts.is_null(row) { "-".to_string() } else { texts.value(row).to_string() }
            };
            rows.extend((0..batch.num_rows()).map(|row| texts.iter().map(|column| text(column, row)).collect()));
        }
    }
    rows
}

/// Record → person, as published.
fn people(project: &Project) -> BTreeMap<String, String> {
    let rows = read(&project.target().join("people_crosswalk"), &["system", "record_id", "person_id"]);
    rows.into_iter().map(|row| (format!("{}:{}", row[0], row[1]), row[2].clone())).collect()
}

fn publish(project: &Project) -> crate::support::cli::Done {
    project.publish(&["--select", "people", "--target", "parquet"]).exits(0)
}

/// Pairs of records in one group: how many of `left` are in `right`, and how many `left` has.
fn shared_pairs(left: &BTreeMap<String, String>, right: &BTreeMap<String, String>) -> (usize, usize) {
    let mut groups: BTreeMap<&String, Vec<&String>> = BTreeMap::new();
    left.iter().for_each(|(record, group)| groups.entry(group).or_default().push(record));
    let (mut shared, mut all) = (0, 0);
    for group in groups.values() {
        for (at, one) in group.iter().enumerate() {
            for other in &group[at + 1..] {
                all += 1;
                shared += usize::from(right.get(*one).is_some() && right.get(*one) == right.get(*other));
            }
        }
    }
    (shared, all)
}

/// Links between records of different people, by rule.
fn wrong_links(project: &Project, truth: &BTreeMap<String, String>) -> BTreeMap<String, Vec<String>> {
    let columns = ["outcome", "rule", "left_system", "left_record_id", "right_system", "right_record_id"];
    let mut wrong: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in read(&project.target().join("people_evidence"), &columns) {
        let (left, right) = (format!("{}:{}", row[2], row[3]), format!("{}:{}", row[4], row[5]));
        if row[0] == "linked" && truth.get(&left) != truth.get(&right) {
            wrong.entry(row[1].clone()).or_default().push(format!("{left} {right}"));
        }
    }
    wrong
}

#[test]
fn the_sample_people_are_found() {
    let project = Project::sample();
    publish(&project);
    let found = people(&project);
    let truth = read(&repository().join("sample_data/truth"), &["system", "record_id", "person_number"]);
    let truth: BTreeMap<String, String> = truth
        .into_iter()
        .map(|row| (format!("{}:{}", row[0], row[1]), row[2].clone()))
        .filter(|(record, _)| found.contains_key(record))
        .collect();
    assert_eq!(truth.len(), found.len(), "every record has a person behind it");
    let (right, linked) = shared_pairs(&found, &truth);
    let (kept, real) = shared_pairs(&truth, &found);
    assert_eq!(right, kept);
    let (precision, recall) = (right as f64 / linked as f64, kept as f64 / real as f64);
    println!("precision {precision:.4}, recall {recall:.4}, {real} pairs");
    assert!(
        precision > 0.99 && recall > 0.9,
        "precision {precision}, recall {recall}: {:#?}",
        wrong_links(&project, &truth)
    );
    // No e-mail address and no name is in the tables that say why.
    let evidence = project.target().join("people_evidence");
    let columns = ["rule", "left_record_id", "right_record_id", "reason"];
    assert!(read(&evidence, &columns).iter().flatten().all(|cell| !cell.contains('@')));
}

#[test]
fn ids_stay_from_release_to_release() {
    let project = Project::sample();
    publish(&project);
    let first = people(&project);
    let again = publish(&project);
    assert_eq!(again.json()["status"], "unchanged", "the state is read and leads to the same tables");

    // Without the rule on e-mail addresses people fall apart; those whom it did not hold together stay.
    let path = project.path().join("models/marts/people.yml");
    let text = std::fs::read_to_string(&path).unwrap();
    let fewer: String =
        text.lines().filter(|line| !line.contains("name: e-mail")).map(|line| format!("{line}\n")).collect();
    std::fs::write(&path, fewer).unwrap();
    assert_eq!(publish(&project).json()["status"], "published");
    let apart = people_of(&project);
    let ids = |people: &BTreeMap<String, String>| people.values().cloned().collect::<BTreeSet<String>>();
    assert!(ids(&apart).len() > ids(&first).len());
    assert!(ids(&first).is_subset(&ids(&apart)), "the part with the anchor keeps the id");

    // And together again: the ids of before live, the newer ones lead to them.
    std::fs::write(&path, text).unwrap();
    publish(&project);
    assert_eq!(people_of(&project), first);
    let redirects = current(&project, "people_redirects", &["old_id", "person_id", "reason"]);
    let gone: BTreeSet<String> = ids(&apart).difference(&ids(&first)).cloned().collect();
    assert_eq!(redirects.iter().map(|row| row[0].clone()).collect::<BTreeSet<_>>(), gone);
    assert!(redirects.iter().all(|row| row[2] == "merged" && ids(&first).contains(&row[1])));
}

#[test]
fn files_that_are_gone_are_missed() {
    let project = Project::sample();
    publish(&project);
    let first = people_of(&project);
    let folder = project.target().join("people_crosswalk");
    let file = files(&folder).into_iter().find(|file| file.ends_with(".parquet")).unwrap();
    let bytes = std::fs::read(folder.join(&file)).unwrap();
    std::fs::remove_file(folder.join(&file)).unwrap();
    // Ids would begin anew if the crosswalk were read without those rows.
    for select in ["people", "person_stages"] {
        let refused = project.publish(&["--select", select, "--target", "parquet"]).exits(3);
        assert!(refused.stderr.contains(&file) && refused.stderr.contains("rollback"), "{}", refused.stderr);
    }
    std::fs::write(folder.join(&file), &bytes[1..]).unwrap();
    project.publish(&["--select", "people", "--target", "parquet"]).exits(3);
    std::fs::write(folder.join(&file), &bytes).unwrap();
    // A table that nothing goes on from is written anew.
    let golden = project.target().join("people");
    let file = files(&golden).into_iter().find(|file| file.ends_with(".parquet")).unwrap();
    std::fs::remove_file(golden.join(&file)).unwrap();
    assert_eq!(publish(&project).json()["status"], "published");
    let ids = current(&project, "people", &["person_id"]).into_iter().map(|row| row[0].clone());
    assert_eq!(ids.collect::<BTreeSet<_>>(), first.values().cloned().collect());
    assert_eq!(people_of(&project), first);
}

/// Record → person, as the current release has it.
fn people_of(project: &Project) -> BTreeMap<String, String> {
    let rows = current(project, "people_crosswalk", &["system", "record_id", "person_id"]);
    rows.into_iter().map(|row| (format!("{}:{}", row[0], row[1]), row[2].clone())).collect()
}

/// Some columns of a table, of the files that its manifest lists.
fn current(project: &Project, table: &str, columns: &[&str]) -> Vec<Vec<String>> {
    let folder = project.target().join(table);
    let manifest = std::fs::read_to_string(folder.join("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let listed = tempfile::tempdir().unwrap();
    for (at, file) in manifest["files"].as_array().unwrap().iter().enumerate() {
        let from = folder.join(file["path"].as_str().unwrap());
        std::fs::copy(from, listed.path().join(format!("{at}.parquet"))).unwrap();
    }
    read(listed.path(), columns)
}

/// Adds the probabilistic rule to the sample model, with further settings.
fn with_probabilistic_rule(project: &Project, settings: &str) {
    let path = project.path().join("models/marts/people.yml");
    let text = std::fs::read_to_string(repository().join("models/marts/people.yml")).unwrap();
    let rule = format!("    - probabilistic:\n        merge: 0.95\n{settings}  guards:\n");
    std::fs::write(&path, text.replace("  guards:\n", &rule)).unwrap();
}

#[test]
fn learnt_weights_can_be_kept() {
    let project = Project::sample();
    with_probabilistic_rule(&project, "");
    let first = publish(&project);
    let place = project.target().to_string_lossy().into_owned();
    let command = |args: &[&str]| project.run(&[args, &["--target", "parquet", "--location", &place]].concat());
    let kept = command(&["weights", "people"]).exits(0).stdout;
    assert!(kept.starts_with("version: 1") && kept.contains("blocking:"), "{kept}");
    let table = command(&["weights", "people", "--as", "table"]).exits(0).stdout;
    assert!(table.contains("email (email") && table.contains("different"), "{table}");
    assert!(command(&["weights", "people", "--as", "picture"]).exits(0).stdout.starts_with("<svg"));
    let indented: String = kept.lines().map(|line| format!("          {line}\n")).collect();
    with_probabilistic_rule(&project, &format!("        weights:\n{indented}"));
    assert_eq!(publish(&project).digests(), first.digests(), "given weights do what learnt ones did");
    let missing = command(&["weights", "touches"]).exits(2);
    assert!(missing.stderr.contains("no model `touches` of the kind `dedupe`"), "{}", missing.stderr);
}

#[test]
fn two_records_are_explained() {
    let project = Project::sample();
    publish(&project);
    let place = project.target().to_string_lossy().into_owned();
    let explain = |left: &str, right: &str| {
        project.run(&["explain-match", "people", left, right, "--target", "parquet", "--location", &place])
    };
    let links = read(
        &project.target().join("people_evidence"),
        &["outcome", "left_system", "left_record_id", "right_system", "right_record_id", "rule"],
    );
    let linked = links.iter().find(|row| row[0] == "linked").unwrap();
    let (left, right) = (format!("{}:{}", linked[1], linked[2]), format!("{}:{}", linked[3], linked[4]));
    let together = explain(&left, &right).exits(0).stdout;
    assert!(
        together.contains("are together: person_id ") && together.contains(&format!("linked by `{}`", linked[5])),
        "{together}"
    );
    let people = people(&project);
    let other = people.iter().find(|(_, id)| **id != people[&left]).unwrap().0;
    let apart = explain(&left, other).exits(0).stdout;
    assert!(apart.contains("are apart: person_id ") && apart.contains("no rule links"), "{apart}");
    assert!(apart.contains("  `e-mail`\n      email differs\n"), "{apart}");
    let unknown = explain(&left, "hubspot:none").exits(2);
    assert!(unknown.stderr.contains("no record `hubspot:none`"), "{}", unknown.stderr);
    let nameless = explain(&left, "none").exits(2);
    assert!(nameless.stderr.contains("`<system>:<id>`"), "{}", nameless.stderr);
}

#[test]
fn stage_history_follows_the_person() {
    let project = Project::sample();
    let leads = std::fs::read_to_string(repository().join("models/marts/lead_stages.yml")).unwrap();
    let crosswalk = "  crosswalk: {from: people_crosswalk, system: system, record: record_id, id: person_id}\n";
    let persons = leads.replace("model: lead_stages", "model: followed_stages");
    project.write("models/marts/followed_stages.yml", &format!("{}\n{crosswalk}", persons.trim_end()));
    project.publish(&["--select", "+followed_stages", "--target", "parquet"]).exits(0);
    let people: BTreeSet<String> = people(&project).into_values().collect();
    let entities: BTreeSet<String> =
        read(&project.target().join("followed_stages"), &["entity_id"]).into_iter().map(|row| row[0].clone()).collect();
    let known = entities.intersection(&people).count();
    assert!(known > 500, "{known} of {} entities are people", entities.len());
    // What is left are leads in the recycle bin, which are no records.
    assert!(entities.len() - known < 30, "{known} of {} entities are people", entities.len());
}

#[test]
fn ids_of_a_release_that_was_taken_back_lead_to_those_that_live() {
    let project = Project::sample();
    publish(&project);
    let first = people(&project);
    let path = project.path().join("models/marts/people.yml");
    let text = std::fs::read_to_string(&path).unwrap();
    let fewer: String =
        text.lines().filter(|line| !line.contains("name: e-mail")).map(|line| format!("{line}\n")).collect();
    std::fs::write(&path, fewer).unwrap();
    publish(&project);
    let apart = people_of(&project);
    let place = project.target().to_string_lossy().into_owned();
    project.run(&["rollback", "1", "--target", "parquet", "--location", &place]).exits(0);
    assert_eq!(people_of(&project), first);
    assert!(current(&project, "people_redirects", &["old_id"]).is_empty(), "release 1 knows no other ids");

    std::fs::write(&path, text).unwrap();
    publish(&project);
    assert_eq!(people_of(&project), first);
    let ids = |people: &BTreeMap<String, String>| people.values().cloned().collect::<BTreeSet<String>>();
    let gone: BTreeSet<String> = ids(&apart).difference(&ids(&first)).cloned().collect();
    let redirects = || current(&project, "people_redirects", &["old_id", "person_id", "reason"]);
    assert!(!gone.is_empty());
    assert_eq!(redirects().iter().map(|row| row[0].clone()).collect::<BTreeSet<_>>(), gone);
    assert!(redirects().iter().all(|row| row[2] == "merged" && ids(&first).contains(&row[1])));
    // They are part of the state from then on.
    let kept = redirects();
    assert_eq!(publish(&project).json()["status"], "unchanged");
    assert_eq!(redirects(), kept);
}
