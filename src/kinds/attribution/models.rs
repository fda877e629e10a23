//! Models as written → rules: the known ones, their dialects, and positions of the user's own.

use super::decay::Decay;
use super::model_spec::{How, ModelSpec, Repeats, ShapleyValue};
use super::spec::Attribution;
use super::weights::{Absent, Among, ByChannel, Position, Rule, Slot, WHOLE};
use crate::diag::{Diagnostic, Diagnostics, Place, codes};
use crate::syntax::{ColumnName, Period, Spanned, Unit};

/// A model by a name of its own.
pub(super) struct Known {
    /// What users write.
    pub(super) name: &'static str,
    shape: Shape,
}

#[derive(Clone, Copy)]
enum Shape {
    First,
    Last,
    LastNonDirect,
    Linear,
    TimeDecay,
    Participation,
    Markov,
    Shapley,
    /// Places with percentages, the percentage of the others, who they are, and what becomes of absent shares.
    Position(&'static [(&'static str, u64)], u64, Among, Absent),
}

const U: Shape = Shape::Position(&[("first", 40), ("last", 40)], 20, Among::All, Absent::Renormalise);
const J: Shape = Shape::Position(&[("first", 20), ("last", 60)], 20, Among::All, Absent::Renormalise);
const INVERSE_J: Shape = Shape::Position(&[("first", 60), ("last", 20)], 20, Among::All, Absent::Renormalise);
const W: [(&str, u64); 3] = [("first", 30), ("lead_created", 30), ("opportunity_created", 30)];

/// Every known model. Sources of the dialects are in the guide.
pub(super) const KNOWN: &[Known] = &[
    known("first_touch", Shape::First),
    known("last_touch", Shape::Last),
    known("last_non_direct", Shape::LastNonDirect),
    known("last_non_direct@ga4", Shape::LastNonDirect),
    known("linear", Shape::Linear),
    known("time_decay", Shape::TimeDecay),
    known("u_shaped", U),
    known("u_shaped@adobe", U),
    known(
        "u_shaped@hubspot",
        Shape::Position(&[("first", 40), ("lead_created", 40)], 20, Among::All, Absent::Renormalise),
    ),
    known(
        "u_shaped@marketo_measure",
        Shape::Position(&[("first", 50), ("lead_created", 50)], 0, Among::All, Absent::Renormalise),
    ),
    known("j_shaped", J),
    known("j_shaped@adobe", J),
    known("j_shaped@mixpanel", J),
    known("j_shaped@amplitude", Shape::Position(&[("second_last", 20), ("last", 60)], 20, Among::All, Absent::Evenly)),
    known("inverse_j_shaped", INVERSE_J),
    known("inverse_j_shaped@adobe", INVERSE_J),
    known("inverse_j_shaped@mixpanel", INVERSE_J),
    known(
        "inverse_j_shaped@amplitude",
        Shape::Position(&[("first", 60), ("second", 20)], 20, Among::All, Absent::Evenly),
    ),
    known("w_shaped", Shape::Position(&W, 10, Among::Between, Absent::Renormalise)),
    known("w_shaped@marketo_measure", Shape::Position(&W, 10, Among::Between, Absent::Renormalise)),
    known("w_shaped@hubspot", Shape::Position(&W, 10, Among::All, Absent::Renormalise)),
    known("full_path", FULL_PATH),
    known("full_path@marketo_measure", FULL_PATH),
    known("participation", Shape::Participation),
    known("markov", Shape::Markov),
    known("shapley", Shape::Shapley),
];

const FULL_PATH: Shape = Shape::Position(
    &[("first", 225), ("lead_created", 225), ("opportunity_created", 225), ("closed", 225)],
    100,
    Among::Between,
    Absent::Renormalise,
);

const fn known(name: &'static str, shape: Shape) -> Known {
    Known { name, shape }
}

/// A model of which everything is known but what it learns from the data.
#[derive(Debug, Clone)]
pub(super) struct Model {
    /// What tables call it.
    pub(super) name: String,
    /// How it was written, for its description.
    pub(super) written: String,
    /// How it weighs; a data-driven model's effects are filled in during the run.
    pub(super) rule: Rule,
    /// What it learns from all journeys, if anything.
    pub(super) learns: Option<Learns>,
    /// Where it is written.
    pub(super) place: Place,
}

impl Model {
    /// Whether what it gives adds up to the conversion, as all but participation does.
    pub(super) fn adds_up(&self) -> bool {
        !matches!(self.rule, Rule::Participation)
    }

    /// Whether it tells channels apart.
    pub(super) fn reads_channels(&self) -> bool {
        self.learns.is_some() || !self.adds_up()
    }

    /// Whether milestones decide about its shares.
    pub(super) fn has_milestones(&self) -> bool {
        let Rule::Position(position) = &self.rule else { return false };
        position.slots.iter().any(|(slot, _)| matches!(slot, Slot::Milestone(_)))
    }
}

/// What a data-driven model learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Learns {
    /// Removal effects of a chain of this order.
    Markov(Chain),
    /// Shapley values of conversions, which need no other journey; written by place as well if asked for.
    ShapleyConversions { ordered: bool },
    /// Shapley values of the conversion rate.
    ShapleyRate { ordered: bool },
}

/// A chain of channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chain {
    /// How many of the last channels are a state.
    pub(super) order: u8,
    /// What becomes of repeats of a channel.
    pub(super) repeats: Repeats,
    /// With fewer journeys it tells more than they do.
    pub(super) min_journeys: u32,
}

impl Chain {
    /// States grow with the power of the order, and so do the journeys that they want.
    fn new(order: u8, repeats: Repeats, min_journeys: Option<u32>) -> Self {
        Self { order, repeats, min_journeys: min_journeys.unwrap_or(10u32.saturating_pow(order.into())) }
    }
}

/// Half-lives of touches where none is given.
pub(super) const HALF_LIFE: Period = Period { amount: 7, unit: Unit::Day };

/// Resolves every model; `milestones` are the names that places may use.
pub(super) fn models(spec: &Attribution, milestones: &[String], place: Place, diags: &mut Diagnostics) -> Vec<Model> {
    if spec.models.is_empty() {
        let message = "an attribution needs at least one model";
        let hint = "write `models: [first_touch, last_touch, linear]`";
        diags.push(Diagnostic::error(codes::INVALID_VALUE, place, message).hint(hint));
    }
    let mut seen: Vec<(String, Place)> = Vec::new();
    let mut models = Vec::new();
    for written in &spec.models {
        let Some(model) = model(written, milestones, diags) else { continue };
        if let Some((_, first)) = seen.iter().find(|(name, _)| *name == model.name) {
            let message = format!("two models are called `{}`", model.name);
            let twice = Diagnostic::error(codes::DUPLICATE_MODEL, written.place, message);
            diags.push(twice.related(*first, "the first one").hint("give one of them a `name`"));
        }
        seen.push((model.name.clone(), written.place));
        models.push(model);
    }
    if !models.is_empty() && !models.iter().any(Model::adds_up) {
        let message = "no model shares credit out, so nothing proves that conversions are complete";
        let hint = "add one beside `participation`, as `linear`";
        diags.push(Diagnostic::error(codes::INVALID_VALUE, place, message).hint(hint));
    }
    models
}

fn model(written: &Spanned<ModelSpec>, milestones: &[String], diags: &mut Diagnostics) -> Option<Model> {
    let spec = &written.value;
    let Some(how) = spec.how.as_ref().filter(|_| !spec.extra) else {
        let message = "a model says exactly one of `model`, `time_decay`, `position`, `markov`, `shapley`";
        diags.push(Diagnostic::error(codes::INVALID_VALUE, written.place, message));
        return None;
    };
    let reader = Reader { milestones, place: written.place };
    let (word, rule, learns) = match how {
        How::Known(name) => reader.known(name, diags)?,
        How::TimeDecay(decay) => {
            let half_life = decay.half_life.as_ref().map_or(HALF_LIFE, |period| period.value);
            let place = decay.half_life.as_ref().map_or(written.place, |period| period.place);
            (format!("time_decay, half-life {half_life}"), reader.decay(half_life, place, diags)?, None)
        }
        How::Position(places) => (String::from("position"), reader.position(places, diags)?, None),
        How::Markov(markov) => {
            let order = markov.order.as_ref().map_or(1, |order| order.value);
            if let Some(wrong) = markov.order.as_ref().filter(|order| !(1..=3).contains(&order.value)) {
                let message = format!("a chain of order {wrong} is not known: it is 1, 2 or 3");
                diags.push(Diagnostic::error(codes::INVALID_VALUE, wrong.place, message));
                return None;
            }
            let chain = Chain::new(order, markov.repeats, markov.min_journeys);
            (format!("markov, order {order}"), learned(), Some(Learns::Markov(chain)))
        }
        How::Shapley(shapley) => {
            let ordered = shapley.ordered;
            let learns = match shapley.value {
                ShapleyValue::Conversions => Learns::ShapleyConversions { ordered },
                ShapleyValue::Rate => Learns::ShapleyRate { ordered },
            };
            (String::from("shapley"), learned(), Some(learns))
        }
    };
    let name = match &spec.name {
        Some(name) => name.value.as_str().to_string(),
        None => word.split(',').next().unwrap_or_default().replace('@', "_"),
    };
    const LONGEST: usize = 48;
    if name.len() > LONGEST {
        let message =
            format!("the name `{name}` is too long: columns are made of it, so {LONGEST} letters are the most");
        diags.push(Diagnostic::error(codes::INVALID_VALUE, written.place, message));
        return None;
    }
    Some(Model { name, written: word, rule, learns, place: written.place })
}

/// Until the run has learned effects, every channel counts the same.
fn learned() -> Rule {
    Rule::ByChannel(ByChannel { effects: None })
}

struct Reader<'a> {
    milestones: &'a [String],
    place: Place,
}

impl Reader<'_> {
    fn known(&self, name: &str, diags: &mut Diagnostics) -> Option<(String, Rule, Option<Learns>)> {
        let Some(known) = KNOWN.iter().find(|known| known.name == name) else {
            let message = format!("there is no model `{name}`");
            let names = KNOWN.iter().map(|known| known.name);
            let hint = format!("known are {}", names.clone().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", "));
            let unknown = Diagnostic::error(codes::UNKNOWN_MODEL, self.place, message).hint(hint);
            diags.push(unknown.did_you_mean(name, names));
            return None;
        };
        let word = known.name.to_string();
        Some(match known.shape {
            Shape::First => (word, Rule::First, None),
            Shape::Last => (word, Rule::Last, None),
            Shape::LastNonDirect => (word, Rule::LastNonDirect, None),
            Shape::Linear => (word, Rule::Linear, None),
            Shape::Participation => (word, Rule::Participation, None),
            Shape::TimeDecay => {
                (format!("time_decay, half-life {HALF_LIFE}"), self.decay(HALF_LIFE, self.place, diags)?, None)
            }
            Shape::Markov => {
                let chain = Chain::new(1, Repeats::default(), None);
                (String::from("markov, order 1"), learned(), Some(Learns::Markov(chain)))
            }
            Shape::Shapley => (word, learned(), Some(Learns::ShapleyConversions { ordered: false })),
            Shape::Position(places, others, among, absent) => {
                let total: u64 = others + places.iter().map(|(_, share)| share).sum::<u64>();
                let part = |share: u64| share * WHOLE / total.max(1);
                let slots: Option<Vec<(Slot, u64)>> = places
                    .iter()
                    .map(|(place, share)| Some((self.slot(place, self.place, name, diags)?, part(*share))))
                    .collect();
                (word, Rule::Position(Position { slots: slots?, others: part(others), among, absent }), None)
            }
        })
    }

    fn decay(&self, half_life: Period, place: Place, diags: &mut Diagnostics) -> Option<Rule> {
        match half_life.micros().filter(|micros| *micros > 0) {
            Some(micros) => Some(Rule::TimeDecay(Decay::new(micros))),
            None => {
                let message = format!("`{half_life}` has no fixed length to halve weights by");
                let hint = "write it in hours, days or weeks, above 0";
                diags.push(Diagnostic::error(codes::INVALID_VALUE, place, message).hint(hint));
                None
            }
        }
    }

    /// A place by its word; `closed` is the last touch where no milestone has that name.
    fn slot(&self, word: &str, place: Place, of: &str, diags: &mut Diagnostics) -> Option<Slot> {
        let milestone = || self.milestones.iter().position(|name| name == word).map(Slot::Milestone);
        let slot = match word {
            "first" => Some(Slot::First),
            "second" => Some(Slot::Second),
            "second_last" => Some(Slot::SecondLast),
            "last" => Some(Slot::Last),
            "closed" => milestone().or(Some(Slot::Last)),
            _ => milestone(),
        };
        if slot.is_none() {
            let message = format!("`{of}` has a share for `{word}`, which is not a milestone of this model");
            let hint = match word {
                "opportunity_created" => "give `conversions.created_at`, or declare it under `milestones`".to_string(),
                _ => format!(
                    "declare it, as in `milestones: {{{word}: {{from: people, person: person_id, at: created_at}}}}`"
                ),
            };
            let places = ["first", "second", "second_last", "last", "others", "between"];
            let words = self.milestones.iter().map(String::as_str).chain(places);
            diags.push(Diagnostic::error(codes::UNKNOWN_PLACE, place, message).hint(hint).did_you_mean(word, words));
        }
        slot
    }

    fn position(
        &self,
        places: &indexmap::IndexMap<Spanned<String>, Spanned<super::model_spec::Percent>>,
        diags: &mut Diagnostics,
    ) -> Option<Rule> {
        let mut position = Position { slots: Vec::new(), others: 0, among: Among::All, absent: Absent::Renormalise };
        let (mut sum, mut understood, mut rest) = (0u64, true, None);
        for (word, share) in places {
            sum += u64::from(share.value.0);
            let among = match word.as_str() {
                "others" => Some(Among::All),
                "between" => Some(Among::Between),
                _ => None,
            };
            match among {
                Some(_) if rest.is_some() => {
                    let message = "a position has either `others` or `between`, not both";
                    diags.push(Diagnostic::error(codes::INVALID_VALUE, word.place, message));
                    understood = false;
                }
                Some(among) => {
                    rest = Some(word.place);
                    (position.others, position.among) = (u64::from(share.value.0), among);
                }
                None => match self.slot(word.as_str(), word.place, "position", diags) {
                    Some(slot) => position.slots.push((slot, u64::from(share.value.0))),
                    None => understood = false,
                },
            }
        }
        if sum != WHOLE {
            let made = super::model_spec::Percent(u32::try_from(sum).unwrap_or(u32::MAX));
            let message = format!("the shares make {made}, not 100 %");
            let hint =
                "change them until they do; shares of places that nobody holds are spread over the rest by themselves";
            diags.push(Diagnostic::error(codes::SHARES_NOT_WHOLE, self.place, message).hint(hint));
            understood = false;
        }
        if understood && position.slots.iter().all(|(_, share)| *share == 0) {
            let message = "no place has a share, so all touches would get the same";
            let hint = "use `linear`, or give a place a share";
            diags.push(Diagnostic::error(codes::IMPOSSIBLE_PLACE, self.place, message).hint(hint));
            understood = false;
        }
        understood.then_some(Rule::Position(position))
    }
}

/// The column that holds a model's weights in the wide layout.
pub(super) fn weight_column(model: &str) -> ColumnName {
    ColumnName::new_unchecked("weight").with_suffix(&format!("_{model}"))
}

/// The column that holds a model's amounts in the wide layout.
pub(super) fn amount_column(model: &str) -> ColumnName {
    ColumnName::new_unchecked("amount").with_suffix(&format!("_{model}"))
}
