//! The statistics of one group: exact quantiles of the completed, Kaplan–Meier, Aalen–Johansen.
//!
//! Times are whole microseconds. What can be exact is: means and quantiles are ratios of integers,
//! rounded once. Survival curves are binary fractions made by additions, multiplications and
//! divisions in one order, so they are the same on every machine; [`TIE`] keeps their last digits
//! from deciding where a curve meets a quantile.

/// Decimals of every rounded value.
pub(super) const DECIMALS: u8 = 9;
const SCALE: i128 = 1_000_000_000;
/// A curve that is above a quantile by no more than this has reached it.
const TIE: f64 = 1e-9;
/// The 97.5 % point of the standard normal distribution: limits are those of 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// A share between 0 and 1, as an exact fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Share {
    pub(super) num: u32,
    pub(super) den: u32,
}

impl Share {
    /// Reads a share of at most six decimals, as it is written.
    pub(super) fn read(value: f64) -> Option<Self> {
        let text = value.to_string();
        let decimals = text.strip_prefix("0.")?;
        let num: u32 = decimals.parse().ok().filter(|_| decimals.len() <= 6)?;
        let den = 10u32.checked_pow(u32::try_from(decimals.len()).ok()?)?;
        (num > 0).then_some(Self { num, den })
    }

    /// As part of a column's name: `p50`, `p99_9`.
    pub(super) fn name(self) -> String {
        let hundredths = u64::from(self.num) * 100;
        let (whole, rest) = (hundredths / u64::from(self.den), hundredths % u64::from(self.den));
        if rest == 0 {
            return format!("p{whole}");
        }
        // Two of the decimals stand before the `_`, the others after it.
        let width = usize::try_from(self.den.ilog10()).unwrap_or(0).saturating_sub(2);
        format!("p{whole}_{:0width$}", rest / 100)
    }

    fn value(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }
}

/// `num / den`, rounded half away from zero to [`DECIMALS`] decimals.
pub(super) fn decimal(num: i128, den: i128) -> Option<i128> {
    let scaled = num.checked_mul(SCALE)?.checked_mul(2)?;
    let double = den.checked_mul(2)?;
    let half = if num < 0 { -den } else { den };
    scaled.checked_add(half)?.checked_div(double)
}

/// A share as a decimal.
fn decimal_of(value: f64) -> i128 {
    (value * SCALE as f64).round() as i128
}

/// The quantile of sorted times by linear interpolation (type 7 of Hyndman and Fan), in units of
/// `unit` microseconds, rounded once.
pub(super) fn quantile(sorted: impl ExactSizeIterator<Item = i64>, share: Share, unit: i64) -> Option<i128> {
    let steps = u128::try_from(sorted.len()).ok()?.checked_sub(1)? * u128::from(share.num);
    let (at, rest) = (steps / u128::from(share.den), steps % u128::from(share.den));
    let mut from = sorted.skip(usize::try_from(at).ok()?);
    let low = i128::from(from.next()?);
    let high = from.next().map_or(low, i128::from);
    let den = i128::from(share.den);
    decimal(low * den + (high - low) * i128::try_from(rest).ok()?, den * i128::from(unit))
}

/// How an observation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    /// With what was waited for.
    Event,
    /// In another way, after which it cannot come any more.
    Exit,
    /// It was still going on.
    Censored,
}

/// Where a curve meets a quantile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Crossing {
    /// The time; `None` where the curve never comes down so far.
    pub(super) time: Option<i64>,
    /// How many were at risk then.
    pub(super) at_risk: Option<i64>,
    /// The times between which it lies with 95 % confidence, where the limits come down so far.
    pub(super) low: Option<i64>,
    pub(super) high: Option<i64>,
}

/// What the curves of a group say.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Curves {
    /// One for each quantile.
    pub(super) crossings: Vec<Crossing>,
    /// The share that ended with the event by the end, and in another way.
    pub(super) incidence: (i128, i128),
    /// The same at the horizon; `None` where nobody was observed as long.
    pub(super) at_horizon: Option<(i128, i128)>,
}

/// Those at risk at one time, and how many of them ended in which way.
struct Step {
    time: i64,
    at_risk: i64,
    events: i64,
    exits: i64,
}

/// The curves of a group.
///
/// `ends` are sorted by time; `late` are the sorted times at which those observed late joined (they
/// are among `ends` too; everybody else is there from 0). Who joins at `t` is at risk after `t`; who
/// ends or is censored at `t` is at risk at `t`.
pub(super) fn curves(
    ends: impl Iterator<Item = (i64, End)>,
    late: &[i64],
    count: usize,
    shares: &[Share],
    horizon: Option<i64>,
) -> Curves {
    let mut sweep = Sweep::new(shares);
    let mut longest = None;
    let mut at_horizon = None;
    for step in steps(ends, late, count) {
        if horizon.is_some_and(|horizon| step.time > horizon) && at_horizon.is_none() {
            at_horizon = Some(sweep.incidence());
        }
        longest = Some(step.time);
        sweep.take(&step);
    }
    let observed = horizon.is_some_and(|horizon| longest >= Some(horizon)) || (longest.is_some() && sweep.all <= 0.0);
    let at_horizon = at_horizon.or_else(|| (horizon.is_some() && observed).then(|| sweep.incidence()));
    let incidence = sweep.incidence();
    Curves { crossings: sweep.crossings, incidence, at_horizon }
}

/// The distinct times with those at risk.
fn steps(ends: impl Iterator<Item = (i64, End)>, late: &[i64], count: usize) -> impl Iterator<Item = Step> {
    let mut ends = ends.peekable();
    let mut joined = 0;
    let (mut here, total_late) = (count as i64 - late.len() as i64, late.len());
    std::iter::from_fn(move || {
        let (time, _) = *ends.peek()?;
        while joined < total_late && late.get(joined).is_some_and(|at| *at < time) {
            joined += 1;
            here += 1;
        }
        let mut step = Step { time, at_risk: here, events: 0, exits: 0 };
        while let Some((_, end)) = ends.next_if(|(at, _)| *at == time) {
            here -= 1;
            match end {
                End::Event => step.events += 1,
                End::Exit => step.exits += 1,
                End::Censored => {}
            }
        }
        Some(step)
    })
}

struct Sweep {
    shares: Vec<f64>,
    crossings: Vec<Crossing>,
    /// The share that waits still, those who ended in another way taken as censored.
    waiting: Chain,
    /// Greenwood's sum: Σ d / (n (n − d)).
    variance: f64,
    /// The share that has not ended in any way.
    all: f64,
    events: f64,
    exits: f64,
}

impl Sweep {
    fn new(shares: &[Share]) -> Self {
        Self {
            shares: shares.iter().map(|share| 1.0 - share.value()).collect(),
            crossings: vec![Crossing::default(); shares.len()],
            waiting: Chain::default(),
            variance: 0.0,
            all: 1.0,
            events: 0.0,
            exits: 0.0,
        }
    }

    fn incidence(&self) -> (i128, i128) {
        (decimal_of(self.events), decimal_of(self.exits))
    }

    fn take(&mut self, step: &Step) {
        if step.events + step.exits == 0 {
            return;
        }
        let (n, d, c) = (step.at_risk as f64, step.events as f64, step.exits as f64);
        self.events += self.all * d / n;
        self.exits += self.all * c / n;
        self.all *= (n - d - c) / n;
        if step.events == 0 {
            return;
        }
        let waiting = self.waiting.take(step.at_risk, step.events);
        self.variance += d / (n * (n - d));
        let (low, high) = limits(waiting, self.variance);
        for (crossing, share) in self.crossings.iter_mut().zip(&self.shares) {
            let reached = |curve: f64| curve <= share + TIE;
            if crossing.time.is_none() && reached(waiting) {
                crossing.time = Some(step.time);
                crossing.at_risk = Some(step.at_risk);
            }
            if crossing.low.is_none() && reached(low) {
                crossing.low = Some(step.time);
            }
            if crossing.high.is_none() && high.is_some_and(reached) {
                crossing.high = Some(step.time);
            }
        }
    }
}

/// Π (n − d) / n. Factors that follow each other without a loss in between cancel out, so that a
/// curve without censoring is one division.
#[derive(Debug)]
struct Chain {
    base: f64,
    start: i64,
    left: i64,
}

impl Default for Chain {
    fn default() -> Self {
        Self { base: 1.0, start: 1, left: 1 }
    }
}

impl Chain {
    fn take(&mut self, at_risk: i64, events: i64) -> f64 {
        if at_risk != self.left {
            self.base = self.value();
            self.start = at_risk;
        }
        self.left = at_risk - events;
        self.value()
    }

    fn value(&self) -> f64 {
        self.base * (self.left as f64 / self.start as f64)
    }
}

/// The 95 % limits of a survival curve after Greenwood, on the scale of log(−log S), as
/// `survfit(conf.type = "log-log")` of R and lifelines have them. Once nobody waits the upper one
/// is not known.
fn limits(waiting: f64, variance: f64) -> (f64, Option<f64>) {
    if waiting <= 0.0 {
        return (0.0, None);
    }
    let log = waiting.ln();
    if log >= 0.0 {
        return (waiting, Some(waiting));
    }
    let width = Z * variance.sqrt() / log;
    let at = |width: f64| (-((-log).ln() + width).exp()).exp();
    (at(-width), Some(at(width)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(value: f64) -> Share {
        Share::read(value).unwrap()
    }

    #[test]
    fn shares_are_what_is_written() {
        let read = |value: f64| Share::read(value).map(|share| (share.num, share.den, share.name()));
        assert_eq!(read(0.5), Some((5, 10, "p50".to_string())));
        assert_eq!(read(0.25), Some((25, 100, "p25".to_string())));
        assert_eq!(read(0.05), Some((5, 100, "p5".to_string())));
        assert_eq!(read(0.999), Some((999, 1000, "p99_9".to_string())));
        assert_eq!(read(0.9905), Some((9905, 10_000, "p99_05".to_string())));
        for bad in [0.0, 1.0, -0.5, 1.5, 0.123_456_7, f64::NAN] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn quantiles_of_type_7() {
        let of = |q: f64| quantile([1, 2, 3, 4, 10].into_iter(), share(q), 1);
        assert_eq!(of(0.25), Some(2 * SCALE));
        assert_eq!(of(0.5), Some(3 * SCALE));
        assert_eq!(of(0.75), Some(4 * SCALE));
        assert_eq!(of(0.9), Some(7_600_000_000));
        // A third of the way from 1 to 2 units of three: rounded once, half away from zero.
        assert_eq!(quantile([3, 6].into_iter(), share(0.333_333), 9), Some(444_444_333));
        assert_eq!(quantile([7].into_iter(), share(0.9), 2), Some(3_500_000_000));
        assert_eq!(quantile([0i64; 0].into_iter(), share(0.5), 1), None);
        // Far beyond what 64 bits hold in between.
        assert_eq!(quantile([i64::MAX, i64::MAX].into_iter(), share(0.999_999), 1), Some(i128::from(i64::MAX) * SCALE));
    }

    #[test]
    fn decimals_are_rounded_once() {
        assert_eq!(decimal(1, 3), Some(333_333_333));
        assert_eq!(decimal(2, 3), Some(666_666_667));
        assert_eq!(decimal(1, 2 * SCALE), Some(1));
        assert_eq!(decimal(-1, 2 * SCALE), Some(-1));
        assert_eq!(decimal(1, 0), None);
    }

    use End::{Censored as C, Event as E, Exit as X};

    fn of(ends: &[(i64, End)], late: &[i64], horizon: Option<i64>) -> Curves {
        let mut sorted = ends.to_vec();
        sorted.sort();
        curves(sorted.into_iter(), late, ends.len(), &[share(0.5), share(0.25)], horizon)
    }

    /// The curve's value at `time`, from what crosses it: a quantile's crossing says `S(time) ≤ 1 − q`.
    fn curve(ends: &[(i64, End)]) -> Vec<(i64, f64)> {
        let mut sorted = ends.to_vec();
        sorted.sort();
        let mut chain = Chain::default();
        let steps = steps(sorted.into_iter(), &[], ends.len());
        steps.filter(|step| step.events > 0).map(|step| (step.time, chain.take(step.at_risk, step.events))).collect()
    }

    #[test]
    fn the_worked_curve() {
        let ends = [(3, E), (5, E), (5, C), (8, E), (10, C), (12, C)];
        let expected = [(3, 5.0 / 6.0), (5, 2.0 / 3.0), (8, 4.0 / 9.0)];
        for ((time, value), (at, expected)) in curve(&ends).into_iter().zip(expected) {
            assert!(time == at && (value - expected).abs() < 1e-12, "{time}: {value}");
        }
        let found = of(&ends, &[], None);
        assert_eq!((found.crossings[0].time, found.crossings[0].at_risk), (Some(8), Some(3)));
        assert_eq!(found.crossings[1].time, Some(5));
        // The completed alone would say 5.
        assert_eq!(quantile([3, 5, 8].into_iter(), share(0.5), 1), Some(5 * SCALE));
        // Never half of them: two of three are still waiting.
        assert_eq!(
            of(&[(2, E), (4, C), (6, C)], &[], None).crossings[0],
            Crossing { low: Some(2), ..Crossing::default() }
        );
    }

    #[test]
    fn a_curve_that_meets_a_quantile_exactly_has_reached_it() {
        // 3/4 · 2/3 is one half, and so is 1/2 of one.
        assert_eq!(of(&[(1, E), (2, E), (3, C), (3, C)], &[], None).crossings[0].time, Some(2));
        assert_eq!(of(&[(1, E), (2, C), (3, E), (4, C)], &[], None).crossings[0].time, Some(3));
        let many: Vec<(i64, End)> = (0..1_000).map(|at| (at, if at % 2 == 0 { E } else { X })).collect();
        assert!(of(&many, &[], None).crossings[0].time.is_some());
        let plain: Vec<(i64, End)> = (0..1_000).map(|at| (at, E)).collect();
        assert_eq!(of(&plain, &[], None).crossings[0].time, Some(499));
    }

    #[test]
    fn competing_exits() {
        // At 1 one of four converts, at 2 one of three is lost, at 3 one of two converts, at 4 none.
        let ends = [(1, E), (2, X), (3, E), (4, C)];
        let found = of(&ends, &[], Some(2));
        // 1/4 + (1 − 1/4 − 1/4) · 1/2 = 1/2 converted; 3/4 · 1/3 = 1/4 lost.
        assert_eq!(found.incidence, (SCALE / 2, SCALE / 4));
        assert_eq!(found.at_horizon, Some((SCALE / 4, SCALE / 4)));
        // Nobody was watched for as long as 5; and at 4 somebody was.
        assert_eq!(of(&ends, &[], Some(5)).at_horizon, None);
        assert_eq!(of(&ends, &[], Some(4)).at_horizon, Some((SCALE / 2, SCALE / 4)));
        // Once all have ended there is nothing left to watch.
        assert_eq!(of(&[(1, E), (2, X)], &[], Some(9)).at_horizon, Some((SCALE / 2, SCALE / 2)));
    }

    #[test]
    fn those_observed_late_are_at_risk_from_then_on() {
        // Two from the beginning; one joins at 2 and one at 3, after which one converts at 3.
        let found = of(&[(1, E), (3, E), (5, E), (6, C)], &[2, 3], None);
        // S: 1/2 at 1; at 3 two are at risk (one of the first, the one of 2): 1/4.
        assert_eq!((found.crossings[0].time, found.crossings[0].at_risk), (Some(1), Some(2)));
        assert_eq!((found.crossings[1].time, found.crossings[1].at_risk), (Some(1), Some(2)));
        assert_eq!(found.incidence.0, SCALE / 2 + SCALE / 4 + SCALE / 8);
    }

    #[test]
    fn nobody_gives_no_curve() {
        let found = of(&[], &[], Some(3));
        assert_eq!((found.crossings[0], found.incidence, found.at_horizon), (Crossing::default(), (0, 0), None));
    }

    // The three sets below are random, and the numbers those of lifelines 0.30.3 for them:
    // `KaplanMeierFitter` with `qth_survival_times` of its confidence interval, `AalenJohansenFitter`.
    const TIMES: [i64; 40] = [
        85, 67, 49, 102, 21, 20, 7, 23, 101, 46, 61, 25, 44, 106, 8, 35, 6, 62, 80, 9, 66, 14, 53, 18, 56, 98, 17, 45,
        94, 97, 76, 87, 89, 15, 71, 74, 112, 92, 64, 24,
    ];
    /// 1 the event, 2 another end, 0 censored.
    const CAUSES: [u8; 40] = [
        2, 2, 0, 2, 2, 1, 0, 2, 2, 1, 0, 0, 1, 2, 1, 0, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 1, 0, 1, 1, 2, 1, 0, 1, 1, 1,
        0, 1, 2,
    ];
    const TIED: [i64; 50] = [
        10, 12, 1, 12, 7, 8, 9, 5, 14, 1, 4, 6, 8, 6, 2, 1, 1, 1, 3, 14, 3, 10, 11, 4, 4, 7, 4, 14, 3, 13, 12, 12, 2,
        6, 9, 7, 10, 10, 10, 1, 14, 8, 13, 4, 6, 13, 3, 1, 6, 10,
    ];
    const TIED_EVENTS: [u8; 50] = [
        1, 0, 1, 1, 0, 1, 0, 1, 1, 0, 0, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 0, 1, 0, 1, 0, 1, 1, 0, 1, 1, 1, 1,
        0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1,
    ];
    const LATE_TIMES: [i64; 45] = [
        73, 190, 139, 97, 157, 64, 169, 166, 28, 124, 184, 154, 133, 55, 58, 193, 196, 37, 103, 115, 148, 127, 181, 16,
        61, 112, 85, 145, 187, 49, 151, 199, 67, 130, 31, 70, 46, 163, 91, 52, 76, 121, 19, 172, 160,
    ];
    const LATE_EVENTS: [u8; 45] = [
        0, 1, 1, 0, 0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 0,
        1, 1, 0, 0, 1, 0, 0, 1,
    ];
    const JOINED: [i64; 45] = [
        0, 7, 0, 0, 51, 46, 0, 0, 3, 90, 0, 0, 0, 42, 0, 2, 38, 8, 0, 0, 0, 0, 0, 8, 0, 63, 60, 144, 140, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 28, 0, 0, 0, 0, 0,
    ];

    fn ends(times: &[i64], causes: &[u8]) -> Vec<(i64, End)> {
        let end = |cause: &u8| match cause {
            0 => C,
            1 => E,
            _ => X,
        };
        let mut ends: Vec<(i64, End)> = times.iter().copied().zip(causes.iter().map(end)).collect();
        ends.sort();
        ends
    }

    fn crossings(ends: Vec<(i64, End)>, late: &[i64], shares: &[f64]) -> Vec<[Option<i64>; 3]> {
        let shares: Vec<Share> = shares.iter().map(|value| share(*value)).collect();
        let count = ends.len();
        let found = curves(ends.into_iter(), late, count, &shares, None);
        found.crossings.iter().map(|crossing| [crossing.time, crossing.low, crossing.high]).collect()
    }

    #[test]
    fn lifelines_agrees_on_a_random_set_with_competing_ends() {
        let found = crossings(ends(&TIMES, &CAUSES), &[], &[0.25, 0.5, 0.75]);
        // Where the curve reaches 0 lifelines takes the upper limit for 0 as well, and says 112; we say nothing.
        let expected = [[Some(46), Some(17), Some(66)], [Some(76), Some(62), Some(98)], [Some(112), Some(89), None]];
        assert_eq!(found, expected);
        let found = curves(ends(&TIMES, &CAUSES).into_iter(), &[], TIMES.len(), &[share(0.5)], Some(60));
        assert_eq!(found.incidence, (673_325_081, 326_674_919));
        assert_eq!(found.at_horizon, Some((297_697_368, 79_237_616)));
    }

    #[test]
    fn lifelines_agrees_on_a_random_set_with_ties() {
        let found = crossings(ends(&TIED, &TIED_EVENTS), &[], &[0.25, 0.5, 0.75]);
        let expected = [[Some(6), Some(3), Some(8)], [Some(10), Some(7), Some(12)], [Some(14), Some(12), None]];
        assert_eq!(found, expected);
    }

    #[test]
    fn lifelines_agrees_on_a_random_set_observed_late() {
        let mut late: Vec<i64> = JOINED.iter().copied().filter(|at| *at > 0).collect();
        late.sort();
        let found = crossings(ends(&LATE_TIMES, &LATE_EVENTS), &late, &[0.25, 0.5, 0.75]);
        let expected =
            [[Some(85), Some(49), Some(121)], [Some(133), Some(103), Some(160)], [Some(181), Some(148), Some(196)]];
        assert_eq!(found, expected);
    }
}
