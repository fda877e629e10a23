//! What is asked of a run: the command line's wishes, with the environment and the instant.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use chrono::{DateTime, Utc};

use crate::store::Env;
use crate::syntax::ByteSize;

/// What a command is asked to do with which project.
#[derive(Debug, Clone)]
pub struct Request {
    /// The project's folder.
    pub project_dir: PathBuf,
    /// The folder in which the command was given; paths of the command line are relative to it.
    pub working_dir: PathBuf,
    /// The environment, as the command line found it.
    pub env: Env,
    /// The instant that everything is computed as of.
    pub as_of: DateTime<Utc>,
    /// The run's id: letters, digits and `-`.
    pub run_id: String,
    /// The models to work on, in dbt's graph syntax; all where empty.
    pub select: Vec<String>,
    /// The models to leave out.
    pub exclude: Vec<String>,
    /// Whether what passed is published where something else was refused.
    pub keep_going: bool,
    /// What the project says and the command line knows better.
    pub overrides: Overrides,
}

/// Settings of the command line that go before the project's.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// The target to publish to.
    pub target: Option<String>,
    /// Where the target lies.
    pub location: Option<String>,
    /// Where the dictionary is written: a folder.
    pub docs: Option<PathBuf>,
    /// Threads.
    pub threads: Option<NonZeroUsize>,
    /// Memory for operators.
    pub memory: Option<ByteSize>,
    /// The folder to spill to.
    pub spill: Option<PathBuf>,
    /// Rows a batch.
    pub batch_size: Option<NonZeroUsize>,
    /// What the machine has, for defaults: threads, and bytes of memory.
    pub machine: (Option<NonZeroUsize>, Option<u64>),
}
