//! One match rule as written: a key, a list of keys, or a mapping with more.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer};

use crate::diag::Place;
use crate::syntax::{ExprText, OneOrMany, Spanned, SqlText};

/// When two records are about the same.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchRule {
    /// What the rule is called in the outputs; made of its keys where unset.
    pub name: Option<String>,
    /// Fields, or SQL expressions over fields: records that share all of them match.
    pub keys: Vec<ExprText>,
}

impl MatchRule {
    /// The keys, each where it is written: a rule that is one word stands at the rule's own place.
    pub fn keys_at(&self, place: Place) -> impl Iterator<Item = ExprText> {
        let stand = move |key: &ExprText| if key.place == Place::default() { place } else { key.place };
        self.keys.iter().map(move |key| Spanned::new(key.value.clone(), stand(key)))
    }

    /// What it is called: its own name, or its keys.
    pub fn title(&self) -> String {
        let keys = || self.keys.iter().map(|key| key.as_str()).collect::<Vec<_>>().join(" + ");
        self.name.clone().unwrap_or_else(keys)
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    #[serde(default)]
    name: Option<String>,
    keys: OneOrMany<ExprText>,
}

impl<'de> Deserialize<'de> for MatchRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RuleVisitor)
    }
}

struct RuleVisitor;

impl<'de> Visitor<'de> for RuleVisitor {
    type Value = MatchRule;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field, a list of fields, or a mapping with `keys`")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<MatchRule, E> {
        let key = Spanned::new(SqlText(key.to_string()), Place::default());
        Ok(MatchRule { name: None, keys: vec![key] })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<MatchRule, A::Error> {
        let mut keys = Vec::new();
        while let Some(key) = seq.next_element()? {
            keys.push(key);
        }
        valid(MatchRule { name: None, keys })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<MatchRule, A::Error> {
        let Fields { name, keys } = Fields::deserialize(MapAccessDeserializer::new(map))?;
        valid(MatchRule { name, keys: keys.0 })
    }
}

fn valid<E: Error>(rule: MatchRule) -> Result<MatchRule, E> {
    if rule.keys.is_empty() {
        return Err(E::custom("a match rule needs at least one key"));
    }
    Ok(rule)
}

impl JsonSchema for MatchRule {
    fn schema_name() -> Cow<'static, str> {
        "MatchRule".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let key = generator.subschema_for::<SqlText>();
        let keys = json_schema!({ "type": "array", "minItems": 1, "items": key });
        json_schema!({
            "description": "When two records are about the same: a field, a list of fields that must all be equal, or a mapping with more.",
            "anyOf": [key, keys, {
                "type": "object",
                "additionalProperties": false,
                "required": ["keys"],
                "properties": {
                    "name": {"type": "string", "description": "What the rule is called in the outputs; made of its keys where unset."},
                    "keys": {
                        "anyOf": [key, keys],
                        "description": "Fields, or SQL expressions over fields: records that share all of them match."
                    }
                }
            }]
        })
    }
}
