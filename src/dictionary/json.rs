//! `dictionary.json`: the document as it stands, with the version of its shape in front.

use serde::{Deserialize, Serialize};

use super::Document;
use crate::error::{Error, Result};

/// The version of the shape of `dictionary.json`; it rises when a key changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct Versioned<'a> {
    schema_version: u32,
    #[serde(flatten)]
    document: &'a Document,
}

#[derive(Deserialize)]
struct Version {
    schema_version: u32,
}

/// The document for people and programs: indented, ends with a line break.
pub(super) fn pretty(document: &Document) -> Result<String> {
    let mut text = serde_json::to_string_pretty(&versioned(document)).map_err(unserialisable)?;
    text.push('\n');
    Ok(text)
}

/// The document on one line, for the page that carries it.
pub(super) fn compact(document: &Document) -> Result<String> {
    serde_json::to_string(&versioned(document)).map_err(unserialisable)
}

/// Reads a `dictionary.json` back, so that a page can be made again without a run.
///
/// # Errors
/// A project error where the text is not a dictionary, or has a newer shape than this program knows.
pub fn read(text: &str) -> Result<Document> {
    let not_ours = |e| Error::project("the file is not a data dictionary").with_source(e);
    let Version { schema_version } = serde_json::from_str(text).map_err(not_ours)?;
    if schema_version != SCHEMA_VERSION {
        let message = format!("the dictionary has schema version {schema_version}, expected {SCHEMA_VERSION}");
        return Err(Error::project(message).with_hint("run `marquetry run` to write it anew"));
    }
    serde_json::from_str(text).map_err(not_ours)
}

fn versioned(document: &Document) -> Versioned<'_> {
    Versioned { schema_version: SCHEMA_VERSION, document }
}

fn unserialisable(source: serde_json::Error) -> Error {
    Error::internal("the dictionary could not be written as JSON").with_source(source)
}
