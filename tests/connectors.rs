//! The contracts in `schemas/connectors/` against real extracts, where these are at hand.

use std::path::{Path, PathBuf};

use marquetry::diag::{Diagnostics, Severity, Sources};
use marquetry::store::{Env, Extract, Location, Wanted, open_all, review};
use marquetry::syntax::{SourceSpec, read};

fn contracts() -> Vec<(PathBuf, SourceSpec, Diagnostics, Sources)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/connectors");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| contract(&path)).collect()
}

fn contract(path: &Path) -> (PathBuf, SourceSpec, Diagnostics, Sources) {
    let text = std::fs::read_to_string(path).unwrap();
    let (mut diags, mut sources) = (Diagnostics::default(), Sources::default());
    let file = sources.add(path, text.clone());
    let spec = read(file, &text, &mut diags).unwrap_or_else(|| panic!("{}: {diags:?}", path.display()));
    (path.to_path_buf(), spec, diags, sources)
}

/// One line for each diagnostic of a severity.
fn lines(diags: Diagnostics, sources: &Sources, severity: Severity) -> Vec<String> {
    let wanted = diags.into_sorted().into_iter().filter(|d| d.severity == severity);
    wanted
        .map(|d| {
            let place = d.place.and_then(|place| sources.line_column(place)).unwrap_or_default();
            format!("{}:{} {} {}", place.0, place.1, d.code, d.message)
        })
        .collect()
}

#[test]
fn connector_contracts_leave_nothing_unsaid() {
    let mut names = std::collections::BTreeSet::new();
    for (path, spec, mut diags, sources) in contracts() {
        assert_eq!(path.file_stem().and_then(|stem| stem.to_str()), Some(spec.source.as_str()));
        for table in &spec.tables {
            assert!(names.insert(table.table.value.clone()), "{} is declared twice", table.table);
            assert!(table.description.is_some(), "{} has no description", table.table);
            review(table, &mut diags);
        }
        let said =
            [Severity::Error, Severity::Warning].map(|severity| lines(diags.clone(), &sources, severity)).concat();
        assert!(said.is_empty(), "{}: {said:#?}", path.display());
    }
    assert!(names.len() >= 50, "{names:?}");
}

#[tokio::test]
async fn connector_contracts_pass_on_real_extracts() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/connectors");
    if !data.is_dir() {
        eprintln!("skipped: there are no connector extracts at {}", data.display());
        return;
    }
    for (path, spec, mut diags, sources) in contracts() {
        let own = data.join(spec.source.as_str());
        let folder = if own.is_dir() { own } else { data.join("ads") };
        let location = Location::open(folder.to_str().unwrap(), &data, &Env::default()).unwrap();
        let wanted: Vec<Wanted<'_>> = spec.tables.iter().map(|table| Wanted { table, location: &location }).collect();
        let extracts = open_all(&wanted, &mut diags).await.unwrap();
        for warning in lines(diags.clone(), &sources, Severity::Warning) {
            println!("{}:{warning}", path.display());
        }
        let errors = lines(diags, &sources, Severity::Error);
        assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
        for extract in extracts.into_iter().flatten() {
            assert_eq!(counted(&extract).await, extract.rows() as usize, "{}", extract.table());
        }
    }
}

/// Reads every declared column of every row.
async fn counted(extract: &Extract) -> usize {
    let ctx = datafusion::prelude::SessionContext::new();
    let columns: Vec<&str> = extract.columns().iter().map(|column| column.name.as_str()).collect();
    let frame = ctx.read_table(extract.provider()).unwrap().select_columns(&columns).unwrap();
    frame.collect().await.unwrap().iter().map(|batch| batch.num_rows()).sum()
}
