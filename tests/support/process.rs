//! Runs that go on while a test looks at them.

use std::io::{BufRead, BufReader};
use std::process::Child;

/// Waits until a started run has staged `tables` tables.
pub fn wait_for_staged(child: &mut Child, tables: usize) {
    let lines = BufReader::new(child.stderr.take().expect("caught")).lines().map_while(Result::ok);
    let seen = lines.filter(|line| line.contains(r#""event":"staged""#)).take(tables).count();
    assert_eq!(seen, tables, "the run ended too soon");
}

/// Ends a run as SIGKILL does.
pub fn kill(child: &mut Child) {
    child.kill().expect("sent");
    child.wait().expect("it ends");
}
