//! The spec against the tables it reads: every expression typed, every name found.

use datafusion::logical_expr::Expr;

use super::emit::Shape;
use super::lint;
use super::milestones::{Milestone, milestones};
use super::models::{self, Learns, Model};
use super::places;
use super::spec::{Anonymous, Attribution, Conversions, NullAmount, RoleMode, Touches};
use super::spend::{self, ResolvedSpend};
use super::typing::{Kept, Typing};
use super::weights::Rule;
use super::window::Reach;
use crate::diag::{Diagnostic, Diagnostics, codes};
use crate::engine::local_day::{first_instant, last_instant};
use crate::kinds::Scope;
use crate::kinds::typing::{Promise, instant_type, transpose, view_type};
use crate::syntax::{ExprText, Period, TableName, Unit};

/// How touches find their conversions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joining {
    /// Both name the same entity.
    Direct,
    /// Touches are people's; the conversion is their account's.
    Account,
    /// People have a role in the conversion.
    Roles,
    /// People have a role; where nobody has, the account's people count.
    Hybrid,
}

/// A model of this kind in which every name means something.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) joining: Joining,
    pub(super) conversions: ResolvedConversions,
    pub(super) touches: ResolvedTouches,
    /// Person and account.
    pub(super) people: Option<Pair>,
    /// Conversion and person.
    pub(super) roles: Option<Pair>,
    /// Record and id.
    pub(super) crosswalk: Option<Pair>,
    pub(super) milestones: Vec<Milestone>,
    pub(super) models: Vec<Model>,
    pub(super) reach: Reach,
    pub(super) direct: Vec<String>,
    pub(super) spend: Option<ResolvedSpend>,
    pub(super) promises: Promises,
    /// Decimals of amounts, where there are amounts.
    pub(super) scale: Option<i8>,
}

/// What is known of the columns that several expressions make.
#[derive(Debug, Default)]
pub(super) struct Promises {
    /// Whose touches: a person, or the entity itself.
    pub(super) person: Promise,
    /// Who converts.
    pub(super) account: Promise,
    pub(super) conversion: Promise,
    pub(super) touch: Promise,
    pub(super) converted_at: Promise,
    pub(super) created_at: Promise,
    pub(super) touched_at: Promise,
    pub(super) channel: Promise,
    pub(super) campaign: Promise,
    pub(super) amount: Promise,
    pub(super) currency: Promise,
    pub(super) milestones: Promise,
}

#[derive(Debug)]
pub(super) struct ResolvedConversions {
    pub(super) table: TableName,
    pub(super) filter: Option<Expr>,
    pub(super) id: Expr,
    pub(super) entity: Option<Expr>,
    pub(super) at: Expr,
    pub(super) created: Option<Expr>,
    pub(super) amount: Option<Expr>,
    pub(super) null_amount: NullAmount,
    pub(super) currency: Option<Expr>,
    pub(super) converted: Option<Expr>,
    pub(super) keep: Vec<Kept>,
}

#[derive(Debug)]
pub(super) struct ResolvedTouches {
    pub(super) table: TableName,
    pub(super) filter: Option<Expr>,
    pub(super) id: Expr,
    pub(super) entity: Expr,
    pub(super) at: Expr,
    pub(super) channel: Expr,
    pub(super) campaign: Option<Expr>,
    pub(super) priority: Option<Expr>,
    pub(super) exclude: Vec<(String, Expr)>,
    pub(super) anonymous: Anonymous,
    pub(super) keep: Vec<Kept>,
}

/// Two keys of a table that belong together.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) table: TableName,
    pub(super) filter: Option<Expr>,
    pub(super) left: Expr,
    pub(super) right: Expr,
}

/// The longest time before a conversion that touches count, where none is said.
const LOOKBACK: Period = Period { amount: 90, unit: Unit::Day };

/// Types the whole spec; mistakes go to `diags`.
pub(super) fn resolve(spec: &Attribution, scope: &Scope<'_>, diags: &mut Diagnostics) -> Option<Resolved> {
    let mut promises = Promises::default();
    let joining = joining(spec, diags);
    let conversions = conversions(&spec.conversions, scope, &mut promises, diags);
    let touches = touches(&spec.touches, scope, &mut promises, diags);
    let pairs = Pairs { scope };
    let people = spec.people.as_ref().map(|people| {
        let (left, right) = ((&people.person, &mut promises.person), (&people.account, &mut promises.account));
        pairs.read(&people.from, None, left, right, diags)
    });
    let roles = spec.roles.as_ref().map(|roles| {
        let (left, right) = ((&roles.conversion, &mut promises.conversion), (&roles.person, &mut promises.person));
        pairs.read(&roles.from, roles.filter.as_ref(), left, right, diags)
    });
    let crosswalk = spec.crosswalk.as_ref().map(|crosswalk| {
        let mut id = Promise::default();
        let pair = pairs.read(
            &crosswalk.from,
            None,
            (&crosswalk.record, &mut promises.person),
            (&crosswalk.id, &mut id),
            diags,
        );
        promises.person.merge(&id);
        pair
    });
    let milestones = milestones(spec, scope, &mut promises, diags);
    let names: Vec<String> = milestones.iter().flatten().map(|milestone| milestone.name.clone()).collect();
    let models = models::models(spec, &names, scope.place, diags);
    let spend = spec.spend.as_ref().map(|spend| spend::resolve(spend, spec, scope, diags));
    if joining == Some(Joining::Direct) {
        let account = promises.account.clone();
        promises.person.merge(&account);
        promises.account = promises.person.clone();
    }
    let reach = reach(spec, &models, diags);
    lint::names(spec, diags);
    places::lint(spec, &models, diags);
    let (conversions, scale) = conversions?;
    Some(Resolved {
        joining: joining?,
        conversions,
        touches: touches?,
        people: transpose(people)?,
        roles: transpose(roles)?,
        crosswalk: transpose(crosswalk)?,
        milestones: milestones?,
        models,
        reach: reach?,
        direct: spec.direct.as_ref().map_or_else(|| vec!["Direct".to_string()], |words| words.0.clone()),
        spend: transpose(spend)?,
        promises,
        scale,
    })
}

/// What is known of how touches and conversions meet; what is missing for it is reported.
fn joining(spec: &Attribution, diags: &mut Diagnostics) -> Option<Joining> {
    let from = &spec.conversions.from;
    let mode = spec.roles.as_ref().map(|roles| roles.mode);
    let missing = |place, what: &str, why: &str, hint: &str, diags: &mut Diagnostics| {
        let message = format!("`{what}` is missing: {why}");
        diags.push(Diagnostic::error(codes::NOBODY_JOINED, place, message).hint(hint));
    };
    let before = diags.len();
    let needs_people = mode.filter(|mode| mode.value != RoleMode::Explicit);
    if let Some(mode) = needs_people.filter(|_| spec.people.is_none()) {
        let why = "it says which people belong to the conversion's account";
        missing(
            mode.place,
            "people",
            why,
            "add `people: {from: contacts, person: contact_id, account: account_id}`",
            diags,
        );
    }
    let explicit = mode.is_some_and(|mode| mode.value == RoleMode::Explicit);
    if !explicit && spec.conversions.entity.is_none() {
        let why = "without it nobody knows whose touches count";
        missing(from.place, "entity", why, "say who converted, or who took part with `roles`", diags);
    }
    if let Some(people) = spec.people.as_ref().filter(|_| explicit) {
        let message = "`people` is not looked at where `roles` are explicit";
        let hint = "remove it, or set `mode: hybrid`";
        diags.push(Diagnostic::error(codes::NOBODY_JOINED, people.from.place, message).hint(hint));
    }
    let joining = match mode.map(|mode| mode.value) {
        Some(RoleMode::Explicit) => Joining::Roles,
        Some(RoleMode::Hybrid) => Joining::Hybrid,
        Some(RoleMode::Implicit) => Joining::Account,
        None if spec.people.is_some() => Joining::Account,
        None => Joining::Direct,
    };
    (diags.len() == before).then_some(joining)
}

fn conversions(
    spec: &Conversions,
    scope: &Scope<'_>,
    promises: &mut Promises,
    diags: &mut Diagnostics,
) -> Option<(ResolvedConversions, Option<i8>)> {
    let typing = Typing::new(scope, &spec.from, diags)?;
    let filter = spec.filter.as_ref().map(|text| typing.condition(text, diags));
    let id = typing.key(&spec.id, &mut promises.conversion, diags);
    let entity = spec.entity.as_ref().map(|text| typing.key(text, &mut promises.account, diags));
    let at = typing.instant(&spec.at, last_instant, &mut promises.converted_at, diags);
    let created =
        spec.created_at.as_ref().map(|text| typing.instant(text, last_instant, &mut promises.created_at, diags));
    let amount = spec.amount.as_ref().map(|text| typing.amount(text, &mut promises.amount, diags));
    let currency = spec.currency.as_ref().map(|text| typing.text(text, &mut promises.currency, diags));
    let converted = spec.converted.as_ref().map(|text| typing.condition(text, diags));
    let keep: Vec<Option<Kept>> = spec.keep.iter().map(|(name, text)| typing.kept(name, text, diags)).collect();
    if let Some(currency) = spec.currency.as_ref().filter(|_| spec.amount.is_none()) {
        let message = "`currency` says nothing without an `amount`";
        diags.push(Diagnostic::error(codes::INVALID_VALUE, currency.place, message));
    }
    let amount = transpose(amount)?;
    // Cents are the least that amounts are told in, whatever the input says.
    let scale = amount.as_ref().map(|(_, scale)| (*scale).max(2));
    let resolved = ResolvedConversions {
        table: spec.from.value.clone(),
        filter: transpose(filter)?,
        id: id?,
        entity: transpose(entity)?,
        at: at?,
        created: transpose(created)?,
        amount: amount.map(|(amount, _)| amount),
        null_amount: spec.null_amount,
        currency: transpose(currency)?,
        converted: transpose(converted)?,
        keep: keep.into_iter().collect::<Option<_>>()?,
    };
    Some((resolved, scale))
}

fn touches(
    spec: &Touches,
    scope: &Scope<'_>,
    promises: &mut Promises,
    diags: &mut Diagnostics,
) -> Option<ResolvedTouches> {
    let typing = Typing::new(scope, &spec.from, diags)?;
    let filter = spec.filter.as_ref().map(|text| typing.condition(text, diags));
    let id = typing.key(&spec.id, &mut promises.touch, diags);
    let entity = typing.key(&spec.entity, &mut promises.person, diags);
    let at = typing.instant(&spec.at, first_instant, &mut promises.touched_at, diags);
    let channel = typing.text(&spec.channel, &mut promises.channel, diags);
    let campaign = spec.campaign.as_ref().map(|text| typing.text(text, &mut promises.campaign, diags));
    let priority = spec.priority.as_ref().map(|text| typing.number(text, diags));
    let exclude: Vec<Option<(String, Expr)>> = spec
        .exclude
        .iter()
        .map(|(name, text)| Some((name.value.as_str().to_string(), typing.condition(text, diags)?)))
        .collect();
    let keep: Vec<Option<Kept>> = spec.keep.iter().map(|(name, text)| typing.kept(name, text, diags)).collect();
    Some(ResolvedTouches {
        table: spec.from.value.clone(),
        filter: transpose(filter)?,
        id: id?,
        entity: entity?,
        at: at?,
        channel: channel?,
        campaign: transpose(campaign)?,
        priority: transpose(priority)?,
        exclude: exclude.into_iter().collect::<Option<_>>()?,
        anonymous: spec.anonymous,
        keep: keep.into_iter().collect::<Option<_>>()?,
    })
}

struct Pairs<'a> {
    scope: &'a Scope<'a>,
}

impl Pairs<'_> {
    fn read(
        &self,
        table: &crate::syntax::Spanned<TableName>,
        filter: Option<&ExprText>,
        left: (&ExprText, &mut Promise),
        right: (&ExprText, &mut Promise),
        diags: &mut Diagnostics,
    ) -> Option<Pair> {
        let typing = Typing::new(self.scope, table, diags)?;
        let filter = filter.map(|text| typing.condition(text, diags));
        let left = typing.key(left.0, left.1, diags);
        let right = typing.key(right.0, right.1, diags);
        Some(Pair { table: table.value.clone(), filter: transpose(filter)?, left: left?, right: right? })
    }
}

fn reach(spec: &Attribution, models: &[Model], diags: &mut Diagnostics) -> Option<Reach> {
    let lookback = spec.lookback.as_ref();
    let within = lookback.map_or(Some(LOOKBACK), |lookback| lookback.value.within);
    let fixed = |period: Period, place, diags: &mut Diagnostics| {
        let micros = period.micros().filter(|micros| *micros > 0);
        if micros.is_none() {
            let message = format!("`{period}` has no fixed length");
            let hint = "write it in minutes, hours, days or weeks, above 0";
            diags.push(Diagnostic::error(codes::INVALID_VALUE, place, message).hint(hint));
        }
        micros
    };
    let place = lookback.map_or(scope_place(spec), |lookback| lookback.place);
    let micros = within.map(|period| fixed(period, place, diags));
    let session = spec.session_gap.as_ref().map(|gap| fixed(gap.value, gap.place, diags));
    let touches = lookback.and_then(|lookback| lookback.value.touches);
    if touches == Some(0) {
        let message = "a journey of no touches gives nobody credit";
        diags.push(Diagnostic::error(codes::INVALID_VALUE, place, message).hint("look back on at least one touch"));
        return None;
    }
    let ends = |model: &Model| matches!(model.rule, Rule::First | Rule::Last | Rule::LastNonDirect);
    Some(Reach {
        micros: transpose(micros)?,
        touches: touches.map(|touches| touches as usize),
        ends_only: models.iter().all(ends),
        session_micros: transpose(session)?,
    })
}

fn scope_place(spec: &Attribution) -> crate::diag::Place {
    spec.conversions.from.place
}

impl Resolved {
    /// Whether any model's effects are written.
    pub(super) fn learns(&self) -> bool {
        self.models.iter().any(|model| model.learns.is_some())
    }

    /// Whether a model gives a conversion to several channels at once, so that not everything adds up.
    pub(super) fn overlaps(&self) -> bool {
        !self.models.iter().all(Model::adds_up)
    }

    /// Whether channels' effects must be known before credit is shared.
    pub(super) fn needs_effects(&self) -> bool {
        let needs = |learns: Learns| matches!(learns, Learns::Markov(_) | Learns::ShapleyRate { .. });
        self.models.iter().any(|model| model.learns.is_some_and(needs))
    }

    /// Whether people stand between touches and conversions.
    pub(super) fn has_people(&self) -> bool {
        self.joining != Joining::Direct
    }

    /// The ledger's columns.
    pub(super) fn shape(&self, spec: &Attribution) -> Shape {
        let Promises { person, account, conversion, touch, .. } = &self.promises;
        let column = |from: &str, to: &str, ty| (from.to_string(), to.to_string(), ty);
        let text = || view_type(crate::contract::ColumnType::Text);
        let mut before = vec![column("conversion_id", "conversion_id", conversion.arrow())];
        before.extend(self.conversions.entity.as_ref().map(|_| column("account", "entity_id", account.arrow())));
        before.push(column("at", "converted_at", instant_type()));
        let mut of_touch = vec![column("touch_id", "touch_id", touch.arrow())];
        of_touch.extend(self.has_people().then(|| column("person", "person_id", person.arrow())));
        of_touch.push(column("channel", "channel", text()));
        of_touch.extend(self.touches.campaign.as_ref().map(|_| column("campaign", "campaign", text())));
        let kept = |kept: &Kept, prefix: &str| {
            (format!("{prefix}_{}", kept.name), kept.name.as_str().to_string(), view_type(kept.ty))
        };
        of_touch.extend(self.touches.keep.iter().map(|k| kept(k, "t")));
        let mut after: Vec<_> = self.conversions.keep.iter().map(|k| kept(k, "c")).collect();
        after.extend(self.scale.map(|_| column("currency", "currency", text())));
        Shape {
            layout: spec.layout,
            models: self.models.iter().map(|model| model.name.clone()).collect(),
            scale: self.scale,
            merges: self.reach.session_micros.is_some(),
            version: spec.version.clone(),
            before,
            touch: of_touch,
            after,
        }
    }
}
