//! YAML as a tree in which every node knows its place.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::diag::{Diagnostic, Place, codes};

/// The deepest nesting a project file may have.
const MAX_DEPTH: usize = 32;
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
    let error = innermost(error);
    match error {
        E::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("this key");
            let message = format!("`{key}` is written twice in the same mapping");
            Diagnostic::error(codes::DUPLICATE_KEY, place, message)
        }
        E::Budget { .. }
        | E::AliasReplayLimitExceeded { .. }
        | E::AliasExpansionLimitExceeded { .. }
        | E::AliasReplayStackDepthExceeded { .. }
        | E::AliasReplayCounterOverflow { .. } => {
            let message = "the file nests too deeply, or is too large once its aliases are expanded";
            Diagnostic::error(codes::YAML_TOO_LARGE, place, message)
                .hint(format!("at most {MAX_DEPTH} levels and {MAX_NODES} values are read"))
        }
        E::MultipleDocuments { .. } => {
            let message = "a file holds one document, and this one goes on after `---`";
            Diagnostic::error(codes::YAML_SYNTAX, place, message).hint("put each into a file of its own")
        }
        other => malformed(place, &other.to_string()),
    }
}

/// The error itself, without the parser's wrappings.
fn innermost(error: &serde_saphyr::Error) -> &serde_saphyr::Error {
    match error {
        serde_saphyr::Error::AliasError { error, .. } | serde_saphyr::Error::WithSnippet { error, .. } => {
            innermost(error)
        }
        other => other,
    }
}

/// What breaks the rules of YAML: the usual causes in our words, the others in the parser's.
fn malformed(place: Option<Place>, text: &str) -> Diagnostic {
    let first = text.lines().next().unwrap_or_default();
    let words = first.split(" at line ").next().unwrap_or(first);
    let known = [
        ("tabs disallowed", "a tab cannot indent a line", "indent with spaces"),
        (
            "mapping values are not allowed",
            "a further `:` cannot stand here",
            "put a text that contains `: ` in quotes",
        ),
        ("':' indicator", "a `:` cannot stand here", "a bracket or a quote before it may not be closed"),
        ("unclosed bracket", "this bracket is not closed", "close it, or put the text in quotes"),
    ];
    let (words, hint) = match known.iter().find(|(theirs, _, _)| words.contains(theirs)) {
        Some((_, ours, hint)) => ((*ours).to_string(), *hint),
        None => (lower_first(words), "the cause may stand before this place: a quote, a bracket, or an indentation"),
    };
    Diagnostic::error(codes::YAML_SYNTAX, place, format!("this is not YAML: {words}")).hint(hint)
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
        // Old YAML takes `no`, `y` and `on` for truth values; here they are the words they are.
        Raw::Bool(value) => match defined(file, text, &raw.defined).unwrap_or(written) {
            "true" | "false" => Value::Bool(value),
            word => Value::Text(word.to_string()),
        },
        Raw::Number => Value::Number(defined(file, text, &raw.defined).unwrap_or(written).to_string()),
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
    at.end = at.end.max(end_of_children(&value, at, text));
    Node { value, place: at }
}

/// The text of a plain value, which stands where its anchor is when it is aliased.
fn defined<'a>(file: u32, text: &'a str, location: &serde_saphyr::Location) -> Option<&'a str> {
    let place = located(file, text, *location);
    text.get(place.start as usize..place.end as usize).map(str::trim)
}

/// The parser gives lists and mappings the place of their first sign; they end with their last value
/// or with the bracket after it.
fn end_of_children(value: &Value, at: Place, text: &str) -> u32 {
    let last = match value {
        Value::List(items) => items.last().map(|item| item.place),
        Value::Map(entries) => {
            entries.last().map(|(_, key, value)| if value.place < *key { *key } else { value.place })
        }
        _ => None,
    };
    let is_list_or_map = matches!(value, Value::List(_) | Value::Map(_));
    let end = last.filter(|last| last.start >= at.start).map_or(at.end, |last| last.end.max(at.end));
    let closing = match text.get(at.start as usize..).and_then(|text| text.chars().next()) {
        Some('{') if is_list_or_map => '}',
        Some('[') if is_list_or_map => ']',
        _ => return end,
    };
    let rest = text.get(end as usize..).unwrap_or_default();
    let skipped = rest.len() - rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',').len();
    if rest.get(skipped..).is_some_and(|rest| rest.starts_with(closing)) { end + skipped as u32 + 1 } else { end }
}
