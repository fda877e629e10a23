//! Runs of small projects: what comes before what, what fails, and what goes out all the same.

use serde_json::Value;

use crate::support::cli::{Done, Project, copy, repository};

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
fn what_is_no_number_is_not_skipped() {
    let project = people();
    let reading = "CASE WHEN n = 7 THEN CAST('NaN' AS DOUBLE) ELSE CAST(1 AS DOUBLE) END AS reading";
    let described = "columns: {readings: How many.}";
    let read = format!("SELECT id, {reading} FROM person");
    sql(&project, "readings", &read, "columns: {reading: A reading.}");
    // NaN is greater than all numbers; the bounds of the file say one.
    let counted = format!("{described}\nchecks:\n  - expression: readings = 2");
    sql(&project, "high", "SELECT count(*) AS readings FROM readings WHERE reading > 1", &counted);
    project.publish(&[]).exits(0);
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

#[test]
fn a_model_that_fails_on_a_value_names_itself_and_neither_the_value_nor_the_file() {
    let cast = "a value cannot be cast to `BIGINT`";
    for (sql, words) in [
        ("SELECT id, CAST(email AS BIGINT) AS n FROM salesforce_lead", cast),
        ("SELECT id, 1 AS n FROM salesforce_lead WHERE CAST(email AS BIGINT) = 1", cast),
        ("SELECT id, 1 / (length(email) - length(email)) AS n FROM salesforce_lead", "divided by zero"),
        ("SELECT id, CAST(email AS TIMESTAMP) AS n FROM salesforce_lead", "a date or an instant"),
    ] {
        let project = Project::sample();
        project.write(
            "models/marts/fails.yml",
            &format!("model: fails\ndescription: Fails.\ngrain: [id]\ncolumns:\n  n: No number.\nsql: {sql}\n"),
        );
        let done = project.publish(&["--select", "fails"]).exits(1);
        for wanted in ["model `fails` (models/marts/fails.yml:6)", words, "hint: "] {
            assert!(done.stderr.contains(wanted), "`{wanted}` is missing in\n{}", done.stderr);
        }
        for foreign in ["@", "parquet", "Arrow", "Cast error", "a query failed"] {
            assert!(!done.stderr.contains(foreign), "{sql}: `{foreign}` in\n{}", done.stderr);
        }
        let summary = done.json();
        assert_eq!(summary["status"], "failed");
        assert!(summary["error"].as_str().is_some_and(|error| error.contains(words)), "{summary}");
        assert!(!done.stdout.contains('@'), "{}", done.stdout);
    }
}

#[test]
fn what_does_not_depend_on_a_failed_model_goes_out_where_the_run_keeps_going() {
    let project = people();
    let n = "columns: {n: {description: A number.}}";
    sql(&project, "ant", "SELECT id FROM person", "");
    sql(&project, "fails", "SELECT id, 1 / (n - n) AS n FROM person", n);
    sql(&project, "later", "SELECT id FROM fails", "");
    sql(&project, "zebra", "SELECT id FROM ant", "");

    let failed = project.publish(&[]).exits(1);
    assert_eq!(failed.json()["status"], "failed");
    assert!(!project.target().join("ant").is_dir());
    let partial = project.publish(&["--keep-going"]).exits(1);
    let summary = partial.json();
    assert_eq!(summary["status"], "partial");
    assert_eq!(tables(&partial), ["ant", "zebra"]);
    let why = ["its model failed: a number is divided by zero", "it is made of `fails`, which is withheld"];
    assert_eq!(
        summary["withheld"],
        serde_json::json!([{"table": "fails", "why": why[0]}, {"table": "later", "why": why[1]}])
    );
    assert!(partial.stderr.contains("fail model `fails` (models/fails.yml:3)"), "{}", partial.stderr);
    assert!(partial.stderr.contains("2 tables withheld; the rest is published"), "{}", partial.stderr);
    let folders = ["ant", "fails", "later", "zebra"].map(|name| project.target().join(name).is_dir());
    assert_eq!(folders, [true, false, false, true]);
    let text = project.run(&["run", "--keep-going", "--location", &project.target().to_string_lossy()]).exits(1);
    assert!(text.stdout.contains("withheld later: it is made of `fails`"), "{}", text.stdout);
    // Where nothing is left, nothing is published.
    let none = project.publish(&["--keep-going", "--select", "fails+"]).exits(1);
    assert_eq!(none.json()["status"], "failed");
}

#[test]
fn selection_begins_at_sources_seeds_and_paths_too() {
    let project = Project::sample();
    let names = |select: &str| -> Vec<String> {
        let done = project.run(&["ls", "--select", select]).exits(0);
        done.stdout.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_string).collect()
    };
    for (select, expected) in [
        ("source:ga4+", &["web_events", "touches", "credits"][..]),
        ("source:ga4.ga4_event+1", &["web_events"]),
        ("ga4_event+2", &["web_events", "touches"]),
        ("platform_channels+", &["campaign_spend"]),
        ("@platform_channels", &["campaign_spend"]),
        ("models/staging", &["web_events"]),
        ("models/staging/web_events.yml", &["web_events"]),
        ("path:./models/staging/", &["web_events"]),
        ("./models/staging+1", &["web_events", "touches"]),
    ] {
        assert_eq!(names(select), expected, "{select}");
    }
    assert_eq!(names("models/").len(), 13);
    for (select, hint) in [
        ("source:ga4", "`source:ga4+` selects the models that are made from it"),
        ("source:gaa4+", "did you mean `source:ga4`?"),
    ] {
        let done = project.run(&["ls", "--select", select]).exits(2);
        assert!(done.stderr.contains(hint), "{}", done.stderr);
    }
}

#[test]
fn check_looks_at_what_no_model_reads_and_a_run_does_not() {
    let project = people();
    sql(&project, "ant", "SELECT id FROM person", "");
    let told = |project: &Project| project.run(&["check"]).exits(0).stdout;
    assert!(told(&project).contains("1 model, 0 source tables, 1 seed"), "{}", told(&project));
    project.write("models/lost.yml", "seed: lost\nfile: lost.csv\ncolumns: {id: {type: bigint, description: Id.}}\n");
    assert!(project.run(&["ls"]).exits(0).stdout.contains("lost "));
    let done = project.run(&["check"]).exits(2);
    assert!(done.stderr.contains("lost.csv"), "{}", done.stderr);
    project.publish(&[]).exits(0);
}

#[test]
fn small_commands_refuse_what_they_cannot_do() {
    let project = Project::empty();
    for (args, words) in [
        (&["explain", "M0012"][..], "`M0012` is not a code\n  hint: next to it are `M0009` and `M0020`"),
        (&["explain", "M9999"], "`M9999` is not a code\n  hint: next to it are `M"),
        (&["explain", "lifecicle"], "did you mean `lifecycle`?"),
        (&["sample", "--people", "10", "--out", "s3://bucket/x"], "`s3://` is none"),
    ] {
        let done = project.run(args).exits(2);
        assert!(done.stderr.contains(words), "{}", done.stderr);
    }
    assert!(!project.path().join("s3:").exists());
}

#[test]
fn a_drafted_contract_can_be_used_as_it_is() {
    let project = Project::sample();
    let lead = "model: tasks\ndescription: Tasks.\ncolumns: {id: {description: Id.}}\nsql: SELECT id FROM ";
    let data = repository().join("sample_data").to_string_lossy().into_owned();
    copy(&repository().join("sample_data/salesforce/lead"), &project.path().join("dropped/crm/task"));
    let note = "# Say where these files lie, under `sources:` in `marquetry.yml`:\n#   crm: \"dropped/crm\"\n";
    for (name, table, path, more) in [
        ("salesforce_task", "salesforce_task", "path: \"task/\"", ""),
        (&format!("{data}/salesforce/task"), "task", "path: \"task/\"", ""),
        (&format!("{data}/salesforce/lead/part-*.parquet"), "lead", "path: \"lead/part-*.parquet\"", ""),
        ("dropped/crm/task", "task", "path: \"task/\"", note),
    ] {
        let draft = project.run(&["contract", name]).exits(0).stdout;
        assert!(draft.starts_with(more) && draft.contains(path), "{name}\n{draft}");
        project.write("schemas/drafted.yml", &draft);
        project.write("models/tasks.yml", &format!("{lead}{table}\n"));
        if !more.is_empty() {
            let file = std::fs::read_to_string(project.path().join("marquetry.yml")).unwrap();
            project.write("marquetry.yml", &file.replace("sources:\n", "sources:\n  crm: \"dropped/crm\"\n"));
        }
        project.run(&["check"]).exits(0);
    }
    let missing = project.run(&["contract", "salesforce_tusk"]).exits(2);
    assert!(missing.stderr.contains("is neither a source table nor a place"), "{}", missing.stderr);
}

#[test]
fn the_dictionary_says_how_new_rows_are_and_what_identifies_them() {
    let project = Project::sample();
    let contract = project.path().join("schemas/ga4.yml");
    let text = std::fs::read_to_string(&contract).unwrap();
    let table = "    path: event/part-*.parquet\n";
    assert!(text.contains(table));
    let fresh = "    freshness: {column: _fivetran_synced, warn_after: 2 years}\n";
    std::fs::write(&contract, text.replace(table, &format!("{table}{fresh}"))).unwrap();
    project.write(
        "models/marts/news.yml",
        "model: news\ndescription: Touches.\ngrain: [touch_id]\nsql: SELECT touch_id, occurred_at FROM touches\n\
         checks:\n  - freshness: {column: occurred_at, within: 52 weeks}\n  - unique: [occurred_at, touch_id]\n",
    );
    project.publish(&["--select", "+news", "lead_stages"]).exits(0);
    let path = project.target().join("_dictionary/dictionary.json");
    let dictionary: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let page = |list: &str, name: &str| {
        let pages = dictionary[list].as_array().unwrap();
        pages.iter().find(|page| page["name"] == name).unwrap().clone()
    };
    let (news, events) = (page("tables", "news"), page("sources", "ga4_event"));
    assert_eq!(news["keys"], serde_json::json!([["occurred_at", "touch_id"]]));
    assert_eq!(news["freshness"]["expected"], "52 weeks");
    assert_eq!(events["freshness"]["expected"], "2 years");
    assert_eq!(events["freshness"]["column"], "_fivetran_synced");
    for freshness in [&news["freshness"], &events["freshness"]] {
        assert_eq!(freshness["status"], "passed");
        assert!(freshness["latest"].as_str().is_some_and(|latest| latest.starts_with("202")), "{freshness}");
    }
    assert_eq!(page("sources", "platform_channels")["grain"], serde_json::json!(["platform"]));
    let rejects = &page("tables", "touches_rejects")["methodology"];
    assert!(["assumptions", "limits"].iter().all(|part| !rejects[part].as_array().unwrap().is_empty()), "{rejects}");
    let columns = page("tables", "lead_stages")["columns"].as_array().unwrap().clone();
    let system = columns.iter().find(|column| column["name"] == "source_system").unwrap();
    assert_eq!(system["description"], "Where the change was recorded: one of `salesforce`.");
}
