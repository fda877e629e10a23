//! `marquetry sample`: extracts of a sample company.

use std::num::NonZeroUsize;
use std::process::ExitCode;

use super::args::{Args, Sample};
use super::done;
use super::ui::Ui;
use crate::error::Result;
use crate::sample::{SampleOptions, generate};

/// Writes the extracts and says what was written.
pub fn sample(args: &Args, sample: &Sample, ui: &Ui) -> Result<ExitCode> {
    let machine = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = args.threads.map_or_else(machine, NonZeroUsize::get);
    let options = SampleOptions { threads, ..SampleOptions::new(sample.people, sample.seed, sample.out.clone()) };
    let manifest = generate(&options)?;
    for table in &manifest.tables {
        ui.print(&format!("{:<44} {:>12} rows", format!("{}/{}", table.system, table.table), table.rows));
    }
    done()
}
