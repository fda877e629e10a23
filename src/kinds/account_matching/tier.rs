//! How accounts are found, as written: a word, or `similar_name` with the least similarity.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor, value::MapAccessDeserializer};

use crate::syntax::Spanned;

/// One way to find the account of a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// The lead names the account by its id.
    AccountId,
    /// The lead's e-mail address is at the account's domain.
    EmailDomain,
    /// Both have the same website.
    WebsiteDomain,
    /// Both have the same normalised name and the same country.
    NameAndCountry,
    /// Their names are alike, and their country is the same.
    SimilarName,
}

impl Tier {
    /// All of them, in their usual order.
    pub const ALL: [Self; 5] =
        [Self::AccountId, Self::EmailDomain, Self::WebsiteDomain, Self::NameAndCountry, Self::SimilarName];

    /// The word that it is declared by, and that stands in the tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::AccountId => "account_id",
            Self::EmailDomain => "email_domain",
            Self::WebsiteDomain => "website_domain",
            Self::NameAndCountry => "name_and_country",
            Self::SimilarName => "similar_name",
        }
    }

    fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tier| tier.word() == word)
    }

    /// What it compares, as the end of a sentence.
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::AccountId => "the lead names the account by its id",
            Self::EmailDomain => "the lead's e-mail address is at the account's domain or a subdomain of it",
            Self::WebsiteDomain => "the lead's website is the account's or a subdomain of it",
            Self::NameAndCountry => "company name (without case, accents and legal form) and country are the same",
            Self::SimilarName => "the company names are similar and the country is the same",
        }
    }
}

/// A tier as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierSpec {
    /// Which one.
    pub tier: Tier,
    /// Of `similar_name`, the least similarity, where it is said.
    pub least: Option<Spanned<String>>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    similar_name: Spanned<String>,
}

impl<'de> Deserialize<'de> for TierSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TierVisitor)
    }
}

struct TierVisitor;

impl<'de> Visitor<'de> for TierVisitor {
    type Value = TierSpec;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a tier, or `similar_name` with the least similarity")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<TierSpec, E> {
        let tier = Tier::read(word).ok_or_else(|| {
            let names = Tier::ALL.map(Tier::word).join(", ");
            E::custom(format!("`{word}` is not a tier: write one of {names}, or `similar_name: 0.92`"))
        })?;
        Ok(TierSpec { tier, least: None })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TierSpec, A::Error> {
        let Fields { similar_name } = Fields::deserialize(MapAccessDeserializer::new(map))?;
        Ok(TierSpec { tier: Tier::SimilarName, least: Some(similar_name) })
    }
}

impl JsonSchema for TierSpec {
    fn schema_name() -> Cow<'static, str> {
        "TierSpec".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<Schema> = Tier::ALL
            .iter()
            .map(|tier| json_schema!({ "const": tier.word(), "description": format!("A match where {}.", tier.sentence()) }))
            .collect();
        json_schema!({
            "description": "One way to find the account of a lead.",
            "anyOf": [{ "oneOf": words }, {
                "type": "object",
                "additionalProperties": false,
                "required": ["similar_name"],
                "properties": { "similar_name": {
                    "type": ["number", "string"],
                    "description": "The least Jaro–Winkler similarity of the normalised names, 0.92 by default."
                } }
            }]
        })
    }
}
