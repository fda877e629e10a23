//! The JSON Schema of the language, generated from the types that read it.

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform as _};
use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};

use super::spec::{ModelFile, ProjectFile};
use crate::error::{Error, Result};
use crate::syntax::{SeedSpec, SourceSpec};

/// Where the schema is kept, relative to the repository; a test compares it with [`text`].
pub const PATH: &str = "schemas/marquetry.schema.json";

/// The schema as it is written to [`PATH`]: a file is a project, a model, a seed or a source.
pub fn text() -> Result<String> {
    let mut generator = SchemaGenerator::new(SchemaSettings::draft07());
    let files = [
        ("project", generator.subschema_for::<ProjectFile>()),
        ("model", generator.subschema_for::<ModelFile>()),
        ("seed", generator.subschema_for::<SeedSpec>()),
        ("source", generator.subschema_for::<SourceSpec>()),
    ];
    // The key that a file has says what it is, so that editors complete from that one type.
    let cases: Vec<Value> =
        files.iter().map(|(key, schema)| json!({ "if": { "required": [key] }, "then": schema })).collect();
    let keys: Vec<Value> = files.iter().map(|(key, _)| json!({ "required": [key] })).collect();
    let mut definitions = Value::Object(generator.take_definitions(true));
    if let Some(map) = definitions.as_object_mut() {
        map.sort_keys();
        for definition in map.values_mut() {
            if let Ok(schema) = <&mut Schema>::try_from(definition) {
                RecursiveTransform(sort_keys).transform(schema);
            }
        }
    }
    let whole = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Marquetry",
        "description": "A file of a Marquetry project: `marquetry.yml`, a model, a seed or a source.",
        "type": "object",
        "anyOf": keys,
        "allOf": cases,
        "definitions": definitions,
    });
    let text = serde_json::to_string_pretty(&whole)
        .map_err(|error| Error::internal("the schema cannot be written").with_source(error))?;
    Ok(text + "\n")
}

/// Required keys in one order: that of the types' fields is not kept by every generator version.
fn sort_keys(schema: &mut Schema) {
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.sort_by_key(ToString::to_string);
    }
}
