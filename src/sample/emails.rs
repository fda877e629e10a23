//! Writes what became of the e-mails to a contact; a click brings the contact to the site.

use super::clock::{AS_OF, DAY, HOUR, LATE_AFTER, MINUTE, SECOND, START, whole_millis, working};
use super::dice::Dice;
use super::dirt::Dirt;
use super::hubspot::PORTAL;
use super::hubspot_tables::EmailRow;
use super::ids::Uuid;
use super::lanes::Lane;
use super::part::Part;
use super::story::Known;
use super::web::{Plan, Web, arrival_of};
use crate::error::Result;

/// Days between two newsletters.
const NEWSLETTER_DAYS: i64 = 30;
/// Days after the form at which the nurture programme writes.
const NURTURE_DAYS: [i64; 3] = [1, 5, 12];

/// One e-mail to one contact.
struct Letter<'a> {
    recipient: &'a str,
    campaign: i64,
    sent: i64,
    id: Uuid,
}

/// Writes all that were sent to a contact; returns whether she has unsubscribed.
pub(super) fn write(
    dice: &mut Dice,
    part: &mut Part,
    web: &mut Web,
    offset: i64,
    known: &Known,
    recipient: &str,
) -> Result<bool> {
    for (campaign, at) in schedule(dice, known.at, offset) {
        let letter = Letter { recipient, campaign, sent: whole_millis(at), id: uuid(dice) };
        row(dice, part, &letter, "SENT", letter.sent, false)?;
        let delivered = letter.sent + dice.span(4 * SECOND, 0.6);
        if dice.chance(0.025) {
            row(dice, part, &letter, "BOUNCE", delivered, false)?;
            // After a hard bounce nothing is sent any more.
            if dice.chance(0.4) {
                return Ok(false);
            }
            continue;
        }
        row(dice, part, &letter, "DELIVERED", delivered, false)?;
        if dice.chance(0.3) && read(dice, part, web, known, &letter)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// E-mail campaigns and times at which they go to a contact known since `known_at`.
fn schedule(dice: &mut Dice, known_at: i64, offset: i64) -> Vec<(i64, i64)> {
    let mut letters = Vec::new();
    for (place, day) in NURTURE_DAYS.iter().enumerate() {
        letters.push((9_001 + place as i64, working(dice, known_at + day * DAY, offset)));
    }
    let first = (known_at - START).div_euclid(NEWSLETTER_DAYS * DAY) + 1;
    // Not everybody wants the newsletter.
    let end = if dice.chance(0.6) { (AS_OF - START) / (NEWSLETTER_DAYS * DAY) + 1 } else { first };
    for issue in first..end {
        // All of an issue go out in ten minutes.
        let at = START + issue * NEWSLETTER_DAYS * DAY + 14 * HOUR + dice.between(0, 10 * MINUTE);
        letters.push((5_000 + issue, at));
    }
    letters.retain(|(_, at)| *at < AS_OF);
    letters.sort_unstable_by_key(|&(campaign, at)| (at, campaign));
    letters
}

/// An open, perhaps a click and a visit; returns whether the contact unsubscribes.
fn read(dice: &mut Dice, part: &mut Part, web: &mut Web, known: &Known, letter: &Letter<'_>) -> Result<bool> {
    let machine = dice.would(Dirt::MachineEmailEvent);
    let lag = if machine { 5 * SECOND } else { dice.span(3 * HOUR, 1.3) };
    let opened = letter.sent + MINUTE + lag;
    row(dice, part, letter, "OPEN", opened, machine)?;
    if dice.chance(0.17) {
        let clicked = opened + dice.span(40 * SECOND, 0.6);
        row(dice, part, letter, "CLICK", clicked, machine)?;
        let at = clicked + 2 * SECOND;
        if !machine && at < AS_OF {
            web.visit(dice, &Plan { visitor: known.visitor, at, lane: Lane::Email, form: None });
        }
    }
    let complaint = dice.chance(0.001);
    let leaves = complaint || dice.chance(0.012);
    if leaves {
        let kind = if complaint { "SPAMREPORT" } else { "STATUSCHANGE" };
        row(dice, part, letter, kind, opened + MINUTE, false)?;
    }
    Ok(leaves && opened + MINUTE < AS_OF)
}

fn row(dice: &mut Dice, part: &mut Part, letter: &Letter<'_>, kind: &str, at: i64, machine: bool) -> Result<()> {
    let created = whole_millis(at);
    if created >= AS_OF {
        return Ok(());
    }
    let sent = kind == "SENT";
    let id = if sent { letter.id } else { uuid(dice) };
    let arrives = arrival_of(dice, created);
    let keyed = !dice.strikes(Dirt::NullRecipient);
    dice.tally.add(Dirt::LateRow, u64::from(arrives - created > LATE_AFTER));
    dice.tally.add(Dirt::MachineEmailEvent, u64::from(machine));
    part.email.push(EmailRow {
        id: id.as_str(),
        r#type: kind,
        created,
        recipient: keyed.then_some(letter.recipient),
        email_campaign_id: letter.campaign,
        app_id: 113,
        portal_id: PORTAL,
        filtered_event: machine,
        sent_by_id: (!sent).then(|| letter.id.as_str()),
        sent_by_created: (!sent).then_some(letter.sent),
        _fivetran_synced: arrives,
    })
}

fn uuid(dice: &mut Dice) -> Uuid {
    Uuid::new(dice.bits(), dice.bits())
}
