//! Visits to the site: visitors, their sessions and the events in them.

use std::borrow::Cow;

use super::arrivals::{self, Tags};
use super::clock::{AS_OF, DAY, HOUR, LATE_AFTER, MINUTE, SECOND};
use super::dice::Dice;
use super::dirt::Dirt;
use super::lanes::Lane;
use super::places::Country;

/// The site's pages: path and title. The first is the home page.
#[rustfmt::skip]
pub(super) const PAGES: [(&str, &str); 20] = [
    ("/", "Tidewright: inventory planning that keeps up"), ("/pricing", "Pricing"), ("/product", "Product"),
    ("/product/forecasting", "Forecasting"), ("/product/replenishment", "Replenishment"), ("/integrations", "Integrations"),
    ("/customers", "Customers"), ("/customers/amber-foods", "How Amber Foods halved its stock"), ("/security", "Security"),
    ("/about", "About us"), ("/blog", "Blog"), ("/blog/safety-stock", "Safety stock without tears"),
    ("/blog/abc-xyz", "ABC and XYZ in one hour"), ("/blog/lead-times", "Lead times lie"), ("/docs", "Documentation"),
    ("/lp/forecasting-guide", "The forecasting guide"), ("/lp/webinar", "Planning webinar"), ("/demo", "Book a demo"),
    ("/contact", "Contact sales"), ("/trial", "Start a trial"),
];

/// Pages that links of campaigns lead to, as places in [`PAGES`].
const LANDINGS: [(usize, u32); 9] = [(0, 30), (1, 8), (2, 10), (3, 8), (11, 8), (12, 8), (15, 12), (16, 8), (17, 8)];

/// A form on the site.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) guid: &'static str,
    pub(super) title: &'static str,
    /// Its page, as a place in [`PAGES`].
    pub(super) page: usize,
    /// Who fills it in wants to talk now.
    pub(super) urgent: bool,
}

/// All forms, with how often they are filled in.
pub(super) static FORMS: [(Form, u32); 6] = [
    (form("6f1d7a52-0c1e-4d0b-9d52-2f7b6a1e0a01", "Forecasting guide", 15, false), 34),
    (form("6f1d7a52-0c1e-4d0b-9d52-2f7b6a1e0a02", "Newsletter", 10, false), 16),
    (form("6f1d7a52-0c1e-4d0b-9d52-2f7b6a1e0a03", "Webinar registration", 16, false), 16),
    (form("6f1d7a52-0c1e-4d0b-9d52-2f7b6a1e0a04", "Demo request", 17, true), 12),
    (form("6f1d7a52-0c1e-4d0b-9d52-2f7b6a1e0a05", "Contact sales", 18, true), 5),
    (form("6f1d7a52-0c1e-4d0b-9d52-2f7b6a1e0a06", "Free trial", 19, true), 7),
];

const fn form(guid: &'static str, title: &'static str, page: usize, urgent: bool) -> Form {
    Form { guid, title, page, urgent }
}

/// A browser's machine.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) category: &'static str,
    pub(super) system: &'static str,
    pub(super) browser: &'static str,
}

const fn device(category: &'static str, system: &'static str, browser: &'static str) -> Device {
    Device { category, system, browser }
}

static DESKTOPS: [Device; 5] = [
    device("desktop", "Windows", "Chrome"),
    device("desktop", "Windows", "Edge"),
    device("desktop", "Macintosh", "Chrome"),
    device("desktop", "Macintosh", "Safari"),
    device("desktop", "Linux", "Firefox"),
];
static MOBILES: [Device; 3] =
    [device("mobile", "iOS", "Safari"), device("mobile", "Android", "Chrome"), device("tablet", "iOS", "Safari")];
static ROBOT: Device = device("desktop", "Linux", "HeadlessChrome");

/// One browser, to web analytics one user.
#[derive(Debug)]
pub(super) struct Visitor {
    /// None where consent was denied.
    pub(super) pseudo_id: Option<String>,
    pub(super) country: &'static Country,
    pub(super) device: &'static Device,
    pub(super) robot: bool,
    pub(super) first_at: i64,
    /// Source, medium and campaign of the first session.
    pub(super) acquired: [Cow<'static, str>; 3],
    /// The id it is signed in with, from an instant on.
    pub(super) user: Option<(String, i64)>,
    sessions: u32,
}

/// One session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) visitor: u32,
    pub(super) at: i64,
    /// Which one of its visitor; see [`Web::number_sessions`].
    pub(super) number: u32,
    pub(super) has_id: bool,
    pub(super) signed_in: bool,
    /// The full address of the first page.
    pub(super) landing: String,
    pub(super) referrer: Option<&'static str>,
    pub(super) tags: Tags,
    pub(super) gclid: Option<String>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    FirstVisit,
    SessionStart,
    PageView,
    Scroll,
    Engagement,
    FormStart,
    FormSubmit,
    GenerateLead,
}

/// One event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    pub(super) at: i64,
    pub(super) arrives: i64,
    pub(super) session: u32,
    pub(super) event: Event,
    /// A place in [`PAGES`].
    pub(super) page: u8,
    /// The page before it in the session; none on the landing page.
    pub(super) from_page: Option<u8>,
    pub(super) engaged_ms: u32,
    pub(super) form: Option<u8>,
}

/// The traffic of one chunk of people.
#[derive(Debug, Default)]
pub(super) struct Web {
    pub(super) visitors: Vec<Visitor>,
    pub(super) sessions: Vec<Session>,
    pub(super) hits: Vec<Hit>,
}

/// A session to come.
pub(super) struct Plan {
    pub(super) visitor: u32,
    pub(super) at: i64,
    pub(super) lane: Lane,
    /// The form filled in, as a place in [`FORMS`].
    pub(super) form: Option<usize>,
}

impl Web {
    /// A new browser; `main` is a person's first, which more often is a desktop.
    pub(super) fn browser(&mut self, dice: &mut Dice, country: &'static Country, main: bool) -> u32 {
        let desktop = dice.chance(if main { 0.8 } else { 0.2 });
        let device = if desktop { dice.pick(&DESKTOPS) } else { dice.pick(&MOBILES) };
        // Its rows are counted where they are written.
        let anonymous = dice.would(Dirt::NullPseudoId);
        self.admit(dice, country, device, !anonymous)
    }

    /// A new bot.
    pub(super) fn robot(&mut self, dice: &mut Dice, country: &'static Country) -> u32 {
        let visitor = self.admit(dice, country, &ROBOT, true);
        if let Some(robot) = self.visitors.get_mut(visitor as usize) {
            robot.robot = true;
        }
        visitor
    }

    fn admit(&mut self, dice: &mut Dice, country: &'static Country, device: &'static Device, named: bool) -> u32 {
        let bits = dice.bits();
        // As the first-party cookie: a random number and the second of the first visit, made up here.
        let pseudo_id = format!("{}.{}", bits >> 33, 1_700_000_000 + (bits & 0x3ff_ffff));
        self.visitors.push(Visitor {
            pseudo_id: named.then_some(pseudo_id),
            country,
            device,
            robot: false,
            first_at: i64::MAX,
            acquired: Default::default(),
            user: None,
            sessions: 0,
        });
        (self.visitors.len() - 1) as u32
    }

    /// The browser is signed in from now on.
    pub(super) fn sign_in(&mut self, visitor: u32, user_id: &str, from: i64) {
        if let Some(visitor) = self.visitors.get_mut(visitor as usize) {
            visitor.user = Some((user_id.to_owned(), from));
        }
    }

    /// Lets a session take place; returns it.
    pub(super) fn visit(&mut self, dice: &mut Dice, plan: &Plan) -> Option<&Session> {
        let at = plan.at;
        let visitor = self.visitors.get_mut(plan.visitor as usize)?;
        let arrival = arrivals::arrive(dice, plan.lane, at, visitor.country.region);
        let first = visitor.sessions == 0;
        visitor.sessions += 1;
        if at < visitor.first_at {
            visitor.first_at = at;
            visitor.acquired = arrivals::acquisition(&arrival, at);
        }
        let page = match plan.form.and_then(|form| FORMS.get(form)) {
            Some((form, _)) => form.page,
            None => dice.weighted(&LANDINGS),
        };
        let path = PAGES.get(page).map_or("/", |(path, _)| path);
        let has_id = !dice.strikes(Dirt::SessionIdMissing);
        let session = self.sessions.len() as u32;
        self.sessions.push(Session {
            visitor: plan.visitor,
            at,
            number: 0,
            has_id,
            signed_in: dice.chance(0.75) || plan.form.is_some(),
            landing: format!("https://www.tidewright.example{path}{}", arrival.query),
            referrer: arrival.referrer,
            tags: arrival.tags,
            gclid: arrival.gclid,
        });
        self.browse(dice, session, at, page, first, plan.form);
        self.sessions.last()
    }

    fn browse(&mut self, dice: &mut Dice, session: u32, start: i64, page: usize, first: bool, form: Option<usize>) {
        let mut at = start;
        let arrives = arrival_of(dice, start);
        let mut hit = Hit {
            at,
            arrives,
            session,
            event: Event::FirstVisit,
            page: page as u8,
            from_page: None,
            engaged_ms: 0,
            form: form.map(|form| form as u8),
        };
        let opening = [Event::FirstVisit, Event::SessionStart, Event::PageView];
        self.hits.extend(opening.iter().skip(usize::from(!first)).map(|&event| Hit { event, ..hit }));
        if let Some(form) = form {
            at += dice.span(20 * SECOND, 0.5);
            self.hits.push(Hit { at, event: Event::FormStart, ..hit });
            at += dice.span(40 * SECOND, 0.5);
            let engaged_ms = ((at - start) / 1_000) as u32;
            self.hits.push(Hit { at, event: Event::FormSubmit, engaged_ms, ..hit });
            if FORMS.get(form).is_some_and(|(form, _)| form.urgent) {
                self.hits.push(Hit { at: at + 1_000, event: Event::GenerateLead, ..hit });
            }
        }
        for _ in 0..dice.run(0.42, 8) {
            let stay = dice.span(35 * SECOND, 0.9).clamp(SECOND, 25 * MINUTE);
            hit.engaged_ms = (stay / 1_200) as u32;
            if dice.chance(0.3) {
                self.hits.push(Hit { at: at + stay / 2, event: Event::Scroll, ..hit });
            } else if dice.chance(0.3) {
                self.hits.push(Hit { at: at + stay - 50_000, event: Event::Engagement, ..hit });
            }
            at += stay;
            hit = Hit { at, from_page: Some(hit.page), page: dice.below(PAGES.len()) as u8, ..hit };
            self.hits.push(Hit { event: Event::PageView, ..hit });
        }
    }

    /// Numbers every visitor's sessions in order of time, as web analytics does.
    pub(super) fn number_sessions(&mut self) {
        let mut order: Vec<usize> = (0..self.sessions.len()).collect();
        order.sort_by_key(|&i| self.sessions.get(i).map(|s| (s.visitor, s.at, i)));
        let mut last = (u32::MAX, 0);
        for i in order {
            if let Some(session) = self.sessions.get_mut(i) {
                last = if session.visitor == last.0 { (last.0, last.1 + 1) } else { (session.visitor, 1) };
                session.number = last.1;
            }
        }
    }
}

/// When a row about this instant arrives in the extracts: within 36 hours, or late.
pub(super) fn arrival_of(dice: &mut Dice, at: i64) -> i64 {
    // Late rows that had not arrived by the end are not in the sample.
    let late = at + 20 * DAY < AS_OF && dice.would(Dirt::LateRow);
    let lag = if late {
        dice.between(LATE_AFTER + 5 * HOUR, 19 * DAY)
    } else {
        // Longer than a session, so that no event arrives before it happens.
        dice.between(5 * HOUR, 30 * HOUR)
    };
    (at + lag).min(AS_OF)
}
