//! One stage as written: a name alone, or a mapping with more.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor, value::MapAccessDeserializer};

/// The longest name of a stage: `became_<stage>_at` must be a column name.
const MAX_NAME: usize = 50;

/// A stage that entities can be in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Its name: lower-case letters, digits and `_`.
    pub name: String,
    /// How people write it; also a value that leads to it.
    pub label: Option<String>,
    /// What it means to be in it.
    pub description: Option<String>,
    /// Whether an entity in it counts as closed, though the stage is on the ladder: won.
    pub closes: bool,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    name: String,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    closes: bool,
}

impl<'de> Deserialize<'de> for Stage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StageVisitor)
    }
}

struct StageVisitor;

impl<'de> Visitor<'de> for StageVisitor {
    type Value = Stage;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a stage, or a mapping with `name`")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Stage, E> {
        Ok(Stage { name: valid(name)?, label: None, description: None, closes: false })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Stage, A::Error> {
        let Fields { name, label, description, closes } = Fields::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Stage { name: valid(&name)?, label, description, closes })
    }
}

fn valid<E: Error>(name: &str) -> Result<String, E> {
    let letters = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if letters && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.len() <= MAX_NAME {
        return Ok(name.to_string());
    }
    Err(E::custom(format!(
        "`{name}` is not a stage name: use lower-case letters, digits and `_`, a letter first, at most {MAX_NAME}; how people write it goes into `label`"
    )))
}

impl JsonSchema for Stage {
    fn schema_name() -> Cow<'static, str> {
        "Stage".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let name = json_schema!({
            "type": "string",
            "pattern": "^[a-z][a-z0-9_]{0,49}$",
            "description": "The stage's name: lower-case letters, digits and `_`."
        });
        json_schema!({
            "description": "A stage that entities can be in: its name, or a mapping with more.",
            "anyOf": [name, {
                "type": "object",
                "additionalProperties": false,
                "required": ["name"],
                "properties": {
                    "name": name,
                    "label": {"type": "string", "description": "How people write it; also a value that leads to it."},
                    "description": {"type": "string", "description": "What it means to be in it."},
                    "closes": {"type": "boolean", "description": "Whether an entity in it counts as closed, though the stage is on the ladder: won."}
                }
            }]
        })
    }
}
