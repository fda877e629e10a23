//! Writes the events of web analytics for one chunk of people, in order of time.

use super::clock::{AS_OF, DAY, DAYS, LATE_AFTER, SECOND, START, civil, day_of};
use super::dice::Dice;
use super::dirt::Dirt;
use super::ga4_table::{EventRow, Value};
use super::lanes::Lane;
use super::part::Part;
use super::places;
use super::web::{Event, FORMS, Hit, PAGES, Plan, Session, Visitor, Web};
use crate::error::{Error, Result};

impl Event {
    fn name(self) -> &'static str {
        match self {
            Self::FirstVisit => "first_visit",
            Self::SessionStart => "session_start",
            Self::PageView => "page_view",
            Self::Scroll => "scroll",
            Self::Engagement => "user_engagement",
            Self::FormStart => "form_start",
            Self::FormSubmit => "form_submit",
            Self::GenerateLead => "generate_lead",
        }
    }
}

/// Texts that rows share, made once for a part.
pub(super) struct Phrases {
    /// `20260630` for every day of the sample.
    dates: Vec<String>,
    /// The full address of every page.
    urls: Vec<String>,
}

impl Phrases {
    /// Spells them out.
    pub(super) fn new() -> Self {
        let date = |day: i64| {
            let (year, month, date) = civil(day);
            format!("{year:04}{month:02}{date:02}")
        };
        Self {
            dates: (0..DAYS).map(|day| date(day_of(START) + day)).collect(),
            urls: PAGES.iter().map(|(path, _)| format!("https://www.tidewright.example{path}")).collect(),
        }
    }

    fn date(&self, at: i64) -> &str {
        usize::try_from((at - START) / DAY).ok().and_then(|day| self.dates.get(day)).map_or("", String::as_str)
    }

    fn url(&self, page: u8) -> &str {
        self.urls.get(usize::from(page)).map_or("", String::as_str)
    }
}

/// Lets a bot visit `touches` times or a little more, in bursts; perhaps signed in as somebody.
pub(super) fn crawl(dice: &mut Dice, web: &mut Web, touches: u64, user: Option<(&str, i64)>) {
    let country = places::country(dice);
    let visitor = web.robot(dice, country);
    let from = match user {
        Some((user_id, from)) => {
            web.sign_in(visitor, user_id, from);
            from
        }
        None => START + dice.between(0, 300 * DAY),
    };
    let enough = web.hits.len() + touches as usize;
    // A session is about three events; evenly spread it would end with the sample.
    let gap = ((AS_OF - from) / (touches as i64 / 3).max(1)).max(SECOND);
    let mut at = from;
    while web.hits.len() < enough {
        at += dice.between(gap / 8, gap);
        if at >= AS_OF - DAY {
            at = from + dice.between(0, DAY);
        }
        let lane = if dice.chance(0.7) { Lane::Direct } else { Lane::GoogleAds };
        web.visit(dice, &Plan { visitor, at, lane, form: None });
    }
}

/// Writes all events, and forgets them.
pub(super) fn write(dice: &mut Dice, part: &mut Part, phrases: &Phrases, mut web: Web) -> Result<()> {
    web.number_sessions();
    let mut order: Vec<(i64, u32)> = web.hits.iter().enumerate().map(|(place, hit)| (hit.at, place as u32)).collect();
    order.sort_unstable();
    for (_, place) in order {
        let lost = || Error::internal("a web event lost its session");
        let hit = web.hits.get(place as usize).ok_or_else(lost)?;
        let session = web.sessions.get(hit.session as usize).ok_or_else(lost)?;
        let visitor = web.visitors.get(session.visitor as usize).ok_or_else(lost)?;
        if hit.at >= AS_OF {
            continue;
        }
        event(dice, part, phrases, hit, session, visitor)?;
        if dice.strikes(Dirt::DuplicateEvent) {
            event(dice, part, phrases, hit, session, visitor)?;
        }
    }
    Ok(())
}

fn event(
    dice: &mut Dice,
    part: &mut Part,
    phrases: &Phrases,
    hit: &Hit,
    session: &Session,
    visitor: &Visitor,
) -> Result<()> {
    let tally = &mut dice.tally;
    tally.add(Dirt::BotEvents, u64::from(visitor.robot));
    tally.add(Dirt::NullPseudoId, u64::from(visitor.pseudo_id.is_none()));
    tally.add(Dirt::LateRow, u64::from(hit.arrives - hit.at > LATE_AFTER));
    let mut params = [("", Value::Int(0)); 12];
    let count = parameters(phrases, hit, session, &mut params);
    let user = visitor.user.as_ref().filter(|(_, from)| session.signed_in && hit.at >= *from);
    let country = visitor.country;
    let [source, medium, name] = visitor.acquired.each_ref().map(|text| text.as_ref());
    part.event.push(EventRow {
        event_date: phrases.date(hit.at),
        event_timestamp: hit.at,
        event_name: hit.event.name(),
        event_params: params.get(..count).unwrap_or(&params),
        // Events of one request share their bundle.
        event_bundle_sequence_id: (hit.at / 1_000) % 10_000_000_000,
        user_id: user.map(|(id, _)| id.as_str()),
        user_pseudo_id: visitor.pseudo_id.as_deref(),
        user_first_touch_timestamp: visitor.first_at,
        device: (
            [visitor.device.category, visitor.device.system, country.language, visitor.device.browser],
            country.offset_minutes * 60,
        ),
        geo: [country.city, country.name, country.continent],
        traffic_source: [name, medium, source],
        _fivetran_synced: hit.arrives,
    })
}

/// Fills in the parameters of an event; returns how many there are.
fn parameters<'a>(
    phrases: &'a Phrases,
    hit: &Hit,
    session: &'a Session,
    params: &mut [(&'static str, Value<'a>); 12],
) -> usize {
    let mut count = 0;
    let mut add = |key: &'static str, value: Value<'a>| {
        if let Some(place) = params.get_mut(count) {
            *place = (key, value);
            count += 1;
        }
    };
    let landing = hit.from_page.is_none();
    if session.has_id {
        add("ga_session_id", Value::Int(session.at / SECOND));
    }
    add("ga_session_number", Value::Int(session.number.into()));
    add("page_location", Value::Text(if landing { &session.landing } else { phrases.url(hit.page) }));
    match hit.from_page {
        Some(page) => add("page_referrer", Value::Text(phrases.url(page))),
        None => session.referrer.into_iter().for_each(|url| add("page_referrer", Value::Text(url))),
    }
    let title = PAGES.get(usize::from(hit.page)).map_or("", |(_, title)| title);
    add("page_title", Value::Text(title));
    if hit.engaged_ms > 0 {
        add("engagement_time_msec", Value::Int(hit.engaged_ms.into()));
    }
    if landing && matches!(hit.event, Event::SessionStart | Event::PageView | Event::FirstVisit) {
        let tags = &session.tags;
        for (key, tag) in [("source", &tags.source), ("medium", &tags.medium), ("campaign", &tags.campaign)] {
            if !tag.is_empty() {
                add(key, Value::Text(tag));
            }
        }
        session.gclid.iter().for_each(|gclid| add("gclid", Value::Text(gclid)));
    }
    if matches!(hit.event, Event::FormStart | Event::FormSubmit | Event::GenerateLead)
        && let Some((form, _)) = hit.form.and_then(|form| FORMS.get(usize::from(form)))
    {
        add("form_id", Value::Text(form.guid));
    }
    count
}
