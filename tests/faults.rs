//! Runs that are stopped, killed, or met by another run.

use std::io::{BufRead, BufReader};
use std::process::Child;

use crate::support::cli::{Project, files};

fn signal(child: &Child, name: &str) {
    let sent = std::process::Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
}

/// Waits until a started run has staged `tables` tables.
fn wait_for_staged(child: &mut Child, tables: usize) {
    let lines = BufReader::new(child.stderr.take().expect("caught")).lines().map_while(Result::ok);
    let seen = lines.filter(|line| line.contains(r#""event":"staged""#)).take(tables).count();
    assert_eq!(seen, tables, "the run ended too soon");
}

#[test]
fn sigterm_takes_back_what_was_staged() {
    let project = Project::sample();
    let expected = project.publish(&[]).exits(0).digests();
    let before = files(&project.target());
    let mut child = project.start();
    wait_for_staged(&mut child, 3);
    signal(&child, "-TERM");
    assert_eq!(child.wait().expect("it ends").code(), Some(143));
    assert_eq!(files(&project.target()), before, "nothing is left over");
    assert_eq!(project.publish(&[]).exits(0).digests(), expected);
}

#[test]
fn a_killed_run_leaves_nothing_that_the_next_cannot_mend() {
    let project = Project::sample();
    let target = project.target().to_string_lossy().into_owned();
    for staged in [1, 6, 14] {
        let mut child = project.start();
        wait_for_staged(&mut child, staged);
        signal(&child, "-KILL");
        child.wait().expect("it ends");
    }
    project.publish(&[]).exits(0);
    project.run(&["clean", "--keep", "1", "--location", &target]).exits(0);
    let left = files(&project.target());
    let runs: std::collections::BTreeSet<&str> =
        left.iter().filter_map(|file| file.split('/').find(|part| part.starts_with("run-"))).collect();
    assert!(runs.len() <= 1, "files of dead runs: {runs:?}");
}

#[test]
fn of_runs_at_once_one_wins_and_the_others_exit_with_75() {
    let project = Project::sample();
    let mut children: Vec<Child> = (0..3).map(|_| project.start()).collect();
    let codes: Vec<Option<i32>> = children
        .iter_mut()
        .map(|child| {
            drop(child.stdout.take());
            drop(child.stderr.take());
            child.wait().expect("it ends").code()
        })
        .collect();
    assert!(codes.contains(&Some(0)), "{codes:?}");
    assert!(codes.contains(&Some(75)), "{codes:?}");
    assert!(codes.iter().all(|code| matches!(code, Some(0 | 75))), "{codes:?}");
}
