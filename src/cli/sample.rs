//! `marquetry sample`: extracts of a sample company.

use std::process::ExitCode;

use super::args::Sample;
use super::done;
use super::ui::Ui;
use crate::error::Result;
use crate::sample::{SampleOptions, generate};

/// Writes the extracts and says what was written.
pub fn sample(sample: &Sample, ui: &Ui) -> Result<ExitCode> {
    let options = SampleOptions { people: sample.people, seed: sample.seed, out: sample.out.clone() };
    let manifest = generate(&options)?;
    for (table, written) in &manifest.tables {
        ui.print(&format!("{table:<44} {:>12} rows", written.rows));
    }
    done()
}
