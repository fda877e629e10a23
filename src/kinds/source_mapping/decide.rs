//! One touch, decided: the first rule that holds, and what follows from it.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::hash_utils::RandomState;

use super::clicks::{self, ClickBits, KINDS};
use super::memory::{Landing, Memory, Seen, names};
use super::rules::RuleBook;
use super::spec::Precedence;
use super::utm::{self, Flaw, Grade};
use super::values::{EMPTY, Values};

/// A touch, its values as numbers in [`Memory`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Touch {
    pub(super) utm: [Seen; 3],
    pub(super) referrer: u32,
    pub(super) landing: Landing,
    pub(super) clicks: ClickBits,
}

/// What is known of a touch once it is decided.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decision {
    /// Index of the rule; one past the last means no rule, two past it the table of campaigns.
    pub(super) rule: u32,
    /// Index into the book's channels, and after them those of the table of campaigns.
    pub(super) channel: u32,
    pub(super) source: u32,
    pub(super) medium: u32,
    pub(super) campaign: u32,
    pub(super) conflict: bool,
    pub(super) grade: Grade,
    /// Index into [`utm::reasons`].
    pub(super) reason: Option<u8>,
    /// Index into [`KINDS`].
    pub(super) click: Option<u8>,
}

/// What a set of click ids means; few sets occur.
#[derive(Debug, Clone)]
struct ClickSet {
    mask: Vec<u64>,
    kind: Option<usize>,
    several: bool,
}

impl ClickSet {
    fn new(book: &RuleBook, words: usize, bits: ClickBits) -> Self {
        let mut mask = vec![0; words];
        for (index, rule) in book.rules.iter().enumerate() {
            if rule.clicks.is_none_or(|test| test.holds(bits))
                && let Some(word) = mask.get_mut(index / 64)
            {
                *word |= 1 << (index % 64);
            }
        }
        let kind = clicks::strongest(bits).map(|(index, _)| index);
        Self { mask, kind, several: clicks::several_platforms(bits) }
    }
}

/// What a rule replaces, as numbers in [`Memory`].
#[derive(Debug, Clone, Copy, Default)]
struct Replaced {
    channel: u32,
    own: bool,
    source: Option<u32>,
    medium: Option<u32>,
    campaign: Option<u32>,
}

/// Everything about the rules that does not depend on a touch.
#[derive(Debug)]
pub(super) struct Decider {
    words: usize,
    book: Arc<RuleBook>,
    /// For each rule.
    replaced: Vec<Replaced>,
    /// For no rule.
    unmapped: Replaced,
    platforms: Vec<u32>,
    click_mediums: Vec<u32>,
    missing_source: Option<u32>,
    channels: u32,
    /// What rules ask of touches beside their click ids.
    asked: Vec<Aspect>,
    /// What touches without a click id have.
    no_clicks: ClickSet,
    sets: HashMap<ClickBits, ClickSet, RandomState>,
}

impl Decider {
    /// Numbers everything in `memory`; to be made again when that has been cleared.
    pub(super) fn new(book: &Arc<RuleBook>, memory: &mut Memory) -> Self {
        let channels = book.channels();
        let channel = |name: &str| channels.iter().position(|known| *known == name).map_or(0, |index| index as u32);
        let replaced = book
            .rules
            .iter()
            .map(|rule| Replaced {
                channel: channel(&rule.channel),
                own: rule.is_own(),
                source: rule.source.as_deref().map(|text| memory.name(text)),
                medium: rule.medium.as_deref().map(|text| memory.medium(text)),
                campaign: rule.campaign.as_deref().map(|text| memory.campaign(text)),
            })
            .collect();
        let words = book.rules.len().div_ceil(64).max(1);
        let made = Self {
            words,
            book: Arc::clone(book),
            replaced,
            unmapped: Replaced { channel: channel(&book.unmapped_channel), own: true, ..Replaced::default() },
            platforms: KINDS.iter().map(|kind| memory.name(kind.source)).collect(),
            click_mediums: KINDS.iter().map(|kind| memory.medium(kind.medium)).collect(),
            missing_source: book.missing_source.as_deref().map(|text| memory.name(text)),
            channels: channels.len() as u32,
            asked: Aspect::ALL.into_iter().filter(|aspect| aspect.is_asked(memory)).collect(),
            no_clicks: ClickSet::new(book, words, 0),
            sets: HashMap::default(),
        };
        memory.catch_up();
        made
    }

    /// Decides a touch.
    pub(super) fn decide(&mut self, memory: &Memory, touch: &Touch) -> Decision {
        let [source, medium, campaign] = touch.utm;
        let host = if memory.name_traits(touch.referrer).internal { EMPTY } else { touch.referrer };
        let origin = if source.id == EMPTY { host } else { source.id };
        if touch.clicks != 0 && !self.sets.contains_key(&touch.clicks) {
            self.sets.insert(touch.clicks, ClickSet::new(&self.book, self.words, touch.clicks));
        }
        // Most touches have none, and those need no look-up.
        let listed = if touch.clicks == 0 { None } else { self.sets.get(&touch.clicks) };
        let set = listed.unwrap_or(&self.no_clicks);
        let effective = self.effective(memory, touch, origin, set);
        let looked_at = LookedAt { touch, effective: &effective, origin };
        let first = self.first(&set.mask, memory, &looked_at);
        let decided = first.and_then(|rule| self.replaced.get(rule)).copied().unwrap_or(self.unmapped);
        let rules = self.book.rules.len() as u32;
        let (rule, channel, decided) = match memory.campaign_channel(campaign.id) {
            Some(channel) => (rules + 1, self.channels + channel, self.unmapped),
            None => (first.map_or(rules, |rule| rule as u32), decided.channel, decided),
        };
        let (stored_source, stored_medium) =
            if decided.own { (origin, medium.id) } else { (effective.source, effective.medium) };
        let (grade, reason) = self.grade(memory, touch);
        let source = decided.source.unwrap_or(stored_source);
        Decision {
            rule,
            channel,
            source: if source == EMPTY { self.missing_source.unwrap_or(EMPTY) } else { source },
            medium: decided.medium.unwrap_or(stored_medium),
            campaign: decided.campaign.unwrap_or(campaign.id),
            conflict: effective.conflict,
            grade,
            reason: reason.map(|reason| reason as u8),
            click: set.kind.map(|kind| kind as u8),
        }
    }

    /// The lowest bit that the click ids' mask and all values' masks have; where no rule asks
    /// anything of values in a role, they leave all rules in play.
    fn first(&self, clicks: &[u64], memory: &Memory, looked_at: &LookedAt) -> Option<usize> {
        clicks.iter().enumerate().find_map(|(word, clicks)| {
            let masks = self.asked.iter().map(|aspect| aspect.mask_word(memory, looked_at, word));
            let all = masks.fold(*clicks, |all, mask| all & mask);
            let rule = word * 64 + all.trailing_zeros() as usize;
            (all != 0 && rule < self.book.rules.len()).then_some(rule)
        })
    }

    /// Source and medium once the click id has been heard.
    fn effective(&self, memory: &Memory, touch: &Touch, origin: u32, set: &ClickSet) -> Effective {
        let [source, medium, _] = touch.utm;
        let as_tagged = Effective { source: origin, medium: medium.id, conflict: false };
        let Some(index) = set.kind else { return as_tagged };
        let (Some(kind), Some(platform), Some(click_medium)) =
            (KINDS.get(index), self.platforms.get(index).copied(), self.click_mediums.get(index).copied())
        else {
            return as_tagged;
        };
        let (name, means) = (memory.name_traits(source.id), memory.medium_traits(medium.id));
        let tagged = !(name.blank && means.blank);
        if !kind.paid {
            // It is only added to links, paid or not: it fills what nothing else tells.
            return Effective {
                source: if !tagged && origin == EMPTY { platform } else { origin },
                medium: if tagged || click_medium == EMPTY { medium.id } else { click_medium },
                conflict: false,
            };
        }
        let same_source = name.platforms >> index & 1 == 1;
        let conflict = (!name.blank && !same_source) || (!means.blank && !means.paid) || set.several;
        if self.book.precedence == Precedence::Utm && tagged {
            return Effective { conflict, ..as_tagged };
        }
        Effective {
            source: if same_source { source.id } else { platform },
            medium: if !means.blank && means.paid { medium.id } else { click_medium },
            conflict,
        }
    }

    fn grade(&self, memory: &Memory, touch: &Touch) -> (Grade, Option<usize>) {
        let mut flaws = touch.utm.map(|seen| seen.flaw);
        let tagged = flaws != [Flaw::Missing; 3];
        if tagged && memory.name_traits(touch.referrer).internal {
            let [source, _, _] = &mut flaws;
            *source = (*source).max(Flaw::Internal);
        }
        utm::grade(flaws)
    }
}

/// A touch as rules look at it.
struct LookedAt<'a> {
    touch: &'a Touch,
    effective: &'a Effective,
    origin: u32,
}

/// A value of a touch, in one of the roles in which rules can ask about it.
#[derive(Debug, Clone, Copy)]
enum Aspect {
    TaggedSource,
    TaggedMedium,
    Source,
    Site,
    Medium,
    Origin,
    Campaign,
    CampaignMember,
    Referrer,
    LandingHost,
}

impl Aspect {
    const ALL: [Self; 10] = [
        Self::TaggedSource,
        Self::TaggedMedium,
        Self::Source,
        Self::Site,
        Self::Medium,
        Self::Origin,
        Self::Campaign,
        Self::CampaignMember,
        Self::Referrer,
        Self::LandingHost,
    ];

    /// The values that it is one of, and the position of its role there.
    fn role(self, memory: &Memory) -> (&Values, usize) {
        match self {
            Self::TaggedSource => (&memory.names, names::TAGGED),
            Self::TaggedMedium => (&memory.mediums, 0),
            Self::Source => (&memory.names, names::SOURCE),
            Self::Site => (&memory.names, names::SITE),
            Self::Medium => (&memory.mediums, 1),
            Self::Origin => (&memory.names, names::ORIGIN),
            Self::Campaign => (&memory.campaigns, 0),
            Self::CampaignMember => (&memory.campaigns, 1),
            Self::Referrer => (&memory.names, names::REFERRER),
            Self::LandingHost => (&memory.names, names::LANDING),
        }
    }

    fn is_asked(self, memory: &Memory) -> bool {
        let (values, role) = self.role(memory);
        values.is_asked(role)
    }

    fn id(self, looked_at: &LookedAt) -> u32 {
        let LookedAt { touch, effective, origin } = looked_at;
        let [source, medium, campaign] = touch.utm;
        match self {
            Self::TaggedSource => source.id,
            Self::TaggedMedium => medium.id,
            Self::Source | Self::Site => effective.source,
            Self::Medium => effective.medium,
            Self::Origin => *origin,
            Self::Campaign | Self::CampaignMember => campaign.id,
            Self::Referrer => touch.referrer,
            Self::LandingHost => touch.landing.host,
        }
    }

    fn mask_word(self, memory: &Memory, looked_at: &LookedAt, word: usize) -> u64 {
        let (values, role) = self.role(memory);
        values.mask_word(self.id(looked_at), role, word)
    }
}

/// What shipped rules see.
#[derive(Debug, Clone, Copy)]
struct Effective {
    source: u32,
    medium: u32,
    conflict: bool,
}
