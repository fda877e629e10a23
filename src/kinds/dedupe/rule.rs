//! One match rule as written: a key, a list of keys, or a mapping with more.

use std::borrow::Cow;
use std::fmt;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer};

use super::probabilistic::Probabilistic;
use crate::diag::Place;
use crate::syntax::{ColumnName, ExprText, OneOrMany, Spanned, SqlText};

/// When two records are about the same.
#[derive(Debug, Clone)]
pub struct MatchRule {
    /// What the rule is called in the outputs; made of its keys where unset.
    pub name: Option<String>,
    /// How records are compared.
    pub how: How,
}

/// How records are compared.
#[derive(Debug, Clone)]
pub enum How {
    /// Records that share all of these match: fields, or SQL expressions over fields.
    Equal(Vec<ExprText>),
    /// Records that share all keys of `within` match where all fields are similar.
    Similar {
        /// By field, what two values must be: a number is the least Jaro–Winkler similarity.
        fields: IndexMap<Spanned<ColumnName>, Spanned<String>>,
        /// As [`How::Equal`].
        within: Vec<ExprText>,
    },
    /// Records match where what was found of all their fields makes it likely.
    Probabilistic(Box<Spanned<Probabilistic>>),
}

impl MatchRule {
    /// The keys that records must share, each where it is written: a rule that is one word stands at
    /// the rule's own place.
    pub fn keys_at(&self, place: Place) -> impl Iterator<Item = ExprText> {
        let keys: &[ExprText] = match &self.how {
            How::Equal(keys) | How::Similar { within: keys, .. } => keys,
            How::Probabilistic(_) => &[],
        };
        let stand = move |key: &ExprText| if key.place == Place::default() { place } else { key.place };
        keys.iter().map(move |key| Spanned::new(key.value.clone(), stand(key)))
    }

    /// What it is called: its own name, or what it compares.
    pub fn title(&self) -> String {
        let join = |texts: Vec<&str>| texts.join(" + ");
        self.name.clone().unwrap_or_else(|| match &self.how {
            How::Equal(keys) => join(keys.iter().map(|key| key.as_str()).collect()),
            How::Similar { fields, .. } => {
                format!("similar {}", join(fields.keys().map(|field| field.as_str()).collect()))
            }
            How::Probabilistic(_) => "probabilistic".to_string(),
        })
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    keys: Option<OneOrMany<ExprText>>,
    #[serde(default)]
    similar: Option<IndexMap<Spanned<ColumnName>, Spanned<String>>>,
    #[serde(default)]
    within: Option<OneOrMany<ExprText>>,
    #[serde(default)]
    probabilistic: Option<Spanned<Probabilistic>>,
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
        f.write_str("a field, a list of fields, or a mapping with `keys`, `similar` or `probabilistic`")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<MatchRule, E> {
        let key = Spanned::new(SqlText(key.to_string()), Place::default());
        Ok(MatchRule { name: None, how: How::Equal(vec![key]) })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<MatchRule, A::Error> {
        let mut keys = Vec::new();
        while let Some(key) = seq.next_element()? {
            keys.push(key);
        }
        Ok(MatchRule { name: None, how: How::Equal(some(keys)?) })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<MatchRule, A::Error> {
        let Fields { name, keys, similar, within, probabilistic } =
            Fields::deserialize(MapAccessDeserializer::new(map))?;
        let how = match (keys, similar, within, probabilistic) {
            (Some(keys), None, None, None) => How::Equal(some(keys.0)?),
            (None, Some(fields), Some(within), None) if !fields.is_empty() => {
                How::Similar { fields, within: some(within.0)? }
            }
            (None, None, None, Some(rule)) => How::Probabilistic(Box::new(rule)),
            (None, Some(_), None, None) => {
                return Err(Error::custom(
                    "a rule with `similar` needs `within`: what records must share before their values are compared",
                ));
            }
            _ => return Err(Error::custom("a rule has either `keys`, or `similar` with `within`, or `probabilistic`")),
        };
        Ok(MatchRule { name, how })
    }
}

fn some<E: Error>(keys: Vec<ExprText>) -> Result<Vec<ExprText>, E> {
    if keys.is_empty() { Err(E::custom("a match rule needs at least one key")) } else { Ok(keys) }
}

impl JsonSchema for MatchRule {
    fn schema_name() -> Cow<'static, str> {
        "MatchRule".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let key = generator.subschema_for::<SqlText>();
        let keys = json_schema!({ "type": "array", "minItems": 1, "items": key });
        let probabilistic = generator.subschema_for::<Probabilistic>();
        let name = json_schema!({ "type": "string", "description": "What the rule is called in the outputs; made of what it compares where unset." });
        json_schema!({
            "description": "When two records are about the same: a field, a list of fields that must all be equal, or a mapping with more.",
            "anyOf": [key, keys, {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "name": name,
                    "keys": {
                        "anyOf": [key, keys],
                        "description": "Fields, or SQL expressions over fields: records that share all of them match."
                    },
                    "similar": {
                        "type": "object",
                        "additionalProperties": { "anyOf": [{ "type": "number" }, { "type": "string" }] },
                        "description": "By field, what two values must be: the least Jaro–Winkler similarity as a number, or a test as in `edits 1`, `words 0.8`, `alike 0.8`."
                    },
                    "within": {
                        "anyOf": [key, keys],
                        "description": "What records must share before they are compared by `similar`, as under `keys`."
                    },
                    "probabilistic": probabilistic
                }
            }]
        })
    }
}
