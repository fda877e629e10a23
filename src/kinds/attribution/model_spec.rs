//! The parts of the language that have a short and a long form: a lookback, a milestone, a model.

use std::borrow::Cow;
use std::fmt;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use crate::syntax::{ColumnName, ExprText, Period, Spanned, SqlText, TableName};

/// Which touches before a conversion are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lookback {
    /// So long before it; without a bound where unset.
    pub within: Option<Period>,
    /// So many, the newest; all where unset.
    pub touches: Option<u32>,
}

/// An instant on the way to a conversion.
#[derive(Debug, Clone)]
pub enum MilestoneSpec {
    /// A column of the conversion.
    Column(SqlText),
    /// The earliest fitting instant of another table.
    Table(Box<MilestoneTable>),
}

/// A milestone that another table tells of.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MilestoneTable {
    /// The table; with `stage` a lifecycle model.
    pub from: Spanned<TableName>,
    /// Only rows for which this is true are looked at.
    #[serde(default, rename = "where")]
    pub filter: Option<ExprText>,
    /// The person it belongs to, as the touches name it.
    #[serde(default)]
    pub person: Option<ExprText>,
    /// Who it belongs to, as the conversions name it.
    #[serde(default)]
    pub entity: Option<ExprText>,
    /// The conversion it belongs to.
    #[serde(default)]
    pub conversion: Option<ExprText>,
    /// When: a timestamp (without a zone it is UTC), or a date, which means its last instant in the
    /// reporting time zone; with `stage` it is the first entry to the stage.
    #[serde(default)]
    pub at: Option<ExprText>,
    /// The stage of the lifecycle model.
    #[serde(default)]
    pub stage: Option<Spanned<String>>,
}

/// One model, as written.
#[derive(Debug, Clone, Default)]
pub struct ModelSpec {
    /// What the model is called in the tables.
    pub name: Option<Spanned<ColumnName>>,
    /// How it shares.
    pub how: Option<How>,
    /// What else is said, which a model must not do.
    pub extra: bool,
}

/// How a model shares, as written.
#[derive(Debug, Clone)]
pub enum How {
    /// A known one, as `u_shaped@hubspot`.
    Known(String),
    /// The later the more.
    TimeDecay(TimeDecay),
    /// Shares for places, in percent.
    Position(IndexMap<Spanned<String>, Spanned<Percent>>),
    /// Removal effects of a Markov chain.
    Markov(Markov),
    /// Shapley values.
    Shapley(Shapley),
}

/// The parameters of `time_decay`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeDecay {
    /// After how long a touch counts half, `7 days` by default.
    pub half_life: Option<Spanned<Period>>,
}

/// The parameters of `markov`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Markov {
    /// How many of the last channels the next one depends on: 1 (the default), 2 or 3.
    pub order: Option<Spanned<u8>>,
    /// What becomes of a channel that comes several times in a row: it counts as one step (`collapse`, the
    /// default), or each time as a step of its own (`keep`).
    #[serde(default)]
    pub repeats: Repeats,
    /// With fewer journeys to learn from, a run warns; by default 10, 100 and 1,000 for the orders 1, 2 and 3.
    #[serde(default)]
    pub min_journeys: Option<u32>,
}

/// See [`Markov::repeats`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Repeats {
    /// As one step.
    #[default]
    Collapse,
    /// Each as a step.
    Keep,
}

/// The parameters of `shapley`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shapley {
    /// What a set of channels is worth: `conversions` (the default) or their `rate`.
    #[serde(default)]
    pub value: ShapleyValue,
    /// Whether values are also written by place in the journey.
    #[serde(default)]
    pub ordered: bool,
}

/// See [`Shapley::value`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShapleyValue {
    /// The conversions whose journeys have no other channels.
    #[default]
    Conversions,
    /// The share of conversions among those journeys.
    Rate,
}

/// Millionths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(pub u32);

impl Percent {
    const DECIMALS: usize = 6;
    const ONE: u32 = 1_000_000;

    /// Reads `40`, `22.5`, `33.333%`; at most six decimals, at most 100.
    pub fn parse(text: &str) -> Result<Self, String> {
        let expected =
            || format!("`{text}` is not a percentage: write a number from 0 to 100 with at most six decimals");
        let trimmed = text.trim();
        let number = trimmed.strip_suffix('%').unwrap_or(trimmed).trim();
        let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
        let digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
        if whole.is_empty() || decimals.len() > Self::DECIMALS || !digits(whole) || !digits(decimals) {
            return Err(expected());
        }
        let millionths: u32 = format!("{whole}{decimals:0<6}").parse().map_err(|_| expected())?;
        if millionths <= 100 * Self::ONE { Ok(Self(millionths)) } else { Err(expected()) }
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / Self::ONE, self.0 % Self::ONE);
        let decimals = format!("{rest:06}");
        match decimals.trim_end_matches('0') {
            "" => write!(f, "{whole} %"),
            decimals => write!(f, "{whole}.{decimals} %"),
        }
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl JsonSchema for Percent {
    fn schema_name() -> Cow<'static, str> {
        "Percent".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["number", "string"],
            "description": "A percentage from 0 to 100 with at most six decimals.",
            "pattern": r"^\s*[0-9]{1,3}(\.[0-9]{1,6})?\s*%?\s*$"
        })
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LookbackFields {
    /// So long before the conversion; without a bound where unset.
    #[serde(default)]
    within: Option<Period>,
    /// At most so many touches, the newest ones; all where unset.
    #[serde(default)]
    touches: Option<u32>,
}

impl<'de> Deserialize<'de> for Lookback {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Forms;
        impl<'de> Visitor<'de> for Forms {
            type Value = Lookback;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a length of time, `unlimited`, or a mapping with `within` and `touches`")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Lookback, E> {
                if text.trim() == "unlimited" {
                    return Ok(Lookback { within: None, touches: None });
                }
                let within = Period::parse(text).map_err(E::custom)?;
                Ok(Lookback { within: Some(within), touches: None })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Lookback, A::Error> {
                let LookbackFields { within, touches } = LookbackFields::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Lookback { within, touches })
            }
        }
        deserializer.deserialize_any(Forms)
    }
}

impl JsonSchema for Lookback {
    fn schema_name() -> Cow<'static, str> {
        "Lookback".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (short, long) = (generator.subschema_for::<Period>(), generator.subschema_for::<LookbackFields>());
        json_schema!({
            "description": "How far before a conversion touches count: a length of time, `unlimited`, or both a time and a number of touches.",
            "anyOf": [short, { "const": "unlimited" }, long]
        })
    }
}

impl<'de> Deserialize<'de> for MilestoneSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Forms;
        impl<'de> Visitor<'de> for Forms {
            type Value = MilestoneSpec;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a column of the conversions, or a mapping with `from`")
            }
            fn visit_str<E>(self, text: &str) -> Result<MilestoneSpec, E> {
                Ok(MilestoneSpec::Column(SqlText(text.to_string())))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<MilestoneSpec, A::Error> {
                MilestoneTable::deserialize(MapAccessDeserializer::new(map)).map(|t| MilestoneSpec::Table(Box::new(t)))
            }
        }
        deserializer.deserialize_any(Forms)
    }
}

impl JsonSchema for MilestoneSpec {
    fn schema_name() -> Cow<'static, str> {
        "Milestone".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (short, long) = (generator.subschema_for::<SqlText>(), generator.subschema_for::<MilestoneTable>());
        json_schema!({
            "description": "An instant on the way to a conversion: a column of the conversions, or the earliest instant of another table.",
            "anyOf": [short, long]
        })
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ModelFields {
    /// What the model is called in the tables; made from the rest where unset.
    #[serde(default)]
    name: Option<Spanned<ColumnName>>,
    /// A known model, as `u_shaped@hubspot`, to give it another name.
    #[serde(default)]
    model: Option<String>,
    /// The later the more.
    #[serde(default)]
    time_decay: Option<TimeDecay>,
    /// Shares for places in percent: `first`, `second`, `second_last`, `last`, milestones by name, and
    /// `others` or `between` for the rest.
    #[serde(default)]
    position: Option<IndexMap<Spanned<String>, Spanned<Percent>>>,
    /// Removal effects of a Markov chain over the channels of all journeys.
    #[serde(default)]
    markov: Option<Markov>,
    /// Shapley values of the channels.
    #[serde(default)]
    shapley: Option<Shapley>,
}

impl<'de> Deserialize<'de> for ModelSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Forms;
        impl<'de> Visitor<'de> for Forms {
            type Value = ModelSpec;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a model, or a mapping with one of `model`, `time_decay`, `position`, `markov`, `shapley`")
            }
            fn visit_str<E>(self, text: &str) -> Result<ModelSpec, E> {
                Ok(ModelSpec { name: None, how: Some(How::Known(text.trim().to_string())), extra: false })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ModelSpec, A::Error> {
                ModelFields::deserialize(MapAccessDeserializer::new(map)).map(ModelFields::model)
            }
        }
        deserializer.deserialize_any(Forms)
    }
}

impl ModelFields {
    fn model(self) -> ModelSpec {
        let said = [
            self.model.map(How::Known),
            self.time_decay.map(How::TimeDecay),
            self.position.map(How::Position),
            self.markov.map(How::Markov),
            self.shapley.map(How::Shapley),
        ];
        let mut said = said.into_iter().flatten();
        let how = said.next();
        ModelSpec { name: self.name, how, extra: said.next().is_some() }
    }
}

impl JsonSchema for ModelSpec {
    fn schema_name() -> Cow<'static, str> {
        "AttributionModel".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let long = generator.subschema_for::<ModelFields>();
        let known: Vec<&str> = super::models::KNOWN.iter().map(|known| known.name).collect();
        json_schema!({
            "description": "A way to share credit: the name of a known one, or a mapping with its parameters.",
            "anyOf": [{ "type": "string", "enum": known }, long]
        })
    }
}
