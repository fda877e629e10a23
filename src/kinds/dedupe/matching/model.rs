//! A trained model: what each finding weighs. Written as YAML that a person can review, read back
//! to be used as it is.

use serde::{Deserialize, Serialize};

use super::blocking::{BlockRule, Blocks};
use super::compare::{MAX_FIELDS, MAX_LEVELS};
use super::defaults;
use super::em::Estimate;
use super::kind::FieldKind;
use super::level::Test;
use super::records::Records;
use super::totals::Table;
use super::train::{TrainOptions, learn};
use super::weights::{MOST_MILLIBITS, MOST_PRIOR_MILLIBITS, prior, weight};
use crate::error::{Error, Result};

/// The version of the file that this program writes and reads.
pub const VERSION: u32 = 1;

/// What each finding weighs.
///
/// Frozen, it is used as the file says: the weights, not the probabilities, decide. What it takes
/// from the records of the day is only how frequent a value is, where a field asks for that.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The version of the file.
    pub version: u32,
    /// The probability that two records taken at random are of one person.
    pub lambda: f64,
    /// log2 of the odds of that against their having nothing to do with each other, in bits with three decimals.
    #[serde(with = "bits")]
    pub prior_bits: i32,
    /// Pairs of different people who live or work together; none where they are not told apart from others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub related: Option<Related>,
    /// The fields, in the order they are compared and shown.
    pub fields: Vec<ModelField>,
    /// Which pairs are compared: those that agree on one of these.
    #[serde(with = "texts")]
    pub blocking: Vec<BlockRule>,
    /// What the model was learnt from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trained: Option<Trained>,
}

/// How usual it is that two records are of different people who live or work together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Related {
    /// The probability that two records taken at random are.
    pub rho: f64,
    /// log2 of the odds of that against their having nothing to do with each other, in bits with three decimals.
    #[serde(with = "bits")]
    pub prior_bits: i32,
}

/// One field of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelField {
    /// The field's name.
    pub name: String,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether agreement on a rare value weighs more than on a common one.
    pub term_frequency: bool,
    /// From equal to different; the first whose condition holds counts.
    pub levels: Vec<Level>,
}

/// What one finding weighs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// The condition.
    #[serde(with = "text")]
    pub when: Test,
    /// log2(m / u) in bits with three decimals.
    #[serde(with = "bits")]
    pub bits: i32,
    /// How often true pairs are at this level.
    pub m: f64,
    /// How often other pairs are.
    pub u: f64,
    /// What it says of two records' being related, where such pairs are told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub related: Option<RelatedLevel>,
}

/// What one finding says of two records' being of different people who live or work together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelatedLevel {
    /// log2(r / u) in bits with three decimals.
    #[serde(with = "bits")]
    pub bits: i32,
    /// How often such pairs are at this level.
    pub r: f64,
}

/// What a model was learnt from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trained {
    /// Records.
    pub records: u64,
    /// Pairs that shared a block.
    pub blocked_pairs: u64,
    /// Matches expected among them.
    pub expected_matches: u64,
    /// Pairs of different people who are related, expected among them.
    #[serde(default)]
    pub expected_related: u64,
    /// Rounds of estimation.
    pub rounds: u32,
    /// Whether the estimate had settled by then.
    pub converged: bool,
    /// Start of the random numbers.
    pub seed: u64,
}

/// A field to be matched on, and its levels where they are declared.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldPlan {
    /// The field's name among the records.
    pub name: String,
    /// Its levels in order, without [`Test::Else`]; the kind's own where there are none.
    pub levels: Vec<Test>,
    /// Whether rare values weigh more; the kind's own where nothing is said.
    pub term_frequency: Option<bool>,
}

impl FieldPlan {
    /// The defaults of the field's kind.
    pub fn of(name: &str) -> Self {
        Self { name: name.to_string(), levels: Vec::new(), term_frequency: None }
    }
}

impl Model {
    /// Learns a model for `plans` from records that are blocked by `blocks`.
    ///
    /// # Errors
    ///
    /// A field that the records lack, more fields or levels than fit ([`MAX_FIELDS`], [`MAX_LEVELS`]).
    pub fn train(records: &Records, plans: &[FieldPlan], blocks: &[Blocks], options: &TrainOptions) -> Result<Self> {
        let fields = resolved(records, plans)?;
        if records.len() < 2 {
            return Err(Error::data(format!("a model cannot be learnt from {} records", records.len()))
                .with_hint("at least two are needed, and some hundreds to learn anything"));
        }
        let learnt = learn(records, &fields, blocks, options)?;
        let related = learnt.related.as_ref();
        let level = |place: usize, at: usize, when: Test| {
            let of = |table: &Table| table.get(place).and_then(|row| row.get(at)).copied();
            let (m, u) = (of(&learnt.matches.levels)?, of(&learnt.u)?);
            let related = related
                .and_then(|related| of(&related.levels))
                .map(|r| RelatedLevel { bits: weight(r, u), r: rounded(r) });
            Some(Level { when, bits: weight(m, u), m: rounded(m), u: rounded(u), related })
        };
        let levels = |(place, (_, tests)): (usize, &(usize, Vec<Test>))| -> Vec<Level> {
            tests.iter().enumerate().filter_map(|(at, when)| level(place, at, *when)).collect()
        };
        let fields = fields.iter().enumerate().zip(plans).filter_map(|(own, plan)| {
            let column = records.columns().get(own.1.0)?;
            Some(ModelField {
                name: column.name.clone(),
                kind: column.kind,
                term_frequency: plan.term_frequency.unwrap_or(column.kind.adjusts_for_frequency()),
                levels: levels(own),
            })
        });
        let others = learnt.others();
        Ok(Self {
            version: VERSION,
            lambda: rounded(learnt.matches.share),
            prior_bits: prior(learnt.matches.share, others),
            related: related.map(|class| Related { rho: rounded(class.share), prior_bits: prior(class.share, others) }),
            fields: fields.collect(),
            blocking: blocks.iter().map(|blocks| blocks.rule.clone()).collect(),
            trained: Some(trained(records, &learnt, options)),
        })
    }

    /// Whether the records are about people.
    pub fn is_of_people(&self) -> bool {
        FieldKind::are_of_people(self.fields.iter().map(|field| field.kind))
    }

    /// The fields that are each one's own, which tell related people apart.
    pub fn told_apart_by(&self) -> Vec<&str> {
        let of_people = self.is_of_people();
        self.fields.iter().filter(|field| field.kind.is_own(of_people)).map(|field| field.name.as_str()).collect()
    }

    /// Reads a model file.
    ///
    /// # Errors
    ///
    /// Text that is no model, or one that cannot be used: see [`Model::check`].
    pub fn from_yaml(text: &str) -> Result<Self> {
        let model: Self = serde_saphyr::from_str(text).map_err(|error| {
            Error::project(format!("the model file cannot be read: {error}"))
                .with_hint("train it again, or take the last version that worked")
        })?;
        model.check()?;
        Ok(model)
    }

    /// The model file.
    pub fn to_yaml(&self) -> Result<String> {
        serde_saphyr::to_string(self)
            .map_err(|error| Error::internal("a model cannot be written").with_source(error.to_string()))
    }

    /// Says whether the model can be used: its version, and for each field levels that end with
    /// `else` and weights that are no more than evidence can be.
    pub fn check(&self) -> Result<()> {
        let wrong = |message: String| Err(Error::project(format!("these weights cannot be used: {message}")));
        if self.version != VERSION {
            return wrong(format!("it is of version {}, this program reads version {VERSION}", self.version));
        }
        if self.fields.is_empty() || self.fields.len() > MAX_FIELDS {
            return wrong(format!("it has {} fields; 1 to {MAX_FIELDS} are possible", self.fields.len()));
        }
        if !(self.lambda > 0.0 && self.lambda < 1.0) || self.prior_bits.abs() > MOST_PRIOR_MILLIBITS {
            return wrong(format!(
                "`lambda` is a probability, more than 0 and less than 1, and `prior_bits` at most {} bits",
                MOST_PRIOR_MILLIBITS / 1_000
            ));
        }
        if let Some(related) = &self.related
            && (!(related.rho > 0.0 && related.rho < 1.0) || related.prior_bits.abs() > MOST_PRIOR_MILLIBITS)
        {
            return wrong(format!(
                "`rho` of `related` is a probability, more than 0 and less than 1, and its `prior_bits` at most {} bits",
                MOST_PRIOR_MILLIBITS / 1_000
            ));
        }
        for (at, field) in self.fields.iter().enumerate() {
            self.check_field(at, field).or_else(wrong)?;
        }
        Ok(())
    }

    /// What is wrong with a field, if anything.
    fn check_field(&self, at: usize, field: &ModelField) -> std::result::Result<(), String> {
        let wrong = |message: String| Err(message);
        let name = &field.name;
        if self.fields.iter().take(at).any(|before| before.name == *name) {
            return wrong(format!("it has the field `{name}` twice, which would count twice"));
        }
        let share = |share: f64| (0.0..=1.0).contains(&share);
        let r = |level: &Level| level.related.map_or(0.0, |related| related.r);
        let odd = |level: &&Level| ![level.m, level.u, r(level)].into_iter().all(share);
        if let Some(level) = field.levels.iter().find(odd) {
            return wrong(format!("`m`, `u` and `r` of `{}` of `{name}` are shares, from 0 to 1", level.when));
        }
        if let Some(level) = field.levels.iter().find(|level| level.related.is_some() != self.related.is_some()) {
            return wrong(format!(
                "`related` is said of the whole and of every finding, or of none; see `{}` of `{name}`",
                level.when
            ));
        }
        let elses = field.levels.iter().filter(|level| level.when == Test::Else).count();
        if field.levels.len() > MAX_LEVELS
            || elses != 1
            || field.levels.last().is_none_or(|level| level.when != Test::Else)
        {
            return wrong(format!(
                "`{name}` needs at most {MAX_LEVELS} levels, of which the last, and only that, is `else`"
            ));
        }
        let most = |level: &Level| level.bits.abs().max(level.related.map_or(0, |related| related.bits.abs()));
        if let Some(level) = field.levels.iter().find(|level| most(level) > MOST_MILLIBITS) {
            return wrong(format!("`{}` of `{name}` weighs more than {} bits", level.when, MOST_MILLIBITS / 1_000));
        }
        Ok(())
    }
}

fn trained(records: &Records, learnt: &Estimate, options: &TrainOptions) -> Trained {
    Trained {
        records: records.len() as u64,
        blocked_pairs: learnt.blocked_pairs.round() as u64,
        expected_matches: learnt.matches.pairs.round() as u64,
        expected_related: learnt.related.as_ref().map_or(0, |related| related.pairs.round() as u64),
        rounds: learnt.rounds,
        converged: learnt.converged,
        seed: options.seed,
    }
}

fn resolved(records: &Records, plans: &[FieldPlan]) -> Result<Vec<(usize, Vec<Test>)>> {
    if plans.is_empty() || plans.len() > MAX_FIELDS {
        return Err(Error::project(format!("{} fields to match on; 1 to {MAX_FIELDS} are possible", plans.len())));
    }
    plans.iter().map(|plan| one_resolved(records, plan)).collect()
}

fn one_resolved(records: &Records, plan: &FieldPlan) -> Result<(usize, Vec<Test>)> {
    let at = records.position(&plan.name);
    let column = at.and_then(|at| Some((at, records.columns().get(at)?)));
    let (at, column) =
        column.ok_or_else(|| Error::project(format!("there is no field `{}` to match on", plan.name)))?;
    let mut tests = plan.levels.clone();
    tests.retain(|test| *test != Test::Else);
    if tests.is_empty() {
        return Ok((at, defaults::levels(column.kind)));
    }
    tests.push(Test::Else);
    if tests.len() > MAX_LEVELS {
        return Err(Error::project(format!("`{}` has {} levels; {MAX_LEVELS} are possible", plan.name, tests.len())));
    }
    Ok((at, tests))
}

/// Six significant digits: enough to review, and no noise in a pull request.
fn rounded(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

/// A weight as bits with three decimals.
mod bits {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(millibits: &i32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(f64::from(*millibits) / 1_000.0)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
        let bits = f64::deserialize(deserializer)?;
        if !(-1_000.0..=1_000.0).contains(&bits) {
            return Err(serde::de::Error::custom(format!("{bits} bits is no weight")));
        }
        Ok((bits * 1_000.0).round() as i32)
    }
}

/// A condition as text.
mod text {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Test;

    pub(super) fn serialize<S: Serializer>(test: &Test, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(test)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Test, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Block rules as a list of texts.
mod texts {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::BlockRule;

    pub(super) fn serialize<S: Serializer>(rules: &[BlockRule], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(rules.iter().map(ToString::to_string))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<BlockRule>, D::Error> {
        let rules: Vec<String> = Vec::deserialize(deserializer)?;
        rules.iter().map(|rule| rule.parse().map_err(serde::de::Error::custom)).collect()
    }
}
