//! What the user says of a column: a sentence, or a mapping with the sentence in it.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};

use crate::contract::Pii;

/// What is said of one column of a model.
#[derive(Debug, Clone, Default)]
pub struct ColumnSpec {
    /// What it means.
    pub description: Option<String>,
    /// How personal it is; that of the columns it is made of where unset.
    pub pii: Option<Pii>,
}

/// The long form as it is written.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LongForm {
    /// What it means.
    description: Option<String>,
    /// How personal it is; inherited from the columns it is made of where unset.
    pii: Option<Pii>,
}

impl<'de> Deserialize<'de> for ColumnSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Forms;
        impl<'de> Visitor<'de> for Forms {
            type Value = ColumnSpec;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sentence, or a mapping with the key `description`")
            }
            fn visit_str<E>(self, text: &str) -> Result<ColumnSpec, E> {
                Ok(ColumnSpec { description: Some(text.trim().to_string()), pii: None })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ColumnSpec, A::Error> {
                let LongForm { description, pii } = LongForm::deserialize(MapAccessDeserializer::new(map))?;
                Ok(ColumnSpec { description: description.map(|text| text.trim().to_string()), pii })
            }
        }
        deserializer.deserialize_any(Forms)
    }
}

impl JsonSchema for ColumnSpec {
    fn schema_name() -> Cow<'static, str> {
        "ColumnSpec".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let long = generator.subschema_for::<LongForm>();
        json_schema!({
            "description": "What the column means, or a mapping that says it.",
            "anyOf": [{ "type": "string" }, long]
        })
    }
}
