//! What a run tells while it goes on; the command line shows it.

use std::sync::Arc;

use super::Outcome;
use crate::checks::CheckResult;
use crate::error::Error;
use crate::store::publish::{Silent, Steps};
use crate::syntax::TableName;

/// Something that happened. What a model made and what its checks found is told when it is done, in
/// one piece, so that the lines of models that run side by side do not mix.
#[derive(Debug)]
pub enum Event<'a> {
    /// A model's turn has come: its name, its number and how many there are.
    Model(&'a TableName, usize, usize),
    /// The models that are worked on now, and how many of how many are done.
    Working {
        /// Their names, in the order in which their turns came.
        models: &'a [&'a TableName],
        /// Models that are done.
        done: usize,
        /// All models of the run.
        of: usize,
    },
    /// A table's rows are staged.
    Staged {
        /// The table.
        table: &'a TableName,
        /// Its rows.
        rows: u64,
    },
    /// A check came out.
    Checked(&'a CheckResult),
    /// A model failed; its name is in the error.
    Failed(&'a Error),
    /// Checks refused publication, or a model failed.
    Refused(&'a Outcome),
}

/// Listens to a run.
pub trait Watch: Send + Sync {
    /// Is told what happened.
    fn event(&self, event: &Event<'_>);

    /// Listens to the steps of publication.
    fn steps(&self) -> Arc<dyn Steps> {
        Arc::new(Silent)
    }
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy)]
pub struct Quiet;

impl Watch for Quiet {
    fn event(&self, _: &Event<'_>) {}
}
