//! Runs that are stopped, killed, or met by another run.

use std::process::Child;

use crate::support::cli::{Project, copy, files, repository};
use crate::support::process::{kill, wait_for_staged};

/// An extract of the sample, beneath its folder.
const LEADS: &str = "salesforce/lead/part-00000.parquet";

fn signal(child: &Child, name: &str) {
    let sent = std::process::Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
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
        kill(&mut child);
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

#[test]
fn a_damaged_extract_names_itself_and_nothing_is_published() {
    let project = Project::sample();
    copy(&repository().join("sample_data"), &project.path().join("data"));
    let project = project.with("MARQUETRY_SAMPLE", "data");
    project.publish(&[]).exits(0);
    let before = files(&project.target());
    let path = project.path().join("data").join(LEADS);
    let whole = std::fs::read(&path).expect("read");
    let mut damaged = whole.clone();
    // All between the first bytes and the footer, whose length stands before the last four bytes.
    let tail = whole.len() - 8;
    let footer = u32::from_le_bytes(whole[tail..tail + 4].try_into().expect("four bytes")) as usize;
    damaged[4..tail - footer].fill(0xA5);
    for (bytes, code, words) in [
        (&whole[..whole.len() - 40], 2, "its end is missing"),
        (&[][..], 2, "it is empty"),
        (&damaged[..], 3, "the file is damaged"),
    ] {
        std::fs::write(&path, bytes).expect("write");
        let done = project.publish(&[]).exits(code);
        for wanted in [LEADS, words, "load it again"] {
            assert!(done.stderr.contains(wanted), "`{wanted}` is missing in\n{}", done.stderr);
        }
        for foreign in ["Parquet error", "EOF", "External", "zstd", "snappy", "Arrow"] {
            assert!(!done.stderr.contains(foreign), "`{foreign}` is the reader's word:\n{}", done.stderr);
        }
        assert_eq!(files(&project.target()), before, "{words}");
    }
    std::fs::write(&path, whole).expect("write");
    assert_eq!(project.publish(&[]).exits(0).json()["status"], "unchanged");
}
