//! The only writer to the terminal: results on standard output, everything else on standard error.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::args::{Args, Colour, Shape};
use crate::checks::{CheckResult, Status};
use crate::diag::{Diagnostics, Severity, Sources, render};
use crate::error::Error;
use crate::pipeline::{Event, Outcome, Watch};

/// How to write.
pub struct Ui {
    pub(super) output: Shape,
    log: Shape,
    colour: bool,
    quiet: bool,
    bar: ProgressBar,
}

impl Ui {
    /// As the arguments, the environment and the terminal say.
    pub fn new(args: &Args) -> Self {
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let terminal = std::io::stderr().is_terminal();
        let colour = match args.color {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => terminal && !no_colour,
        };
        let bar = if terminal && args.log_format == Shape::Text && !args.quiet {
            ProgressBar::new_spinner().with_style(style())
        } else {
            ProgressBar::hidden()
        };
        Self { output: args.output, log: args.log_format, colour, quiet: args.quiet, bar }
    }

    /// A line of the result.
    pub fn print(&self, line: &str) {
        // A reader that went away (`| head`) is not our error.
        let _ = writeln!(std::io::stdout(), "{line}");
    }

    /// A JSON object as a line of the result.
    pub fn print_json(&self, value: &Value) {
        self.print(&value.to_string());
    }

    /// A line for whoever watches.
    pub fn say(&self, line: &str) {
        if !self.quiet {
            self.log_line("info", line, Value::Null);
        }
    }

    /// What ended the command.
    pub fn error(&self, error: &Error) {
        self.bar.finish_and_clear();
        match self.log {
            Shape::Json => self.log_line("error", &error.to_string(), json!({ "hint": error.hint() })),
            Shape::Text => {
                let head = if self.colour { "\x1b[1;31merror\x1b[0m" } else { "error" };
                let mut text = format!("{head}: {error}");
                if let Some(hint) = error.hint() {
                    text.push_str(&format!("\n  hint: {hint}"));
                }
                self.raw(&text);
            }
        }
    }

    /// Every mistake and warning, in the order of the files.
    pub fn diagnostics(&self, diags: &Diagnostics, texts: &Sources) {
        self.bar.finish_and_clear();
        let sorted = diags.clone().into_sorted();
        for diagnostic in &sorted {
            match self.log {
                Shape::Json => self.raw(&render::json(diagnostic, texts).to_string()),
                Shape::Text => self.raw(&render::text(diagnostic, texts, self.colour)),
            }
        }
        let count = |severity| sorted.iter().filter(|diagnostic| diagnostic.severity == severity).count();
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        if self.log == Shape::Text && errors + warnings > 0 {
            self.raw(&format!("{}, {}", plural(errors, "error"), plural(warnings, "warning")));
        }
    }

    /// Stops the progress bar.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn log_line(&self, level: &str, message: &str, more: Value) {
        match self.log {
            Shape::Text => self.raw(message),
            Shape::Json => {
                let mut object = json!({ "ts": chrono::Utc::now().to_rfc3339(), "level": level, "message": message });
                if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
                    object.extend(more);
                }
                self.raw(&object.to_string());
            }
        }
    }

    fn raw(&self, text: &str) {
        self.bar.suspend(|| {
            let _ = writeln!(std::io::stderr(), "{text}");
        });
    }
}

/// `1 error`, `2 errors`.
pub fn plural(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// What clap has to say: help goes to standard output, a mistake to standard error.
pub fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {msg} {elapsed:.dim}").unwrap_or_else(|_| ProgressStyle::default_spinner())
}

impl Watch for Ui {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::Model(name, turn, of) => {
                if self.log == Shape::Json {
                    self.log_line("info", "model", json!({ "event": "model", "model": name, "turn": turn, "of": of }));
                }
            }
            Event::Working { models, done, of } => {
                let names: Vec<&str> = models.iter().map(|name| name.as_str()).collect();
                self.bar.enable_steady_tick(Duration::from_millis(120));
                self.bar.set_message(format!("[{done}/{of}] {}", names.join(", ")));
            }
            Event::Staged { table, rows } => match self.log {
                Shape::Json => {
                    self.log_line("info", "staged", json!({ "event": "staged", "table": table, "rows": rows }))
                }
                Shape::Text => self.say(&format!("  {table:<40} {rows:>12} rows")),
            },
            Event::Checked(result) if result.status != Status::Pass => self.check(result),
            Event::Checked(_) => {}
            Event::Failed(error) => self.failed(error),
            Event::Refused(outcome) => self.outcome(outcome),
        }
    }
}

impl Ui {
    fn check(&self, result: &CheckResult) {
        let word = match (result.status, self.colour) {
            (Status::Fail, true) => "\x1b[31mfail\x1b[0m",
            (Status::Fail, false) => "fail",
            (_, true) => "\x1b[33mwarn\x1b[0m",
            (_, false) => "warn",
        };
        let level = if result.status == Status::Fail { "error" } else { "warn" };
        if self.log == Shape::Json {
            return self.log_line(level, &result.message, json!({ "event": "check", "check": result }));
        }
        let mut line = format!("  {word} {}.{}: {}", result.table, result.check, result.message);
        if !result.sample.is_empty() {
            line.push_str(&format!("\n       {}", result.sample.join("\n       ")));
        }
        self.raw(&line);
    }

    fn failed(&self, error: &Error) {
        if self.log == Shape::Json {
            return self.log_line("error", &error.to_string(), json!({ "event": "failed", "hint": error.hint() }));
        }
        let hint = error.hint().map_or_else(String::new, |hint| format!("\n       hint: {hint}"));
        self.raw(&format!("  {} {error}{hint}", if self.colour { "\x1b[31mfail\x1b[0m" } else { "fail" }));
    }

    /// The sum of a run: a table for people, one object on the last line for programs.
    pub fn outcome(&self, outcome: &Outcome) {
        self.bar.finish_and_clear();
        match self.output {
            Shape::Json => self.print_json(&serde_json::to_value(outcome).unwrap_or_default()),
            Shape::Text => summary(outcome).iter().for_each(|line| self.print(line)),
        }
    }
}

fn summary(outcome: &Outcome) -> Vec<String> {
    let width = outcome.tables.iter().map(|table| table.name.as_str().len()).max().unwrap_or(5).max(5);
    let mut lines = vec![format!("{:<width$}  {:>12}  {:>9}  checks", "table", "rows", "rejects")];
    for table in &outcome.tables {
        let count = |status| table.checks.iter().filter(|check| check.status == status).count();
        let mut checks = format!("{} passed", count(Status::Pass));
        for (status, word) in [(Status::Warn, "warned"), (Status::Fail, "failed")] {
            if count(status) > 0 {
                checks.push_str(&format!(", {} {word}", count(status)));
            }
        }
        let rejects = table.rejects.map_or_else(String::new, |rows| rows.to_string());
        lines.push(format!("{:<width$}  {:>12}  {rejects:>9}  {checks}", table.name, table.rows));
    }
    for withheld in &outcome.withheld {
        lines.push(format!("withheld {}: {}", withheld.table, withheld.why));
    }
    let status = serde_json::to_value(outcome.status).ok().and_then(|word| word.as_str().map(str::to_string));
    let release = outcome.release.map_or_else(String::new, |number| format!(" release {number}"));
    lines.push(format!("\n{}{release} in {:.1} s", status.unwrap_or_default(), outcome.duration_s));
    lines
}
