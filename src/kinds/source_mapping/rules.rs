//! Rules as they are tried: what each one asks, and everything else that decides a touch.

use std::collections::{BTreeMap, BTreeSet};

use regex::{Regex, RegexBuilder};

use super::clicks::ClickBits;
use super::spec::{Category, Precedence};
use crate::diag::Place;
use crate::syntax::{ColumnName, TableName};

/// The rule id of touches that no rule holds for.
pub(super) const UNMAPPED: &str = "unmapped";
/// The rule id of touches whose channel a table of campaigns says.
pub(super) const CAMPAIGN_TABLE: &str = "campaign_table";

/// A value of a touch that a rule can ask about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    /// The source as tagged, cleaned.
    TaggedSource,
    /// The medium as tagged, cleaned.
    TaggedMedium,
    /// The source after click id and referrer have had their say; what shipped rules ask about.
    Source,
    /// The medium after the click id has had its say; what shipped rules ask about.
    Medium,
    /// The campaign, cleaned.
    Campaign,
    /// The referrer's host.
    ReferrerHost,
    /// The landing page's host.
    LandingHost,
}

impl Field {
    /// Whether texts name a host and its subdomains.
    pub(super) fn is_host(self) -> bool {
        matches!(self, Self::ReferrerHost | Self::LandingHost)
    }
}

/// A regular expression and what was written.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    /// As written, without the `~`.
    pub(super) text: String,
    /// Searched for in lower-case text, without regard to case.
    pub(super) regex: Regex,
}

impl Pattern {
    /// Compiles it; bounded in size, and linear in the length of the text it is searched in.
    pub(super) fn new(text: &str) -> Result<Self, regex::Error> {
        let regex = RegexBuilder::new(text).case_insensitive(true).size_limit(PATTERN_BYTES).build()?;
        Ok(Self { text: text.to_string(), regex })
    }
}

/// The most that one compiled expression may hold.
const PATTERN_BYTES: usize = 4 << 20;

/// What a value must be: one of the texts, or matched by one of the patterns.
#[derive(Debug, Clone, Default)]
pub(super) struct Test {
    /// Lower case.
    pub(super) texts: BTreeSet<String>,
    /// In the order written.
    pub(super) patterns: Vec<Pattern>,
}

impl Test {
    /// Whether it holds for a cleaned value of that field.
    pub(super) fn holds(&self, field: Field, value: &str) -> bool {
        let text = if field.is_host() {
            super::url::parents(value).any(|host| self.texts.contains(host))
        } else {
            self.texts.contains(value)
        };
        text || self.patterns.iter().any(|pattern| pattern.regex.is_match(value))
    }
}

/// What click ids must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct ClickTest {
    /// One of these.
    pub(super) any: ClickBits,
    /// Or none at all.
    pub(super) absent: bool,
}

impl ClickTest {
    /// Whether it holds for the click ids of a touch.
    pub(super) fn holds(self, bits: ClickBits) -> bool {
        bits & self.any != 0 || (self.absent && bits == 0)
    }
}

/// One rule; everything it asks must hold.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// Its name in `channel_rule`.
    pub(super) id: String,
    /// The channel it gives.
    pub(super) channel: String,
    /// Replaces the source.
    pub(super) source: Option<String>,
    /// Replaces the medium.
    pub(super) medium: Option<String>,
    /// Replaces the campaign.
    pub(super) campaign: Option<String>,
    /// Where it is written; none for shipped rules.
    pub(super) place: Option<Place>,
    /// Tests of single values.
    pub(super) tests: BTreeMap<Field, Test>,
    /// Test of the click ids.
    pub(super) clicks: Option<ClickTest>,
    /// The source must be of one of these sorts.
    pub(super) categories: Option<Vec<Category>>,
    /// The campaign must be in this one of the book's side tables.
    pub(super) campaign_in: Option<usize>,
}

impl Rule {
    /// A shipped rule that asks nothing yet.
    pub(super) fn shipped(id: &str, channel: &str) -> Self {
        Self {
            id: id.to_string(),
            channel: channel.to_string(),
            source: None,
            medium: None,
            campaign: None,
            place: None,
            tests: BTreeMap::new(),
            clicks: None,
            categories: None,
            campaign_in: None,
        }
    }

    /// Whether it is one of the user's.
    pub(super) fn is_own(&self) -> bool {
        self.place.is_some()
    }
}

/// A table that values are looked up in; its keys are cleaned like the values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SideTable {
    /// The table.
    pub(super) from: TableName,
    /// The column with the keys.
    pub(super) key: ColumnName,
    /// The column with what a key leads to, if it leads anywhere.
    pub(super) value: Option<ColumnName>,
}

/// Everything that decides how touches are classified.
#[derive(Debug, Clone)]
pub(super) struct RuleBook {
    /// In order; the first that holds decides.
    pub(super) rules: Vec<Rule>,
    /// The tables that rules look things up in.
    pub(super) sides: Vec<SideTable>,
    /// Which of them says what sort of site a source is.
    pub(super) categories: Option<usize>,
    /// Which of them says the channel of campaigns.
    pub(super) campaigns: Option<usize>,
    /// Spelling → source, cleaned and followed to the end.
    pub(super) source_synonyms: BTreeMap<String, String>,
    /// Spelling → medium, cleaned and followed to the end.
    pub(super) medium_synonyms: BTreeMap<String, String>,
    /// Whom the shipped rules believe.
    pub(super) precedence: Precedence,
    /// Hosts of one's own site.
    pub(super) internal: BTreeSet<String>,
    /// Mediums that are valid in the grade.
    pub(super) mediums: BTreeSet<String>,
    /// The channel of touches that no rule holds for.
    pub(super) unmapped_channel: String,
    /// The source of touches that name none.
    pub(super) missing_source: Option<String>,
}

impl RuleBook {
    /// Whether a host is of one's own site.
    pub(super) fn is_internal(&self, host: &str) -> bool {
        !self.internal.is_empty() && super::url::parents(host).any(|parent| self.internal.contains(parent))
    }

    /// Every channel the rules can give, the unmapped one included, in order of the rules.
    pub(super) fn channels(&self) -> Vec<&str> {
        let mut channels: Vec<&str> = Vec::new();
        let all = self.rules.iter().map(|rule| rule.channel.as_str()).chain([self.unmapped_channel.as_str()]);
        for channel in all {
            if !channels.contains(&channel) {
                channels.push(channel);
            }
        }
        channels
    }
}

/// A value as rules see it: trimmed, lower case.
pub(super) fn clean(raw: &str) -> String {
    raw.trim().to_lowercase()
}
