//! The command line, as clap reads it.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use clap::{Parser, Subcommand, ValueEnum};

use crate::pipeline::{Overrides, Request};
use crate::store::Env;
use crate::syntax::ByteSize;

/// Metric models in YAML, governed tables out.
///
/// Results go to standard output, logs to standard error. Exit codes: 0 published or already up to
/// date; 1 the data was refused; 2 the project or the arguments are wrong; 3 the world failed and a
/// retry may help; 75 another run holds the target; 130 and 143 stopped by a signal; 70 a bug.
#[derive(Debug, Parser)]
#[command(name = "marquetry", version, propagate_version = true, max_term_width = 100)]
pub struct Args {
    /// The project's folder.
    #[arg(long, global = true, default_value = ".", env = "MARQUETRY_PROJECT", value_name = "DIR")]
    pub project: PathBuf,
    /// The target to publish to; the project's default one otherwise.
    #[arg(long, short, global = true, env = "MARQUETRY_TARGET", value_name = "NAME")]
    pub target: Option<String>,
    /// Where the target lies, instead of where the project says.
    #[arg(long, global = true, env = "MARQUETRY_LOCATION", value_name = "URL")]
    pub location: Option<String>,
    /// The instant that everything is computed as of (RFC 3339, or a date); now otherwise.
    #[arg(long, global = true, env = "MARQUETRY_AS_OF", value_name = "INSTANT", value_parser = instant)]
    pub as_of: Option<DateTime<Utc>>,
    /// Threads; all of the machine's otherwise.
    #[arg(long, global = true, env = "MARQUETRY_THREADS", value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// Memory that operators may hold before they spill, as in `4 GiB`; half of the machine's otherwise.
    #[arg(long, global = true, env = "MARQUETRY_MEMORY", value_name = "SIZE", value_parser = size)]
    pub memory: Option<ByteSize>,
    /// The folder to spill to; the system's temporary folder otherwise.
    #[arg(long, global = true, env = "MARQUETRY_SPILL", value_name = "DIR")]
    pub spill: Option<PathBuf>,
    /// Rows that operators hand on at once; 8192 otherwise, and fewer where memory is short.
    #[arg(long, global = true, hide = true, env = "MARQUETRY_BATCH_SIZE", value_name = "N")]
    pub batch_size: Option<NonZeroUsize>,
    /// How results are written to standard output.
    #[arg(long, global = true, default_value = "text", value_name = "FORMAT")]
    pub output: Shape,
    /// How logs and mistakes are written to standard error.
    #[arg(long, global = true, default_value = "text", env = "MARQUETRY_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Shape,
    /// When to use colours; `NO_COLOR` counts too.
    #[arg(long, global = true, default_value = "auto", value_name = "WHEN")]
    pub color: Colour,
    /// Say only what went wrong.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a project with sample data in a folder.
    Init(Init),
    /// Say everything that can be known without running.
    Check,
    /// Compute, check, publish and document the models.
    Run(Run),
    /// Write the data dictionary, without running.
    Docs(Docs),
    /// List models, sources and seeds.
    Ls(Ls),
    /// Show the plan of a model, and foretell what its rules would compare.
    Compile(Compile),
    /// Draft the contract of a source table from its extract.
    Contract(ContractArgs),
    /// List the releases of the target.
    Releases,
    /// Show what has changed from one release to another.
    Diff(Diff),
    /// Publish an earlier release again.
    Rollback(Rollback),
    /// Remove what no kept release needs.
    Clean(Clean),
    /// Explain a mistake by its code, or a kind of model.
    Explain(Explain),
    /// Say why two records of a `dedupe` model are together or apart.
    ExplainMatch(ExplainMatch),
    /// Print what a `dedupe` model has learnt, to be kept in its file.
    Weights(Weights),
    /// Write extracts of a sample company.
    Sample(Sample),
    /// Print the JSON Schema of the language, for editors.
    Schema,
}

/// Which models.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Selection {
    /// Models to work on, in dbt's graph syntax: `+name+`, `tag:…`, `path:…`, `kind:…`, `owner:…`, `source:…+`.
    #[arg(long, short, num_args = 1.., value_name = "SELECTOR")]
    pub select: Vec<String>,
    /// Models to leave out.
    #[arg(long, num_args = 1.., value_name = "SELECTOR")]
    pub exclude: Vec<String>,
}

/// See [`Command::Init`].
#[derive(Debug, clap::Args)]
pub struct Init {
    /// The folder, which must be empty or absent.
    #[arg(default_value = ".")]
    pub dir: PathBuf,
}

/// See [`Command::Run`].
#[derive(Debug, clap::Args)]
pub struct Run {
    /// Which models.
    #[command(flatten)]
    pub selection: Selection,
    /// Publish what passed, even where something else was refused or failed.
    #[arg(long)]
    pub keep_going: bool,
    /// The run's id; made up otherwise, or taken from Airflow.
    #[arg(long, env = "MARQUETRY_RUN_ID", value_name = "ID")]
    pub run_id: Option<String>,
    /// Where to write the data dictionary; beside the tables otherwise.
    #[arg(long, value_name = "DIR")]
    pub docs: Option<PathBuf>,
    /// Exit with this code where no table changed.
    #[arg(long, value_name = "CODE")]
    pub skip_exit_code: Option<u8>,
}

/// See [`Command::Docs`].
#[derive(Debug, clap::Args)]
pub struct Docs {
    /// Where to write the data dictionary; beside the tables otherwise.
    #[arg(long, value_name = "DIR")]
    pub docs: Option<PathBuf>,
}

/// See [`Command::Ls`].
#[derive(Debug, clap::Args)]
pub struct Ls {
    /// Which models.
    #[command(flatten)]
    pub selection: Selection,
}

/// See [`Command::Compile`].
#[derive(Debug, clap::Args)]
pub struct Compile {
    /// The model.
    pub model: String,
}

/// See [`Command::Contract`].
#[derive(Debug, clap::Args)]
pub struct ContractArgs {
    /// The table's name, or a Parquet file or folder.
    pub name: String,
}

/// See [`Command::Diff`].
#[derive(Debug, clap::Args)]
pub struct Diff {
    /// The earlier release; the one before the later release otherwise.
    pub from: Option<u64>,
    /// The later release; the newest otherwise.
    pub to: Option<u64>,
}

/// See [`Command::Rollback`].
#[derive(Debug, clap::Args)]
pub struct Rollback {
    /// The release's number.
    pub release: u64,
}

/// See [`Command::Clean`].
#[derive(Debug, clap::Args)]
pub struct Clean {
    /// How many releases to keep; the target's setting otherwise.
    #[arg(long, value_name = "N")]
    pub keep: Option<u32>,
}

/// See [`Command::Explain`].
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// A code such as `M0012`, or a kind such as `lifecycle`; all of them where left out.
    pub topic: Option<String>,
}

/// See [`Command::ExplainMatch`].
#[derive(Debug, clap::Args)]
pub struct ExplainMatch {
    /// The model.
    pub model: String,
    /// One record, as `<system>:<id>`.
    pub left: String,
    /// The other record.
    pub right: String,
}

/// See [`Command::Weights`].
#[derive(Debug, clap::Args)]
pub struct Weights {
    /// The model.
    pub model: String,
    /// As what: text for the model's file, a table to read, or a picture (SVG).
    #[arg(long = "as", default_value = "yaml", value_name = "FORM")]
    pub form: WeightsForm,
}

/// How weights are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WeightsForm {
    /// Text for the setting `weights`.
    Yaml,
    /// A table to read.
    Table,
    /// A picture in SVG.
    Picture,
}

/// See [`Command::Sample`].
#[derive(Debug, clap::Args)]
pub struct Sample {
    /// How many people.
    #[arg(long, default_value_t = 2_000, value_name = "N")]
    pub people: u64,
    /// Equal seeds give equal extracts.
    #[arg(long, default_value_t = 1, value_name = "S")]
    pub seed: u64,
    /// The folder to write to.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// How something is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Ok(instant.with_timezone(&Utc));
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(|day| day.and_hms_opt(0, 0, 0));
    day.map(|day| day.and_utc())
        .ok_or_else(|| format!("`{text}` is neither an instant, as `2026-06-30T00:00:00Z`, nor a date"))
}

fn size(text: &str) -> Result<ByteSize, String> {
    ByteSize::parse(text)
}

impl Args {
    /// What is asked of the pipeline; the only place where clock and environment are read.
    pub fn request(&self) -> Request {
        let now = Utc::now();
        // Variables that are not UTF-8 are none that a project could name.
        let vars =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let (selection, keep_going, docs) = match &self.command {
            Command::Run(run) => (run.selection.clone(), run.keep_going, run.docs.clone()),
            Command::Ls(ls) => (ls.selection.clone(), false, None),
            Command::Docs(docs) => (Selection::default(), false, docs.docs.clone()),
            _ => (Selection::default(), false, None),
        };
        Request {
            project_dir: self.project.clone(),
            working_dir: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
            env: Env::new(vars),
            as_of: self.as_of.unwrap_or_else(|| now.trunc_subsecs(0)),
            run_id: self.run_id(),
            select: selection.select,
            exclude: selection.exclude,
            keep_going,
            overrides: Overrides {
                target: self.target.clone(),
                location: self.location.clone(),
                docs,
                threads: self.threads,
                memory: self.memory,
                spill: self.spill.clone(),
                batch_size: self.batch_size,
                machine: (std::thread::available_parallelism().ok(), machine_memory_bytes()),
            },
        }
    }

    /// The id asked for with what an id cannot hold left out, and always something of its own, so
    /// that a second try does not meet the files of the first.
    fn run_id(&self) -> String {
        let own = uuid::Uuid::now_v7().simple().to_string();
        let asked = match &self.command {
            Command::Run(run) => run.run_id.clone().or_else(|| std::env::var("AIRFLOW_CTX_DAG_RUN_ID").ok()),
            _ => None,
        };
        let Some(asked) = asked else { return own };
        let kept: String = asked.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(80).collect();
        format!("{kept}-{}", own.get(16..).unwrap_or(&own))
    }
}

/// Memory that this process may use: the machine's, or the container's where that is less.
fn machine_memory_bytes() -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let meminfo = read("/proc/meminfo")?;
    let kib: u64 =
        meminfo.lines().find(|line| line.starts_with("MemTotal:"))?.split_whitespace().nth(1)?.parse().ok()?;
    let limit = read("/sys/fs/cgroup/memory.max").and_then(|text| text.trim().parse::<u64>().ok());
    Some(limit.unwrap_or(u64::MAX).min(kib * 1024))
}
