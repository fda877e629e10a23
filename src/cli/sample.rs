//! `marquetry sample`: extracts of a sample company.

use std::num::NonZeroUsize;
use std::process::ExitCode;

use super::args::{Args, Sample};
use super::done;
use super::ui::Ui;
use crate::error::{Error, Result};
use crate::sample::{SampleOptions, generate};

/// Writes the extracts and says what was written.
pub fn sample(args: &Args, sample: &Sample, ui: &Ui) -> Result<ExitCode> {
    if let Some((scheme, _)) = sample.out.to_string_lossy().split_once("://") {
        let message = format!("the extracts are written to a folder on disk, and `{scheme}://` is none");
        return Err(Error::project(message).with_hint("write them to a folder, and copy it to where it is to lie"));
    }
    let machine = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = args.threads.map_or_else(machine, NonZeroUsize::get);
    let options = SampleOptions { threads, ..SampleOptions::new(sample.people, sample.seed, sample.out.clone()) };
    let manifest = generate(&options)?;
    for table in &manifest.tables {
        ui.print(&format!("{:<44} {:>12} rows", format!("{}/{}", table.system, table.table), table.rows));
    }
    done()
}
