//! What happens to the people of one company: visits, forms, leads, conversions, opportunities.
//!
//! The story is told before any row is written, so that every system tells the same one.

use super::arrivals::Tags;
use super::clock::{AS_OF, DAY, HOUR, MINUTE, SECOND, whole_millis, whole_seconds, working};
use super::deals::{self, Deal};
use super::dice::Dice;
use super::dirt::Dirt;
use super::lanes::{self, Lane};
use super::people::{Account, Person};
use super::stages::{Status, Step, lead_path};
use super::web::{FORMS, Form, Plan, Web};

/// A company with its people and deals.
pub(super) struct Story {
    pub(super) account: Account,
    pub(super) members: Vec<Member>,
    pub(super) deals: Vec<Deal>,
}

/// A person with her records.
pub(super) struct Member {
    pub(super) person: Person,
    pub(super) known: Option<Known>,
    pub(super) lead: Option<Lead>,
    pub(super) contact: Option<Contact>,
}

/// How a person became known, by a form.
pub(super) struct Known {
    /// The HubSpot contact's id.
    pub(super) contact_id: i64,
    pub(super) at: i64,
    /// The first form.
    pub(super) form: &'static Form,
    /// Every form: when, which, and the address of its page.
    pub(super) submissions: Vec<(i64, &'static Form, String)>,
    pub(super) tags: Tags,
    pub(super) gclid: Option<String>,
    pub(super) lane: Lane,
    /// The browser she used, to web analytics a user.
    pub(super) pseudo_id: Option<String>,
    pub(super) visitor: u32,
}

/// A lead of the CRM.
pub(super) struct Lead {
    pub(super) created: i64,
    pub(super) path: Vec<Step<Status>>,
    pub(super) converted_at: Option<i64>,
    /// Came from a list and not through the site.
    pub(super) imported: bool,
}

/// A contact of the CRM.
pub(super) struct Contact {
    pub(super) created: i64,
    pub(super) converted: bool,
}

impl Lead {
    /// Its status at the end of the sample, and since when.
    pub(super) fn last(&self) -> Step<Status> {
        self.path.last().copied().unwrap_or(Step { at: self.created, to: Status::New })
    }

    /// When it first had this status.
    pub(super) fn first(&self, status: Status) -> Option<i64> {
        self.path.iter().find(|step| step.to == status).map(|step| step.at)
    }
}

/// Tells the story of a company with `heads` people, numbered from `first_person`.
pub(super) fn tell(dice: &mut Dice, web: &mut Web, account: Account, first_person: u64, heads: u64) -> Story {
    let mut members = Vec::with_capacity(heads as usize);
    for place in 0..heads as usize {
        let person = Person::born(dice, &account, first_person + place as u64, place);
        let known = visits(dice, web, &account, &person);
        let lead = lead_of(dice, &account, &person, known.as_ref());
        let contact =
            lead.as_ref().and_then(|lead| lead.converted_at).map(|created| Contact { created, converted: true });
        members.push(Member { person, known, lead, contact });
    }
    let deals = deals::of(dice, &account, &mut members);
    Story { account, members, deals }
}

/// The id of a person's contact in HubSpot; her second record has the next number.
pub(super) fn hubspot_id(person: u64) -> i64 {
    201_000_000 + person as i64 * 2
}

/// How a person is known to the site once she has signed in.
pub(super) fn user_id(contact_id: i64) -> String {
    format!("hs-{contact_id}")
}

/// The person's sessions, but for those that follow from e-mails.
fn visits(dice: &mut Dice, web: &mut Web, account: &Account, person: &Person) -> Option<Known> {
    let offset = account.country.offset_minutes;
    let main = web.browser(dice, account.country, true);
    let will_be_known = dice.chance(if account.private { 0.45 } else { 0.6 });
    let mut at = working(dice, person.arrived, offset);
    for _ in 0..dice.run(0.42, 12) {
        if at < AS_OF {
            let lane = lanes::lane(dice, false);
            web.visit(dice, &Plan { visitor: main, at, lane, form: None });
        }
        let next = at + dice.span(5 * DAY, 1.2);
        at = working(dice, next, offset);
    }
    let form = will_be_known.then(|| form(dice));
    if at >= AS_OF - HOUR {
        return None;
    }
    let lane = lanes::lane(dice, false);
    let plan = Plan { visitor: main, at, lane, form };
    let session = web.visit(dice, &plan)?;
    let (form, _) = form.and_then(|form| FORMS.get(form))?;
    let sent = whole_millis(at + 75 * SECOND);
    let mut known = Known {
        contact_id: hubspot_id(person.number),
        at: sent,
        form,
        submissions: vec![(sent, form, session.landing.clone())],
        tags: session.tags.clone(),
        gclid: session.gclid.clone(),
        lane,
        pseudo_id: web.visitors.get(main as usize).and_then(|v| v.pseudo_id.clone()),
        visitor: main,
    };
    web.sign_in(main, &user_id(known.contact_id), known.at);
    later_visits(dice, web, account, &mut known);
    Some(known)
}

fn later_visits(dice: &mut Dice, web: &mut Web, account: &Account, known: &mut Known) {
    let second = dice.chance(0.18).then(|| web.browser(dice, account.country, false));
    if let Some(second) = second {
        web.sign_in(second, &user_id(known.contact_id), known.at);
    }
    let mut at = known.at;
    for _ in 0..dice.run(0.66, 40) {
        let next = at + dice.span(11 * DAY, 1.1);
        at = working(dice, next, account.country.offset_minutes);
        if at >= AS_OF - HOUR {
            break;
        }
        let visitor = second.filter(|_| dice.chance(0.4)).unwrap_or(known.visitor);
        let lane = lanes::lane(dice, true);
        let form = dice.chance(0.06).then(|| form(dice));
        let session = web.visit(dice, &Plan { visitor, at, lane, form });
        if let (Some(session), Some((form, _))) = (session, form.and_then(|form| FORMS.get(form))) {
            known.submissions.push((whole_millis(at + 75 * SECOND), form, session.landing.clone()));
        }
    }
}

fn form(dice: &mut Dice) -> usize {
    let weights =
        [(0, FORMS[0].1), (1, FORMS[1].1), (2, FORMS[2].1), (3, FORMS[3].1), (4, FORMS[4].1), (5, FORMS[5].1)];
    dice.weighted(&weights)
}

/// Most people who are known go to sales; some come from a list only.
fn lead_of(dice: &mut Dice, account: &Account, person: &Person, known: Option<&Known>) -> Option<Lead> {
    let (created, urgent, imported) = match known {
        Some(known) if known.form.urgent => (known.at + dice.span(4 * MINUTE, 1.0), true, false),
        Some(known) if dice.chance(0.66) => {
            (known.at + dice.span(3 * HOUR, 1.0), false, dice.would(Dirt::ImportedTextTime))
        }
        None if !account.private && dice.chance(0.03) => (person.arrived + dice.span(10 * DAY, 0.8), false, true),
        _ => return None,
    };
    if created >= AS_OF {
        return None;
    }
    dice.tally.add(Dirt::ImportedTextTime, u64::from(imported));
    let path = lead_path(dice, created, urgent, account.country.offset_minutes);
    let converted_at = path.iter().find(|step| step.to == Status::Qualified).map(|step| step.at);
    Some(Lead { created: whole_seconds(created), path, converted_at, imported })
}
