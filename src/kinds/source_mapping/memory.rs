//! What one partition remembers of the values it has seen.
//!
//! Everything here could be worked out again for every row; it is kept because values repeat. When
//! it has grown past a limit it is forgotten between two batches, so memory stays bounded whatever
//! the data, and nothing that is remembered can change a result.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::hash_utils::RandomState;

use super::clicks::{self, ClickBits, KINDS};
use super::lookups::Lookups;
use super::rules::{Field, Pattern, RuleBook, clean};
use super::url;
use super::utm::{self, Flaw, GRADED};
use super::values::{EMPTY, Role, Values};
use crate::error::{Error, Result};

/// A UTM parameter of one touch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// Its cleaned value, in the parameter's [`Values`].
    pub(super) id: u32,
    /// What is wrong with it as it was written.
    pub(super) flaw: Flaw,
}

/// A parameter that is not there.
pub(super) const ABSENT: Seen = Seen { id: EMPTY, flaw: Flaw::Missing };

/// What a landing page tells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Landing {
    pub(super) host: u32,
    pub(super) clicks: ClickBits,
    pub(super) utm: [Seen; 3],
    /// Term, content and campaign id, in [`Memory::extras`].
    pub(super) extras: [u32; 3],
}

/// No landing page.
pub(super) const NOWHERE: Landing = Landing { host: EMPTY, clicks: 0, utm: [ABSENT; 3], extras: [EMPTY; 3] };

/// What of a landing page is asked for, beside its host and its click ids: what columns give is not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) utm: [bool; 3],
    pub(super) extras: [bool; 3],
}

/// What is known of a source or host beyond the rules.
#[derive(Debug, Clone, Copy)]
pub(super) struct NameTraits {
    /// It says nothing: missing, `(direct)`, `(none)`, `(not set)`.
    pub(super) blank: bool,
    /// It is of one's own site.
    pub(super) internal: bool,
    /// The click ids whose platform it names.
    pub(super) platforms: ClickBits,
}

/// What is known of a medium beyond the rules.
#[derive(Debug, Clone, Copy)]
pub(super) struct MediumTraits {
    /// It says nothing: missing, `(none)`, `(not set)`.
    pub(super) blank: bool,
    /// It can stand on a paid click.
    pub(super) paid: bool,
}

/// Positions of the roles of names, as [`Memory::new`] gives them.
pub(super) mod names {
    pub(in super::super) const TAGGED: usize = 0;
    pub(in super::super) const SOURCE: usize = 1;
    pub(in super::super) const SITE: usize = 2;
    pub(in super::super) const ORIGIN: usize = 3;
    pub(in super::super) const REFERRER: usize = 4;
    pub(in super::super) const LANDING: usize = 5;
}

const NAME_ROLES: [Role; 6] = [
    Role::Field(Field::TaggedSource),
    Role::Field(Field::Source),
    Role::Category { own: false },
    Role::Category { own: true },
    Role::Field(Field::ReferrerHost),
    Role::Field(Field::LandingHost),
];

/// Values, by what they are.
#[derive(Debug)]
pub(super) struct Memory {
    book: Arc<RuleBook>,
    lookups: Lookups,
    /// Sources and hosts.
    pub(super) names: Values,
    /// Mediums; roles: as tagged, as decided.
    pub(super) mediums: Values,
    /// Campaigns; roles: as a text, as a member of side tables.
    pub(super) campaigns: Values,
    /// Terms, contents and campaign ids, with their case.
    pub(super) extras: Values,
    name_traits: Vec<NameTraits>,
    medium_traits: Vec<MediumTraits>,
    /// For each campaign, the channel that the table of campaigns gives.
    campaign_channels: Vec<Option<u32>>,
    paid: Pattern,
    raw: [HashMap<Box<str>, Seen, RandomState>; 3],
    hosts: HashMap<Box<str>, u32, RandomState>,
    raw_bytes: usize,
}

impl Memory {
    pub(super) fn new(book: Arc<RuleBook>, lookups: Lookups) -> Result<Self> {
        let paid = Pattern::new(PAID_MEDIUM)
            .map_err(|error| Error::internal("the pattern of paid mediums is wrong").with_source(error))?;
        let values = |roles: &[Role]| Values::new(&book, roles, &lookups);
        let mediums = [Role::Field(Field::TaggedMedium), Role::Field(Field::Medium)];
        Ok(Self {
            names: values(&NAME_ROLES)?,
            mediums: values(&mediums)?,
            campaigns: values(&[Role::Field(Field::Campaign), Role::Member])?,
            extras: values(&[])?,
            name_traits: Vec::new(),
            medium_traits: Vec::new(),
            campaign_channels: Vec::new(),
            paid,
            raw: Default::default(),
            hosts: HashMap::default(),
            raw_bytes: 0,
            book,
            lookups,
        })
    }

    /// The channels that the table of campaigns gives.
    pub(super) fn campaign_table_channels(&self) -> &[String] {
        &self.lookups.channels
    }

    /// A value of UTM parameter `which` of [`GRADED`], decoded but otherwise as written.
    pub(super) fn utm(&mut self, which: usize, raw: &str) -> Seen {
        let Some(known) = self.raw.get_mut(which) else { return ABSENT };
        if let Some(seen) = known.get(raw) {
            return *seen;
        }
        let cleaned = clean(raw);
        let (values, synonyms) = match which {
            0 => (&mut self.names, Some(&self.book.source_synonyms)),
            1 => (&mut self.mediums, Some(&self.book.medium_synonyms)),
            _ => (&mut self.campaigns, None),
        };
        let meant = synonyms.and_then(|synonyms| synonyms.get(&cleaned)).unwrap_or(&cleaned);
        let seen = Seen { id: values.id(meant, &self.lookups), flaw: utm::judge(&self.book, which, raw) };
        known.insert(raw.into(), seen);
        self.raw_bytes += raw.len() + ENTRY_BYTES;
        seen
    }

    /// A name that is not written by a touch: a platform, or what a rule replaces the source with.
    pub(super) fn name(&mut self, text: &str) -> u32 {
        self.names.id(text, &self.lookups)
    }

    /// As [`Memory::name`], for mediums.
    pub(super) fn medium(&mut self, text: &str) -> u32 {
        self.mediums.id(text, &self.lookups)
    }

    /// As [`Memory::name`], for campaigns.
    pub(super) fn campaign(&mut self, text: &str) -> u32 {
        self.campaigns.id(text, &self.lookups)
    }

    /// A term, content or campaign id.
    pub(super) fn extra(&mut self, raw: &str) -> u32 {
        self.extras.id(raw.trim(), &self.lookups)
    }

    /// The host of a URL, as a name.
    pub(super) fn host(&mut self, url: &str) -> u32 {
        let Some(raw) = url::raw_host(url) else { return EMPTY };
        if let Some(id) = self.hosts.get(raw) {
            return *id;
        }
        let id = self.names.id(&url::clean_host(raw), &self.lookups);
        self.hosts.insert(raw.into(), id);
        self.raw_bytes += raw.len() + ENTRY_BYTES;
        id
    }

    /// What is wanted of a landing page; of a parameter that stands there twice, the first counts.
    pub(super) fn landing(&mut self, url: &str, wanted: Wanted) -> Landing {
        let host = if self.names.is_asked(names::LANDING) { self.host(url) } else { EMPTY };
        let mut found = Landing { host, ..NOWHERE };
        let mut given = [false; 3];
        for (key, value) in url::query(url) {
            if let Some(name) = utm_name(key) {
                self.tag(name, value, wanted, &mut found, &mut given);
            } else if clicks::may_be(key.as_bytes()) && !value.is_empty() {
                found.clicks |= clicks::by_name(key.as_bytes()).map_or(0, |index| 1 << index);
            }
        }
        found
    }

    /// Takes the parameter `utm_<name>` of a landing page; `given` tells which stood there before.
    fn tag(&mut self, name: &str, value: &str, wanted: Wanted, found: &mut Landing, given: &mut [bool; 3]) {
        let known = |names: [&str; 3]| names.iter().position(|known| known.eq_ignore_ascii_case(name));
        let is_wanted = |wanted: [bool; 3], which: usize| wanted.get(which) == Some(&true);
        if let Some(which) = known(GRADED) {
            let (Some(slot), Some(given)) = (found.utm.get_mut(which), given.get_mut(which)) else { return };
            if !is_wanted(wanted.utm, which) {
                return;
            }
            if *given {
                slot.flaw = slot.flaw.max(Flaw::Repeated);
            } else {
                *slot = self.utm(which, &url::decode(value));
                *given = true;
            }
        } else if let Some(which) = known(EXTRAS)
            && is_wanted(wanted.extras, which)
            && let Some(slot) = found.extras.get_mut(which).filter(|slot| **slot == EMPTY)
        {
            *slot = self.extra(&url::decode(value));
        }
    }

    /// Works out the traits of the values that are new since the last call.
    pub(super) fn catch_up(&mut self) {
        for id in self.name_traits.len()..self.names.len() {
            let text = self.names.text(id as u32);
            self.name_traits.push(name_traits(&self.book, text));
        }
        for id in self.medium_traits.len()..self.mediums.len() {
            let text = self.mediums.text(id as u32);
            let blank = ["", "(none)", "(not set)"].contains(&text);
            self.medium_traits.push(MediumTraits { blank, paid: self.paid.regex.is_match(text) });
        }
        for id in self.campaign_channels.len()..self.campaigns.len() {
            let channel = self.lookups.campaigns.get(self.campaigns.text(id as u32));
            self.campaign_channels.push(channel.copied());
        }
    }

    /// Traits of a name that [`Memory::catch_up`] has seen.
    pub(super) fn name_traits(&self, id: u32) -> NameTraits {
        const NOTHING: NameTraits = NameTraits { blank: true, internal: false, platforms: 0 };
        self.name_traits.get(id as usize).copied().unwrap_or(NOTHING)
    }

    /// Traits of a medium that [`Memory::catch_up`] has seen.
    pub(super) fn medium_traits(&self, id: u32) -> MediumTraits {
        self.medium_traits.get(id as usize).copied().unwrap_or(MediumTraits { blank: true, paid: false })
    }

    /// The channel that the table of campaigns gives to a campaign.
    pub(super) fn campaign_channel(&self, id: u32) -> Option<u32> {
        self.campaign_channels.get(id as usize).copied().flatten()
    }

    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        let values = [&self.names, &self.mediums, &self.campaigns, &self.extras];
        self.raw_bytes + values.iter().map(|values| values.held_bytes()).sum::<usize>()
    }

    /// Forgets every value.
    pub(super) fn clear(&mut self) {
        for values in [&mut self.names, &mut self.mediums, &mut self.campaigns, &mut self.extras] {
            values.clear(&self.lookups);
        }
        self.name_traits.clear();
        self.medium_traits.clear();
        self.campaign_channels.clear();
        self.raw.iter_mut().for_each(HashMap::clear);
        self.hosts.clear();
        self.raw_bytes = 0;
    }
}

/// What follows `utm_` in the name of a query parameter, where it begins so.
fn utm_name(key: &str) -> Option<&str> {
    let (prefix, name) = key.split_at_checked(4)?;
    prefix.eq_ignore_ascii_case("utm_").then_some(name)
}

/// What an entry of a map holds beside its text.
const ENTRY_BYTES: usize = 48;

/// The parameters of [`Landing::extras`].
pub(super) const EXTRAS: [&str; 3] = ["term", "content", "id"];

/// Mediums that can stand on a paid click and so do not contradict its click id.
pub(super) const PAID_MEDIUM: &str = concat!(
    "^(.*cp.*|ppc|paid.*|retargeting|remarketing|display|banner|expandable|interstitial|native|sponsored",
    "|shopping|video|audio|affiliate|sem)$"
);

/// Traits of a cleaned source or host.
pub(super) fn name_traits(book: &RuleBook, text: &str) -> NameTraits {
    let platforms = KINDS.iter().enumerate().filter(|(_, kind)| clicks::agrees(kind, text));
    NameTraits {
        blank: ["", "(direct)", "(none)", "(not set)"].contains(&text),
        internal: book.is_internal(text),
        platforms: platforms.fold(0, |bits, (index, _)| bits | 1 << index),
    }
}
