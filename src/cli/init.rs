//! `marquetry init`: a working project with sample data.

use std::fs;
use std::process::ExitCode;

use super::args::Init;
use super::done;
use super::starter;
use super::ui::Ui;
use crate::error::{Error, Result};
use crate::sample::{SampleOptions, generate};

/// As many people as the sample data of this repository has.
const PEOPLE: u64 = 2_000;

/// Writes the project's files and its extracts into an empty folder.
pub fn init(init: &Init, ui: &Ui) -> Result<ExitCode> {
    fs::create_dir_all(&init.dir)?;
    if fs::read_dir(&init.dir)?.next().is_some() {
        return Err(Error::project(format!("`{}` is not empty", init.dir.display()))
            .with_hint("name a folder that does not exist yet"));
    }
    for (path, text) in starter::FILES {
        let path = init.dir.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, text)?;
    }
    generate(&SampleOptions::new(PEOPLE, 1, init.dir.join("sample_data")))?;
    ui.print(&format!(
        "a project is in `{}`; now run\n\n  marquetry --project {} run",
        init.dir.display(),
        init.dir.display()
    ));
    done()
}
