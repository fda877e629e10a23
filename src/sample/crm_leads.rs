//! Writes leads, their history, and what sales did with them.

use super::clock::{AS_OF, DAY, HOUR, MINUTE, SECOND, civil, day_of, time_of_day, whole_seconds, working};
use super::crm_deals::opportunity_id;
use super::dice::Dice;
use super::dirt::Dirt;
use super::history::{self, Change};
use super::ids::SfId;
use super::lanes::Lane;
use super::names;
use super::part::Part;
use super::people::Account;
use super::salesforce_tables::{LeadHistoryRow, LeadRow, TaskRow};
use super::stages::{Status, Tracked};
use super::story::{Lead, Member, Story};
use super::truth;
use crate::error::Result;

/// The id of a person's lead; her second one has the next number.
pub(super) fn lead_id(person: u64, second: bool) -> SfId {
    SfId::new(b"00Q", person * 2 + u64::from(second))
}

/// The id of a person's contact.
pub(super) fn contact_id(person: u64) -> SfId {
    SfId::new(b"003", person)
}

/// The id of a company's account; its second one has the next number.
pub(super) fn account_id(account: u64, second: bool) -> SfId {
    SfId::new(b"001", account * 2 + u64::from(second))
}

/// One of forty users who own records.
pub(super) fn owner(dice: &mut Dice) -> SfId {
    SfId::new(b"005", 100 + dice.below(40) as u64)
}

/// When the extract got a row last changed at `modified`.
pub(super) fn synced(dice: &mut Dice, modified: i64) -> i64 {
    (modified + dice.between(5 * MINUTE, 6 * HOUR)).min(AS_OF)
}

/// The picklist value for where somebody came from.
pub(super) fn lead_source(member: &Member) -> &'static str {
    match member.known.as_ref().map(|known| known.lane) {
        _ if member.lead.as_ref().is_some_and(|lead| lead.imported) => "List Import",
        Some(Lane::Webinar) => "Webinar",
        Some(Lane::Partner) => "Partner Referral",
        Some(Lane::Email) => "Email",
        Some(lane) if lane.is_paid() => "Paid Media",
        Some(_) => "Website",
        None => "Sales Prospecting",
    }
}

/// Writes the leads of a story.
pub(super) fn write(dice: &mut Dice, part: &mut Part, story: &Story) -> Result<()> {
    for (place, member) in story.members.iter().enumerate() {
        let Some(lead) = &member.lead else { continue };
        let deal = story.deals.iter().find(|deal| deal.roles.iter().any(|(other, _)| *other == place));
        let opportunity = deal.map(opportunity_id);
        first(dice, part, &story.account, member, lead, opportunity.as_ref())?;
        if dice.would(Dirt::DuplicateLead) {
            second(dice, part, &story.account, member, lead)?;
        }
        lead_history(dice, part, member, lead)?;
        tasks(dice, part, &story.account, member, lead)?;
    }
    Ok(())
}

/// What differs between the records of one lead.
struct Record<'a> {
    second: bool,
    created: i64,
    modified: i64,
    status: &'static str,
    deleted: bool,
    master: Option<SfId>,
    conversion: Option<(i64, Option<&'a SfId>)>,
}

fn first(
    dice: &mut Dice,
    part: &mut Part,
    account: &Account,
    member: &Member,
    lead: &Lead,
    opportunity: Option<&SfId>,
) -> Result<()> {
    let last = lead.last();
    let deleted = lead.converted_at.is_none() && dice.strikes(Dirt::DeletedLead);
    let record = Record {
        second: false,
        created: lead.created,
        modified: last.at,
        status: last.to.label(AS_OF),
        deleted,
        master: None,
        conversion: lead.converted_at.map(|at| (at, opportunity)),
    };
    row(dice, part, account, member, &record)
}

/// A second record of the same person, from another form or list; often merged later.
fn second(dice: &mut Dice, part: &mut Part, account: &Account, member: &Member, lead: &Lead) -> Result<()> {
    let created = whole_seconds(lead.created + dice.span(30 * DAY, 1.0));
    if created >= AS_OF - DAY {
        return Ok(());
    }
    dice.tally.add(Dirt::DuplicateLead, 1);
    let merged = dice.strikes(Dirt::MergedLead);
    let modified = if merged { created + dice.between(HOUR, DAY - SECOND) } else { created };
    let record = Record {
        second: true,
        created,
        modified: whole_seconds(modified),
        status: Status::New.label(AS_OF),
        deleted: merged,
        master: merged.then(|| lead_id(member.person.number, false)),
        conversion: None,
    };
    row(dice, part, account, member, &record)
}

fn row(dice: &mut Dice, part: &mut Part, account: &Account, member: &Member, record: &Record<'_>) -> Result<()> {
    let person = &member.person;
    let id = lead_id(person.number, record.second);
    let (first_name, last_name) = names::name_as_typed(dice, &person.name);
    let email = email(dice, person.email.as_str(), true);
    let company = if account.private { "n/a".to_owned() } else { names::company_as_typed(dice, &account.name) };
    let website = (!account.private && dice.chance(0.7)).then(|| website(dice, &account.domain));
    let enriched = !account.private && dice.chance(0.8);
    let known = member.known.as_ref();
    let tag = |tag: &str| Some(tag.to_owned()).filter(|tag| !tag.is_empty());
    let [utm_source, utm_medium, utm_campaign] = match known {
        Some(known) => [tag(&known.tags.source), tag(&known.tags.medium), tag(&known.tags.campaign)],
        None => [None, None, None],
    };
    let imported = !record.second && member.lead.as_ref().is_some_and(|lead| lead.imported);
    let imported_at = imported.then(|| local_text(dice, record.created, account.country.offset_minutes));
    let converted = record.conversion;
    let owner = owner(dice);
    let account_id = converted.map(|_| account_id(account.number, false));
    let contact_id = converted.map(|_| contact_id(person.number));
    let system_modstamp = (record.modified + SECOND).min(AS_OF);
    truth::note(part, "salesforce", "lead", id.as_str(), person.number)?;
    part.lead.push(LeadRow {
        id: id.as_str(),
        is_deleted: record.deleted,
        master_record_id: record.master.as_ref().map(SfId::as_str),
        first_name: &first_name,
        last_name: &last_name,
        title: person.title,
        company: &company,
        country: if dice.chance(0.85) { account.country.name } else { account.country.code },
        phone: &person.phone,
        email: email.as_deref(),
        website: website.as_deref(),
        lead_source: lead_source(member),
        status: record.status,
        industry: enriched.then_some(account.industry),
        annual_revenue: enriched.then(|| account.revenue_cents().into()),
        number_of_employees: enriched.then_some(account.employees),
        owner_id: owner.as_str(),
        has_opted_out_of_email: dice.chance(0.06),
        is_converted: converted.is_some(),
        converted_date: converted.map(|(at, _)| day_of(at) as i32),
        converted_account_id: account_id.as_ref().map(SfId::as_str),
        converted_contact_id: contact_id.as_ref().map(SfId::as_str),
        converted_opportunity_id: converted.and_then(|(_, deal)| deal).map(SfId::as_str),
        utm_source_c: utm_source.as_deref(),
        utm_medium_c: utm_medium.as_deref(),
        utm_campaign_c: utm_campaign.as_deref(),
        gclid_c: known.and_then(|known| known.gclid.as_deref()),
        imported_at_c: imported_at.as_deref(),
        created_by_id: owner.as_str(),
        created_date: record.created,
        last_modified_date: record.modified,
        system_modstamp,
        _fivetran_synced: synced(dice, system_modstamp),
        _fivetran_deleted: false,
    })
}

/// The e-mail as it stands in the CRM; `lead` records may hold a placeholder instead.
pub(super) fn email(dice: &mut Dice, email: &str, lead: bool) -> Option<String> {
    if dice.strikes(Dirt::EmailMissing) {
        return None;
    }
    if lead && dice.strikes(Dirt::EmailPlaceholder) {
        return Some("test@test.com".to_owned());
    }
    Some(names::email_as_typed(dice, email))
}

fn website(dice: &mut Dice, domain: &str) -> String {
    match dice.below(5) {
        0 => format!("https://www.{domain}/"),
        1 => format!("http://{domain}"),
        2 => format!("WWW.{}", domain.to_uppercase()),
        _ => format!("www.{domain}"),
    }
}

/// The instant as text in local time, in one of the ways that lists are written, or no date at all.
fn local_text(dice: &mut Dice, at: i64, offset_minutes: i64) -> String {
    if dice.strikes(Dirt::UnparseableTime) {
        return (*dice.pick(&["n/a", "31/02/2025", "yesterday", "TBD"])).to_owned();
    }
    let local = at + offset_minutes * MINUTE;
    let (year, month, date) = civil(day_of(local));
    let (hour, minute, second) = time_of_day(local);
    let (sign, zone) = (if offset_minutes < 0 { '-' } else { '+' }, offset_minutes.abs());
    match dice.below(4) {
        0 => format!("{year}-{month:02}-{date:02} {hour:02}:{minute:02}"),
        1 => format!("{date:02}.{month:02}.{year} {hour:02}:{minute:02}"),
        2 => format!(
            "{month}/{date}/{year} {}:{minute:02} {}",
            (hour + 11) % 12 + 1,
            if hour < 12 { "AM" } else { "PM" }
        ),
        _ => format!(
            "{year}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}{sign}{:02}:{:02}",
            zone / 60,
            zone % 60
        ),
    }
}

fn lead_history(dice: &mut Dice, part: &mut Part, member: &Member, lead: &Lead) -> Result<()> {
    let id = lead_id(member.person.number, false);
    let mut changes = history::rows_of(dice, "Status", &lead.path);
    let assigned = whole_seconds(lead.created + dice.span(3 * MINUTE, 1.4));
    let name = format!("Rep {:02}", dice.below(40));
    changes.extend(Change::plain(dice, "Owner", Some("Inbound Queue".to_owned()), Some(name.clone()), assigned));
    if dice.chance(0.06) {
        let other = format!("Rep {:02}", dice.below(40));
        let at = whole_seconds(assigned + dice.span(DAY, 1.0));
        changes.extend(Change::plain(dice, "Owner", Some(name), Some(other), at));
    }
    if let Some(at) = lead.converted_at {
        changes.extend(Change::plain(dice, "leadConverted", None, None, at));
    }
    for change in &changes {
        let row_id = SfId::new(b"017", part.serial());
        let user = owner(dice);
        part.lead_history.push(LeadHistoryRow {
            id: row_id.as_str(),
            is_deleted: false,
            lead_id: change.keyed.then(|| id.as_str()),
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

/// Calls and e-mails after the hand-over; the first is the response that its SLA is about.
fn tasks(dice: &mut Dice, part: &mut Part, account: &Account, member: &Member, lead: &Lead) -> Result<()> {
    const KINDS: [((&str, &str), u32); 4] = [
        (("Call", "Discovery call"), 45),
        (("Email", "Intro e-mail"), 35),
        (("LinkedIn", "Connection request"), 10),
        (("Task", "Research the account"), 10),
    ];
    let Some(handed_over) = lead.first(Status::Mql).or(lead.first(Status::Working)) else {
        return Ok(());
    };
    let lead_id = lead_id(member.person.number, false);
    let contact_id = contact_id(member.person.number);
    let account_id = account_id(account.number, false);
    let owner = owner(dice);
    let response = handed_over + dice.span(70 * MINUTE, 1.2);
    let mut at = working(dice, response, account.country.offset_minutes);
    for _ in 0..1 + dice.run(0.5, 5) {
        if at >= AS_OF {
            break;
        }
        let created = whole_seconds(at);
        let (subtype, subject) = dice.weighted(&KINDS);
        let done = dice.chance(0.93);
        let completed = done.then(|| whole_seconds((created + dice.between(MINUTE, 2 * HOUR)).min(AS_OF)));
        let after = lead.converted_at.is_some_and(|converted| converted <= at);
        let id = SfId::new(b"00T", part.serial());
        let modified = completed.unwrap_or(created);
        part.task.push(TaskRow {
            id: id.as_str(),
            is_deleted: false,
            who_id: if after { contact_id.as_str() } else { lead_id.as_str() },
            account_id: after.then(|| account_id.as_str()),
            subject,
            task_subtype: subtype,
            status: if done { "Completed" } else { "Not Started" },
            is_closed: done,
            priority: if dice.chance(0.1) { "High" } else { "Normal" },
            activity_date: day_of(created) as i32,
            completed_date_time: completed,
            owner_id: owner.as_str(),
            created_by_id: owner.as_str(),
            created_date: created,
            last_modified_date: modified,
            _fivetran_synced: synced(dice, modified),
        })?;
        let next = at + dice.span(4 * DAY, 0.8);
        at = working(dice, next, account.country.offset_minutes);
    }
    Ok(())
}
