//! `marquetry diff`: what has changed from one release to another.

use std::fmt::Display;
use std::process::ExitCode;

use super::args::{Args, Diff, Shape};
use super::done;
use super::ui::Ui;
use crate::checks::Status;
use crate::error::Result;
use crate::pipeline::{self, ReleaseDiff, Session, Sides, TableChange, TableDiff};

/// Shows the tables that differ, with their rows, columns and checks.
pub async fn diff(args: &Args, diff: &Diff, ui: &Ui) -> Result<ExitCode> {
    let mut session = Session::default();
    let found = pipeline::diff(&args.request(), &mut session, diff.from, diff.to).await;
    ui.diagnostics(&session.diags, &session.texts);
    let found = found?;
    match args.output {
        Shape::Json => ui.print_json(&serde_json::to_value(&found).unwrap_or_default()),
        Shape::Text => text(&found).iter().for_each(|line| ui.print(line)),
    }
    done()
}

fn text(found: &ReleaseDiff) -> Vec<String> {
    let width = found.tables.iter().map(|table| table.name.as_str().len()).max().unwrap_or(0);
    let mut lines = vec![format!("release {} → release {}", found.from, found.to)];
    for table in &found.tables {
        lines.push(format!("  {:<width$}  {}", table.name, change(table)));
        for (name, sides) in &table.columns {
            lines.push(format!("  {:<width$}    column {name}: {}", "", arrow(sides)));
        }
        for (name, Sides { before, after }) in &table.checks {
            let sides = Sides { before: before.map(word), after: after.map(word) };
            lines.push(format!("  {:<width$}    check {name}: {}", "", arrow(&sides)));
        }
    }
    lines.push(format!("  {} the same", super::ui::plural(found.same, "table")));
    lines
}

fn change(table: &TableDiff) -> String {
    let rows = |side: Option<u64>| side.unwrap_or_default();
    let (before, after) = (rows(table.rows.before), rows(table.rows.after));
    match table.change {
        TableChange::Added => format!("added, {after} rows"),
        TableChange::Removed => format!("removed, {before} rows"),
        TableChange::Rows if before == after => format!("{after} rows, of other content"),
        TableChange::Rows => format!("{before} → {after} rows"),
        TableChange::Description => format!("{after} rows, the same; described or checked otherwise"),
    }
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Pass => "pass",
        Status::Warn => "warn",
        Status::Fail => "fail",
    }
}

fn arrow<T: Display>(sides: &Sides<T>) -> String {
    let side = |side: &Option<T>| side.as_ref().map_or_else(|| "absent".to_string(), ToString::to_string);
    format!("{} → {}", side(&sides.before), side(&sides.after))
}
