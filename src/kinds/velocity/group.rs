//! One group of the summary: what is collected of it, and the figures that come of that.

use super::layout::tells_incidence_at_horizon;
use super::resolve::Resolved;
use super::samples::Bits;
use super::statistics::{Crossing, Curves, End, Share, curves, decimal, quantile};
use super::status::{Status, TargetStatus};

/// What is held of a group: some counts, 8 bytes for each transition, 8 more for each observed late.
#[derive(Debug, Default)]
pub(super) struct Group {
    statuses: [i64; Status::ALL.len()],
    targets: [i64; TargetStatus::ALL.len()],
    converted_in_period: i64,
    passed: i64,
    within: i64,
    /// Time and end of all that count, packed: time first, then end.
    ends: Vec<u64>,
    /// When those observed late joined.
    late: Vec<i64>,
}

/// Bits that an end takes: three ways, and converted without ever having been at risk.
const END_BITS: u32 = 2;
const NEVER_AT_RISK: u64 = 3;

fn pack(time: i64, end: u64) -> Option<u64> {
    let time = u64::try_from(time).ok()?;
    (time.leading_zeros() > END_BITS).then_some(time << END_BITS | end)
}

fn unpack(packed: u64) -> (i64, u64) {
    ((packed >> END_BITS) as i64, packed & NEVER_AT_RISK)
}

impl Group {
    /// Takes a transition, or how many converted in the period. `None` where a time is beyond all bounds.
    pub(super) fn add(&mut self, time: i64, bits: Bits, late: i64) -> Option<()> {
        let Some(status) = bits.status() else {
            self.converted_in_period += time;
            return Some(());
        };
        let count = |counts: &mut [i64], at: usize| counts.get_mut(at).into_iter().for_each(|count| *count += 1);
        count(&mut self.statuses, status as usize);
        bits.target().into_iter().for_each(|target| count(&mut self.targets, target as usize));
        let end = match status {
            Status::Excluded => return Some(()),
            Status::Converted => End::Event,
            Status::Lost | Status::Skipped => End::Exit,
            Status::Open => End::Censored,
        };
        self.passed += i64::from(bits.passed());
        self.within += i64::from(bits.passed() && bits.within());
        let at_risk = late == 0 || late < time;
        if at_risk && late > 0 {
            self.late.push(late);
        }
        match (at_risk, end) {
            (true, end) => self.ends.push(pack(time, end as u64)?),
            (false, End::Event) => self.ends.push(pack(time, NEVER_AT_RISK)?),
            (false, _) => {}
        }
        Some(())
    }

    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        self.ends.capacity() * size_of::<u64>() + self.late.capacity() * size_of::<i64>()
    }

    fn of(&self, status: Status) -> i64 {
        self.statuses.get(status as usize).copied().unwrap_or(0)
    }

    /// How many stand so to their target.
    pub(super) fn targets(&self, status: TargetStatus) -> i64 {
        self.targets.get(status as usize).copied().unwrap_or(0)
    }

    /// Works out the figures; `age` is that of the group's period, where it has one.
    pub(super) fn figures(mut self, resolved: &Resolved, age: Option<i64>) -> Figures {
        self.ends.sort_unstable();
        self.late.sort_unstable();
        let at_risk = self.ends.iter().filter(|packed| unpack(**packed).1 != NEVER_AT_RISK).count();
        let ends = self.ends.iter().map(|packed| unpack(*packed)).filter(|(_, end)| *end != NEVER_AT_RISK);
        let ends = ends.map(|(time, end)| {
            let ends = [End::Event, End::Exit, End::Censored];
            (time, ends.into_iter().find(|known| *known as u64 == end).unwrap_or(End::Censored))
        });
        let horizon = resolved.horizon.filter(|_| tells_incidence_at_horizon(resolved)).map(|horizon| horizon.micros);
        let curves = curves(ends, &self.late, at_risk, &resolved.quantiles, horizon);
        let completed: Vec<i64> = self
            .ends
            .iter()
            .map(|packed| unpack(*packed))
            .filter(|(_, end)| is_event(*end))
            .map(|(time, _)| time)
            .collect();
        let enough = |n: usize| n > 0 && n >= resolved.min_n as usize;
        let unit = resolved.unit.micros();
        let told = enough(completed.len());
        let quantile = |share: Share, unit: i64| quantile(completed.iter().copied(), share, unit).filter(|_| told);
        let total: i128 = completed.iter().map(|time| i128::from(*time)).sum();
        let mean = decimal(total, completed.len() as i128 * i128::from(unit)).filter(|_| told);
        let p90 = quantile(Share { num: 9, den: 10 }, 1);
        let mature = age.zip(p90).map(|(age, p90)| decimal(i128::from(age), 1).is_some_and(|age| age >= p90));
        Figures {
            quantiles: resolved.quantiles.iter().map(|share| quantile(*share, unit)).collect(),
            mean,
            mature,
            completed: completed.len(),
            at_risk,
            min_n: resolved.min_n as usize,
            curves,
            group: self,
        }
    }
}

fn is_event(end: u64) -> bool {
    end == End::Event as u64 || end == NEVER_AT_RISK
}

/// The figures of a group.
#[derive(Debug)]
pub(super) struct Figures {
    group: Group,
    mean: Option<i128>,
    quantiles: Vec<Option<i128>>,
    mature: Option<bool>,
    completed: usize,
    at_risk: usize,
    min_n: usize,
    curves: Curves,
}

/// One value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Count(Option<i64>),
    /// With the decimals of [`super::statistics::DECIMALS`].
    Decimal(Option<i128>),
    Flag(Option<bool>),
    Word(Option<&'static str>),
}

/// A share of two counts; NULL where there is nothing to share.
fn rate(num: i64, den: i64) -> Value {
    Value::Decimal(decimal(i128::from(num), i128::from(den)).filter(|_| den > 0))
}

/// Why a figure is NULL.
pub(super) mod reason {
    /// Nobody entered, or nobody converted.
    pub(in super::super) const NOBODY: &str = "nobody";
    /// There are too few to tell.
    pub(in super::super) const BELOW_MIN_N: &str = "below_min_n";
    /// Too many are still under way, or went elsewhere: the curve never comes down so far.
    pub(in super::super) const NOT_REACHED: &str = "not_reached";
    /// Nobody was observed for as long as the horizon.
    pub(in super::super) const NOT_OBSERVED: &str = "not_observed";
}

impl Figures {
    fn too_few(&self, n: usize) -> Option<&'static str> {
        match n {
            0 => Some(reason::NOBODY),
            n if n < self.min_n => Some(reason::BELOW_MIN_N),
            _ => None,
        }
    }

    /// How many have that status.
    pub(super) fn status(&self, status: Status) -> Value {
        Value::Count(Some(self.group.of(status)))
    }

    fn entered_count(&self) -> i64 {
        [Status::Converted, Status::Lost, Status::Skipped, Status::Open]
            .map(|status| self.group.of(status))
            .iter()
            .sum()
    }

    /// How many entered.
    pub(super) fn entered(&self) -> Value {
        Value::Count(Some(self.entered_count()))
    }

    /// The share of the entered that converted.
    pub(super) fn cohort_rate(&self) -> Value {
        rate(self.group.of(Status::Converted), self.entered_count())
    }

    /// How many converted in the period.
    pub(super) fn converted_in_period(&self) -> Value {
        Value::Count(Some(self.group.converted_in_period))
    }

    /// Conversions in the period to entries in the period.
    pub(super) fn period_rate(&self) -> Value {
        rate(self.group.converted_in_period, self.entered_count())
    }

    /// How many entered so long ago that the horizon has passed; of those, how many converted within it; their share.
    pub(super) fn horizon(&self) -> [Value; 3] {
        let Group { passed, within, .. } = self.group;
        [Value::Count(Some(passed)), Value::Count(Some(within)), rate(within, passed)]
    }

    /// The mean of the completed.
    pub(super) fn mean(&self) -> Value {
        Value::Decimal(self.mean)
    }

    /// A quantile of the completed.
    pub(super) fn quantile(&self, at: usize) -> Value {
        Value::Decimal(self.quantiles.get(at).copied().flatten())
    }

    /// Why mean and quantiles are NULL.
    pub(super) fn completed_reason(&self) -> Value {
        Value::Word(self.too_few(self.completed))
    }

    /// Whether the cohort is as old as nine of ten conversions take.
    pub(super) fn mature(&self) -> Value {
        Value::Flag(self.mature)
    }

    fn crossing(&self, at: usize) -> Option<&Crossing> {
        self.curves.crossings.get(at).filter(|_| self.too_few(self.at_risk).is_none())
    }

    /// A Kaplan–Meier quantile with its limits, those at risk then, and why it is NULL.
    pub(super) fn survival(&self, at: usize, unit: i64) -> [Value; 5] {
        let time = |of: fn(&Crossing) -> Option<i64>| {
            let time = self.crossing(at).and_then(of);
            Value::Decimal(time.and_then(|time| decimal(i128::from(time), i128::from(unit))))
        };
        let missing = self.crossing(at).is_none_or(|crossing| crossing.time.is_none());
        let why = missing.then(|| self.too_few(self.at_risk).unwrap_or(reason::NOT_REACHED));
        let at_risk = Value::Count(self.crossing(at).and_then(|crossing| crossing.at_risk));
        [time(|c| c.time), time(|c| c.low), time(|c| c.high), at_risk, Value::Word(why)]
    }

    /// Cumulative incidence of conversion and of the other ends, by the longest time observed.
    pub(super) fn incidence(&self) -> [Value; 2] {
        let told = self.too_few(self.at_risk).is_none();
        let (converted, other) = self.curves.incidence;
        [Value::Decimal(told.then_some(converted)), Value::Decimal(told.then_some(other))]
    }

    /// The same at the horizon.
    pub(super) fn incidence_at_horizon(&self) -> [Value; 2] {
        let found = self.curves.at_horizon.filter(|_| self.too_few(self.at_risk).is_none());
        [Value::Decimal(found.map(|(converted, _)| converted)), Value::Decimal(found.map(|(_, other)| other))]
    }

    /// Why incidences are NULL.
    pub(super) fn incidence_reason(&self, has_horizon: bool) -> Value {
        let not_observed = (has_horizon && self.curves.at_horizon.is_none()).then_some(reason::NOT_OBSERVED);
        Value::Word(self.too_few(self.at_risk).or(not_observed))
    }

    /// How many stand so to their target; NULL where the pair has none.
    pub(super) fn target(&self, status: TargetStatus, has_target: bool) -> Value {
        Value::Count(has_target.then(|| self.group.targets(status)))
    }

    /// Met of all that were due.
    pub(super) fn compliance(&self, has_target: bool) -> Value {
        let [met, breached, late] = [TargetStatus::Met, TargetStatus::Breached, TargetStatus::OpenBreached]
            .map(|status| self.group.targets(status));
        if has_target { rate(met, met + breached + late) } else { Value::Decimal(None) }
    }
}
