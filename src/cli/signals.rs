//! SIGINT and SIGTERM: stop, take back what was not published, and say so in the exit code.

use std::future::Future;
use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::args::{Args, Command};
use super::ui::Ui;
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline;

/// How long taking back may last; what is left after it the next run takes back.
const TIDY_UP: Duration = Duration::from_secs(10);

/// Runs `work` to its end or to the first signal.
pub async fn until_stopped(work: impl Future<Output = Result<ExitCode>>, args: &Args, ui: &Ui) -> Result<ExitCode> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let (kind, name) = tokio::select! {
        result = work => return result,
        _ = interrupt.recv() => (ErrorKind::Interrupted, "SIGINT"),
        _ = terminate.recv() => (ErrorKind::Terminated, "SIGTERM"),
    };
    ui.finish();
    let mut message = format!("stopped by {name}");
    if matches!(args.command, Command::Run(_) | Command::Rollback(_)) {
        let tidied = tokio::time::timeout(TIDY_UP, pipeline::withdraw_leftovers(&args.request())).await;
        message.push_str(match tidied {
            Ok(Ok(())) => "; what was staged is taken back",
            _ => "; the next run takes back what was staged",
        });
    }
    Err(Error::new(kind, message))
}
