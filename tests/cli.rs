//! The command line, by its output and its exit codes.

use std::fs;

use parquet::file::reader::{FileReader, SerializedFileReader};

use crate::support::cli::{Project, files};

#[test]
fn a_run_publishes_and_a_second_one_finds_nothing_new() {
    let project = Project::sample();
    let first = project.publish(&[]).exits(0);
    let summary = first.json();
    assert_eq!(summary["status"], "published");
    assert_eq!(summary["release"], 1);
    assert_eq!(summary["as_of"], "2026-07-01T00:00:00Z");
    assert!(summary["duration_s"].is_number());
    let touches = &summary["tables"].as_array().unwrap().iter().find(|table| table["name"] == "touches").unwrap();
    assert!(touches["rows"].as_u64().unwrap() > 5_000, "{touches}");
    assert_eq!(touches["rejects"], 37, "sessions without a browser id");
    assert_eq!(touches["format"], "delta");
    assert!(touches["location"].as_str().unwrap().ends_with("/out/touches"), "{touches}");
    let checks = touches["checks"].as_array().unwrap();
    assert!(checks.iter().any(|check| check["check"] == "unique_touch_id" && check["status"] == "pass"));
    assert!(checks.iter().any(|check| check["check"] == "rows_balance" && check["status"] == "pass"));

    // The page of the ledger shows one conversion of it; nobody's id is on it.
    let page = || fs::read_to_string(project.target().join("_dictionary/tables/credits.md")).unwrap();
    let shown = page();
    let (_, example) = shown.split_once("\n## A worked example\n").unwrap();
    let (example, _) = example.split_once("\n## Columns\n").unwrap();
    assert!(example.contains("the difference is 0.00"), "{example}");
    for model in ["first_touch", "linear", "markov"] {
        assert_eq!(example.matches(&format!("| `{model}` |")).count(), 2, "shares and amounts: {example}");
    }

    let second = project.publish(&["--skip-exit-code", "99"]).exits(99);
    assert_eq!(second.json()["status"], "unchanged");
    assert_eq!(page().split_once("\n## Columns\n").map(|(text, _)| text.contains(example)), Some(true));
    assert_eq!(second.digests(), first.digests());
    let listed =
        project.run(&["releases", "--output", "json", "--location", &project.target().to_string_lossy()]).exits(0);
    assert_eq!(listed.stdout.lines().count(), 2);
}

#[test]
fn threads_batches_and_memory_change_nothing() {
    let project = Project::sample();
    let expected = project.publish(&["--threads", "2"]).exits(0).digests();
    for args in [
        &["--threads", "1"][..],
        &["--threads", "5"],
        &["--threads", "2", "--batch-size", "7"],
        &["--threads", "5", "--batch-size", "8192"],
    ] {
        let done = project.publish(args).exits(0);
        assert_eq!(done.digests(), expected, "{args:?}");
        assert_eq!(done.json()["status"], "unchanged", "{args:?}");
    }
    for threads in ["5", "12"] {
        let spilled = project.publish(&["--threads", threads, "--memory", "24 MiB"]).exits(0).digests();
        assert_eq!(spilled, expected, "{threads} threads");
    }
}

#[test]
fn models_side_by_side_are_told_of_in_the_order_of_the_graph() {
    let project = Project::sample();
    let report = |args: &[&str]| {
        let done = project.publish(&[&["--log-format", "json"], args].concat()).exits(0);
        let mut summary = done.json();
        let events: Vec<serde_json::Value> =
            done.stderr.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let staged = events.iter().filter(|event| event["event"] == "staged");
        let mut staged: Vec<String> = staged.map(|event| event["table"].as_str().unwrap().to_string()).collect();
        let turns: Vec<u64> = events.iter().filter_map(|event| event["turn"].as_u64()).collect();
        assert_eq!(turns, (1..=turns.len() as u64).collect::<Vec<_>>(), "{args:?}");
        staged.sort();
        for changing in ["duration_s", "release", "run_id", "status"] {
            summary[changing].take();
        }
        (summary, staged)
    };
    let one = report(&["--memory", "512 MiB"]);
    assert_eq!(one.0["tables"].as_array().unwrap().len(), one.1.len());
    assert_eq!(report(&["--threads", "6", "--memory", "6 GiB"]), one);
}

#[test]
fn a_model_that_fails_ends_those_beside_it_and_nothing_is_left() {
    let project = Project::sample();
    let text = "model: aaa\ndescription: Fails on its first row.\ngrain: [id]\ncolumns:\n  n: No number.\n\
        sql: SELECT id, CAST('x' || id AS BIGINT) AS n FROM salesforce_lead\n";
    for name in ["aaa", "mmm", "zzz"] {
        project.write("models/marts/fails.yml", &text.replace("aaa", name));
        let done = project.publish(&["--threads", "6", "--memory", "6 GiB"]).exits(1);
        assert!(done.stderr.contains(&format!("model `{name}`")), "{}", done.stderr);
        let left = files(&project.target());
        assert!(left.iter().all(|file| file.starts_with("_marquetry/lock")), "{name}: {left:?}");
    }
    std::fs::remove_file(project.path().join("models/marts/fails.yml")).unwrap();
    project.publish(&[]).exits(0);
}

#[test]
fn a_failed_check_refuses_publication_and_leaves_what_stands() {
    let project = Project::sample();
    project.publish(&[]).exits(0);
    let path = project.path().join("models/marts/campaign_spend.yml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("cost >= 0", "cost > 1000000")).unwrap();
    let refused = project.publish(&[]).exits(1);
    assert_eq!(refused.json()["status"], "refused");
    assert!(refused.stderr.contains("checks refused `campaign_spend`"), "{}", refused.stderr);
    assert!(refused.stderr.contains("platform="), "failing keys are shown: {}", refused.stderr);
    let releases = || project.run(&["releases", "--location", &project.target().to_string_lossy()]).exits(0).stdout;
    assert_eq!(releases().lines().count(), 1);

    let partial = project.publish(&["--keep-going"]).exits(1);
    assert_eq!(partial.json()["status"], "partial");
    assert_eq!(releases().lines().count(), 2);
}

/// Costs in currencies without a rate cannot be added up, and the kind's own check says so.
#[test]
fn a_missing_rate_refuses_publication() {
    let project = Project::sample();
    let path = project.path().join("models/marts/credits.yml");
    let spend = "  spend: {from: campaign_spend, on: spend_date, channel: channel, cost: \"CAST(cost AS DECIMAL(18, 2))\", \
                 currency: currency}\n";
    fs::write(&path, fs::read_to_string(&path).unwrap() + spend).unwrap();
    let refused = project.publish(&[]).exits(1);
    assert_eq!(refused.json()["status"], "refused");
    assert!(refused.stderr.contains("rates_known"), "{}", refused.stderr);
}

#[test]
fn wrong_yaml_is_reported_whole_and_nothing_runs() {
    let project = Project::sample();
    project.write("models/bad.yml", "model: bad\ndescripton: x\nsql: SELECT idd FROM salesforce_lead\nchecks: 7\n");
    project.write("models/worse.yml", "model: worse\ndescription: x\nsql: SELECT * FROM leeds\n");
    let done = project.publish(&[]).exits(2);
    for words in ["models/bad.yml:2:1", "did you mean `description`?", "M0002", "M0003", "leeds"] {
        assert!(done.stderr.contains(words), "{words} is missing in\n{}", done.stderr);
    }
    assert!(!project.target().exists());
    let as_json = project.run(&["check", "--log-format", "json"]).exits(2);
    let first: serde_json::Value = serde_json::from_str(as_json.stderr.lines().next().unwrap()).unwrap();
    assert_eq!((&first["file"], &first["line"], &first["column"]), (&"models/bad.yml".into(), &2.into(), &1.into()));
}

#[test]
fn arguments_and_places_that_are_wrong_exit_with_two() {
    let project = Project::sample();
    project.run(&["runn"]).exits(2);
    project.run(&["run", "--threads", "0"]).exits(2);
    project.run(&["run", "--target", "nowhere"]).exits(2);
    project.run(&["run", "--select", "nothing_like_it"]).exits(2);
    let empty = Project::empty().run(&["check"]).exits(2);
    assert!(empty.stderr.contains("M0020"), "{}", empty.stderr);
}

#[test]
fn a_store_that_is_not_there_exits_with_three() {
    let project = Project::sample()
        .with("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
        .with("AWS_ALLOW_HTTP", "true")
        .with("AWS_ACCESS_KEY_ID", "a")
        .with("AWS_SECRET_ACCESS_KEY", "verysecret")
        .with("MARQUETRY_STORE_RETRIES", "1");
    let done = project.run(&["run", "--location", "s3://bucket/tables"]).exits(3);
    assert!(!done.stderr.contains("verysecret"));
}

#[test]
fn selection_follows_the_graph() {
    let project = Project::sample();
    let names = |args: &[&str]| -> Vec<String> {
        let done = project.run(&[&["ls", "--output", "json"], args].concat()).exits(0);
        let name =
            |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["name"].as_str().unwrap().to_string();
        done.stdout.lines().map(name).collect()
    };
    assert_eq!(names(&["--select", "+touches"]), ["web_events", "touches"]);
    assert_eq!(names(&["--select", "web_events+"]), ["web_events", "touches", "credits"]);
    assert_eq!(
        names(&["--select", "tag:nightly,kind:lifecycle", "--exclude", "lead*"]),
        ["contact_stages", "opportunity_stages", "person_stages"]
    );
    assert_eq!(names(&["--select", "path:models/staging"]), ["web_events"]);
    assert!(names(&[]).len() > 10);
}

#[test]
fn a_selected_model_reads_what_was_published_before() {
    let project = Project::sample();
    project.write(
        "models/marts/won.yml",
        "model: won\ndescription: Won deals.\ngrain: [opportunity_id]\nsql: SELECT opportunity_id FROM opportunities WHERE is_won\n",
    );
    let done = project.publish(&["--select", "won"]).exits(2);
    assert!(done.stderr.contains("--select +won"), "{}", done.stderr);
    project.publish(&["--exclude", "won"]).exits(0);
    let done = project.publish(&["--select", "won"]).exits(0);
    assert_eq!(done.digests().len(), 1);
    project.write(
        "models/marts/won_again.yml",
        "model: zz_won\ndescription: Won deals.\ngrain: [id]\nsql: SELECT id FROM salesforce_opportunity WHERE is_won\n\
         checks:\n  - relationships: {column: id, to: won, field: opportunity_id}\n",
    );
    let place = project.path().join("elsewhere").to_string_lossy().into_owned();
    let done = project.run(&["run", "--location", &place, "--select", "zz_won"]).exits(2);
    assert!(done.stderr.contains("reads `won`, which is not selected"), "{}", done.stderr);
}

#[test]
fn releases_roll_back_and_are_cleaned() {
    let project = Project::sample();
    let target = project.target().to_string_lossy().into_owned();
    let before = project.publish(&["--select", "opportunities"]).exits(0).digests();
    let path = project.path().join("models/marts/opportunities.yml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("WHERE NOT", "WHERE o.is_won AND NOT")).unwrap();
    assert_ne!(project.publish(&["--select", "opportunities"]).exits(0).digests(), before);
    let diff = project.run(&["diff", "--location", &target]).exits(0);
    assert!(diff.stdout.starts_with("release 1 → release 2\n  opportunities  "), "{}", diff.stdout);
    assert!(diff.stdout.ends_with(" rows\n  0 tables the same\n"), "{}", diff.stdout);
    project.run(&["diff", "1", "7", "--location", &target]).exits(2);
    project.run(&["rollback", "1", "--location", &target]).exits(0);
    let same = project.run(&["diff", "1", "3", "--output", "json", "--location", &target]).exits(0).json();
    assert_eq!(same, serde_json::json!({ "from": 1, "to": 3, "tables": [], "same": 1 }));
    let retyped = text.replace("o.stage_name,", "length(o.stage_name) AS stage_name,");
    fs::write(&path, retyped.replace("columns:\n", "columns:\n  stage_name: How long its name is.\n")).unwrap();
    project.publish(&["--select", "opportunities campaign_spend"]).exits(0);
    let diff = project.run(&["diff", "3", "4", "--output", "json", "--location", &target]).exits(0).json();
    let named = |name: &str| diff["tables"].as_array().unwrap().iter().find(|table| table["name"] == name).unwrap();
    assert_eq!(
        (&named("campaign_spend")["change"], &named("opportunities")["change"]),
        (&"added".into(), &"rows".into())
    );
    let column = &named("opportunities")["columns"]["stage_name"];
    assert!(column["before"].as_str().unwrap().starts_with("text"), "{column}");
    assert!(column["after"].as_str().unwrap().starts_with("int"), "{column}");
    project.run(&["rollback", "3", "--location", &target]).exits(0);
    fs::write(&path, text).unwrap();
    let again = project.publish(&["--select", "opportunities"]).exits(0);
    assert_eq!(again.json()["status"], "unchanged");
    assert_eq!(again.digests(), before);
    project.run(&["clean", "--keep", "1", "--location", &target]).exits(0);
    let releases = files(&project.target()).iter().filter(|file| file.starts_with("_marquetry/releases/")).count();
    assert_eq!(releases, 1);
    project.publish(&["--select", "opportunities"]).exits(0);
}

#[test]
fn the_other_commands_answer() {
    let project = Project::sample();
    let target = project.target().to_string_lossy().into_owned();
    let check = project.run(&["check"]).exits(0);
    assert!(check.stdout.contains("nothing wrong"), "{}", check.stdout);
    let plan = project.run(&["compile", "touches"]).exits(0);
    assert!(plan.stdout.contains("physical plan"), "{}", plan.stdout);
    assert!(plan.stdout.contains("-- touches: SQL cannot say what ClassifyTouches"), "{}", plan.stdout);
    let plan = project.run(&["compile", "opportunities"]).exits(0);
    let sql = plan.stdout.split(";\n").next().unwrap();
    assert!(sql.starts_with("-- opportunities: as SQL, for reading only"), "{}", plan.stdout);
    for words in ["LEFT OUTER JOIN salesforce_account AS a", "coalesce", "AS segment"] {
        assert!(sql.contains(words), "{words} is missing in {sql}");
    }
    let plan = project.run(&["compile", "opportunities", "--output", "json"]).exits(0).json();
    assert_eq!(plan["table"], "opportunities");
    assert!(plan["sql"].as_str().unwrap().starts_with("SELECT"), "{plan}");
    let plan = project.run(&["compile", "people"]).exits(0).stdout;
    let (_, foretold) = plan.split_once("-- people: what a run would compare, by the rows as they are now\n").unwrap();
    let words: Vec<Vec<&str>> = foretold.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words.len(), 6, "a line for each of five rules: {foretold}");
    assert_eq!(
        words[0].join(" "),
        "rule records share groups pairs most records groups left out records left out largest left out"
    );
    assert!(words[3].starts_with(&["e-mail", "email"]), "{foretold}");
    let foretold = project.run(&["compile", "people", "--output", "json"]).exits(0).json();
    assert!(foretold["forecast"][2]["pairs"].as_i64().unwrap() > 100, "{foretold}");
    let draft = project.run(&["contract", "salesforce_lead"]).exits(0);
    assert!(draft.stdout.contains("table: salesforce_lead"), "{}", draft.stdout);
    project.run(&["docs", "--location", &target]).exits(0);
    assert!(project.target().join("_dictionary/index.html").is_file());
    assert!(project.run(&["explain", "M0002"]).exits(0).stdout.starts_with("## M0002"));
    assert!(project.run(&["explain", "lifecycle"]).exits(0).stdout.starts_with("# "));
    project.run(&["explain", "M9999"]).exits(2);
    assert!(project.run(&["--help"]).exits(0).stdout.contains("Exit codes"));
}

#[test]
fn init_makes_a_project_that_runs() {
    let place = Project::empty();
    let dir = place.path().join("new").to_string_lossy().into_owned();
    place.run(&["init", &dir]).exits(0);
    place.run(&["init", &dir]).exits(2);
    let out = place.target().to_string_lossy().into_owned();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_marquetry"));
    let done = command.args(["--project", &dir, "--location", &out, "run"]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(place.target().join("touches/_delta_log").is_dir());
}

const ONES: &str = "\
model: ones
description: A number and a text.
grain: [n]
sql: SELECT column1 AS n, 'a' AS t FROM (VALUES (1), (2))
columns:
  n: {description: A number.}
  t: {description: A text.}
";

#[test]
fn a_target_says_how_its_files_are_compressed() {
    let publish = |target: &str| {
        let project = Project::empty();
        project.write("marquetry.yml", &format!("project: p\ntargets:\n  out: {target}\n"));
        project.write("models/ones.yml", ONES);
        let done = project.run(&["run", "--output", "json"]);
        (project, done)
    };
    let (usual, first) = publish("{location: out}");
    let (quick, second) = publish("{location: out, compression: snappy}");
    assert_eq!(first.exits(0).digests(), second.exits(0).digests());
    for (project, codec) in [(&usual, "ZSTD"), (&quick, "SNAPPY")] {
        let written: Vec<_> = files(&project.target()).into_iter().filter(|file| file.contains("/run-")).collect();
        assert!(!written.is_empty());
        for file in written {
            let reader = SerializedFileReader::new(fs::File::open(project.target().join(file)).unwrap()).unwrap();
            let codecs = reader.metadata().row_group(0).columns().iter().map(|column| column.compression().to_string());
            assert!(codecs.into_iter().all(|found| found.starts_with(codec)));
        }
    }
    let (_, refused) = publish("{location: out, compression: gzip}");
    assert!(refused.exits(2).stderr.contains("`zstd`"));
}

/// Five changes of three people, one of a value that nobody mapped: four visits, two of them jumps.
const CHANGES: &str = "\
model: changes
publish: false
sql: |
  SELECT column1 AS person, column2 AS stage, CAST(column3 AS TIMESTAMP) AS at
  FROM (VALUES ('a', 'New', '2026-01-01T00:00:00Z'), ('a', 'Won', '2026-01-02T00:00:00Z'),
               ('b', 'New', '2026-01-01T00:00:00Z'), ('b', 'Won', '2026-01-02T00:00:00Z'),
               ('c', 'Parked', '2026-01-03T00:00:00Z'))
";
const STAGES: &str = "\
model: stages
description: The stages of people.
lifecycle:
  stages: [new, working, won]
  sources:
    - from: changes
      entity: person
      at: at
      to: stage
  values:
    new: New
    working: Working
    won: Won
";
const WARNINGS: &str = "\
warning[M0157]: of 5 changes, 1 carry a value that leads to no stage and were rejected
 --> models/stages.yml:9:11
  |
9 |       to: stage
  |           ^^^^^
  |
  = hint: map the values that the rejects table shows, or say with `otherwise` what becomes of them
";
const TOUCHED: &str = "\
warning[M0159]: for 2 of 4 visits, stages were jumped over
 --> models/stages.yml:4:11
  |
4 |   stages: [new, working, won]
  |           ^^^^^^^^^^^^^^^^^^^
  |
  = hint: a stage that is jumped over so often may be recorded in another source, or not belong on the ladder
";
const UNUSED: &str = "\
warning[M0158]: nothing was in the stage `working` in this run
 --> models/stages.yml:4:17
  |
4 |   stages: [new, working, won]
  |                 ^^^^^^^
  |
  = hint: look for its value in the rejects table, or remove the stage
";

#[test]
fn a_lifecycle_says_after_a_run_what_stands_out() {
    let project = Project::empty();
    project.write("marquetry.yml", "project: people\ntargets:\n  local: {location: out}\n");
    project.write("models/changes.yml", CHANGES);
    project.write("models/stages.yml", STAGES);
    let done = project.publish(&[]).exits(0);
    for warning in [WARNINGS, TOUCHED, UNUSED] {
        assert!(done.stderr.contains(warning), "not said:\n{warning}\nsaid:\n{}", done.stderr);
    }
    assert!(done.stderr.contains("0 errors, 3 warnings"), "{}", done.stderr);
    project.write("models/stages.yml", &STAGES.replace("Working", "Parked").replace("new, working", "working, new"));
    let done = project.publish(&[]).exits(0);
    assert!(!done.stderr.contains("warning"), "{}", done.stderr);
}
