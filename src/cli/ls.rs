//! `marquetry ls`: what there is, one line each.

use std::process::ExitCode;

use serde_json::json;

use super::args::{Args, Ls, Shape};
use super::done;
use super::run::prepare;
use super::ui::Ui;
use crate::error::Result;
use crate::pipeline;

/// Lists the selected models; without a selection the source tables and seeds too.
pub async fn ls(args: &Args, ls: &Ls, ui: &Ui) -> Result<ExitCode> {
    let (prepared, mut session) = prepare(args, ui).await?;
    let chosen = pipeline::selected(&prepared, &args.request(), &mut session);
    ui.diagnostics(&session.diags, &session.texts);
    let chosen = chosen?;
    let whole = ls.selection.select.is_empty() && ls.selection.exclude.is_empty();
    if whole {
        let tables = |wanted| prepared.graph.names.iter().filter(move |(_, origin)| origin.word() == wanted);
        for word in ["source", "seed"] {
            tables(word).for_each(|(table, _)| line(ui, args, table.as_str(), word, &[]));
        }
    }
    for model in prepared.graph.models.iter().filter(|model| chosen.contains(&model.index)) {
        let inputs: Vec<&str> = model.inputs.iter().map(|table| table.as_str()).collect();
        line(ui, args, model.name.as_str(), model.kind.name(), &inputs);
    }
    done()
}

fn line(ui: &Ui, args: &Args, name: &str, kind: &str, inputs: &[&str]) {
    match args.output {
        Shape::Json => ui.print_json(&json!({ "name": name, "kind": kind, "depends_on": inputs })),
        Shape::Text if inputs.is_empty() => ui.print(&format!("{name:<40} {kind}")),
        Shape::Text => ui.print(&format!("{name:<40} {kind:<16} ← {}", inputs.join(", "))),
    }
}
