//! Mistakes of the user, collected: what is wrong, where, and what to do about it.
//!
//! A stage pushes every mistake it finds into [`Diagnostics`] and ends when it is done, so that a
//! user mends a project in one round. Rendering lives in [`render`]; the long form of every code
//! in `codes.md`, printed by `marquetry explain`.

pub mod codes;
pub mod render;
mod suggest;

pub use codes::Code;
pub use suggest::nearest;

use std::path::{Path, PathBuf};

/// A span of bytes in one of the project's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// Index into [`Sources`].
    pub file: u32,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Place {
    /// The part of this place that starts `offset` bytes in and is `len` bytes long.
    #[must_use]
    pub fn part(self, offset: usize, len: usize) -> Self {
        let start = self.start.saturating_add(offset as u32).min(self.end);
        Self { file: self.file, start, end: start.saturating_add(len as u32).min(self.end) }
    }
}

/// The text of every file that was read, so that a place can be shown.
#[derive(Debug, Default, Clone)]
pub struct Sources {
    files: Vec<(PathBuf, String)>,
}

impl Sources {
    /// Keeps a file's text; the number returned is what [`Place::file`] holds.
    pub fn add(&mut self, path: impl Into<PathBuf>, text: impl Into<String>) -> u32 {
        self.files.push((path.into(), text.into()));
        (self.files.len() - 1) as u32
    }

    /// Path (relative to the project) and text of a file.
    pub fn get(&self, file: u32) -> Option<(&Path, &str)> {
        self.files.get(file as usize).map(|(path, text)| (path.as_path(), text.as_str()))
    }

    /// The text a place covers.
    pub fn text(&self, place: Place) -> Option<&str> {
        self.get(place.file)?.1.get(place.start as usize..place.end as usize)
    }

    /// Where the key is written whose value stands at `value`: the last place before it at which a
    /// line begins with the key.
    pub fn key_of(&self, value: Place, key: &str) -> Option<Place> {
        let before = self.get(value.file)?.1.get(..value.start as usize)?;
        let begins = |at: &usize| before.get(..*at).is_some_and(|text| text.is_empty() || text.ends_with('\n'));
        let ends = |at: &usize| {
            let rest = before.get(at + key.len()..).unwrap_or_default();
            rest.trim_start_matches([' ', '\t']).starts_with(':')
        };
        let start = before.rmatch_indices(key).map(|(at, _)| at).find(|at| begins(at) && ends(at))?;
        Some(Place { file: value.file, start: start as u32, end: (start + key.len()) as u32 })
    }

    /// Line and column of a place's start, both counted from 1, columns in characters.
    pub fn line_column(&self, place: Place) -> Option<(usize, usize)> {
        let (_, text) = self.get(place.file)?;
        let before = text.get(..place.start as usize)?;
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        let column = before.get(line_start..)?.chars().count() + 1;
        Some((before.matches('\n').count() + 1, column))
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The project cannot be used as it is.
    Error,
    /// Worth mending, but the run goes on.
    Warning,
}

impl Severity {
    /// The word shown to people and written to JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One mistake.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnostic {
    /// What sort of mistake it is.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong: lower case, no full stop, the user's words in backticks.
    pub message: String,
    /// Where.
    pub place: Option<Place>,
    /// Words under the underline.
    pub label: Option<String>,
    /// What may help.
    pub hint: Option<String>,
    /// Other places that belong to it, each with a few words.
    pub related: Vec<(Place, String)>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(code: Code, place: impl Into<Option<Place>>, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            place: place.into(),
            label: None,
            hint: None,
            related: Vec::new(),
        }
    }

    /// A warning at a place.
    pub fn warning(code: Code, place: impl Into<Option<Place>>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, place, message) }
    }

    /// Adds words under the underline.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Adds advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds advice, where there is any.
    #[must_use]
    pub fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }

    /// Adds another place that belongs to the mistake.
    #[must_use]
    pub fn related(mut self, place: Place, words: impl Into<String>) -> Self {
        self.related.push((place, words.into()));
        self
    }

    /// Advice naming the nearest of `candidates` to what was written, where one is near.
    #[must_use]
    pub fn did_you_mean<'a>(self, written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Self {
        let hint = nearest(written, candidates).map(|name| format!("did you mean `{name}`?"));
        self.maybe_hint(hint)
    }
}

/// The collector a stage pushes into.
#[derive(Debug, Default, Clone)]
pub struct Diagnostics {
    items: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.items.push(diagnostic);
    }

    /// Adds all of another collector.
    pub fn extend(&mut self, other: Diagnostics) {
        self.items.extend(other.items);
    }

    /// Adds those of another collector that tell of something new: not of what was told already at the same
    /// place under the same code.
    pub fn extend_unless_told(&mut self, other: Diagnostics) {
        let told: Vec<(Code, Option<Place>)> = self.items.iter().map(|known| (known.code, known.place)).collect();
        self.items.extend(other.items.into_iter().filter(|new| !told.contains(&(new.code, new.place))));
    }

    /// Whether any is an error.
    pub fn has_errors(&self) -> bool {
        self.items.iter().any(|d| d.severity == Severity::Error)
    }

    /// How many were collected.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether none was collected.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// All, ordered by place, then code, then message; repeats are dropped.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.items
            .sort_by(|a, b| (a.place, a.severity, a.code, &a.message).cmp(&(b.place, b.severity, b.code, &b.message)));
        self.items.dedup();
        self.items
    }
}
