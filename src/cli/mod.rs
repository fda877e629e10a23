//! Arguments and exit codes. Only this layer prints, reads the clock and the environment, or exits.

mod args;
mod clean;
mod compile;
mod contract;
mod diff;
mod explain;
mod explain_match;
mod init;
mod ls;
mod releases;
mod run;
mod sample;
mod signals;
mod starter;
mod ui;

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
pub use starter::FILES as STARTER;
use ui::Ui;

use crate::engine::heap;
use crate::error::{Error, ErrorKind, Result};

/// Runs the program; the exit codes are those of [`ErrorKind::exit_code`].
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return ui::usage(&error),
    };
    let ui = Ui::new(&args);
    if let Some(threads) = args.threads.or(std::thread::available_parallelism().ok()) {
        heap::tidy(threads);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK_BYTES).build();
    let result = match runtime {
        Ok(runtime) => whole(|| runtime.block_on(signals::until_stopped(command(&args, &ui), &args, &ui))),
        Err(error) => Err(Error::from(error)),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            ui.error(&error);
            ExitCode::from(error.kind().exit_code())
        }
    }
}

/// What the work comes to; a panic is a bug of ours and ends like any other.
fn whole(work: impl FnOnce() -> Result<ExitCode>) -> Result<ExitCode> {
    let stopped = |_| Err(Error::internal("the program stopped short"));
    std::panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(stopped)
}

/// Deep plans recurse: a thread's stack has to hold them in a build without optimisation too.
const STACK_BYTES: usize = 16 << 20;

async fn command(args: &Args, ui: &Ui) -> Result<ExitCode> {
    match &args.command {
        Command::Run(run) => run::run(args, run, ui).await,
        Command::Check => run::check(args, ui).await,
        Command::Docs(docs) => run::docs(args, docs, ui).await,
        Command::Ls(ls) => ls::ls(args, ls, ui).await,
        Command::Compile(compile) => compile::compile(args, compile, ui).await,
        Command::Contract(contract) => contract::contract(args, contract, ui).await,
        Command::Releases => releases::list(args, ui).await,
        Command::Diff(args_of) => diff::diff(args, args_of, ui).await,
        Command::Rollback(rollback) => releases::rollback(args, rollback, ui).await,
        Command::Clean(clean) => clean::clean(args, clean, ui).await,
        Command::Explain(explain) => explain::explain(explain, ui),
        Command::ExplainMatch(wanted) => explain_match::explain_match(args, wanted, ui).await,
        Command::Weights(wanted) => explain_match::weights(args, wanted, ui).await,
        Command::Sample(sample) => sample::sample(args, sample, ui),
        Command::Init(init) => init::init(init, ui),
        Command::Schema => explain::schema(ui),
    }
}

/// The exit code of success.
fn done() -> Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}

/// Mistakes were shown already; what is left to say is how many.
fn refused(kind: ErrorKind, message: String) -> Error {
    Error::new(kind, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_bug_of_ours() {
        let error = whole(|| panic!("seen by the test")).unwrap_err();
        assert_eq!((error.kind(), error.kind().exit_code()), (ErrorKind::Internal, 70));
        assert!(whole(done).is_ok());
    }
}
