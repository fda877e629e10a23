//! What each touch of one journey deserves under one model, as whole numerators of a common sum.
//!
//! Nothing here knows of tables, names or money.

use std::collections::{BTreeMap, BTreeSet};

use super::decay::{Decay, FULL_BITS};

/// A whole journey is this many parts: millionths of a percent.
pub(super) const WHOLE: u64 = 100_000_000;
/// The most touches of one journey, so that every numerator and their sum stay below 2^64: the largest sum is
/// that of [`FULL_BITS`] for every touch of [`Rule::TimeDecay`].
pub(super) const MAX_TOUCHES: usize = (1 << (64 - FULL_BITS)) - 1;

/// A touch as the models see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Touch {
    /// When, in microseconds.
    pub(super) at: i64,
    /// Whether its channel counts as direct.
    pub(super) direct: bool,
    /// How many further touches of its session it stands for.
    pub(super) merged: u32,
    /// Its channel among those that data-driven models know; [`NO_CHANNEL`] where none is asked for.
    pub(super) channel: u32,
}

/// The channel of a touch that no data-driven model looks at.
pub(super) const NO_CHANNEL: u32 = u32::MAX;

/// How one model weighs.
#[derive(Debug, Clone)]
pub(super) enum Rule {
    /// All to the first touch.
    First,
    /// All to the last touch.
    Last,
    /// All to the last touch that is not direct; to the last of all where every one is.
    LastNonDirect,
    /// The same to every touch.
    Linear,
    /// The later the more.
    TimeDecay(Decay),
    /// Shares for places in the journey.
    Position(Position),
    /// Each channel's effect, shared by its touches; see [`super::data_driven`].
    ByChannel(ByChannel),
    /// All of it to the first touch of every channel, so that nothing is shared and nothing adds up.
    Participation,
}

/// Shares for places, in parts of [`WHOLE`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Position {
    /// Each place with its share; a touch that holds several places adds their shares up.
    pub(super) slots: Vec<(Slot, u64)>,
    /// What the touches without a place share equally.
    pub(super) others: u64,
    /// Which touches those are.
    pub(super) among: Among,
    /// What becomes of shares that nobody holds.
    pub(super) absent: Absent,
}

/// A place in a journey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Slot {
    /// The first touch.
    First,
    /// The second touch; absent where there is one alone.
    Second,
    /// The touch before the last; absent where there is one alone.
    SecondLast,
    /// The last touch.
    Last,
    /// The last touch at or before a milestone, by the milestone's index; absent where there is no such touch.
    Milestone(usize),
}

/// The touches that share what is left for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Among {
    /// Every touch without a place.
    All,
    /// Those without a place between the first and the last that have one.
    Between,
}

/// What becomes of a share whose place nobody holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Absent {
    /// It is dropped and the rest enlarged in proportion.
    Renormalise,
    /// It is shared equally by all touches.
    Evenly,
}

/// How the weights of channels become those of touches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ByChannel {
    /// Effects by channel, each at most 2^36, a channel beyond the end having none; without them every
    /// channel counts the same.
    pub(super) effects: Option<Vec<u64>>,
}

/// Works out the numerators of a journey; nothing is shared out where it has no touch.
///
/// `milestones` are instants in microseconds, where they are known. `converted_at` is what ages count
/// from.
pub(super) fn weigh(
    rule: &Rule,
    touches: &[Touch],
    converted_at: i64,
    milestones: &[Option<i64>],
    numerators: &mut Vec<u64>,
) {
    numerators.clear();
    let count = touches.len();
    match rule {
        Rule::Linear => numerators.resize(count, 1),
        Rule::TimeDecay(decay) => by_age(decay, touches, converted_at, numerators),
        Rule::Position(position) => position.weigh(touches, milestones, numerators),
        Rule::ByChannel(by) => by.weigh(touches, numerators),
        Rule::Participation => {
            let mut met = BTreeSet::new();
            numerators.extend(touches.iter().map(|touch| u64::from(met.insert(touch.channel))));
        }
        Rule::First | Rule::Last | Rule::LastNonDirect => {
            numerators.resize(count, 0);
            if let Some(numerator) = rule.only(touches).and_then(|only| numerators.get_mut(only)) {
                *numerator = 1;
            }
        }
    }
}

impl Rule {
    /// The only touch that gets anything, under a rule that gives to one.
    pub(super) fn only(&self, touches: &[Touch]) -> Option<usize> {
        let last = touches.len().checked_sub(1)?;
        match self {
            Self::First => Some(0),
            Self::Last => Some(last),
            Self::LastNonDirect => Some(touches.iter().rposition(|touch| !touch.direct).unwrap_or(last)),
            _ => None,
        }
    }
}

/// Ages count from the conversion; where all are so old that nothing is left of them, from the newest touch.
fn by_age(decay: &Decay, touches: &[Touch], converted_at: i64, numerators: &mut Vec<u64>) {
    let newest = touches.last().map_or(converted_at, |touch| touch.at);
    let from = if decay.weight(converted_at.saturating_sub(newest)) == 0 { newest } else { converted_at };
    numerators.extend(touches.iter().map(|touch| decay.weight(from.saturating_sub(touch.at))));
    debug_assert!(numerators.iter().all(|weight| *weight <= 1 << FULL_BITS));
}

/// The touches, by index, that hold the places of a journey of `count` touches.
fn holder(slot: Slot, touches: &[Touch], milestones: &[Option<i64>]) -> Option<usize> {
    let last = touches.len().checked_sub(1)?;
    match slot {
        Slot::First => Some(0),
        Slot::Second => (last > 0).then_some(1),
        Slot::SecondLast => last.checked_sub(1),
        Slot::Last => Some(last),
        Slot::Milestone(which) => {
            let at = milestones.get(which).copied().flatten()?;
            touches.partition_point(|touch| touch.at <= at).checked_sub(1)
        }
    }
}

impl Position {
    fn weigh(&self, touches: &[Touch], milestones: &[Option<i64>], numerators: &mut Vec<u64>) {
        let count = touches.len() as u64;
        numerators.resize(touches.len(), 0);
        let spread = self.absent == Absent::Evenly;
        // Where absent shares are spread, all are multiplied by the number of touches as well, for which
        // only shares in lowest terms leave room.
        let unit = if spread { self.unit() } else { 1 };
        let held =
            self.slots.iter().filter_map(|(slot, share)| Some((holder(*slot, touches, milestones)?, share / unit)));
        let held: Vec<(usize, u64)> = held.collect();
        let places = || held.iter().map(|(at, _)| *at);
        let (Some(lowest), Some(highest)) = (places().min(), places().max()) else {
            return numerators.fill(1);
        };
        let among = |at: usize| match self.among {
            Among::All => true,
            Among::Between => lowest < at && at < highest,
        };
        let is_other = |at: usize| among(at) && !places().any(|place| place == at);
        let others = if self.others == 0 { 0 } else { (0..touches.len()).filter(|at| is_other(*at)).count() as u64 };
        // Every share is multiplied by the number of others, so that theirs divides evenly.
        let (to_others, whole, scale) = (self.others / unit, WHOLE / unit, others.max(1));
        let given = held.iter().map(|(_, share)| share).sum::<u64>() + if others > 0 { to_others } else { 0 };
        let to_all = if spread { whole.saturating_sub(given) * scale } else { 0 };
        let scale_all = if spread { count } else { 1 };
        if others > 0 || to_all > 0 {
            for (at, numerator) in numerators.iter_mut().enumerate() {
                *numerator = to_all + if others > 0 && is_other(at) { to_others * scale_all } else { 0 };
            }
        }
        for (at, share) in &held {
            if let Some(numerator) = numerators.get_mut(*at) {
                *numerator += share * scale * scale_all;
            }
        }
        // Shares of 0 for every place that is held: nobody is meant more than another.
        if numerators.iter().all(|numerator| *numerator == 0) {
            numerators.fill(1);
        }
    }
}

impl Position {
    /// The largest number that divides all shares and the whole.
    fn unit(&self) -> u64 {
        self.slots.iter().fold(gcd(WHOLE, self.others), |unit, (_, share)| gcd(unit, *share))
    }
}

impl ByChannel {
    /// A channel's effect is shared equally by its touches in the journey; without any effect all
    /// touches share equally.
    fn weigh(&self, touches: &[Touch], numerators: &mut Vec<u64>) {
        let effect = |touch: &Touch| match &self.effects {
            Some(effects) => effects.get(touch.channel as usize).copied().unwrap_or(0),
            None => 1,
        };
        if touches.iter().all(|touch| effect(touch) == 0) {
            return numerators.resize(touches.len(), 1);
        }
        let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
        touches.iter().for_each(|touch| *counts.entry(touch.channel).or_default() += 1);
        let room = if self.effects.is_some() { 1 << 12 } else { 1 << 40 };
        // Every effect is multiplied by the same number, one that the uses divide if it is not too large.
        let scale = counts.values().try_fold(1u64, |all, uses| lcm(all, *uses).filter(|all| *all <= room));
        let scale = scale.unwrap_or(room);
        let uses = |touch: &Touch| counts.get(&touch.channel).copied().unwrap_or(1);
        numerators.extend(touches.iter().map(|touch| effect(touch) * scale / uses(touch)));
        if numerators.iter().all(|numerator| *numerator == 0) {
            numerators.fill(1);
        }
    }
}

fn lcm(a: u64, b: u64) -> Option<u64> {
    (a / gcd(a, b).max(1)).checked_mul(b)
}

fn gcd(a: u64, b: u64) -> u64 {
    let (mut greater, mut rest) = (a, b);
    while rest != 0 {
        (greater, rest) = (rest, greater % rest);
    }
    greater
}
