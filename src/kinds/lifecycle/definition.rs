//! The stages of a model and their order, version by version.
//!
//! Every stage has one *code*, whatever the version: its index in [`Definition::stages`]. Within a
//! version it has a *step*: its place, from 1, in ladder, then detours, then exits. Steps order
//! changes of the same instant; the first of them are the ladder's ranks.

use chrono_tz::Tz;

use super::clock;
use super::spec::{Lifecycle, VersionSpec};
use super::stage::Stage;
use crate::diag::{Diagnostic, Diagnostics, Place, codes, nearest};
use crate::syntax::Spanned;

/// The most stages a model may have: a set of them is one 64-bit word.
pub(super) const MAX_STAGES: usize = 64;
/// The name of what stands above the versions.
pub(super) const FIRST_VERSION: &str = "initial";

/// All that can be said of stages without looking at data.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Definition {
    /// Every stage of any version, in the order of first mention; a stage's code is its index.
    pub(super) stages: Vec<Stage>,
    /// At least one, oldest first.
    pub(super) versions: Vec<Version>,
}

/// The order of stages over a span of time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Version {
    /// What rows carry.
    pub(super) name: String,
    /// Its first instant in microseconds; the first version has none.
    pub(super) from: Option<i64>,
    /// Codes by step - 1: ladder, detours, exits.
    order: Vec<u8>,
    /// Steps by code; 0 where the version does not have the stage.
    steps: Vec<u8>,
    ladder: usize,
    exits: usize,
}

impl Version {
    /// The stage at a step.
    pub(super) fn code(&self, step: u8) -> Option<u8> {
        self.order.get(usize::from(step).checked_sub(1)?).copied()
    }

    /// The place of a stage in the order, from 1; 0 where the version does not have it.
    pub(super) fn step(&self, code: u8) -> u8 {
        self.steps.get(usize::from(code)).copied().unwrap_or(0)
    }

    /// The place of a stage on the ladder, from 1; 0 off the ladder.
    pub(super) fn rank(&self, code: u8) -> u8 {
        let step = self.step(code);
        if usize::from(step) <= self.ladder { step } else { 0 }
    }

    /// Whether the stage ends an entity's way.
    pub(super) fn is_exit(&self, code: u8) -> bool {
        usize::from(self.step(code)) > self.exits
    }

    /// The codes of the ladder, lowest first.
    pub(super) fn ladder(&self) -> &[u8] {
        self.order.get(..self.ladder).unwrap_or_default()
    }

    /// The codes of the detours.
    pub(super) fn detours(&self) -> &[u8] {
        self.order.get(self.ladder..self.exits).unwrap_or_default()
    }

    /// The codes of the exits.
    pub(super) fn exits(&self) -> &[u8] {
        self.order.get(self.exits..).unwrap_or_default()
    }
}

impl Definition {
    /// Reads the stages of all versions; mistakes go to `diags`. With most of them there still is a definition,
    /// so that what else is wrong with the model can be told as well.
    pub(super) fn read(spec: &Lifecycle, zone: Tz, place: Place, diags: &mut Diagnostics) -> Option<Self> {
        let mut made = Self { stages: Vec::new(), versions: Vec::new() };
        let base = Lists { ladder: &spec.stages, detours: &spec.detours, exits: &spec.exits };
        made.add_version(FIRST_VERSION.to_string(), None, base, diags);
        for version in &spec.versions {
            let from = start_of(version, zone, made.versions.last(), diags);
            let lists = Lists {
                ladder: version.stages.as_ref().unwrap_or(&spec.stages),
                detours: version.detours.as_deref().unwrap_or(&spec.detours),
                exits: version.exits.as_deref().unwrap_or(&spec.exits),
            };
            let (name, place) = name_of(version);
            if made.versions.iter().any(|known| known.name == name) {
                diags.push(Diagnostic::error(
                    codes::OVERLAPPING_VERSIONS,
                    place,
                    format!("two versions are called `{name}`"),
                ));
            }
            made.add_version(name, from, lists, diags);
        }
        if made.stages.len() > MAX_STAGES {
            let message = format!("{} stages are more than the {MAX_STAGES} that a model may have", made.stages.len());
            diags.push(Diagnostic::error(codes::IMPOSSIBLE_STAGE_ORDER, place, message));
            return None;
        }
        for version in &mut made.versions {
            version.steps.resize(made.stages.len(), 0);
        }
        Some(made)
    }

    /// The code of a stage.
    pub(super) fn code(&self, name: &str) -> Option<u8> {
        let at = self.stages.iter().position(|stage| stage.name == name)?;
        u8::try_from(at).ok()
    }

    /// The code of a stage that is named somewhere; an unknown name is reported.
    pub(super) fn named(&self, name: &Spanned<String>, diags: &mut Diagnostics) -> Option<u8> {
        let code = self.code(&name.value);
        if code.is_none() {
            let known: Vec<&str> = self.stages.iter().map(|stage| stage.name.as_str()).collect();
            let shown: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
            let unknown = Diagnostic::error(codes::UNKNOWN_STAGE, name.place, format!("there is no stage `{name}`"));
            let near = nearest(&name.value, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            diags.push(unknown.hint(format!("stages: {}", shown.join(", "))).maybe_hint(near));
        }
        code
    }

    /// The version in force at an instant.
    pub(super) fn version_at(&self, micros: i64) -> usize {
        self.versions.iter().skip(1).take_while(|version| version.from.is_some_and(|from| from <= micros)).count()
    }

    /// The names of stages.
    pub(super) fn names(&self, codes: &[u8]) -> Vec<&str> {
        codes.iter().filter_map(|code| self.stages.get(usize::from(*code))).map(|stage| stage.name.as_str()).collect()
    }

    /// Codes of the stages in which an entity counts as closed, in any version.
    pub(super) fn closing(&self) -> Vec<u8> {
        let codes = (0u8..).take(self.stages.len());
        codes
            .filter(|code| {
                let closes = self.stages.get(usize::from(*code)).is_some_and(|stage| stage.closes);
                closes || self.versions.iter().any(|version| version.is_exit(*code))
            })
            .collect()
    }

    fn add_version(&mut self, name: String, from: Option<i64>, lists: Lists<'_>, diags: &mut Diagnostics) {
        if lists.ladder.is_empty() {
            let message = format!("the ladder of `{name}` has no stage");
            diags.push(Diagnostic::error(codes::IMPOSSIBLE_STAGE_ORDER, lists.ladder.place, message));
        }
        let mut order = Vec::new();
        let mut seen: Vec<(&Spanned<Stage>, &str)> = Vec::new();
        for (part, stages) in [("stages", lists.ladder.as_slice()), ("detours", lists.detours), ("exits", lists.exits)]
        {
            for stage in stages {
                if let Some((first, other)) = seen.iter().find(|(first, _)| first.value.name == stage.value.name) {
                    diags.push(twice(stage, part, first, other));
                    continue;
                }
                seen.push((stage, part));
                order.push(self.code_of(&stage.value));
            }
        }
        let mut steps = vec![0; self.stages.len()];
        for (step, code) in (1u8..).zip(&order) {
            if let Some(slot) = steps.get_mut(usize::from(*code)) {
                *slot = step;
            }
        }
        let count = |part: &str| seen.iter().filter(|(_, of)| *of == part).count();
        let ladder = count("stages");
        let exits = ladder + count("detours");
        self.versions.push(Version { name, from, order, steps, ladder, exits });
    }

    /// A later version may say more of a stage than an earlier one, never less.
    fn code_of(&mut self, stage: &Stage) -> u8 {
        let at = self.stages.iter().position(|known| known.name == stage.name).unwrap_or_else(|| {
            self.stages.push(stage.clone());
            self.stages.len() - 1
        });
        if let Some(known) = self.stages.get_mut(at) {
            known.label = known.label.take().or_else(|| stage.label.clone());
            known.description = known.description.take().or_else(|| stage.description.clone());
            known.closes |= stage.closes;
        }
        u8::try_from(at).unwrap_or(u8::MAX)
    }
}

struct Lists<'a> {
    ladder: &'a Spanned<Vec<Spanned<Stage>>>,
    detours: &'a [Spanned<Stage>],
    exits: &'a [Spanned<Stage>],
}

fn twice(stage: &Spanned<Stage>, part: &str, first: &Spanned<Stage>, other: &str) -> Diagnostic {
    let name = &stage.value.name;
    let message = if part == other {
        format!("the stage `{name}` stands twice among the {part}")
    } else {
        format!("the stage `{name}` cannot stand among the {other} and among the {part}")
    };
    Diagnostic::error(codes::DUPLICATE_STAGE, stage.place, message).related(first.place, "it stands here first")
}

fn name_of(version: &VersionSpec) -> (String, Place) {
    let name = version.name.as_ref().unwrap_or(&version.effective_from);
    (name.value.clone(), name.place)
}

fn start_of(version: &VersionSpec, zone: Tz, earlier: Option<&Version>, diags: &mut Diagnostics) -> Option<i64> {
    let text = &version.effective_from;
    let Some(from) = clock::instant_of(&text.value, zone) else {
        let message = format!("`{text}` is not a date");
        diags.push(Diagnostic::error(codes::INVALID_VALUE, text.place, message).hint("write it as in `2026-01-31`"));
        return None;
    };
    if earlier.and_then(|earlier| earlier.from).is_some_and(|earlier| earlier >= from) {
        let message = format!("the version of `{text}` does not begin after the one above it");
        let hint = "write versions in the order of their dates, each date once: every instant has one definition";
        diags.push(Diagnostic::error(codes::OVERLAPPING_VERSIONS, text.place, message).hint(hint));
    }
    Some(from)
}
