//! Errors of the SQL parser and planner in our words, at the user's line.

use std::sync::LazyLock;

use datafusion::common::diagnostic::Diagnostic as SqlDiagnostic;
use datafusion::common::{DataFusionError, SchemaError, Span};
use regex::Regex;

use super::sql_place::{Word, inside, last, word};
use crate::diag::{Diagnostic, Place, Sources, codes, nearest};

/// An error of the SQL planner as a diagnostic of ours.
///
/// `place` is where the SQL text stands in its file. The planner's line and column are turned into
/// a place inside it; where it gives none, the word it complains of is looked for.
pub(super) fn explain_error(
    error: &DataFusionError,
    sql: &str,
    place: Place,
    columns: &[&str],
    sources: &Sources,
) -> Diagnostic {
    let found = error.iter().find_map(|part| part.diagnostic().cloned());
    let span = found.as_ref().and_then(span_of).or_else(|| position_in_text(error));
    let at = span.map(|span| inside(sources, sql, place, span)).filter(|at| *at != place);
    let text = Text { sql, place, at, sources };
    match error.find_root() {
        DataFusionError::SchemaError(schema, _) => schema_error(schema, &text, columns),
        DataFusionError::SQL(parser, _) => syntax_error(&parser.to_string(), &text),
        root => planner_error(&root.strip_backtrace(), &text),
    }
}

/// The text that an error is about.
struct Text<'a> {
    sql: &'a str,
    place: Place,
    /// Where the planner says it is.
    at: Option<Place>,
    sources: &'a Sources,
}

impl Text<'_> {
    fn at(&self) -> Place {
        self.at.unwrap_or(self.place)
    }

    fn word(&self, name: &str, what: Word) -> Place {
        self.at.unwrap_or_else(|| word(self.sources, self.sql, self.place, name, what))
    }
}

fn schema_error(error: &SchemaError, text: &Text<'_>, columns: &[&str]) -> Diagnostic {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let mut names: Vec<String> = valid_fields.iter().map(|column| column.name.clone()).collect();
            names.extend(columns.iter().map(|name| (*name).to_string()));
            // So it is called where a column that is not known was taken for NULL.
            names.retain(|name| name != "NULL");
            names.sort();
            names.dedup();
            let shown: Vec<String> = names.iter().take(12).map(|name| format!("`{name}`")).collect();
            let more = if names.len() > shown.len() { ", …" } else { "" };
            let at = text.word(&field.name, Word::Column);
            Diagnostic::error(codes::UNKNOWN_COLUMN, at, format!("there is no column `{}` here", field.name))
                .hint(format!("columns: {}{more}", shown.join(", ")))
                .did_you_mean(&field.name, names.iter().map(String::as_str))
        }
        // With a table's name before it, two columns of a result are meant.
        SchemaError::AmbiguousReference { field } if field.relation.is_none() => {
            let message = format!("`{}` could mean a column of more than one table", field.name);
            Diagnostic::error(codes::AMBIGUOUS_COLUMN, text.word(&field.name, Word::Column), message)
                .hint(format!("write the table's name before it, as in `t.{}`", field.name))
        }
        SchemaError::AmbiguousReference { field } => twice(&field.name, text),
        SchemaError::DuplicateQualifiedField { name, .. } | SchemaError::DuplicateUnqualifiedField { name } => {
            twice(name, text)
        }
    }
}

fn twice(name: &str, text: &Text<'_>) -> Diagnostic {
    let message = format!("two columns of the result are called `{name}`");
    Diagnostic::error(codes::SQL_INVALID, text.word(name, Word::Output), message).hint("name one of them with `AS`")
}

fn syntax_error(parser: &str, text: &Text<'_>) -> Diagnostic {
    let words = tidy(parser);
    let words = words.split(" at Line: ").next().unwrap_or_default();
    let told = words.strip_prefix("expected: ").and_then(|rest| rest.split_once(", found: "));
    let (message, at) = match told {
        Some((wanted, "EOF")) => {
            let at = text.at.unwrap_or_else(|| last(text.sources, text.sql, text.place));
            (format!("expected {}, found the end of the text", quoted(wanted)), at)
        }
        Some((wanted, found)) => (format!("expected {}, found `{found}`", quoted(wanted)), text.at()),
        None => (words.to_string(), text.at()),
    };
    Diagnostic::error(codes::SQL_SYNTAX, at, format!("SQL cannot be parsed: {message}"))
}

/// Signs in backticks, descriptions as they are.
fn quoted(wanted: &str) -> String {
    if wanted.chars().any(char::is_lowercase) { wanted.to_string() } else { format!("`{wanted}`") }
}

/// The planner's own messages, sorted into our codes, without its advice on reporting bugs.
fn planner_error(message: &str, text: &Text<'_>) -> Diagnostic {
    let lower = message.to_lowercase();
    let name = between(message, '\'').unwrap_or_default();
    if lower.contains("invalid function") {
        let unknown = format!("there is no function `{name}`");
        let suggested = message.rsplit_once("mean '").and_then(|(_, rest)| rest.split('\'').next());
        return Diagnostic::error(codes::UNKNOWN_FUNCTION, text.word(name, Word::Function), unknown).maybe_hint(
            suggested.and_then(|near| nearest(name, [near])).map(|near| format!("did you mean `{near}`?")),
        );
    }
    if lower.contains("unique expression names") {
        let found = message.split('"').nth(1).unwrap_or_default();
        return twice(found.rsplit(" AS ").next().and_then(|name| name.rsplit('.').next()).unwrap_or(found), text);
    }
    if lower.contains("union queries have different number") {
        let message = "the queries of a UNION have different numbers of columns";
        return Diagnostic::error(codes::SQL_INVALID, text.at(), message);
    }
    if lower.contains("group by") {
        return not_aggregated(message, text);
    }
    if let Some(found) = constant(message, text).or_else(|| call(message, text)) {
        return found;
    }
    if let Some(parts) = OPERATION.as_ref().and_then(|regex| regex.captures(message)).and_then(|parts| parts.get(1)) {
        let message = format!("these types do not go together: {}", plain_types(parts.as_str()));
        return Diagnostic::error(codes::SQL_TYPES, text.at(), message).hint("convert one side with `CAST`");
    }
    let about_types = ["coerce", "type", "incompatible", "cannot cast", "can't compare"];
    let code = if about_types.iter().any(|word| lower.contains(word)) { codes::SQL_TYPES } else { codes::SQL_INVALID };
    Diagnostic::error(code, text.at(), plain_types(&tidy(message)))
}

fn not_aggregated(message: &str, text: &Text<'_>) -> Diagnostic {
    let column = message.split("column \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
    let name = column.rsplit('.').next().unwrap_or(column);
    let said = format!("`{name}` is neither grouped nor aggregated");
    Diagnostic::error(codes::NOT_AGGREGATED, text.word(name, Word::Column), said)
        .hint(format!("add it to GROUP BY, or take one value of each group, as in `max({name})`"))
}

/// A value in the text that is not what it has to be.
fn constant(message: &str, text: &Text<'_>) -> Option<Diagnostic> {
    let lower = message.to_lowercase();
    let wrong = |said: String, hint: &str| Diagnostic::error(codes::SQL_INVALID, text.at(), said).hint(hint);
    if lower.contains("regular expression did not compile") || lower.contains("regex parse error") {
        let reason = message.rsplit("error: ").next().and_then(|reason| reason.lines().next()).unwrap_or_default();
        let reason = reason.trim_end_matches([')', '"']).split("\\n").next().unwrap_or_default();
        let said = format!("a regular expression cannot be read: {reason}");
        let hint = "a character that has a meaning of its own is written with `\\` before it";
        return Some(Diagnostic::error(codes::BAD_REGEX, text.at(), said).hint(hint));
    }
    if let Some(parts) = VALUE.as_ref().and_then(|regex| regex.captures(message)) {
        let [value, wanted] = parts.extract().1;
        let said = format!("`{value}` cannot be read as {}", plain_types(wanted));
        return Some(
            Diagnostic::error(codes::SQL_TYPES, text.at(), said)
                .hint("write a value of that type, or `TRY_CAST`, which gives NULL"),
        );
    }
    if lower.contains("divide by zero") {
        return Some(wrong("a number is divided by zero".to_string(), "`nullif(…, 0)` gives NULL instead"));
    }
    None
}

/// A function that exists and does not take what it is given.
fn call(message: &str, text: &Text<'_>) -> Option<Diagnostic> {
    let name = CALL.as_ref()?.captures(message)?.get(1)?.as_str();
    let reason = REQUIRES.as_ref().and_then(|regex| regex.captures(message)).map(|parts| {
        let [wanted, given] = parts.extract().1.map(plain_types);
        format!(": it wants {} where it is given {given}", wanted.to_lowercase())
    });
    let said = format!("`{name}` cannot be called with these values{}", reason.unwrap_or_default());
    let usage = USAGE.as_ref().and_then(|regex| regex.captures(message)).and_then(|parts| parts.get(1));
    let hint = match usage {
        Some(usage) => format!("it is written `{}`", usage.as_str()),
        None => "look at the number, the order and the types of its arguments".to_string(),
    };
    Some(Diagnostic::error(codes::SQL_TYPES, text.word(name, Word::Function), said).hint(hint))
}

/// A pattern of ours; one that cannot be read would match nothing, and a test says so.
fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

/// A text that is converted and cannot be.
static VALUE: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"(?i)cannot cast string '(.*)' to value of (\w+)(?:\(.*\))? type"));
static CALL: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"(?i)(?:function )?'(\w+)' (?:failed to match|does not support|expects|requires)"));
static REQUIRES: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"requires (\w+), but received (.+?) \(DataType"));
/// How a function of ours is written.
static USAGE: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"; written ([^;]+);"));
static OPERATION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?:coerce arithmetic expression|comparison operation|logical operation|operation) (.+?)(?: to valid types.*)?$",
    )
});
static TYPES: LazyLock<[(Option<Regex>, &str); 8]> = LazyLock::new(|| {
    [
        (pattern(r#"Timestamp\([^)]*\)"#), "timestamp"),
        (pattern(r"\b(?:LargeUtf8|Utf8View|Utf8|String)\b"), "text"),
        (pattern(r"\bU?Int64\b"), "bigint"),
        (pattern(r"\bU?Int(?:8|16|32)\b"), "int"),
        (pattern(r"\bFloat(?:16|32|64)\b"), "double"),
        (pattern(r"\bBoolean\b"), "boolean"),
        (pattern(r"\bDate(?:32|64)\b"), "date"),
        (pattern(r"\bDecimal(?:32|64|128|256)\b"), "decimal"),
    ]
});

/// Arrow's names of types in the words of the contracts.
fn plain_types(text: &str) -> String {
    let known = TYPES.iter().filter_map(|(arrow, ours)| Some((arrow.as_ref()?, *ours)));
    known.fold(text.to_string(), |text, (arrow, ours)| arrow.replace_all(&text, ours).into_owned())
}

fn between(text: &str, sign: char) -> Option<&str> {
    text.split(sign).nth(1)
}

/// One line, lower case at the start, no full stop, none of the planner's own preambles.
pub(super) fn tidy(message: &str) -> String {
    let mut text = message.lines().next().unwrap_or_default().trim();
    let preambles = ["SQL error: ", "sql parser error: ", "Execution error: ", "Schema error: ", "Internal error: "];
    let arrow = ["Arrow error: ", "Cast error: ", "Compute error: ", "Parser error: ", "Invalid argument error: "];
    let preambles = preambles.into_iter().chain(["Error during planning: ", "This feature is not implemented: "]);
    for preamble in preambles.chain(arrow) {
        text = text.strip_prefix(preamble).unwrap_or(text);
    }
    let text = text.split(". This issue was likely caused by a bug").next().unwrap_or(text);
    let text = text.split("This was likely caused by a bug").next().unwrap_or(text);
    let text = text.trim().trim_end_matches('.');
    let mut chars = text.chars();
    let first_is_word = text.chars().nth(1).is_some_and(char::is_lowercase);
    match chars.next() {
        Some(first) if first_is_word => first.to_lowercase().chain(chars).collect(),
        _ => text.to_string(),
    }
}

/// Where the planner says it is: its own place, or that of its notes on both sides of an operator.
fn span_of(found: &SqlDiagnostic) -> Option<Span> {
    let notes = found.notes.iter().filter_map(|note| note.span);
    found.span.or_else(|| notes.reduce(|a, b| Span { start: a.start.min(b.start), end: a.end.max(b.end) }))
}

/// Some errors carry their position only in the text: `… at Line: 1, Column: 8`.
fn position_in_text(error: &DataFusionError) -> Option<Span> {
    let text = error.to_string();
    let (_, rest) = text.split_once("Line: ")?;
    let number = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<u64>().ok();
    let line = number(rest)?;
    let (_, rest) = rest.split_once("Column: ")?;
    let column = number(rest)?;
    let at = datafusion::common::Location { line, column };
    Some(Span { start: at, end: at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_can_be_read() {
        for regex in [&*VALUE, &*CALL, &*REQUIRES, &*USAGE, &*OPERATION] {
            assert!(regex.is_some());
        }
        assert!(TYPES.iter().all(|(regex, _)| regex.is_some()));
    }

    #[test]
    fn types_are_named_as_contracts_name_them() {
        let text = "Timestamp(µs, \"UTC\") - Utf8View, Decimal128(18, 2), Int32";
        assert_eq!(plain_types(text), "timestamp - text, decimal(18, 2), int");
    }

    #[test]
    fn messages_lose_their_preambles() {
        assert_eq!(tidy("Error during planning: Something is wrong."), "something is wrong");
        assert_eq!(tidy("Internal error: No such thing. This issue was likely caused by a bug in x"), "no such thing");
    }
}
