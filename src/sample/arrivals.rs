//! How a session comes to the site: referrer, UTM tags, click ids, and what is wrong with them.

use std::borrow::Cow;

use super::campaigns;
use super::clock::ASSISTANT_MEDIUM;
use super::dice::Dice;
use super::dirt::Dirt;
use super::ids::push_token;
use super::lanes::Lane;

/// The tags of a link; empty means that the tag is absent.
#[derive(Debug, Clone, Default)]
pub(super) struct Tags {
    pub(super) source: Cow<'static, str>,
    pub(super) medium: Cow<'static, str>,
    pub(super) campaign: Cow<'static, str>,
}

/// How one session arrived, as the site saw it.
#[derive(Debug)]
pub(super) struct Arrival {
    /// From the `?` on, or empty.
    pub(super) query: String,
    pub(super) referrer: Option<&'static str>,
    pub(super) tags: Tags,
    /// Google's click id, which is a parameter of the event as well.
    pub(super) gclid: Option<String>,
}

/// One arrival by this lane.
pub(super) fn arrive(dice: &mut Dice, lane: Lane, at: i64, region: &str) -> Arrival {
    if dice.strikes(Dirt::UtmInternal) {
        return internal();
    }
    let habit = lane.habit();
    let referrer = dice.chance(habit.referred).then(|| dice.among(habit.referrers).copied()).flatten();
    let mut tags = Tags::default();
    if dice.chance(habit.tagged)
        && let Some((source, medium)) = dice.among(habit.pairs).copied()
    {
        tags = Tags { source: source.into(), medium: medium.into(), campaign: Cow::Borrowed("") };
        if let Some(theme) = dice.among(habit.themes) {
            tags.campaign = campaigns::utm(at, region, theme).into();
            tags = spoil(dice, tags);
        }
    }
    let mut click = habit.click_id.filter(|_| dice.chance(0.9));
    let contradicted = matches!(lane, Lane::Email | Lane::OrganicSocial | Lane::LinkedInAds | Lane::Partner);
    if contradicted && !tags.source.is_empty() && dice.strikes(Dirt::ClickIdConflict) {
        click = Some(("gclid", 54));
    }
    let (query, gclid) = query(dice, &tags, click);
    Arrival { query, referrer, tags, gclid }
}

/// What web analytics takes a visitor's first arrival for: source, medium and campaign.
pub(super) fn acquisition(arrival: &Arrival, at: i64) -> [Cow<'static, str>; 3] {
    let tags = &arrival.tags;
    if !tags.source.is_empty() {
        let or = |tag: &Cow<'static, str>| if tag.is_empty() { "(not set)".into() } else { tag.clone() };
        return [tags.source.clone(), or(&tags.medium), or(&tags.campaign)];
    }
    if arrival.gclid.is_some() {
        return ["google".into(), "cpc".into(), "(not set)".into()];
    }
    let Some(host) = arrival.referrer.and_then(host) else {
        return ["(direct)".into(), "(none)".into(), "(direct)".into()];
    };
    let engine = ["google", "bing", "duckduckgo", "ecosia"].into_iter().find(|e| host.starts_with(*e));
    let assistant = ["chatgpt", "perplexity", "claude", "gemini", "copilot"].iter().any(|a| host.starts_with(a));
    match engine {
        Some(engine) => [engine.into(), "organic".into(), "(organic)".into()],
        None if assistant && at >= ASSISTANT_MEDIUM => [host.into(), "ai-assistant".into(), "(ai-assistant)".into()],
        None => [host.into(), "referral".into(), "(referral)".into()],
    }
}

fn host(url: &'static str) -> Option<&'static str> {
    let host = url.strip_prefix("https://")?.split('/').next()?;
    Some(host.strip_prefix("www.").unwrap_or(host))
}

fn internal() -> Arrival {
    let tags = Tags { source: "website".into(), medium: "banner".into(), campaign: "homepage_hero".into() };
    Arrival {
        query: "?utm_source=website&utm_medium=banner&utm_campaign=homepage_hero".to_owned(),
        referrer: Some("https://www.tidewright.example/"),
        tags,
        gclid: None,
    }
}

/// What may be wrong with tags; at most one of these.
const FLAWS: [Dirt; 7] = [
    Dirt::UtmMissing,
    Dirt::UtmPartial,
    Dirt::UtmUpperCase,
    Dirt::UtmSpace,
    Dirt::UtmPlaceholder,
    Dirt::UtmUrlSource,
    Dirt::UtmSwapped,
];

fn spoil(dice: &mut Dice, tags: Tags) -> Tags {
    let Some(flaw) = FLAWS.into_iter().find(|flaw| dice.strikes(*flaw)) else { return tags };
    match flaw {
        Dirt::UtmMissing => Tags::default(),
        Dirt::UtmPartial if dice.chance(0.5) => Tags { medium: "".into(), ..tags },
        Dirt::UtmPartial => Tags { campaign: "".into(), ..tags },
        Dirt::UtmUpperCase => Tags {
            source: tags.source.to_uppercase().into(),
            medium: tags.medium.to_uppercase().into(),
            campaign: tags.campaign,
        },
        Dirt::UtmSpace => Tags {
            source: format!("{} ", tags.source).into(),
            campaign: tags.campaign.replace('_', " ").into(),
            medium: tags.medium,
        },
        Dirt::UtmPlaceholder => {
            let unfilled = *dice.pick(&["{{campaign.name}}", "__CAMPAIGN_NAME__", "{campaignid}"]);
            Tags { campaign: unfilled.into(), ..tags }
        }
        Dirt::UtmUrlSource => {
            let url = format!("https://www.{}.com/feed/", tags.source);
            Tags { source: url.into(), ..tags }
        }
        _ => Tags { source: tags.medium, medium: tags.source, campaign: tags.campaign },
    }
}

/// The query of the landing page, and the Google click id in it.
fn query(dice: &mut Dice, tags: &Tags, click: Option<(&str, usize)>) -> (String, Option<String>) {
    let mut query = String::new();
    let named = [("utm_source", &tags.source), ("utm_medium", &tags.medium), ("utm_campaign", &tags.campaign)];
    for (name, value) in named {
        if !value.is_empty() {
            query.push(if query.is_empty() { '?' } else { '&' });
            query.push_str(name);
            query.push('=');
            encode(&mut query, value);
        }
    }
    let mut gclid = None;
    if let Some((name, length)) = click {
        query.push(if query.is_empty() { '?' } else { '&' });
        query.push_str(name);
        query.push('=');
        let start = query.len();
        push_token(&mut query, length, || dice.bits());
        if name == "gclid" {
            gclid = query.get(start..).map(str::to_owned);
        }
    }
    (query, gclid)
}

/// Percent-encodes what may not stand in a query.
fn encode(query: &mut String, value: &str) {
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => query.push(byte.into()),
            _ => {
                query.push('%');
                for nibble in [byte >> 4, byte & 15] {
                    query.extend(char::from_digit(nibble.into(), 16).map(|c| c.to_ascii_uppercase()));
                }
            }
        }
    }
}
