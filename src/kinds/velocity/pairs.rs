//! The pairs of stages of a model, and what stands beside them.

use super::algorithm::Pair;
use super::spec::{PairSpec, Velocity};
use super::units::Target;
use crate::diag::{Diagnostic, Diagnostics, Place, codes, nearest};
use crate::syntax::Spanned;

/// The most pairs a model may have: what an entity's walk holds is so much for each.
const MAX_PAIRS: usize = 64;
/// The most stages: codes are bytes, and the last of them stands for other stages.
const MAX_STAGES: usize = 255;

/// The pairs to measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pairs {
    /// The names of the lifecycle's stages; a stage's code is its index.
    pub(super) stages: Vec<String>,
    pub(super) pairs: Vec<MeasuredPair>,
    /// The codes of the declared ladder, lowest first; empty where none is declared.
    pub(super) ladder: Vec<u8>,
    /// The codes of the stages declared as lost; the exits of the lifecycle where `None`.
    pub(super) lost: Option<Vec<u8>>,
}

/// Two stages and the target between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MeasuredPair {
    pub(super) codes: Pair,
    pub(super) target: Option<Target>,
}

/// Reads stages and pairs; mistakes go to `diags`.
pub(super) fn read(spec: &Velocity, stages: &[String], place: Place, diags: &mut Diagnostics) -> Option<Pairs> {
    let before = diags.len();
    if stages.len() >= MAX_STAGES {
        let message = format!("{} stages are more than the {} that can be measured", stages.len(), MAX_STAGES - 1);
        diags.push(Diagnostic::error(codes::IMPOSSIBLE_PAIR, spec.from.place, message));
        return None;
    }
    let finder = Finder { spec, stages };
    let ladder = finder.ladder(diags);
    let pairs = match (spec.pairs.is_empty(), spec.stages.len()) {
        (true, 0 | 1) => {
            let at = spec.stages.first().map_or(place, |stage| stage.place);
            let hint = "write `stages:` for all that stand next to each other, or `pairs:` with `from` and `to`";
            let message = "there is no pair of stages to measure";
            diags.push(Diagnostic::error(codes::IMPOSSIBLE_PAIR, at, message).hint(hint));
            Vec::new()
        }
        (true, _) => {
            let pair = |(from, to): (&u8, &u8)| MeasuredPair { codes: Pair { from: *from, to: *to }, target: None };
            ladder.iter().zip(ladder.iter().skip(1)).map(pair).collect()
        }
        (false, _) => finder.pairs(diags),
    };
    if pairs.len() > MAX_PAIRS {
        let message = format!("{} pairs are more than the {MAX_PAIRS} that a model may have", pairs.len());
        diags.push(Diagnostic::error(codes::IMPOSSIBLE_PAIR, place, message));
    }
    let lost: Vec<Option<u8>> = spec.lost.0.iter().map(|stage| finder.code(stage, diags)).collect();
    let lost: Vec<u8> = lost.into_iter().flatten().collect();
    let lost = (!spec.lost.0.is_empty()).then_some(lost);
    (diags.len() == before).then(|| Pairs { stages: stages.to_vec(), pairs, ladder, lost })
}

struct Finder<'a> {
    spec: &'a Velocity,
    stages: &'a [String],
}

impl Finder<'_> {
    fn code(&self, stage: &Spanned<String>, diags: &mut Diagnostics) -> Option<u8> {
        let at = self.stages.iter().position(|known| *known == stage.value);
        if at.is_none() {
            let shown: Vec<String> = self.stages.iter().map(|name| format!("`{name}`")).collect();
            let near = nearest(&stage.value, self.stages.iter().map(String::as_str));
            let message = format!("the lifecycle `{}` has no stage `{stage}`", self.spec.from);
            diags.push(
                Diagnostic::error(codes::UNKNOWN_STAGE, stage.place, message)
                    .hint(format!("stages: {}", shown.join(", ")))
                    .maybe_hint(near.map(|near| format!("did you mean `{near}`?"))),
            );
        }
        at.and_then(|at| u8::try_from(at).ok())
    }

    fn ladder(&self, diags: &mut Diagnostics) -> Vec<u8> {
        let mut ladder: Vec<u8> = Vec::new();
        for (at, stage) in self.spec.stages.iter().enumerate() {
            let first = self.spec.stages.iter().take(at).find(|first| first.value == stage.value);
            if let Some(first) = first {
                let message = format!("the stage `{stage}` stands twice among the stages");
                let twice = Diagnostic::error(codes::IMPOSSIBLE_PAIR, stage.place, message);
                diags.push(twice.related(first.place, "it stands here first"));
                continue;
            }
            ladder.extend(self.code(stage, diags));
        }
        ladder
    }

    fn pairs(&self, diags: &mut Diagnostics) -> Vec<MeasuredPair> {
        let mut pairs: Vec<MeasuredPair> = Vec::new();
        for (at, written) in self.spec.pairs.iter().enumerate() {
            if let Some(pair) = self.pair(written, diags) {
                let same = |known: &&Spanned<PairSpec>| known.from == written.from && known.to == written.to;
                if let Some(first) = self.spec.pairs.iter().take(at).find(same) {
                    let message = format!("the pair `{}` → `{}` stands here twice", written.from, written.to);
                    let twice = Diagnostic::error(codes::IMPOSSIBLE_PAIR, written.place, message);
                    diags.push(twice.related(first.place, "it stands here first"));
                }
                pairs.push(pair);
            }
        }
        pairs
    }

    fn pair(&self, written: &PairSpec, diags: &mut Diagnostics) -> Option<MeasuredPair> {
        let has_calendars = !self.spec.calendars.is_empty();
        let target = written.within.as_ref().map(|within| Target::read(within, has_calendars, diags));
        let (from, to) = (self.code(&written.from, diags), self.code(&written.to, diags));
        let codes = Pair { from: from?, to: to? };
        if codes.from == codes.to {
            let message = format!("the pair begins and ends with `{}`", written.from);
            let hint = "the time spent in a stage is that of a pair which begins with it and `measure: first_visit`";
            diags.push(Diagnostic::error(codes::IMPOSSIBLE_PAIR, written.to.place, message).hint(hint));
            return None;
        }
        Some(MeasuredPair { codes, target: target.map_or(Some(None), |target| target.map(Some))? })
    }
}

impl Pairs {
    /// The pairs for the walk.
    pub(super) fn codes(&self) -> Vec<Pair> {
        self.pairs.iter().map(|pair| pair.codes).collect()
    }

    /// For each pair that goes up the declared ladder, the stages above its end.
    pub(super) fn beyond(&self) -> Vec<Vec<u8>> {
        let rank = |code: u8| self.ladder.iter().position(|known| *known == code);
        let above = |pair: &MeasuredPair| -> Vec<u8> {
            let (from, to) = (rank(pair.codes.from), rank(pair.codes.to));
            let Some(to) = to.filter(|to| from.is_some_and(|from| from < *to)) else { return Vec::new() };
            self.ladder.iter().skip(to + 1).copied().collect()
        };
        self.pairs.iter().map(above).collect()
    }

    /// By code, whether a stage is lost; `None` where the lifecycle's exits are.
    pub(super) fn losing(&self) -> Option<Vec<bool>> {
        let lost = self.lost.as_ref()?;
        Some((0u8..).take(self.stages.len()).map(|code| lost.contains(&code)).collect())
    }

    /// The name of a stage.
    pub(super) fn name(&self, code: u8) -> &str {
        self.stages.get(usize::from(code)).map_or("", String::as_str)
    }

    /// Whether any pair has a target.
    pub(super) fn has_targets(&self) -> bool {
        self.pairs.iter().any(|pair| pair.target.is_some())
    }
}
