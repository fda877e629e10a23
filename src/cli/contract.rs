//! `marquetry contract NAME`: drafts a source contract from an extract.

use std::process::ExitCode;

use super::args::{Args, ContractArgs};
use super::done;
use super::ui::Ui;
use crate::error::Result;
use crate::pipeline::{self, Session};

/// Prints the contract as YAML, to be completed by somebody who knows the system.
pub async fn contract(args: &Args, contract: &ContractArgs, ui: &Ui) -> Result<ExitCode> {
    let mut session = Session::default();
    let drafted = pipeline::draft_contract(&args.request(), &contract.name, &mut session).await;
    ui.diagnostics(&session.diags, &session.texts);
    ui.print(drafted?.trim_end());
    done()
}
