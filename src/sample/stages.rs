//! The way of a lead through its statuses and of an opportunity through its stages.

use super::clock::{AS_OF, DAY, HOUR, MINUTE, STATUS_RENAMED, whole_seconds, working};
use super::dice::Dice;
use super::dirt::Dirt;
use super::people::Segment;

/// The most changes of one record.
const MOST_STEPS: usize = 14;

/// A lead's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    New,
    Mql,
    Working,
    Qualified,
    Nurture,
    Disqualified,
}

/// An opportunity's stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Discovery,
    Evaluation,
    Proposal,
    Negotiation,
    Won,
    Lost,
}

/// A value of a picklist whose changes are tracked.
pub(super) trait Tracked: Copy + PartialEq {
    /// Its name at this time.
    fn label(self, at: i64) -> &'static str;
    /// Its place on the ladder; none for a detour or a loss.
    fn rank(self) -> Option<u8>;
}

impl Tracked for Status {
    fn label(self, at: i64) -> &'static str {
        match self {
            Self::New => "New",
            Self::Mql if at < STATUS_RENAMED => "Marketing Qualified",
            Self::Mql => "MQL",
            Self::Working => "Working",
            Self::Qualified => "Qualified",
            Self::Nurture => "Nurture",
            Self::Disqualified => "Disqualified",
        }
    }

    fn rank(self) -> Option<u8> {
        match self {
            Self::New => Some(1),
            Self::Mql => Some(2),
            Self::Working => Some(3),
            Self::Qualified => Some(4),
            Self::Nurture | Self::Disqualified => None,
        }
    }
}

impl Tracked for Stage {
    fn label(self, _: i64) -> &'static str {
        match self {
            Self::Discovery => "Discovery",
            Self::Evaluation => "Evaluation",
            Self::Proposal => "Proposal",
            Self::Negotiation => "Negotiation",
            Self::Won => "Closed Won",
            Self::Lost => "Closed Lost",
        }
    }

    fn rank(self) -> Option<u8> {
        match self {
            Self::Discovery => Some(1),
            Self::Evaluation => Some(2),
            Self::Proposal => Some(3),
            Self::Negotiation => Some(4),
            Self::Won => Some(5),
            Self::Lost => None,
        }
    }
}

impl Stage {
    /// The forecast's probability, in percent.
    pub(super) fn probability(self) -> i64 {
        match self {
            Self::Discovery => 10,
            Self::Evaluation => 30,
            Self::Proposal => 50,
            Self::Negotiation => 75,
            Self::Won => 100,
            Self::Lost => 0,
        }
    }

    /// The forecast category.
    pub(super) fn forecast(self) -> &'static str {
        match self {
            Self::Discovery | Self::Evaluation => "Pipeline",
            Self::Proposal => "Best Case",
            Self::Negotiation => "Commit",
            Self::Won => "Closed",
            Self::Lost => "Omitted",
        }
    }
}

/// A value and when it was taken on. The first of a path is that of the record's creation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step<T> {
    pub(super) at: i64,
    pub(super) to: T,
}

/// A lead's path from its creation to the end of the sample or its conversion.
///
/// Who filled in an urgent form is qualified within minutes, others in days.
pub(super) fn lead_path(dice: &mut Dice, created: i64, urgent: bool, offset: i64) -> Vec<Step<Status>> {
    use Status::{Disqualified, Mql, New, Nurture, Qualified, Working};
    let mut path = Path::new(created, New);
    while let Some(now) = path.open() {
        let choice = dice.below(100);
        let (to, median, sigma) = match now {
            New if urgent && choice < 88 => (Mql, 40 * MINUTE, 1.2),
            New => match choice {
                0..54 => (Mql, 6 * DAY, 1.1),
                54..62 => (Nurture, 25 * DAY, 0.8),
                62..74 => (Disqualified, 5 * DAY, 1.0),
                _ => break,
            },
            Mql => match choice {
                0..72 => (Working, if urgent { 3 * HOUR } else { 30 * HOUR }, 1.2),
                72..80 => (Nurture, 12 * DAY, 0.7),
                80..90 => (Disqualified, 4 * DAY, 0.8),
                _ => break,
            },
            Working => match choice {
                0..52 => (Qualified, 8 * DAY, 0.9),
                52..64 => (Nurture, 14 * DAY, 0.7),
                64..88 => (Disqualified, 9 * DAY, 0.8),
                _ => break,
            },
            Nurture if choice < 35 => (Mql, 55 * DAY, 0.7),
            Disqualified if choice < 4 => (New, 90 * DAY, 0.5),
            Qualified | Nurture | Disqualified => break,
        };
        let at = path.now.at + dice.span(median, sigma);
        let human = !matches!((now, to), (New, Mql));
        let at = if human { working(dice, at, offset) } else { at };
        let back = matches!(now, Working).then_some(Mql);
        let skip = matches!((now, to), (New, Mql)).then_some(Working);
        path.walk(dice, at, to, back, skip);
    }
    path.steps
}

/// An opportunity's path from its creation to the end of the sample or its close.
pub(super) fn deal_path(dice: &mut Dice, created: i64, segment: Segment, offset: i64) -> Vec<Step<Stage>> {
    use Stage::{Discovery, Evaluation, Lost, Negotiation, Proposal, Won};
    let mut path = Path::new(created, Discovery);
    let pace = segment.choose(5 * DAY, 11 * DAY, 21 * DAY);
    while let Some(now) = path.open() {
        let choice = dice.below(100);
        let (next, after, share, slow) = match now {
            Discovery => (Evaluation, Proposal, 72, 1.0),
            Evaluation => (Proposal, Negotiation, 70, 1.4),
            Proposal => (Negotiation, Won, 72, 1.0),
            Negotiation => (Won, Won, segment.choose(78, 74, 68), 0.8),
            Won | Lost => break,
        };
        let to = match choice {
            98.. => break,
            _ if choice < share => next,
            _ => Lost,
        };
        // Who says no takes longer than who says yes.
        let slow = if to == Lost { slow * 1.5 } else { slow };
        let at = path.now.at + (dice.scaled(slow, 0.8) * pace as f64) as i64;
        let at = working(dice, at, offset);
        let back = match now {
            Proposal => Some(Evaluation),
            Negotiation => Some(Proposal),
            _ => None,
        };
        let skip = (to == next && after != next).then_some(after);
        path.walk(dice, at, to, back, skip);
    }
    path.steps
}

struct Path<T> {
    steps: Vec<Step<T>>,
    now: Step<T>,
    /// The next change would be after the end of the sample.
    over: bool,
}

impl<T: Tracked> Path<T> {
    fn new(created: i64, first: T) -> Self {
        let now = Step { at: whole_seconds(created), to: first };
        Self { steps: vec![now], now, over: false }
    }

    /// Where the record is, while it may still change.
    fn open(&self) -> Option<T> {
        (!self.over && self.steps.len() < MOST_STEPS).then_some(self.now.to)
    }

    /// Goes on to `to`, or by the way of the dirt: back, past a stage, twice, or in the same second.
    fn walk(&mut self, dice: &mut Dice, at: i64, to: T, back: Option<T>, skip: Option<T>) {
        let at = if dice.would(Dirt::SameSecondChange) { self.now.at } else { at };
        let to = match (back, skip) {
            (Some(back), _) if dice.would(Dirt::StageRegression) => back,
            (_, Some(skip)) if dice.would(Dirt::StageSkip) => skip,
            _ => to,
        };
        self.step(at, to);
        if dice.would(Dirt::RepeatedStage) {
            self.step(at + dice.span(2 * HOUR, 1.0), to);
        }
    }

    fn step(&mut self, at: i64, to: T) {
        let at = whole_seconds(at).max(self.now.at);
        self.over |= at >= AS_OF;
        if !self.over {
            self.now = Step { at, to };
            self.steps.push(self.now);
        }
    }
}
