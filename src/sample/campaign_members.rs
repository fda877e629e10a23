//! Writes the programme of campaigns and who took part in them.

use super::campaigns::{Campaign, Kind};
use super::clock::{AS_OF, DAY, HOUR, START, day_of, whole_seconds};
use super::crm_leads::{contact_id, lead_id, owner, synced};
use super::dice::Dice;
use super::ids::SfId;
use super::part::Part;
use super::places::BOOKS;
use super::salesforce_tables::{CampaignRow, CampaignTable, MemberRow};
use super::story::{Member, Story};
use super::writer::Sink;
use crate::error::Result;

/// Writes the campaigns themselves.
pub(super) fn write_programme(dice: &mut Dice, sink: &mut Sink<CampaignTable>, programme: &[Campaign]) -> Result<()> {
    for campaign in programme {
        let id = campaign.id();
        let parent = campaign.parent.map(|number| SfId::new(b"701", number));
        let created = whole_seconds((campaign.starts - 30 * DAY).max(START));
        let over = campaign.ends + 2 * DAY < AS_OF;
        let modified = if over { campaign.ends + DAY } else { created };
        let owner = owner(dice);
        sink.push(CampaignRow {
            id: id.as_str(),
            is_deleted: false,
            parent_id: parent.as_ref().map(SfId::as_str),
            name: &campaign.name,
            r#type: campaign.kind.label(),
            status: if over { "Completed" } else { "In Progress" },
            is_active: !over,
            start_date: day_of(campaign.starts) as i32,
            end_date: day_of(campaign.ends) as i32,
            budgeted_cost: campaign.budget_cents,
            actual_cost: if over { campaign.cost_cents } else { campaign.cost_cents / 3 },
            currency_iso_code: BOOKS.code,
            owner_id: owner.as_str(),
            created_date: created,
            last_modified_date: modified,
            system_modstamp: modified,
            _fivetran_synced: synced(dice, modified),
        })?;
    }
    Ok(())
}

/// Writes the memberships of a company's people.
pub(super) fn write(dice: &mut Dice, part: &mut Part, story: &Story, programme: &[Campaign]) -> Result<()> {
    for member in &story.members {
        if member.lead.is_none() && member.contact.is_none() {
            continue;
        }
        for campaign in programme {
            let mine = campaign.parent.is_some() && campaign.region == story.account.country.region;
            if mine && dice.chance(chance(campaign.kind)) {
                membership(dice, part, member, campaign)?;
            }
        }
    }
    Ok(())
}

fn chance(kind: Kind) -> f64 {
    match kind {
        Kind::Webinar => 0.1,
        Kind::TradeShow => 0.1,
        Kind::ContentSyndication => 0.06,
    }
}

fn membership(dice: &mut Dice, part: &mut Part, member: &Member, campaign: &Campaign) -> Result<()> {
    let number = member.person.number;
    let lead_since = member.lead.as_ref().map(|lead| lead.created);
    let contact_since = member.contact.as_ref().map(|contact| contact.created);
    let joined = whole_seconds(campaign.starts + dice.between(0, (campaign.ends - campaign.starts).max(HOUR)));
    let as_contact = contact_since.is_some_and(|since| since <= joined);
    let as_lead = !as_contact && lead_since.is_some_and(|since| since <= joined);
    // Nobody is a member before there is a record of her.
    if !(as_contact || as_lead) || joined >= AS_OF {
        return Ok(());
    }
    let (status, responded) = match (campaign.kind, dice.below(10)) {
        (Kind::Webinar, 0..5) => ("Attended", true),
        (Kind::Webinar, _) => ("Registered", false),
        (Kind::TradeShow, 0..6) => ("Visited Booth", true),
        (Kind::TradeShow, _) => ("Invited", false),
        (Kind::ContentSyndication, _) => ("Responded", true),
    };
    let id = SfId::new(b"00v", part.serial());
    let campaign_id = campaign.id();
    let (lead, contact) = (lead_id(number, false), contact_id(number));
    part.member.push(MemberRow {
        id: id.as_str(),
        is_deleted: false,
        campaign_id: campaign_id.as_str(),
        lead_id: lead_since.map(|_| lead.as_str()),
        contact_id: contact_since.map(|_| contact.as_str()),
        status,
        has_responded: responded,
        first_responded_date: responded.then(|| day_of(joined) as i32),
        created_date: joined,
        last_modified_date: joined,
        system_modstamp: joined,
        _fivetran_synced: synced(dice, joined),
    })
}
