//! The README, followed to the letter: what it tells newcomers to type is typed, what it shows is compared.
//!
//! In a `console` block a line after `$ ` is a command and the lines below it what it prints, durations
//! apart; `…` stands for anything. The bucket `lake` is one of an S3 server of ours. What `cargo` would take long
//! for is looked at instead: that the tests are run, and that the program can be installed. A `yaml` block whose first
//! line is a comment with a path is a file; where the path is followed by `, wrong`, its lines replace
//! the line that they resemble most.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::cli::{Project, copy, repository};
use crate::support::s3::Server;

struct Block {
    language: String,
    text: String,
}

fn blocks(readme: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut parts = readme.split("```");
    parts.next();
    while let (Some(block), Some(_)) = (parts.next(), parts.next()) {
        let (language, text) = block.split_once('\n').expect("a block has lines");
        found.push(Block { language: language.to_string(), text: text.to_string() });
    }
    found
}

#[test]
fn every_block_of_the_readme_holds() {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let place = Project::empty();
    for folder in ["models", "schemas", "sample_data"] {
        copy(&repository().join(folder), &place.path().join(folder));
    }
    fs::copy(repository().join("marquetry.yml"), place.path().join("marquetry.yml")).unwrap();
    let server = Server::start();
    let mut commands = 0;
    for block in blocks(&readme) {
        match block.language.as_str() {
            "console" => commands += run(place.path(), &block.text, &server),
            "yaml" => write(place.path(), &block.text),
            other => panic!("a block of the README in `{other}` is not tested"),
        }
    }
    assert!(commands >= 6, "{commands} commands");
}

/// Runs each command of a block and compares what it prints; returns how many there were.
fn run(dir: &Path, text: &str, server: &Server) -> usize {
    assert!(text.starts_with("$ "), "a block of the README types nothing:\n{text}");
    let mut commands = 0;
    for part in text.split("$ ").skip(1) {
        let (line, expected) = part.split_once('\n').unwrap_or((part, ""));
        commands += 1;
        match line {
            "cargo test" => {
                tests_are_run();
                continue;
            }
            "cargo install --path . --locked" => {
                program_can_be_installed();
                continue;
            }
            _ => {}
        }
        let words = line.strip_prefix("cargo run --release -- ").or_else(|| line.strip_prefix("marquetry "));
        let words = words.unwrap_or_else(|| panic!("the README types `{line}`, which is not tested"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_marquetry"));
        command.args(words.split(' ')).current_dir(dir).envs(server.environment());
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_string();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        let printed = if output.status.success() { stdout } else { stderr };
        compare(line, expected.trim_end(), &printed);
    }
    commands
}

/// What must hold before a change lands runs the tests as the README does.
fn tests_are_run() {
    let script = fs::read_to_string(repository().join(".ci/run")).unwrap();
    assert!(script.lines().any(|line| line.starts_with("cargo test")), "`.ci/run` does not run the tests");
}

/// The locked dependencies are those of the manifest; that there is a program, these tests show.
fn program_can_be_installed() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let args = ["tree", "--locked", "--offline", "--depth", "0"];
    let output = Command::new(cargo).args(args).current_dir(repository()).output().unwrap();
    let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.starts_with("marquetry "), "{said}{told}");
}

fn compare(command: &str, expected: &str, printed: &str) {
    let lines = |text: &str| text.lines().map(plain).filter(|line| !line.is_empty()).collect::<Vec<_>>();
    let (expected, printed) = (lines(expected), lines(printed));
    assert_eq!(expected.len(), printed.len(), "{command}\nexpected {expected:#?}\nprinted {printed:#?}");
    for (expected, printed) in expected.iter().zip(&printed) {
        assert!(resembles(expected, printed), "{command}\nexpected {expected}\nprinted  {printed}");
    }
}

/// A line without its runs of spaces and its durations.
fn plain(line: &str) -> String {
    let mut words: Vec<&str> = line.split_whitespace().collect();
    if let [.., "in", duration, "s"] = words.as_mut_slice() {
        *duration = "…";
    }
    words.join(" ")
}

fn resembles(pattern: &str, text: &str) -> bool {
    let mut rest = text;
    let mut parts = pattern.split('…');
    let Some(after) = rest.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    rest = after;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.is_empty() || pattern.ends_with('…')
}

fn write(dir: &Path, text: &str) {
    let first = text.lines().next().unwrap_or_default();
    let path = first.strip_prefix("# ").unwrap_or_else(|| panic!("a YAML block without a path: {first}"));
    if let Some(path) = path.strip_suffix(", wrong") {
        let path = dir.join(path);
        let file = fs::read_to_string(&path).unwrap();
        let wrong = text.lines().nth(1).unwrap();
        let key = wrong.split(':').next().unwrap();
        let replaced: Vec<&str> = file.lines().map(|line| if line.starts_with(key) { wrong } else { line }).collect();
        fs::write(path, replaced.join("\n")).unwrap();
        return;
    }
    let path = dir.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}
