//! The program as its users start it, on a copy of the sample project.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// The repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A project in a folder of its own, with its target beside it.
pub struct Project {
    dir: tempfile::TempDir,
    vars: Vec<(String, String)>,
    as_of: &'static str,
}

/// What a command did.
pub struct Done {
    /// Its exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Done {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// Fails unless the exit code is `code`.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The JSON object on the last line of standard output.
    #[track_caller]
    pub fn json(&self) -> Value {
        let last = self.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {last}\n{}", self.stderr))
    }

    /// The digest of every table of a run, by name.
    #[track_caller]
    pub fn digests(&self) -> BTreeMap<String, String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
        let summary = self.json();
        let tables = summary["tables"].as_array().expect("tables");
        tables.iter().map(|table| (text(&table["name"]), text(&table["digest"]))).collect()
    }
}

impl Project {
    /// The sample project, reading the repository's sample data.
    pub fn sample() -> Self {
        let project = Self::empty();
        for folder in ["models", "schemas"] {
            copy(&repository().join(folder), &project.path().join(folder));
        }
        fs::copy(repository().join("marquetry.yml"), project.path().join("marquetry.yml")).expect("copy");
        let data = repository().join("sample_data").to_string_lossy().into_owned();
        project.with("MARQUETRY_SAMPLE", data)
    }

    /// A folder without a file in it.
    pub fn empty() -> Self {
        Self { dir: tempfile::tempdir().expect("a folder"), vars: Vec::new(), as_of: "2026-07-01T00:00:00Z" }
    }

    /// Sets an environment variable for its commands.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.vars.push((name.to_string(), value.into()));
        self
    }

    /// Sets the instant that its commands work as of.
    pub fn at_instant(mut self, instant: &'static str) -> Self {
        self.as_of = instant;
        self
    }

    /// The project's folder.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The target that commands write to, unless told otherwise.
    pub fn target(&self) -> PathBuf {
        self.path().join("out")
    }

    /// Writes a file of the project.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("create");
        fs::write(path, text).expect("write");
    }

    /// A command, ready to be started.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_marquetry"));
        command.args(["--project", &self.path().to_string_lossy(), "--as-of", self.as_of]);
        command.args(args).current_dir(self.path()).stdin(Stdio::null());
        // Nothing of the machine's own settings may decide a test.
        let kept = ["PATH", "HOME", "TMPDIR"].iter().filter_map(|name| Some((*name, std::env::var_os(name)?)));
        command.env_clear().envs(kept.collect::<Vec<_>>()).envs(self.vars.iter().cloned());
        command
    }

    /// Runs a command to its end.
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> Done {
        Done::of(&self.command(args).output().expect("the program starts"))
    }

    /// `run --output json` into the project's own target.
    #[track_caller]
    pub fn publish(&self, args: &[&str]) -> Done {
        let target = self.target().to_string_lossy().into_owned();
        self.run(&[&["run", "--output", "json", "--location", &target], args].concat())
    }

    /// Starts a run into the project's own target, its output caught.
    pub fn start(&self) -> Child {
        self.start_with(&["--location", &self.target().to_string_lossy()])
    }

    /// Starts a run, its output caught.
    pub fn start_with(&self, args: &[&str]) -> Child {
        let mut command = self.command(&[&["run", "--output", "json", "--log-format", "json"], args].concat());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
    }
}

/// Copies a folder with everything in it.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("create");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copy");
        }
    }
}

/// Every file below a folder, relative to it, sorted.
pub fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).into_iter().flatten().flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => found.push(path.strip_prefix(folder).expect("below").to_string_lossy().into_owned()),
            }
        }
    }
    found.sort();
    found
}
