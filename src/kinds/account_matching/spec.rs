//! What an `account_matching` model says, as written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::preference::Preference;
use super::tier::TierSpec;
use crate::syntax::{ExprText, OneOrMany, Spanned, TableName};

/// Finds the account that each lead belongs to, by tiers: the first tier that finds an account decides.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountMatching {
    /// Whom an account is looked for: leads, contacts, people.
    pub leads: Leads,
    /// The accounts.
    pub accounts: Accounts,
    /// The ids that take the place of those in the leads' `account_id`: the crosswalk of a `dedupe`
    /// model of accounts. An id that it does not hold stays itself.
    #[serde(default)]
    pub crosswalk: Option<Crosswalk>,
    /// Domains that stand for others: former names, brands, country sites.
    #[serde(default)]
    pub aliases: Option<Aliases>,
    /// How accounts are found, in order. By default all tiers whose fields are declared: `account_id`,
    /// `email_domain`, `website_domain`, `name_and_country`, `similar_name: 0.92`.
    #[serde(default)]
    pub tiers: Option<Spanned<Vec<Spanned<TierSpec>>>>,
    /// Which of several accounts that a tier finds is taken, in order; what is left undecided goes to
    /// the lowest account id.
    #[serde(default)]
    pub prefer: Vec<Spanned<Preference>>,
    /// Hosts at which many companies have a page, and which as a website say nothing, subdomains
    /// included. By default the large social networks.
    #[serde(default)]
    pub shared_websites: Option<OneOrMany<Spanned<String>>>,
    /// Whether a lead whose e-mail address is at a company's domain may be found by name for an account
    /// whose domain is known to be another one: true by default.
    #[serde(default = "yes")]
    pub names_across_domains: bool,
    /// A domain or a name and country that more accounts share matches none of them: 1,000 by default.
    #[serde(default = "thousand")]
    pub max_accounts_per_key: Spanned<u32>,
    /// The most names of accounts that a lead's is compared with by `similar_name`: 2,000 by default.
    #[serde(default = "two_thousand")]
    pub max_names_compared: Spanned<u32>,
}

fn yes() -> bool {
    true
}

fn thousand() -> Spanned<u32> {
    Spanned { value: 1_000, place: Default::default() }
}

fn two_thousand() -> Spanned<u32> {
    Spanned { value: 2_000, place: Default::default() }
}

/// See [`AccountMatching::leads`].
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Leads {
    /// The table.
    pub from: Spanned<TableName>,
    /// Only rows for which this is true are looked at.
    #[serde(default, rename = "where")]
    pub filter: Option<ExprText>,
    /// The id of the lead.
    pub id: ExprText,
    /// What is known of a lead.
    pub fields: LeadFields,
}

/// See [`Leads::fields`].
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeadFields {
    /// The id of the account that the lead is known to belong to.
    #[serde(default)]
    pub account_id: Option<ExprText>,
    /// The e-mail address.
    #[serde(default)]
    pub email: Option<ExprText>,
    /// The website of the lead's company: a URL or a host.
    #[serde(default)]
    pub website: Option<ExprText>,
    /// The name of the lead's company.
    #[serde(default)]
    pub company: Option<ExprText>,
    /// The country, as an ISO code or an English name.
    #[serde(default)]
    pub country: Option<ExprText>,
    /// The state or province, as the accounts write it.
    #[serde(default)]
    pub state: Option<ExprText>,
}

/// See [`AccountMatching::accounts`].
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    /// The table.
    pub from: Spanned<TableName>,
    /// Only rows for which this is true are accounts.
    #[serde(default, rename = "where")]
    pub filter: Option<ExprText>,
    /// The id of the account.
    pub id: ExprText,
    /// What is known of an account.
    #[serde(default)]
    pub fields: AccountFields,
}

/// See [`Accounts::fields`].
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AccountFields {
    /// The domain of the account's e-mail addresses: a host, a URL or an address. The website where it
    /// is not declared.
    pub domain: Option<ExprText>,
    /// The account's website: a URL or a host. The domain where it is not declared.
    pub website: Option<ExprText>,
    /// The account's name.
    pub name: Option<ExprText>,
    /// The country, as an ISO code or an English name.
    pub country: Option<ExprText>,
    /// The state or province, as the leads write it.
    pub state: Option<ExprText>,
}

/// See [`AccountMatching::crosswalk`].
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Crosswalk {
    /// The table.
    pub from: Spanned<TableName>,
    /// The record, as the leads' `account_id` names it.
    pub record: ExprText,
    /// The account's id that takes its place; the lowest where a record stands there several times.
    pub id: ExprText,
}

/// See [`AccountMatching::aliases`].
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Aliases {
    /// The table, such as a seed.
    pub from: Spanned<TableName>,
    /// The domain that stands for another; its column `alias` by default.
    #[serde(default)]
    pub alias: Option<ExprText>,
    /// The domain that it stands for; its column `domain` by default.
    #[serde(default)]
    pub domain: Option<ExprText>,
}
