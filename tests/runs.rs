//! Runs of small projects: what comes before what, what fails, and what goes out all the same.

use serde_json::Value;

use crate::support::cli::{Done, Project};

/// A project over one seed of people, each with the one above, and no model yet.
fn people() -> Project {
    let project = Project::empty();
    project.write("marquetry.yml", "project: people\ntargets:\n  out: {location: out}\n");
    project.write("models/person.csv", "id,boss,n\n1,,7\n2,1,7\n3,1,8\n");
    let columns = "{id: {type: bigint, description: Id.}, boss: {type: bigint, nullable: true, description: Boss.}, \
                   n: {type: bigint, description: A number.}}";
    project.write("models/person.yml", &format!("seed: person\nfile: person.csv\ncolumns: {columns}\n"));
    project
}

/// A model of that name in SQL, with more lines of YAML.
fn sql(project: &Project, name: &str, sql: &str, more: &str) {
    project.write(&format!("models/{name}.yml"), &format!("model: {name}\ndescription: Rows.\nsql: {sql}\n{more}\n"));
}

fn tables(done: &Done) -> Vec<String> {
    let tables = done.json()["tables"].as_array().cloned().unwrap_or_default();
    tables.iter().map(|table| table["name"].as_str().unwrap_or_default().to_string()).collect()
}

/// The results of a table's check, as `status failures`.
fn result(done: &Done, check: &str) -> Vec<String> {
    let tables = done.json()["tables"].as_array().cloned().unwrap_or_default();
    let checks = tables.iter().flat_map(|table| table["checks"].as_array().cloned().unwrap_or_default());
    let of = checks.filter(|found| found["check"] == check);
    of.map(|found| format!("{} {}", found["status"].as_str().unwrap_or_default(), found["failures"])).collect()
}

#[test]
fn a_model_checked_against_itself_is_worked_out() {
    let project = people();
    let own = "checks:\n  - relationships: {column: boss, to: staff, field: id}";
    sql(&project, "staff", "SELECT id, boss FROM person", own);
    sql(&project, "later", "SELECT id FROM staff", "");
    let done = project.publish(&[]).exits(0);
    assert_eq!(tables(&done), ["staff", "later"]);
    assert_eq!(result(&done, "relationships_boss_staff"), ["pass 0"]);
}

#[test]
fn what_a_check_compares_with_comes_first_and_is_selected_with_the_model() {
    let project = people();
    let bosses = "checks:\n  - relationships: {column: boss, to: zebra, field: id}";
    sql(&project, "ant", "SELECT id, boss FROM person", bosses);
    sql(&project, "zebra", "SELECT id FROM person WHERE id > 1", "");
    let seed = "checks:\n  - relationships: {column: id, to: person, field: id}";
    sql(&project, "bee", "SELECT 9 AS id", &format!("columns: {{id: {{description: Id.}}}}\n{seed}"));

    let refused = project.publish(&["--select", "+ant"]).exits(1);
    assert_eq!(tables(&refused), ["zebra", "ant"]);
    assert_eq!(result(&refused, "relationships_boss_zebra"), ["fail 2"]);
    // A seed that no model reads can be compared with.
    let refused = project.publish(&["--select", "bee"]).exits(1);
    assert_eq!(result(&refused, "relationships_id_person"), ["fail 1"]);
    // A table is not published beside an older one than it was checked against.
    let checks = "checks:\n  - row_count: {min: 9}";
    sql(&project, "zebra", "SELECT id FROM person", checks);
    project.write("models/bee.yml", "model: bee\ndescription: Rows.\nsql: SELECT id FROM person\n");
    let partial = project.publish(&["--keep-going"]).exits(1);
    assert_eq!(partial.json()["status"], Value::from("partial"));
    let folders = ["ant", "bee", "zebra"].map(|name| project.target().join(name).is_dir());
    assert_eq!(folders, [false, true, false]);
}

#[test]
fn columns_may_have_the_names_of_our_counts() {
    let project = people();
    let checks = "grain: [n]\nchecks:\n  - unique: n\n  - unique: [n, id]\n  - relationships: {column: known_value, to: person, field: id}";
    sql(&project, "staff", "SELECT id, n, boss AS known_value FROM person", checks);
    let done = project.publish(&[]).exits(1);
    assert_eq!(result(&done, "unique_n"), ["fail 1"]);
    assert_eq!(result(&done, "unique_n_id"), ["pass 0"]);
    assert_eq!(result(&done, "relationships_known_value_person"), ["pass 0"]);
}

#[test]
fn limits_may_come_from_the_environment() {
    let project = people();
    let limits = "limits:\n  threads: ${N:-0}\n  memory: ${MEMORY:-512mb}\n";
    project.write("marquetry.yml", &format!("project: people\ntargets:\n  out: {{location: out}}\n{limits}"));
    let none = project.run(&["check"]).exits(2);
    assert!(none.stderr.contains("a run needs at least one thread"), "{}", none.stderr);
    project.with("N", "2").run(&["check"]).exits(0);
}
