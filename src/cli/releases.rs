//! `marquetry releases` and `marquetry rollback`.

use std::process::ExitCode;

use chrono::Utc;
use serde_json::json;

use super::args::{Args, Rollback, Shape};
use super::done;
use super::ui::Ui;
use crate::error::Result;
use crate::pipeline::{self, Session};

/// Lists the releases, the newest last.
pub async fn list(args: &Args, ui: &Ui) -> Result<ExitCode> {
    let mut session = Session::default();
    let listed = pipeline::releases(&args.request(), &mut session).await;
    ui.diagnostics(&session.diags, &session.texts);
    for release in listed? {
        let rows: u64 = release.tables.iter().map(|table| table.rows).sum();
        match args.output {
            Shape::Json => ui.print_json(&json!({
                "release": release.number, "run_id": release.run, "as_of": release.record.as_of,
                "finished": release.record.finished, "tables": release.tables.len(), "rows": rows,
                "rollback_of": release.rollback_of,
            })),
            Shape::Text => {
                let back = release.rollback_of.map_or_else(String::new, |to| format!("  (release {to} again)"));
                ui.print(&format!(
                    "{:>6}  as of {}  {:>3} tables  {rows:>12} rows  {}{back}",
                    release.number,
                    release.record.as_of,
                    release.tables.len(),
                    release.run
                ));
            }
        }
    }
    done()
}

/// Publishes an earlier release again, as a new one.
pub async fn rollback(args: &Args, rollback: &Rollback, ui: &Ui) -> Result<ExitCode> {
    let mut session = Session::default();
    let release = pipeline::rollback(&args.request(), &mut session, rollback.release, &Utc::now).await;
    ui.diagnostics(&session.diags, &session.texts);
    let release = release?;
    match args.output {
        Shape::Json => {
            ui.print_json(&json!({ "status": "published", "release": release.number, "rollback_of": rollback.release }))
        }
        Shape::Text => ui.print(&format!("release {} has the tables of release {}", release.number, rollback.release)),
    }
    done()
}
