//! Writes the marketing automation's contacts, their properties over time, and the forms they filled in.

use super::clock::{AS_OF, DAY, HOUR, MINUTE, SECOND, whole_millis};
use super::crm_leads::{contact_id, lead_id, synced};
use super::dice::Dice;
use super::dirt::Dirt;
use super::emails;
use super::hubspot_tables::{HubContactRow, PropertyRow, SubmissionRow};
use super::ids::SfId;
use super::lanes::Lane;
use super::names;
use super::part::Part;
use super::stages::Status;
use super::story::{Known, Member, Story};
use super::truth;
use super::web::Web;
use crate::error::Result;

/// The company's account with the marketing automation.
pub(super) const PORTAL: i64 = 6_204_417;

/// Writes the contacts of a story; their clicks in e-mails become sessions.
pub(super) fn write(dice: &mut Dice, part: &mut Part, web: &mut Web, story: &Story) -> Result<()> {
    for (place, member) in story.members.iter().enumerate() {
        let Some(known) = &member.known else { continue };
        let stages = lifecycle(dice, story, place, member, known);
        let email = names::email_as_typed(dice, &member.person.email);
        let opted_out = emails::write(dice, part, web, story.account.country.offset_minutes, known, &email)?;
        let second = second_record(dice, known);
        let record = Record {
            second: false,
            email: &email,
            stage: stages.last().map_or("lead", |stage| stage.value),
            created: known.at,
            modified: stages.last().map_or(known.at, |stage| stage.at),
            opted_out,
            merged_vids: second.filter(|second| second.merged).map(|second| {
                // As the property reads: the merged contact and the millisecond of the merge.
                format!("{}:{}", known.contact_id + 1, second.modified / 1_000)
            }),
            deleted: second.is_none() && dice.strikes(Dirt::DeletedHubspotContact),
        };
        contact(dice, part, story, member, known, &record)?;
        for stage in &stages {
            property(dice, part, known.contact_id, stage)?;
        }
        lead_status(dice, part, known, member)?;
        submissions(dice, part, known)?;
        if let Some(second) = second {
            duplicate(dice, part, story, member, known, second)?;
        }
    }
    Ok(())
}

/// A value that a property took on.
struct Taken {
    name: &'static str,
    value: &'static str,
    source: &'static str,
    at: i64,
}

impl Taken {
    fn stage(value: &'static str, source: &'static str, at: i64) -> Self {
        Self { name: "lifecyclestage", value, source, at: whole_millis(at) }
    }
}

/// The lifecycle stages a contact reached, in order of time; only forward, but for one that is set back.
fn lifecycle(dice: &mut Dice, story: &Story, place: usize, member: &Member, known: &Known) -> Vec<Taken> {
    let first = if known.form.title == "Newsletter" { "subscriber" } else { "lead" };
    let mut reached = vec![Some(Taken::stage(first, "FORM", known.at))];
    let lead = member.lead.as_ref();
    let lag = |dice: &mut Dice, at: i64| at + dice.span(4 * MINUTE, 0.8);
    let qualified = lead.and_then(|lead| lead.first(Status::Mql)).map(|at| lag(dice, at));
    reached.push(qualified.map(|at| Taken::stage("marketingqualifiedlead", "AUTOMATION_PLATFORM", at)));
    if let Some(at) = qualified.filter(|_| dice.would(Dirt::LifecycleRegression)) {
        let back = at + dice.span(3 * DAY, 0.6);
        let accepted = lead.and_then(|lead| lead.first(Status::Working));
        if back < AS_OF - DAY && accepted.is_none_or(|accepted| back + DAY < accepted) {
            dice.tally.add(Dirt::LifecycleRegression, 1);
            reached.push(Some(Taken::stage("", "CRM_UI", back)));
            reached.push(Some(Taken::stage("lead", "CRM_UI", back + 2 * SECOND)));
        }
    }
    let accepted = lead.and_then(|lead| lead.first(Status::Working)).map(|at| lag(dice, at));
    reached.push(accepted.map(|at| Taken::stage("salesqualifiedlead", "SALESFORCE", at)));
    let mine = || story.deals.iter().filter(|deal| deal.roles.iter().any(|(other, _)| *other == place));
    let opened = mine().map(|deal| deal.created()).min().map(|at| lag(dice, at));
    reached.push(opened.map(|at| Taken::stage("opportunity", "SALESFORCE", at)));
    let won = mine().filter_map(|deal| deal.won_at()).min().map(|at| lag(dice, at));
    reached.push(won.map(|at| Taken::stage("customer", "SALESFORCE", at)));
    let again = mine().filter(|deal| deal.expansion).filter_map(|deal| deal.won_at()).min();
    reached.push(again.map(|at| Taken::stage("evangelist", "SALESFORCE", at + HOUR)));
    let mut last = i64::MIN;
    // A stage whose turn is past is skipped: the automation only moves forward.
    reached
        .into_iter()
        .flatten()
        .filter(|taken| {
            let forward = taken.at > last && taken.at < AS_OF;
            if forward {
                last = taken.at;
            }
            forward
        })
        .collect()
}

fn property(dice: &mut Dice, part: &mut Part, contact: i64, taken: &Taken) -> Result<()> {
    let keyed = !dice.strikes(Dirt::NullPropertyContact);
    let source_id = (taken.source == "CRM_UI").then_some("userId:40021");
    part.property.push(PropertyRow {
        contact_id: keyed.then_some(contact),
        name: taken.name,
        value: taken.value,
        source: taken.source,
        source_id,
        timestamp: taken.at,
        _fivetran_synced: synced(dice, taken.at),
    })
}

fn lead_status(dice: &mut Dice, part: &mut Part, known: &Known, member: &Member) -> Result<()> {
    let Some(lead) = &member.lead else { return Ok(()) };
    for step in &lead.path {
        let value = match step.to {
            Status::New => "NEW",
            Status::Mql => "OPEN",
            Status::Working => "IN_PROGRESS",
            Status::Qualified => "OPEN_DEAL",
            Status::Nurture => "BAD_TIMING",
            Status::Disqualified => "UNQUALIFIED",
        };
        let at = whole_millis(step.at.max(known.at) + dice.span(3 * MINUTE, 0.8));
        if at < AS_OF {
            let taken = Taken { name: "hs_lead_status", value, source: "SALESFORCE", at };
            property(dice, part, known.contact_id, &taken)?;
        }
    }
    Ok(())
}

fn submissions(dice: &mut Dice, part: &mut Part, known: &Known) -> Result<()> {
    for (at, form, page_url) in &known.submissions {
        let conversion_id = part.serial() as i64;
        part.submission.push(SubmissionRow {
            conversion_id,
            contact_id: known.contact_id,
            form_id: form.guid,
            page_id: 7_700 + form.page as i64,
            page_url,
            portal_id: PORTAL,
            title: form.title,
            timestamp: *at,
            _fivetran_synced: synced(dice, *at),
        })?;
    }
    Ok(())
}

/// What differs between the records of one person.
struct Record<'a> {
    second: bool,
    email: &'a str,
    stage: &'static str,
    created: i64,
    modified: i64,
    opted_out: bool,
    merged_vids: Option<String>,
    deleted: bool,
}

fn contact(
    dice: &mut Dice,
    part: &mut Part,
    story: &Story,
    member: &Member,
    known: &Known,
    record: &Record<'_>,
) -> Result<()> {
    let (account, person) = (&story.account, &member.person);
    let id = known.contact_id + i64::from(record.second);
    let (firstname, lastname) = names::name_as_typed(dice, &person.name);
    let company = (!account.private && dice.chance(0.9)).then(|| names::company_as_typed(dice, &account.name));
    let lead = member.lead.as_ref().filter(|_| !record.second).map(|_| lead_id(person.number, false));
    let short = lead.is_some() && dice.strikes(Dirt::ShortSalesforceId);
    let lead = lead.as_ref().map(|id: &SfId| if short { id.short() } else { id.as_str() });
    let contact = member.contact.as_ref().filter(|_| !record.second).map(|_| contact_id(person.number));
    let client_id = known.pseudo_id.as_deref().filter(|_| !record.second && dice.chance(0.85));
    truth::note(part, "hubspot", "contact", &id.to_string(), person.number)?;
    part.hub_contact.push(HubContactRow {
        id,
        property_email: record.email,
        property_firstname: &firstname,
        property_lastname: &lastname,
        property_company: company.as_deref(),
        property_jobtitle: dice.chance(0.75).then_some(person.title),
        property_phone: dice.chance(0.5).then_some(&person.phone),
        property_country: dice.chance(0.8).then_some(account.country.name),
        property_hs_timezone: dice.chance(0.8).then_some(account.country.zone),
        property_lifecyclestage: record.stage,
        property_hs_analytics_source: analytics_source(known.lane),
        property_ga_client_id: client_id,
        property_hs_email_optout: record.opted_out,
        property_salesforceleadid: lead,
        property_salesforcecontactid: contact.as_ref().map(SfId::as_str),
        property_hs_calculated_merged_vids: record.merged_vids.as_deref(),
        property_createdate: record.created,
        property_lastmodifieddate: record.modified,
        _fivetran_synced: synced(dice, record.modified),
        _fivetran_deleted: record.deleted,
    })
}

/// The automation's own word for where somebody came from.
fn analytics_source(lane: Lane) -> &'static str {
    match lane {
        Lane::GoogleAds | Lane::BingAds => "PAID_SEARCH",
        Lane::LinkedInAds | Lane::FacebookAds => "PAID_SOCIAL",
        Lane::OrganicSearch => "ORGANIC_SEARCH",
        Lane::OrganicSocial | Lane::Video => "SOCIAL_MEDIA",
        Lane::Direct => "DIRECT_TRAFFIC",
        Lane::Email => "EMAIL_MARKETING",
        Lane::Assistant => "AI_REFERRALS",
        Lane::Referral | Lane::Review => "REFERRALS",
        Lane::Display | Lane::Partner | Lane::Affiliate | Lane::Webinar => "OTHER_CAMPAIGNS",
    }
}

/// A second record of a person: when it was made, and whether it was merged into the first.
#[derive(Clone, Copy)]
struct Second {
    created: i64,
    modified: i64,
    merged: bool,
}

fn second_record(dice: &mut Dice, known: &Known) -> Option<Second> {
    let created = whole_millis(known.at + dice.span(40 * DAY, 0.8));
    if !dice.would(Dirt::DuplicateHubspotContact) || created >= AS_OF - DAY {
        return None;
    }
    dice.tally.add(Dirt::DuplicateHubspotContact, 1);
    let merged = dice.strikes(Dirt::MergedHubspotContact);
    let modified = whole_millis(created + if merged { dice.between(HOUR, DAY) } else { 0 });
    Some(Second { created, modified, merged })
}

fn duplicate(
    dice: &mut Dice,
    part: &mut Part,
    story: &Story,
    member: &Member,
    known: &Known,
    second: Second,
) -> Result<()> {
    // From another address where there is one: that is why it was not recognised.
    let email = if dice.chance(0.5) {
        member.person.name.free_email(dice, member.person.number)
    } else {
        names::email_as_typed(dice, &member.person.email)
    };
    let record = Record {
        second: true,
        email: &email,
        stage: "lead",
        created: second.created,
        modified: second.modified,
        opted_out: false,
        merged_vids: None,
        deleted: second.merged,
    };
    contact(dice, part, story, member, known, &record)?;
    property(dice, part, known.contact_id + 1, &Taken::stage("lead", "FORM", second.created))
}
