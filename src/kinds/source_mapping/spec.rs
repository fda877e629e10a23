//! What a user writes under `source_mapping:`.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::syntax::{ColumnName, ExprText, OneOrMany, Spanned, TableName};

/// Classifies touches: which channel, source, medium and campaign each one came from, and which
/// rule says so.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceMapping {
    /// The table whose rows are touches, one row a touch.
    pub from: Spanned<TableName>,
    /// What identifies a touch; a row where it is NULL goes to the rejects.
    pub touch_id: ExprText,
    /// When the touch happened, a timestamp or a date; a row where it is NULL goes to the rejects.
    pub at: ExprText,
    /// Further columns of the output, each with the expression it is taken from.
    #[serde(default)]
    pub keep: IndexMap<ColumnName, ExprText>,
    /// The UTM parameters, where columns hold them; any that is not given here is read from the landing page.
    #[serde(default)]
    pub utm: Utm,
    /// The URL of the page that the visitor came from.
    pub referrer: Option<ExprText>,
    /// The URL of the first page of the visit, with its query string.
    pub landing_page: Option<ExprText>,
    /// Click ids that columns hold, by name (`gclid`, `msclkid`, …); all others are looked for in the landing page.
    #[serde(default)]
    pub click_ids: IndexMap<Spanned<String>, ExprText>,
    /// Hosts of one's own site; a visit from there (or from a subdomain) has no referrer.
    #[serde(default)]
    pub internal_domains: Vec<String>,
    /// The shipped rules that follow one's own: `ga4_default` (the default) or `none`.
    #[schemars(extend("enum" = ["ga4_default", "none"]))]
    pub channels: Option<Spanned<String>>,
    /// One's own rules, tried in order before the shipped ones; the first that holds decides.
    #[serde(default)]
    pub rules: Vec<RuleSpec>,
    /// Other spellings of a source or a medium, replaced before any rule is tried.
    #[serde(default)]
    pub synonyms: Synonyms,
    /// Which of the two the shipped rules believe where a click id and the UTM parameters disagree.
    #[serde(default)]
    pub precedence: Precedence,
    /// A table with the columns `source` and `source_category` (search, social, video, shopping),
    /// which completes and overrides the short list that is built in.
    pub source_categories: Option<Spanned<TableName>>,
    /// A table that says of campaigns which channel they belong to; it decides before any rule.
    pub campaigns: Option<Campaigns>,
    /// What happens to touches that no rule holds for.
    #[serde(default)]
    pub unmapped: Unmapped,
    /// The mediums that count as valid in the UTM grade, instead of the built-in list.
    pub allowed_mediums: Option<Vec<String>>,
    /// The source of touches that name none; NULL where it is not given.
    pub missing_source: Option<String>,
}

/// Where the UTM parameters of a touch stand.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Utm {
    /// `utm_source`: who sent the visitor.
    pub source: Option<ExprText>,
    /// `utm_medium`: by what means.
    pub medium: Option<ExprText>,
    /// `utm_campaign`: the campaign's name.
    pub campaign: Option<ExprText>,
    /// `utm_term`: the keyword.
    pub term: Option<ExprText>,
    /// `utm_content`: which of several links or creatives.
    pub content: Option<ExprText>,
    /// `utm_id`: the campaign's id.
    pub id: Option<ExprText>,
}

/// One rule: a channel, and what must hold for it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleSpec {
    /// The rule's name in `channel_rule`; made of its number and channel where it is not given.
    pub id: Option<Spanned<String>>,
    /// The channel of the touches that the rule decides.
    pub channel: Spanned<String>,
    /// Replaces the source of the touches that the rule decides.
    pub source: Option<String>,
    /// Replaces the medium of the touches that the rule decides.
    pub medium: Option<String>,
    /// Replaces the campaign of the touches that the rule decides.
    pub campaign: Option<String>,
    /// What must hold: all of the conditions given.
    pub when: Spanned<When>,
}

/// Conditions, all of which must hold. A text is compared whole and without regard to case; a text
/// that begins with `~` is a regular expression that is searched for; of a list, one must hold.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// The source as tagged; `~^$` holds where there is none.
    pub source: Option<Patterns>,
    /// The medium as tagged; `~^$` holds where there is none.
    pub medium: Option<Patterns>,
    /// The campaign as tagged; `~^$` holds where there is none.
    pub campaign: Option<Patterns>,
    /// The referrer's host: a name holds for the host and all its subdomains.
    pub referrer_host: Option<Patterns>,
    /// The landing page's host: a name holds for the host and all its subdomains.
    pub landing_host: Option<Patterns>,
    /// A click id that is present, by name; `paid` and `any` stand for several, `none` for no click id.
    pub click_id: Option<OneOrMany<Spanned<String>>>,
    /// What sort of site the source (or, where none is tagged, the referrer's host) is.
    pub source_category: Option<OneOrMany<Category>>,
    /// The campaign is one of a table's.
    pub campaign_in: Option<TableColumn>,
}

/// What a value is compared with: texts and `~regex`es, of which one must hold.
pub type Patterns = OneOrMany<Spanned<String>>;

/// A column of a table to look things up in.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TableColumn {
    /// The table.
    pub from: Spanned<TableName>,
    /// Its column.
    pub column: Spanned<ColumnName>,
}

/// A table of campaigns.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Campaigns {
    /// The table.
    pub from: Spanned<TableName>,
    /// Its column with the campaign's name as it stands in `utm_campaign`, without regard to case.
    pub key: Spanned<ColumnName>,
    /// Its column with the channel; where that is NULL, the rules decide.
    pub channel: Spanned<ColumnName>,
}

/// Other spellings.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Synonyms {
    /// Spelling → source.
    #[serde(default)]
    pub source: IndexMap<Spanned<String>, String>,
    /// Spelling → medium.
    #[serde(default)]
    pub medium: IndexMap<Spanned<String>, String>,
}

/// Which of two witnesses is believed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Precedence {
    /// A paid click id decides the platform and that the touch was paid; UTM parameters fill the rest.
    #[default]
    ClickId,
    /// UTM parameters decide; a click id counts only where source and medium are missing.
    Utm,
}

/// What sort of site a source is, in the words of GA4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// A search engine.
    Search,
    /// A social network.
    Social,
    /// A video site.
    Video,
    /// A shop or a price comparison.
    Shopping,
}

/// What happens to touches that no rule holds for.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Unmapped {
    /// Their channel.
    pub channel: String,
    /// How many of their values the unmapped table lists, those with most touches first.
    pub list: u32,
}

impl Default for Unmapped {
    fn default() -> Self {
        Self { channel: "Unassigned".to_string(), list: 1000 }
    }
}

impl When {
    /// Whether nothing is asked.
    pub(super) fn is_empty(&self) -> bool {
        let lists = [&self.source, &self.medium, &self.campaign, &self.referrer_host, &self.landing_host];
        lists.iter().all(|list| list.is_none())
            && self.click_id.is_none()
            && self.source_category.is_none()
            && self.campaign_in.is_none()
    }
}
