//! `marquetry check`, `run` and `docs`.

use std::process::ExitCode;

use chrono::Utc;
use serde_json::json;

use super::args::{Args, Docs, Run, Shape};
use super::ui::{Ui, plural};
use super::{done, refused};
use crate::diag::Severity;
use crate::error::{ErrorKind, Result};
use crate::pipeline::{self, OutcomeStatus, Prepared, Session};

/// Runs the project.
pub async fn run(args: &Args, run: &Run, ui: &Ui) -> Result<ExitCode> {
    let mut session = Session::default();
    let outcome = pipeline::run(&args.request(), &mut session, &Utc::now, ui).await;
    ui.diagnostics(&session.diags, &session.texts);
    let outcome = outcome?;
    ui.outcome(&outcome);
    match (outcome.status, run.skip_exit_code) {
        (OutcomeStatus::Unchanged, Some(code)) => Ok(ExitCode::from(code)),
        (OutcomeStatus::Partial, _) => {
            let withheld = plural(outcome.withheld.len(), "table");
            Err(refused(ErrorKind::Data, format!("{withheld} withheld; the rest is published")))
        }
        _ => done(),
    }
}

/// Says everything that can be known without running.
pub async fn check(args: &Args, ui: &Ui) -> Result<ExitCode> {
    let mut session = Session::default();
    let prepared = pipeline::check(&args.request(), &mut session).await;
    ui.diagnostics(&session.diags, &session.texts);
    let prepared = prepared?;
    let warnings = session.diags.clone().into_sorted().iter().filter(|d| d.severity == Severity::Warning).count();
    match args.output {
        Shape::Json => ui.print_json(&json!({
            "status": "ok",
            "models": prepared.graph.models.len(),
            "sources": prepared.extracts.len(),
            "seeds": prepared.seeds.len(),
            "warnings": warnings,
        })),
        Shape::Text => ui.print(&good(&prepared, warnings)),
    }
    done()
}

fn good(prepared: &Prepared, warnings: usize) -> String {
    let found =
        if warnings == 0 { "nothing wrong".to_string() } else { format!("no error, {}", plural(warnings, "warning")) };
    format!(
        "{}, {}, {}: {found}",
        plural(prepared.graph.models.len(), "model"),
        plural(prepared.extracts.len(), "source table"),
        plural(prepared.seeds.len(), "seed"),
    )
}

/// Opens the project for a command that needs it whole; mistakes are shown.
pub async fn prepare(args: &Args, ui: &Ui) -> Result<(Prepared, Session)> {
    let mut session = Session::default();
    let prepared = pipeline::ready(&args.request(), &mut session).await;
    // Shown once: what a command finds later is shown by itself.
    ui.diagnostics(&std::mem::take(&mut session.diags), &session.texts);
    Ok((prepared?, session))
}

/// Writes the data dictionary of what is published.
pub async fn docs(args: &Args, _: &Docs, ui: &Ui) -> Result<ExitCode> {
    let (prepared, _) = prepare(args, ui).await?;
    let place = pipeline::write_docs(&prepared, &args.request()).await?;
    ui.print(&place);
    done()
}
