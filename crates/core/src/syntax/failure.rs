//! Why a value of the tree could not be read as the type that was wanted.

use std::fmt;

use serde::de::{Expected, Unexpected};

use super::node::{Node, Value};
use crate::diag::{Code, Diagnostic, Place, codes};

/// Why a value could not be read.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) place: Place,
    placed: bool,
    pub(super) why: Why,
}

#[derive(Debug)]
pub(super) enum Why {
    Other(String),
    WrongType {
        expected: String,
        found: String,
    },
    Missing(&'static str),
    UnknownField {
        field: String,
        known: &'static [&'static str],
    },
    UnknownWord {
        word: String,
        known: &'static [&'static str],
    },
    /// A word with settings is a mapping of one key.
    NotOneKey(&'static [&'static str]),
}

impl Failure {
    pub(super) fn new(why: Why) -> Self {
        Self { place: Place::default(), placed: false, why }
    }

    /// Puts the failure at a place, unless it has one: the innermost place counts.
    pub(super) fn at(mut self, place: Place) -> Self {
        if !self.placed {
            self.place = place;
            self.placed = true;
        }
        self
    }

    pub(super) fn diagnostic(&self, root: &Node) -> Diagnostic {
        let error = |code: Code, message: String| Diagnostic::error(code, self.place, message);
        match &self.why {
            Why::Other(message) => error(codes::INVALID_VALUE, message.clone()),
            Why::WrongType { expected, found } => {
                let hint = (expected == "a list" && found.starts_with('`'))
                    .then(|| format!("a list stands in brackets, as in `[{}]`", found.trim_matches('`')));
                error(codes::WRONG_TYPE, format!("expected {expected}, found {found}")).maybe_hint(hint)
            }
            Why::Missing(field) => {
                let place = first_key(root, self.place).unwrap_or(self.place);
                Diagnostic::error(codes::MISSING_KEY, place, format!("the key `{field}` is missing here"))
            }
            Why::UnknownField { field, known } => unknown_key(field, self.place, known),
            Why::NotOneKey(known) => error(codes::WRONG_TYPE, format!("expected one key of {}", list(known))),
            Why::UnknownWord { word, known } => error(codes::UNKNOWN_WORD, format!("`{word}` is not known here"))
                .hint(format!("one of {}", list(known)))
                .did_you_mean(word, known.iter().copied()),
        }
    }
}

/// The first key of the mapping at `place`: a whole mapping underlined says little.
fn first_key(node: &Node, place: Place) -> Option<Place> {
    match &node.value {
        Value::Map(entries) if node.place == place => entries.first().map(|(_, key, _)| *key),
        Value::Map(entries) => entries.iter().find_map(|(_, _, value)| first_key(value, place)),
        Value::List(items) => items.iter().find_map(|item| first_key(item, place)),
        _ => None,
    }
}

pub(super) fn unknown_key(key: &str, place: Place, known: &[&str]) -> Diagnostic {
    Diagnostic::error(codes::UNKNOWN_KEY, place, format!("`{key}` is not a key that can stand here"))
        .hint(format!("known keys: {}", list(known)))
        .did_you_mean(key, known.iter().copied())
}

pub(super) fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.why)
    }
}

impl std::error::Error for Failure {}

impl serde::de::Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Why::Other(message.to_string()))
    }
    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Bool(value) => format!("`{value}`"),
            Unexpected::Str(text) => format!("`{text}`"),
            Unexpected::Unit => "nothing".to_string(),
            Unexpected::Seq => "a list".to_string(),
            Unexpected::Map => "a mapping".to_string(),
            other => other.to_string(),
        };
        Self::new(Why::WrongType { expected: plain(&expected.to_string()), found })
    }
    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }
    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Self {
        Self::new(Why::UnknownWord { word: word.to_string(), known })
    }
    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        Self::new(Why::UnknownField { field: field.to_string(), known })
    }
    fn missing_field(field: &'static str) -> Self {
        Self::new(Why::Missing(field))
    }
}

/// serde's names of types in words that a user of YAML knows.
fn plain(expected: &str) -> String {
    match expected {
        "a string" | "string" => "text",
        "a boolean" => "`true` or `false`",
        "a sequence" => "a list",
        "a map" => "a mapping",
        word if word.starts_with("struct ") => "a mapping",
        word if word.starts_with("enum ") || word.contains("variant") => "one of the known words",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, not negative",
        "i32" | "i64" => "a whole number",
        "f64" => "a number",
        other => other,
    }
    .to_string()
}
