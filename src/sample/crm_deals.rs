//! Writes accounts, contacts, opportunities, their history and their roles.

use super::campaigns::Campaign;
use super::clock::{AS_OF, DAY, HOUR, SECOND, civil, whole_seconds};
use super::crm_leads::{account_id, contact_id, email, lead_source, owner, synced};
use super::deals::Deal;
use super::dice::Dice;
use super::dirt::Dirt;
use super::history::{self, Change};
use super::ids::SfId;
use super::names;
use super::part::Part;
use super::people::Account;
use super::salesforce_tables::{AccountRow, ContactRow, OpportunityHistoryRow, OpportunityRow, RoleRow};
use super::stages::{Stage, Tracked};
use super::story::{Member, Story};
use super::truth;
use crate::error::Result;

/// The id of an opportunity.
pub(super) fn opportunity_id(deal: &Deal) -> SfId {
    SfId::new(b"006", deal.number)
}

/// Writes a company and everything that hangs on it.
pub(super) fn write(dice: &mut Dice, part: &mut Part, story: &Story, programme: &[Campaign]) -> Result<()> {
    let account = &story.account;
    let sold_to = !story.deals.is_empty() || story.members.iter().any(|member| member.contact.is_some());
    if sold_to || (!account.private && dice.chance(0.3)) {
        accounts(dice, part, story)?;
    }
    for member in &story.members {
        contact(dice, part, account, member)?;
    }
    for deal in &story.deals {
        opportunity(dice, part, story, deal, programme)?;
        deal_history(dice, part, account, deal)?;
        roles(dice, part, story, deal)?;
    }
    Ok(())
}

fn accounts(dice: &mut Dice, part: &mut Part, story: &Story) -> Result<()> {
    let account = &story.account;
    let first_deal = story.deals.iter().map(Deal::created).min();
    let first_contact = story.members.iter().filter_map(|m| m.contact.as_ref()).map(|c| c.created).min();
    let created = first_deal.into_iter().chain(first_contact).min().unwrap_or(account.began);
    // Target accounts were loaded at the start of the sample, others with their first contact.
    let created = if dice.chance(0.3) { account.began.min(created) } else { created };
    let created = whole_seconds(created);
    let won = story.deals.iter().filter_map(Deal::won_at).min();
    let modified = won.unwrap_or(created).max(created);
    let name = match story.members.first() {
        Some(member) if account.private => {
            format!("{} {}", member.person.name.first, member.person.name.last)
        }
        _ => account.name.clone(),
    };
    let kind = if won.is_some() { "Customer" } else { "Prospect" };
    account_row(dice, part, account, &Listing { second: false, name: &name, kind, created, modified, merged: false })?;
    if !account.private && dice.would(Dirt::DuplicateAccount) {
        let again = whole_seconds(created + dice.span(60 * DAY, 0.8));
        if again < AS_OF - DAY {
            dice.tally.add(Dirt::DuplicateAccount, 1);
            let merged = dice.strikes(Dirt::MergedAccount);
            let modified = if merged { whole_seconds(again + dice.between(HOUR, 20 * HOUR)) } else { again };
            let name = names::company_as_typed(dice, &account.name);
            let listing = Listing { second: true, name: &name, kind: "Prospect", created: again, modified, merged };
            account_row(dice, part, account, &listing)?;
        }
    }
    Ok(())
}

/// What differs between the records of one company.
struct Listing<'a> {
    second: bool,
    name: &'a str,
    kind: &'static str,
    created: i64,
    modified: i64,
    merged: bool,
}

fn account_row(dice: &mut Dice, part: &mut Part, account: &Account, listing: &Listing<'_>) -> Result<()> {
    let id = account_id(account.number, listing.second);
    let master = listing.merged.then(|| account_id(account.number, false));
    let website = (!account.private && dice.chance(0.9)).then(|| format!("www.{}", account.domain));
    let owner = owner(dice);
    let system_modstamp = (listing.modified + SECOND).min(AS_OF);
    part.account.push(AccountRow {
        id: id.as_str(),
        is_deleted: listing.merged,
        master_record_id: master.as_ref().map(SfId::as_str),
        name: listing.name,
        r#type: listing.kind,
        industry: account.industry,
        annual_revenue: account.revenue_cents().into(),
        number_of_employees: account.employees,
        billing_country: account.country.name,
        website: website.as_deref(),
        currency_iso_code: account.country.currency.code,
        segment_c: account.segment.label(),
        owner_id: owner.as_str(),
        created_by_id: owner.as_str(),
        created_date: listing.created,
        last_modified_date: listing.modified,
        system_modstamp,
        _fivetran_synced: synced(dice, system_modstamp),
        _fivetran_deleted: false,
    })
}

fn contact(dice: &mut Dice, part: &mut Part, account: &Account, member: &Member) -> Result<()> {
    let Some(contact) = &member.contact else { return Ok(()) };
    let person = &member.person;
    let id = contact_id(person.number);
    let account_id = account_id(account.number, false);
    let (first_name, last_name) = names::name_as_typed(dice, &person.name);
    let email = email(dice, &person.email, false);
    let owner = owner(dice);
    let modified = if contact.converted { contact.created } else { contact.created + dice.between(0, DAY) };
    let modified = whole_seconds(modified.min(AS_OF));
    truth::note(part, "salesforce", "contact", id.as_str(), person.number)?;
    part.contact.push(ContactRow {
        id: id.as_str(),
        is_deleted: false,
        master_record_id: None,
        account_id: Some(account_id.as_str()),
        first_name: &first_name,
        last_name: &last_name,
        title: person.title,
        email: email.as_deref(),
        phone: &person.phone,
        mailing_country: account.country.name,
        lead_source: lead_source(member),
        owner_id: owner.as_str(),
        has_opted_out_of_email: dice.chance(0.06),
        created_by_id: owner.as_str(),
        created_date: contact.created,
        last_modified_date: modified,
        system_modstamp: modified,
        _fivetran_synced: synced(dice, modified),
        _fivetran_deleted: false,
    })
}

fn opportunity(dice: &mut Dice, part: &mut Part, story: &Story, deal: &Deal, programme: &[Campaign]) -> Result<()> {
    let account = &story.account;
    let currency = account.country.currency.code;
    let last = deal.last();
    let (is_won, is_closed) = (last.to == Stage::Won, matches!(last.to, Stage::Won | Stage::Lost));
    let amount = deal.amount_cents.map(i128::from);
    if let (Some(amount), false) = (amount, deal.deleted) {
        let measure = if is_won {
            "won"
        } else if is_closed {
            "lost"
        } else {
            "open"
        };
        part.pay(measure, currency, amount);
    }
    let id = opportunity_id(deal);
    let account_id = account_id(account.number, false);
    let source = deal.roles.first().and_then(|(place, _)| story.members.get(*place)).map_or("Website", lead_source);
    let campaign = dice.chance(0.3).then(|| primary_campaign(programme, deal.created())).flatten();
    let owner = owner(dice);
    let kind = if deal.expansion { "Expansion" } else { "New Business" };
    let name = format!("{} - {kind}", account.name);
    let modified = last.at.max(deal.repriced.map_or(0, |(_, at)| at));
    let system_modstamp = (modified + SECOND).min(AS_OF);
    part.opportunity.push(OpportunityRow {
        id: id.as_str(),
        is_deleted: deal.deleted,
        account_id: account_id.as_str(),
        name: &name,
        r#type: kind,
        stage_name: last.to.label(AS_OF),
        amount,
        currency_iso_code: currency,
        expected_revenue: amount.map(|cents| cents * i128::from(last.to.probability()) / 100),
        probability: last.to.probability(),
        forecast_category: last.to.forecast(),
        close_date: deal.close as i32,
        is_closed,
        is_won,
        lead_source: if deal.outbound { "Sales Prospecting" } else { source },
        campaign_id: campaign.as_ref().map(SfId::as_str),
        owner_id: owner.as_str(),
        created_by_id: owner.as_str(),
        created_date: deal.created(),
        last_modified_date: modified,
        system_modstamp,
        _fivetran_synced: synced(dice, system_modstamp),
        _fivetran_deleted: false,
    })
}

/// The campaign that began last before the opportunity.
fn primary_campaign(programme: &[Campaign], at: i64) -> Option<SfId> {
    programme
        .iter()
        .filter(|campaign| campaign.parent.is_some() && campaign.starts <= at)
        .max_by_key(|campaign| (campaign.starts, campaign.number))
        .map(Campaign::id)
}

fn deal_history(dice: &mut Dice, part: &mut Part, account: &Account, deal: &Deal) -> Result<()> {
    let id = opportunity_id(deal);
    let mut changes = history::rows_of(dice, "StageName", &deal.path);
    if let (Some(now), Some((was, at))) = (deal.amount_cents, deal.repriced) {
        changes.extend(Change::plain(dice, "Amount", Some(decimal(was)), Some(decimal(now)), at));
    }
    if deal.close != deal.planned_close {
        let (was, now) = (date(deal.planned_close), date(deal.close));
        changes.extend(Change::plain(dice, "CloseDate", Some(was), Some(now), deal.last().at));
    }
    for change in &changes {
        let row_id = SfId::new(b"017", part.serial());
        let user = SfId::new(b"005", 100 + account.number % 40);
        part.opportunity_history.push(OpportunityHistoryRow {
            id: row_id.as_str(),
            is_deleted: false,
            opportunity_id: change.keyed.then(|| id.as_str()),
            created_by_id: user.as_str(),
            created_date: change.at,
            field: change.field,
            old_value: change.old.as_deref(),
            new_value: change.new.as_deref(),
            _fivetran_synced: change.arrives,
        })?;
    }
    Ok(())
}

fn decimal(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn date(day: i64) -> String {
    let (year, month, date) = civil(day);
    format!("{year:04}-{month:02}-{date:02}")
}

fn roles(dice: &mut Dice, part: &mut Part, story: &Story, deal: &Deal) -> Result<()> {
    let opportunity_id = opportunity_id(deal);
    for (number, (place, role)) in deal.roles.iter().enumerate() {
        let Some(member) = story.members.get(*place) else { continue };
        let Some(contact) = &member.contact else { continue };
        let id = SfId::new(b"00K", part.serial());
        let contact_id = contact_id(member.person.number);
        let created = contact.created.max(deal.created());
        let keyed = !dice.strikes(Dirt::NullRoleContact);
        part.role.push(RoleRow {
            id: id.as_str(),
            is_deleted: false,
            opportunity_id: opportunity_id.as_str(),
            contact_id: keyed.then(|| contact_id.as_str()),
            role,
            is_primary: number == 0,
            created_date: created,
            last_modified_date: created,
            system_modstamp: created,
            _fivetran_synced: synced(dice, created),
        })?;
    }
    Ok(())
}
