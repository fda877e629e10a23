//! Errors of the engine's as ours.
//!
//! What a computation failed on is somebody's data, and the engine quotes it. So of an error that
//! came about over values nothing is passed on: its words are looked at, and ours are said.

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use parquet::errors::ParquetError;

use super::Error;

/// What stands before the text of an error that a condition met while the reader tried it on rows.
const OF_A_CONDITION: &str = "Error evaluating filter predicate: ";

impl From<ArrowError> for Error {
    fn from(source: ArrowError) -> Self {
        match source {
            ArrowError::ExternalError(inner) => of_any(inner),
            ArrowError::IoError(_, inner) => inner.into(),
            ArrowError::ParquetError(words) if !words.contains(OF_A_CONDITION) => {
                Self::world("Parquet file could not be read or written").with_source(words)
            }
            other if is_arrow_of_values(&other) => of_values(&other.to_string()),
            other => Self::data("columns could not be computed").with_source(other),
        }
    }
}

impl From<ParquetError> for Error {
    fn from(source: ParquetError) -> Self {
        let words = source.to_string();
        match words.contains(OF_A_CONDITION) {
            true => of_values(&words),
            false => Self::world("Parquet file could not be read or written").with_source(source),
        }
    }
}

impl From<DataFusionError> for Error {
    /// Sorts an engine error by what lies at its root; an error of ours that passed through the
    /// engine comes out as it went in.
    fn from(source: DataFusionError) -> Self {
        use DataFusionError as E;
        match source {
            E::External(inner) => of_any(inner),
            // A context of the engine's may name the file that could not be read.
            E::Context(context, inner) => {
                let error: Self = (*inner).into();
                if context.starts_with("reading ") { error.while_doing(context) } else { error }
            }
            E::Diagnostic(_, inner) => (*inner).into(),
            E::Shared(inner) => match inner.find_root() {
                E::External(root) if let Some(ours) = root.downcast_ref::<Self>() => ours.copy(),
                E::ResourcesExhausted(message) => Self::exhausted(message),
                root if is_of_values(root) => of_values(&root.to_string()),
                E::ObjectStore(_) | E::IoError(_) | E::ParquetError(_) => {
                    Self::world("reading or writing failed").with_source(inner.to_string())
                }
                _ => Self::data("a query failed").with_source(inner.to_string()),
            },
            E::ObjectStore(inner) => (*inner).into(),
            E::ParquetError(inner) => (*inner).into(),
            E::IoError(inner) => inner.into(),
            E::ArrowError(inner, _) => (*inner).into(),
            E::Execution(words) => of_values(&words),
            E::ResourcesExhausted(message) => Self::exhausted(&message),
            E::Internal(message) => Self::internal(message),
            other => Self::data("a query failed").with_source(other.strip_backtrace()),
        }
    }
}

fn of_any(inner: Box<dyn std::error::Error + Send + Sync>) -> Error {
    let inner = match inner.downcast::<Error>() {
        Ok(ours) => return *ours,
        Err(inner) => inner,
    };
    match inner.downcast::<DataFusionError>() {
        Ok(engine) => (*engine).into(),
        Err(inner) => match inner.downcast::<ArrowError>() {
            Ok(arrow) => (*arrow).into(),
            Err(inner) => Error::data("a query failed").with_source(inner),
        },
    }
}

/// Whether an error came about while values were computed: whoever read them is not to blame.
pub(crate) fn is_of_values(error: &DataFusionError) -> bool {
    match error.find_root() {
        DataFusionError::Execution(_) => true,
        DataFusionError::ArrowError(inner, _) => is_arrow_of_values(inner),
        DataFusionError::ParquetError(inner) => inner.to_string().contains(OF_A_CONDITION),
        _ => false,
    }
}

fn is_arrow_of_values(error: &ArrowError) -> bool {
    use ArrowError as A;
    match error {
        A::ParquetError(words) => words.contains(OF_A_CONDITION),
        A::CastError(_) | A::ParseError(_) | A::ComputeError(_) | A::InvalidArgumentError(_) => true,
        A::DivideByZero | A::ArithmeticOverflow(_) | A::CsvError(_) | A::JsonError(_) => true,
        // Of types, sizes and stores.
        _ => false,
    }
}

/// What a computation failed on, without a value of it.
fn of_values(words: &str) -> Error {
    const UNSAID: &str = "the value is not shown, for it may be personal data";
    let has = |any: &[&str]| any.iter().any(|part| words.contains(part));
    if has(&["too large to store", "verflow", "out of range", "Can't cast value"]) {
        return Error::data("a number is larger than its type can hold")
            .with_hint("cast to a wider type before computing, as in `CAST(amount AS DECIMAL(38, 2))`");
    }
    if has(&["Cast error", "CastError", "Cannot cast"]) {
        let wanted = cast_to(words).map_or_else(|| "the type asked for".to_string(), |ty| format!("`{ty}`"));
        return Error::data(format!("a value cannot be cast to {wanted}"))
            .with_hint(format!("`TRY_CAST` gives NULL where `CAST` fails; {UNSAID}"));
    }
    if has(&["Divide by zero", "DivideByZero"]) {
        return Error::data("a number is divided by zero")
            .with_hint("divide by `NULLIF(x, 0)`, which gives NULL where `x` is zero");
    }
    if has(&["Error parsing timestamp", "Parser error", "ParseError"]) {
        return Error::data("a text cannot be read as a date or an instant")
            .with_hint(format!("`TRY_CAST(x AS TIMESTAMP)` gives NULL where it cannot; {UNSAID}"));
    }
    if has(&["more than one row"]) {
        return Error::data("a subquery that stands for one value gives several rows")
            .with_hint("let it give one, with an aggregate or `LIMIT 1` after an `ORDER BY`");
    }
    Error::data("a function or operator does not take one of the values that it is given")
        .with_hint(format!("pass over such rows with a condition, or with `CASE`; {UNSAID}"))
}

/// The type that a failed cast was to, as SQL spells it. Only words of this list are ever shown.
fn cast_to(words: &str) -> Option<&'static str> {
    const TYPES: [(&str, &str); 12] = [
        ("Int8", "TINYINT"),
        ("Int16", "SMALLINT"),
        ("Int32", "INT"),
        ("Int64", "BIGINT"),
        ("UInt64", "BIGINT UNSIGNED"),
        ("Float32", "REAL"),
        ("Float64", "DOUBLE"),
        ("Boolean", "BOOLEAN"),
        ("Date32", "DATE"),
        ("Timestamp", "TIMESTAMP"),
        ("Time64", "TIME"),
        ("Decimal", "DECIMAL"),
    ];
    let (_, rest) = words.rsplit_once(" to value of ").or_else(|| words.rsplit_once(" to type "))?;
    let known = TYPES.iter().find(|(arrow, _)| {
        rest.strip_prefix(arrow).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphabetic()))
    });
    known.map(|(_, sql)| *sql)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::error::ErrorKind;

    fn cast() -> ArrowError {
        ArrowError::CastError("Cannot cast string 'bjorn@example.com' to value of Int64 type".to_string())
    }

    /// What is said of an error, its hint with it.
    fn said(error: Error) -> String {
        assert_eq!(error.kind(), ErrorKind::Data);
        format!("{error} | {}", error.hint().unwrap_or_default())
    }

    #[test]
    fn a_value_is_never_said() {
        let arrow = |error| DataFusionError::ArrowError(Box::new(error), None);
        let condition = ArrowError::ComputeError(format!("{OF_A_CONDITION}{:?}", arrow(cast())));
        let wanted = "a value cannot be cast to `BIGINT` | `TRY_CAST` gives NULL where `CAST` fails; \
                      the value is not shown, for it may be personal data";
        for error in [
            arrow(cast()),
            arrow(cast()).context("of the engine's"),
            DataFusionError::Shared(Arc::new(arrow(cast()))),
            DataFusionError::External(Box::new(arrow(cast()))),
            arrow(ArrowError::ExternalError(Box::new(arrow(cast())))),
            DataFusionError::ParquetError(Box::new(ParquetError::from(condition))),
        ] {
            assert_eq!(said(error.into()), wanted);
        }
        for words in ["Error parsing timestamp from 'bjorn@example.com'", "no such unit: bjorn@example.com"] {
            let said = said(DataFusionError::Execution(words.to_string()).into());
            assert!(!said.contains("bjorn"), "{said}");
        }
    }

    #[test]
    fn what_failed_is_said_in_plain_words() {
        for (error, words) in [
            (ArrowError::DivideByZero, "a number is divided by zero"),
            (ArrowError::ArithmeticOverflow("Overflow happened on: 7 * 8".to_string()), "larger than its type"),
            (ArrowError::CastError("Can't cast value 300 to type Int8".to_string()), "larger than its type"),
            (ArrowError::ParseError("Error parsing timestamp from 'x'".to_string()), "a date or an instant"),
            (ArrowError::ComputeError("bjorn".to_string()), "a function or operator does not take"),
        ] {
            let said = said(error.into());
            assert!(said.contains(words), "{said}");
        }
    }

    #[test]
    fn of_a_type_only_known_words_are_said() {
        for (words, ty) in [
            ("Cannot cast string 'a to value of b' to value of Int64 type", Some("BIGINT")),
            ("Cannot cast value 'x' to value of Boolean type", Some("BOOLEAN")),
            ("Cannot cast string 'x' to value of Decimal128(10, 2) type", Some("DECIMAL")),
            ("Cannot cast string 'x' to value of Int64bjorn type", None),
            ("Cannot cast string 'to value of bjorn'", None),
        ] {
            assert_eq!(cast_to(words), ty, "{words}");
        }
    }
}
