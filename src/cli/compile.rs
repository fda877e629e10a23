//! `marquetry compile MODEL`: the plan of each of its tables.

use std::process::ExitCode;

use super::args::{Args, Compile};
use super::done;
use super::run::prepare;
use super::ui::Ui;
use crate::error::Result;
use crate::pipeline;

/// Prints the logical and the physical plan of each table that the model writes.
pub async fn compile(args: &Args, compile: &Compile, ui: &Ui) -> Result<ExitCode> {
    let (prepared, _) = prepare(args, ui).await?;
    for (table, logical, physical) in pipeline::plans(&prepared, &compile.model).await? {
        ui.print(&format!("-- {table}: logical plan\n{logical}\n-- {table}: physical plan\n{physical}"));
    }
    done()
}
