//! YAML as a tree in which every node knows its place.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::diag::{Code, Diagnostic, Place, codes};

/// The deepest nesting a project file may have.
const MAX_DEPTH: usize = 64;
/// The most nodes a project file may have, aliases expanded.
const MAX_NODES: usize = 200_000;
/// The largest project file, in bytes.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// A YAML node.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What it holds.
    pub value: Value,
    /// Where it stands.
    pub place: Place,
}

/// What a YAML node holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it was written: decimals keep their digits.
    Number(String),
    /// Text.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in the order written; keys are unique.
    Map(Vec<(String, Place, Node)>),
}

impl Value {
    /// What it is, for messages: "text", "a list" …
    pub fn what(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

/// Parses one YAML document; `file` is its number in [`crate::diag::Sources`].
pub(super) fn parse(file: u32, text: &str) -> Result<Node, Diagnostic> {
    let whole = Place { file, start: 0, end: text.len() as u32 };
    if text.len() > MAX_BYTES {
        let message = format!("the file has {} bytes, more than the {MAX_BYTES} that are read", text.len());
        return Err(Diagnostic::error(codes::YAML_TOO_LARGE, Place { end: 0, ..whole }, message));
    }
    let budget = serde_saphyr::budget! {
        max_depth: MAX_DEPTH,
        max_nodes: MAX_NODES,
        max_events: 3 * MAX_NODES,
    };
    let options = serde_saphyr::options! { budget: budget, with_snippet: false };
    let raw: serde_saphyr::Spanned<Raw> =
        serde_saphyr::from_str_with_options(text, options).map_err(|error| explain(file, text, &error))?;
    Ok(place(file, text, raw))
}

/// A YAML error of the parser in our words.
fn explain(file: u32, text: &str, error: &serde_saphyr::Error) -> Diagnostic {
    use serde_saphyr::Error as E;
    let place = error.location().map(|location| located(file, text, location));
    let (code, message): (Code, String) = match error.without_snippet() {
        E::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("this key");
            (codes::DUPLICATE_KEY, format!("`{key}` is written twice in the same mapping"))
        }
        E::Budget { .. }
        | E::AliasReplayLimitExceeded { .. }
        | E::AliasExpansionLimitExceeded { .. }
        | E::AliasReplayStackDepthExceeded { .. }
        | E::AliasReplayCounterOverflow { .. } => (
            codes::YAML_TOO_LARGE,
            "the file nests too deeply, or is too large once its aliases are expanded".to_string(),
        ),
        E::MultipleDocuments { .. } => {
            (codes::YAML_SYNTAX, "a file holds one document, and this one goes on after `---`".to_string())
        }
        other => {
            let text = other.to_string();
            let first = text.lines().next().unwrap_or_default();
            (codes::YAML_SYNTAX, format!("this is not YAML: {}", lower_first(first)))
        }
    };
    Diagnostic::error(code, place, message)
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_lowercase().chain(chars).collect())
}

/// Where the parser says it is. Some errors come without a byte offset; line and column then serve.
fn located(file: u32, text: &str, location: serde_saphyr::Location) -> Place {
    let by_line = || {
        let line = (location.line() as usize).saturating_sub(1);
        let column = (location.column() as usize).saturating_sub(1);
        let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        let rest = text.get(start..).unwrap_or_default();
        start + rest.char_indices().nth(column).map_or(rest.trim_end().len(), |(at, _)| at)
    };
    let span = location.span();
    let start = span.byte_offset().map_or_else(by_line, |offset| offset as usize).min(text.len());
    let len = span.byte_len().unwrap_or(0) as usize;
    let end = start.saturating_add(len).min(text.len());
    Place { file, start: start as u32, end: end as u32 }
}

/// What the YAML library hands over, before places are worked out.
enum Raw {
    Null,
    Bool(bool),
    Number,
    Text(String),
    List(Vec<serde_saphyr::Spanned<Raw>>),
    Map(Vec<(serde_saphyr::Spanned<String>, serde_saphyr::Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }
    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }
    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(self)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }
    fn visit_i64<E>(self, _: i64) -> Result<Raw, E> {
        Ok(Raw::Number)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Raw, E> {
        Ok(Raw::Number)
    }
    fn visit_i128<E>(self, _: i128) -> Result<Raw, E> {
        Ok(Raw::Number)
    }
    fn visit_u128<E>(self, _: u128) -> Result<Raw, E> {
        Ok(Raw::Number)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Raw, E> {
        Ok(Raw::Number)
    }
    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_string()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}

fn place(file: u32, text: &str, raw: serde_saphyr::Spanned<Raw>) -> Node {
    let mut at = located(file, text, raw.referenced);
    let written = text.get(at.start as usize..at.end as usize).unwrap_or_default();
    let value = match raw.value {
        Raw::Null => Value::Null,
        Raw::Bool(value) => Value::Bool(value),
        // An aliased number stands where its anchor is.
        Raw::Number => {
            let defined = located(file, text, raw.defined);
            let digits = text.get(defined.start as usize..defined.end as usize).unwrap_or(written);
            Value::Number(digits.trim().to_string())
        }
        Raw::Text(value) => Value::Text(value),
        Raw::List(items) => Value::List(items.into_iter().map(|item| place(file, text, item)).collect()),
        Raw::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| (key.value, located(file, text, key.referenced), place(file, text, value)))
                .collect(),
        ),
    };
    at.end = at.start + written.trim_end().len() as u32;
    Node { value, place: at }
}
