//! Which record a field's value is taken from, as written: a word, or systems in order.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor, value::MapAccessDeserializer};

use crate::syntax::{OneOrMany, Spanned};

/// Which of the values that the records of one person or account hold survives.
///
/// A missing or blank value never does. What is left undecided is decided by the order of the
/// systems, then by record id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Policy {
    /// The one changed last.
    MostRecent,
    /// That of the system listed first under `records:`, of its records the one changed last.
    SourcePriority,
    /// That of the first of these systems that has one; then as [`Policy::SourcePriority`].
    Prefer(Vec<Spanned<String>>),
    /// The longest one.
    MostComplete,
    /// The one that most records hold; of equally many the one changed last.
    MostFrequent,
    /// The smallest.
    Min,
    /// The greatest.
    Max,
    /// That of the record created first.
    First,
}

/// The words, with what each says in a sentence of the dictionary.
const WORDS: [(&str, Policy, &str); 7] = [
    ("most_recent", Policy::MostRecent, "the value changed last"),
    ("source_priority", Policy::SourcePriority, "the value of the system listed first"),
    ("most_complete", Policy::MostComplete, "the longest value"),
    ("most_frequent", Policy::MostFrequent, "the value that most records hold"),
    ("min", Policy::Min, "the smallest value"),
    ("max", Policy::Max, "the greatest value"),
    ("first", Policy::First, "the value of the record created first"),
];

impl Policy {
    /// The word it is declared by; `prefer` where systems are named.
    pub fn word(&self) -> &'static str {
        WORDS.iter().find(|(_, policy, _)| policy == self).map_or("prefer", |(word, _, _)| word)
    }

    /// What survives, as the object of a sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::Prefer(systems) => {
                let names: Vec<String> = systems.iter().map(|system| format!("`{system}`")).collect();
                format!("the value of the first of {} that has one", names.join(", "))
            }
            word => WORDS.iter().find(|(_, policy, _)| policy == word).map_or("", |(_, _, words)| words).to_string(),
        }
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    prefer: OneOrMany<Spanned<String>>,
}

impl<'de> Deserialize<'de> for Policy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PolicyVisitor)
    }
}

struct PolicyVisitor;

impl<'de> Visitor<'de> for PolicyVisitor {
    type Value = Policy;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a policy, or a mapping with `prefer`")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Policy, E> {
        let known = WORDS.iter().find(|(name, _, _)| *name == word);
        known.map(|(_, policy, _)| policy.clone()).ok_or_else(|| {
            let names: Vec<&str> = WORDS.iter().map(|(name, _, _)| *name).collect();
            E::custom(format!(
                "`{word}` is not a policy: write one of {}, or `{{prefer: [system, …]}}`",
                names.join(", ")
            ))
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Policy, A::Error> {
        Ok(Policy::Prefer(Fields::deserialize(MapAccessDeserializer::new(map))?.prefer.0))
    }
}

impl JsonSchema for Policy {
    fn schema_name() -> Cow<'static, str> {
        "Policy".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<Schema> =
            WORDS.iter().map(|(word, _, meaning)| json_schema!({ "const": word, "description": meaning })).collect();
        let systems = json_schema!({
            "description": "Systems, the one to be believed first in front.",
            "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }]
        });
        json_schema!({
            "description": "Which record a field's value is taken from; a missing value never survives.",
            "anyOf": [{ "oneOf": words }, {
                "type": "object",
                "additionalProperties": false,
                "required": ["prefer"],
                "properties": { "prefer": systems }
            }]
        })
    }
}
