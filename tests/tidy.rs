//! House rules that no compiler holds: lengths of files, layers, and who may print.

use std::fs;

use crate::support::cli::{files, repository};

/// The rows of the architecture, top first; a file imports from rows above its own.
const LAYERS: &[&[&str]] = &[
    &["diag", "error"],
    &["syntax"],
    &["contract"],
    &["engine", "store", "sample"],
    &["kinds"],
    &["checks"],
    &["project", "dictionary"],
    &["pipeline"],
    &["cli"],
];

/// Every Rust file of the packages, by its path in the sources, with its text.
fn sources() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for folder in ["src", "crates/core/src", "crates/public-suffix/src"] {
        let root = repository().join(folder);
        let rust = files(&root).into_iter().filter(|file| file.ends_with(".rs"));
        all.extend(rust.map(|file| (file.clone(), fs::read_to_string(root.join(&file)).unwrap())));
    }
    all
}

fn is_test(file: &str) -> bool {
    file.ends_with("tests.rs") || file.ends_with("naive.rs") || file.contains("/tests/") || file.contains("fixture")
}

/// The part of a file that is not tests.
fn program(text: &str) -> &str {
    text.split("\n#[cfg(test)]\nmod ").next().unwrap_or(text)
}

#[test]
fn files_are_short() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|(file, text)| !is_test(file) && program(text).lines().count() > 400)
        .map(|(file, text)| format!("{file}: {}", program(text).lines().count()))
        .collect();
    assert!(long.is_empty(), "files over 400 lines: {long:#?}");
}

#[test]
fn layers_look_upwards_only() {
    let row = |name: &str| LAYERS.iter().position(|row| row.contains(&name));
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let module = file.split(['/', '.']).next().unwrap_or_default().to_string();
        let Some(own) = row(&module) else { continue };
        if is_test(&file) {
            continue;
        }
        for line in program(&text).lines().filter(|line| !line.trim_start().starts_with("//")) {
            for part in line.split("crate::").skip(1) {
                let used: String = part.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                if used != module && row(&used).is_some_and(|row| row >= own) {
                    wrong.push(format!("{file}: {}", line.trim()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn kinds_do_not_know_each_other() {
    let kinds = ["sql", "source_mapping", "lifecycle", "dedupe", "account_matching", "velocity", "attribution"];
    for (file, text) in sources() {
        let Some(kind) = file.strip_prefix("kinds/").and_then(|rest| rest.split('/').next()) else { continue };
        for other in kinds.iter().filter(|other| **other != kind && kinds.contains(&kind)) {
            assert!(!text.contains(&format!("kinds::{other}")), "{file} uses {other}");
        }
    }
}

#[test]
fn only_the_command_line_touches_clock_environment_and_terminal() {
    for (file, text) in sources() {
        if file.starts_with("cli/") || is_test(&file) {
            continue;
        }
        let text = program(&text);
        for word in ["Utc::now", "SystemTime::now", "env::var(", "env::vars", "env::var_os", "stdout()", "stderr()"] {
            assert!(!text.contains(word), "{file} uses {word}");
        }
    }
}
