//! What is said of every mistake: small projects, each with the text that must come out.
//!
//! A case is a folder of `tests/golden/diagnostics`, laid over the files of `_base`. With
//! `MARQUETRY_BLESS=1` the texts are written instead of compared; then read every line of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Int64Array, ListArray, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::Int32Type;
use chrono::{TimeZone, Utc};
use marquetry::diag::{Code, codes, render};
use marquetry::error::ErrorKind;
use marquetry::pipeline::{self, Overrides, Request, Session};
use marquetry::store::Env;
use parquet::arrow::ArrowWriter;
use tempfile::TempDir;

const CASES: &str = "tests/golden/diagnostics";

/// Codes that `check` cannot raise, or that a golden text cannot show, each with the reason.
const WITHOUT_A_CASE: [(Code, &str); 14] = [
    (codes::NO_PROJECT, "names the folder, which differs; `a_folder_without_a_project` has it"),
    (codes::BAD_SELECTOR, "about the command line, not a file"),
    (codes::UNUSED_RULE, "raised after a run"),
    (codes::REJECTED_CHANGES, "raised after a run"),
    (codes::UNUSED_STAGE, "raised after a run"),
    (codes::POLICY_TOUCHES_MANY, "raised after a run"),
    (codes::UNKNOWN_RECORDS, "raised after a run"),
    (codes::TAKEN_APART, "raised after a run"),
    (codes::UNREADABLE_VALUES, "raised after a run"),
    (codes::TOO_COMMON, "raised after a run"),
    (codes::COMMON_KEYS, "raised after a run"),
    (codes::FEW_JOURNEYS, "raised after a run"),
    (codes::UNUSED_TIER, "raised after a run"),
    (codes::UNUSABLE_ALIASES, "raised after a run"),
];

#[tokio::test]
async fn every_mistake_is_told_as_expected() {
    let extracts = tempfile::tempdir().unwrap();
    write_extracts(&extracts.path().join("crm"));
    let bless = std::env::var_os("MARQUETRY_BLESS").is_some();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for (name, folder) in cases() {
        let said = said_of(&folder, extracts.path()).await;
        let expected = folder.join("expected.txt");
        count += 1;
        if bless {
            std::fs::write(&expected, &said).unwrap();
        } else if std::fs::read_to_string(&expected).unwrap_or_default() != said {
            wrong.push(format!("--- {name}\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {count} cases say something else:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count >= 40, "only {count} cases were found");
}

#[test]
fn every_code_has_a_case() {
    let texts: Vec<String> =
        cases().values().map(|folder| std::fs::read_to_string(folder.join("expected.txt")).unwrap()).collect();
    assert!(texts.iter().all(|text| !text.trim().is_empty()), "a case expects nothing");
    let shown = |code: &Code| texts.iter().any(|text| text.contains(&format!("[{code}]: ")));
    let excused = |code: &Code| WITHOUT_A_CASE.iter().any(|(excused, _)| excused == code);
    let missing: Vec<String> = codes::ALL
        .iter()
        .filter(|(code, _)| shown(code) == excused(code))
        .map(|(code, title)| format!("{code} {title}"))
        .collect();
    assert!(missing.is_empty(), "without a case, or excused for no reason: {missing:?}");
}

#[tokio::test]
async fn a_folder_without_a_project() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = Session::default();
    assert!(pipeline::check(&request(folder.path(), folder.path()), &mut session).await.is_err());
    let found = session.diags.into_sorted();
    assert_eq!(found.iter().map(|d| d.code).collect::<Vec<_>>(), [codes::NO_PROJECT]);
    let text = render::text(&found[0], &session.texts, false);
    let path = folder.path().display();
    let hint = "change to a project's folder, name it with `--project`, or make one with `marquetry init`";
    assert_eq!(text, format!("error[M0020]: there is no `marquetry.yml` in `{path}`\n |\n = hint: {hint}\n"));
}

#[tokio::test]
async fn json_has_the_place_and_the_hint() {
    let extracts = tempfile::tempdir().unwrap();
    write_extracts(&extracts.path().join("crm"));
    let project = laid_out(&Path::new(env!("CARGO_MANIFEST_DIR")).join(CASES).join("unknown_column_in_block"));
    let mut session = Session::default();
    assert!(pipeline::check(&request(project.path(), extracts.path()), &mut session).await.is_err());
    let found = session.diags.into_sorted();
    let json = render::json(&found[0], &session.texts);
    let place = ["file", "line", "column", "end_line", "end_column"].map(|key| json[key].to_string());
    assert_eq!(place, ["\"models/leads.yml\"", "6", "16", "6", "23"]);
    assert_eq!(json["code"], "M0051");
    assert_eq!(json["severity"], "error");
    assert_eq!(json["message"], "there is no column `cuontry` here");
    assert_eq!(json["hint"], "did you mean `country`?");
}

/// The cases by name.
fn cases() -> BTreeMap<String, PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(CASES);
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let named = entries.map(|path| (path.file_name().unwrap().to_string_lossy().to_string(), path));
    named.filter(|(name, _)| name != "_base").collect()
}

/// All that `check` says of a case, in order.
async fn said_of(case: &Path, extracts: &Path) -> String {
    let project = laid_out(case);
    let mut session = Session::default();
    let checked = pipeline::check(&request(project.path(), extracts), &mut session).await;
    if let Err(error) = checked {
        assert_eq!(error.kind(), ErrorKind::Project, "{}: {error:?}", case.display());
    }
    let found = session.diags.into_sorted();
    let texts: Vec<String> = found.iter().map(|found| render::text(found, &session.texts, false)).collect();
    texts.join("\n").replace(&extracts.display().to_string(), "…")
}

/// A project of its own: the base, and the case over it.
fn laid_out(case: &Path) -> TempDir {
    let project = tempfile::tempdir().unwrap();
    copy(&case.with_file_name("_base"), project.path());
    copy(case, project.path());
    project
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let goal = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &goal);
        } else {
            std::fs::copy(&path, &goal).unwrap();
        }
    }
}

fn request(project: &Path, extracts: &Path) -> Request {
    Request {
        project_dir: project.to_path_buf(),
        working_dir: project.to_path_buf(),
        env: Env::new([("EXTRACTS", extracts.display().to_string())]),
        as_of: Utc.with_ymd_and_hms(2026, 1, 31, 0, 0, 0).unwrap(),
        run_id: "golden".to_string(),
        select: Vec::new(),
        exclude: Vec::new(),
        keep_going: false,
        overrides: Overrides::default(),
    }
}

/// Two rows of each table of the made-up CRM; `email` is NULL in one of them.
fn write_extracts(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let text = |values: [Option<&str>; 2]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
    let full = |values: [&str; 2]| text(values.map(Some));
    let instants = Arc::new(TimestampMicrosecondArray::from(vec![0, 1]).with_timezone("UTC")) as ArrayRef;
    let amounts = Decimal128Array::from(vec![100, 250]).with_precision_and_scale(18, 2).unwrap();
    let tags = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1)]), Some(vec![Some(2)])]);
    let lead: Vec<(&str, ArrayRef)> = vec![
        ("id", full(["l1", "l2"])),
        ("email", text([Some("ann@example.org"), None])),
        ("status", full(["New", "Won"])),
        ("country", full(["DE", "FR"])),
        ("score", Arc::new(Int64Array::from(vec![1, 2]))),
        ("amount", Arc::new(amounts)),
        ("created_at", Arc::clone(&instants)),
        ("converted_on", Arc::new(Date32Array::from(vec![None, Some(1)]))),
        ("tags", Arc::new(tags)),
    ];
    let ids = || full(["1", "2"]);
    let account = vec![("id", ids()), ("name", full(["Ant Ltd", "Bee Ltd"])), ("country", full(["DE", "FR"]))];
    let change = vec![
        ("id", ids()),
        ("lead_id", full(["l1", "l2"])),
        ("old_value", text([None, Some("New")])),
        ("new_value", full(["New", "Won"])),
        ("changed_at", instants),
    ];
    // A year of visits.
    let began = TimestampMicrosecondArray::from(vec![0, 365 * 86_400_000_000]).with_timezone("UTC");
    let visit = vec![
        ("id", ids()),
        ("at", Arc::new(began) as ArrayRef),
        ("page", full(["https://a.example", "/"])),
        ("referrer", text([None, None])),
    ];
    for (name, columns) in [("lead", lead), ("account", account), ("lead_change", change), ("visit", visit)] {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let file = std::fs::File::create(folder.join(format!("{name}.parquet"))).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }
    std::fs::write(folder.join("broken.parquet"), b"PAR1 and then nothing").unwrap();
}

#[test]
fn excuses_name_each_code_once() {
    let codes: BTreeSet<Code> = WITHOUT_A_CASE.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes.len(), WITHOUT_A_CASE.len());
    assert!(WITHOUT_A_CASE.iter().all(|(_, why)| !why.is_empty()));
}
