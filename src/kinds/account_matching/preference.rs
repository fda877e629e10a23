//! Which of several accounts is taken, as written: a condition, or a mapping with one word.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor, value::MapAccessDeserializer};

use crate::diag::Place;
use crate::syntax::{ExprText, Spanned, SqlText};

/// What makes one account go before another.
#[derive(Debug, Clone)]
pub struct Preference {
    /// What it is called in `decided_by`; made of its own words where unset.
    pub name: Option<String>,
    /// Which one goes first.
    pub order: Order,
    /// The value, over the accounts' table.
    pub by: ExprText,
}

/// Which account goes first; one without a value always goes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The one for which a condition is true.
    When,
    /// The one with the latest instant.
    Latest,
    /// The one with the earliest instant.
    Earliest,
    /// The one with the highest number.
    Highest,
    /// The one with the lowest number.
    Lowest,
}

impl Order {
    /// The word that it is declared by.
    pub fn word(self) -> &'static str {
        match self {
            Self::When => "when",
            Self::Latest => "latest",
            Self::Earliest => "earliest",
            Self::Highest => "highest",
            Self::Lowest => "lowest",
        }
    }

    /// Whether greater values go first.
    pub(super) fn descending(self) -> bool {
        matches!(self, Self::When | Self::Latest | Self::Highest)
    }
}

impl Preference {
    /// What it is called: its own name, or how it was written.
    pub fn title(&self) -> String {
        match (&self.name, self.order) {
            (Some(name), _) => name.clone(),
            (None, Order::When) => self.by.to_string(),
            (None, order) => format!("{} {}", order.word(), self.by),
        }
    }

    /// Its expression, where it is written: one that is a word alone stands at the preference's place.
    pub fn by_at(&self, place: Place) -> ExprText {
        let stand = if self.by.place == Place::default() { place } else { self.by.place };
        Spanned::new(self.by.value.clone(), stand)
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    when: Option<ExprText>,
    #[serde(default)]
    latest: Option<ExprText>,
    #[serde(default)]
    earliest: Option<ExprText>,
    #[serde(default)]
    highest: Option<ExprText>,
    #[serde(default)]
    lowest: Option<ExprText>,
}

impl<'de> Deserialize<'de> for Preference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PreferenceVisitor)
    }
}

struct PreferenceVisitor;

impl<'de> Visitor<'de> for PreferenceVisitor {
    type Value = Preference;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a condition, or a mapping with one of `when`, `latest`, `earliest`, `highest`, `lowest`")
    }

    fn visit_str<E: Error>(self, condition: &str) -> Result<Preference, E> {
        let by = Spanned::new(SqlText(condition.to_string()), Place::default());
        Ok(Preference { name: None, order: Order::When, by })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Preference, A::Error> {
        let Fields { name, when, latest, earliest, highest, lowest } =
            Fields::deserialize(MapAccessDeserializer::new(map))?;
        let written = [
            (Order::When, when),
            (Order::Latest, latest),
            (Order::Earliest, earliest),
            (Order::Highest, highest),
            (Order::Lowest, lowest),
        ];
        let mut written = written.into_iter().filter_map(|(order, by)| Some((order, by?)));
        match (written.next(), written.next()) {
            (Some((order, by)), None) => Ok(Preference { name, order, by }),
            _ => Err(A::Error::custom(
                "a preference has exactly one of `when`, `latest`, `earliest`, `highest`, `lowest`",
            )),
        }
    }
}

impl JsonSchema for Preference {
    fn schema_name() -> Cow<'static, str> {
        "Preference".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let expr = generator.subschema_for::<SqlText>();
        let with = |word: &str, description: &str| {
            let value = json_schema!({ "anyOf": [expr], "description": description });
            let name = json_schema!({ "type": "string", "description": "What it is called in `decided_by`." });
            json_schema!({
                "type": "object",
                "additionalProperties": false,
                "required": [word],
                "properties": { "name": name, word: value }
            })
        };
        json_schema!({
            "description": "What makes one account go before another: a condition, or a mapping with one word.",
            "anyOf": [
                expr,
                with("when", "Accounts for which this is true go first."),
                with("latest", "The account with the latest instant goes first; one without goes last."),
                with("earliest", "The account with the earliest instant goes first; one without goes last."),
                with("highest", "The account with the highest number goes first; one without goes last."),
                with("lowest", "The account with the lowest number goes first; one without goes last.")
            ]
        })
    }
}
