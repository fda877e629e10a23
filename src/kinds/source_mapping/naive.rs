//! The same decisions the obvious way: one touch, one rule after another, texts only.

use super::clicks::{self, ClickBits, KINDS};
use super::lookups::Lookups;
use super::memory::PAID_MEDIUM;
use super::rules::{CAMPAIGN_TABLE, Field, Rule, RuleBook, UNMAPPED, clean};
use super::spec::Precedence;
use super::url;
use super::utm::{self, Flaw};

/// A touch as it stands in a table.
#[derive(Debug, Clone, Default)]
pub(super) struct Raw {
    pub(super) utm: [Option<String>; 3],
    pub(super) referrer: Option<String>,
    pub(super) landing: Option<String>,
    /// The value of the column `gclid`.
    pub(super) gclid: Option<String>,
}

/// Which of a touch's values come from columns.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct From {
    pub(super) utm: [bool; 3],
    pub(super) gclid: bool,
}

/// Every made column of a touch, as text.
pub(super) fn classify(book: &RuleBook, lookups: &Lookups, from: From, raw: &Raw) -> Vec<Option<String>> {
    let landing = raw.landing.as_deref().unwrap_or_default();
    let host = |url: Option<&str>| url.and_then(url::raw_host).map(url::clean_host).unwrap_or_default();
    let referrer = host(raw.referrer.as_deref());
    let parameter = |name: &str| -> Vec<String> {
        let wanted = format!("utm_{name}");
        let all = url::query(landing).filter(|(key, _)| key.eq_ignore_ascii_case(&wanted));
        all.map(|(_, value)| url::decode(value).into_owned()).collect()
    };
    let mut values = [String::new(), String::new(), String::new()];
    let mut flaws = [Flaw::Missing; 3];
    for which in 0..3 {
        let found =
            if from.utm[which] { raw.utm[which].clone().into_iter().collect() } else { parameter(utm::GRADED[which]) };
        let written = found.first().cloned().unwrap_or_default();
        let synonyms = [Some(&book.source_synonyms), Some(&book.medium_synonyms), None][which];
        let cleaned = clean(&written);
        values[which] = synonyms.and_then(|known| known.get(&cleaned)).cloned().unwrap_or(cleaned);
        flaws[which] = utm::judge(book, which, &written);
        if found.len() > 1 {
            flaws[which] = flaws[which].max(Flaw::Repeated);
        }
    }
    let clicks = clicks_of(from, raw, landing);
    let touch = Touch { values, referrer, landing_host: host(raw.landing.as_deref()), clicks };
    decide(book, lookups, &touch, flaws)
}

fn clicks_of(from: From, raw: &Raw, landing: &str) -> ClickBits {
    let mut bits = 0;
    for (index, kind) in KINDS.iter().enumerate() {
        let present = if kind.name == "gclid" && from.gclid {
            raw.gclid.as_deref().is_some_and(|value| !value.trim().is_empty())
        } else {
            url::query(landing).any(|(key, value)| key.eq_ignore_ascii_case(kind.name) && !value.is_empty())
        };
        bits |= u64::from(present) << index;
    }
    bits
}

struct Touch {
    values: [String; 3],
    referrer: String,
    landing_host: String,
    clicks: ClickBits,
}

fn decide(book: &RuleBook, lookups: &Lookups, touch: &Touch, mut flaws: [Flaw; 3]) -> Vec<Option<String>> {
    let [source, medium, campaign] = &touch.values;
    let internal = !touch.referrer.is_empty() && book.is_internal(&touch.referrer);
    let host = if internal { "" } else { &touch.referrer };
    let origin = if source.is_empty() { host } else { source };
    let (effective_source, effective_medium, conflict) = effective(book, touch, origin);
    let holds = |rule: &Rule| {
        let value = |field: &Field| match field {
            Field::TaggedSource => source.as_str(),
            Field::TaggedMedium => medium,
            Field::Source => &effective_source,
            Field::Medium => &effective_medium,
            Field::Campaign => campaign,
            Field::ReferrerHost => &touch.referrer,
            Field::LandingHost => &touch.landing_host,
        };
        let site = if rule.is_own() { origin } else { &effective_source };
        rule.tests.iter().all(|(field, test)| test.holds(*field, value(field)))
            && rule.clicks.is_none_or(|test| test.holds(touch.clicks))
            && rule
                .categories
                .as_ref()
                .is_none_or(|wanted| lookups.categories.of(site).is_some_and(|found| wanted.contains(&found)))
            && rule.campaign_in.is_none_or(|side| !campaign.is_empty() && lookups.members[side].contains(campaign))
    };
    let rule = book.rules.iter().find(|rule| holds(rule));
    let listed = lookups.campaigns.get(campaign).map(|index| lookups.channels[*index as usize].clone());
    let rule = rule.filter(|_| listed.is_none());
    let shipped = rule.is_some_and(|rule| !rule.is_own());
    let stored_source = if shipped { &effective_source } else { origin };
    let stored_medium = if shipped { &effective_medium } else { medium };
    let or = |replaced: Option<&String>, stored: &str| {
        let text = replaced.map_or(stored, String::as_str);
        (!text.is_empty()).then(|| text.to_string())
    };
    if internal && flaws != [Flaw::Missing; 3] {
        flaws[0] = flaws[0].max(Flaw::Internal);
    }
    let (grade, reason) = utm::grade(flaws);
    let id = rule.map_or(if listed.is_some() { CAMPAIGN_TABLE } else { UNMAPPED }, |rule| &rule.id);
    vec![
        Some(listed.unwrap_or_else(|| rule.map_or(book.unmapped_channel.clone(), |rule| rule.channel.clone()))),
        or(rule.and_then(|rule| rule.source.as_ref()), stored_source).or_else(|| book.missing_source.clone()),
        or(rule.and_then(|rule| rule.medium.as_ref()), stored_medium),
        or(rule.and_then(|rule| rule.campaign.as_ref()), campaign),
        Some(id.to_string()),
        or(None, &touch.referrer),
        clicks::strongest(touch.clicks).map(|(_, kind)| kind.name.to_string()),
        Some(conflict.to_string()),
        Some(utm::GRADES[grade as usize].to_string()),
        reason.map(|index| utm::reasons()[index].clone()),
    ]
}

fn effective(book: &RuleBook, touch: &Touch, origin: &str) -> (String, String, bool) {
    let [source, medium, _] = &touch.values;
    let as_tagged = (origin.to_string(), medium.clone(), false);
    let Some((_, kind)) = clicks::strongest(touch.clicks) else { return as_tagged };
    let no_source = ["", "(direct)", "(none)", "(not set)"].contains(&source.as_str());
    let no_medium = ["", "(none)", "(not set)"].contains(&medium.as_str());
    let tagged = !(no_source && no_medium);
    if !kind.paid {
        let source = if !tagged && origin.is_empty() { kind.source } else { origin };
        let medium = if !tagged && !kind.medium.is_empty() { kind.medium } else { medium };
        return (source.to_string(), medium.to_string(), false);
    }
    let same = clicks::agrees(kind, source);
    let paid = regex::Regex::new(PAID_MEDIUM).unwrap().is_match(medium);
    let conflict = (!no_source && !same) || (!no_medium && !paid) || clicks::several_platforms(touch.clicks);
    if book.precedence == Precedence::Utm && tagged {
        return (as_tagged.0, as_tagged.1, conflict);
    }
    let source = if same { source } else { kind.source };
    let medium = if !no_medium && paid { medium } else { kind.medium };
    (source.to_string(), medium.to_string(), conflict)
}
