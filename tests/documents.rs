//! Generated files that are committed, and the README that newcomers follow.

use std::fs;

use crate::support::cli::repository;

#[test]
fn the_json_schema_is_fresh() {
    let text = marquetry::project::schema::text().unwrap();
    let path = repository().join(marquetry::project::schema::PATH);
    if std::env::var_os("MARQUETRY_BLESS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "run the tests once with MARQUETRY_BLESS=1 and look at the change of {}", path.display());
}

#[test]
fn every_yaml_file_names_the_schema() {
    for folder in ["models", "schemas"] {
        for file in crate::support::cli::files(&repository().join(folder)) {
            if file.ends_with(".yml") {
                let text = fs::read_to_string(repository().join(folder).join(&file)).unwrap();
                assert!(text.contains("# yaml-language-server: $schema="), "{folder}/{file}");
            }
        }
    }
}

#[test]
fn init_writes_every_file_of_the_sample_project() {
    let mut expected = vec!["marquetry.yml".to_string()];
    for folder in ["models", "schemas"] {
        let below = crate::support::cli::files(&repository().join(folder));
        expected.extend(
            below.iter().filter(|file| !file.starts_with("connectors/")).map(|file| format!("{folder}/{file}")),
        );
    }
    expected.sort();
    let mut written: Vec<String> = marquetry::cli::STARTER.iter().map(|(path, _)| (*path).to_string()).collect();
    written.sort();
    assert_eq!(written, expected);
}
