//! Opportunities: who opened them, who took part, how they went and what they are worth.

use super::clock::{AS_OF, DAY, MINUTE, day_of, whole_seconds};
use super::dice::Dice;
use super::dirt::Dirt;
use super::people::Account;
use super::stages::{Stage, Step, deal_path};
use super::story::{Contact, Member};

/// The most opportunities of one company.
const MOST_DEALS: usize = 4;

/// An opportunity of the CRM.
pub(super) struct Deal {
    /// Unique over the sample.
    pub(super) number: u64,
    pub(super) path: Vec<Step<Stage>>,
    /// Of a customer who buys more.
    pub(super) expansion: bool,
    /// In hundredths of the account's currency; none while nobody has named a price.
    pub(super) amount_cents: Option<i64>,
    /// What stood there before the price was changed, and when that was.
    pub(super) repriced: Option<(i64, i64)>,
    /// Close date as planned at first and as it stands, in days since the epoch.
    pub(super) planned_close: i64,
    pub(super) close: i64,
    /// People who take part: place among the company's members, role.
    pub(super) roles: Vec<(usize, &'static str)>,
    /// Opened by a sales representative, without a converted lead.
    pub(super) outbound: bool,
    pub(super) deleted: bool,
}

impl Deal {
    /// When it was opened.
    pub(super) fn created(&self) -> i64 {
        self.path.first().map_or(AS_OF, |step| step.at)
    }

    /// Its stage at the end of the sample, and since when.
    pub(super) fn last(&self) -> Step<Stage> {
        self.path.last().copied().unwrap_or(Step { at: AS_OF, to: Stage::Discovery })
    }

    /// When it was won.
    pub(super) fn won_at(&self) -> Option<i64> {
        Some(self.last()).filter(|last| last.to == Stage::Won).map(|last| last.at)
    }
}

/// The company's opportunities in order of opening; gives people who join one a contact.
pub(super) fn of(dice: &mut Dice, account: &Account, members: &mut [Member]) -> Vec<Deal> {
    let mut openings: Vec<(i64, usize)> = members
        .iter()
        .enumerate()
        .filter_map(|(place, member)| Some((member.lead.as_ref()?.converted_at?, place)))
        .collect();
    openings.sort_unstable();
    let mut deals: Vec<Deal> = Vec::new();
    if openings.is_empty() && !account.private && dice.chance(0.08) {
        deals.extend(outbound(dice, account, members));
    }
    for (at, place) in openings {
        let count = deals.len();
        let running = deals.iter_mut().find(|deal| !is_closed(deal, at));
        match running {
            Some(deal) => deal.roles.push((place, role(dice))),
            None if count < MOST_DEALS && dice.chance(0.82) => {
                let opened = at + dice.span(20 * MINUTE, 1.5);
                let mut deal = open(dice, account, count, opened);
                deal.roles.push((place, "Decision Maker"));
                deals.push(deal);
            }
            None => {}
        }
    }
    deals.retain(|deal| deal.created() < AS_OF);
    expand(dice, account, &mut deals);
    for deal in &mut deals {
        committee(dice, deal, members);
        if dice.strikes(Dirt::DeletedOpportunity) {
            deal.deleted = true;
        }
    }
    deals
}

fn is_closed(deal: &Deal, at: i64) -> bool {
    let last = deal.last();
    matches!(last.to, Stage::Won | Stage::Lost) && last.at < at
}

fn open(dice: &mut Dice, account: &Account, place: usize, at: i64) -> Deal {
    let path = deal_path(dice, at, account.segment, account.country.offset_minutes);
    let dollars = dice.scaled(account.segment.choose(9_000.0, 38_000.0, 145_000.0), 0.6);
    let amount = account.country.currency.cents(dollars);
    let early = path.len() < 2;
    let planned_close = day_of(at + dice.span(account.segment.choose(30, 60, 110) * DAY, 0.3));
    let last = path.last().copied();
    let repriced = last.filter(|last| path.len() > 2 && last.at > at && dice.chance(0.35)).map(|last| {
        let was = account.country.currency.cents(dollars * dice.scaled(1.1, 0.2));
        (was, whole_seconds(dice.between(at, last.at)))
    });
    let close = match last {
        Some(last) if matches!(last.to, Stage::Won | Stage::Lost) => day_of(last.at),
        _ => planned_close.max(day_of(AS_OF) + dice.between(-20, 60)),
    };
    Deal {
        number: account.number * MOST_DEALS as u64 + place as u64,
        path,
        expansion: false,
        amount_cents: (!early || dice.chance(0.6)).then_some(amount),
        repriced,
        planned_close,
        close,
        roles: Vec::new(),
        outbound: false,
        deleted: false,
    }
}

/// A sale that a representative opened with somebody who never converted.
fn outbound(dice: &mut Dice, account: &Account, members: &mut [Member]) -> Option<Deal> {
    let at = account.began + dice.span(60 * DAY, 0.8);
    if at >= AS_OF {
        return None;
    }
    let mut deal = open(dice, account, 0, at);
    deal.outbound = true;
    let member = members.first_mut().filter(|member| member.lead.is_none())?;
    member.contact = Some(Contact { created: whole_seconds(at - dice.between(MINUTE, DAY)), converted: false });
    deal.roles.push((0, "Decision Maker"));
    Some(deal)
}

/// Some customers buy more.
fn expand(dice: &mut Dice, account: &Account, deals: &mut Vec<Deal>) {
    let Some((won, roles)) = deals.iter().find_map(|deal| Some((deal.won_at()?, deal.roles.clone()))) else {
        return;
    };
    let at = won + dice.span(160 * DAY, 0.5);
    if at < AS_OF && deals.len() < MOST_DEALS && dice.chance(0.4) {
        let mut deal = open(dice, account, deals.len(), at);
        deal.expansion = true;
        deal.roles = roles;
        deals.push(deal);
    }
}

/// Colleagues who are brought in: they become contacts, or already are.
fn committee(dice: &mut Dice, deal: &mut Deal, members: &mut [Member]) {
    let created = deal.created();
    for (place, member) in members.iter_mut().enumerate() {
        let joined = deal.roles.iter().any(|(other, _)| *other == place);
        let open_lead = member.lead.as_ref().is_some_and(|lead| lead.converted_at.is_none());
        if joined || open_lead || !dice.chance(0.2) {
            continue;
        }
        let at = whole_seconds(created + dice.span(6 * DAY, 1.0));
        if at >= AS_OF || member.contact.as_ref().is_some_and(|contact| contact.created > at) {
            continue;
        }
        member.contact.get_or_insert(Contact { created: at, converted: false });
        deal.roles.push((place, role(dice)));
    }
}

fn role(dice: &mut Dice) -> &'static str {
    const ROLES: [(&str, u32); 5] =
        [("Evaluator", 30), ("Business User", 25), ("Influencer", 20), ("Economic Buyer", 15), ("Technical Buyer", 10)];
    dice.weighted(&ROLES)
}
