//! Field history as the CRM keeps it: one row a change, from when tracking was switched on.

use super::clock::{AS_OF, LATE_AFTER, TRACKING_ON};
use super::dice::Dice;
use super::dirt::Dirt;
use super::stages::{Step, Tracked};
use super::web::arrival_of;

/// One row of a history table, before it is given to the table of its object.
#[derive(Debug, Clone)]
pub(super) struct Change {
    /// Whether the row still names its record.
    pub(super) keyed: bool,
    pub(super) field: &'static str,
    pub(super) old: Option<String>,
    pub(super) new: Option<String>,
    pub(super) at: i64,
    pub(super) arrives: i64,
    ranks: Option<(Option<u8>, Option<u8>)>,
}

impl Change {
    /// A change of a field that has no stages; none before tracking or after the end.
    pub(super) fn plain(
        dice: &mut Dice,
        field: &'static str,
        old: Option<String>,
        new: Option<String>,
        at: i64,
    ) -> Option<Self> {
        (TRACKING_ON..AS_OF).contains(&at).then(|| {
            let arrives = arrival_of(dice, at);
            dice.tally.add(Dirt::LateRow, u64::from(arrives - at > LATE_AFTER));
            Self { keyed: true, field, old, new, at, arrives, ranks: None }
        })
    }
}

/// The rows that a path left, in the order of the file, with all that is wrong with them counted.
pub(super) fn rows_of<T: Tracked>(dice: &mut Dice, field: &'static str, path: &[Step<T>]) -> Vec<Change> {
    let mut rows = Vec::with_capacity(path.len());
    let mut before_tracking = false;
    for (from, step) in path.iter().zip(path.iter().skip(1)) {
        if step.at < TRACKING_ON {
            before_tracking = true;
        } else if !dice.strikes(Dirt::LostChange) {
            rows.push(Change {
                keyed: !dice.strikes(Dirt::NullHistoryKey),
                field,
                old: Some(from.to.label(step.at).to_owned()),
                new: Some(step.to.label(step.at).to_owned()),
                at: step.at,
                arrives: arrival_of(dice, step.at),
                ranks: Some((from.to.rank(), step.to.rank())),
            });
        }
    }
    if before_tracking && rows.iter().any(|row| row.keyed) {
        dice.tally.add(Dirt::HistoryStartsLate, 1);
    }
    count(dice, &rows);
    shuffle(dice, &mut rows);
    rows
}

/// Counts what can be seen in the rows of one record, in the order of events.
fn count(dice: &mut Dice, rows: &[Change]) {
    let mut seen: Vec<&Option<String>> = Vec::new();
    let mut last: Option<&Change> = None;
    for row in rows {
        let tally = &mut dice.tally;
        tally.add(Dirt::LateRow, u64::from(row.arrives - row.at > LATE_AFTER));
        let legacy = [&row.old, &row.new].iter().any(|v| v.as_deref() == Some("Marketing Qualified"));
        tally.add(Dirt::LegacyStatus, u64::from(legacy));
        if !row.keyed {
            continue;
        }
        let repeated = row.old == row.new;
        tally.add(Dirt::RepeatedStage, u64::from(repeated));
        if let Some((Some(old), Some(new))) = row.ranks {
            tally.add(Dirt::StageSkip, u64::from(new > old + 1));
            tally.add(Dirt::StageRegression, u64::from(new < old));
        }
        if let Some(last) = last {
            tally.add(Dirt::SameSecondChange, u64::from(last.at == row.at));
            tally.add(Dirt::ChainBreak, u64::from(last.new != row.old));
        } else {
            seen.push(&row.old);
        }
        tally.add(Dirt::StageReentry, u64::from(!repeated && seen.contains(&&row.new)));
        seen.push(&row.new);
        last = Some(row);
    }
}

/// Lets some rows change places with the one before.
fn shuffle(dice: &mut Dice, rows: &mut [Change]) {
    let mut place = 1;
    while place < rows.len() {
        if dice.would(Dirt::OutOfOrderRow) {
            rows.swap(place - 1, place);
            place += 1;
        }
        place += 1;
    }
    let keyed: Vec<i64> = rows.iter().filter(|row| row.keyed).map(|row| row.at).collect();
    let inversions = keyed.iter().zip(keyed.iter().skip(1)).filter(|(a, b)| b < a).count();
    dice.tally.add(Dirt::OutOfOrderRow, inversions as u64);
}
