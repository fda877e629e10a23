//! `marquetry clean`: removes what no kept release needs.

use std::process::ExitCode;

use serde_json::json;

use super::args::{Args, Clean, Shape};
use super::done;
use super::ui::{Ui, plural};
use crate::error::Result;
use crate::pipeline::{self, Session};

/// Removes old releases and the files that only they, or runs that died, had.
pub async fn clean(args: &Args, clean: &Clean, ui: &Ui) -> Result<ExitCode> {
    let mut session = Session::default();
    let cleaned = pipeline::clean(&args.request(), &mut session, clean.keep).await;
    ui.diagnostics(&session.diags, &session.texts);
    let cleaned = cleaned?;
    match args.output {
        Shape::Json => {
            ui.print_json(&json!({ "status": "cleaned", "releases": cleaned.releases, "files": cleaned.files }))
        }
        Shape::Text => ui.print(&format!(
            "removed {} and {}",
            plural(cleaned.releases.len(), "release"),
            plural(cleaned.files.len(), "file")
        )),
    }
    done()
}
